"""What the harness itself costs, without a model, on one core.

    python benchmarks/replay_overhead.py [--suite sop | --toy] [--rounds 8]

Prints the oracle's conversations a second against the environment (world and rollout alone), and the milliseconds a
case of an evaluation with the replay policy (rollout, evidence, scoring). Of several rounds of about half a second the
best is reported, by the clock and, in brackets, by processor time: where they differ, others kept the core busy. The
first round, which builds the worlds, is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from samescore.harness.environment import World
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.plan import Plan
from samescore.harness.policies.replay import ReplayPolicy
from samescore.harness.policies.script import oracle
from samescore.harness.policy import Policy
from samescore.harness.rollout import rollout
from samescore.harness.run import Run
from samescore.suites.suite import Suite

Worlds = Mapping[str, World]

ROUND_MILLISECONDS = 500


@dataclass(frozen=True, slots=True, order=True)
class Cost:
    """What a number of cases took."""

    milliseconds: float
    processor: float


def conversations(suite: Suite, worlds: Worlds, rounds: int) -> Cost:
    """Per case, rollouts of the oracle, one after another."""
    policy = oracle()

    async def once(repeats: int) -> None:
        for _ in range(repeats):
            for case in suite.cases:
                await rollout(case, policy, worlds[case.world])

    asyncio.run(once(1))
    repeats = ceil(ROUND_MILLISECONDS / _cost(lambda: asyncio.run(once(1)), 1).milliseconds)
    return min(_cost(lambda: asyncio.run(once(repeats)), repeats * len(suite.cases)) for _ in range(rounds))


def evaluations(suite: Suite, worlds: Worlds, rounds: int) -> Cost:
    """Per case, evaluations with the replay policy, from opening the run to its last status."""
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first"
        _evaluation(first, suite, worlds, oracle(), 1)()
        policy = ReplayPolicy(first)
        warm = _cost(_evaluation(Path(folder) / "warm", suite, worlds, policy, 1), 1)
        epochs = ceil(ROUND_MILLISECONDS / warm.milliseconds)
        return min(
            _cost(_evaluation(Path(folder) / str(number), suite, worlds, policy, epochs), epochs * len(suite.cases))
            for number in range(rounds)
        )


def _evaluation(directory: Path, suite: Suite, worlds: Worlds, policy: Policy, epochs: int) -> Callable[[], None]:
    plan = Plan.make([suite], epochs=epochs)
    run = Run.create(directory, plan, policy, worlds, suites=[suite])

    def carry_out() -> None:
        evaluation = evaluate_sync([suite], policy, worlds, plan, run)
        assert evaluation.stopped is None, evaluation.stopped

    return carry_out


def _cost(work: Callable[[], None], cases: int) -> Cost:
    clock, processor = time.perf_counter(), time.process_time()
    work()
    scale = 1000 / cases
    return Cost(scale * (time.perf_counter() - clock), scale * (time.process_time() - processor))


def loaded(name: str, toy: bool) -> tuple[Suite, Worlds]:
    """The suite to measure on, and its worlds."""
    if toy:
        sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
        from toy_world import WORLDS, suite

        return suite(100), WORLDS
    from samescore.suites.catalog import load_suite, load_world

    found = load_suite(name)
    return found, {world: load_world(world) for world in {case.world for case in found.cases}}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", default="sop")
    parser.add_argument("--toy", action="store_true", help="the world of the tests instead of a suite")
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    suite, worlds = loaded(options.suite, options.toy)
    turns = sum(len(case.gold) for case in suite.cases) / len(suite.cases)
    machine = f"one core, {platform.machine()}, Python {platform.python_version()}"
    print(f"{suite.name}: {len(suite.cases)} cases of {turns:.1f} turns; {machine}; best of {options.rounds} rounds")
    alone = conversations(suite, worlds, options.rounds)
    speeds = 1000 / alone.milliseconds, 1000 / alone.processor
    print(f"oracle against the environment: {speeds[0]:,.0f} conversations/s ({speeds[1]:,.0f})")
    whole = evaluations(suite, worlds, options.rounds)
    print(f"replay, evidence and scoring: {whole.milliseconds:.2f} ms a case ({whole.processor:.2f})")


if __name__ == "__main__":
    main()
