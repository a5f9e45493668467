"""Random mini-procedures: rules over fields of tool results, written out in the system message."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from samescore.trainers.pretrain.fields import (
    DECIDABLE_KINDS,
    Field,
    Scalar,
    Value,
    literal,
    near,
    pseudo_word,
    sample,
)
from samescore.trainers.pretrain.toolsets import Tool, Toolset

Facts = Mapping[str, Value]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

_OP_WORDS = {
    "en": {
        "<": ("<", "is less than", "is below", "is under", "is smaller than"),
        "<=": ("<=", "is at most", "is no more than", "does not exceed", "is not above"),
        ">": (">", "is more than", "is greater than", "exceeds", "is above", "is over"),
        ">=": (">=", "is at least", "is no less than", "is not below"),
        "==": ("==", "is", "equals"),
        "!=": ("!=", "is not", "is different from"),
    },
    "vi": {
        "<": ("<", "nhỏ hơn", "dưới", "chưa đến", "ít hơn"),
        "<=": ("<=", "tối đa", "không quá", "nhỏ hơn hoặc bằng", "không vượt quá"),
        ">": (">", "lớn hơn", "trên", "vượt quá", "nhiều hơn"),
        ">=": (">=", "ít nhất", "không dưới", "lớn hơn hoặc bằng", "tối thiểu"),
        "==": ("==", "là", "bằng"),
        "!=": ("!=", "khác", "không phải là"),
    },
}
_DATE_WORDS = {
    "en": {"<": "is before", "<=": "is not after", ">": "is after", ">=": "is not before", "==": "is", "!=": "is not"},
    "vi": {"<": "trước", "<=": "không sau", ">": "sau", ">=": "không trước", "==": "là", "!=": "khác"},
}
_SUM_WORDS = {
    "en": {"<": "is under", "<=": "is at most", ">": "is over", ">=": "is at least", "==": "is", "!=": "is not"},
    "vi": {"<": "nhỏ hơn", "<=": "tối đa", ">": "lớn hơn", ">=": "ít nhất", "==": "bằng", "!=": "khác"},
}
_WITHIN: dict[str, dict[bool, tuple[str, ...]]] = {
    "en": {
        True: ("is within the next {n} days", "is no more than {n} days away", "is at most {n} days from today"),
        False: ("is within the last {n} days", "is no more than {n} days ago", "is at most {n} days back"),
    },
    "vi": {
        True: ("trong vòng {n} ngày tới", "không quá {n} ngày nữa"),
        False: ("trong vòng {n} ngày qua", "cách đây không quá {n} ngày"),
    },
}
_DAYS = {
    "en": {True: "{n} days after {start}", False: "{n} days before {start}"},
    "vi": {True: "{n} ngày sau {start}", False: "{n} ngày trước {start}"},
}


def shifted(day: str, days: int) -> str:
    """The ISO day so many days later."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


@dataclass(frozen=True, slots=True)
class Atom:
    """One comparison of a field with a constant; for a boolean the constant is the value it must have.

    With an `offset`, the right-hand side is so many days after (or before) today, or so much more (or less) than the
    field `base`. What the procedure says as a sum, the thinking writes worked out.
    """

    field: Field
    op: str
    constant: Scalar
    offset: int = 0
    base: Field | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """What it looks at."""
        return (self.field, self.base) if self.base else (self.field,)

    def right(self, facts: Facts) -> Scalar:
        """The right-hand side, worked out."""
        if self.base is None:
            return self.constant
        value = facts[self.base.name]
        if isinstance(value, str):
            return shifted(value, self.offset)
        assert isinstance(value, int)
        return value + self.offset

    def holds(self, facts: Facts) -> bool:
        """Whether the comparison is true of the facts."""
        return _OPERATORS[self.op](facts[self.field.name], self.right(facts))

    def line(self, facts: Facts) -> str:
        """The line of thinking that evaluates it; a boolean's line says its value, whatever the rule wants."""
        value = facts[self.field.name]
        if self.field.kind == "bool":
            return f"{self.field.name} {literal(value)}: {'yes' if value else 'no'}"
        verdict = "yes" if self.holds(facts) else "no"
        return f"{self.field.name} {literal(value)} {self.op} {literal(self.right(facts))}: {verdict}"

    def text(self, rng: random.Random, lang: str, today: date) -> str:
        """The comparison in words."""
        name = self.field.name if rng.random() < 0.85 else self.field.label(lang)
        if self.field.kind == "bool":
            if rng.random() < 0.25:
                return name if self.constant else f"{'không' if lang == 'vi' else 'not'} {name}"
            verb = rng.choice(("là", "=", "==") if lang == "vi" else ("is", "=", "=="))
            return f"{name} {verb} {literal(self.constant)}"
        if self.offset or self.base:
            return f"{name} {self._sum(rng, lang)}"
        constant = literal(self.constant)
        if self.field.kind == "date":
            word = rng.choice((self.op, _DATE_WORDS[lang][self.op]))
            if constant == today.isoformat() and rng.random() < 0.8:
                constant = "hôm nay" if lang == "vi" else "today"
            return f"{name} {word} {constant}"
        return f"{name} {rng.choice(_OP_WORDS[lang][self.op])} {constant}"

    def _sum(self, rng: random.Random, lang: str) -> str:
        """The operator and the right-hand side in words, as a sum."""
        days = self.field.kind == "date"
        size, later, vi = abs(self.offset), self.offset > 0, lang == "vi"
        if days and self.base is None and (self.op, later) in (("<=", True), (">=", False)) and rng.random() < 0.4:
            return rng.choice(_WITHIN[lang][later]).format(n=size)
        word = rng.choice((self.op, (_DATE_WORDS if days else _SUM_WORDS)[lang][self.op]))
        start = self.base.name if self.base else rng.choice(("today", "hôm nay") if vi else ("today",))
        if not size:
            return f"{word} {start}"
        if days and rng.random() < 0.4:
            return f"{word} {_DAYS[lang][later].format(n=size, start=start)}"
        unit = rng.choice(("", " ngày" if vi else " days")) if days else ""
        return f"{word} {start} {'+' if later else '-'} {size}{unit}"

    def draw(self, rng: random.Random, today: date, facts: Facts) -> Value:
        """A value for the field, often on the edge of the comparison."""
        right = self.right(facts)
        if self.field.kind == "int":
            return near(rng, int(right), self.field.high)
        if self.field.kind == "money":
            value = near(rng, int(float(right)), self.field.high)
            return round(value + rng.choice((0.5, 0.01, 0.99, 0.25)), 2) if rng.random() < 0.2 else value
        if self.field.kind == "date":
            shift = rng.choice((-40, -9, -2, -1, -1, 0, 0, 1, 1, 2, 9, 40))
            return shifted(str(right), shift)
        if self.field.kind == "enum" and rng.random() < 0.45:
            return self.constant
        return sample(rng, self.field, today)


