"""What is told of a training run while it goes on: one bar, `log.jsonl`, and the reporters that a configuration names.

`log.jsonl` lies in the adapter's folder. It is only ever appended to, each line is one JSON object, and its `event` is

    begin   a process began to train at `step`: 0, or where `--resume` went on
    step    every `log.every` steps: TRL's figures under TRL's names, and `tokens`, `tokens_per_second`
    dev     the weights after `step` were looked at: each metric on `dev` as `dev/NAME`, its 95% interval as
            `dev/NAME_low` and `dev/NAME_high`, and `dev/seconds`
    end     training ended at `step`; `seconds` is what this process took

and whatever else a callback appends. A run that was resumed has the steps after its checkpoint twice: the later line
counts. A figure that is no finite number is null.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from samescore.harness.cli.errors import say
from samescore.harness.cli.progress import PLAIN_SECONDS, duration
from samescore.harness.errors import TrainingFailed
from samescore.trainers.config import LogConfig, TrainConfig
from samescore.trainers.config_faults import Fault

LOG = "log.jsonl"

_PACKAGES = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",), "trackio": ("trackio",)}
_SUMMARY = "train_runtime"  # what TRL logs once more, of the whole
_NO_BARS = "TQDM_DISABLE"  # what TRL asks before it draws one
_BAR_SECONDS = 1.0

Figure = tuple[str, float]
"""What training is seen by, and its value: the loss, or the reward of GRPO."""


def missing_reporters(config: LogConfig) -> Iterator[Fault]:
    """The fault of a configuration that names reporters that are not installed."""
    if missing := [name for name in config.to if not any(map(find_spec, _PACKAGES[name]))]:
        yield Fault(
            f"log.to names {', '.join(missing)}, not installed here: pip install {' '.join(missing)}, or leave it out. "
            f"{LOG} in the adapter's folder is written in any case",
            ("log.to",),
        )


def reporter_arguments(config: TrainConfig) -> dict[str, Any]:
    """What TRL is told about reporters. TensorBoard and W&B take their places from the environment alone."""
    if "tensorboard" in config.log.to:
        os.environ["TENSORBOARD_LOGGING_DIR"] = str(config.out / "tensorboard")
    if "wandb" in config.log.to:
        os.environ.setdefault("WANDB_PROJECT", "samescore")
        os.environ.setdefault("WANDB_DIR", str(config.out))
    return {"report_to": list(config.log.to) or "none", "run_name": config.out.name, "project": "samescore"}


def quiet() -> None:
    """Keep third parties from chatting and from calling home: what matters of their warnings is checked for by us.

    TRL sends usage data when a trainer is made, unless it is told not to.
    """
    import logging
    import warnings

    import datasets
    import huggingface_hub
    import transformers

    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True  # read when it was imported, which may be long ago
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.utils.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    for name in ("trl", "peft", "accelerate"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in ("torch", "transformers", "trl", "peft", "accelerate"):
        warnings.filterwarnings("ignore", module=rf"{name}(\.|$)")


def append(out: Path, event: str, figures: Mapping[str, Any]) -> None:
    """Append a line to the log of an adapter's folder.

    Raises:
        OSError: the disk is full.
    """
    line = {"event": event, "time": datetime.now().astimezone().isoformat(timespec="seconds"), **_plain(figures)}
    with (out / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    """A value as JSON has it. What is no finite number is null; numbers of other libraries are Python's."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, bool | str | int):
        return value
    number = float(value)
    return number if math.isfinite(number) else None


@contextmanager
def without_bars() -> Iterator[None]:
    """Keeps TRL from drawing progress bars of its own meanwhile."""
    before = os.environ.get(_NO_BARS)
    os.environ[_NO_BARS] = "1"
    try:
        yield
    finally:
        os.environ.pop(_NO_BARS) if before is None else os.environ.update({_NO_BARS: before})


class Display(Protocol):
    """Where progress is seen."""

    def show(self, step: int, words: Callable[[], str]) -> None:
        """So many steps are done; `words` are asked for where they are shown."""

    def say(self, words: str) -> None:
        """A line that stays."""

    def close(self) -> None:
        """Nothing more comes."""


