"""The common cases of two runs, side by side: each metric once per case and run, epochs averaged, and what changed.

Several runs of one candidate are one run of more epochs here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb, fsum

from samescore.harness.gate.policy import SUCCESS
from samescore.harness.gate.scores import RunScores
from samescore.harness.kept import Outcome, Outcomes
from samescore.harness.plan import PlannedCase
from samescore.harness.results import branch_name


@dataclass(frozen=True, slots=True)
class MetricPairs:
    """One metric on the common cases that have it: the mean over epochs of each, and the branch it is of."""

    name: str
    before: Sequence[float]
    after: Sequence[float]
    branches: Sequence[tuple[str, str]]

    @property
    def means(self) -> tuple[float, float]:
        """Of the baseline, and of the candidate."""
        return fsum(self.before) / len(self.before), fsum(self.after) / len(self.after)


@dataclass(frozen=True, slots=True)
class Moved:
    """A case, a branch or a tool that did otherwise: its share of success, or of right calls, before and after.

    `n` is the number of cases of a branch, of calls of a tool, of rollouts of a case.
    """

    name: str
    before: float
    after: float
    n: int

    @property
    def drop(self) -> float:
        """How much lower it is."""
        return self.before - self.after


@dataclass(frozen=True, slots=True)
class PassK:
    """The chance that `k` rollouts of one case are all right, before and after; see `pass_hat`."""

    k: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two runs on their common cases.

    `fixed` and `broken` are the cases whose mean success is higher, and lower, than it was, the largest change first;
    `branches` and `tools` those that lost most cases, or calls, in all.
    """

    cases: tuple[PlannedCase, ...]
    metrics: Mapping[str, MetricPairs]
    fixed: tuple[Moved, ...]
    broken: tuple[Moved, ...]
    branches: tuple[Moved, ...]
    tools: tuple[Moved, ...]
    pass_k: tuple[PassK, ...]


def pairs_of(cases: Sequence[PlannedCase], candidates: Sequence[RunScores], baseline: RunScores) -> Pairs:
    """The runs side by side on these cases, which all of them have."""
    after = {case.id: tuple(one for run in candidates for one in run.outcomes[case.id]) for case in cases}
    before = {case.id: baseline.outcomes[case.id] for case in cases}
    metrics = _metrics(cases, before, after)
    success = metrics[SUCCESS]
    moved = [
        Moved(case.id, one, other, len(after[case.id]))
        for case, one, other in zip(cases, success.before, success.after, strict=True)
        if one != other
    ]
    moved.sort(key=lambda case: (-abs(case.drop), case.name))
    return Pairs(
        tuple(cases),
        metrics,
        tuple(case for case in moved if case.drop < 0),
        tuple(case for case in moved if case.drop > 0),
        _branches(cases, success),
        _tools(before, after),
        _pass_k(before, after),
    )


def pass_hat(passed: int, epochs: int, k: int) -> float:
    """pass^k of one case: the chance that k of its epochs, drawn without putting back, were all right.

    C(passed, k) / C(epochs, k), the unbiased estimate of Yao et al. (2024, tau-bench, arXiv:2406.12045, section 4).
    """
    return comb(passed, k) / comb(epochs, k)


def _metrics(cases: Sequence[PlannedCase], before: Outcomes, after: Outcomes) -> dict[str, MetricPairs]:
    columns: dict[str, tuple[list[float], list[float], list[tuple[str, str]]]] = {}
    means = _Means()
    for case in cases:
        theirs, ours, group = means.of(before[case.id]), means.of(after[case.id]), case.group
        for name, value in theirs.items():
            column = columns.get(name)
            if column is None:
                column = columns[name] = ([], [], [])
            column[0].append(value)
            column[1].append(ours[name])
            column[2].append(group)
    order = [SUCCESS, *(name for name in columns if name != SUCCESS)]
    return {name: MetricPairs(name, *columns[name]) for name in order}


class _Means:
    """The mean of each metric over a case's epochs. Outcomes are shared, so that most cases are like one before."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], dict[str, float]] = {}

    def of(self, epochs: tuple[Outcome, ...]) -> dict[str, float]:
        key = tuple(map(id, epochs))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = {
                name: fsum([one.scores[name] for one in epochs]) / len(epochs) for name in epochs[0].scores
            }
        return found


def _branches(cases: Sequence[PlannedCase], success: MetricPairs) -> tuple[Moved, ...]:
    """A suite without branches has none that could be worst."""
    members: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for case, before, after in zip(cases, success.before, success.after, strict=True):
        if case.cluster != case.suite:
            members[case.suite, case.cluster].append((before, after))
    return _worst(
        Moved(
            branch_name(*branch),
            fsum(before for before, _ in values) / len(values),
            fsum(after for _, after in values) / len(values),
            len(values),
        )
        for branch, values in members.items()
    )


def _tools(before: Outcomes, after: Outcomes) -> tuple[Moved, ...]:
    """By the share of a tool's calls that were right."""
    old, new = _right(before), _right(after)
    return _worst(
        Moved(name, old[name][0] / old[name][1], new[name][0] / new[name][1], new[name][1])
        for name in old.keys() & new.keys()
    )


def _right(outcomes: Outcomes) -> dict[str, list[int]]:
    times = Counter(id(one) for epochs in outcomes.values() for one in epochs)
    every = {id(one): one for epochs in outcomes.values() for one in epochs}
    found: dict[str, list[int]] = {}
    for key, outcome in every.items():
        for name, (right, calls) in outcome.tools.items():
            total = found.setdefault(name, [0, 0])
            total[0] += right * times[key]
            total[1] += calls * times[key]
    return found


def _worst(moved: Iterable[Moved]) -> tuple[Moved, ...]:
    lost = [one for one in moved if one.drop > 1e-12]
    return tuple(sorted(lost, key=lambda one: (-one.drop * one.n, -one.drop, one.name)))


def _pass_k(before: Outcomes, after: Outcomes) -> tuple[PassK, ...]:
    """For every k that both sides have epochs for; nothing where one has a single epoch."""
    epochs = min(min(map(len, before.values())), min(map(len, after.values())))
    if epochs < 2:
        return ()
    counts = [_passes(before), _passes(after)]
    found = []
    for k in range(1, epochs + 1):
        old, new = (fsum(pass_hat(right, n, k) * times for (right, n), times in one.items()) for one in counts)
        found.append(PassK(k, old / len(before), new / len(after)))
    return tuple(found)


def _passes(outcomes: Outcomes) -> Counter[tuple[int, int]]:
    """How many cases have so many right of so many epochs."""
    return Counter((sum([one.scores[SUCCESS] == 1.0 for one in epochs]), len(epochs)) for epochs in outcomes.values())
