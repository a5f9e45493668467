"""Looks at a run while it goes on: stop when the verdict is certain, at an error rate that holds over all looks.

The cases come in a random order, and are judged after each of a few equal parts. Every look is another chance to be
wrong, so that each is judged at a stricter level, the same for all (Pocock 1977, Biometrika 64:191): four looks at 0.05
are four tests at 0.0193. The level follows from the share of the cases that each look has (Armitage, McPherson & Rowe
1969, J. Royal Statistical Society A 132:235).

What is claimed at a stop is about all planned cases, and those like them: what was seen is a random part of them. Looks
are planned before the first case is run, and the first that is certain is the verdict: going on to see whether it stays
would be a look too many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from samescore.harness.fingerprint import seed_of
from samescore.harness.stats.cluster_robust import quantile, upper_tail
from samescore.harness.stats.noninferiority import ALPHA, Compared, standings

MOST = 20
_NODES = 96


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look saw. `decision` is None where nothing is certain yet; after the last look that is inconclusive.

    `cases` of `planned` were judged at the look `number` of `of`; `standings` are those of the metrics, in their order.
    """

    number: int
    of: int
    cases: int
    planned: int
    standings: tuple[str, ...]
    decision: Literal["pass", "regression"] | None

    @property
    def certain(self) -> bool:
        """Whether the run may end here."""
        return self.decision is not None

    def to_json(self) -> dict[str, Any]:
        """As a run records with which look it ended."""
        return {
            "look": self.number,
            "of": self.of,
            "cases": self.cases,
            "planned": self.planned,
            "decision": self.decision,
        }


@dataclass(frozen=True, slots=True)
class Looks:
    """When a run is looked at: the random order of its cases, and how many of them are done at each look.

    `alpha` holds over all looks; `level` is what each is judged at: `compare(..., alpha=looks.level)`.
    """

    order: tuple[str, ...]
    ends: tuple[int, ...]
    alpha: float
    level: float
    seed: int

    @classmethod
    def make(cls, cases: Iterable[str], looks: int = 4, alpha: float = ALPHA, seed: int = 0) -> Looks:
        """Plan looks at these cases, after equal parts of them. The order depends on the seed and the ids alone.

        Raises:
            ValueError: fewer than 2 looks or more than 20, or not one new case for each, or a case twice.
        """
        order = _order(cases, seed)
        if len(set(order)) != len(order):
            raise ValueError("a case is planned twice")
        if not 2 <= looks <= min(MOST, len(order)):
            raise ValueError(f"{looks} looks at {len(order)} cases; expected 2 to {MOST}, with a new case for each")
        ends = _ends(len(order), looks)
        return cls(order, ends, alpha, pocock_level(tuple(end / len(order) for end in ends), alpha), seed)

    def __len__(self) -> int:
        return len(self.ends)

    def new(self, number: int) -> tuple[str, ...]:
        """The cases to run before the look of this number (from 1), each with all its epochs."""
        return self.order[self.ends[number - 2] if number > 1 else 0 : self.ends[number - 1]]

    def seen(self, number: int) -> tuple[str, ...]:
        """The cases that this look judges: all so far."""
        return self.order[: self.ends[number - 1]]

    def judge(self, number: int, compared: Sequence[Compared]) -> Looked:
        """What this look says. `compared` are the metrics of `seen(number)`, compared at `level`.

        Before the last look a drop ends the run where what was seen of it reaches the margin: few cases can show that
        there is one before they can show that it is small enough, and of that all cases are to be asked.
        """
        found = tuple(standings(compared, self.level))
        decision: Literal["pass", "regression"] | None = None
        last = number == len(self)
        if any(
            standing == "dropped" and (last or metric.drop >= metric.margin)
            for metric, standing in zip(compared, found, strict=True)
        ):
            decision = "regression"
        elif found and set(found) == {"cleared"}:
            decision = "pass"
        return Looked(number, len(self), self.ends[number - 1], len(self.order), found, decision)

    def until_certain(self, compared: Callable[[tuple[str, ...]], Sequence[Compared]]) -> Looked:
        """Look after look, up to the first that is certain, else the last. `compared` judges cases, at `level`."""
        for number in range(1, len(self) + 1):
            looked = self.judge(number, compared(self.seen(number)))
            if looked.certain:
                break
        return looked

    def to_json(self) -> dict[str, Any]:
        """As a plan records it; the order follows from the seed and the cases."""
        return {
            "looks": len(self),
            "ends": list(self.ends),
            "alpha": self.alpha,
            "level": self.level,
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], cases: Iterable[str]) -> Looks:
        """Read what `to_json` wrote, for the cases of the same plan. The level is the recorded one.

        Raises:
            ValueError: they are not as many as there were, or the looks are otherwise not those of that plan.
        """
        order = _order(cases, data["seed"])
        looks = cls(order, _ends(len(order), data["looks"]), data["alpha"], data["level"], data["seed"])
        if list(looks.ends) != list(data["ends"]):
            raise ValueError(f"looks after {data['ends']} cases were planned; these cases have them after {looks.ends}")
        return looks


def _order(cases: Iterable[str], seed: int) -> tuple[str, ...]:
    """Random, and of each case by itself: leaving some out does not move the others."""
    return tuple(sorted(cases, key=lambda case: (seed_of(seed, "look", case), case)))


def _ends(cases: int, looks: int) -> tuple[int, ...]:
    return tuple(-(-cases * number // looks) for number in range(1, looks + 1))


@lru_cache(maxsize=64)
def pocock_level(shares: tuple[float, ...], alpha: float = ALPHA) -> float:
    """The one-sided level of each look, for looks after these shares of the cases (the last is 1).

    Raises:
        ValueError: shares that do not rise to 1, or an alpha that is none.
    """
    from scipy.optimize import brentq

    rising = all(one < other for one, other in zip((0.0, *shares), shares, strict=False))
    if not shares or not rising or abs(shares[-1] - 1) > 1e-9 or not 0 < alpha < 0.5:
        raise ValueError(
            f"looks after {shares} of the cases at {alpha}; expected shares that rise to 1, alpha under 0.5"
        )
    if len(shares) == 1:
        return alpha
    # Bonferroni is the strictest that it can be, a single look the least strict.
    strict, lax = quantile(1 - alpha / len(shares)), quantile(1 - alpha)
    z = brentq(lambda z: _crossing(shares, z) - alpha, lax, strict, xtol=1e-11)
    return round(upper_tail(z), 9)  # a plan records it: on every machine the same


def _crossing(shares: Sequence[float], z: float) -> float:
    """The probability that a score process exceeds `z` standard errors at one look or more (Armitage et al. 1969).

    The density of its sum, as far as it has not been stopped, goes from look to look by convolution with the increment.
    """
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    sums, mass = np.zeros(1), np.ones(1)
    done = 0.0
    for share in shares:
        spread, low, high = (share - done) ** 0.5, -9.0 * share**0.5, z * share**0.5
        at = low + (high - low) * (nodes + 1) / 2
        density = np.exp(-(((at[:, None] - sums) / spread) ** 2) / 2) / (spread * (2 * np.pi) ** 0.5) @ mass
        sums, mass, done = at, density * weights * (high - low) / 2, share
    return float(1 - mass.sum())
