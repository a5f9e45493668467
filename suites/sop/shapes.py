"""The pieces that `svg` draws with: texts and how wide they are, boxes, badges, outlines of nodes, and the style."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from html import escape

from samescore.suites.sop.graph import NodeKind
from samescore.suites.sop.layout import Point

SMALL = 11.5
"""Size of most texts, in pixels."""
CUT = 14.0
"""How far the corners of slanted shapes are cut."""
_UNREADABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NARROW, _WIDE = frozenset("iIjl.,:;'|!()[]{} ftr/"), frozenset("mwMW@%—<>=+✓✗–~")

STYLE = """
.sop-graph { --ground: #ffffff; --ink: #111827; --soft: #4b5563; --plain: #6b7280; --plain-fill: #f9fafb;
  --untried: #6b7280; --untried-fill: #ffffff; --low: #b4232f; --low-fill: #fde2e4; --middle: #a15c07;
  --middle-fill: #fdf0cf; --high: #0f766e; --high-fill: #d5f0e8;
  font-family: ui-sans-serif, system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { .sop-graph { --ground: #111827; --ink: #f3f4f6; --soft: #b6bdc9; --plain: #9ca3af;
  --plain-fill: #1f2937; --untried: #9ca3af; --untried-fill: #111827; --low: #f58a93; --low-fill: #4c1d24;
  --middle: #f0b04a; --middle-fill: #42300e; --high: #4fc7b3; --high-fill: #10403b; } }
.sop-graph .ground { fill: var(--ground); }
.sop-graph text { fill: var(--ink); font-size: 11.5px; }
.sop-graph .title { font-size: 19px; font-weight: 600; }
.sop-graph .name { font-size: 14px; font-weight: 600; }
.sop-graph .arm { font-weight: 600; }
.sop-graph .soft { fill: var(--soft); }
.sop-graph .badge { fill: var(--ground); font-weight: 600; }
.sop-graph .shape { fill: var(--plain-fill); stroke: var(--plain); stroke-width: 1.5; }
.sop-graph .way { fill: none; stroke: var(--plain); stroke-width: 1.5; }
.sop-graph .tip { fill: var(--plain); }
.sop-graph .plate { fill: var(--ground); }
.sop-graph .mark { fill: var(--plain); }
.sop-graph .untried .shape { fill: var(--untried-fill); stroke: var(--untried); stroke-dasharray: 3 3; }
.sop-graph .untried .way { stroke: var(--untried); stroke-dasharray: 3 3; }
.sop-graph .untried .tip, .sop-graph .untried .mark { fill: var(--untried); }
.sop-graph .low .shape { fill: var(--low-fill); stroke: var(--low); stroke-dasharray: 9 3; stroke-width: 2; }
.sop-graph .low .way { stroke: var(--low); stroke-dasharray: 9 3; stroke-width: 2; }
.sop-graph .low .tip, .sop-graph .low .mark { fill: var(--low); }
.sop-graph .middle .shape { fill: var(--middle-fill); stroke: var(--middle); stroke-width: 1.2; }
.sop-graph .middle .way { stroke: var(--middle); stroke-width: 1.2; }
.sop-graph .middle .tip, .sop-graph .middle .mark { fill: var(--middle); }
.sop-graph .high .shape { fill: var(--high-fill); stroke: var(--high); stroke-width: 2.6; }
.sop-graph .high .way { stroke: var(--high); stroke-width: 2.6; }
.sop-graph .high .tip, .sop-graph .high .mark { fill: var(--high); }
""".strip()


def text_width(text: str, size: float = SMALL, *, bold: bool = False) -> float:
    """How wide a text is in pixels at most, in the widest of the usual sans-serif fonts (DejaVu Sans)."""
    ems = 0.0
    for character in unicodedata.normalize("NFC", text):
        if unicodedata.east_asian_width(character) in "WF":
            ems += 1.0
        elif character in _NARROW:
            ems += 0.41
        elif character in _WIDE:
            ems += 0.9
        else:
            ems += 0.7 if character.isupper() else 0.62
    return ems * size * (1.08 if bold else 1.0)


def text(x: float, y: float, words: str, style: str, anchor: str = "middle") -> str:
    """A line of text, centred at x or, with anchor `start`, from x on."""
    return f'<text class="{style}" x="{number(x)}" y="{number(y)}" text-anchor="{anchor}">{escaped(words)}</text>'


def box(x: float, y: float, width: float, height: float, radius: float, style: str = "shape") -> str:
    """A rectangle around its centre."""
    corner = f'x="{number(x - width / 2)}" y="{number(y - height / 2)}"'
    return f'<rect class="{style}" {corner} width="{number(width)}" height="{number(height)}" rx="{number(radius)}"/>'


def polygon(corners: Iterable[Point], style: str = "shape") -> str:
    """A closed shape of straight lines."""
    points = " ".join(f"{number(x)},{number(y)}" for x, y in corners)
    return f'<polygon class="{style}" points="{points}"/>'


def badge(x: float, y: float, words: str) -> str:
    """A few characters on a pill."""
    return box(x, y, badge_width(words), 16, 8, "mark") + text(x, y + 4, words, "badge")


def badge_width(words: str) -> float:
    """How wide the pill of these characters is."""
    return max(18.0, text_width(words, bold=True) + 10)


def outline(kind: NodeKind, x: float, y: float, width: float, height: float) -> str:
    """The shape of a kind of node around its centre."""
    left, right, up, down = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    cut, inset = min(CUT, height / 3), height / 11
    match kind:
        case NodeKind.ASK:
            return polygon([(left + cut, up), (right, up), (right - cut, down), (left, down)])
        case NodeKind.DECIDE:
            upper, lower = [(left + cut, up), (right - cut, up)], [(right - cut, down), (left + cut, down)]
            return polygon([(left, y), *upper, (right, y), *lower])
        case NodeKind.REPLY:
            return box(x, y, width, height, height / 2)
        case NodeKind.ESCALATE:
            inner = box(x, y, width - 2 * inset, height - 2 * inset, height / 2 - inset)
            return box(x, y, width, height, height / 2) + inner
    insets = [inset, 2 * inset] if kind is NodeKind.CALLS else [inset]
    rails = "".join(f"M{number(at)} {number(up)}V{number(down)}" for one in insets for at in (left + one, right - one))
    return f'{box(x, y, width, height, 4)}<path class="shape" d="{rails}"/>'


def number(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")


def escaped(words: str) -> str:
    """Text for SVG and HTML: escaped, and without characters that no XML may hold."""
    return escape(_UNREADABLE.sub("\ufffd", words))
