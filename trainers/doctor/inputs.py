"""What the doctor has at hand: the configuration, what it names, and what else was given. All is read when needed."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.dialects.capability import Capability, capability
from samescore.harness.dialects.detect import detect
from samescore.harness.errors import UsageError
from samescore.harness.renderer import Renderer
from samescore.trainers.base import adapter_path, base_path
from samescore.trainers.config import KINDS, GrpoConfig, Kind, SftConfig, TrainConfig, kind_of, load_config
from samescore.trainers.conversation_files import file_lessons
from samescore.trainers.doctor.training_log import TrainingLog, read_log
from samescore.trainers.doctor.verdict import NotAtHand
from samescore.trainers.grpo.sizes import Size, longest
from samescore.trainers.leakage import TrainingText, training_text
from samescore.trainers.material import Material, load_material, spread as evenly
from samescore.trainers.recorded import recorded_lessons
from samescore.trainers.samples import Lesson, Sample, gold_lessons, samples_of

SPREAD, LONGEST = 200, 30
"""How many gold conversations are rendered: at even distances, for the mean, and those with the most text."""

_CONFIG = "a configuration: samescore doctor CONFIG.toml"


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says. `memory` is in GiB, `speed` in tokens a second, `price` in USD an hour of a GPU.

    `kind` is what the configuration is for; None: what its options say. `cases` are how many of `dev` the base is
    measured on where no `baseline` is given; 0: not at all.
    """

    config: Path | None = None
    kind: Kind | None = None
    data: tuple[Path, ...] = ()
    baseline: Path | None = None
    cases: int = 0
    log: Path | None = None
    memory: float | None = None
    speed: float | None = None
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A base's chat template, and how it writes calls."""

    renderer: Renderer
    dialect: Dialect
    capability: Capability


