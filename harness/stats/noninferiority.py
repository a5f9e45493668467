"""Is a candidate no worse than its baseline, by more than a margin? Judged metric by metric, case by case.

D = baseline - candidate is the drop of a case: scores in [0, 1], epochs averaged within the case. b and c are the sums
of the drops and of the gains, kappa = (b + c) / sum of D^2 (1 for pass/fail scores), deff the design effect of the
clusters: the observed one (the CR2 variance over that of independent cases), 1, or that of a declared correlation rho0
within clusters, whichever is largest. A drop as large as the margin m is excluded, at level alpha, only when three
tests all say so, since each is fooled by samples that another is not:

    (i)   mean D + t SE < m, with the CR2 standard error and its degrees of freedom (`cluster_robust`)
    (ii)  Tango's (1998, Statistics in Medicine 17:891) score statistic at m, times sqrt(kappa / deff), is under -t:
          where few cases differ, the variance of (i) is far too small
    (iii) 1 - alpha^(deff/n) < m: the exact (Clopper & Pearson 1934, Biometrika 26:404) upper bound of a loss that no
          case has shown; or the candidate is better by an exact sign test, so that there is nothing left to bound

"No drop" is rejected by the larger of two p values: that of CR2, and McNemar's (1947, Psychometrika 12:153) score test,
which is sum D / sqrt(sum D^2). Where the clusters are the whole population (strata), or there are none, (i) and the
CR2 test are left out, deff is 1, and t is the normal quantile.

That rule was chosen, and its error rates are measured, by simulation: `benchmarks/gate_calibration.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import fsum, inf, sqrt

from samescore.harness.stats.cluster_robust import (
    RobustMean,
    assumed_design_effect,
    quantile,
    robust_mean,
    upper_tail,
)
from samescore.harness.stats.paired import tango_upper
from samescore.harness.stats.power import drop_floor, minimum_detectable_drop

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric of a candidate against its baseline.

    `drop` is the mean of baseline - candidate; `low` and `high` its two-sided interval at 1 - 2 alpha, within [-1, 1].
    `cleared` says that `high` is under the margin, `p_drop` is the p value of "no drop" (`low` is above 0 where it is
    under alpha). `mde` is the smallest drop that is detected with 80% power at this design, about; `floor` the upper
    bound of a drop where nothing differs: no margin under it can be passed, unless the candidate is shown to be better.
    Both are 1.0 where nothing can be told. `clusters` counts the groups of the `n` cases; `design_effect` is the
    largest of 1, the observed, and the declared one.
    """

    drop: float
    low: float
    high: float
    margin: float
    cleared: bool
    p_drop: float
    mde: float
    floor: float
    n: int
    clusters: int
    design_effect: float