class Lines:
    """A plain line now and then, for logs."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._written = time.monotonic()

    def show(self, step: int, words: Callable[[], str]) -> None:
        """Write a line, if the last one was long ago."""
        now = time.monotonic()
        if now - self._written >= PLAIN_SECONDS:
            self._written = now
            print(f"step {step}/{self._total} · {words()}", file=sys.stderr, flush=True)

    def say(self, words: str) -> None:
        """Write it."""
        say(words)

    def close(self) -> None:
        """Nothing to close."""


class Bar:
    """A bar on a terminal."""

    def __init__(self, total: int, step: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(bar_width=None),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            transient=True,
            expand=True,
        )
        self._task = self._progress.add_task("starting", total=total, completed=step)
        self._worded = 0.0
        self._progress.start()

    def show(self, step: int, words: Callable[[], str]) -> None:
        """Move the bar; its words change about once a second, since a GPU is waited for to know the loss."""
        self._progress.update(self._task, completed=step)
        now = time.monotonic()
        if now - self._worded >= _BAR_SECONDS:
            self._worded = now
            self._progress.update(self._task, description=words())

    def say(self, words: str) -> None:
        """Write it above the bar."""
        self._progress.console.print(words, markup=False, highlight=False)

    def close(self) -> None:
        """Take it away."""
        self._progress.stop()


class Teller:
    """Tells how far a training run is: on stderr, and in its log.

    `tokens` counts what was trained on; `to_json` and `take` carry it over checkpoints. `latest` is what was logged
    last of the loss or the reward.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.tokens = 0
        self._before = 0  # tokens of the processes before this one
        self._display: Display | None = None
        self._began = self._logged = time.monotonic()
        self._first = self._total = 0
        self._pace_words: list[str] = []
        self.latest: Figure | None = None

    def to_json(self) -> dict[str, Any]:
        """What the process that resumes has to know."""
        return {"tokens": self.tokens}

    def take(self, data: Mapping[str, Any]) -> None:
        """Go on from what `to_json` wrote."""
        self.tokens = self._before = data["tokens"]

    def begin(self, step: int, total: int, counted: int = 0) -> None:
        """Training begins after `step` of `total` steps. `counted` tokens of those before TRL counts once more."""
        self._began = self._logged = time.monotonic()
        self._first, self._total = step, total
        self._before -= counted
        append(self.out, "begin", {"step": step, "steps": total})
        self._display = Bar(total, step) if sys.stderr.isatty() else Lines(total)

    def step(self, step: int, recent: Callable[[], Figure | None] = lambda: None) -> None:
        """A step is done; `recent` says how the steps went since figures were last logged."""

        def words() -> str:
            seen = recent() or self.latest
            told = [] if seen is None else [f"{seen[0]} {seen[1]:.3f}"]
            return " · ".join([*told, *self._pace_words, self._left(step)])

        if self._display is not None:
            self._display.show(step, words)

    def figures(self, step: int, figures: Mapping[str, Any]) -> None:
        """TRL's figures of the steps since it last gave some.

        Raises:
            TrainingFailed: the loss is no number any more.
        """
        if _SUMMARY in figures:
            return
        if (looking := figures.get("dev/seconds")) is not None:
            self._logged += looking  # no time of training
            append(self.out, "dev", {"step": step, **figures})
            return
        found = dict(figures)
        main = "reward" if "reward" in found else "loss"
        self.latest = (main, float(found[main])) if main in found else None
        if (counted := found.pop("num_tokens", None)) is not None:
            found |= self._pace(int(counted))
        self._logged = time.monotonic()
        append(self.out, "step", {"step": step, **found})
        if not math.isfinite(loss := float(found.get("loss", 0.0))):
            raise TrainingFailed(
                f"the loss is {loss} at step {step}: the weights are no numbers any more. Lower learning_rate, remove "
                f"{self.out} and train again."
            )
        self.step(step)

    def say(self, words: str) -> None:
        """A line that stays, wherever progress is seen."""
        if self._display is None:
            say(words)
        else:
            self._display.say(words)

    def finish(self, step: int) -> float:
        """It ended as it was meant to; the seconds that this process took."""
        seconds = time.monotonic() - self._began
        append(self.out, "end", {"step": step, "tokens": self.tokens, "seconds": round(seconds, 1)})
        return seconds

    def close(self) -> None:
        """It ended, in whatever way."""
        if self._display is not None:
            self._display.close()
            self._display = None

    def _pace(self, counted: int) -> dict[str, Any]:
        """Tokens so far, and the rate since the last figures. `counted` is what this process says."""
        tokens, seconds = self._before + counted, time.monotonic() - self._logged
        rate = (tokens - self.tokens) / max(seconds, 1e-9)
        self.tokens = tokens
        self._pace_words = [f"{rate:,.0f} tokens/s"]
        return {"tokens": tokens, "tokens_per_second": round(rate, 1)}

    def _left(self, step: int) -> str:
        if step == self._first:
            return "starting"
        each = (time.monotonic() - self._began) / (step - self._first)
        return f"{duration(each * (self._total - step))} left"


def recent_of(trainer: Any) -> Figure | None:
    """How the steps went since TRL last logged: the mean reward of GRPO, of others the mean loss. None after none.

    TRL keeps both on the device until it logs them.
    """
    if rewards := getattr(trainer, "_metrics", {}).get("train", {}).get("reward"):
        return "reward", sum(rewards) / len(rewards)
    steps = trainer.state.global_step - trainer._globalstep_last_logged
    return ("loss", float(trainer._tr_loss) / steps) if steps and not hasattr(trainer, "reward_funcs") else None


def callback_of(teller: Teller, trainer: Any) -> Any:
    """The teller as TRL calls it; after the callbacks that may stop the training."""
    from transformers import TrainerCallback

    class Telling(TrainerCallback):  # type: ignore[misc]  # Transformers has no types
        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            # After a checkpoint they would be those of the process before, which may have been asked for others.
            state.logging_steps, state.save_steps = args.logging_steps, args.save_steps
            # GRPO goes on counting where the checkpoint stood.
            teller.begin(state.global_step, state.max_steps, state.num_input_tokens_seen)

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            control.should_log |= control.should_training_stop  # the last steps count too
            teller.step(state.global_step, lambda: recent_of(trainer))

        def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any], **more: Any) -> None:
            teller.figures(state.global_step, logs)

    return Telling()
