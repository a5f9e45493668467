"""A policy of your own in a function: the conversation so far in, the next turn out."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.dialects.hermes import Hermes
from samescore.harness.errors import PolicyError
from samescore.harness.policy import Sampling
from samescore.harness.tools import Toolset
from samescore.harness.types import Completion, Message, Turn

Reply: TypeAlias = Message | str
Answer: TypeAlias = Callable[[Sequence[Message], Toolset], Reply | Awaitable[Reply]]
"""Takes the messages so far and the tools; gives an assistant message, or the text of one in the policy's dialect."""


@dataclass(frozen=True, slots=True)
class FunctionPolicy:
    """Asks a function for every turn. `described` are further facts that identify it in a run, such as a version.

    A text is parsed strictly, as that of any model. What the function raises is a crash of the model.
    """

    name: str
    answer: Answer
    dialect: Dialect = field(default_factory=Hermes)
    described: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> Mapping[str, Any]:
        """The function is identified by its name, and by what was said of it."""
        return {"model": self.name, "backend": "function", **self.described}

    def converse(self, case: Case, sampling: Sampling) -> FunctionConversation:
        """Begin with the system message and the user's first."""
        return FunctionConversation(self, case.toolset, list(case.messages))

    async def aclose(self) -> None:
        """Nothing to release."""


@dataclass(slots=True)
class FunctionConversation:
    """One dialogue: every message so far."""

    policy: FunctionPolicy
    toolset: Toolset
    messages: list[Message]

    async def complete(self, limit: int) -> Completion:
        """The next turn; the limit of tokens is the function's own business."""
        reply = self.policy.answer(tuple(self.messages), self.toolset)
        if inspect.isawaitable(reply):
            reply = await reply
        if not isinstance(reply, str) and (not isinstance(reply, Message) or reply.role != "assistant"):
            found = f"a message of role {reply.role!r}" if isinstance(reply, Message) else type(reply).__name__
            raise PolicyError(
                f"policy {self.policy.name!r}: expected a str or an assistant's Message, found {found}. Have its "
                "function return the next turn."
            )
        return Completion(reply if isinstance(reply, str) else self.policy.dialect.write(reply))

    def write(self, message: Message) -> Completion:
        """The turn in the dialect."""
        return Completion(self.policy.dialect.write(message))

    def tell(self, turn: Turn, messages: Sequence[Message]) -> None:
        """Remember what was said and answered."""
        self.messages += [turn.message(), *messages]

    def close(self) -> None:
        """Nothing to release."""
