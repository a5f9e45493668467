"""What we use of vLLM, over a small model of Transformers on the CPU: its tokens are real, only slow.

It keeps to vLLM 0.26 and 0.31 in what matters here: names and defaults of parameters, what ends a completion and in
which order it is asked, that the token which ends it is returned, that requests are refused with ValueError, and that
an aborted request is never heard of again. It is stricter in one point: it is an error that a second thread touches the
engine while requests are under way. `tests/test_vllm_policy.py` compares its signatures with vLLM's where vLLM is
installed.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


class RequestOutputKind(Enum):
    """Of vLLM."""

    CUMULATIVE = 0
    DELTA = 1
    FINAL_ONLY = 2


@dataclass
class SamplingParams:
    """Of vLLM, as far as we use it."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    logprobs: int | None = None
    detokenize: bool = True
    output_kind: RequestOutputKind = RequestOutputKind.CUMULATIVE

    def __post_init__(self) -> None:
        if self.max_tokens is None or self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, got {self.max_tokens}.")


@dataclass(frozen=True)
class LoRARequest:
    """Of vLLM."""

    lora_name: str
    lora_int_id: int
    lora_path: str


@dataclass(frozen=True)
class Logprob:
    """Of vLLM."""

    logprob: float


@dataclass
class Request:
    """A completion that is being written."""

    name: str
    prompt: list[int]
    params: SamplingParams
    lora: LoRARequest | None
    generator: torch.Generator | None
    cache: Any = None
    ids: list[int] = field(default_factory=list)
    logprobs: list[dict[int, Logprob]] = field(default_factory=list)


class LLMEngine:
    """One token of every request a step. `seen` are the prompts as they came in; `crash` is raised by the next step."""

    def __init__(self, model: Any, eos: int, max_lora_rank: int | None) -> None:
        self.model_config = SimpleNamespace(max_model_len=model.config.max_position_embeddings)
        self.engine_core = SimpleNamespace(shutdown=self._shut_down)
        self.crash: Exception | None = None
        self.finish_reason: str | None = None  # instead of the proper one
        self.gate = threading.Event()  # steps wait for it
        self.gate.set()
        self.seen: list[list[int]] = []
        self.params: list[SamplingParams] = []
        self.batches: list[int] = []
        self.aborted: list[str] = []
        self.shut_down = False
        self._model, self._eos, self._rank = model, eos, max_lora_rank
        self._loras: dict[int, Any] = {}
        self._running: dict[str, Request] = {}
        self._thread: threading.Thread | None = None

    def add_lora(self, lora_request: LoRARequest) -> bool:
        """Load an adapter, not merged."""
        if self._rank is None:
            raise RuntimeError("LoRA is not enabled.")
        if lora_request.lora_int_id not in self._loras:
            config = AutoModelForCausalLM.from_pretrained(self._model.name_or_path, dtype=torch.float32)
            lora = PeftModel.from_pretrained(config, lora_request.lora_path)
            rank = lora.peft_config["default"].r
            if rank > self._rank:
                raise ValueError(f"LoRA rank {rank} is greater than max_lora_rank {self._rank}.")
            self._loras[lora_request.lora_int_id] = lora.eval()
        return True

    def add_request(
        self,
        request_id: str,
        prompt: dict[str, Any],
        params: SamplingParams,
        arrival_time: float | None = None,
        lora_request: LoRARequest | None = None,
    ) -> str:
        """Take in a request."""
        self._alone()
        assert prompt["type"] == "token" and params.output_kind is RequestOutputKind.FINAL_ONLY
        ids = prompt["prompt_token_ids"]
        if len(ids) >= self.model_config.max_model_len:
            raise ValueError(f"The decoder prompt (length {len(ids)}) is longer than the maximum model length.")
        if max(ids) >= self._model.config.vocab_size:
            raise ValueError(f"Token id {max(ids)} is out of vocabulary")
        if lora_request is not None:
            self.add_lora(lora_request)
        generator = None if params.seed is None else torch.Generator().manual_seed(params.seed)
        assert request_id not in self._running, "names of requests are not reused"
        self._running[request_id] = Request(request_id, list(ids), params, lora_request, generator)
        self.seen.append(list(ids))
        self.params.append(params)
        return f"{request_id}-0a1b2c3d"

    def abort_request(self, request_ids: list[str]) -> None:
        """Forget requests; unknown ones are nothing."""
        self._alone()
        for name in request_ids:
            if self._running.pop(name, None) is not None:
                self.aborted.append(name)

    @torch.inference_mode()
    def step(self) -> list[SimpleNamespace]:
        """A token for each; the outputs of those that ended."""
        self._alone()
        assert self._running, "vLLM would wait for ever"
        self.gate.wait()
        if self.crash is not None:
            raise self.crash
        self.batches.append(len(self._running))
        ended = []
        for request in list(self._running.values()):
            self._write(request)
            if reason := self._ended(request):
                del self._running[request.name]
                ended.append(_output(request, self.finish_reason or reason))
        return ended

    def _write(self, request: Request) -> None:
        model = self._model if request.lora is None else self._loras[request.lora.lora_int_id]
        unread = request.ids[-1:] or request.prompt
        read = model(torch.tensor([unread]), past_key_values=request.cache, use_cache=True)
        request.cache, logits = read.past_key_values, read.logits[0, -1].float()
        temperature = request.params.temperature
        shares = torch.log_softmax(logits / (temperature or 1.0), dim=-1)
        if temperature > 0:
            token = int(torch.multinomial(shares.exp(), 1, generator=request.generator))
        else:
            token = int(shares.argmax())
        request.ids.append(token)
        if request.params.logprobs is not None:
            request.logprobs.append({token: Logprob(float(shares[token]))})

    def _ended(self, request: Request) -> str | None:
        params, last = request.params, request.ids[-1]
        if (last == self._eos and not params.ignore_eos) or last in (params.stop_token_ids or ()):
            return "stop"
        written = len(request.ids)
        full = len(request.prompt) + written >= self.model_config.max_model_len
        return "length" if full or written >= (params.max_tokens or 0) else None

    def _alone(self) -> None:
        if not self._running:
            self._thread = threading.current_thread()
        assert self._thread is threading.current_thread(), "a second thread touches the engine"

    def _shut_down(self) -> None:
        self.shut_down = True


