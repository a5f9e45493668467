"""What a text does with a value: asserts it, denies it, asks about it, makes it conditional."""

from __future__ import annotations

import re
from enum import StrEnum

from samescore.harness.facts.clauses import Passage
from samescore.harness.facts.cues import Cue


class Stance(StrEnum):
    """What a text does with a value. The words complete "25.00 USD is ..."."""

    ASSERTED = "asserted"
    TENTATIVE = "not so yet"
    NEGATED = "negated"
    CONDITIONAL = "only conditional"
    GUESS = "only a guess"
    INEXACT = "only a limit or an approximation"
    REPORTED = "only what the user said or wants"
    QUESTION = "only asked about"


# What may stand between a cue and "the value right after it".
_SHORT_GAP = re.compile(r"[\s$€£(\"']{0,4}(?:(?:of|a|the|to|is|là|số tiền|ngày|khoản|usd|vnd) ?){0,2}[\s$€£\"']{0,3}$")
_LONGEST_GAP = 24
_FRONTED = 8


def stance(passage: Passage, start: int, end: int, *, quantity: bool = True) -> Stance:
    """What the text does with the words from `start` to `end`.

    A `quantity` (an amount, a day, a count) can be a limit, be what somebody asked for, and be denied by a negated
    verb after it ("25 USD cannot be refunded"); the name of a thing or a state cannot.
    """
    sentence = passage.sentence(start)
    sentence_start, _ = passage.sentence_span(sentence)
    asked = passage.question_start(sentence)
    if asked is not None and start >= asked:
        return Stance.QUESTION
    if passage.text[sentence_start : sentence_start + 3].lstrip().startswith(">"):
        return Stance.REPORTED
    clause = passage.clause_start(start)
    if _within(passage, Cue.NEGATION, start, clause):
        return Stance.NEGATED
    if quantity:
        # Vietnamese puts first what the clause is about: "ngày 25/11 bên em không lấy hàng được".
        fronted = passage.locale == "vi" and start - clause <= _FRONTED
        denial = passage.next_cue(Cue.NEGATION if fronted else Cue.DENIAL, end)
        if (denial and denial[0] < passage.clause_end(end)) or _right_after(passage, Cue.REPLACED, start):
            return Stance.NEGATED
        if _within(passage, Cue.REQUEST, start, clause):
            return Stance.REPORTED
    if _within(passage, Cue.REPORT, start, clause):
        return Stance.REPORTED
    if _within(passage, Cue.CONDITION, start, sentence_start) or _condition_follows(passage, end):
        return Stance.CONDITIONAL
    if _within(passage, Cue.UNREAL, start, clause):
        return Stance.CONDITIONAL
    if _within(passage, Cue.HEDGE, start, clause):
        return Stance.GUESS
    if quantity and _right_after(passage, Cue.BOUND, start):
        return Stance.INEXACT
    if _within(passage, Cue.FUTURE, start, clause):
        return Stance.TENTATIVE
    return Stance.ASSERTED


def _within(passage: Passage, kind: Cue, at: int, since: int) -> bool:
    cue = passage.last_cue(kind, at)
    return cue is not None and cue[0] >= since


def _right_after(passage: Passage, kind: Cue, start: int) -> bool:
    cue = passage.last_cue(kind, start)
    if cue is None or start - cue[1] >= _LONGEST_GAP:
        return False
    return _SHORT_GAP.match(passage.text, cue[1], start) is not None


def _condition_follows(passage: Passage, end: int) -> bool:
    """Whether an `if` is attached to the words before it: in their clause, or right behind one comma."""
    cue = passage.next_cue(Cue.CONDITION, end)
    if cue is None or cue[0] >= passage.ends[passage.sentence(end - 1)]:
        return False
    between = passage.boundaries_between(end, cue[0])
    if not between:
        return True
    return len(between) == 1 and not passage.text[passage.after[between[0]] : cue[0]].strip()
