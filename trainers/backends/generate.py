"""Turns written by a model's own `generate`, for models whose forward pass the engine of evaluation cannot use.

Turns that are asked for together are written together where their prompts are of one length: then nothing is padded,
and every row is what it would be alone. A token is drawn as the engine draws it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from samescore.harness.errors import PolicyError
from samescore.harness.policies.local import no_room

if TYPE_CHECKING:
    from torch import Tensor

ROWS = 64  # turns written together


@dataclass(slots=True, eq=False)
class _Turn:
    prompt: Sequence[int]
    limit: int
    temperature: float
    uniform: random.Random
    future: asyncio.Future[tuple[int, ...]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class GenerateWriter:
    """A model in training that writes turns by `generate`.

    `stop` are the tokens that end a turn, `context` the most that it reads and writes. `infer` and `resume` set the
    model to writing and back to training.
    """

    def __init__(
        self,
        model: Any,
        stop: Collection[int],
        context: int | None,
        infer: Callable[[], object],
        resume: Callable[[], object],
    ) -> None:
        self.context = context
        self._model = model
        self._stop = frozenset(stop)
        self._infer = infer
        self._resume = resume
        self._trained = False
        self._waiting: list[_Turn] = []
        self._writing: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Switch to writing."""
        self._trained = self._model.training
        self._infer()

    def session(self, prefix: Sequence[int] = ()) -> GenerateSession:
        """A new conversation. Nothing is kept of what it read."""
        return GenerateSession(self)

    def end(self) -> None:
        """Set the model back."""
        if self._trained:
            self._resume()
            self._trained = False

    def close(self) -> None:
        """Nothing more is held."""
        self.end()

    async def write(self, turn: _Turn) -> tuple[int, ...]:
        """The ids of a turn, once it has been written with others.

        Raises:
            PolicyError: the model crashed.
        """
        self._waiting.append(turn)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await turn.future

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self._all_asked()
                self._write_some()
        finally:
            self._writing = None

    async def _all_asked(self) -> None:
        """Wait until every conversation that can go on has asked for its turn."""
        known = -1
        while known != len(self._waiting):
            known = len(self._waiting)
            await asyncio.sleep(0)

    def _write_some(self) -> None:
        """Write the turns of the length that most of them have."""
        lengths = Counter(len(turn.prompt) for turn in self._waiting)
        most = min(lengths, key=lambda length: (-lengths[length], length))
        batch = [turn for turn in self._waiting if len(turn.prompt) == most][:ROWS]
        self._waiting = [turn for turn in self._waiting if turn not in batch]
        try:
            written = generate(self._model, batch, self._stop)
        except Exception as error:  # whatever it was, those who wait must hear of it
            line = (str(error).splitlines() or [type(error).__name__])[0]
            crash = PolicyError(f"the model crashed: {type(error).__name__}: {line}")
            for turn in batch:
                if not turn.future.done():
                    turn.future.set_exception(crash)
            return
        for turn, ids in zip(batch, written, strict=True):
            if not turn.future.done():
                turn.future.set_result(ids)


class GenerateSession:
    """A conversation. It does not say probabilities."""

    logprobs = None

    def __init__(self, writer: GenerateWriter) -> None:
        self._writer = writer
        self._turn: _Turn | None = None

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        """The ids of the next turn.

        Raises:
            PolicyError: the model crashed, or the prompt leaves no room in its context.
        """
        room = limit if self._writer.context is None else min(limit, self._writer.context - len(prompt))
        if not prompt or room < 1:
            raise PolicyError(no_room(len(prompt), limit, self._writer.context))
        self._turn = _Turn(prompt, room, temperature, random.Random(seed))
        return await self._writer.write(self._turn)

    def close(self) -> None:
        """A turn in progress is dropped."""
        if self._turn is not None:
            self._turn.future.cancel()


def generate(model: Any, turns: Sequence[_Turn], stop: frozenset[int]) -> list[tuple[int, ...]]:
    """The turns' ids, each up to and with a token of `stop`, at most its limit. The prompts are of one length."""
    import torch
    from transformers import GenerationConfig

    base = model.get_base_model()
    own = base.generation_config
    # What a model's own settings say of penalties and the like is no business of evaluation either.
    base.generation_config = GenerationConfig()
    try:
        with torch.no_grad():
            out = model.generate(
                input_ids=(ids := torch.tensor([list(turn.prompt) for turn in turns], device=base.device)),
                attention_mask=torch.ones_like(ids),
                max_new_tokens=max(turn.limit for turn in turns),
                do_sample=False,
                eos_token_id=sorted(stop),
                pad_token_id=min(stop),
                logits_processor=[_Draw(turns, ids.shape[1], stop)],
                stopping_criteria=[_Limits(turns, ids.shape[1])],
            )
    finally:
        base.generation_config = own
    written = out[:, ids.shape[1] :].tolist()
    return [_turn_of(row[: turn.limit], stop) for row, turn in zip(written, turns, strict=True)]


def _turn_of(ids: Sequence[int], stop: frozenset[int]) -> tuple[int, ...]:
    end = next((index for index, token in enumerate(ids) if token in stop), len(ids) - 1)
    return tuple(ids[: end + 1])


class _Draw:
    """Leaves of each row's logits the token that is drawn, which a greedy `generate` then takes."""

    def __init__(self, turns: Sequence[_Turn], start: int, stop: frozenset[int]) -> None:
        self._turns, self._start, self._stop = turns, start, stop

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        from samescore.harness.policies.engine_sampling import draw

        written = input_ids.shape[1] - self._start
        last = input_ids[:, -1].tolist()
        chosen = scores.new_full(scores.shape, float("-inf"))
        for row, turn in enumerate(self._turns):
            if written >= turn.limit or (written and last[row] in self._stop):
                token = 0  # this turn has ended; what is written after it is cut off
            elif turn.temperature > 0:
                token = draw(scores[row], turn.temperature, turn.uniform.random())
            else:
                token = int(scores[row].argmax())
            chosen[row, token] = 0.0
        return chosen


class _Limits:
    """Ends a row at its own limit."""

    def __init__(self, turns: Sequence[_Turn], start: int) -> None:
        self._turns, self._start = turns, start

    def __call__(self, input_ids: Tensor, scores: Tensor, **others: Any) -> Tensor:
        import torch

        written = input_ids.shape[1] - self._start
        return torch.tensor([written >= turn.limit for turn in self._turns], device=input_ids.device)
