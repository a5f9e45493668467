"""What a run says: denominators, bounds, targets, floors, branches and examples, on the toy world."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import toy_world
from hypothesis import given, strategies as st

from samescore.harness.case import Case
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.examples import Example
from samescore.harness.floors import floors
from samescore.harness.plan import Plan
from samescore.harness.policies.null import NULL_AGENTS, null_agent
from samescore.harness.policies.script import ScriptPolicy, oracle
from samescore.harness.policy import Policy
from samescore.harness.rescore import Scored
from samescore.harness.results import Metric, Results, TargetVerdict, summarise
from samescore.harness.run import Run
from samescore.harness.scorers import RUBRIC, scorer_named
from samescore.harness.types import Call, DefectName, Message

Turns = Callable[[Case], Iterator[Message | str]]


def scored_by(policy: Policy, directory: Path, cases: int = 16, epochs: int = 1) -> tuple[Plan, list[Scored]]:
    suite = toy_world.suite(cases)
    plan = Plan.make([suite], epochs=epochs)
    run = Run.create(directory, plan, policy, toy_world.WORLDS, suites=[suite])
    return plan, list(evaluate_sync([suite], policy, toy_world.WORLDS, plan, run).results)


def results_of(policy: Policy, directory: Path, cases: int = 16, epochs: int = 1) -> Results:
    plan, scored = scored_by(policy, directory, cases, epochs)
    return summarise(plan, toy_world.suite(cases).cases, scored, RUBRIC, {"success": 0.6})


def scripted(turns: Turns) -> ScriptPolicy:
    return ScriptPolicy("scripted", lambda case, sampling: turns(case))


def wrong_fee(case: Case) -> Iterator[Message | str]:
    """Gold, but every waiver one dollar too high."""
    for turn in case.gold:
        calls = [call if call.name != "waive_fee" else dearer(call) for call in turn.calls]
        yield Message("assistant", turn.content, calls=tuple(calls))


def dearer(call: Call) -> Call:
    return Call(call.name, {**call.arguments, "amount": call.arguments["amount"] + 1})


def example_on(branch: str, results: Results) -> Example:
    found = [one.example for one in results.failing if one.name.endswith(f"/{branch}")]
    assert found[0] is not None
    return found[0]


def test_the_oracle_has_every_metric_at_one_on_every_planned_case(tmp_path: Path) -> None:
    results = results_of(oracle(), tmp_path / "run")
    assert results.complete and not results.failing and not results.defects
    assert {metric.value for metric in results.metrics.values()} == {1.0}
    assert results.metrics["success"].n == results.cases == 16
    assert all(metric.low < 1.0 for metric in results.metrics.values())


def test_a_metric_counts_only_the_cases_it_applies_to(tmp_path: Path) -> None:
    results = results_of(oracle(), tmp_path / "run")
    arguments = scorer_named("arguments")
    assert results.metrics["arguments"].n == sum(map(arguments.applies, toy_world.suite().cases)) == 12


def test_an_error_is_neither_a_zero_nor_left_out(tmp_path: Path) -> None:
    plan, scored = scored_by(oracle(), tmp_path / "run")
    without = summarise(plan, toy_world.suite().cases, scored[1:], RUBRIC)
    success = without.metrics["success"]
    assert not without.complete and without.errors[0].reason == "pending: not run yet"
    assert success.value is None and success.n == 16
    as_failure = summarise(plan, toy_world.suite().cases, scored, RUBRIC).metrics["success"]
    assert success.low < as_failure.low and success.high == 1.0


def test_bounds_of_an_incomplete_run_hold_whatever_the_missing_rollouts_give(tmp_path: Path) -> None:
    plan, right = scored_by(oracle(), tmp_path / "right")
    _, wrong = scored_by(null_agent("null/noop"), tmp_path / "wrong")
    cases = toy_world.suite().cases
    missing = summarise(plan, cases, right[3:], RUBRIC).metrics["success"]
    for ending in (right, [*wrong[:3], *right[3:]]):
        whole = summarise(plan, cases, ending, RUBRIC).metrics["success"]
        assert missing.low <= whole.low <= whole.high <= missing.high


def test_epochs_do_not_count_as_cases(tmp_path: Path) -> None:
    once = results_of(oracle(), tmp_path / "once").metrics["success"]
    thrice = results_of(oracle(), tmp_path / "thrice", epochs=3)
    assert thrice.rollouts == 48 and thrice.metrics["success"].n == 16
    assert thrice.metrics["success"].low == once.low


def test_failing_branches_come_worst_first_with_one_example_each(tmp_path: Path) -> None:
    def turns(case: Case) -> Iterator[Message | str]:
        spoilt = case.cluster == "asked" or (case.cluster == "retried" and case.locale == "en")
        return wrong_fee(case) if spoilt else iter(case.gold)

    results = results_of(scripted(turns), tmp_path / "run", cases=32)
    rates = [branch.rate for branch in results.branches]
    assert rates == sorted(rates)
    assert {branch.name.rpartition("/")[2] for branch in results.failing} == {"asked", "retried"}
    assert results.failing[0].name.endswith("asked") and results.failing[0].passed == 0


def test_example_stands_at_the_turn_that_went_wrong_with_what_was_expected_there(tmp_path: Path) -> None:
    example = example_on("asked", results_of(scripted(wrong_fee), tmp_path / "run"))
    assert example.got is not None and example.expected is not None
    assert example.turn == 3
    assert [message.role for message in example.seen] == ["tool"]
    expected, got = example.expected.calls[0], example.got.calls[0]
    assert got.arguments["amount"] == expected.arguments["amount"] + 1
    assert any("amount" in reason.words for reason in example.reasons)
    assert "success" not in {reason.scorer for reason in example.reasons}


def test_an_allowed_extra_read_is_not_where_the_example_stands(tmp_path: Path) -> None:
    def turns(case: Case) -> Iterator[Message | str]:
        other = Message("assistant", "", calls=(Call("get_loan", {"book_id": "B-9999"}),))
        first, *rest = wrong_fee(case)
        return iter([first, other, *rest])

    example = example_on("waived", results_of(scripted(turns), tmp_path / "run"))
    assert example.got is not None
    assert example.got.calls[0].name == "waive_fee"


def test_malformed_turns_are_counted_by_name(tmp_path: Path) -> None:
    results = results_of(scripted(lambda case: iter(['<tool_call>\n{"name": "get_loan"'])), tmp_path / "run")
    assert results.defects == {DefectName.UNCLOSED_CALL.value: 16}
    assert results.metrics["success"].value == 0.0


def test_coverage_names_the_branches_that_a_smaller_plan_leaves_out(tmp_path: Path) -> None:
    suite, policy = toy_world.suite(), oracle()
    plan = Plan.make([suite], limit=3)
    run = Run.create(tmp_path / "run", plan, policy, toy_world.WORLDS)
    scored = evaluate_sync([suite], policy, toy_world.WORLDS, plan, run).results
    coverage = summarise(plan, suite.cases, scored, RUBRIC).coverage
    assert sum(one.feasible for one in coverage) == 8
    assert sum(one.covered for one in coverage) == 3
    assert all(one.covered + len(one.untried) == one.feasible for one in coverage)


def test_a_case_that_the_suites_no_longer_have_is_an_error(tmp_path: Path) -> None:
    plan, scored = scored_by(oracle(), tmp_path / "run")
    gone = [one for one in scored if one.record.case != "toy/0000"]
    results = summarise(plan, [case for case in toy_world.suite().cases if case.id != "toy/0000"], gone, RUBRIC)
    assert [error.case for error in results.errors] == ["toy/0000"]
    assert results.metrics["success"].n == 16


def test_floor_is_the_best_null_agent_on_the_same_cases(tmp_path: Path) -> None:
    cases = toy_world.suite().cases
    found = asyncio.run(floors(cases, toy_world.WORLDS, RUBRIC))
    best: dict[str, float] = {}
    for name in NULL_AGENTS:
        for metric in results_of(null_agent(name), tmp_path / name).metrics.values():
            assert metric.value is not None
            best[metric.name] = max(best.get(metric.name, 0.0), metric.value)
    assert {name: floor.value for name, floor in found.items()} == pytest.approx(best)
    assert all(floor.policy in NULL_AGENTS for floor in found.values())


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_target_is_met_by_the_lower_bound_and_missed_by_the_upper(low: float, high: float, target: float) -> None:
    low, high = min(low, high), max(low, high)
    verdict = Metric("success", low, low, high, 10, target).verdict
    assert (verdict is TargetVerdict.MET) == (low >= target)
    assert (verdict is TargetVerdict.MISSED) == (high < target)
    assert Metric("success", low, low, high, 10).verdict is None
