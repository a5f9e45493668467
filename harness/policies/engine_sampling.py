"""Drawing a token: the same from the same logits on every backend."""

from __future__ import annotations

import torch
from torch import Tensor


def draw(logits: Tensor, temperature: float, uniform: float) -> int:
    """A token from logits of shape [vocabulary]: their inverse distribution function at `uniform`, which is in [0, 1).

    In float64 on the CPU, one uniform number a token: neither the device nor other rows have a say.
    """
    weights = torch.softmax(logits.to("cpu", torch.float64) / temperature, dim=-1)
    cumulative = torch.cumsum(weights, dim=-1)
    index = int(torch.searchsorted(cumulative, uniform * float(cumulative[-1]), right=True))
    return min(index, len(weights) - 1)
