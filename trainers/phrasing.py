"""Texts as leakage is looked for in them: sentences and words without case, accents, punctuation and codes; values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from samescore.harness.redaction.folding import fold

CODE = "#"
"""Stands for ids, dates, amounts and addresses, which differ where the phrase is the same."""

_LEAST_DIGITS = 4  # an id of fewer digits may be any number in a text
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_CODES = re.compile(r"[\w@+./-]*\d(?:[\w@+./-]*\w)?")
_WORD = re.compile(rf"[^\W_]+|{CODE}")
_COUNTED = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NUMBER = re.compile(rf"\d{{{_LEAST_DIGITS},}}")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ .-](?=\d)")
_NO_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it was first written; with its accents; folded; in folded words. `length` counts no codes."""

    text: str
    marked: str
    folded: str
    words: tuple[str, ...]
    length: int


class Reader:
    """Takes texts apart; sentences that differ in codes alone are read once."""

    def __init__(self) -> None:
        self._known: dict[str, Sentence] = {}

    def sentences(self, text: str) -> Iterator[Sentence]:
        """The sentences of a text."""
        for part in _SENTENCE_END.split(unicodedata.normalize("NFC", text)):
            masked = _CODES.sub(CODE, _EMAIL.sub(CODE, part))
            sentence = self._known.get(masked)
            if sentence is None:
                marked, words = " ".join(_WORD.findall(masked.casefold())), tuple(_WORD.findall(fold(masked)))
                length = len(_COUNTED.findall(masked))
                sentence = self._known[masked] = Sentence(part.strip(), marked, " ".join(words), words, length)
            yield sentence


def bare(value: str) -> str:
    """The letters and digits of a value, folded."""
    return _NO_WORD.sub("", fold(unicodedata.normalize("NFC", value)))


def numbers(value: str) -> list[str]:
    """The numbers in a bare value that it may be found by."""
    return _NUMBER.findall(value)


def addresses_in(text: str) -> Iterator[str]:
    """The e-mail addresses in a text, bare."""
    if "@" in text:
        yield from map(bare, _EMAIL.findall(text))


def numbers_in(text: str) -> Iterator[tuple[str, str]]:
    """The numbers in a text, as they stand and with their groups joined, each with the text that it was read from."""
    folded = fold(unicodedata.normalize("NFC", text))
    for form in dict.fromkeys((folded, _BETWEEN_DIGITS.sub("", folded))):
        for number in _NUMBER.findall(form):
            yield number, form
