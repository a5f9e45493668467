"""What was asked of the plugin on pytest's command line, and what can be wrong with it before anything is loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from samescore.harness.case import Split
from samescore.harness.errors import EvidenceUnwritable, SamescoreError, UnknownName, UsageError
from samescore.harness.plan import Procedure

T = TypeVar("T")

_SHARED = re.compile(r"(?<![\w-])--(adapter|device|epochs|out|procedure|seed)\b")
"""Options that `samescore eval` has too, as its messages name them."""


@dataclass(frozen=True, slots=True)
class Options:
    """What holds. `procedure` is None where nobody said it: case files have it where they have it."""

    model: str
    adapter: str | None
    epochs: int
    pass_k: int
    threshold: float
    temperature: float
    seed: int
    split: Split
    procedure: Procedure | None
    device: str
    out: Path | None

    @property
    def label(self) -> str:
        """The model as a person names it, its adapter after a plus sign."""
        return self.model if self.adapter is None else f"{self.model}+{Path(self.adapter).name}"

    @property
    def usual_procedure(self) -> Procedure:
        """Where cases that are made from a procedure have it."""
        from samescore.harness.policies import is_api

        return self.procedure or ("prompt" if is_api(self.model) else "weights")


def read_options(config: pytest.Config) -> Options:
    """The options, with what stands for those that were not given."""
    said = config.option
    return Options(
        model=said.samescore_model,
        adapter=said.samescore_adapter,
        epochs=_or(said.samescore_epochs, 1),
        pass_k=_or(said.samescore_pass_k, 1),
        threshold=_or(said.samescore_threshold, 1.0),
        temperature=_or(said.samescore_temperature, 0.0),
        seed=_or(said.samescore_seed, 0),
        split=_or(said.samescore_split, "eval"),
        procedure=said.samescore_procedure,
        device=_or(said.samescore_device, "auto"),
        out=None if said.samescore_out is None else config.invocation_params.dir / said.samescore_out,
    )


def require_options(options: Options) -> None:
    """Make sure that the model could be tested so. No weights are loaded, nothing is written.

    Raises:
        UsageError: a number is out of range; there is no such model or adapter; a run lies where this one would; or
            the run's directory cannot be made.
    """
    from samescore.harness.cli.adapters import require_adapters
    from samescore.harness.cli.beforehand import require_local
    from samescore.harness.policies import load_policy

    _require_numbers(options)
    require_adapters(options.model, [] if options.adapter is None else [options.adapter])
    require_local(options.model, None, options.device)
    if not is_loaded_later(options.model):
        load_policy(options.model)
    if options.out is not None:
        _require_room(options.out)


def in_pytests_words(error: SamescoreError | str) -> str:
    """A message, with the options named as pytest has them."""
    return _SHARED.sub(r"--samescore-\1", str(error))


def _require_numbers(options: Options) -> None:
    if options.epochs < 1:
        raise UsageError(f"--samescore-epochs: expected 1 or more, found {options.epochs}.")
    if not 1 <= options.pass_k <= options.epochs:
        raise UsageError(
            f"--samescore-pass-k: expected a number from 1 to the epochs of a case (--samescore-epochs), "
            f"{options.epochs}, found {options.pass_k}."
        )
    if not 0.0 < options.threshold <= 1.0:
        raise UsageError(f"--samescore-threshold: expected a number above 0, up to 1, found {options.threshold:g}.")
    if not 0.0 <= options.temperature <= 10.0:
        raise UsageError(f"--samescore-temperature: expected a number from 0 to 10, found {options.temperature:g}.")


def is_loaded_later(model: str) -> bool:
    """Whether a model takes long to load, or its server is asked: only once there is something to ask it."""
    from samescore.harness.policies import PROVIDERS, is_api

    provider, _, rest = model.partition("/")
    if provider in ("hf", "vllm"):
        if not rest:
            raise UnknownName("model", model, list(PROVIDERS))
        return True
    return model == "tiny" or is_api(model)


def _require_room(out: Path) -> None:
    """Make sure that evidence can be kept in a directory, and that none is there yet.

    Raises:
        UsageError: a run is there, or the directory cannot be made: the option is wrong, nothing has failed so far.
    """
    from samescore.harness.cli.beforehand import require_directory

    if (out / "run.json").exists():
        raise UsageError(f"--samescore-out {out}: there is a run here already. Name another directory.")
    try:
        require_directory(out)
    except EvidenceUnwritable as error:
        raise UsageError(f"--samescore-out {error}") from None


def _or(value: Any, usual: T) -> T:
    """What was said, else what holds otherwise. argparse has checked the types."""
    return usual if value is None else value
