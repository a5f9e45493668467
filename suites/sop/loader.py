"""Read an SOP file: YAML with line numbers into a checked `Sop`.

document (YAML with lines) ─ fields (types) ─ loader, steps ─▶ Sop ─ wiring (do its parts fit together?)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from samescore.harness.lexicon import Lexicon
from samescore.harness.tools import Toolset
from samescore.suites.sop import document, wiring
from samescore.suites.sop.document import Item, Problems
from samescore.suites.sop.fields import NAME, Fields
from samescore.suites.sop.model import CallStep, Fact, FactKind, Slot, Sop, SopStep
from samescore.suites.sop.steps import StepReader

_FACT_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_LITERAL, _DIGITS = r"[A-Za-z0-9_-]", r"\[0-9\](?:\{[1-9][0-9]*\})?"
_PATTERN = re.compile(rf"{_LITERAL}*{_DIGITS}(?:{_LITERAL}|{_DIGITS})*")
_ADDED = ("given", "known", "faults")
_RESERVED = ("and", "or", "not", "true", "false")
_DOMAINS: Mapping[FactKind, set[str]] = {
    FactKind.BOOL: set(),
    FactKind.INT: {"min", "max"},
    FactKind.MONEY: {"min", "max"},
    FactKind.DATE: {"min", "max"},
    FactKind.ENUM: {"values"},
    FactKind.ID: {"pattern"},
    FactKind.TEXT: {"pool"},
}


def load(path: Path, toolset: Toolset | None = None, lexicon: Lexicon | None = None) -> Sop:
    """Read and check an SOP file; with a toolset its tools and arguments too, with a lexicon its slots too.

    Raises:
        SopError: the file is wrong; one line per mistake, each starting with `file:line:`.
    """
    root = document.read(path)
    problems = Problems(path)
    sop, broken = _sop(root, Fields(problems))
    wiring.check(sop, broken, problems, toolset, lexicon)
    problems.raise_any()
    return sop


def _sop(root: Item, fields: Fields) -> tuple[Sop, list[str]]:
    """The SOP without the steps that have a mistake, and their ids."""
    required = {"sop", "version", "world", "title", "purpose", "facts", "steps"}
    head = fields.keys(root, "the SOP", required, {"slots", "rules", "may", "never", "confidential"})
    if not required <= head.keys():
        fields.problems.raise_any()
    facts = fields.named(head["facts"], "facts", lambda name, item: _fact(name, item, fields))
    if "today" not in facts or facts["today"].kind != FactKind.DATE:
        fields.problems.add(
            head["facts"].line,
            "expected the fact `today`, of type date: the frozen clock. Declare it with min and max.",
        )
    slots = fields.named(head.get("slots"), "slots", lambda name, item: _slot(name, item, facts, fields))
    # With a fact missing, every condition on it would be wrong as well.
    fields.problems.raise_any()
    reader = StepReader(fields, facts)
    steps = reader.steps(head["steps"])
    facts = facts | _added_facts(slots.values(), steps.values())
    rules = [
        reader.condition(item, f"rule {number}", facts)
        for number, item in enumerate(fields.items(head.get("rules"), "rules"), start=1)
    ]
    sop = Sop(
        name=fields.name(head["sop"], "sop"),
        version=fields.whole(head["version"], "version", 1),
        world=fields.text(head["world"], "world"),
        title=fields.per_locale(head["title"], "title", fields.text),
        purpose=fields.per_locale(head["purpose"], "purpose", fields.text),
        slots=slots,
        facts=facts,
        rules=tuple(rule for rule in rules if rule is not None),
        steps=steps,
        may=fields.texts(head.get("may"), "may"),
        never=fields.texts(head.get("never"), "never"),
        confidential=fields.texts(head.get("confidential"), "confidential"),
        path=fields.problems.path,
        phrases=fields.problems.path.with_suffix(".phrases.yaml"),
    )
    return sop, reader.broken


def _fact(name: str, item: Item, fields: Fields) -> Fact | None:
    what = f"fact {name!r}"
    if not _FACT_NAME.fullmatch(name) or name.split(".")[0] in _ADDED or name in _RESERVED:
        taken = f"{', '.join((*_ADDED, *_RESERVED))} are the language's own"
        fields.problems.add(item.line, f"{what}: expected a name such as `order.status`; {taken}. Rename the fact.")
        return None
    kinds = {kind.value: kind for kind in FactKind}
    type_item = item.value.get("type") if isinstance(item.value, dict) else None
    if type_item is None:
        fields.expected(item, what, f"a mapping with a `type` of {', '.join(kinds)}")
        return None
    before = len(fields.problems)
    kind = fields.one_of(type_item, f"{what}: type", kinds)
    if len(fields.problems) > before:
        return None
    keys = fields.keys(item, what, {"type"} | _DOMAINS[kind], set())
    if not _DOMAINS[kind] <= keys.keys():
        return None
    match kind:
        case FactKind.BOOL:
            return Fact(name, kind, item.line)
        case FactKind.TEXT:
            return Fact(name, kind, item.line, pool=fields.text(keys["pool"], f"{what}: pool"))
        case FactKind.ID:
            return _id(name, keys["pattern"], item.line, fields)
        case FactKind.ENUM:
            values = fields.texts(keys["values"], f"{what}: values")
            if len(values) < 2:
                fields.expected(keys["values"], f"{what}: values", "two values or more")
            return Fact(name, kind, item.line, values=values)
    bound = fields.day if kind == FactKind.DATE else fields.whole
    low, high = bound(keys["min"], f"{what}: min"), bound(keys["max"], f"{what}: max")
    if low > high:
        fields.problems.add(item.line, f"{what}: min is greater than max. Exchange them.")
    return Fact(name, kind, item.line, low=low, high=high)


def _id(name: str, item: Item, line: int, fields: Fields) -> Fact:
    what = f"fact {name!r}: pattern"
    pattern = fields.text(item, what)
    if pattern and not _PATTERN.fullmatch(pattern):
        fields.expected(item, what, "letters, digits, `-`, `_` and groups like `[0-9]{5}`, at least one of them")
    return Fact(name, FactKind.ID, line, pattern=pattern)


def _slot(name: str, item: Item, facts: Mapping[str, Fact], fields: Fields) -> Slot | None:
    what = f"slot {name!r}"
    if not NAME.fullmatch(name):
        fields.problems.add(item.line, f"{what}: expected a name of letters, digits and `_`. Rename the slot.")
    required = {"fact", "given", "phrase"}
    keys = fields.keys(item, what, required, {"known"})
    if not required <= keys.keys():
        return None
    fact = fields.text(keys["fact"], f"{what}: fact")
    if fact and fact not in facts:
        fields.problems.unknown(keys["fact"].line, f"{what}: unknown fact", fact, facts)
    known = keys.get("known", Item("always", item.line))
    return Slot(
        name=name,
        fact=fact,
        phrase=fields.per_locale(keys["phrase"], f"{what}: phrase", fields.text),
        given=fields.one_of(keys["given"], f"{what}: given", {"always": "always", "maybe": "maybe", "never": "never"}),
        known=fields.one_of(known, f"{what}: known", {"always": "always", "maybe": "maybe"}),
        line=item.line,
    )


def _added_facts(slots: Iterable[Slot], steps: Iterable[SopStep]) -> dict[str, Fact]:
    """The facts that the language adds: what is in the opening, what the user knows, how often calls fail."""
    slots = list(slots)
    added = [Fact(f"given.{slot.name}", FactKind.BOOL, slot.line) for slot in slots if slot.given == "maybe"]
    added += [Fact(f"known.{slot.name}", FactKind.BOOL, slot.line) for slot in slots if slot.known == "maybe"]
    added += [
        Fact(f"faults.{step.id}", FactKind.INT, step.line, low=0, high=step.retry + 1)
        for step in steps
        if isinstance(step, CallStep) and step.retry is not None
    ]
    return {fact.name: fact for fact in added}
