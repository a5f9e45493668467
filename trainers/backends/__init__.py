"""Backends by name: what loads the model that is trained, and what writes turns with its weights as they are now.

Each is imported only when a configuration names it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from samescore.harness.policies.local import TokenSession
from samescore.harness.renderer import Renderer
from samescore.trainers.config import TrainConfig
from samescore.trainers.config_faults import Fault


class WriterSession(TokenSession, Protocol):
    """A conversation with the model in training."""

    @property
    def logprobs(self) -> Sequence[float] | None:
        """Of each token of the last turn the log-probability with which it was sampled; None where the backend does not
        say. Without them the trainer takes its own."""


class Writer(Protocol):
    """Writes turns with the weights as they are at the moment. Between `begin` and `end` they do not change."""

    context: int | None
    """The most tokens that the model can read and write, if it says."""

    def begin(self) -> None:
        """Take the weights as they are now."""

    def session(self, prefix: Sequence[int] = ()) -> WriterSession:
        """A new conversation. Sessions that declare the same `prefix` share what the model read of it."""

    def end(self) -> None:
        """Give the model back to training. Sessions are closed."""

    def close(self) -> None:
        """Release what is held for good."""


class Backend(Protocol):
    """One way to load and run the model."""

    name: str

    def faults(self, config: TrainConfig) -> Iterator[Fault]:
        """What this machine and these packages cannot do of what is asked: what to change or to install."""

    def require(self, config: TrainConfig) -> None:
        """Make sure, before anything is loaded, that there are no such faults, and import what has to come first.

        Raises:
            UsageError: there are; all of them.
        """

    def load(self, config: TrainConfig, base: Path, adapter: Path | None) -> Any:
        """The base with a trainable LoRA adapter: a `peft.PeftModel`.

        Raises:
            UsageError: the model cannot be loaded.
            AdapterError: the adapter does not fit the base.
        """

    def arguments(self, config: TrainConfig) -> dict[str, Any]:
        """What TRL's configuration needs for this backend."""

    def writer(self, model: Any, renderer: Renderer, trainer: Any | None) -> Writer:
        """What writes turns with `model`; `trainer` is TRL's, for backends whose engine it holds."""


def backend_named(name: str) -> Backend:
    """The backend of that name."""
    module = importlib.import_module(f"{__name__}.{name}")
    backend: Backend = module.BACKEND
    return backend
