"""Supervised fine-tuning: rendered ids and the assistant's mask, never text.

The ids come from the renderer that evaluation uses, so that training sees exactly the prompts that evaluation
will give. The loss is on the assistant's tokens, the end of turn included.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from samescore.harness.fingerprint import fingerprint
from samescore.harness.renderer import Renderer
from samescore.trainers.config import SftConfig
from samescore.trainers.leakage import training_text
from samescore.trainers.material import Material
from samescore.trainers.samples import Sample, check_lengths, gold_trajectories, samples_of
from samescore.trainers.training import (
    Options,
    Training,
    carry_out,
    common_arguments,
    failing,
    load_model,
    prepare,
    require_disjoint,
)

_WINDOW = 50  # batches of which sequences of like length are put together


def train(path: Path, options: Options | None = None) -> Path:
    """Run the training that a configuration file describes; returns the adapter's folder.

    Raises:
        UsageError: the configuration, the suite or the base is wrong, the folder is taken, or a sequence is too long.
        TrainingFailed: memory or disk ran out.
    """
    training = prepare("sft", path, SftConfig, options or Options())
    require_disjoint(training, map(training_text, training.material.cases))
    samples = gold_samples(training.material, training.renderer)
    check_lengths(samples, training.config.max_tokens)
    with failing(training):
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


class ByLength:
    """The order of samples in each epoch: shuffled, with sequences of like length in one batch, to pad little.

    It follows from `seed` and the epoch alone, so that a training run that is resumed sees the same. The batch with the
    longest sequence comes first: where it does not fit into memory, that is known after one step.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self.lengths = lengths
        self.batch = batch
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """What the next `iter` is of; called by the data loader."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        draw = random.Random(f"{self.seed}/{self.epoch}")
        order = list(range(len(self.lengths)))
        draw.shuffle(order)
        window = self.batch * _WINDOW
        batches: list[list[int]] = []
        for start in range(0, len(order), window):
            alike = sorted(order[start : start + window], key=lambda row: -self.lengths[row])
            batches += [alike[at : at + self.batch] for at in range(0, len(alike), self.batch)]
        rest = [batch for batch in batches if len(batch) < self.batch]  # the last batch may be smaller: it stays last
        whole = [batch for batch in batches if len(batch) == self.batch]
        draw.shuffle(whole)
        whole.sort(key=lambda batch: max(self.lengths[row] for row in batch) < max(self.lengths))
        return iter([row for batch in [*whole, *rest] for row in batch])


def trainer_of(training: Training[SftConfig], samples: Sequence[Sample]) -> Any:
    """TRL's trainer over rows of `input_ids` and `assistant_masks`: what it learns are the ids at hand."""
    from datasets import Dataset
    from trl import SFTConfig as TrlConfig, SFTTrainer

    config = training.config
    dataset = Dataset.from_dict(
        {
            "input_ids": [list(sample.example.ids) for sample in samples],
            "assistant_masks": [list(sample.example.mask) for sample in samples],
        }
    )
    arguments = common_arguments(
        training,
        {
            "num_train_epochs": config.epochs,
            "gradient_accumulation_steps": config.accumulate,
            "lr_scheduler_type": "cosine",
            "max_length": None,
        },
    )
    trainer = SFTTrainer(
        model=load_model(training),
        args=TrlConfig(**arguments),
        train_dataset=dataset,
        processing_class=training.renderer.tokenizer,
    )
    order = ByLength([len(sample.example.ids) for sample in samples], config.batch_size, config.seed)
    trainer._get_train_sampler = lambda dataset=None: order
    return trainer
