"""What cases must show of an SOP, by coverage criterion: each with facts that show it, or a proof that none can.

An obligation on a condition holds at its decision step: reaching the step counts as evaluating every arm, since arms
exclude each other and lint proves it. (Gold thinking stops at the arm that holds; which one that is depends on all.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal, TypeAlias

from samescore.suites.sop.expression import (
    TRUE,
    And,
    Atom,
    Condition,
    Node,
    Not,
    Operator,
    Or,
    Shifted,
    atoms,
    evaluate,
)
from samescore.suites.sop.model import Arm, Ask, CallStep, Decide, FactKind, Sop
from samescore.suites.sop.paths import Prefix, branches, has, known, missing_sets, prefixes, reach
from samescore.suites.sop.solver import Solver
from samescore.suites.sop.trace import Asked, Called, Trace

Criterion: TypeAlias = Literal["branch", "boundary", "mcdc"]
Kind: TypeAlias = Literal["branch", "ask", "retry", "boundary", "mcdc"]


ORDERED = (FactKind.INT, FactKind.MONEY, FactKind.DATE)
_EDGES: Mapping[Operator, tuple[int, ...]] = {
    "<": (-1, 0),
    ">=": (-1, 0),
    "<=": (0, 1),
    ">": (0, 1),
    "==": (-1, 0, 1),
    "!=": (-1, 0, 1),
}
"""How far from the right side the values next to a comparison's edge are, on both sides of it."""


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


@dataclass(frozen=True, slots=True)
class Sought:
    """An obligation before it is known whether it can be met: facts meet it that satisfy all of `nodes` and the rules.

    Where none do, `otherwise` takes its place.
    """

    obligation: Obligation
    nodes: tuple[Node, ...]
    otherwise: Sought | None = None


def obligations(sop: Sop, criterion: Criterion) -> tuple[Feasibility, ...]:
    """All obligations of a criterion, those of the criteria before it included.

    Branches, asks, retries, boundaries, MC/DC come in turn, each in the order of the file. A witness is the smallest
    (see `solver`).
    """
    solver = Solver(sop)
    return tuple(_settled(solver, one) for one in sought(sop, criterion))


def sought(sop: Sop, criterion: Criterion) -> Iterator[Sought]:
    """The same before a solver was asked, in the same order."""
    reached = reach(sop)
    for obligation, node in _branch_obligations(sop):
        yield Sought(obligation, (node,))
    if criterion != "branch":
        for same in _comparisons(sop):
            yield from _boundaries(same, reached[same[0].step.id])
    if criterion == "mcdc":
        for place in _places(sop):
            for obligation, node in _mcdc(place):
                yield Sought(obligation, (And((reached[obligation.step], node)),))


def met(sop: Sop, obligation: Obligation, facts: Mapping[str, Any], trace: Trace) -> bool:
    """Whether a case with these facts and their trace meets an obligation; by evaluation, without a solver."""
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


@dataclass(frozen=True, slots=True)
class _Place:
    """An atom's place in the condition of an arm. `number` counts from 1."""

    step: Decide
    arm: Arm
    condition: Condition
    number: int
    atom: Atom

    @property
    def decides(self) -> Node:
        """Holds where this atom alone decides the outcome of its condition."""
        return sensitive(self.condition.root, self.number - 1)


def sensitive(root: Node, index: int) -> Node:
    """Holds where no other atom masks the atom at `index`, so that its value is felt at the root.

    Every conjunction above the atom must have its other operands true, every disjunction its other operands false:
    masking MC/DC (Chilenski, DOT/FAA/AR-01/18, 2001).
    """
    match root:
        case Atom():
            return TRUE
        case Not(operand):
            return sensitive(operand, index)
        case And(operands) | Or(operands):
            neutral: list[Node] = []
            for operand in operands:
                size = len(atoms(operand))
                if 0 <= index < size:
                    inner = sensitive(operand, index)
                    neutral += () if inner == TRUE else (inner,)
                else:
                    neutral.append(operand if isinstance(root, And) else Not(operand))
                index -= size
            return And(tuple(neutral))


def _settled(solver: Solver, one: Sought) -> Feasibility:
    witness = solver.find(*one.nodes)
    if witness is None and one.otherwise is not None:
        return _settled(solver, one.otherwise)
    return Feasibility(one.obligation, witness)


def _branch_obligations(sop: Sop) -> Iterator[tuple[Obligation, Node]]:
    for way in branches(sop):
        reply = sop.steps[way.reply]
        yield (
            Obligation(f"branch:{way.id}", "branch", reply.id, f"branch {way.id}", reply.line, TakesBranch(way.id)),
            way.constraint,
        )
    ways: dict[str, list[Prefix]] = {}
    for prefix in prefixes(sop):
        ways.setdefault(prefix.step, []).append(prefix)
    for name, before in ways.items():
        step = sop.steps[name]
        if isinstance(step, Ask):
            yield from _ask_obligations(sop, step, before)
    for name, before in ways.items():
        step = sop.steps[name]
        if isinstance(step, CallStep) and step.retry is not None:
            yield from _retry_obligations(step, before)


