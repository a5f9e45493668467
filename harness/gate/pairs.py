"""The common cases of two runs, side by side: each metric once per case and run, epochs averaged, and what changed.

Several runs of one candidate are one run of more epochs here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb, fsum

from samescore.harness.gate.policy import SUCCESS
from samescore.harness.gate.scores import RunScores
from samescore.harness.kept import Row
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
    after = {case.id: [row for run in candidates for row in run.rows[case.id]] for case in cases}
    before = {case.id: baseline.rows[case.id] for case in cases}
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


def _metrics(
    cases: Sequence[PlannedCase], before: Mapping[str, Sequence[Row]], after: Mapping[str, Sequence[Row]]
) -> dict[str, MetricPairs]:
    columns: dict[str, tuple[list[float], list[float], list[tuple[str, str]]]] = {}
    for case in cases:
        ours, theirs, group = after[case.id], before[case.id], case.group
        for name in theirs[0].scores:
            column = columns.get(name)
            if column is None:
                column = columns[name] = ([], [], [])
            column[0].append(_mean(theirs, name))
            column[1].append(_mean(ours, name))
            column[2].append(group)
    order = [SUCCESS, *(name for name in columns if name != SUCCESS)]
    return {name: MetricPairs(name, *columns[name]) for name in order}


def _mean(rows: Sequence[Row], metric: str) -> float:
    if len(rows) == 1:
        return rows[0].scores[metric]
    return fsum([row.scores[metric] for row in rows]) / len(rows)


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


def _tools(before: Mapping[str, Sequence[Row]], after: Mapping[str, Sequence[Row]]) -> tuple[Moved, ...]:
    """By the share of a tool's calls that were right."""
    old, new = _right(before), _right(after)
    return _worst(
        Moved(name, old[name][0] / old[name][1], new[name][0] / new[name][1], new[name][1])
        for name in old.keys() & new.keys()
    )


def _right(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for of_case in rows.values():
        for row in of_case:
            for name, (right, calls) in row.tools.items():
                total = found.get(name)
                if total is None:
                    total = found[name] = [0, 0]
                total[0] += right
                total[1] += calls
    return found


def _worst(moved: Iterable[Moved]) -> tuple[Moved, ...]:
    lost = [one for one in moved if one.drop > 1e-12]
    return tuple(sorted(lost, key=lambda one: (-one.drop * one.n, -one.drop, one.name)))


def _pass_k(before: Mapping[str, Sequence[Row]], after: Mapping[str, Sequence[Row]]) -> tuple[PassK, ...]:
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


def _passes(rows: Mapping[str, Sequence[Row]]) -> dict[tuple[int, int], int]:
    """How many cases have so many right of so many epochs."""
    found: defaultdict[tuple[int, int], int] = defaultdict(int)
    for of_case in rows.values():
        found[sum(row.scores[SUCCESS] == 1.0 for row in of_case), len(of_case)] += 1
    return found
