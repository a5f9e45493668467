"""What a checkpoint of GRPO keeps beside weights and optimizer: where the curriculum stands, and how groups varied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from samescore.trainers.grpo.curriculum import Curriculum
from samescore.trainers.grpo.groups import Groups


@dataclass(frozen=True, slots=True)
class Standing:
    """A part of the training that checkpoints keep; `batch` gives the number of the next generation batch."""

    curriculum: Curriculum
    groups: Groups
    batch: Callable[[], int]

    def to_json(self) -> dict[str, Any]:
        """The state between two steps."""
        return {"curriculum": self.curriculum.to_json(self.batch()), "groups": self.groups.to_json()}

    def take(self, data: Mapping[str, Any]) -> None:
        """Go on from what `to_json` gave."""
        self.groups.take(data["groups"])
        self.curriculum.take(data["curriculum"])
