"""What a comparison can show before it is run: what is known of cases and scores, put to the statistics of the gate.

What is known comes from pilot runs (how much scores vary, by branch and by chance), from a suite (how many cases of how
many branches have which metric), or is assumed. What is asked comes from the gate's policy.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from samescore.harness.errors import Incomparable, InfrastructureError, UsageError
from samescore.harness.gate.policy import Policy
from samescore.harness.stats.power import (
    PLANNED_POWER,
    Design,
    Variation,
    fewest_cases,
    minimum_detectable_drop,
    shares_of,
    variation_of,
)
from samescore.harness.stats.sequential import Looks
from samescore.harness.stats.simulated import cases_needed, pass_rate

if TYPE_CHECKING:
    from samescore.harness.case import Case
    from samescore.harness.run import Run

ASSUMED_CHURN = 0.05
"""The share of cases that come out differently in another run, where nothing is known of it."""

EPOCHS = (1, 3, 5)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the cases that are to be run.

    `total` counts them, `branches` names for each metric those of the cases that have it; `variations` says how much a
    metric varies, where pilots show it, and `told` what they do not show, in words.
    """

    total: int
    branches: Mapping[str, Sequence[Hashable]]
    variations: Mapping[str, Variation] = field(default_factory=dict)
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """What so many epochs need and show. Cases are counted with those that lack the metric.

    `cases` is None where no number is enough; `passes`, how often an equal candidate would pass, and `mde`, the
    smallest drop that would be found, are of the planned cases, and None where none are.
    """

    epochs: int
    cases: int | None
    passes: float | None
    mde: float | None


@dataclass(frozen=True, slots=True)
class MetricPlan:
    """One metric of the verdict: what its margin needs.

    `n` is how many planned cases have it (None: no cases are planned), of `branches` branches; None: they do not
    matter. `floor` is the smallest drop that those can exclude, and `fewest` how many cases are needed at least, those
    without the metric included; None: no number is enough. `varies` is what is expected; it is `seen` where a pilot
    shows it, and else assumed.
    """

    name: str
    margin: float
    n: int | None
    branches: int | None
    floor: float | None
    fewest: int | None
    varies: Variation
    seen: bool
    epochs: tuple[EpochPlan, ...]

    @property
    def churn(self) -> float:
        """The share of cases that are expected to come out differently in the other run, of one epoch each."""
        return self.varies.of_drop(1)

    @property
    def possible(self) -> bool:
        """Whether the planned cases, or any number of them, can pass the margin."""
        return self.fewest is not None and (self.floor is None or self.floor < self.margin)


@dataclass(frozen=True, slots=True)
class LookPlan:
    """The looks at a run of so many cases: after how many each is, at which level, and the first that can pass.

    `fewest` is how many cases a look needs that is to pass, were none to differ; None: no number is enough.
    """

    ends: tuple[int, ...]
    level: float
    fewest: int | None
    first: int | None


def known_from_cases(cases: Sequence[Case]) -> Known:
    """What a suite says: how many cases of which branches have which metric."""
    from samescore.harness.perturbed import CONTROL, operator_of
    from samescore.harness.plan import PlannedCase
    from samescore.harness.results import applicable
    from samescore.harness.scorers import RUBRIC

    branches: dict[str, list[Hashable]] = {}
    counting = [case for case in cases if operator_of(case) != CONTROL] or cases
    for case in counting:
        group = PlannedCase(case.id, "", case.suite, case.cluster, case.locale).group
        for metric in applicable(RUBRIC, case):
            branches.setdefault(metric, []).append(group)
    return Known(len(counting), branches)


def known_from_numbers(branches: int | None, metrics: Iterable[str]) -> Known:
    """What numbers say: branches of one size, every metric in every case; cases by themselves without branches."""
    groups: list[Hashable] = [*range(branches), *range(branches)] if branches else [0]
    return Known(len(groups), dict.fromkeys(metrics, groups))


def known_from_runs(runs: Sequence[Run], policy: Policy, suites: Sequence[str] = ()) -> Known:
    """What one pilot run shows, or two on their common cases: cases, branches, and how much each metric varies.

    Raises:
        Incomparable: the two have no case in common, or differ in what must be equal; or one was ended early.
        InfrastructureError: a run is incomplete.
        UsageError, EvidenceDamaged: see `samescore.harness.gate.scores`.
    """
    from samescore.harness.gate.comparable import blocking, common_cases
    from samescore.harness.gate.scores import held_scores, with_scores
    from samescore.harness.gate.sequential import require_whole

    for run in runs:
        require_whole(run, "be a pilot")
    common = common_cases(runs[0].plan.cases, runs[-1].plan.cases).cases
    differs = blocking(runs[-1], runs[0]) or ([] if common else ["no case is in both"])
    if differs:
        raise Incomparable(
            f"{runs[0].directory} and {runs[-1].directory} cannot be one pilot: {'; '.join(differs)}. Give one of "
            "them, or evaluate one again as the other was run."
        )
    scores = [with_scores(held_scores(run), suites) for run in runs]
    for one in scores:
        if one.lacking is not None:
            raise InfrastructureError(f"a pilot must be complete. {one.lacking}")
    cases = [case for case in common if case.id not in scores[0].controls]
    branches: dict[str, list[Hashable]] = {}
    sides: dict[str, list[list[list[float]]]] = {}
    for case in cases:
        for metric in scores[0].outcomes[case.id][0].scores:
            branches.setdefault(metric, []).append(case.group)
            of_metric = sides.setdefault(metric, [[] for _ in scores])
            for side, one in zip(of_metric, scores, strict=True):
                side.append([epoch.scores[metric] for epoch in one.outcomes[case.id]])
    if len(runs) == 1 and runs[0].plan.epochs == 1:
        told = (
            "a pilot of one run and one epoch does not show how much scores vary; give two runs, or one of more epochs"
        )
        return Known(len(cases), branches, told=(told,))
    clustered = policy.branches == "sample"
    found = {
        metric: variation_of(before, after[0] if after else None, branches[metric] if clustered else None)
        for metric, (before, *after) in sides.items()
    }
    return Known(len(cases), branches, found, _unseen(runs))


