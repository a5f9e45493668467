"""The engine: many conversations with one local model, decoded together.

A `Session` is a conversation: `generate` hands its prompt over and waits for the turn. Whatever sessions wait are
decoded in one batch, which they join and leave between two tokens. What a session has read stays cached; of its next
prompt only the tokens that are new are read. A slot of the batch is needed only while a turn is written: when others
wait, the session that was idle longest gives up its slot, its cache put aside. So there may be any number of sessions,
and a few more than slots keep the batch full.

A small model on a CPU gets a worker thread a core, each with slots of its own: two batches side by side are a third
faster than one whose every operation is spread over both cores. Everything else gets one worker.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import torch

from samescore.harness.policies.engine_runner import Row, Runner, context_of, runner_for
from samescore.harness.policies.engine_worker import Request, Track, Worker

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_SMALL = 64 * 2**20  # bytes of weights that stay in a CPU's cache
_MOST_WORKERS = 4  # beyond, they wait for Python


class Session:
    """One conversation with the engine's model."""

    def __init__(self, engine: Engine, prefix: Sequence[int]) -> None:
        self._engine = engine
        self._track = Track(Row(wanted=tuple(prefix)))
        self._worker: int | None = None

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        """The ids of the next turn, of at most `limit` tokens; it stops after a token of the engine's `stop`.

        Temperature 0 is greedy; else one uniform number a token, drawn from `seed`, decides.

        Raises:
            PolicyError: the model crashed, or the prompt leaves no room in its context.
        """
        if self._worker is None:
            self._worker = self._engine._assign()
        request = Request(self._track, prompt, limit, temperature, random.Random(seed))
        self._engine._workers[self._worker].submit(request)
        return await asyncio.wrap_future(request.future)

    def close(self) -> None:
        """Give up its slot and cache. A turn in progress is dropped."""
        if self._worker is not None:
            self._engine._workers[self._worker].submit(self._track)
            self._engine._open[self._worker] -= 1
            self._worker = None


class Engine:
    """A local model that writes turns of many sessions at once.

    `stop` are the token ids that end a turn. `slots` is how many turns are written together, by all workers. `tried`
    is that of a former engine of the same model: how it is to be run is then known, and is not tried again. What that
    engine read is not in it, so that a model in training gets a new engine whenever its weights changed.
    """

    def __init__(
        self, model: PreTrainedModel, stop: Collection[int], slots: int = 32, tried: Runner | None = None
    ) -> None:
        self.model = model
        count, threads = _split(model)
        each = -(-slots // count)
        runner = runner_for(model, each) if tried is None else tried.twin()
        runners = [runner, *(runner.twin() for _ in range(count - 1))]
        self.tried = runner.twin()
        self.kind = runner.kind
        self.context = context_of(model)
        self._workers = [Worker(runner, stop, each, self.context, threads) for runner in runners]
        self._open = [0] * count

    def session(self, prefix: Sequence[int] = ()) -> Session:
        """A new conversation. Sessions that declare the same `prefix` share what the model read of it."""
        return Session(self, prefix)

    async def aclose(self) -> None:
        """Stop the workers. Turns in progress fail."""
        for worker in self._workers:
            worker.close()
        for worker in self._workers:
            await asyncio.to_thread(worker.join)

    def _assign(self) -> int:
        """The worker with the fewest conversations gets one more."""
        chosen = min(range(len(self._open)), key=self._open.__getitem__)
        self._open[chosen] += 1
        return chosen


def _split(model: PreTrainedModel) -> tuple[int, int]:
    """How many workers, and CPU threads for each."""
    threads = torch.get_num_threads()
    small = sum(weight.nbytes for weight in model.parameters()) <= _SMALL
    workers = min(threads, _MOST_WORKERS) if small and model.device.type == "cpu" else 1
    return workers, threads // workers
