"""The sections of the page, each a function of a run, or of all, that gives markup; nothing where there is nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from samescore.harness.perturbed import OperatorResult
from samescore.harness.results import Branch, Metric, TargetVerdict
from samescore.harness.types import Outcome as CallOutcome
from samescore.reports.contents import Contents, Decision, Flip, Procedure, ReportedRun, Target, Tone, ToolUse
from samescore.reports.markup import Child, Markup, joined, tag
from samescore.reports.plots import (
    UNIT,
    Interval,
    Scale,
    axis,
    change_plot,
    change_scale,
    score_plot,
    share_plot,
)
from samescore.reports.words import Words

SIGNS = {Tone.GOOD: "✓", Tone.BAD: "✗", Tone.UNSURE: "?", Tone.BROKEN: "!", Tone.PLAIN: "·"}
"""What tells tones apart without colours."""

_TARGET_TONES = {
    TargetVerdict.MET: Tone.GOOD,
    TargetVerdict.MISSED: Tone.BAD,
    TargetVerdict.INCONCLUSIVE: Tone.UNSURE,
}
_GATE_TONES = {"cleared": Tone.GOOD, "dropped": Tone.BAD, "open": Tone.UNSURE}
_LISTED = 300
"""Rows of fixed or broken cases that stand in the page itself; all of them are among its cases."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; a `number` is set right."""

    title: str | Markup
    number: bool = False
    wide: bool = False
    plain: bool = False
    """No column head that is read out: of plots, which say themselves what they show."""


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


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Child]], class_: str = "") -> Markup:
    """A table whose first column names its rows; it scrolls by itself where the window is narrow."""
    heads = [
        tag("th", column.title, scope="col", class_=_column_class(column)) for column in columns
    ]
    body = []
    for row in rows:
        cells = [
            tag("th", cell, scope="row", class_=_column_class(column))
            if number == 0
            else tag("td", cell, class_=_column_class(column))
            for number, (column, cell) in enumerate(zip(columns, row, strict=True))
        ]
        body.append(tag("tr", *cells))
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *body),
            class_=class_ or None,
        ),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=caption,
    )


def badge(tone: Tone, words: str) -> Markup:
    """A decision in a word, with its sign and colour."""
    return tag("span", tag("span", SIGNS[tone], class_="sign", aria_hidden="true"), words, class_=f"badge {tone}")


def decision(contents: Contents, words: Words) -> Markup:
    """The first screen: may it ship, in a sentence; the evidence; and what the suite does not tell."""
    found = contents.decision
    run = next(run for run in contents.runs if run.decision is found)
    suites = words.listed([f"{suite.name} v{suite.version}" for suite in run.suites])
    counts = {"cases": words.counted(run.results.cases, "case"), "epochs": words.counted(run.epochs, "epoch")}
    eyebrow = (
        words("eyebrow.alone", suites=suites, **counts)
        if contents.baseline is None
        else words("eyebrow.against", suites=suites, baseline=contents.baseline.name, **counts)
    )
    return tag(
        "header",
        tag("p", eyebrow, class_="eyebrow"),
        badge(found.tone, words(f"outcome.{found.outcome}")),
        tag("h1", found.sentence),
        tag("p", found.also, class_="also") if found.also else None,
        _change_figure(run, words),
        tag(
            "div",
            tag("section", tag("h2", words("head.evidence"), id="evidence-title"), facts(found), aria_labelledby="evidence-title"),
            tag(
                "section",
                tag("h2", words("head.limits"), id="limits-title"),
                tag("ul", *(tag("li", limit) for limit in found.limits)),
                aria_labelledby="limits-title",
                class_="limits",
            ),
            class_="split",
        ),
        class_=f"decision {found.tone}",
        id="decision",
    )


def facts(found: Decision) -> Markup:
    """The evidence of a decision: what it is, its value, and what that means."""
    return tag(
        "dl",
        *(
            tag(
                "div",
                tag("dt", fact.label),
                tag("dd", tag("span", fact.value, class_="figure"), fact.note and tag("span", fact.note, class_="note")),
            )
            for fact in found.facts
        ),
        class_="facts",
    )


