"""Which prompts a step takes: more of the branches whose groups' rewards vary, and some of every branch.

A group teaches in proportion to the spread of its rewards, and that is a matter of the branch: one that the model
always or never solves gives groups of zero variance. So a share of the prompts is drawn from branches by the standard
deviation seen there lately; the rest is drawn evenly over branches, so that none is forgotten and each goes on being
measured.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from samescore.trainers.grpo.groups import Groups
from samescore.trainers.grpo.prompts import Prompts

_UNSEEN = 0.5  # standard deviation expected of a branch that was never tried: the most that rewards in [0, 1] can have


class Curriculum:
    """An endless source of steps' prompts, as indices into the data set's rows.

    `share` of them follow the variance. Draws come from `seed` and what was seen, so that a training run is
    reproducible. They run ahead of training by what a data loader fetches in advance; `to_json` keeps those that were
    not used yet, so that a run that is carried on from a checkpoint takes the prompts that it would have taken.
    """

    def __init__(self, prompts: Prompts, groups: Groups, share: float, seed: int) -> None:
        self.groups = groups
        self.share = share
        self._random = random.Random(seed)
        self._rows: dict[str, list[int]] = {}
        for row, key in enumerate(prompts):
            self._rows.setdefault(prompts.branch(key), []).append(row)
        self._decks: dict[str, list[int]] = {branch: [] for branch in self._rows}
        self._drawn: dict[int, list[int]] = {}

    def rows(self, batch: int, count: int) -> list[int]:
        """The different rows of the generation batch of this number, from 0. Batches are asked for in order."""
        if batch not in self._drawn:
            self._drawn[batch] = self._draw(count)
        for old in [number for number in self._drawn if number < batch - 2]:
            del self._drawn[old]
        return self._drawn[batch]

    def spread(self, branch: str) -> float:
        """The standard deviation of rewards to expect of a group of this branch."""
        known = self.groups.branches.get(branch)
        return _UNSEEN if known is None or known.variance is None else math.sqrt(known.variance)

    def to_json(self, batch: int) -> dict[str, Any]:
        """Where the draws stand when the generation batch of this number is the next to be used."""
        version, state, gauss = self._random.getstate()
        ahead = {str(number): rows for number, rows in self._drawn.items() if number >= batch}
        return {"random": [version, list(state), gauss], "decks": self._decks, "drawn": ahead}

    def take(self, data: Mapping[str, Any]) -> None:
        """Go on from what `to_json` wrote."""
        version, state, gauss = data["random"]
        self._random.setstate((version, tuple(state), gauss))
        self._decks = {branch: list(rows) for branch, rows in data["decks"].items()}
        self._drawn = {int(number): list(rows) for number, rows in data["drawn"].items()}

    def _draw(self, count: int) -> list[int]:
        left = {name: len(rows) for name, rows in sorted(self._rows.items())}
        chosen: dict[int, None] = {}
        while len(chosen) < count:
            names = [name for name, number in left.items() if number]
            spreads = [self.spread(name) for name in names]
            follow = self._random.random() < self.share and any(spreads)
            branch = self._random.choices(names, spreads if follow else None)[0]
            if (row := self._deal(branch)) not in chosen:
                chosen[row] = None
                left[branch] -= 1
        return list(chosen)

    def _deal(self, branch: str) -> int:
        """The next row of a branch: every row once, in a new order each time."""
        if not self._decks[branch]:
            self._decks[branch] = list(self._rows[branch])
            self._random.shuffle(self._decks[branch])
        return self._decks[branch].pop()


class StepSampler:
    """The rows of one generation batch after another, from number `first` on, each as often as a group has completions.

    A whole batch comes `repeat` times: TRL takes one for each of its passes, and generates for the first of them only.
    """

    def __init__(
        self, curriculum: Curriculum, prompts: int, group: int, repeat: int, batches: int, first: Callable[[], int]
    ) -> None:
        self.curriculum = curriculum
        self.prompts = prompts
        self.group = group
        self.repeat = repeat
        self.batches = batches
        self.first = first

    def __iter__(self) -> Iterator[int]:
        for batch in range(self.first(), self.batches):
            rows = [row for row in self.curriculum.rows(batch, self.prompts) for _ in range(self.group)]
            for _ in range(self.repeat):
                yield from rows

    def __len__(self) -> int:
        return self.batches * self.prompts * self.group * self.repeat
