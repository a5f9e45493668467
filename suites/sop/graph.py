"""A procedure as a graph, as data: a node a step, an edge a way from one step to the next. `mermaid` and `svg` draw it.

Steps that the file writes as one are one node: an escalation (a call and a reply), and calls of one turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from samescore.harness.lexicon import Locale
from samescore.suites.sop.graph_words import say
from samescore.suites.sop.model import Ask, CallStep, Decide, Reply, Sop, SopStep
from samescore.suites.sop.trace import Asked, Called, Decided, Event, Trace


class NodeKind(StrEnum):
    """What happens at a node."""

    ASK = "ask"
    CALL = "call"
    CALLS = "calls"  # several in one turn
    DECIDE = "decide"
    REPLY = "reply"
    ESCALATE = "escalate"  # a call and a reply in one step


class EdgeKind(StrEnum):
    """Why an edge is taken."""

    NEXT = "next"
    ARM = "arm"
    UNKNOWN = "unknown"  # the user does not know what was asked
    EXHAUSTED = "exhausted"  # every attempt of a call failed


@dataclass(frozen=True, slots=True)
class Node:
    """A step. `label` says in a few words what it does, `detail` the rest, a line each."""

    id: str
    kind: NodeKind
    label: str
    detail: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A way out of a node. `condition` is the text of an arm, or what else makes the procedure go this way."""

    source: str
    target: str
    kind: EdgeKind
    name: str
    condition: str
    line: int

    @property
    def id(self) -> str:
        """`state.missing`; `collect.unknown`; `lookup.next`. No two edges of a graph share it."""
        return f"{self.source}.{self.name or self.kind}"


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes and edges of one procedure, in the order of its file; the first node starts. It has no circle.

    `locale` is the language of its texts, and of what is drawn around them.
    """

    name: str
    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    locale: Locale = "en"


def graph(sop: Sop, locale: Locale = "en") -> Graph:
    """The graph of a procedure. `locale` is the language of title and texts."""
    members: dict[str, list[SopStep]] = {}
    for step in sop.steps.values():
        members.setdefault(node_of(step.id), []).append(step)
    nodes = tuple(_node(id, steps, locale) for id, steps in members.items())
    edges = dict.fromkeys(edge for steps in members.values() for edge in _edges(steps, locale))
    return Graph(f"{sop.world}/{sop.name}", sop.title[locale], nodes, tuple(edges), locale)


def node_of(step: str) -> str:
    """The node in which a step is drawn: `manager.reply` is a part of `manager`."""
    return step.partition(".")[0]


def passed(way: Trace) -> tuple[frozenset[str], frozenset[str]]:
    """The ids of the nodes and of the edges that one way through the procedure takes."""
    nodes = frozenset(node_of(event.step.id) for event in way.events)
    edges = frozenset(
        f"{node_of(event.step.id)}.{_exit(event)}"
        for event, following in pairwise(way.events)
        if node_of(event.step.id) != node_of(following.step.id)
    )
    return nodes, edges


def _exit(event: Event) -> str:
    match event:
        case Asked(unknown=unknown) if unknown:
            return EdgeKind.UNKNOWN
        case Called(ok=False):
            return EdgeKind.EXHAUSTED
        case Decided(arm=arm):
            return arm.name
    return EdgeKind.NEXT


def _node(id: str, steps: Sequence[SopStep], locale: Locale) -> Node:
    first = steps[0]
    detail = tuple(line for step in steps for line in _details(step, locale))
    match first:
        case Ask(slots=slots):
            return Node(id, NodeKind.ASK, ", ".join(slots), detail, first.line)
        case Decide(arms=arms):
            return Node(id, NodeKind.DECIDE, say(locale, "one_of", count=len(arms)), detail, first.line)
        case Reply(ending=ending):
            return Node(id, NodeKind.REPLY, ending.value, detail, first.line)
    tools = [step.tool for step in steps if isinstance(step, CallStep)]
    if isinstance(steps[-1], Reply):
        return Node(id, NodeKind.ESCALATE, tools[0], detail, first.line)
    return Node(id, NodeKind.CALL if len(tools) == 1 else NodeKind.CALLS, ", ".join(tools), detail, first.line)


def _details(step: SopStep, locale: Locale) -> list[str]:
    match step:
        case Ask(text=text):
            return [say(locale, "says", text=text[locale][0])]
        case CallStep():
            lines = [f"{step.tool}: {_written(step.arguments)}"] if step.arguments else [step.tool]
            lines += [say(locale, "reveals", names=", ".join(step.reveals))] if step.reveals else []
            lines += [say(locale, "retry", count=step.retry)] if step.retry else []
            return [*lines, say(locale, "wait", tool=step.wait.tool)] if step.wait is not None else lines
        case Decide(arms=arms):
            return [f"{arm.name}: {arm.condition.text if arm.condition else 'else'}" for arm in arms]
        case Reply(text=text, states=states, terms=terms):
            lines = [say(locale, "says", text=text[locale][0])]
            lines += [say(locale, "states", facts=_written(states))] if states else []
            return [*lines, say(locale, "terms", terms=", ".join(terms))] if terms else lines


def _written(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _edges(steps: Sequence[SopStep], locale: Locale) -> list[Edge]:
    """The ways out of a node; those between its own steps are none."""
    found: list[Edge] = []
    for step in steps:
        home = node_of(step.id)
        match step:
            case Ask(next=following, unknown=unknown):
                found.append(Edge(home, following, EdgeKind.NEXT, "", "", step.line))
                if unknown is not None:
                    words = say(locale, "unknown")
                    found.append(Edge(home, unknown, EdgeKind.UNKNOWN, EdgeKind.UNKNOWN, words, step.line))
            case CallStep(next=following, on_fault=fault):
                found.append(Edge(home, following, EdgeKind.NEXT, "", "", step.line))
                if fault is not None:
                    words = say(locale, "exhausted", count=(step.retry or 0) + 1)
                    found.append(Edge(home, fault, EdgeKind.EXHAUSTED, EdgeKind.EXHAUSTED, words, step.line))
            case Decide(arms=arms):
                for arm in arms:
                    words = "else" if arm.condition is None else arm.condition.text
                    found.append(Edge(home, arm.then, EdgeKind.ARM, arm.name, words, arm.line))
    merged = [_to_node(edge) for edge in found]
    return [edge for edge in merged if edge.source != edge.target]


def _to_node(edge: Edge) -> Edge:
    return Edge(edge.source, node_of(edge.target), edge.kind, edge.name, edge.condition, edge.line)
