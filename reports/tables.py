"""The tables of a report as plain text, for every format that has no pictures: Markdown, the terminal, the card.

Cells are as they are: names and what a model wrote are hostile, and whoever shows them makes them harmless. The first
cell of a row is a name; a number that is not known is a dash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from samescore.harness.cli.table import dollars
from samescore.harness.results import Metric
from samescore.reports.contents import Contents, ReportedRun, Shift, Tone
from samescore.reports.deciding import rules_of
from samescore.reports.words import Words

CONFIDENCE = 0.95
"""That of every interval but the gate's own."""

SIGNS: Mapping[Tone, str] = {Tone.GOOD: "✅", Tone.BAD: "❌", Tone.UNSURE: "❔", Tone.BROKEN: "⛔", Tone.PLAIN: "📏"}

_NONE = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """Column heads and rows of as many cells, in the language of the report."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def runs_table(contents: Contents, words: Words) -> Table:
    """Every run with its decision and success, the baseline last."""
    rows = []
    for run in contents.runs:
        decision = f"{SIGNS[run.decision.tone]} {words(f'outcome.{run.decision.outcome}')}"
        rows.append((run.name, decision, *_scored(run.success, words)))
    if (baseline := contents.baseline) is not None:
        rows.append((baseline.name, words("col.baseline"), *_scored(baseline.success, words)))
    return _table(words, ("run", "decision", "success", "interval"), rows)


def metrics_table(run: ReportedRun, words: Words) -> Table:
    """Every metric with its interval, target and floor."""
    verdicts = {target.metric: words(f"target.{target.verdict}") for target in run.targets}
    rows = [
        (
            metric.name,
            *_scored(metric, words),
            _NONE if metric.target is None else f"{words.level(metric.target)} {verdicts.get(metric.name, '')}".strip(),
            _NONE if metric.floor is None else words.share(metric.floor.value),
            words.number(metric.n),
        )
        for metric in run.results.metrics.values()
    ]
    return _table(words, ("metric", "score", "interval", "target", "floor", "cases"), rows)


def shifts_table(run: ReportedRun, words: Words) -> Table:
    """Every metric against the baseline; those that the gate judged with its interval, margin and verdict."""
    found = run.comparison
    if found is None:
        return Table((), ())
    rows = [
        (
            shift.name,
            words.share(shift.before),
            words.share(shift.after),
            words.signed(shift.after - shift.before),
            *_judged(shift, 1 - 2 * found.verdict.alpha, words),
        )
        for shift in found.shifts
    ]
    return _table(words, ("metric", "before", "after", "change", "between", "margin", "verdict"), rows)


def branches_table(run: ReportedRun, words: Words) -> Table:
    """The branches whose success changed against the baseline, the largest drop first."""
    shifts = () if run.comparison is None else run.comparison.branches
    rows = [(one.name, words.share(one.before), words.share(one.after), words.number(one.cases)) for one in shifts]
    return _table(words, ("branch", "before", "after", "cases"), rows)


def failing_table(run: ReportedRun, words: Words) -> Table:
    """The branches that fail, the worst first."""
    rows = [
        (one.name, words.number(one.passed), words.number(one.rollouts - one.errors)) for one in run.results.failing
    ]
    return _table(words, ("branch", "right", "rollouts"), rows)


def coverage_table(run: ReportedRun, words: Words) -> Table:
    """What was tried of each procedure."""
    rows = []
    for one in run.procedures:
        tried, shown = one.branches - len(one.untried), _NONE
        if one.obligations is not None:
            shown = _of(one.obligations - len(one.uncovered), one.obligations, words)
        rows.append((one.name, _of(one.right, one.rollouts, words), _of(tried, one.branches, words), shown))
    return _table(words, ("procedure", "right", "branches", "obligations"), rows)


def operators_table(run: ReportedRun, words: Words) -> Table:
    """Cases made harder, against the same as they were, the largest drop first."""
    rows = []
    for one in run.results.operators:
        before = _NONE if one.before is None else words.share(one.before)
        drop = _NONE
        if one.drop is not None:
            drop = f"{words.signed(one.drop.value)} ({_between(one.drop.low, one.drop.high, words)})"
        flips = words.number(one.broken), words.number(one.fixed)
        rows.append((one.name, _value(one.metric, words), before, drop, *flips))
    return _table(words, ("operator", "success", "as_they_were", "drop", "broken", "fixed"), rows)


def rules_table(run: ReportedRun, words: Words) -> Table:
    """The rules of zero tolerance, and what it proves that one was never broken; nothing while rollouts are missing."""
    rows = []
    for rule in rules_of(run):
        key = f"rule.name.{rule.name}"
        state = "rule.told" if not rule.forbidden else "rule.broken" if rule.occurrences else "rule.kept"
        proves = _NONE if rule.occurrences else words("rule.excludes", rate=words.share(rule.excludes))
        broken = _of(len(rule.occurrences), rule.rollouts, words)
        rows.append((words(key) if words.has(key) else rule.words, words(state), broken, proves))
    return _table(words, ("rule", "state", "found", "proves"), rows)


def tools_table(run: ReportedRun, words: Words) -> Table:
    """How each tool was used."""
    rows = []
    for one in run.tools:
        became = ", ".join(f"{name} {words.number(count)}" for name, count in one.outcomes.items())
        right = _of(one.right, one.rollouts, words) if one.rollouts else _NONE
        rows.append((one.name, words.number(one.expected), words.number(one.made), right, became or _NONE))
    return _table(words, ("tool", "expected", "made", "right", "outcomes"), rows)


def defects_table(run: ReportedRun, words: Words) -> Table:
    """Malformed turns by kind."""
    rows = [(one.name, words.number(one.turns), words.number(one.rollouts), one.case) for one in run.defects]
    return _table(words, ("defect", "turns", "rollouts", "example"), rows)


def locales_table(run: ReportedRun, words: Words) -> Table:
    """Success by language, where there are several."""
    locales = run.results.locales if len(run.results.locales) > 1 else {}
    rows = [
        (_language(locale, words), *_scored(metric, words), words.number(metric.n))
        for locale, metric in locales.items()
    ]
    return _table(words, ("locale", "success", "interval", "cases"), rows)


def pass_k_table(run: ReportedRun, words: Words) -> Table:
    """The chance that all of k epochs are right; nothing of a single epoch."""
    return _table(words, ("k", "pass_k"), [(str(one.k), words.share(one.value)) for one in run.pass_k])


def effort_lines(run: ReportedRun, words: Words) -> Iterator[str]:
    """What the run took, in sentences."""
    effort, usage = run.effort, run.results.usage
    yield words(
        "effort.line",
        rollouts=words.counted(effort.rollouts, "rollout"),
        turns=words.number(effort.turns),
        p50=words.decimal(effort.p50, 2),
        p95=words.decimal(effort.p95, 2),
    )
    read = effort.prompt_tokens if usage is None else usage.input_tokens
    written = effort.completion_tokens if usage is None else usage.output_tokens
    if read or written:
        yield words("effort.tokens", read=words.number(read), written=words.number(written))
    if usage is not None and usage.cost is not None and usage.rollouts:
        yield words("effort.cost", total=dollars(usage.cost), each=dollars(usage.cost / usage.rollouts))


def served_line(run: ReportedRun, words: Words) -> str:
    """What a lenient server would have made of the same turns; nothing where nobody asked."""
    found = run.as_served
    if found is None:
        return ""
    return words(
        "served",
        server=found.server,
        success=_value(found.success, words),
        strict=_value(found.strict, words),
        differ=_of(found.differing, found.rollouts, words),
    )


def interval(metric: Metric, words: Words) -> str:
    """A metric's interval in percent."""
    return f"{words.share(metric.low)} – {words.share(metric.high)}"


