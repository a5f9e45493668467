"""Sentences, clauses and the stance a text takes towards what it says at a place.

A `Passage` is the analysis of one text in one locale. Everything in it is a sorted list of positions, so that looking
around a value costs a bisection however long the text is.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from samescore.harness.facts.cues import (
    ABBREVIATIONS,
    BOUNDARIES,
    ENDS_AS_QUESTION,
    QUESTION_OPENER,
    QUESTION_TAG,
    WANTS_TO_KNOW_VI,
    Cue,
    cues_in,
)
from samescore.harness.facts.text import normalise
from samescore.harness.lexicon import Locale


class Stance(StrEnum):
    """What a text does with a value."""

    ASSERTED = "asserted"
    TENTATIVE = "not so yet"
    NEGATED = "negated"
    CONDITIONAL = "only conditional or a guess"
    INEXACT = "only a limit or an approximation"
    REPORTED = "only what the user said or wants"
    QUESTION = "only asked about"


# Marks that a label, an aside or a table cell uses; a negation reaches across them, a new clause does not start.
_SOFT = frozenset(":(|=[→⇒")
_SENTENCE = frozenset("\n.!?…")


@dataclass(frozen=True, slots=True)
class Passage:
    """One text, cut. `ends[i]` is where sentence i ends and `marks[i]` the character that ends it ("" at the end)."""

    text: str
    locale: Locale
    ends: tuple[int, ...]
    marks: tuple[str, ...]
    boundaries: tuple[int, ...]  # where clauses end, soft ones included
    after: tuple[int, ...]  # the index behind each boundary
    hard: tuple[int, ...]  # where clauses end for a negation
    cue_starts: dict[Cue, tuple[int, ...]]
    cue_ends: dict[Cue, tuple[int, ...]]
    questions: dict[int, int | None] = field(default_factory=dict)  # sentence -> where its question starts, when known

    def sentence(self, at: int) -> int:
        """The number of the sentence that holds this index."""
        return min(bisect_right(self.ends, at), len(self.ends) - 1)

    def sentence_span(self, number: int) -> tuple[int, int]:
        """Where a sentence starts and ends."""
        return (self.ends[number - 1] if number else 0), self.ends[number]

    def clause_start(self, at: int) -> int:
        """Where the clause that holds this index starts, asides and labels counted in."""
        index = bisect_right(self.hard, at) - 1
        return self.hard[index] if index >= 0 else 0

    def clause_end(self, at: int) -> int:
        """Where the clause that holds this index ends, at any mark."""
        index = bisect_left(self.boundaries, at)
        return self.boundaries[index] if index < len(self.boundaries) else len(self.text)

    def last_cue(self, kind: Cue, at: int) -> tuple[int, int] | None:
        """The last cue of a kind that ends at or before this index."""
        index = bisect_right(self.cue_ends[kind], at) - 1
        return (self.cue_starts[kind][index], self.cue_ends[kind][index]) if index >= 0 else None

    def next_cue(self, kind: Cue, at: int) -> tuple[int, int] | None:
        """The first cue of a kind that starts at or after this index."""
        index = bisect_left(self.cue_starts[kind], at)
        return (self.cue_starts[kind][index], self.cue_ends[kind][index]) if index < len(self.cue_starts[kind]) else None

    def boundaries_between(self, start: int, end: int) -> range:
        """Indices into `boundaries` of those that lie between two places."""
        return range(bisect_left(self.boundaries, start), bisect_left(self.boundaries, end))


@lru_cache(maxsize=1024)
def read_passage(content: str, locale: Locale) -> Passage:
    """Cut a content into sentences and clauses and find its cues."""
    text = normalise(content)
    ends: list[int] = []
    marks: list[str] = []
    boundaries: list[int] = []
    after: list[int] = []
    hard: list[int] = []
    for match in BOUNDARIES[locale].finditer(text):
        if match.lastgroup == "aside":
            continue
        mark = text[match.start()]
        is_end = match.lastgroup == "end" or mark == "\n"
        if mark == "." and match.end() - match.start() == 1 and _abbreviated(text, match.start()):
            continue
        boundaries.append(match.start())
        after.append(match.end())
        if is_end:
            ends.append(match.end())
            marks.append(text[match.end() - 1] if "?" not in match.group() else "?")
        if mark not in _SOFT:
            hard.append(match.start() if match.lastgroup == "word" else match.end())
    if not ends or ends[-1] < len(text) or not text:
        ends.append(len(text))
        marks.append("")
    starts_of: dict[Cue, list[int]] = {kind: [] for kind in Cue}
    ends_of: dict[Cue, list[int]] = {kind: [] for kind in Cue}
    for start, end, kind in cues_in(text, locale):
        starts_of[kind].append(start)
        ends_of[kind].append(end)
        if kind is Cue.DENIAL:
            starts_of[Cue.NEGATION].append(start)
            ends_of[Cue.NEGATION].append(end)
    return Passage(
        text,
        locale,
        tuple(ends),
        tuple(marks),
        tuple(boundaries),
        tuple(after),
        tuple(hard),
        {kind: tuple(positions) for kind, positions in starts_of.items()},
        {kind: tuple(positions) for kind, positions in ends_of.items()},
    )


def _abbreviated(text: str, dot: int) -> bool:
    """Whether a full stop ends an abbreviation or the number of a list's item."""
    start = max(text.rfind(" ", max(0, dot - 8), dot), text.rfind("\n", max(0, dot - 8), dot)) + 1
    word = text[max(start, dot - 8) : dot].lstrip("(")
    if word.isdecimal():
        line_start = text.rfind("\n", max(0, start - 8), start) + 1 if start > 8 or "\n" in text[:start] else 0
        return len(word) <= 2 and start - line_start <= 8 and not text[line_start:start].strip(" >#")
    return word in ABBREVIATIONS


