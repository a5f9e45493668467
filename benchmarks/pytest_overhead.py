"""What the pytest plugin costs a plain pytest run, beside the same run where samescore is not installed.

    python benchmarks/pytest_overhead.py [--rounds 20] [--tests 1]      # where samescore's wheel is installed

Both run by turns, each in a process of its own: pytest finds its plugins through the metadata of what is installed, and
in every other run samescore's is hidden from it; that of other plugins is in all of them, since what they import would
hide what samescore's imports. Printed are medians and least values, by the clock and by processor time: what a machine
does beside it adds to all of them, and least to the least.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from statistics import median

ALLOWED = 50.0
"""Milliseconds that the plugin may cost."""

RUN = """
import sys
from importlib import metadata

def wanted(one):
    if not any(entry.group == "pytest11" for entry in one.entry_points):
        return True
    return which == "with" and "/samescore-" in one._path.as_posix()

which = sys.argv.pop(1)
kept = [one for one in metadata.distributions() if wanted(one)]
metadata.distributions = lambda **_: iter(kept)
import pytest
sys.exit(pytest.main(["-q"]))
"""
"""A pytest run without the plugins of others, that may not know of samescore's either."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one process."""

    clock: float
    processor: float


def run(which: str, folder: Path) -> Cost:
    """One pytest run, which must succeed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", RUN, which], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(1000 * clock, 1000 * processor)


def main() -> None:
    """Print the costs, their difference and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="runs of each kind")
    parser.add_argument("--tests", type=int, default=1, help="tests in a run, which do nothing")
    options = parser.parse_args()
    if not any(entry.name == "samescore" for entry in entry_points(group="pytest11")):
        parser.error("pytest does not find samescore here. Install its wheel: pip install .")
    costs: dict[str, list[Cost]] = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tests = "".join(f"def test_{number}(): pass\n" for number in range(options.tests))
        (folder / "test_nothing.py").write_text(tests, encoding="utf-8")
        for which in costs:
            run(which, folder)  # what is compiled once
        for _ in range(options.rounds):
            for which, found in costs.items():
                found.append(run(which, folder))
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    print(f"{machine}, {options.rounds} runs of each")
    for name in ("clock", "processor"):
        without, with_ = ([getattr(cost, name) for cost in costs[which]] for which in ("without", "with"))
        for kind, typical in (("median", median), ("least", min)):
            before, after = typical(without), typical(with_)
            print(
                f"{name:9} {kind:6} {before:7.1f} ms without, {after:7.1f} ms with: {after - before:+6.1f} ms, ratio "
                f"{after / before:.3f}"
            )
    print(f"allowed: {ALLOWED:.0f} ms")


if __name__ == "__main__":
    main()
