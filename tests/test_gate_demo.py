"""The gate on this repository's own adapters, from recorded evidence: each comparison ends as it must."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
from in_process import samescore

REPOSITORY = Path(__file__).resolve().parent.parent


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gate_demo", REPOSITORY / "benchmarks" / "gate_demo.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


demo = load()


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs without a model: enough cases in which all is right, ten of them, and ten in which nothing is."""
    folder = tmp_path_factory.mktemp("archives")
    refund = ("sop/refund", "sop/exchange", "--model")
    recordings = [
        demo.Recording("many", (*refund, "oracle", "--limit", "120")),
        demo.Recording("few", (*refund, "oracle", "--limit", "10")),
        demo.Recording("worse", (*refund, "null/noop", "--limit", "10")),
    ]
    demo.record(recordings, folder, command(folder))
    return folder


def command(folder: Path) -> demo.Command:
    def call(arguments: Sequence[str]) -> tuple[int, str]:
        done = samescore(*arguments, cwd=folder)
        return done.returncode, done.stdout

    return call


def test_runs_are_kept_without_scores_and_come_back_to_the_letter(archives: Path, tmp_path: Path) -> None:
    run = demo.unpack(archives / "few.tar.xz", tmp_path)
    assert sorted(path.name for path in run.iterdir()) == sorted(demo.KEPT)
    again = tmp_path / "again.tar.xz"
    assert demo.pack(run, again) == (archives / "few.tar.xz").stat().st_size
    assert again.read_bytes() == (archives / "few.tar.xz").read_bytes()


def test_verdicts_and_exit_codes_follow_from_evidence_alone(
    archives: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = demo.AGAIN
    comparisons = [
        demo.Comparison("enough", "many", "many", "pass", 0, again),
        demo.Comparison("ten", "few", "few", "inconclusive", 3, again),
        demo.Comparison("worse", "worse", "few", "regression", 1),
        demo.Comparison("one run", "few", "few", "identical", 0),
    ]
    assert demo.check(comparisons, archives, command(tmp_path)) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4 and said[1].startswith("ok   ten: inconclusive, drop +0.000 [")


def test_what_ends_otherwise_is_counted_and_said(
    archives: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [
        demo.Comparison("the verdict", "few", "few", "pass", 0, demo.AGAIN),
        demo.Comparison("the code", "few", "few", "identical", 1),
    ]
    assert demo.check(wrong, archives, command(tmp_path)) == 2
    assert capsys.readouterr().out.count("FAIL") == 2


def test_what_is_not_complete_or_not_recorded_is_said(archives: Path, tmp_path: Path) -> None:
    run = demo.unpack(archives / "few.tar.xz", tmp_path)
    manifest = json.loads((run / "run.json").read_bytes())
    (run / "run.json").write_text(json.dumps({**manifest, "status": "incomplete"}), encoding="utf-8")
    with pytest.raises(SystemExit, match="samescore eval --resume"):
        demo.pack(run, tmp_path / "x.tar.xz")
    missing = [demo.Comparison("missing", "nothing", "few", "pass", 0)]
    with pytest.raises(SystemExit, match="record --only nothing"):
        demo.check(missing, archives, command(tmp_path))


def test_every_comparison_is_of_runs_that_are_recorded() -> None:
    names = [one.name for one in demo.RECORDINGS]
    assert {name for one in demo.COMPARISONS for name in (one.candidate, one.baseline)} == set(names)
    assert [one.exit for one in demo.COMPARISONS] == [0, 1, 0, 3]
    for one in demo.RECORDINGS:
        adapter = one.arguments[one.arguments.index("--adapter") + 1]
        assert (REPOSITORY / "fixtures" / "models" / "tiny" / "adapters" / adapter).is_dir()


@pytest.mark.skipif(not demo.RECORDED.is_dir(), reason="the adapters' runs are not recorded yet")
def test_this_repositorys_own_adapters_end_as_they_must(tmp_path: Path) -> None:
    assert demo.check(demo.COMPARISONS, demo.RECORDED, command(tmp_path)) == 0
