"""What a suite of cases must show of an SOP, by coverage criterion, each with facts that show it or a proof that none can.

An obligation on a condition holds at its decision step: reaching the step counts as evaluating every arm, since arms
exclude each other and lint proves it. (The gold thinking stops at the arm that holds; which arm that is depends on all.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from samescore.suites.sop.expression import Node, evaluate
from samescore.suites.sop.model import Sop
from samescore.suites.sop.trace import Asked, Called, Trace

Criterion: TypeAlias = Literal["branch", "boundary", "mcdc"]
Kind: TypeAlias = Literal["branch", "ask", "retry", "boundary", "mcdc"]


@dataclass(frozen=True, slots=True)
class TakesBranch:
    """The case takes this branch."""

    branch: str


@dataclass(frozen=True, slots=True)
class Misses:
    """The step asks for exactly these slots; none: it is skipped."""

    slots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lacks:
    """The step asks for this slot, and the user does not know it."""

    slot: str


@dataclass(frozen=True, slots=True)
class Fails:
    """The call fails so many times."""

    times: int


@dataclass(frozen=True, slots=True)
class Holds:
    """The step is reached, and this holds there."""

    node: Node


Goal: TypeAlias = TakesBranch | Misses | Lacks | Fails | Holds


@dataclass(frozen=True, slots=True)
class Obligation:
    """One thing to be shown. `line` is that of the step or arm in the file."""

    id: str
    kind: Kind
    step: str
    description: str
    line: int
    goal: Goal


@dataclass(frozen=True, slots=True)
class Feasibility:
    """An obligation with the smallest facts that meet it, or None: it is proven that none do.

    The witness has every fact but ids and texts.
    """

    obligation: Obligation
    witness: Mapping[str, Any] | None


def obligations(sop: Sop, criterion: Criterion) -> tuple[Feasibility, ...]:
    """All obligations of a criterion, those of the criteria before it included, in the order of the file."""
    raise SystemExit("being written")


def met(sop: Sop, obligation: Obligation, facts: Mapping[str, Any], trace: Trace) -> bool:
    """Whether a case with these facts, whose trace is given, meets the obligation; by evaluation, without a solver."""
    here = [event for event in trace.events if event.step.id == obligation.step]
    match obligation.goal:
        case TakesBranch(branch):
            return trace.branch == branch
        case Misses(slots):
            return any(isinstance(event, Asked) and event.missing == slots for event in here)
        case Lacks(slot):
            return any(isinstance(event, Asked) and slot in event.unknown for event in here)
        case Fails(times):
            return any(isinstance(event, Called) and event.failures == times for event in here)
        case Holds(node):
            return bool(here) and evaluate(node, facts)
