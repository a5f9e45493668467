"""`eval`: what is wrong with a command is said before anything is loaded, and a model that is not needed never is."""

from __future__ import annotations

import json
import os
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from chat_server import ChatServer, gold
from in_process import samescore

from samescore.harness.cli.beforehand import require_directory, require_names
from samescore.harness.errors import EvidenceUnwritable
from samescore.suites.catalog import load_suite

STARTER = Path(str(files("samescore.fixtures") / "starter"))

NOWHERE = ("eval", "no/such/suite.yaml", "--model", "hf/no/such/model")
"""What would be said of these if they were looked for first is something else."""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder as `samescore init` makes it."""
    return Path(shutil.copytree(STARTER, tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__")))


def test_a_directory_that_cannot_be_made_is_noticed_before_loading(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = samescore(*NOWHERE, "--out", "file/run", cwd=tmp_path)
    assert done.returncode == 5 and "file/run: the run's directory cannot be made" in done.stderr
    require_directory(tmp_path / "new" / "run")
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_noticed_before_loading(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(EvidenceUnwritable, match="cannot be written to"):
        require_directory(tmp_path / "run")


def test_a_directory_with_a_run_is_noticed_before_loading(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    done = samescore(*NOWHERE, "--out", "run", cwd=tmp_path)
    assert done.returncode == 2 and "Carry it on: samescore eval --resume run" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--dialect", "hermess"), "unknown dialect 'hermess'. Did you mean 'hermes'?"),
        (("--device", "nope"), "--device: expected auto, cpu, cuda or cuda:N, found 'nope'."),
        (("--device", "cuda:x"), "found 'cuda:x'"),
    ],
)
def test_a_dialect_or_device_that_does_not_exist_is_noticed_before_loading(
    tmp_path: Path, options: tuple[str, str], words: str
) -> None:
    done = samescore(*NOWHERE, *options, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "mps"])
def test_devices_that_could_be_there_are_left_to_torch(device: str) -> None:
    require_names(None, device)


def test_an_address_that_is_no_url_is_a_usage_error(tmp_path: Path) -> None:
    told = ("eval", "sop/refund", "--limit", "1", "--model", "openai-api/local/m", "--model-base-url")
    for address in ("nonsense", "localhost:8000", "http://", "http://host:port/v1"):
        done = samescore(*told, address, cwd=tmp_path)
        assert done.returncode == 2 and f"http://localhost:8000/v1, found {address!r}" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_complete_run_is_shown_again_without_its_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", "sk-local")
    with ChatServer(gold(load_suite("sop/refund", procedure="prompt").cases)) as server:
        told = ("eval", "sop/refund", "--model", "openai-api/local/m", "--model-base-url", server.url, "--limit", "2")
        assert samescore(*told, "--out", "run", cwd=tmp_path).returncode == 0
    again = samescore("eval", "--resume", "run", "--json", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["metrics"]["success"]["value"] == 1.0
    evidence = tmp_path / "run" / "evidence.jsonl"
    evidence.write_bytes(evidence.read_bytes().splitlines(keepends=True)[0])
    lacking = samescore("eval", "--resume", "run", cwd=tmp_path)
    assert lacking.returncode == 5 and "Start the server" in lacking.stderr, "what is pending needs the model"


def test_a_run_that_ends_in_a_crash_of_a_tool_says_where_it_is_and_how_it_goes_on(mine: Path, tmp_path: Path) -> None:
    world = mine / "world.py"
    sound = world.read_text(encoding="utf-8")
    world.write_text(sound.replace("FROM parcels", "FROM parcelz"), encoding="utf-8")
    done = samescore("eval", "mine", "--model", "oracle", "--limit", "4", "--out", "run", cwd=tmp_path)
    assert done.returncode == 5 and "no such table: parcelz (world.py:" in done.stderr
    assert "The run in run is incomplete" in done.stderr and "samescore eval --resume run" in done.stderr
    world.write_text(sound, encoding="utf-8")
    again = samescore("eval", "--resume", "run", cwd=tmp_path)
    assert again.returncode == 0 and "success 1.000" in again.stdout, again.stderr
