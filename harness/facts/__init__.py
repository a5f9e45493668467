"""Free text judged by facts, in English and Vietnamese, without a model.

content ─normalise─▶ Passage (sentences, clauses, cues) ─┬─ judge ─▶ Statement
                     values with spans ─▶ roles ─────────┤
                                                         └─ asked_slots, asks_anything, refuses, language_of, disclosed
"""

from samescore.harness.facts.asking import asked_slots, asks_anything
from samescore.harness.facts.disclosure import disclosed
from samescore.harness.facts.judge import AnswerFact, Statement, judge
from samescore.harness.facts.language import language_of
from samescore.harness.facts.refusal import refuses
from samescore.harness.facts.terms import uses

VERSION = 2
"""Raised by hand when the same text may be read differently: the scripted user and several scorers follow it."""

__all__ = [
    "VERSION",
    "AnswerFact",
    "Statement",
    "asked_slots",
    "asks_anything",
    "disclosed",
    "judge",
    "language_of",
    "refuses",
    "uses",
]
