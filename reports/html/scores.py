"""What is missing, the targets, the rules, and every metric with its interval and floor."""

from __future__ import annotations

from collections.abc import Sequence

from samescore.harness.results import Metric
from samescore.reports.contents import ReportedRun, Target, Tone
from samescore.reports.deciding import rules_of
from samescore.reports.html.elements import (
    LISTED,
    TARGET_TONES,
    Column,
    badge,
    bounds,
    metric_name,
    opener,
    score_plots,
    section,
    spoken,
    table,
    value_text,
)
from samescore.reports.markup import Child, Markup, joined, tag
from samescore.reports.plots import Interval, score_plot
from samescore.reports.words import Words

NAMED = 4
"""Cases that broke a rule that stand beside it."""


def errors(run: ReportedRun, words: Words, place: str) -> Markup | None:
    """What has no score, where anything has none."""
    if run.results.complete:
        return None
    rows = [(one.case, words.number(one.epoch), one.reason) for one in run.results.errors[:LISTED]]
    columns = [
        Column(words("column.case")),
        Column(words("column.epoch"), number=True),
        Column(words("column.why"), wide=True),
    ]
    return section(
        "errors",
        words,
        table(words("caption.errors"), columns, rows),
        lead=words("lead.errors"),
        anchor=f"errors{place}",
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
        score_plots(words),
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
        table(words("caption.targets", run=run.name), columns, rows, titled=True),
        moved,
        told,
        lead=words("lead.targets"),
        anchor=f"targets{place}",
    )


def _target_row(target: Target, words: Words) -> Sequence[Child]:
    interval = Interval(target.low, target.value, target.high)
    told = spoken(target.metric, interval, words) + words("plot.target.words", target=words.level(target.least))
    return (
        target.metric,
        badge(TARGET_TONES[target.verdict], words(f"target.{target.verdict}")),
        words.level(target.least),
        value_text(target.value, words),
        bounds(target.low, target.high, words),
        score_plot(interval, told, target=target.least),
    )


def metrics(run: ReportedRun, words: Words, place: str) -> Markup:
    """Every metric with interval, target and floor; against the baseline where there is one; by language; pass^k."""
    shifts = {} if run.comparison is None else {shift.name: shift for shift in run.comparison.shifts}
    columns = [
        Column(words("column.metric"), wide=True),
        Column(words("column.score"), number=True),
        Column(words("column.interval"), number=True),
        score_plots(words),
        *([Column(words("column.change"), number=True)] if shifts else []),
        Column(words("column.floor"), number=True),
        Column(words("column.cases"), number=True),
    ]
    rows: list[Sequence[Child]] = []
    for metric in run.results.metrics.values():
        shift = shifts.get(metric.name)
        interval = Interval(metric.low, metric.value, metric.high)
        told = spoken(metric.name, interval, words)
        plot = score_plot(
            interval,
            told,
            target=metric.target,
            nothing=None if metric.floor is None else metric.floor.value,
            before=None if shift is None else shift.before,
        )
        change = [] if not shifts else [None if shift is None else words.signed(-shift.drop.value)]
        floor = None if metric.floor is None else _floor(metric, words)
        head = metric_name(metric.name, words)
        ends = bounds(metric.low, metric.high, words)
        rows.append((head, value_text(metric.value, words), ends, plot, *change, floor, words.number(metric.n)))
    legend = words("plot.legend") + (words("plot.legend.before") if shifts else "")
    return section(
        "metrics",
        words,
        table(words("caption.metrics", run=run.name), columns, rows, class_="metrics", titled=True),
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
        score_plots(words),
        Column(words("column.cases"), number=True),
    ]
    rows = []
    for locale, metric in run.results.locales.items():
        name = words(f"locale.{locale}") if words.has(f"locale.{locale}") else locale
        interval = Interval(metric.low, metric.value, metric.high)
        plot = score_plot(interval, spoken(name, interval, words))
        ends = bounds(metric.low, metric.high, words)
        rows.append((name, value_text(metric.value, words), ends, plot, words.number(metric.n)))
    return table(words("caption.languages"), columns, rows)


def _pass_k(run: ReportedRun, words: Words) -> Markup | None:
    if not run.pass_k:
        return None
    columns = [Column("k", number=True), Column("pass^k", number=True)]
    rows = [(words.number(one.k), words.share(one.value)) for one in run.pass_k]
    return table(words("caption.pass_k"), columns, rows)


def _floor(metric: Metric, words: Words) -> Child:
    assert metric.floor is not None, "asked for where there is one"
    agent = metric.floor.policy.removeprefix("null/")
    return joined(words.share(metric.floor.value), tag("span", agent, class_="note"))


def rules(run: ReportedRun, words: Words, number: int, place: str) -> Markup | None:
    """What must never happen, how often it did, and what it proves that it never did."""
    found = rules_of(run)
    if not found:
        return None
    columns = [
        Column(words("column.rule")),
        Column(words("column.verdict")),
        Column(words("column.found"), number=True),
        *([Column(words("column.baseline"), number=True)] if run.comparison is not None else []),
        Column(words("column.rollouts"), number=True),
        Column(words("column.proves"), wide=True),
    ]
    rows: list[Sequence[Child]] = []
    for rule in found:
        name = words(f"rule.name.{rule.name}") if words.has(f"rule.name.{rule.name}") else rule.words
        tone = Tone.PLAIN if not rule.forbidden else Tone.BAD if rule.occurrences else Tone.GOOD
        told = "rule.told" if not rule.forbidden else "rule.broken" if rule.occurrences else "rule.kept"
        proves: Child = words("rule.excludes", rate=words.share(rule.excludes))
        if rule.occurrences:
            cases = list(dict.fromkeys(one.case for one in rule.occurrences))
            shown = [joined(opener(case, number, words), " ") for case in cases[:NAMED]]
            more = words("rule.more", count=words.number(len(cases) - NAMED)) if len(cases) > NAMED else None
            proves = joined(*shown, more)
        before = [] if run.comparison is None else [words.number(rule.before or 0)]
        counts = (words.number(len(rule.occurrences)), *before, words.number(rule.rollouts))
        rows.append((name, badge(tone, words(told)), *counts, proves))
    caption = words("caption.rules", run=run.name)
    return section(
        "rules", words, table(caption, columns, rows, titled=True), lead=words("lead.rules"), anchor=f"rules{place}"
    )
