"""Is a fact stated? One slot's values are read, attributed, and asked what the text does with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from samescore.harness.errors import UnknownName
from samescore.harness.facts.clauses import Passage, read_passage
from samescore.harness.facts.compiled import CompiledLexicon, compiled
from samescore.harness.facts.dates import read_dates
from samescore.harness.facts.roles import NOBODY, attribute
from samescore.harness.facts.stance import Stance, stance
from samescore.harness.facts.text import normalise_phrase
from samescore.harness.facts.values import (
    EMAIL,
    Mention,
    canonical_money,
    canonical_number,
    read_ids,
    read_literals,
    read_money,
    read_numbers,
)
from samescore.harness.lexicon import FactType, Lexicon, Locale, SlotWords

_OR = re.compile(r"[\s,]{0,2}(?:or|hoặc|hay)(?: là| even| maybe)?[\s$€£]{1,3}")
_LONGEST_OR = 16


@dataclass(frozen=True, slots=True)
class AnswerFact:
    """A fact a reply must or must not state: a slot and its value.

    The value is written canonically: money `129.00 USD` (no decimals where the currency has none, `250000 VND`), date
    `2026-11-20`, id `RF-20931`, number `3`, choice the value's key, text itself.
    """

    slot: str
    value: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What a content says about one fact.

    `found` are the canonical values it asserts for the slot, in order, without repetition. `span` is the place that
    decided, as indices into the normalised content (see `text`).
    """

    stated: bool
    found: tuple[str, ...]
    reason: str
    span: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Claim:
    mention: Mention
    value: str
    stance: Stance


def judge(content: str, fact: AnswerFact, lexicon: Lexicon, locale: Locale) -> Statement:
    """Whether the visible content gives exactly one value for the fact's slot, not negated, equal to the expected one.

    Raises:
        UnknownName: the lexicon has no such slot.
    """
    slot = lexicon.slots.get(fact.slot)
    if slot is None:
        raise UnknownName("slot", fact.slot, list(lexicon.slots), "Declare it in the world's lexicon.")
    words = compiled(lexicon)
    passage = read_passage(content, locale)
    expected = _canonical(fact.value, slot)
    mentions = _mentions_of(passage, fact, slot, words)
    return _statement(fact, expected, list(_claims(passage, mentions, expected, slot.type)))


def _claims(passage: Passage, mentions: list[Mention], expected: str, kind: FactType) -> Iterator[_Claim]:
    previous: _Claim | None = None
    for mention in mentions:
        if previous is not None and _is_alternative(passage, previous.mention, mention):
            how = previous.stance
        else:
            how = _stance(passage, mention, kind)
        previous = _Claim(mention, _value(mention, expected, kind), how)
        yield previous


def _is_alternative(passage: Passage, previous: Mention, mention: Mention) -> bool:
    """Whether "or" links two mentions: what the text does with the first it does with the second."""
    gap = mention.start - previous.end
    return 0 < gap <= _LONGEST_OR and _OR.fullmatch(passage.text, previous.end, mention.start) is not None


def _statement(fact: AnswerFact, expected: str, claims: list[_Claim]) -> Statement:
    asserted = [claim for claim in claims if claim.stance is Stance.ASSERTED] or [
        claim for claim in claims if claim.stance is Stance.TENTATIVE
    ]
    found = tuple(dict.fromkeys(claim.value for claim in asserted))
    name, wanted = fact.slot, fact.value
    right = next((claim for claim in asserted if claim.value == expected), None)
    denied = next((c for c in claims if c.value == expected and c.stance is Stance.NEGATED), None)
    if right is None:
        weak = denied or next((claim for claim in claims if claim.value == expected), None)
        if weak is not None:
            return Statement(False, found, f"{name} {wanted} is {weak.stance}, not stated", _span(weak))
        if not claims:
            return Statement(False, (), f"no value is given for {name}; expected {wanted}", None)
        if not found:
            return Statement(
                False, (), f"{name} {claims[0].value} is {claims[0].stance}; expected {wanted}", _span(claims[0])
            )
        return Statement(False, found, f"{name} is given as {_listing(found)}; expected {wanted}", _span(asserted[0]))
    if len(found) > 1:
        other = next(claim for claim in asserted if claim.value != expected)
        return Statement(
            False,
            found,
            f"{name} is given {len(found)} values, {_listing(found)}; expected only {wanted}",
            _span(other),
        )
    if guess := next((c for c in claims if c.stance is Stance.GUESS and c.value != expected), None):
        reason = f"{name} is given as {wanted}, and {guess.value} is offered as a guess"
        return Statement(False, found, reason, _span(guess))
    if denied is not None:
        return Statement(False, found, f"{name} {wanted} is both asserted and negated", _span(denied))
    return Statement(True, found, f"{name} is given as {wanted}", _span(right))


