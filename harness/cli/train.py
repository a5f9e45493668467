"""`samescore train`: fine-tune an adapter on the scorers that evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

app = typer.Typer(no_args_is_help=True, help="Train a LoRA adapter: SFT, DPO or GRPO.")

Config = Annotated[Path, Argument(metavar="CONFIG.toml", help="Base, data, hyperparameters, where the adapter goes.")]
DryRun = Annotated[bool, Option("--dry-run", help="Print the plan, memory included, and load no weights.")]
Resume = Annotated[bool, Option("--resume", help="Go on from the last checkpoint.")]
NoTargets = Annotated[bool, Option("--no-targets", help="Train although the suite states no targets.")]
AsJson = Annotated[bool, Option("--json", help="With --dry-run: print the plan as one JSON object.")]


@app.callback()
def train() -> None:
    """Train a LoRA adapter. docs/training.md has every option of the configuration file."""


@app.command("sft")
def sft(
    config: Config,
    dry_run: DryRun = False,
    resume: Resume = False,
    no_targets: NoTargets = False,
    as_json: AsJson = False,
) -> None:
    """Supervised fine-tuning on gold turns, recorded conversations, or conversations in files."""
    _train("samescore.trainers.sft", config, dry_run, resume, no_targets, as_json)


@app.command("dpo")
def dpo(
    config: Config,
    dry_run: DryRun = False,
    resume: Resume = False,
    no_targets: NoTargets = False,
    as_json: AsJson = False,
) -> None:
    """Direct preference optimisation (or ORPO) on pairs of scored turns."""
    _train("samescore.trainers.dpo", config, dry_run, resume, no_targets, as_json)


@app.command("grpo")
def grpo(
    config: Config,
    dry_run: DryRun = False,
    resume: Resume = False,
    no_targets: NoTargets = False,
    as_json: AsJson = False,
) -> None:
    """Group-relative policy optimisation: every scorer is a reward, computed as evaluation computes it."""
    _train("samescore.trainers.grpo.trainer", config, dry_run, resume, no_targets, as_json)


def _train(module: str, config: Path, dry_run: bool, resume: bool, no_targets: bool, as_json: bool) -> None:
    from importlib import import_module

    from samescore.harness.errors import UsageError
    from samescore.harness.policies.hf import let_threads_sleep

    if as_json and not dry_run:
        raise UsageError("--json prints the plan; it goes with --dry-run.")
    let_threads_sleep()
    # The harness may not import trainers: this command loads one by name.
    options = import_module("samescore.trainers.training").Options(resume, dry_run, no_targets, as_json)
    adapter = import_module(module).train(config, options)
    if not dry_run:
        print(f"adapter: {adapter}")