def _change_figure(run: ReportedRun, words: Words) -> Markup | None:
    """The metrics that carry the verdict, each as a change with its interval and margin."""
    found = run.comparison
    if found is None or not found.verdict.metrics:
        return None
    metrics = found.verdict.metrics
    scale = change_scale(
        [value for one in metrics for value in (-one.compared.low, -one.compared.high, -one.compared.margin)]
    )
    rows = []
    for one in metrics:
        seen = one.compared
        told = words(f"verdict.{one.verdict}")
        spoken = words(
            "plot.change.words",
            metric=one.name,
            change=words.signed(-seen.drop),
            low=words.signed(-seen.high),
            high=words.signed(-seen.low),
            margin=words.points(seen.margin),
            verdict=told,
        )
        interval = Interval(-seen.high, -seen.drop, -seen.low)
        rows.append(
            tag(
                "div",
                tag("span", one.name, class_="name"),
                change_plot(interval, spoken, scale, seen.margin),
                tag("span", words.signed(-seen.drop), class_="number"),
                badge(_GATE_TONES[one.verdict], told),
                class_="row",
            )
        )
    labels = [words.signed(value) for value in scale.ticks()]
    rows.append(tag("div", tag("span"), axis(scale, labels), tag("span"), tag("span"), class_="row"))
    legend = words("plot.change", confidence=words.level(1 - 2 * found.verdict.alpha))
    return tag("figure", *rows, tag("figcaption", legend), class_="changes")


def runs(contents: Contents, words: Words) -> Markup | None:
    """Several runs side by side: their decisions, and every metric of each."""
    if len(contents.runs) < 2:
        return None
    every = [*contents.runs, *([contents.baseline] if contents.baseline else [])]
    heads = [Column(words("column.run")), Column(words("column.decision")), Column(words("column.cases"), number=True)]
    decisions = [
        (run.name, badge(run.decision.tone, words(f"outcome.{run.decision.outcome}")), words.number(run.results.cases))
        for run in contents.runs
    ]
    names = list(dict.fromkeys(name for run in every for name in run.results.metrics))
    columns = [Column(words("column.metric"))]
    for run in every:
        title = run.name if run is not contents.baseline else f"{run.name} ({words('column.baseline')})"
        columns.append(Column(title, number=True))
    rows = [(_metric_name(name, words), *(_score(run.results.metrics.get(name), words) for run in every)) for name in names]
    return section(
        "runs",
        words,
        table(words("caption.runs"), heads, decisions),
        table(words("head.metrics"), columns, rows),
        lead=words("lead.runs"),
    )


def errors(run: ReportedRun, words: Words, place: str) -> Markup | None:
    """What has no score, where anything has none."""
    if run.results.complete:
        return None
    rows = [(one.case, words.number(one.epoch), one.reason) for one in run.results.errors[:_LISTED]]
    columns = [Column(words("column.case")), Column(words("column.epoch"), number=True), Column(words("column.why"), wide=True)]
    return section(
        "errors", words, table(words("caption.errors"), columns, rows), lead=words("lead.errors"), anchor=f"errors{place}"
    )


def targets(run: ReportedRun, words: Words, place: str) -> Markup:
    """The targets, how the run stands to them, and whether they moved."""
    if not run.targets:
        return section("targets", words, lead=words("lead.targets.none"), anchor=f"targets{place}")
    columns = [
        Column(words("column.metric")),
        Column(words("column.verdict")),
        Column(words("column.target"), number=True),
        Column(words("column.score"), number=True),
        Column(words("column.interval"), number=True),
        Column(_unit_axis(words), plain=True),
    ]
    rows = [_target_row(target, words) for target in run.targets]
    moved: Markup | None = None
    if run.moved:
        heads = [Column(words(f"column.{name}")) for name in ("suite", "since", "was", "now")]
        lines = [(one.suite, words(f"since.{one.since}"), one.before, one.now) for one in run.moved]
        moved = table(words("caption.moved"), heads, lines, class_="moved")
    told = None
    if not any(one.since == "training" for one in run.moved):
        told = tag("p", words("lead.targets.same" if run.trained_targets else "lead.targets.unknown"), class_="aside")
    return section(
        "targets",
        words,
        table(words("caption.targets", run=run.name), columns, rows),
        moved,
        told,
        lead=words("lead.targets"),
        anchor=f"targets{place}",
    )


def _target_row(target: Target, words: Words) -> Sequence[Child]:
    interval = Interval(target.low, target.value, target.high)
    spoken = _spoken(target.metric, interval, words) + words("plot.target.words", target=words.level(target.least))
    return (
        target.metric,
        badge(_TARGET_TONES[target.verdict], words(f"target.{target.verdict}")),
        words.level(target.least),
        _value(target.value, words),
        _bounds(target.low, target.high, words),
        score_plot(interval, spoken, target=target.least),
    )


