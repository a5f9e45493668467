"""What a run says: scores with intervals, targets, floors, branches, and where it fails. Derived from scored rollouts.

The denominator is the plan. A rollout that could not be scored is neither a 0 nor left out: while one is missing a metric has no
value, only the bounds that hold whether the missing ones would have failed or passed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum
from typing import TypeAlias

from samescore.harness.case import Case
from samescore.harness.examples import Example, example_of
from samescore.harness.scorer import Rubric
from samescore.harness.stats import mean_interval
from samescore.harness.types import Score, Trajectory

SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Graded:
    """One planned rollout: its trajectory and scores, or the `error` for which there are none."""

    case: Case
    epoch: int
    trajectory: Trajectory | None = None
    scores: Mapping[str, Score] | None = None
    error: str | None = None


class TargetVerdict(StrEnum):
    """How a metric stands to its target."""

    MET = "met"  # the lower bound reaches it
    MISSED = "missed"  # the upper bound is under it
    INCONCLUSIVE = "inconclusive"  # this many cases cannot tell


@dataclass(frozen=True, slots=True)
class Floor:
    """The best score that an agent without a model gets on the same cases, and which agent."""

    value: float
    policy: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A scorer over the planned cases to which it applies (`n` of them), with its 95% interval.

    `value` is None while rollouts are missing; `low` and `high` then bound what it can become.
    """

    name: str
    value: float | None
    low: float
    high: float
    n: int
    target: float | None = None
    floor: Floor | None = None

    @property
    def verdict(self) -> TargetVerdict | None:
        """How it stands to its target; None where there is none."""
        if self.target is None:
            return None
        if self.low >= self.target:
            return TargetVerdict.MET
        return TargetVerdict.MISSED if self.high < self.target else TargetVerdict.INCONCLUSIVE


@dataclass(frozen=True, slots=True)
class Branch:
    """One SOP branch: in how many of its planned rollouts everything was right, and one where it was not."""

    name: str
    passed: int
    rollouts: int
    errors: int
    example: Example | None

    @property
    def rate(self) -> float:
        """The share that passed, of those that were scored; 1.0 where none was."""
        scored = self.rollouts - self.errors
        return self.passed / scored if scored else 1.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """The feasible branches of one procedure, and which of them no scored rollout has tried."""

    procedure: str
    feasible: int
    untried: tuple[str, ...]

    @property
    def covered(self) -> int:
        """How many were tried."""
        return self.feasible - len(self.untried)


@dataclass(frozen=True, slots=True)
class Failure:
    """A planned rollout without scores: a crash of model, tool or scorer, a divergence, or one never run."""

    case: str
    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class Results:
    """Everything a run says. `branches` come worst first; `defects` counts malformed turns by name."""

    cases: int
    rollouts: int
    metrics: Mapping[str, Metric]
    locales: Mapping[str, Metric]
    branches: tuple[Branch, ...]
    coverage: tuple[Coverage, ...]
    defects: Mapping[str, int]
    errors: tuple[Failure, ...]

    @property
    def complete(self) -> bool:
        """Whether every planned rollout was scored."""
        return not self.errors

    @property
    def failing(self) -> tuple[Branch, ...]:
        """The branches with at least one failure of the model, worst first."""
        return tuple(branch for branch in self.branches if branch.example is not None)


Branches: TypeAlias = Mapping[str, Sequence[str]]
"""Procedure -> its feasible branches, as `Case.suite` and `Case.cluster` name them."""


