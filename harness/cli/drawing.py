"""The procedures of a run as reports show them: what was covered, and the graph by success. They come in by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

from samescore.harness.case import Case
from samescore.harness.errors import UsageError
from samescore.harness.lexicon import Locale
from samescore.harness.perturbed import operator_of
from samescore.harness.plan import CaseSuite

CRITERION = "mcdc"
"""The coverage that is reported: the strictest criterion."""

Outcome: TypeAlias = tuple[Case, float | None]
"""A planned rollout's case and its success, None while it has no score."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A procedure under the name that its cases have for their suite, and its graph as SVG.

    `obligations` are the feasible ones; `uncovered` gives line and words of those that no scored rollout shows.
    """

    name: str
    title: str
    svg: str
    obligations: int
    uncovered: tuple[tuple[int, str], ...]


def drawn(suites: Iterable[CaseSuite], outcomes: Iterable[Outcome], locale: Locale = "en") -> Iterator[Drawn]:
    """Every procedure of these suites for which a rollout was planned; suites that come from none have none.

    Cases that were made harder are left out: their words were changed, not the way through the procedure.
    """
    members: defaultdict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for case, success in outcomes:
        if operator_of(case) is None:
            members[case.world, case.suite].append((case, success))
    for suite in suites:
        for file in _files(suite.source or suite.name):
            sop, _ = file.read()
            if rollouts := members.pop((sop.world, f"sop/{sop.name}"), None):
                yield _drawn(sop, rollouts, locale)


def _drawn(sop: Any, rollouts: Sequence[Outcome], locale: Locale) -> Drawn:
    covers, marks = import_module("samescore.suites.sop.coverage"), import_module("samescore.suites.sop.marks")
    graph, svg = import_module("samescore.suites.sop.graph").graph, import_module("samescore.suites.sop.svg").svg
    facts = {case.id: case.facts for case, success in rollouts if success is not None}
    seen = covers.coverage(sop, facts.values(), CRITERION)
    name = f"sop/{sop.name}"
    painted = marks.scored(sop, [marks.Outcome(case.facts, one) for case, one in rollouts], name, locale)
    uncovered = tuple((one.line, one.description) for one in seen.uncovered)
    return Drawn(name, sop.title[locale], svg(graph(sop, locale), painted), seen.total.feasible, uncovered)


def _files(source: str) -> Sequence[Any]:
    """The procedures of a suite; none where its cases come from no procedure, or are made harder already."""
    try:
        found: Sequence[Any] = import_module("samescore.suites.catalog").procedures_of(source)
    except UsageError:
        return ()
    return found