def metrics(run: ReportedRun, words: Words, place: str) -> Markup:
    """Every metric with interval, target and floor; against the baseline where there is one; by language; pass^k."""
    shifts = {} if run.comparison is None else {shift.name: shift for shift in run.comparison.shifts}
    columns = [
        Column(words("column.metric"), wide=True),
        Column(words("column.score"), number=True),
        Column(words("column.interval"), number=True),
        Column(_unit_axis(words), plain=True),
        *([Column(words("column.change"), number=True)] if shifts else []),
        Column(words("column.floor"), number=True),
        Column(words("column.cases"), number=True),
    ]
    rows: list[Sequence[Child]] = []
    for metric in run.results.metrics.values():
        shift = shifts.get(metric.name)
        interval = Interval(metric.low, metric.value, metric.high)
        spoken = _spoken(metric.name, interval, words)
        plot = score_plot(
            interval,
            spoken,
            target=metric.target,
            nothing=None if metric.floor is None else metric.floor.value,
            before=None if shift is None else shift.before,
        )
        change = [] if not shifts else [None if shift is None else words.signed(-shift.drop.value)]
        floor = None if metric.floor is None else _floor(metric, words)
        head = _metric_name(metric.name, words)
        bounds = _bounds(metric.low, metric.high, words)
        rows.append((head, _value(metric.value, words), bounds, plot, *change, floor, words.number(metric.n)))
    legend = words("plot.legend") + (words("plot.legend.before") if shifts else "")
    return section(
        "metrics",
        words,
        table(words("caption.metrics", run=run.name), columns, rows, class_="metrics"),
        tag("p", legend, class_="legend"),
        _languages(run, words),
        _pass_k(run, words),
        lead=words("lead.metrics"),
        anchor=f"metrics{place}",
    )


def _languages(run: ReportedRun, words: Words) -> Markup | None:
    if len(run.results.locales) < 2:
        return None
    columns = [
        Column(words("column.language")),
        Column(words("column.score"), number=True),
        Column(words("column.interval"), number=True),
        Column(_unit_axis(words), plain=True),
        Column(words("column.cases"), number=True),
    ]
    rows = []
    for locale, metric in run.results.locales.items():
        name = words(f"locale.{locale}") if words.has(f"locale.{locale}") else locale
        interval = Interval(metric.low, metric.value, metric.high)
        plot = score_plot(interval, _spoken(name, interval, words))
        bounds = _bounds(metric.low, metric.high, words)
        rows.append((name, _value(metric.value, words), bounds, plot, words.number(metric.n)))
    return table(words("caption.languages"), columns, rows)


def _pass_k(run: ReportedRun, words: Words) -> Markup | None:
    if not run.pass_k:
        return None
    columns = [Column("k", number=True), Column("pass^k", number=True)]
    rows = [(words.number(one.k), words.share(one.value)) for one in run.pass_k]
    return table(words("caption.pass_k"), columns, rows)


def procedures(run: ReportedRun, words: Words, place: str) -> Markup | None:
    """Each procedure: success and coverage, its graph, its branches, and what no case shows."""
    if not run.procedures:
        return None
    branches: defaultdict[str, list[Branch]] = defaultdict(list)
    for branch in run.results.branches:
        home = next((one.name for one in run.procedures if branch.name.startswith(f"{one.name}/")), "")
        branches[home].append(branch)
    worst = min(run.procedures, key=lambda one: (one.right / one.rollouts if one.rollouts else 0.0))
    drawn = [_procedure(one, branches[one.name], words, one is worst) for one in run.procedures]
    return section("procedures", words, *drawn, _shifts(run, words), lead=words("lead.procedures"), anchor=f"procedures{place}")


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
        Column("", plain=True),
    ]
    rows = []
    for branch in branches:
        scored = branch.rollouts - branch.errors
        counts = f"{words.number(branch.passed)} / {words.number(scored)}"
        plot = share_plot([("good", branch.rate), ("bad", 1 - branch.rate if scored else 0.0)], counts)
        rows.append((tag("code", branch.name.removeprefix(f"{found.name}/")), counts, plot))
    uncovered = [Column(words("column.line"), number=True), Column(words("column.obligation"), wide=True)]
    return tag(
        "details",
        summary,
        None
        if found.graph is None
        else tag("div", Markup(found.graph), class_="graph", tabindex=0, role="group", aria_label=words("procedure.graph")),
        found.untried
        and tag("p", words("procedure.untried", names=", ".join(found.untried)), class_="aside warn"),
        table(words("caption.branches"), columns, rows, class_="branches"),
        found.uncovered
        and table(
            words("caption.uncovered"), uncovered, [(words.number(one.line), one.words) for one in found.uncovered]
        ),
        class_="procedure",
        open=is_open,
    )


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
            tag("code", one.name),
            words.share(one.before),
            words.share(one.after),
            words.signed(one.after - one.before),
            words.number(one.cases),
        )
        for one in found.branches
    ]
    return tag("details", tag("summary", words("caption.shifts")), table(words("caption.shifts"), columns, rows))


