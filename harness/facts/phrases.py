"""Words of a text and fixed phrases among them.

Cues, role words, a choice's phrases and the words one asks by are all sets of phrases. A `PhraseBook` finds those
of one set in one pass over the words, along a tree of words: linear in the text, whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Generic, TypeVar

from samescore.harness.facts.text import normalise

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|~")
_PATTERN_WORD = re.compile(rf"{_WORD.pattern}|[_#]")
_GROUP = re.compile(r"\(([^()]*)\)")
# What may stand between the words of one phrase: a space, a line break, a hyphen, a stroke.
_JOINTS = frozenset([" ", "  ", "   ", "-", "/", "\n", " / ", " - ", "\n ", " \n"])

ANY_WORD = "_"
ANY_NUMBER = "#"

Payload = TypeVar("Payload")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a normalised text with their places."""

    text: str
    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]


@lru_cache(maxsize=256)
def words_of(content: str) -> Words:
    """Cut a content into words."""
    text = normalise(content)
    matches = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]
    if not matches:
        return Words(text, (), (), ())
    words, starts, ends = zip(*matches, strict=True)
    return Words(text, words, starts, ends)


@dataclass(frozen=True, slots=True)
class Hit(Generic[Payload]):
    """A phrase found in a text."""

    start: int
    end: int
    payload: Payload


class _Node(Generic[Payload]):
    """A place in the tree of phrases: what may follow, and the payload of the phrase that ends here."""

    __slots__ = ("following", "payload")

    def __init__(self) -> None:
        self.following: dict[str, _Node[Payload]] = {}
        self.payload: Payload | None = None


class PhraseBook(Generic[Payload]):
    """Phrases, each with a payload. Where several start at one word the longest is found; of two equal ones the first.

    With `wildcards`, `_` in a phrase stands for any word and `#` for any number, though not as its first word.
    """

    __slots__ = ("_root",)

    def __init__(self, entries: Iterable[tuple[str, Payload]], *, wildcards: bool = False) -> None:
        self._root: _Node[Payload] = _Node()
        for phrase, payload in entries:
            node = self._root
            for part in (_PATTERN_WORD if wildcards else _WORD).findall(phrase):
                node = node.following.setdefault(part, _Node())
            if node.payload is None and node is not self._root:
                node.payload = payload

    def find(self, text: Words) -> list[Hit[Payload]]:
        """All phrases in the text, in order, none overlapping another."""
        hits: list[Hit[Payload]] = []
        get = self._root.following.get
        words, end, free_from = text.words, len(text.words) - 1, 0
        for index, word in enumerate(words):
            node = get(word)
            if node is None or index < free_from:
                continue
            last, ending = index, node
            # Most first words stand alone; one look at the next word spares the walk.
            if node.following and index < end and (node.following.keys() & {words[index + 1], ANY_WORD, ANY_NUMBER}):
                last, ending = _longest(node, text, index)
            if ending.payload is not None:
                hits.append(Hit(text.starts[index], text.ends[last], ending.payload))
                free_from = last + 1
        return hits


def _longest(node: _Node[Payload], text: Words, index: int) -> tuple[int, _Node[Payload]]:
    """The last word and the node of the longest phrase that starts at the word `index`, whose node is given."""
    last, ending = index, node
    nodes = [node]
    while nodes and index + 1 < len(text.words):
        if text.text[text.ends[index] : text.starts[index + 1]] not in _JOINTS:
            break
        index += 1
        word = text.words[index]
        kinds = (word, ANY_WORD, ANY_NUMBER) if word[0].isdecimal() else (word, ANY_WORD)
        nodes = [following for node in nodes for kind in kinds if (following := node.following.get(kind)) is not None]
        complete = next((node for node in nodes if node.payload is not None), None)
        if complete is not None:
            last, ending = index, complete
    return last, ending


def expand(pattern: str) -> list[str]:
    """Every phrase of a pattern with alternatives: `(is|are) not` is two, `(very|) good` also two."""
    pieces = _GROUP.split(pattern)
    choices = [piece.split("|") if index % 2 else [piece] for index, piece in enumerate(pieces)]
    return [" ".join("".join(parts).split()) for parts in product(*choices)]
