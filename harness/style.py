"""`StyleGuide`: a house's rules for what its agents say to users, as data; and which of them some replies break.

A rule is kept when every reply keeps it, so that saying more makes up for nothing. What is said beside a call reaches
the user as well and is a reply; thinking is none.

    apology       in a reply that declines, or must, an apology stands before the words that do so
    house words   one of some phrases stands in every reply, or in those of some endings
    forbidden     no reply says any of these phrases, however it writes them (`facts/saying`)
    length        no reply has more words (what white space separates) or characters
    one language  a reply is in the user's language, every part of it (`facts/one_language`)
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

from samescore.harness.facts import refuses
from samescore.harness.facts.one_language import foreign_part
from samescore.harness.facts.saying import disguised, said_after, says_any
from samescore.harness.fingerprint import fingerprint
from samescore.harness.lexicon import LOCALES, Locale

Phrases: TypeAlias = Mapping[Locale, tuple[str, ...]]
"""Phrases per language. A language without any has no such rule."""
_NO_PHRASES: Phrases = MappingProxyType({})

When: TypeAlias = Literal["answer", "refuse", "ask"]
WHEN: tuple[When, ...] = ("answer", "refuse", "ask")
"""The endings of a case: what its last reply does. Those before, questions, are of the kind `ask`."""

_SHOWN = 60
"""Characters of a reply that a reason quotes."""
_LANGUAGES: Mapping[Locale | None, str] = {"en": "English", "vi": "Vietnamese", None: "no language that can be told"}


@dataclass(frozen=True, slots=True)
class HouseWords:
    """One of these phrases must stand in every reply; with `when`, in those of these kinds alone."""

    phrases: Phrases
    when: tuple[When, ...] = ()


@dataclass(frozen=True, slots=True)
class StyleGuide:
    """A house's rules. What is left out is no rule; what has no phrase in a language is none there."""

    apology: Phrases = field(default_factory=lambda: _NO_PHRASES)
    house_words: tuple[HouseWords, ...] = ()
    forbidden: tuple[str, ...] = ()
    words: int | None = None
    characters: int | None = None
    one_language: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it stands in a suite file: rules that are not stated are left out."""
        length = {"words": self.words, "characters": self.characters}
        stated = {
            "apology": _phrases_json(self.apology),
            "house_words": [_house_words_json(one) for one in self.house_words],
            "forbidden": list(self.forbidden),
            "length": {name: most for name, most in length.items() if most is not None},
            "one_language": self.one_language,
        }
        return {name: rule for name, rule in stated.items() if rule}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StyleGuide:
        """Read what `to_json` wrote, or a suite file said."""
        length = data.get("length", {})
        return cls(
            apology=_phrases_from(data.get("apology", {})),
            house_words=tuple(
                HouseWords(_phrases_from(one), tuple(one.get("when", ()))) for one in data.get("house_words", ())
            ),
            forbidden=tuple(data.get("forbidden", ())),
            words=length.get("words"),
            characters=length.get("characters"),
            one_language=data.get("one_language", False),
        )

    @property
    def fingerprint(self) -> str:
        """Changes when a rule does."""
        return fingerprint(self.to_json())


class Reply(NamedTuple):
    """Words to the user: the number of their turn, from 1, and the kind of reply, None for what stands beside a call or
    ends a case that demands no ending."""

    turn: int
    content: str
    kind: str | None


class Fault(NamedTuple):
    """A rule that a reply breaks, and how."""

    rule: str
    words: str


class Rule(NamedTuple):
    """One rule for one language. `broken` says how a reply breaks it, or None."""

    name: str
    broken: Callable[[Reply], str | None]


def rules(guide: StyleGuide, locale: Locale) -> tuple[Rule, ...]:
    """The rules of a guide for replies in a language, which depend on these two alone."""
    return tuple(_rules(guide, locale))


def faults(stated: Sequence[Rule], replies: Iterable[Reply]) -> tuple[Fault, ...]:
    """How replies break rules, in the order of the replies and, for each, of the rules."""
    return tuple(
        Fault(rule.name, f"turn {reply.turn} {words}")
        for reply in replies
        for rule in stated
        if (words := rule.broken(reply)) is not None
    )


def _rules(guide: StyleGuide, locale: Locale) -> Iterator[Rule]:
    if apologies := guide.apology.get(locale):
        yield Rule("apology", partial(_unapologetic, apologies, locale))
    for number, one in enumerate(guide.house_words, 1):
        if phrases := one.phrases.get(locale):
            name = "house words" if len(guide.house_words) == 1 else f"house words {number}"
            yield Rule(name, partial(_without, phrases, one.when))
    if guide.forbidden:
        yield Rule("forbidden", partial(_forbidden, guide.forbidden))
    if guide.words is not None or guide.characters is not None:
        yield Rule("length", partial(_too_long, guide.words, guide.characters))
    if guide.one_language:
        yield Rule("one language", partial(_foreign, locale))


def _unapologetic(apologies: tuple[str, ...], locale: Locale, reply: Reply) -> str | None:
    if reply.kind != "refuse" and not refuses(reply.content, locale):
        return None
    before = said_after(reply.content, apologies)
    if before is None:
        return f"declines without an apology: {_any_of(apologies)}"
    return f"declines first, and then says {_any_of(apologies)}" if refuses(before, locale) else None


def _without(phrases: tuple[str, ...], when: tuple[When, ...], reply: Reply) -> str | None:
    if (when and reply.kind not in when) or says_any(reply.content, phrases):
        return None
    return f"lacks {_any_of(phrases)}"


def _forbidden(phrases: tuple[str, ...], reply: Reply) -> str | None:
    found = disguised(reply.content, phrases)
    return f"says {', '.join(map(repr, found))}, which is forbidden" if found else None


def _too_long(words: int | None, characters: int | None, reply: Reply) -> str | None:
    content = unicodedata.normalize("NFC", reply.content).strip()
    if words is not None and (found := len(content.split())) > words:
        return f"has {found} words, {words} at most"
    if characters is not None and len(content) > characters:
        return f"has {len(content)} characters, {characters} at most"
    return None


def _foreign(locale: Locale, reply: Reply) -> str | None:
    part = foreign_part(reply.content, locale)
    if part is None:
        return None
    shown = part.words if len(part.words) <= _SHOWN else f"{part.words[:_SHOWN]}…"
    return f"says {shown!r} in {_LANGUAGES[part.language]}, the user's language is {_LANGUAGES[locale]}"


def _any_of(phrases: tuple[str, ...]) -> str:
    *others, last = map(repr, phrases)
    return f"{', '.join(others)} or {last}" if others else last


def _phrases_json(phrases: Phrases) -> dict[str, list[str]]:
    return {locale: list(phrases[locale]) for locale in LOCALES if phrases.get(locale)}


def _phrases_from(data: Mapping[str, Any]) -> Phrases:
    return {locale: tuple(data[locale]) for locale in LOCALES if data.get(locale)}


def _house_words_json(one: HouseWords) -> dict[str, Any]:
    return {**_phrases_json(one.phrases), **({"when": list(one.when)} if one.when else {})}
