"""Looks at `dev`: the weights in training, evaluated by the evaluation entry point, each time in a run of its own.

`OUT/dev/step-000100` is a run as `samescore eval --split dev` makes it: `samescore score` gives its numbers again. In
its folder `adapter` lie the weights that were looked at, as they would be saved. They stay there while they are the
best, and the best become the adapter when training ends.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from samescore.harness.blocking import blocking
from samescore.harness.cli.report import exit_code, metric_json
from samescore.harness.errors import ExitCode, TrainingFailed, UsageError
from samescore.harness.evaluate import Evaluation, evaluate
from samescore.harness.floors import floors
from samescore.harness.manifest import Status
from samescore.harness.passport import DevResult
from samescore.harness.perturbed import without_controls
from samescore.harness.plan import Plan
from samescore.harness.policies.model_files import weights_digest
from samescore.harness.rescore import Scored, rescore
from samescore.harness.results import SUCCESS, Floor, Metric, Results, summarise
from samescore.harness.run import MANIFEST, Run
from samescore.harness.scorers import RUBRIC, SCORERS
from samescore.trainers.backends import Writer
from samescore.trainers.checkpoints import how_to_resume
from samescore.trainers.dev_weights import as_saved, put, undisturbed
from samescore.trainers.live import LivePolicy
from samescore.trainers.material import load_material
from samescore.trainers.training import WEIGHTS, Training, save_adapter

FOLDER = "dev"
ADAPTER = "adapter"
CONCURRENCY = 64
"""Conversations at a time, as on the command line."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look said: after so many steps, in which run; whether every target was met; and how long it took."""

    step: int
    run: Path
    metrics: Mapping[str, Metric]
    met: bool
    seconds: float = 0.0

    @property
    def success(self) -> float:
        """The mean success."""
        value = self.metrics[SUCCESS].value
        assert value is not None, "a look is complete"
        return value

    @property
    def adapter(self) -> Path:
        """Where the weights lie that were looked at, if they are kept."""
        return self.run / ADAPTER

    def better(self, other: Look | None) -> bool:
        """Whether its weights are to be kept rather than the other's: a better success, or the same one earlier."""
        return other is None or (self.success, -self.step) > (other.success, -other.step)

    def to_json(self) -> dict[str, Any]:
        """As passports have it in short."""
        success = self.metrics[SUCCESS]
        return {"step": self.step, "success": success.value, "low": success.low, "high": success.high, "n": success.n}


def looks_of(training: Training[Any], trainer: Any, writer: Writer | None = None) -> Looks | None:
    """The looks that a configuration asks for, if any; `writer` is the one that there is already.

    Raises:
        UsageError: the suite has no case for `dev`.
    """
    if not training.config.dev.every:
        return None
    model = trainer.accelerator.unwrap_model(trainer.model)
    return Looks(training, model, writer or training.backend.writer(model, training.renderer, trainer))


