"""Text as personal data is looked for in it: lower case, without marks, escapes read, invisible characters left out."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|([nrtbf/\"]))")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "/": "/", '"': '"'}
INVISIBLE = "".join(map(chr, (0xAD, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF)))
"""Characters that nobody sees: soft hyphen, zero-width spaces and joiners, marks of direction."""

_BETWEEN = re.compile(r"[\W_]+")
_UNSEEN = re.compile(f"[\u0300-\u036f{INVISIBLE}]")


@dataclass(frozen=True, slots=True)
class Folded:
    """A raw text and what is searched instead of it.

    `text` is folded, `plain` is not; both have one character per visible character. `starts` gives where in `raw` each
    of them is written, and the end; None where that is its own index.
    """

    raw: str
    text: str
    plain: str
    starts: tuple[int, ...] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in `raw` of the characters from `start` to `end`."""
        return (start, end) if self.starts is None else (self.starts[start], self.starts[end])


class Bare:
    """The letters and digits of a folded text, without what stands between them."""

    def __init__(self, text: str) -> None:
        self.characters = _BETWEEN.sub("", text)
        self._text = text
        self._places: list[int] | None = None

    def place(self, at: int) -> int:
        """Where in the text the character at `at` stands."""
        if self._places is None:
            self._places = [place for place, character in enumerate(self._text) if character.isalnum()]
        return self._places[at]


def folded(raw: str) -> Folded:
    """A text, folded. JSON escapes such as `\\u0040`, also escaped again, count as the characters they stand for."""
    if "\\" not in raw and (raw.isascii() or not _UNSEEN.search(raw)):
        return Folded(raw, fold(raw), raw)
    plain: list[str] = []
    starts: list[int] = []
    at = 0
    while at < len(raw):
        escape = _ESCAPE.match(raw, at) if raw[at] == "\\" else None
        character = raw[at] if escape is None else chr(int(escape[1], 16)) if escape[1] else _LETTERS[escape[2]]
        # A mark or an invisible character belongs to the one before it.
        if not plain or not _UNSEEN.match(character):
            plain.append(character)
            starts.append(at)
        at = at + 1 if escape is None else escape.end()
    text = "".join(plain)
    return Folded(raw, fold(text), text, (*starts, len(raw)))


def fold(text: str) -> str:
    """Lower case without marks, character for character: `Đỗ` becomes `do`, a full-width digit a digit."""
    return text.lower() if text.isascii() else text.translate(_table)


def without_marks(character: str) -> str:
    """A letter without its marks, its case kept; the same character where that is none."""
    if character in "đĐ":
        return "d" if character == "đ" else "D"
    plain = "".join(part for part in unicodedata.normalize("NFD", character) if not unicodedata.combining(part))
    return plain if len(plain) == 1 else character


class _Table(dict[int, str]):
    """Folded characters by code point, worked out when first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        compatible = unicodedata.normalize("NFKC", character)
        lowered = without_marks(compatible if len(compatible) == 1 else character).lower()
        self[code] = lowered if len(lowered) == 1 else character
        return self[code]


_table = _Table()
