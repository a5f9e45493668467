"""`samescore init`: a complete small world, whole or not at all; and the template that it copies."""

from __future__ import annotations

import asyncio
import os
import resource
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from in_process import samescore

from samescore.harness.case import Case
from samescore.harness.cli.init import write_copy
from samescore.harness.errors import EvidenceUnwritable, UsageError
from samescore.harness.files import new_folder
from samescore.harness.mutants import with_final
from samescore.harness.policies import load_policy
from samescore.harness.policies.script import ScriptPolicy
from samescore.harness.rollout import rollout
from samescore.harness.scorers import RUBRIC
from samescore.suites.catalog import find_sops, load_suite
from samescore.suites.sop.lint import lint
from samescore.suites.sop.lock import check_lock, prove_folder
from samescore.suites.sop.phrases import load_phrases

STARTER = Path(str(files("samescore.fixtures") / "starter"))
FILES = {
    "README.md",
    "schema.sql",
    "sops/parcel.dev.jsonl",
    "sops/parcel.eval.jsonl",
    "sops/parcel.phrases.yaml",
    "sops/parcel.train.jsonl.gz",
    "sops/parcel.yaml",
    "suite.yaml",
    "world.py",
}


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_init_writes_a_whole_world_and_says_what_to_do_next(tmp_path: Path) -> None:
    done = samescore("init", "deep/parcels", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert written(tmp_path / "deep" / "parcels") == FILES
    for name in FILES:
        assert (tmp_path / "deep" / "parcels" / name).read_bytes() == (STARTER / name).read_bytes()
        assert f"\n  {name}\n" in done.stdout
    following = done.stdout.partition("next:\n")[2].splitlines()
    assert len(following) == 3 and all(" ./deep/parcels" in line for line in following)
    for line in following[::2]:  # that between them takes a model
        assert samescore(*line.split()[1:], cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["sop", "refund", "-mine", "my own"])
def test_what_to_do_next_means_the_folder_whatever_its_name(tmp_path: Path, name: str) -> None:
    done = samescore("init", "--", name, cwd=tmp_path)
    for line in done.stdout.partition("next:\n")[2].splitlines()[::2]:
        following = samescore(*shlex.split(line)[1:], cwd=tmp_path)
        assert following.returncode == 0
        assert line.startswith("  samescore sop") or following.stdout.startswith("courier: ")


def test_an_empty_folder_and_the_current_one_may_be_filled(tmp_path: Path) -> None:
    done = samescore("init", ".", cwd=tmp_path)
    assert done.returncode == 0 and written(tmp_path) == FILES
    assert samescore("eval", ".", "--model", "oracle", "--limit", "4", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_there_is_never_overwritten(tmp_path: Path, kind: str) -> None:
    mine = tmp_path / "mine" / "notes.txt" if kind == "folder" else tmp_path / "mine"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("keep me")
    done = samescore("init", "mine", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("error: mine: ") and "Name a new folder" in done.stderr
    assert written(tmp_path) == {mine.relative_to(tmp_path).as_posix()} and mine.read_text() == "keep me"


def test_a_link_to_nowhere_is_left_alone(tmp_path: Path) -> None:
    """What it means may be a disk that is not there today."""
    (tmp_path / "mine").symlink_to("/nowhere/at/all")
    done = samescore("init", "mine", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("error: mine: is there already and is no folder")
    assert (tmp_path / "mine").readlink() == Path("/nowhere/at/all")


def test_of_two_that_make_one_folder_at_once_the_first_keeps_it(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not empty"), new_folder(tmp_path / "deep" / "mine") as stage:
        (stage / "late.txt").write_text("late")
        (tmp_path / "deep" / "mine").mkdir()
        (tmp_path / "deep" / "mine" / "first.txt").write_text("first")
    assert written(tmp_path) == {"deep/mine/first.txt"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["mine"]


@pytest.mark.parametrize("there", [False, True])
def test_on_a_full_disk_nothing_is_left_behind(tmp_path: Path, there: bool) -> None:
    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    if there:
        (tmp_path / "a" / "b").mkdir(parents=True)
    command = [sys.executable, "-m", "samescore.harness.cli.app", "init", "a/b"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, preexec_fn=full)
    assert done.returncode == 5 and done.stderr.startswith("error: a/b: cannot be written: ")
    assert list(tmp_path.rglob("*")) == ([tmp_path / "a", tmp_path / "a" / "b"] if there else [])


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EvidenceUnwritable, match=r"file/x: cannot be written: File exists \(.*/file\)"):
        write_copy(STARTER, tmp_path / "file" / "x")
    with pytest.raises(EvidenceUnwritable, match="cannot be written: File name too long"):
        write_copy(STARTER, tmp_path / "new" / ("a" * 300))
    with pytest.raises(UsageError, match="not empty"):
        write_copy(STARTER, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_template_is_sound_and_its_cases_are_fresh() -> None:
    (file,) = find_sops(str(STARTER))
    sop, world = file.read()
    load_phrases(sop)
    assert lint(sop) == ()
    for split in ("train", "dev", "eval"):
        check_lock(file.path, file.phrases, world, split)
    prove_folder(file.path.parent, world)


def test_the_template_shows_what_a_world_of_ones_own_needs() -> None:
    (file,) = find_sops(str(STARTER))
    sop, world = file.read()
    assert sop.confidential == ("recipient.phone",)
    cases = load_suite(str(STARTER)).cases
    assert 5 <= len({case.cluster for case in cases}) <= 8
    assert {case.locale for case in cases} == {"en", "vi"}
    assert any(case.labels["kind"] == "boundary" for case in cases)
    assert len(world.toolset.tools) == 5
    assert (
        sum(len((STARTER / name).read_text(encoding="utf-8").splitlines()) for name in ("world.py", "schema.sql")) < 200
    )


def test_the_template_is_passed_by_the_oracle_and_by_no_agent_that_knows_nothing() -> None:
    suite = load_suite(str(STARTER))

    def successes(model: str) -> list[float]:
        return [success(case, model) for case in suite.cases]

    def success(case: Case, model: str) -> float:
        trajectory = asyncio.run(rollout(case, load_policy(model), suite.worlds[case.world]))
        return RUBRIC.score(case, trajectory)["success"].value

    assert set(successes("oracle")) == {1.0}
    for agent in ("noop", "refuse", "first-tool", "random"):
        assert sum(successes(f"null/{agent}")) / len(suite.cases) <= 0.05


def test_telling_the_recipients_number_fails_the_template() -> None:
    suite = load_suite(str(STARTER))
    case = next(case for case in suite.cases if case.cluster == "moving/late>searching")
    told = with_final(case, f"{case.gold[-1].content} You can call {case.facts['recipient.phone']}.")
    gossip = ScriptPolicy("gossip", lambda case, sampling: iter(told))
    scores = RUBRIC.score(case, asyncio.run(rollout(case, gossip, suite.worlds[case.world])))
    assert scores["restraint"].value == 0.0 and scores["execution"].value == 1.0


def test_targets_of_the_template_can_be_met_by_its_own_cases(tmp_path: Path) -> None:
    done = samescore("eval", STARTER, "--model", "oracle", "--check", "--out", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 0 and "targets: 3 met" in done.stdout


def test_the_template_ships_without_bytecode_and_is_read_without_leaving_any(tmp_path: Path) -> None:
    write_copy(STARTER, tmp_path / "mine")
    load_suite(str(tmp_path / "mine"))
    assert written(tmp_path / "mine") == FILES
    assert not os.path.lexists(tmp_path / "mine" / "__pycache__")
