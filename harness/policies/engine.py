"""The engine: many conversations with one local model, decoded together.

The model runs in one thread. A `Session` is a conversation: `generate` hands its prompt over and waits for the turn.
Whatever sessions wait are decoded in one batch, which they join and leave between two tokens. What a session has read
stays cached; of its next prompt only the tokens that are new are read. A slot of the batch is needed only while a
turn is written: when others wait, the session that was idle longest gives up its slot, its cache put aside. So there
may be any number of sessions, and a few more than slots keep the batch full.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import deque
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from samescore.harness.errors import PolicyError
from samescore.harness.policies.engine_runner import Row, context_of, runner_for
from samescore.harness.policies.engine_sampling import draw

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@dataclass(slots=True, eq=False)
class _Request:
    session: Session
    prompt: Sequence[int]
    limit: int
    temperature: float
    uniform: random.Random
    future: Future[tuple[int, ...]] = field(default_factory=Future)
    ids: list[int] = field(default_factory=list)


class Session:
    """One conversation with the engine's model."""

    def __init__(self, engine: Engine, prefix: Sequence[int]) -> None:
        self._engine = engine
        self._row = Row(wanted=tuple(prefix))
        self._read: list[int] = []

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        """The ids of the next turn, of at most `limit` tokens; it stops after a token of the engine's `stop`.

        Temperature 0 is greedy; else one uniform number a token, drawn from `seed`, decides.

        Raises:
            PolicyError: the model crashed, or the prompt leaves no room in its context.
        """
        request = _Request(self, prompt, limit, temperature, random.Random(seed))
        self._engine._submit(request)
        return await asyncio.wrap_future(request.future)

    def close(self) -> None:
        """Give up its slot and cache. A turn in progress is dropped."""
        self._engine._submit(self)


