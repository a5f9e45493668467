"""Runs that are judged while they go on: when they end, as what, and what they are good for afterwards."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from gate_runs import copied, other_amount, run_of
from hypothesis import given, settings, strategies as st
from looked_runs import ALL, begun_with_looks, carried_on, failing_script, looked_run
from toy_world import FailingPolicy, case, stable

from samescore.harness.errors import EvidenceDamaged, ExitCode, Incomparable, InfrastructureError, UsageError
from samescore.harness.gate import Decision, Policy, gate
from samescore.harness.gate.comparable import common_cases
from samescore.harness.gate.looks import look_at, require_baseline, verdict_of_looks
from samescore.harness.gate.scores import RunScores, held_scores
from samescore.harness.gate.sequential import Sequential, require_whole
from samescore.harness.gate.targets import judge_targets
from samescore.harness.gate.told import as_json, at_look_line, sentence
from samescore.harness.kept import outcomes_kept
from samescore.harness.manifest import Status
from samescore.harness.plan import Plan
from samescore.harness.planning import known_from_runs
from samescore.harness.rescore import keep, rescore
from samescore.harness.results import summarise
from samescore.harness.run import Run
from samescore.harness.scorers import RUBRIC
from samescore.harness.stats.noninferiority import compare
from samescore.harness.stats.sequential import Looks

CASES = 140
"""Looks after 35, 70, 105 and 140; equal cases pass 0.05 from 82 on, and at the full alpha from 59 on."""
ENDS = [35, 70, 105, 140]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that nobody writes to."""
    return tmp_path_factory.mktemp("looks")


@pytest.fixture(scope="module")
def base(place: Path) -> Run:
    return run_of(place / "base", CASES, name="base")


@pytest.fixture(scope="module")
def passed(place: Path, base: Run) -> Run:
    return looked_run(place / "passed", CASES, base)[0]


@pytest.fixture(scope="module")
def regressed(place: Path, base: Run) -> Run:
    return looked_run(place / "regressed", CASES, base, lambda number, epoch: number % 2 == 0)[0]


@pytest.fixture(scope="module")
def whole(place: Path, base: Run) -> Run:
    """Some cases differ, in both directions: never certain."""
    return looked_run(place / "whole", CASES, base, lambda number, epoch: number % 40 == 7)[0]


def completed(run: Run) -> tuple[int, int, str | None]:
    assert run.manifest.status is Status.COMPLETE and run.manifest.completed is not None
    look = run.manifest.completed
    assert (look["of"], look["planned"], ENDS[look["look"] - 1]) == (4, CASES, look["cases"])
    return look["look"], look["cases"], look["decision"]


# When it ends.


def test_equal_cases_pass_when_there_are_enough_of_them_at_the_level_of_the_looks(passed: Run) -> None:
    """At the full alpha the second look, of 70 cases, would pass; at the level of four looks only the third does."""
    assert compare([1.0] * 70, [1.0] * 70, None, 0.05, alpha=0.05).cleared
    assert completed(passed) == (3, 105, "pass")
    assert len(passed.records()) == 105 and passed.pending() == ()
    assert len(passed.plan.cases) == CASES, "the denominator of the plan stays"


def test_a_plain_regression_ends_at_the_first_look(regressed: Run) -> None:
    assert completed(regressed) == (1, 35, "regression")
    assert len(regressed.records()) == 35


def test_what_stays_open_goes_on_to_the_last_case(whole: Run) -> None:
    assert completed(whole) == (4, CASES, None)
    assert whole.ended_early is None and whole.due == whole.plan


def test_the_looks_the_baseline_and_the_policy_are_on_disk_before_the_first_token(tmp_path: Path, base: Run) -> None:
    run = begun_with_looks(tmp_path / "run", CASES, base, Policy(margins={"success": 0.03}, zero_tolerance=()))
    data = json.loads((run.directory / "run.json").read_text(encoding="utf-8"))
    said = data["sequential"]
    assert (said["looks"]["ends"], said["looks"]["alpha"], "completed" in data) == (ENDS, 0.05, False)
    assert said["policy"]["asked"]["margins"] == {"success": 0.03}
    planned = Sequential.of(Run.open(run.directory))
    assert planned is not None and planned.find_baseline(run).manifest == base.manifest
    assert planned == Sequential.make(run.directory, run.plan, base, planned.policy, 4)


