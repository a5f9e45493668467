"""Policies that play written turns: the oracle plays gold; null agents and mutants play something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.dialects.hermes import Hermes
from samescore.harness.policy import Sampling
from samescore.harness.types import Completion, Message, Turn

Script: TypeAlias = Callable[[Case, Sampling], Iterator[Message | str]]
"""The turns to play: messages, or raw text."""


@dataclass(frozen=True, slots=True)
class ScriptPolicy:
    """Plays the turns of a script, whatever the conversation does; after the last one it says nothing."""

    name: str
    script: Script
    dialect: Dialect = field(default_factory=Hermes)

    def describe(self) -> Mapping[str, Any]:
        """A script is identified by its name."""
        return {"model": self.name, "backend": "script", "dialect": [self.dialect.name, self.dialect.version]}

    def converse(self, case: Case, sampling: Sampling) -> ScriptConversation:
        """Begin at the first turn, or after the prefix of a decision."""
        return ScriptConversation(self.dialect, self.script(case, sampling))

    async def aclose(self) -> None:
        """Nothing to release."""


@dataclass(slots=True)
class ScriptConversation:
    """One play of a script."""

    dialect: Dialect
    turns: Iterator[Message | str]

    async def complete(self, limit: int) -> Completion:
        """The next turn of the script."""
        turn = next(self.turns, "")
        return Completion(turn if isinstance(turn, str) else self.dialect.write(turn))

    def write(self, message: Message) -> Completion:
        """The turn in the dialect."""
        return Completion(self.dialect.write(message))

    def tell(self, turn: Turn, messages: Sequence[Message]) -> None:
        """A script does not listen."""

    def close(self) -> None:
        """Nothing to release."""


def oracle() -> ScriptPolicy:
    """The agent that plays the case's gold turns."""
    return ScriptPolicy("oracle", lambda case, sampling: iter(case.gold[case.prefix :]))
