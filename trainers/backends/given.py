"""An adapter that exists and is trained further, where a backend does not load it by PEFT alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samescore.harness.errors import AdapterError

_MORE = (
    "use_dora",
    "use_rslora",
    "rank_pattern",
    "alpha_pattern",
    "modules_to_save",
    "layers_to_transform",
    "lora_bias",
    "target_parameters",
    "trainable_token_indices",
)


@dataclass(frozen=True, slots=True)
class GivenLora:
    """Settings of a plain LoRA adapter: matrices of one rank and scale, on the modules that `targets` names."""

    rank: int
    alpha: int
    dropout: float
    targets: str | list[str]


def plain_lora(adapter: Path, backend: str) -> GivenLora:
    """The settings of an adapter that `backend` is to train further.

    Raises:
        AdapterError: it is no LoRA adapter, or one with more than matrices.
    """
    from peft import PeftConfig

    try:
        config = PeftConfig.from_pretrained(str(adapter))
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise AdapterError(f"adapter {adapter}: its settings cannot be read: {_first(error)}") from None
    found = [name for name in _MORE if getattr(config, name, None)]
    if config.peft_type != "LORA" or found or config.bias != "none":
        kind = ", ".join(found) or (config.peft_type if config.peft_type != "LORA" else "bias")
        raise AdapterError(
            f'adapter {adapter} is no plain LoRA ({kind}), and backend = "{backend}" trains nothing else. Use backend '
            '= "transformers".'
        )
    targets = config.target_modules
    named = targets if isinstance(targets, str) else sorted(targets)
    return GivenLora(config.r, config.lora_alpha, config.lora_dropout, named)


def fill(model: Any, adapter: Path, base: str) -> None:
    """Give a new adapter the weights of one that exists.

    Raises:
        AdapterError: their matrices are not the same ones.
    """
    from peft import set_peft_model_state_dict
    from peft.utils import load_peft_weights

    weights: Mapping[str, Any] = load_peft_weights(str(adapter), device="cpu")
    try:
        result = set_peft_model_state_dict(model, weights)
    except (RuntimeError, KeyError, ValueError) as error:
        raise AdapterError(f"adapter {adapter} does not fit {base}: {_first(error)}") from None
    missing = [name for name in result.missing_keys if ".lora_" in name]
    if missing or result.unexpected_keys:
        raise AdapterError(
            f"adapter {adapter} does not fit {base}: {len(missing)} of the matrices have no values in it, and "
            f"{len(result.unexpected_keys)} of its values no matrix, such as "
            f"{[*missing, *result.unexpected_keys][0]}. Train a new one."
        )


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