def summarise(
    graded: Sequence[Graded],
    rubric: Rubric,
    branches: Branches,
    targets: Mapping[str, float] | None = None,
    floors: Mapping[str, Floor] | None = None,
) -> Results:
    """What scored rollouts say; `graded` has one entry for every planned one.

    Raises:
        ValueError: nothing was planned.
    """
    if not graded:
        raise ValueError("a run of no rollouts has no results")
    targets, floors = targets or {}, floors or {}
    cases = {one.case.id: one.case for one in graded}
    applying = {id: applicable(rubric, case) for id, case in cases.items()}
    names = [SUCCESS, *(scorer.name for scorer in rubric.scorers)]
    metrics = {
        name: metric
        for name in names
        if (metric := _metric(name, graded, applying, targets.get(name), floors.get(name))) is not None
    }
    locales = {
        locale: metric
        for locale in sorted({case.locale for case in cases.values()})
        if (metric := _metric(SUCCESS, [one for one in graded if one.case.locale == locale], applying)) is not None
    }
    return Results(
        cases=len(cases),
        rollouts=len(graded),
        metrics=metrics,
        locales=locales,
        branches=_branches(graded),
        coverage=_coverage(graded, branches),
        defects=_defects(graded),
        errors=tuple(
            Failure(one.case.id, one.epoch, one.error or "not run") for one in graded if one.scores is None
        ),
    )


def applicable(rubric: Rubric, case: Case) -> frozenset[str]:
    """The metrics that a case has, which depends on the case alone."""
    return frozenset({SUCCESS, *(scorer.name for scorer in rubric.scorers if scorer.applies(case))})


def _metric(
    name: str,
    graded: Sequence[Graded],
    applying: Mapping[str, frozenset[str]],
    target: float | None = None,
    floor: Floor | None = None,
) -> Metric | None:
    """One metric, epochs averaged within their case first; None where it applies to no case."""
    epochs: defaultdict[str, list[float | None]] = defaultdict(list)
    clusters: dict[str, tuple[str, str]] = {}
    for one in graded:
        if name in applying[one.case.id]:
            epochs[one.case.id].append(None if one.scores is None else one.scores[name].value)
            clusters[one.case.id] = (one.case.suite, one.case.cluster)
    if not epochs:
        return None
    worst = mean_interval([_mean(values, 0.0) for values in epochs.values()], list(clusters.values()))
    best = mean_interval([_mean(values, 1.0) for values in epochs.values()], list(clusters.values()))
    missing = any(value is None for values in epochs.values() for value in values)
    return Metric(name, None if missing else worst.value, worst.low, best.high, worst.n, target, floor)


def _mean(values: Sequence[float | None], missing: float) -> float:
    return fsum(missing if value is None else value for value in values) / len(values)


def _branches(graded: Iterable[Graded]) -> tuple[Branch, ...]:
    """Worst first; among equals the one with more rollouts, then by name."""
    members: defaultdict[tuple[str, str], list[Graded]] = defaultdict(list)
    for one in graded:
        members[one.case.suite, one.case.cluster].append(one)
    found = []
    for (suite, cluster), rollouts in members.items():
        failed = [one for one in rollouts if one.scores is not None and one.scores[SUCCESS].value != 1.0]
        errors = sum(one.scores is None for one in rollouts)
        first = min(failed, key=lambda one: (one.epoch, one.case.id), default=None)
        example = None
        if first is not None and first.scores is not None and first.trajectory is not None:
            example = example_of(first.case, first.epoch, first.trajectory, first.scores)
        passed = len(rollouts) - errors - len(failed)
        found.append(Branch(branch_name(suite, cluster), passed, len(rollouts), errors, example))
    return tuple(sorted(found, key=lambda branch: (branch.rate, -branch.rollouts, branch.name)))


def branch_name(suite: str, cluster: str) -> str:
    """A branch with its procedure in front, once."""
    return cluster if cluster.startswith(f"{suite}/") else f"{suite}/{cluster}"


def _coverage(graded: Iterable[Graded], branches: Branches) -> tuple[Coverage, ...]:
    tried = {(one.case.suite, one.case.cluster) for one in graded if one.scores is not None}
    return tuple(
        Coverage(procedure, len(feasible), tuple(name for name in feasible if (procedure, name) not in tried))
        for procedure, feasible in branches.items()
    )


def _defects(graded: Iterable[Graded]) -> Mapping[str, int]:
    counted = Counter(
        defect.name.value
        for one in graded
        if one.trajectory is not None
        for step in one.trajectory.steps
        for defect in step.turn.defects
    )
    return dict(counted.most_common())
