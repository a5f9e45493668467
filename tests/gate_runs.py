"""Runs for tests of the gate: the toy suite, played by scripts that fail where they are told to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from toy_world import WORLD, case

from samescore.harness.case import Case
from samescore.harness.environment import World
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.fingerprint import seed_of
from samescore.harness.plan import Plan
from samescore.harness.policies.script import ScriptPolicy
from samescore.harness.policy import Sampling
from samescore.harness.run import Run
from samescore.harness.types import Call, Message
from samescore.suites.suite import Suite

Turns = tuple[Message | str, ...]

IDLE: Turns = (Message("assistant", "One moment."),)


@dataclass(frozen=True, slots=True)
class Described(ScriptPolicy):
    """A script that says what it is, as models do by their digests."""

    said: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> Mapping[str, Any]:
        return {"model": self.name, "backend": "script", **self.said}


def adapter(name: str, **more: Any) -> dict[str, Any]:
    """The description of a model with an adapter of that digest."""
    return {"weights": "a" * 64, "adapter": name * 8, **more}


def run_of(
    folder: Path,
    cases: int = 16,
    failing: Callable[[int, int], bool | Turns] = lambda number, epoch: False,
    *,
    epochs: int = 1,
    seed: int = 0,
    name: str = "script",
    said: Mapping[str, Any] | None = None,
    changed: Callable[[Case], Case] = lambda case: case,
    world: World = WORLD,
    **plan: Any,
) -> Run:
    """A complete run of so many toy cases; `failing` says by number and epoch where, or which turns are played then."""
    shown = (replace(case(number), toolset=world.toolset) for number in range(cases))
    suite, worlds = Suite("toy", 1, tuple(map(changed, shown)), {"success": 0.9}), {world.name: world}
    played = {
        seed_of(seed, one.id, epoch): failing(number, epoch)
        for number, one in enumerate(suite.cases)
        for epoch in range(epochs)
    }

    def script(case: Case, sampling: Sampling) -> Iterator[Message | str]:
        turns = played[sampling.seed]
        return iter(case.gold if turns is False else IDLE if turns is True else turns)

    policy = Described(name, script, said=said or {})
    run = Run.create(folder, Plan.make([suite], epochs=epochs, seed=seed, **plan), policy, worlds, suites=[suite])
    assert not evaluate_sync([suite], policy, worlds, run.plan, run).errors
    return Run.open(folder)


def copied(run: Run, folder: Path, **fields: Any) -> Run:
    """The same run at another place, with other fields in its manifest."""
    shutil.copytree(run.directory, folder)
    copy = Run.open(folder)
    if fields:
        copy.update(**fields)
    return Run.open(folder)


def waived_twice(case: Case) -> Turns:
    """The gold conversation of a case whose fee is waived, with one more waiver."""
    (waive,) = (turn for turn in case.gold if any(call.name == "waive_fee" for call in turn.calls))
    at = case.gold.index(waive)
    return (*case.gold[: at + 1], waive, *case.gold[at + 1 :])


def other_amount(case: Case) -> Turns:
    """The gold conversation with another amount waived."""
    return tuple(
        replace(turn, calls=tuple(Call(one.name, {**one.arguments, "amount": 1}) for one in turn.calls))
        if any(call.name == "waive_fee" for call in turn.calls)
        else turn
        for turn in case.gold
    )