class Engine:
    """A local model that writes turns of many sessions at once.

    `stop` are the token ids that end a turn. `slots` is how many turns are written together.
    """

    def __init__(self, model: PreTrainedModel, stop: Collection[int], slots: int = 32) -> None:
        self.model = model
        self._runner = runner_for(model, slots)
        self._stop = frozenset(stop)
        self._context = context_of(model)
        self._slots = slots
        self._free = list(range(slots - 1, -1, -1))
        self._waiting: deque[_Request] = deque()
        self._writing: list[_Request] = []
        self._idle: dict[Session, None] = {}  # sessions that hold a slot and wait for the world, oldest first
        self._inbox: list[_Request | Session] = []
        self._wake = threading.Condition()
        self._closed: PolicyError | None = None
        self._thread = threading.Thread(target=self._run, name="samescore-engine", daemon=True)
        self._thread.start()

    @property
    def kind(self) -> str:
        """How the model runs: `batched`, or `plain: why`."""
        return self._runner.kind

    def session(self, prefix: Sequence[int] = ()) -> Session:
        """A new conversation. Sessions that declare the same `prefix` share what the model read of it."""
        return Session(self, prefix)

    async def aclose(self) -> None:
        """Stop the thread. Turns in progress fail."""
        with self._wake:
            self._closed = self._closed or PolicyError("the model was closed while a conversation was still going on")
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)

    def _submit(self, item: _Request | Session) -> None:
        with self._wake:
            if self._closed is None:
                self._inbox.append(item)
                self._wake.notify()
            elif isinstance(item, _Request):
                raise self._closed

    # The thread.

    def _run(self) -> None:
        try:
            with torch.inference_mode():
                while self._collect():
                    self._advance()
        except Exception as error:
            crash = PolicyError(_advice(error, self._slots))
            crash.__cause__ = error
            with self._wake:
                self._closed = crash
        assert self._closed is not None
        left = [*self._writing, *self._waiting, *(item for item in self._inbox if isinstance(item, _Request))]
        for request in left:
            _settle(request.future, self._closed)

    def _collect(self) -> bool:
        """Take in what was submitted, waiting when there is nothing to do. False when the engine was closed."""
        with self._wake:
            while not (self._inbox or self._writing or self._waiting or self._closed):
                self._wake.wait()
            if self._closed is not None:
                return False
            inbox, self._inbox = self._inbox, []
        for item in inbox:
            if isinstance(item, _Request):
                self._waiting.append(item)
            else:
                self._forget(item)
        return True

    def _forget(self, session: Session) -> None:
        self._writing = [request for request in self._writing if request.session is not session]
        self._waiting = deque(request for request in self._waiting if request.session is not session)
        self._idle.pop(session, None)
        if session._row.slot is not None:
            self._free.append(session._row.slot)
        self._runner.release(session._row)

    def _advance(self) -> None:
        """Let waiting turns begin, first come first served, then write one token of each turn."""
        while self._waiting and self._seat(self._waiting[0].session):
            self._begin(self._waiting.popleft())
        for request in [request for request in self._writing if request.future.cancelled()]:
            self._writing.remove(request)
            self._idle[request.session] = None
        if self._writing:
            writing = list(self._writing)
            logits = self._runner.write([r.session._row for r in writing], [r.ids[-1] for r in writing])
            for request in writing:
                request.session._read.append(request.ids[-1])
            self._sample(writing, logits)

    def _seat(self, session: Session) -> bool:
        """Whether the session has a slot now."""
        if session._row.slot is None:
            if not self._free and self._idle:
                idlest = next(iter(self._idle))
                del self._idle[idlest]
                assert idlest._row.slot is not None
                self._free.append(idlest._row.slot)
                self._runner.evict(idlest._row)
            if not self._free:
                return False
            self._free.sort(reverse=True)
            self._runner.admit(session._row, self._free.pop())
        self._idle.pop(session, None)
        return True

    def _begin(self, request: _Request) -> None:
        """Read what is new of a prompt, and sample the first token."""
        session, prompt = request.session, request.prompt
        self._writing.append(request)
        room = request.limit if self._context is None else min(request.limit, self._context - len(prompt))
        if not prompt or room < 1:
            self._finish(request, PolicyError(_no_room(len(prompt), request.limit, self._context)))
            return
        request.limit = room
        same = _common(session._read, prompt)
        kept = self._runner.truncate(session._row, min(same, len(prompt) - 1))
        logits = self._runner.read(session._row, prompt[kept:])
        session._read = list(prompt)
        self._sample([request], logits[None])

    def _sample(self, requests: Sequence[_Request], logits: Tensor) -> None:
        greedy = logits.argmax(dim=-1).tolist()
        for index, request in enumerate(requests):
            token = greedy[index]
            if request.temperature > 0:
                token = draw(logits[index], request.temperature, request.uniform.random())
            request.ids.append(token)
            if token in self._stop or len(request.ids) >= request.limit:
                self._finish(request, tuple(request.ids))

    def _finish(self, request: _Request, result: tuple[int, ...] | PolicyError) -> None:
        self._writing.remove(request)
        self._idle[request.session] = None
        _settle(request.future, result)


def _settle(future: Future[tuple[int, ...]], result: tuple[int, ...] | PolicyError) -> None:
    """Give a future its result, unless the one who waited went away."""
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(result, PolicyError):
        future.set_exception(result)
    else:
        future.set_result(result)


def _common(read: Sequence[int], prompt: Sequence[int]) -> int:
    """How many tokens two sequences begin with in common."""
    if list(prompt[: len(read)]) == list(read):
        return len(read)
    return next((i for i, (a, b) in enumerate(zip(read, prompt, strict=False)) if a != b), min(len(read), len(prompt)))


def _no_room(prompt: int, limit: int, context: int | None) -> str:
    if context is None or not prompt or limit < 1:
        return f"a turn needs a prompt and a limit of at least one token; found {prompt} tokens and a limit of {limit}"
    return (
        f"the prompt has {prompt} tokens and the model's context only {context}: no room for a turn. Use shorter tools "
        "or procedures, or a model with a longer context."
    )


def _advice(error: Exception, slots: int) -> str:
    first = (str(error).splitlines() or [""])[0]
    memory = isinstance(error, torch.OutOfMemoryError | MemoryError) or "memory" in first.lower()
    advice = f"Use fewer slots than {slots}, or a smaller model." if memory else "Start the run again to resume it."
    return f"the model crashed: {type(error).__name__}: {first} {advice}"
