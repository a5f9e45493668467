"""Calendar days in normalised text: ISO, numeric day-month forms, month names, Vietnamese `ngày ... tháng ...`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from samescore.harness.facts.values import Mention
from samescore.harness.lexicon import Locale

_MONTHS = {
    name: number
    for number, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept sep|"
        "october oct|november nov|december dec".split("|"),
        1,
    )
    for name in names.split()
}
_MONTH = rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})(?!\w)\.?"
_DAY = r"[0-3]?[0-9](?:st|nd|rd|th)?(?!\w)"
_AND = r"(?: ?[-–] ?| (?:to|or|and|through|đến|hoặc|hay|và) )"

_DATE = re.compile(
    rf"(?<![\w/-])(?P<iso>[12][0-9]{{3}}[-/.][01]?[0-9][-/.][0-3]?[0-9])(?:(?=t[0-9])|(?![\w/-]))"
    rf"|(?<![\w/.-])(?P<a>[0-3]?[0-9])(?P<joint>[/.-])(?P<b>[0-3]?[0-9])(?P=joint)(?P<y>[12][0-9]{{3}}|[0-9]{{2}})(?![\w/-])"
    rf"|(?<![\w/.,-])(?P<c>[0-3]?[0-9])/(?P<d>[0-3]?[0-9])(?![\w/%])"
    rf"|(?<=ngày )(?P<c2>[0-3]?[0-9])-(?P<d2>[0-3]?[0-9])(?![\w/%-])"
    rf"|(?<!\w)(?:(?P<d0>{_DAY}){_AND})?(?:the )?(?P<d1>{_DAY}) (?:of )?(?P<m1>{_MONTH})(?:,? (?P<y1>[12][0-9]{{3}})(?!\w))?"
    rf"|(?<!\w)(?P<m3>{_MONTH}) (?P<d3>{_DAY})(?:{_AND}(?P<d4>{_DAY})(?! (?:of )?{_MONTH}))?(?:,? (?P<y3>[12][0-9]{{3}})(?!\w))?"
    rf"|(?<!\w)(?:(?P<d5>{_DAY}){_AND}(?:ngày )?)?(?P<d6>{_DAY}) tháng (?P<m6>[01]?[0-9])(?!\w)"
    r"(?:,? (?:năm )?(?P<y6>[12][0-9]{3})(?!\w)|/(?P<y7>[12][0-9]{3})(?!\w))?"
)


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
