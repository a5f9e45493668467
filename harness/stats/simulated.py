"""How often the gate's rule would pass an equal candidate: runs are drawn as a design describes them, and judged.

Formulas leave out what decides small comparisons: that few cases differ, that a standard error is itself estimated from
few branches, and that three tests must agree. Drawn runs have all of that. A case has a chance of passing from a beta
distribution with the pilot's mean and variance of chance; as many cases as really differ are lost or gained for good,
together with others of their branch as far as the pilot's drops correlate.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING

from samescore.harness.stats.cluster_robust import quantile
from samescore.harness.stats.noninferiority import ALPHA, compare
from samescore.harness.stats.power import PLANNED_POWER, Design, Variation, cases_for, fewest_cases, pass_chance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TIMES = 400
"""Comparisons drawn for one answer: a share of 0.90 is then right to 0.015."""

MANY = 1500
"""From so many cases on the formula is as good as drawing, and takes no time."""


@lru_cache(maxsize=256)
def pass_rate(
    design: Design, n: int, epochs: int, margin: float, alpha: float = ALPHA, times: int = TIMES, seed: int = 1
) -> float:
    """The share of comparisons over `n` cases that clear the margin though nothing has changed on average."""
    import numpy as np

    if n >= MANY:
        return pass_chance(design, n, epochs, margin, alpha)
    sizes = design.sizes(n)
    clusters: list[Hashable] | None = None
    if design.shares is not None:
        clusters = [branch for branch, size in enumerate(sizes) for _ in range(size)]
    before, after = drawn(design, sizes, epochs, times, np.random.default_rng(seed))
    passed = sum(
        compare(one, other, clusters, margin, alpha=alpha, rho0=design.rho0).cleared
        for one, other in zip(before.tolist(), after.tolist(), strict=True)
    )
    return passed / times


def cases_needed(
    design: Design, epochs: int, margin: float, alpha: float = ALPHA, power: float = PLANNED_POWER
) -> int | None:
    """About how many cases an equal candidate needs to pass with this power; None where no number is enough."""
    least = fewest_cases(design, margin, alpha)
    # What is declared of branches need not be so: how much it costs, the drawn comparisons say.
    n = cases_for(replace(design, rho0=0.0), epochs, margin, alpha, power)
    if n is None or least is None:
        return None
    n = max(n, least)
    wanted = quantile(power) + quantile(1 - alpha)
    while n < MANY:
        rate = pass_rate(design, n, epochs, margin, alpha)
        if rate >= power:
            return n
        # Power grows with the root of the size; a step is kept from being too small to end, or too long to be right.
        found = quantile(max(rate, 0.05)) + quantile(1 - alpha)
        n = ceil(n * min(1.5, max(1.04, (wanted / max(found, 0.1)) ** 2)))
    formula = cases_for(design, epochs, margin, alpha, power)
    return None if formula is None else max(n, formula)


def drawn(
    design: Design, sizes: list[int], epochs: int, times: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The scores of both sides, averaged over epochs: `times` rows, and a column per case, branch after branch."""
    import numpy as np

    varies = design.variation
    chance = _chances(varies, (times, sum(sizes)), rng)
    before = rng.binomial(epochs, chance) / epochs
    after = rng.binomial(epochs, chance) / epochs
    moved = rng.random((times, sum(sizes)))
    lost = _shares(varies, sizes, epochs, times, rng)
    gone, won = moved < lost[..., 0], moved > 1 - lost[..., 1]
    before = np.where(gone, 1.0, np.where(won, 0.0, before))
    after = np.where(gone, 0.0, np.where(won, 1.0, after))
    return before, after


def _chances(varies: Variation, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """The chance of passing of each case: mean m, and p(1-p) of `within` on average, spread over the unmoved cases."""
    import numpy as np

    unmoved = 1 - min(varies.between, 0.99)
    within = min(0.25, varies.within / unmoved)
    mean = min(0.999, max(0.001, varies.mean))
    if mean * (1 - mean) < within:  # so much chance needs a mean nearer to one half
        mean = 0.5 + (0.25 - within) ** 0.5
    if within <= 0:
        return (rng.random(shape) < mean).astype(float)
    share = within / (mean * (1 - mean))
    if share > 1 - 1e-9:
        return np.full(shape, mean)
    total = share / (1 - share)
    return np.asarray(rng.beta(total * mean, total * (1 - mean), shape))


def _shares(
    varies: Variation, sizes: list[int], epochs: int, times: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """For each case the probability of being lost, and of being gained, for good: `(times, cases, 2)`.

    Within a branch they are drawn together, from a Dirichlet distribution whose correlation is that of the drops.
    """
    import numpy as np

    half = min(varies.between, 0.99) / 2
    flat = np.full((times, sum(sizes), 2), half)
    if not half or not varies.correlation:
        return flat
    correlation = min(0.99, varies.correlation * varies.of_drop(epochs) / varies.between)
    weight = (1 - correlation) / correlation
    drawn = rng.standard_gamma(weight * np.array([half, half, 1 - 2 * half]), size=(times, len(sizes), 3))
    total = drawn.sum(axis=-1, keepdims=True)
    # So small a weight that all three round to nothing: which of them is the largest is then up to the last digit.
    parts = np.where(total > 0, drawn / np.where(total > 0, total, 1.0), np.array([0.0, 0.0, 1.0]))
    return np.repeat(parts[..., :2], sizes, axis=1)
