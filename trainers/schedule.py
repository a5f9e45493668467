"""How the learning rate goes: up over the warm-up, then as the kind of training has it.

Transformers has the rate of step i be that of i - 1, so that the first step has the rate 0: it changes nothing, and a
training of one step nothing at all. Here no step is without effect.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Literal

Shape = Literal["constant", "linear", "cosine"]


def share(step: int, shape: Shape, warmup: int, steps: int) -> float:
    """The share of the peak rate that a step has, `step` from 0: above 0 in each of `steps`.

    Of a warm-up of `warmup` steps the first has 1/warmup of the peak and the last all of it; the step after it too.
    What follows falls to the share that would be 0 in the step after the last, as in Transformers.
    """
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, steps - warmup))
    if shape == "constant":
        return 1.0
    return 1.0 - progress if shape == "linear" else 0.5 * (1.0 + math.cos(math.pi * progress))


def schedule(trainer: Any, shape: Shape) -> None:
    """Have a trainer of TRL take the rates of `share`; its arguments say the peak and the warm-up."""
    from torch.optim.lr_scheduler import LambdaLR

    def create_scheduler(num_training_steps: int, optimizer: Any = None) -> Any:
        if trainer.lr_scheduler is None:
            warmup = trainer.args.get_warmup_steps(num_training_steps)
            rates = partial(share, shape=shape, warmup=warmup, steps=num_training_steps)
            trainer.lr_scheduler = LambdaLR(optimizer or trainer.optimizer, rates)
            trainer._created_lr_scheduler = True  # as its own method does: another `train` makes another
        return trainer.lr_scheduler

    trainer.create_scheduler = create_scheduler
