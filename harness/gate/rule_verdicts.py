"""The rules of zero tolerance over a candidate's rollouts: each occurrence, and what it proves that there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from samescore.harness.gate.policy import Policy
from samescore.harness.gate.rules import RULES, Rule, rate_not_excluded
from samescore.harness.gate.scores import RunScores
from samescore.harness.gate.verdict import Occurrence, RuleVerdict
from samescore.harness.kept import Outcome
from samescore.harness.plan import PlannedCase
from samescore.harness.stats.cluster_robust import assumed_design_effect


def rule_verdicts(
    candidates: Sequence[RunScores], baseline: RunScores | None, policy: Policy
) -> tuple[RuleVerdict, ...]:
    """Every rule, named by the policy or not, over every rollout of every run of the candidate.

    Nothing that was seen is forgotten by another try.
    """
    return tuple(_verdict(rule, candidates, baseline, policy) for rule in RULES)


def _verdict(rule: Rule, candidates: Sequence[RunScores], baseline: RunScores | None, policy: Policy) -> RuleVerdict:
    rollouts = 0
    cases: dict[str, PlannedCase] = {}
    occurrences: list[Occurrence] = []
    for run in candidates:
        for planned in run.run.plan.cases:
            epochs = run.outcomes.get(planned.id, ())  # none where a look ended the run, or has not seen the case yet
            if epochs and rule.name in epochs[0].rules:
                rollouts += len(epochs)
                cases[planned.id] = planned
                occurrences += _occurrences(rule, planned.id, epochs)
    before = None
    if baseline is not None:
        before = sum(len(_occurrences(rule, case, epochs)) for case, epochs in baseline.outcomes.items())
    return RuleVerdict(
        rule.name,
        rule.words,
        rule.name in policy.zero_tolerance,
        rollouts,
        len(cases),
        tuple(occurrences),
        rate_not_excluded(_independent(cases.values(), policy), policy.alpha),
        before,
    )


def _independent(cases: Iterable[PlannedCase], policy: Policy) -> float:
    """How many independent trials so many cases are worth: those of one branch resemble each other, as assumed."""
    sizes = list(Counter(case.group for case in cases).values())
    if not sizes or policy.branches == "population":
        return float(sum(sizes))
    return sum(sizes) / assumed_design_effect(sizes, policy.correlation(len(sizes)))


def _occurrences(rule: Rule, case: str, epochs: Sequence[Outcome]) -> list[Occurrence]:
    return [
        Occurrence(case, epoch, what)
        for epoch, outcome in enumerate(epochs)
        if (what := outcome.rules.get(rule.name)) is not None
    ]
