"""A procedure's graph as one self-contained SVG: no script, no font, no network; light and dark; with tooltips.

Everything that a file says is escaped, and the style touches nothing outside, so that it can stand inside a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from samescore.harness.lexicon import Locale
from samescore.suites.sop.graph import Edge, EdgeKind, Graph, Node, NodeKind
from samescore.suites.sop.graph_words import say
from samescore.suites.sop.layout import Link, Point, Route, Size, layout
from samescore.suites.sop.marks import SIGNS, Mark, Marks
from samescore.suites.sop.shapes import (
    CUT,
    STYLE,
    badge,
    badge_width,
    box,
    escaped,
    number,
    outline,
    polygon,
    text,
    text_width,
)

_NAME, _TITLE = 14.0, 19.0
_MARGIN, _HEAD = 28.0, 88.0
_NODE, _LINE = 46.0, 15.0
_SECOND = 34
"""Characters of a node's second line."""
_CONDITION, _CONDITION_LINES = 34, 4
"""Characters of a line of a condition, and its most lines; the tooltip has all of it."""
_ARROW = 7.0
_AROUND_SIGN = re.compile(r" (?=[<>=!+-])|(?<=[<>=+-]) |(?<=not) ")


@dataclass(frozen=True, slots=True)
class _Label:
    """What is written on an edge: a name, a badge, and lines of a condition."""

    name: str = ""
    badge: str = ""
    condition: tuple[str, ...] = ()

    @property
    def head(self) -> float:
        """Width of name and badge."""
        return text_width(self.name, bold=True) + (badge_width(self.badge) + 6 if self.badge else 0.0)

    @property
    def size(self) -> Size:
        """Width and height; of an empty one (0, 0)."""
        if not self.name:
            return 0.0, 0.0
        return max(self.head, *map(text_width, self.condition), 0.0) + 12, _LINE * (1 + len(self.condition)) + 8


def svg(graph: Graph, marks: Marks) -> str:
    """The picture; the same text for the same graph and marks."""
    labels = [_label(edge, marks.edges.get(edge.id)) for edge in graph.edges]
    sizes = {node.id: _size(node, marks.nodes.get(node.id)) for node in graph.nodes}
    links = [Link(edge.source, edge.target, label.size) for edge, label in zip(graph.edges, labels, strict=True)]
    placed = layout(sizes, links)
    legend = list(_legend(graph, marks))
    widths = [placed.size[0], text_width(graph.title, _TITLE, bold=True), text_width(marks.caption)]
    width = max(*widths, *(end - _MARGIN for end, _ in legend)) + 2 * _MARGIN
    height = _MARGIN + _HEAD + placed.size[1] + _MARGIN
    lines = [*_head(graph, marks, width, height), *(drawn for _, drawn in legend)]
    lines.append(f'<g transform="translate({number((width - placed.size[0]) / 2)} {number(_MARGIN + _HEAD)})">')
    for edge, label, route in zip(graph.edges, labels, placed.routes, strict=True):
        lines.append(_edge(edge, label, route, marks.edges.get(edge.id), graph.locale))
    for node in graph.nodes:
        lines.append(_node(node, placed.nodes[node.id], sizes[node.id], marks, graph.locale))
    return "\n".join([*lines, "</g>", "</svg>"]) + "\n"


def _head(graph: Graph, marks: Marks, width: float, height: float) -> Iterator[str]:
    counts = {"nodes": len(graph.nodes), "edges": len(graph.edges)}
    words = say(graph.locale, "picture", title=graph.title, caption=marks.caption, **counts)
    # As wide as drawn where there is room, as an image too; in a narrower window the whole of it, smaller.
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    size += ' style="max-width: 100%; height: auto"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" class="sop-graph" role="img" aria-label="{escaped(words)}" {size}>'
    yield f"<title>{escaped(words)}</title>"
    yield f"<style>{STYLE}</style>"
    yield box(width / 2, height / 2, width, height, 0, "ground")
    yield text(_MARGIN, _MARGIN + 12, graph.title, "title", "start")
    yield text(_MARGIN, _MARGIN + 31, marks.caption, "soft", "start")


def _legend(graph: Graph, marks: Marks) -> Iterator[tuple[float, str]]:
    """The swatches of the levels and of the kinds that occur, each with its right edge."""
    x, y = _MARGIN, _MARGIN + 52
    for level, words in marks.legend:
        line = '<path class="way" d="M0 0H30"/><circle class="mark" cx="15" cy="0" r="7"/>'
        drawn = line + text(15, 4, SIGNS[level], "badge") + text(36, 4, words, "", "start")
        yield (
            x + 36 + text_width(words),
            f'<g class="{level}" transform="translate({number(x)} {number(y)})">{drawn}</g>',
        )
        x += 56 + text_width(words)
    for kind in (kind for kind in NodeKind if any(node.kind is kind for node in graph.nodes)):
        words = say(graph.locale, kind)
        drawn = outline(kind, 14, 0, 28, 16) + text(36, 4, words, "soft", "start")
        yield x + 36 + text_width(words), f'<g transform="translate({number(x)} {number(y)})">{drawn}</g>'
        x += 52 + text_width(words)


