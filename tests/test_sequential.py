"""Looks at a run while it goes on: the level that they are judged at, their order, and when they end."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import norm

from samescore.harness.stats.noninferiority import Compared, compare
from samescore.harness.stats.sequential import Looks, pocock_level

CASES = [f"case-{number}" for number in range(200)]


def even(looks: int) -> tuple[float, ...]:
    return tuple((number + 1) / looks for number in range(looks))


@pytest.mark.parametrize(("looks", "bound"), [(1, 1.960), (2, 2.178), (3, 2.289), (4, 2.361), (5, 2.413), (10, 2.555)])
def test_the_bounds_are_those_of_pococks_table(looks: int, bound: float) -> None:
    """Pocock (1977), table 1: two-sided 0.05, of which the other side is never crossed by the same run."""
    assert norm.isf(pocock_level(even(looks), 0.025)) == pytest.approx(bound, abs=6e-4)


def test_four_looks_at_five_percent_are_four_tests_at_two() -> None:
    assert pocock_level(even(4)) == pytest.approx(norm.sf(2.067), abs=1e-4)


@pytest.mark.parametrize("shares", [even(4), (0.1, 0.2, 0.9, 1.0), (0.5, 1.0)])
def test_a_process_without_drift_crosses_as_often_as_alpha_says(shares: tuple[float, ...]) -> None:
    """By walking, with looks that are not evenly spaced, too."""
    rng, times = np.random.default_rng(2), 40_000
    steps = np.sqrt(np.diff([0.0, *shares])) * rng.normal(size=(times, len(shares)))
    crossed = (steps.cumsum(axis=1) / np.sqrt(shares) > norm.isf(pocock_level(shares))).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / times))


@settings(deadline=None, max_examples=25)
@given(st.sets(st.text(max_size=5), min_size=2, max_size=60), st.integers(2, 8), st.integers(0, 3))
def test_every_case_is_run_before_exactly_one_look(cases: set[str], looks: int, seed: int) -> None:
    if looks > len(cases):
        with pytest.raises(ValueError, match="looks at"):
            Looks.make(cases, looks, seed=seed)
        return
    planned = Looks.make(cases, looks, seed=seed)
    parts = [planned.new(number) for number in range(1, looks + 1)]
    assert sorted(case for part in parts for case in part) == sorted(cases)
    assert all(parts) and max(map(len, parts)) - min(map(len, parts)) <= 1
    assert planned.seen(looks) == planned.order
    assert planned.seen(1) == parts[0]
    assert 0.05 / looks < planned.level < 0.05


def test_the_order_is_random_and_depends_on_seed_and_ids_alone() -> None:
    one = Looks.make(CASES, seed=1)
    assert one == Looks.make(reversed(CASES), seed=1)
    assert one.order != Looks.make(CASES, seed=2).order
    fewer = Looks.make(CASES[:100], seed=1).order
    assert fewer == tuple(case for case in one.order if case in fewer), "a smaller plan has the same order"
    first = {int(case.split("-")[1]) for case in one.seen(1)}
    assert 60 < np.mean(sorted(first)) < 140, "no part of the suite comes first"


def compared(lost: int, gained: int, n: int, level: float) -> Compared:
    same = n - lost - gained
    before, after = [1.0] * lost + [0.0] * gained + [1.0] * same, [0.0] * lost + [1.0] * gained + [1.0] * same
    return compare(before, after, None, 0.05, alpha=level)


def test_a_look_is_certain_of_a_pass_of_all_metrics_or_a_regression_of_one() -> None:
    looks = Looks.make(CASES)
    good, bad, open_ = (compared(*counts, 100, looks.level) for counts in ((0, 0), (20, 2), (4, 2)))
    assert looks.judge(2, [good, good]).decision == "pass"
    assert looks.judge(2, [good, bad]).decision == "regression"
    assert looks.judge(2, [good, open_]).decision is None
    assert looks.judge(2, [good, open_]).standings == ("cleared", "open")
    assert not looks.judge(2, []).certain


def test_a_drop_inside_the_margin_is_a_regression_at_the_last_look_only() -> None:
    looks = Looks.make(CASES)
    small = compared(7, 0, 200, looks.level)
    assert 0 < small.drop < small.margin and looks.judge(1, [small]).standings == ("dropped",)
    assert [looks.judge(number, [small]).decision for number in (1, 2, 3, 4)] == [None, None, None, "regression"]


def test_a_look_is_stricter_than_a_run_without_looks() -> None:
    looks = Looks.make(CASES)
    assert compared(0, 0, 81, 0.05).cleared and not compared(0, 0, 81, looks.level).cleared
    assert compared(0, 0, 82, looks.level).cleared


def test_a_run_ends_at_the_first_look_that_is_certain() -> None:
    looks, asked = Looks.make(CASES), []

    def judge(cases: tuple[str, ...]) -> list[Compared]:
        asked.append(len(cases))
        return [compared(0, 0, len(cases), looks.level)]

    looked = looks.until_certain(judge)
    assert asked == [50, 100], "50 equal cases are too few, 100 are enough"
    assert looked.to_json() == {"look": 2, "of": 4, "cases": 100, "planned": 200, "decision": "pass"}


def test_a_run_that_is_never_certain_ends_with_its_last_look() -> None:
    looks = Looks.make(CASES)
    looked = looks.until_certain(lambda cases: [compared(8, 4, len(cases), looks.level)])
    assert (looked.number, looked.cases, looked.decision) == (4, 200, None)


def test_looking_four_times_is_wrong_no_more_often_than_looking_once() -> None:
    """Churn 10%, a drop at the margin; unadjusted looks at the same runs are wrong clearly more often."""
    rng, times = np.random.default_rng(9), 300
    looks, place = Looks.make(CASES), {case: number for number, case in enumerate(CASES)}
    wrong = {looks.level: 0, 0.05: 0}
    for _ in range(times):
        chance = rng.random(200)
        before, after = (chance > 0.05).astype(float), ((chance <= 0.9) | (chance <= 0.05)).astype(float)
        for level in wrong:

            def judge(cases: tuple[str, ...], level: float = level, before: Any = before, after: Any = after) -> Any:
                at = [place[case] for case in cases]
                return [compare(before[at].tolist(), after[at].tolist(), None, 0.05, alpha=level)]

            wrong[level] += looks.until_certain(judge).decision == "pass"
    assert wrong[looks.level] / times <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / times)
    assert wrong[0.05] > wrong[looks.level]


def test_looks_are_read_back_as_they_were_recorded() -> None:
    looks = Looks.make(CASES, 3, 0.02, seed=4)
    recorded = json.loads(json.dumps(looks.to_json()))
    assert recorded["ends"] == [67, 134, 200]
    assert Looks.from_json(recorded, CASES) == looks
    with pytest.raises(ValueError, match="looks after"):
        Looks.from_json(recorded, CASES[:-1])


@pytest.mark.parametrize("looks", [0, 1, 21])
def test_looks_that_make_no_sense_are_refused(looks: int) -> None:
    with pytest.raises(ValueError, match="expected 2 to 20"):
        Looks.make(CASES, looks)


def test_a_case_planned_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Looks.make([*CASES, CASES[0]])


@pytest.mark.parametrize(("shares", "alpha"), [((), 0.05), ((0.5, 0.4, 1.0), 0.05), ((0.5,), 0.05), ((1.0,), 0.5)])
def test_shares_that_do_not_rise_to_one_are_refused(shares: tuple[float, ...], alpha: float) -> None:
    with pytest.raises(ValueError, match="rise to 1"):
        pocock_level(shares, alpha)


def test_the_example_of_the_documentation_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parent.parent / "docs" / "statistics.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL)
    assert example is not None
    exec(example[1], {})
    assert capsys.readouterr().out == example[2]
