"""The interval around a difference of paired scores: the same cases under two conditions.

Tango's (1998, Statistics in Medicine 17:891) score interval of the difference of two paired proportions. It does not
collapse where no pair differs, as an interval from the sample's variance would. Cases of one branch resemble each
other: the interval is taken at the effective number of pairs, as the interval of a mean is (see `interval`), with the
variance of the drops in the place of p(1-p).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from statistics import NormalDist

from samescore.harness.stats.interval import CONFIDENCE, effective_cases

_STEPS = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference in [-1, 1] with its two-sided confidence interval, over `n` pairs."""

    value: float
    low: float
    high: float
    n: int


def paired_difference(
    before: Sequence[float],
    after: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    confidence: float = CONFIDENCE,
) -> Difference:
    """How much lower `after` is than `before`, pair by pair: the mean drop. Scores are in [0, 1], epochs averaged.

    Partial differences count by their size: what one pair lost in part is part of a loss.

    Raises:
        ValueError: no pairs, or not as many of the one as of the other.
    """
    groups = list(range(len(before))) if clusters is None else list(clusters)
    if not before or not len(before) == len(after) == len(groups):
        raise ValueError(f"{len(before)} and {len(after)} scores in {len(groups)} clusters; expected pairs of them")
    drops = [one - other for one, other in zip(before, after, strict=True)]
    n = len(drops)
    lost = fsum(drop for drop in drops if drop > 0)
    gained = fsum(-drop for drop in drops if drop < 0)
    mean = fsum(drops) / n
    alone = fsum((drop - mean) ** 2 for drop in drops) / n
    share = effective_cases(drops, groups, confidence, alone) / n
    low, high = tango(lost * share, gained * share, n * share, confidence)
    return Difference(mean, low, high, n)


def tango(lost: float, gained: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Tango's score interval of (lost - gained) / n; the counts need not be whole.

    Raises:
        ValueError: more pairs differ than there are.
    """
    if lost < 0 or gained < 0 or lost + gained > n * (1 + 1e-9) or n <= 0:
        raise ValueError(f"{lost} lost and {gained} gained of {n} pairs")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    return -tango_upper(gained, lost, n, z), tango_upper(lost, gained, n, z)


def tango_upper(lost: float, gained: float, n: float, quantile: float) -> float:
    """The upper end of Tango's score interval of (lost - gained) / n: the statistic reaches minus this quantile there.

    The lower end is its mirror image, `-tango_upper(gained, lost, n, quantile)`.
    """
    estimate = (lost - gained) / n
    if tango_statistic(lost, gained, n, 1.0) > -quantile:
        return 1.0
    return max(estimate, _crossing(lambda delta: tango_statistic(lost, gained, n, delta) > -quantile, estimate, 1.0))


def tango_statistic(lost: float, gained: float, n: float, delta: float) -> float:
    """Tango's score statistic against a true difference of `delta`: about standard normal if it is that.

    It falls as `delta` rises. At the ends of what is possible it is infinite, or 0 where the sample is just that.
    """
    a = 2 * n
    b = -lost - gained + (2 * n - lost + gained) * delta
    c = -gained * delta * (1 - delta)
    q = (sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = n * (2 * q + delta * (1 - delta))
    above = lost - gained - n * delta
    if variance <= 1e-12:
        return 0.0 if abs(above) < 1e-9 else float("inf") if above > 0 else float("-inf")
    return above / sqrt(variance)


def _crossing(above: Callable[[float], bool], low: float, high: float) -> float:
    """Where a condition that holds at `low` stops holding, by bisection."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return (low + high) / 2
