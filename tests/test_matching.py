"""Matchers and the shared assignment."""

import itertools

import pytest
from hypothesis import given, strategies as st

from samescore.harness.assignment import Made, assign
from samescore.harness.case import CallPattern, Expectation, ExpectedCall
from samescore.harness.errors import UsageError
from samescore.harness.matching import Matcher, exact
from samescore.harness.types import Attempt, Call


@pytest.mark.parametrize(
    ("matcher", "good", "bad"),
    [
        (exact(5), [5], [5.0, "5", True, 6, None]),
        (exact(True), [True], [1, "true", 1.0]),
        (Matcher("number", 25), [25, 25.0], ["25", True, 25.1, None]),
        (Matcher("any_of", ["a", 1]), ["a", 1], [True, 1.0, "b"]),
        (Matcher("date", "2026-03-09"), ["2026-03-09"], ["2026-3-9", "09/03/2026", "20260309", 20260309, "2026-03-10"]),
        (Matcher("text", "Áo  Sơ mi"), ["áo sơ mi", " ÁO SƠ\nMI ", "a\u0301o so\u031b mi"], ["ao so mi", "áo sơmi", 3]),
        (Matcher("anything"), [1, "x", None, {}], []),
    ],
)
def test_matchers_are_strict_about_types(matcher: Matcher, good: list[object], bad: list[object]) -> None:
    assert all(matcher.accepts(value) for value in good)
    assert not any(matcher.accepts(value) for value in bad)
    assert Matcher.from_json(matcher.to_json()) == matcher


def test_a_matcher_that_is_none_says_so() -> None:
    with pytest.raises(UsageError, match="unknown matcher 'fuzzy'"):
        Matcher.from_json({"fuzzy": 1})


def made(*calls: tuple[str, dict[str, object]]) -> list[Made]:
    return [Made(turn, Attempt((0, 0), Call(name, arguments)), None) for turn, (name, arguments) in enumerate(calls)]


def expectation(*calls: tuple[str, str, dict[str, Matcher]], reads: tuple[CallPattern, ...] = ()) -> Expectation:
    return Expectation(calls=tuple(ExpectedCall(*call) for call in calls), reads=reads)


def test_a_permutation_is_matched_where_a_greedy_assignment_would_fail() -> None:
    # The first attempt fits both expectations, the second only the first one.
    wanted = expectation(("a", "f", {"x": Matcher("any_of", [1, 2])}), ("b", "f", {"x": exact(1)}))
    found = assign(wanted, made(("f", {"x": 1}), ("f", {"x": 2})))
    assert all(pair.exact for pair in found.pairs.values())


@given(st.permutations(range(4)))
def test_order_does_not_matter_where_it_is_free(order: list[int]) -> None:
    wanted = expectation(*((str(n), "f", {"x": exact(n)}) for n in range(4)))
    found = assign(wanted, made(*(("f", {"x": n}) for n in order)))
    assert all(pair.exact for pair in found.pairs.values()) and not found.missing and not found.extra


@given(st.lists(st.integers(0, 2), max_size=5), st.lists(st.integers(0, 2), max_size=5))
def test_the_matching_is_maximal(wanted: list[int], given_: list[int]) -> None:
    calls = expectation(*((str(i), "f", {"x": Matcher("any_of", [n, n + 1])}) for i, n in enumerate(wanted)))
    found = assign(calls, made(*(("f", {"x": n}) for n in given_)))
    best = max(
        (
            sum(value in (n, n + 1) for n, value in zip(wanted, chosen, strict=False) if value is not None)
            for chosen in itertools.permutations([*given_, *([None] * len(wanted))], len(wanted))
        ),
        default=0,
    )
    assert sum(pair.exact for pair in found.pairs.values()) == best
    assert len(found.pairs) == min(len(wanted), len(given_))


def test_allowed_reads_are_not_counted_and_others_are() -> None:
    wanted = expectation(("a", "f", {}), reads=(CallPattern("peek", {"id": exact("A")}),))
    found = assign(wanted, made(("f", {}), ("peek", {"id": "A"}), ("peek", {"id": "B"})))
    assert found.attempted == 2 and len(found.extra) == 1 and found.denominator == 2


def test_an_optional_argument_may_be_given_only_as_expected() -> None:
    wanted = Expectation(calls=(ExpectedCall("a", "f", {"x": exact(1)}, optional={"note": exact("ok")}),))
    for arguments, good in [
        ({"x": 1}, True),
        ({"x": 1, "note": "ok"}, True),
        ({"x": 1, "note": "no"}, False),
        ({"x": 1, "y": 2}, False),
    ]:
        assert assign(wanted, made(("f", arguments))).pairs["a"].exact is good
