"""What is claimed of the texts of every world's procedures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samescore.harness.case import Ending
from samescore.harness.facts import asked_slots, asks_anything, judge, language_of, refuses
from samescore.harness.lexicon import Lexicon, Locale
from samescore.suites.sop.model import Ask, Reply, Sop
from samescore.suites.sop.values import answer_fact, spoken


def assert_replies_state_and_close(step: Reply, values: Mapping[str, Any], lexicon: Lexicon, locale: Locale) -> None:
    """Every wording of a reply states these values, closes as the step does, asks nothing, and is in its language."""
    for text in step.text[locale]:
        for slot, value in values.items():
            text = text.replace(f"{{{slot}}}", spoken(lexicon[slot], value, locale))
        for slot, value in values.items():
            statement = judge(text, answer_fact(lexicon[slot], value), lexicon, locale)
            assert statement.stated, f"{statement.reason}: {text}"
        assert refuses(text, locale) == (step.ending is Ending.REFUSE), text
        assert asked_slots(text, lexicon, locale) == () and not asks_anything(text, locale), text
        assert language_of(text) == locale, text


def assert_questions_ask_for_their_slots(sop: Sop, lexicon: Lexicon, locale: Locale) -> None:
    """Every wording of every question asks for exactly its slots, all of them or one alone, and refuses nothing."""
    for step in (step for step in sop.steps.values() if isinstance(step, Ask)):
        for slots in (step.slots, *((slot,) for slot in step.slots)):
            phrases = [sop.slots[slot].phrase[locale] for slot in slots]
            for text in step.text[locale]:
                question = text.replace("{slots}", {"en": " and ", "vi": " và "}[locale].join(phrases))
                assert set(asked_slots(question, lexicon, locale)) == set(slots), question
                assert not refuses(question, locale)
