"""The history as a picture and as a page: a point with its interval a run, baselines ringed, the anchor as a line.

The picture is an SVG file that stands by itself. The page has it and the table; nothing in it runs or is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import ceil, floor

from samescore.reports.history import History, Point, Series, heading, history_table, series_title
from samescore.reports.junit import legal
from samescore.reports.markup import Markup, joined, tag
from samescore.reports.plots import Scale
from samescore.reports.replaceable import GENERATOR
from samescore.reports.tables import Table
from samescore.reports.text_words import words_of
from samescore.reports.words import Words

WIDTH, HEIGHT = 960, 300
"""Of the picture of one series, in pixels."""

LEFT, RIGHT, TOP, BOTTOM = 64, 24, 40, 44
"""Its margins."""

LABELS = 24
"""At most so many runs have their number under them."""

_STYLE = """
.history text { font: 13px system-ui, sans-serif; fill: #14181f; }
.history .paper { fill: #ffffff; }
.history .title { font-weight: 600; font-size: 15px; }
.history .grid { stroke: #dfe3e9; }
.history .anchor { stroke: #6b3fa0; stroke-dasharray: 6 4; }
.history .interval { stroke: #8a94a6; stroke-width: 2; }
.history .way { stroke: #2f53b7; }
.history .value { fill: #2f53b7; }
.history .promoted { fill: none; stroke: #0b6e5f; stroke-width: 2; }
.history .problem { stroke: #b0222e; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  .history .paper { fill: #0f131a; }
  .history text { fill: #e8ecf2; }
  .history .grid { stroke: #262e3b; }
  .history .anchor { stroke: #c9a8f5; }
  .history .interval { stroke: #7d8899; }
  .history .way { stroke: #8fabff; }
  .history .value { fill: #8fabff; }
  .history .promoted { stroke: #5fcfb6; }
  .history .problem { stroke: #ff9aa0; }
}
"""

_PAGE = """
:root { color-scheme: light dark; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1.5rem; font: 1rem/1.5 system-ui, sans-serif;
  background: #ffffff; color: #14181f; }
svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: 1rem 0 3rem; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid #c3cad5; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
@media (prefers-color-scheme: dark) {
  body { background: #0f131a; color: #e8ecf2; }
  th, td { border-color: #3c4657; }
}
"""


def history_svg(history: History) -> str:
    """One SVG file, the series one below the other."""
    words, height = words_of(history.language), HEIGHT * len(history.series)
    charts = [
        tag("g", _title(series), *_chart(series, words), transform=f"translate(0 {HEIGHT * at})")
        for at, series in enumerate(history.series)
    ]
    svg = tag(
        "svg",
        tag("title", legal(heading(history))),
        tag("style", Markup(_STYLE)),
        tag("rect", class_="paper", width=WIDTH, height=height),
        *charts,
        xmlns="http://www.w3.org/2000/svg",
        class_="history",
        viewBox=f"0 0 {WIDTH} {height}",
        width=WIDTH,
        height=height,
        role="img",
    )
    return f"{legal(svg.text)}\n"


def history_html(history: History) -> str:
    """One HTML file: for each series its picture and its table."""
    words, title = words_of(history.language), heading(history)
    parts: list[Markup] = []
    for series in history.series:
        picture = tag(
            "svg",
            *_chart(series, words),
            class_="history",
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_label=series_title(series),
        )
        table = tag("div", _table(history_table(history, series)), class_="scroll", tabindex=0)
        legend = tag("p", words("history.legend"))
        parts.append(tag("section", tag("h2", series_title(series)), picture, legend, table))
    head = joined(
        Markup('<meta charset="utf-8">'),
        tag("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content=f"{GENERATOR} history"),
        tag("title", title),
        tag("style", Markup(_PAGE + _STYLE)),
    )
    body = tag("body", tag("main", tag("h1", title), *parts))
    return f"<!doctype html>\n{tag('html', tag('head', head), body, lang=history.language)}\n"


def _title(series: Series) -> Markup:
    return tag("text", legal(series_title(series)), class_="title", x=LEFT, y=24)


def _chart(series: Series, words: Words) -> Iterator[Markup]:
    scale = _scale(series)
    for tick in scale.ticks():
        y = _y(tick, scale)
        yield tag("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
        yield tag("text", words.level(tick), x=LEFT - 8, y=f"{float(y) + 4:.1f}", text_anchor="end")
    if (anchor := series.anchor) is not None and anchor.value is not None:
        y = _y(anchor.value, scale)
        yield tag("line", class_="anchor", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
    for at, (one, other) in enumerate(pairwise(series.points)):
        if one.value is not None and other.value is not None:
            ends = {"x1": _x(at, series), "x2": _x(at + 1, series), "y1": _y(one.value, scale)}
            yield tag("line", class_="way", y2=_y(other.value, scale), **ends)
    step = ceil(len(series.points) / LABELS)
    for at, point in enumerate(series.points):
        if at % step == 0:
            yield tag("text", f"#{point.number}", x=_x(at, series), y=HEIGHT - BOTTOM + 20, text_anchor="middle")
        yield tag("g", tag("title", legal(_told(point, words))), *_marks(point, _x(at, series), scale))


def _marks(point: Point, x: str, scale: Scale) -> Iterator[Markup]:
    if point.value is None:
        cross = f"M{float(x) - 4:.1f} {HEIGHT - BOTTOM - 4} l8 8 m0 -8 l-8 8"
        yield tag("path", class_="problem", d=cross)
        return
    y = _y(point.value, scale)
    yield tag("line", class_="interval", x1=x, x2=x, y1=_y(point.low, scale), y2=_y(point.high, scale))
    yield tag("circle", class_="value", cx=x, cy=y, r=4)
    if point.promoted:
        yield tag("circle", class_="promoted", cx=x, cy=y, r=8)


def _scale(series: Series) -> Scale:
    """Tenths around all intervals, so that a change of a few points is seen."""
    known = [point for point in series.points if point.value is not None]
    low = min((point.low for point in known), default=0.0)
    high = max((point.high for point in known), default=1.0)
    return Scale(max(0.0, floor(low * 10 - 1e-9) / 10), min(1.0, ceil(high * 10 + 1e-9) / 10))


def _x(at: int, series: Series) -> str:
    return f"{LEFT + (WIDTH - LEFT - RIGHT) * (at + 0.5) / len(series.points):.1f}"


def _y(value: float, scale: Scale) -> str:
    share = (value - scale.low) / (scale.high - scale.low)
    return f"{TOP + (HEIGHT - TOP - BOTTOM) * (1 - share):.1f}"


def _told(point: Point, words: Words) -> str:
    measured = point.problem or ""
    if point.value is not None:
        measured = f"{words.share(point.value)} ({words.share(point.low)} – {words.share(point.high)})"
    commit = "" if point.commit is None else f" {point.commit[:7]}"
    return f"#{point.number} {point.label}, {point.branch}{commit}, {words.day(point.begun)}: {measured}"


def _table(table: Table) -> Markup:
    head = tag("tr", *(tag("th", name, scope="col") for name in table.header))
    rows = [tag("tr", *(tag("td", cell) for cell in row)) for row in table.rows]
    return tag("table", tag("thead", head), tag("tbody", *rows))
