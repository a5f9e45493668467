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
    """A model whose adapter has the values in a file, in the number format there; afterwards again its own, to the bit.

    `model` is a `peft.PeftModel`, `weights` what was saved of it just now.
    """
    import torch
    from peft import get_peft_model_state_dict
    from safetensors.torch import load_file

    # These share their memory with the model. PEFT would look the base up on the hub for its embeddings.
    values = get_peft_model_state_dict(model, save_embedding_layers=False)
    own = {name: value.detach().clone() for name, value in values.items()}
    try:
        with torch.no_grad():
            for name, saved in load_file(weights).items():
                values[name].copy_(saved)
        yield
    finally:
        with torch.no_grad():
            for name, value in own.items():
                values[name].copy_(value)
