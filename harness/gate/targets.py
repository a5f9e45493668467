"""A run judged by its suites' targets alone, without a baseline.

A target is met when the lower 95% bound reaches it, missed when the upper bound is under it, else open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum
from typing import Any

from samescore.harness.errors import ExitCode, UsageError
from samescore.harness.gate.policy import Policy
from samescore.harness.gate.rule_verdicts import rule_verdicts
from samescore.harness.gate.scores import RunScores, held_scores, with_scores
from samescore.harness.gate.sequential import TARGETS, require_whole
from samescore.harness.gate.told import rule_json
from samescore.harness.gate.verdict import RuleVerdict
from samescore.harness.results import Metric, TargetVerdict
from samescore.harness.run import Run
from samescore.harness.stats import mean_interval


class TargetsDecision(StrEnum):
    """How a run stands to its targets."""

    MET = "met"  # all of them, and no rule is broken
    MISSED = "missed"  # one of them, or a rule of zero tolerance is broken
    INCONCLUSIVE = "inconclusive"  # this many cases cannot tell
    INCOMPLETE = "incomplete"  # the run lacks rollouts, or has errors


_EXITS = {
    TargetsDecision.MET: ExitCode.PASS,
    TargetsDecision.MISSED: ExitCode.REGRESSION,
    TargetsDecision.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    TargetsDecision.INCOMPLETE: ExitCode.INCOMPLETE,
}


@dataclass(frozen=True, slots=True)
class TargetsJudged:
    """What is decided about a run by its targets.

    `metrics` are those with a target, `absent` those with one that no case has. `moved` says which targets are not
    those that the run began with.
    """

    decision: TargetsDecision
    metrics: tuple[Metric, ...] = ()
    absent: tuple[str, ...] = ()
    rules: tuple[RuleVerdict, ...] = ()
    moved: tuple[str, ...] = ()
    lacking: str | None = None
    again: str | None = None
    cases: int = 0

    @property
    def exit(self) -> ExitCode:
        """What a shell gets."""
        return _EXITS[self.decision]


def judge_targets(run: Run, policy: Policy, suites: Sequence[str] = ()) -> TargetsJudged:
    """Judge a run by the targets that its suites state now; by those it began with where they are not at hand.

    Raises:
        Incomparable: the run was ended early by a verdict about something else.
        UsageError: there are no targets; or the run must be scored again, and its suites are not at hand.
        EvidenceDamaged, ForeignEvidence, WorldError: see `samescore.harness.gate.gate`.
    """
    require_whole(run, TARGETS)
    targets, moved = _targets(run, suites)
    scores = with_scores(held_scores(run), suites)
    if scores.lacking is not None:
        return TargetsJudged(TargetsDecision.INCOMPLETE, moved=moved, lacking=scores.lacking, again=scores.again)
    metrics = tuple(metric for name, least in targets.items() if (metric := _metric(scores, name, least)) is not None)
    if not metrics:
        raise UsageError(
            f"{run.directory}: no case has a metric that the targets name ({', '.join(targets)}). State a target for "
            "one that the cases have."
        )
    rules = rule_verdicts([scores], None, policy)
    return TargetsJudged(
        _decided(metrics, rules),
        metrics,
        tuple(name for name in targets if name not in {metric.name for metric in metrics}),
        rules,
        moved,
        None,
        scores.again,
        len(scores.outcomes) - len(scores.controls),
    )


def targets_json(judged: TargetsJudged) -> dict[str, Any]:
    """The object that `samescore gate --targets --json` prints."""
    return {
        "verdict": judged.decision.value,
        "exit": int(judged.exit),
        "metrics": {
            metric.name: {
                "value": metric.value,
                "low": metric.low,
                "high": metric.high,
                "target": metric.target,
                "n": metric.n,
                "verdict": str(metric.verdict),
            }
            for metric in judged.metrics
        },
        "lacking": [] if judged.lacking is None else [judged.lacking],
        "rescored": [] if judged.again is None else [judged.again],
        "moved": list(judged.moved),
        "cases": judged.cases,
        "rules": {rule.name: rule_json(rule) for rule in judged.rules},
    }


def _targets(run: Run, suites: Sequence[str]) -> tuple[Mapping[str, float], tuple[str, ...]]:
    from samescore.harness.cli.loading import moved_targets, suites_of, targets_of

    try:
        found = suites_of(run, suites)
    except UsageError:
        if suites:
            raise
        targets = _strictest(run.manifest.targets)
        moved: list[str] = []
    else:
        targets, moved = targets_of(found), moved_targets(run, found)
    if not targets:
        names = ", ".join(suite.name for suite in run.plan.suites)
        raise UsageError(f"{run.directory}: {names} states no targets. Add `targets:` to the suite file.")
    return targets, tuple(moved)


def _strictest(recorded: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for targets in recorded.values():
        for metric, least in targets.items():
            found[metric] = max(least, found.get(metric, 0.0))
    return found


def _metric(scores: RunScores, name: str, target: float) -> Metric | None:
    """Epochs averaged within their case first; None where no case has the metric."""
    values, groups, controls = [], [], scores.controls
    for case in scores.run.plan.cases:
        epochs = scores.outcomes[case.id]
        if name in epochs[0].scores and case.id not in controls:
            values.append(fsum(one.scores[name] for one in epochs) / len(epochs))
            groups.append(case.group)
    if not values:
        return None
    found = mean_interval(values, groups)
    return Metric(name, found.value, found.low, found.high, found.n, target)


def _decided(metrics: Sequence[Metric], rules: Sequence[RuleVerdict]) -> TargetsDecision:
    verdicts = {metric.verdict for metric in metrics}
    if TargetVerdict.MISSED in verdicts or any(rule.forbidden and rule.occurrences for rule in rules):
        return TargetsDecision.MISSED
    return TargetsDecision.INCONCLUSIVE if TargetVerdict.INCONCLUSIVE in verdicts else TargetsDecision.MET
