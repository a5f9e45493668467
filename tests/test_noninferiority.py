"""The rule of the gate: what it says, that it never collapses, and how often it is wrong where the truth is known."""

from __future__ import annotations

import math
import time
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import linalg, stats
from statsmodels.stats.contingency_tables import mcnemar

from samescore.harness.stats.cluster_robust import cr2_variance, degrees_of_freedom, quantile, robust_mean, upper_tail
from samescore.harness.stats.noninferiority import Compared, compare, holm, standings
from samescore.harness.stats.paired import tango_statistic

score = st.one_of(st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.floats(0, 1, allow_nan=False))
pairs = st.lists(st.tuples(score, score, st.integers(0, 5)), min_size=1, max_size=50)


def equal(n: int, clusters: list[int] | None = None, margin: float = 0.05, **options: Any) -> Compared:
    return compare([1.0] * n, [1.0] * n, clusters, margin, **options)


def passfail(lost: int, gained: int, n: int) -> tuple[list[float], list[float]]:
    same = n - lost - gained
    return [1.0] * lost + [0.0] * gained + [1.0] * same, [0.0] * lost + [1.0] * gained + [1.0] * same


def test_ten_equal_cases_do_not_pass_a_margin_of_five_points() -> None:
    ten = equal(10)
    assert not ten.cleared
    assert ten.high == ten.floor == pytest.approx(1 - 0.05**0.1)  # 0.26
    assert ten.low < 0 and ten.drop == 0


@pytest.mark.parametrize(("margin", "cases"), [(0.01, 299), (0.02, 149), (0.05, 59), (0.10, 29)])
def test_so_many_equal_cases_pass_a_margin_and_no_fewer(margin: float, cases: int) -> None:
    assert equal(cases, margin=margin).cleared
    assert not equal(cases - 1, margin=margin).cleared


@pytest.mark.parametrize("n", [60, 120, 400])
@pytest.mark.parametrize("branches", [None, 2, 6, 12, 60])
@pytest.mark.parametrize("rho0", [0.0, 0.05, 0.3])
def test_the_floor_is_the_upper_bound_where_nothing_differs(n: int, branches: int | None, rho0: float) -> None:
    """For the observed case that nothing differs, and so the smallest margin that can be passed without a gain."""
    one = equal(n, None if branches is None else [number % branches for number in range(n)], rho0=rho0)
    assert one.high == pytest.approx(one.floor, abs=1e-9)


def test_few_branches_need_more_cases_and_a_declared_correlation_more_still() -> None:
    alone = equal(100)
    dozen = equal(100, [number % 12 for number in range(100)])
    alike = equal(100, [number % 12 for number in range(100)], rho0=0.05)
    few = equal(100, [number % 3 for number in range(100)])
    assert alone.high <= dozen.high < alike.high
    assert dozen.high < few.high
    assert alike.design_effect == pytest.approx(1 + (100 / 12 - 1) * 0.05, rel=0.02)


def test_epochs_do_not_lower_the_floor() -> None:
    """Ten cases with 50 epochs each are ten cases."""
    ten = compare([0.98] * 10, [0.98] * 10, None, 0.05)
    assert ten.high == equal(10).high


def test_one_branch_says_nothing_of_branches_like_it() -> None:
    one = equal(1000, [1] * 1000)
    assert (one.low, one.high, one.cleared, one.p_drop) == (-1.0, 1.0, False, 1.0)
    assert (one.mde, one.floor, one.clusters) == (1.0, 1.0, 1)
    assert equal(1000).cleared


