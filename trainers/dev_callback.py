"""When `dev` is looked at: every so many steps and after the last, inside the loop of TRL's trainers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samescore.harness.cli.errors import say
from samescore.harness.cli.table import interval, score
from samescore.harness.results import SUCCESS, TargetVerdict
from samescore.trainers.dev import Look, Looks


def callback_of(looks: Looks, trainer: Any, tell: Callable[[str], None] = say) -> Any:
    """What has `trainer` look, log what was seen, and stop when nothing is to be gained by going on.

    When training ends the best weights are in its model. `tell` prints a line.
    """
    from transformers import TrainerCallback

    every = looks.training.config.dev.every

    class Looking(TrainerCallback):  # type: ignore[misc]  # Transformers has no types
        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            looks.resume(state.global_step)

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step % every == 0 or state.global_step >= state.max_steps:
                self.look(args, state, control)

        def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if looks.latest != state.global_step:  # something else ended the training
                self.look(args, state, control)
            looks.put_best()

        def look(self, args: Any, state: Any, control: Any) -> None:
            look = looks.look(state.global_step)
            logs, due = figures(look), control.should_log
            # The trainer's own `log` would take them for figures of a training step, and empty its sums.
            state.log_history.append({**logs, "step": state.global_step})
            trainer.callback_handler.on_log(args, state, control, logs)
            control.should_log = due
            stopping = looks.reason_to_stop()
            control.should_training_stop |= stopping is not None
            tell(line(look, looks.best is look, stopping))

    return Looking()


def figures(look: Look) -> dict[str, float]:
    """What is logged of a look: each metric with its 95% interval, and the seconds that it took."""
    found = {"dev/seconds": look.seconds}
    for metric in look.metrics.values():
        assert metric.value is not None, "a look is complete"
        name = f"dev/{metric.name}"
        found |= {name: metric.value, f"{name}_low": metric.low, f"{name}_high": metric.high}
    return found


def line(look: Look, best: bool, stopping: str | None) -> str:
    """What is told of a look."""
    success = look.metrics[SUCCESS]
    parts = [f"dev after step {look.step}: success {score(success)} [{interval(success)}] on {success.n} cases"]
    if judged := [metric.verdict for metric in look.metrics.values() if metric.verdict is not None]:
        parts.append(f"{judged.count(TargetVerdict.MET)} of {len(judged)} targets met")
    parts += ["best so far"] if best else []
    parts += [f"stopping: {stopping}"] if stopping else []
    return " · ".join([*parts, str(look.run)])
