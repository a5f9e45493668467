"""Rewards from token ids: each scorer its own reward function, computed as evaluation computes it.

The ids of a completion are cut into the model's turns, decoded as the renderer decodes, parsed by the dialect, and
played in a fresh world by the one loop; the rubric of evaluation scores the trajectory. Nothing of what the rollout
made of them is used, so a difference between what was sampled and what is scored cannot hide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from samescore.harness.case import Case
from samescore.harness.cli.errors import say
from samescore.harness.dialects import Dialect
from samescore.harness.environment import World
from samescore.harness.errors import InfrastructureError, ScoresDiffer
from samescore.harness.policies.local import LocalConversation
from samescore.harness.policies.replay import OutOfTurns, ReplayConversation
from samescore.harness.policy import Conversation, Policy, Sampling
from samescore.harness.renderer import Renderer, Transcript
from samescore.harness.rollout import Limits, rollout
from samescore.harness.scorers import RUBRIC, Rubric
from samescore.harness.types import Completion, DefectName, Message, Score, Trajectory, Turn

Spans = Sequence[Sequence[int]]
_REMEMBERED = 4096  # decisions whose gold prefix is kept written


@dataclass(frozen=True, slots=True)
class Rewarded:
    """The completions of one generation batch and their scores: None where the rollout failed, or a scorer crashed."""

    step: int
    keys: tuple[str, ...]
    completion_ids: Sequence[Sequence[int]]
    spans: Sequence[Spans]
    scores: tuple[Mapping[str, Score] | None, ...]
    truncated: int
    seconds: float

    def values(self, scorer: str) -> list[float | None]:
        """A scorer's value of each completion; None where it does not apply, or the rollout failed."""
        return [None if scores is None or scorer not in scores else scores[scorer].value for scores in self.scores]

    def totals(self, weights: Mapping[str, float]) -> list[float | None]:
        """The weighted sum of each completion, as the trainer forms it."""
        return [
            None
            if scores is None
            else sum(weight * scores[name].value for name, weight in weights.items() if name in scores)
            for scores in self.scores
        ]


OnRewarded = Callable[[Rewarded, Callable[[str, float], None]], None]
"""Hears of every batch, with TRL's function that logs a figure."""


class Rewards:
    """Scores completions of the cases in `prompts` from their token ids alone."""

    def __init__(
        self,
        prompts: Mapping[str, Case],
        worlds: Mapping[str, World],
        renderer: Renderer,
        dialect: Dialect,
        limits: Limits,
        rubric: Rubric = RUBRIC,
    ) -> None:
        self.prompts = prompts
        self.worlds = worlds
        self.renderer = renderer
        self.dialect = dialect
        self.limits = limits
        self.rubric = rubric
        self.listeners: list[OnRewarded] = []
        self.written: Callable[[str], Sequence[Completion] | None] = lambda key: None
        """Gives the gold turns before a decision, where somebody wrote them already: the model had no part in them."""
        self.seconds = 0.0
        self._prefixes: dict[str, tuple[Completion, ...]] = {}
        self._batch: object = None
        self._rewarded: Rewarded

    def functions(self, weights: Mapping[str, float]) -> list[Callable[..., list[float | None]]]:
        """A reward function for each scorer, named as it is. The first that is called does the work for all."""
        return [self._function(name) for name in weights]

    def score(self, key: str, completion_ids: Sequence[int], spans: Spans) -> tuple[Trajectory, dict[str, Score]]:
        """One completion's trajectory and scores.

        Raises:
            ScoresDiffer: see `replayed`.
        """
        trajectory = self.replayed(key, completion_ids, spans)
        return trajectory, self.rubric.score(self.prompts[key], trajectory)

    def replayed(self, key: str, completion_ids: Sequence[int], spans: Spans) -> Trajectory:
        """One completion, played again from its token ids.

        Raises:
            ScoresDiffer: the conversation does not end where the completion does: the world does not stand still.
        """
        case = self.prompts[key]
        turns = [self.renderer.completion(tuple(completion_ids[start:end]), ()) for start, end in spans]
        replay = _Turns(self.dialect, (*self._prefix(key, case), *turns))
        try:
            trajectory = _driven(case, replay, self.worlds[case.world], self.limits)
        except OutOfTurns:
            trajectory = None
        if trajectory is None or len(trajectory.steps) != case.prefix + len(turns):
            raise ScoresDiffer(
                f"case {key}: the conversation that was sampled has {len(turns)} turns of the model, and played again "
                "it ends elsewhere. A tool of the world does not give the same answers twice: make it depend on the "
                "case's facts alone."
            )
        return trajectory

    def _function(self, name: str) -> Callable[..., list[float | None]]:
        def reward(
            prompts: Sequence[str],
            completion_ids: Sequence[Sequence[int]],
            spans: Sequence[Spans],
            failed: Sequence[bool],
            trainer_state: Any,
            log_metric: Callable[[str, float], None],
            **columns: Any,
        ) -> list[float | None]:
            if completion_ids is not self._batch:
                self._rewarded = self._reward(trainer_state.global_step, prompts, completion_ids, spans, failed)
                self._batch = completion_ids
                for listener in self.listeners:
                    listener(self._rewarded, log_metric)
            return self._rewarded.values(name)

        reward.__name__ = name
        return reward

    def _reward(
        self,
        step: int,
        keys: Sequence[str],
        completion_ids: Sequence[Sequence[int]],
        spans: Sequence[Spans],
        failed: Sequence[bool],
    ) -> Rewarded:
        began = perf_counter()
        scores: list[Mapping[str, Score] | None] = []
        truncated = 0
        # Scoring is pure and the world stands still: of completions that are alike, one is scored.
        known: dict[tuple[str, tuple[int, ...]], tuple[bool, Mapping[str, Score] | None]] = {}
        for key, ids, turns, lost in zip(keys, completion_ids, spans, failed, strict=True):
            if lost:
                scores.append(None)
                continue
            alike = key, tuple(ids)
            if alike not in known:
                trajectory = self.replayed(key, ids, turns)
                known[alike] = is_truncated(trajectory), self._judged(step, key, trajectory)
            truncated += known[alike][0]
            scores.append(known[alike][1])
        if all(found is None for found in scores):
            raise InfrastructureError(f"no completion after step {step} could be scored: see the notes above")
        self.seconds = perf_counter() - began
        return Rewarded(step, tuple(keys), completion_ids, spans, tuple(scores), truncated, self.seconds)

    def _judged(self, step: int, key: str, trajectory: Trajectory) -> Mapping[str, Score] | None:
        try:
            return self.rubric.score(self.prompts[key], trajectory)
        except Exception as error:  # a scorer's own code crashed: an error shown apart, never a 0
            say(f"note: a scorer crashed on case {key} after step {step}: {type(error).__name__}: {error}")
            return None

    def _prefix(self, key: str, case: Case) -> tuple[Completion, ...]:
        """The gold turns before a decision, as the model's template writes them in this conversation."""
        if not case.prefix:
            return ()
        if (written := self.written(key)) is not None:
            return tuple(written)
        if key not in self._prefixes:
            writing = _Writing(self.dialect, self.renderer)
            with suppress(_Written):
                _driven(case, writing, self.worlds[case.world], self.limits)
            if len(self._prefixes) >= _REMEMBERED:
                del self._prefixes[next(iter(self._prefixes))]
            self._prefixes[key] = tuple(writing.written)
        return self._prefixes[key]


