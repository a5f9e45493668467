"""What a training run logged: `log.jsonl` of an adapter's folder, or `trainer_state.json` of Transformers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from samescore.harness.errors import UsageError
from samescore.harness.files import read_json, read_json_lines
from samescore.trainers.logs import LOG

STATE = "trainer_state.json"

_SUCCESS = ("dev/success", "dev/success_low", "dev/success_high")

Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class DevPoint:
    """Success on dev after so many steps, with its 95% interval."""

    step: int
    success: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TrainingLog:
    """Figures by step. `speed` is in tokens a second, the median of what was logged; None where it was not."""

    path: Path
    loss: Curve
    eval_loss: Curve
    reward: Curve
    dev: tuple[DevPoint, ...]
    epochs: float | None
    speed: float | None


def read_log(path: Path) -> TrainingLog:
    """The log at a path: the file, or the folder it lies in. Of a step that was had twice the later line counts.

    Raises:
        UsageError: there is none, or it is no log.
    """
    file = _file(path)
    entries = list(_entries(file))
    by_step: dict[int, dict[str, Any]] = {}
    for entry in entries:
        if entry.get("event") != "end":
            by_step.setdefault(entry["step"], {}).update(entry)
    steps = [by_step[step] for step in sorted(by_step)]
    log = TrainingLog(
        file,
        _curve(steps, "loss"),
        _curve(steps, "eval_loss"),
        _curve(steps, "reward"),
        tuple(_dev_points(steps)),
        max((entry["epoch"] for entry in steps if _is_number(entry.get("epoch"))), default=None),
        median(speeds) if (speeds := [value for _, value in _curve(steps, "tokens_per_second")]) else None,
    )
    if not (log.loss or log.dev):
        raise UsageError(f"{file}: no loss and no look at dev in this log. Give {LOG} of an adapter, or {STATE}.")
    return log


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = next((path / name for name in (LOG, STATE) if (path / name).is_file()), None)
    if found is None:
        raise UsageError(f"{path}: neither {LOG} nor {STATE} is in this folder. Give the log of a training run.")
    return found


def _entries(file: Path) -> Iterator[Mapping[str, Any]]:
    lines: Iterable[tuple[int, Any]]
    if file.suffix == ".jsonl":
        lines = read_json_lines(file, "the log")
    else:
        state = read_json(file, "the log")
        history = state.get("log_history") if isinstance(state, dict) else None
        if not isinstance(history, list):
            raise UsageError(f"{file}: expected an object with `log_history`. Give {LOG} of an adapter, or {STATE}.")
        lines = enumerate(history, start=1)
    for number, entry in lines:
        if not isinstance(entry, dict) or type(entry.get("step")) is not int:
            raise UsageError(
                f"{file}:{number}: expected an object with a whole `step`. Give the log of a training run."
            )
        yield entry


def _curve(steps: Iterable[Mapping[str, Any]], name: str) -> Curve:
    return tuple((entry["step"], float(entry[name])) for entry in steps if _is_number(entry.get(name)))


def _dev_points(steps: Iterable[Mapping[str, Any]]) -> Iterator[DevPoint]:
    for entry in steps:
        found = [entry[name] for name in _SUCCESS if _is_number(entry.get(name))]
        if len(found) == len(_SUCCESS):
            yield DevPoint(entry["step"], *map(float, found))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