def operators(run: ReportedRun, words: Words, place: str) -> Markup | None:
    """Cases that were made harder, operator by operator, against the same cases as they were."""
    found = run.results.operators
    if not found:
        return None
    compared = [one for one in found if one.drop is not None]
    scale = change_scale([-value for one in compared if one.drop for value in (one.drop.low, one.drop.high)])
    labels = [words.signed(value) for value in scale.ticks()]
    columns = [
        Column(words("column.operator")),
        Column(words("column.asks")),
        Column(words("column.before"), number=True),
        Column(words("column.score"), number=True),
        Column(words("column.change"), number=True),
        Column(axis(scale, labels), plain=True),
        Column(words("column.broken"), number=True),
        Column(words("column.fixed"), number=True),
        Column(words("column.cases"), number=True),
    ]
    rows = [_operator_row(one, scale, words) for one in found]
    return section(
        "operators",
        words,
        table(words("caption.operators", run=run.name), columns, rows),
        lead=words("lead.operators"),
        anchor=f"operators{place}",
    )


def _operator_row(one: OperatorResult, scale: Scale, words: Words) -> Sequence[Child]:
    drop, after = one.drop, _value(one.metric.value, words)
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
    return (tag("code", one.name), one.right, before, after, change, plot, *counts, words.number(one.metric.n))


def changes(run: ReportedRun, words: Words, number: int, place: str) -> Markup | None:
    """The broken and the fixed cases, each of which opens to its conversations."""
    found = run.comparison
    if found is None or not found.verdict.metrics:
        return None
    lead = words("lead.changes") if found.broken or found.fixed else words("lead.changes.none")
    return section(
        "changes",
        words,
        _flips("caption.broken", found.broken, words, number),
        _flips("caption.fixed", found.fixed, words, number),
        lead=lead,
        anchor=f"changes{place}",
    )


def _flips(caption: str, flips: Sequence[Flip], words: Words, number: int) -> Markup | None:
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
            joined(_opener(one.case, number, words), tag("span", one.operator or one.branch, class_="note")),
            words.share(one.before),
            words.share(one.after),
            tag("span", _shortened(one.reason), class_="reason"),
        )
        for one in flips[:_LISTED]
    ]
    return table(words(caption, count=words.number(len(flips))), columns, rows, class_="flips")


def _opener(case: str, run: int, words: Words) -> Markup:
    return tag("button", case, type="button", class_="open", data_case=case, data_run=run, title=words("cases.open", case=case))


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
    return section(
        "cases",
        words,
        tag("div", controls, tag("ul", class_="list"), tag("button", words("cases.more"), type="button", class_="more", hidden=True),
            class_="cases", data_run=number),
        tag("noscript", tag("p", words("page.noscript"), class_="aside")),
        lead=words("lead.cases"),
        anchor=f"cases{place}",
    )


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
        table(words("caption.tools", run=run.name), columns, rows),
        lead=words("lead.tools"),
        anchor=f"tools{place}",
    )


def _tool_row(use: ToolUse, outcomes: Sequence[str], words: Words) -> Sequence[Child]:
    note = words("tool.changes") if use.changes else "" if use.known else words("tool.unknown")
    counts = [use.outcomes.get(name, 0) for name in outcomes]
    right = words.share(use.right / use.rollouts) if use.rollouts else ""
    return (
        joined(tag("code", _shortened(use.name, 80)), tag("span", note, class_="note") if note else None),
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
            joined(_opener(one.case, number, words), tag("span", _shortened(one.detail), class_="reason")),
        )
        for one in run.defects
    ]
    found = table(words("caption.defects", run=run.name), columns, rows) if rows else tag("p", words("lead.parser.none"), class_="aside")
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
        plot = score_plot(interval, _spoken(name, interval, words))
        rows.append((name, _value(metric.value, words), _bounds(metric.low, metric.high, words), plot))
    columns = [
        Column(words("column.metric")),
        Column(words("column.score"), number=True),
        Column(words("column.interval"), number=True),
        Column(_unit_axis(words), plain=True),
    ]
    rest = None if found.complete else tag("p", words("lead.parser.served.open"), class_="aside warn")
    return joined(tag("p", told, class_="aside"), rest, table(words("caption.served"), columns, rows))


