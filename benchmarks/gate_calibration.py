"""How often the gate is wrong, and how often it finds what there is, where the truth is known.

    python benchmarks/gate_calibration.py                 # three to four minutes on one core
    python benchmarks/gate_calibration.py --reps 400      # quicker, less sure

Runs are drawn from models of how cases fail, none of which is the gate's own, and judged by the gate's own functions.
For each design, in Markdown:

    false pass    the margin is cleared, and the true drop is the margin          at most alpha
    false reg.    a regression is reported, and there is no drop                  at most alpha
    pass          the margin is cleared, and there is no drop                     power
    regression    a regression is reported, and the true drop is two margins      power

each with its Monte Carlo standard error. Then the exact worst error of independent pass/fail cases, which needs no
simulation; and a line for every error above alpha by more than two standard errors.

How drops come about:

    shared fate     a case is lost, gained or stays, with probabilities that each branch draws for itself in every run
                    (Dirichlet): drops of two cases of one branch correlate by the stated amount
    fixed branches  likewise, but a branch has the same probabilities in every run, which differ much between branches
    decoding        a case has a chance of passing (beta, around that of its branch) and is sampled in every epoch; in a
                    candidate with a drop every case is a little worse, or some cases never pass, or whole branches
                    never do; a stated share of cases differs in truth on top, for better and worse
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtri, xlogy

from samescore.harness.stats.noninferiority import Compared, compare, holm, standings
from samescore.harness.stats.sequential import Looks

ALPHA = 0.05
CHUNK = 250
"""Runs drawn at a time."""

Array = NDArray[np.float64]
Pair = tuple[Array, Array]
"""The scores before and after, epochs averaged: a row per run, a column per case."""

Draw = Callable[[np.random.Generator, int, float], Pair]
"""Draws so many runs with a true drop."""

COLUMNS = ("design", "cases", "branches", "epochs", "margin", "claim", "false pass", "false reg.", "pass", "regression")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a policy says of branches: they are a sample of branches like them, or the whole population."""

    name: str
    sample: bool = True
    rho0: float = 0.0


POPULATION = Claim("population", sample=False)
SAMPLE = Claim("sample, rho0 0")
STRICT = Claim("sample, rho0 0.05", rho0=0.05)
BOTH = (SAMPLE, STRICT)


