"""Every way through an SOP, enumerated symbolically: the choice at each step, and the constraint on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from samescore.suites.sop.expression import FALSE, TRUE, And, Atom, Node, Not, Or
from samescore.suites.sop.model import Arm, Ask, CallStep, Decide, Reply, Slot, Sop
from samescore.suites.sop.trace import joined


@dataclass(frozen=True, slots=True)
class Choice:
    """What happens at one step. `label` is its part of the id, empty where nothing deserves mention."""

    step: str
    label: str
    constraint: Node
    line: int


@dataclass(frozen=True, slots=True)
class Prefix:
    """A way from the first step to `step`, before anything happens there.

    `told` are the slots the user has told for certain, `asked` those that were asked for and perhaps not known,
    `called` the calls that have succeeded.
    """

    step: str
    choices: tuple[Choice, ...] = ()
    told: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()

    @property
    def constraint(self) -> Node:
        """Holds for the facts that lead this way."""
        return And(tuple(choice.constraint for choice in self.choices if choice.constraint != TRUE))


@dataclass(frozen=True, slots=True)
class Path:
    """A whole way, from the first step to a reply."""

    id: str
    branch: str
    reply: str
    choices: tuple[Choice, ...]

    @property
    def constraint(self) -> Node:
        """Holds for exactly the facts that take this path, provided that arms exclude each other."""
        return And(tuple(choice.constraint for choice in self.choices if choice.constraint != TRUE))


def paths(sop: Sop) -> tuple[Path, ...]:
    """All paths, feasible or not: which slots were missing, how often calls failed, which arms were taken."""
    return tuple(_path(sop, prefix) for prefix in _walk(sop, fine=True) if isinstance(sop.steps[prefix.step], Reply))


def branches(sop: Sop) -> tuple[Path, ...]:
    """All branches, feasible or not: paths without regard to what was given and to failures overcome."""
    return tuple(_path(sop, prefix) for prefix in prefixes(sop) if isinstance(sop.steps[prefix.step], Reply))


def prefixes(sop: Sop) -> tuple[Prefix, ...]:
    """The ways to every step, as branches tell them apart; a walk that takes first choices first."""
    return tuple(_walk(sop, fine=False))


def reach(sop: Sop) -> dict[str, Node]:
    """For every step the constraint under which it is reached."""
    ways: dict[str, list[Node]] = {step: [] for step in sop.steps}
    for prefix in prefixes(sop):
        ways[prefix.step].append(prefix.constraint)
    return {step: Or(tuple(dict.fromkeys(nodes))) for step, nodes in ways.items()}


def given(slot: Slot) -> Node:
    """Holds where the opening message tells the slot."""
    return Atom(f"given.{slot.name}") if slot.given == "maybe" else TRUE if slot.given == "always" else FALSE


def known(slot: Slot) -> Node:
    """Holds where the user can tell the slot when asked."""
    return Atom(f"known.{slot.name}") if slot.known == "maybe" else TRUE


def has(slot: Slot, prefix: Prefix) -> Node:
    """Holds where the agent has the slot's value at the end of a prefix: from the opening, or told when asked."""
    if slot.name in prefix.told or slot.given == "always":
        return TRUE
    if slot.name in prefix.asked:
        return Or((given(slot), known(slot)))
    return given(slot)


def missing_sets(sop: Sop, step: Ask, prefix: Prefix) -> dict[tuple[str, ...], Node]:
    """The sets of slots that may be missing at an ask step after a prefix, each with its constraint."""
    sets: dict[tuple[str, ...], list[Node]] = {(): []}
    for slot in (sop.slots[name] for name in step.slots):
        held = has(slot, prefix)
        with_it = {names: [*nodes, held] for names, nodes in sets.items() if held != FALSE}
        without = {(*names, slot.name): [*nodes, Not(held)] for names, nodes in sets.items() if held != TRUE}
        sets = with_it | without
    return {names: And(tuple(nodes)) for names, nodes in sets.items()}


def arm_constraint(step: Decide, arm: Arm) -> Node:
    """An arm's condition; for `else`, that no other arm's holds."""
    if arm.condition is not None:
        return arm.condition.root
    return And(tuple(Not(other.condition.root) for other in step.arms if other.condition is not None))


def _path(sop: Sop, prefix: Prefix) -> Path:
    labels = [choice.label for choice in prefix.choices if choice.label]
    plain = [label for label in labels if "?" not in label and "~" not in label]
    return Path(joined(labels, prefix.step), joined(plain, prefix.step), prefix.step, prefix.choices)


def _walk(sop: Sop, *, fine: bool) -> Iterator[Prefix]:
    always = frozenset(slot.name for slot in sop.slots.values() if slot.given == "always")
    pending = [Prefix(sop.start.id, told=always)]
    while pending:
        prefix = pending.pop()
        yield prefix
        match sop.steps[prefix.step]:
            case Ask() as step:
                following = _asked(sop, step, prefix, fine=fine)
            case CallStep() as step:
                following = _called(step, prefix, fine=fine)
            case Decide() as step:
                following = [
                    _extended(prefix, arm.then, Choice(step.id, arm.name, arm_constraint(step, arm), arm.line))
                    for arm in step.arms
                ]
            case Reply():
                following = []
        pending.extend(reversed(following))


def _extended(prefix: Prefix, step: str, *choices: Choice) -> Prefix:
    return replace(prefix, step=step, choices=prefix.choices + choices)


def _asked(sop: Sop, step: Ask, prefix: Prefix, *, fine: bool) -> list[Prefix]:
    rest = [sop.slots[name] for name in step.slots if name not in prefix.told]
    doubtful = tuple(Or((given(slot), known(slot))) for slot in rest if slot.known == "maybe")
    can_tell = And(doubtful)
    following = []
    for way in _missing_choices(sop, step, prefix) if fine else [()]:
        told = _extended(prefix, step.next, *way, Choice(step.id, "", can_tell, step.line))
        following.append(replace(told, told=prefix.told | {slot.name for slot in rest}))
        if step.unknown is not None:
            choice = Choice(step.id, f"{step.id}.unknown", Not(can_tell), step.line)
            lost = _extended(prefix, step.unknown, *way, choice)
            following.append(replace(lost, asked=prefix.asked | {slot.name for slot in rest}))
    return following


def _missing_choices(sop: Sop, step: Ask, prefix: Prefix) -> list[tuple[Choice, ...]]:
    return [
        (Choice(step.id, f"{step.id}?{'+'.join(names)}" if names else "", constraint, step.line),)
        for names, constraint in missing_sets(sop, step, prefix).items()
    ]


def _called(step: CallStep, prefix: Prefix, *, fine: bool) -> list[Prefix]:
    succeeded = replace(prefix, called=prefix.called | {step.id})
    if step.retry is None or step.on_fault is None:
        return [_extended(succeeded, step.next, Choice(step.id, "", TRUE, step.line))]
    faults = f"faults.{step.id}"
    exhausted = Choice(step.id, f"{step.id}.exhausted", Atom(faults, ">", step.retry), step.line)
    if fine:
        outcomes = [
            Choice(step.id, f"{step.id}~{n}" if n else "", Atom(faults, "==", n), step.line)
            for n in range(step.retry + 1)
        ]
    else:
        outcomes = [Choice(step.id, "", Atom(faults, "<=", step.retry), step.line)]
    following = [_extended(succeeded, step.next, choice) for choice in outcomes]
    return [*following, _extended(prefix, step.on_fault, exhausted)]
