"""Kept scores stand for a scoring only while nothing that they were made from has changed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from gate_runs import copied, run_of
from toy_world import WORLDS, suite

from samescore.harness.evidence import read_evidence
from samescore.harness.kept import Outcome, outcome_of, outcomes_kept
from samescore.harness.rescore import keep, rescore
from samescore.harness.run import Run
from samescore.harness.scorer import Rubric
from samescore.harness.scorers import RUBRIC, scorer_named

CASES, EPOCHS = 16, 2


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(
        tmp_path_factory.mktemp("kept") / "run", CASES, lambda number, epoch: (number + epoch) % 3 == 0, epochs=EPOCHS
    )


def test_what_was_kept_is_what_scoring_again_gives(run: Run) -> None:
    outcomes, why = outcomes_kept(run, RUBRIC)
    assert why is None
    again: dict[str, list[Outcome]] = {case.id: [] for case in run.plan.cases}
    for scored in rescore(run, [suite(CASES)], WORLDS):
        again[scored.record.case].append(outcome_of(scored))
    assert {case: list(epochs) for case, epochs in outcomes.items()} == again
    assert list(outcomes) == [case.id for case in run.plan.cases]


def test_rollouts_that_came_to_the_same_share_an_outcome(run: Run) -> None:
    outcomes, _ = outcomes_kept(run, RUBRIC)
    distinct = {id(one) for epochs in outcomes.values() for one in epochs}
    assert len(distinct) < CASES * EPOCHS / 2


def test_the_rows_are_as_they_always_were(run: Run) -> None:
    rows = run.kept_scores()["rows"]
    assert len(rows) == CASES * EPOCHS
    assert rows[0].keys() == {"case", "epoch", "scores", "error"}


def test_a_tools_calls_are_counted_right_and_wrong(run: Run) -> None:
    outcomes, _ = outcomes_kept(run, RUBRIC)
    idle, gold = outcomes["toy/0000"]
    assert (idle.tools, gold.tools) == ({"waive_fee": [0, 1]}, {"waive_fee": [1, 1]})


def rewritten(run: Run, change: Callable[[str], str]) -> None:
    path = run.directory / "scores.json"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def without_scores(run: Run) -> None:
    (run.directory / "scores.json").unlink()


def with_a_better_score(run: Run) -> None:
    rewritten(run, lambda text: text.replace('"success": 0.0', '"success": 1.0', 1))


def with_another_outcome(run: Run) -> None:
    rewritten(run, lambda text: text.replace('"rollouts": [0', '"rollouts": [1'))


def with_other_evidence(run: Run) -> None:
    path = run.directory / "evidence.jsonl"
    path.write_bytes(path.read_bytes().replace(b"One moment.", b"One minute.", 1))


def cut_in_the_middle(run: Run) -> None:
    path = run.directory / "evidence.jsonl"
    path.write_bytes(path.read_bytes()[:-100])


def of_an_earlier_version(run: Run) -> None:
    kept = json.loads((run.directory / "scores.json").read_bytes())
    (run.directory / "scores.json").write_text(
        json.dumps({name: kept[name] for name in ("format", "scorers", "rows")}), encoding="utf-8"
    )


def by_somebody_else(run: Run) -> None:
    kept = run.kept_scores()
    run.keep_scores(kept["scorers"], kept["rows"])


def with_an_older_scorer(run: Run) -> None:
    kept = run.kept_scores()
    del kept["format"], kept["sum"]
    run.keep_scores(kept.pop("scorers") | {"path": 0}, **kept)


def of_part_of_it(run: Run) -> None:
    keep(run, list(rescore(run, [suite(CASES)], WORLDS))[1:])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (without_scores, "it was not scored yet"),
        (with_a_better_score, "its scores.json was changed by hand"),
        (with_another_outcome, "its scores.json was changed by hand"),
        (with_other_evidence, "its evidence was changed since it was scored"),
        (cut_in_the_middle, "its evidence was changed since it was scored"),
        (of_an_earlier_version, "its scores were kept by another version of samescore"),
        (by_somebody_else, "its scores were kept by another version of samescore"),
        (with_an_older_scorer, "scorer path was version 0, now version 1"),
        (of_part_of_it, "not all of it was scored"),
    ],
)
def test_scores_that_may_be_stale_are_not_taken(
    run: Run, tmp_path: Path, change: Callable[[Run], None], why: str
) -> None:
    copy = copied(run, tmp_path / "run")
    change(copy)
    assert outcomes_kept(copy, RUBRIC) == ({}, why)


def test_scores_of_other_scorers_are_not_taken(run: Run) -> None:
    assert outcomes_kept(run, Rubric((scorer_named("path"),)))[1] == "scorer tool_name was version 1, now not there"


def test_scores_of_another_plan_are_not_taken(run: Run, tmp_path: Path) -> None:
    other = run_of(tmp_path / "other", CASES, epochs=EPOCHS, seed=7)
    shutil.copy(run.directory / "scores.json", other.directory / "scores.json")
    assert outcomes_kept(other, RUBRIC)[1] == "its scores are of another plan"


def test_evidence_that_was_carried_on_is_scored_as_a_whole(run: Run, tmp_path: Path) -> None:
    copy = copied(run, tmp_path / "run")
    records = read_evidence(copy.directory / "evidence.jsonl")
    with copy.writer() as writer:
        writer.append(records[0])
    assert outcomes_kept(copy, RUBRIC)[1] == "its evidence was changed since it was scored"
    keep(copy, rescore(copy, [suite(CASES)], WORLDS))
    assert outcomes_kept(copy, RUBRIC)[1] is None
