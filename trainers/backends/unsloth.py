"""Unsloth: patched models and trainers for one CUDA GPU, in bfloat16 or on a base in 4 bits.

Unsloth is optional, and no part of this project's licence: parts of it are AGPL-3.0 and LGPL-3.0. It changes TRL,
Transformers and PEFT as they are imported, so it has to be imported before them. `require` does that: it is the first
thing that happens to a backend, before a tokenizer or a trainer is loaded, and nothing that leads to it imports them.

Where vLLM is installed, GRPO's turns are written by vLLM on the very weights in training (`fast_inference`): the base
is held once, and the adapter goes beside it as a LoRA request.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from samescore.harness.errors import UsageError
from samescore.harness.renderer import Renderer
from samescore.trainers.backends import Writer
from samescore.trainers.backends.given import GivenLora, fill, plain_lora
from samescore.trainers.backends.transformers import without_bitsandbytes, without_gpu
from samescore.trainers.backends.vllm import VllmWriter, engine_arguments, still
from samescore.trainers.config import DpoConfig, GrpoConfig, SftConfig, TrainConfig
from samescore.trainers.config_faults import Fault, require_none


class UnslothBackend:
    """Less memory, and more speed where its kernels fit the model; compiles for a minute or two first."""

    name = "unsloth"

    def faults(self, config: TrainConfig) -> Iterator[Fault]:
        """What Unsloth does not do, and that a CUDA GPU or the package is missing."""
        if config.dtype == "float32":
            yield Fault(
                'backend = "unsloth" computes in bfloat16; its kernels are not made for dtype = "float32". Set dtype = '
                '"auto", or backend = "transformers"',
                ("backend", "dtype"),
            )
        if isinstance(config, GrpoConfig) and config.beta and config.adapter is not None:
            yield Fault(
                'backend = "unsloth" takes the base as the reference, and `beta` means the adapter that training began '
                'with. Set beta = 0, train a new adapter, or use backend = "transformers" or "vllm"',
                ("backend", "beta", "adapter"),
            )
        if missing := [name for name in ("unsloth", "unsloth_zoo") if find_spec(name) is None]:
            yield Fault(
                f'backend = "unsloth" needs {" and ".join(missing)}, not installed here: pip install '
                "'samescore[gpu]', or set backend = \"transformers\"",
                ("backend",),
            )
        yield from without_bitsandbytes(config)
        yield from without_gpu('backend = "unsloth"')

    def require(self, config: TrainConfig) -> None:
        """See `faults`. Imports Unsloth.

        Raises:
            UsageError: there are some, or it does not run here.
        """
        require_none(self.faults(config))
        _import_unsloth()

    def load(self, config: TrainConfig, base: Path, adapter: Path | None) -> Any:
        """The base by `FastLanguageModel`, with vLLM's engine inside for GRPO, and a LoRA adapter.

        Raises:
            UsageError: the model cannot be loaded, or Unsloth would cut what is trained.
            AdapterError: the adapter does not fit the base, or is more than plain LoRA.
        """
        context = require_context(config, base)
        require_padding(config, base)
        new = GivenLora(config.lora.rank, config.lora.alpha, config.lora.dropout, "all-linear")
        lora = new if adapter is None else plain_lora(adapter, self.name)
        options = engine_options(config, lora.rank) if inside(config) else {}
        model = _loaded(config, base, context, options)
        if options and not hasattr(model, "vllm_engine"):
            raise UsageError(
                'Unsloth did not start vLLM here; its output above says why. Use backend = "vllm", or uninstall vLLM '
                "to have Unsloth write the turns itself."
            )
        from unsloth import FastLanguageModel

        peft = FastLanguageModel.get_peft_model(
            model,
            r=lora.rank,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules=lora.targets,
            bias="none",
            use_gradient_checkpointing=_checkpointing(config),
            random_state=config.seed,
        )
        if adapter is not None:
            fill(peft, adapter, config.base)
        return peft

    def arguments(self, config: TrainConfig) -> dict[str, Any]:
        """What Unsloth's versions of TRL's configurations would change silently is set back to TRL's defaults.

        They come with an 8-bit optimizer, batches that are laid end to end, and no importance sampling.
        """
        arguments: dict[str, Any] = {"optim": "adamw_torch_fused"}
        if isinstance(config, SftConfig) or (isinstance(config, DpoConfig) and config.loss == "dpo"):
            arguments["padding_free"] = False
        if inside(config):
            assert isinstance(config, GrpoConfig)
            arguments |= engine_arguments(config)
        return arguments

    def writer(self, model: Any, renderer: Renderer, trainer: Any | None) -> Writer:
        """vLLM's engine inside the model; without one the model's own `generate`.

        The engine of evaluation does not run on the patched forward pass: that ignores the cache it is given.
        """
        from samescore.harness.policies.model_files import stops

        base = model.get_base_model()
        if hasattr(model, "vllm_engine"):
            return VllmWriter(model.vllm_engine, stops(base, renderer), lora_requests(model))
        from unsloth import FastLanguageModel

        from samescore.harness.policies.engine_runner import context_of
        from samescore.trainers.backends.generate import GenerateWriter

        checkpointing = model._unsloth_gradient_checkpointing
        return GenerateWriter(
            model,
            stops(base, renderer),
            context_of(base),
            infer=partial(FastLanguageModel.for_inference, model),
            resume=partial(FastLanguageModel.for_training, model, use_gradient_checkpointing=checkpointing),
        )


BACKEND = UnslothBackend()


def inside(config: TrainConfig) -> bool:
    """Whether vLLM's engine is to be inside the model: it is what makes rollouts fast, and nothing else needs it."""
    return isinstance(config, GrpoConfig) and find_spec("vllm") is not None


