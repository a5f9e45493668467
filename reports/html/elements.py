"""The pieces that sections are made of: tables, badges, facts, and how values are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from samescore.harness.results import TargetVerdict
from samescore.reports.contents import Decision, Tone
from samescore.reports.markup import Child, Markup, joined, tag
from samescore.reports.plots import UNIT, Interval, axis
from samescore.reports.reasons import parts
from samescore.reports.words import Words

SIGNS = {Tone.GOOD: "✓", Tone.BAD: "✗", Tone.UNSURE: "?", Tone.BROKEN: "!", Tone.PLAIN: "·"}
"""What tells tones apart without colours."""

TARGET_TONES = {
    TargetVerdict.MET: Tone.GOOD,
    TargetVerdict.MISSED: Tone.BAD,
    TargetVerdict.INCONCLUSIVE: Tone.UNSURE,
}
GATE_TONES = {"cleared": Tone.GOOD, "dropped": Tone.BAD, "open": Tone.UNSURE}

_PARTS = re.compile(r"[^/>+]*[/>+]?")

LISTED = 300
"""Rows of cases that stand in the page itself; all of them are among its cases."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: a `number` is set right, a `wide` one breaks its lines, a `plain` one has plots.

    `spoken` is read out in place of the title, such as an axis.
    """

    title: str | Markup
    number: bool = False
    wide: bool = False
    plain: bool = False
    spoken: str = ""


def section(name: str, words: Words, *children: Child, lead: str | None = None, anchor: str | None = None) -> Markup:
    """A section with its heading and one sentence of what it shows."""
    place = anchor or name
    head = tag("h2", words(f"head.{name}"), id=f"{place}-title")
    return tag(
        "section",
        head,
        None if lead is None else tag("p", lead, class_="lead"),
        *children,
        id=place,
        aria_labelledby=f"{place}-title",
    )


def table(
    caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Child]], class_: str = "", *, titled: bool = False
) -> Markup:
    """A table whose first column names its rows; it scrolls by itself where the window is narrow.

    The caption of one that is `titled` by the heading above it is read out only.
    """
    body = []
    for row in rows:
        cells = [
            tag("th", cell, scope="row", class_=_column_class(column))
            if number == 0
            else tag("td", cell, class_=_column_class(column))
            for number, (column, cell) in enumerate(zip(columns, row, strict=True))
        ]
        body.append(tag("tr", *cells))
    heads = [
        tag("th", column.title, scope="col", class_=_column_class(column), aria_label=column.spoken or None)
        for column in columns
    ]
    drawn = tag(
        "table",
        tag("caption", caption, class_="unseen" if titled else None),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *body),
        class_=class_ or None,
    )
    return tag("div", drawn, class_="scroll", tabindex=0, role="region", aria_label=caption)


def badge(tone: Tone, words: str) -> Markup:
    """A decision in a word, with its sign and colour."""
    return tag("span", tag("span", SIGNS[tone], class_="sign", aria_hidden="true"), words, class_=f"badge {tone}")


def facts(found: Decision, names: Sequence[str]) -> Markup:
    """The evidence of a decision: what it is, its value, and what that means. `names` of models stay whole."""
    return tag(
        "dl",
        *(
            tag(
                "div",
                tag("dt", fact.label),
                tag(
                    "dd",
                    tag("span", fact.value, class_="figure"),
                    fact.note and tag("span", whole_names(fact.note, names), class_="note"),
                ),
            )
            for fact in found.facts
        ),
        class_="facts",
    )


def opener(case: str, run: int, words: Words) -> Markup:
    """A button that opens a case; `run` is the number of the run that it is opened for."""
    return tag(
        "button", case, type="button", class_="open", data_case=case, data_run=run, title=words("cases.open", case=case)
    )


def reason(text: str, words: Words, group: str = "reason", most: int = 240) -> Markup:
    """What is wrong, in at most so many characters; what is English in a page of another language is marked as such."""
    found: list[Child] = []
    for part in parts(text, words.language, group):
        shown = shortened(part.text, most)
        found.append(tag("span", shown, lang="en") if part.english else shown)
        most -= len(part.text)
        if most <= 0:
            break
    return joined(*found)


def branch_text(name: str) -> Markup:
    """A branch's name, which breaks between its parts."""
    return joined(joined(part, tag("wbr")) for part in _PARTS.findall(name))


def whole_names(text: str, names: Iterable[str]) -> Markup:
    """A text in which these names of models are not broken where they could stand in a line of their own."""
    longest = sorted({name for name in names if name}, key=len, reverse=True)
    if not longest:
        return joined(text)
    parts = re.split(f"((?:{'|'.join(map(re.escape, longest))})[,.:;]?)", text)
    return joined(*(tag("span", part, class_="whole") if at % 2 else part for at, part in enumerate(parts)))


def metric_name(name: str, words: Words) -> Markup:
    """A metric and what it means."""
    meaning = words.metric(name)
    return joined(
        tag("strong" if name == "success" else "span", name), tag("span", meaning, class_="note") if meaning else None
    )


def value_text(value: float | None, words: Words) -> str:
    """A score, or a dash while it has none."""
    return "–" if value is None else words.share(value)


def bounds(low: float, high: float, words: Words) -> str:
    """The ends of an interval."""
    return f"{words.share(low)} – {words.share(high)}"


def spoken(name: str, found: Interval, words: Words) -> str:
    """What a plot of a score shows, in words."""
    value = value_text(found.value, words)
    return words("plot.score.words", metric=name, value=value, low=words.share(found.low), high=words.share(found.high))


def score_plots(words: Words) -> Column:
    """The column of plots of scores, with their axis on top."""
    # Every other one: a narrow column has no room for more.
    labels = ["" if number % 2 else words.level(value) for number, value in enumerate(UNIT.ticks())]
    return Column(axis(UNIT, labels), plain=True, spoken=words("column.plot"))


def _column_class(column: Column) -> str | None:
    names = [name for name, on in (("n", column.number), ("w", column.wide), ("p", column.plain)) if on]
    return " ".join(names) or None


def shortened(text: str, most: int = 240) -> str:
    """A text of at most so many characters; the end gives way."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