class Looks:
    """The looks of one training run, in the order of their steps.

    `model` is the `peft.PeftModel` in training, `writer` writes with it.

    Raises:
        UsageError: the suite has no case for `dev`.
    """

    def __init__(self, training: Training[Any], model: Any, writer: Writer) -> None:
        self.training = training
        self.model = model
        self.writer = writer
        self.targets = training.material.targets
        self.material = load_material(training.config.data, split="dev")
        self.plan = Plan.make([self.material.suite], limit=training.config.dev.limit)
        self.folder: Path = training.config.out / FOLDER
        self.looks: list[Look] = []
        self.best: Look | None = None
        self._weights = weights_digest(training.base)
        self._floors: Mapping[str, Floor] | None = None

    def resume(self, step: int) -> None:
        """Know again what was looked at before training was interrupted, and goes on after `step`.

        A look after that step counts only in that its weights may be the best.

        Raises:
            UsageError: the cases were changed meanwhile.
            EvidenceDamaged, ForeignEvidence: a run cannot be read.
        """
        for manifest in sorted(self.folder.glob(f"step-*/{MANIFEST}")):
            run = Run.open(manifest.parent)
            if changed := self.plan.differences(run.plan):
                raise UsageError(
                    f"{run.directory}: dev was looked at with other cases than there are now: {'; '.join(changed)}. "
                    "Restore the suite, or train anew."
                )
            if run.manifest.status is not Status.COMPLETE:
                continue
            results = self._results(rescore(run, [self.material.suite], self.material.worlds))
            if not results.complete:
                raise self._failed(run, results, f"{len(results.errors)} rollouts cannot be scored again")
            look = self._look(run, results)
            if look.step <= step:
                self.looks.append(look)
            if look.adapter.is_dir() and look.better(self.best):
                self.best = look

    def look(self, step: int) -> Look:
        """Evaluate the weights as they are. Training goes on as if nobody had looked.

        A look that is on disk already is not repeated, one that was interrupted is carried on.

        Raises:
            TrainingFailed: a rollout ended in an error.
            EvidenceUnwritable: the disk is full.
        """
        began, training = perf_counter(), self.training
        with undisturbed():
            kept = self._kept()
            described = self._description(step, weights_digest(kept))
            policy = LivePolicy(self.writer, training.renderer, training.dialect, described)
            run = self._run(step, policy)
            adapter = run.directory / ADAPTER
            if not adapter.is_dir():
                kept.rename(adapter)
            with as_saved(self.model, adapter / WEIGHTS):
                evaluation = self._evaluated(run, policy)
        results = self._results(evaluation.results)
        if not results.complete:
            raise self._failed(run, results, evaluation.stopped or "it is incomplete")
        self._record(run, results)
        look = self._look(run, results, perf_counter() - began)
        self.looks.append(look)
        self._keep(look)
        return look

    def reason_to_stop(self) -> str | None:
        """Why training need not go on after the latest look, if so."""
        asked = self.training.config.dev
        if asked.stop and self.looks and self.looks[-1].met:
            return "every target is met on dev"
        if asked.patience and self.stale >= asked.patience:
            return f"no better success on dev in {self.stale} looks"
        return None

    @property
    def latest(self) -> int | None:
        """The step of the latest look."""
        return self.looks[-1].step if self.looks else None

    @property
    def stale(self) -> int:
        """How many looks there were since the best of them."""
        scores = [look.success for look in self.looks]
        return len(scores) - 1 - scores.index(max(scores)) if scores else 0

    def put_best(self) -> None:
        """Give the model the best weights that were looked at, as they were saved."""
        if self.best is not None:
            put(self.model, self.best.adapter / WEIGHTS)

    def tidy(self) -> None:
        """Forget the weights that lie beside the runs: the adapter has the best of them."""
        for adapter in self.folder.glob(f"step-*/{ADAPTER}"):
            shutil.rmtree(adapter)

    def results(self) -> tuple[DevResult, ...]:
        """What the passport says of `dev`: every metric of the best weights."""
        assert self.best is not None, "the last step is always looked at"
        return tuple(
            DevResult(metric.name, metric.value, metric.low, metric.high, metric.n, self.best.step)
            for metric in self.best.metrics.values()
            if metric.value is not None
        )

    def to_json(self) -> dict[str, Any]:
        """What the passport says of all looks, and why training was stopped, if it was."""
        return {"looks": [look.to_json() for look in self.looks], "stopped": self.reason_to_stop()}

    def _kept(self) -> Path:
        """The adapter as it would be saved now."""
        folder = self.folder / ADAPTER
        shutil.rmtree(folder, ignore_errors=True)
        save_adapter(self.model, self.training, folder)
        return folder

    def _description(self, step: int, adapter: str) -> dict[str, Any]:
        training, model = self.training, self.model.get_base_model()
        return {
            "model": training.config.base,
            "weights": self._weights,
            "adapter": adapter,
            "training": training.kind,
            "step": step,
            "renderer": training.renderer.fingerprint,
            "dialect": f"{training.dialect.name}/{training.dialect.version}",
            "backend": training.backend.name,
            "dtype": str(model.dtype).removeprefix("torch."),
            "device": model.device.type,
        }

    def _run(self, step: int, policy: LivePolicy) -> Run:
        """The run of these weights at this step, where it was begun before; else a new one.

        Other weights at the same step are those of a process that was interrupted, on a machine that does not compute
        the same twice.
        """
        number, directory = 1, self.folder / f"step-{step:06d}"
        while (directory / MANIFEST).exists():
            run = Run.open(directory)
            if run.manifest.description.get("adapter") == policy.describe()["adapter"]:
                return run
            number += 1
            directory = self.folder / f"step-{step:06d}-{number}"
        return Run.create(directory, self.plan, policy, self.material.worlds, suites=[self.material.suite])

    def _evaluated(self, run: Run, policy: LivePolicy) -> Evaluation:
        pending = bool(run.pending())
        if pending:
            self.writer.begin()
        try:
            return blocking(
                evaluate([self.material.suite], policy, self.material.worlds, self.plan, run, concurrency=CONCURRENCY)
            )
        finally:
            if pending:
                self.writer.end()

    def _results(self, scored: Iterable[Scored]) -> Results:
        if self._floors is None:
            planned = {case.id for case in self.plan.cases}
            cases = without_controls(case for case in self.material.suite.cases if case.id in planned)
            self._floors = blocking(floors(cases, self.material.worlds, RUBRIC, self.plan.limits))
        return summarise(self.plan, self.material.suite.cases, scored, RUBRIC, self.targets, self._floors)

    def _look(self, run: Run, results: Results, seconds: float = 0.0) -> Look:
        met = bool(self.targets) and exit_code(results, check=True) is ExitCode.PASS
        step: int = run.manifest.description["step"]
        return Look(step, run.directory, results.metrics, met, seconds)

    def _record(self, run: Run, results: Results) -> None:
        """Leave in `run.json` what `samescore eval` does."""
        found = self._floors or {}
        run.update(
            floors={name: {"value": floor.value, "policy": floor.policy} for name, floor in found.items()},
            results={
                "status": "complete",
                "metrics": {name: metric_json(metric) for name, metric in results.metrics.items()},
            },
            scorers={scorer.name: scorer.version for scorer in SCORERS},
        )

    def _keep(self, look: Look) -> None:
        """Of all weights that were looked at, keep the best."""
        shutil.rmtree(self.folder / ADAPTER, ignore_errors=True)
        before = self.best
        if before is None or before.run == look.run or look.better(before):
            self.best = look
        if before is not None and before.run != look.run:
            shutil.rmtree((before if self.best is look else look).adapter, ignore_errors=True)

    def _failed(self, run: Run, results: Results, why: str) -> TrainingFailed:
        first = results.errors[0]
        saved = f"The weights of that step are in {run.directory / ADAPTER}."
        if self.best is not None and self.best.run != run.directory:
            saved += f" The best until then (step {self.best.step}) are in {self.best.adapter}."
        step = run.manifest.description["step"]
        return TrainingFailed(
            f"the look at dev after step {step} failed: {why}, such as case {first.case}: {first.reason} Training was "
            f"stopped. {saved} {how_to_resume(self.training)}"
        )