@dataclass(frozen=True, slots=True)
class Design:
    """How runs are drawn, and how they are judged. `sizes` are those of the branches; None: there are none."""

    name: str
    draw: Draw
    n: int
    sizes: tuple[int, ...] | None
    claims: tuple[Claim, ...]
    margin: float = 0.05
    epochs: int = 1

    @property
    def branches(self) -> list[int] | None:
        """The branch of each case."""
        return None if self.sizes is None else np.repeat(np.arange(len(self.sizes)), self.sizes).tolist()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was drawn and claimed, and the four shares in the order of the columns."""

    cells: tuple[str, ...]
    shares: tuple[float, float, float, float]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reps", type=int, default=3000, help="runs drawn for each figure")
    reps = parser.parse_args().reps
    began = time.process_time()
    holm([0.5, 0.5], ALPHA)
    gc.freeze()  # statsmodels, imported now, collects garbage at every call of Holm's correction
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    rows = [*calibrated(reps), *several_metrics(reps), *with_looks(reps)]
    print()
    for line in (*excesses(rows, reps), *exact_errors(), *better(reps)):
        print(line)
    print(f"\n{reps} runs a figure; {time.process_time() - began:.0f} s of one core")


def designs() -> Iterator[Design]:
    """What is simulated."""
    yield shared_fate(10, 5, 0.0, 0.10)
    yield shared_fate(50, 6, 0.0, 0.10)
    yield shared_fate(40, 6, 0.3, 0.80)
    for n, branches in ((200, 6), (200, 12), (200, 30), (1000, 30)):
        for correlation in (0.0, 0.1, 0.3):
            yield shared_fate(n, branches, correlation, 0.05)
    for correlation in (0.0, 0.1):
        yield shared_fate(1000, 30, correlation, 0.05, margin=0.02)
        yield shared_fate(300, 12, correlation, 0.20, sizes=zipf(300, 12), shape=", one branch a third")
    for n, churn in ((20, 0.5), (60, 0.05), (200, 0.05), (200, 0.2), (1000, 0.05)):
        yield shared_fate(n, None, 0.0, churn)
    yield fixed_branches(200, 12, 0.10)
    yield fixed_branches(200, 30, 0.10)
    for epochs in (1, 3, 5, 10):
        yield decoding(200, 30, epochs, "all a little worse")
    yield decoding(200, 30, 5, "all a little worse", differing=0.03)
    yield decoding(200, 12, 5, "broken cases", differing=0.03)
    yield decoding(200, 30, 5, "broken cases", differing=0.03)
    yield decoding(600, 30, 3, "broken cases", differing=0.03)
    yield decoding(200, 30, 3, "broken branches", differing=0.03)


def shared_fate(
    n: int,
    branches: int | None,
    correlation: float,
    churn: float,
    margin: float = 0.05,
    sizes: tuple[int, ...] | None = None,
    shape: str = "",
) -> Design:
    """Pass/fail cases; without branches they are independent."""
    if branches is not None:
        sizes = sizes or lognormal(n, branches)

    def draw(rng: np.random.Generator, reps: int, drop: float) -> Pair:
        shares = moving(churn, drop)
        if not correlation or not sizes:
            return moved(rng, np.broadcast_to(shares, (reps, n, 3)))
        weight = (1 - correlation) / correlation
        # A gamma variable of so small a shape is often smaller than any number; one of the three is not.
        drawn = np.maximum(rng.standard_gamma(weight * shares + 1e-12, size=(reps, len(sizes), 3)), 1e-300)
        return moved(rng, np.repeat(drawn / drawn.sum(axis=-1, keepdims=True), sizes, axis=1))

    told = f", correlation {correlation:g}" if branches else ""
    claims = (POPULATION,) if branches is None else BOTH
    return Design(f"shared fate, churn {churn:g}{told}{shape}", draw, n, sizes, claims, margin)


def fixed_branches(n: int, branches: int, churn: float) -> Design:
    """Branches that are the whole population, each with a probability of loss and of gain of its own."""
    sizes = lognormal(n, branches)
    rng = np.random.default_rng(branches)
    uneven = np.repeat(rng.permuted(np.arange(branches) ** 2.0), sizes)
    other = np.repeat(rng.permuted(np.arange(branches) ** 2.0), sizes)

    def draw(rng: np.random.Generator, reps: int, drop: float) -> Pair:
        lost, gained, _ = moving(churn, drop)
        losses, gains = lost * uneven / uneven.mean(), gained * other / other.mean()
        shares = np.stack([losses, gains, 1 - losses - gains], axis=-1)
        return moved(rng, np.broadcast_to(shares, (reps, n, 3)))

    return Design(f"fixed branches, churn {churn:g}", draw, n, sizes, (POPULATION,))


def decoding(n: int, branches: int, epochs: int, kind: str, differing: float = 0.0, mean: float = 0.85) -> Design:
    """Cases that pass by chance, sampled in every epoch."""
    sizes = lognormal(n, branches)

    def draw(rng: np.random.Generator, reps: int, drop: float) -> Pair:
        of_branch = np.repeat(rng.beta(8 * mean, 8 * (1 - mean), (reps, branches)), sizes, axis=1)
        chance = rng.beta(np.maximum(2 * of_branch, 1e-6), np.maximum(2 * (1 - of_branch), 1e-6))
        truth = rng.random((reps, n))
        worse, better = truth < differing / 2, truth > 1 - differing / 2
        before = np.where(worse, 1.0, np.where(better, 0.0, chance))
        after = np.where(worse, 0.0, np.where(better, 1.0, chance))
        share = drop / (mean * (1 - differing) + differing / 2)
        if kind == "all a little worse":
            after = after * (1 - share)
        elif kind == "broken cases":
            after = np.where(rng.random((reps, n)) < share, 0.0, after)
        else:
            after = np.where(np.repeat(rng.random((reps, branches)) < share, sizes, axis=1), 0.0, after)
        return rng.binomial(epochs, before) / epochs, rng.binomial(epochs, after) / epochs

    told = f", {differing:g} differ in truth" if differing else ""
    claims = BOTH if branches < 30 or kind == "broken branches" else (SAMPLE,)
    return Design(f"decoding, {kind}{told}", draw, n, sizes, claims, epochs=epochs)


def moving(churn: float, drop: float) -> Array:
    """The probabilities that a case is lost, gained, and stays."""
    moved = max(churn, drop)
    return np.array([(moved + drop) / 2, (moved - drop) / 2, 1 - moved])


def moved(rng: np.random.Generator, shares: Array) -> Pair:
    """Pass/fail scores of cases with these probabilities of being lost, gained, and staying."""
    chance = rng.random(shares.shape[:2])
    lost = chance < shares[..., 0]
    gained = ~lost & (chance < shares[..., 0] + shares[..., 1])
    return np.where(gained, 0.0, 1.0), np.where(lost, 0.0, 1.0)


def lognormal(n: int, branches: int) -> tuple[int, ...]:
    """Sizes of branches whose logarithms are normal with a standard deviation of 0.8."""
    return _whole(np.exp(0.8 * ndtri((np.arange(branches) + 0.5) / branches)), n)


def zipf(n: int, branches: int) -> tuple[int, ...]:
    """Sizes of branches of which the k-th has 1/k of the first's cases."""
    return _whole(1 / np.arange(1, branches + 1), n)


