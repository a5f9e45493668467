"""Rollouts for TRL: the one loop of evaluation, flattened to the ids that a trainer takes.

A conversation is one sequence: the first prompt, then turns and, between them, what the template puts around tool
results and the user's answers. Those tokens were not written by the model; `env_mask` is 0 there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from samescore.harness.blocking import blocking
from samescore.harness.case import Case
from samescore.harness.cli.errors import say
from samescore.harness.environment import World
from samescore.harness.errors import InfrastructureError, PolicyError, WorldError
from samescore.harness.fingerprint import seed_of
from samescore.harness.plan import Item
from samescore.harness.policies.local import LocalConversation, TokenSession
from samescore.harness.policy import Conversation, Sampling
from samescore.harness.records import ErrorKind, Failure
from samescore.harness.rollout import Limits, rollout
from samescore.harness.types import Completion, Message, Trajectory, Turn
from samescore.trainers.backends import Writer, WriterSession
from samescore.trainers.live import LivePolicy


@dataclass(frozen=True, slots=True)
class Rolled:
    """One rollout as TRL takes it.

    `spans` gives where in `completion_ids` each turn of the model lies, as [start, end). A failed one has one token
    that no loss is taken of, and `failure`.
    """

    item: Item
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    mask: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    logprobs: tuple[float, ...] | None
    trajectory: Trajectory | None = None
    failure: Failure | None = None
    seconds: float = 0.0


class Rollouts:
    """TRL's `rollout_func`: prompts are keys of `prompts`, in any number and order.

    Every rollout of a step has a seed of its own: that of the plan with `seed_of(seed, step)` as its seed, the key as
    the case, and as epoch how often the key came before.
    """

    def __init__(
        self,
        prompts: Mapping[str, Case],
        worlds: Mapping[str, World],
        policy: LivePolicy,
        writer: Writer,
        *,
        limits: Limits,
        temperature: float,
        seed: int,
    ) -> None:
        self.prompts = prompts
        self.worlds = worlds
        self.policy = policy
        self.writer = writer
        self.limits = limits
        self.temperature = temperature
        self.seed = seed
        self.latest: list[Rolled] = []
        self._beginnings: dict[str, Beginning] = {}
        self.seconds = 0.0

    def __call__(self, prompts: Sequence[str], trainer: Any) -> dict[str, list[Any]]:
        """Have the conversations of one generation batch.

        Raises:
            InfrastructureError: every one of them failed.
        """
        import torch

        began = perf_counter()
        seed = step_seed(self.seed, trainer)
        items = self.items(prompts, seed)
        self.writer.begin()
        try:
            self.latest = blocking(self._have(items))
        finally:
            self.writer.end()
        # What TRL draws next, such as the order of the completions, is a matter of the step, whatever was drawn before:
        # a run that goes on from a checkpoint draws what it would have drawn.
        torch.manual_seed(seed)
        self.seconds = perf_counter() - began
        if failed := [rolled for rolled in self.latest if rolled.failure is not None]:
            first = f"the first of case {failed[0].item.case} with {failed[0].failure}"
            if len(failed) == len(self.latest):
                raise InfrastructureError(f"every rollout of the step failed, {first}")
            step = trainer.state.global_step
            say(f"note: {len(failed)} of the {len(self.latest)} rollouts after step {step} failed, {first}")
        return columns(self.latest)

    def items(self, prompts: Sequence[str], seed: int) -> list[Item]:
        """The rollouts of a batch, each with its epoch and seed as a plan of the same cases has them."""
        seen: dict[str, int] = {}
        items = []
        for key in prompts:
            epoch = seen[key] = seen.get(key, -1) + 1
            items.append(Item(key, epoch, seed_of(seed, key, epoch)))
        return items

    def written(self, key: str) -> Sequence[Completion] | None:
        """The gold turns before a decision of the batch at hand, as they were written; None where it has no such."""
        beginning = self._beginnings.get(key)
        return None if beginning is None else beginning.written

    async def _have(self, items: Sequence[Item]) -> list[Rolled]:
        self._beginnings = {}
        return await asyncio.gather(*map(self._one, items))

    async def _one(self, item: Item) -> Rolled:
        case, began = self.prompts[item.case], perf_counter()
        recording = _Recording(self.policy, self.writer, self._beginnings)
        sampling = Sampling(self.temperature, item.seed)
        try:
            trajectory = await rollout(case, recording, self.worlds[case.world], sampling, self.limits)
        except (WorldError, PolicyError) as error:
            kind = ErrorKind.WORLD if isinstance(error, WorldError) else ErrorKind.POLICY
            return self._failed(item, Failure(kind, str(error)))
        if not recording.session.turns:
            why = f"the prompt of case {item.case} leaves no room for a turn. Raise max_tokens."
            return self._failed(item, Failure(ErrorKind.POLICY, why))
        return flatten(item, case, trajectory, recording.session.turns, perf_counter() - began)

    def _failed(self, item: Item, failure: Failure) -> Rolled:
        # TRL needs a token; no loss is taken of this one.
        end = self.policy.renderer.end_id
        return Rolled(item, (end,), (end,), (0,), (), (0.0,), failure=failure)


def step_seed(seed: int, trainer: Any) -> int:
    """The seed of the plan that one generation batch is, on this process."""
    return seed_of(seed, trainer.state.global_step, trainer.accelerator.process_index)


@dataclass(frozen=True, slots=True)
class Written:
    """A turn that a session wrote: the prompt it was given, the ids, and their log-probabilities where known."""

    prompt: Sequence[int]
    ids: tuple[int, ...]
    logprobs: Sequence[float] | None


@dataclass(slots=True)
class _RecordingSession:
    """A session that keeps what it was asked and what it wrote."""

    inner: WriterSession
    turns: list[Written] = field(default_factory=list)

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        ids = await self.inner.generate(prompt, limit, temperature, seed)
        self.turns.append(Written(prompt, ids, self.inner.logprobs))
        return ids

    def close(self) -> None:
        self.inner.close()


@dataclass(frozen=True, slots=True)
class Beginning:
    """What all completions of a prompt have in common: the conversation before the model speaks, rendered once.

    `written` are the gold turns of a decision's prefix.
    """

    conversation: LocalConversation
    written: tuple[Completion, ...]


class _Recording:
    """The live policy for one rollout, with a session that remembers."""

    def __init__(self, policy: LivePolicy, writer: Writer, beginnings: dict[str, Beginning]) -> None:
        self.name, self.dialect = policy.name, policy.dialect
        self._policy = policy
        self._writer = writer
        self._beginnings = beginnings
        self.session: _RecordingSession

    def describe(self) -> Mapping[str, Any]:
        return self._policy.describe()

    def converse(self, case: Case, sampling: Sampling) -> Conversation:
        self.session = _RecordingSession(self._writer.session(self._policy.prefix(case)))
        if (known := self._beginnings.get(case.id)) is not None:
            return _Begun(known.conversation.fork(self.session, sampling), known.written)
        session: TokenSession = self.session
        conversation = self._policy.conversation(case, sampling, session)
        return _Beginning(conversation, case, sampling, self._beginnings)

    async def aclose(self) -> None:
        """The writer belongs to the training."""


class _Beginning:
    """The first conversation about a prompt: before the model speaks for the first time it is kept for the others."""

    def __init__(
        self, inner: LocalConversation, case: Case, sampling: Sampling, beginnings: dict[str, Beginning]
    ) -> None:
        self._inner = inner
        self._case = case
        self._sampling = sampling
        self._beginnings = beginnings
        self._written: list[Completion] = []

    async def complete(self, limit: int) -> Completion:
        if self._case.id not in self._beginnings:
            kept = self._inner.fork(_Nobody(), self._sampling)
            self._beginnings[self._case.id] = Beginning(kept, tuple(self._written))
        return await self._inner.complete(limit)

    def write(self, message: Message) -> Completion:
        self._written.append(self._inner.write(message))
        return self._written[-1]

    def tell(self, turn: Turn, messages: Sequence[Message]) -> None:
        self._inner.tell(turn, messages)

    def close(self) -> None:
        self._inner.close()


class _Begun:
    """A conversation that stands after its prefix already: what the prefix says is heard, and changes nothing."""

    def __init__(self, inner: LocalConversation, written: Sequence[Completion]) -> None:
        self._inner = inner
        self._written = list(written)
        self._told = len(written)

    async def complete(self, limit: int) -> Completion:
        return await self._inner.complete(limit)

    def write(self, message: Message) -> Completion:
        return self._written.pop(0)

    def tell(self, turn: Turn, messages: Sequence[Message]) -> None:
        if self._told:
            self._told -= 1
        else:
            self._inner.tell(turn, messages)

    def close(self) -> None:
        self._inner.close()


class _Nobody:
    """The session of a conversation that is only kept to be forked."""

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        raise AssertionError("a beginning is carried on by forks of it alone")

    def close(self) -> None:
        """Nothing is held."""


def flatten(item: Item, case: Case, trajectory: Trajectory, written: Sequence[Written], seconds: float = 0.0) -> Rolled:
    """A trajectory as one sequence. `written` are the turns that the model wrote, with the prompts it was given.

    A turn without a token, for which there was no room left, has an empty span.
    """
    first = tuple(written[0].prompt)
    ids: list[int] = []
    mask: list[int] = []
    spans: list[tuple[int, int]] = []
    logprobs: list[float] = []
    known = all(turn.logprobs is not None for turn in written)
    for turn in written:
        before = [*first, *ids]
        assert list(turn.prompt[: len(before)]) == before, (
            "the template keeps its prefix: each prompt holds all before it"
        )
        added = turn.prompt[len(before) :]
        ids += added
        mask += [0] * len(added)
        logprobs += [0.0] * len(added)
        spans.append((len(ids), len(ids) + len(turn.ids)))
        ids += turn.ids
        mask += [1] * len(turn.ids)
        logprobs += turn.logprobs or [0.0] * len(turn.ids)
    spans += [(len(ids), len(ids))] * (len(trajectory.steps) - case.prefix - len(written))
    return Rolled(
        item,
        first,
        tuple(ids),
        tuple(mask),
        tuple(spans),
        tuple(logprobs) if known else None,
        trajectory,
        None,
        seconds,
    )


def columns(rolled: Sequence[Rolled]) -> dict[str, list[Any]]:
    """What TRL's `rollout_func` returns, and the fields that the reward functions need."""
    without = any(one.logprobs is None for one in rolled)
    return {
        "prompt_ids": [list(one.prompt_ids) for one in rolled],
        "completion_ids": [list(one.completion_ids) for one in rolled],
        "logprobs": None if without else [list(one.logprobs or ()) for one in rolled],  # type: ignore[dict-item]
        "env_mask": [list(one.mask) for one in rolled],
        "spans": [list(one.spans) for one in rolled],
        "failed": [one.failure is not None for one in rolled],
    }
