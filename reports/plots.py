"""Plots as SVG, made by code: no script, no font, nothing loaded, and no style of their own but class names.

Places along a line are in percent, so that a plot fills the width that it is given and its marks keep their shape.
Every plot says in words what it shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor

from samescore.reports.markup import Markup, tag

HEIGHT = 26
"""Of a plot, in pixels."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from `low` to `high`."""

    low: float = 0.0
    high: float = 1.0

    def at(self, value: float) -> str:
        """Where a value lies, in percent of the width; what lies outside is put at the end."""
        share = (value - self.low) / (self.high - self.low)
        return f"{100 * min(1.0, max(0.0, share)):.2f}%".replace(".00%", "%")

    def ticks(self) -> list[float]:
        """A handful of round values within it."""
        step = next((one for one in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5) if (self.high - self.low) / one <= 4), 1.0)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


UNIT = Scale()


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its interval; of an open one (`value` None) only the bounds are known."""

    low: float
    value: float | None
    high: float


def score_plot(
    found: Interval,
    words: str,
    *,
    target: float | None = None,
    nothing: float | None = None,
    before: float | None = None,
) -> Markup:
    """A score with its interval on a line from 0 to 1; `words` say the same.

    A tick at the `target`, a shaded part up to what an agent without a model gets (`nothing`), and a hollow mark at the
    baseline's score (`before`).
    """
    shapes = [*_grid(UNIT)]
    if nothing is not None and nothing > 0:
        shapes.append(tag("rect", class_="floor", x="0", y=5, width=UNIT.at(nothing), height=HEIGHT - 10))
    shapes += _interval(found, UNIT)
    if before is not None:
        shapes.append(tag("circle", class_="before", cx=UNIT.at(before), cy=HEIGHT // 2, r=4))
    shapes += _point(found, UNIT)
    if target is not None:
        shapes.append(_upright("target", target, UNIT, 2))
    return _plot(shapes, words)


def change_plot(found: Interval, words: str, scale: Scale, margin: float | None = None) -> Markup:
    """A change with its interval around 0, the part shaded that a `margin` does not allow; `words` say the same."""
    shapes = []
    if margin is not None:
        shapes.append(tag("rect", class_="beyond", x="0", y=0, width=scale.at(-margin), height=HEIGHT))
    shapes += [*_grid(scale), _upright("zero", 0.0, scale, 0)]
    if margin is not None:
        shapes.append(_upright("margin", -margin, scale, 0))
    shapes += [*_interval(found, scale), *_point(found, scale)]
    return _plot(shapes, words)


def share_plot(parts: Sequence[tuple[str, float]], words: str) -> Markup:
    """Parts of a whole side by side, each with the class that colours it; `words` say the same."""
    shapes, at = [tag("rect", class_="rest", x="0", y=9, width="100%", height=8, rx=4)], 0.0
    for style, share in parts:
        if share > 0:
            shapes.append(tag("rect", class_=style, x=UNIT.at(at), y=9, width=UNIT.at(share), height=8, rx=2))
        at += share
    return _plot(shapes, words)


def change_scale(values: Sequence[float]) -> Scale:
    """A line that holds all these changes and 0, a bit wider than they are."""
    low, high = min([*values, 0.0]), max([*values, 0.0])
    room = max(0.02, 0.08 * (high - low))
    return Scale(max(-1.0, low - room), min(1.0, high + room))


def axis(scale: Scale, labels: Sequence[str]) -> Markup:
    """The ticks of a scale with what is written at each, if anything; for the eye, since plots say their values."""
    shapes: list[Markup] = []
    for value, label in zip(scale.ticks(), labels, strict=True):
        share = (value - scale.low) / (scale.high - scale.low)
        anchor = "start" if share < 0.02 else "end" if share > 0.98 else "middle"
        if label:
            shapes.append(tag("text", label, x=scale.at(value), y=12, text_anchor=anchor))
    return tag("svg", *shapes, class_="plot axis", height=16, aria_hidden="true", focusable="false")


def _plot(shapes: Sequence[Markup], words: str) -> Markup:
    return tag("svg", *shapes, class_="plot", height=HEIGHT, role="img", aria_label=words)


def _grid(scale: Scale) -> Iterator[Markup]:
    for value in scale.ticks():
        yield _upright("grid", value, scale, 0)


def _interval(found: Interval, scale: Scale) -> Iterator[Markup]:
    low, high, middle = scale.at(found.low), scale.at(found.high), HEIGHT // 2
    style = "interval" if found.value is not None else "interval open"
    yield tag("line", class_=style, x1=low, x2=high, y1=middle, y2=middle)
    for end in (low, high):
        yield tag("line", class_=style, x1=end, x2=end, y1=middle - 4, y2=middle + 4)


def _point(found: Interval, scale: Scale) -> Iterator[Markup]:
    if found.value is not None:
        yield tag("circle", class_="value", cx=scale.at(found.value), cy=HEIGHT // 2, r=4)


def _upright(style: str, value: float, scale: Scale, inset: int) -> Markup:
    at = scale.at(value)
    return tag("line", class_=style, x1=at, x2=at, y1=inset, y2=HEIGHT - inset)
