"""A lexicon's words compiled once, kept for as long as the lexicon is in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from samescore.harness.facts.roles import RoleWords, alternation, compile_roles
from samescore.harness.facts.text import normalise_phrase
from samescore.harness.facts.values import EMAIL, Mention
from samescore.harness.lexicon import FactType, Lexicon, Locale, SlotWords

_KEPT = 32


@dataclass(slots=True)
class CompiledLexicon:
    """Regular expressions of a lexicon, each compiled when first needed."""

    lexicon: Lexicon
    _roles: dict[tuple[FactType, Locale], RoleWords] = field(default_factory=dict)
    _choices: dict[tuple[str, Locale], tuple[re.Pattern[str] | None, dict[str, str]]] = field(default_factory=dict)
    _ids: dict[str, re.Pattern[str] | None] = field(default_factory=dict)
    _asks: dict[Locale, tuple[re.Pattern[str] | None, dict[str, tuple[str, ...]]]] = field(default_factory=dict)

    def roles(self, kind: FactType, locale: Locale) -> RoleWords:
        """Role words of all slots of a type."""
        if (kind, locale) not in self._roles:
            self._roles[kind, locale] = compile_roles(self.lexicon, kind, locale)
        return self._roles[kind, locale]

    def alone(self, slot: SlotWords, value: str) -> bool:
        """Whether a value's form alone tells its slot: an id no other pattern matches, a phrase no other choice has."""
        others = [other for other in self.lexicon.slots.values() if other.type is slot.type and other.name != slot.name]
        if slot.type is FactType.ID:
            return not any((pattern := self.id_pattern(other)) and pattern.fullmatch(value) for other in others)
        if slot.type is FactType.CHOICE:
            own = {phrase for words in slot.values.values() for phrases in words.values() for phrase in phrases}
            return not any(
                phrase in own for other in others for words in other.values.values() for p in words.values() for phrase in p
            )
        return slot.type is FactType.TEXT and EMAIL.fullmatch(normalise_phrase(value)) is None

    def id_pattern(self, slot: SlotWords) -> re.Pattern[str] | None:
        """A slot's id pattern, in lower case text; None where the slot has none."""
        if slot.name not in self._ids:
            self._ids[slot.name] = re.compile(slot.pattern, re.IGNORECASE | re.ASCII) if slot.pattern else None
        return self._ids[slot.name]

    @property
    def id_patterns(self) -> list[re.Pattern[str]]:
        """Every id pattern of the lexicon."""
        return [pattern for slot in self.lexicon.slots.values() if (pattern := self.id_pattern(slot))]

    def read_choices(self, text: str, slot: str, locale: Locale) -> Iterator[Mention]:
        """Phrases of a choice's values, the longest of those that overlap."""
        if (slot, locale) not in self._choices:
            self._choices[slot, locale] = self._compile_choice(self.lexicon[slot], locale)
        pattern, values = self._choices[slot, locale]
        if pattern is not None:
            for match in pattern.finditer(text):
                yield Mention(match.start(), match.end(), (values[" ".join(match.group().split())],))

    @staticmethod
    def _compile_choice(slot: SlotWords, locale: Locale) -> tuple[re.Pattern[str] | None, dict[str, str]]:
        values = {
            normalised: value
            for value, words in slot.values.items()
            for phrase in words.get(locale, ())
            if (normalised := normalise_phrase(phrase))
        }
        return (re.compile(rf"(?<!\w)(?:{alternation(values)})(?!\w)") if values else None), values

    def asks(self, locale: Locale) -> tuple[re.Pattern[str] | None, dict[str, tuple[str, ...]]]:
        """The phrases by which slots are asked for, and the slots of each."""
        if locale not in self._asks:
            owners: dict[str, tuple[str, ...]] = {}
            for name, slot in self.lexicon.slots.items():
                for phrase in slot.ask.get(locale, ()):
                    if normalised := normalise_phrase(phrase):
                        owners[normalised] = (*owners.get(normalised, ()), name)
            plural = "(?:s|es)?" if locale == "en" else ""
            pattern = re.compile(rf"(?<!\w)(?P<w>{alternation(owners)}){plural}(?!\w)") if owners else None
            self._asks[locale] = (pattern, owners)
        return self._asks[locale]


# A lexicon holds mappings and has no hash, so it is known by identity; the entry keeps it alive, so that no other
# object can come to have its identity.
_cache: dict[int, CompiledLexicon] = {}


def compiled(lexicon: Lexicon) -> CompiledLexicon:
    """The compiled form of a lexicon."""
    entry = _cache.get(id(lexicon))
    if entry is None:
        while len(_cache) >= _KEPT:
            _cache.pop(next(iter(_cache)))
        entry = _cache[id(lexicon)] = CompiledLexicon(lexicon)
    return entry
