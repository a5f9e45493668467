"""Cases that were made harder, against the same cases as they were."""

from __future__ import annotations

from collections.abc import Sequence

from samescore.harness.perturbed import OperatorResult
from samescore.reports.contents import ReportedRun
from samescore.reports.html.elements import Column, section, table, value_text
from samescore.reports.markup import Child, Markup, tag
from samescore.reports.plots import Interval, Scale, axis, change_plot, change_scale
from samescore.reports.words import Words


def operators(run: ReportedRun, words: Words, place: str) -> Markup | None:
    """Cases that were made harder, operator by operator, against the same cases as they were."""
    found = run.results.operators
    if not found:
        return None
    compared = [one for one in found if one.drop is not None]
    scale = change_scale([-value for one in compared if one.drop for value in (one.drop.low, one.drop.high)])
    labels = [words.tick(value) for value in scale.ticks()]
    columns = [
        Column(words("column.operator")),
        Column(words("column.asks")),
        Column(words("column.before"), number=True),
        Column(words("column.score"), number=True),
        Column(words("column.change"), number=True),
        Column(axis(scale, labels), plain=True, spoken=words("column.plot")),
        Column(words("column.broken"), number=True),
        Column(words("column.fixed"), number=True),
        Column(words("column.cases"), number=True),
    ]
    rows = [_operator_row(one, scale, words) for one in found]
    return section(
        "operators",
        words,
        table(words("caption.operators", run=run.name), columns, rows, titled=True),
        lead=words("lead.operators"),
        anchor=f"operators{place}",
    )


def _operator_row(one: OperatorResult, scale: Scale, words: Words) -> Sequence[Child]:
    drop, after = one.drop, value_text(one.metric.value, words)
    plot: Markup | None = None
    change = ""
    if drop is not None:
        change = words.signed(-drop.value)
        spoken = words(
            "plot.score.words",
            metric=one.name,
            value=change,
            low=words.signed(-drop.high),
            high=words.signed(-drop.low),
        )
        plot = change_plot(Interval(-drop.high, -drop.value, -drop.low), spoken, scale)
    counts = (words.number(one.broken), words.number(one.fixed)) if drop is not None else ("", "")
    before = "" if one.before is None else words.share(one.before)
    key = f"right.{one.right.replace(' ', '_')}"
    right = words(key) if words.has(key) else one.right
    return (tag("code", one.name), right, before, after, change, plot, *counts, words.number(one.metric.n))
