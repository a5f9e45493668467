"""`samescore gate --check-only`: what can be wrong with a comparison is said before there is a candidate."""

from __future__ import annotations

from pathlib import Path

import pytest
from in_process import Done, samescore
from scripted_runs import recorded

from samescore.harness.manifest import Status
from samescore.harness.registry import Checkout, Registry


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, an incomplete one, a policy, a wrong one, and a registry with two baselines of `main`."""
    folder = tmp_path_factory.mktemp("gate-check")
    done = samescore("eval", "sop/refund", "--model", "oracle", "--limit", "12", "--out", "oracle", cwd=folder)
    assert done.returncode == 0, done.stderr
    recorded(folder / "toy")
    recorded(folder / "half").update(status=Status.INCOMPLETE)
    lines = (folder / "half" / "evidence.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "half" / "evidence.jsonl").write_bytes(b"".join(lines[:-1]))
    (folder / "gate.toml").write_text("alpha = 0.1\n", encoding="utf-8")
    (folder / "wrong.toml").write_text("alpha = 9\n", encoding="utf-8")
    registry = Registry(folder / "runs")
    for name in ("oracle", "toy"):
        registry.promote(str(registry.add(folder / name, Checkout("main")).number))
    return folder


def checked(place: Path, *arguments: str) -> Done:
    return samescore("gate", "--check-only", *arguments, cwd=place)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("toy",), "baseline toy"),
        (("--baseline", "toy", "--policy", "gate.toml"), "policy gate.toml, baseline toy"),
        (("--policy", "gate.toml"), "policy gate.toml"),
        (("registry:main",), "baseline runs/oracle, baseline runs/toy"),
        (("registry:main", "--model", "agent"), "baseline runs/toy"),
        (("registry:main", "--model", "oracle", "--suite", "sop/refund"), "baseline runs/oracle"),
        (("registry:main", "--model", "oracle", "--suite", "bfcl"), "baseline runs/oracle"),
    ],
)
def test_what_is_ready_is_named(place: Path, arguments: tuple[str, ...], found: str) -> None:
    done = checked(place, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ready to gate: {found}\n", "")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "there is nothing to check"),
        (("toy", "--policy", "gaet.toml"), 2, "gaet.toml: the gate's policy cannot be read"),
        (("toy", "--policy", "wrong.toml"), 2, "wrong.toml:1: alpha"),
        (("nowhere",), 2, "nowhere: no run here"),
        (("half",), 5, "the baseline must be complete"),
        (("registry:mian",), 2, "no run on mian was ever promoted"),
        (("registry:main", "--registry", "elsewhere"), 2, "elsewhere: there is no registry"),
        (("registry:main", "--suite", "sop/refnd"), 2, "sop/refnd"),
        (
            ("registry:main", "--model", "oracle", "--suite", "sop/exchange"),
            2,
            "no run of sop/exchange with oracle on main was ever promoted. There are baselines of sop/refund",
        ),
        (("toy", "oracle"), 2, "there is no candidate yet"),
        (("toy", "--targets"), 2, "--check-only judges nothing"),
    ],
)
def test_what_is_wrong_is_one_message(place: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = checked(place, *arguments)
    assert (done.returncode, done.stdout) == (code, "") and message in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_without_it_runs_and_nothing_else_say_what_is_compared(place: Path) -> None:
    done = samescore("gate", "--policy", "gate.toml", cwd=place)
    assert done.returncode == 2 and "no run is named" in done.stderr
    done = samescore("gate", "toy", "toy", "--model", "agent", cwd=place)
    assert done.returncode == 2 and "add --check-only" in done.stderr
