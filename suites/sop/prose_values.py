"""Where values come from, in words: the user, an earlier result, an error, or the procedure itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from samescore.harness.lexicon import Locale
from samescore.harness.strictjson import write
from samescore.suites.sop.model import CallStep, Sop
from samescore.suites.sop.prose_words import WORDS, ProseWords
from samescore.suites.sop.references import ERROR, SIGN, is_reference, split


def code(text: str) -> str:
    """A name or value as tools use it."""
    return f"`{text}`"


@dataclass(frozen=True)
class Sources:
    """Values of one procedure. `numbers` gives the number that a step stands under."""

    sop: Sop
    locale: Locale
    numbers: Mapping[str, int]

    @property
    def words(self) -> ProseWords:
        """The language's sentences."""
        return WORDS[self.locale]

    def named(self, arguments: Mapping[str, Any]) -> str:
        """Arguments with their values."""
        return self.words.list(
            self.words.argument.format(name=code(name), value=self.value(value)) for name, value in arguments.items()
        )

    def value(self, value: Any) -> str:
        """A value as it is written in an SOP: a literal, a reference, or an object or list of them."""
        if is_reference(value):
            return self._reference(value)
        if isinstance(value, Mapping) and value:
            entries = (f"{code(name)}: {self.value(entry)}" for name, entry in value.items())
            return self.words.object.format(entries=", ".join(entries))
        if isinstance(value, list | tuple) and value:
            return self.words.array.format(entries=", ".join(map(self.value, value)))
        return code(value if isinstance(value, str) else write(value))

    def fact(self, name: str) -> str:
        """A fact as a decision names it: what the user told, or a result's field, with its tool if two have it."""
        if name == "today":
            return self.words.today
        for slot in self.sop.slots.values():
            if slot.fact == name:
                return self.words.told.format(name=code(slot.name))
        field = code(name.rsplit(".", 1)[-1])
        if len(self._facts_of_field.get(field, ())) < 2:
            return field
        tool = next((step.tool for step in self._calls if name in step.reveals), None)
        return field if tool is None else self.words.of_tool.format(field=field, tool=code(tool))

    @property
    def _calls(self) -> list[CallStep]:
        return [step for step in self.sop.steps.values() if isinstance(step, CallStep)]

    @cached_property
    def _facts_of_field(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for step in self._calls:
            for name in step.reveals:
                found.setdefault(code(name.rsplit(".", 1)[-1]), set()).add(name)
        return found

    def _reference(self, reference: str) -> str:
        head, fields = split(reference, self.sop.calls)
        if not fields and head in self.sop.slots:
            return self.words.told.format(name=code(head))
        if head == ERROR:
            return self.words.of_error.format(field=field_path(fields))
        step = self.sop.steps.get(head)
        if not isinstance(step, CallStep):
            return self.fact(reference.removeprefix(SIGN))
        field, number = field_path(fields), self.numbers[head]
        if sum(self.numbers[call.id] == number for call in self._calls) > 1:
            return self.words.of_call.format(field=field, tool=code(step.tool), step=number)
        return self.words.of_step.format(field=field, step=number)


def field_path(fields: Sequence[str]) -> str:
    """Where a value lies in a result: `incident.fix_by`, `engineers[0]`."""
    return code("".join(f"[{one}]" if one.isdecimal() else f".{one}" for one in fields).removeprefix("."))
