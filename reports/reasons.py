"""What scorers say is wrong, in the language of a report: sentences are known by their shape and said again.

Scorers word their reasons in English, as evidence: names, values, what a model wrote. A sentence of a known shape (see
`samescore.reports.reason_shapes`) is said in Vietnamese with the same names and values in it. One of a plug-in's scorer
stays as it is, and is told apart, so that a page can say that it is English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from samescore.reports.contents import Language
from samescore.reports.reason_shapes import SHAPES, SLOTS

_SLOT = re.compile(r"\{(\w+)\}")
_NUMBERED = re.compile(r"\d+$")
_BETWEEN = "; "
_SCORER = re.compile(r"(\w+): ")


class Part(NamedTuple):
    """A part of a sentence; `english` says that it is, in a text of another language."""

    text: str
    english: bool = False


Parts: TypeAlias = tuple[Part, ...]


def said(reason: str, language: Language, group: str = "reason") -> str:
    """A reason in a language, as far as its shape is known."""
    return "".join(part.text for part in parts(reason, language, group))


def parts(reason: str, language: Language, group: str = "reason") -> Parts:
    """A reason in a language, and which parts of it are English for want of another wording.

    `group` is what kind of sentence it is. A `reason` may be several with semicolons between them, each with the name
    of its scorer in front.
    """
    if language == "en":
        return (Part(reason),)
    return _told(reason, group)


@lru_cache(maxsize=4096)
def _told(text: str, group: str) -> Parts:
    if group != "reason":
        return _shaped(text, group) or (Part(text, english=True),)
    pieces = text.split(_BETWEEN)
    told: list[Part] = []
    at = 0
    while at < len(pieces):
        found, at = _next(pieces, at)
        told += [*([Part(_BETWEEN)] if told else []), *found]
    return _merged(told)


def _next(pieces: Sequence[str], at: int) -> tuple[Parts, int]:
    """The next sentence and where it ends: a semicolon may stand in a value. The shortest that is wholly known wins."""
    partly: tuple[Parts, int] | None = None
    for end in range(at + 1, min(len(pieces), at + _LONGEST) + 1):
        found = _sentence(_BETWEEN.join(pieces[at:end]))
        if found is not None and not any(part.english for part in found):
            return found, end
        partly = partly or (None if found is None else (found, end))
    return partly or ((Part(pieces[at], english=True),), at + 1)


_LONGEST = 6
"""Pieces between semicolons that one sentence is looked for in."""


def _sentence(text: str) -> Parts | None:
    """A sentence, with the name of its scorer or without."""
    found = _shaped(text, "reason")
    named = _SCORER.match(text)
    if named is None or (found is not None and not any(part.english for part in found)):
        return found
    rest = _shaped(text[named.end() :], "reason")
    return found if rest is None else _merged([Part(named.group()), *rest])


def _shaped(text: str, group: str) -> Parts | None:
    """A text by the first shape of a group that it has, those of which all is known first; None if it has none."""
    partly: Parts | None = None
    for pattern, template in _patterns(group):
        match = pattern.fullmatch(text)
        if match is None:
            continue
        found = _merged(_filled(template, match))
        if not any(part.english for part in found):
            return found
        partly = partly or found
    return partly


def _filled(template: Sequence[str], match: re.Match[str]) -> Iterable[Part]:
    """The pieces of a template, of which every second is the name of a slot."""
    for place, piece in enumerate(template):
        if place % 2 == 0:
            yield Part(piece)
        elif (group := _NUMBERED.sub("", piece)) in SHAPES:
            yield from _shaped(match[piece], group) or (Part(match[piece], english=True),)
        else:
            yield Part(match[piece])


@lru_cache(maxsize=64)
def _patterns(group: str) -> tuple[tuple[re.Pattern[str], Sequence[str]], ...]:
    return tuple((_pattern(english), _split(other)) for english, other in SHAPES[group])


def _pattern(shape: str) -> re.Pattern[str]:
    pieces = [
        f"(?P<{piece}>{SLOTS.get(_NUMBERED.sub('', piece), '.+?')})" if place % 2 else re.escape(piece)
        for place, piece in enumerate(_split(shape))
    ]
    return re.compile("".join(pieces), re.DOTALL)


def _split(shape: str) -> list[str]:
    """Text and names of slots in turn; a doubled brace is one."""
    pieces = _SLOT.split(shape)
    return [piece if place % 2 else piece.replace("{{", "{").replace("}}", "}") for place, piece in enumerate(pieces)]


def _merged(found: Iterable[Part]) -> Parts:
    merged: list[Part] = []
    for part in found:
        if merged and merged[-1].english == part.english:
            merged[-1] = Part(merged[-1].text + part.text, part.english)
        elif part.text:
            merged.append(part)
    return tuple(merged)