class Inputs:
    """Everything that questions may ask for. What was not given raises `NotAtHand`, what is wrong a `UsageError`."""

    def __init__(self, given: Given) -> None:
        self.given = given

    @cached_property
    def config(self) -> TrainConfig:
        """The configuration of the training run to be."""
        if self.given.config is None:
            raise NotAtHand(_CONFIG)
        return load_config(self.given.config, KINDS[self.kind])

    @cached_property
    def kind(self) -> Kind:
        """What the configuration is for."""
        if self.given.config is None:
            raise NotAtHand(_CONFIG)
        return self.given.kind or kind_of(self.given.config)

    @cached_property
    def train(self) -> Material:
        """The cases that are learned from."""
        return load_material(self.config.data)

    @cached_property
    def dev(self) -> Material:
        """The cases for choosing."""
        return load_material(self.config.data, "dev")

    @cached_property
    def eval(self) -> Material:
        """The cases for the verdict."""
        return load_material(self.config.data, "eval")

    @property
    def gold(self) -> tuple[Case, ...]:
        """The cases whose gold turns, or prompts, are learned from."""
        config = self.config
        return () if isinstance(config, SftConfig) and not config.gold else self.train.cases

    @cached_property
    def files(self) -> tuple[Lesson, ...]:
        """The users' own conversations."""
        named = self.given.data
        if self.given.config is not None:
            named = (*getattr(self.config, "files", ()), *named)
        return tuple(lesson for path in dict.fromkeys(named) for lesson in file_lessons(path))

    @cached_property
    def recorded(self) -> tuple[Lesson, ...]:
        """The conversations of recorded runs that are learned from: of SFT alone, others take failures from them."""
        if self.given.config is None or not isinstance(self.config, SftConfig):
            return ()
        runs = self.config.recorded
        return tuple(lesson for run in runs for lesson in recorded_lessons(run, self.template.renderer).lessons)

    @cached_property
    def log(self) -> TrainingLog | None:
        """The log of an earlier training run; None where none was given."""
        return None if self.given.log is None else read_log(self.given.log)

    def texts(self) -> Iterator[TrainingText]:
        """What every item that is learned from says."""
        if self.given.config is not None:
            yield from map(training_text, self.gold)
        yield from (lesson.text for lesson in (*self.recorded, *self.files))

    @cached_property
    def base(self) -> Path:
        """The folder of the base model."""
        return base_path(self.config.base)

    @cached_property
    def adapter(self) -> Path | None:
        """The folder of the adapter that is trained further."""
        if self.config.adapter is None:
            return None
        assert self.given.config is not None, "it has a configuration"
        return adapter_path(self.config.adapter, self.config.base, self.given.config.parent)

    @cached_property
    def architecture(self) -> Mapping[str, Any]:
        """The model's `config.json`; of models with several parts that of the text model."""
        data = json.loads((self.base / "config.json").read_text(encoding="utf-8"))
        found: Mapping[str, Any] = data.get("text_config", data)
        return found

    @property
    def context(self) -> int | None:
        """The most tokens that the base reads and writes, if it says."""
        return self.architecture.get("max_position_embeddings")

    def read_template(self) -> Template:
        """The base's template.

        Raises:
            UsageError: it has none, or one that cannot be used.
        """
        renderer = Renderer.load(self.base)
        dialect = detect(renderer)
        return Template(renderer, dialect, capability(renderer, dialect))

    @cached_property
    def template(self) -> Template:
        """The same, for questions that are about something else."""
        self.config  # noqa: B018  # what is wrong with it is not the template's fault
        try:
            return self.read_template()
        except UsageError:
            raise NotAtHand("a base whose chat template can be used: see `template`") from None

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """Gold conversations that stand for all, as the template writes them.

        Raises:
            UsageError: it cannot write one.
        """
        return self._rendered(evenly(self.gold, SPREAD))

    @cached_property
    def others(self) -> tuple[Sample, ...]:
        """The samples of recorded runs and files: all of them.

        Raises:
            UsageError: the template cannot write one.
        """
        template = self.template
        return tuple(samples_of((*self.recorded, *self.files), template.renderer, template.dialect))

    @cached_property
    def longest(self) -> Sample | None:
        """The longest sequence among the conversations with the most text, and the users' own; None without any.

        Raises:
            UsageError: the template cannot write one.
        """
        return max((*self.tried, *self.others), key=lambda sample: len(sample.example.ids), default=None)

    @cached_property
    def tried(self) -> tuple[Sample, ...]:
        """Gold conversations among which the longest is: those that stand for all, and those with the most text.

        Raises:
            UsageError: the template cannot write one.
        """
        return (*self.samples, *self._rendered(heapq.nlargest(LONGEST, self.gold, key=_characters)))

    def _rendered(self, cases: Sequence[Case]) -> tuple[Sample, ...]:
        template = self.template
        lessons = gold_lessons(replace(self.train, cases=tuple(cases)))
        return tuple(samples_of(lessons, template.renderer, template.dialect))

    @property
    def longest_sample(self) -> Sample:
        """The same, for questions that are about something else."""
        longest = self._longest_if_written()
        if longest is None:
            raise NotAtHand("something to learn from: the configuration names no conversation")
        return longest

    def _longest_if_written(self) -> Sample | None:
        try:
            return self.longest
        except UsageError:
            raise NotAtHand("conversations that the base's chat template can write: see `template`") from None

    def size_of(self, config: GrpoConfig) -> Size:
        """The longest sequence that GRPO may have, for questions that are about something else."""
        self._longest_if_written()
        if not self.tried:
            raise NotAtHand("training cases: the suite has none of this split in these languages")
        return longest(config, self.tried)

    @cached_property
    def tokens(self) -> tuple[int, int]:
        """Tokens of one pass over everything, and those of them that are learned; of gold conversations estimated."""
        scale = len(self.gold) / max(1, min(SPREAD, len(self.gold)))
        self._longest_if_written()
        counts = [0.0, 0.0]
        for samples, times in ((self.samples, scale), (self.others, 1.0)):
            counts[0] += times * sum(len(sample.example.ids) for sample in samples)
            counts[1] += times * sum(sum(sample.example.mask) for sample in samples)
        return round(counts[0]), round(counts[1])


def _characters(case: Case) -> int:
    said = [case.opening, *(text or "" for text in case.user.slots.values())]
    written = [part for turn in case.gold for part in (turn.thinking or "", turn.content, str(turn.calls))]
    return sum(map(len, (*said, *written)))
