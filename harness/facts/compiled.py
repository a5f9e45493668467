"""A lexicon's words compiled once, kept for as long as the lexicon is in use."""

from __future__ import annotations

import re

from samescore.harness.facts.phrases import PhraseBook, Words
from samescore.harness.facts.roles import Slots, role_words
from samescore.harness.facts.text import normalise_phrase
from samescore.harness.facts.values import Mention
from samescore.harness.lexicon import FactType, Lexicon, Locale, SlotWords

_KEPT = 32
_KEPT_VALUES = 10_000


class CompiledLexicon:
    """Phrase books and id patterns of a lexicon, each made when first needed."""

    __slots__ = ("_alone", "_asks", "_choices", "_ids", "_roles", "lexicon")

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._roles: dict[tuple[FactType, Locale], PhraseBook[Slots]] = {}
        self._choices: dict[tuple[str, Locale], PhraseBook[str]] = {}
        self._ids: dict[str, re.Pattern[str] | None] = {}
        self._asks: dict[Locale, PhraseBook[Slots]] = {}
        self._alone: dict[tuple[str, str], bool] = {}

    def roles(self, kind: FactType, locale: Locale) -> PhraseBook[Slots]:
        """Role words of all slots of a type."""
        if (kind, locale) not in self._roles:
            self._roles[kind, locale] = PhraseBook(role_words(self.lexicon, kind, locale))
        return self._roles[kind, locale]

    def asks(self, locale: Locale) -> PhraseBook[Slots]:
        """The phrases by which slots are asked for."""
        if locale not in self._asks:
            owners: dict[str, Slots] = {}
            for name, slot in self.lexicon.slots.items():
                for phrase in slot.ask.get(locale, ()):
                    for form in _numbers_of(normalise_phrase(phrase), locale):
                        owners[form] = (*owners.get(form, ()), name)
            self._asks[locale] = PhraseBook(owners.items())
        return self._asks[locale]

    def id_pattern(self, slot: SlotWords) -> re.Pattern[str] | None:
        """A slot's id pattern, blind to case; None where the slot has none."""
        if slot.name not in self._ids:
            self._ids[slot.name] = re.compile(slot.pattern, re.IGNORECASE | re.ASCII) if slot.pattern else None
        return self._ids[slot.name]

    @property
    def id_patterns(self) -> list[re.Pattern[str]]:
        """Every id pattern of the lexicon."""
        return [pattern for slot in self.lexicon.slots.values() if (pattern := self.id_pattern(slot))]

    def read_choices(self, words: Words, slot: SlotWords, locale: Locale) -> list[Mention]:
        """Phrases of a choice's values, the longest of those that start at one word."""
        if (slot.name, locale) not in self._choices:
            self._choices[slot.name, locale] = PhraseBook(
                (normalise_phrase(phrase), value) for value, by in slot.values.items() for phrase in by.get(locale, ())
            )
        return [Mention(hit.start, hit.end, (hit.payload,)) for hit in self._choices[slot.name, locale].find(words)]

    def alone(self, slot: SlotWords, value: str) -> bool:
        """Whether a value's form alone tells its slot: an id no other pattern matches, a phrase no other choice has."""
        key = (slot.name, value)
        if key not in self._alone:
            if len(self._alone) > _KEPT_VALUES:
                self._alone.clear()
            self._alone[key] = self._tells_slot(slot, value)
        return self._alone[key]

    def _tells_slot(self, slot: SlotWords, value: str) -> bool:
        others = [other for other in self.lexicon.slots.values() if other.type is slot.type and other.name != slot.name]
        if slot.type is FactType.ID:
            return not any((pattern := self.id_pattern(other)) and pattern.fullmatch(value) for other in others)
        if slot.type is FactType.CHOICE:
            return not any(_phrases(slot) & _phrases(other) for other in others)
        return slot.type is FactType.TEXT


def _phrases(slot: SlotWords) -> set[str]:
    return {normalise_phrase(p) for words in slot.values.values() for phrases in words.values() for p in phrases}


def _numbers_of(noun: str, locale: Locale) -> tuple[str, ...]:
    """A noun phrase in singular and, in English, plural."""
    return (noun, f"{noun}s", f"{noun}es") if locale == "en" else (noun,)


# A lexicon holds mappings and has no hash, so it is known by identity; the entry keeps it alive, so that no other
# object can come to have its identity.
_cache: dict[int, CompiledLexicon] = {}


def compiled(lexicon: Lexicon) -> CompiledLexicon:
    """The compiled form of a lexicon."""
    entry = _cache.get(id(lexicon))
    if entry is None:
        while len(_cache) >= _KEPT:
            _cache.pop(next(iter(_cache)), None)
        entry = _cache[id(lexicon)] = CompiledLexicon(lexicon)
    return entry
