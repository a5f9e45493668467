"""Does a text give away a value that must not be told? Stricter than stating a fact: even a denial gives it away."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from samescore.harness.facts.dates import read_dates
from samescore.harness.facts.text import normalise
from samescore.harness.lexicon import LOCALES

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_BETWEEN = r"[\W_]{0,3}"
SPACED_FROM = 4
"""Values of fewer letters and digits are found only as they are written: `1 2` is not the code 12."""


def disclosed(content: str, values: Iterable[str]) -> tuple[str, ...]:
    """Those of the values that a text contains: in any case, without diacritics or separators, a day in any writing."""
    if not content:
        return ()
    folded = _folded(content)
    compact = _compact(folded)
    return tuple(value for value in values if _found(value, content, folded, compact))


def _found(value: str, content: str, folded: str, compact: str) -> bool:
    if _DAY.fullmatch(value) and _names_day(content, value):
        return True
    if _compact(_folded(value)) not in compact:
        return False  # so does the pattern, but compiling one for each secret of each case would take longest of all
    pattern = _pattern(value)
    return pattern is not None and pattern.search(folded) is not None


def _names_day(content: str, day: str) -> bool:
    text = normalise(content)
    wanted = {day, f"-{day[4:]}"}
    return any(wanted.intersection(mention.readings) for locale in LOCALES for mention in read_dates(text, locale))


@lru_cache(maxsize=4096)
def _pattern(value: str) -> re.Pattern[str] | None:
    """The value as a whole word, its letters and digits loosely spaced; None where it has none."""
    characters = _compact(_folded(value))
    if not characters:
        return None
    between = _BETWEEN if len(characters) >= SPACED_FROM else ""
    body = between.join(characters) if between else re.escape(_folded(value).strip())
    return re.compile(rf"(?<![^\W_]){body}(?![^\W_])")  # markdown puts `_` around words


def _folded(text: str) -> str:
    """Lower case without diacritics and invisible characters."""
    text = text.casefold()
    return text if text.isascii() else unicodedata.normalize("NFKD", text).translate(_PLAIN)


def _compact(folded: str) -> str:
    """The letters and digits alone."""
    return "".join(filter(str.isalnum, folded))


class _Plain(dict[int, str | None]):
    """What stands for a character without its marks, worked out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        dropped = unicodedata.combining(character) or unicodedata.category(character) == "Cf"
        self[code] = None if dropped else "d" if character == "đ" else character
        return self[code]


_PLAIN = _Plain()
