"""Runs: planned before they begin, killed and carried on without loss, never silently incomplete."""

import asyncio
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from toy_world import WORLD, WORLDS, FailingPolicy, SlowPolicy, stable, suite

import samescore.harness
from samescore.harness.case import Case
from samescore.harness.errors import (
    EvidenceDamaged,
    ForeignEvidence,
    UnknownName,
    UsageError,
)
from samescore.harness.evaluate import CRASHES_IN_A_ROW, Evaluation, evaluate_sync
from samescore.harness.evidence import read_evidence
from samescore.harness.manifest import Status
from samescore.harness.plan import Plan
from samescore.harness.policies.script import oracle
from samescore.harness.rescore import Scored
from samescore.harness.run import Run, new_directory
from samescore.harness.scorer import Rubric, Scorer

TOY = Path(__file__).with_name("toy_world.py")
GOLDEN = Path(__file__).parent / "data" / "evidence-v1"


def begun(directory: Path, cases: int = 8, policy: Any = None) -> Run:
    toy = suite(cases)
    return Run.create(directory, Plan.make([toy]), policy or oracle(), WORLDS, suites=[toy])


def carried_out(run: Run, policy: Any = None, cases: int = 8, **options: Any) -> Evaluation:
    toy = suite(cases)
    return evaluate_sync([toy], policy or oracle(), WORLDS, Plan.make([toy]), run, **options)


def toy_process(run: Path, *options: str, **how: Any) -> subprocess.Popen[str]:
    command = [sys.executable, str(TOY), str(run), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)


# Two who write.


def test_scores_that_were_read_before_the_run_ended_do_not_make_it_unfinished(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    early = Run.open(run.directory)
    carried_out(run)
    early.update(results={"status": "complete", "metrics": {}})
    now = Run.open(run.directory).manifest
    assert now.status is Status.COMPLETE and now.finished and now.results["status"] == "complete"


# Killed and carried on.


def test_a_run_killed_ten_times_has_the_evidence_of_one_never_killed(tmp_path: Path) -> None:
    options = ("--cases", "40", "--epochs", "2", "--delay", "0.1")
    unbroken = toy_process(tmp_path / "unbroken", "--cases", "40", "--epochs", "2")
    chance, evidence = random.Random(20), tmp_path / "killed" / "evidence.jsonl"
    found = [0]
    for turn in range(10):
        before = len(read_lines(evidence))
        process = toy_process(tmp_path / "killed", *options)
        # Half of them at any moment, most likely while starting; the others once something new was recorded.
        while turn % 2 and process.poll() is None and len(read_lines(evidence)) <= before:
            time.sleep(0.002)
        time.sleep((0.15 if turn % 2 else 0.6) * chance.random())
        process.kill()
        assert process.wait() == -signal.SIGKILL, process.stderr.read() if process.stderr else ""
        found.append(len(read_evidence(evidence)) if evidence.exists() else 0)
    assert found == sorted(found) and found[-1] >= 5, "nothing was lost, and something was done"
    assert toy_process(tmp_path / "killed", "--cases", "40", "--epochs", "2").wait() == 0
    assert unbroken.wait() == 0
    killed, whole = Run.open(tmp_path / "killed"), Run.open(tmp_path / "unbroken")
    assert len(killed.records()) == len(read_evidence(evidence)) == 80
    assert stable(killed.records()) == stable(whole.records())
    assert killed.manifest.status is whole.manifest.status is Status.COMPLETE
    columns = [name for name in whole.frame() if name != "seconds"]
    assert killed.frame()[columns].equals(whole.frame()[columns])


def test_a_line_cut_by_a_kill_is_had_again(tmp_path: Path) -> None:
    run = begun(tmp_path)
    carried_out(run)
    before, evidence = stable(run.records()), tmp_path / "evidence.jsonl"
    evidence.write_bytes(evidence.read_bytes()[:-7])
    assert len(run.pending()) == 1
    assert carried_out(Run.open(tmp_path)).finished == 1
    assert stable(run.records()) == before


def test_ctrl_c_leaves_a_run_that_can_be_carried_on_and_says_how(tmp_path: Path) -> None:
    process = toy_process(tmp_path / "run", "--cases", "16", "--delay", "0.1")
    while len(read_lines(tmp_path / "run" / "evidence.jsonl")) < 2:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert "InfrastructureError: interrupted: " in errors
    assert "of 16 rollouts are recorded" in errors
    assert f"samescore eval --resume {tmp_path / 'run'}" in errors
    run = Run.open(tmp_path / "run")
    assert (run.manifest.status, run.manifest.stopped) == (Status.INCOMPLETE, "interrupted")
    assert toy_process(tmp_path / "run", "--cases", "16").wait() == 0
    assert Run.open(tmp_path / "run").manifest.status is Status.COMPLETE


def read_lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


def test_a_full_disk_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))

    process = toy_process(tmp_path / "run", "--cases", "40", preexec_fn=no_room)
    _, errors = process.communicate(timeout=20)
    assert "EvidenceUnwritable" in errors
    assert "the evidence cannot be written: File too large" in errors
    assert "Make room, then carry on: samescore eval --resume" in errors
    run = Run.open(tmp_path / "run")
    assert run.manifest.status is not Status.COMPLETE
    kept = len(run.records())
    assert 2 < kept < 40
    assert toy_process(tmp_path / "run", "--cases", "40").wait() == 0
    assert stable(run.records()[:kept])
    assert len(read_evidence(tmp_path / "run" / "evidence.jsonl")) == 40


