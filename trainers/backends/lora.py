"""A new LoRA adapter, as every backend puts it on."""

from __future__ import annotations

from typing import Any

from samescore.trainers.config import LoraConfig


def new_lora(config: LoraConfig) -> Any:
    """PEFT's configuration: all linear layers but the output head, which QLoRA (section 4) found
    to matter more than the rank.
    """
    from peft import LoraConfig as PeftLora

    return PeftLora(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