def _span(claim: _Claim) -> tuple[int, int]:
    return claim.mention.start, claim.mention.end


def _listing(values: tuple[str, ...]) -> str:
    shown = ", ".join(values[:5])
    return shown if len(values) <= 5 else f"{shown} and {len(values) - 5} more"


def _mentions_of(passage: Passage, fact: AnswerFact, slot: SlotWords, words: CompiledLexicon) -> list[Mention]:
    """The mentions that count for the slot: those attributed to it, or, without any, those attributed to nobody."""
    mentions = sorted(_read(passage, fact, slot, words), key=lambda mention: mention.start)
    if not mentions or (words.alone(slot, fact.value) and not _is_email(fact.value)):
        return mentions
    owners = attribute(passage, mentions, words.roles(slot.type, passage.locale), slot.type)
    own = [mention for mention, owner in zip(mentions, owners, strict=True) if slot.name in owner]
    if own:
        return own
    bare = [m for m, owner in zip(mentions, owners, strict=True) if owner == NOBODY and not m.plain]
    return bare if slot.type is not FactType.NUMBER or len(mentions) == 1 else []


def _read(passage: Passage, fact: AnswerFact, slot: SlotWords, words: CompiledLexicon) -> Iterable[Mention]:
    text, locale = passage.text, passage.locale
    if slot.type is FactType.MONEY:
        return read_money(text, slot.currency, locale)
    if slot.type is FactType.DATE:
        return read_dates(text, locale)
    if slot.type is FactType.CHOICE:
        return words.read_choices(passage.words, slot, locale)
    if slot.type is FactType.ID and (pattern := words.id_pattern(slot)):
        return read_ids(text, pattern)
    if slot.type is FactType.NUMBER:
        return _numbers(passage, words)
    if _is_email(fact.value):
        return read_literals(text, EMAIL)
    return _literal(text, fact.value)


def _numbers(passage: Passage, words: CompiledLexicon) -> list[Mention]:
    """Counts that are no part of an amount, a date or an id."""
    text = passage.text
    covered = [(m.start, m.end) for m in (*read_money(text, None, passage.locale), *read_dates(text, passage.locale))]
    covered += [(m.start, m.end) for pattern in words.id_patterns for m in read_ids(text, pattern)]
    covered.sort()
    result: list[Mention] = []
    at = 0
    for mention in read_numbers(text):
        while at < len(covered) and covered[at][1] <= mention.start:
            at += 1
        if at == len(covered) or covered[at][0] >= mention.end:
            result.append(mention)
    return result


def _literal(text: str, value: str) -> list[Mention]:
    phrase = normalise_phrase(value)
    if not phrase:
        return []
    words = r"\s{1,3}".join(map(re.escape, phrase.split()))
    return list(read_literals(text, re.compile(rf"(?<!\w){words}(?!\w)")))


def _is_email(value: str) -> bool:
    return "@" in value and EMAIL.fullmatch(normalise_phrase(value)) is not None


def _stance(passage: Passage, mention: Mention, kind: FactType) -> Stance:
    result = stance(
        passage, mention.start, mention.end, quantity=kind in (FactType.MONEY, FactType.DATE, FactType.NUMBER)
    )
    if result is Stance.TENTATIVE and kind is not FactType.CHOICE:
        return Stance.ASSERTED
    return result


def _value(mention: Mention, expected: str, kind: FactType) -> str:
    readings = mention.readings
    if kind is FactType.DATE:
        # A day without a year is meant in the year at hand, the expected one.
        readings = tuple(expected[:4] + reading[1:] if reading.startswith("--") else reading for reading in readings)
    if kind is FactType.ID and len(readings) == 1 and readings[0] == expected:
        return expected
    return "|".join(readings)


def _canonical(value: str, slot: SlotWords) -> str:
    """The expected value as the readers write it."""
    return _CANONICAL.get(slot.type, normalise_phrase)(value)


def _money(value: str) -> str:
    amount, _, currency = value.strip().partition(" ")
    try:
        number = Decimal(amount)
    except InvalidOperation:
        return value
    return canonical_money(number, currency.upper()) if number.is_finite() and number.adjusted() < 18 else value


def _date(value: str) -> str:
    try:
        return date.fromisoformat(value.strip()[:10]).isoformat()
    except ValueError:
        return value


def _number(value: str) -> str:
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        return value
    return canonical_number(number) if number.is_finite() and abs(number.adjusted()) < 18 else value


_CANONICAL: dict[FactType, Callable[[str], str]] = {
    FactType.MONEY: _money,
    FactType.DATE: _date,
    FactType.NUMBER: _number,
    FactType.CHOICE: str,
}
