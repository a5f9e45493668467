"""GRPO whose turns vLLM writes, in the same process and on the same GPU; Transformers and PEFT train.

TRL makes the engine. Before each batch it hands over the weights: base plus LoRA's update, merged as evaluation merges
them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness.errors import UsageError
from samescore.harness.policies.vllm_engine import VllmEngine, VllmSession
from samescore.harness.renderer import Renderer
from samescore.trainers.backends.given import plain_lora
from samescore.trainers.backends.transformers import BACKEND as TRANSFORMERS, without_gpu
from samescore.trainers.config import GrpoConfig, TrainConfig
from samescore.trainers.config_faults import Fault, require_none

if TYPE_CHECKING:
    from torch import Tensor

_GIB = 2**30


class VllmBackend:
    """The fastest rollouts; the training itself is that of the `transformers` backend."""

    name = "vllm"

    def faults(self, config: TrainConfig) -> Iterator[Fault]:
        """What is not GRPO, what vLLM cannot do, and that a CUDA GPU or the package is missing."""
        if not isinstance(config, GrpoConfig):
            yield Fault(
                'backend = "vllm": vllm generates; train sft and dpo with "transformers" or "unsloth". The adapter can '
                "then be evaluated with vllm/PATH all the same",
                ("backend",),
            )
            return
        if config.four_bit:
            yield Fault(
                'backend = "vllm" and four_bit: an adapter is merged into the base for vLLM, which 4 bits do not bear. '
                'Set backend = "unsloth", which keeps the two apart, or four_bit = false',
                ("backend", "four_bit"),
            )
        if config.dtype == "float32":
            yield Fault(
                'backend = "vllm" and dtype = "float32": vLLM would write in another number format than is trained. '
                'Set dtype = "auto"',
                ("backend", "dtype"),
            )
        if find_spec("vllm") is None:
            yield Fault(
                "backend = \"vllm\" needs vLLM, which is not installed: pip install 'samescore[gpu]', or set backend = "
                '"transformers"',
                ("backend",),
            )
        yield from without_gpu('backend = "vllm"')

    def require(self, config: TrainConfig) -> None:
        """See `faults`.

        Raises:
            UsageError: there are some.
        """
        require_none(self.faults(config))

    def load(self, config: TrainConfig, base: Path, adapter: Path | None) -> Any:
        """As the `transformers` backend does it; then there must be room for vLLM.

        Raises:
            UsageError: the model cannot be loaded, or too little of the GPU's memory is free.
            AdapterError: the adapter does not fit the base, or is more than plain LoRA.
        """
        assert isinstance(config, GrpoConfig)
        if adapter is not None:
            plain_lora(adapter, self.name)
        still()
        model = TRANSFORMERS.load(config, base, adapter).to("cuda")
        _require_room(config.vllm_memory)
        return model

    def arguments(self, config: TrainConfig) -> dict[str, Any]:
        """TRL's engine, and what is done about its numbers not being those of the training."""
        assert isinstance(config, GrpoConfig)
        return {
            **engine_arguments(config),
            "vllm_gpu_memory_utilization": config.vllm_memory,
            # The model's own context, as in evaluation, or the longest that fits into the memory.
            "vllm_max_model_length": -1,
            # Awake all the time: to sleep and wake costs more than the memory is worth for the models of small GPUs.
            "vllm_enable_sleep_mode": False,
        }

    def writer(self, model: Any, renderer: Renderer, trainer: Any | None) -> VllmWriter:
        """The engine that TRL made. From now on TRL leaves the base as it is when it hands weights over."""
        from samescore.harness.policies.model_files import stops

        assert trainer is not None, "only GRPO has an engine"
        generation = trainer.vllm_generation
        # TRL would merge the adapter into the base and subtract it again, which in bfloat16 does not give back what was
        # there: step by step the base would drift away from the one that the adapter is saved for.
        generation._iter_named_params = partial(merged_parameters, model)
        stop = stops(model.get_base_model(), renderer)
        return VllmWriter(generation.llm, stop, partial(synchronize, trainer), partial(forget, trainer))


