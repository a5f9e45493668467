"""`samescore train`: fine-tune an adapter on a suite's gold turns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Train an adapter on gold turns.")


@app.callback()
def train() -> None:
    """Train an adapter on gold turns."""


@app.command("sft")
def sft(
    config: Annotated[Path, typer.Argument(help="A TOML file: base, data, hyperparameters, where the adapter goes.")],
) -> None:
    """Supervised fine-tuning of a LoRA adapter on the gold turns of the train split."""
    from importlib import import_module

    # The harness may not import trainers: this command loads one by name.
    adapter = import_module("samescore.trainers.sft").train(config)
    print(f"adapter: {adapter}")