# Errors are shown apart, and tried again.


def test_errors_are_recorded_shown_apart_and_tried_again(tmp_path: Path) -> None:
    run = begun(tmp_path)
    first = carried_out(run, FailingPolicy({"toy/0001", "toy/0004"}))
    assert (first.status, first.stopped) == (Status.INCOMPLETE, "2 of 8 rollouts are errors")
    assert [str(one.error) for one in first.errors] == ["policy: the model's server went away"] * 2
    frame = run.frame().set_index("case")
    assert frame.loc["toy/0001", "error"] == "policy: the model's server went away"
    assert frame["success"].isna().sum() == 2 and frame["success"].sum() == 6
    second = carried_out(Run.open(tmp_path))
    assert (second.resumed, second.finished, second.status) == (6, 2, Status.COMPLETE)
    assert len(read_evidence(tmp_path / "evidence.jsonl")) == 10, "the file keeps both"
    assert len(run.records()) == 8 and all(one.error is None for one in run.records())
    assert run.frame()["success"].tolist() == [1.0] * 8


def test_a_model_that_is_gone_stops_the_run_early(tmp_path: Path) -> None:
    every = {case.id for case in suite(40).cases}
    run = begun(tmp_path, 40)
    result = carried_out(run, FailingPolicy(every), cases=40)
    assert result.status is Status.INCOMPLETE
    assert result.stopped is not None and f"crashed {CRASHES_IN_A_ROW} times in a row" in result.stopped
    assert CRASHES_IN_A_ROW <= result.finished < 40
    assert run.manifest.stopped == result.stopped
    assert (run.frame()["error"] == "pending: not run yet").sum() == 40 - result.finished
    assert carried_out(run, cases=40).status is Status.COMPLETE


def test_a_bug_of_the_policy_costs_one_rollout(tmp_path: Path) -> None:
    result = carried_out(begun(tmp_path), FailingPolicy({"toy/0002"}, RuntimeError("CUDA out of memory")))
    assert [str(one.error) for one in result.errors] == ["crash: RuntimeError: CUDA out of memory"]
    assert result.finished == 8


def test_a_crash_of_a_tool_is_an_error_of_the_world(tmp_path: Path) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    broken = replace(WORLD)
    broken.__dict__["code"] = {**WORLD.code, "waive_fee": crash}
    toy = suite(8)
    result = evaluate_sync([toy], oracle(), {"library": broken}, Plan.make([toy]), begun(tmp_path))
    assert {str(one.error)[:44] for one in result.errors} == {"world: world library: tool waive_fee crashed"}
    assert len(result.errors) == 6 and result.finished == 8, "the two cases that need no waiver are scored"


def test_effects_that_are_not_json_are_an_error_of_the_world(tmp_path: Path) -> None:
    def waive(env: Any, **_: Any) -> dict[str, Any]:
        env.effect("waiver", on=env.today)
        return {}

    broken = replace(WORLD)
    broken.__dict__["code"] = {**WORLD.code, "waive_fee": waive}
    toy = suite(1)
    result = evaluate_sync([toy], oracle(), {"library": broken}, Plan.make([toy]), begun(tmp_path, 1))
    assert "world library: tool waive_fee crashed" in str(result.errors[0].error)
    assert "date is not JSON serializable" in str(result.errors[0].error)


