"""Concrete execution: which way through an SOP the given facts take, without a world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from samescore.harness.errors import SopError
from samescore.suites.sop.expression import Atom, evaluate, evaluate_atom
from samescore.suites.sop.model import Arm, Ask, CallStep, Decide, Reply, Slot, Sop

Tried: TypeAlias = tuple[Arm, tuple[tuple[Atom, bool], ...], bool]
"""An arm, its atoms with their values, and whether it holds. `else` has no atoms."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An ask step was passed.

    `missing` are the slots asked for, none where the step was skipped; `unknown` are those that the user does not know.
    """

    step: Ask
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Called:
    """A tool was called: after so many transient failures it succeeded, or was given up."""

    step: CallStep
    failures: int
    ok: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision took `arm`; `tried` are the arms in order, up to that one."""

    step: Decide
    arm: Arm
    tried: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class Replied:
    """The last turn."""

    step: Reply


Event: TypeAlias = Asked | Called | Decided | Replied


@dataclass(frozen=True)
class Trace:
    """The way that one assignment of facts takes."""

    events: tuple[Event, ...]

    @cached_property
    def branch(self) -> str:
        """The branch's id: arms taken, `STEP.unknown`, `STEP.exhausted`, then the reply."""
        return joined([choice for event in self.events if (choice := _branch_choice(event))], self.reply.id)

    @cached_property
    def path(self) -> str:
        """The path's id: the branch's, with `STEP?slot+slot` for slots asked, `STEP~n` for n failures overcome."""
        return joined([choice for event in self.events for choice in _path_choices(event)], self.reply.id)

    @cached_property
    def steps(self) -> frozenset[str]:
        """The ids of the steps passed."""
        return frozenset(event.step.id for event in self.events)

    @property
    def reply(self) -> Reply:
        """The reply it ends in."""
        last = self.events[-1]
        assert isinstance(last, Replied)
        return last.step


def trace(sop: Sop, facts: Mapping[str, Any]) -> Trace:
    """Follow the procedure under `facts` (all facts that its steps depend on, the added ones included).

    Raises:
        SopError: no arm of a decision holds, or several do; `sop lint` proves that neither can happen.
        KeyError: a fact is missing.
    """
    told = {slot.name for slot in sop.slots.values() if is_given(slot, facts)}
    events: list[Event] = []
    step = sop.start
    while True:
        match step:
            case Ask():
                missing = tuple(slot for slot in step.slots if slot not in told)
                unknown = tuple(slot for slot in missing if not is_known(sop.slots[slot], facts))
                told.update(slot for slot in missing if slot not in unknown)
                events.append(Asked(step, missing, unknown))
                following = step.unknown if unknown else step.next
            case CallStep():
                failures = 0 if step.retry is None else facts[f"faults.{step.id}"]
                ok = failures <= (step.retry or 0)
                events.append(Called(step, failures, ok))
                following = step.next if ok else step.on_fault
            case Decide():
                decided = _decide(sop, step, facts)
                events.append(decided)
                following = decided.arm.then
            case Reply():
                return Trace((*events, Replied(step)))
        assert following is not None  # the loader demands `unknown` and `on_fault` where they can be needed
        step = sop.steps[following]


def is_given(slot: Slot, facts: Mapping[str, Any]) -> bool:
    """Whether the opening message tells the slot."""
    return bool(facts[f"given.{slot.name}"]) if slot.given == "maybe" else slot.given == "always"


def is_known(slot: Slot, facts: Mapping[str, Any]) -> bool:
    """Whether the user can tell the slot when asked."""
    return bool(facts[f"known.{slot.name}"]) if slot.known == "maybe" else True


def joined(choices: list[str], reply: str) -> str:
    """The id of a branch or path from its choices and its reply."""
    return f"{'/'.join(choices)}>{reply}" if choices else reply


def _decide(sop: Sop, step: Decide, facts: Mapping[str, Any]) -> Decided:
    holding = [arm for arm in step.arms if arm.condition is not None and evaluate(arm.condition, facts)]
    holding = holding or [arm for arm in step.arms if arm.condition is None]
    if len(holding) != 1:
        names = " and ".join(repr(arm.name) for arm in holding) or "no arm"
        raise SopError(
            f"{sop.path}:{step.line}: step {step.id!r}: {names} of the decision hold{'' if holding else 's'}; "
            "exactly one must. Run `samescore sop lint` and correct the conditions."
        )
    tried: list[Tried] = []
    for arm in step.arms:
        taken = arm is holding[0]
        parts = arm.condition.atoms if arm.condition is not None else ()
        tried.append((arm, tuple((atom, evaluate_atom(atom, facts)) for atom in parts), taken))
        if taken:
            break
    return Decided(step, holding[0], tuple(tried))


def _branch_choice(event: Event) -> str | None:
    match event:
        case Asked(step, _, unknown) if unknown:
            return f"{step.id}.unknown"
        case Called(step, _, False):
            return f"{step.id}.exhausted"
        case Decided(_, arm):
            return arm.name
    return None


def _path_choices(event: Event) -> list[str]:
    choices = []
    match event:
        case Asked(step, missing) if missing:
            choices.append(f"{step.id}?{'+'.join(missing)}")
        case Called(step, failures, True) if failures:
            choices.append(f"{step.id}~{failures}")
    branch = _branch_choice(event)
    return [*choices, branch] if branch else choices
