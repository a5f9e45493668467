"""Processor time a case of the oracle takes in Inspect's loop, beside our own over the same cases.

    python benchmarks/inspect_overhead.py                 # where samescore is installed, so that Inspect finds it

Each is the difference of a long evaluation and a short one, so that starting up is not counted. Processor time of the
processes is taken, which a busy machine stretches less than the time on the clock.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SHORT = 10


def processor_seconds(command: list[str], folder: Path) -> float:
    """Of a command and its children; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ours(cases: int, folder: Path) -> list[str]:
    """`samescore eval`."""
    out = folder / f"run-{cases}"
    return [
        *_module("samescore.harness.cli.app"),
        "eval",
        "--model",
        "oracle",
        "--limit",
        str(cases),
        "--out",
        str(out),
    ]


def theirs(cases: int, *more: str) -> list[str]:
    """`inspect eval`."""
    task = ["samescore/sop", "--model", "samescore/oracle", "--limit", str(cases), "--display", "none"]
    return [*_module("inspect_ai"), "eval", *task, *more]


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=210)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        commands = {
            "samescore eval": (ours(options.cases, folder), ours(SHORT, folder)),
            "inspect eval": (theirs(options.cases), theirs(SHORT)),
            "inspect eval --no-log-realtime": (
                theirs(options.cases, "--no-log-realtime"),
                theirs(SHORT, "--no-log-realtime"),
            ),
        }
        for name, (long, short) in commands.items():
            seconds = processor_seconds(long, folder) - processor_seconds(short, folder)
            print(f"{name}: {1000 * seconds / (options.cases - SHORT):.1f} ms a case")


if __name__ == "__main__":
    main()
