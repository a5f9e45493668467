"""`samescore sop graph`: a procedure as a picture, coloured by what cases try or by how well a run did."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from samescore.harness.cli.choices import SplitName
from samescore.harness.cli.errors import say
from samescore.harness.cli.procedures import files
from samescore.harness.counted import counted
from samescore.harness.errors import UsageError
from samescore.harness.files import write_text

if TYPE_CHECKING:
    from samescore.harness.environment import World


class Format(StrEnum):
    """How the graph is written."""

    MERMAID = "mermaid"
    SVG = "svg"


SUFFIXES = {".svg": Format.SVG, ".mmd": Format.MERMAID, ".md": Format.MERMAID}
"""What the name of a file ends in, and what is written into it."""


def graph_command(
    name: Annotated[str, typer.Argument(metavar="NAME|PATH", help="A procedure such as refund, or its file.")],
    form: Annotated[
        Format | None, Option("--format", help="How to write it.", show_default="what --out ends in, else mermaid")
    ] = None,
    out: Annotated[Path | None, Option(metavar="FILE", help="Where to write it.", show_default="stdout")] = None,
    split: Annotated[SplitName, Option(help="Whose locked cases are counted.")] = SplitName.EVAL,
    run: Annotated[
        Path | None, Option(metavar="RUN", help="The directory of a run: colours say how well it did.")
    ] = None,
) -> None:
    """Draw a procedure: each step and way with the cases that pass it, or with the successes of a run there."""
    form = _form(form, out)
    named = files([name])
    if len(named) != 1:
        paths = ", ".join(str(file.path) for file in named)
        raise UsageError(f"{name} has {len(named)} procedures ({paths}). Name one: samescore sop graph FILE")
    sop, world = named[0].read()
    marks = _of_cases(sop, world, split.value) if run is None else _of_run(sop, run)
    drawn = import_module("samescore.suites.sop.graph").graph(sop)
    module = import_module(f"samescore.suites.sop.{form.value}")
    text = module.svg(drawn, marks) if form is Format.SVG else module.mermaid(drawn, marks)
    if out is None:
        print(text, end="")
        return
    write_text(out, text)
    say(f"{out}: {counted(len(drawn.nodes), 'step')}, {counted(len(drawn.edges), 'way')}")


def _form(form: Format | None, out: Path | None) -> Format:
    """What is written: what was said, else what the name of the file says.

    Raises:
        UsageError: the name of the file says nothing that is known, or something else than was said.
    """
    if out is None:
        return form or Format.MERMAID
    meant = SUFFIXES.get(out.suffix.lower())
    if meant is None or form not in (None, meant):
        wanted = ", ".join(f"{suffix} ({one})" for suffix, one in SUFFIXES.items() if form in (None, one))
        raise UsageError(f"--out {out}: expected a name that ends in {wanted}. Name another file.")
    return meant


def _of_cases(sop: Any, world: World, split: str) -> Any:
    locks, marks = import_module("samescore.suites.sop.lock"), import_module("samescore.suites.sop.marks")
    path = locks.lock_path(sop.path, split)
    if not path.exists():
        say(f"{path}: no cases are locked yet, so nothing is coloured. Lock some: samescore sop lock {sop.path}")
        return marks.unmarked("no cases yet")
    locks.check_lock(sop.path, sop.phrases, world, split)
    cases = locks.read_lock(path, world)
    return marks.tried(sop, [case.facts for case in cases], counted(len(cases), f"{split} case"))


def _of_run(sop: Any, directory: Path) -> Any:
    """Scored from the run's evidence, as `samescore score` does; what has no score is counted apart."""
    from samescore.harness.cli.loading import cases_of, suites_of, worlds_of
    from samescore.harness.rescore import rescore
    from samescore.harness.results import SUCCESS
    from samescore.harness.run import Run

    run = Run.open(directory)
    suites = suites_of(run, [])
    suite = f"sop/{sop.name}"
    cases = (case for case in cases_of(suites) if (case.world, case.suite) == (sop.world, suite))
    facts = {case.id: case.facts for case in cases}
    planned = [item for item in run.due.items() if item.case in facts]
    if not planned:
        procedures = ", ".join(sorted({case.suite for case in run.plan.cases}))
        raise UsageError(f"{directory}: this run has no cases of {suite} in {sop.world}; it has {procedures}.")
    scores = {
        (one.record.case, one.record.epoch): one.scores[SUCCESS].value
        for one in rescore(run, suites, worlds_of(suites))
        if one.scores is not None
    }
    marks = import_module("samescore.suites.sop.marks")
    outcomes = [marks.Outcome(facts[item.case], scores.get((item.case, item.epoch))) for item in planned]
    missing = sum(outcome.success is None for outcome in outcomes)
    aside = f", {missing} without a score" if missing else ""
    return marks.scored(sop, outcomes, f"success of {run.manifest.model}, {counted(len(planned), 'rollout')}{aside}")
