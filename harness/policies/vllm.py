"""`vllm/PATH_OR_ID`: a model in vLLM's engine on a CUDA GPU, alone or with LoRA adapters.

Any number of adapters share one loaded engine, a policy each. They are not merged: vLLM adds an adapter's update to
what the base computes. Everything that can be told from the files is checked before the engine is loaded, which takes
a minute. vLLM computes in a process that it starts itself, so that worlds and scorers do not hold up the GPU.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect, dialect_named
from samescore.harness.dialects.capability import capability
from samescore.harness.dialects.detect import detect
from samescore.harness.errors import AdapterError, UsageError
from samescore.harness.policies.adapter import adapter_folder, attached
from samescore.harness.policies.local import LocalConversation
from samescore.harness.policies.model_files import (
    check_vocabulary,
    first_line,
    model_folder,
    outline,
    stops,
    versions,
    weights_digest,
)
from samescore.harness.policies.vllm_engine import VllmEngine
from samescore.harness.policy import Sampling
from samescore.harness.renderer import Renderer, Transcript

DTYPES = ("bfloat16", "float16", "float32")
MEMORY = "SAMESCORE_VLLM_MEMORY"
"""The environment variable with the share of the GPU's memory that vLLM may take."""

_SHARE = 0.9
_DEVICES = ("auto", "cuda", "cuda:0")
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks for which vLLM sets up its kernels."""

_UNSERVED = {
    "modules_to_save": "modules saved whole (modules_to_save)",
    "trainable_token_indices": "embeddings of its own (trainable_token_indices)",
    "target_parameters": "parameters outside linear layers (target_parameters)",
    "layer_replication": "replicated layers (layer_replication)",
    "use_dora": "DoRA",
    "lora_bias": "biases (lora_bias)",
    "rank_pattern": "ranks of single modules (rank_pattern)",
    "alpha_pattern": "scales of single modules (alpha_pattern)",
}
"""What PEFT can put into an adapter and vLLM refuses, or ignores, which is worse."""


@dataclass(frozen=True, slots=True)
class _Adapter:
    number: int  # vLLM's name for it
    folder: Path
    rank: int
    digest: str


class VllmPolicy:
    """A model in vLLM's engine that writes the turns of many conversations at once."""

    def __init__(
        self, shared: _Shared, lora: Any, renderer: Renderer, dialect: Dialect, description: Mapping[str, Any]
    ) -> None:
        self.name = str(description["model"])
        self.engine = shared.engine
        self.renderer = renderer
        self.dialect = dialect
        self.capability = capability(renderer, dialect)
        self._shared = shared
        self._lora = lora
        self._description = {**description, "capability": self.capability.to_json()}

    @classmethod
    def load(
        cls,
        path_or_id: str,
        adapter: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        dialect: str | None = None,
        name: str | None = None,
    ) -> VllmPolicy:
        """One policy; see `load_all`."""
        (policy,) = cls.load_all(path_or_id, [adapter], device, dtype, dialect, name)
        return policy

    @classmethod
    def load_all(
        cls,
        path_or_id: str,
        adapters: Sequence[str | None],
        device: str = "auto",
        dtype: str = "auto",
        dialect: str | None = None,
        name: str | None = None,
    ) -> list[VllmPolicy]:
        """Load a model from a folder or the Hugging Face hub; a policy for each adapter's folder, None for the base.

        They share one engine, which is released when the last of them is closed. `dtype` is a name, or `auto`:
        bfloat16.

        Raises:
            UnknownName: there is no such model, adapter or dialect.
            UsageError: vLLM or a GPU is missing, or vLLM cannot load the model.
            AdapterError: an adapter does not fit the model, or is of a kind that vLLM does not serve.
            DialectError: no dialect reads the template's calls back.
        """
        require_vllm(device)
        if dtype not in ("auto", *DTYPES):
            raise UsageError(f"dtype {dtype!r}: expected auto, {', '.join(DTYPES)}.")
        folder = model_folder(path_or_id, "vllm")
        renderer = Renderer.load(folder)
        chosen = dialect_named(dialect) if dialect is not None else detect(renderer)
        weights = weights_digest(folder)
        model = outline(folder)
        check_vocabulary(model, renderer, folder)
        checked = [
            None if one is None else _checked(one, folder, weights, number) for number, one in enumerate(adapters, 1)
        ]
        chosen_dtype = "bfloat16" if dtype == "auto" else dtype
        llm = _loaded(folder, chosen_dtype, [one for one in checked if one is not None])
        shared = _Shared(llm, VllmEngine(llm, stops(model, renderer)), len(checked))
        description = {
            "model": name or f"vllm/{path_or_id}",
            "weights": weights,
            "renderer": renderer.fingerprint,
            "dialect": f"{chosen.name}/{chosen.version}",
            "backend": "vllm",
            "dtype": chosen_dtype,
            "device": "cuda",
            "versions": versions("torch", "transformers", "tokenizers", "vllm"),
        }
        return [
            cls(shared, None, renderer, chosen, description)
            if one is None
            else cls(shared, _request(one), renderer, chosen, {**description, "adapter": one.digest})
            for one in checked
        ]

    def describe(self) -> Mapping[str, Any]:
        """Digests of weights, adapter, template and tokenizer; what the template can write; number format, versions."""
        return self._description

    def converse(self, case: Case, sampling: Sampling) -> LocalConversation:
        """Begin a dialogue about a case."""
        transcript = Transcript(self.renderer, case.messages, case.toolset)
        return LocalConversation(transcript, self.engine.session(lora=self._lora), sampling, self.engine.context)

    async def aclose(self) -> None:
        """Let the engine go; the last policy to do so stops it."""
        await self._shared.release()


