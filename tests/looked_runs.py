"""Runs for tests of looks: toy runs that are judged against a baseline while they go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gate_runs import IDLE, Described, Turns
from toy_world import WORLDS, suite

from samescore.harness.case import Case
from samescore.harness.evaluate import Evaluation, evaluate_sync
from samescore.harness.fingerprint import seed_of
from samescore.harness.gate import Policy
from samescore.harness.gate.looks import Look
from samescore.harness.gate.sequential import Sequential
from samescore.harness.plan import Plan
from samescore.harness.policy import Sampling
from samescore.harness.run import Run
from samescore.harness.types import Message

ALL = Policy(branches="population")
Failing = Callable[[int, int], bool | Turns]


def failing_script(failing: Failing, cases: int, epochs: int = 1, seed: int = 0, **said: Any) -> Described:
    """Gold but where it fails, or the turns that are played there."""
    played = {
        seed_of(seed, one.id, epoch): failing(number, epoch)
        for number, one in enumerate(suite(cases).cases)
        for epoch in range(epochs)
    }

    def script(case: Case, sampling: Sampling) -> Iterator[Message | str]:
        turns = played[sampling.seed]
        return iter(case.gold if turns is False else IDLE if turns is True else turns)

    return Described("script", script, said=said)


def begun_with_looks(
    folder: Path,
    cases: int,
    baseline: Run,
    policy: Policy = ALL,
    looks: int = 4,
    *,
    same_model: bool = False,
    model: Any = None,
    **plan: Any,
) -> Run:
    """A run on disk that is to be judged against this baseline, of which nothing is carried out yet."""
    toy = suite(cases)
    planned = Plan.make([toy], **plan)
    sequential = Sequential.make(folder, planned, baseline, policy, looks, same_model=same_model)
    model = model or failing_script(lambda number, epoch: False, cases, planned.epochs, planned.seed)
    return Run.create(folder, planned, model, WORLDS, suites=[toy], sequential=sequential.to_json())


def carried_on(
    run: Run, failing: Failing = lambda number, epoch: False, model: Any = None, **options: Any
) -> tuple[Evaluation, list[Look]]:
    """What a run still lacks, and the looks that were taken."""
    cases, plan = len(run.plan.cases), run.plan
    looked: list[Look] = []
    model = model or failing_script(failing, cases, plan.epochs, plan.seed)
    done = evaluate_sync([suite(cases)], model, WORLDS, plan, run, on_look=looked.append, **options)
    return done, looked


def looked_run(
    folder: Path, cases: int, baseline: Run, failing: Failing = lambda number, epoch: False, **how: Any
) -> tuple[Run, list[Look]]:
    """A run that was judged while it went on, and its looks."""
    run = begun_with_looks(folder, cases, baseline, **how)
    _, looked = carried_on(run, failing)
    return Run.open(folder), looked