@settings(deadline=None, max_examples=150)
@given(pairs, st.booleans(), st.sampled_from([0.01, 0.05, 0.4]), st.sampled_from([0.0, 0.05, 1.0]))
def test_whatever_the_scores_the_interval_stays_within_what_is_possible(
    cases: list[tuple[float, float, int]], clustered: bool, margin: float, rho0: float
) -> None:
    """No warning, no NaN, and verdicts that say what the bounds say."""
    before, after, groups = (list(column) for column in zip(*cases, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = compare(before, after, groups if clustered else None, margin, rho0=rho0, metrics=3)
    assert all(math.isfinite(value) for value in (one.drop, one.low, one.high, one.p_drop, one.mde, one.floor))
    assert -1 <= one.low <= one.drop + 1e-12 and one.drop - 1e-12 <= one.high <= 1
    assert 0 <= one.p_drop <= 1 and 0 < one.mde <= 1 and 0 < one.floor <= 1
    assert one.high - one.low > 1e-3, "it collapsed"
    assert one.cleared == (one.high < margin)
    if abs(one.p_drop - 0.05) > 1e-6:
        assert (one.low > 0) == (one.p_drop < 0.05)
    assert not (one.cleared and one.low >= margin)
    assert one.n == len(cases) and one.clusters == (len(set(groups)) if clustered else len(cases))
    assert one.design_effect >= 1


@settings(deadline=None, max_examples=50)
@given(pairs, st.randoms(use_true_random=False))
def test_neither_the_order_of_cases_nor_the_names_of_branches_matter(cases: list[Any], rng: Any) -> None:
    shuffled = rng.sample(cases, len(cases))
    one, other = (
        compare([case[0] for case in some], [case[1] for case in some], [label + str(case[2]) for case in some], 0.05)
        for some, label in ((cases, "a"), (shuffled, "b"))
    )
    assert (one.drop, one.low, one.high) == pytest.approx((other.drop, other.low, other.high), abs=1e-9)


def test_a_single_case_is_no_evidence_either_way() -> None:
    for before, after in (([1.0], [0.0]), ([0.0], [1.0]), ([1.0], [1.0])):
        alone = compare(before, after, None, 0.05)
        assert not alone.cleared and alone.p_drop > 0.05


def test_what_all_cases_lose_is_found_and_what_all_gain_passes() -> None:
    branches = [number % 4 for number in range(20)]
    assert standings([compare([1.0] * 20, [0.0] * 20, branches, 0.05)]) == ["dropped"]
    assert standings([compare([0.0] * 20, [1.0] * 20, branches, 0.05)]) == ["cleared"]


def test_a_candidate_shown_to_be_better_need_not_have_as_many_cases_as_an_equal_one() -> None:
    """Five gains and no loss are significant by an exact sign test (1/32), four (1/16) are not."""
    four, five = (compare(*passfail(0, gained, 12), None, 0.05) for gained in (4, 5))
    assert not four.cleared and five.cleared
    assert stats.binomtest(5, 5, alternative="greater").pvalue < 0.05 < stats.binomtest(4, 4, 0.5, "greater").pvalue
    assert five.floor > 0.05, "ten equal cases would not have passed"


def test_the_interval_of_a_clear_gain_is_that_of_the_drop_turned_round() -> None:
    before, after = passfail(5, 80, 200)
    for clusters in (None, [number % 40 for number in range(200)]):
        gain, drop = compare(before, after, clusters, 0.05), compare(after, before, clusters, 0.05)
        assert gain.cleared and gain.high < -0.25
        assert gain.high == pytest.approx(-drop.low, abs=0.02) and gain.low <= gain.drop <= gain.high


def test_small_gains_everywhere_do_not_prove_that_no_case_is_lost() -> None:
    """Ten cases that gain a tenth each are one case gained, however little they vary: a rare loss would not be seen."""
    assert not compare([0.5] * 10, [0.6] * 10, None, 0.05).cleared
    assert compare([0.5] * 60, [0.6] * 60, None, 0.05).cleared


def test_the_three_tests_are_those_of_the_docstring() -> None:
    """Against the formulas, with scipy's distributions, on drawn runs with branches, epochs and both verdicts."""
    rng, seen = np.random.default_rng(4), set()
    for _ in range(200):
        n, margin, alpha, rho0 = int(rng.integers(40, 260)), float(rng.choice([0.05, 0.1])), 0.05, 0.05
        branches = rng.integers(0, 9, n).tolist()
        before = rng.binomial(3, 0.9, n) / 3
        after = rng.binomial(3, 0.9, n) / 3
        drops = before - after
        variance, degrees = cr2_variance(drops.tolist(), branches), degrees_of_freedom(np.bincount(branches).tolist())
        assert variance is not None
        t = stats.t.ppf(1 - alpha, degrees)
        sizes = np.bincount(branches)
        kappa = np.abs(drops).sum() / (drops**2).sum()
        deff = max(1, variance / (drops.var(ddof=1) / n), 1 + ((sizes**2).sum() / n - 1) * rho0)
        lost, gained = drops[drops > 0].sum(), -drops[drops < 0].sum()
        tests = (
            drops.mean() + t * math.sqrt(variance) < margin,
            -tango_statistic(lost, gained, n, margin) * math.sqrt(kappa / deff) > t,
            1 - alpha ** (deff / n) < margin or stats.binom.sf(gained / deff - 1, (lost + gained) / deff, 0.5) <= alpha,
        )
        one = compare(before.tolist(), after.tolist(), branches, margin, rho0=rho0)
        assert one.cleared == all(tests)
        p_cr2 = stats.t.sf(drops.mean() / math.sqrt(variance), degrees)
        p_score = stats.norm.sf(drops.sum() / math.sqrt((drops**2).sum()))
        assert one.p_drop == pytest.approx(max(p_cr2, p_score))
        assert one.design_effect == pytest.approx(deff)
        seen.add((one.cleared, tests))
    assert len(seen) > 4, "every test decides somewhere"


def by_matrices(values: np.ndarray, clusters: list[int]) -> tuple[float, float]:
    """CR2 and its degrees of freedom as Bell & McCaffrey define them, for the design matrix of a mean."""
    n = len(values)
    design, hat = np.ones((n, 1)), np.full((n, n), 1 / n)
    residuals = values - values.mean()
    variance, vectors = 0.0, []
    for cluster in sorted(set(clusters)):
        at = np.flatnonzero(np.array(clusters) == cluster)
        adjusted = linalg.fractional_matrix_power(np.eye(len(at)) - hat[np.ix_(at, at)], -0.5).real
        variance += float((design[at].T @ adjusted @ residuals[at])[0] / n) ** 2
        vectors.append((np.eye(n) - hat)[:, at] @ adjusted @ design[at] / n)
    spread = np.hstack(vectors)
    weights = np.linalg.eigvalsh(spread.T @ spread)
    return variance, float(weights.sum() ** 2 / (weights**2).sum())


def test_variance_and_degrees_of_freedom_are_those_of_bell_and_mccaffrey() -> None:
    rng = np.random.default_rng(8)
    clusters = [0] * 17 + [1] * 5 + [2] * 5 + [3] + [4] * 9
    values = rng.normal(size=len(clusters)).tolist()
    variance, degrees = by_matrices(np.array(values), clusters)
    assert cr2_variance(values, clusters) == pytest.approx(variance)
    assert degrees_of_freedom([17, 5, 5, 1, 9]) == pytest.approx(degrees)
    sample = robust_mean(values, clusters)
    assert sample is not None and sample.error**2 == pytest.approx(variance)


def test_quantiles_and_tails_are_those_of_scipy() -> None:
    assert quantile(0.95) == pytest.approx(stats.norm.ppf(0.95)) and quantile(0.95, 3.5) == stats.t.ppf(0.95, 3.5)
    assert upper_tail(1.3) == pytest.approx(stats.norm.sf(1.3))
    assert upper_tail(1.3, 3.5) == pytest.approx(stats.t.sf(1.3, 3.5))


def test_without_branches_no_drop_is_tested_by_mcnemars_test() -> None:
    one = compare(*passfail(15, 6, 80), None, 0.05)
    both_sides = mcnemar([[0, 15], [6, 59]], exact=False, correction=False).pvalue
    assert one.p_drop == pytest.approx(both_sides / 2)


def test_losses_in_one_branch_say_less_than_losses_everywhere() -> None:
    before, after = passfail(12, 0, 120)
    together = compare(before, after, [number // 12 for number in range(120)], 0.05)
    spread = compare(before, after, [number % 10 for number in range(120)], 0.05)
    strata = compare(before, after, None, 0.05)
    assert together.high > spread.high and together.p_drop > 0.05 > spread.p_drop
    assert together.design_effect > 5 and strata.design_effect == 1 and strata.p_drop < 0.001


def test_holm_rejects_step_by_step() -> None:
    assert holm([0.01, 0.04, 0.03], 0.05) == [True, False, False]
    assert holm([0.01, 0.02, 0.04], 0.05) == [True, True, True]
    assert holm([0.05], 0.05) == [True] and holm([0.051], 0.05) == [False] and holm([], 0.05) == []


def test_a_small_drop_that_is_within_the_margin_is_cleared_not_dropped() -> None:
    """With 5,000 cases a drop of one point is certain, and a margin of five points is kept."""
    one = compare(*passfail(60, 10, 5000), None, 0.05)
    assert one.p_drop < 0.001 and standings([one]) == ["cleared"]


def test_holm_is_over_all_metrics_cleared_ones_included() -> None:
    cleared = compare(*passfail(1, 1, 500), None, 0.05)
    shaky = compare(*passfail(14, 5, 100), None, 0.05)
    assert 0.0167 < shaky.p_drop < 0.025
    assert standings([shaky, cleared]) == ["dropped", "cleared"]
    assert standings([shaky, cleared, cleared]) == ["open", "cleared", "cleared"]


def test_more_metrics_need_a_larger_drop_to_be_found() -> None:
    before, after = passfail(8, 8, 300)
    assert compare(before, after, None, 0.05, metrics=4).mde > compare(before, after, None, 0.05).mde


@pytest.mark.parametrize("branches", [None, 30, 12])
def test_it_is_wrong_no_more_often_than_it_says(branches: int | None) -> None:
    """200 cases and a churn of 10%: drops at the margin, and none at all. Within three standard errors of 0.05."""
    rng, times, n = np.random.default_rng(1), 400, 200
    most = 0.05 + 3 * math.sqrt(0.05 * 0.95 / times)
    clusters = None if branches is None else [number % branches for number in range(n)]
    passed = dropped = 0
    for _ in range(times):
        chance = rng.random((2, n))
        before, after = (chance[0] > 0.025).astype(float), ((chance[0] <= 0.9) | (chance[0] > 0.975)).astype(float)
        at_margin = compare(before.tolist(), after.tolist(), clusters, 0.05)
        passed += at_margin.cleared
        before, after = (chance[1] > 0.05).astype(float), (chance[1] <= 0.95).astype(float)
        dropped += standings([compare(before.tolist(), after.tolist(), clusters, 0.05)]) == ["dropped"]
    assert passed / times <= most and dropped / times <= most
    assert passed and dropped, "neither error is impossible, so that this can fail"


def test_ten_thousand_cases_of_three_metrics_are_judged_in_a_quarter_of_a_second() -> None:
    rng = np.random.default_rng(2)
    before, after = (rng.binomial(5, 0.9, (3, 10_000)) / 5 for _ in range(2))
    clusters = [f"branch {number % 40}" for number in range(10_000)]
    compare([1.0], [1.0], None, 0.05)  # imports scipy
    began = time.process_time()
    for one, other in zip(before.tolist(), after.tolist(), strict=True):
        compare(one, other, clusters, 0.05, metrics=3)
    assert time.process_time() - began < 0.25


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (([], [], None, 0.05), {}, "pairs"),
        (([1.0], [1.0, 0.0], None, 0.05), {}, "pairs"),
        (([1.0], [1.0], [1, 2], 0.05), {}, "clusters"),
        (([1.0], [1.5], None, 0.05), {}, "score of 1.5"),
        (([math.nan], [1.0], None, 0.05), {}, "score of nan"),
        (([1.0], [1.0], None, 0.0), {}, "margin of 0"),
        (([1.0], [1.0], None, 1.0), {}, "margin of 1"),
        (([1.0], [1.0], None, 0.05), {"alpha": 0.5}, "alpha of 0.5"),
        (([1.0], [1.0], None, 0.05), {"rho0": 2.0}, "correlation of 2"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: Any, options: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compare(*arguments, **options)
