"""The gate: what may be compared, what is decided, and on what grounds."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
import toy_world
from gate_runs import adapter, copied, other_amount, run_of
from hypothesis import given, settings, strategies as st
from pydantic import Field
from toy_world import WORLD, case

from samescore.harness.environment import Environment, tool
from samescore.harness.errors import EvidenceDamaged, ExitCode, UsageError
from samescore.harness.gate import Decision, Policy, Verdict, gate
from samescore.harness.gate.pairs import pairs_of, pass_hat
from samescore.harness.gate.scores import RunScores
from samescore.harness.gate.told import as_json, sentence
from samescore.harness.kept import Outcome
from samescore.harness.plan import PlannedCase
from samescore.harness.run import Run

ALL = Policy(branches="population")
"""The toy's eight branches are too few to speak for others."""
MANY = 80


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Runs that are compared with each other; nobody writes to them."""
    folder = tmp_path_factory.mktemp("gate")
    return {
        "good": run_of(folder / "good", MANY),
        "same": run_of(folder / "same", MANY, name="other"),
        "bad": run_of(folder / "bad", MANY, lambda number, epoch: number % 4 == 0),
        "ten": run_of(folder / "ten", 10),
        "five epochs": run_of(folder / "five", 16, lambda number, epoch: number == epoch, epochs=5, temperature=0.7),
        "three epochs": run_of(folder / "three", 16, epochs=3, temperature=0.7, name="other"),
    }


def judged(candidate: Run, baseline: Run, policy: Policy = ALL, **more: Any) -> Verdict:
    return gate(candidate, baseline, policy, **more)


# Metrics.


def test_no_difference_in_enough_cases_is_a_pass(runs: dict[str, Run]) -> None:
    verdict = judged(runs["same"], runs["good"])
    (metric,) = verdict.metrics
    assert (verdict.decision, verdict.exit) == (Decision.PASS, ExitCode.PASS)
    assert (metric.verdict, metric.compared.drop, verdict.fixed, verdict.broken) == ("cleared", 0.0, (), ())
    assert metric.compared.low < 0 < metric.compared.high < 0.05, "an interval that collapses would prove too much"


def test_ten_equal_cases_cannot_pass_and_it_is_said_why(runs: dict[str, Run]) -> None:
    again = copied(runs["ten"], runs["ten"].directory.parent / "ten again")
    for policy in (Policy(), ALL):
        verdict = judged(runs["ten"], again, policy)
        assert verdict.metrics[0].compared.drop == 0.0
        assert verdict.decision is Decision.INCONCLUSIVE
    assert (verdict.decision, verdict.exit) == (Decision.INCONCLUSIVE, ExitCode.INCONCLUSIVE)
    assert sentence(verdict).startswith(
        "success: 10 cases cannot show that a drop is under 0.05: where none differs, one"
    )


def test_a_drop_is_a_regression_and_the_broken_cases_are_named(runs: dict[str, Run]) -> None:
    verdict = judged(runs["bad"], runs["good"])
    assert (verdict.decision, verdict.exit) == (Decision.REGRESSION, ExitCode.REGRESSION)
    assert verdict.broken == tuple(f"toy/{number:04d}" for number in range(0, MANY, 4))
    assert (verdict.fixed, verdict.same) == ((), 60)
    assert verdict.metrics[0].verdict == "dropped"
    assert "success drops by 0.250 (from 1.000 to 0.750)" in sentence(verdict)
    back = judged(runs["good"], runs["bad"])
    assert (back.decision, back.fixed, back.broken) == (Decision.PASS, verdict.broken, ())


def test_the_branches_and_tools_that_lost_most_come_first(runs: dict[str, Run]) -> None:
    verdict = judged(runs["bad"], runs["good"])
    assert [(one.name, one.before, one.after, one.n) for one in verdict.branches] == [
        ("toy/even/waived", 1.0, 0.0, 10),
        ("toy/odd/waived", 1.0, 0.0, 10),
    ]
    (waive,) = verdict.tools
    assert (waive.name, waive.before, waive.n) == ("waive_fee", 1.0, 60)
    assert waive.after == pytest.approx(40 / 60)


def test_all_metrics_of_the_policy_must_be_cleared(runs: dict[str, Run], tmp_path: Path) -> None:
    def wrong_amount(number: int, epoch: int) -> Any:
        return other_amount(case(number)) if number % 4 == 0 else False

    candidate = run_of(tmp_path / "run", MANY, wrong_amount)
    policy = Policy(margins={"success": 0.9, "restraint": 0.02, "format": 0.1}, branches="population")
    verdict = judged(candidate, runs["good"], policy)
    assert {one.name: one.verdict for one in verdict.metrics} == {
        "success": "cleared",
        "restraint": "dropped",
        "format": "cleared",
    }
    assert verdict.decision is Decision.REGRESSION
    assert "restraint" not in {one.name for one in verdict.described}
    assert {"tool_name", "arguments", "execution"} <= {one.name for one in verdict.described}


def test_a_metric_that_no_case_has_cannot_be_judged(runs: dict[str, Run]) -> None:
    with pytest.raises(UsageError, match="the policy gives style a margin, and no common case has that metric"):
        judged(runs["same"], runs["good"], Policy(margins={"success": 0.05, "style": 0.1}))


def test_the_policy_says_what_the_claim_is_about(runs: dict[str, Run]) -> None:
    sample, population = (
        judged(runs["same"], runs["good"], Policy(branches=branches)) for branches in ("sample", "population")
    )
    assert sample.population.startswith("branches like these 8, and cases like these 80, of toy v1 (en, vi); greedy")
    assert population.population.startswith("these 8 branches and no others, and cases like these 80 of them")
    assert (sample.metrics[0].compared.clusters, population.metrics[0].compared.clusters) == (8, 80)
    assert sample.metrics[0].compared.floor > population.metrics[0].compared.floor


def test_one_branch_speaks_for_no_others(tmp_path: Path) -> None:
    def one_branch(case: Any) -> Any:
        return replace(case, suite="toy/even", cluster="waived")

    before, after = (run_of(tmp_path / name, 12, name=name, changed=one_branch) for name in ("before", "after"))
    verdict = judged(after, before, Policy())
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "all cases are of one branch" in sentence(verdict)


# Epochs.


def test_epochs_are_averaged_within_their_case(runs: dict[str, Run]) -> None:
    verdict = judged(runs["five epochs"], copied(runs["five epochs"], runs["five epochs"].directory.parent / "copy"))
    assert verdict.metrics[0].compared.n == 16
    assert verdict.metrics[0].before == pytest.approx(1 - 5 / 80)


def test_a_case_that_fails_once_in_five_epochs_is_broken(runs: dict[str, Run], tmp_path: Path) -> None:
    always = run_of(tmp_path / "always", 16, epochs=5, temperature=0.7, name="other")
    verdict = judged(runs["five epochs"], always)
    assert verdict.broken == tuple(f"toy/{number:04d}" for number in range(5))
    assert verdict.changes["toy/0003"].after == pytest.approx(0.8)


def test_runs_of_unequal_epochs_are_compared_with_a_warning(runs: dict[str, Run]) -> None:
    verdict = judged(runs["five epochs"], runs["three epochs"])
    assert verdict.decision is not Decision.INCOMPARABLE
    assert "epochs: 5 in the candidate, 3 in the baseline" in verdict.warnings
    assert [one.k for one in verdict.pass_k] == [1, 2, 3]


@given(st.integers(1, 7), st.data())
def test_pass_k_is_the_share_of_draws_of_k_epochs_that_are_all_right(epochs: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, epochs))
    k = data.draw(st.integers(1, epochs))
    results = [number < passed for number in range(epochs)]
    draws = [all(draw) for draw in itertools.combinations(results, k)]
    assert pass_hat(passed, epochs, k) == pytest.approx(sum(draws) / len(draws))


def test_pass_k_of_runs_falls_with_k(runs: dict[str, Run]) -> None:
    verdict = judged(runs["three epochs"], runs["five epochs"])
    assert [one.after for one in verdict.pass_k] == [1.0, 1.0, 1.0]
    assert [one.before for one in verdict.pass_k] == pytest.approx([1 - 5 * k / 5 / 16 for k in (1, 2, 3)])


scores = st.sampled_from([0.0, 0.25, 0.5, 1.0])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.lists(scores, min_size=1, max_size=4), st.lists(scores, min_size=1, max_size=4)), min_size=1)
)
def test_pairs_hold_every_case_once_and_changes_add_up(table: list[tuple[list[float], list[float]]]) -> None:
    cases = [PlannedCase(str(at), "0" * 16, "s", f"s/{at % 3}", "en") for at in range(len(table))]

    def side(which: int) -> RunScores:
        outcomes = {
            case.id: tuple(Outcome({"success": value}, {}, {}) for value in row[which])
            for case, row in zip(cases, table, strict=True)
        }
        return RunScores(None, outcomes)  # type: ignore[arg-type]  # pairs look at outcomes alone

    pairs = pairs_of(cases, [side(1)], side(0))
    success = pairs.metrics["success"]
    assert len(success.before) == len(success.after) == len(cases)
    assert len(pairs.fixed) + len(pairs.broken) == sum(
        one != other for one, other in zip(success.before, success.after, strict=True)
    )
    drop = sum(one.drop for one in (*pairs.fixed, *pairs.broken)) / len(cases)
    assert drop == pytest.approx(success.means[0] - success.means[1])
    assert all(one.drop > 0 for one in pairs.branches)


# Several runs of one candidate.


def test_pooled_retries_are_one_run_of_more_epochs(tmp_path: Path) -> None:
    def failing(number: int, epoch: int) -> bool:
        return number == 3 and epoch == 0

    said = {"said": adapter("b")}
    whole = run_of(tmp_path / "whole", 16, failing, epochs=2, temperature=0.7, **said)
    baseline = run_of(tmp_path / "baseline", 16, epochs=2, temperature=0.7, said=adapter("c"))
    tries = [
        run_of(tmp_path / "first", 16, failing, seed=1, temperature=0.7, **said),
        run_of(tmp_path / "second", 16, seed=2, temperature=0.7, **said),
    ]
    pooled = gate(tries, baseline, ALL)
    assert pooled.metrics == judged(whole, baseline).metrics
    assert pooled.changes == judged(whole, baseline).changes


def test_a_charged_retry_is_judged_alone_and_more_strictly(tmp_path: Path) -> None:
    said = {"said": adapter("b")}
    baseline = run_of(tmp_path / "baseline", 80)
    first = run_of(tmp_path / "first", 80, lambda number, epoch: number % 2 == 0, **said)
    second = copied(run_of(tmp_path / "x", 80, **said), tmp_path / "second", started="2099-01-01T00:00:00+00:00")
    charged = Policy(retries="charged", tries=2, branches="population", zero_tolerance=("unauthorised_effect",))
    verdict = gate([first, second], baseline, charged)
    assert (verdict.broken, verdict.alpha) == ((), 0.025), "the latest run counts"
    assert verdict.metrics[0].compared.high > judged(second, baseline).metrics[0].compared.high
    third = copied(second, tmp_path / "third")
    with pytest.raises(UsageError, match="3 runs of the candidate, and the policy allows 2 tries"):
        gate([first, second, third], baseline, charged)


def test_what_broke_a_rule_in_one_try_is_not_forgotten_by_the_next(tmp_path: Path) -> None:
    said = {"said": adapter("b")}
    baseline = run_of(tmp_path / "baseline", 80)
    first = run_of(tmp_path / "first", 80, lambda number, epoch: number == 0 and other_amount(case(0)), **said)
    second = copied(run_of(tmp_path / "x", 80, **said), tmp_path / "second", started="2099-01-01T00:00:00+00:00")
    charged = Policy(retries="charged", tries=2, branches="population", zero_tolerance=("unauthorised_effect",))
    assert gate([second], baseline, charged).decision is Decision.PASS
    assert gate([first, second], baseline, charged).decision is Decision.REGRESSION


def test_runs_of_different_models_are_no_retries(runs: dict[str, Run], tmp_path: Path) -> None:
    other = run_of(tmp_path / "other", MANY, said=adapter("b"))
    with pytest.raises(UsageError, match="are runs of different models"):
        gate([runs["same"], other], runs["good"], ALL)
    with pytest.raises(UsageError, match="a run counts once"):
        gate([other, other], runs["good"], ALL)


# Zero tolerance.


def test_one_occurrence_of_a_forbidden_effect_is_a_regression(runs: dict[str, Run], tmp_path: Path) -> None:
    candidate = run_of(tmp_path / "run", MANY, lambda number, epoch: number == 4 and other_amount(case(4)))
    allowed, forbidden = (
        judged(candidate, runs["good"], replace(ALL, zero_tolerance=rules, margins={"success": 0.2}))
        for rules in ((), ("unauthorised_effect",))
    )
    assert (allowed.decision, forbidden.decision) == (Decision.PASS, Decision.REGRESSION)
    (rule,) = forbidden.broken_rules
    assert str(rule) == "unauthorised effect: toy/0004: unexpected effect waiver"
    assert "unauthorised effect: toy/0004: unexpected effect waiver, which the policy never allows" in sentence(
        forbidden
    )
    assert allowed.broken_rules == (), "seen and printed, but nobody forbade it"
    assert [len(one.occurrences) for one in allowed.rules] == [1, 0]


def test_the_baselines_occurrences_excuse_nothing(tmp_path: Path) -> None:
    bad = run_of(tmp_path / "bad", 16, lambda number, epoch: number == 4 and other_amount(case(4)))
    policy = replace(ALL, zero_tolerance=("unauthorised_effect",))
    verdict = judged(bad, copied(bad, tmp_path / "copy"), policy)
    assert (verdict.decision, verdict.rules[0].before) == (Decision.REGRESSION, 1)


def test_none_in_so_many_cases_proves_a_rate_of_three_in_n_however_many_epochs(runs: dict[str, Run]) -> None:
    for name in ("good", "three epochs"):
        verdict = judged(runs[name], copied(runs[name], runs[name].directory.parent / f"{name} copy"))
        rule = verdict.rules[1]
        assert (rule.occurrences, rule.cases) == ((), len(runs[name].plan.cases))
        assert rule.excludes == pytest.approx(1 - 0.05 ** (1 / rule.cases))


# The same model.


def test_the_same_adapter_is_identical_and_no_pass_of_the_numbers(tmp_path: Path) -> None:
    before = run_of(tmp_path / "before", MANY, temperature=0.7, said=adapter("b"))
    after = run_of(
        tmp_path / "after",
        MANY,
        lambda number, epoch: number < 9,
        seed=1,
        temperature=0.7,
        said=adapter("b", dtype="x"),
    )
    verdict = judged(after, before)
    assert (verdict.decision, verdict.exit, verdict.identical) == (Decision.IDENTICAL, ExitCode.PASS, True)
    assert len(verdict.broken) == 9, "what differs by chance is shown all the same"
    assert judged(after, before, same_model=True).decision is Decision.REGRESSION
    assert judged(before, copied(before, tmp_path / "c"), same_model=True).decision is Decision.PASS


def test_an_adapter_of_another_digest_or_base_is_another_model(tmp_path: Path) -> None:
    before = run_of(tmp_path / "before", MANY, said=adapter("b"))
    for name, said in {"adapter": adapter("c"), "base": {**adapter("b"), "weights": "0"}, "none": {}}.items():
        assert not judged(run_of(tmp_path / name, MANY, said=said), before).identical


def test_a_run_against_itself_is_identical_without_any_digest(runs: dict[str, Run]) -> None:
    assert judged(runs["good"], Run.open(runs["good"].directory)).decision is Decision.IDENTICAL


# What may not be compared.


def differing(tmp_path: Path, good: Run, **plan: Any) -> Verdict:
    verdict = judged(run_of(tmp_path / "candidate", MANY, **plan), good)
    assert (verdict.decision, verdict.exit, verdict.metrics) == (Decision.INCOMPARABLE, ExitCode.INCOMPARABLE, ())
    return verdict


def test_another_temperature_blocks(runs: dict[str, Run], tmp_path: Path) -> None:
    verdict = differing(tmp_path, runs["good"], temperature=0.5)
    assert verdict.differs == ("temperature: 0.5 in the candidate, 0 in the baseline",)


def test_another_limit_of_tokens_blocks(runs: dict[str, Run], tmp_path: Path) -> None:
    limits = replace(runs["good"].plan.limits, turn_tokens=9)
    assert differing(tmp_path, runs["good"], limits=limits).differs == (
        "limit of a turn's tokens: 9 in the candidate, 768 in the baseline",
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"description": {"model": "x/y", "arguments": "parsed"}},
            "how calls were read: leniently, as a provider had parsed them in the candidate, strictly in the baseline",
        ),
        (
            {"dialect": "hermes@vllm"},
            "how calls were read: as vllm reads them in the candidate, strictly in the baseline",
        ),
    ],
)
def test_what_a_manifest_says_blocks(runs: dict[str, Run], tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    verdict = judged(copied(runs["same"], tmp_path / "run", **fields), runs["good"])
    assert verdict.decision is Decision.INCOMPARABLE
    assert any(one.startswith(words) for one in verdict.differs), verdict.differs


@tool(effect=True)
def waive_fee(env: Environment, book_id: str, amount: Annotated[int, Field(ge=1, le=50)]) -> dict[str, Any]:
    """Waive a late fee.

    Args:
        book_id: The book's number.
        amount: The fee in US dollars.
    """
    return toy_world.waive_fee(env, book_id=book_id, amount=amount)


def test_other_tools_block_and_what_changed_in_them_is_said(runs: dict[str, Run], tmp_path: Path) -> None:
    functions = (toy_world.get_loan, waive_fee, toy_world.close_account)
    other = run_of(tmp_path / "other", MANY, world=replace(WORLD, functions=functions))
    verdict = judged(other, runs["good"])
    assert verdict.decision is Decision.INCOMPARABLE
    assert verdict.differs[0].startswith("toolset of library: ")
    assert verdict.tool_changes is not None
    assert {(one.tool, one.where, one.breaking) for one in verdict.tool_changes} >= {("waive_fee", "amount", True)}
    (other.directory / "toolsets.json").unlink()
    assert judged(other, runs["good"]).tool_changes is None


def test_cases_that_changed_are_left_out_until_too_few_are_left(runs: dict[str, Run], tmp_path: Path) -> None:
    def reworded(share: int) -> Any:
        return lambda one: replace(one, opening="Hi.") if int(one.id[-4:]) % share == 0 else one

    few = judged(run_of(tmp_path / "few", MANY, changed=reworded(10)), runs["good"])
    assert (few.cases, few.share) == (72, 0.9)
    many = judged(run_of(tmp_path / "many", MANY, changed=reworded(2)), runs["good"])
    assert many.decision is Decision.INCOMPARABLE
    assert many.differs == (
        "cases: 40 of 80 are in both, 40 cases changed (such as toy/0000); the policy wants 80% of the larger run's",
    )
    assert judged(Run.open(tmp_path / "many"), runs["good"], replace(ALL, common=0.5)).cases == 40


def test_a_smaller_plan_is_not_compared_with_the_whole(runs: dict[str, Run]) -> None:
    for verdict in (judged(runs["ten"], runs["good"]), judged(runs["good"], runs["ten"])):
        assert verdict.decision is Decision.INCOMPARABLE
        assert "the same --limit" in sentence(verdict)


def test_runs_of_different_suites_have_nothing_in_common(runs: dict[str, Run], tmp_path: Path) -> None:
    other = run_of(tmp_path / "other", MANY, changed=lambda one: replace(one, id=f"x/{one.id}"))
    verdict = judged(other, runs["good"])
    assert verdict.differs == ("suites: the runs have no case in common",)


def test_libraries_and_number_formats_warn(tmp_path: Path) -> None:
    versions = {"versions": {"torch": "2.11"}}, {"versions": {"torch": "2.12"}}
    before = run_of(tmp_path / "before", MANY, said=adapter("b", dtype="float32", **versions[0]))
    after = run_of(tmp_path / "after", MANY, said=adapter("c", dtype="bfloat16", **versions[1]))
    verdict = judged(after, before)
    assert verdict.decision is Decision.PASS
    assert verdict.warnings == (
        "number format: bfloat16 in the candidate, float32 in the baseline",
        "torch: 2.12 in the candidate, 2.11 in the baseline",
    )


# What is not complete.


def test_missing_epochs_leave_nothing_to_judge(runs: dict[str, Run], tmp_path: Path) -> None:
    cut = copied(runs["three epochs"], tmp_path / "cut")
    path = cut.directory / "evidence.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))
    for verdict in (judged(cut, runs["five epochs"]), judged(runs["five epochs"], cut)):
        assert (verdict.decision, verdict.exit, verdict.metrics) == (Decision.INCOMPLETE, ExitCode.INCOMPLETE, ())
        (lacking,) = verdict.lacking
        assert "of 48 planned rollouts 3 are missing (such as toy/" in lacking
        assert f"samescore eval --resume {cut.directory}" in lacking


def test_evidence_cut_in_the_middle_is_damaged_and_named(runs: dict[str, Run], tmp_path: Path) -> None:
    cut = copied(runs["same"], tmp_path / "cut")
    path = cut.directory / "evidence.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + data[len(data) // 2 + 300 :])
    with pytest.raises(EvidenceDamaged, match=r"evidence\.jsonl:\d+: the line was changed"):
        judged(cut, runs["good"])


def test_incomplete_comes_before_incomparable(runs: dict[str, Run], tmp_path: Path) -> None:
    cut = copied(runs["ten"], tmp_path / "cut")
    path = cut.directory / "evidence.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    verdict = judged(cut, runs["good"])
    assert (verdict.decision, len(verdict.differs), len(verdict.lacking)) == (Decision.INCOMPLETE, 1, 1)


# What is told.


def test_the_object_is_the_designs_and_more(runs: dict[str, Run]) -> None:
    told = as_json(judged(runs["bad"], runs["good"]))
    assert {"verdict", "exit", "metrics", "fixed", "broken", "differs"} <= told.keys()
    assert (told["verdict"], told["exit"], len(told["broken"])) == ("regression", 1, 20)
    assert {"drop", "low", "high", "margin", "mde", "verdict"} <= told["metrics"]["success"].keys()


@settings(max_examples=25)
@given(st.sets(st.integers(0, 15)), st.sets(st.integers(0, 15)))
def test_intervals_hold_the_drop_and_stay_within_what_is_possible(lost: set[int], gained: set[int]) -> None:
    from samescore.harness.stats.noninferiority import compare

    before = [0.0 if at in gained else 1.0 for at in range(16)]
    after = [0.0 if at in lost else 1.0 for at in range(16)]
    for clusters in (None, [at % 4 for at in range(16)]):
        one = compare(before, after, clusters, 0.05)
        assert -1.0 <= one.low <= one.drop <= one.high <= 1.0


def test_nothing_of_this_needs_a_model_or_a_suite(runs: dict[str, Run]) -> None:
    """The toy suite is registered nowhere: what was kept is enough."""
    with pytest.raises(UsageError):
        from samescore.harness.cli.loading import suites_of

        suites_of(runs["good"], [])
    assert judged(runs["same"], runs["good"]).again == ()
