"""`samescore runs`: keep runs with an index, promote one to baseline, and watch what baselines lose over time."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

if TYPE_CHECKING:
    from samescore.harness.registry import Entry, Promotion, Registry, State
    from samescore.harness.registry.drift import Drift
    from samescore.harness.results import Metric

app = typer.Typer(no_args_is_help=True, help="Keep runs, promote one to baseline, and watch what baselines lose.")

Folder = Annotated[
    Path | None,
    Option("--registry", metavar="DIR", help="The registry's folder.", show_default="SAMESCORE_REGISTRY, or runs"),
]
Branch = Annotated[str | None, Option("--branch", metavar="NAME", help="A branch of the repository.")]
ThisBranch = Annotated[
    str | None,
    Option(
        "--branch",
        metavar="NAME",
        help="The branch of the repository that the adapter is of.",
        show_default="the one that CI is at work on, or that is checked out",
    ),
]
Suites = Annotated[list[str] | None, Option("--suite", metavar="NAME", help="A suite; may be repeated.")]
Model = Annotated[str | None, Option("--model", metavar="NAME", help="A model, without its adapter.")]
Json = Annotated[bool, Option("--json", help="Print one JSON object.")]


@app.callback()
def runs() -> None:
    """Keep runs, promote one to baseline, and watch what baselines lose."""


@app.command("add")
def add_command(
    directories: Annotated[list[Path], Argument(metavar="RUN...", help="Directories of complete runs.")],
    registry: Folder = None,
    branch: ThisBranch = None,
) -> None:
    """Enter runs into the registry; those that lie elsewhere are copied into its folder."""
    from samescore.harness.cli.printable import printable
    from samescore.harness.registry import Checkout

    found, checkout = _registry(registry), Checkout.at_hand(branch)
    for directory in directories:
        entry = found.add(directory, checkout, lambda line: print(printable(line)))
        print(printable(f"{found.directory(entry)}: run {entry.number}, {_described(entry)}"))


@app.command("list")
def list_command(
    registry: Folder = None,
    suite: Annotated[str | None, Option(metavar="NAME", help="Only runs with this suite.")] = None,
    model: Model = None,
    adapter: Annotated[str | None, Option(metavar="NAME", help="Only runs of this adapter.")] = None,
    branch: Branch = None,
    as_json: Json = False,
) -> None:
    """Show the runs of the registry, what they scored, which are baselines, and which are not as they were."""
    found = _registry(registry)
    entries = found.entries(suite=suite, model=model, adapter=adapter, branch=branch)
    notes = _notes(found)
    if as_json:
        print(json.dumps({"runs": [_entry_json(found, entry, notes) for entry in entries]}, ensure_ascii=False))
    else:
        _print(found, entries, notes)


@app.command("promote")
def promote_command(
    run: Annotated[str, Argument(metavar="RUN", help="A run of the registry, by its directory or its number.")],
    registry: Folder = None,
    branch: Annotated[
        str | None,
        Option(metavar="NAME", help="The branch whose baseline it becomes.", show_default="the run's own"),
    ] = None,
    anchor: Annotated[
        bool,
        Option(
            "--anchor",
            help="Watch later baselines against this run: its cases are others, or a loss was decided on. The first "
            "run of all is the anchor anyway.",
        ),
    ] = False,
) -> None:
    """Make a run the baseline for its suites and its model on a branch."""
    from samescore.harness.cli.errors import say
    from samescore.harness.cli.printable import printable
    from samescore.harness.run import Run

    found = _registry(registry)
    promotion = found.promote(run, branch, anchor=anchor)
    where = found.directory(promotion.entry)
    print(printable(f"{where}: the baseline of {promotion.line}{', and the anchor' if promotion.anchor else ''}"))
    if (limit := Run.open(where).plan.limit) is not None:
        say(
            f"note: this baseline is a part of the suite only: it was evaluated with --limit {limit}. Only candidates "
            "with the same cases can be compared with it."
        )
    if not promotion.anchor:
        option = "" if registry is None else f" --registry {shlex.quote(str(registry))}"
        print(f"next:\n  samescore runs drift{option}")


@app.command("baseline")
def baseline_command(
    candidate: Annotated[
        Path | None, Argument(metavar="[RUN]", help="A candidate: its suites and its model are meant.")
    ] = None,
    registry: Folder = None,
    branch: Branch = None,
    suite: Suites = None,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Print the directory of a baseline, such as for `samescore gate CANDIDATE "$(samescore runs baseline ...)"`."""
    found = _registry(registry)
    line = found.line(**_wanted(candidate, branch, suite, model))
    promotion = found.baseline(line)
    if as_json:
        said = {"suites": list(line.suites), "model": line.model, "branch": line.branch}
        baselines = {
            "baseline": _promotion_json(found, promotion),
            "anchor": _promotion_json(found, found.anchor(line)),
        }
        print(json.dumps({**said, **baselines}, ensure_ascii=False))
    else:
        print(found.directory(promotion.entry))


