"""The interval around a mean: what it must always do, and how often it is right where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import binomtest

from samescore.harness.stats.cluster_robust import cr2_variance, degrees_of_freedom
from samescore.harness.stats.interval import (
    CONFIDENCE,
    effective_cases,
    mean_interval,
    wilson,
)

scores = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1, allow_nan=False, allow_subnormal=False))
clustered = st.lists(st.tuples(scores, st.integers(0, 6)), min_size=1, max_size=60)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_of_whole_counts_is_scipys(counts: tuple[int, int]) -> None:
    k, n = counts
    expected = binomtest(k, n).proportion_ci(CONFIDENCE, method="wilson")
    assert wilson(k / n, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(clustered)
def test_interval_contains_the_mean_and_stays_within_zero_and_one(data: list[tuple[float, int]]) -> None:
    values, clusters = zip(*data, strict=True)
    found = mean_interval(values, clusters)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.value == pytest.approx(sum(values) / len(values))


@given(clustered)
def test_interval_never_collapses(data: list[tuple[float, int]]) -> None:
    values, clusters = zip(*data, strict=True)
    found = mean_interval(values, clusters)
    assert found.high - found.low > 1 / (len(values) + 4)


@given(clustered)
def test_effective_cases_lie_between_one_per_cluster_and_one_per_case(data: list[tuple[float, int]]) -> None:
    values, clusters = zip(*data, strict=True)
    n = len(values)
    per_cluster = n * n / sum(clusters.count(cluster) ** 2 for cluster in set(clusters))
    assert per_cluster - 1e-9 <= effective_cases(values, clusters) <= n + 1e-9


@given(clustered, st.integers(2, 4))
def test_more_branches_like_these_never_widen_the_interval(data: list[tuple[float, int]], times: int) -> None:
    values, clusters = zip(*data, strict=True)
    more = mean_interval(values * times, [(copy, cluster) for copy in range(times) for cluster in clusters])
    once = mean_interval(values, clusters)
    assert more.high - more.low <= once.high - once.low + 1e-12


@given(clustered)
def test_order_of_cases_does_not_matter(data: list[tuple[float, int]]) -> None:
    there, back = zip(*data, strict=True), zip(*reversed(data), strict=True)
    assert mean_interval(*there).low == pytest.approx(mean_interval(*back).low, abs=1e-9)


def test_unclustered_cases_get_plain_wilson() -> None:
    assert mean_interval([1.0] * 45 + [0.0] * 5).low == pytest.approx(wilson(0.9, 50)[0])
    assert mean_interval([1.0] * 45 + [0.0] * 5).effective_n == 50


def test_failures_that_share_a_branch_widen_the_interval() -> None:
    branches = [branch for branch in range(10) for _ in range(10)]
    together = [0.0 if branch == 0 else 1.0 for branch in branches]
    spread = [0.0 if i % 10 == 0 else 1.0 for i in range(100)]
    assert mean_interval(together, branches).low < mean_interval(spread, branches).low - 0.05


def test_all_passed_counts_fewer_cases_than_there_are_when_they_cluster() -> None:
    alone, grouped = mean_interval([1.0] * 100), mean_interval([1.0] * 100, [i // 10 for i in range(100)])
    assert grouped.low < alone.low < 1.0
    assert grouped.effective_n == pytest.approx(100 / (1 + 0.05 * 9))


def test_one_branch_tells_as_much_as_one_case() -> None:
    assert mean_interval([1.0] * 20, ["refund"] * 20).low == pytest.approx(wilson(1.0, 1)[0])


def test_clusters_of_one_size_have_one_degree_of_freedom_less_than_clusters() -> None:
    assert degrees_of_freedom([7] * 12) == pytest.approx(11)
    assert degrees_of_freedom([40, 1, 1, 1, 1, 1]) < 2


def test_cr2_of_single_cases_is_the_usual_variance_of_a_mean() -> None:
    values = [0.0, 1.0, 0.5, 1.0, 0.25]
    assert cr2_variance(values, range(5)) == pytest.approx(np.var(values, ddof=1) / 5)


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        mean_interval([])


@pytest.mark.parametrize("correlation", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("truth", [0.5, 0.9])
@pytest.mark.parametrize(("branches", "size"), [(12, 12), (30, 5)])
def test_interval_covers_the_truth_as_often_as_it_says(
    branches: int, size: int, truth: float, correlation: float
) -> None:
    """Beta-binomial branches of unequal size: the intra-branch correlation is exactly `correlation`."""
    random = np.random.default_rng([branches, int(100 * truth), int(100 * correlation)])
    missed, repetitions = 0, 400
    for _ in range(repetitions):
        sizes = random.integers(1, 2 * size, branches)
        rates = np.full(branches, truth)
        if correlation:
            strength = (1 - correlation) / correlation
            rates = random.beta(truth * strength, (1 - truth) * strength, branches)
        values = np.concatenate([random.random(m) < rate for m, rate in zip(sizes, rates, strict=True)])
        found = mean_interval(values.astype(float).tolist(), np.repeat(np.arange(branches), sizes).tolist())
        missed += not found.low <= truth <= found.high
    assert missed / repetitions <= 0.05 + 3 * (0.05 * 0.95 / repetitions) ** 0.5


def test_ignoring_branches_would_not_cover() -> None:
    """The simulation can fail: Wilson at the number of cases misses far more often than 5%."""
    random = np.random.default_rng(7)
    missed = 0
    for _ in range(200):
        rates = random.beta(0.8 * 4, 0.2 * 4, 12)
        values = (random.random((12, 12)) < rates[:, None]).astype(float).ravel().tolist()
        low, high = wilson(float(np.mean(values)), 144)
        missed += not low <= 0.8 <= high
    assert missed / 200 > 0.15
