"""A procedure's graph as the text of a Mermaid flowchart, which Git hosts and wikis draw."""

from __future__ import annotations

import re
from collections.abc import Mapping

from samescore.suites.sop.graph import Edge, EdgeKind, Graph, Node, NodeKind
from samescore.suites.sop.marks import Level, Mark, Marks

_SHAPES: Mapping[NodeKind, tuple[str, str]] = {
    NodeKind.ASK: ("[/", "/]"),
    NodeKind.CALL: ("[[", "]]"),
    NodeKind.CALLS: ("[[", "]]"),
    NodeKind.DECIDE: ("{{", "}}"),
    NodeKind.REPLY: ("([", "])"),
    NodeKind.ESCALATE: ("[(", ")]"),
}
_CLASSES: Mapping[Level, str] = {
    Level.UNTRIED: "fill:#ffffff,stroke:#6b7280,color:#111827,stroke-dasharray:3 3",
    Level.LOW: "fill:#fde2e4,stroke:#b4232f,color:#111827,stroke-dasharray:9 3",
    Level.MIDDLE: "fill:#fdf0cf,stroke:#a15c07,color:#111827,stroke-width:1px",
    Level.HIGH: "fill:#d5f0e8,stroke:#0f766e,color:#111827,stroke-width:3px",
}
_LINKS: Mapping[Level, str] = {
    Level.UNTRIED: "stroke:#6b7280,stroke-dasharray:3 3",
    Level.LOW: "stroke:#b4232f,stroke-dasharray:9 3",
    Level.MIDDLE: "stroke:#a15c07,stroke-width:1px",
    Level.HIGH: "stroke:#0f766e,stroke-width:3px",
}
# Mermaid reads Markdown, HTML and its own marks in labels: all but plain characters become entities.
_PLAIN = re.compile(r"[^\w ,.>/?+=()-]")


def mermaid(graph: Graph, marks: Marks) -> str:
    """The flowchart, with a class per level; the same text for the same graph and marks."""
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = [f"%% {_plain(graph.title)}: {_plain(marks.caption)}", "flowchart TD"]
    lines += [f"  {names[node.id]}{_node(node, marks.nodes.get(node.id))}" for node in graph.nodes]
    lines += [
        f"  {names[edge.source]} -->{_edge(edge, marks.edges.get(edge.id))} {names[edge.target]}"
        for edge in graph.edges
    ]
    if marks.legend:
        lines += [f'  legend_{level}["{_plain(words)}"]:::{level}' for level, words in marks.legend]
        lines += [f"  classDef {level} {_CLASSES[level]}" for level, _ in marks.legend]
    for level, style in _LINKS.items():
        numbers = [
            str(n) for n, edge in enumerate(graph.edges) if edge.id in marks.edges and _level(edge, marks) == level
        ]
        if numbers:
            lines.append(f"  linkStyle {','.join(numbers)} {style}")
    return "\n".join(lines) + "\n"


def _level(edge: Edge, marks: Marks) -> Level:
    return marks.edges[edge.id].level


def _node(node: Node, mark: Mark | None) -> str:
    opening, closing = _SHAPES[node.kind]
    badge = "" if mark is None else f" ({_plain(mark.badge)})"
    style = "" if mark is None else f":::{mark.level}"
    return f'{opening}"{_plain(node.id)}{badge}<br/>{node.kind}: {_plain(node.label)}"{closing}{style}'


def _edge(edge: Edge, mark: Mark | None) -> str:
    if edge.kind is EdgeKind.NEXT:
        return ""
    badge = "" if mark is None else f" ({_plain(mark.badge)})"
    return f'|"{_plain(edge.name)}{badge}<br/>{_plain(edge.condition)}"|'


def _plain(text: str) -> str:
    """The text with everything that Mermaid could read as a mark as an entity, line breaks as spaces."""
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", " ".join(text.split()))
