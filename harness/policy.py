"""`Policy`: anything that produces turns; and `Conversation`: one dialogue with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.types import Completion, Message, Turn


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. Temperature 0 is greedy. `seed` is that of the rollout; each turn derives its own."""

    temperature: float = 0.0
    seed: int = 0


class Conversation(Protocol):
    """One dialogue: the model's view of a case as it unfolds."""

    async def complete(self, limit: int) -> Completion:
        """The next turn, of at most `limit` tokens.

        Raises:
            PolicyError: the model crashed.
        """

    def write(self, message: Message) -> Completion:
        """The completion that would have produced this assistant message: for gold turns played before a decision."""

    def tell(self, turn: Turn, messages: Sequence[Message]) -> None:
        """What the assistant said, as parsed, and the messages that followed: tool results, or the user's answer."""

    def close(self) -> None:
        """Release what the dialogue holds."""


class Policy(Protocol):
    """Anything that produces turns."""

    @property
    def name(self) -> str:
        """As on the command line: `oracle`, `hf/PATH`."""

    @property
    def dialect(self) -> Dialect:
        """How it writes calls."""

    def describe(self) -> Mapping[str, Any]:
        """What identifies it in a run: digests of weights, template and tokenizer, backend, dtype."""

    def converse(self, case: Case, sampling: Sampling) -> Conversation:
        """Begin a dialogue about a case."""

    async def aclose(self) -> None:
        """Release the model."""
