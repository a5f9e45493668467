"""The short form of a report on a terminal: what a pull request's comment says, as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from samescore.harness.cli.printable import print_hanging, printable, shortened
from samescore.reports.contents import Contents, Flip, ReportedRun, Tone
from samescore.reports.history import History, heading, history_table, series_title
from samescore.reports.reasons import said
from samescore.reports.tables import Table, failing_table, metrics_table, runs_table, shifts_table
from samescore.reports.text_words import words_of
from samescore.reports.words import Words

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {Tone.GOOD: "bold green", Tone.BAD: "bold red", Tone.UNSURE: "bold yellow", Tone.BROKEN: "bold magenta"}

NAME = 11
"""Characters of a name that are never wrapped."""

LISTED = 8
"""So many entries of a list are shown."""

LONGEST = 300
"""Characters of a text before its end gives way."""


def print_report(console: Console, contents: Contents) -> None:
    """Print it. The console must not take markup."""
    words = words_of(contents.language)
    for run in contents.runs:
        _print_run(console, contents, run, words)
    if len(contents.runs) > 1:
        print_table(console, runs_table(contents, words), words)


def print_history(console: Console, history: History) -> None:
    """Print a metric over the runs of a registry, a table for each series."""
    from rich.text import Text

    words = words_of(history.language)
    console.print(Text(printable(heading(history)), style="bold"), soft_wrap=True)
    for series in history.series:
        console.print()
        console.print(Text(printable(series_title(series))), soft_wrap=True)
        print_table(console, history_table(history, series), words)


def _print_run(console: Console, contents: Contents, run: ReportedRun, words: Words) -> None:
    from rich.text import Text

    decision, found = run.decision, run.comparison
    against = "" if contents.baseline is None else f" {words('against', baseline=contents.baseline.name)}"
    console.print(Text(words(f"outcome.{decision.outcome}"), style=STYLES.get(decision.tone, "bold")), end="")
    console.print(Text(printable(f": {run.name}{against}"), style="bold"), soft_wrap=True)
    console.print(Text(printable(f"{decision.sentence} {decision.also}")))
    console.print()
    width = max((len(fact.label) for fact in decision.facts), default=0)
    for fact in decision.facts:
        note = f" ({fact.note})" if fact.note else ""
        _print_line(console, f"  {fact.label:<{width}}  ", f"{fact.value}{note}")
    console.print()
    if found is None or not found.shifts:
        print_table(console, metrics_table(run, words), words)
        _print_title(console, words("head.failing"), len(run.results.failing), words)
        print_table(console, failing_table(run, words), words, LISTED)
    else:
        print_table(console, shifts_table(run, words), words)
        for title, flips in (("head.broken", found.broken), ("head.fixed", found.fixed)):
            _print_title(console, words(title), len(flips), words)
            _print_list(console, [_flip(flip, words) for flip in flips], words)
    if decision.limits:
        console.print(Text(words("head.limits"), style="bold"))
        _print_list(console, decision.limits, words)
    console.print(Text(printable(run.directory), style="dim"), soft_wrap=True)
    console.print()


def _flip(flip: Flip, words: Words) -> str:
    made = "" if flip.operator is None else f", {flip.operator}"
    why = f": {said(flip.reason, words.language)}" if flip.reason else ""
    return f"{flip.case} ({flip.branch}{made}) {words.share(flip.before)} → {words.share(flip.after)}{why}"


def _print_title(console: Console, title: str, count: int, words: Words) -> None:
    from rich.text import Text

    if count:
        console.print(Text(f"{title} ({words.number(count)})", style="bold"))


def _print_list(console: Console, entries: Sequence[str], words: Words) -> None:
    for entry in entries[:LISTED]:
        _print_line(console, "  - ", entry)
    if len(entries) > LISTED:
        _print_line(console, "    ", words("more", count=words.number(len(entries) - LISTED)))
    if entries:
        console.print()


def _print_line(console: Console, head: str, body: str) -> None:
    from rich.text import Text

    print_hanging(console, Text(head, style="dim"), Text(shortened(body, LONGEST)))


def print_table(console: Console, table: Table, words: Words, most: int | None = None) -> None:
    """Print a table, or its first so many rows and how many more there are."""
    from rich import box
    from rich.table import Table as Columns

    if not table.rows:
        return
    columns = Columns(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    least = min(NAME, max(len(row[0]) for row in table.rows[:most]))
    for at, name in enumerate(table.header):
        # What is too wide goes on in the next line; nothing is left out.
        columns.add_column(name, justify="right" if at else "left", overflow="fold", min_width=0 if at else least)
    for row in table.rows[:most]:
        columns.add_row(*map(printable, row))
    console.print(columns)
    if most is not None and len(table.rows) > most:
        _print_line(console, "  ", words("more", count=words.number(len(table.rows) - most)))
    console.print()
