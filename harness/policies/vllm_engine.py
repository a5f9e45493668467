"""Many conversations with one engine of vLLM in this process: `vllm.LLM`, ours or one that a trainer made.

A thread steps the engine for as long as turns are to be written, and it alone touches it. Turns join the batch when
they are asked for, between two steps, and leave it when they end. vLLM itself keeps what was read of a prompt.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from samescore.harness.errors import PolicyError
from samescore.harness.policies.local import no_room

JOIN_SECONDS = 30.0
"""How long a step may take to end when the engine is closed; one that hangs is left behind."""

_NUMBERS = count(1)


class Steppable(Protocol):
    """What is used of vLLM's `LLMEngine`: version 0.26 and 0.31 have it alike."""

    def add_request(self, request_id: str, prompt: Any, params: Any, *, lora_request: Any = None) -> object:
        """Have a completion of `prompt` written by the steps to come."""

    def step(self) -> Sequence[Any]:
        """One step of the whole batch; returns a `RequestOutput` for each request that ended with it."""

    def abort_request(self, request_ids: list[str]) -> None:
        """Let requests go."""


@dataclass(frozen=True, slots=True)
class Written:
    """A turn: its token ids, and the log-probability with which each was sampled, if that was asked for."""

    ids: tuple[int, ...]
    logprobs: tuple[float, ...] | None


@dataclass(slots=True, eq=False)
class _Turn:
    prompt: list[int]
    params: Any
    lora: Any
    request: str = field(default_factory=lambda: f"samescore-{next(_NUMBERS)}")
    future: Future[Written] = field(default_factory=Future)


class VllmSession:
    """One conversation. `logprobs` are those of the last turn, None unless the session was opened with them."""

    def __init__(self, engine: VllmEngine, lora: Any, logprobs: bool) -> None:
        self.logprobs: tuple[float, ...] | None = None
        self._engine = engine
        self._lora = lora
        self._wants_logprobs = logprobs
        self._turn: _Turn | None = None

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        """The ids of the next turn, of at most `limit` tokens, up to and with a token of the engine's `stop`.

        Temperature 0 is greedy; else every token is sampled from the whole distribution, with a generator of `seed`.

        Raises:
            PolicyError: the engine crashed or was closed, or the prompt leaves no room in its context.
        """
        room = min(limit, self._engine.context - len(prompt))
        if not prompt or room < 1:
            raise PolicyError(no_room(len(prompt), limit, self._engine.context))
        params = self._engine.sampling(room, temperature, seed, self._wants_logprobs)
        self._turn = _Turn(list(prompt), params, self._lora)
        self._engine._stepper.submit(self._turn)
        written = await asyncio.wrap_future(self._turn.future)
        self._turn, self.logprobs = None, written.logprobs
        return written.ids

    def close(self) -> None:
        """A turn in progress is dropped."""
        if self._turn is not None:
            self._turn.future.cancel()
            self._engine._stepper.wake()
            self._turn = None


class VllmEngine:
    """An `LLM` of vLLM that writes turns of many sessions at once.

    `stop` are the token ids that end a turn: these alone, whatever the model's own settings name. `llm` may be somebody
    else's: a trainer's colocated engine must be awake with its weights in place, on one GPU of its own, and nobody else
    may use it until `aclose`. `context` is the most tokens that it reads and writes.
    """

    def __init__(self, llm: Any, stop: Collection[int]) -> None:
        self.llm = llm
        self.context = int(llm.llm_engine.model_config.max_model_len)
        self._stop = sorted(stop)
        self._stepper = _Stepper(llm.llm_engine)

    def session(self, prefix: Sequence[int] = (), lora: Any = None, logprobs: bool = False) -> VllmSession:
        """A new conversation, with the adapter of a `LoRARequest` or none.

        `prefix` is what other engines need to be told of shared prompts; vLLM finds it out.
        """
        return VllmSession(self, lora, logprobs)

    async def aclose(self) -> None:
        """Stop stepping. Turns in progress fail, and nothing of them stays in the engine."""
        self._stepper.close()
        await asyncio.to_thread(self._stepper.join)

    def sampling(self, limit: int, temperature: float, seed: int, logprobs: bool) -> Any:
        """vLLM's parameters of a turn.

        `ignore_eos` is of the model's own end tokens: `stop_token_ids` end a turn all the same. There is no top-p or
        top-k, so log-probabilities are those of the whole distribution.
        """
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            temperature=temperature,
            seed=seed if temperature > 0 else None,
            max_tokens=limit,
            stop_token_ids=self._stop,
            ignore_eos=True,
            logprobs=0 if logprobs else None,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )


class _Stepper:
    """The thread, and what it is asked for."""

    def __init__(self, engine: Steppable) -> None:
        self._engine = engine
        self._inbox: list[_Turn] = []
        self._writing: dict[str, _Turn] = {}
        self._changed = threading.Condition()
        self._closed: PolicyError | None = None
        self._stream = _current_stream()
        self._thread = threading.Thread(target=self._run, name="samescore-vllm", daemon=True)
        self._thread.start()

    def submit(self, turn: _Turn) -> None:
        """Ask for a turn.

        Raises:
            PolicyError: the engine was closed, or crashed.
        """
        with self._changed:
            if self._closed is not None:
                raise self._closed
            self._inbox.append(turn)
            self._changed.notify()

    def wake(self) -> None:
        """A turn was cancelled: the engine may be stepping for nothing."""
        with self._changed:
            self._changed.notify()

    def close(self) -> None:
        """Stop. Turns in progress fail."""
        with self._changed:
            self._closed = self._closed or PolicyError("the model was closed while a conversation was still going on")
            self._changed.notify()

    def join(self) -> None:
        """Wait until it stopped."""
        self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        try:
            _use_stream(self._stream)
            while self._collect():
                for output in self._engine.step():
                    self._finish(output)
            self._engine.abort_request(list(self._writing))
        except Exception as error:
            crash = PolicyError(_crashed(error))
            crash.__cause__ = error
            with self._changed:
                self._closed = crash
            with suppress(Exception):  # what is left of an engine that is not ours should not hold our requests
                self._engine.abort_request(list(self._writing))
        assert self._closed is not None
        for turn in [*self._writing.values(), *self._inbox]:
            _settle(turn, self._closed)

    def _collect(self) -> bool:
        """Take in what was asked for and let go what was cancelled, waiting when there is nothing to write.

        False when the engine was closed.
        """
        while True:
            with self._changed:
                while not (self._inbox or self._writing or self._closed):
                    self._changed.wait()
                if self._closed is not None:
                    return False
                inbox, self._inbox = self._inbox, []
            for turn in inbox:
                self._begin(turn)
            if cancelled := [turn.request for turn in self._writing.values() if turn.future.cancelled()]:
                self._engine.abort_request(cancelled)
                for request in cancelled:
                    del self._writing[request]
            if self._writing:
                return True

    def _begin(self, turn: _Turn) -> None:
        if turn.future.cancelled():
            return
        self._writing[turn.request] = turn
        prompt = {"type": "token", "prompt_token_ids": turn.prompt}
        try:
            self._engine.add_request(turn.request, prompt, turn.params, lora_request=turn.lora)
        except ValueError as error:  # this turn is refused; the engine is sound
            del self._writing[turn.request]
            _settle(turn, PolicyError(f"vLLM refuses a turn: {_first_line(error)}"))

    def _finish(self, output: Any) -> None:
        turn = self._writing.pop(output.request_id, None) if output.finished else None
        if turn is None:  # cancelled between two steps
            return
        (completion,) = output.outputs
        ids, logprobs = tuple(completion.token_ids), completion.logprobs
        if completion.finish_reason not in ("stop", "length"):
            reason = f"vLLM gave up a turn after {len(ids)} tokens: {completion.finish_reason}"
            _settle(turn, PolicyError(f"{reason}. Start the run again to resume it."))
            return
        if logprobs is not None:
            logprobs = tuple(float(at[token].logprob) for at, token in zip(logprobs, ids, strict=True))
        _settle(turn, Written(ids, logprobs))


def _settle(turn: _Turn, result: Written | PolicyError) -> None:
    """Give a turn its result, unless the one who waited went away."""
    if not turn.future.set_running_or_notify_cancel():
        return
    if isinstance(result, PolicyError):
        turn.future.set_exception(result)
    else:
        turn.future.set_result(result)


def _current_stream() -> Any:
    """The CUDA stream of this thread, where the engine computes in this process; None where it has its own.

    The stepping thread uses the same one: weights that a trainer wrote before are then read after, and a process that
    drives the second GPU does not start kernels on the first.
    """
    import torch

    begun = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return torch.cuda.current_stream() if begun else None


def _use_stream(stream: Any) -> None:
    import torch

    if stream is not None:
        torch.cuda.set_stream(stream)


def _crashed(error: Exception) -> str:
    line = _first_line(error)
    memory = "memory" in line.lower()
    advice = "Lower --concurrency, or give vLLM less to hold." if memory else "Start the run again to resume it."
    return f"vLLM crashed: {type(error).__name__}: {line} {advice}"


def _first_line(error: Exception) -> str:
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return line if line.endswith(".") else f"{line}."