def effort(run: ReportedRun, baseline: ReportedRun | None, words: Words, place: str) -> Markup:
    """What the run took, beside the baseline."""
    rows = _effort_rows(run, words)
    before = {} if baseline is None else {name: value for name, value, _ in _effort_rows(baseline, words)}
    entries = []
    for name, value, note in rows:
        notes = [note] if note else []
        if name in before and baseline is not None:
            notes.append(words("effort.against", value=before[name]))
        shown = tag("span", "; ".join(notes), class_="note") if notes else None
        entries.append(tag("div", tag("dt", name), tag("dd", tag("span", value, class_="figure"), shown)))
    return section("effort", words, tag("dl", *entries, class_="facts"), lead=words("lead.effort"), anchor=f"effort{place}")


def _effort_rows(run: ReportedRun, words: Words) -> list[tuple[str, str, str]]:
    took, usage = run.effort, run.results.usage
    each = max(1, took.rollouts)
    rows = [(words("effort.conversations"), words.number(took.rollouts), "")]
    turns = words("effort.each", count=words.decimal(took.turns / each, 1))
    rows.append((words("effort.turns"), words.number(took.turns), turns))
    read, written = took.prompt_tokens, took.completion_tokens
    if usage is not None:
        read, written = usage.input_tokens, usage.output_tokens
    for key, count in (("effort.read", read), ("effort.written", written)):
        if count:
            note = words("effort.each", count=words.number(round(count / each)))
            rows.append((words(key), words.number(count), note))
    note = words("effort.seconds.note", p95=words.decimal(took.p95, 2))
    rows.append((words("effort.seconds"), words.decimal(took.p50, 2), note))
    if usage is not None:
        note = words("effort.seconds.note", p95=words.decimal(usage.p95, 2))
        rows.append((words("effort.turn"), words.decimal(usage.p50, 2), note))
    if took.wall is not None:
        rows.append((words("effort.wall"), words("effort.wall.value", seconds=words.number(round(took.wall))), ""))
    if usage is not None and usage.cost is not None:
        per = words("effort.each", count=words("effort.cost.value", cost=words.decimal(usage.cost / each, 5)))
        rows.append((words("effort.cost"), words("effort.cost.value", cost=words.decimal(usage.cost, 2)), per))
    return rows


def provenance(run: ReportedRun, baseline: ReportedRun | None, words: Words, place: str) -> Markup:
    """What made the result what it is, with what is otherwise in the baseline."""
    before = {} if baseline is None else {(row.group, row.name): row.value for row in baseline.provenance}
    groups: defaultdict[str, list[Sequence[Child]]] = defaultdict(list)
    for row in run.provenance:
        other = before.pop((row.group, row.name), None) if baseline is not None else None
        value: Child = tag("code", row.value)
        cells: Sequence[Child] = (row.name, value)
        if baseline is not None:
            cells = (row.name, value, "=" if other == row.value else "–" if other is None else tag("code", other))
        groups[row.group].append(cells)
    columns = [Column(""), Column(run.name, wide=True)]
    if baseline is not None:
        columns.append(Column(f"{baseline.name} ({words('column.baseline')})", wide=True))
    drawn = [table(words(f"group.{name}"), columns, rows, class_="provenance") for name, rows in groups.items()]
    return section(
        "provenance",
        words,
        tag("details", tag("summary", words("head.provenance")), *drawn),
        lead=words("lead.provenance"),
        anchor=f"provenance{place}",
    )


def _metric_name(name: str, words: Words) -> Markup:
    meaning = words.metric(name)
    return joined(tag("strong" if name == "success" else "span", name), tag("span", meaning, class_="note") if meaning else None)


def _score(metric: Metric | None, words: Words) -> Child:
    if metric is None:
        return "–"
    bounds = tag("span", _bounds(metric.low, metric.high, words), class_="note")
    return joined(_value(metric.value, words), bounds)


def _value(value: float | None, words: Words) -> str:
    return "–" if value is None else words.share(value)


def _bounds(low: float, high: float, words: Words) -> str:
    return f"{words.share(low)} – {words.share(high)}"


def _floor(metric: Metric, words: Words) -> Child:
    assert metric.floor is not None, "asked for where there is one"
    agent = metric.floor.policy.removeprefix("null/")
    return joined(words.share(metric.floor.value), tag("span", agent, class_="note"))


def _spoken(name: str, found: Interval, words: Words) -> str:
    value = _value(found.value, words)
    return words("plot.score.words", metric=name, value=value, low=words.share(found.low), high=words.share(found.high))


def _unit_axis(words: Words) -> Markup:
    return axis(UNIT, [words.level(value) for value in UNIT.ticks()])


def _column_class(column: Column) -> str | None:
    names = [name for name, on in (("n", column.number), ("w", column.wide), ("p", column.plain)) if on]
    return " ".join(names) or None


def _shortened(text: str, most: int = 240) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