def question_start(passage: Passage, sentence: int) -> int | None:
    """Where the question in a sentence starts; None where the sentence asks nothing.

    "I refunded 25 USD, is there anything else?" asks from "is" on; "You want 25 USD back?" asks as a whole.
    """
    if sentence not in passage.questions:
        passage.questions[sentence] = _question_start(passage, sentence)
    return passage.questions[sentence]


def _question_start(passage: Passage, sentence: int) -> int | None:
    start, end = passage.sentence_span(sentence)
    asks = passage.marks[sentence] == "?"
    body_end = end - 1 if passage.marks[sentence] else end
    if not asks and not (
        passage.locale == "vi" and ENDS_AS_QUESTION.search(passage.text, max(start, body_end - 60), body_end)
    ):
        return None
    inner = passage.boundaries_between(start, body_end)
    clauses = [start, *(passage.after[i] for i in inner)]
    if passage.locale == "en":
        for clause in clauses:
            if QUESTION_OPENER.match(passage.text, clause):
                return clause
    else:
        for clause, clause_end in zip(clauses, [*clauses[1:], body_end], strict=True):
            if WANTS_TO_KNOW_VI.search(passage.text, clause, clause_end):
                return clause
    last = clauses[-1]
    tag = QUESTION_TAG[passage.locale].match(passage.text, last, body_end)
    if len(clauses) == 1 or tag or passage.locale == "en":
        # An English question without an opener is one by intonation, and so is everything in it.
        return start
    return last


_SHORT_GAP = re.compile(r"[\s$€£(\"']{0,4}(?:(?:of|a|the|to|is|là|số tiền|ngày|khoản|usd|vnd) ?){0,2}[\s$€£\"']{0,3}$")


def stance(passage: Passage, start: int, end: int, *, quantity: bool = True) -> Stance:
    """What the text does with the words from `start` to `end`.

    A `quantity` (an amount, a day, a count) can be a limit, be what somebody asked for, and be denied by a negated verb after
    it ("25 USD cannot be refunded"); the name of a thing or a state cannot.
    """
    sentence = passage.sentence(start)
    sentence_start, _ = passage.sentence_span(sentence)
    asked = question_start(passage, sentence)
    if asked is not None and start >= asked:
        return Stance.QUESTION
    if passage.text[sentence_start : sentence_start + 3].lstrip().startswith(">"):
        return Stance.REPORTED
    clause = passage.clause_start(start)
    if _within(passage.last_cue(Cue.NEGATION, start), clause):
        return Stance.NEGATED
    if quantity:
        denial = passage.next_cue(Cue.DENIAL, end)
        if (denial and denial[0] < passage.clause_end(end)) or _right_after(passage, Cue.REPLACED, start):
            return Stance.NEGATED
        if _within(passage.last_cue(Cue.REQUEST, start), clause):
            return Stance.REPORTED
    if _within(passage.last_cue(Cue.REPORT, start), clause):
        return Stance.REPORTED
    if _within(passage.last_cue(Cue.CONDITION, start), sentence_start) or _condition_follows(passage, end):
        return Stance.CONDITIONAL
    if _within(passage.last_cue(Cue.HEDGE, start), clause):
        return Stance.CONDITIONAL
    if quantity and _right_after(passage, Cue.BOUND, start):
        return Stance.INEXACT
    if _within(passage.last_cue(Cue.FUTURE, start), clause):
        return Stance.TENTATIVE
    return Stance.ASSERTED


def _within(cue: tuple[int, int] | None, start: int) -> bool:
    return cue is not None and cue[0] >= start


def _right_after(passage: Passage, kind: Cue, start: int) -> bool:
    cue = passage.last_cue(kind, start)
    return cue is not None and start - cue[1] < 24 and _SHORT_GAP.match(passage.text, cue[1], start) is not None


def _condition_follows(passage: Passage, end: int) -> bool:
    """Whether an `if` is attached to the words before it: in their clause, or right behind one comma."""
    cue = passage.next_cue(Cue.CONDITION, end)
    if cue is None or cue[0] >= passage.ends[passage.sentence(end - 1)]:
        return False
    between = passage.boundaries_between(end, cue[0])
    if not between:
        return True
    return len(between) == 1 and not passage.text[passage.after[between[0]] : cue[0]].strip()
