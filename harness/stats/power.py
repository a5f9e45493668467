"""What a design can show before anything is run: the floor, the minimum detectable drop, the cases that a margin needs.

The formulas are approximate where a few cases or branches decide; `simulated` asks the rule itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import ceil, floor, fsum, inf, log, log1p, sqrt

from samescore.harness.stats.cluster_robust import (
    assumed_design_effect,
    degrees_of_freedom,
    quantile,
    robust_mean,
)

POWER = 0.80
"""Of the minimum detectable drop."""

PLANNED_POWER = 0.90
"""Of a plan: how often an equal candidate is to pass."""


@dataclass(frozen=True, slots=True)
class Variation:
    """Why a case scores differently in two runs.

    `within` is the variance of one rollout's score within its case and side: chance, which epochs average out.
    `between` is that of the cases' true drops: of cases that really differ, only more cases average out. `correlation`
    is that of the drops of two cases of one branch, and `mean` the mean score, as far as they are known.
    """

    within: float
    between: float = 0.0
    correlation: float = 0.0
    mean: float = 0.9

    def of_drop(self, epochs: int) -> float:
        """The variance of a case's drop between two runs of so many epochs; for pass/fail and one epoch the churn."""
        return self.between + 2 * self.within / epochs


@dataclass(frozen=True, slots=True)
class Design:
    """Cases that are yet to be run: how they vary, and how they fall into branches, whatever their number.

    `shares` gives the share of the cases that each branch has; None: cases are independent, or the branches at hand are
    the whole population. `rho0` is the declared correlation within branches.
    """

    variation: Variation
    shares: tuple[float, ...] | None = None
    rho0: float = 0.0

    @property
    def squares(self) -> float:
        """The sum of the squared shares: one over the number of branches, were they of one size."""
        return 0.0 if self.shares is None else fsum(share * share for share in self.shares)

    @property
    def degrees(self) -> float:
        """The degrees of freedom that the branches leave to very many cases; infinite for independent ones.

        Raises:
            ValueError: all cases are of one branch.
        """
        return inf if self.shares is None else degrees_of_freedom(self.sizes(1_000_000))

    def design_effect(self, n: float) -> float:
        """How many times the variance is that of independent cases, as declared or as seen in a pilot."""
        return max(1.0, 1 + (n * self.squares - 1) * max(self.rho0, self.variation.correlation))

    def floor(self, n: int, alpha: float = 0.05) -> float:
        """The upper bound of a drop when none of `n` cases differs; 1.0 where they are of one branch."""
        sizes = self.sizes(n)
        if self.shares is not None and len(sizes) < 2:
            return 1.0
        degrees = inf if self.shares is None else degrees_of_freedom(sizes)
        return drop_floor(n, max(1.0, assumed_design_effect(sizes, self.rho0)), degrees, alpha)

    def sizes(self, n: int) -> list[int]:
        """How many of `n` cases are of each branch, by largest remainders; branches without a case are left out."""
        if self.shares is None:
            return [1] * n
        exact = [share * n for share in self.shares]
        sizes = [floor(size) for size in exact]
        rest = sorted(range(len(exact)), key=lambda at: (sizes[at] - exact[at], at))
        for at in rest[: n - sum(sizes)]:
            sizes[at] += 1
        return [size for size in sizes if size]


def shares_of(clusters: Sequence[Hashable]) -> tuple[float, ...]:
    """The share of the cases that each of their branches has, the largest first."""
    return tuple(sorted((size / len(clusters) for size in Counter(clusters).values()), reverse=True))


def variation_of(
    before: Sequence[Sequence[float]],
    after: Sequence[Sequence[float]] | None = None,
    clusters: Sequence[Hashable] | None = None,
) -> Variation:
    """What recorded runs show: for each case the scores of its epochs, of one run or of two over the same cases.

    One run shows chance alone. Of two runs with one epoch each, all that differs counts as `between`, since nothing
    shows what of it is chance.

    Raises:
        ValueError: no cases, cases without scores, or a single run without a second epoch.
    """
    sides = [before] if after is None else [before, after]
    if not before or any(len(side) != len(before) or not all(side) for side in sides):
        raise ValueError("expected the scores of at least one epoch of every case, of the same cases on both sides")
    chances = [_variance(case) for side in sides for case in side if len(case) > 1]
    within = fsum(chances) / len(chances) if chances else 0.0
    means = [[fsum(case) / len(case) for case in side] for side in sides]
    mean = fsum(map(fsum, means)) / (len(before) * len(sides))
    if after is None:
        if not chances:
            raise ValueError("one run of one epoch does not show how much scores vary")
        return Variation(within, mean=mean)
    drops = [one - other for one, other in zip(*means, strict=True)]
    by_chance = fsum(within / len(case) for side in sides for case in side) / len(drops)
    between = max(0.0, (_variance(drops) if len(drops) > 1 else 0.0) - by_chance)
    return Variation(within, between, _correlation(drops, clusters), mean)