def is_truncated(trajectory: Trajectory) -> bool:
    """Whether a turn of it did not end within its tokens."""
    return any(defect.name is DefectName.TRUNCATED for step in trajectory.steps for defect in step.turn.defects)


def _driven(case: Case, policy: Policy, world: World, limits: Limits) -> Trajectory:
    """A rollout that waits for nothing."""
    playing = rollout(case, policy, world, Sampling(), limits)
    try:
        playing.send(None)
    except StopIteration as done:
        trajectory: Trajectory = done.value
        return trajectory
    raise AssertionError("a replayed rollout waits for nothing")


@dataclass(frozen=True, slots=True)
class _Turns:
    """A policy of turns that were written."""

    dialect: Dialect
    turns: Sequence[Completion]
    name: str = "completion ids"

    def describe(self) -> Mapping[str, Any]:
        return {}

    def converse(self, case: Case, sampling: Sampling) -> ReplayConversation:
        turns: Iterator[Completion] = iter(self.turns)
        return ReplayConversation(turns)

    async def aclose(self) -> None:
        """Nothing to release."""


class _Written(Exception):
    """The gold prefix is written; the model would speak now."""


@dataclass(slots=True)
class _Writing:
    """A policy that writes the gold prefix, on the road of every local model, and stops there."""

    dialect: Dialect
    renderer: Renderer
    written: list[Completion] = field(default_factory=list)
    name: str = "gold prefix"

    def describe(self) -> Mapping[str, Any]:
        return {}

    def converse(self, case: Case, sampling: Sampling) -> Conversation:
        transcript = Transcript(self.renderer, case.messages, case.toolset)
        return _WritingConversation(LocalConversation(transcript, _Silent(), sampling, None), self.written)

    async def aclose(self) -> None:
        """Nothing to release."""


@dataclass(frozen=True, slots=True)
class _WritingConversation:
    inner: LocalConversation
    written: list[Completion]

    async def complete(self, limit: int) -> Completion:
        return await self.inner.complete(limit)

    def write(self, message: Message) -> Completion:
        self.written.append(self.inner.write(message))
        return self.written[-1]

    def tell(self, turn: Turn, messages: Sequence[Message]) -> None:
        self.inner.tell(turn, messages)

    def close(self) -> None:
        self.inner.close()


class _Silent:
    """A session of no model."""

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        raise _Written

    def close(self) -> None:
        """Nothing to release."""