def _node(node: Node, at: Point, size: Size, marks: Marks, locale: Locale) -> str:
    mark = marks.nodes.get(node.id)
    (x, y), (width, height) = at, size
    words = [f"{node.id}: {node.kind} {node.label}", *node.detail]
    words += [mark.words] if mark is not None else []
    words += [*marks.notes.get(node.id, ()), say(locale, "line", line=node.line)]
    drawn = _tooltip(words) + outline(node.kind, x, y, width, height)
    drawn += text(x, y - 3, node.id, "name") + text(x, y + 14, _second(node), "soft")
    if mark is not None:
        drawn += badge(x + width / 2 - badge_width(mark.badge) / 2 + 8, y - height / 2, mark.badge)
    return f'<g class="{mark.level if mark else "unmarked"}">{drawn}</g>'


def _second(node: Node) -> str:
    words = node.label if node.kind in (NodeKind.CALL, NodeKind.CALLS) else f"{node.kind}: {node.label}"
    return words if len(words) <= _SECOND else f"{words[: _SECOND - 1]}…"


def _size(node: Node, mark: Mark | None) -> Size:
    width = max(text_width(node.id, _NAME, bold=True), text_width(_second(node)))
    slant = 2 * CUT if node.kind in (NodeKind.DECIDE, NodeKind.ASK) else CUT
    return width + 2 * CUT + slant + (badge_width(mark.badge) / 2 if mark else 0.0), _NODE


def _edge(edge: Edge, label: _Label, route: Route, mark: Mark | None, locale: Locale) -> str:
    words = [
        say(locale, "way", source=edge.source, target=edge.target),
        *([f"{edge.name}: {edge.condition}"] if edge.name else []),
    ]
    words += [mark.words] if mark is not None else []
    x, y = route.pieces[-1][1]
    half, back = _ARROW / 2 + 1, y - _ARROW - 1
    drawn = f'{_tooltip(words)}<path class="way" d="{_way(route)}"/>'
    drawn += polygon([(x, y), (x - half, back), (x + half, back)], "tip") + _written(label, route.label)
    return f'<g class="{mark.level if mark else "unmarked"}">{drawn}</g>'


def _way(route: Route) -> str:
    """Vertical pieces joined by curves that leave and arrive vertically; the last one ends where the arrow begins."""
    (before, start), (_, at) = route.pieces[0]
    steps = [f"M{number(before)} {number(start)}V{number(at)}"]
    for (x, up), (_, down) in route.pieces[1:]:
        bend = (up - at) / 2
        curve = (before, at + bend, x, up - bend, x, up)
        steps.append(f"C{' '.join(map(number, curve))}")
        at = down - _ARROW if (x, down) == route.pieces[-1][1] else down
        steps.append(f"V{number(at)}" if at > up else "")
        before = x
    return "".join(steps)


def _label(edge: Edge, mark: Mark | None) -> _Label:
    if edge.kind is EdgeKind.NEXT:
        return _Label()
    # A comparison stays on one line where it fits: textwrap does not break at no-break spaces.
    lines = wrap(_AROUND_SIGN.sub("\u00a0", edge.condition), _CONDITION)
    if len(lines) > _CONDITION_LINES:
        lines = [*lines[: _CONDITION_LINES - 1], f"{lines[_CONDITION_LINES - 1][: _CONDITION - 1]}…"]
    return _Label(edge.name, mark.badge if mark else "", tuple(lines))


def _written(label: _Label, at: Point) -> str:
    (width, height), (x, y) = label.size, at
    if not width:
        return ""
    up, left, name = y - height / 2, x - label.head / 2, text_width(label.name, bold=True)
    drawn = box(x, y, width, height, 4, "plate") + text(left + name / 2, up + 15, label.name, "arm")
    if label.badge:
        drawn += badge(left + label.head - badge_width(label.badge) / 2, up + 11, label.badge)
    for place, line in enumerate(label.condition, start=1):
        drawn += text(x, up + 15 + _LINE * place, line, "soft")
    return drawn


def _tooltip(lines: list[str]) -> str:
    return f"<title>{escaped(chr(10).join(lines))}</title>"
