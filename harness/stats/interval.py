"""The interval around a mean of scores in [0, 1], robust to cases that cluster.

Cases of one SOP branch resemble each other, so 150 cases on 30 branches tell less than 150 unrelated ones. The
interval is Wilson's (1927), taken at the *effective* number of cases after Korn & Graubard (1998, Survey Methodology
24:193) and Dean & Pagano (2015, J. Survey Statistics and Methodology 3:484): how many independent pass/fail cases would
have given a mean as uncertain as this one. It never leaves [0, 1] and never collapses, not even when all scores agree.

    effective n = p(1-p) / V, times (z / t)^2
                  at most n / (1 + ICC0 (sum m_g^2 / n - 1)), at least n^2 / sum m_g^2

V is the CR2 variance of the mean and t the Student quantile at the degrees of freedom of Bell & McCaffrey (2002, Survey
Methodology 28:169). The upper bound is Kish's design effect for a declared within-branch correlation ICC0: a sample
without failures says nothing about how failures cluster, so something has to be assumed, and "not at all" would be
optimistic. The lower bound is one observation per branch, which is what correlation 1 leaves.

Partial credit and means over epochs count as if every case had been passed or failed, which is the largest
variance a mean in [0, 1] can have: there the interval is wider than it must be, never narrower.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from statistics import NormalDist

from samescore.harness.stats.cluster_robust import (
    assumed_design_effect,
    cr2_variance,
    degrees_of_freedom,
    quantile,
)

ASSUMED_ICC = 0.05
"""The correlation of two cases of one branch that is assumed where the sample shows less."""

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean in [0, 1] with its two-sided confidence interval.

    `n` is the number of cases, `clusters` that of the groups they fall into, `effective_n` the number of independent
    pass/fail cases that would have been as informative.
    """

    value: float
    low: float
    high: float
    n: int
    clusters: int
    effective_n: float


def wilson(p: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's (1927) score interval for a proportion `p` of `n` trials; `n` need not be whole.

    Raises:
        ValueError: `p` is outside [0, 1], or `n` is not positive.
    """
    if not 0.0 <= p <= 1.0 or n <= 0.0:
        raise ValueError(f"a proportion in [0, 1] of a positive number of trials is needed, not {p} of {n}")
    spread = _z(confidence) ** 2 / n
    centre = (p + spread / 2) / (1 + spread)
    half = sqrt(spread) * sqrt(p * (1 - p) + spread / 4) / (1 + spread)
    # Rounding must not push the estimate out of its own interval.
    return max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))


def mean_interval(
    values: Sequence[float], clusters: Sequence[Hashable] | None = None, confidence: float = CONFIDENCE
) -> Interval:
    """The mean of one value per case (epochs already averaged) and its interval.

    `clusters` names the group of each case; without it every case stands for itself.

    Raises:
        ValueError: no values, values outside [0, 1], or not one cluster per value.
    """
    groups = list(range(len(values))) if clusters is None else list(clusters)
    if not values or len(groups) != len(values):
        raise ValueError(f"{len(values)} values in {len(groups)} clusters; expected at least one, each in a cluster")
    mean = min(1.0, max(0.0, fsum(values) / len(values)))
    effective = effective_cases(values, groups, confidence)
    low, high = wilson(mean, effective, confidence)
    return Interval(mean, low, high, len(values), len(set(groups)), effective)


def effective_cases(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    confidence: float = CONFIDENCE,
    alone: float | None = None,
) -> float:
    """How many independent cases tell as much about the mean as these; between clusters and cases.

    `alone` is the variance of one independent case; that of pass/fail cases with this mean unless it is given.
    """
    n = len(values)
    sizes = Counter(clusters)
    if len(sizes) == n:
        return float(n)
    squares = sum(size * size for size in sizes.values())
    per_cluster = n * n / squares
    variance = cr2_variance(values, clusters)
    if variance is None:
        return per_cluster
    most = n / assumed_design_effect(list(sizes.values()), ASSUMED_ICC)
    if variance > 0:
        mean = fsum(values) / n
        student = quantile((1 + confidence) / 2, degrees_of_freedom(list(sizes.values())))
        one = mean * (1 - mean) if alone is None else alone
        most = min(most, one / variance * (_z(confidence) / student) ** 2)
    return max(per_cluster, most)


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
