"""`replay/PATH`: the recorded completions through the same rollout give the same evidence."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_world import WORLDS, SlowPolicy, stable, suite

from samescore.harness.errors import ForeignEvidence, UsageError
from samescore.harness.evaluate import Evaluation, evaluate_sync
from samescore.harness.plan import Plan
from samescore.harness.policies import load_policy
from samescore.harness.policies.replay import ReplayPolicy
from samescore.harness.run import Run
from samescore.harness.types import Completion, Stop
from samescore.suites.suite import Suite

TOY = suite(8)


def had(directory: Path, policy: Any, toy: Suite = TOY, **plan: Any) -> Evaluation:
    run = Run.create(directory, Plan.make([toy], **plan), policy, WORLDS)
    return evaluate_sync([toy], policy, WORLDS, run.plan, run)


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_replay_has_the_evidence_and_scores_of_its_run(tmp_path: Path, epochs: int) -> None:
    first = had(tmp_path / "first", SlowPolicy(0), epochs=epochs, seed=4)
    second = had(tmp_path / "second", load_policy(f"replay/{tmp_path / 'first'}"), epochs=epochs, seed=4)
    records = [tuple(one.record for one in results) for results in (first.results, second.results)]
    assert stable(records[0]) == stable(records[1])
    assert [one.scores for one in first.results] == [one.scores for one in second.results]
    assert {one.scores["success"].value for one in first.results if one.scores} == {0.0, 1.0}


def test_one_epoch_is_replayed_whatever_the_seed(tmp_path: Path) -> None:
    had(tmp_path / "first", SlowPolicy(0), seed=4)
    second = had(tmp_path / "second", ReplayPolicy(tmp_path / "first"), seed=5)
    assert second.errors == ()


def test_epochs_are_told_apart_by_their_seed(tmp_path: Path) -> None:
    had(tmp_path / "first", SlowPolicy(0), epochs=2, seed=4)
    second = had(tmp_path / "second", ReplayPolicy(tmp_path / "first"), epochs=2, seed=5)
    assert second.stopped is not None and "--seed 4 --epochs 2" in second.stopped


def test_a_case_that_was_not_run_is_an_error_that_says_so(tmp_path: Path) -> None:
    had(tmp_path / "first", SlowPolicy(0), suite(6))
    second = had(tmp_path / "second", ReplayPolicy(tmp_path / "first"))
    assert [one.record.case for one in second.errors] == ["toy/0006", "toy/0007"]
    assert "has no rollout of case toy/0006. Finish that run (samescore eval --resume " in str(second.errors[0].error)


def test_a_replay_is_known_by_what_it_replays(tmp_path: Path) -> None:
    had(tmp_path / "first", SlowPolicy(0))
    described = ReplayPolicy(tmp_path / "first").describe()
    assert described["model"] == "slow" and described["backend"] == "replay"


def test_decisions_are_replayed_with_their_prefix(tmp_path: Path) -> None:
    decisions = replace(TOY, cases=tuple(case.at(len(case.gold) - 1) for case in TOY.cases))
    first = had(tmp_path / "first", SlowPolicy(0), decisions)
    second = had(tmp_path / "second", ReplayPolicy(tmp_path / "first"), decisions)
    assert {one.record.stop for one in first.results} <= {Stop.ANSWERED, Stop.DECIDED, Stop.MALFORMED}
    assert stable(tuple(one.record for one in second.results)) == stable(tuple(one.record for one in first.results))


def test_completions_are_replayed_token_for_token(tmp_path: Path) -> None:
    had(tmp_path / "first", SlowPolicy(0))
    records = {one.case: one for one in Run.open(tmp_path / "first").records()}
    second = had(tmp_path / "second", ReplayPolicy(tmp_path / "first"))
    for one in second.results:
        assert one.record.turns == records[one.record.case].turns
        assert all(isinstance(turn, Completion) and turn.token_ids for turn in one.record.turns)


def test_there_must_be_a_run_to_replay(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run here"):
        load_policy(f"replay/{tmp_path}")
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ForeignEvidence, match="states no format"):
        load_policy(f"replay/{tmp_path}")