def _table(words: Words, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    return Table(tuple(words(f"col.{name}", confidence=words.level(CONFIDENCE)) for name in columns), tuple(rows))


def _scored(metric: Metric, words: Words) -> tuple[str, str]:
    return _value(metric, words), interval(metric, words)


def _value(metric: Metric, words: Words) -> str:
    return words("open") if metric.value is None else words.share(metric.value)


def _judged(shift: Shift, confidence: float, words: Words) -> tuple[str, str, str]:
    """The interval of the change, the margin and the verdict. The gate's interval is at its own confidence."""
    if shift.gated is None:
        low, high = shift.drop.low, shift.drop.high
        return f"{_between(-high, -low, words)} ({words.level(CONFIDENCE)})", _NONE, _NONE
    found = shift.gated.compared
    between = f"{_between(-found.high, -found.low, words)} ({words.level(confidence)})"
    return between, words.points(found.margin), words(f"verdict.{shift.gated.verdict}")


def _between(low: float, high: float, words: Words) -> str:
    return words("between", low=words.signed(low), high=words.signed(high))


def _of(part: int, whole: int, words: Words) -> str:
    return words("of", part=words.number(part), whole=words.number(whole))


def _language(locale: str, words: Words) -> str:
    return words(f"locale.{locale}") if words.has(f"locale.{locale}") else locale
