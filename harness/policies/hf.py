"""`hf/PATH_OR_ID`: a model of Transformers, with or without a LoRA adapter, on the CPU or a GPU.

Many conversations share one engine, which writes their turns together and keeps what they have read. An adapter is
checked against its base before it is merged: by the digest of the base's weights where the adapter names it, and by
every module and shape.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect, dialect_named
from samescore.harness.dialects.capability import capability
from samescore.harness.dialects.detect import detect
from samescore.harness.errors import AdapterError, UsageError
from samescore.harness.policies.adapter import adapter_folder, attached
from samescore.harness.policies.local import LocalConversation, SharedPrefixes
from samescore.harness.policies.model_files import (
    check_vocabulary,
    first_line,
    model_folder,
    stops,
    versions,
    weights_digest,
)
from samescore.harness.policy import Sampling
from samescore.harness.renderer import Renderer, Transcript

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from samescore.harness.policies.engine import Engine

DTYPES = ("float32", "bfloat16", "float16")
SLOTS = 64


class HfPolicy:
    """A local model that writes the turns of many conversations at once."""

    def __init__(
        self, name: str, engine: Engine, renderer: Renderer, dialect: Dialect, description: Mapping[str, Any]
    ) -> None:
        self.name = name
        self.engine = engine
        self.renderer = renderer
        self.dialect = dialect
        self.capability = capability(renderer, dialect)
        self._description = {**description, "capability": self.capability.to_json()}
        self._prefixes = SharedPrefixes(renderer)

    @classmethod
    def load(
        cls,
        path_or_id: str,
        adapter: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        dialect: str | None = None,
        slots: int = SLOTS,
        name: str | None = None,
    ) -> HfPolicy:
        """Load a model from a folder or the Hugging Face hub, and merge an adapter's folder into it.

        `device` is `auto`, `cpu`, `cuda` or `cuda:N`; `dtype` is its name, or `auto`: float32 on a CPU, bfloat16 on a
        GPU. `slots` is how many turns are written together.

        Raises:
            UnknownName: there is no such model, adapter or dialect.
            UsageError: the model, the device or the number format cannot be used.
            AdapterError: the adapter does not fit the model.
            DialectError: no dialect reads the template's calls back.
        """
        let_threads_sleep()
        folder = model_folder(path_or_id)
        renderer = Renderer.load(folder)
        chosen = dialect_named(dialect) if dialect is not None else detect(renderer)
        weights = weights_digest(folder)
        placed, number = _placement(device, dtype)
        update = None if adapter is None else adapter_folder(adapter, folder, weights)
        model = _load_model(folder, number)
        check_vocabulary(model, renderer, folder)
        if update is not None:
            model = _merge(model, update, folder)

        from samescore.harness.policies.engine import Engine

        engine = Engine(_moved(model, placed, folder).eval(), stops(model, renderer), slots)
        description = {
            "model": name or f"hf/{path_or_id}",
            "weights": weights,
            **({} if update is None else {"adapter": weights_digest(update)}),
            "renderer": renderer.fingerprint,
            "dialect": f"{chosen.name}/{chosen.version}",
            "backend": "transformers",
            "engine": engine.kind,
            "dtype": str(number).removeprefix("torch."),
            "device": placed.type,
            "versions": versions("torch", "transformers", "peft", "tokenizers"),
        }
        return cls(name or f"hf/{path_or_id}", engine, renderer, chosen, description)

    def describe(self) -> Mapping[str, Any]:
        """Digests of weights, adapter, template and tokenizer; what the template can write; backend, number format,
        device and library versions.
        """
        return self._description

    def converse(self, case: Case, sampling: Sampling) -> LocalConversation:
        """Begin a dialogue about a case."""
        transcript = Transcript(self.renderer, case.messages, case.toolset)
        return LocalConversation(
            transcript, self.engine.session(self._prefixes.of(case)), sampling, self.engine.context
        )

    async def aclose(self) -> None:
        """Stop the engine."""
        await self.engine.aclose()


def let_threads_sleep() -> None:
    """Have torch's CPU threads sleep between operations. Call it before torch is imported.

    By default they spin; on a machine that is busy with anything else, or in a container with a CPU quota, every
    operation then waits for the scheduler, and decoding was seen 30 times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def merged_model(base: Path, adapter: Path, dtype: str) -> PreTrainedModel:
    """The base in this number format with the adapter merged into it, on the CPU: the weights that evaluation uses.

    Raises:
        UsageError: the base cannot be loaded, or there is no such number format.
        AdapterError: the adapter does not fit the base.
    """
    return _merge(_load_model(base, _placement("cpu", dtype)[1]), adapter, base)


def _placement(device: str, dtype: str) -> tuple[torch.device, torch.dtype]:
    """Where the model runs and in which number format."""
    import torch

    try:
        placed = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    except RuntimeError:
        raise UsageError(f"device {device!r}: expected auto, cpu, cuda or cuda:N.") from None
    if placed.type == "cuda" and (placed.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"device {device!r}: this machine shows {torch.cuda.device_count()} GPUs. Use --device cpu.")
    if dtype == "auto":
        return placed, torch.float32 if placed.type == "cpu" else torch.bfloat16
    if dtype not in DTYPES:
        raise UsageError(f"dtype {dtype!r}: expected auto, {', '.join(DTYPES)}.")
    return placed, getattr(torch, dtype)


def _load_model(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, trust_remote_code=False)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise UsageError(
            f"the model in {folder} cannot be loaded: {first_line(error)} Expected a decoder-only language model "
            "whose config.json and weights this version of Transformers reads."
        ) from None
    return model


def _moved(model: PreTrainedModel, placed: torch.device, folder: Path) -> PreTrainedModel:
    import torch

    try:
        moved: PreTrainedModel = model.to(placed)
    except torch.OutOfMemoryError:
        raise UsageError(
            f"the model in {folder} does not fit into the memory of {placed}. Use a smaller one."
        ) from None
    return moved


def _merge(model: PreTrainedModel, adapter: Path, base: Path) -> PreTrainedModel:
    """The model with the adapter's update added to its weights.

    Raises:
        AdapterError: the adapter was made for another base, or cannot be merged.
    """
    try:
        merged: PreTrainedModel = attached(model, adapter, base).merge_and_unload()
    except (ValueError, RuntimeError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
        raise AdapterError(f"adapter {adapter} cannot be merged into {base}: {first_line(error)}") from None
    return merged