def _ask_obligations(sop: Sop, step: Ask, before: Sequence[Prefix]) -> Iterator[tuple[Obligation, Node]]:
    sets: dict[tuple[str, ...], list[Node]] = {}
    for prefix in before:
        for names, node in missing_sets(sop, step, prefix).items():
            sets.setdefault(names, []).append(And((prefix.constraint, node)))
    for names, nodes in sets.items():
        words = f"asks for {', '.join(names)}" if names else "need not ask"
        yield (
            Obligation(
                f"ask:{step.id}:{'+'.join(names) or '-'}",
                "ask",
                step.id,
                words,
                step.line,
                Misses(names),
            ),
            Or(tuple(nodes)),
        )
    for slot in (sop.slots[name] for name in step.slots):
        if slot.known == "maybe":
            nodes = [And((prefix.constraint, Not(has(slot, prefix)), Not(known(slot)))) for prefix in before]
            words = f"the user does not know {slot.name}"
            yield (
                Obligation(f"ask:{step.id}:{slot.name}:unknown", "ask", step.id, words, step.line, Lacks(slot.name)),
                Or(tuple(nodes)),
            )


def _retry_obligations(step: CallStep, before: Sequence[Prefix]) -> Iterator[tuple[Obligation, Node]]:
    reached = Or(tuple(prefix.constraint for prefix in before))
    retry = step.retry or 0
    for times in range(retry + 2):
        words = f"{step.tool} fails {times} times" + (" and is given up" if times > retry else "")
        yield (
            Obligation(f"retry:{step.id}:{times}", "retry", step.id, words, step.line, Fails(times)),
            And((reached, Atom(f"faults.{step.id}", "==", times))),
        )


def _places(sop: Sop) -> Iterator[_Place]:
    for step in sop.steps.values():
        if not isinstance(step, Decide):
            continue
        for arm in step.arms:
            if arm.condition is not None:
                for number, atom in enumerate(arm.condition.atoms, start=1):
                    yield _Place(step, arm, arm.condition, number, atom)


def _mcdc(place: _Place) -> Iterator[tuple[Obligation, Node]]:
    for value, node in ((True, place.atom), (False, Not(place.atom))):
        goal = And((node, place.decides))
        word = str(value).lower()
        yield (
            Obligation(
                f"mcdc:{place.step.id}.{place.arm.name}:{place.number}:{word}",
                "mcdc",
                place.step.id,
                f"{place.atom.text} is {word} and alone decides {place.arm.name}",
                place.arm.line,
                Holds(goal),
            ),
            goal,
        )


def _comparisons(sop: Sop) -> Iterator[list[_Place]]:
    """The places with an ordered comparison; those of one arm that read alike are one."""
    same: dict[tuple[str, str, Atom], list[_Place]] = {}
    for place in _places(sop):
        if place.atom.op is not None and sop.facts[place.atom.left].kind in ORDERED:
            same.setdefault((place.step.id, place.arm.name, place.atom), []).append(place)
    yield from same.values()


def _boundaries(same: Sequence[_Place], reached: Node) -> Iterator[Sought]:
    """The edges of one comparison. Where it cannot decide alone at an edge, reaching the edge is enough."""
    step, arm, atom = same[0].step, same[0].arm, same[0].atom
    assert atom.op is not None
    for offset in _EDGES[atom.op]:
        edge = Atom(atom.left, "==", _shifted(atom.right, offset))
        at = edge.text.removeprefix(f"{atom.left} == ")
        unmasked = And((edge, Or(tuple(place.decides for place in same))))
        obligation = Obligation(
            f"boundary:{step.id}.{arm.name}:{atom.text.replace(' ', '')}:at {at}",
            "boundary",
            step.id,
            f"{atom.text} at {at} alone decides {arm.name}",
            arm.line,
            Holds(unmasked),
        )
        words = f"{atom.text} at {at} in {arm.name}, where other facts decide"
        masked = replace(obligation, description=words, goal=Holds(edge))
        yield Sought(obligation, (reached, unmasked), Sought(masked, (reached, edge)))


def _shifted(right: Shifted | int | date | str | None, offset: int) -> Shifted | int | date:
    match right:
        case Shifted():
            return Shifted(right.fact, right.offset + offset)
        case date():
            return right + timedelta(offset)
        case int():
            return right + offset
    raise AssertionError("only ordered comparisons have edges")
