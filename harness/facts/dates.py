"""Calendar days in normalised text: ISO, numeric day-month forms, month names, Vietnamese `ngày ... tháng ...`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from samescore.harness.facts.text import words
from samescore.harness.facts.values import Mention
from samescore.harness.lexicon import Locale

_MONTHS = {
    name: number
    for names in (
        words("january february march april may june july august september october november december"),
        words("jan feb mar apr may jun jul aug sep oct nov dec"),
    )
    for number, name in enumerate(names, 1)
} | {"sept": 9}
_MONTH = rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})(?!\w)(?:\.(?= [0-9]))?"
_DAY = r"[0-3]?[0-9](?:st|nd|rd|th)?(?!\w)"
_AND = r"(?: ?[-–] ?| (?:to|or|and|through|đến|hoặc|hay|và) )"

_YEAR = r"[12][0-9]{3}"
_NUMERIC = (
    rf"(?<![\w/-])(?P<iso>{_YEAR}[-/.][01]?[0-9][-/.][0-3]?[0-9])(?:(?=t[0-9])|(?![\w/-]))"
    rf"|(?<![\w/.-])(?P<a>[0-3]?[0-9])(?P<joint>[/.-])(?P<b>[0-3]?[0-9])(?P=joint)(?P<y>{_YEAR}|[0-9]{{2}})(?![\w/-])"
    r"|(?<![\w/.,-])(?P<c>[0-3]?[0-9])/(?P<d>[0-3]?[0-9])(?![\w/%])"
    r"|(?<=ngày )(?P<c2>[0-3]?[0-9])-(?P<d2>[0-3]?[0-9])(?![\w/%-])"
)
_DAY_MONTH = (
    rf"(?<!\w)(?:(?P<d0>{_DAY}){_AND})?(?:the )?(?P<d1>{_DAY}) (?:of )?(?P<m1>{_MONTH})"
    rf"(?:,? (?P<y1>{_YEAR})(?!\w))?"
)
_MONTH_DAY = (
    rf"(?<!\w)(?P<m3>{_MONTH}) (?P<d3>{_DAY})(?:{_AND}(?P<d4>{_DAY})(?! (?:of )?{_MONTH}))?"
    rf"(?:,? (?P<y3>{_YEAR})(?!\w))?"
)
_NGAY_THANG = (
    rf"(?<!\w)(?:(?P<d5>{_DAY}){_AND}(?:ngày )?)?(?P<d6>{_DAY}) tháng (?P<m6>[01]?[0-9])(?!\w)"
    rf"(?:,? (?:năm )?(?P<y6>{_YEAR})(?!\w)|/(?P<y7>{_YEAR})(?!\w))?"
)
_DATE = re.compile("|".join((_NUMERIC, _DAY_MONTH, _MONTH_DAY, _NGAY_THANG)))


def read_dates(text: str, locale: Locale) -> Iterator[Mention]:
    """Days with every reading their writing allows: `20/11` is day first in Vietnamese, either way in English."""
    for match in _DATE.finditer(text):
        for readings in _readings(match, locale):
            if readings:
                yield Mention(match.start(), match.end(), readings)


def _readings(match: re.Match[str], locale: Locale) -> list[tuple[str, ...]]:
    if match["iso"]:
        year, month, day = map(int, re.split(r"[-/.]", match["iso"]))
        return [_valid((year, month, day))]
    if match["a"]:
        year = int(match["y"]) + (2000 if len(match["y"]) == 2 else 0)
        return [_either_order(year, int(match["a"]), int(match["b"]), locale)]
    if match["c"]:
        if match.group() == "24/7":
            return []
        return [_either_order(None, int(match["c"]), int(match["d"]), locale)]
    if match["c2"]:
        return [_valid((None, int(match["d2"]), int(match["c2"])))]
    if match["m1"]:
        return _named(match["m1"], match["y1"], match["d0"], match["d1"])
    if match["m3"]:
        return _named(match["m3"], match["y3"], match["d3"], match["d4"])
    month, written_year = int(match["m6"]), match["y6"] or match["y7"]
    return [_valid((_year(written_year), month, int(day))) for day in (match["d5"], match["d6"]) if day]


def _named(month: str, year: str | None, *days: str | None) -> list[tuple[str, ...]]:
    number = _MONTHS[month.rstrip(".")]
    return [_valid((_year(year), number, int(day.rstrip("stndrh")))) for day in days if day]


def _either_order(year: int | None, first: int, second: int, locale: Locale) -> tuple[str, ...]:
    day_first = _valid((year, second, first))
    if locale == "vi":
        return day_first
    return tuple(dict.fromkeys(day_first + _valid((year, first, second))))


def _year(written: str | None) -> int | None:
    return int(written) if written else None


def _valid(*days: tuple[int | None, int, int]) -> tuple[str, ...]:
    result = []
    for year, month, day in days:
        try:
            date(2024 if year is None else year, month, day)
        except ValueError:
            continue
        result.append(f"{'-' if year is None else f'{year:04d}'}-{month:02d}-{day:02d}")
    return tuple(result)
