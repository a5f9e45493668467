"""Sentences and clauses.

A `Passage` is the analysis of one text in one locale. Everything in it is a sorted list of positions, so that looking
around a value costs a bisection however long the text is.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from samescore.harness.facts import questions
from samescore.harness.facts.cues import (
    ABBREVIATIONS,
    ABBREVIATIONS_OF_NUMBERS,
    ACTORS,
    BREAKS,
    CUES,
    NEW_SUBJECTS,
    Cue,
)
from samescore.harness.facts.phrases import Hit, Words, words_of
from samescore.harness.lexicon import Locale

_MARK = re.compile("[,;:()\\[\\]|=→⇒—–\\n.!?…\U0001f300-\U0001faff\u2600-\u27bf-]")
_ENDS = frozenset(".!?…")
_CLOSERS = frozenset(" \n\t\"')]_")
# Marks of a label, an aside or a table cell: a negation reaches across them, no new clause starts.
_SOFT = frozenset(":(|=[→⇒")
_ASIDE: dict[Locale, re.Pattern[str]] = {
    "en": re.compile(
        r", ?(?:unfortunately|however|therefore|sadly|regrettably|of course|in this case|at this time|too|indeed) ?,"
    ),
    "vi": re.compile(r", ?(?:rất tiếc|tiếc là|dạ|theo quy định|trong trường hợp này) ?,"),
}


@dataclass(frozen=True, slots=True)
class Passage:
    """One text, cut. `ends[i]` is where sentence i ends and `marks[i]` the character that ends it ("" at the end)."""

    text: str
    locale: Locale
    words: Words
    ends: tuple[int, ...]
    marks: tuple[str, ...]
    boundaries: tuple[int, ...]  # where clauses end, soft marks included
    after: tuple[int, ...]  # the index behind each boundary
    hard: tuple[int, ...]  # where clauses start for a negation
    cues: dict[Cue, tuple[Sequence[int], Sequence[int]]]  # starts and ends of the cues of a kind
    _questions: dict[int, int | None] = field(default_factory=dict)

    def sentence(self, at: int) -> int:
        """The number of the sentence that holds this index."""
        return min(bisect_right(self.ends, at), len(self.ends) - 1)

    def sentence_span(self, number: int) -> tuple[int, int]:
        """Where a sentence starts and ends."""
        return (self.ends[number - 1] if number else 0), self.ends[number]

    def clause_start(self, at: int) -> int:
        """Where the clause that holds this index starts, labels and asides counted in."""
        index = bisect_right(self.hard, at) - 1
        return self.hard[index] if index >= 0 else 0

    def clause_end(self, at: int) -> int:
        """Where the clause that holds this index ends, at any mark."""
        index = bisect_left(self.boundaries, at)
        return self.boundaries[index] if index < len(self.boundaries) else len(self.text)

    def boundaries_between(self, start: int, end: int) -> range:
        """Indices into `boundaries` of those that lie between two places."""
        return range(bisect_left(self.boundaries, start), bisect_left(self.boundaries, end))

    def last_cue(self, kind: Cue, at: int) -> tuple[int, int] | None:
        """The last cue of a kind that ends at or before this index."""
        if kind not in self.cues:
            return None
        starts, ends = self.cues[kind]
        index = bisect_right(ends, at) - 1
        return (starts[index], ends[index]) if index >= 0 else None

    def next_cue(self, kind: Cue, at: int) -> tuple[int, int] | None:
        """The first cue of a kind that starts at or after this index."""
        if kind not in self.cues:
            return None
        starts, ends = self.cues[kind]
        index = bisect_left(starts, at)
        return (starts[index], ends[index]) if index < len(starts) else None

    def question_start(self, sentence: int) -> int | None:
        """Where the question in a sentence starts; None where the sentence asks nothing."""
        if sentence not in self._questions:
            start, end = self.sentence_span(sentence)
            body_end = end - 1 if self.marks[sentence] else end
            asked = None
            if questions.asks(self.text, start, body_end, self.marks[sentence], self.locale):
                clauses = [start, *(self.after[i] for i in self.boundaries_between(start, body_end))]
                asked = questions.first_asking_clause(self.text, clauses, body_end, self.locale)
            self._questions[sentence] = asked
        return self._questions[sentence]


@lru_cache(maxsize=256)
def read_passage(content: str, locale: Locale) -> Passage:
    """Cut a content into sentences and clauses and find its cues."""
    words = words_of(content)
    text = words.text
    ends: list[int] = []
    marks: list[str] = []
    cuts: list[tuple[int, int, bool]] = [  # start, end, whether a negation stops there
        (hit.start, hit.start, True)
        for hit in BREAKS[locale].find(words)
        if hit.payload and _starts_clause(words, hit.end, locale)
    ]
    aside_until = 0
    for match in _MARK.finditer(text):
        at = match.start()
        char = match.group()
        if at < aside_until or not _cuts(text, at, char):
            continue
        if char == "," and (aside := _ASIDE[locale].match(text, at)):
            aside_until = aside.end()
            continue
        cuts.append((at, at + 1, char not in _SOFT))
        if char in _ENDS or char == "\n":
            if ends and ends[-1] == at:  # "?!" and "..." end one sentence
                ends[-1] = at + 1
                marks[-1] = "?" if "?" in (marks[-1], char) else char
            else:
                ends.append(at + 1)
                marks.append(char)
    if not ends or ends[-1] < len(text):
        ends.append(len(text))
        marks.append("")
    hits = CUES[locale].find(words)
    cuts += [
        (at, at, True) for hit in hits if hit.payload is Cue.CONTRAST for at in _actor_after(words, hit.end, locale)
    ]
    cuts.sort()
    return Passage(
        text,
        locale,
        words,
        tuple(ends),
        tuple(marks),
        tuple([start for start, _, _ in cuts]),
        tuple([end for _, end, _ in cuts]),
        tuple([end for _, end, hard in cuts if hard]),
        _cues(hits),
    )


def _cues(hits: list[Hit[Cue]]) -> dict[Cue, tuple[Sequence[int], Sequence[int]]]:
    found: dict[Cue, tuple[list[int], list[int]]] = {}
    for hit in hits:
        kinds = (Cue.NEGATION, hit.payload) if hit.payload in (Cue.DENIAL, Cue.CONTRAST) else (hit.payload,)
        for kind in kinds:
            starts, ends = found.setdefault(kind, ([], []))
            starts.append(hit.start)
            ends.append(hit.end)
    return dict(found)


def _actor_after(words: Words, at: int, locale: Locale) -> list[int]:
    """Where, within a few words, the first word for who acts starts."""
    first = bisect_left(words.starts, at)
    few = range(first, min(first + 8, len(words.words)))
    return [words.starts[index] for index in few if words.words[index] in ACTORS[locale]][:1]


def _starts_clause(words: Words, end: int, locale: Locale) -> bool:
    """Whether the linking word that ends here starts a clause; "and" needs a subject or a verb behind it."""
    index = bisect_right(words.ends, end) - 1
    if words.words[index] not in ("and", "và"):
        return True
    return index + 1 < len(words.words) and words.words[index + 1] in NEW_SUBJECTS[locale]


def _cuts(text: str, at: int, char: str) -> bool:
    """Whether a mark separates anything: not the comma of 1,299, the colon of 10:30, the stop of 25.00 or "approx."."""
    behind = text[at + 1 : at + 2]
    if char in ",;":
        return not behind.isdecimal()
    if char == ":":
        return not (behind.isdecimal() and text[at - 1 : at].isdecimal())
    if char == "-":
        return text[at - 1 : at] == " " and behind == " "
    if char in ".…":
        return (not behind or behind in _CLOSERS or behind in _ENDS) and not (char == "." and _abbreviates(text, at))
    return True


def _abbreviates(text: str, dot: int) -> bool:
    """Whether a full stop ends an abbreviation or the number of a list's item."""
    start = dot
    while start > 0 and dot - start < 8 and not text[start - 1].isspace():
        start -= 1
    word = text[start:dot].lstrip("(")
    if word.isdecimal():
        line_start = text.rfind("\n", max(0, start - 8), start) + 1
        return len(word) <= 2 and start - line_start < 8 and not text[line_start:start].strip(" >#")
    if word in ABBREVIATIONS_OF_NUMBERS:
        return text[dot + 1 : dot + 3].strip()[:1].isdecimal()
    return word in ABBREVIATIONS
