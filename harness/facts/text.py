"""One spelling for one text: what the readers see instead of the raw content.

The result has the content's length, character for character, unless the content holds decomposed or invisible
characters; spans in a `Statement` are indices into it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_ONE_FOR_ONE = {
    **dict.fromkeys("\t\u000b\u000c\u00a0\u1680\u202f\u205f\u3000", " "),
    **{chr(code): " " for code in range(0x2000, 0x200B)},
    **dict.fromkeys("\u2018\u2019\u02bc\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2212", "-"),
    **dict.fromkeys("\r\u0085\u2028\u2029", "\n"),
    "*": " ",
    "`": " ",
}
# Few characters of a text need replacing; finding them is quicker than translating all.
_REPLACED = re.compile(f"[{''.join(map(re.escape, _ONE_FOR_ONE))}]")
_STAR_BULLET = re.compile(r"(?m)^([ \t]{0,8})\*(?=[ \t])")
# Mail clients break long lines: a long line that goes on in lower case is one line.
_SOFT_WRAP = re.compile(r"(?<=[^\W_]|,)\n(?=[^\W\d_])")
_WRAPPED_LINE = 50
# Vietnamese writes the tone of an open oa, oe, uy on either vowel: "hoá đơn", "hóa đơn".
_TONE_ON_SECOND = re.compile(r"(?<![qQ])([ou])([àáảãạèéẻẽẹỳýỷỹỵ])(?!\w)")
_MOVED = {
    "o" + second: first + second_plain
    for first, second, second_plain in [
        *zip("òóỏõọ", "àáảãạ", "aaaaa", strict=True),
        *zip("òóỏõọ", "èéẻẽẹ", "eeeee", strict=True),
    ]
} | {"u" + second: first + "y" for first, second in zip("ùúủũụ", "ỳýỷỹỵ", strict=True)}

_WRITTEN = {moved: written for written, moved in _MOVED.items()}


@lru_cache(maxsize=256)
def normalise(content: str) -> str:
    """Content in NFC and lower case, with plain spaces, quotes and hyphens, and without markdown emphasis."""
    text = content
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    if "*" in text:
        text = _STAR_BULLET.sub(r"\1-", text)
    text = _REPLACED.sub(lambda match: _ONE_FOR_ONE[match.group()], text)
    if "\n" in text:
        text = _join_wrapped_lines(text)
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    if lowered.isascii():
        return lowered
    return _TONE_ON_SECOND.sub(lambda match: _MOVED.get(match.group(), match.group()), lowered)


def words(listing: str) -> tuple[str, ...]:
    """The words of a listing, as word lists are written in this package."""
    return tuple(listing.split())


def normalise_phrase(phrase: str) -> str:
    """A lexicon's phrase in the spelling of `normalise`, white space collapsed."""
    return " ".join(normalise(phrase).split())


def tone_on_second(word: str) -> str:
    """A normalised word with its tone on the second vowel, where that is the other way to write it."""
    return word[:-2] + _WRITTEN.get(word[-2:], word[-2:])


def _join_wrapped_lines(text: str) -> str:
    lines_start = 0
    pieces: list[str] = []
    for match in _SOFT_WRAP.finditer(text):
        at = match.start()
        line_start = text.rfind("\n", lines_start, at) + 1 or lines_start
        if at - line_start >= _WRAPPED_LINE and text[at + 1].islower():
            pieces += [text[lines_start:at], " "]
            lines_start = at + 1
    return "".join([*pieces, text[lines_start:]])
