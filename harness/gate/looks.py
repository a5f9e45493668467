"""Looks at a run while it goes on, each a verdict of the gate on the cases seen so far, at the level of the looks.

A run that is carried out is judged so (`Watch`), and one that is over again in the same way, look after look up to the
first that is certain: the same scores give the same verdict. Where scorers changed since, an earlier look may be
certain by now, and is then the verdict; where none is any more, nothing is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from samescore.harness.errors import Incomparable
from samescore.harness.gate.comparable import Common, blocking, common_cases, digest, too_few, warnings, worlds_differ
from samescore.harness.gate.comparing import compared, unknown_metric
from samescore.harness.gate.policy import Policy
from samescore.harness.gate.rule_verdicts import rule_verdicts
from samescore.harness.gate.scores import RunScores, held_scores, require_complete, with_scores
from samescore.harness.gate.sequential import Sequential, require_whole
from samescore.harness.gate.told import sentence
from samescore.harness.gate.verdict import AtLook, Decision, Verdict
from samescore.harness.kept import Outcomes
from samescore.harness.plan import Plan
from samescore.harness.run import Run
from samescore.harness.stats.sequential import Looked


@dataclass(frozen=True, slots=True)
class Look:
    """One look: what it says, and the gate's verdict that says so."""

    looked: Looked
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Watch:
    """What a run is judged by at its looks."""

    run: Run
    planned: Sequential
    baseline: RunScores
    common: Common

    @classmethod
    def of(cls, run: Run, baseline: Run | None = None) -> Watch:
        """For a run that is to be carried out; `baseline` is its baseline where that was moved.

        Raises:
            UsageError, EvidenceDamaged: the baseline is not to be found, or not as it was.
            InfrastructureError: the baseline cannot be scored again as scorers and worlds are now.
        """
        planned = Sequential.of(run)
        assert planned is not None, "it is judged while it goes on"
        before = planned.find_baseline(run, None if baseline is None else baseline.directory)
        differ = worlds_differ(run.manifest, before.manifest)
        scores = complete_scores(before, differ[0] if differ else None)
        return cls(run, planned, scores, common_cases(run.plan.cases, before.plan.cases))

    def look(self, number: int, outcomes: Outcomes) -> Look:
        """What the look of this number says; `outcomes` are those of all cases that it sees."""
        return look_at(number, RunScores(self.run, outcomes), self.baseline, self.common, self.planned)


def look_at(number: int, candidate: RunScores, baseline: RunScores, common: Common, planned: Sequential) -> Look:
    """The verdict on the cases that the look of this number sees, whatever was had later."""
    looks = planned.looks
    seen = frozenset(looks.seen(number))
    had = replace(candidate, outcomes={case: one for case, one in candidate.outcomes.items() if case in seen})
    verdict = compared([had], baseline, common, planned.policy, seen=seen, level=looks.level)
    looked = looks.judge(number, [metric.compared for metric in verdict.metrics])
    if verdict.broken_rules:  # what may never happen has happened: no further case undoes it
        looked = replace(looked, decision="regression")
    elif looked.decision is None and verdict.decision is Decision.REGRESSION:
        verdict = replace(verdict, decision=Decision.INCONCLUSIVE)  # a drop, which may yet prove to be small enough
    at = AtLook(looked.number, looked.of, looked.cases, looked.planned, looks.level, looks.alpha)
    return Look(looked, replace(verdict, sequential=at))


def verdict_of_looks(candidate: RunScores, baseline: RunScores, common: Common, planned: Sequential) -> Verdict:
    """The verdict of a run whose looks are over: that of the first certain look, else of the last one that it had."""
    ended = candidate.run.manifest.completed
    last = len(planned.looks) if ended is None else ended["look"]
    for number in range(1, last + 1):
        look = look_at(number, candidate, baseline, common, planned)
        if look.looked.certain:
            break
    verdict = look.verdict
    if look.looked.number < last:  # as it is scored now; rules forget nothing of what came after
        verdict = replace(verdict, rules=rule_verdicts([candidate], baseline, planned.policy))
        if verdict.broken_rules:
            verdict = replace(verdict, decision=Decision.REGRESSION)
    return _with_note(look.looked, verdict, candidate.run)


def require_baseline(plan: Plan, baseline: Run, policy: Policy) -> None:
    """Make sure of what can be known of a baseline before a model is loaded.

    Raises:
        InfrastructureError: it is incomplete.
        Incomparable: it was ended early itself, or has too few of the cases.
        UsageError: the policy judges a metric that no common case has.
    """
    require_whole(baseline, "be a baseline")
    common = common_cases(plan.cases, baseline.plan.cases)
    scores = complete_scores(baseline)
    if (few := too_few(common, policy.common, plan, baseline.plan)) is not None:
        raise _incomparable([few])
    cases = [case for case in common.cases if case.id not in scores.controls]
    if not cases:
        raise _incomparable(["cases: the runs share none but controls"])
    known = dict.fromkeys(metric for case in cases for metric in scores.outcomes[case.id][0].scores)
    for name in policy.margins:
        if name not in known:
            raise unknown_metric(name, known)


def require_comparable(candidate: Run, baseline: Run) -> tuple[str, ...]:
    """Make sure that a candidate can be compared with its baseline, before anything of it is run; what else differs.

    Raises:
        Incomparable: it cannot.
    """
    if differs := blocking(candidate, baseline):
        raise _incomparable(differs)
    return tuple(warnings(candidate.manifest, baseline.manifest))


def of_one_model(candidate: Run, baseline: Run) -> bool:
    """Whether both are of one model, by the digests of weights and adapter."""
    known = digest(candidate.manifest)
    return known is not None and known == digest(baseline.manifest)


def complete_scores(run: Run, because: str | None = None) -> RunScores:
    """The scores of a baseline; `because` is why it must be scored again, in any case.

    Raises:
        InfrastructureError: it is incomplete.
        UsageError: it must be scored again, and its suites are not at hand.
        WorldError: a world's own code crashed.
    """
    return require_complete(with_scores(held_scores(run, because)))


def _incomparable(differs: Sequence[str]) -> Incomparable:
    return Incomparable(sentence(Verdict(Decision.INCOMPARABLE, differs=tuple(differs))))


def _with_note(looked: Looked, verdict: Verdict, run: Run) -> Verdict:
    """With a warning where the run was ended by another look, or another decision, than it would be today."""
    ended = run.manifest.completed
    if ended is None or (ended["look"], ended["decision"]) == (looked.number, looked.decision):
        return verdict
    note = (
        f"look {ended['look']} ended this run ({ended['decision'] or 'the last, inconclusive'}); as it is scored now, "
        f"look {looked.number} says {looked.decision or 'nothing certain'}"
    )
    return replace(verdict, warnings=(*verdict.warnings, note))