def test_each_look_has_all_epochs_of_its_cases_and_no_other(tmp_path: Path) -> None:
    base = run_of(tmp_path / "base", 24, epochs=2, temperature=0.5, name="base")
    run = begun_with_looks(tmp_path / "run", 24, base, looks=3, epochs=2, temperature=0.5)
    had: list[int] = []
    carried = []

    def count(look: Any) -> None:
        had.append(len(run.records()))
        carried.append({record.case for record in run.records()})

    from looked_runs import evaluate_sync, suite
    from toy_world import WORLDS

    model = failing_script(lambda number, epoch: False, 24, 2)
    evaluate_sync([suite(24)], model, WORLDS, run.plan, run, on_look=count)
    planned = Sequential.of(run)
    assert planned is not None and had == [16, 32, 48]
    assert carried == [set(planned.looks.seen(number)) for number in (1, 2, 3)]


def test_the_order_depends_on_the_seed_and_the_ids_alone(tmp_path: Path, base: Run, passed: Run) -> None:
    def order(name: str, **how: Any) -> tuple[str, ...]:
        planned = Sequential.of(begun_with_looks(tmp_path / name, CASES, base, **how))
        assert planned is not None
        return planned.looks.order

    first = order("again")
    assert first == order("policy", policy=Policy(margins={"success": 0.2}), looks=7)
    assert first[:105] == tuple(sorted({one.case for one in passed.records()}, key=first.index))
    assert first != order("seed", seed=1)


def test_a_look_is_told_in_a_line(place: Path, base: Run, tmp_path: Path) -> None:
    _, looks = looked_run(tmp_path / "run", CASES, base)
    assert [at_look_line(look.verdict) for look in looks] == [
        "look 1 of 4: 35 of 140 cases: open, drop 0.000 [-0.109, +0.109]",
        "look 2 of 4: 70 of 140 cases: open, drop 0.000 [-0.058, +0.058]",
        "look 3 of 4: 105 of 140 cases: pass, drop 0.000 [-0.039, +0.039]",
    ]
    assert [look.looked.decision for look in looks] == [None, None, "pass"]


def test_a_forbidden_effect_is_certain_at_the_look_that_sees_it(tmp_path: Path, base: Run) -> None:
    strict = replace(ALL, zero_tolerance=("unauthorised_effect",), margins={"success": 0.5})
    order = Looks.make([one.id for one in base.plan.cases]).order
    seen_second = next(int(name[-4:]) for name in order[35:70] if int(name[-4:]) % 4 != 2)

    def once(number: int, epoch: int) -> Any:
        return other_amount(case(number)) if number == seen_second else False

    late = replace(strict, margins={"success": 0.01})
    run, looks = looked_run(tmp_path / "late", CASES, base, once, policy=late)
    assert completed(run) == (2, 70, "regression")
    assert "unauthorised effect: toy/" in at_look_line(looks[-1].verdict)
    verdict = gate(run, base)
    assert (verdict.decision, verdict.metrics[0].verdict) == (Decision.REGRESSION, "open")
    early, _ = looked_run(tmp_path / "early", CASES, base, once, policy=strict)
    assert completed(early) == (1, 35, "pass"), "what no look has seen was never run"


