"""The procedures: how well each went, what was covered, and its graph coloured by success."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from samescore.harness.results import Branch
from samescore.reports.contents import Procedure, ReportedRun
from samescore.reports.html.elements import Column, branch_text, section, table
from samescore.reports.markup import Markup, tag
from samescore.reports.plots import share_plot
from samescore.reports.words import Words


def procedures(run: ReportedRun, words: Words, place: str) -> Markup | None:
    """Each procedure: success and coverage, its graph, its branches, and what no case shows."""
    if not run.procedures:
        return None
    branches: defaultdict[str, list[Branch]] = defaultdict(list)
    for branch in run.results.branches:
        home = next((one.name for one in run.procedures if branch.name.startswith(f"{one.name}/")), "")
        branches[home].append(branch)
    worst = min(run.procedures, key=lambda one: one.right / one.rollouts if one.rollouts else 0.0)
    drawn = [_procedure(one, branches[one.name], words, one is worst) for one in run.procedures]
    return section(
        "procedures", words, *drawn, _shifts(run, words), lead=words("lead.procedures"), anchor=f"procedures{place}"
    )


def _procedure(found: Procedure, branches: Sequence[Branch], words: Words, is_open: bool) -> Markup:
    share = found.right / found.rollouts if found.rollouts else 0.0
    right = words("procedure.right", right=words.number(found.right), rollouts=words.number(found.rollouts))
    tried = words(
        "procedure.branches",
        tried=words.number(found.branches - len(found.untried)),
        branches=words.number(found.branches),
    )
    told = [tried]
    if found.obligations is not None:
        covered = words.number(found.obligations - len(found.uncovered))
        told.append(words("procedure.obligations", covered=covered, obligations=words.number(found.obligations)))
    summary = tag(
        "summary",
        tag("span", tag("strong", found.title), " ", tag("code", found.name), class_="name"),
        tag("span", right, class_="number"),
        share_plot([("good", share), ("bad", 1 - share if found.rollouts else 0.0)], right),
        tag("span", " · ".join(told), class_="note"),
    )
    columns = [
        Column(words("column.branch"), wide=True),
        Column(words("column.right"), number=True),
        Column("", plain=True, spoken=words("column.plot")),
    ]
    rows = []
    for branch in branches:
        scored = branch.rollouts - branch.errors
        counts = f"{words.number(branch.passed)} / {words.number(scored)}"
        plot = share_plot([("good", branch.rate), ("bad", 1 - branch.rate if scored else 0.0)], counts)
        rows.append((tag("code", branch_text(branch.name.removeprefix(f"{found.name}/"))), counts, plot))
    return tag(
        "details",
        summary,
        _graph(found, words),
        tag("p", words("procedure.untried", names=", ".join(found.untried)), class_="aside warn")
        if found.untried
        else None,
        table(words("caption.branches"), columns, rows, class_="branches"),
        _uncovered(found, words),
        class_="procedure",
        open=is_open,
    )


def _graph(found: Procedure, words: Words) -> Markup | None:
    if found.graph is None:
        return None
    label = words("procedure.graph")
    return tag("div", Markup(found.graph), class_="graph", tabindex=0, role="group", aria_label=label)


def _uncovered(found: Procedure, words: Words) -> Markup | None:
    if not found.uncovered:
        return None
    columns = [Column(words("column.line"), number=True), Column(words("column.obligation"), wide=True)]
    rows = [(words.number(one.line), one.words) for one in found.uncovered]
    return table(words("caption.uncovered"), columns, rows, class_="branches")


def _shifts(run: ReportedRun, words: Words) -> Markup | None:
    found = run.comparison
    if found is None or not found.branches:
        return None
    columns = [
        Column(words("column.branch"), wide=True),
        Column(words("column.before"), number=True),
        Column(words("column.after"), number=True),
        Column(words("column.change"), number=True),
        Column(words("column.cases"), number=True),
    ]
    rows = [
        (
            tag("code", branch_text(one.name)),
            words.share(one.before),
            words.share(one.after),
            words.signed(one.after - one.before),
            words.number(one.cases),
        )
        for one in found.branches
    ]
    return tag("details", tag("summary", words("caption.shifts")), table(words("caption.shifts"), columns, rows))
