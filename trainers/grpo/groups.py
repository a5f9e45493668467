"""How the groups of GRPO vary: a group whose completions all get the same reward teaches nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import pvariance
from typing import Any

from samescore.trainers.grpo.prompts import Prompts
from samescore.trainers.grpo.rewards import Rewarded

_SAME = 1e-9  # rewards are sums of products; a group that varies by less does not vary
_MEMORY = 0.8  # weight of what was known of a branch before a new group


@dataclass(slots=True)
class Branch:
    """What is known of a branch: groups seen, those of zero variance, and the variance to expect of the next.

    `solved` counts groups in which every reward was the highest there is, `failed` those in which all were 0.
    """

    groups: int = 0
    flat: int = 0
    solved: int = 0
    failed: int = 0
    variance: float | None = None

    def see(self, rewards: list[float], most: float) -> None:
        """Take in the rewards of one group."""
        found = pvariance(rewards)
        self.groups += 1
        if found < _SAME:
            self.flat += 1
            self.solved += abs(rewards[0] - most) < _SAME
            self.failed += abs(rewards[0]) < _SAME
        self.variance = found if self.variance is None else _MEMORY * self.variance + (1 - _MEMORY) * found


@dataclass(slots=True)
class Groups:
    """Counts by branch, and of completions that were truncated or lost. A listener of `Rewards`."""

    prompts: Prompts
    weights: Mapping[str, float]
    branches: dict[str, Branch] = field(default_factory=dict)
    completions: int = 0
    truncated: int = 0
    failed: int = 0

    def __call__(self, rewarded: Rewarded, log: Callable[[str, float], None]) -> None:
        """Take in a batch, and log the shares of it that taught nothing."""
        groups: dict[str, list[float]] = {}
        totals = rewarded.totals(self.weights)
        for key, total in zip(rewarded.keys, totals, strict=True):
            if total is not None:
                groups.setdefault(key, []).append(total)
        flat = 0
        for key, rewards in groups.items():
            if len(rewards) < 2:
                continue
            branch = self.branches.setdefault(self.prompts.branch(key), Branch())
            before = branch.flat
            branch.see(rewards, self.most(key, rewarded))
            flat += branch.flat - before
        failed = sum(total is None for total in totals)
        self.completions += len(totals)
        self.truncated += rewarded.truncated
        self.failed += failed
        log("groups/zero_variance", flat / max(1, len(groups)))
        log("completions/truncated", rewarded.truncated / len(totals))
        log("completions/failed", failed / len(totals))
        log("seconds/scoring", rewarded.seconds)

    def most(self, key: str, rewarded: Rewarded) -> float:
        """The reward of a perfect completion of a prompt that was rewarded: the weights of the scorers that apply."""
        found = (scores for one, scores in zip(rewarded.keys, rewarded.scores, strict=True) if one == key)
        applying = next(scores for scores in found if scores is not None)
        return sum(weight for name, weight in self.weights.items() if name in applying)

    def to_json(self) -> dict[str, Any]:
        """For the passport and for checkpoints."""
        return {
            "completions": self.completions,
            "truncated": self.truncated,
            "failed": self.failed,
            "groups": sum(branch.groups for branch in self.branches.values()),
            "zero_variance": sum(branch.flat for branch in self.branches.values()),
            "branches": {
                name: {
                    "groups": branch.groups,
                    "zero_variance": branch.flat,
                    "solved": branch.solved,
                    "failed": branch.failed,
                    "variance": branch.variance,
                }
                for name, branch in sorted(self.branches.items())
            },
        }

    def take(self, data: Mapping[str, Any]) -> None:
        """Go on from what `to_json` wrote."""
        self.completions, self.truncated, self.failed = data["completions"], data["truncated"], data["failed"]
        self.branches = {
            name: Branch(one["groups"], one["zero_variance"], one["solved"], one["failed"], one["variance"])
            for name, one in data["branches"].items()
        }
