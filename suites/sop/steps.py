"""Read the steps of an SOP file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from samescore.harness.case import Ending
from samescore.harness.errors import SopError
from samescore.harness.facts import uses
from samescore.suites.sop.document import Item
from samescore.suites.sop.expression import Condition
from samescore.suites.sop.fields import NAME, Fields
from samescore.suites.sop.model import Arm, Ask, CallStep, Decide, Fact, Reply, SopStep, Wait
from samescore.suites.sop.parser import parse

_KINDS = ("ask", "call", "calls", "decide", "reply", "escalate")
_CALL_KEYS = {"with", "optional", "guards", "retry", "wait", "on_fault"}
_REPLY_KEYS = {"states", "unwanted", "terms"}
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_ENDINGS: Mapping[str, Ending] = {ending.value: ending for ending in Ending}


class StepReader:
    """Reads steps one after the other; the ids of those with a mistake are kept in `broken`.

    `_groups` are the calls of each `calls:` step, by its name: other steps lead to the first of them.
    """

    def __init__(self, fields: Fields, facts: Mapping[str, Fact]) -> None:
        self._fields = fields
        self._facts = facts
        self.broken: list[str] = []
        self._groups: dict[str, tuple[str, ...]] = {}

    def steps(self, item: Item) -> dict[str, SopStep]:
        """All steps that can be read, in the order of the file; an `escalate:` becomes two, a `calls:` its calls."""
        if not isinstance(item.value, dict) or not item.value:
            self._fields.expected(item, "steps", "a mapping of one step or more")
            return {}
        names = list(item.value)
        steps: dict[str, SopStep] = {}
        for (name, body), following in zip(item.value.items(), [*names[1:], None], strict=True):
            before = len(self._fields.problems)
            if not NAME.fullmatch(name):
                self._fields.problems.add(
                    body.line, f"step {name!r}: expected a name of letters, digits and `_`. Rename the step."
                )
            read = self._step(name, body, following)
            if len(self._fields.problems) > before:
                self.broken.append(name)
                self._groups.pop(name, None)  # other steps lead to it by its name, which is known
            else:
                steps |= {step.id: step for step in read}
        return {name: self._led(step) for name, step in steps.items()} if self._groups else steps

    def condition(self, item: Item, what: str, facts: Mapping[str, Fact]) -> Condition | None:
        """A condition, or None where it is wrong. `true` and `false` alone are none."""
        text = self._fields.text(item, what)
        try:
            path = self._fields.problems.path
            return parse(text, facts, f"{path}:{item.line}: {what}", item.line) if text else None
        except SopError as error:
            self._fields.problems.include(item.line, error)
            return None

    def _step(self, name: str, item: Item, following: str | None) -> tuple[SopStep, ...]:
        what = f"step {name!r}"
        kinds = [kind for kind in _KINDS if isinstance(item.value, dict) and kind in item.value]
        if len(kinds) != 1:
            found = " and ".join(f"`{kind}`" for kind in kinds) or "none of them"
            self._fields.problems.add(
                item.line,
                f"{what}: expected exactly one of {', '.join(_KINDS)}; found {found}. Split the step in two.",
            )
            return ()
        match kinds[0]:
            case "ask":
                return self._ask(name, item, following)
            case "calls":
                keys = self._fields.keys(item, what, {"calls"}, {"next"})
                return self._together(name, keys["calls"], self._next(item, what, following))
            case "call":
                keys = self._fields.keys(item, what, {"call"}, _CALL_KEYS | {"reveals", "next"})
                return (self._call(name, item.line, keys, keys["call"], self._next(item, what, following)),)
            case "decide":
                keys = self._fields.keys(item, what, {"decide"}, set())
                return (Decide(name, item.line, self._arms(keys["decide"], what)),)
            case "reply":
                keys = self._fields.keys(item, what, {"reply", "text"}, _REPLY_KEYS)
                ending = self._fields.one_of(keys["reply"], f"{what}: reply", _ENDINGS)
                return self._reply(name, what, item.line, keys, ending)
        keys = self._fields.keys(item, what, {"escalate", "text"}, _CALL_KEYS | _REPLY_KEYS)
        call = self._call(name, item.line, keys, keys["escalate"], f"{name}.reply")
        return (call, *self._reply(f"{name}.reply", what, item.line, keys, Ending.ANSWER))

    def _next(self, item: Item, what: str, following: str | None) -> str:
        entry = item.value.get("next") if isinstance(item.value, dict) else None
        if entry is not None:
            return self._fields.text(entry, f"{what}: next")
        if following is None:
            self._fields.problems.add(
                item.line,
                f"{what}: the last step must be a reply or say where it leads. Add `next:` or a step below.",
            )
        return following or ""

    def _ask(self, name: str, item: Item, following: str | None) -> tuple[SopStep, ...]:
        what = f"step {name!r}"
        keys = self._fields.keys(item, what, {"ask", "text"}, {"unknown", "next"})
        if "text" not in keys:
            return ()
        slots = self._fields.texts(keys["ask"], f"{what}: ask")
        text = self._fields.variants(keys["text"], f"{what}: text")
        if not slots:
            self._fields.expected(keys["ask"], f"{what}: ask", "a list of one slot or more")
        silent = [variant for variants in text.values() for variant in variants if "{slots}" not in variant]
        if len(slots) > 1 and silent:
            self._fields.problems.add(
                keys["text"].line,
                f"{what}: text {silent[0]!r} has no {{slots}}; the step may ask for one of several. Add it.",
            )
        unknown = self._fields.optional_text(keys.get("unknown"), f"{what}: unknown")
        return (Ask(name, item.line, slots, text, self._next(item, what, following), unknown),)

    def _together(self, name: str, item: Item, following: str) -> tuple[SopStep, ...]:
        """The calls of one turn, one after the other."""
        what = f"step {name!r}: calls"
        if not isinstance(item.value, dict) or len(item.value) < 2:
            self._fields.expected(item, what, "a mapping of two named calls or more")
            return ()
        ids = tuple(f"{name}.{part}" for part in item.value)
        self._groups[name] = ids
        calls = []
        for at, (part, body) in enumerate(item.value.items()):
            keys = self._fields.keys(
                body, f"step {name!r}: {part}", {"call"}, {"with", "optional", "guards", "reveals"}
            )
            if not NAME.fullmatch(part):
                self._fields.expected(body, f"{what}: the name {part!r}", "letters, digits and `_`")
            if "call" in keys:
                after = ids[at + 1] if at + 1 < len(ids) else following
                calls.append(replace(self._call(ids[at], body.line, keys, keys["call"], after), beside=ids[:at]))
        return tuple(calls)

    def _led(self, step: SopStep) -> SopStep:
        """The step with the names of `calls:` steps replaced by those of their calls."""

        def first(name: str) -> str:
            return self._groups[name][0] if name in self._groups else name

        def first_or_none(name: str | None) -> str | None:
            return None if name is None else first(name)

        match step:
            case Ask():
                return replace(step, next=first(step.next), unknown=first_or_none(step.unknown))
            case CallStep():
                guards = step.guards
                if guards is not None:
                    guards = tuple(call for guard in guards for call in self._groups.get(guard, (guard,)))
                return replace(step, next=first(step.next), on_fault=first_or_none(step.on_fault), guards=guards)
            case Decide():
                return replace(step, arms=tuple(replace(arm, then=first(arm.then)) for arm in step.arms))
            case Reply():
                return step

    def _call(self, name: str, line: int, keys: Mapping[str, Item], tool: Item, following: str) -> CallStep:
        what = f"step {name!r}"
        retry, on_fault, guards, wait = (keys.get(key) for key in ("retry", "on_fault", "guards", "wait"))
        if (retry is None) != (on_fault is None):
            have, lack = ("retry", "on_fault") if on_fault is None else ("on_fault", "retry")
            self._fields.problems.add(line, f"{what}: `{have}` goes with `{lack}`, which is missing. Add `{lack}:`.")
        if wait is not None and retry is None:
            self._fields.problems.add(line, f"{what}: `wait` goes with `retry`, which is missing. Add `retry:`.")
        arguments, optional = self._values(keys.get("with"), what), self._values(keys.get("optional"), what)
        for twice in sorted(arguments.keys() & optional.keys()):
            self._fields.problems.add(line, f"{what}: {twice!r} is under `with` and under `optional`. Remove one.")
        return CallStep(
            id=name,
            line=line,
            tool=self._fields.text(tool, f"{what}: tool"),
            arguments=arguments,
            next=following,
            optional=optional,
            reveals=self._fields.texts(keys.get("reveals"), f"{what}: reveals"),
            retry=None if retry is None else self._fields.whole(retry, f"{what}: retry", 0),
            on_fault=self._fields.optional_text(on_fault, f"{what}: on_fault"),
            guards=None if guards is None else self._fields.texts(guards, f"{what}: guards"),
            wait=None if wait is None else self._wait(wait, f"{what}: wait"),
        )

    def _wait(self, item: Item, what: str) -> Wait | None:
        keys = self._fields.keys(item, what, {"call"}, {"with"})
        if "call" not in keys:
            return None
        return Wait(self._fields.text(keys["call"], f"{what}: tool"), self._values(keys.get("with"), what))

    def _reply(self, name: str, what: str, line: int, keys: Mapping[str, Item], ending: Ending) -> tuple[SopStep, ...]:
        if "text" not in keys:
            return ()
        return (
            Reply(
                id=name,
                line=line,
                ending=ending,
                text=self._fields.variants(keys["text"], f"{what}: text"),
                states=self._values(keys.get("states"), what),
                unwanted=self._values(keys.get("unwanted"), what),
                terms=self._terms(keys, what),
            ),
        )

    def _terms(self, keys: Mapping[str, Item], what: str) -> tuple[str, ...]:
        """House words. Every variant of the text uses each, or the gold turns would break the house's own rule."""
        terms = self._fields.texts(keys.get("terms"), f"{what}: terms")
        for variants in self._fields.variants(keys["text"], f"{what}: text").values() if terms else ():
            for text, term in ((text, term) for text in variants for term in terms):
                if not uses(_PLACEHOLDER.sub("", text), term):
                    self._fields.problems.add(
                        keys["text"].line, f"{what}: text {text!r} lacks the house word {term!r} of `terms`. Use it."
                    )
        return terms

    def _values(self, item: Item | None, what: str) -> dict[str, Any]:
        if item is None:
            return {}
        if not isinstance(item.value, dict):
            self._fields.expected(item, what, "a mapping of names to values")
            return {}
        return {name: entry.plain() for name, entry in item.value.items()}

    def _arms(self, item: Item, what: str) -> tuple[Arm, ...]:
        arms: list[Arm] = []
        entries = self._fields.items(item, f"{what}: decide")
        if len(entries) < 2:
            self._fields.expected(item, f"{what}: decide", "a list of two arms or more")
        for number, entry in enumerate(entries, start=1):
            is_else = isinstance(entry.value, dict) and "else" in entry.value
            where = f"{what}, arm {number}"
            keys = self._fields.keys(entry, where, {"name", "else"} if is_else else {"name", "when", "then"}, set())
            if is_else and number < len(entries):
                self._fields.problems.add(entry.line, f"{where}: `else` must be the last arm. Move it to the end.")
            if len(keys) < (2 if is_else else 3):
                continue
            name = self._fields.name(keys["name"], f"{where}: name")
            then = self._fields.text(keys["else" if is_else else "then"], where)
            if any(arm.name == name for arm in arms):
                self._fields.problems.add(entry.line, f"{where}: the name {name!r} is taken. Rename the arm.")
            condition = None if is_else else self.condition(keys["when"], what, self._facts)
            arms.append(Arm(name, condition, then, entry.line))
        return tuple(arms)