def _output(request: Request, reason: str) -> SimpleNamespace:
    logprobs = request.logprobs if request.params.logprobs is not None else None
    completion = SimpleNamespace(token_ids=request.ids, logprobs=logprobs, finish_reason=reason)
    return SimpleNamespace(
        request_id=request.name, prompt_token_ids=request.prompt, outputs=[completion], finished=True
    )


class LLM:
    """Of vLLM. `made` are all that were made since the double was installed."""

    made: list[LLM]
    broken: Exception | None  # what loading raises
    crash: Exception | None  # what the first step raises

    def __init__(
        self,
        model: str,
        *,
        dtype: str = "auto",
        seed: int = 0,
        generation_config: str = "auto",
        gpu_memory_utilization: float = 0.92,
        max_model_len: int | None = None,
        enable_prefix_caching: bool | None = None,
        enable_lora: bool = False,
        max_loras: int = 1,
        max_cpu_loras: int | None = None,
        max_lora_rank: int = 16,
    ) -> None:
        if self.broken is not None:
            raise self.broken
        self.options = {name: value for name, value in locals().items() if name != "self"}
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
        eos = loaded.generation_config.eos_token_id
        first = eos[0] if isinstance(eos, Sequence) else eos
        self.llm_engine = LLMEngine(loaded, first, max_lora_rank if enable_lora else None)
        self.llm_engine.crash = self.crash
        self.made.append(self)


def install(patch: pytest.MonkeyPatch, folder: Path) -> type[LLM]:
    """Have `import vllm` find the double, and torch a GPU. `folder` is an empty one of the test's."""

    class Fresh(LLM):
        made: list[LLM] = []  # noqa: RUF012
        broken = crash = None

    modules = {
        "vllm": {"LLM": Fresh, "SamplingParams": SamplingParams},
        "vllm.sampling_params": {"RequestOutputKind": RequestOutputKind},
        "vllm.lora": {},
        "vllm.lora.request": {"LoRARequest": LoRARequest},
    }
    for name, names in modules.items():
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        vars(module).update(names)
        patch.setitem(sys.modules, name, module)
    about = folder / "vllm-0.26.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm\nVersion: 0.26.0\n")
    patch.syspath_prepend(folder)
    patch.setattr(torch.cuda, "device_count", lambda: 1)
    return Fresh
