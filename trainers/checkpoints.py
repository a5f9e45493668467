"""Checkpoints: whole or not there, and continued only by the configuration, data and base that they are of.

Each is a folder `checkpoints/checkpoint-STEP` as Transformers writes it: adapter, optimizer, scheduler, random states,
trainer state. `stamp.json` in it says what it is of, and has the state of the parts that Transformers does not know. A
checkpoint is written beside the others and renamed when all of it is on disk, so that a full disk costs none of them.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from samescore.harness.errors import TrainingFailed, UsageError
from samescore.harness.files import remedy
from samescore.harness.policies.model_files import first_line, weights_digest

if TYPE_CHECKING:
    from samescore.trainers.config import TrainConfig
    from samescore.trainers.training import Training

FOLDER, STAMP = "checkpoints", "stamp.json"
FORMAT = 2
"""Version of checkpoints. Those of version 1 had another schedule of the learning rate."""

_PREFIX, _UNFINISHED = "checkpoint-", ".unfinished"

_FREE = {"out", "log", "checkpoint", "base", "adapter", "recorded", "files"}
"""Options that two processes of one training may differ in: places, and those whose content is compared instead."""


class Kept(Protocol):
    """A part of a training run whose state goes into every checkpoint, as JSON."""

    def to_json(self) -> Any:
        """The state between two steps."""

    def take(self, data: Any) -> None:
        """Go on from what `to_json` gave."""


def origin(training: Training[Any]) -> dict[str, Any]:
    """What a checkpoint is of, as far as it is known before the data is made."""
    return {
        "kind": training.kind,
        **settings(training.config),
        "base's weights": weights_digest(training.base),
        "adapter's weights": None if training.adapter is None else weights_digest(training.adapter),
        "template and tokenizer": training.renderer.fingerprint,
    }


def settings(config: TrainConfig) -> dict[str, Any]:
    """The options of a configuration that make a training what it is, by their full names."""
    return dict(_flat(config.model_dump(mode="json", exclude=_FREE)))


def differences(now: Mapping[str, Any], there: Mapping[str, Any], where: str) -> list[str]:
    """What is not the same of what both name, in words; `where` says what has the other value."""
    return [
        f"{name}: {_short(now[name])} now, {_short(there[name])} {where}"
        for name in now
        if name in there and now[name] != there[name]
    ]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One that is whole. `stamp` is what lies in it."""

    folder: Path
    step: int
    stamp: Mapping[str, Any]

    def require(self, of: Mapping[str, Any], source: Path) -> None:
        """Make sure that it is of the same as what is to go on, in all that both name.

        Raises:
            UsageError: it is of something else; names what differs.
        """
        there = self.stamp["of"]
        found = differences(of, there, "in the checkpoint")
        found += [f"{name}: not known to the checkpoint" for name in of if name not in there and name != "data"]
        if found:
            listing = "\n".join(f"  {line}" for line in found)
            raise UsageError(
                f"{self.folder}: this checkpoint is of another training than {source} asks for:\n{listing}\nRestore "
                "what it was begun with, or train anew with another `out`."
            )


def latest(out: Path) -> Checkpoint | None:
    """The last whole checkpoint of an adapter's folder."""
    for step in sorted(_steps(out), reverse=True):
        folder = out / FOLDER / f"{_PREFIX}{step}"
        if (folder / STAMP).is_file():
            return Checkpoint(folder, step, _read(folder / STAMP))
    return None


def require_checkpoint(out: Path) -> Checkpoint:
    """The checkpoint that `--resume` goes on from.

    Raises:
        UsageError: there is none.
    """
    found = latest(out)
    if found is None:
        raise UsageError(
            f"{out}: no checkpoint to resume from. One is written every `checkpoint.every` steps, by default never. "
            "Train without --resume."
        )
    return found


def how_to_resume(training: Training[Any]) -> str:
    """What to do after a training run that stopped, as a sentence."""
    out, found = training.config.out, latest(training.config.out)
    if found is not None:
        command = f"samescore train {training.kind} {shlex.quote(str(training.source))} --resume"
        return f"What was saved at step {found.step} is intact; go on from there: {command}"
    if not out.exists():
        return "Nothing was written."
    return f"There is no checkpoint to go on from: remove {out} before training again."


class Checkpoints:
    """Writes the checkpoints of one training run in the place of the trainer's own method."""

    def __init__(self, training: Training[Any], trainer: Any, of: Mapping[str, Any], kept: Mapping[str, Kept]) -> None:
        self.training = training
        self.trainer = trainer
        self.of = of
        self.kept = kept
        self._write = trainer._save_checkpoint
        trainer._save_checkpoint = self.save

    def save(self, model: Any, trial: Any) -> None:
        """Write the checkpoint of this step, and forget the oldest.

        Raises:
            TrainingFailed: it cannot be written; the former ones are intact.
        """
        folder = self.training.config.out / FOLDER
        step = self.trainer.state.global_step
        beside = folder / _UNFINISHED
        try:
            self._whole(beside, model, trial, step)
            (beside / f"{_PREFIX}{step}").replace(folder / f"{_PREFIX}{step}")
        except (OSError, RuntimeError, _serializing()) as error:
            if isinstance(error, _out_of_memory()):
                raise
            raise TrainingFailed(
                f"the checkpoint of step {step} cannot be written to {folder}: {why_unwritten(error)} "
                f"{how_to_resume(self.training)}"
            ) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        for old in sorted(_steps(self.training.config.out))[: -self.training.config.checkpoint.keep]:
            shutil.rmtree(folder / f"{_PREFIX}{old}", ignore_errors=True)

    def _whole(self, beside: Path, model: Any, trial: Any, step: int) -> None:
        """Everything of a checkpoint, on disk."""
        shutil.rmtree(beside, ignore_errors=True)
        arguments = self.trainer.args
        place, arguments.output_dir = arguments.output_dir, str(beside)
        try:
            self._write(model, trial)
        finally:
            arguments.output_dir = place
        kept = {name: part.to_json() for name, part in self.kept.items()}
        stamp = {"format": FORMAT, "step": step, "of": dict(self.of), "kept": kept}
        written = beside / f"{_PREFIX}{step}"
        (written / STAMP).write_text(json.dumps(stamp, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        for path in (*written.iterdir(), written):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _steps(out: Path) -> list[int]:
    folders = (out / FOLDER).glob(f"{_PREFIX}*") if (out / FOLDER).is_dir() else ()
    names = [folder.name.removeprefix(_PREFIX) for folder in folders if folder.is_dir()]
    return [int(name) for name in names if name.isdecimal()]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        stamp = json.loads(path.read_text(encoding="utf-8"))
        edition = stamp["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is damaged ({error}). Remove its folder, and resume from the one before.") from None
    if edition != FORMAT:
        raise UsageError(
            f"{path}: checkpoint format {edition}; this samescore reads {FORMAT}. Resume with the one that began it."
        )
    found: Mapping[str, Any] = stamp
    return found


def _flat(config: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:12]}..."


def _serializing() -> type[Exception]:
    from safetensors import SafetensorError

    found: type[Exception] = SafetensorError
    return found


def _out_of_memory() -> type[Exception]:
    import torch

    found: type[Exception] = torch.OutOfMemoryError
    return found


def why_unwritten(error: Exception) -> str:
    """Why something could not be written, and what to do; some libraries say it in errors of their own."""
    if isinstance(error, OSError):
        return f"{error.strerror}. {remedy(error)}"
    return f"{first_line(error)} Make room and try again."
