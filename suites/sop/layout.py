"""Where the nodes of a graph without circles go, so that a person likes to look at them: top to bottom in layers.

Layers by longest path, a layer for labels under each, crossings reduced by barycentres and swaps (Sugiyama, Tagawa and
Toda, 1981), then each layer placed as close to its neighbours as its order allows, which is an isotonic regression. A
label is a vertex like any other, so it overlaps neither nodes nor other labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

Size: TypeAlias = tuple[float, float]
Point: TypeAlias = tuple[float, float]

GAP = 22.0
"""Least space between two neighbours in a layer."""
ROOM = 26.0
"""Space between two layers, in which edges bend."""
_SWEEPS = 24
_LANE = 8.0
"""Width that an edge takes where it passes a layer."""
_STIFF = 6.0
"""How much straighter the long part of an edge is kept than its ends."""


@dataclass(frozen=True, slots=True)
class Link:
    """An edge to be placed; `label` is the size of what is written on it, (0, 0) for nothing."""

    source: str
    target: str
    label: Size = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Route:
    """Where an edge goes: vertical pieces from top to bottom, to be joined by bends. `label` is the label's centre."""

    pieces: tuple[tuple[Point, Point], ...]
    label: Point


@dataclass(frozen=True, slots=True)
class Layout:
    """Centres of nodes and routes of edges, in the order of the input, in a box of `size` from (0, 0)."""

    nodes: Mapping[str, Point]
    routes: tuple[Route, ...]
    size: Size


@dataclass(slots=True)
class _Vertex:
    """A node, a label, or the place where an edge passes a layer."""

    layer: int
    width: float
    height: float
    stiff: bool
    above: list[int]
    below: list[int]
    x: float = 0.0


def layout(nodes: Mapping[str, Size], links: Sequence[Link]) -> Layout:
    """Place nodes of these sizes and the edges between them. The same input gives the same picture."""
    vertices, places, chains = _vertices(nodes, links, ranks(nodes, links))
    layers = _ordered(vertices)
    _spread(vertices, layers)
    _straighten(vertices, layers, chains)
    left = min((v.x - v.width / 2 for v in vertices), default=0.0)
    for vertex in vertices:
        vertex.x -= left
    rows = _rows(vertices, layers)
    width = max((v.x + v.width / 2 for v in vertices), default=0.0)
    routes = tuple(_route([vertices[index] for index in chain], rows) for chain in chains)
    centres = {name: (vertices[index].x, rows[vertices[index].layer][0]) for name, index in places.items()}
    return Layout(centres, routes, (width, max((middle + half for middle, half in rows.values()), default=0.0)))


def ranks(nodes: Iterable[str], links: Sequence[Link]) -> dict[str, int]:
    """For every node the length of the longest way to it.

    Raises:
        ValueError: the edges go round in a circle.
    """
    rank = dict.fromkeys(nodes, 0)
    for _ in range(len(rank) + 1):
        before = dict(rank)
        for link in links:
            rank[link.target] = max(rank[link.target], rank[link.source] + 1)
        if rank == before:
            return rank
    raise ValueError("the edges go round in a circle")


def _vertices(
    nodes: Mapping[str, Size], links: Sequence[Link], rank: Mapping[str, int]
) -> tuple[list[_Vertex], dict[str, int], list[list[int]]]:
    """All vertices, the index of each node, and for each edge its vertices from source to target.

    Nodes are in even layers, labels in the odd one below their source.
    """
    vertices: list[_Vertex] = []
    places: dict[str, int] = {}

    def add(layer: int, size: Size, stiff: bool) -> int:
        vertices.append(_Vertex(layer, *size, stiff, [], []))
        return len(vertices) - 1

    for name in _visited(nodes, links):
        places[name] = add(2 * rank[name], nodes[name], False)
    chains: list[list[int]] = []
    for link in links:
        first, last = places[link.source], places[link.target]
        chain = [first, add(vertices[first].layer + 1, (max(link.label[0], _LANE), link.label[1]), True)]
        chain += [add(layer, (_LANE, 0.0), True) for layer in range(vertices[first].layer + 2, vertices[last].layer)]
        chain.append(last)
        for upper, lower in pairwise(chain):
            vertices[upper].below.append(lower)
            vertices[lower].above.append(upper)
        chains.append(chain)
    return vertices, places, chains


