"""The policy of a run in which nothing is left to ask: it is what the run recorded of its model, and loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.policy import Conversation, Sampling
from samescore.harness.run import Run


class AnsweredPolicy:
    """Stands for the model of a run whose every planned rollout is recorded."""

    def __init__(self, run: Run) -> None:
        self.name = run.manifest.model
        self.dialect: Dialect = run.dialect
        self._description = run.manifest.description

    def describe(self) -> Mapping[str, Any]:
        """What the run recorded."""
        return self._description

    def converse(self, case: Case, sampling: Sampling) -> Conversation:
        """Nobody asks for a conversation that is recorded."""
        raise AssertionError(f"{case.id} is asked of {self.name}, which was not loaded: nothing was left to ask")

    async def aclose(self) -> None:
        """Nothing is held."""
