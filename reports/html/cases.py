"""The cases: those that changed, and a list of all; each opens to its conversations."""

from __future__ import annotations

from collections.abc import Sequence

from samescore.reports.contents import Flip, ReportedRun
from samescore.reports.html.elements import LISTED, Column, branch_text, opener, reason, section, table
from samescore.reports.markup import Markup, joined, tag
from samescore.reports.words import Words

FEW = 8
"""So many fixed cases are shown at once; more are unfolded by whoever wants to see them."""


def changes(run: ReportedRun, words: Words, number: int, place: str) -> Markup | None:
    """The broken and the fixed cases, each of which opens to its conversations."""
    found = run.comparison
    if found is None or not found.verdict.metrics:
        return None
    lead = words("lead.changes") if found.broken or found.fixed else words("lead.changes.none")
    return section(
        "changes",
        words,
        _flips("caption.broken", found.broken, words, number, is_open=True),
        _flips("caption.fixed", found.fixed, words, number, is_open=len(found.fixed) <= FEW),
        lead=lead,
        anchor=f"changes{place}",
    )


def _flips(caption: str, flips: Sequence[Flip], words: Words, number: int, *, is_open: bool) -> Markup | None:
    if not flips:
        return None
    columns = [
        Column(words("column.case")),
        Column(words("column.before"), number=True),
        Column(words("column.after"), number=True),
        Column(words("column.why"), wide=True),
    ]
    rows = [
        (
            joined(
                opener(one.case, number, words), tag("span", branch_text(one.operator or one.branch), class_="note")
            ),
            words.share(one.before),
            words.share(one.after),
            tag("span", reason(one.reason, words), class_="reason"),
        )
        for one in flips[:LISTED]
    ]
    name = words(caption, count=words.number(len(flips)))
    drawn = table(name, columns, rows, class_="flips", titled=True)
    return tag("details", tag("summary", name), drawn, open=is_open)


def cases(run: ReportedRun, words: Words, number: int, place: str, against: bool) -> Markup:
    """Where the page lists all cases, with a search; filled by the script."""
    filters = ["failing", *(["broken", "fixed"] if against else []), "error", "passing", "all"]
    options = [tag("option", words(f"cases.{name}"), value=name) for name in filters]
    controls = tag(
        "div",
        tag("label", words("cases.search"), " ", tag("input", type="search", class_="search", autocomplete="off")),
        tag("label", words("cases.show"), " ", tag("select", *options, class_="filter")),
        tag("output", class_="found", aria_live="polite"),
        class_="controls",
    )
    more = tag("button", words("cases.more"), type="button", class_="more", hidden=True)
    return section(
        "cases",
        words,
        tag("div", controls, tag("ul", class_="list"), more, class_="cases", data_run=number),
        tag("noscript", tag("p", words("page.noscript"), class_="aside")),
        lead=words("lead.cases"),
        anchor=f"cases{place}",
    )
