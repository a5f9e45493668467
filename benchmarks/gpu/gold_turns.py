"""Gold turns as token ids, by the prompt that they answer: any model can be led through whole conversations with them.

A model of random weights writes nothing that a conversation could go on from. Led by these, it is asked exactly what a
trained one would be asked, for as many tokens, and all around it does what it always does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.environment import World
from samescore.harness.policies.local import LocalConversation, TokenSession
from samescore.harness.policy import Sampling
from samescore.harness.renderer import Renderer, Transcript
from samescore.harness.rollout import rollout

Prompt = tuple[int, ...]


class UnknownPrompt(Exception):
    """A prompt that no conversation of gold turns has."""


class Book:
    """The prompts of all conversations of gold turns, as the renderer alone makes them.

    `prompts` gives them by case and turn, `answers` the gold turn to each. Cases whose conversations read alike to the
    model but go on differently cannot be told apart by their prompts; they are left out and named in `ambiguous`.
    """

    def __init__(
        self, cases: Sequence[Case], worlds: Mapping[str, World], renderer: Renderer, dialect: Dialect
    ) -> None:
        self.prompts: dict[tuple[str, int], Prompt] = {}
        self.answers: dict[Prompt, tuple[int, ...]] = {}
        asyncio.run(self._play(cases, worlds, renderer, dialect))
        others: dict[Prompt, set[tuple[int, ...]]] = {}
        for key, prompt in self.prompts.items():
            others.setdefault(prompt, set()).add(self._written[key])
        self.ambiguous = sorted({key[0] for key, prompt in self.prompts.items() if len(others[prompt]) > 1})
        self.cases = [case for case in cases if case.id not in self.ambiguous]
        self.prompts = {key: prompt for key, prompt in self.prompts.items() if key[0] not in self.ambiguous}
        self.answers = {prompt: self._written[key] for key, prompt in self.prompts.items()}

    async def _play(
        self, cases: Sequence[Case], worlds: Mapping[str, World], renderer: Renderer, dialect: Dialect
    ) -> None:
        self._written: dict[tuple[str, int], tuple[int, ...]] = {}
        for case in cases:
            policy = _Writing(self, renderer, dialect)
            trajectory = await rollout(case, policy, worlds[case.world])
            assert len(trajectory.steps) == len(case.gold), f"{case.id}: gold turns do not end the conversation"

    def answer(self, prompt: Sequence[int]) -> tuple[int, ...]:
        """The gold turn to a prompt.

        Raises:
            UnknownPrompt: the renderer never made it.
        """
        try:
            return self.answers[tuple(prompt)]
        except KeyError:
            raise UnknownPrompt(f"a prompt of {len(prompt)} tokens that the renderer never made") from None


class Led:
    """A session that has `inner` write, and gives the gold turn in its place. `limit` is how much `inner` may write.

    Without a limit it writes as many tokens as the gold turn has. `given` are the prompts, in order. `logprobs` are 0:
    those of `inner` are of other tokens, and some trainers will not go without.
    """

    def __init__(self, inner: Any, book: Book, limit: int | None = None) -> None:
        self.inner = inner
        self.given: list[Prompt] = []
        self._book = book
        self.logprobs: tuple[float, ...] = ()
        self._limit = limit

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        """The gold turn, once the model has written."""
        gold = self._book.answer(prompt)
        await self.inner.generate(prompt, min(limit, self._limit or len(gold)), temperature, seed)
        self.given.append(tuple(prompt))
        self.logprobs = (0.0,) * len(gold)
        return gold

    def close(self) -> None:
        """Let the model's own conversation go."""
        self.inner.close()


class LedWriter:
    """A backend's writer whose sessions are led by gold turns."""

    def __init__(self, writer: Any, book: Book, limit: int | None = None) -> None:
        self.context = writer.context
        self._writer = writer
        self._book = book
        self._limit = limit

    def begin(self) -> None:
        """As the writer does."""
        self._writer.begin()

    def session(self, prefix: Sequence[int] = ()) -> Led:
        """A session of the writer, led."""
        return Led(self._writer.session(prefix), self._book, self._limit)

    def end(self) -> None:
        """As the writer does."""
        self._writer.end()

    def close(self) -> None:
        """As the writer does."""
        self._writer.close()


class _Writing:
    """Plays one case's gold turns and enters them into a book."""

    name = "gold"

    def __init__(self, book: Book, renderer: Renderer, dialect: Dialect) -> None:
        self.dialect = dialect
        self._book = book
        self._renderer = renderer

    def describe(self) -> Mapping[str, Any]:
        """Nothing more."""
        return {}

    def converse(self, case: Case, sampling: Sampling) -> LocalConversation:
        """The case with its gold turns."""
        transcript = Transcript(self._renderer, case.messages, case.toolset)
        session: TokenSession = _GoldSession(self._book, case, transcript)
        return LocalConversation(transcript, session, sampling, None)

    async def aclose(self) -> None:
        """Nothing is held."""


class _GoldSession:
    def __init__(self, book: Book, case: Case, transcript: Transcript) -> None:
        self._book, self._case, self._transcript = book, case, transcript
        self._turn = 0

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        key = (self._case.id, self._turn)
        self._book.prompts[key] = tuple(prompt)
        self._book._written[key] = ids = self._transcript.write(self._case.gold[self._turn])
        self._turn += 1
        return ids

    def close(self) -> None:
        """Nothing is held."""