def test_a_metric_that_no_seen_case_has_yet_leaves_a_look_open(tmp_path: Path) -> None:
    """`arguments` needs a call, which every fourth of the toy's cases has not: here these two are seen first."""
    base = run_of(tmp_path / "base", 8, name="base")
    asked = Policy(margins={"success": 0.9, "arguments": 0.9}, branches="population")
    ids = [one.id for one in base.plan.cases]
    seed = next(seed for seed in range(999) if set(Looks.make(ids, seed=seed).seen(1)) == {"toy/0002", "toy/0006"})
    run, looks = looked_run(tmp_path / "run", 8, base, policy=asked, seed=seed)
    assert [len(look.verdict.metrics) for look in looks] == [0, 2]
    assert [look.looked.decision for look in looks] == [None, "pass"]
    assert at_look_line(looks[0].verdict) == "look 1 of 4: 2 of 8 cases: open"
    assert gate(run, base).decision is Decision.PASS


# What the gate says of it afterwards.


@pytest.mark.parametrize(
    ("name", "exit", "number"),
    [("passed", ExitCode.PASS, 3), ("regressed", ExitCode.REGRESSION, 1), ("whole", ExitCode.INCONCLUSIVE, 4)],
)
def test_the_gate_decides_as_the_run_did_and_says_that_it_is_of_a_look(
    request: pytest.FixtureRequest, base: Run, name: str, exit: ExitCode, number: int
) -> None:
    run = request.getfixturevalue(name)
    for policy in (None, ALL, replace(ALL, common=0.5)):
        verdict = gate(run, base, policy)
        look = verdict.sequential
        assert look is not None and (verdict.exit, look.number, look.cases) == (exit, number, ENDS[number - 1])
        assert (verdict.cases, verdict.alpha, verdict.warnings) == (look.cases, look.level, ())
        assert look.level == pytest.approx(0.01935, abs=1e-4) and look.alpha == 0.05
    assert as_json(verdict)["sequential"] == {
        "look": number,
        "of": 4,
        "cases": ENDS[number - 1],
        "planned": CASES,
        "level": look.level,
        "alpha": 0.05,
    }


def test_a_pass_says_its_confidence_at_the_look_and_over_all(passed: Run, base: Run) -> None:
    assert sentence(gate(passed, base)).endswith("(one-sided, 0.9807 confidence at this look, 0.95 over all).")


def test_what_was_not_judged_while_it_went_on_has_no_look(base: Run, place: Path) -> None:
    verdict = gate(run_of(place / "plain", CASES), base, ALL)
    assert verdict.sequential is None and as_json(verdict)["sequential"] is None


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (replace(ALL, margins={"success": 0.04}), "margins: success 0.04 asked, success 0.05 planned"),
        (replace(ALL, alpha=0.1), "alpha of a verdict: 0.1 asked, 0.05 planned"),
        (replace(ALL, retries="charged", tries=2), "alpha of a verdict: 0.025 asked, 0.05 planned"),
        (Policy(), "branches: sample asked, population planned"),
        (replace(ALL, rho0=0.1), "rho0: 0.1 asked, by default planned"),
        (replace(ALL, zero_tolerance=("leaked_thinking",)), "zero_tolerance: leaked_thinking asked, none planned"),
    ],
)
def test_another_policy_is_another_comparison(passed: Run, base: Run, policy: Policy, words: str) -> None:
    verdict = gate(passed, base, policy)
    assert (verdict.decision, verdict.exit, verdict.metrics) == (Decision.INCOMPARABLE, ExitCode.INCOMPARABLE, ())
    assert verdict.differs[0].endswith(f"its numbers lean to what ended it, and this is another comparison ({words})")
    assert "Evaluate what ended early again without --sequential" in sentence(verdict)


def test_another_baseline_is_another_comparison(passed: Run, base: Run, place: Path, tmp_path: Path) -> None:
    other = run_of(place / "other", CASES, lambda number, epoch: number == 5)
    verdict = gate(passed, other)
    assert verdict.decision is Decision.INCOMPARABLE and f"the baseline was {base.directory}" in verdict.differs[0]
    moved = copied(base, tmp_path / "moved")
    assert gate(passed, moved).decision is Decision.PASS, "a copy of the baseline is the baseline"


