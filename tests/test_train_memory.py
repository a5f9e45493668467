"""The estimate of memory against what a real training step takes, and against the real models' own numbers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

import torch
from live_memory import LiveMemory
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from samescore.harness.errors import UsageError
from samescore.harness.policies import tiny_path
from samescore.trainers.memory import NF4, Load, ModelSize, estimate, read_size

SMALL = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 600,
    "max_position_embeddings": 2048,
}
EIGHT = ModelSize(
    parameters=8_030_261_248,
    linear=6_979_321_856,
    sides=32 * (8192 + 2 * 5120 + 8192 + 3 * 18432),
    layers=32,
    hidden=4096,
    queries=4096,
    keys=1024,
    mlp=14336,
    vocabulary=128256,
    normalised=False,
    heads=32,
    context=131072,
)
"""Llama 3.1 8B."""


def model_of(kind: str, tied: bool = True) -> Any:
    config = AutoConfig.for_model(kind, **SMALL, tie_word_embeddings=tied)
    return AutoModelForCausalLM.from_config(config)


def size_of(model: Any, folder: Path, weights: bool = True) -> ModelSize:
    model.config.save_pretrained(folder)
    if weights:
        model.save_pretrained(folder)
    return read_size(folder)


@pytest.mark.parametrize("weights", [True, False], ids=["headers", "config alone"])
@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "mistral"])
def test_parameters_are_those_of_the_model_and_of_its_adapter(kind: str, weights: bool, tmp_path: Path) -> None:
    model = model_of(kind, tied=kind != "llama")
    counted = sum(weight.numel() for weight in model.parameters())
    size = size_of(model, tmp_path, weights)
    # Biases and the norms of queries and keys stand in the headers alone.
    assert size.parameters == counted if weights else abs(size.parameters - counted) < 0.01 * counted
    adapted = get_peft_model(model, LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    assert size.sides * 8 == sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)


def test_the_numbers_of_the_embedded_model() -> None:
    size = read_size(tiny_path())
    assert (size.parameters, size.layers, size.vocabulary, size.normalised) == (5_574_656, 6, 4096, True)
    assert size.sides * 32 == 909_312


@pytest.mark.parametrize(
    ("kind", "gpu", "checkpointing"),
    [
        ("qwen3", True, False),
        ("qwen3", True, True),
        ("qwen3", False, False),
        ("qwen3", False, True),
        ("llama", True, False),
    ],
)
def test_the_estimate_is_what_a_real_step_takes(kind: str, gpu: bool, checkpointing: bool, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    from samescore.harness.renderer import Renderer
    from samescore.trainers.logs import quiet

    quiet()
    model = model_of(kind)
    size = size_of(model, tmp_path / "model")
    model = get_peft_model(
        model.to(torch.bfloat16 if gpu else torch.float32),
        LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    rows = [{"input_ids": [5] * length, "labels": [-100, *[5] * (length - 1)]} for length in (512, 500)]
    arguments = SFTConfig(
        output_dir=str(tmp_path),
        per_device_train_batch_size=2,
        bf16=gpu,  # autocast, as on a GPU
        use_cpu=True,
        gradient_checkpointing=checkpointing,
        max_length=None,
        report_to="none",
        max_steps=2,
        disable_tqdm=True,
        logging_strategy="no",
    )
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=Renderer.load(tiny_path()).tokenizer,
    )
    with LiveMemory([*model.parameters(), *model.buffers()]) as live:
        trainer.train()
    load = Load("sft", 16, 2, 512, 16 if gpu else 32, checkpointing, gpu=gpu)
    found = estimate(size, load)
    workspace = 32 * 2**20 if gpu else 0  # of cuBLAS, which a CPU has not
    assert live.peak == pytest.approx(found.peak - workspace, rel=0.1)


def test_four_bits_hold_linear_layers_alone() -> None:
    size = replace(EIGHT)
    found = estimate(size, Load("sft", 64, 1, 2048, 4))
    assert found.weights == round(NF4 * size.linear) + 2 * (size.parameters - size.linear)
    assert 5.2 < found.weights / 2**30 < 5.4, "of which embeddings and head are more than a third"


def test_the_logits_of_dpo_are_those_of_all_tokens_of_both_sides() -> None:
    sft, dpo = (estimate(EIGHT, Load(loss, 16, 4, 2048)) for loss in ("sft", "dpo"))
    assert dpo.logits == 8 * 128256 * 4 * 2048 and sft.logits == 16 * 128256 * 256
    assert dpo.peak > sft.peak
    grpo = estimate(EIGHT, Load("grpo", 16, 4, 2048, learned=512))
    assert grpo.logits == dpo.logits // 4


def test_sampling_may_take_more_than_training() -> None:
    alone = estimate(EIGHT, Load("grpo", 16, 1, 1024, checkpointing=True, learned=64))
    together = estimate(EIGHT, Load("grpo", 16, 1, 1024, checkpointing=True, learned=64, together=64))
    assert together.cache == 2 * 2 * 1024 * 32 * 64 * 1024
    assert together.peak == together.weights + together.adapter + together.cache > alone.peak
    engine = estimate(EIGHT, Load("grpo", 16, 1, 1024, checkpointing=True, learned=64, engine=10 * 2**30))
    assert engine.peak == alone.peak + 10 * 2**30


@pytest.mark.parametrize(
    ("load", "higher"),
    [
        (Load("sft", 16, 4, 1024), {"sequences": 8}),
        (Load("sft", 16, 4, 1024), {"length": 2048}),
        (Load("sft", 16, 4, 1024), {"rank": 64}),
        (Load("sft", 16, 4, 1024, 4), {"bits": 16}),
        (Load("sft", 16, 4, 1024, checkpointing=True), {"checkpointing": False}),
    ],
)
def test_whatever_is_asked_more_of_takes_more(load: Load, higher: dict[str, Any]) -> None:
    assert estimate(EIGHT, replace(load, **higher)).peak > estimate(EIGHT, load).peak


def test_a_configuration_that_is_no_language_model_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip"}), encoding="utf-8")
    with pytest.raises(UsageError, match="names no hidden_size"):
        read_size(tmp_path)


def test_damaged_weights_are_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((tiny_path() / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\x00\x01")
    with pytest.raises(UsageError, match=r"model\.safetensors: the weights are damaged"):
        read_size(tmp_path)
