"""The first screen: may it ship, with what evidence; and several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from samescore.harness.results import Metric
from samescore.reports.contents import Contents, ReportedRun, Tone
from samescore.reports.deciding import interval_named
from samescore.reports.html.elements import (
    GATE_TONES,
    Column,
    badge,
    bounds,
    facts,
    metric_name,
    score_plots,
    section,
    spoken,
    table,
    value_text,
    whole_names,
)
from samescore.reports.markup import Child, Markup, joined, tag
from samescore.reports.plots import Interval, axis, change_plot, change_scale, score_plot
from samescore.reports.words import Words


def decision(contents: Contents, words: Words) -> Markup:
    """The first screen: may it ship, in a sentence; the evidence; and what the suite does not tell."""
    found = contents.decision
    run = contents.runs[0]
    names = dict.fromkeys(f"{suite.name} v{suite.version}" for one in contents.runs for suite in one.suites)
    counts = {"cases": words.counted(run.results.cases, "case"), "epochs": words.counted(run.epochs, "epoch")}
    suites = words.listed(list(names))
    named = [one.name for one in (*contents.runs, *([contents.baseline] if contents.baseline else []))]
    eyebrow = (
        words("eyebrow.alone", suites=suites, **counts)
        if contents.baseline is None
        else words("eyebrow.against", suites=suites, baseline=contents.baseline.name, **counts)
    )
    return tag(
        "header",
        tag("p", eyebrow, class_="eyebrow"),
        badge(found.tone, words(f"outcome.{found.outcome}")),
        tag("h1", whole_names(found.sentence, named)),
        tag("p", whole_names(found.also, named), class_="also") if found.also else None,
        _change_figure(run, words) if len(contents.runs) == 1 else None,
        tag(
            "div",
            tag(
                "section",
                tag("h2", words("head.evidence"), id="evidence-title"),
                facts(found, named),
                aria_labelledby="evidence-title",
            ),
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
                badge(GATE_TONES[one.verdict], told),
                class_="row",
            )
        )
    labels = [words.tick(value) for value in scale.ticks()]
    rows.append(tag("div", tag("span"), axis(scale, labels), tag("span"), tag("span"), class_="row"))
    legend = words("plot.change", interval=interval_named(found, words))
    legend += words("plot.change.several") if len(metrics) > 1 else ""
    return tag("figure", *rows, tag("figcaption", legend), class_="changes")


def runs(contents: Contents, words: Words) -> Markup | None:
    """Several runs side by side: their decisions, and every metric of each."""
    if len(contents.runs) < 2:
        return None
    every = [*contents.runs, *([contents.baseline] if contents.baseline else [])]
    heads = [
        Column(words("column.run")),
        Column(words("column.decision")),
        Column("success", number=True),
        score_plots(words),
        Column(words("column.suite")),
        Column(words("column.cases"), number=True),
    ]
    decisions = [_run_row(run, words, run is contents.baseline) for run in every]
    names = list(dict.fromkeys(name for run in every for name in run.results.metrics))
    columns = [Column(words("column.metric"))]
    for run in every:
        title = run.name if run is not contents.baseline else f"{run.name} ({words('column.baseline')})"
        columns.append(Column(title, number=True))
    rows = [
        (metric_name(name, words), *(_score(run.results.metrics.get(name), words) for run in every)) for name in names
    ]
    return section(
        "runs",
        words,
        table(words("caption.runs"), heads, decisions, titled=True),
        table(words("head.metrics"), columns, rows),
        lead=words("lead.runs"),
    )


def _run_row(run: ReportedRun, words: Words, is_baseline: bool) -> Sequence[Child]:
    success = run.success
    interval = Interval(success.low, success.value, success.high)
    plot = score_plot(interval, spoken("success", interval, words), target=success.target)
    word = words("column.baseline") if is_baseline else words(f"outcome.{run.decision.outcome}")
    tone = Tone.PLAIN if is_baseline else run.decision.tone
    suites = ", ".join(f"{suite.name} v{suite.version}" for suite in run.suites)
    return run.name, badge(tone, word), value_text(success.value, words), plot, suites, words.number(run.results.cases)


def _score(metric: Metric | None, words: Words) -> Child:
    if metric is None:
        return "–"
    ends = tag("span", bounds(metric.low, metric.high, words), class_="note")
    return joined(value_text(metric.value, words), ends)
