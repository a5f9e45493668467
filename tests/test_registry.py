"""The registry of runs: what is in it, which run is the baseline of what, and whether a run is still the one it was."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from in_process import Done, samescore
from scripted_runs import recorded

from samescore.harness.errors import (
    EvidenceDamaged,
    EvidenceUnwritable,
    ForeignEvidence,
    Incomparable,
    InfrastructureError,
    UsageError,
)
from samescore.harness.manifest import Status
from samescore.harness.registry import Checkout, Line, Registry, State, index, registry_folder, run_directory
from samescore.harness.registry.drift import drift
from samescore.harness.run import Run

MAIN = Checkout("main", "0123456789abcdef")
LINE = Line("main", ("toy",), "agent")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of three adapters, and of another model."""
    folder = tmp_path_factory.mktemp("runs")
    recorded(folder / "good", adapter="good")
    recorded(folder / "better", adapter="better")
    recorded(folder / "bad", adapter="bad", right=0.4)
    recorded(folder / "other", model="other")
    return folder


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


def edit(run: Path, **fields: Any) -> None:
    """Change `run.json` behind the registry's back."""
    Run.open(run).update(**fields)


# Adding.


def test_a_run_from_elsewhere_is_copied_and_is_found_by_what_it_is(registry: Registry, runs: Path) -> None:
    entry = registry.add(runs / "good", MAIN)
    assert (entry.path, entry.suites, entry.model, entry.adapter) == ("good", ("toy",), "agent", "good")
    assert (entry.branch, entry.commit, entry.cases, entry.epochs) == ("main", "0123456789abcdef", 16, 1)
    kept = registry.directory(entry)
    assert kept.parent == registry.folder and Run.open(kept).records() == Run.open(runs / "good").records()
    assert registry.entries() == (entry,)


def test_a_run_in_the_folder_stays_where_it_is(registry: Registry, runs: Path) -> None:
    place = registry.folder / "2026" / "good"
    shutil.copytree(runs / "good", place)
    assert registry.add(place, MAIN).path == "2026/good"
    assert sorted(path.name for path in registry.folder.iterdir()) == ["2026", "index.sqlite"]


def test_a_run_is_added_once(registry: Registry, runs: Path) -> None:
    first = registry.add(runs / "good", MAIN)
    assert registry.add(runs / "good", Checkout("other")) == first == registry.add(registry.directory(first), MAIN)
    assert registry.entries() == (first,)


def test_scoring_again_does_not_make_another_run(registry: Registry, runs: Path) -> None:
    entry = registry.add(runs / "good", MAIN)
    edit(registry.directory(entry), results={"status": "complete", "metrics": {}}, scorers={"success": 9}, floors={})
    assert entry.state(registry.folder) is State.THERE


def test_runs_of_one_name_lie_beside_each_other(registry: Registry, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "bad", tmp_path / "elsewhere" / "good")
    paths = [registry.add(run, MAIN).path for run in (runs / "good", tmp_path / "elsewhere" / "good")]
    assert paths == ["good", "good-2"]


def test_runs_are_listed_by_suite_model_adapter_and_branch(registry: Registry, runs: Path) -> None:
    for name, branch in (("good", "main"), ("bad", "feature/x"), ("other", "main")):
        registry.add(runs / name, Checkout(branch))

    def found(**wanted: str) -> list[str]:
        return [entry.path for entry in registry.entries(**wanted)]  # type: ignore[arg-type]

    assert found() == found(suite="toy") == ["good", "bad", "other"]
    assert found(suite="sop") == []
    assert found(model="agent") == ["good", "bad"]
    assert found(adapter="bad") == found(branch="feature/x") == ["bad"]
    assert found(model="agent", branch="main") == ["good"]


