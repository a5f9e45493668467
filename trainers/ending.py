"""What is said when a training ended, or had ended before: how it went, and the command that judges what came of it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness.cli.errors import say
from samescore.harness.cli.progress import duration
from samescore.harness.cli.table import interval, score
from samescore.harness.counted import counted
from samescore.harness.errors import UsageError
from samescore.harness.passport import PASSPORT, read
from samescore.harness.results import SUCCESS
from samescore.trainers.checkpoints import differences, settings
from samescore.trainers.config import TrainConfig, load_config

if TYPE_CHECKING:
    from samescore.trainers.dev import Look
    from samescore.trainers.logs import Figure
    from samescore.trainers.training import Options, Training

COPY = "config.toml"
"""The configuration as it was when training began, in the adapter's folder."""


def ending(training: Training[Any], steps: int, last: Figure | None, best: Look | None, seconds: float) -> list[str]:
    """How a training went, in lines. `last` is the loss or reward that was logged last, `best` the look whose weights
    were kept, `seconds` what this process took."""
    parts = [f"trained: {counted(steps, 'step')} in {duration(seconds)}"]
    parts += [] if last is None else [f"last {last[0]} {last[1]:.3f}"]
    if best is not None:
        success = best.metrics[SUCCESS]
        seen = f"success on dev {score(success)} [{interval(success)}] of {counted(success.n, 'case')}"
        parts.append(f"{seen}, with the weights of step {best.step}")
    return [" · ".join(parts), next_of(training.config, bool(training.material.targets))]


def next_of(config: TrainConfig, targets: bool) -> str:
    """The command that judges an adapter on `eval`, as a line. With `targets` there is something to check."""
    words = ["samescore", "eval", config.data.suite, "--model", config.base, "--adapter", _seen(config.out)]
    if config.data.procedure == "prompt":
        words += ["--procedure", "prompt"]
    if len(config.data.locales) == 1:
        words += ["--locale", config.data.locales[0]]
    return f"next: {shlex.join([*words, *(['--check'] if targets else [])])}"


def finished(source: Path, shape: type[TrainConfig], options: Options) -> Path | None:
    """The adapter's folder of a training that is asked to go on and has ended before; says so. Nothing is changed.

    Raises:
        UsageError: it ended with another configuration.
    """
    if not options.resume or options.dry_run:
        return None
    config = load_config(source, shape)
    if not (config.out / PASSPORT).exists():
        return None
    before = config.out / COPY
    found = differences(settings(config), settings(load_config(before, shape)), "then") if before.is_file() else []
    if found:
        listing = "\n".join(f"  {line}" for line in found)
        raise UsageError(
            f"{config.out} is finished, with another configuration than {source}:\n{listing}\nRestore it, or choose "
            "another `out`."
        )
    passport = read(config.out)
    stated = passport is not None and any(suite.targets for suite in passport.suites)
    say(f"{config.out} is finished: it has its passport, {PASSPORT}. Nothing was done.\n{next_of(config, stated)}")
    return config.out


def _seen(out: Path) -> str:
    """A folder as one would write it here."""
    here = Path.cwd()
    return str(out.relative_to(here)) if out.is_relative_to(here) else str(out)
