"""The command line as a shell sees it: what it prints, where, and the exit code."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

METRICS = {
    *("success", "tool_name", "arguments", "schema", "execution", "path", "restraint", "outcome", "format", "style"),
}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Done = subprocess.CompletedProcess[str]
CLI = (sys.executable, "-m", "samescore.harness.cli.app")


def samescore(*arguments: str | Path, cwd: Path, **variables: str) -> Done:
    environment = {**os.environ, "COLUMNS": "100", **variables}
    command = [*CLI, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def oracle(place: Path) -> Done:
    return samescore("eval", "--suite", "sop", "--model", "oracle", "--out", "oracle", cwd=place)


@pytest.fixture(scope="module")
def noop(place: Path) -> Done:
    return samescore("eval", "--model", "null/noop", "--limit", "40", "--out", "noop", "--check", cwd=place)


def fails(done: Done, code: int, *words: str) -> None:
    """A failure is one message on stderr, no traceback, nothing on stdout."""
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


def test_help_answers_within_three_tenths_of_a_second(tmp_path: Path) -> None:
    """Measured in processor time. A busy machine stretches that too, as it does the import of what prints the help."""

    def least(*command: str) -> float:
        seconds = []
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert "--help" not in command or all(verb in done.stdout for verb in ("eval", "score", "sop", "train"))
        return min(seconds)

    took = least(*CLI, "--help")
    printer = least(sys.executable, "-c", "import typer.rich_utils")
    assert took <= max(0.3, 2 * printer)


def test_version_is_printed_alone(tmp_path: Path) -> None:
    done = samescore("--version", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("samescore ") and done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["--suite", "sop/refnd", "--model", "oracle"], "sop/refund"),
        (["--suite", "sop", "--model", "orcale"], "oracle"),
        (["--suite", "sop", "--model", "null/no-op"], "null/noop"),
        (["--suite", "sop", "--model", "tiny", "--adapter", "suport-sft"], "support-sft"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_and_leaves_no_run(
    tmp_path: Path, arguments: list[str], suggestion: str
) -> None:
    fails(samescore("eval", *arguments, cwd=tmp_path), 2, f"Did you mean '{suggestion}'?")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["evl"],
        ["eval", "--limit", "0"],
        ["eval", "--split", "test"],
        ["eval", "--frob"],
        ["score"],
        ["train", "sft"],
    ],
)
def test_a_wrong_command_line_is_a_usage_error(tmp_path: Path, arguments: list[str]) -> None:
    done = samescore(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_an_option_that_does_not_go_with_the_model_is_a_usage_error(tmp_path: Path) -> None:
    fails(samescore("eval", "--model", "oracle", "--adapter", "x", cwd=tmp_path), 2, "--adapter", "oracle")


def test_a_folder_without_a_run_is_a_usage_error(tmp_path: Path) -> None:
    fails(samescore("score", tmp_path, cwd=tmp_path), 2, "no run here")
    fails(samescore("eval", "--resume", tmp_path, cwd=tmp_path), 2, "no run here")


def test_a_folder_that_cannot_be_written_is_an_infrastructure_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    fails(samescore("eval", "--model", "oracle", "--limit", "1", "--out", "file/run", cwd=tmp_path), 5, "file/run")


def test_the_first_line_says_what_is_about_to_happen(oracle: Done) -> None:
    first = oracle.stdout.splitlines()[0]
    assert re.fullmatch(r"sop: \d+ cases on \d+ branches \(en, vi\) · oracle · oracle", first), first


def test_the_oracle_has_one_in_every_scorer_and_no_failing_branch(oracle: Done) -> None:
    assert oracle.returncode == 0, oracle.stderr
    for metric in METRICS:
        assert re.search(rf"^ ?{metric} +1\.000 ", oracle.stdout, re.M), metric
    assert "failing branches" not in oracle.stdout and "100%" in oracle.stdout


def test_output_to_a_pipe_has_no_control_codes(oracle: Done, noop: Done) -> None:
    for done in (oracle, noop):
        assert not CONTROL.search(done.stdout + done.stderr)


def test_json_is_the_one_object_of_the_contract_and_nothing_else(place: Path) -> None:
    done = samescore("eval", "--suite", "sop/refund", "--model", "oracle", "--limit", "12", "--json", cwd=place)
    shown = json.loads(done.stdout)
    assert list(shown) == ["status", "exit", "run", "suites", "model", "cases", "metrics"]
    assert (shown["status"], shown["exit"], shown["suites"], shown["model"]) == (
        "complete",
        0,
        ["sop/refund"],
        "oracle",
    )
    assert shown["cases"] == 12 and set(shown["metrics"]) == METRICS
    assert all(list(metric) == ["value", "low", "high", "target", "floor", "n"] for metric in shown["metrics"].values())
    assert (place / shown["run"] / "run.json").exists()


def test_an_agent_without_a_model_misses_the_targets(noop: Done, place: Path) -> None:
    assert noop.returncode == 1
    assert re.search(r"^ ?success +0\.0\d\d .* 0\.\d\d missed", noop.stdout, re.M)
    assert json.loads((place / "noop" / "run.json").read_text())["results"]["metrics"]["success"]["value"] <= 0.05


def test_targets_are_judged_only_when_asked(place: Path, noop: Done) -> None:
    done = samescore("score", "noop", cwd=place)
    assert done.returncode == 0 and "missed" not in done.stdout


def test_too_few_cases_are_inconclusive_and_not_a_pass(place: Path) -> None:
    done = samescore("eval", "--model", "oracle", "--limit", "8", "--check", cwd=place)
    assert done.returncode == 3
    assert re.search(r"^targets: \d met · inconclusive: success", done.stdout, re.M)


def test_every_failing_branch_comes_with_prompt_expected_and_got(noop: Done) -> None:
    failing = int(re.search(r"failing branches, worst first: (\d+) of \d+", noop.stdout)[1])  # type: ignore[index]
    assert failing >= 10
    for label in ("case", "prompt", "expected", "got", "why"):
        assert len(re.findall(rf"^  {label}\b", noop.stdout, re.M)) == failing, label


def test_show_limits_the_examples_and_still_names_every_failing_branch(place: Path, noop: Done) -> None:
    done = samescore("score", "noop", "--show", "2", cwd=place)
    assert len(re.findall(r"^  got\b", done.stdout, re.M)) == 2
    assert done.stdout.count(" right\n") == noop.stdout.count(" right\n")


@pytest.mark.parametrize("width", [80, 100])
def test_lines_fit_the_width_of_the_terminal(place: Path, noop: Done, width: int) -> None:
    done = samescore("score", "noop", "--check", cwd=place, COLUMNS=str(width))
    assert max(map(len, done.stdout.splitlines())) <= width


def test_scoring_again_gives_what_the_evaluation_gave(place: Path, noop: Done) -> None:
    before = json.loads((place / "noop" / "run.json").read_text())["results"]["metrics"]
    again = json.loads(samescore("score", "noop", "--json", cwd=place).stdout)
    assert again["metrics"] == before and again["run"] == "noop"


def test_a_finished_run_is_carried_on_without_running_anything(place: Path, oracle: Done) -> None:
    evidence = (place / "oracle" / "evidence.jsonl").read_bytes()
    done = samescore("eval", "--resume", "oracle", cwd=place)
    assert done.returncode == 0 and "recorded before" in done.stdout.splitlines()[0]
    assert (place / "oracle" / "evidence.jsonl").read_bytes() == evidence


def test_resume_does_not_take_another_plan(place: Path, oracle: Done) -> None:
    done = samescore("eval", "--resume", "oracle", "--epochs", "2", "--seed", "0", cwd=place)
    fails(done, 2, "--epochs", "--seed")


def test_a_directory_with_a_run_is_not_overwritten(place: Path, oracle: Done) -> None:
    done = samescore("eval", "--model", "oracle", "--out", "oracle", cwd=place)
    fails(done, 2, "samescore eval --resume oracle")


def test_a_suite_by_path_is_found_again_and_its_targets_as_they_are_now(place: Path) -> None:
    from samescore.suites.catalog import find_sop

    refund = find_sop("refund")
    (place / "mine" / "sops").mkdir(parents=True)
    for name in ("refund.yaml", "refund.phrases.yaml", "refund.eval.jsonl"):
        (place / "mine" / "sops" / name).write_bytes(refund.path.with_name(name).read_bytes())
    suite = "name: mine\nversion: 1\nworld: retail\nsops: [refund]\ntargets:\n  success: {}\n"
    (place / "mine" / "suite.yaml").write_text(suite.format(0.5))
    where = ("--suite", "mine/suite.yaml", "--check")
    assert samescore("eval", *where, "--model", "oracle", "--limit", "20", "--out", "own", cwd=place).returncode == 0
    (place / "mine" / "suite.yaml").write_text(suite.format(0.99))
    moved = samescore("score", "own", "--check", cwd=place)
    assert moved.returncode == 3
    assert "a target moved since this run began: mine: success was 0.5, is 0.99" in moved.stderr


@pytest.fixture(scope="module")
def incomplete(place: Path) -> Done:
    """A replay of too small a run: the policy has no turns for the other cases, which are errors."""
    samescore("eval", "--model", "oracle", "--limit", "8", "--out", "small", cwd=place)
    arguments = ("--model", "replay/small", "--limit", "10", "--out", "incomplete", "--check")
    return samescore("eval", *arguments, cwd=place)


def test_errors_make_a_run_incomplete_which_outranks_every_verdict(incomplete: Done) -> None:
    assert incomplete.returncode == 5
    assert "2 of 10 rollouts have no score" in incomplete.stdout
    assert "samescore eval --resume incomplete" in incomplete.stderr


def test_a_metric_of_an_incomplete_run_has_bounds_and_no_value(place: Path, incomplete: Done) -> None:
    done = samescore("score", "incomplete", "--json", cwd=place)
    shown = json.loads(done.stdout)
    success = shown["metrics"]["success"]
    assert (shown["status"], shown["exit"], done.returncode) == ("incomplete", 5, 5)
    assert success["value"] is None and success["n"] == shown["cases"] == 10
    assert success["low"] < success["high"]


def test_damaged_evidence_names_the_line(place: Path, oracle: Done) -> None:
    (place / "damaged").mkdir()
    lines = (place / "oracle" / "evidence.jsonl").read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace('"epoch":0', '"epoch":1')
    (place / "damaged" / "evidence.jsonl").write_text("".join(lines))
    (place / "damaged" / "run.json").write_bytes((place / "oracle" / "run.json").read_bytes())
    fails(samescore("score", "damaged", cwd=place), 5, "evidence.jsonl:3", "checksum")


def test_ctrl_c_says_how_to_carry_on_and_keeps_what_was_recorded(place: Path) -> None:
    arguments = ["eval", "--model", "oracle", "--limit", "40", "--epochs", "500", "--out", "stopped"]
    command = [sys.executable, "-m", "samescore.harness.cli.app", *arguments]
    process = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    evidence = place / "stopped" / "evidence.jsonl"
    while process.poll() is None and not (evidence.exists() and evidence.stat().st_size > 50_000):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 5
    assert "interrupted" in errors and "samescore eval --resume stopped" in errors and "Traceback" not in errors
    shown = json.loads(samescore("score", "stopped", "--json", cwd=place).stdout)
    assert shown["status"] == "incomplete" and shown["cases"] == 40


def test_a_reader_that_leaves_early_is_no_missed_target(place: Path) -> None:
    command = [sys.executable, "-m", "samescore.harness.cli.app", "eval", "--model", "oracle", "--limit", "20"]
    process = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == ""


def test_no_color_is_respected_on_a_terminal(place: Path, noop: Done) -> None:
    assert re.search(r"\x1b\[[0-9;]*3[0-7]", on_terminal(place, {}))
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", on_terminal(place, {"NO_COLOR": "1"}))


def on_terminal(place: Path, variables: Mapping[str, str]) -> str:
    """What `score` writes to a pseudo-terminal."""
    import pty

    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "100", **variables}
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "samescore.harness.cli.app", "score", "noop", "--check", "--show", "1"]
    process = subprocess.Popen(command, cwd=place, env=environment, stdout=terminal, stderr=terminal, stdin=terminal)
    os.close(terminal)
    read: list[bytes] = []
    while chunk := _read(controller):
        read.append(chunk)
    process.wait(timeout=60)
    os.close(controller)
    return b"".join(read).decode()


def _read(controller: Any) -> bytes:
    try:
        return os.read(controller, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""
