"""A report as Markdown: a short comment for a pull request, and the longer summary of a step of GitHub Actions.

A comment begins with a marker, by which whoever posts it finds the one of the last push and replaces it. Both stay
under what GitHub takes: their lists give way, and say how much was left out. Nothing that a model wrote is markup in
them, see `samescore.reports.quoting`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from samescore.harness.cli.printable import shortened
from samescore.harness.results import Unscored
from samescore.reports.contents import Contents, Decision, Flip, Line, Moved, Provenance, ReportedCase, ReportedRun
from samescore.reports.quoting import block, code, html_code, prose
from samescore.reports.reasons import said
from samescore.reports.replaceable import SUMMARY_MARK
from samescore.reports.tables import (
    SIGNS,
    Table,
    branches_table,
    coverage_table,
    defects_table,
    effort_lines,
    failing_table,
    locales_table,
    metrics_table,
    operators_table,
    pass_k_table,
    rules_table,
    runs_table,
    served_line,
    shifts_table,
    tools_table,
)
from samescore.reports.text_words import words_of
from samescore.reports.words import Words

T = TypeVar("T")

COMMENT_LIMIT = 65_536
"""Characters of a comment that GitHub takes."""

SUMMARY_LIMIT = 1_000_000
"""Bytes of a step's summary; GitHub takes 1 MiB."""

_COMMENTED, _SUMMARISED = 10, 400
"""So many entries a list has at most, in a comment and in a summary."""

_QUOTED = 600
"""Characters of a line of a conversation before its end gives way."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._/+]+")


def comment(contents: Contents, name: str | None = None) -> str:
    """A comment for a pull request. `name` tells comments of several jobs apart; without it suites and models do."""
    first = marker(name or _name(contents))
    return _fitted(
        lambda most: [first, *_short(contents, most)],
        lambda: [first, *_least(contents)],
        _COMMENTED,
        lambda text: _characters(text) <= COMMENT_LIMIT,
    )


def step_summary(contents: Contents) -> str:
    """The summary of a step, to be appended to the file that `GITHUB_STEP_SUMMARY` names."""
    return _fitted(
        lambda most: [SUMMARY_MARK, *_long(contents, most)],
        lambda: [SUMMARY_MARK, *_least(contents)],
        _SUMMARISED,
        lambda text: len(text.encode()) <= SUMMARY_LIMIT,
    )


def marker(name: str) -> str:
    """The first line of a comment, by which it is found again: a comment of HTML, which nobody sees."""
    return f"<!-- samescore:{_UNSAFE.sub('-', name).strip('-')[:200] or 'report'} -->"


def _fitted(
    make: Callable[[int], Iterable[str]], least: Callable[[], Iterable[str]], most: int, fits: Callable[[str], bool]
) -> str:
    """The text with the longest lists that fit; if it does not fit without any, what is told `least`."""
    while most:
        text = "\n".join(make(most)) + "\n"
        if fits(text):
            return text
        most //= 2
    return "\n".join(least()) + "\n"


def _characters(text: str) -> int:
    """As JavaScript counts them: a character beyond the basic plane is two."""
    return len(text.encode("utf-16-le")) // 2


def _name(contents: Contents) -> str:
    runs = contents.runs
    suites = "+".join(dict.fromkeys(suite.name for run in runs for suite in run.suites))
    return f"{suites}/{'+'.join(dict.fromkeys(run.adapter or run.model for run in runs))}"


def _least(contents: Contents) -> Iterator[str]:
    words = words_of(contents.language)
    yield f"### {SIGNS[contents.decision.tone]} {words(f'outcome.{contents.decision.outcome}')}"
    yield from ["", prose(contents.decision.sentence), "", words("too_long")]


def _short(contents: Contents, most: int) -> Iterator[str]:
    words = words_of(contents.language)
    yield from _heading(contents, words, most)
    alone = len(contents.runs) == 1
    for run in contents.runs[:most]:
        lines = [*_judged(run, words, most, alone)]
        lines += _section(words("head.moved"), _moved(run, words, most))
        lines += _folded(words("head.limits"), _limits(run))
        yield from lines if alone else _folded(f"{SIGNS[run.decision.tone]} {prose(run.name)}", lines)
    yield from _footer(contents, words)


def _long(contents: Contents, most: int) -> Iterator[str]:
    words = words_of(contents.language)
    yield from _heading(contents, words, most)
    alone = len(contents.runs) == 1
    for run in contents.runs[:most]:
        if not alone:
            yield from ["", f"## {SIGNS[run.decision.tone]} {code(run.name)}"]
        yield from _judged(run, words, most, alone)
        yield from _section(words("head.limits"), _limits(run))
        yield from _section(words("head.moved"), _moved(run, words, most))
        yield from _conversations(contents, run, words, most)
        yield from _tables(run, words, most)
        yield from _folded(words("head.provenance"), _cut(run.provenance, _origin, most, words))
    yield from _footer(contents, words)


def _heading(contents: Contents, words: Words, most: int) -> Iterator[str]:
    runs, decision, baseline = contents.runs, contents.decision, contents.baseline
    who = code(runs[0].name) if len(runs) == 1 else words.counted(len(runs), "run")
    against = "" if baseline is None else f" {words('against', baseline=code(baseline.name))}"
    yield f"### {SIGNS[decision.tone]} {words(f'outcome.{decision.outcome}')}: {who}{against}"
    yield from ["", _sentence(decision)]
    if len(runs) > 1:
        yield from ["", *_table(runs_table(contents, words), most, words)]


def _judged(run: ReportedRun, words: Words, most: int, alone: bool) -> Iterator[str]:
    """The decision's evidence, the metrics, and what changed; with a sentence of its own where there are several."""
    yield from [] if alone else ["", _sentence(run.decision)]
    yield ""
    for fact in run.decision.facts:
        note = f" ({prose(fact.note)})" if fact.note else ""
        yield f"- **{prose(fact.label)}:** {prose(fact.value)}{note}"
    found = run.comparison
    if found is None or not found.shifts:
        yield from ["", *_table(metrics_table(run, words), most, words)]
        failing = failing_table(run, words)
        title = f"{words('head.failing')} ({words.number(len(failing.rows))})"
        yield from _section(title, _table(failing, most, words))
        return
    yield from ["", *_table(shifts_table(run, words), most, words)]
    for title, flips in (("head.broken", found.broken), ("head.fixed", found.fixed)):
        lines = _cut(flips, partial(_flip, words=words), most, words)
        yield from _section(f"{words(title)} ({words.number(len(flips))})", lines)


