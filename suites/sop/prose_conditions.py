"""Conditions of an SOP in words. What binds tighter stands in brackets, so that no reader has to know which does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from samescore.harness.environment import World
from samescore.suites.sop.expression import OPPOSITE, And, Atom, Node, Not, Operator, Or, Shifted
from samescore.suites.sop.model import FactKind
from samescore.suites.sop.prose_values import Sources, code
from samescore.suites.sop.values import amount, world_currency


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions of one procedure in one language."""

    sources: Sources
    world: World

    def words(self, node: Node) -> str:
        """A condition, without brackets around the whole."""
        match node:
            case Atom():
                return self._atom(node, negated=False)
            case Not(operand=Atom() as atom):
                return self._atom(atom, negated=True)
            case Not(operand):
                return self.sources.words.neither.format(condition=f"({self.words(operand)})")
            case And(operands):
                return self._joined(operands, self.sources.words.both)
            case Or(operands):
                return self._joined(operands, self.sources.words.one_of)

    def _joined(self, operands: Sequence[Node], word: str) -> str:
        return f" {word} ".join(
            f"({self.words(operand)})" if isinstance(operand, And | Or) else self.words(operand) for operand in operands
        )

    def _atom(self, atom: Atom, negated: bool) -> str:
        words, left = self.sources.words, self.sources.fact(atom.left)
        if atom.op is None:
            return (words.no if negated else words.yes).format(name=left)
        operator: Operator = OPPOSITE[atom.op] if negated else atom.op
        kind = self._kind(atom.left)
        verbs = words.days if kind is FactKind.DATE else words.numbers
        return f"{left} {verbs[operator]} {self._right(atom.right, kind)}"

    def _right(self, right: Any, kind: FactKind | None) -> str:
        words = self.sources.words
        if isinstance(right, Shifted):
            fact, size = self.sources.fact(right.fact), abs(right.offset)
            if not right.offset:
                return fact
            if kind is FactKind.DATE:
                return (words.later if right.offset > 0 else words.earlier).format(days=size, day=fact)
            return (words.plus if right.offset > 0 else words.minus).format(value=fact, number=size)
        if isinstance(right, str):
            return code(right)
        if isinstance(right, date):
            return right.isoformat()
        return amount(right, world_currency(self.world.lexicon)) if kind is FactKind.MONEY else str(right)

    def _kind(self, name: str) -> FactKind | None:
        fact = self.sources.sop.facts.get(name)
        return None if fact is None else fact.kind
