"""Read an SOP file: YAML with line numbers into a checked `Sop`. How its parts fit together, `wiring` checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from samescore.harness.case import Ending
from samescore.harness.errors import SopError
from samescore.harness.lexicon import LOCALES, Lexicon, Locale
from samescore.harness.tools import Toolset
from samescore.suites.sop import document, wiring
from samescore.suites.sop.document import Item, Problems
from samescore.suites.sop.expression import Condition
from samescore.suites.sop.model import (
    Arm,
    Ask,
    CallStep,
    Decide,
    Fact,
    FactKind,
    Reply,
    Slot,
    Sop,
    SopStep,
    Texts,
)
from samescore.suites.sop.parser import parse

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_FACT = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_PATTERN = re.compile(r"(?:[A-Za-z0-9_-]|\[0-9\](?:\{[1-9][0-9]*\})?)*\[0-9\](?:[A-Za-z0-9_-]|\[0-9\]|\{[1-9][0-9]*\})*")
_ADDED = ("given", "known", "faults")

_HEAD = {"sop", "version", "world", "title", "purpose", "facts", "steps"}
_DOMAINS: Mapping[FactKind, set[str]] = {
    FactKind.BOOL: set(),
    FactKind.INT: {"min", "max"},
    FactKind.MONEY: {"min", "max"},
    FactKind.DATE: {"min", "max"},
    FactKind.ENUM: {"values"},
    FactKind.ID: {"pattern"},
    FactKind.TEXT: {"pool"},
}
_CALL_KEYS = {"with", "optional", "guards", "retry", "on_fault"}
_REPLY_KEYS = {"states", "unwanted"}
_T = TypeVar("_T")


def load(path: Path, toolset: Toolset | None = None, lexicon: Lexicon | None = None) -> Sop:
    """Read and check an SOP file; with a toolset its tools and arguments too, with a lexicon its slots too.

    Raises:
        SopError: the file is wrong; one line per mistake, each starting with `file:line:`.
    """
    root = document.read(path)
    problems = Problems(path)
    reader = _Reader(problems)
    sop = reader.sop(root)
    wiring.check(sop, frozenset(reader.broken), problems, toolset, lexicon)
    problems.raise_any()
    return sop


class _Reader:
    """Turns items into the model, noting what is wrong; a part that is wrong is left out, and a step's id kept in `broken`."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self.broken: set[str] = set()

    def sop(self, root: Item) -> Sop:
        if not isinstance(root.value, dict):
            self._problems.add(root.line, f"expected an SOP with `sop:`, `facts:` and `steps:`, found {root}.")
            self._problems.raise_any()
        head = self._keys(root, "the SOP", _HEAD, {"slots", "rules", "may", "never"})
        self._problems.raise_any()
        title = self._per_locale(head["title"], "title", self._text)
        purpose = self._per_locale(head["purpose"], "purpose", self._text)
        facts = self._named(head["facts"], "fact", self._fact, _FACT)
        if "today" not in facts or facts["today"].kind != FactKind.DATE:
            self._problems.add(
                head["facts"].line, "expected the fact `today`, of type date: the frozen clock. Declare it with min and max."
            )
        slots = self._named(head.get("slots"), "slot", lambda name, item: self._slot(name, item, facts), _NAME)
        # Conditions of broken facts would only repeat what is wrong.
        self._problems.raise_any()
        declared = dict(facts)
        steps = self._steps(head["steps"], declared)
        facts |= _added_facts(slots, steps)
        rules = [
            self._condition(item, facts, f"rule {number}")
            for number, item in enumerate(self._list(head.get("rules"), "rules"), start=1)
        ]
        return Sop(
            name=self._text(head["sop"], "sop"),
            version=self._whole(head["version"], "version", 1),
            world=self._text(head["world"], "world"),
            title=title,
            purpose=purpose,
            slots=slots,
            facts=facts,
            rules=tuple(rule for rule in rules if rule is not None),
            steps=steps,
            may=self._names(head.get("may"), "may"),
            never=self._names(head.get("never"), "never"),
            path=self._problems.path,
            phrases=self._problems.path.with_suffix(".phrases.yaml"),
        )

    def _fact(self, name: str, item: Item) -> Fact | None:
        what = f"fact {name!r}"
        if name.split(".")[0] in _ADDED or name in ("and", "or", "not", "true", "false"):
            self._problems.add(item.line, f"{what}: the language keeps this name for itself. Rename the fact.")
            return None
        kinds = [kind.value for kind in FactKind]
        kind_item = item.value.get("type") if isinstance(item.value, dict) else None
        if kind_item is None or kind_item.value not in kinds:
            found = kind_item or item
            self._problems.add(item.line, f"{what}: expected a `type` of {', '.join(kinds)}; found {found}. Write one of them.")
            return None
        kind = FactKind(str(kind_item.value))
        keys = self._keys(item, what, {"type"} | _DOMAINS[kind], set())
        if keys.keys() != {"type"} | _DOMAINS[kind]:
            return None
        match kind:
            case FactKind.BOOL:
                return Fact(name, kind, item.line)
            case FactKind.ENUM:
                values = self._names(keys["values"], f"{what}: values")
                if len(set(values)) != len(values) or len(values) < 2:
                    self._problems.add(item.line, f"{what}: expected two or more different values, found {list(values)}.")
                return Fact(name, kind, item.line, values=values)
            case FactKind.ID:
                return Fact(name, kind, item.line, pattern=self._pattern(keys["pattern"], what))
            case FactKind.TEXT:
                return Fact(name, kind, item.line, pool=self._text(keys["pool"], f"{what}: pool"))
        bound = self._day if kind == FactKind.DATE else self._whole
        low, high = bound(keys["min"], f"{what}: min"), bound(keys["max"], f"{what}: max")
        if low > high:
            self._problems.add(item.line, f"{what}: min is greater than max. Exchange them.")
        return Fact(name, kind, item.line, low=low, high=high)

    def _slot(self, name: str, item: Item, facts: Mapping[str, Fact]) -> Slot | None:
        what = f"slot {name!r}"
        keys = self._keys(item, what, {"fact", "given", "phrase"}, {"known"})
        if not {"fact", "given", "phrase"} <= keys.keys():
            return None
        fact = self._text(keys["fact"], f"{what}: fact")
        if fact not in facts:
            self._problems.unknown(keys["fact"].line, f"{what}: unknown fact", fact, facts)
        return Slot(
            name=name,
            fact=fact,
            phrase=self._per_locale(keys["phrase"], f"{what}: phrase", self._text),
            given=self._one_of(keys["given"], f"{what}: given", {"always": "always", "maybe": "maybe", "never": "never"}),
            known=self._one_of(keys.get("known"), f"{what}: known", {"always": "always", "maybe": "maybe"}),
            line=item.line,
        )

    def _steps(self, item: Item, facts: Mapping[str, Fact]) -> dict[str, SopStep]:
        if not isinstance(item.value, dict) or not item.value:
            self._problems.add(item.line, f"steps: expected a mapping of one step or more, found {item}.")
            return {}
        names = list(item.value)
        steps: dict[str, SopStep] = {}
        for index, (name, body) in enumerate(item.value.items()):
            following = names[index + 1] if index + 1 < len(names) else None
            before = len(self._problems)
            if not _NAME.fullmatch(name):
                self._problems.add(body.line, f"step {name!r}: expected a name of letters, digits and `_`. Rename the step.")
            read = self._step(name, body, facts, following)
            if len(self._problems) > before:
                self.broken |= {name, f"{name}.reply"}
            else:
                steps |= {step.id: step for step in read}
        return steps

    def _step(
        self, name: str, item: Item, facts: Mapping[str, Fact], following: str | None
    ) -> tuple[SopStep, ...]:
        what = f"step {name!r}"
        kinds = [k for k in ("ask", "call", "decide", "reply", "escalate") if isinstance(item.value, dict) and k in item.value]
        if len(kinds) != 1:
            found = " and ".join(f"`{kind}`" for kind in kinds) or "none of them"
            self._problems.add(
                item.line, f"{what}: expected exactly one of `ask`, `call`, `decide`, `reply` and `escalate`; found {found}."
            )
            return ()
        match kinds[0]:
            case "ask":
                keys = self._keys(item, what, {"ask", "text"}, {"unknown", "next"})
                return (
                    Ask(
                        id=name,
                        line=item.line,
                        slots=self._names(keys["ask"], f"{what}: ask"),
                        text=self._texts(keys.get("text"), item.line, what),
                        next=self._next(keys.get("next"), what, item.line, following),
                        unknown=self._optional(keys.get("unknown"), f"{what}: unknown"),
                    ),
                )
            case "call":
                keys = self._keys(item, what, {"call"}, _CALL_KEYS | {"reveals", "next"})
                return (self._call(name, item, "call", keys, self._next(keys.get("next"), what, item.line, following)),)
            case "decide":
                keys = self._keys(item, what, {"decide"}, set())
                return (Decide(name, item.line, self._arms(keys["decide"], what, facts)),)
            case "reply":
                keys = self._keys(item, what, {"reply", "text"}, _REPLY_KEYS)
                endings = {ending.value: ending for ending in Ending}
                return (self._reply(name, item, keys, what, self._one_of(keys["reply"], f"{what}: reply", endings)),)
        keys = self._keys(item, what, {"escalate", "text"}, _CALL_KEYS | _REPLY_KEYS)
        reply = self._reply(f"{name}.reply", item, keys, what, Ending.ANSWER)
        return (self._call(name, item, "escalate", keys, reply.id), reply)
