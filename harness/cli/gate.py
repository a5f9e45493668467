"""`samescore gate`: may a candidate ship? Two recorded runs are compared, and the exit code says what follows."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

if TYPE_CHECKING:
    from samescore.harness.gate.policy import Policy


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked on the command line. `candidates` are all runs where there is no baseline."""

    candidates: Sequence[Path]
    baseline: Path | None
    policy: Path | None
    suites: Sequence[str]

    def command(self, *more: str) -> str:
        """The same command with something more."""
        runs = [*self.candidates, *([] if self.baseline is None else [self.baseline])]
        policy = [] if self.policy is None else ["--policy", str(self.policy)]
        suites = [word for suite in self.suites for word in ("--suite", suite)]
        return shlex.join(["samescore", "gate", *map(str, runs), *policy, *suites, *more])


def gate_command(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="CANDIDATE BASELINE",
            help="The directories of two runs, or registry:BRANCH for the baseline. Several candidates are tries of "
            "one model; the baseline comes last.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        Path | None, Option(metavar="RUN", help="The baseline; all others are candidates.", show_default="the last run")
    ] = None,
    registry: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="Where registry:BRANCH is looked up.",
            show_default="SAMESCORE_REGISTRY, or runs",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="What is asked, a gate.toml.",
            show_default="success may not drop by 0.05; of a run with --sequential the policy that it was begun with",
        ),
    ] = None,
    targets: Annotated[
        bool, Option("--targets", help="Judge one run by its suites' targets; there is no baseline.")
    ] = False,
    same_model: Annotated[
        bool,
        Option("--same-model", help="Judge by numbers even if both runs are of one model: an A/A test of the gate."),
    ] = False,
    suite: Annotated[
        list[str] | None,
        Option(
            metavar="PATH",
            help="Where a suite of a run is now, if it must be scored again. With --check-only: one that will be run.",
        ),
    ] = None,
    check_only: Annotated[
        bool,
        Option("--check-only", help="Before a run: only say whether the baseline and the policy are there and sound."),
    ] = False,
    model: Annotated[
        str | None, Option(metavar="NAME", help="Of --check-only: the model that will be run, without its adapter.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
    show: Annotated[
        int, Option(metavar="N", min=0, help="Broken cases to show both conversations of; then fixed ones.")
    ] = 0,
) -> None:
    """Compare two runs: exit 0 without a regression, 1 with one, 3 inconclusive, 4 incomparable, 5 incomplete."""
    from samescore.harness.errors import UsageError
    from samescore.harness.gate.policy import DEFAULT, load_policy
    from samescore.harness.registry import run_directory
    from samescore.harness.run import Run

    if check_only:
        if targets or same_model or as_json or show:
            raise UsageError("--check-only judges nothing. Leave out --targets, --same-model, --json and --show.")
        _check(runs or [], baseline, policy, suite or (), model, registry)
        return
    if model is not None:
        raise UsageError("--model: the runs say which model they are of. Leave it out, or add --check-only.")
    if not runs:
        raise UsageError("no run is named. Name the candidate's, and the baseline's after it.")
    judged_by = None if policy is None else load_policy(policy)
    if targets:
        if baseline is not None or len(runs) > 1 or same_model or show:
            raise UsageError(
                "--targets judges one run by itself. Leave out the baseline and its options, or leave out --targets."
            )
        raise typer.Exit(_judge_targets(Asked(runs, None, policy, suite or ()), judged_by or DEFAULT, as_json))
    if baseline is None:
        if len(runs) < 2:
            raise UsageError(
                f"{runs[0]} has nothing to be compared with. Name the baseline's run after it, or judge it by its "
                f"targets: samescore gate {shlex.quote(str(runs[0]))} --targets"
            )
        *runs, baseline = runs
    before = run_directory(baseline, Run.open(runs[0]), registry)
    raise typer.Exit(_judge(Asked(runs, before, policy, suite or ()), judged_by, same_model, as_json, show))


def _check(
    runs: Sequence[Path],
    baseline: Path | None,
    policy: Path | None,
    suites: Sequence[str],
    model: str | None,
    registry: Path | None,
) -> None:
    from samescore.harness.cli.gate_check import Expected, check
    from samescore.harness.cli.printable import printable
    from samescore.harness.errors import UsageError

    named = [*runs, *([] if baseline is None else [baseline])]
    if len(named) > 1:
        raise UsageError("--check-only: there is no candidate yet. Name the baseline alone.")
    print(printable(check(next(iter(named), None), policy, Expected(model, suites), registry)))


def _judge(asked: Asked, policy: Policy | None, same_model: bool, as_json: bool, show: int) -> int:
    import json

    from samescore.harness.cli.gate_table import print_verdict, screen
    from samescore.harness.gate import gate
    from samescore.harness.gate.told import as_json as told_json
    from samescore.harness.run import Run

    assert asked.baseline is not None, "there is one, or targets are judged"
    candidates, before = [Run.open(path) for path in asked.candidates], Run.open(asked.baseline)
    verdict = gate(candidates, before, policy, suites=asked.suites, same_model=same_model)
    if as_json:
        told = told_json(verdict)
        told |= {"candidate": [str(run.directory) for run in candidates], "baseline": str(before.directory)}
        print(json.dumps(told, ensure_ascii=False, allow_nan=False), flush=True)
        return int(verdict.exit)
    console = screen()
    if show and (verdict.broken or verdict.fixed):
        from samescore.harness.cli.gate_show import print_changes

        print_changes(console, verdict, candidates, before, asked.suites, show)
    print_verdict(console, verdict, candidates, before, asked.command("--show", "3"))
    return int(verdict.exit)


def _judge_targets(asked: Asked, policy: Policy, as_json: bool) -> int:
    import json

    from samescore.harness.cli.gate_table import print_targets, screen
    from samescore.harness.gate.targets import judge_targets, targets_json
    from samescore.harness.run import Run

    run = Run.open(asked.candidates[0])
    judged = judge_targets(run, policy, asked.suites)
    if as_json:
        told = targets_json(judged) | {"run": str(run.directory)}
        print(json.dumps(told, ensure_ascii=False, allow_nan=False), flush=True)
    else:
        print_targets(screen(), judged, run)
    return int(judged.exit)
