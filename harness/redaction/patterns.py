"""Personal data that is known by its form: e-mail addresses, phone numbers, cards, national ids.

All patterns read folded text (see `folding`). Forms that other numbers have as well count only with a valid check
digit, a plausible prefix, or beside a word that names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from samescore.harness.facts.text import words


class Kind(StrEnum):
    """What sort of personal data a value is."""

    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    BIRTH = "birth"
    CARD = "card"  # of payment, and bank accounts
    ID = "id"  # national ids, passports, tax and social insurance numbers
    SECRET = "secret"  # what the case calls confidential


class Found(NamedTuple):
    """One place in a folded text."""

    start: int
    end: int
    kind: Kind


_EMAIL = re.compile(r"(?<![\w.+-])[\w.!#$&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}")

SHORTEST_FORM = 9
"""Characters of the shortest text that holds personal data by its form, addresses with an @ aside."""

_NINE_DIGITS = re.compile(r"\d(?:[ .()-]{0,2}\d){8}")
_BEFORE, _AFTER = r"(?<![\w.,+-])(?<!\d[ (])", r"(?![\w-]|[.,]\d)"

# Grouped as people write them, so that a date with a number behind it is none.
_GROUPED_MOBILE = r"(?:\d{9}|\d\d([ .-])\d{3}\1\d{4}|\d{3}([ .-])\d{3}\2\d{3}|\d\d([ .-])\d{3}\3\d\d\3\d\d)"
_PHONES = tuple(
    re.compile(_BEFORE + body + _AFTER)
    for body in (
        rf"\(?(?:\+|00)84\)?[ .-]?(?:\(0\)[ ]?)?{_GROUPED_MOBILE}",
        r"84\d{9}",
        r"0(?:\d{9}|\d{3}([ .-])\d{3}\1\d{3}|\d\d([ .-])\d{3}\2\d{4}|\d\d([ .-])\d{4}\3\d{3}|"
        r"\d{3}([ .-])\d\d\4\d\d\4\d\d|\d\d([ .-])\d{3}\5\d\d\5\d\d)",
        r"\(?02\d{1,2}\)?[ .-]?\d{3,4}[ .-]?\d{4}",
        r"\+(?!84)[1-9](?:[ .()-]{0,2}\d){7,14}",
        r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[.-]\d{4}",
    )
)
_MOBILE_PREFIXES = frozenset(
    words(
        """32 33 34 35 36 37 38 39 52 55 56 58 59 70 76 77 78 79 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98
        99"""
    )
)

_CARD = re.compile(
    _BEFORE + r"(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{4,5})" + _AFTER
)

_CITIZEN = re.compile(_BEFORE + r"(?:\d{12}|\d{3}([ .-])\d{3}\1\d{3}\1\d{3}|\d{4}([ .-])\d{4}\2\d{4})" + _AFTER)
_PROVINCES = frozenset(
    words(
        """001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 033 034 035 036 037 038 040
        042 044 045 046 048 049 051 052 054 056 058 060 062 064 066 067 068 070 072 074 075 077 079 080 082 083 084 086
        087 089 091 092 093 094 095 096"""
    )
)
_SSN = re.compile(_BEFORE + r"(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}" + _AFTER)

_NEAR = r"[^\d\n]{0,30}?(?<![\d])"
_CUED = tuple(
    re.compile(rf"(?<![^\W_])(?:{cue})(?![^\W_]){_NEAR}(?P<id>{body})(?![^\W_]|[.-]\d)")
    for cue, body in (
        (
            r"cmnd|cmtnd|cccd|chung minh(?: nhan dan| thu)?|can cuoc(?: cong dan)?|giay to tuy than|so dinh danh|"
            r"national[ _-]?id|identity(?:[ _-]?(?:card|number|no))?|id[ _-]?(?:card|number|no)|citizen[ _-]?id",
            r"\d{12}|\d{9}|\d{3}[ .-]\d{3}[ .-]\d{3}(?:[ .-]\d{3})?",
        ),
        (r"mst|ma so thue|tax[ _-]?(?:code|id|number|no)|tin|tax identification", r"\d{10}(?:-\d{3})?|\d{12,13}"),
        (
            r"bhxh|bhyt|bao hiem (?:xa hoi|y te)|so bao hiem|social[ _-]?(?:insurance|security)|ssn|insurance[ _-]?"
            r"(?:number|no|id)",
            r"(?:[a-z]{2}\d)?\d{10}(?:\d{2})?|\d{9}|\d{3}-\d\d-\d{4}",
        ),
        (r"ho chieu|passport", r"[a-z]{1,2}\d{6,8}|\d{9}"),
    )
)


def may_hold(text: str) -> bool:
    """Whether `find` can find anything in the text, folded or not; a quick answer for the many texts without."""
    if "@" in text or _NINE_DIGITS.search(text) is not None:
        return True
    lowered = text.lower()
    return "passport" in lowered or "ho chieu" in lowered or "hộ chiếu" in lowered


def find(text: str) -> Iterator[Found]:
    """Personal data by its form, in a folded text; places may overlap."""
    if not may_hold(text):
        return
    if "@" in text:
        yield from (Found(match.start(), match.end(), Kind.EMAIL) for match in _EMAIL.finditer(text))
    for pattern in _PHONES:
        for match in pattern.finditer(text):
            if _is_phone(match.group()):
                yield Found(match.start(), match.end(), Kind.PHONE)
    for match in _CARD.finditer(text):
        if _is_card(_digits(match.group())):
            yield Found(match.start(), match.end(), Kind.CARD)
    for match in _CITIZEN.finditer(text):
        if _is_citizen(_digits(match.group())):
            yield Found(match.start(), match.end(), Kind.ID)
    for match in _SSN.finditer(text):
        yield Found(match.start(), match.end(), Kind.ID)
    for pattern in _CUED:
        for match in pattern.finditer(text):
            yield Found(match.start("id"), match.end("id"), Kind.ID)


def _is_phone(written: str) -> bool:
    """Whether a Vietnamese number has a prefix that is given out; others are taken by their form alone."""
    digits = _digits(written)
    national = digits.removeprefix("00").removeprefix("84").removeprefix("0")
    if not written.lstrip("(").startswith(("+84", "0", "84")):
        return True
    if national.startswith("2"):
        return len(national) == 10
    return len(national) == 9 and national[:2] in _MOBILE_PREFIXES


def _is_card(digits: str) -> bool:
    """Luhn's check digit (ISO/IEC 7812-1, annex B) and an issuer of payment cards."""
    if digits[0] not in "23456" and not digits.startswith("9704"):
        return False
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_citizen(digits: str) -> bool:
    """A Vietnamese CCCD: province, then century and sex (0 to 3: born 1900 to 2099), year of birth, serial number."""
    return digits[:3] in _PROVINCES and digits[3] in "0123"


def _digits(written: str) -> str:
    return "".join(filter(str.isdigit, written))
