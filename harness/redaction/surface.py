"""How a known value is written at one place, so that it can be restored to the letter without saying what it is.

A surface is a value's characters with some changed in case, without their marks, decomposed or escaped, some left out,
and separators put between. It is written as one letter for how a character stands, with a count if it goes on, and:

    'x   the separator x      -    a separator of the value left out
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import groupby, product
from typing import TypeAlias

from samescore.harness.redaction.folding import INVISIBLE, Folded, without_marks

_Change: TypeAlias = Callable[[str], str]

_LEFT_OUT = "-"
_BRACKETS = frozenset("⟦⟧")
_PART = re.compile(r"'(.)|([a-z-])(\d*)", re.DOTALL)


def _other_case(character: str) -> str:
    other = character.swapcase()
    return other if len(other) == 1 else character


# The ways a character can stand: case, marks, and how it is spelled; most common first.
_CASE: tuple[_Change, ...] = (lambda c: c, _other_case)
_MARKS: tuple[_Change, ...] = (lambda c: c, without_marks)
_SPELLING: tuple[_Change, ...] = (
    lambda c: c,
    lambda c: unicodedata.normalize("NFD", c),
    lambda c: f"\\u{ord(c):04x}",
    lambda c: f"\\u{ord(c):04X}",
    lambda c: f"\\\\u{ord(c):04x}",  # JSON in a JSON string, as APIs give arguments
    lambda c: f"\\\\u{ord(c):04X}",
)
_WAYS = {chr(ord("a") + number): way for number, way in enumerate(product(_SPELLING, _CASE, _MARKS))}


def surface_of(value: str, written: Folded, start: int, end: int) -> str | None:
    """How the folded characters from `start` to `end` write `value`: empty where they are it, None if they do not."""
    low, high = written.span(start, end)
    if written.raw[low:high] == value:
        return ""
    parts: list[str] = []
    at = 0
    for place in range(start, end):
        low, high = written.span(place, place + 1)
        raw = written.raw[low:high]
        character = raw.rstrip(INVISIBLE)
        letter = _way(value[at], character) if at < len(value) else None
        while letter is None and at < len(value) and not value[at].isalnum():
            parts.append(_LEFT_OUT)
            at += 1
            letter = _way(value[at], character) if at < len(value) else None
        if letter is not None:
            parts.append(letter)
            at += 1
            separator = raw[len(character) :]
        else:
            separator = raw
            if written.plain[place].isalnum() or not _BRACKETS.isdisjoint(raw):
                return None
        parts += [f"'{one}" for one in separator]
    parts += [_LEFT_OUT] * (len(value) - at)
    return None if any(map(str.isalnum, value[at:])) else "".join(_shortened(parts))


def written_as(value: str, surface: str) -> str:
    """The text that `surface_of` described.

    Raises:
        ValueError: the surface is not one of this value.
    """
    if not surface:
        return value
    pieces: list[str] = []
    at = end = 0
    for part in _PART.finditer(surface):
        if part.start() != end:
            break
        end = part.end()
        separator, letter, count = part.groups()
        if separator is not None:
            pieces.append(separator)
            continue
        through = at + int(count or 1)
        if through > len(value):
            break
        if letter != _LEFT_OUT:
            pieces += [_stands(letter, character) for character in value[at:through]]
        at = through
    if end != len(surface) or at != len(value):
        raise ValueError(f"{surface!r} does not describe a value of {len(value)} characters")
    return "".join(pieces)


def _way(character: str, raw: str) -> str | None:
    if character == raw:
        return "a"
    return next((letter for letter in _WAYS if _stands(letter, character) == raw), None)


def _stands(letter: str, character: str) -> str:
    spelling, case, marks = _WAYS[letter]
    return spelling(marks(case(character)))


def _shortened(parts: list[str]) -> Iterator[str]:
    for part, run in groupby(parts):
        count = len(list(run))
        yield part * count if part[0] == "'" or count == 1 else f"{part}{count}"
