"""What every local backend shares: a conversation over a transcript, whose turns some session writes as token ids.

Prompts, seeds and what counts as the end of a turn are decided here, once; a backend only writes tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from os.path import commonprefix
from typing import Protocol

from samescore.harness.case import Case
from samescore.harness.fingerprint import seed_of
from samescore.harness.policy import Sampling
from samescore.harness.renderer import Renderer, Transcript
from samescore.harness.types import Completion, Message, Turn

_TELLING = 4  # characters from which on a fact inside a text is no accident


class TokenSession(Protocol):
    """One conversation with a model that reads and writes token ids."""

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        """The ids of the next turn, of at most `limit`, up to and with the token that ends it. Temperature 0 is greedy.

        Raises:
            PolicyError: the model crashed, or the prompt leaves no room in its context.
        """

    def close(self) -> None:
        """Give up what the model keeps of the conversation."""


class LocalConversation:
    """One dialogue with a local model. `context` is the most tokens that it can read and write, if it says."""

    def __init__(self, transcript: Transcript, session: TokenSession, sampling: Sampling, context: int | None) -> None:
        self._transcript = transcript
        self._context = context
        self._session = session
        self._sampling = sampling
        self._turn = 0

    def fork(self, session: TokenSession, sampling: Sampling) -> LocalConversation:
        """Another that stands where this one does, and that another session carries on."""
        other = LocalConversation(self._transcript.copy(), session, sampling, self._context)
        other._turn = self._turn
        return other

    async def complete(self, limit: int) -> Completion:
        """The next turn, of at most `limit` tokens.

        Raises:
            PolicyError: the model crashed, or the case's first prompt leaves no room in its context.
        """
        seed = seed_of(self._sampling.seed, self._turn)
        prompt = self._transcript.prompt
        if self._turn and self._context is not None and len(prompt) >= self._context:
            # The model talked its own context full: a turn that cannot end. A first prompt without room is an error.
            return self._transcript.renderer.completion((), prompt)
        room = limit if self._context is None else min(limit, max(1, self._context - len(prompt)))
        ids = await self._session.generate(prompt, room, self._sampling.temperature, seed)
        self._turn += 1
        return self._transcript.renderer.completion(ids, prompt)

    def write(self, message: Message) -> Completion:
        """The completion that would have produced this assistant message."""
        self._turn += 1
        return self._transcript.renderer.completion(self._transcript.write(message), self._transcript.prompt)

    def tell(self, turn: Turn, messages: Sequence[Message]) -> None:
        """What the assistant said, as parsed, and the messages that followed. Without token ids it is written anew."""
        self._transcript.add(turn.completion.token_ids, turn, messages)

    def close(self) -> None:
        """Give up what the model keeps of the dialogue."""
        self._session.close()


class SharedPrefixes:
    """What a case's prompt has in common with other cases': system message and tools. Remembered by what is shared."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._known: dict[tuple[str, str | None], tuple[int, ...]] = {}

    def of(self, case: Case) -> tuple[int, ...]:
        """The prefix of this case's prompt.

        A system message that holds one of the case's facts (the date, say) is this case's own; then it is what comes
        before it, which is much only in templates that put the tools first. It follows from the case and the template
        alone, so that a case is read in the same way in every run.
        """
        system = [message for message in case.messages if message.role == "system"]
        told = "\x1f".join(message.content for message in system)
        own = any(isinstance(fact, str) and len(fact) >= _TELLING and fact in told for fact in case.facts.values())
        key = (case.toolset.fingerprint, None if own else told)
        if key not in self._known:

            def prompt(said: str) -> list[int]:
                head = [Message("system", said)] if own else system
                return self._renderer.start([*head, Message("user", said)], case.toolset)

            self._known[key] = tuple(commonprefix([prompt("a"), prompt("?")]))  # noqa: RUF071  # of lists, not paths
        return self._known[key]


def no_room(prompt: int, limit: int, context: int | None) -> str:
    """Why a turn of at most `limit` tokens cannot follow a prompt of so many, in words."""
    if context is None or not prompt or limit < 1:
        return f"a turn needs a prompt and a limit of at least one token; found {prompt} tokens and a limit of {limit}"
    return (
        f"the prompt has {prompt} tokens and the model's context only {context}: no room for a turn. Use shorter tools "
        "or procedures, or a model with a longer context."
    )
