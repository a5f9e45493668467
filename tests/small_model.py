"""A real model of two layers with random weights, its tokenizer and template, and a LoRA adapter for it.

Import it only where torch, transformers and peft are installed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import peft
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from toy_world import WORLD
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from samescore.harness.passport import PASSPORT

TEMPLATE = """\
{%- if tools %}<|im_start|>tools
{% for tool in tools %}{{ tool.function | tojson }}
{% endfor %}<|im_end|>
{% endif %}
{%- for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}
{%- for call in m.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def make_model(folder: Path, hidden: int = 64, seed: int = 0) -> Path:
    """A folder as `save_pretrained` writes it: model, tokenizer, template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        [TEMPLATE, *(tool.description for tool in WORLD.toolset.tools)],
        trainers.BpeTrainer(vocab_size=400, special_tokens=specials, initial_alphabet=alphabet, show_progress=False),
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=400,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=2048,
        initializer_range=0.1,
        eos_token_id=2,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    return folder


def make_adapter(
    folder: Path, base: Path, passport: dict[str, object] | None = None, seed: int = 1, **changes: Any
) -> Path:
    """A LoRA adapter on all linear layers, with an update that is not zero. `changes` are PEFT's options."""
    model = AutoModelForCausalLM.from_pretrained(base)
    options = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "init_lora_weights": False, **changes}
    lora = peft.LoraConfig(**options, task_type="CAUSAL_LM")
    torch.manual_seed(seed)
    peft.get_peft_model(model, lora).save_pretrained(folder)
    if passport is not None:
        (folder / PASSPORT).write_text(json.dumps(passport), encoding="utf-8")
    return folder
