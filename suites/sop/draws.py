"""The facts of a case: a witness whose free facts are drawn again, so that cases of one obligation differ.

A fact is free as far as another value keeps the rules, the branch and the obligation. Numbers and dates are drawn both
evenly and close to what they are compared with, since that is where an agent errs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from samescore.harness.case import Split
from samescore.harness.errors import SopError
from samescore.suites.sop.expression import Atom, Shifted, evaluate
from samescore.suites.sop.faults import unplayable
from samescore.suites.sop.model import CallStep, Decide, Fact, FactKind, Sop
from samescore.suites.sop.obligations import Obligation, met
from samescore.suites.sop.phrases import PhraseBank
from samescore.suites.sop.splits import draw_id, draw_pool
from samescore.suites.sop.trace import trace

INCIDENTAL = (FactKind.ID, FactKind.TEXT)
"""Kinds of facts that nothing branches on; they are drawn from pools."""

_ORDERED = (FactKind.INT, FactKind.MONEY, FactKind.DATE)
_SWEEPS = 2
_TRIES = 6
_NEAR = (1, 5, 25)
"""How far from an edge counts as close, in units or days: one of these."""
_FAULT_CHANCE = 0.25
"""How often a call fails first where the obligation does not care."""


@dataclass(frozen=True)
class Drawer:
    """Draws the facts of cases of one SOP and split."""

    sop: Sop
    bank: PhraseBank
    split: Split

    def facts(self, obligation: Obligation, witness: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
        """Facts that meet the obligation on the witness's branch, and are otherwise drawn again.

        Raises:
            SopError: the split owns no id of a pattern.
        """
        facts = {name: value for name, value in witness.items() if not self._incidental(name)}
        branch = trace(self.sop, facts).branch
        moves = [*self._linked, *((name,) for name in facts)]
        for _ in range(_SWEEPS):
            rng.shuffle(moves)
            for move in moves:
                near = rng.random() < 0.5
                for _ in range(_TRIES):
                    proposed = {**facts, **self._proposed(move, facts, near, rng)}
                    if proposed == facts or self._admits(proposed, obligation, branch):
                        facts = proposed
                        break
        return {**facts, **self._incidentals(rng)}

    def _admits(self, facts: Mapping[str, Any], obligation: Obligation, branch: str) -> bool:
        if not all(evaluate(rule, facts) for rule in self.sop.rules):
            return False
        followed = trace(self.sop, facts)
        if followed.branch != branch or unplayable(followed):
            return False
        return met(self.sop, obligation, facts, followed)

    def _proposed(
        self, move: tuple[str, ...], facts: Mapping[str, Any], near: bool, rng: random.Random
    ) -> dict[str, Any]:
        """Another value for one fact; or linked facts moved by one distance, which keeps what lies between them."""
        if len(move) == 1:
            return {move[0]: self._another(move[0], facts, near, rng)}
        ranges = [(_number(facts[name]), *_bounds(self.sop.facts[name])) for name in move]
        shift = rng.randint(max(low - at for at, low, _ in ranges), min(high - at for at, _, high in ranges))
        return {name: _value(self.sop.facts[name], at + shift) for name, (at, _, _) in zip(move, ranges, strict=True)}

    def _another(self, name: str, facts: Mapping[str, Any], near: bool, rng: random.Random) -> Any:
        kind, _, rest = name.partition(".")
        if kind == "faults":
            step = self.sop.steps[rest]
            assert isinstance(step, CallStep) and step.retry is not None
            return rng.randint(1, step.retry + 1) if rng.random() < _FAULT_CHANCE else 0
        if kind in ("given", "known"):
            return rng.random() < 0.5
        fact = self.sop.facts[name]
        if fact.kind is FactKind.BOOL:
            return rng.random() < 0.5
        if fact.kind is FactKind.ENUM:
            return rng.choice(fact.values)
        low, high = _bounds(fact)
        edges = [edge for edge in self._edges(name, facts) if low <= edge <= high]
        if near and edges:
            distance = rng.choice(_NEAR)
            drawn = rng.choice(edges) + rng.randint(-distance, distance)
            return _value(fact, min(max(drawn, low), high))
        return _value(fact, rng.randint(low, high))

    def _edges(self, name: str, facts: Mapping[str, Any]) -> Iterator[int]:
        """What the fact is compared with, as numbers."""
        for atom in self._comparisons:
            match atom.right:
                case Shifted(other, offset) if atom.left == name:
                    yield _number(facts[other]) + offset
                case Shifted(other, offset) if other == name:
                    yield _number(facts[atom.left]) - offset
                case int() | date() if atom.left == name:
                    yield _number(atom.right)

    def _incidentals(self, rng: random.Random) -> dict[str, str]:
        drawn: dict[str, str] = {}
        for fact in self.sop.facts.values():
            taken = drawn.values()
            if fact.pattern is not None:
                value = draw_id(fact.pattern, self.split, rng, taken)
                if value is None:
                    raise SopError(
                        f"{self.sop.path}:{fact.line}: fact {fact.name}: pattern {fact.pattern!r} has too few ids for "
                        f"split {self.split!r}. Use more digits."
                    )
                drawn[fact.name] = value
            elif fact.pool is not None:
                drawn[fact.name] = draw_pool(self.bank.pools[fact.pool], self.split, rng, taken)
        return drawn

    def _incidental(self, name: str) -> bool:
        return name in self.sop.facts and self.sop.facts[name].kind in INCIDENTAL

    @cached_property
    def _comparisons(self) -> tuple[Atom, ...]:
        """The atoms that compare numbers or dates."""
        decisions = [step for step in self.sop.steps.values() if isinstance(step, Decide)]
        conditions = [arm.condition for step in decisions for arm in step.arms if arm.condition is not None]
        atoms = (atom for condition in (*self.sop.rules, *conditions) for atom in condition.atoms)
        return tuple(dict.fromkeys(atom for atom in atoms if self.sop.facts[atom.left].kind in _ORDERED))

    @cached_property
    def _linked(self) -> tuple[tuple[str, ...], ...]:
        """The groups of facts that are compared with each other, directly or through others."""
        groups: list[set[str]] = []
        for atom in self._comparisons:
            if isinstance(atom.right, Shifted):
                joined = set(atom.facts).union(*(group for group in groups if group & set(atom.facts)))
                groups = [group for group in groups if not group & joined] + [joined]
        return tuple(tuple(name for name in self.sop.facts if name in group) for group in groups if len(group) > 1)


def _bounds(fact: Fact) -> tuple[int, int]:
    assert fact.low is not None and fact.high is not None  # the loader demands both for numbers and dates
    return fact.low, fact.high


def _number(value: Any) -> int:
    if isinstance(value, str):
        return date.fromisoformat(value).toordinal()
    return value.toordinal() if isinstance(value, date) else int(value)


def _value(fact: Fact, number: int) -> int | str:
    return date.fromordinal(number).isoformat() if fact.kind is FactKind.DATE else number
