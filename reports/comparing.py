"""A run against its baseline: the gate's verdict, and what changed on the common cases, metric, case and branch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import fsum
from typing import TYPE_CHECKING

from samescore.harness.perturbed import CONTROL
from samescore.harness.run import Run
from samescore.harness.stats import paired_difference
from samescore.reports.contents import BranchShift, Comparison, Flip, ReportedCase, ReportedRun, Shift

if TYPE_CHECKING:
    from samescore.harness.gate.policy import Policy


def compared(
    run: Run,
    baseline: Run,
    after: ReportedRun,
    before: ReportedRun,
    policy: Policy | None,
    suites: Sequence[str],
) -> Comparison:
    """What the gate says of a run, and what changed; without a policy by the one that the run was planned by, if any.

    Raises:
        SamescoreError: see `samescore.harness.gate.gate`.
    """
    from samescore.harness.gate import gate

    verdict = gate(run, baseline, policy, suites=suites)
    ours, theirs = {case.id: case for case in after.cases}, {case.id: case for case in before.cases}
    pairs = [(one, theirs[id]) for id, one in ours.items() if id in theirs and one.operator != CONTROL]
    gated = {metric.name: metric for metric in verdict.metrics}
    judging = judging_policy(run, baseline, policy)
    shifts = () if not verdict.metrics else tuple(_shifts(pairs, after.results.metrics))
    return Comparison(
        verdict=verdict,
        sampled=judging.branches == "sample",
        tries=judging.tries,
        common=len(pairs),
        shifts=tuple(Shift(one.name, one.before, one.after, one.drop, gated.get(one.name)) for one in shifts),
        fixed=tuple(_flip(ours[id], theirs[id], theirs[id]) for id in verdict.fixed),
        broken=tuple(_flip(ours[id], theirs[id], ours[id]) for id in verdict.broken),
        branches=_branches(pairs),
    )


def judging_policy(run: Run, baseline: Run | None, policy: Policy | None) -> Policy:
    """The policy by which the gate judges a run."""
    from samescore.harness.gate.sequential import judged_by, planned_comparison

    return judged_by(policy, None if baseline is None else planned_comparison([run], baseline, policy))


def _shifts(pairs: Iterable[tuple[ReportedCase, ReportedCase]], names: Iterable[str]) -> Iterable[Shift]:
    known = list(pairs)
    for name in names:
        rows = [
            (before, after, new.group)
            for new, old in known
            if (after := _mean(new, name)) is not None and (before := _mean(old, name)) is not None
        ]
        if rows:
            old_ones, new_ones = [before for before, _, _ in rows], [after for _, after, _ in rows]
            drop = paired_difference(old_ones, new_ones, [group for _, _, group in rows])
            yield Shift(name, fsum(old_ones) / len(rows), fsum(new_ones) / len(rows), drop)


def _mean(case: ReportedCase, metric: str) -> float | None:
    """A case's score, epochs averaged; None where the metric does not apply, or a rollout has none."""
    values = [one.scores.get(metric) for one in case.rollouts]
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known and len(known) == len(values) else None


def _flip(after: ReportedCase, before: ReportedCase, failing: ReportedCase) -> Flip:
    """A case that changed, with the reasons of the side that failed; one that all scorers have is said once."""
    reasons = next((one.reasons for one in failing.rollouts if one.reasons), ())
    alike = len(reasons) > 1 and len({one.words for one in reasons}) == 1
    reason = reasons[0].words if alike else "; ".join(f"{one.scorer}: {one.words}" for one in reasons)
    return Flip(after.id, after.branch, after.locale, after.operator, _value(before), _value(after), reason)


def _value(case: ReportedCase) -> float:
    return 0.0 if case.success is None else case.success


def _branches(pairs: Iterable[tuple[ReportedCase, ReportedCase]]) -> tuple[BranchShift, ...]:
    """The branches whose success changed, the largest drop first. Cases that were made harder are in none."""
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for after, before in pairs:
        if after.operator is None and after.success is not None and before.success is not None:
            found[after.branch].append((before.success, after.success))
    shifts = [
        BranchShift(name, fsum(a for a, _ in both) / len(both), fsum(b for _, b in both) / len(both), len(both))
        for name, both in found.items()
    ]
    changed = [one for one in shifts if one.before != one.after]
    return tuple(sorted(changed, key=lambda one: (one.after - one.before, one.name)))
