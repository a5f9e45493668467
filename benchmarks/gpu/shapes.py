"""Models with the shapes of well-known ones and random weights: speed and memory do not depend on what weights say.

They have the embedded model's tokenizer and template, and the vocabulary size of their own shape: it decides how much
memory logits take.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samescore.harness.policies import tiny_path

_LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0},
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5,
}
_QWEN = {
    "model_type": "qwen3",
    "architectures": ["Qwen3ForCausalLM"],
    "head_dim": 128,
    "num_key_value_heads": 8,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-6,
}
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "toy": {
        **_LLAMA,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "vocab_size": 4096,
        "tie_word_embeddings": True,
    },
    "442m": {
        **_QWEN,
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "vocab_size": 4096,
        "tie_word_embeddings": True,
    },
    "llama-1b": {
        **_LLAMA,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "head_dim": 64,
        "tie_word_embeddings": True,
    },
    "llama-8b": {
        **_LLAMA,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "head_dim": 128,
        "tie_word_embeddings": False,
    },
    "qwen-8b": {
        **_QWEN,
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "vocab_size": 151936,
        "tie_word_embeddings": False,
    },
}
"""Of Llama 3.2 1B, Llama 3 8B and Qwen3 8B; `442m` is Qwen3 0.6B with the embedded model's vocabulary."""


def parameters(shape: str) -> tuple[int, int]:
    """How many parameters the linear layers have, and how many embeddings and output head."""
    config = SHAPES[shape]
    hidden, head = config["hidden_size"], config["head_dim"]
    queries, keys = head * config["num_attention_heads"], head * config["num_key_value_heads"]
    layer = hidden * (2 * queries + 2 * keys) + 3 * hidden * config["intermediate_size"]
    heads = 1 if config["tie_word_embeddings"] else 2
    return layer * config["num_hidden_layers"], heads * hidden * config["vocab_size"]


def make(shape: str, folder: Path) -> Path:
    """The folder of a model of that shape; it is made, in bfloat16, if it is not there yet."""
    target = folder / shape
    if (target / "config.json").is_file():
        return target
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    making = folder / f"{shape}.making-{os.getpid()}"
    making.mkdir(parents=True)
    config = AutoConfig.for_model(
        **{**SHAPES[shape], "bos_token_id": None, "eos_token_id": 2, "pad_token_id": 0, "dtype": "bfloat16"}
    )
    torch.manual_seed(20261120)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.generation_config.update(eos_token_id=2, pad_token_id=0, bos_token_id=None)
    model.save_pretrained(making, max_shard_size="4GB")
    for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(tiny_path() / file, making / file)
    assert json.loads((making / "config.json").read_text())["vocab_size"] == SHAPES[shape]["vocab_size"]
    making.rename(target)
    return target