def test_a_run_that_saw_all_its_cases_is_a_whole_run_for_other_comparisons(whole: Run, base: Run, place: Path) -> None:
    asked = replace(ALL, margins={"success": 0.5})
    verdict = gate(whole, base, asked)
    assert (verdict.decision, verdict.sequential, verdict.alpha) == (Decision.PASS, None, 0.05)
    assert gate(whole, run_of(place / "worse", CASES, lambda number, epoch: number % 2 == 0), ALL).sequential is None
    assert gate(base, whole, asked).decision is Decision.PASS, "and may be a baseline"
    require_whole(whole, "be a baseline")
    assert judge_targets(whole, ALL).metrics


def test_a_run_that_ended_early_is_no_baseline_no_pilot_no_try_and_meets_no_target(
    passed: Run, base: Run, place: Path
) -> None:
    verdict = gate(base, passed, ALL)
    assert verdict.exit is ExitCode.INCOMPARABLE and "a baseline has to be a whole run" in verdict.differs[0]
    again = run_of(place / "try", CASES)
    verdict = gate([passed, again], base, ALL)
    assert verdict.exit is ExitCode.INCOMPARABLE and "several tries" in verdict.differs[0]
    for refused in (
        lambda: judge_targets(passed, ALL),
        lambda: known_from_runs([passed], ALL),
        lambda: require_baseline(base.plan, passed, ALL),
    ):
        with pytest.raises(Incomparable, match=r"ended at look 3 of 4, after 105 of 140 cases, .*, so that it cannot"):
            refused()


def test_scores_are_those_of_the_cases_that_were_seen(passed: Run, place: Path, tmp_path: Path) -> None:
    from looked_runs import suite
    from toy_world import WORLDS

    run = copied(passed, tmp_path / "run")
    scored = tuple(rescore(run, [suite(CASES)], WORLDS))
    results = summarise(run.due, suite(CASES).cases, scored, RUBRIC)
    assert results.complete and (results.cases, results.metrics["success"].n) == (105, 105)
    assert len(run.frame()) == 105 and run.frame()["success"].eq(1.0).all()
    outcomes, why = outcomes_kept(run, RUBRIC)
    assert why is None and list(outcomes) == [one.id for one in run.due.cases]
    (run.directory / "scores.json").unlink()
    keep(run, scored)
    assert outcomes_kept(run, RUBRIC) == (outcomes, None)


# Interrupted, incomplete, changed.


def test_a_run_killed_anywhere_ends_as_one_that_never_was(tmp_path: Path, base: Run, passed: Run) -> None:
    chance = random.Random(4)
    for number in range(4):
        run = copied(passed, tmp_path / f"run-{number}", completed=None, status=Status.RUNNING, finished=None)
        path = run.directory / "evidence.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        kept = chance.randrange(105) if number else 105  # once all was had, and not judged any more
        path.write_bytes(b"".join(lines[:kept]))
        (run.directory / "scores.json").unlink()
        if number:
            assert gate(run, base).decision is Decision.INCOMPLETE
        done, looks = carried_on(run, baseline=base)
        assert (done.resumed, done.finished, len(looks)) == (kept, 105 - kept, 3)
        assert completed(Run.open(run.directory)) == (3, 105, "pass")
        assert stable(run.records()) == stable(passed.records())
        assert as_json(gate(run, base)) == as_json(gate(passed, base))


def test_a_run_whose_looks_are_over_is_not_carried_on(tmp_path: Path, passed: Run) -> None:
    run = copied(passed, tmp_path / "run")
    done, looks = carried_on(run)
    assert (done.finished, done.resumed, looks, done.status) == (0, 105, [], Status.COMPLETE)
    assert run.manifest == passed.manifest


