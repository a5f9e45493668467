"""What a look at `dev` may not disturb, and what it looks at: the adapter's values as they are saved."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def undisturbed() -> Iterator[None]:
    """Random numbers drawn within, by whomever, are not missed afterwards."""
    import numpy as np
    import torch

    drawn, legacy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            yield
        finally:
            random.setstate(drawn)
            np.random.set_state(legacy)


@contextmanager
def as_saved(model: Any, weights: Path) -> Iterator[None]:
    """A model whose adapter has the values of a file, in the number format there; afterwards again its own, to the bit.

    `model` is a `peft.PeftModel`, `weights` what was saved of it just now.
    """
    own = {name: value.clone() for name, value in _values(model).items()}
    try:
        put(model, weights)
        yield
    finally:
        _copy(own, _values(model))


def put(model: Any, weights: Path) -> None:
    """Give a model's adapter the values of a file that was saved of it."""
    from safetensors.torch import load_file

    _copy(load_file(weights), _values(model))


def _values(model: Any) -> dict[str, Any]:
    """The adapter's values under the names by which they are saved; they share their memory with the model."""
    from peft import get_peft_model_state_dict

    # PEFT would look on the hub whether the base's embeddings were resized.
    found: dict[str, Any] = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: value.detach() for name, value in found.items()}


def _copy(source: dict[str, Any], target: dict[str, Any]) -> None:
    import torch

    with torch.no_grad():
        for name, value in target.items():
            value.copy_(source[name])
