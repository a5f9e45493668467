"""Read the text of a condition: tokens, grammar (see `expression`), and types against the SOP's facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import TypeAlias

from samescore.harness.errors import SopError
from samescore.suites.sop.expression import And, Atom, Condition, Node, Not, Operator, Or, Shifted
from samescore.suites.sop.model import Fact, FactKind

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<date>\d{4}-\d{2}-\d{2}(?![\w-]))
    | (?P<number>\d{1,15}(?:\.\d{1,15})?(?![\w.]))
    | (?P<string>'[^']*'|"[^"]*")
    | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    | (?P<operator><=|>=|==|!=|<|>)
    | (?P<mark>[()+-])
    )""",
    re.VERBOSE,
)
_KEYWORDS = ("and", "or", "not", "true", "false")
_MIRRORED: Mapping[Operator, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPERATORS: Mapping[str, Operator] = {operator: operator for operator in _MIRRORED}
_CALENDAR = range(date(1000, 1, 1).toordinal(), date(9000, 1, 1).toordinal())
_ORDERED = (FactKind.INT, FactKind.MONEY, FactKind.DATE)

Constant: TypeAlias = "bool | int | float | date | str"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class _Sum:
    """A fact plus a whole number."""

    fact: Fact
    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class _Literal:
    value: Constant
    text: str


_Operand: TypeAlias = _Sum | _Literal


def parse(text: str, facts: Mapping[str, Fact], where: str, line: int = 0) -> Condition:
    """Read and type-check a condition. `where` opens error messages: `refund.yaml:31: step 'late'`.

    Raises:
        SopError: the text is no condition, names an unknown fact, or mixes types.
    """
    return Condition(text, _Parser(text, facts, where).condition(), line)


class _Parser:
    """Recursive descent over one text."""

    def __init__(self, text: str, facts: Mapping[str, Fact], where: str) -> None:
        self._text = text
        self._facts = facts
        self._where = where
        self._tokens = self._scan()
        self._at = 0

    def condition(self) -> Node:
        node = self._disjunction()
        if self._peek().kind != "end":
            raise self._unexpected("`and`, `or` or the end")
        return node

    def _scan(self) -> list[_Token]:
        tokens, position, text = [], 0, self._text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                rest = text[position:].lstrip()
                advice = "Write `==`." if rest.startswith("=") else "See docs/sop-language.md for the grammar."
                column = len(text) - len(rest) + 1
                raise self._error(
                    f": cannot read {rest.split()[0]!r} at column {column} of `{text}`. {advice}", rest.split()[0]
                )
            kind = match.lastgroup
            if kind == "name" and match[kind] in _KEYWORDS:
                kind = "keyword"
            tokens.append(_Token(kind, match[match.lastgroup], match.start(match.lastgroup) + 1))
            position = match.end()
        return [*tokens, _Token("end", "", len(text) + 1)]

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *texts: str) -> bool:
        """Step over the next token if it is one of these words or marks."""
        token = self._peek()
        if token.kind in ("keyword", "operator", "mark") and token.text in texts:
            self._at += 1
            return True
        return False

    def _error(self, message: str, focus: str) -> SopError:
        return SopError(f"{self._where}{message}", focus=focus)

    def _unexpected(self, expected: str) -> SopError:
        token = self._peek()
        found = repr(token.text) if token.text else "the end"
        return self._error(
            f": `{self._text}`: expected {expected} at column {token.column}, found {found}. Correct it.", token.text
        )

    def _disjunction(self) -> Node:
        operands = [self._conjunction()]
        while self._take("or"):
            operands.append(self._conjunction())
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _conjunction(self) -> Node:
        operands = [self._negation()]
        while self._take("and"):
            operands.append(self._negation())
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _negation(self) -> Node:
        if self._take("not"):
            return Not(self._negation())
        if self._take("("):
            node = self._disjunction()
            if not self._take(")"):
                raise self._unexpected("`)`")
            return node
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._operand()
        atoms: list[Node] = []
        while self._peek().kind == "operator":
            operator = _OPERATORS[self._peek().text]
            self._at += 1
            right = self._operand()
            atoms.append(self._atom(left, operator, right))
            left = right
        if not atoms:
            return self._boolean(left)
        return atoms[0] if len(atoms) == 1 else And(tuple(atoms))

    def _operand(self) -> _Operand:
        token = self._peek()
        negative = self._take("-")
        token = self._peek()
        if negative and token.kind != "number":
            raise self._unexpected("a number")
        self._at += 1
        match token.kind:
            case "number":
                number = float(token.text) if "." in token.text else int(token.text)
                return _Literal(-number if negative else number, f"{'-' * negative}{token.text}")
            case "date":
                return _Literal(self._date(token.text), token.text)
            case "string":
                return _Literal(token.text[1:-1], token.text)
            case "keyword" if token.text in ("true", "false"):
                return _Literal(token.text == "true", token.text)
            case "name":
                return self._sum(token)
        self._at -= 1
        raise self._unexpected("a fact or a literal")

    def _sum(self, token: _Token) -> _Operand:
        fact = self._facts.get(token.text)
        if fact is None:
            raise self._unknown_fact(token.text)
        for sign, mark in ((1, "+"), (-1, "-")):
            if self._take(mark):
                number = self._peek()
                if number.kind != "number" or "." in number.text:
                    raise self._unexpected("a whole number")
                self._at += 1
                if fact.kind not in _ORDERED:
                    raise self._error(
                        f" adds {number.text} to {fact.name}; the fact is {_described(fact)}. Only ints, "
                        "money and dates can be shifted.",
                        fact.name,
                    )
                return _Sum(fact, sign * int(number.text), f"{fact.name} {mark} {number.text}")
        return _Sum(fact, 0, fact.name)

    def _unknown_fact(self, name: str) -> SopError:
        for fact in self._facts.values():
            if name in fact.values:
                return self._error(f" names {name}, which is no fact but a value of {fact.name}. Write '{name}'.", name)
        known = [*self._facts, "true", "false"]
        last = {candidate.rsplit(".", 1)[-1]: candidate for candidate in self._facts}
        near = get_close_matches(name, known, n=1) or [last[n] for n in get_close_matches(name, last, n=1)]
        hint = f" Did you mean {near[0]}?" if near else f" Known: {', '.join(self._facts)}."
        return self._error(f" names the fact {name}, which is not declared.{hint}", name)

    def _date(self, text: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            message = f" compares with {text}, which is no day of the calendar. Write YYYY-MM-DD."
            raise self._error(message, text) from None

    def _boolean(self, operand: _Operand) -> Node:
        if isinstance(operand, _Literal):
            raise self._error(
                f" has {operand.text} where a condition is expected. Compare it with a fact.", operand.text
            )
        if operand.fact.kind != FactKind.BOOL:
            example = _example(operand.fact)
            raise self._error(
                f" uses {operand.fact.name} as a condition; the fact is {_described(operand.fact)}. Compare it, "
                f"such as `{operand.fact.name} {'>=' if operand.fact.kind in _ORDERED else '=='} {example}`.",
                operand.text,
            )
        return Atom(operand.fact.name)

    def _atom(self, left: _Operand, operator: Operator, right: _Operand) -> Node:
        if isinstance(left, _Literal):
            if isinstance(right, _Literal):
                raise self._error(f" compares {left.text} with {right.text}, two constants. Compare a fact.", left.text)
            return self._atom(right, _MIRRORED[operator], left)
        fact = left.fact
        if fact.kind in (FactKind.ID, FactKind.TEXT):
            raise self._error(
                f" branches on {fact.name}; the fact is {_described(fact)}, which is drawn from a pool and never "
                "branched on. Declare it as an enum, or branch on another fact.",
                fact.name,
            )
        if fact.kind not in _ORDERED and operator not in ("==", "!="):
            raise self._error(
                f" orders {fact.name} with `{operator}`; the fact is {_described(fact)}. Write `==` or `!=`.",
                left.text,
            )
        if isinstance(right, _Sum):
            return self._two_facts(left, operator, right)
        return self._with_literal(left, operator, right)

    def _two_facts(self, left: _Sum, operator: Operator, right: _Sum) -> Node:
        one, other = left.fact, right.fact
        if one.kind != other.kind:
            raise self._error(
                f" compares {one.name} with {other.name}; the first is {_described(one)}, the second "
                f"{_described(other)}. Compare facts of one type.",
                right.text,
            )
        if one.kind == FactKind.ENUM and not set(one.values) & set(other.values):
            raise self._error(
                f" compares {one.name} with {other.name}, which have no value in common. Compare other facts.",
                right.text,
            )
        offset = right.offset - left.offset
        if one.kind == FactKind.DATE:
            assert other.low is not None and other.high is not None
            self._check_calendar(other, offset, other.low, other.high)
        return Atom(one.name, operator, Shifted(other.name, offset))

    def _check_calendar(self, fact: Fact, offset: int, *ordinals: int) -> None:
        if any(ordinal + offset not in _CALENDAR for ordinal in ordinals):
            raise self._error(
                f" shifts {fact.name} by {offset} days, out of the calendar. Write a smaller number.", fact.name
            )

    def _with_literal(self, left: _Sum, operator: Operator, right: _Literal) -> Node:
        fact = left.fact
        constant = self._constant(fact, right)
        if isinstance(constant, bool):
            return Atom(fact.name) if constant == (operator == "==") else Not(Atom(fact.name))
        if isinstance(constant, date):
            ordinal = constant.toordinal() - left.offset
            self._check_calendar(fact, -left.offset, constant.toordinal())
            return Atom(fact.name, operator, date.fromordinal(ordinal))
        return Atom(fact.name, operator, constant - left.offset if isinstance(constant, int) else constant)

    def _constant(self, fact: Fact, literal: _Literal) -> bool | int | date | str:
        """The literal's value in the fact's type."""
        value = literal.value
        match fact.kind:
            case FactKind.BOOL if isinstance(value, bool):
                return value
            case FactKind.INT | FactKind.MONEY if isinstance(value, int) and not isinstance(value, bool):
                return value
            case FactKind.DATE if isinstance(value, date):
                return value
            case FactKind.DATE if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
                return self._date(value)
            case FactKind.ENUM if isinstance(value, str) and value in fact.values:
                return value
        advice = _advice(fact, value)
        raise self._error(
            f" compares {fact.name} with {literal.text}; the fact is {_described(fact)}. {advice}", literal.text
        )


def _described(fact: Fact) -> str:
    match fact.kind:
        case FactKind.BOOL:
            return "a boolean"
        case FactKind.INT:
            return "an int"
        case FactKind.MONEY:
            return "money in whole units"
        case FactKind.DATE:
            return "a date"
        case FactKind.ENUM:
            return f"an enum of {', '.join(fact.values)}"
        case FactKind.ID:
            return "an id"
        case FactKind.TEXT:
            return "a text"


def _example(fact: Fact) -> str:
    match fact.kind:
        case FactKind.BOOL:
            return "true"
        case FactKind.DATE:
            return date.fromordinal(fact.low or 1).isoformat()
        case FactKind.ENUM:
            return f"'{fact.values[0]}'"
    return str(fact.low)


def _advice(fact: Fact, value: Constant) -> str:
    if fact.kind in (FactKind.INT, FactKind.MONEY) and isinstance(value, float):
        return f"Write {int(value)}."
    if fact.kind == FactKind.ENUM and isinstance(value, str):
        near = get_close_matches(value, fact.values, n=1)
        return f"Did you mean '{near[0]}'?" if near else f"Write one of its values, such as '{fact.values[0]}'."
    if fact.kind in (FactKind.INT, FactKind.MONEY) and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return f"Write {value}, without quotes."
    if fact.kind == FactKind.BOOL:
        return f"Write `{fact.name}` or `not {fact.name}`."
    return f"Write a value of that type, such as {_example(fact)}."