def engine_options(config: TrainConfig, rank: int) -> dict[str, Any]:
    """What `FastLanguageModel` is told about vLLM."""
    assert isinstance(config, GrpoConfig)
    return {"fast_inference": True, "gpu_memory_utilization": config.vllm_memory, "max_lora_rank": rank}


def require_context(config: TrainConfig, base: Path) -> int:
    """The most tokens that the base was made for. Unsloth cuts longer sequences, or stretches the positions.

    Raises:
        UsageError: `max_tokens` allows longer ones.
    """
    from transformers import AutoConfig

    context = int(AutoConfig.from_pretrained(base).get_text_config(decoder=True).max_position_embeddings)
    if not isinstance(config, GrpoConfig) and config.max_tokens > context:
        raise UsageError(
            f"max_tokens is {config.max_tokens}, and {config.base} was made for {context}: Unsloth would cut what is "
            f'longer. Set max_tokens = {context}, or backend = "transformers".'
        )
    return context


def require_padding(config: TrainConfig, base: Path) -> None:
    """Unsloth's GRPO takes every token that is the tokenizer's padding out of its sequences, wherever it stands.

    Raises:
        UsageError: turns end with that token, so that their ends would not be learned.
    """
    renderer = Renderer.load(base)
    tokenizer = renderer.tokenizer
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    if isinstance(config, GrpoConfig) and pad in renderer.ends:
        raise UsageError(
            f"the tokenizer of {config.base} pads with {tokenizer.convert_ids_to_tokens(pad)!r}, which also ends a "
            "turn. Unsloth leaves such tokens out of the loss, and the model would unlearn to stop. Give the tokenizer "
            'a padding token of its own, or use backend = "vllm" or "transformers".'
        )


def lora_requests(model: Any) -> Callable[[], Any]:
    """What asks for the adapter as it is now. Each request has a number of its own, so vLLM mixes no two up."""
    folder = TemporaryDirectory(prefix="samescore-")  # Unsloth writes the adapter's settings there, not its weights

    def request() -> Any:
        return model.load_lora(folder.name, load_tensors=True)

    return request


def _loaded(config: TrainConfig, base: Path, context: int, options: Mapping[str, Any]) -> Any:
    import torch
    from unsloth import FastLanguageModel

    try:
        model, _ = FastLanguageModel.from_pretrained(
            model_name=str(base),
            max_seq_length=context,
            dtype=torch.bfloat16,
            load_in_4bit=config.four_bit,
            use_gradient_checkpointing=_checkpointing(config),
            use_exact_model_name=True,  # no other repository in the place of this folder
            local_files_only=True,
            fix_tokenizer=False,  # the renderer has the tokenizer
            offload_embedding=False,
            random_state=config.seed,
            **options,
        )
    except torch.OutOfMemoryError:
        raise  # the frame says what to lower
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, NotImplementedError, AssertionError) as error:
        raise UsageError(
            f"base {config.base}: Unsloth cannot load the model in {base}: {_first(error)} What it wrote above says "
            'more. Other backends are "transformers" and, for grpo, "vllm".'
        ) from None
    return model


def _import_unsloth() -> None:
    """Import Unsloth, with nothing sent anywhere and its generated code in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "samescore" / "unsloth_compiled_cache"
    os.environ.setdefault("UNSLOTH_COMPILE_LOCATION", str(cache))  # by default in the folder one happens to be in
    os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")
    still()
    try:
        import unsloth  # noqa: F401
    except (ImportError, NotImplementedError, RuntimeError) as error:
        raise UsageError(f'backend = "unsloth": Unsloth does not run here: {_first(error)}') from None


def _checkpointing(config: TrainConfig) -> str | bool:
    return "unsloth" if config.gradient_checkpointing else False


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
