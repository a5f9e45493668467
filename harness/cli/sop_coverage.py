"""`samescore sop coverage`: what the locked cases show of procedures, as a table, JSON or HTML."""

from __future__ import annotations

import json
from enum import StrEnum
from importlib import import_module
from typing import Annotated, Any

from typer import Option

from samescore.harness.cli.choices import SplitName
from samescore.harness.cli.procedures import Criterion, Names, procedures
from samescore.harness.counted import counted
from samescore.harness.errors import UsageError


class Format(StrEnum):
    """How coverage is shown."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


def coverage_command(
    names: Names = None,
    criterion: Annotated[Criterion, Option(help="What the cases should show.")] = Criterion.MCDC,
    split: Annotated[SplitName, Option(help="Whose locked cases.")] = SplitName.EVAL,
    form: Annotated[
        Format | None, Option("--format", help="html is a section for a page, without scripts.", show_default="table")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Show which branches and obligations the locked cases cover, and which are proven to be infeasible."""
    if as_json and form not in (None, Format.JSON):
        raise UsageError(f"--json and --format {form} ask for two things. Leave one out.")
    form = Format.JSON if as_json else form or Format.TABLE
    locks, covers = import_module("samescore.suites.sop.lock"), import_module("samescore.suites.sop.coverage")
    reports: dict[str, Any] = {}
    named = list(procedures(names))
    # All locks are checked before the first line is printed: half of a page is worse than none.
    for sop, world in named:
        locks.check_lock(sop.path, sop.phrases, world, split.value)
    for sop, world in named:
        cases = locks.read_lock(locks.lock_path(sop.path, split.value), world)
        facts = [case.facts for case in cases]
        seen = covers.coverage(sop, facts, criterion.value)
        if form is Format.TABLE:
            print(sop.path)
            _print_table(
                f"{sop.world}/{sop.name}: {counted(len(cases), f'{split.value} case')}, {criterion.value}", seen
            )
        elif form is Format.HTML:
            html = import_module("samescore.suites.sop.coverage_html").coverage_html
            print(html(sop, seen, facts, split.value), end="")
        reports[f"{sop.world}/{sop.name}"] = {
            "file": str(sop.path),
            "split": split.value,
            "cases": len(cases),
            **seen.to_json(),
        }
    if form is Format.JSON:
        print(json.dumps(reports, ensure_ascii=False))


def _print_table(title: str, seen: Any) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    kinds = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("obligations", "covered", "uncovered", "infeasible"):
        kinds.add_column(heading, justify="left" if heading == "obligations" else "right")
    for kind, tally in {**seen.kinds, "all": seen.total}.items():
        style = "bold" if kind == "all" else "red" if tally.uncovered else ""
        kinds.add_row(kind, str(tally.covered), str(tally.uncovered), str(tally.infeasible), style=style)
    console.print(kinds)
    infeasible = {obligation.id.partition(":")[2] for obligation in seen.infeasible if obligation.kind == "branch"}
    branches = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    branches.add_column("branch", overflow="fold")
    branches.add_column("cases", justify="right")
    for branch, count in seen.branches.items():
        style = "dim" if branch in infeasible else "" if count else "red"
        branches.add_row(branch, "infeasible" if branch in infeasible else str(count), style=style)
    console.print(branches)
    for word, rest in (("uncovered", seen.uncovered), ("infeasible", seen.infeasible)):
        for obligation in rest:
            console.print(f"{word}  line {obligation.line}  {obligation.description}", markup=False, highlight=False)