class _Shared:
    """An engine of ours, and how many policies still use it."""

    def __init__(self, llm: Any, engine: VllmEngine, users: int) -> None:
        self.engine = engine
        self._llm = llm
        self._users = users

    async def release(self) -> None:
        """One user less; the last one stops the engine and gives its memory back."""
        self._users -= 1
        if self._users == 0:
            await self.engine.aclose()
            await asyncio.to_thread(self._llm.llm_engine.engine_core.shutdown)


def require_vllm(device: str = "auto") -> None:
    """Make sure that there are vLLM and a GPU for it. Nothing is loaded, and the GPU is not touched.

    Raises:
        UsageError: there are not; or another device was asked for.
    """
    if device not in _DEVICES:
        raise UsageError(
            f"--device {device}: vLLM computes on the first CUDA GPU that it sees. Choose another one by "
            "CUDA_VISIBLE_DEVICES=1, or use hf/PATH_OR_ID, which runs on a CPU too."
        )
    if find_spec("vllm") is None:
        raise UsageError(
            "vllm/... needs vLLM, which is not installed: pip install 'samescore[gpu]', on a machine with a CUDA GPU. "
            "Elsewhere use hf/PATH_OR_ID."
        )
    import torch

    if torch.cuda.device_count() == 0:
        raise UsageError(
            "vllm/... needs a CUDA GPU, and torch finds none. Use hf/PATH_OR_ID, which runs on a CPU too; or check "
            "nvidia-smi and CUDA_VISIBLE_DEVICES."
        )


def _checked(adapter: str, base: Path, weights: str, number: int) -> _Adapter:
    """An adapter that fits the base, and that vLLM serves as PEFT would compute it."""
    folder = adapter_folder(adapter, base, weights)
    loras = attached(outline(base), folder, base)
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AdapterError(f"{folder}/adapter_config.json is damaged: {first_line(error)} Train it again.") from None
    kind = config.get("peft_type", "LORA")
    found = [words for key, words in _UNSERVED.items() if config.get(key)]
    found += [] if config.get("bias", "none") == "none" else ["biases (bias)"]
    found += [] if kind == "LORA" else [f"{kind} adapters"]
    heads = (loras.get_base_model().get_input_embeddings(), loras.get_base_model().get_output_embeddings())
    found += ["updates of embeddings or the output layer"] if any(hasattr(one, "lora_A") for one in heads) else []
    rank = int(config.get("r", 0))
    found += [f"a rank above {_RANKS[-1]}"] if rank > _RANKS[-1] else []
    if found:
        raise AdapterError(
            f"adapter {folder}: vLLM does not serve {', '.join(found)}. Evaluate it with hf/{base}, which merges it "
            "into the weights."
        )
    return _Adapter(number, folder, rank, weights_digest(folder))


def _loaded(folder: Path, dtype: str, adapters: Sequence[_Adapter]) -> Any:
    """vLLM's engine with the model, its adapters tried on.

    Raises:
        UsageError: vLLM cannot load the model here.
        AdapterError: vLLM cannot load an adapter.
    """
    share = _memory_share()
    # By default vLLM logs to stdout, where results go, says much, and reports how it is used.
    os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    # A process that so much as asked for GPUs cannot be forked and compute on one; nor is it safe beside threads.
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    from vllm import LLM

    options: dict[str, Any] = {}
    if adapters:
        # A run asks for one adapter only; the others wait in the CPU's memory.
        rank = next(rank for rank in _RANKS if rank >= max(one.rank for one in adapters))
        options = {"enable_lora": True, "max_loras": 1, "max_cpu_loras": len(adapters), "max_lora_rank": rank}
    try:
        llm = LLM(
            model=str(folder),
            dtype=dtype,
            seed=0,
            generation_config="vllm",
            gpu_memory_utilization=share,
            max_model_len=-1,  # the model's own, or the longest that fits into the memory
            enable_prefix_caching=True,
            **options,
        )
    except (ValueError, RuntimeError, OSError, ImportError, KeyError, NotImplementedError) as error:
        raise UsageError(
            f"vLLM cannot load {folder}: {first_line(error)} What it wrote above says more. If memory is short, give "
            f"it another share of the GPU's: {MEMORY}=0.5 (now {share:g})."
        ) from None
    for adapter in adapters:
        try:
            llm.llm_engine.add_lora(_request(adapter))
        except Exception as error:  # of the engine's process only the words come back, in a bare Exception
            raise AdapterError(f"adapter {adapter.folder}: vLLM cannot load it: {first_line(error)}") from None
    return llm


def _request(adapter: _Adapter) -> Any:
    from vllm.lora.request import LoRARequest

    return LoRARequest(str(adapter.folder), adapter.number, str(adapter.folder.resolve()))


def _memory_share() -> float:
    said = os.environ.get(MEMORY, str(_SHARE))
    try:
        share = float(said)
    except ValueError:
        share = 0.0
    if not 0.0 < share <= 1.0:
        raise UsageError(f"{MEMORY}={said}: expected a share of the GPU's memory, above 0 and at most 1, such as 0.5.")
    return share
