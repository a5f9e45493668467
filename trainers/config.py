"""The configuration of a training run: a TOML file, validated as a whole before anything is loaded."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from samescore.harness.errors import UsageError


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(_Section):
    """Which gold turns are learned."""

    suite: str = "sop"
    """A suite's name or the path of a suite file, as `samescore eval --suite` takes it."""
    split: Literal["train"] = "train"
    """Only `train` may be learned from; `dev` is for choosing and `eval` for the verdict."""
    locales: tuple[Literal["en", "vi"], ...] = ("en", "vi")
    limit: Annotated[int, Field(ge=1)] | None = None
    """Learn from this many cases only, spread over the whole split."""


class LoraConfig(_Section):
    """The adapter. It sits on all linear layers but the output head."""

    rank: Annotated[int, Field(ge=1, le=256)] = 32
    alpha: Annotated[int, Field(ge=1)] = 64
    """Scale of the update, usually once or twice the rank."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class SftConfig(_Section):
    """One supervised fine-tuning run: `samescore train sft CONFIG.toml`."""

    base: str = "tiny"
    """The base model: `tiny`, or `hf/PATH_OR_ID`."""
    out: Path
    """Where the adapter goes. A relative path is taken from the configuration file's folder."""
    data: DataConfig = DataConfig()
    lora: LoraConfig = LoraConfig()
    epochs: Annotated[float, Field(gt=0)] = 3
    batch_size: Annotated[int, Field(ge=1)] = 16
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Peak of a linear warm-up and cosine decay. Adapters take a tenfold higher rate than full fine-tuning."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of the steps in which the rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_tokens: Annotated[int, Field(ge=16)] = 4096
    """A longer sequence is an error that names its case; nothing is cut silently (TRL's own default cuts at 1,024)."""
    seed: int = 20261120


def load_sft_config(path: Path) -> SftConfig:
    """Read and validate a configuration file.

    Raises:
        UsageError: the file is missing, no TOML, or says something that is no option; all faults in one message.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot read the configuration: {error.strerror}. Give the path of a TOML file."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}.") from None
    try:
        config = SftConfig.model_validate(data)
    except ValidationError as error:
        faults = "\n".join(
            f"  {'.'.join(map(str, fault['loc'])) or 'top'}: {fault['msg']}, found {fault['input']!r:.60}"
            for fault in error.errors()
        )
        raise UsageError(
            f"{path}: the configuration is wrong:\n{faults}\nSee docs/training.md for every option."
        ) from None
    return config.model_copy(update={"out": (path.parent / config.out).resolve()})
