"""The tiny model: Qwen3 with one key-value head, at most six million parameters, tied embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import Qwen3Config, Qwen3ForCausalLM

CONTEXT = 4096


def tiny_config(vocabulary: int, width: int, layers: int, intermediate: int, pad: int, end: int) -> Qwen3Config:
    """The configuration: heads of 64, a single key-value head."""
    from transformers import Qwen3Config

    return Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // 64),
        num_key_value_heads=1,
        head_dim=64,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        pad_token_id=pad,
        eos_token_id=end,
        bos_token_id=None,
    )


def save_model(model: Qwen3ForCausalLM, folder: Path) -> None:
    """Write the weights as bfloat16 safetensors, with greedy decoding as the default."""
    import torch
    from transformers import GenerationConfig

    config = model.config
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=config.eos_token_id, pad_token_id=config.pad_token_id
    )
    model.to(torch.bfloat16).save_pretrained(folder)