def test_a_look_with_an_error_is_not_judged_and_is_tried_again(tmp_path: Path, base: Run) -> None:
    order = Looks.make([one.id for one in base.plan.cases]).order
    oracle = FailingPolicy({order[40], order[60]})
    run = begun_with_looks(tmp_path / "run", CASES, base, model=oracle)
    done, looks = carried_on(run, model=oracle)
    assert len(looks) == 1 and done.status is Status.INCOMPLETE
    assert done.stopped == "look 2 of 4: 2 of 70 rollouts are errors"
    assert run.manifest.completed is None and len(run.records()) == 70, "nothing after it was run"
    verdict = gate(run, base)
    assert verdict.exit is ExitCode.INCOMPLETE and "samescore eval --resume" in verdict.lacking[0]
    done, looks = carried_on(run, model=FailingPolicy(set()))
    assert (done.finished, len(looks)) == (2 + 35, 3) and completed(run) == (3, 105, "pass")


def test_ctrl_c_in_a_look_leaves_a_run_that_can_be_carried_on(tmp_path: Path, base: Run) -> None:
    run = begun_with_looks(tmp_path / "run", CASES, base)

    def interrupt(look: Any) -> None:
        raise asyncio.CancelledError

    from looked_runs import evaluate_sync, suite
    from toy_world import WORLDS

    model = failing_script(lambda number, epoch: False, CASES)
    with pytest.raises(BaseException):  # noqa: B017  # whatever an event loop makes of it
        evaluate_sync([suite(CASES)], model, WORLDS, run.plan, run, on_look=interrupt)
    assert (run.manifest.status, run.manifest.completed) == (Status.INCOMPLETE, None)
    carried_on(run)
    assert completed(run) == (3, 105, "pass")


def test_a_baseline_that_is_gone_or_changed_is_said_and_may_be_elsewhere(tmp_path: Path, base: Run) -> None:
    mine = copied(base, tmp_path / "base")
    run = begun_with_looks(tmp_path / "run", CASES, mine)
    mine.directory.rename(tmp_path / "gone")
    with pytest.raises(UsageError, match=r"is judged against .*, which is not to be found: .*--sequential DIR"):
        carried_on(run)
    carried_on(run, baseline=Run.open(tmp_path / "gone"))
    assert completed(run) == (3, 105, "pass")
    planned = Sequential.of(run)
    assert planned is not None
    with pytest.raises(UsageError, match="not the baseline that"):
        planned.find_baseline(run, run_of(tmp_path / "other", 4).directory)
    path = tmp_path / "gone" / "evidence.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    (tmp_path / "gone").rename(tmp_path / "base")
    with pytest.raises(EvidenceDamaged, match="is not as it was"):
        planned.find_baseline(run)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda said: said["looks"].update(level=0.05), "its looks were not planned at a level of 0.05"),
        (lambda said: said["looks"].update(ends=[35, 70, 100, 140]), "looks after"),
        (lambda said: said["looks"].update(alpha=0.2), "its looks were not planned"),
        (lambda said: said["policy"]["asked"]["margins"].update(success=0.5), "not the one of its fingerprint"),
    ],
)
def test_what_was_planned_cannot_be_changed_afterwards(tmp_path: Path, passed: Run, change: Any, words: str) -> None:
    said = json.loads(json.dumps(passed.manifest.sequential))
    change(said)
    run = copied(passed, tmp_path / "run", sequential=said)
    with pytest.raises(EvidenceDamaged, match=words):
        Sequential.of(run)


def test_a_baseline_is_checked_before_anything_is_run(tmp_path: Path, base: Run) -> None:
    plan = base.plan
    require_baseline(plan, base, ALL)
    with pytest.raises(UsageError, match="the policy gives style a margin, and no common case has that metric"):
        require_baseline(plan, base, Policy(margins={"success": 0.05, "style": 0.1}))
    with pytest.raises(Incomparable, match="cases: 10 of 140 are in both"):
        require_baseline(replace(plan, cases=plan.cases[:10]), base, ALL)
    cut = copied(base, tmp_path / "cut")
    path = cut.directory / "evidence.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))
    with pytest.raises(InfrastructureError, match=r"the baseline must be complete.*3 are missing"):
        require_baseline(plan, cut, ALL)
    with pytest.raises(UsageError, match="--looks: 200 looks at 140 cases"):
        Sequential.make(tmp_path / "run", plan, base, ALL, 200)


