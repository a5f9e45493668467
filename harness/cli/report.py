"""The end of `eval` and `score`: results as tables or as one JSON object, and the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from samescore.harness.as_served import AsServed
from samescore.harness.case import Case
from samescore.harness.cli.as_served import as_served_json, in_words, incomplete
from samescore.harness.cli.errors import say
from samescore.harness.cli.loading import cases_of, moved_targets, targets_of
from samescore.harness.counted import counted
from samescore.harness.environment import World
from samescore.harness.errors import ExitCode, UsageError, WorldError
from samescore.harness.perturbed import OperatorResult, without_controls
from samescore.harness.plan import CaseSuite
from samescore.harness.rescore import Scored
from samescore.harness.results import Floor, Metric, Results, TargetVerdict, summarise
from samescore.harness.run import Run

if TYPE_CHECKING:
    from samescore.harness.cli.sequential import Gated

LENIENT = (
    "this provider hides what the model wrote as arguments, so malformed calls cannot be seen. Not to be compared with "
    "a model whose calls were read strictly."
)
LENIENT_SERVER = (
    "turns were read as this server's parser reads them, which takes malformed calls. Not to be compared with a model "
    "whose calls were read strictly."
)
EARLY = (
    "Its comparison was certain then; the scores of these cases lean to what ended it, and are not those of all the "
    "planned ones."
)


@dataclass(frozen=True, slots=True)
class View:
    """How results are shown."""

    check: bool  # judge targets
    as_json: bool
    show: int | None  # for how many failing branches an example; None: all


def require_targets(suites: Sequence[CaseSuite]) -> None:
    """Make sure that `--check` has something to judge.

    Raises:
        UsageError: no suite states a target.
    """
    if not targets_of(suites):
        names = ", ".join(suite.name for suite in suites)
        raise UsageError(f"--check has nothing to judge: {names} states no targets. Add `targets:` to the suite file.")


def report(
    run: Run,
    suites: Sequence[CaseSuite],
    worlds: Mapping[str, World],
    scored: Sequence[Scored],
    view: View,
    *,
    keep: bool = True,
    as_served: AsServed | None = None,
    gated: Gated | None = None,
) -> ExitCode:
    """Print what a scored run says and return the exit code; `keep` it in its `run.json` once it is complete.

    `as_served` are its results as a server would have read the turns, where they were asked for. `gated` is the verdict
    of a run that was judged while it went on: its exit code counts, too.

    Raises:
        Incomparable: targets are to be judged by a run that was ended early.
    """
    from samescore.harness.gate.sequential import TARGETS, require_whole
    from samescore.harness.scorers import RUBRIC, SCORERS

    if view.check:
        require_whole(run, TARGETS)
    floors = _floors(run, cases_of(suites), worlds)
    results = summarise(run.due, cases_of(suites), scored, RUBRIC, targets_of(suites), floors)
    code = exit_code(results, view.check)
    if as_served is not None and not as_served.complete:
        code = ExitCode.worst([code, ExitCode.INCOMPLETE])
    if gated is not None:
        code = ExitCode.worst([code, gated.verdict.exit])
    shown = results_json(run, results, code)
    if gated is not None:
        shown["gate"] = gated.to_json(run)
    if as_served is not None:
        shown["as_served"] = as_served_json(as_served)
    if keep and results.complete:  # while it is not, another process may be at work on it
        run.update(
            floors={name: {"value": floor.value, "policy": floor.policy} for name, floor in floors.items()},
            results={"status": shown["status"], "metrics": shown["metrics"]},
            scorers={scorer.name: scorer.version for scorer in SCORERS},
        )
    if view.as_json:
        print(json.dumps(shown, ensure_ascii=False, allow_nan=False), flush=True)
    else:
        _print(run, results, view)
        if as_served is not None:
            print(in_words(as_served), flush=True)
        if gated is not None:
            gated.print(run)
    for words in moved_targets(run, suites):
        say(f"note: a target moved since this run began: {words}")
    if not results.complete:
        say(_incomplete(run, results))
    elif as_served is not None and not as_served.complete:
        say(incomplete(run, as_served))
    return code


def exit_code(results: Results, check: bool) -> ExitCode:
    """0, unless the run is incomplete (5) or, with `check`, a target is missed (1) or cannot be told (3)."""
    codes = [] if results.complete else [ExitCode.INCOMPLETE]
    verdicts = [metric.verdict for metric in results.metrics.values()] if check else []
    if TargetVerdict.MISSED in verdicts:
        codes.append(ExitCode.REGRESSION)
    if TargetVerdict.INCONCLUSIVE in verdicts:
        codes.append(ExitCode.INCONCLUSIVE)
    return ExitCode.worst(codes)


def results_json(run: Run, results: Results, code: ExitCode) -> dict[str, Any]:
    """The object that `--json` prints."""
    return {
        "status": "complete" if results.complete else "incomplete",
        "exit": int(code),
        "run": str(run.directory),
        "suites": [suite.name for suite in run.plan.suites],
        "model": model_label(run),
        "cases": results.cases,
        "metrics": {name: metric_json(metric) for name, metric in results.metrics.items()},
        **({"lenient": True} if run.manifest.lenient else {}),
        **({"completed": dict(run.manifest.completed)} if run.manifest.completed else {}),
        **({"usage": asdict(results.usage)} if results.usage is not None else {}),
        **({"operators": {one.name: _operator_json(one) for one in results.operators}} if results.operators else {}),
    }


def _operator_json(operator: OperatorResult) -> dict[str, Any]:
    drop = operator.drop
    return {
        **metric_json(operator.metric),
        "right": operator.right,
        "before": operator.before,
        "drop": None if drop is None else {"value": drop.value, "low": drop.low, "high": drop.high, "pairs": drop.n},
        "broken": operator.broken,
        "fixed": operator.fixed,
    }


def metric_json(metric: Metric) -> dict[str, Any]:
    """A metric as `--json` prints it."""
    return {
        "value": metric.value,
        "low": metric.low,
        "high": metric.high,
        "target": metric.target,
        "floor": None if metric.floor is None else metric.floor.value,
        "n": metric.n,
    }


def model_label(run: Run) -> str:
    """The model as a person names it, its adapter after a plus sign."""
    manifest = run.manifest
    return manifest.model if manifest.adapter is None else f"{manifest.model}+{manifest.adapter}"


def _print(run: Run, results: Results, view: View) -> None:
    from rich.console import Console
    from rich.text import Text

    from samescore.harness.cli.failures import print_failures
    from samescore.harness.cli.operators import print_operators
    from samescore.harness.cli.printable import print_hanging
    from samescore.harness.cli.table import interval, print_results, score

    screen = Console(markup=False, highlight=False, emoji=False)  # what models write is printed as it stands
    print_results(screen, results, view.check)
    print_operators(screen, results.operators, view.show)
    if run.manifest.lenient:
        print_hanging(screen, Text("lenient: "), Text(LENIENT if run.manifest.server is None else LENIENT_SERVER))
        print()
    if run.ended_early is not None:
        print_hanging(screen, Text("ended early: "), Text(f"at {run.ended_early}. {EARLY}"))
        print()
    print_failures(screen, results.failing, len(results.branches), view.show)
    success = results.metrics["success"]
    parts = [f"success {score(success)} [{interval(success)}]"]
    if compared := [one for one in results.operators if one.drop is not None]:
        breaking = sum(one.broken > 0 for one in compared)
        parts.append(f"{breaking} of {len(compared)} operators broke what passed")
    if results.branches:
        parts.append(f"{len(results.failing)} of {len(results.branches)} branches fail")
    print(" · ".join([*parts, str(run.directory)]))
    if view.check:
        print_hanging(screen, Text("targets: "), Text(_verdicts(results)))
    sys.stdout.flush()


def _verdicts(results: Results) -> str:
    """The targets by verdict, such as `2 met · missed: path, success`."""
    named = {
        verdict: [one.name for one in results.metrics.values() if one.verdict is verdict] for verdict in TargetVerdict
    }
    parts = [f"{len(named.pop(TargetVerdict.MET))} met"]
    return " · ".join(parts + [f"{verdict}: {', '.join(names)}" for verdict, names in named.items() if names])


def _floors(run: Run, cases: Sequence[Case], worlds: Mapping[str, World]) -> Mapping[str, Floor]:
    import asyncio

    from samescore.harness.floors import floors
    from samescore.harness.scorers import RUBRIC

    planned = {case.id for case in run.due.cases}
    measured = without_controls(case for case in cases if case.id in planned)
    try:
        return asyncio.run(floors(measured, worlds, RUBRIC, run.plan.limits))
    except WorldError:
        if not run.manifest.redacted:
            raise
        raise WorldError(
            "a world's own code crashed under a null agent. Its message may quote personal data and is left out, as "
            "the run is redacted: evaluate the null agents (--model null/random) where it may be seen."
        ) from None


def _incomplete(run: Run, results: Results) -> str:
    reasons = {failure.reason.partition(":")[0] for failure in results.errors}
    passing = reasons - {"diverged", "scorer", "redaction"}
    advice = f"Carry on: {run.resume_command}" if passing else "Evaluate again in a new run."
    why = f" ({run.manifest.stopped})" if run.manifest.stopped else ""
    has = "has" if len(results.errors) == 1 else "have"
    return f"incomplete: {len(results.errors)} of {counted(results.rollouts, 'rollout')} {has} no score{why}. {advice}"
