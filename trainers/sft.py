"""Supervised fine-tuning: rendered ids and the assistant's mask, never text.

The ids come from the renderer that evaluation uses, so that training sees exactly the prompts that evaluation
will give. The loss is on the assistant's tokens, the end of turn included.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samescore.harness.fingerprint import fingerprint
from samescore.harness.renderer import Renderer
from samescore.trainers.config import SftConfig
from samescore.trainers.material import Material
from samescore.trainers.samples import Sample, check_lengths, gold_trajectories, samples_of
from samescore.trainers.training import Options, Training, carry_out, common_arguments, load_model, prepare


def train(path: Path, options: Options | None = None) -> Path:
    """Run the training that a configuration file describes; returns the adapter's folder.

    Raises:
        UsageError: the configuration, the suite or the base is wrong, the folder is taken, or a sequence is too long.
        TrainingFailed: memory or disk ran out.
    """
    training = prepare("sft", path, SftConfig, options or Options())
    samples = gold_samples(training.material, training.renderer)
    check_lengths(samples, training.config.max_tokens)
    trainer = trainer_of(training, samples)
    return carry_out(training, trainer, data_of(samples))


def gold_samples(material: Material, renderer: Renderer) -> list[Sample]:
    """Every case's gold conversation, as the renderer writes it."""
    return [
        sample for case, trajectory in gold_trajectories(material) for sample in samples_of(case, trajectory, renderer)
    ]


def data_of(samples: Sequence[Sample]) -> dict[str, Any]:
    """What the passport says of the samples."""
    return {
        "tokens": sum(len(sample.example.ids) for sample in samples),
        "learned_tokens": sum(sum(sample.example.mask) for sample in samples),
        "fingerprint": fingerprint([[sample.source, list(sample.example.ids)] for sample in samples]),
    }


def trainer_of(training: Training[SftConfig], samples: Sequence[Sample]) -> Any:
    """TRL's trainer over rows of `input_ids` and `assistant_masks`: what it learns are the ids at hand."""
    from datasets import Dataset
    from trl import SFTConfig as TrlConfig, SFTTrainer

    dataset = Dataset.from_dict(
        {
            "input_ids": [list(sample.example.ids) for sample in samples],
            "assistant_masks": [list(sample.example.mask) for sample in samples],
        }
    )
    config = training.config
    arguments = common_arguments(
        training,
        {
            "num_train_epochs": config.epochs,
            "gradient_accumulation_steps": config.accumulate,
            "lr_scheduler_type": "cosine",
            "max_length": None,
            "train_sampling_strategy": "group_by_length",
        },
    )
    return SFTTrainer(
        model=load_model(training),
        args=TrlConfig(**arguments),
        train_dataset=dataset,
        processing_class=training.renderer.tokenizer,
    )