# Laws.


@cache
def _scores(place: Path) -> tuple[RunScores, RunScores, Sequential]:
    run, base = Run.open(place / "whole"), Run.open(place / "base")
    planned = Sequential.of(run)
    assert planned is not None
    return held_scores(run), held_scores(base), planned


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_look_depends_on_nothing_that_comes_after_it(place: Path, whole: Run, data: st.DataObject) -> None:
    """Whatever cases are lost: the verdict is that of the first certain look, and what comes later moves nothing."""
    candidate, baseline, planned = _scores(place)
    looks, outcomes = planned.looks, list(candidate.outcomes.values())
    right = next(one for one in outcomes if one[0].scores["success"] == 1.0)
    wrong = next(one for one in outcomes if one[0].scores["success"] != 1.0)
    lost = data.draw(st.sets(st.sampled_from(looks.order)) | st.sets(st.sampled_from(looks.order), max_size=4))
    had = replace(candidate, outcomes={id: wrong if id in lost else right for id in looks.order})
    common = common_cases(candidate.run.plan.cases, baseline.run.plan.cases)
    verdict = verdict_of_looks(had, baseline, common, planned)

    def judge(cases: tuple[str, ...]) -> list[Any]:
        after = [float(id not in lost) for id in cases]
        return [compare([1.0] * len(cases), after, None, 0.05, alpha=looks.level)]

    expected = looks.until_certain(judge)
    assert verdict.sequential is not None
    assert (verdict.sequential.number, verdict.decision.value) == (
        expected.number,
        expected.decision or "inconclusive",
    )
    seen = set(looks.seen(expected.number))
    other = replace(had, outcomes={id: one if id in seen else wrong for id, one in had.outcomes.items()})
    assert look_at(expected.number, other, baseline, common, planned).verdict.metrics == verdict.metrics


def test_scorers_that_changed_since_may_be_certain_earlier_and_it_is_said(place: Path, whole: Run) -> None:
    candidate, baseline, planned = _scores(place)
    right = next(one for one in candidate.outcomes.values() if one[0].scores["success"] == 1.0)
    had = replace(candidate, outcomes=dict.fromkeys(candidate.outcomes, right))
    common = common_cases(candidate.run.plan.cases, baseline.run.plan.cases)
    verdict = verdict_of_looks(had, baseline, common, planned)
    assert (verdict.decision, verdict.cases) == (Decision.PASS, 105)
    assert verdict.warnings == (
        "look 4 ended this run (the last, inconclusive); as it is scored now, look 3 says pass",
    )
    broken = (right[0]._replace(rules={"leaked_thinking": "turn 1"}),)
    had = replace(had, outcomes=dict(had.outcomes) | {planned.looks.order[-1]: broken})
    strict = replace(planned, policy=replace(planned.policy, zero_tolerance=("leaked_thinking",)))
    verdict = verdict_of_looks(had, baseline, common, strict)
    assert verdict.sequential is not None and verdict.sequential.number == 3
    assert verdict.decision is Decision.REGRESSION, "what a later case broke is not forgotten"


@given(
    st.builds(
        Policy,
        margins=st.fixed_dictionaries({"success": st.floats(0.01, 0.9)}, optional={"path": st.floats(0.01, 0.9)}),
        alpha=st.floats(0.001, 0.4),
        branches=st.sampled_from(["sample", "population"]),
        rho0=st.none() | st.floats(0, 1),
        zero_tolerance=st.sampled_from([(), ("leaked_thinking",)]),
    )
)
def test_a_policy_is_read_back_as_it_was_recorded(policy: Policy) -> None:
    again = Policy.from_json(json.loads(json.dumps(policy.to_json())))
    assert again == policy and again.fingerprint == policy.fingerprint and not policy.differences(again)


def test_a_whole_plan_hashes_as_it_did(base: Run) -> None:
    assert base.due is base.plan and Plan.from_json(base.plan.to_json()).fingerprint == base.due.fingerprint