@dataclass(frozen=True, slots=True)
class Condition:
    """One atom, or up to three joined by a formula over a, b, c; `name` is how the procedure calls the rule."""

    name: str
    atoms: tuple[Atom, ...]
    formula: str

    def holds(self, facts: Facts) -> bool:
        """Whether the whole condition is true of the facts."""
        a, b, c = (*(atom.holds(facts) for atom in self.atoms), False, False)[:3]
        return _FORMULAS[self.formula](a, b, c)

    def lines(self, facts: Facts) -> list[str]:
        """The thinking: every atom in order, then the rule if there is more than an atom to it."""
        lines = [atom.line(facts) for atom in self.atoms]
        if self.formula != "{a}":
            lines.append(f"rule {self.name}: {'yes' if self.holds(facts) else 'no'}")
        return lines

    def text(self, rng: random.Random, lang: str, today: date) -> str:
        """The condition in words."""
        worded = [atom.text(rng, lang, today) for atom in self.atoms]
        formula = self.formula
        if lang == "vi":
            formula = formula.replace(" and ", " và ").replace(" or ", " hoặc ").replace("not ", "không phải ")
        return formula.format(**dict(zip("abc", worded, strict=False)))


_FORMULAS: dict[str, Callable[[bool, bool, bool], bool]] = {
    "{a}": lambda a, b, c: a,
    "{a} and {b}": lambda a, b, c: a and b,
    "{a} or {b}": lambda a, b, c: a or b,
    "not ({a} and {b})": lambda a, b, c: not (a and b),
    "not ({a} or {b})": lambda a, b, c: not (a or b),
    "{a} and {b} and {c}": lambda a, b, c: a and b and c,
    "{a} or {b} or {c}": lambda a, b, c: a or b or c,
    "{a} and ({b} or {c})": lambda a, b, c: a and (b or c),
    "({a} or {b}) and {c}": lambda a, b, c: (a or b) and c,
    "({a} and {b}) or {c}": lambda a, b, c: (a and b) or c,
}
_BY_SIZE = {
    1: ["{a}"],
    2: ["{a} and {b}", "{a} and {b}", "{a} or {b}", "{a} or {b}", "not ({a} and {b})", "not ({a} or {b})"],
    3: [formula for formula in _FORMULAS if "{c}" in formula],
}


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule leads to: refuse, answer, or call a tool with some arguments fixed by the procedure."""

    kind: str
    tool: Tool | None = None
    constants: tuple[tuple[Field, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Procedure:
    """How one request is to be handled: what to ask, which tools to read, rules in order, what to do otherwise."""

    goal: Tool
    asks: tuple[Field, ...]
    readers: tuple[Tool, ...]
    rules: tuple[tuple[Condition, Action], ...]
    otherwise: Action

    def decide(self, facts: Facts) -> tuple[list[str], Condition | None, Action]:
        """The lines of thinking, the rule that fired and the action it demands."""
        lines: list[str] = []
        for condition, action in self.rules:
            lines += condition.lines(facts)
            if condition.holds(facts):
                return lines, condition, action
        return lines, None, self.otherwise

    def draw_facts(self, rng: random.Random, today: date) -> dict[str, Value]:
        """Facts for the fields its rules look at, such that each rule fires about equally often."""
        atoms = [atom for condition, _ in self.rules for atom in condition.atoms]
        target = rng.randrange(len(self.rules) + 1)
        wanted = self.rules[target][0] if target < len(self.rules) else None
        facts: dict[str, Value] = {}
        for _ in range(15):
            facts = {}
            for atom in rng.sample(atoms, len(atoms)):
                if atom.base:
                    facts.setdefault(atom.base.name, sample(rng, atom.base, today))
                facts.setdefault(atom.field.name, atom.draw(rng, today, facts))
            if self.decide(facts)[1] is wanted:
                break
        return facts


_RULE_NAMES = (
    "late", "early", "large", "small", "trusted", "risky", "eligible", "overdue_case", "special", "exempt", "strict",
    "manual", "fast_lane", "new_customer", "heavy", "limit", "window", "cheap", "costly", "frequent", "gap", "quota",
)  # fmt: skip


_DAYS_APART = (1, 2, 3, 5, 7, 7, 10, 14, 14, 14, 15, 20, 21, 28, 30, 30, 30, 45, 60, 90, 180, 365)


def _offset(rng: random.Random, days: bool) -> int:
    size = (rng.choice(_DAYS_APART) if rng.random() < 0.7 else rng.randint(1, 60)) if days else rng.randint(0, 40)
    return size if rng.random() < 0.6 else -size


def _atom(rng: random.Random, field: Field, today: date, others: list[Field]) -> Atom:
    if field.kind == "bool":
        return Atom(field, "==", rng.random() < 0.5)
    if field.kind == "enum":
        return Atom(field, rng.choice(("==", "==", "!=")), rng.choice(field.choices).constant)
    op = rng.choice(("<", "<=", ">", ">=", "<", "<=", ">", ">=", "=="))
    like = [other for other in others if other.kind == field.kind != "money" and other is not field]
    if like and rng.random() < (0.3 if field.kind == "date" else 0.15):
        return Atom(field, op, 0, _offset(rng, field.kind == "date"), rng.choice(like))
    if field.kind == "date" and rng.random() < 0.65:
        offset = _offset(rng, True)
        return Atom(field, op, shifted(today.isoformat(), offset), offset)
    if field.kind == "date":
        day = today if rng.random() < 0.5 else today + timedelta(days=rng.randint(-60, 60))
        return Atom(field, op, day.isoformat())
    constant = rng.randint(1, field.high)
    return Atom(field, op, round(constant, -1) if constant > 20 and rng.random() < 0.5 else constant)


def random_condition(rng: random.Random, fields: list[Field], today: date) -> Condition:
    """A condition of up to three atoms over the fields."""
    chosen = rng.sample(fields, min(len(fields), rng.choice((1, 1, 2, 2, 3))))
    dates = [field for field in fields if field.kind == "date" and field not in chosen]
    if dates and rng.random() < 0.55:
        chosen[rng.randrange(len(chosen))] = rng.choice(dates)
    atoms = tuple(_atom(rng, field, today, fields) for field in chosen)
    name = rng.choice(_RULE_NAMES) if rng.random() < 0.7 else pseudo_word(rng)
    return Condition(name, atoms, rng.choice(_BY_SIZE[len(atoms)]))


def _action(rng: random.Random, toolset: Toolset, goal: Tool, today: date) -> Action:
    roll = rng.random()
    if roll < 0.4:
        return Action("refuse")
    if roll < 0.5:
        return Action("answer")
    if roll < 0.65 and toolset.handoff:
        reason = toolset.handoff.required[0]
        return Action("call", toolset.handoff, ((reason, rng.choice(reason.choices).constant),))
    others = [tool for tool in toolset.servants if not tool.verb.reads]
    tool = rng.choice(others) if others and roll < 0.85 else goal
    fixable = [field for field in tool.params if field.kind in ("enum", "int", "bool")]
    fixed = tuple((field, sample(rng, field, today)) for field in fixable[:1] if rng.random() < 0.5)
    return Action("call", tool, fixed)


def random_procedure(rng: random.Random, toolset: Toolset, goal: Tool, readers: tuple[Tool, ...]) -> Procedure | None:
    """A procedure for `goal` over what `readers` return; None if they return nothing to decide on."""
    fields = [field for tool in readers for field in tool.returns if field.kind in DECIDABLE_KINDS]
    asked = [field for field in goal.required if field.kind in DECIDABLE_KINDS and field not in fields][:1]
    if rng.random() < 0.5:
        fields += asked
    if not fields:
        return None
    rules, names = [], set()
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        condition = random_condition(rng, fields, toolset.today)
        if condition.name not in names:
            names.add(condition.name)
            rules.append((condition, _action(rng, toolset, goal, toolset.today)))
    used = {field.name for condition, _ in rules for atom in condition.atoms for field in atom.fields}
    asks = tuple(field for field in asked if field.name in used)
    otherwise = Action("call", goal) if rng.random() < 0.8 else Action("refuse")
    return Procedure(goal, asks, readers, tuple(rules), otherwise)
