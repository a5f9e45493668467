"""What is painted on a graph: how often locked cases try each node and edge, or how well a run did on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from samescore.harness.lexicon import Locale
from samescore.suites.sop.graph import graph, node_of, passed
from samescore.suites.sop.graph_words import say
from samescore.suites.sop.model import Sop
from samescore.suites.sop.trace import trace

THIN = 5
"""Cases below which one failure moves a share by more than a fifth: too few to say much."""
HALF = 0.5


class Level(StrEnum):
    """How something is drawn; each level has a colour, a kind of line and a sign of its own."""

    UNTRIED = "untried"  # no case passes here
    LOW = "low"  # most rollouts fail
    MIDDLE = "middle"  # tried by few cases; or some rollouts fail
    HIGH = "high"  # tried by enough cases; or every rollout is right


SIGNS: Mapping[Level, str] = {Level.UNTRIED: "–", Level.LOW: "✗", Level.MIDDLE: "~", Level.HIGH: "✓"}
"""What tells the levels apart without colours."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A level; the few characters that are shown with it, and the same in words."""

    level: Level
    badge: str
    words: str


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a graph's nodes and edges by id, and what they mean. `notes` are lines for a node's tooltip."""

    nodes: Mapping[str, Mark]
    edges: Mapping[str, Mark]
    legend: tuple[tuple[Level, str], ...]
    caption: str
    notes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rollout, or one case to be had: its facts, and the value of `success`, None where there is no score."""

    facts: Mapping[str, Any]
    success: float | None


def tried(sop: Sop, facts_of_cases: Iterable[Mapping[str, Any]], caption: str, locale: Locale = "en") -> Marks:
    """How many of these cases pass each node and edge; `locale` is the language of the words.

    Raises:
        SopError: a decision has no arm, or several, for a case.
        KeyError: a case lacks a fact.
    """
    legend = (
        (Level.UNTRIED, say(locale, "no_case")),
        (Level.MIDDLE, say(locale, "few", count=THIN)),
        (Level.HIGH, say(locale, "many", count=THIN)),
    )
    return _marks(sop, [Outcome(facts, None) for facts in facts_of_cases], _count, legend, caption, locale)


def scored(sop: Sop, outcomes: Iterable[Outcome], caption: str, locale: Locale = "en") -> Marks:
    """In how many of these rollouts through each node and edge everything was right.

    Raises:
        SopError, KeyError: as `tried`.
    """
    legend = (
        (Level.UNTRIED, say(locale, "unscored")),
        (Level.LOW, say(locale, "low")),
        (Level.MIDDLE, say(locale, "middle")),
        (Level.HIGH, say(locale, "high")),
    )
    return _marks(sop, outcomes, _success, legend, caption, locale)


def unmarked(caption: str) -> Marks:
    """No marks at all, of a procedure without cases."""
    return Marks({}, {}, (), caption, {})


def _marks(
    sop: Sop,
    outcomes: Iterable[Outcome],
    mark: Callable[[Sequence[Outcome], Locale], Mark],
    legend: tuple[tuple[Level, str], ...],
    caption: str,
    locale: Locale,
) -> Marks:
    nodes: defaultdict[str, list[Outcome]] = defaultdict(list)
    edges: defaultdict[str, list[Outcome]] = defaultdict(list)
    branches: defaultdict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        way = trace(sop, outcome.facts)
        through, along = passed(way)
        for id in through:
            nodes[id].append(outcome)
        for id in along:
            edges[id].append(outcome)
        branches[node_of(way.reply.id), way.branch].append(outcome)
    notes: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for (node, branch), those in sorted(branches.items()):
        notes[node] += (say(locale, "branch", branch=branch, words=mark(those, locale).words),)
    drawn = graph(sop)
    return Marks(
        {node.id: mark(nodes[node.id], locale) for node in drawn.nodes},
        {edge.id: mark(edges[edge.id], locale) for edge in drawn.edges},
        legend,
        caption,
        dict(notes),
    )


def _count(cases: Sequence[Outcome], locale: Locale) -> Mark:
    count = len(cases)
    level = Level.UNTRIED if not count else Level.MIDDLE if count < THIN else Level.HIGH
    key = "none" if not count else "case" if count == 1 else "cases"
    return Mark(level, str(count), say(locale, key, count=count))


def _success(rollouts: Sequence[Outcome], locale: Locale) -> Mark:
    """`success` is 1 or 0, so that its mean is a share of rollouts."""
    known = [one.success for one in rollouts if one.success is not None]
    missing = len(rollouts) - len(known)
    aside = say(locale, "without", count=missing) if missing else ""
    if not known:
        return Mark(Level.UNTRIED, SIGNS[Level.UNTRIED], say(locale, "unscored") + aside)
    right = sum(value == 1.0 for value in known)
    level = Level.HIGH if right == len(known) else Level.LOW if right < HALF * len(known) else Level.MIDDLE
    return Mark(
        level, f"{SIGNS[level]} {right}/{len(known)}", say(locale, "right", right=right, count=len(known)) + aside
    )