def planned(
    known: Known,
    policy: Policy,
    cases: int | None,
    churn: float | None = None,
    epochs: Sequence[int] = EPOCHS,
    power: float = PLANNED_POWER,
) -> tuple[MetricPlan, ...]:
    """What each margin of the policy needs, and what so many `cases` of the kind that is known can show of it.

    Raises:
        UsageError: the policy judges a metric that no case has.
    """
    found = []
    for name, margin in policy.margins.items():
        if name not in known.branches:
            raise UsageError(
                f"the policy gives {name} a margin, and no case has that metric. Leave it out; the cases have "
                f"{', '.join(sorted(known.branches))}."
            )
        found.append(_planned(name, margin, known, policy, cases, churn, epochs, power))
    return tuple(found)


def design_of(name: str, known: Known, policy: Policy, churn: float | None) -> Design:
    """What is expected of one metric. Cases that stand for themselves are independent, however many there are."""
    groups = known.branches[name]
    varies = known.variations.get(name)
    if varies is None or not _is_seen(varies, churn):
        mean = varies.mean if varies is not None else Variation(0.0).mean
        varies = Variation((ASSUMED_CHURN if churn is None else churn) / 2, mean=mean)
    if policy.branches == "population" or len(set(groups)) == len(groups):
        return Design(varies)
    shares = shares_of(groups)
    return Design(varies, shares, policy.correlation(len(shares)))


def _is_seen(varies: Variation | None, churn: float | None) -> bool:
    """Whether a pilot says how much scores vary. One in which nothing varied does not; nor does one beside `churn`."""
    return churn is None and varies is not None and varies.of_drop(1) > 0


def looks_at(known: Known, policy: Policy, cases: int, looks: int) -> LookPlan:
    """The looks at a run of so many cases; the first at which all margins can be passed.

    Raises:
        UsageError: more looks than cases, or than make sense.
    """
    try:
        planned_looks = Looks.make(map(str, range(cases)), looks, policy.level)
    except ValueError as error:
        raise UsageError(f"--looks: {error}.") from None
    least = [_fewest(name, margin, known, policy, planned_looks.level) for name, margin in policy.margins.items()]
    fewest = None if None in least else max(n for n in least if n is not None)
    enough = [number for number, end in enumerate(planned_looks.ends, 1) if fewest is not None and end >= fewest]
    return LookPlan(planned_looks.ends, planned_looks.level, fewest, min(enough, default=None))


def _planned(
    name: str,
    margin: float,
    known: Known,
    policy: Policy,
    cases: int | None,
    churn: float | None,
    epochs: Sequence[int],
    power: float,
) -> MetricPlan:
    design, seen = design_of(name, known, policy, churn), _is_seen(known.variations.get(name), churn)
    share = len(known.branches[name]) / known.total
    n = None if cases is None else round(cases * share)
    branches = None if design.shares is None else len(design.shares)
    if branches == 1 or n == 0:
        return MetricPlan(name, margin, n, branches, 1.0, None, design.variation, seen, ())
    level = policy.level
    fewest = fewest_cases(design, margin, level)
    floor = None if n is None else design.floor(n, level)
    rows = []
    for each in sorted(set(epochs)):
        needed = cases_needed(design, each, margin, level, power)
        rows.append(
            EpochPlan(
                each,
                None if needed is None else ceil(needed / share),
                None if n is None else pass_rate(design, n, each, margin, level),
                None if n is None else _mde(design, n, each, level, len(policy.margins)),
            )
        )
    least = None if fewest is None else ceil(fewest / share)
    return MetricPlan(name, margin, n, branches, floor, least, design.variation, seen, tuple(rows))


def _fewest(name: str, margin: float, known: Known, policy: Policy, level: float) -> int | None:
    design = design_of(name, known, policy, None)
    n = None if design.shares is not None and len(design.shares) == 1 else fewest_cases(design, margin, level)
    return None if n is None else ceil(n * known.total / len(known.branches[name]))


def _mde(design: Design, n: int, epochs: int, level: float, metrics: int) -> float:
    variance, effect = design.variation.of_drop(epochs), design.design_effect(n)
    return minimum_detectable_drop(n, variance, effect, design.degrees, level, metrics)


def _unseen(runs: Sequence[Run]) -> tuple[str, ...]:
    """What the pilots do not show, in words."""
    if len(runs) == 1:
        return (
            "one pilot run shows chance alone; where a candidate really differs in some cases, for better or worse, "
            "more are needed: give two runs of different adapters",
        )
    if all(run.plan.epochs == 1 for run in runs):
        return ("pilots of one epoch each do not show what more epochs would save: none is assumed to",)
    return ()