BACKEND = VllmBackend()


class VllmWriter:
    """A trainer's engine, used between `begin` and `end`.

    `take` gives it the weights as they are now, and returns the `LoRARequest` to write with, or None; `leave` is told
    when they may change again.
    """

    def __init__(
        self, llm: Any, stop: Collection[int], take: Callable[[], Any], leave: Callable[[], None] = lambda: None
    ) -> None:
        self.context: int | None = int(llm.llm_engine.model_config.max_model_len)
        self._llm = llm
        self._stop = stop
        self._take = take
        self._leave = leave
        self._lora: Any = None
        self._engine: VllmEngine | None = None

    def begin(self) -> None:
        """Take the weights as they are now."""
        self._lora = self._take()
        self._engine = VllmEngine(self._llm, self._stop)

    def session(self, prefix: Sequence[int] = ()) -> VllmSession:
        """A new conversation, which says the log-probability of each token."""
        assert self._engine is not None, "begin() first"
        return self._engine.session(prefix, self._lora, logprobs=True)

    def end(self) -> None:
        """Leave the engine to the trainer. Turns in progress fail."""
        if self._engine is None:
            return
        from samescore.harness.blocking import blocking

        blocking(self._engine.aclose())
        self._engine = self._lora = None
        self._leave()

    def close(self) -> None:
        """The engine is the trainer's, and goes with it."""
        self.end()


def engine_arguments(config: GrpoConfig) -> dict[str, Any]:
    """What TRL is told about an engine in its own process.

    vLLM and the training compute the same weights with other kernels, so the log-probabilities with which a token was
    sampled are not quite those that the trainer finds. TRL corrects by their ratio (truncated importance sampling).
    Its default takes the ratio of a whole sequence and drops sequences where it is above 3: over the hundreds of
    tokens of an episode small differences add up, and long episodes would go missing unseen. So here the ratio is a
    token's, cut off at 2, and no sequence is dropped.
    """
    return {
        "use_vllm": True,
        "vllm_mode": "colocate",
        "vllm_importance_sampling_correction": True,
        "vllm_importance_sampling_mode": "token_truncate",
        "vllm_importance_sampling_clip_max": 2.0,
    }


def synchronize(trainer: Any) -> None:
    """Hand the weights over, unless TRL just did: it does before a rollout, and not before a look at `dev`."""
    step = trainer.state.global_step
    if step != trainer._last_loaded_step:
        trainer.vllm_generation.sync_weights()
        trainer._last_loaded_step = step


def forget(trainer: Any) -> None:
    """Have the weights handed over anew, within the same step too: a look at `dev` looks at them as they are saved."""
    trainer._last_loaded_step = -1


def merged_parameters(model: Any) -> Iterator[tuple[str, Tensor]]:
    """The base's parameters by their names, LoRA's update added where there is one, the base itself untouched.

    Bit for bit what `merge_and_unload` gives.
    """
    import torch
    from peft.tuners.lora import LoraLayer

    base = model.get_base_model()
    modules = base.named_modules()
    updated = {f"{name}.base_layer.weight": layer for name, layer in modules if isinstance(layer, LoraLayer)}
    with torch.no_grad():
        for name, parameter in base.named_parameters():
            if ".lora_" in name:
                continue
            weight = parameter.detach()
            if name in updated:
                weight = (weight + updated[name].get_delta_weight("default")).to(weight.dtype)
            yield name.replace(".base_layer", ""), weight


def still() -> None:
    """Have vLLM write its log to stderr, and send nothing anywhere. Call it before vLLM is imported."""
    os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", str(_free_port()))  # TRL's own default is one and the same for two trainings


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _require_room(share: float) -> None:
    import torch

    torch.cuda.empty_cache()
    free, total = torch.cuda.mem_get_info()
    if free < share * total:
        raise UsageError(
            f"vLLM is to take {share:g} of the GPU's {total / _GIB:.0f} GiB, and only {free / _GIB:.1f} GiB are free "
            "beside the model. Lower vllm_memory, or end what else runs on the GPU."
        )
