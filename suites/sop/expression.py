"""Conditions of an SOP: parsed, type-checked against the facts, and evaluated.

    condition  := conjunction ("or" conjunction)*
    conjunction:= negation ("and" negation)*
    negation   := "not" negation | "(" condition ")" | comparison
    comparison := operand (("<" | "<=" | ">" | ">=" | "==" | "!=") operand)*
    operand    := fact [("+" | "-") whole number] | literal

An atom is kept in one normal form, a fact on the left without an offset: `today - 30 <= order.day` reads
`today <= order.day + 30`, `5 > order.days` reads `order.days < 5`, and `order.gift == false` reads
`not order.gift`. `parser` reads this grammar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, TypeAlias

Operator: TypeAlias = Literal["<", "<=", ">", ">=", "==", "!="]
OPPOSITE: Mapping[Operator, Operator] = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


@dataclass(frozen=True, slots=True)
class Shifted:
    """A fact on the right of a comparison, plus a whole number (days, for dates)."""

    fact: str
    offset: int = 0

    def value(self, facts: Mapping[str, Any]) -> Any:
        """The value at run time, in the form facts have: dates are ISO days."""
        value = facts[self.fact]
        if not self.offset:
            return value
        if isinstance(value, str):
            return (date.fromisoformat(value) + timedelta(self.offset)).isoformat()
        return value + self.offset

    def __str__(self) -> str:
        if not self.offset:
            return self.fact
        return f"{self.fact} {'+' if self.offset > 0 else '-'} {abs(self.offset)}"


@dataclass(frozen=True, slots=True)
class Atom:
    """One comparison, or one boolean fact (`op` and `right` None). A text on the right is an enum's value."""

    left: str
    op: Operator | None = None
    right: Shifted | int | date | str | None = None

    @property
    def text(self) -> str:
        """As it is written in an SOP."""
        if self.op is None:
            return self.left
        right = repr(self.right) if isinstance(self.right, str) else str(self.right)
        return f"{self.left} {self.op} {right}"

    @property
    def facts(self) -> tuple[str, ...]:
        """The one or two facts it depends on."""
        return (self.left, self.right.fact) if isinstance(self.right, Shifted) else (self.left,)

    def in_words(self, facts: Mapping[str, Any]) -> str:
        """The atom as a line of thinking: field, value, operator, constant, and whether it holds."""
        field = self.left.rsplit(".", 1)[-1]
        verdict = "yes" if evaluate_atom(self, facts) else "no"
        value = _shown(facts[self.left])
        if self.op is None:
            return f"{field} {value}: {verdict}"
        return f"{field} {value} {self.op} {_shown(_right(self, facts))}: {verdict}"


@dataclass(frozen=True, slots=True)
class Not:
    """True where the operand is not."""

    operand: Node


@dataclass(frozen=True, slots=True)
class And:
    """True where all operands are; of none, true."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where some operand is; of none, false."""

    operands: tuple[Node, ...]


Node: TypeAlias = Atom | Not | And | Or
TRUE: Node = And(())
FALSE: Node = Or(())


@dataclass(frozen=True, slots=True)
class Condition:
    """A type-checked condition: its text as written, its tree, and its line in the file."""

    text: str
    root: Node
    line: int = 0

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """The atoms in the order they are written, repeated ones too."""
        return atoms(self.root)


def atoms(node: Node) -> tuple[Atom, ...]:
    """The atoms of a tree from left to right, repeated ones too."""
    match node:
        case Atom():
            return (node,)
        case Not(operand):
            return atoms(operand)
        case And(operands) | Or(operands):
            return tuple(atom for operand in operands for atom in atoms(operand))


def evaluate(condition: Condition | Node, facts: Mapping[str, Any]) -> bool:
    """Whether a condition holds. A fact that is missing is a KeyError."""
    match condition:
        case Condition(root=root):
            return evaluate(root, facts)
        case Atom():
            return evaluate_atom(condition, facts)
        case Not(operand):
            return not evaluate(operand, facts)
        case And(operands):
            return all(evaluate(operand, facts) for operand in operands)
        case Or(operands):
            return any(evaluate(operand, facts) for operand in operands)


def evaluate_atom(atom: Atom, facts: Mapping[str, Any]) -> bool:
    """Whether one atom holds. ISO days compare as the days they are."""
    left = facts[atom.left]
    if atom.op is None:
        return bool(left)
    right = _right(atom, facts)
    match atom.op:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case ">=":
            return bool(left >= right)
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)


def _right(atom: Atom, facts: Mapping[str, Any]) -> Any:
    match atom.right:
        case Shifted():
            return atom.right.value(facts)
        case date():
            return atom.right.isoformat()
    return atom.right


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