def _visited(nodes: Iterable[str], links: Sequence[Link]) -> list[str]:
    """The nodes as a walk meets them that follows edges in their order, which is a good order to begin with."""
    following: dict[str, list[str]] = {name: [] for name in nodes}
    for link in links:
        following[link.source].append(link.target)
    seen: dict[str, None] = {}
    for root in following:
        pending = [root]
        while pending:
            name = pending.pop()
            if name not in seen:
                seen[name] = None
                pending += reversed(following[name])
    return list(seen)


def _ordered(vertices: list[_Vertex]) -> list[list[int]]:
    """The vertices of each layer from left to right, with few crossings."""
    layers: list[list[int]] = [[] for _ in range(max((v.layer for v in vertices), default=-1) + 1)]
    for index, vertex in enumerate(vertices):
        layers[vertex.layer].append(index)
    best, fewest = [list(layer) for layer in layers], _crossings(vertices, layers)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            position = {index: place for row in layers for place, index in enumerate(row)}
            centre = {index: _centre(vertices[index], position, down) for index in layer}
            layer.sort(key=lambda index: centre[index])
        _swap(vertices, layers)
        crossings = _crossings(vertices, layers)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _centre(vertex: _Vertex, position: Mapping[int, int], down: bool) -> float:
    """The mean place of the neighbours in the layer before; two layers' widths are not comparable, their places are."""
    neighbours = (vertex.above or vertex.below) if down else (vertex.below or vertex.above)
    return sum(position[index] for index in neighbours) / len(neighbours) if neighbours else 0.0


def _swap(vertices: list[_Vertex], layers: list[list[int]]) -> None:
    """Exchange neighbours where that saves crossings, until it saves none."""
    position = {index: place for layer in layers for place, index in enumerate(layer)}
    improved = True
    while improved:
        improved = False
        for layer in layers:
            for place in range(len(layer) - 1):
                left, right = vertices[layer[place]], vertices[layer[place + 1]]
                saved = 0
                for mine, other in ((left.above, right.above), (left.below, right.below)):
                    for a in mine:
                        for b in other:
                            saved += (position[a] > position[b]) - (position[a] < position[b])
                if saved > 0:
                    layer[place], layer[place + 1] = layer[place + 1], layer[place]
                    position[layer[place]], position[layer[place + 1]] = place, place + 1
                    improved = True


def _crossings(vertices: list[_Vertex], layers: list[list[int]]) -> int:
    position = {index: place for layer in layers for place, index in enumerate(layer)}
    total = 0
    for layer in layers:
        edges = [(position[index], position[lower]) for index in layer for lower in vertices[index].below]
        total += sum((a - c) * (b - d) < 0 for place, (a, b) in enumerate(edges) for c, d in edges[:place])
    return total


