"""Supervised fine-tuning: rendered ids and the assistant's mask, never text.

The ids come from the renderer that evaluation uses, so that training sees exactly the prompts that evaluation
will give. The loss is on the assistant's tokens, the end of turn included.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samescore.harness.cli.progress import loading
from samescore.harness.fingerprint import fingerprint
from samescore.trainers.config import SftConfig
from samescore.trainers.conversation_files import file_lessons
from samescore.trainers.ending import finished
from samescore.trainers.preview import Workload, show_plan, steps_of
from samescore.trainers.recorded import recorded_lessons
from samescore.trainers.samples import Sample, check_lengths, gold_lessons, samples_of
from samescore.trainers.schedule import schedule
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
        UsageError: the configuration, the suite, a run, a file or the base is wrong, the folder is taken, a sequence is
            too long, or what is learned has something of the cases that judge.
        TrainingFailed: memory or disk ran out.
    """
    options = options or Options()
    if (done := finished(path, SftConfig, options)) is not None:
        return done
    training = prepare("sft", path, SftConfig, options)
    with loading("the conversations to learn"):
        data = data_of(training)
    check_lengths(data.samples, training.config.max_tokens, data.longer)
    if training.options.dry_run:
        return show_plan(training, workload(training.config, data))
    with failing(training):
        trainer = trainer_of(training, data.samples)
    return carry_out(training, trainer, data.to_json())


@dataclass(frozen=True, slots=True)
class SftData:
    """What is learned, and where it comes from: how many conversations of the suite, of each run, of each file.

    `repeated` are recorded conversations that are token for token others that are learned: they are left out. So are
    `longer` sequences past `max_tokens`, where the configuration asks for it.
    """

    samples: tuple[Sample, ...]
    gold: int
    recorded: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, int]
    repeated: int
    longer: int = 0

    def to_json(self) -> dict[str, Any]:
        """As passports have it."""
        rows = [[list(sample.example.ids), list(sample.example.mask)] for sample in self.samples]
        return {
            "gold": self.gold,
            "recorded": dict(self.recorded),
            "files": dict(self.files),
            "repeated": self.repeated,
            "longer": self.longer,
            "samples": len(self.samples),
            "tokens": sum(len(ids) for ids, _ in rows),
            "learned_tokens": sum(sum(mask) for _, mask in rows),
            "fingerprint": fingerprint(rows),
        }


def data_of(training: Training[SftConfig]) -> SftData:
    """Everything that a configuration has the model learn.

    Raises:
        UsageError: see `train`.
        EvidenceDamaged, ForeignEvidence: the evidence of a run cannot be read.
    """
    config = training.config
    gold = list(gold_lessons(training.material)) if config.gold else []
    files = {path: list(file_lessons(path)) for path in config.files}
    runs = [recorded_lessons(path, training.renderer) for path in config.recorded]
    written = [*gold, *(lesson for lessons in files.values() for lesson in lessons)]
    sampled = [lesson for run in runs for lesson in run.lessons]
    require_disjoint(training, (lesson.text for lesson in (*written, *sampled)))
    samples = list(samples_of(written, training.renderer, training.dialect))
    seen = {sample.example.ids for sample in samples}
    repeated = 0
    for sample in samples_of(sampled, training.renderer, training.dialect):
        if sample.example.ids in seen:
            repeated += 1
        else:
            seen.add(sample.example.ids)
            samples.append(sample)
    leaving = config.data.longer == "leave_out"
    kept = [sample for sample in samples if not leaving or len(sample.example.ids) <= config.max_tokens]
    return SftData(
        tuple(kept),
        len(gold),
        {run.run.name: run.to_json() for run in runs},
        {path.name: len(lessons) for path, lessons in files.items()},
        repeated,
        len(samples) - len(kept),
    )


def workload(config: SftConfig, data: SftData) -> Workload:
    """How much there is to do, for `--dry-run`."""
    told = data.to_json()
    longest = max(data.samples, key=lambda sample: len(sample.example.ids))
    left_out = {f"past {config.max_tokens:,} tokens left out": data.longer} if data.longer else {}
    return Workload(
        counts={
            "samples": told["samples"],
            "tokens": told["tokens"],
            "of them learned": told["learned_tokens"],
            **left_out,
        },
        data=told,
        steps=steps_of(len(data.samples), config, config.accumulate, config.epochs),
        longest=len(longest.example.ids),
        source=longest.source,
        sequences=min(config.batch_size, len(data.samples)),
    )


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
            "max_length": None,
        },
    )
    trainer = SFTTrainer(
        model=load_model(training),
        args=TrlConfig(**arguments),
        train_dataset=dataset,
        processing_class=training.renderer.tokenizer,
    )
    schedule(trainer, "cosine")
    order = ByLength([len(sample.example.ids) for sample in samples], config.batch_size, config.seed)
    trainer._get_train_sampler = lambda dataset=None: order
    return trainer
