"""A metric over the runs of a registry, each with its interval: how an adapter went from one baseline to the next.

Runs of the same suites and model make a series; of others they cannot be compared. Scores are those of the evidence, by
today's scorers: those that were kept, where they still hold, else the run is scored again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import fsum
from typing import Any

from samescore.harness.errors import SamescoreError, UnknownName, UsageError
from samescore.harness.registry import Entry, Promotion, Registry, State
from samescore.harness.results import SUCCESS
from samescore.harness.run import Run
from samescore.harness.stats import Interval, mean_interval
from samescore.reports.contents import Language
from samescore.reports.quoting import code, prose
from samescore.reports.replaceable import HISTORY_MARK
from samescore.reports.tables import Table
from samescore.reports.text_words import words_of
from samescore.reports.words import Words

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Point:
    """One run. `number` and `path` are the registry's; `label` is the model, its adapter after a plus sign.

    `value` is None where a `problem` says why there is none. `promoted` are the branches whose baseline it became,
    `anchors` those of them for which it is what later baselines are watched against.
    """

    number: int
    path: str
    label: str
    branch: str
    commit: str | None
    begun: str
    value: float | None
    low: float
    high: float
    n: int
    promoted: tuple[str, ...]
    anchors: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of the same suites and model, in the order in which they were added."""

    suites: tuple[str, ...]
    model: str
    points: tuple[Point, ...]

    @property
    def anchor(self) -> Point | None:
        """The last run that was made an anchor; None while none is."""
        return next((point for point in reversed(self.points) if point.anchors and point.value is not None), None)


@dataclass(frozen=True, slots=True)
class History:
    """A metric over the runs of a registry's folder."""

    language: Language
    metric: str
    folder: str
    series: tuple[Series, ...]


def history_of(
    registry: Registry,
    metric: str = SUCCESS,
    language: Language = "en",
    *,
    branch: str | None = None,
    suites: Sequence[str] = (),
) -> History:
    """A metric over a registry's runs, or over those of a branch. `suites` are the paths of those that moved.

    Raises:
        UnknownName: there is no such metric.
        UsageError: there is no registry, or no run in it that is asked for.
        EvidenceDamaged, ForeignEvidence: the index is none, or of a later format.
    """
    from samescore.harness.scorers import SCORERS

    known = [scorer.name for scorer in SCORERS]
    if metric not in known:
        raise UnknownName("metric", metric, known)
    entries = registry.entries(branch=branch)
    if not entries:
        of = "" if branch is None else f" of branch {branch}"
        raise UsageError(f"{registry.folder}: the registry has no run{of}. See which there are: samescore runs list")
    promotions, words = registry.promotions(), words_of(language)
    found: defaultdict[tuple[tuple[str, ...], str], list[Point]] = defaultdict(list)
    for entry in entries:
        point = _point(registry, entry, metric, [one for one in promotions if one.entry == entry], words, suites)
        found[entry.suites, entry.model].append(point)
    series = tuple(Series(*key, tuple(points)) for key, points in found.items())
    return History(language, metric, str(registry.folder), series)


def history_table(history: History, series: Series) -> Table:
    """The runs of a series as rows, the oldest first."""
    words = words_of(history.language)
    names = ("number", "begun", "run", "branch", "score", "interval", "cases", "baseline")
    header = tuple(words(f"col.{name}", confidence=words.level(0.95)) for name in names)
    return Table(header, tuple(_row(point, words) for point in series.points))


def history_markdown(history: History) -> str:
    """The tables as Markdown."""
    lines = [HISTORY_MARK, f"### {prose(heading(history))}"]
    for series in history.series:
        table = history_table(history, series)
        lines += ["", f"**{prose(series_title(series))}**", ""]
        lines += [f"| {' | '.join(map(prose, table.header))} |", f"| --- |{' --- |' * (len(table.header) - 1)}"]
        lines += [f"| {' | '.join([*map(prose, row[:2]), code(row[2]), *map(prose, row[3:])])} |" for row in table.rows]
    return "\n".join(lines) + "\n"


def history_json(history: History) -> str:
    """All of it as one JSON object on one line."""
    data: dict[str, Any] = {
        "format": FORMAT,
        "metric": history.metric,
        "registry": history.folder,
        "series": [asdict(series) for series in history.series],
    }
    return json.dumps(data, ensure_ascii=True, allow_nan=False) + "\n"


def heading(history: History) -> str:
    """What the history is about, in words."""
    words = words_of(history.language)
    runs = sum(len(series.points) for series in history.series)
    return words("history.title", metric=history.metric, runs=words.counted(runs, "run"), folder=history.folder)


def series_title(series: Series) -> str:
    """What the runs of a series have in common."""
    return f"{', '.join(series.suites)} · {series.model}"


def _point(
    registry: Registry,
    entry: Entry,
    metric: str,
    promotions: Iterable[Promotion],
    words: Words,
    suites: Sequence[str],
) -> Point:
    measured, problem = _measured(registry, entry, metric, words, suites)
    became = list(promotions)
    return Point(
        number=entry.number,
        path=entry.path,
        label=entry.label,
        branch=entry.branch,
        commit=entry.commit,
        begun=entry.started,
        value=None if measured is None else measured.value,
        low=0.0 if measured is None else measured.low,
        high=1.0 if measured is None else measured.high,
        n=0 if measured is None else measured.n,
        promoted=tuple(dict.fromkeys(one.branch for one in became)),
        anchors=tuple(dict.fromkeys(one.branch for one in became if one.anchor)),
        problem=problem,
    )


def _measured(
    registry: Registry, entry: Entry, metric: str, words: Words, suites: Sequence[str]
) -> tuple[Interval | None, str | None]:
    """The metric's mean over the run's cases, epochs averaged first; or why there is none: one run spoils nothing."""
    from samescore.harness.gate.scores import held_scores, with_scores
    from samescore.harness.gate.sequential import require_whole

    state = entry.state(registry.folder)
    if state is not State.THERE:
        return None, words(f"history.{state}")
    try:
        run = Run.open(registry.directory(entry))
        require_whole(run, "be a point of a history")
        scores = with_scores(held_scores(run), suites)
    except SamescoreError as error:
        return None, str(error)
    if scores.lacking is not None:
        return None, scores.lacking
    groups = {case.id: case.group for case in scores.run.plan.cases}
    values: dict[str, float] = {}
    for case, epochs in scores.outcomes.items():
        if case not in scores.controls and all(metric in epoch.scores for epoch in epochs):
            values[case] = fsum(epoch.scores[metric] for epoch in epochs) / len(epochs)
    if not values:
        return None, words("history.none", metric=metric)
    return mean_interval(list(values.values()), [groups[case] for case in values]), None


def _row(point: Point, words: Words) -> tuple[str, ...]:
    promoted = [
        f"{branch} ({words('history.anchor')})" if branch in point.anchors else branch for branch in point.promoted
    ]
    score = point.problem or ("–" if point.value is None else words.share(point.value))
    between = "–" if point.value is None else f"{words.share(point.low)} – {words.share(point.high)}"
    cases = "–" if point.value is None else words.number(point.n)
    return (
        str(point.number),
        words.day(point.begun),
        point.label,
        point.branch,
        score,
        between,
        cases,
        ", ".join(promoted),
    )