def _whole(weights: Array, n: int) -> tuple[int, ...]:
    sizes = np.maximum(1, np.floor(weights / weights.sum() * n).astype(int))
    while (rest := n - int(sizes.sum())) != 0:
        sizes[np.argmax(weights / sizes if rest > 0 else sizes)] += 1 if rest > 0 else -1
    return tuple(sizes.tolist())


def calibrated(reps: int) -> Iterator[Row]:
    """One metric, one look."""
    for number, design in enumerate(designs()):
        branches = design.branches
        counts = {claim: np.zeros(4) for claim in design.claims}
        for column, drop in ((0, design.margin), (1, 0.0), (3, 2 * design.margin)):
            for before, after in runs(design.draw, reps, drop, seed=number):
                for claim, shares in counts.items():
                    groups = branches if claim.sample else None
                    one = compare(before, after, groups, design.margin, alpha=ALPHA, rho0=claim.rho0)
                    _count(shares, column, standings([one], ALPHA))
        for claim, shares in counts.items():
            yield row_of(design, claim.name, shares / reps, reps)


def several_metrics(reps: int) -> Iterator[Row]:
    """Three metrics judged together, two thirds of whose losses are the same cases; one of them drops.

    Here false pass is a pass of all three, and false regression one of any.
    """
    design, margin = shared_fate(500, 30, 0.0, 0.05), 0.05
    branches, shares = design.branches, np.zeros(4)

    def draw(rng: np.random.Generator, size: int, drop: float) -> list[Pair]:
        common, metrics = design.draw(rng, size, 0.0), []
        for _ in range(3):
            own, alone = design.draw(rng, size, 0.0), rng.random((size, design.n)) < 1 / 3
            metrics.append((np.where(alone, own[0], common[0]), np.where(alone, own[1], common[1])))
        return [design.draw(rng, size, drop) if drop else metrics[0], *metrics[1:]]

    for column, drop in ((0, margin), (1, 0.0), (3, 2 * margin)):
        rng = np.random.default_rng([500, round(drop * 1000)])
        for start in range(0, reps, CHUNK):
            sides = draw(rng, min(CHUNK, reps - start), drop)
            for run in range(len(sides[0][0])):
                found = [
                    compare(before[run].tolist(), after[run].tolist(), branches, margin, alpha=ALPHA, metrics=3)
                    for before, after in sides
                ]
                _count(shares, column, standings(found, ALPHA))
    three = Design("three metrics, one drops, churn 0.05", design.draw, design.n, design.sizes, (SAMPLE,))
    yield row_of(three, SAMPLE.name, shares / reps, reps)