def _spread(vertices: list[_Vertex], layers: list[list[int]]) -> None:
    """Give every vertex its x: near its neighbours, and in order."""
    for layer in layers:
        _settle(vertices, layer, [0.0] * len(layer), [1.0] * len(layer))
    for sweep in range(4 * _SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            wanted, weights = [], []
            for index in layer:
                vertex = vertices[index]
                # The last sweeps look both ways, so that no side has the last word.
                near = vertex.above + vertex.below if sweep >= 2 * _SWEEPS else vertex.above if down else vertex.below
                pull = [_STIFF if vertex.stiff and vertices[other].stiff else 1.0 for other in near]
                total = sum(pull)
                means = sum(force * vertices[other].x for force, other in zip(pull, near, strict=True))
                wanted.append(means / total if near else vertex.x)
                weights.append(total or 0.1)
            _settle(vertices, layer, wanted, weights)


def _settle(vertices: list[_Vertex], layer: list[int], wanted: list[float], weights: list[float]) -> None:
    """Place a layer as close as can be (weighted least squares) to where it wants to be, without overlaps.

    With the widths to the left taken off, positions must not decrease: pool adjacent violators (Ayer et al., 1955).
    """
    offsets, offset = [], 0.0
    for place, index in enumerate(layer):
        if place:
            offset += (vertices[layer[place - 1]].width + vertices[index].width) / 2 + GAP
        offsets.append(offset)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, members
    for want, weight, shift in zip(wanted, weights, offsets, strict=True):
        block = (want - shift, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, heavy, members = blocks.pop()
            total = heavy + block[1]
            block = ((mean * heavy + block[0] * block[1]) / total, total, members + block[2])
        blocks.append(block)
    means = [mean for mean, _, members in blocks for _ in range(members)]
    for index, mean, shift in zip(layer, means, offsets, strict=True):
        vertices[index].x = mean + shift


def _straighten(vertices: list[_Vertex], layers: list[list[int]], chains: Sequence[Sequence[int]]) -> None:
    """Let edges run straight down as far as their neighbours allow, best above their target or below their source."""
    place = {index: at for layer in layers for at, index in enumerate(layer)}

    def bounds(index: int) -> tuple[float, float]:
        layer, at = layers[vertices[index].layer], place[index]
        low, high = float("-inf"), float("inf")
        for other, sign in ((at - 1, 1), (at + 1, -1)):
            if 0 <= other < len(layer):
                neighbour = vertices[layer[other]]
                limit = neighbour.x + sign * ((neighbour.width + vertices[index].width) / 2 + GAP)
                low, high = (limit, high) if sign > 0 else (low, limit)
        return low, high

    for chain in (*chains, *chains):
        rest = list(chain[1:-1])
        source, target = vertices[chain[0]].x, vertices[chain[-1]].x
        while rest:
            straight: list[int] = []
            low, high = float("-inf"), float("inf")
            for index in rest:
                least, most = bounds(index)
                if max(low, least) > min(high, most):
                    break
                low, high = max(low, least), min(high, most)
                straight.append(index)
            mean = sum(vertices[index].x for index in straight) / len(straight) if straight else 0.0
            ends = [target] * (straight == rest) + [source] * (len(rest) == len(chain) - 2)
            x = next((end for end in ends if low <= end <= high), min(max(mean, low), high))
            for index in straight:
                vertices[index].x = x
            rest = rest[len(straight) or 1 :]


def _rows(vertices: list[_Vertex], layers: list[list[int]]) -> dict[int, tuple[float, float]]:
    """For every layer the y of its middle, and half its height."""
    rows: dict[int, tuple[float, float]] = {}
    y = 0.0
    for number, layer in enumerate(layers):
        half = max((vertices[index].height for index in layer), default=0.0) / 2
        rows[number] = (y + half, half)
        reach = max((abs(vertices[i].x - vertices[j].x) for i in layer for j in vertices[i].below), default=0.0)
        # A layer of labels without any is only room to bend.
        y += 2 * half + (min(max(ROOM, reach / 9), 2.5 * ROOM) if half else 0.0)
    return rows


def _route(chain: Sequence[_Vertex], rows: Mapping[int, tuple[float, float]]) -> Route:
    first, *inner, last = chain
    spans = [_span(vertex, rows) for vertex in chain]
    start = ((first.x, spans[0][1]), (first.x, rows[first.layer][0] + rows[first.layer][1]))
    end = ((last.x, rows[last.layer][0] - rows[last.layer][1]), (last.x, spans[-1][0]))
    label = inner[0]
    pieces = [start]
    for vertex in inner:
        centre, half = rows[vertex.layer]
        if half:  # else there is nothing to keep clear of
            pieces.append(((vertex.x, centre - half), (vertex.x, centre + half)))
    return Route((*pieces, end), (label.x, rows[label.layer][0]))


def _span(vertex: _Vertex, rows: Mapping[int, tuple[float, float]]) -> tuple[float, float]:
    centre = rows[vertex.layer][0]
    return centre - vertex.height / 2, centre + vertex.height / 2
