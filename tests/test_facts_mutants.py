"""A reply that states a fact stops doing so under every mutation the design demands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from test_facts_replies import fact_judge

from samescore.harness.facts import AnswerFact, judge, language_of
from samescore.harness.facts.text import normalise
from samescore.harness.lexicon import LOCALES, FactType, Locale

LEXICON = fact_judge.load_lexicon()


def _stated(locale: Locale) -> Iterator[tuple[str, str, AnswerFact, slice]]:
    """Replies that state a fact, and are judged to: id, text, fact, and where the text gives the value."""
    for reply in fact_judge.load_replies(locale):
        for check in reply.checks:
            if check["kind"] == "fact" and check["stated"]:
                fact = AnswerFact(check["slot"], check["value"])
                statement = judge(reply.text, fact, LEXICON, locale)
                if statement.stated and statement.span is not None:
                    yield reply.id, normalise(reply.text), fact, slice(*statement.span)


def _survivors(locale: Locale, mutants: Iterator[tuple[str, str, AnswerFact]]) -> tuple[list[str], int]:
    alive, total = [], 0
    for name, text, fact in mutants:
        total += 1
        if judge(text, fact, LEXICON, locale).stated:
            alive.append(f"{name} {fact.slot}: {text!r}")
    return alive, total


def _other_value(surface: str) -> str:
    """The same writing with its last digit changed."""
    at = max(match.start() for match in re.finditer(r"[0-9]", surface))
    return surface[:at] + str((int(surface[at]) + 3) % 10) + surface[at + 1 :]


def _others(fact: AnswerFact, surface: str, locale: Locale) -> list[str]:
    slot = LEXICON[fact.slot]
    if slot.type is FactType.CHOICE:
        return [words[locale][0] for value, words in slot.values.items() if value != fact.value]
    if slot.type is FactType.DATE:
        return ["2026-12-24", "2027-01-05"]
    if slot.type is FactType.MONEY:
        return ["$311.00", "4.321 usd"] if locale == "en" else ["311.000đ", "777 usd"]
    if slot.type is FactType.ID:
        return [_other_value(surface)]
    return []


OR = {"en": " or ", "vi": " hoặc "}
MAYBE = {"en": "Or maybe ", "vi": "Hoặc có thể "}
NOT = {"en": "not ", "vi": "không phải "}
MANY = 60


@pytest.mark.parametrize("locale", LOCALES)
def test_stuffing_in_every_alternative_states_nothing(locale: Locale) -> None:
    def mutants() -> Iterator[tuple[str, str, AnswerFact]]:
        for name, text, fact, at in _stated(locale):
            surface = text[at]
            for other in _others(fact, surface, locale):
                yield name, text[: at.start] + surface + OR[locale] + other + text[at.stop :], fact
                yield name, text[: at.start] + other + OR[locale] + surface + text[at.stop :], fact
                yield name, f"{text[: at.stop]}. {MAYBE[locale]}{other}. {text[at.stop :]}", fact

    alive, total = _survivors(locale, mutants())
    assert total >= MANY
    assert not alive, "\n".join(alive)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_negated_fact_is_not_stated(locale: Locale) -> None:
    def mutants() -> Iterator[tuple[str, str, AnswerFact]]:
        for name, text, fact, at in _stated(locale):
            surface = text[at]
            yield name, text.replace(surface, NOT[locale] + surface), fact

    alive, total = _survivors(locale, mutants())
    assert total >= MANY
    assert not alive, "\n".join(alive)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_wrong_number_is_not_the_fact(locale: Locale) -> None:
    def mutants() -> Iterator[tuple[str, str, AnswerFact]]:
        for name, text, fact, at in _stated(locale):
            surface = text[at]
            if re.search(r"[0-9]", surface):
                yield name, text.replace(surface, _other_value(surface)), fact

    alive, total = _survivors(locale, mutants())
    assert total >= MANY
    assert not alive, "\n".join(alive)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_right_value_in_the_role_of_another_slot_is_not_the_fact(locale: Locale) -> None:
    templates = {
        "en": ["Your {role} is {value}.", "{role}: {value}", "We noted {value} as the {role}."],
        "vi": ["{role} của anh là {value} ạ.", "{role}: {value}", "Em ghi nhận {role} {value} ạ."],
    }

    def mutants() -> Iterator[tuple[str, str, AnswerFact]]:
        for name, text, fact, at in _stated(locale):
            surface, slot = text[at], LEXICON[fact.slot]
            if slot.type not in (FactType.MONEY, FactType.DATE):
                continue
            for other in LEXICON.slots.values():
                if other.type is slot.type and other.name != slot.name:
                    for template in templates[locale]:
                        yield name, template.format(role=other.role[locale][0], value=surface), fact

    alive, total = _survivors(locale, mutants())
    assert total >= MANY
    assert not alive, "\n".join(alive)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_fact_asked_about_promised_on_a_condition_or_quoted_is_not_stated(locale: Locale) -> None:
    templates = {
        "en": [
            "Shall I set the {role} to {value}?",
            "If you send it back, the {role} is {value}.",
            "You asked for a {role} of {value}.",
            "The {role} is at most {value}.",
            "> the {role} is {value}",
        ],
        "vi": [
            "Anh muốn {role} {value} phải không ạ?",
            "Nếu anh gửi lại hàng thì {role} là {value} ạ.",
            "Anh yêu cầu {role} {value}.",
            "{role} tối đa {value} ạ.",
            "> {role} {value}",
        ],
    }

    def mutants() -> Iterator[tuple[str, str, AnswerFact]]:
        for name, text, fact, at in _stated(locale):
            if LEXICON[fact.slot].type is FactType.MONEY:
                role = LEXICON[fact.slot].role[locale][0]
                for template in templates[locale]:
                    yield name, template.format(role=role, value=text[at]), fact

    alive, total = _survivors(locale, mutants())
    assert total >= MANY
    assert not alive, "\n".join(alive)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_fact_only_in_the_thinking_is_not_stated(locale: Locale) -> None:
    for _, _, fact, _ in _stated(locale):
        assert not judge("", fact, LEXICON, locale).stated


@pytest.mark.parametrize(("locale", "other"), [("en", "vi"), ("vi", "en")])
def test_a_reply_in_the_other_language_is_told_apart(locale: Locale, other: Locale) -> None:
    taken = [
        reply.id
        for reply in fact_judge.load_replies(other)
        if {"kind": "language", "value": other} in reply.checks and language_of(reply.text) == locale
    ]
    assert not taken
