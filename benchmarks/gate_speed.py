"""How long the gate takes over two large runs: reading apart from statistics, and the whole command in a new process.

    python benchmarks/gate_speed.py                       # 10,000 cases x 5 epochs

The runs are made of conversations that the oracle and a null agent had in the SOP suite, copied under new names until
there are enough: evidence with checksums, and the scores that those conversations have. In a share of the rollouts,
drawn by a seed, an agent that does something at random stands in for the oracle, in the candidate a little more often.

Processor time is printed as well, which a busy machine stretches less than the time on the clock.
"""

from __future__ import annotations

import argparse
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from samescore.harness.api import evaluate_suite, load_suite
from samescore.harness.cli.loading import worlds_of
from samescore.harness.gate import gate
from samescore.harness.kept import outcomes_kept
from samescore.harness.manifest import Status
from samescore.harness.plan import CaseSuite, Plan
from samescore.harness.policies import load_policy
from samescore.harness.rescore import Scored, keep
from samescore.harness.run import Run
from samescore.harness.scorers import RUBRIC

T = TypeVar("T")
FAILING = {"baseline": 0.05, "candidate": 0.06}


@dataclass(frozen=True)
class Material:
    """What runs are copied from: the suite, and by case a conversation that is right and one that is not."""

    suite: CaseSuite
    right: Mapping[str, Scored]
    wrong: Mapping[str, Scored]

    @classmethod
    def had(cls, folder: Path) -> Material:
        """Two agents without a model go through the SOP suite."""
        suite = load_suite("sop")
        right, wrong = (
            {one.record.case: one for one in evaluate_suite(suite, name, folder / name.replace("/", "-")).results}
            for name in ("oracle", "null/random")
        )
        return cls(suite, right, wrong)


def made(material: Material, folder: Path, cases: int, epochs: int, failing: float) -> Run:
    """A run of so many cases and epochs, of which that share fails."""
    worlds, base = worlds_of([material.suite]), Plan.make([material.suite])
    planned = tuple(
        replace(base.cases[number % len(base.cases)], id=f"{base.cases[number % len(base.cases)].id}~{number}")
        for number in range(cases)
    )
    plan = replace(base, cases=planned, epochs=epochs, temperature=0.7)
    run = Run.create(folder, plan, load_policy("oracle"), worlds, suites=[material.suite])
    draw = random.Random(folder.name)

    def rollouts() -> Iterator[Scored]:
        for item in plan.items():
            scored = (material.wrong if draw.random() < failing else material.right)[item.case.partition("~")[0]]
            yield replace(scored, record=replace(scored.record, case=item.case, epoch=item.epoch, seed=item.seed))

    def written() -> Iterator[Scored]:
        with run.writer() as writer:
            for scored in rollouts():
                writer.append(scored.record)
                yield scored

    keep(run, list(written()))
    run.finish(Status.COMPLETE)
    return run


def timed(what: str, function: Callable[[], T]) -> T:
    """Print how long a function takes, and give what it gives."""
    began, worked = time.perf_counter(), _processor()
    result = function()
    print(f"{what:<44} {time.perf_counter() - began:6.2f} s {_processor() - worked:6.2f} s of a processor", flush=True)
    return result


def _processor() -> float:
    """Of this process and its children, in seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Make the runs, then print a line for each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        material = Material.had(folder)
        runs = {
            name: made(material, folder / name, options.cases, options.epochs, share) for name, share in FAILING.items()
        }
        size = sum((run.directory / "evidence.jsonl").stat().st_size for run in runs.values())
        print(f"{options.cases:,} cases x {options.epochs} epochs, two runs, {size / 1e6:,.0f} MB of evidence", end="")
        print(f" ({platform.machine()}, Python {platform.python_version()})")
        candidate, baseline = (folder / name for name in ("candidate", "baseline"))
        opened = timed("run.json of both", lambda: [Run.open(candidate), Run.open(baseline)])
        timed("evidence compared with scores, scores read", lambda: [outcomes_kept(run, RUBRIC) for run in opened])
        verdict = timed("both again, and the statistics", lambda: gate(*opened))
        command = [sys.executable, "-m", "samescore.harness.cli.app", "gate", str(candidate), str(baseline)]

        def whole() -> Any:
            return subprocess.run(command, stdout=subprocess.DEVNULL, check=False)

        timed("samescore gate, a new process", whole)
        print(f"{verdict.decision.value}: {len(verdict.broken):,} cases broken, {len(verdict.fixed):,} fixed")


if __name__ == "__main__":
    main()