def test_a_crash_of_a_scorer_is_an_error_and_the_evidence_stays_whole(tmp_path: Path) -> None:
    def crash(context: Any) -> Any:
        raise LookupError("no such slot")

    def only_first(case: Case) -> bool:
        return case.id == "toy/0000"

    broken = Rubric((Scorer("broken", 1, "crashes", only_first, crash, lambda case: ()),))
    run = begun(tmp_path)
    result = carried_out(run, rubric=broken)
    assert [str(one.error) for one in result.errors] == ["scorer: LookupError: no such slot"]
    assert (result.status, run.manifest.status) == (Status.INCOMPLETE, Status.INCOMPLETE)
    assert run.pending() == (), "the model is not to blame, so nothing is run again"
    assert run.frame()["error"].tolist()[0] == "scorer: LookupError: no such slot"
    again = carried_out(run)
    assert (again.finished, again.status, run.manifest.status) == (0, Status.COMPLETE, Status.COMPLETE)


# What a run is.


def test_the_plan_is_on_disk_before_the_first_token(tmp_path: Path) -> None:
    run = begun(tmp_path)
    schema = Path(next(iter(samescore.harness.__path__))) / "schemas" / "run.schema.json"
    data = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, json.loads(schema.read_text(encoding="utf-8")))
    assert data["status"] == "running"
    assert [case["id"] for case in data["plan"]["cases"]] == [case.id for case in suite(8).cases]
    assert data["targets"] == {"toy": {"success": 0.9}}
    assert data["worlds"]["library"]["toolset"] == WORLDS["library"].toolset.fingerprint
    assert data["scorers"]["success"] == 1
    assert run.pending() == tuple(run.plan.items())
    assert Run.open(tmp_path).manifest == run.manifest


def test_results_come_in_the_order_of_the_plan_and_each_is_told_once(tmp_path: Path) -> None:
    told: list[Scored] = []
    result = carried_out(begun(tmp_path), concurrency=3, on_result=told.append)
    assert [one.record.case for one in result.results] == [case.id for case in suite(8).cases]
    assert sorted(one.record.case for one in told) == [one.record.case for one in result.results]
    assert all(one.scores is not None and one.scores["success"].value == 1.0 for one in told)


def test_the_frame_has_a_row_per_rollout_and_a_column_per_scorer(tmp_path: Path) -> None:
    run = begun(tmp_path)
    carried_out(run)
    frame = run.frame()
    assert frame.columns[:5].tolist() == ["case", "suite", "cluster", "locale", "epoch"]
    assert frame.columns[-5:].tolist() == ["stop", "error", "turns", "tokens", "seconds"]
    assert frame["success"].tolist() == [1.0] * 8
    assert frame.set_index("case")["arguments"].isna().tolist()[2], "no call is expected where there is no loan"
    assert frame["turns"].tolist() == [3, 4, 2, 4] * 2


def test_a_frame_without_fresh_scores_is_refused(tmp_path: Path) -> None:
    run = begun(tmp_path)
    with pytest.raises(UsageError, match=r"has no scores\. Score it: samescore score "):
        run.frame()
    carried_out(run)
    kept = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    run.keep_scores(kept["scorers"], kept["rows"][1:])
    with pytest.raises(UsageError, match="case toy/0000, epoch 0 has no score yet"):
        run.frame()


def test_a_run_is_carried_on_only_with_its_own_plan_and_model(tmp_path: Path) -> None:
    run, toy = begun(tmp_path), suite(8)
    with pytest.raises(UsageError, match=r"epochs: 2 here, 1 there"):
        evaluate_sync([toy], oracle(), WORLDS, Plan.make([toy], epochs=2), run)
    with pytest.raises(UsageError, match=r"2 cases only there \(such as toy/0006\)"):
        evaluate_sync([suite(6)], oracle(), WORLDS, Plan.make([suite(6)]), run)
    with pytest.raises(UsageError, match="model: 'slow' here, 'oracle' there; model's backend"):
        carried_out(run, SlowPolicy(0))
    newer = {"library": replace(WORLD, version=2)}
    with pytest.raises(UsageError, match=r"world library: .*'version': 2"):
        evaluate_sync([toy], oracle(), newer, Plan.make([toy]), run)
    with pytest.raises(UsageError, match="are not in the suites at hand"):
        evaluate_sync([suite(6)], oracle(), WORLDS, Plan.make([toy]), run)
    with pytest.raises(UnknownName, match="unknown world 'library'"):
        evaluate_sync([toy], oracle(), {}, Plan.make([toy]), run)
    assert run.records() == ()


def test_a_directory_holds_one_run(tmp_path: Path) -> None:
    begun(tmp_path)
    with pytest.raises(UsageError, match=r"run here already\. Carry it on: samescore eval --resume"):
        begun(tmp_path)


