"""The words by which a world's slots are named in free text, per language.

A *slot* is a piece of information that passes between user, agent and world: an order id, a refund amount, a
pickup date, a decision. The scripted user recognises a question by a slot's `ask` words; the fact judge reads a
reply by its `role` words and, for closed values, by the phrases of each value. A world declares one lexicon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Literal, TypeAlias

from samescore.harness.fingerprint import fingerprint

Locale: TypeAlias = Literal["en", "vi"]
LOCALES: tuple[Locale, ...] = ("en", "vi")

Words: TypeAlias = Mapping[Locale, tuple[str, ...]]
_NONE: Words = MappingProxyType({})


def words(en: str, vi: str) -> Words:
    """Phrases per language, separated by semicolons: `words("parcel number; label number", "mã bưu kiện")`."""
    return {"en": tuple(map(str.strip, en.split(";"))), "vi": tuple(map(str.strip, vi.split(";")))}


class FactType(StrEnum):
    """What kind of value a slot holds, which decides how it is read in text."""

    MONEY = "money"  # an amount with a currency
    DATE = "date"  # a calendar day, ISO 8601 in data
    ID = "id"  # a code with a fixed pattern, such as RF-20931
    NUMBER = "number"  # a count or quantity, with a unit named by the role words
    CHOICE = "choice"  # one of a closed set of values, each with its phrases: a status, a decision, a reason
    TEXT = "text"  # anything else: a name, an email, a phone number; compared after normalising white space


@dataclass(frozen=True, slots=True)
class SlotWords:
    """How one slot appears in text.

    `ask` are noun phrases an agent uses to ask for it ("order number", "mã đơn hàng"). `role` are words that mark a
    value near them as this slot's ("refund", "hoàn"). `values` gives, for a choice, the phrases of each value; for
    other types it is empty. `pattern` is the regular expression of a whole id. `currency` is that of plain amounts.
    """

    name: str
    type: FactType
    ask: Words = field(default_factory=lambda: _NONE)
    role: Words = field(default_factory=lambda: _NONE)
    values: Mapping[str, Words] = field(default_factory=lambda: MappingProxyType({}))
    pattern: str | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Lexicon:
    """All slots of a world. `version` is raised by hand when a change may move a score."""

    version: int
    slots: Mapping[str, SlotWords]

    def __getitem__(self, slot: str) -> SlotWords:
        return self.slots[slot]

    @cached_property
    def fingerprint(self) -> str:
        """Changes with any word, so that two runs judged by different words are not compared unawares."""
        return fingerprint(
            {
                "version": self.version,
                "slots": {
                    name: {
                        "type": slot.type.value,
                        "ask": {k: list(v) for k, v in slot.ask.items()},
                        "role": {k: list(v) for k, v in slot.role.items()},
                        "values": {
                            value: {k: list(v) for k, v in words.items()} for value, words in slot.values.items()
                        },
                        "pattern": slot.pattern,
                        "currency": slot.currency,
                    }
                    for name, slot in self.slots.items()
                },
            }
        )
