"""When `dev` is looked at: every so many steps and after the last, inside the loop of TRL's trainers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from samescore.harness.cli.table import interval, score
from samescore.harness.results import SUCCESS, Metric, TargetVerdict
from samescore.trainers.dev import Look, Looks


class LookAtDev(TrainerCallback):  # type: ignore[misc]  # Transformers is untyped
    """Looks, logs what it saw, and stops the training when nothing is to be gained by going on.

    `handler` is the trainer's `callback_handler`, `say` prints a line.
    """

    def __init__(self, looks: Looks, handler: Any, say: Callable[[str], None]) -> None:
        self.looks = looks
        self.stopped: str | None = None
        self._handler = handler
        self._say = say

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Know again what was looked at before."""
        self.looks.resume(state.global_step)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Look, if this step is one of those, or the last."""
        every = self.looks.training.config.dev.every
        if state.global_step % every == 0 or state.global_step >= state.max_steps:
            self._look(args, state, control)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Look at the last weights, where something else ended the training."""
        if state.global_step not in (look.step for look in self.looks.looks):
            self._look(args, state, control)

    def _look(self, args: TrainingArguments, state: TrainerState, control: TrainerControl) -> None:
        look = self.looks.look(state.global_step)
        self._log(figures(look), args, state, control)
        self.stopped = self.looks.reason_to_stop()
        self._say(line(look, self.looks.best is look, self.stopped))
        if self.stopped is not None:
            control.should_training_stop = True

    def _log(self, logs: dict[str, float], args: Any, state: TrainerState, control: TrainerControl) -> None:
        """Tell whoever hears of the trainer's figures. Its own `log` would take them for those of a training step."""
        due = control.should_log
        state.log_history.append({**logs, "step": state.global_step})
        self._handler.on_log(args, state, control, logs)
        control.should_log = due


def figures(look: Look) -> dict[str, float]:
    """What is logged of a look: each metric, and its 95% interval."""
    found: dict[str, float] = {}
    for metric in look.metrics.values():
        assert metric.value is not None, "a look is complete"
        name = f"dev/{metric.name}"
        found |= {name: metric.value, f"{name}_low": metric.low, f"{name}_high": metric.high}
    return found


def line(look: Look, best: bool, stopped: str | None) -> str:
    """What is told of a look."""
    success = look.metrics[SUCCESS]
    parts = [f"dev after step {look.step}: success {score(success)} [{interval(success)}]", *_judged(look)]
    parts += ["best so far"] if best else []
    parts += [f"stopping: {stopped}"] if stopped else []
    return " · ".join([*parts, str(look.run)])


def _judged(look: Look) -> list[str]:
    judged: list[Metric] = [metric for metric in look.metrics.values() if metric.verdict is not None]
    met = sum(metric.verdict is TargetVerdict.MET for metric in judged)
    return [f"{met} of {len(judged)} targets met"] if judged else []
