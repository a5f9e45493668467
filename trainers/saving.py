"""The adapter on disk: whether there is room for it, and how it is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness.errors import TrainingFailed, UsageError
from samescore.harness.files import new_folder
from samescore.trainers.checkpoints import how_to_resume, why_unwritten

if TYPE_CHECKING:
    from samescore.trainers.training import Training

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"


def require_room(training: Training[Any], model: Any) -> None:
    """Make sure that the adapter and its checkpoints fit on the disk, before hours are spent.

    Raises:
        UsageError: they do not.
    """
    trainable = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    config = training.config
    # An adapter is kept in 2 bytes a value, and in a checkpoint in 4, with two moments of AdamW beside it. One
    # checkpoint more than is kept is there while it is written.
    needed = trainable * (2 + (12 * (config.checkpoint.keep + 1) if config.checkpoint.every else 0))
    place = next(path for path in (config.out, *config.out.parents) if path.exists())
    if (free := shutil.disk_usage(place).free) < needed:
        raise UsageError(
            f"{config.out}: the adapter and its checkpoints take {needed / 2**20:,.0f} MiB, and there are "
            f"{free / 2**20:,.0f} MiB left. Make room, choose another `out`, or lower checkpoint.keep."
        )


def save_adapter(model: Any, training: Training[Any], folder: Path | None = None) -> None:
    """Write the adapter in bfloat16, and nothing that is true of this machine alone. All of it is there, or nothing.

    Raises:
        TrainingFailed: the disk is full.
    """
    import torch
    from peft import get_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    state = {
        name: value.detach().to("cpu", torch.bfloat16).contiguous()
        # PEFT would ask the hub whether the base's embeddings were resized.
        for name, value in get_peft_model_state_dict(model, save_embedding_layers=False).items()
    }
    place = folder or training.config.out
    try:
        with new_folder(place) as stage:
            save_file(state, stage / WEIGHTS, metadata={"format": "pt"})
            model.peft_config["default"].save_pretrained(stage)
            settings = json.loads((stage / SETTINGS).read_text(encoding="utf-8"))
            # The base's name, not its path here: the passport's digest decides whether a base fits.
            settings["base_model_name_or_path"] = training.config.base
            settings["inference_mode"] = True
            (stage / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise TrainingFailed(
            f"the adapter cannot be written to {place}: {why_unwritten(error)} {how_to_resume(training)}"
        ) from error
