"""One thread of the engine: it reads prompts and writes turns, a token of each at a time."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from samescore.harness.errors import PolicyError
from samescore.harness.policies.engine_runner import Row, Runner
from samescore.harness.policies.engine_sampling import draw
from samescore.harness.policies.local import no_room

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(slots=True, eq=False)
class Track:
    """A conversation as its worker knows it: the tokens that the model has read, and where their keys lie."""

    row: Row
    read: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Request:
    """A turn to be written: at most `limit` tokens after `prompt`. Temperature 0 is greedy."""

    track: Track
    prompt: Sequence[int]
    limit: int
    temperature: float
    uniform: random.Random
    future: Future[tuple[int, ...]] = field(default_factory=Future)
    ids: list[int] = field(default_factory=list)


class Worker:
    """A thread with a runner of its own. `stop` are the tokens that end a turn, `context` the most tokens of a prompt.

    `threads` is how many CPU threads torch may use in it.
    """

    def __init__(self, runner: Runner, stop: Collection[int], slots: int, context: int | None, threads: int) -> None:
        self._runner = runner
        self._stop = frozenset(stop)
        self._context = context
        self._threads = threads
        self._free = list(range(slots))
        self._waiting: deque[Request] = deque()
        self._writing: list[Request] = []
        self._idle: dict[Track, None] = {}  # conversations that hold a slot and wait for the world, oldest first
        self._inbox: list[Request | Track] = []
        self._wake = threading.Condition()
        self._closed: PolicyError | None = None
        self._thread = threading.Thread(target=self._run, name="samescore-engine", daemon=True)
        self._thread.start()

    def submit(self, item: Request | Track) -> None:
        """Ask for a turn, or let a conversation go.

        Raises:
            PolicyError: the worker was closed, or the model crashed.
        """
        with self._wake:
            if self._closed is None:
                self._inbox.append(item)
                self._wake.notify()
            elif isinstance(item, Request):
                raise self._closed

    def close(self) -> None:
        """Stop. Turns in progress fail."""
        with self._wake:
            self._closed = self._closed or PolicyError("the model was closed while a conversation was still going on")
            self._wake.notify()

    def join(self) -> None:
        """Wait until it stopped."""
        self._thread.join()

    def _run(self) -> None:
        try:
            torch.set_num_threads(self._threads)
            with torch.inference_mode():
                while self._collect():
                    self._advance()
        except Exception as error:
            crash = PolicyError(_advice(error))
            crash.__cause__ = error
            with self._wake:
                self._closed = crash
        assert self._closed is not None
        left = [*self._writing, *self._waiting, *(item for item in self._inbox if isinstance(item, Request))]
        for request in left:
            _settle(request.future, self._closed)

    def _collect(self) -> bool:
        """Take in what was submitted, waiting when there is nothing to do. False when the worker was closed."""
        with self._wake:
            while not (self._inbox or self._writing or self._waiting or self._closed):
                self._wake.wait()
            if self._closed is not None:
                return False
            inbox, self._inbox = self._inbox, []
        for item in inbox:
            if isinstance(item, Request):
                self._waiting.append(item)
            else:
                self._forget(item)
        return True

    def _forget(self, track: Track) -> None:
        for request in [request for request in (*self._writing, *self._waiting) if request.track is track]:
            request.future.cancel()
            (self._writing if request in self._writing else self._waiting).remove(request)
        self._idle.pop(track, None)
        if track.row.slot is not None:
            self._free.append(track.row.slot)
        self._runner.release(track.row)

    def _advance(self) -> None:
        """Let waiting turns begin, first come first served, then write one token of each turn."""
        while self._waiting and self._seat(self._waiting[0].track):
            self._begin(self._waiting.popleft())
        for request in [request for request in self._writing if request.future.cancelled()]:
            self._writing.remove(request)
            self._idle[request.track] = None
        if self._writing:
            self._move_up()
            writing = list(self._writing)
            logits = self._runner.write([request.track.row for request in writing], [r.ids[-1] for r in writing])
            for request in writing:
                request.track.read.append(request.ids[-1])
            self._sample(writing, logits)

    def _seat(self, track: Track) -> bool:
        """Whether the conversation has a slot now; of those that are idle, the first to have become so gives up its."""
        if track.row.slot is None:
            if not self._free and self._idle:
                idlest = next(iter(self._idle))
                del self._idle[idlest]
                self._vacate(idlest.row)
            if not self._free:
                return False
            self._occupy(track.row)
        self._idle.pop(track, None)
        return True

    def _move_up(self) -> None:
        """Let the conversation in the highest slot take a lower one that is free: steps with fewer rows are shorter."""
        highest = max((request.track.row for request in self._writing), key=lambda row: row.slot or 0)
        assert highest.slot is not None
        if self._free and min(self._free) < len(self._writing) <= highest.slot:
            self._vacate(highest)
            self._occupy(highest)

    def _occupy(self, row: Row) -> None:
        slot = min(self._free)
        self._free.remove(slot)
        self._runner.admit(row, slot)

    def _vacate(self, row: Row) -> None:
        assert row.slot is not None
        self._free.append(row.slot)
        self._runner.evict(row)

    def _begin(self, request: Request) -> None:
        """Read what is new of a prompt, and sample the first token."""
        track, prompt = request.track, request.prompt
        self._writing.append(request)
        room = request.limit if self._context is None else min(request.limit, self._context - len(prompt))
        if not prompt or room < 1:
            self._finish(request, PolicyError(no_room(len(prompt), request.limit, self._context)))
            return
        request.limit = room
        kept = self._runner.truncate(track.row, min(_common(track.read, prompt), len(prompt) - 1))
        logits = self._runner.read(track.row, prompt[kept:])
        track.read = list(prompt)
        self._sample([request], logits[None])

    def _sample(self, requests: Sequence[Request], logits: Tensor) -> None:
        greedy = logits.argmax(dim=-1).tolist()
        for index, request in enumerate(requests):
            token = greedy[index]
            if request.temperature > 0:
                token = draw(logits[index], request.temperature, request.uniform.random())
            request.ids.append(token)
            if token in self._stop or len(request.ids) >= request.limit:
                self._finish(request, tuple(request.ids))

    def _finish(self, request: Request, result: tuple[int, ...] | PolicyError) -> None:
        self._writing.remove(request)
        self._idle[request.track] = None
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
    pairs = enumerate(zip(read, prompt, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(read), len(prompt)))


def _advice(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0]
    memory = isinstance(error, torch.OutOfMemoryError | MemoryError) or "memory" in first.lower()
    advice = "Use fewer slots, or a smaller model." if memory else "Start the run again to resume it."
    return f"the model crashed: {type(error).__name__}: {first} {advice}"
