"""Transformers and PEFT: on a CPU or a GPU. Turns are written by the engine that evaluates."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness.errors import AdapterError, UsageError
from samescore.harness.renderer import Renderer
from samescore.trainers.backends.lora import new_lora
from samescore.trainers.config import TrainConfig
from samescore.trainers.config_faults import Fault, require_none

if TYPE_CHECKING:
    import torch

    from samescore.harness.policies.engine import Engine, Session
    from samescore.harness.policies.engine_runner import Runner

SLOTS = 64


class TransformersBackend:
    """Works everywhere; the slowest of the three where there is a GPU."""

    name = "transformers"

    def faults(self, config: TrainConfig) -> Iterator[Fault]:
        """4 bits want a GPU and bitsandbytes; nothing else is asked for."""
        if config.four_bit:
            yield from without_gpu("four_bit")
            yield from without_bitsandbytes(config)

    def require(self, config: TrainConfig) -> None:
        """See `faults`.

        Raises:
            UsageError: there are some.
        """
        require_none(self.faults(config))

    def load(self, config: TrainConfig, base: Path, adapter: Path | None) -> Any:
        """The base in its number format, the adapter in float32."""
        from peft import PeftModel, get_peft_model
        from transformers import AutoModelForCausalLM

        options: dict[str, Any] = {"dtype": dtype_of(config)}
        if config.four_bit:
            options["quantization_config"] = four_bits()
        try:
            model = AutoModelForCausalLM.from_pretrained(base, **options)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise UsageError(f"base {config.base}: the model in {base} cannot be loaded: {_first(error)}") from None
        # PEFT's preparation for 4 bits is left out: it would take embeddings and head to float32, gigabytes of a large
        # vocabulary. What gradient checkpointing needs on a frozen base TRL sees to.
        if adapter is None:
            return get_peft_model(model, new_lora(config.lora))
        try:
            return PeftModel.from_pretrained(model, str(adapter), is_trainable=True)
        except (ValueError, RuntimeError, KeyError) as error:
            raise AdapterError(f"adapter {adapter} does not fit {config.base}: {_first(error)}") from None

    def arguments(self, config: TrainConfig) -> dict[str, Any]:
        """Nothing beside what every backend is given."""
        return {}

    def writer(self, model: Any, renderer: Renderer, trainer: Any | None) -> EngineWriter:
        """The engine of evaluation, over the weights in training."""
        return EngineWriter(model, renderer)


BACKEND = TransformersBackend()


class EngineWriter:
    """The engine of evaluation on a model in training. It takes the model over between `begin` and `end`."""

    def __init__(self, model: Any, renderer: Renderer) -> None:
        from samescore.harness.policies.engine_runner import context_of
        from samescore.harness.policies.model_files import stops

        self._peft = model
        self._model = model.get_base_model()
        self._stops = stops(self._model, renderer)  # now: TRL changes the model's settings when it begins to train
        self.context = context_of(self._model)
        self._engine: Engine | None = None
        self._tried: Runner | None = None
        self._before = contextlib.ExitStack()

    def begin(self) -> None:
        """Switch to evaluation: no dropout, the engine's attention. What was read with other weights is forgotten."""
        from samescore.harness.policies.engine import Engine

        assert self._engine is None, "end() first"
        with contextlib.ExitStack() as before:
            before.callback(_set_modes, [(module, module.training) for module in self._peft.modules()])
            before.callback(self._model.set_attn_implementation, self._model.config._attn_implementation)
            self._peft.eval()
            self._engine = Engine(self._model, self._stops, SLOTS, self._tried)
            self._before = before.pop_all()
        self._tried = self._engine.tried

    def session(self, prefix: Sequence[int] = ()) -> EngineSession:
        """A new conversation."""
        assert self._engine is not None, "begin() first"
        return EngineSession(self._engine.session(prefix))

    def end(self) -> None:
        """Stop the engine, and set the model back."""
        if self._engine is None:
            return
        from samescore.harness.blocking import blocking

        with self._before:
            engine, self._engine = self._engine, None
            blocking(engine.aclose())

    def close(self) -> None:
        """Nothing more is held."""
        self.end()


def _set_modes(modes: Sequence[tuple[torch.nn.Module, bool]]) -> None:
    for module, training in modes:
        module.training = training


class EngineSession:
    """A conversation with the engine. It does not say probabilities: the trainer's own are those it sampled from."""

    logprobs = None

    def __init__(self, session: Session) -> None:
        self._session = session

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        """The ids of the next turn."""
        return await self._session.generate(prompt, limit, temperature, seed)

    def close(self) -> None:
        """Give up its slot."""
        self._session.close()


def dtype_of(config: TrainConfig) -> torch.dtype:
    """The number format of the base."""
    import torch

    if config.dtype == "auto":
        return torch.bfloat16 if torch.cuda.is_available() else torch.float32
    chosen: torch.dtype = getattr(torch, config.dtype)
    return chosen


def four_bits() -> Any:
    """NF4 with double quantization, computing in bfloat16 (QLoRA, Dettmers et al. 2023, section 3)."""
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def without_gpu(what: str) -> Iterator[Fault]:
    """The fault of a machine without a CUDA GPU; `what` is the option that wants one."""
    import torch

    if not torch.cuda.is_available():
        yield Fault(
            f"{what} needs a CUDA GPU, and torch finds none. Run it on a machine with one, or set backend = "
            '"transformers" and four_bit = false',
            ("backend", "four_bit"),
        )


def without_bitsandbytes(config: TrainConfig) -> Iterator[Fault]:
    """The fault of a base in 4 bits where what reads them is not installed."""
    if config.four_bit and find_spec("bitsandbytes") is None:
        message = "four_bit needs bitsandbytes: pip install 'samescore[gpu]', or set four_bit = false"
        yield Fault(message, ("four_bit",))


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
