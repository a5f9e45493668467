"""What a shell sees of trouble from outside: a reader that leaves, a disk that is full, a signal that ends it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import pytest

from samescore.harness.cli.errors import CLOSED_PIPE
from samescore.harness.errors import EvidenceUnwritable
from samescore.harness.files import write_text

PROGRAM = [sys.executable, "-m", "samescore.harness.cli.app"]
OTHERS = "another process's file"

Done = subprocess.CompletedProcess[str]


def samescore(*arguments: str | Path, cwd: Path, preexec_fn: Callable[[], None] | None = None) -> Done:
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, preexec_fn=preexec_fn)


def no_room() -> None:
    """As on a full disk: no file can grow, what is piped can."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a complete run."""
    folder = tmp_path_factory.mktemp("trouble")
    assert (
        samescore("eval", "sop/refund", "--model", "oracle", "--limit", "6", "--out", "run", cwd=folder).returncode == 0
    )
    return folder


# A reader that leaves.

PRINTING = [
    ["--help"],
    ["--version"],
    ["sop", "coverage", "refund"],
    ["sop", "prose", "refund"],
    ["score", "run"],
]


def piped(arguments: Sequence[str], cwd: Path, out: IO[str], unbuffered: str) -> Done:
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    command = [*PROGRAM, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, stdout=out, stderr=subprocess.PIPE, text=True, timeout=60)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_closed_pipe_ends_a_command_quietly_as_it_does_a_unix_tool(
    place: Path, arguments: Sequence[str], unbuffered: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = piped(arguments, place, pipe, unbuffered)
    assert (done.returncode, done.stderr) == (CLOSED_PIPE, "")


def test_that_exit_code_is_what_a_shell_says_of_a_process_that_sigpipe_ended() -> None:
    assert CLOSED_PIPE == 128 + signal.SIGPIPE


# A full disk.


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_output_that_cannot_be_written_is_one_message_and_no_bug(
    place: Path, arguments: Sequence[str], unbuffered: str
) -> None:
    with Path("/dev/full").open("w") as full:
        done = piped(arguments, place, full, unbuffered)
    expected = "error: the output cannot be written: No space left on device. Make room and try again.\n"
    assert (done.returncode, done.stderr) == (5, expected)


def test_without_any_place_for_messages_the_exit_code_is_still_none_of_a_verdict(place: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, "score", "run"], cwd=place, stdout=full, stderr=full)
    assert done.returncode == 5


def test_scores_that_cannot_be_kept_are_shown_all_the_same(place: Path) -> None:
    shown = samescore("score", "run", cwd=place)
    done = samescore("score", "run", cwd=place, preexec_fn=no_room)
    assert (done.returncode, done.stdout) == (0, shown.stdout)
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: the scores below hold, but are not kept. run/scores.json: cannot be written: ")


def test_a_picture_that_cannot_be_written_leaves_the_former_one(place: Path) -> None:
    picture = place / "refund.svg"
    assert samescore("sop", "graph", "refund", "--out", picture, cwd=place).returncode == 0
    former = picture.read_bytes()
    for out in (picture, place / "new.svg"):
        before = sorted(place.iterdir())
        done = samescore("sop", "graph", "refund", "--out", out, cwd=place, preexec_fn=no_room)
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr == f"error: {out}: cannot be written: File too large. Make room and try again.\n"
        assert sorted(place.iterdir()) == before and picture.read_bytes() == former


def test_two_processes_that_write_one_file_do_not_write_into_each_others(tmp_path: Path) -> None:
    (tmp_path / ".a.svg.new").write_text(OTHERS)
    write_text(tmp_path / "a.svg", "mine")
    assert (tmp_path / "a.svg").read_text() == "mine" and (tmp_path / ".a.svg.new").read_text() == OTHERS


def test_neither_a_link_nor_a_device_is_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "text"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EvidenceUnwritable, match="it is a device or a pipe"):
        write_text(tmp_path / "pipe", "text")
    assert (tmp_path / "pipe").is_fifo()


# A signal.


def stopped(place: Path, name: str, number: int, how: Callable[[], None] | None = None) -> tuple[int, str]:
    """What becomes of an evaluation that gets a signal after some cases."""
    options = ["--model", "oracle", "--limit", "40", "--epochs", "500", "--out", name]
    command = [*PROGRAM, "eval", "sop/refund", *options]
    process = subprocess.Popen(
        command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=how
    )
    evidence = place / name / "evidence.jsonl"
    while process.poll() is None and not (evidence.exists() and evidence.stat().st_size > 50_000):
        time.sleep(0.02)
    process.send_signal(number)
    return process.wait(timeout=30), process.communicate()[1]


def in_the_background() -> None:
    """As a shell without job control starts `command &`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("how", [None, in_the_background])
def test_a_time_limit_ends_an_evaluation_as_ctrl_c_does(place: Path, how: Callable[[], None] | None) -> None:
    name = "background" if how else "limited"
    code, errors = stopped(place, name, signal.SIGTERM, how)
    assert code == 5
    assert errors.startswith("error: interrupted: ") and errors.endswith(f"samescore eval --resume {name}\n")
    assert len(errors.splitlines()) == 1
    assert '"stopped": "interrupted"' in (place / name / "run.json").read_text()


def test_packages_that_do_not_fit_together_are_one_message(tmp_path: Path) -> None:
    package = tmp_path / "path" / "transformers"
    package.mkdir(parents=True)
    said = "huggingface-hub>=1.5.0,<2.0 is required, but found huggingface-hub==2.4.0."
    (package / "__init__.py").write_text(f"raise ImportError({said!r})\n", encoding="utf-8")
    search = os.pathsep.join([str(package.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [*PROGRAM, "eval", "--model", "tiny", "--limit", "1"]
    environment = {**os.environ, "PYTHONPATH": search}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"error: the installed packages do not fit together: {said} Install samescore into" in done.stderr