def with_looks(reps: int) -> Iterator[Row]:
    """Four looks at 600 cases in a random order."""
    looks = Looks.make((f"case-{number}" for number in range(600)), 4, ALPHA)
    for design in (shared_fate(600, 30, 0.0, 0.05), shared_fate(600, 30, 0.1, 0.05), shared_fate(600, None, 0.0, 0.05)):
        claim = design.claims[0]
        judge = Judge(looks, design)
        shares, seen = np.zeros(4), np.zeros(4)
        for column, drop in ((0, design.margin), (1, 0.0), (3, 2 * design.margin)):
            for before, after in runs(design.draw, reps, drop, seed=600):
                looked = looks.until_certain(partial(judge, before, after))
                _count(shares, column, looked.standings)
                seen[column] += looked.cases
        name = f"four looks ({seen[1] / reps:.0f} cases if equal), {design.name}"
        yield row_of(Design(name, design.draw, design.n, design.sizes, (claim,)), claim.name, shares / reps, reps)


class Judge:
    """Compares the cases of a look."""

    def __init__(self, looks: Looks, design: Design) -> None:
        self._place = {case: int(case.removeprefix("case-")) for case in looks.order}
        self._level, self._design, self._branches = looks.level, design, design.branches

    def __call__(self, before: Sequence[float], after: Sequence[float], shown: Sequence[str]) -> list[Compared]:
        """The one metric, on these cases of one run."""
        at = [self._place[case] for case in shown]
        branches = None if self._branches is None else [self._branches[one] for one in at]
        old, new = [before[one] for one in at], [after[one] for one in at]
        return [compare(old, new, branches, self._design.margin, alpha=self._level)]


def _count(shares: Array, column: int, found: Sequence[str]) -> None:
    """Count a verdict in the column that its run is of: at the margin, without a drop (also as a pass), at twice."""
    passed, dropped = set(found) == {"cleared"}, "dropped" in found
    shares[column] += passed if column == 0 else dropped
    if column == 1:
        shares[2] += passed


def runs(draw: Draw, reps: int, drop: float, seed: int) -> Iterator[tuple[list[float], list[float]]]:
    """So many runs, one by one; drawn by the chunk, since drawing one takes as long as judging it."""
    rng = np.random.default_rng([seed, round(drop * 1000)])
    for start in range(0, reps, CHUNK):
        before, after = draw(rng, min(CHUNK, reps - start), drop)
        yield from zip(before.tolist(), after.tolist(), strict=True)


def row_of(design: Design, claim: str, shares: Array, reps: int) -> Row:
    """A line of the table, printed as it is made."""
    branches = "none" if design.sizes is None else str(len(design.sizes))
    cells = (design.name, str(design.n), branches, str(design.epochs), f"{design.margin:g}", claim)
    figures = [f"{share:.3f} ± {sqrt(share * (1 - share) / reps):.3f}" for share in shares]
    print(f"| {' | '.join((*cells, *figures))} |", flush=True)
    return Row(cells, (shares[0], shares[1], shares[2], shares[3]))


