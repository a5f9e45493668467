"""How the model wrote: the use of tools, malformed turns, and what a lenient server makes of them."""

from __future__ import annotations

from collections.abc import Sequence

from samescore.harness.types import Outcome as CallOutcome
from samescore.reports.contents import ReportedRun, ToolUse
from samescore.reports.html.elements import (
    Column,
    bounds,
    opener,
    reason,
    score_plots,
    section,
    shortened,
    spoken,
    table,
    value_text,
)
from samescore.reports.markup import Child, Markup, joined, tag
from samescore.reports.plots import Interval, score_plot
from samescore.reports.words import Words


def tools(run: ReportedRun, words: Words, place: str) -> Markup | None:
    """What was called, what was expected, and what became of it."""
    if not run.tools:
        return None
    outcomes = [one.value for one in CallOutcome]
    columns = [
        Column(words("column.tool")),
        Column(words("column.expected"), number=True),
        Column(words("column.made"), number=True),
        *(Column(words(f"column.{name}"), number=True) for name in outcomes),
        Column(words("column.success"), number=True),
    ]
    rows = [_tool_row(use, outcomes, words) for use in run.tools]
    return section(
        "tools",
        words,
        table(words("caption.tools", run=run.name), columns, rows, titled=True),
        lead=words("lead.tools"),
        anchor=f"tools{place}",
    )


def _tool_row(use: ToolUse, outcomes: Sequence[str], words: Words) -> Sequence[Child]:
    note = words("tool.changes") if use.changes else "" if use.known else words("tool.unknown")
    counts = [use.outcomes.get(name, 0) for name in outcomes]
    right = words.share(use.right / use.rollouts) if use.rollouts else ""
    return (
        joined(tag("code", shortened(use.name, 80)), tag("span", note, class_="note") if note else None),
        words.number(use.expected),
        words.number(use.made),
        *(words.number(count) if count else "" for count in counts),
        right,
    )


def parser(run: ReportedRun, words: Words, number: int, place: str) -> Markup:
    """Malformed turns by name, and what a lenient server would have made of the same conversations."""
    columns = [
        Column(words("column.defect")),
        Column(words("column.turns"), number=True),
        Column(words("column.rollouts"), number=True),
        Column(words("column.example"), wide=True),
    ]
    rows = [
        (
            tag("code", one.name),
            words.number(one.turns),
            words.number(one.rollouts),
            joined(opener(one.case, number, words), tag("span", reason(one.detail, words, "detail"), class_="note")),
        )
        for one in run.defects
    ]
    none = tag("p", words("lead.parser.none"), class_="aside")
    found = table(words("caption.defects", run=run.name), columns, rows, titled=True) if rows else none
    return section("parser", words, found, _served(run, words), lead=words("lead.parser"), anchor=f"parser{place}")


def _served(run: ReportedRun, words: Words) -> Markup | None:
    found = run.as_served
    if found is None:
        return None
    told = words(
        "lead.parser.served",
        server=found.server,
        version=found.version,
        differing=words.number(found.differing),
        conversations=words.counted(found.rollouts, "rollout"),
        served=words.number(found.only_served),
        strict=words.number(found.only_strictly),
    )
    rows = []
    for name, metric in (
        (words("served.strict"), found.strict),
        (words("served.lenient", server=found.server), found.success),
    ):
        interval = Interval(metric.low, metric.value, metric.high)
        plot = score_plot(interval, spoken(name, interval, words))
        rows.append((name, value_text(metric.value, words), bounds(metric.low, metric.high, words), plot))
    columns = [
        Column(words("column.metric")),
        Column(words("column.score"), number=True),
        Column(words("column.interval"), number=True),
        score_plots(words),
    ]
    rest = None if found.complete else tag("p", words("lead.parser.served.open"), class_="aside warn")
    return joined(tag("p", told, class_="aside"), rest, table(words("caption.served"), columns, rows))
