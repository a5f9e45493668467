"""Values in normalised text, each with its span: what is written, before anyone asks what it stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

from samescore.harness.facts.text import words
from samescore.harness.lexicon import Locale


@dataclass(frozen=True, slots=True)
class Mention:
    """One value in the text. `readings` has more than one entry where the writing is ambiguous (03/04/2026).

    A date without a year reads as `--MM-DD`, as in ISO 8601. `plain` marks an amount without a currency.
    """

    start: int
    end: int
    readings: tuple[str, ...]
    plain: bool = False


_WORDS_EN = words(
    """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty"""
)
_UNITS_VI = words("một hai ba bốn năm sáu bảy tám chín")
SPELLED: dict[str, int] = {
    **{word: n for n, word in enumerate(_WORDS_EN, 1)},
    **{word: n for n, word in enumerate(_UNITS_VI, 1)},
    "mười": 10,
    **{f"mười {word}": 10 + n for n, word in enumerate(_UNITS_VI, 1) if word != "năm"},
    "mười lăm": 15,
    "hai mươi": 20,
}
_SPELLED = "|".join(sorted(SPELLED, key=len, reverse=True))

_GROUPED = r"[0-9]{1,3}(?:(?:,[0-9]{3}){1,4}(?:\.[0-9]{1,2})?|(?:\.[0-9]{3}){1,4}(?:,[0-9]{1,2})?)(?![0-9])"
_NUMBER = rf"(?:{_GROUPED}|[0-9]{{1,15}}(?:[.,][0-9]{{1,2}})?(?![0-9]))"
_SPACED = r"[0-9]{1,3}(?: [0-9]{3}){1,3}(?![0-9])"
_FREE = r"(?<!\w)(?<![0-9][.,:/])"  # not inside a longer number, a time or a word

_CURRENCIES = {
    "USD": ("usd", "us$", "us dollars", "us dollar", "dollars", "dollar", "đô la mỹ", "đô la", "đô", "đôla", "bucks"),
    "EUR": ("eur", "euros", "euro", "€"),
    "GBP": ("gbp", "pounds", "£"),
    "VND": ("vnd", "vnđ", "việt nam đồng", "đồng", "₫", "đ"),
    "JPY": ("jpy", "yen", "¥"),
    **{code: (code.lower(),) for code in ("AUD", "CAD", "SGD", "THB", "CHF", "CNY", "KRW", "INR")},
}
_CURRENCY_OF = {word: code for code, words in _CURRENCIES.items() for word in words} | {"$": "USD"}
_NO_MINOR_UNIT = frozenset({"VND", "JPY", "KRW"})
_CURRENCY = "|".join(sorted(map(re.escape, _CURRENCY_OF), key=len, reverse=True))
_SCALE_OF = {"k": 3, "thousand": 3, "nghìn": 3, "ngàn": 3, "million": 6, "triệu": 6, "tr": 6}
_SCALE = "|".join(sorted(_SCALE_OF, key=len, reverse=True))
_MILLIONS_REST = (
    r"(?: ?(?P<rest>[0-9]{1,3})(?![0-9]|[.,][0-9])(?: ?(?P<thousands>nghìn|ngàn|k)(?!\w))?|(?P<half> rưỡi))?"
)

_FIGURE = re.compile(rf"{_FREE}(?:{_SPACED}(?= ?(?:{_CURRENCY})(?!\w))|{_NUMBER})")
_SPELLED_AMOUNT = re.compile(rf"(?<!\w)(?:{_SPELLED})(?= ?-?(?:dollars?|bucks|euros?|đô|nghìn|ngàn|triệu|đồng)(?!\w))")
_SPELLED_HINTS = ("dollar", "bucks", "euro", "đô", "nghìn", "ngàn", "triệu", "đồng")
_BEFORE = re.compile(r"(?:(?<!\w)(?P<code>us\$|usd|vnd|vnđ|eur|gbp|cad|aud|sgd) ?)?(?P<sign>[$€£¥₫])? ?$")
_AFTER = re.compile(
    rf"(?:(?P<scale> ?(?:{_SCALE})(?!\w)|tr(?=[0-9])){_MILLIONS_REST})?(?:[ -]{{0,2}}(?P<after>{_CURRENCY})(?!\w))?"
)
_RANGE_START = re.compile(rf"(?<![\w.,])({_NUMBER})(?:-|–| (?:to|or|and|đến|tới|hoặc|hay) )$")
_PLAIN_END = re.compile(r"[ ]{0,3}(?:$|[\n.;|)!]|,(?![0-9]))")
_LONGEST_FIGURE = 28


def canonical_money(amount: Decimal, currency: str) -> str:
    """`129.00 USD`; without decimals where the currency has none."""
    if currency in _NO_MINOR_UNIT and amount == amount.to_integral_value():
        return f"{int(amount)} {currency}"
    return f"{amount:.2f} {currency}"


def read_money(text: str, plain_currency: str | None, locale: Locale) -> Iterator[Mention]:
    """Amounts. A number without a currency is one only where `plain_currency` names it and it looks like an amount.

    In Vietnamese a bare "250k" is 250,000 VND.
    """
    figures = _FIGURE.finditer(text)
    if any(hint in text for hint in _SPELLED_HINTS):
        figures = chain(figures, _SPELLED_AMOUNT.finditer(text))
    until = 0
    for figure in figures:
        amount = _amount(text, figure, plain_currency, locale)
        if amount is None or (amount.start < until and figure.group() not in SPELLED):
            continue
        until = amount.end
        currency = amount.readings[0].rpartition(" ")[2]
        lookback = max(0, amount.start - _LONGEST_FIGURE)
        if low := _RANGE_START.search(text[lookback : amount.start]):
            yield Mention(lookback + low.start(), amount.start, (canonical_money(_decimal(low[1]), currency),))
        yield amount


def _amount(text: str, figure: re.Match[str], plain_currency: str | None, locale: Locale) -> Mention | None:
    """The amount around a figure; None where the figure is something else."""
    start, end = figure.span()
    after, before = _AFTER.match(text, end), _BEFORE.search(text, max(0, start - 6), start)
    assert after is not None and before is not None  # both can be empty, so both match
    scale = (after["scale"] or "").strip()
    written = after["after"] or before["code"] or before["sign"]
    if written:
        currency: str | None = _CURRENCY_OF[written]
        if written == "$" and plain_currency in ("AUD", "CAD", "SGD"):
            currency = plain_currency
        start -= len(before.group().lstrip())
    elif scale:
        currency = "VND" if locale == "vi" or scale in ("nghìn", "ngàn", "triệu", "tr") else plain_currency
    else:
        currency = plain_currency if plain_currency and _looks_like_amount(text, start, end) else None
    if currency is None:
        return None
    number = _decimal(figure.group())
    if scale:
        number = number.scaleb(_SCALE_OF[scale]) + _rest_of_millions(after, scale)
    return Mention(start, after.end(), (canonical_money(number, currency),), plain=not written and not scale)


def _rest_of_millions(match: re.Match[str], scale: str) -> Decimal:
    """The "2" of "1 triệu 2", the "500 nghìn" of "2 triệu 500 nghìn", the half of "2 triệu rưỡi"."""
    if scale not in ("triệu", "tr"):
        return Decimal(0)
    if match["half"]:
        return Decimal(500_000)
    if not match["rest"]:
        return Decimal(0)
    return Decimal(match["rest"]).scaleb(3 if match["thousands"] else 6 - len(match["rest"]))


def _looks_like_amount(text: str, start: int, end: int) -> bool:
    """Whether a figure without a currency is an amount: 25.00; 1,299 or a labelled 25 if it counts nothing."""
    number, behind = text[start:end], text[end : end + 2]
    if behind[:1] == "%" or behind == " %" or (behind[:1] in tuple(".,/:-") and behind[1:].isdecimal()):
        return False
    if number[-3:-2] in (".", ","):
        return True
    labelled = text[max(0, start - 3) : start].rstrip().endswith((":", "=", "|"))
    return (labelled or number[-4:-3] in (".", ",")) and _PLAIN_END.match(text, end) is not None


def _decimal(written: str) -> Decimal:
    """A number with either mark as decimal or grouping: the last mark is decimal unless three digits follow it."""
    if written in SPELLED:
        return Decimal(SPELLED[written])
    written = written.replace(" ", "")
    mark = max(written.rfind("."), written.rfind(","))
    if mark < 0 or len(written) - mark == 4:
        return Decimal(written.replace(".", "").replace(",", ""))
    return Decimal(written[:mark].replace(".", "").replace(",", "") + "." + written[mark + 1 :])


# "Năm" is five, and year.
_YEARS_VI = rf"năm (?:nay|ngoái|sau|trước|tới(?! (?:{_SPELLED}|[0-9]))|[12][0-9]{{3}})"
_COUNT = re.compile(
    rf"{_FREE}(?<![0-9]-)"
    rf"(?:(?P<digits>{_NUMBER})(?![%\w]|[:/-][0-9]| %)|(?P<word>(?!{_YEARS_VI})(?:{_SPELLED}))(?!\w))"
)


def read_numbers(text: str) -> Iterator[Mention]:
    """Counts, in digits or spelled out up to twenty. Percentages, times and parts of dates are none."""
    for match in _COUNT.finditer(text):
        number = _decimal(match["digits"] or match["word"])
        yield Mention(match.start(), match.end(), (canonical_number(number),))


def canonical_number(number: Decimal) -> str:
    """`3`, `2.5`: no exponent, no zeros at the end of a fraction."""
    return f"{number.normalize():f}" if number else "0"


def read_ids(text: str, pattern: re.Pattern[str]) -> Iterator[Mention]:
    """Whole ids; a match inside a longer code or word is none."""
    for match in pattern.finditer(text):
        start, end = match.span()
        if start == end or _joins(text[start - 1 : start], text[max(0, start - 2) : start - 1]):
            continue
        if not _joins(text[end : end + 1], text[end + 1 : end + 2]):
            yield Mention(start, end, (match.group(),))


def _joins(neighbour: str, beyond: str) -> bool:
    """Whether an id goes on in this neighbour: a letter, a digit, or a joint with one behind it."""
    return neighbour.isalnum() or (neighbour in ("-", "_") and beyond.isalnum())


EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")


def read_literals(text: str, pattern: re.Pattern[str]) -> Iterator[Mention]:
    """Occurrences of fixed words, with white space collapsed."""
    for match in pattern.finditer(text):
        yield Mention(match.start(), match.end(), (" ".join(match.group().split()),))