def excesses(rows: Sequence[Row], reps: int) -> Iterator[str]:
    """Every error rate that is above alpha by more than simulation explains."""
    most = ALPHA + 2 * sqrt(ALPHA * (1 - ALPHA) / reps)
    errors = [
        f"- {kind} {share:.3f}: {row.cells[0]}; {row.cells[1]} cases, {row.cells[2]} branches, claim {row.cells[5]}"
        for row in rows
        for kind, share in (("false pass", row.shares[0]), ("false regression", row.shares[1]))
        if share > most
    ]
    of = f"{len(errors)} of {2 * len(rows)} simulated error rates"
    yield f"{of} are above {most:.3f}, which is alpha and two standard errors:\n"
    yield from errors


def exact_errors() -> Iterator[str]:
    """The largest error of independent pass/fail cases, over every churn, by adding up all outcomes."""
    yield "\nIndependent pass/fail cases, all outcomes added up; the worst over all churns, and over those up to 0.2:\n"
    yield "| cases | margin | false pass | up to churn 0.2 | false reg. | up to churn 0.2 |\n|" + " --- |" * 6
    for n in (5, 10, 20, 60, 100, 200, 300):
        highs, p_values = outcomes(n)
        for margin in (0.02, 0.05):
            churns = [*np.linspace(margin, 0.2, 40), *np.linspace(0.2, 1, 41)]
            passes = highs < margin
            cells = []
            for wrong, drop in ((passes, margin), ((p_values <= ALPHA) & ~passes, 0.0)):
                errors = [float((chances(n, moving(churn, drop)) * wrong).sum()) for churn in churns]
                cells += [f"{max(errors):.3f}", f"{max(errors[:40]):.3f}"]
            yield f"| {n} | {margin:g} | {' | '.join(cells)} |"


def outcomes(n: int) -> Pair:
    """The upper bound and the p value of each number of losses (rows) and gains (columns) of independent cases."""
    highs, p_values = np.ones((n + 1, n + 1)), np.ones((n + 1, n + 1))
    for lost in range(n + 1):
        for gained in range(n + 1 - lost):
            rest = n - lost - gained
            before, after = [1.0] * lost + [0.0] * gained + [1.0] * rest, [0.0] * lost + [1.0] * (gained + rest)
            one = compare(before, after, None, 0.5, alpha=ALPHA)
            highs[lost, gained], p_values[lost, gained] = one.high, one.p_drop
    return highs, p_values


def chances(n: int, shares: Array) -> Array:
    """The multinomial probability of each number of losses (rows) and gains (columns) of `n` cases."""
    lost, gained = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    rest = n - lost - gained
    counts = np.stack([lost, gained, np.maximum(rest, 0)])
    logs = gammaln(n + 1) - gammaln(counts + 1).sum(axis=0) + xlogy(counts.T, shares).T.sum(axis=0)
    return np.where(rest < 0, 0.0, np.exp(logs))


def better(reps: int) -> Iterator[str]:
    """How often a candidate passes that is better, on suites whose floor is above the margin."""
    yield "\nCandidates that are better, at a margin of 0.05 that the number of cases could not pass by itself:\n"
    yield "| cases | branches | lost | gained | pass |\n|" + " --- |" * 5
    for n, branches in ((20, None), (40, None), (40, 12)):
        sizes = None if branches is None else lognormal(n, branches)
        groups = None if sizes is None else np.repeat(np.arange(len(sizes)), sizes).tolist()
        for lost, gained in ((0.0, 0.3), (0.05, 0.35), (0.0, 0.6)):
            rng, passed = np.random.default_rng(n), 0
            before, after = moved(rng, np.broadcast_to(np.array([lost, gained, 1 - lost - gained]), (reps, n, 3)))
            for one, other in zip(before.tolist(), after.tolist(), strict=True):
                passed += compare(one, other, groups, 0.05, alpha=ALPHA).cleared
            share = passed / reps
            yield (
                f"| {n} | {branches or 'none'} | {lost:g} | {gained:g} | "
                f"{share:.3f} ± {sqrt(share * (1 - share) / reps):.3f} |"
            )


if __name__ == "__main__":
    main()
