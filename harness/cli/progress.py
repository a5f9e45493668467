"""How far a run is, on stderr: a bar with rate and time left on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

PLAIN_SECONDS = 10.0
"""How often a plain line is written where there is no terminal."""

FEW = 5
"""So many results say nothing yet about how fast the others come."""

SETTLED = 1.0
"""Seconds after the first result before a rate is told: conversations that began together end together."""


class Progress(Protocol):
    """Told about every finished rollout."""

    def advance(self, passed: bool | None) -> None:
        """One more is finished; whether everything was right, or None if that is not known."""


@contextmanager
def progress(total: int, done: int = 0) -> Iterator[Progress]:
    """Progress over `total` rollouts of which `done` were recorded before."""
    if sys.stderr.isatty():
        with _bar(Tally(total, done)) as bar:
            yield bar
    else:
        yield PlainProgress(Tally(total, done))


@dataclass(slots=True)
class Tally:
    """What was finished since the start of this process. `before` rollouts of `total` were recorded earlier.

    The rate counts from the first result on: until then a model is loaded, or the first conversations begin.
    """

    total: int
    before: int
    finished: int = 0
    known: int = 0
    passed: int = 0
    first: float = 0.0

    def count(self, passed: bool | None) -> None:
        """One more is finished."""
        self.first = self.first if self.finished else time.monotonic()
        self.finished += 1
        self.known += passed is not None
        self.passed += bool(passed)

    def words(self) -> str:
        """Rate and time left, once they can be told, and how many were right so far."""
        words = []
        seconds = time.monotonic() - self.first
        if self.finished > FEW and seconds >= SETTLED:
            rate = (self.finished - 1) / seconds
            left = duration((self.total - self.before - self.finished) / rate)
            words = [pace(rate), f"{left} left"]
        right = [f"{self.passed}/{self.known} right"] if self.known else []
        return " · ".join([*words, *right]) or "starting"


class PlainProgress:
    """Lines for logs: no control codes, few enough to be read."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._written = time.monotonic()

    def advance(self, passed: bool | None) -> None:
        """Count one; write a line if the last one was long ago."""
        tally, now = self._tally, time.monotonic()
        tally.count(passed)
        if now - self._written >= PLAIN_SECONDS:
            self._written = now
            done = tally.before + tally.finished
            print(f"{done}/{tally.total} · {tally.words()}", file=sys.stderr, flush=True)


@contextmanager
def _bar(tally: Tally) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress as Bar, ProgressColumn, Task
    from rich.text import Text

    class Words(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(tally.words())

    with Bar(
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        Words(),
        console=Console(stderr=True),
        transient=True,
        expand=True,
    ) as bar:
        task = bar.add_task("", total=tally.total, completed=tally.before)

        class Live:
            def advance(self, passed: bool | None) -> None:
                tally.count(passed)
                bar.advance(task)

        yield Live()


def pace(rate: float) -> str:
    """Rollouts per second, in as many digits as matter."""
    return f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s"


def duration(seconds: float) -> str:
    """A time span, short: 8 s, 2 min 05 s, 1 h 10 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Says on a terminal that something is being loaded, while it is."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True, markup=False).status(f"loading {what}"):
        yield
