"""The gate on this repository's own adapters: four comparisons, and the exit code that each must have.

    python benchmarks/gate_demo.py                          gates the recorded runs, from their evidence alone
    python benchmarks/gate_demo.py record [--device cuda]   records them: minutes for each on two CPU cores
    python benchmarks/gate_demo.py record --only few-1      records one of them

Runs are kept in fixtures/recorded as NAME.tar.xz: manifest, tools and evidence, without scores, so that each gate
parses, replays and scores every conversation again. Exit 1 if a comparison does not end as it must.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

RECORDED = Path(__file__).resolve().parent.parent / "fixtures" / "recorded"
CLI = [sys.executable, "-m", "samescore.harness.cli.app"]
KEPT = ("run.json", "evidence.jsonl", "toolsets.json")
"""The files of a run that are packed. Scores are derived."""

Command = Callable[[Sequence[str]], tuple[int, str]]
"""Runs `samescore` with arguments: exit code and standard output."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A run that is kept: its name, and the arguments of `samescore eval` that make it."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two recordings, what the gate must say of them, and the exit code that it must have."""

    words: str
    candidate: str
    baseline: str
    verdict: str
    exit: int
    arguments: tuple[str, ...] = ()


def of_tiny(name: str, adapter: str, *arguments: str) -> Recording:
    """An adapter of the embedded model on every branch of every procedure."""
    return Recording(name, ("sop", "--model", "tiny", "--adapter", adapter, *arguments))


SAMPLED = ("--temperature", "0.7", "--epochs", "2")
TEN = ("--temperature", "0.7", "--limit", "10")

RECORDINGS = (
    of_tiny("early-sft", "early-sft"),
    of_tiny("grpo", "episode-grpo"),
    of_tiny("sft", "support-sft"),
    of_tiny("regressed", "regressed"),
    of_tiny("sampled-1", "support-sft", *SAMPLED, "--seed", "1"),
    of_tiny("sampled-2", "support-sft", *SAMPLED, "--seed", "2"),
    of_tiny("few-1", "support-sft", *TEN, "--seed", "1"),
    of_tiny("few-2", "support-sft", *TEN, "--seed", "2"),
)
AGAIN = ("--same-model",)
"""Judges two runs of one adapter by their numbers; else the gate says no more than that they are of one adapter."""

COMPARISONS = (
    Comparison("GRPO against the SFT adapter that it began from", "grpo", "early-sft", "pass", 0),
    Comparison("the regressed adapter against the one that it was made from", "regressed", "sft", "regression", 1),
    Comparison("one adapter twice, sampled, on enough cases", "sampled-2", "sampled-1", "pass", 0, AGAIN),
    Comparison("the same on ten cases", "few-2", "few-1", "inconclusive", 3, AGAIN),
)


def pack(run: Path, archive: Path) -> int:
    """Keep a complete run in an archive, the same bytes for the same run; its size in bytes."""
    if json.loads((run / "run.json").read_bytes())["status"] != "complete":
        raise SystemExit(f"{run}: the run is not complete. Carry it on: samescore eval --resume {run}")
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:xz", preset=9) as packed:
        for name in KEPT:
            about = tarfile.TarInfo(name)
            about.size = (run / name).stat().st_size
            with (run / name).open("rb") as file:
                packed.addfile(about, file)
    return archive.stat().st_size


def unpack(archive: Path, folder: Path) -> Path:
    """A run as it was packed, in a folder of its name."""
    run = folder / archive.name.removesuffix(".tar.xz")
    with tarfile.open(archive, "r:xz") as packed:
        packed.extractall(run, filter="data")
    return run


def record(recordings: Iterable[Recording], archives: Path, command: Command, further: Sequence[str] = ()) -> None:
    """Evaluate each recording, and keep its run."""
    for one in recordings:
        with tempfile.TemporaryDirectory() as folder:
            began, run = time.monotonic(), Path(folder) / one.name
            code, said = command(["eval", *one.arguments, *further, "--out", str(run), "--show", "0"])
            if code != 0:
                raise SystemExit(f"{one.name}: samescore eval left with {code}.\n{said}")
            size = pack(run, archives / f"{one.name}.tar.xz")
            print(f"{one.name:<12} {time.monotonic() - began:6.0f} s  {size:>9,} bytes  {success(said)}", flush=True)


def check(comparisons: Sequence[Comparison], archives: Path, command: Command) -> int:
    """Gate each comparison and print how it ended; how many ended otherwise than they must."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for one in comparisons:
            runs = [unpack(_archive(archives, name), Path(folder)) for name in (one.candidate, one.baseline)]
            began = time.monotonic()
            code, said = command(["gate", *map(str, runs), *one.arguments, "--json"])
            took, verdict = time.monotonic() - began, json.loads(said) if said else {}
            right = (code, verdict.get("verdict")) == (one.exit, one.verdict)
            wrong += not right
            print(
                f"{'ok  ' if right else 'FAIL'} {one.words}: {_told(verdict)}, exit {code}, in {took:.1f} s", flush=True
            )
            if not right:
                print(f"     expected {one.verdict}, exit {one.exit}: samescore gate {one.candidate} {one.baseline}")
    return wrong


def _told(verdict: dict[str, object]) -> str:
    success = verdict.get("metrics", {})
    numbers = success.get("success") if isinstance(success, dict) else None
    if numbers is None:
        return str(verdict.get("verdict", "no verdict"))
    interval = (
        f"drop {numbers['drop']:+.3f} [{numbers['low']:+.3f}, {numbers['high']:+.3f}], margin {numbers['margin']}"
    )
    return f"{verdict['verdict']}, {interval}, {verdict['cases']} cases"


def _archive(archives: Path, name: str) -> Path:
    archive = archives / f"{name}.tar.xz"
    if not archive.is_file():
        raise SystemExit(f"{archive}: not recorded yet. Record it: python benchmarks/gate_demo.py record --only {name}")
    return archive


def success(said: str) -> str:
    """The score that an evaluation ends with, without the run's directory, which is gone by now."""
    return (said.strip().splitlines() or [""])[-1].rpartition(" · ")[0]


def samescore(arguments: Sequence[str]) -> tuple[int, str]:
    """The command, in a process of its own; what it says to people goes to standard error."""
    done = subprocess.run([*CLI, *arguments], stdout=subprocess.PIPE, text=True)
    return done.returncode, done.stdout


def main() -> None:
    """Record or gate, as asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("gate", "record"), default="gate")
    parser.add_argument(
        "--only", metavar="NAME", choices=[one.name for one in RECORDINGS], help="record this one alone"
    )
    parser.add_argument("--device", default="auto", help="where the model is run: cpu, cuda, auto")
    parser.add_argument("--archives", type=Path, default=RECORDED, help="where the runs are kept")
    options = parser.parse_args()
    if options.what == "record":
        wanted = [one for one in RECORDINGS if options.only in (None, one.name)]
        record(wanted, options.archives, samescore, ("--device", options.device))
        return
    if wrong := check(COMPARISONS, options.archives, samescore):
        raise SystemExit(f"{wrong} of {len(COMPARISONS)} comparisons did not end as they must.")


if __name__ == "__main__":
    main()
