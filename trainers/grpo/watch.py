"""The watch: some completions are written down as evidence, scored again from there, and compared with their rewards.

What is compared never meets before: the reward came from token ids in the trainer's memory, the score comes from the
text on disk, read by the dialect that the run recorded, as `samescore score` would. A difference stops the training.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samescore.harness.case import Case
from samescore.harness.environment import World
from samescore.harness.errors import ScoresDiffer
from samescore.harness.fingerprint import fingerprint, seed_of
from samescore.harness.manifest import Status
from samescore.harness.plan import Plan, Procedure
from samescore.harness.policy import Policy
from samescore.harness.records import ErrorKind, error_record, record_of
from samescore.harness.rescore import Scored, rescore
from samescore.harness.rollout import Limits
from samescore.harness.run import Run
from samescore.trainers.grpo.rewards import Rewarded
from samescore.trainers.grpo.rollouts import Rolled

CASES = "cases.jsonl"


@dataclass(frozen=True)
class WatchedSuite:
    """The cases of a case file that was just written, as a suite."""

    source: str
    cases: tuple[Case, ...]
    worlds: Mapping[str, World]
    procedure: Procedure
    version: int
    targets: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without its suffix, as `samescore score` will call it."""
        return Path(self.source).stem

    @property
    def fingerprint(self) -> str:
        """As of any suite."""
        return fingerprint([self.name, self.version, [case.fingerprint() for case in self.cases]])


@dataclass(slots=True)
class Watch:
    """A listener of `Rewards` that every `every` steps compares `count` completions, and those of the first batch.

    Where completions are reused there is not a batch at every step: then it is the first one after that many.
    `rolled` gives the rollouts of the batch at hand, `policy` who wrote them, `seed` the seed of the plan they are of.
    """

    folder: Path
    worlds: Mapping[str, World]
    files: Mapping[str, Path]
    procedure: Procedure
    policy: Policy
    rolled: Callable[[], Sequence[Rolled]]
    seed: Callable[[], int]
    limits: Limits
    temperature: float
    every: int
    count: int
    prompts: Mapping[str, Case]
    compared: int = 0
    latest: int | None = None

    def __call__(self, rewarded: Rewarded, log: Callable[[str, float], None]) -> None:
        """Compare, if this step is one of those.

        Raises:
            ScoresDiffer: a reward is not the score; says both.
        """
        if self.every and (self.latest is None or rewarded.step // self.every > self.latest // self.every):
            self.latest = rewarded.step
            self.compare(rewarded)

    def compare(self, rewarded: Rewarded) -> Run:
        """Write whole groups down until `count` completions are, score them again and compare."""
        rolled = self.rolled()
        keys = self._keys(rewarded)
        chosen = [index for index, key in enumerate(rewarded.keys) if key in keys]
        directory = self._free(f"step-{rewarded.step:06d}")
        run, suite = self._written(directory, keys, [rolled[index] for index in chosen])
        again = {(one.record.case, one.record.epoch): one for one in rescore(run, [suite], self.worlds)}
        for index in chosen:
            one = rolled[index]
            self._same(rewarded, index, one.completion_ids, again[one.item.case, one.item.epoch], directory)
        self.compared += len(chosen)
        return run

    def _free(self, name: str) -> Path:
        """A directory that is not there: a run that goes on from a checkpoint comes by some steps again."""
        number, directory = 1, self.folder / name
        while directory.exists():
            number += 1
            directory = self.folder / f"{name}-{number}"
        return directory

    def _keys(self, rewarded: Rewarded) -> tuple[str, ...]:
        """Whole groups, from a place that moves with the step, until there are enough completions."""
        every = list(dict.fromkeys(rewarded.keys))
        start = seed_of(rewarded.step) % len(every)
        keys: list[str] = []
        for key in [*every[start:], *every[:start]]:
            if sum(rewarded.keys.count(one) for one in keys) >= self.count:
                break
            keys.append(key)
        return tuple(keys)

    def _written(self, directory: Path, keys: Sequence[str], rolled: Sequence[Rolled]) -> tuple[Run, WatchedSuite]:
        """The completions as a run on disk, with its cases beside it."""
        case_file: Any = importlib.import_module("samescore.suites.case_file")
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / CASES
        cases = tuple(self.prompts[key] for key in keys)
        worlds = {name: self.worlds[name] for name in sorted({case.world for case in cases})}
        case_file.add_cases(path, cases, worlds, self.files, self.procedure)
        suite = WatchedSuite(str(path), cases, worlds, self.procedure, case_file.VERSION)
        epochs = max(one.item.epoch for one in rolled) + 1
        plan = Plan.make([suite], epochs=epochs, seed=self.seed(), temperature=self.temperature, limits=self.limits)
        run = Run.create(directory, plan, self.policy, worlds, suites=[suite])
        prints = {case.id: case.fingerprint() for case in cases}
        with run.writer() as writer:
            for one in rolled:
                if one.trajectory is None:
                    assert one.failure is not None
                    writer.append(error_record(one.item, prints[one.item.case], one.failure, one.seconds))
                else:
                    writer.append(record_of(one.item, prints[one.item.case], one.trajectory, one.seconds))
        lost = any(one.failure is not None for one in rolled)
        run.finish(Status.INCOMPLETE if lost else Status.COMPLETE, "some rollouts failed" if lost else None)
        return Run.open(directory), suite

    def _same(self, rewarded: Rewarded, index: int, ids: tuple[int, ...], again: Scored, directory: Path) -> None:
        key, scores = rewarded.keys[index], rewarded.scores[index]
        where = f"step {rewarded.step}, case {key}, completion {index}"
        how = f"The evidence is in {directory}: samescore score {directory}"
        if (key, tuple(rewarded.completion_ids[index])) != (again.record.case, ids):
            raise ScoresDiffer(f"{where}: what was rewarded is not what was sampled. {how}")
        if scores is None and again.error is not None and again.error.kind is not ErrorKind.DIVERGED:
            return
        if scores is None or again.scores is None:
            told = "no reward" if scores is None else f"a reward (success {scores['success'].value:g})"
            raise ScoresDiffer(f"{where}: {told} in training, and from evidence {again.error or 'scores'}. {how}")
        for name in sorted(scores.keys() | again.scores.keys()):
            reward = scores[name].value if name in scores else None
            score = again.scores[name].value if name in again.scores else None
            if float32(reward) != float32(score):
                raise ScoresDiffer(
                    f"{where}: the reward {name} was {reward}, the score from evidence is {score} "
                    f"({again.scores[name].reason if name in again.scores else 'it does not apply'}). Training and "
                    f"evaluation do not judge alike, so the training was stopped. {how}"
                )


def float32(value: float | None) -> bytes | None:
    """The bits of a value as a reward has it."""
    return None if value is None else struct.pack("<f", value)