def compare(
    before: Sequence[float],
    after: Sequence[float],
    clusters: Sequence[Hashable] | None,
    margin: float,
    *,
    alpha: float = ALPHA,
    rho0: float = 0.0,
    metrics: int = 1,
) -> Compared:
    """How much lower `after` is than `before`: one score in [0, 1] a case and side, in the same order.

    `clusters` names the group of each case: groups like these are what the claim is about. None: the groups at hand are
    the whole population, or cases are independent. `rho0` is a declared correlation of the drops within a group;
    `metrics` how many are judged together, which only `mde` depends on (see `holm`).

    Raises:
        ValueError: no pairs, scores outside [0, 1], not one cluster a case, or a margin, level or correlation that is
            none.
    """
    _checked(before, after, clusters, margin, alpha, rho0)
    drops = [one - other for one, other in zip(before, after, strict=True)]
    sample = robust_mean(drops, clusters)
    if sample is None:
        n = len(drops)
        mean = fsum(drops) / n
        return Compared(mean, -1.0, 1.0, margin, False, 1.0, 1.0, 1.0, n, 1, float(n))
    sizes = None if clusters is None else list(Counter(clusters).values())
    declared = 1.0 if sizes is None else max(1.0, assumed_design_effect(sizes, rho0))
    deff = max(declared, sample.design_effect)
    lost, gained = fsum(drop for drop in drops if drop > 0), fsum(-drop for drop in drops if drop < 0)
    squares = fsum(drop * drop for drop in drops)
    # Underflow of squares: drops that small are none.
    kappa = (lost + gained) / squares if squares > 0 else 1.0
    p_drop = upper_tail((lost - gained) / sqrt(squares) if squares > 0 else 0.0)
    if clusters is not None:
        p_drop = max(p_drop, upper_tail(_ratio(sample), sample.degrees))
    low, high = _bounds(sample, lost, gained, kappa, deff, alpha, clustered=clusters is not None)
    return Compared(
        drop=sample.mean,
        low=low,
        high=high,
        margin=margin,
        cleared=high < margin,
        p_drop=p_drop,
        mde=minimum_detectable_drop(sample.n, sample.variance, deff, sample.degrees, alpha, metrics),
        floor=drop_floor(sample.n, declared, sample.degrees, alpha),
        n=sample.n,
        clusters=sample.clusters,
        design_effect=deff,
    )


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses are rejected when none may be rejected wrongly with more than `alpha` (Holm 1979)."""
    if len(p_values) < 2:  # nothing to correct, and statsmodels takes 1.5 s to import
        return [p_value <= alpha for p_value in p_values]
    from statsmodels.stats.multitest import multipletests

    return [bool(rejected) for rejected in multipletests(list(p_values), alpha=alpha, method="holm")[0]]


def standings(compared: Sequence[Compared], alpha: float = ALPHA) -> list[str]:
    """What is known of each metric judged together: `cleared`, `dropped` or `open`.

    Clearing needs no correction, since all must be cleared for a pass (Berger 1982, Technometrics 24:295). Holm is over
    all metrics, and a cleared one is not dropped: a drop within the margin is no regression.
    """
    rejected = holm([metric.p_drop for metric in compared], alpha)
    return [
        "cleared" if metric.cleared else "dropped" if dropped else "open"
        for metric, dropped in zip(compared, rejected, strict=True)
    ]


def _bounds(
    sample: RobustMean, lost: float, gained: float, kappa: float, deff: float, alpha: float, *, clustered: bool
) -> tuple[float, float]:
    """The lowest drop that "no drop" is tested with, and the largest that the three tests do not exclude."""
    t = quantile(1 - alpha, sample.degrees)
    share, kept = kappa, kappa / deff
    low = -tango_upper(gained * share, lost * share, sample.n * share, quantile(1 - alpha))
    high = max(
        tango_upper(lost * kept, gained * kept, sample.n * kept, t),
        -1.0 if _shown_better(lost / deff, gained / deff, alpha) else 1 - alpha ** (deff / sample.n),
    )
    if clustered:
        low, high = min(low, sample.mean - t * sample.error), max(high, sample.mean + t * sample.error)
    return max(-1.0, low), min(1.0, high)


def _shown_better(lost: float, gained: float, alpha: float) -> bool:
    """Does an exact one-sided sign test say that gains are more than losses? Counts need not be whole.

    Partial gains count by their size and not, as in the score tests, by their spread: ten gains of 0.1 are one case.
    """
    from scipy.special import betainc

    return gained > 0 and float(betainc(gained, lost + 1, 0.5)) <= alpha


def _ratio(sample: RobustMean) -> float:
    """Mean over standard error; clusters that agree to the last digit leave no error to divide by."""
    if sample.error > 0:
        return sample.mean / sample.error
    return inf if sample.mean > 0 else -inf if sample.mean < 0 else 0.0


def _checked(
    before: Sequence[float],
    after: Sequence[float],
    clusters: Sequence[Hashable] | None,
    margin: float,
    alpha: float,
    rho0: float,
) -> None:
    if not len(before) or len(before) != len(after) or (clusters is not None and len(clusters) != len(before)):
        of = "no" if clusters is None else str(len(clusters))
        raise ValueError(f"{len(before)} and {len(after)} scores in {of} clusters; expected pairs of them")
    for side in (before, after):
        if not all(0.0 <= score <= 1.0 for score in side):  # NaN is not, either
            wrong = next(score for score in side if not 0.0 <= score <= 1.0)
            raise ValueError(f"a score of {wrong}; expected scores from 0 to 1")
    if not 0 < margin < 1:
        raise ValueError(f"a margin of {margin}; expected one between 0 and 1")
    if not 0 < alpha < 0.5:
        raise ValueError(f"an alpha of {alpha}; expected one between 0 and 0.5")
    if not 0 <= rho0 <= 1:
        raise ValueError(f"a correlation of {rho0}; expected one from 0 to 1")
