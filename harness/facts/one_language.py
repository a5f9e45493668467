"""Is a reply in one language throughout? `language_of` names that of most words; here no part may be in another."""

from __future__ import annotations

import re
from typing import NamedTuple

from samescore.harness.facts.language import counts, language_of
from samescore.harness.facts.phrases import words_of
from samescore.harness.lexicon import Locale

PART_FROM = 4
"""Words from which on a part of a reply is judged by itself: fewer may be a name, or what is quoted."""
_FOREIGN_FROM = 2  # words of a language that so many words must have for it to be theirs

# A stop inside a number, an id or an address ends no part.
_CUT = re.compile(r"[.!?…;:,()\[\]{}|\"“”«»—–]+(?=\s|$)|(?<=\s)[-(\[{\"“«—–|]+|\n")


class ForeignPart(NamedTuple):
    """A part of a reply and its language, None where that cannot be told."""

    words: str
    language: Locale | None


def foreign_part(content: str, locale: Locale) -> ForeignPart | None:
    """The first sentence or clause of four words or more in another language than `locale`; else all of a reply whose
    words are not for the most part in that language; None where there is none.

    Words that begin with a capital do not count, unless all of the part is in capitals: names of people, streets and
    products are of any language.
    """
    english, vietnamese, _ = counts(words_of(content).words)
    suspected = (vietnamese if locale == "en" else english) >= _FOREIGN_FROM
    for part in _CUT.split(content) if suspected else ():
        words = (part.lower() if part.isupper() else part).split()
        plain = [word for word in words if word[0].islower()]
        spoken = language_of(" ".join(plain)) if len(plain) >= PART_FROM else None
        if spoken not in (locale, None):
            return ForeignPart(part.strip(), spoken)
    spoken = language_of(content)
    return None if spoken == locale else ForeignPart(content.strip(), spoken)
