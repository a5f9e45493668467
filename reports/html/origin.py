"""What the run took, and what made its result what it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from samescore.reports.contents import ReportedRun
from samescore.reports.html.elements import Column, section, table
from samescore.reports.markup import Child, Markup, tag
from samescore.reports.words import Words


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
    return section(
        "effort", words, tag("dl", *entries, class_="facts"), lead=words("lead.effort"), anchor=f"effort{place}"
    )


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
    note = words("effort.seconds.note", p95=_seconds(took.p95, words))
    rows.append((words("effort.seconds"), _seconds(took.p50, words), note))
    if usage is not None:
        note = words("effort.seconds.note", p95=_seconds(usage.p95, words))
        rows.append((words("effort.turn"), _seconds(usage.p50, words), note))
    if took.wall is not None:
        rows.append((words("effort.wall"), words("effort.wall.value", seconds=words.number(round(took.wall))), ""))
    if usage is not None and usage.cost is not None:
        per = words("effort.each", count=words("effort.cost.value", cost=words.decimal(usage.cost / each, 5)))
        rows.append((words("effort.cost"), words("effort.cost.value", cost=words.decimal(usage.cost, 2)), per))
    return rows


def _seconds(value: float, words: Words) -> str:
    """Seconds, short ones with more digits."""
    return words.decimal(value, 1 if value >= 10 else 2 if value >= 1 else 4)


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
        tag("details", tag("summary", words("provenance.open")), *drawn),
        lead=words("lead.provenance"),
        anchor=f"provenance{place}",
    )