@app.command("drift")
def drift_command(
    registry: Folder = None,
    branch: Branch = None,
    suite: Suites = None,
    model: Model = None,
    policy: Annotated[Path | None, Option(metavar="FILE", help="What is asked, a gate.toml, as for the gate.")] = None,
    at: Annotated[
        list[str] | None, Option(metavar="PATH", help="Where a suite is now, if a run must be scored again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge each newest baseline against its anchor: small losses, each too small for the gate, add up."""
    from samescore.harness.errors import ExitCode
    from samescore.harness.gate.policy import DEFAULT, load_policy
    from samescore.harness.registry.drift import drift

    found = _registry(registry)
    lines = found.lines(suites=suite or (), model=model, branch=branch)
    if not lines:  # then asking for one says what there is
        lines = (found.line(suites=suite or (), model=model, branch=branch),)
    judged_by = DEFAULT if policy is None else load_policy(policy)
    drifts = [drift(found, line, judged_by, at or ()) for line in lines]
    code = ExitCode.worst([one.verdict.exit for one in drifts if one.verdict is not None])
    if as_json:
        print(json.dumps({"drift": [_drift_json(found, one) for one in drifts], "exit": int(code)}, ensure_ascii=False))
    else:
        for one in drifts:
            _print_drift(found, one)
    raise typer.Exit(int(code))


def _registry(folder: Path | None) -> Registry:
    from samescore.harness.registry import Registry, registry_folder

    return Registry(registry_folder(folder))


def _wanted(candidate: Path | None, branch: str | None, suites: list[str] | None, model: str | None) -> dict[str, Any]:
    """What baseline is meant: that for a candidate, or what was said.

    Raises:
        UsageError: both were said.
    """
    from samescore.harness.errors import UsageError
    from samescore.harness.registry.entry import suites_of
    from samescore.harness.run import Run

    if candidate is None:
        return {"suites": suites or (), "model": model, "branch": branch}
    if suites or model:
        raise UsageError(f"{candidate} says which suites and model are meant. Leave out --suite and --model.")
    manifest = Run.open(candidate).manifest
    return {"suites": suites_of(manifest), "model": manifest.model, "branch": branch}


def _described(entry: Entry) -> str:
    return f"{', '.join(entry.suites)} with {entry.label} on {_where(entry)}"


def _where(entry: Entry) -> str:
    return entry.branch if entry.commit is None else f"{entry.branch} ({entry.commit[:7]})"


def _notes(registry: Registry) -> dict[int, list[str]]:
    """What each run is: `baseline of main`, `anchor of main`, or was."""
    notes: dict[int, list[str]] = {}
    for line in registry.lines():
        promotions = registry.promotions(line)
        anchor = [promotion for promotion in promotions if promotion.anchor][-1]
        roles = [("baseline", promotions[-1]), ("anchor", anchor)]
        for promotion in promotions:
            said = [role for role, one in roles if one.entry == promotion.entry] or ["former baseline"]
            notes.setdefault(promotion.entry.number, []).append(f"{' and '.join(said)} of {line.branch}")
    return {number: list(dict.fromkeys(said)) for number, said in notes.items()}


def _print(registry: Registry, entries: tuple[Entry, ...], notes: dict[int, list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from samescore.harness.cli.printable import printable
    from samescore.harness.cli.table import interval, score
    from samescore.harness.counted import counted
    from samescore.harness.registry import State

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("", "run", "suites", "model", "branch", "cases", "success", "", "is"):
        table.add_column(name, justify="right" if name == "cases" or not table.columns else "left")
    for entry in entries:
        state, metric, early = _standing(registry, entry)
        said = [*([] if state is State.THERE else [state.value]), *early, *notes.get(entry.number, [])]
        cells = (
            str(entry.number),
            entry.path,
            ", ".join(entry.suites),
            entry.label,
            _where(entry),
            f"{entry.cases}{f' x {entry.epochs}' if entry.epochs > 1 else ''}",
            "" if metric is None else score(metric),
            "" if metric is None else interval(metric),
            "; ".join(said),
        )
        table.add_row(*map(printable, cells))
    screen = Console(markup=False, highlight=False, emoji=False)
    screen.print(table)
    screen.print(f"{counted(len(entries), 'run')} · {registry.folder}")


def _standing(registry: Registry, entry: Entry) -> tuple[State, Metric | None, list[str]]:
    """Whether a run is the one that was added; the primary metric as it says it now, if it is and does.

    The last says if a look ended the run before its last case, which its score has to be read with.
    """
    from samescore.harness.registry import State
    from samescore.harness.results import SUCCESS, Metric
    from samescore.harness.run import Run

    state = entry.state(registry.folder)
    if state is not State.THERE:
        return state, None, []
    run = Run.open(registry.directory(entry))
    said = run.manifest.results.get("metrics", {}).get(SUCCESS)
    metric = said and Metric(SUCCESS, said["value"], said["low"], said["high"], said["n"])
    return state, metric, [] if run.ended_early is None else [f"ended early: {run.ended_early}"]


def _entry_json(registry: Registry, entry: Entry, notes: dict[int, list[str]]) -> dict[str, Any]:
    state, metric, early = _standing(registry, entry)
    return {
        "number": entry.number,
        "run": str(registry.directory(entry)),
        "state": state.value,
        "suites": list(entry.suites),
        "model": entry.model,
        "adapter": entry.adapter,
        "digest": entry.digest,
        "branch": entry.branch,
        "commit": entry.commit,
        "cases": entry.cases,
        "epochs": entry.epochs,
        "started": entry.started,
        "added": entry.added,
        "success": None if metric is None else {"value": metric.value, "low": metric.low, "high": metric.high},
        "notes": [*early, *notes.get(entry.number, [])],
    }


def _promotion_json(registry: Registry, promotion: Promotion) -> dict[str, Any]:
    return {
        "run": str(registry.directory(promotion.entry)),
        "number": promotion.entry.number,
        "adapter": promotion.entry.adapter,
        "promoted": promotion.promoted,
    }


def _drift_json(registry: Registry, drift: Drift) -> dict[str, Any]:
    from samescore.harness.gate.told import as_json

    line = drift.line
    return {
        "suites": list(line.suites),
        "model": line.model,
        "branch": line.branch,
        "baselines": [_promotion_json(registry, one) for one in drift.since],
        "gate": None if drift.verdict is None else as_json(drift.verdict),
    }


def _print_drift(registry: Registry, drift: Drift) -> None:
    from samescore.harness.cli.gate_table import print_verdict, screen
    from samescore.harness.cli.printable import printable
    from samescore.harness.cli.table import interval, score
    from samescore.harness.run import Run

    print(printable(str(drift.line)))
    for promotion in drift.since:
        _, metric, _ = _standing(registry, promotion.entry)
        role = "anchor" if promotion.anchor else "baseline"
        scored = "" if metric is None else f"success {score(metric)} [{interval(metric)}]"
        print(printable(f"  {promotion.promoted[:10]}  {role:<8}  {promotion.entry.label}  {scored}"))
    if drift.verdict is None:
        print("  The baseline is the anchor: nothing can have been lost yet.")
        return
    before, after = (registry.directory(one.entry) for one in (drift.anchor, drift.newest))
    command = shlex.join(["samescore", "gate", str(after), str(before), "--show", "3"])
    print_verdict(screen(), drift.verdict, [Run.open(after)], Run.open(before), command)
