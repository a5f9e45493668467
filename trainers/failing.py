"""What ends a training run from outside: no memory, no disk, Ctrl-C. Each is one message that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from samescore.harness.errors import TrainingFailed
from samescore.harness.files import remedy
from samescore.trainers.checkpoints import how_to_resume

if TYPE_CHECKING:
    from samescore.trainers.training import Training


@contextmanager
def failing(training: Training[Any]) -> Iterator[None]:
    """Has what ends a training run from outside end it with one message: no memory, no disk, Ctrl-C.

    Raises:
        TrainingFailed: one of those.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise TrainingFailed(f"interrupted. {how_to_resume(training)}") from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise TrainingFailed(f"{where}{error.strerror or error}. {remedy(error)} {how_to_resume(training)}") from error
    except (MemoryError, RuntimeError, ValueError) as error:  # vLLM says it with a ValueError
        if not _of_memory(error):
            raise
        raise TrainingFailed(
            f"out of memory while training {training.config.base}. {' '.join(what_to_lower(training))} "
            f"{how_to_resume(training)}"
        ) from error


def _of_memory(error: Exception) -> bool:
    import torch

    words = str(error)
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(
        word in words
        for word in (
            "can't allocate memory",
            "not enough memory",
            "out of memory",
            "not enough GPU memory",
            "Free memory on",
        )
    )


def what_to_lower(training: Training[Any]) -> list[str]:
    """The options that save memory in this run, what helps most first, as sentences."""
    config = training.config
    found = []
    if not config.gradient_checkpointing:
        found.append("Set gradient_checkpointing = true.")
    if config.batch_size > 1:
        keeping = " and raise accumulate by as much" if hasattr(config, "accumulate") else ""
        found.append(f"Lower batch_size (now {config.batch_size}){keeping}.")
    if config.backend == "vllm" or (config.backend == "unsloth" and training.kind == "grpo"):
        found.append(f"Lower vllm_memory (now {config.vllm_memory}).")
    if training.kind == "grpo":
        found.append(f"Lower group or prompts (now {config.group} and {config.prompts}), or completion_tokens.")
    if not config.four_bit and config.backend != "vllm":  # which cannot merge an adapter into 4 bits
        found.append("Set four_bit = true, on a GPU.")
    leaving = "" if training.kind == "grpo" else ', with data.longer = "leave_out"'
    found.append(f"Lower max_tokens (now {config.max_tokens}){leaving}.")
    return found
