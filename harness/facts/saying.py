"""Does a text say a phrase? Plainly, as what must be said; or in any disguise, as what must not.

What must be said counts only where a reader sees it: as whole words, beside each other, with all their marks, in any
case; not in an HTML comment or tag. What must not be said is found however it is written: in any case and width, with
markup, punctuation, line breaks or invisible characters between its words and between its letters, in or around HTML
tags and comments, and with words typed without their marks. Two limits keep innocent words innocent. A phrase of one
word keeps its marks: `bán` is not `bạn`, and not `ban`. One of fewer than four letters is found as whole, unspaced
words alone: `AI` is not `a. I`. Look-alike letters of other alphabets are not seen through.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

from samescore.harness.facts.phrases import PhraseBook, words_of
from samescore.harness.facts.text import normalise, normalise_phrase, tone_on_second

SPACED_FROM = 4
"""Letters and digits from which on a phrase is found with anything between them."""

# Without an end a comment goes on to the end of the text, for browsers as well; so no text takes longer than linear.
_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|</?[a-zA-Z][^<>]*>", re.DOTALL)
_WORD = re.compile(r"[^\W_]+")
_BETWEEN = r"[\W_]*"
_WORD_START, _WORD_END = r"(?<![^\W_])", r"(?![^\W_])"


def visible(content: str) -> str:
    """The content as a page shows it: without HTML comments and tags, entities read."""
    if "<" in content:
        content = _HIDDEN.sub(" ", content)
    return html.unescape(content) if "&" in content else content


def said_after(content: str, phrases: tuple[str, ...]) -> str | None:
    """What stands before the first of the phrases that a reader sees in the content; None where there is none."""
    text = words_of(visible(content))
    hits = _book(phrases).find(text)
    return text.text[: hits[0].start] if hits else None


def says_any(content: str, phrases: tuple[str, ...]) -> bool:
    """Whether a reader sees one of the phrases in the content."""
    return said_after(content, phrases) is not None


def disguised(content: str, phrases: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the phrases that the content says, however it writes them."""
    readings = {content, visible(content), _HIDDEN.sub("", content)}  # a tag may hide a phrase, or cut one in two
    folded = [(text, _letters(_bare(text))) for text in map(_folded, readings)]
    return tuple(phrase for phrase in phrases if any(_says(text, letters, phrase) for text, letters in folded))


def sayable(phrase: str) -> bool:
    """Whether there is a letter or digit in a phrase: one without could never be found."""
    return _WORD.search(_folded(phrase)) is not None


def _says(text: str, letters: str, phrase: str) -> bool:
    # So does the pattern, but most phrases are in most texts not even by their letters.
    return _letters(_bare(_folded(phrase))) in letters and _pattern(phrase).search(text) is not None


@lru_cache(maxsize=256)
def _book(phrases: tuple[str, ...]) -> PhraseBook[str]:
    return PhraseBook((normalise_phrase(phrase), phrase) for phrase in phrases)


@lru_cache(maxsize=1024)
def _pattern(phrase: str) -> re.Pattern[str]:
    words = _WORD.findall(_folded(phrase))
    spaced = sum(map(len, words)) >= SPACED_FROM
    written = [_either(word, _BETWEEN if spaced else "", len(words) > 1) for word in words]
    return re.compile(_WORD_START + (_BETWEEN if spaced else r"[\W_]+").join(written) + _WORD_END)


def _either(word: str, between: str, unmarked: bool) -> str:
    # Among other letters a tone stays where it was written.
    spellings = dict.fromkeys((word, tone_on_second(word), *([_bare(word)] if unmarked else ())))
    return f"(?:{'|'.join(between.join(map(re.escape, spelling)) for spelling in spellings)})"


@lru_cache(maxsize=64)
def _folded(text: str) -> str:
    """Lower case, composed, of one width, without invisible characters.

    Characters of the category Cf are invisible; marks that compose with no letter stay, between letters.
    """
    seen = text if text.isascii() else text.translate(_SEEN)
    folded = normalise(seen)
    return folded if folded.isascii() else unicodedata.normalize("NFKC", folded).lower()


@lru_cache(maxsize=64)
def _bare(text: str) -> str:
    """Without diacritics."""
    return text if text.isascii() else unicodedata.normalize("NFD", text).translate(_UNMARKED)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


class _Seen(dict[int, str | None]):
    """What a reader sees of a character, worked out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        self[code] = None if unicodedata.category(character) == "Cf" else character
        return self[code]


class _Unmarked(dict[int, str | None]):
    """What stands for a character without its marks, worked out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        self[code] = None if unicodedata.combining(character) else "d" if character == "đ" else character
        return self[code]


_SEEN, _UNMARKED = _Seen(), _Unmarked()
