"""How values are written: in a user's and an agent's text, in thinking, and as canonical answer facts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from samescore.harness.facts import AnswerFact
from samescore.harness.facts.values import canonical_money
from samescore.harness.lexicon import FactType, Lexicon, Locale, SlotWords
from samescore.harness.strictjson import write
from samescore.suites.sop.model import Fact, FactKind, Sop


def world_currency(lexicon: Lexicon) -> str | None:
    """The currency of the world's amounts: that of the lexicon's first money slot; None if it has none."""
    return next((slot.currency for slot in lexicon.slots.values() if slot.currency), None)


def plain(value: Any) -> str:
    """A value of data as text: strings as they are, anything else as JSON."""
    return value if isinstance(value, str) else write(value)


def amount(value: Any, currency: str | None) -> str:
    """An amount as people write it: `129 USD`, `129.50 USD`."""
    number = Decimal(str(value))
    digits = str(int(number)) if number == number.to_integral_value() else f"{number:.2f}"
    return f"{digits} {currency}" if currency else digits


def fact_text(fact: Fact | None, value: Any, currency: str | None) -> str:
    """A fact's value in a text; amounts with their currency."""
    if fact is not None and fact.kind is FactKind.MONEY:
        return amount(value, currency)
    return plain(value)


def fact_texts(sop: Sop, facts: Mapping[str, Any], currency: str | None) -> dict[str, str]:
    """Every fact of a case in words, by name."""
    return {name: fact_text(fact, facts[name], currency) for name, fact in sop.facts.items() if name in facts}


def spoken(slot: SlotWords, value: Any, locale: Locale) -> str:
    """A slot's value in a reply: an amount with its currency, a choice by its first phrase.

    Raises:
        ValueError: the value is none that the slot can hold; says why.
    """
    if slot.type is FactType.MONEY:
        return amount(_number(slot, value), slot.currency)
    if slot.type is FactType.CHOICE:
        return _phrases(slot, value, locale)[0]
    return plain(value)


def answer_fact(slot: SlotWords, value: Any) -> AnswerFact:
    """A slot's value as the fact judge compares it: `129.00 USD`, `2026-03-01`, `RF-20931`, `approved`.

    Raises:
        ValueError: the value is none that the slot can hold; says why.
    """
    if slot.type is FactType.MONEY:
        return AnswerFact(slot.name, canonical_money(_number(slot, value), slot.currency or ""))
    if slot.type is FactType.NUMBER:
        number = _number(slot, value)
        return AnswerFact(slot.name, str(int(number)) if number == number.to_integral_value() else str(number))
    if slot.type is FactType.CHOICE and str(value) not in slot.values:
        raise ValueError(f"slot {slot.name} is a choice of {', '.join(slot.values)}; found {plain(value)}")
    return AnswerFact(slot.name, plain(value))


def _number(slot: SlotWords, value: Any) -> Decimal:
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        return Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"slot {slot.name} is a {slot.type.value}; found {plain(value)}") from None


def _phrases(slot: SlotWords, value: Any, locale: Locale) -> tuple[str, ...]:
    phrases = slot.values.get(str(value), {}).get(locale, ())
    if not phrases:
        raise ValueError(f"the lexicon has no phrase for {slot.name} = {plain(value)} in {locale}")
    return phrases