def _sentence(decision: Decision) -> str:
    return prose(f"{decision.sentence} {decision.also}")


def _flip(flip: Flip, words: Words) -> str:
    made = f", {code(flip.operator)}" if flip.operator is not None else ""
    why = f": {code(said(flip.reason, words.language), 160)}" if flip.reason else ""
    return (
        f"- {code(flip.case)} ({code(flip.branch)}{made}) {words.share(flip.before)} → {words.share(flip.after)}{why}"
    )


def _origin(row: Provenance) -> str:
    return f"- {prose(row.group)}: {prose(row.name)}: {code(row.value)}"


def _unscored(one: Unscored) -> str:
    return f"- {code(one.case)} ({one.epoch}): {code(one.reason)}"


def _limits(run: ReportedRun) -> list[str]:
    return [f"- {prose(limit)}" for limit in run.decision.limits]


def _moved(run: ReportedRun, words: Words, most: int) -> list[str]:
    def line(one: Moved) -> str:
        return f"- {prose(one.suite)}: {prose(one.before)} → {prose(one.now)} ({words(f'moved.{one.since}')})"

    return _cut(run.moved, line, most, words)


def _conversations(contents: Contents, run: ReportedRun, words: Words, most: int) -> Iterator[str]:
    """What broke, folded: as the baseline had it, as it is now, as it should be. Without a baseline, what fails."""
    cases = {case.id: case for case in run.cases}
    former = {} if contents.baseline is None else {case.id: case for case in contents.baseline.cases}
    found = run.comparison
    if found is not None and found.shifts:
        wanted = [flip.case for flip in found.broken]
    else:
        former, wanted = {}, [one.example.case for one in run.results.failing if one.example is not None]
    for id in wanted[: most // 4]:
        lines = _told(words("told.baseline"), former[id], words) if id in former else []
        lines += _told(words("told.candidate", run=run.name), cases[id], words)
        lines += [f"**{words('told.expected')}**", "", block(_lines(cases[id].expected))]
        yield from _folded(html_code(id), lines)


def _told(title: str, case: ReportedCase, words: Words) -> list[str]:
    """The first rollout of a case that went wrong, else its first."""
    rollout = next((one for one in case.rollouts if one.success != 1.0), case.rollouts[0])
    lines = [f"**{prose(title)}**", ""]
    for one in rollout.reasons:
        lines.append(f"- {prose(one.scorer)} {words.decimal(one.value, 2)}: {code(said(one.words, words.language))}")
    lines += [] if rollout.error is None else [f"- {code(rollout.error)}"]
    return [*lines, "", block(_lines(rollout.lines)), ""]


def _lines(lines: Sequence[Line]) -> list[str]:
    notes = [f" [{line.note}]" if line.note else "" for line in lines]
    return [
        f"{line.kind.value:<9} {shortened(line.text, _QUOTED)}{note}" for line, note in zip(lines, notes, strict=True)
    ]


def _tables(run: ReportedRun, words: Words, most: int) -> Iterator[str]:
    if run.comparison is not None:
        yield from _section(words("head.metrics"), _table(metrics_table(run, words), most, words))
        yield from _section(words("head.changed"), _table(branches_table(run, words), most, words))
        yield from _section(words("head.failing"), _table(failing_table(run, words), most, words))
    for title, table in (
        ("head.rules", rules_table(run, words)),
        ("head.pass_k", pass_k_table(run, words)),
        ("head.locales", locales_table(run, words)),
        ("head.coverage", coverage_table(run, words)),
        ("head.operators", operators_table(run, words)),
        ("head.tools", tools_table(run, words)),
        ("head.defects", defects_table(run, words)),
    ):
        yield from _section(words(title), _table(table, most, words))
    yield from [f"\n{prose(line)}"] if (line := served_line(run, words)) else []
    yield from _section(words("head.unscored"), _cut(run.results.errors, _unscored, most, words))
    yield from _section(words("head.effort"), [f"- {prose(line)}" for line in effort_lines(run, words)])


def _footer(contents: Contents, words: Words) -> Iterator[str]:
    suites = ", ".join(f"{prose(suite.name)} v{suite.version}" for suite in contents.runs[0].suites[:8])
    where = ", ".join(code(run.directory) for run in contents.runs[:4])
    yield from ["", f"<sub>{words('footer', version=prose(contents.version), suites=suites, run=where)}</sub>"]


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    """A heading and what is under it; nothing where there is nothing."""
    if lines:
        yield from ["", f"**{title}**", "", *lines]


def _folded(title: str, lines: Sequence[str]) -> Iterator[str]:
    """Lines that a click unfolds; nothing where there are none. The title is in HTML, where Markdown is not read."""
    if lines:
        yield from ["", "<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>"]


def _cut(entries: Sequence[T], line: Callable[[T], str], most: int, words: Words) -> list[str]:
    """The first of a list's entries as lines, and how many more there are."""
    left = len(entries) - most
    lines = list(map(line, entries[:most]))
    return lines if left <= 0 else [*lines, f"- {words('more', count=words.number(left))}"]


def _table(table: Table, most: int, words: Words) -> list[str]:
    """A table, its first column on the left and the others on the right; nothing where it has no rows."""
    if not table.rows:
        return []
    rest = len(table.header) - 1
    lines = [f"| {' | '.join(map(prose, table.header))} |", f"| --- |{' ---: |' * rest}"]
    lines += [f"| {' | '.join([code(name), *map(prose, cells)])} |" for name, *cells in table.rows[:most]]
    left = len(table.rows) - most
    return lines if left <= 0 else [*lines, f"| {words('more', count=words.number(left))} |{' |' * rest}"]