def test_two_processes_cannot_write_to_one_run(tmp_path: Path) -> None:
    run = begun(tmp_path)
    with run.writer(), pytest.raises(UsageError, match="another samescore process is writing to this run"):
        carried_out(Run.open(tmp_path))


@pytest.mark.parametrize(
    ("text", "error", "word"),
    [
        ('{"name": "x"}', ForeignEvidence, "states no format"),
        ("[1]", ForeignEvidence, "states no format"),
        ('{"format": 9, "versions": {"samescore": "4.2"}}', ForeignEvidence, r"run format 9; .* \(4\.2\)"),
        ('{"format": 1}', EvidenceDamaged, "is a required property"),
        ('{"format": 1', EvidenceDamaged, "run.json:1: not JSON any more"),
        (
            '{"format":\n "\n"}',
            EvidenceDamaged,
            r"json:2: not JSON any more: Invalid control character at column 3\. R",
        ),
        ("\udcff", EvidenceDamaged, "not JSON any more"),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(tmp_path: Path, text: str, error: type[Exception], word: str) -> None:
    (tmp_path / "run.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(error, match=word):
        Run.open(tmp_path)


def test_a_file_in_the_place_of_a_run_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").touch()
    with pytest.raises(UsageError, match=r"gate\.toml: this is a file, and no run\. Name the directory of a run\.$"):
        Run.open(tmp_path / "gate.toml")
    (tmp_path / "run.json").mkdir()
    with pytest.raises(UsageError, match=r"run\.json: cannot be read: Is a directory\. Correct that, or restore it"):
        Run.open(tmp_path)


def test_a_plan_cannot_be_made_smaller_afterwards(tmp_path: Path) -> None:
    begun(tmp_path)
    data = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    del data["plan"]["cases"][0]
    (tmp_path / "run.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(EvidenceDamaged, match="the plan was changed after it was recorded"):
        Run.open(tmp_path)


def test_evidence_of_another_run_is_refused(tmp_path: Path) -> None:
    toy = suite(8)
    other = Run.create(tmp_path / "other", Plan.make([toy], seed=1), oracle(), WORLDS)
    run = begun(tmp_path / "run")
    carried_out(run)
    evidence = (tmp_path / "run" / "evidence.jsonl").read_bytes()
    (tmp_path / "other" / "evidence.jsonl").write_bytes(evidence)
    with pytest.raises(EvidenceDamaged, match="the two files are of different runs"):
        other.records()


def test_no_run_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run here"):
        Run.open(tmp_path / "nothing")


def test_directories_are_new_and_named_safely(tmp_path: Path) -> None:
    first = new_directory(["sop/refund"], "hf/../../etc/passwd", tmp_path)
    second = new_directory(["sop/refund"], "hf/../../etc/passwd", tmp_path)
    assert first != second and first.is_dir() and second.is_dir()
    assert first.parent == second.parent == tmp_path
    assert "sop-refund" in first.name and os.sep not in first.name


def test_the_manifest_is_replaced_whole(tmp_path: Path) -> None:
    run = begun(tmp_path)
    run.update(results={"success": 0.5}, floors={"success": 0.0})
    again = Run.open(tmp_path)
    assert (again.manifest.results, again.manifest.floors) == ({"success": 0.5}, {"success": 0.0})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evidence.jsonl", "run.json", "toolsets.json"]
    with pytest.raises(ValueError, match="JSON compliant"):
        run.update(results={"success": float("nan")})
    assert Run.open(tmp_path).manifest == again.manifest == run.manifest


def test_a_run_of_version_1_stays_readable() -> None:
    run = Run.open(GOLDEN)
    assert run.manifest.model == "slow"
    assert [one.case for one in run.records()] == ["toy/0001", "toy/0003", "toy/0006"]
    assert [item.case for item in run.pending()] == ["toy/0003"]


def test_cancelling_an_evaluation_leaves_it_resumable(tmp_path: Path) -> None:
    from samescore.harness.evaluate import evaluate

    toy, policy = suite(8), SlowPolicy(5.0)
    run = Run.create(tmp_path, Plan.make([toy]), policy, WORLDS)

    async def main() -> None:
        async with asyncio.timeout(0.05):
            await evaluate([toy], policy, WORLDS, run.plan, run)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert Run.open(tmp_path).manifest.stopped == "interrupted"
    with run.writer():
        pass  # the lock was given back


def test_no_worker_is_no_evaluation(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="concurrency"):
        carried_out(begun(tmp_path), concurrency=0)