def test_only_complete_runs_are_kept(registry: Registry, runs: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(runs / "good", run)
    edit(run, status=Status.INCOMPLETE, stopped="the model is gone")
    with pytest.raises(InfrastructureError, match=r"incomplete \(the model is gone\).*samescore eval --resume"):
        registry.add(run, MAIN)
    assert not registry.folder.exists()


def test_what_is_no_run_is_not_added(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run here"):
        registry.add(tmp_path, MAIN)


def test_a_run_without_evidence_is_damaged(registry: Registry, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "good", tmp_path / "run")
    (tmp_path / "run" / "evidence.jsonl").unlink()
    with pytest.raises(EvidenceDamaged, match="evidence cannot be read"):
        registry.add(tmp_path / "run", MAIN)


def test_a_run_is_not_its_own_registry(runs: Path) -> None:
    with pytest.raises(UsageError, match="cannot be the registry that it is in"):
        Registry(runs / "good").add(runs / "good", MAIN)


# The folder moves, and runs change.


def test_the_folder_may_be_moved(registry: Registry, runs: Path, tmp_path: Path) -> None:
    registry.promote(str(registry.directory(registry.add(runs / "good", MAIN))))
    moved = Registry(registry.folder.rename(tmp_path / "elsewhere"))
    assert moved.directory(moved.baseline(LINE).entry) == tmp_path / "elsewhere" / "good"


def test_a_run_that_vanished_is_said_and_comes_back_when_its_copy_is_added(registry: Registry, runs: Path) -> None:
    entry = registry.add(runs / "good", MAIN)
    registry.promote("1")
    shutil.rmtree(registry.directory(entry))
    assert entry.state(registry.folder) is State.VANISHED
    with pytest.raises(EvidenceDamaged, match=r"run 1 of the registry has vanished\. Restore it"):
        registry.baseline(LINE)
    assert registry.add(runs / "good", MAIN) == entry
    assert registry.baseline(LINE).entry == entry


def changed(run: Path, what: str) -> None:
    if what == "plan":
        edit(run, plan=Run.open(run).plan.__class__.from_json({**Run.open(run).plan.to_json(), "seed": 7}))
    elif what == "model":
        edit(run, description={"model": "another"})
    elif what == "evidence":
        evidence = run / "evidence.jsonl"
        evidence.write_bytes(evidence.read_bytes().replace(b'"seconds":', b'"seconds":1', 1))
    else:
        (run / "run.json").write_text("{}", encoding="utf-8")


@pytest.mark.parametrize("what", ["plan", "model", "evidence", "manifest"])
def test_a_run_that_changed_since_is_said(registry: Registry, runs: Path, what: str) -> None:
    entry = registry.add(runs / "good", MAIN)
    registry.promote("1")
    changed(registry.directory(entry), what)
    assert entry.state(registry.folder) is State.CHANGED
    for use in (lambda: registry.baseline(LINE), lambda: registry.anchor(LINE), lambda: registry.promote("1")):
        with pytest.raises(EvidenceDamaged, match="run 1 of the registry is not as it was when it was added"):
            use()
    said: list[str] = []
    assert registry.add(runs / "good", MAIN, said.append) == entry == registry.baseline(LINE).entry
    place = registry.directory(entry)
    aside = place.with_name("good.damaged")
    assert said == [f"{place}: put back from {runs / 'good'}; what was there is now {aside}, which may be deleted"]
    assert Run.open(place).records() == Run.open(runs / "good").records() and aside.is_dir()
    assert registry.add(runs / "good", MAIN, said.append) == entry and len(said) == 1, "it is there: nothing is done"


def test_only_an_intact_copy_puts_a_damaged_run_back(registry: Registry, runs: Path, tmp_path: Path) -> None:
    entry = registry.add(runs / "good", MAIN)
    registry.promote("1")
    shutil.copytree(runs / "good", tmp_path / "copy")
    for run in (registry.directory(entry), tmp_path / "copy"):
        changed(run, "evidence")
        (run / "evidence.jsonl").write_bytes((run / "evidence.jsonl").read_bytes() + run.name.encode())
    assert registry.add(tmp_path / "copy", MAIN).number == 2, "a run of its own, by its digests"
    with pytest.raises(EvidenceDamaged, match=r"not as it was.*samescore runs add COPY --registry /"):
        registry.baseline(LINE)


def test_a_copy_that_lies_in_the_folder_takes_the_place_of_a_damaged_run(registry: Registry, runs: Path) -> None:
    entry = registry.add(runs / "good", MAIN)
    registry.promote("1")
    changed(registry.directory(entry), "evidence")
    shutil.copytree(runs / "good", registry.folder / "copy")
    assert registry.add(registry.folder / "copy", MAIN).number == 1
    assert registry.baseline(LINE).entry.path == "copy"


def test_a_run_that_was_moved_within_the_folder_is_found_again(registry: Registry, runs: Path) -> None:
    entry = registry.add(runs / "good", MAIN)
    registry.promote("1")
    moved = registry.directory(entry).rename(registry.folder / "renamed")
    assert entry.state(registry.folder) is State.VANISHED
    assert (registry.add(moved, MAIN).path, registry.add(moved, MAIN).number) == ("renamed", 1)
    assert registry.baseline(LINE).entry.path == "renamed"


def test_another_run_at_the_place_of_one_takes_it_over_unless_that_was_promoted(registry: Registry, runs: Path) -> None:
    place = registry.directory(registry.add(runs / "good", MAIN))
    shutil.rmtree(place)
    shutil.copytree(runs / "bad", place)
    assert [registry.add(place, MAIN).adapter, *(entry.adapter for entry in registry.entries())] == ["bad", "bad"]
    registry.promote(str(place))
    shutil.rmtree(place)
    shutil.copytree(runs / "better", place)
    with pytest.raises(UsageError, match="was promoted to baseline, and what is here now is another"):
        registry.add(place, MAIN)
    assert [entry.adapter for entry in registry.entries()] == ["bad"]


# Promotion.


def test_the_first_baseline_stays_the_anchor_and_the_last_is_the_baseline(registry: Registry, runs: Path) -> None:
    for name in ("good", "better", "bad"):
        registry.add(runs / name, MAIN)
        registry.promote(str(runs / name))
    assert (registry.anchor(LINE).entry.adapter, registry.baseline(LINE).entry.adapter) == ("good", "bad")
    assert [promotion.anchor for promotion in registry.promotions(LINE)] == [True, False, False]


def test_an_anchor_moves_by_wish_alone(registry: Registry, runs: Path) -> None:
    for name in ("good", "better"):
        registry.add(runs / name, MAIN)
    registry.promote("1")
    assert registry.promote("2").anchor is False
    assert registry.promote("2", anchor=True).anchor is True
    assert registry.anchor(LINE).entry.adapter == registry.baseline(LINE).entry.adapter == "better"


def test_the_baseline_is_not_promoted_twice(registry: Registry, runs: Path) -> None:
    registry.add(runs / "good", MAIN)
    assert registry.promote("1") == registry.promote("1") == registry.promote("1", anchor=True)
    assert len(registry.promotions()) == 1


def test_a_run_may_become_a_baseline_again(registry: Registry, runs: Path) -> None:
    for name in ("good", "bad"):
        registry.add(runs / name, MAIN)
        registry.promote(name if Path(name).exists() else str(runs / name))
    registry.promote("1")
    assert registry.baseline(LINE).entry.adapter == registry.anchor(LINE).entry.adapter == "good"


def test_branches_and_models_have_baselines_of_their_own(registry: Registry, runs: Path) -> None:
    for name in ("good", "better", "other"):
        registry.add(runs / name, MAIN)
    registry.promote("1")
    registry.promote("2", "release/1")
    registry.promote("3")
    assert registry.baseline(LINE).entry.adapter == "good"
    assert registry.baseline(Line("release/1", ("toy",), "agent")).entry.adapter == "better"
    assert registry.baseline(Line("main", ("toy",), "other")).entry.model == "other"
    assert len({promotion.anchor for promotion in registry.promotions()}) == 1, "the first of a line is its anchor"


def test_what_was_never_promoted_has_no_baseline_and_the_message_says_what_has(registry: Registry, runs: Path) -> None:
    registry.add(runs / "good", MAIN)
    with pytest.raises(
        UsageError, match=r"no run of toy with agent on main was ever promoted\. Promote one.*--branch main"
    ):
        registry.baseline(LINE)
    registry.promote("1", "release")
    with pytest.raises(UsageError, match=r"There are baselines of toy with agent on release\."):
        registry.baseline(LINE)


def test_several_baselines_are_told_apart(registry: Registry, runs: Path) -> None:
    for name in ("good", "other"):
        registry.add(runs / name, MAIN)
        registry.promote(str(runs / name))
    with pytest.raises(UsageError, match=r"toy with agent on main; toy with other on main\. Say which is meant"):
        registry.line(branch="main")
    assert registry.line(model="other") == Line("main", ("toy",), "other")


def test_a_run_with_few_of_the_anchors_cases_is_promoted_as_an_anchor_alone(registry: Registry, tmp_path: Path) -> None:
    for cases in (20, 16, 15, 40):
        registry.add(recorded(tmp_path / str(cases), cases=cases).directory, MAIN)
    assert registry.promote("1").anchor
    assert not registry.promote("2").anchor, "four fifths are in both, which is what the gate wants"
    for number, cases in ((3, "15 of 20"), (4, "20 of 40")):
        with pytest.raises(Incomparable, match=rf"not promoted.*{cases} are in both.*promote {number} --anchor") as few:
            registry.promote(str(number))
        assert "--limit" not in str(few.value)
    assert registry.baseline(LINE).entry.number == 2
    assert registry.promote("4", anchor=True).anchor
    assert registry.promote("3", "release").anchor, "another branch has an anchor of its own"


def test_a_damaged_anchor_is_said_before_a_run_is_promoted_that_cannot_be_watched(
    registry: Registry, runs: Path
) -> None:
    anchor, _ = (registry.add(runs / name, MAIN) for name in ("good", "better"))
    registry.promote("1")
    changed(registry.directory(anchor), "evidence")
    with pytest.raises(EvidenceDamaged, match="run 1 of the registry is not as it was"):
        registry.promote("2")
    assert registry.promote("2", anchor=True).anchor


def test_what_is_not_in_the_registry_is_not_promoted(registry: Registry, runs: Path) -> None:
    registry.add(runs / "good", MAIN)
    for said in (str(runs / "bad"), "7", "nothing"):
        with pytest.raises(UsageError, match="not a run of the registry"):
            registry.promote(said)


# The index itself.


def test_without_a_registry_the_message_says_how_to_begin_one(registry: Registry) -> None:
    with pytest.raises(UsageError, match=r"no registry of runs here.*samescore runs add RUN"):
        registry.entries()
    registry.folder.mkdir()
    (registry.folder / index.NAME).touch()
    with pytest.raises(UsageError, match="the index is empty"):
        registry.entries()


def test_an_index_that_is_none_is_left_alone(registry: Registry, runs: Path) -> None:
    registry.folder.mkdir()
    (registry.folder / index.NAME).write_bytes(b"a list of runs, by hand" * 100)
    for use in (registry.entries, lambda: registry.add(runs / "good", MAIN)):
        with pytest.raises(EvidenceDamaged, match=r"no index of runs any more.*Restore it from a copy"):
            use()
    assert (registry.folder / index.NAME).read_bytes().startswith(b"a list")


def test_a_later_index_is_refused(registry: Registry, runs: Path) -> None:
    registry.add(runs / "good", MAIN)
    with sqlite3.connect(registry.folder / index.NAME) as database:
        database.execute("PRAGMA user_version = 9")
    for use in (registry.entries, lambda: registry.add(runs / "bad", MAIN)):
        with pytest.raises(ForeignEvidence, match="format 9"):
            use()


def test_an_index_can_be_read_where_nothing_can_be_written(registry: Registry, runs: Path) -> None:
    registry.add(runs / "good", MAIN)
    registry.promote("1")
    assert sorted(path.name for path in registry.folder.iterdir()) == ["good", "index.sqlite"], "one file, no log"
    address = f"file:{registry.folder / index.NAME}?mode=ro&immutable=1"
    with sqlite3.connect(address, uri=True) as database:
        assert database.execute("SELECT count(*) FROM promotions").fetchone() == (1,)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, runs: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvidenceUnwritable, match="folder cannot be made"):
        Registry(tmp_path / "file" / "registry").add(runs / "good", MAIN)


def test_an_index_that_another_process_holds_is_said(
    registry: Registry, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(runs / "good", MAIN)
    monkeypatch.setattr(index, "PATIENCE", 0.1)
    with sqlite3.connect(registry.folder / index.NAME, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(EvidenceUnwritable, match="Another process has held it"):
            registry.add(runs / "bad", MAIN)
        assert registry.entries()[0].path == "good", "readers do not wait"
        other.execute("ROLLBACK")
    assert registry.add(runs / "bad", MAIN).number == 2


def test_a_run_that_cannot_be_copied_is_not_in_the_index(
    registry: Registry, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(runs / "good", MAIN)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(OSError, match="No space left"):
        registry.add(runs / "bad", MAIN)
    assert [entry.path for entry in registry.entries()] == ["good"]
    assert sorted(path.name for path in registry.folder.iterdir()) == ["good", "index.sqlite"]


ADDING = """
import sys
from pathlib import Path
from samescore.harness.registry import Checkout, Registry
registry, name, *runs = sys.argv[1:]
found = Registry(Path(registry))
print("ready", flush=True)
sys.stdin.readline()
for run in runs:
    found.promote(str(found.directory(found.add(Path(run), Checkout(name)))), name)
"""


def test_jobs_that_add_at_once_lose_nothing(registry: Registry, runs: Path, tmp_path: Path) -> None:
    mine = []
    for job in range(4):
        for name in ("good", "bad"):
            shutil.copytree(runs / name, tmp_path / f"job {job}" / name)
            edit(tmp_path / f"job {job}" / name, started=f"2026-03-0{job + 1}T00:00:00+00:00")
        mine.append([str(tmp_path / f"job {job}" / name) for name in ("good", "bad")])
    shared = str(runs / "other")
    command = [sys.executable, "-c", ADDING, str(registry.folder)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    jobs = [subprocess.Popen([*command, f"job-{at}", *paths, shared], **pipes) for at, paths in enumerate(mine)]
    assert all(job.stdout and job.stdout.readline() == "ready\n" for job in jobs)
    for job in jobs:
        assert job.stdin is not None
        job.stdin.write("go\n")
        job.stdin.flush()
    assert [(job.communicate(timeout=60), job.returncode)[1] for job in jobs] == [0] * len(jobs)
    entries = registry.entries()
    assert [entry.number for entry in entries] == list(range(1, 10)), "two of each job, and one that all share"
    assert len({entry.path for entry in entries}) == 9
    assert all(entry.state(registry.folder) is State.THERE for entry in entries)
    assert len(registry.promotions()) == 12 and len(registry.lines()) == 8
    with sqlite3.connect(registry.folder / index.NAME) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# A branch.


@pytest.mark.parametrize(
    ("environment", "branch", "commit"),
    [
        ({"GITHUB_HEAD_REF": "feature/x", "GITHUB_REF_NAME": "12/merge", "GITHUB_SHA": "abc"}, "feature/x", "abc"),
        ({"GITHUB_HEAD_REF": "", "GITHUB_REF_NAME": "main", "GITHUB_SHA": "abc"}, "main", "abc"),
        ({"CI_COMMIT_REF_NAME": "main", "CI_COMMIT_SHA": "def"}, "main", "def"),
        (
            {"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "fix", "CI_COMMIT_REF_NAME": "refs/merge", "CI_COMMIT_SHA": "def"},
            "fix",
            "def",
        ),
    ],
)
def test_ci_says_which_branch_is_at_hand(
    environment: Mapping[str, str], branch: str, commit: str, tmp_path: Path
) -> None:
    assert Checkout.at_hand(environment=environment, folder=tmp_path) == Checkout(branch, commit)


def test_git_says_it_where_ci_does_not(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        return subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "--initial-branch", "trunk")
    git("commit", "--allow-empty", "--message", "first")
    assert Checkout.at_hand(environment={}, folder=tmp_path) == Checkout("trunk", git("rev-parse", "HEAD"))
    assert Checkout.at_hand("said", {}, tmp_path).branch == "said"
    git("checkout", "--detach")
    with pytest.raises(UsageError, match="Say it: --branch NAME"):
        Checkout.at_hand(environment={}, folder=tmp_path)


def test_without_a_repository_the_branch_must_be_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Say it: --branch NAME"):
        Checkout.at_hand(environment={}, folder=tmp_path)
    assert Checkout.at_hand("main", {}, tmp_path) == Checkout("main", None)


# In the place of a run.


def test_a_branch_may_stand_in_the_place_of_a_baseline(registry: Registry, runs: Path) -> None:
    registry.add(runs / "good", MAIN)
    registry.promote("1")
    candidate = Run.open(runs / "bad")
    assert run_directory(Path("registry:main"), candidate, registry.folder) == registry.folder / "good"
    assert run_directory(Path("runs/x"), candidate, registry.folder) == Path("runs/x")
    with pytest.raises(UsageError, match="no run of toy with agent on dev was ever promoted"):
        run_directory(Path("registry:dev"), candidate, registry.folder)
    with pytest.raises(UsageError, match="a branch is missing"):
        run_directory(Path("registry:"), candidate, registry.folder)


def test_the_folder_is_the_one_that_is_said_or_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAMESCORE_REGISTRY", raising=False)
    assert registry_folder() == Path("runs")
    monkeypatch.setenv("SAMESCORE_REGISTRY", "/somewhere")
    assert (registry_folder(), registry_folder(Path("said"))) == (Path("/somewhere"), Path("said"))


# Drift.


def test_losses_too_small_for_the_gate_add_up_to_one_that_it_sees(registry: Registry, tmp_path: Path) -> None:
    from samescore.harness.gate import gate

    runs = [recorded(tmp_path / f"{broken} broken", cases=64, broken=broken) for broken in (0, 2, 4, 6, 8)]
    assert {gate(new, old).decision for old, new in pairwise(runs)} == {"inconclusive"}
    for run in runs:
        registry.promote(str(registry.add(run.directory, MAIN).number))
    found = drift(registry, LINE)
    assert found.verdict is not None and found.verdict.decision == "regression"
    assert [one.entry.path for one in found.since] == [run.directory.name for run in runs]


def test_a_baseline_that_is_the_anchor_has_lost_nothing(registry: Registry, runs: Path) -> None:
    registry.add(runs / "good", MAIN)
    registry.promote("1")
    assert drift(registry, LINE).verdict is None


def test_drift_is_counted_from_the_last_anchor(registry: Registry, runs: Path) -> None:
    for name in ("good", "bad", "better"):
        registry.add(runs / name, MAIN)
        registry.promote(str(runs / name), anchor=name == "bad")
    found = drift(registry, LINE)
    assert (found.anchor.entry.adapter, found.newest.entry.adapter, len(found.since)) == ("bad", "better", 2)


# The commands.


@pytest.fixture
def place(tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a registry of two runs, on a machine that is no CI."""
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "CI_", "SAMESCORE_REGISTRY"))]:
        monkeypatch.delenv(name)
    done = samescore("runs", "add", runs / "good", runs / "bad", "--branch", "main", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (
        0,
        "runs/good: run 1, toy with agent+good on main\nruns/bad: run 2, toy with agent+bad on main\n",
    )
    return tmp_path


def ss(place: Path, *arguments: str | Path) -> Done:
    return samescore("runs", *arguments, cwd=place)


def test_a_promoted_run_is_printed_for_the_gate(place: Path, runs: Path) -> None:
    done = ss(place, "promote", "1")
    assert (done.returncode, done.stdout) == (0, "runs/good: the baseline of toy with agent on main, and the anchor\n")
    assert ss(place, "baseline").stdout == ss(place, "baseline", runs / "bad").stdout == "runs/good\n"
    done = ss(place, "promote", runs / "bad")
    assert done.stdout == "runs/bad: the baseline of toy with agent on main\nnext:\n  samescore runs drift\n"
    assert ss(place, "baseline", "--branch", "main", "--suite", "toy", "--model", "agent").stdout == "runs/bad\n"
    said = json.loads(ss(place, "baseline", "--json").stdout)
    assert (said["baseline"]["run"], said["anchor"]["run"]) == ("runs/bad", "runs/good")


def test_a_baseline_that_was_never_promoted_is_a_message(place: Path, runs: Path) -> None:
    done = ss(place, "baseline", runs / "bad", "--branch", "main")
    assert done.returncode == 2 and done.stdout == ""
    assert "no run of toy with agent on main was ever promoted" in done.stderr
    assert ss(place, "drift").returncode == 2
    assert "runs: no run on main was ever promoted." in ss(place, "baseline", "--branch", "main").stderr
    assert "runs: no run was ever promoted." in ss(place, "baseline").stderr


def test_a_part_of_a_suite_is_promoted_with_a_note_and_never_beside_all_of_it(place: Path) -> None:
    for name, more in (("part", ["--limit", "8"]), ("all", [])):
        done = samescore("eval", "sop/refund", "--model", "oracle", "--out", name, *more, cwd=place)
        assert done.returncode == 0, done.stderr
        assert ss(place, "add", name, "--branch", "main").returncode == 0
    done = ss(place, "promote", "part")
    assert done.returncode == 0 and "note: this baseline is a part of the suite only" in done.stderr
    assert ss(place, "promote", "all").returncode == 4
    done = ss(place, "promote", "all", "--anchor")
    assert (done.returncode, done.stderr) == (0, "")
    done = ss(place, "promote", "part")
    assert done.returncode == 4 and done.stdout == ""
    assert "8 of 138 are in both" in done.stderr and "with --limit 8: evaluate all cases" in done.stderr


def test_a_damaged_baseline_is_put_back_and_said(place: Path, runs: Path) -> None:
    ss(place, "promote", "1")
    with (place / "runs" / "good" / "evidence.jsonl").open("a", encoding="utf-8") as evidence:
        evidence.write("x\n")
    assert ss(place, "baseline").returncode == 5
    done = ss(place, "add", runs / "good", "--branch", "main")
    assert done.returncode == 0 and f"runs/good: put back from {runs / 'good'}; what was there is now" in done.stdout
    assert ss(place, "baseline").stdout == "runs/good\n"


def test_runs_are_listed_with_scores_and_what_they_are(place: Path) -> None:
    ss(place, "promote", "1")
    ss(place, "promote", "2", "--branch", "release")
    shutil.rmtree(place / "runs" / "bad")
    lines = ss(place, "list").stdout.splitlines()
    assert lines[2].split()[:5] == ["1", "good", "toy", "agent+good", "main"] and " 16  1.000  " in lines[2]
    assert "baseline and anchor of main" in lines[2] and "vanished; baseline and anchor of release" in lines[3]
    assert lines[4] == "2 runs · runs"
    said = json.loads(ss(place, "list", "--json", "--adapter", "bad").stdout)["runs"]
    assert [(one["number"], one["state"], one["success"]) for one in said] == [(2, "vanished", None)]


def test_the_gate_takes_a_branch_for_a_baseline(place: Path, runs: Path) -> None:
    ss(place, "promote", "1")
    bad = str(runs / "bad")
    for asked in (["registry:main"], ["--baseline", "registry:main", "--registry", "runs"]):
        done = samescore("gate", bad, *asked, "--json", cwd=place)
        said = json.loads(done.stdout)
        assert (done.returncode, said["verdict"], said["baseline"]) == (1, "regression", "runs/good")
    done = samescore("gate", bad, "registry:release", cwd=place)
    assert done.returncode == 2 and "was ever promoted" in done.stderr


def test_drift_exits_as_the_gate_does(place: Path) -> None:
    ss(place, "promote", "1")
    done = ss(place, "drift")
    assert done.returncode == 0 and "nothing can have been lost yet" in done.stdout
    ss(place, "promote", "2")
    done = ss(place, "drift")
    assert done.returncode == 1 and "toy with agent on main\n" in done.stdout and "REGRESSION" in done.stdout
    said = json.loads(ss(place, "drift", "--json").stdout)
    assert said["exit"] == 1 and said["drift"][0]["gate"]["verdict"] == "regression"
    assert [one["run"] for one in said["drift"][0]["baselines"]] == ["runs/good", "runs/bad"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["add", "nowhere", "--branch", "main"], 2, "no run here"),
        (["add", "runs/good"], 2, "Say it: --branch NAME"),
        (["promote", "9"], 2, "not a run of the registry"),
        (["list", "--registry", "elsewhere"], 2, "no registry of runs here"),
        (["baseline", "runs/good", "--suite", "toy"], 2, "Leave out --suite and --model"),
        (["drift", "--policy", "none.toml"], 2, "none.toml"),
    ],
)
def test_what_is_asked_wrongly_is_said(place: Path, arguments: list[str], code: int, words: str) -> None:
    ss(place, "promote", "1")
    done = ss(place, *arguments)
    assert done.returncode == code and words in done.stderr and "Traceback" not in done.stderr
