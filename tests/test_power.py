"""What a design can show: the formulas, against the rule itself on drawn runs."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st

from samescore.harness.stats.noninferiority import compare, standings
from samescore.harness.stats.power import (
    Design,
    Variation,
    cases_for,
    drop_floor,
    fewest_cases,
    minimum_detectable_drop,
    pass_chance,
    shares_of,
    variation_of,
)
from samescore.harness.stats.simulated import cases_needed, drawn, pass_rate

THIRTY, DOZEN = (1 / 30,) * 30, (1 / 12,) * 12
FIVE = Variation(0.025)  # a churn of five percent, all of it chance


@pytest.mark.parametrize(("margin", "cases"), [(0.01, 299), (0.02, 149), (0.05, 59), (0.10, 29)])
def test_the_fewest_cases_are_those_that_the_rule_passes(margin: float, cases: int) -> None:
    assert fewest_cases(Design(FIVE), margin) == cases


@pytest.mark.parametrize("shares", [THIRTY, DOZEN, (0.5, 0.3, 0.1, 0.05, 0.05)])
@pytest.mark.parametrize("rho0", [0.0, 0.05])
def test_with_branches_the_fewest_cases_are_those_that_the_rule_passes(shares: tuple[float, ...], rho0: float) -> None:
    design = Design(FIVE, shares, rho0)
    least = fewest_cases(design, 0.1)
    if least is None:
        assert rho0 and design.floor(10_000_000) > 0.1
        return
    for n, passes in ((least, True), (least - 1, False)):
        clusters = [branch for branch, size in enumerate(design.sizes(n)) for _ in range(size)]
        one = compare([1.0] * n, [1.0] * n, clusters, 0.1, rho0=rho0)
        assert one.cleared is passes
        assert one.floor == pytest.approx(design.floor(n))


def test_no_number_of_cases_of_few_branches_declared_alike_is_enough() -> None:
    three = Design(FIVE, (1 / 3,) * 3, 0.05)
    assert fewest_cases(three, 0.05) is None and cases_for(three, 1, 0.05) is None
    assert cases_needed(three, 5, 0.05) is None
    assert three.floor(10_000_000) > 0.05
    assert fewest_cases(Design(FIVE, (1 / 3,) * 3, 0.0), 0.05) is not None


def test_cases_of_one_branch_show_nothing() -> None:
    assert Design(FIVE, (1.0,)).floor(1000) == 1.0
    assert pass_rate(Design(FIVE, (1.0,)), 5000, 1, 0.05) == pass_rate(Design(FIVE, (1.0,)), 500, 1, 0.05) == 0.0


def test_the_formula_is_that_of_the_literature() -> None:
    """n = 8.56 churn / margin^2 for a power of 90%."""
    assert cases_for(Design(FIVE), 1, 0.05) == math.ceil(8.5638 * 0.05 / 0.05**2)
    assert cases_for(Design(FIVE), 1, 0.02) == pytest.approx(1071, abs=1)


def test_epochs_divide_chance_and_nothing_else() -> None:
    varies = Variation(within=0.03, between=0.02)
    assert varies.of_drop(1) == pytest.approx(0.08) and varies.of_drop(3) == pytest.approx(0.04)
    needed = [cases_for(Design(varies), epochs, 0.02) or 0 for epochs in (1, 3, 10, 10_000)]
    assert all(one > other for one, other in pairwise(needed))
    assert needed[-1] >= 8.56 * 0.02 / 0.02**2


@pytest.mark.parametrize("epochs", [1, 4])
@pytest.mark.parametrize("varies", [FIVE, Variation(0.06, 0.03), Variation(0.02, 0.05, 0.2, 0.8), Variation(0.25)])
def test_drawn_runs_vary_as_their_design_says(varies: Variation, epochs: int) -> None:
    design = Design(varies, DOZEN)
    before, after = drawn(design, design.sizes(120), epochs, 2000, np.random.default_rng(3))
    drops = before - after
    assert drops.mean() == pytest.approx(0, abs=0.005)
    assert drops.var() == pytest.approx(varies.of_drop(epochs), rel=0.08)
    within = drops.reshape(2000, 12, 10).sum(axis=2).var() / 10  # 1 + 9 correlation times the variance
    assert within / drops.var() == pytest.approx(1 + 9 * varies.correlation, rel=0.12)


@pytest.mark.parametrize(
    ("design", "epochs"), [(Design(Variation(0.06)), 1), (Design(Variation(0.1, 0.03), THIRTY), 3)]
)
def test_the_formula_is_right_for_many_cases(design: Design, epochs: int) -> None:
    assert pass_chance(design, 600, epochs, 0.03) == pytest.approx(pass_rate(design, 600, epochs, 0.03), abs=0.06)


@pytest.mark.parametrize(
    ("design", "epochs"),
    [(Design(FIVE), 1), (Design(FIVE, DOZEN, 0.05), 3), (Design(Variation(0.04, 0.02, 0.05), THIRTY), 3)],
)
def test_so_many_cases_pass_as_often_as_was_asked(design: Design, epochs: int) -> None:
    """On other draws than those that the number was found with."""
    n = cases_needed(design, epochs, 0.05)
    assert n is not None
    assert 0.85 <= pass_rate(design, n, epochs, 0.05, seed=11) <= 0.99
    assert pass_rate(design, n // 2, epochs, 0.05, seed=11) < 0.85


def test_where_nothing_varies_the_floor_is_all_that_counts() -> None:
    still = Design(Variation(0.0))
    assert cases_needed(still, 1, 0.05) == 59
    assert pass_rate(still, 59, 1, 0.05) == 1.0 and pass_rate(still, 58, 1, 0.05) == 0.0
    assert pass_chance(still, 5000, 1, 0.05) == 1.0 and pass_chance(still, 58, 1, 0.05) == 0.0


@pytest.mark.parametrize(("n", "churn", "low", "high"), [(100, 0.0, 0.79, 0.88), (400, 0.1, 0.74, 0.86)])
def test_a_drop_as_large_as_the_detectable_one_is_detected_in_four_of_five_runs(
    n: int, churn: float, low: float, high: float
) -> None:
    """With nothing else varying, and with a churn of which the drop is a small part."""
    drop = minimum_detectable_drop(n, churn)
    rng, found, times = np.random.default_rng(5), 0, 1000
    moved = max(churn, drop)
    for chance in rng.random((times, n)):
        before = np.where((chance >= 1 - (moved - drop) / 2), 0.0, 1.0)
        after = np.where(chance < (moved + drop) / 2, 0.0, 1.0)
        found += standings([compare(before.tolist(), after.tolist(), None, 0.001)]) == ["dropped"]
    assert low <= found / times <= high


@given(
    st.integers(1, 5000),
    st.floats(0, 1),
    st.floats(1, 50),
    st.sampled_from([1.0, 3.5, 29.0, math.inf]),
    st.integers(1, 3),
)
def test_nothing_collapses_or_leaves_what_is_possible(
    n: int, variance: float, effect: float, degrees: float, metrics: int
) -> None:
    assert 0 < minimum_detectable_drop(n, variance, effect, degrees, 0.05, metrics) <= 1
    assert 0 < drop_floor(n, effect, degrees) <= 1
    assert drop_floor(n, effect, degrees) >= drop_floor(n + 1, effect, degrees)


def test_a_run_of_several_epochs_shows_chance() -> None:
    rng = np.random.default_rng(6)
    chances = rng.beta(4, 1, 4000)
    epochs = rng.binomial(1, chances[:, None], (4000, 3)).astype(float)
    varies = variation_of(epochs.tolist())
    assert varies.within == pytest.approx(float((chances * (1 - chances)).mean()), rel=0.05)
    assert (varies.between, varies.correlation) == (0.0, 0.0)
    assert varies.mean == pytest.approx(0.8, abs=0.02)


def test_two_runs_show_what_is_chance_and_what_is_not() -> None:
    rng = np.random.default_rng(7)
    flips = rng.choice([-1.0, 0.0, 1.0], 3000, p=[0.03, 0.94, 0.03])
    old = np.where(flips == 1, 1.0, np.where(flips == -1, 0.0, 0.8))
    new = np.where(flips == 1, 0.0, np.where(flips == -1, 1.0, 0.8))
    before, after = (rng.binomial(1, side[:, None], (3000, 4)).astype(float) for side in (old, new))
    varies = variation_of(before.tolist(), after.tolist())
    assert varies.within == pytest.approx(0.16 * 0.94, rel=0.05)
    assert varies.between == pytest.approx(0.06, rel=0.2)
    assert varies.of_drop(4) == pytest.approx(float((before.mean(1) - after.mean(1)).var()), rel=0.01)


def test_two_runs_of_one_epoch_count_all_that_differs_as_real() -> None:
    varies = variation_of([[1.0], [1.0], [0.0], [1.0]], [[1.0], [0.0], [1.0], [1.0]])
    assert varies.within == 0 and varies.between == pytest.approx(2 / 3)
    assert varies.of_drop(1) == varies.of_drop(10)


def test_drops_of_one_branch_that_go_together_are_seen_to() -> None:
    before = [[1.0]] * 60
    together = [[0.0]] * 10 + [[1.0]] * 50
    clusters = [number // 10 for number in range(60)]
    assert variation_of(before, together, clusters).correlation == 1.0
    scattered = [[0.0 if number % 6 == 0 else 1.0] for number in range(60)]
    assert variation_of(before, scattered, clusters).correlation < 0.05
    assert variation_of(before, together).correlation == 0.0


def test_shares_are_kept_by_any_number_of_cases() -> None:
    shares = shares_of(["a", "b", "a", "c", "a", "b"])
    assert shares == pytest.approx((1 / 2, 1 / 3, 1 / 6))
    for n in (1, 2, 7, 100):
        assert sum(Design(FIVE, shares).sizes(n)) == n
    assert Design(FIVE, shares).sizes(12) == [6, 4, 2]


@pytest.mark.parametrize(
    ("before", "after"), [([], None), ([[]], None), ([[1.0]], None), ([[1.0]], [[1.0], [1.0]]), ([[1.0]], [[]])]
)
def test_what_shows_no_variation_is_refused(before: list[list[float]], after: list[list[float]] | None) -> None:
    with pytest.raises(ValueError, match=r"epoch"):
        variation_of(before, after)