def drop_floor(n: float, design_effect: float = 1.0, degrees: float = inf, alpha: float = 0.05) -> float:
    """The upper bound of a drop when no case differs: the larger of the exact one and Tango's (see `noninferiority`).

    The exact one is 1 - alpha^(deff/n) (Clopper & Pearson 1934, Biometrika 26:404); Tango's is t^2 / (n/deff + t^2).
    Epochs lower neither: the same cases again say nothing about those that were never seen to fail.
    """
    kept, t = n / design_effect, quantile(1 - alpha, degrees)
    exact: float = 1 - alpha ** (1 / kept)
    return max(exact, t * t / (kept + t * t))


def minimum_detectable_drop(
    n: float,
    variance: float,
    design_effect: float = 1.0,
    degrees: float = inf,
    alpha: float = 0.05,
    metrics: int = 1,
    power: float = POWER,
) -> float:
    """The smallest drop that is found with this power, about: (t_{1-alpha/K} + t_power) sqrt(deff variance / n).

    Where a pilot saw little differ, the losses themselves are what can be counted: McNemar's test takes k of them, more
    than t^2, and the result is the rate at which so many are seen with this power, of n / deff cases. At most 1.0:
    nothing can be found.
    """
    from scipy.special import betaincinv

    kept, t = n / design_effect, quantile(1 - alpha / metrics, degrees)
    losses = floor(t * t) + 1
    if losses > kept:
        return 1.0
    varying = (t + quantile(power, degrees)) * sqrt(variance / kept)
    return min(1.0, max(varying, float(betaincinv(losses, kept - losses + 1, power))))


def fewest_cases(design: Design, margin: float, alpha: float = 0.05) -> int | None:
    """How many cases a margin needs at least, though none differs: the smallest number whose floor is under it.

    None where no number is enough: more cases of the same branches tell ever less if these are declared alike.
    """
    t = _t(design, alpha)
    about = _reaching(design, max(log(alpha) / log1p(-margin), t * t * (1 - margin) / margin), design.rho0)
    if about is None:
        return None
    # Whole cases fall into branches a little otherwise than by their shares.
    n = max(1, about - len(design.shares or ()))
    while design.floor(n, alpha) >= margin:
        n += 1
    return n


def cases_for(
    design: Design, epochs: int, margin: float, alpha: float = 0.05, power: float = PLANNED_POWER
) -> int | None:
    """About how many cases an equal candidate needs to pass with this power; None where no number is enough.

        n = (t_{1-alpha} + t_power)^2 deff variance / margin^2

    Approximate: right to two points of power from 500 cases on, too few for fewer cases and branches.
    """
    least = fewest_cases(design, margin, alpha)
    reach = (_t(design, alpha) + quantile(power, design.degrees)) / margin
    correlation = max(design.rho0, design.variation.correlation)
    needed = _reaching(design, reach * reach * design.variation.of_drop(epochs), correlation)
    return None if least is None or needed is None else max(least, needed)


def pass_chance(design: Design, n: int, epochs: int, margin: float, alpha: float = 0.05) -> float:
    """About how often an equal candidate passes with `n` cases: `cases_for` the other way round."""
    from scipy.special import ndtr

    if design.floor(n, alpha) >= margin:
        return 0.0
    spread = sqrt(design.design_effect(n) * design.variation.of_drop(epochs) / n)
    return float(ndtr(margin / spread - _t(design, alpha))) if spread else 1.0


def _reaching(design: Design, independent: float, correlation: float) -> int | None:
    """The smallest number of cases that are worth more than so many independent ones."""
    gained = 1 - independent * design.squares * correlation
    if gained <= 0:
        return None
    # Clustered, n cases are worth n / (1 + (n squares - 1) correlation) independent ones.
    return max(1, floor(independent) + 1, ceil(independent * (1 - correlation) / gained))


def _t(design: Design, alpha: float) -> float:
    return quantile(1 - alpha, design.degrees)


def _correlation(drops: Sequence[float], clusters: Sequence[Hashable] | None) -> float:
    """That of two drops of one branch, from the design effect that is seen (Kish); 0 where it cannot be told."""
    sample = None if clusters is None else robust_mean(drops, clusters)
    if sample is None or sample.clusters == sample.n or not sample.variance:
        return 0.0
    squares = fsum(size * size for size in Counter(clusters).values())
    return min(1.0, max(0.0, (sample.design_effect - 1) / (squares / sample.n - 1)))


def _variance(values: Sequence[float]) -> float:
    mean = fsum(values) / len(values)
    return fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
