"""Training itself, from the first step to the adapter with its passport."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness.cli.errors import say
from samescore.harness.passport import PASSPORT, DevResult
from samescore.trainers.backends import Writer
from samescore.trainers.checkpoints import FOLDER, Checkpoints, Kept, origin
from samescore.trainers.cpu_memory import give_back_freed_memory
from samescore.trainers.dev_targets import StatedTargets, say_moved, stated
from samescore.trainers.ending import COPY, ending
from samescore.trainers.failing import failing
from samescore.trainers.logs import Teller, callback_of
from samescore.trainers.saving import SETTINGS, WEIGHTS, require_room, save_adapter

if TYPE_CHECKING:
    from samescore.trainers.dev import Looks
    from samescore.trainers.training import Training


def carry_out(
    training: Training[Any],
    trainer: Any,
    data: Mapping[str, Any],
    *,
    more: Callable[[], Mapping[str, Any]] | None = None,
    callbacks: Sequence[Any] = (),
    kept: Mapping[str, Kept] | None = None,
    writer: Writer | None = None,
) -> Path:
    """Train, save the adapter and write its passport; returns the adapter's folder.

    `data` says what was learned from; a checkpoint goes on with the same only. `more` is what the kind of training adds
    to the passport when it ended. `kept` are parts whose state goes into checkpoints. `writer` writes looks at `dev`,
    where there is one already. The weights that are saved are those in the trainer's model after every callback's
    `on_train_end`: looks at `dev` put the best there. A callback stops training early by
    `control.should_training_stop`.

    Raises:
        UsageError: there is no room for the adapter, or the checkpoint is of other data or other targets.
        TrainingFailed: memory or disk ran out, the loss is no number any more, or it was interrupted.
        ScoresDiffer: see `samescore.trainers.grpo.watch`.
    """
    from samescore.trainers.dev import looks_of

    out: Path = training.config.out
    teller = Teller(out)
    parts: dict[str, Kept] = {"log": teller, **(kept or {})}
    of = {**origin(training), "data": json.loads(json.dumps(dict(data)))}
    _go_on(training, of, parts)
    require_room(training, trainer.model)
    Checkpoints(training, trainer, of, parts)
    looks = looks_of(training, trainer, writer)
    _listen(trainer, [*callbacks, *_looking(looks, trainer, teller), callback_of(teller, trainer)])
    with failing(training):
        targets = _begin(training)
        checkpoint = training.checkpoint
        try:
            result = trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint.folder))
        finally:
            teller.close()
            give_back_freed_memory()
        seconds = teller.finish(result.global_step)
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        moved = say_moved(targets, training.config.data)
        progress = {"steps": result.global_step, "losses": losses[-1:], **_peak(), **moved}
        progress |= {} if looks is None else {"dev": looks.to_json()}
        progress |= {} if more is None else more()
        _leave(training, trainer.model, data, progress, () if looks is None else looks.results())
    if looks is not None:
        looks.tidy()
    if not any((out / FOLDER).iterdir()):
        (out / FOLDER).rmdir()
    say("\n".join(ending(training, result.global_step, teller.latest, None if looks is None else looks.best, seconds)))
    return out


def _go_on(training: Training[Any], of: Mapping[str, Any], parts: Mapping[str, Kept]) -> None:
    """Give every part the state that it had at the checkpoint, if there is one."""
    checkpoint = training.checkpoint
    if checkpoint is not None:
        checkpoint.require(of, training.source)
        for name, part in parts.items():
            part.take(checkpoint.stamp["kept"][name])


def _looking(looks: Looks | None, trainer: Any, teller: Teller) -> list[Any]:
    from samescore.trainers.dev_callback import callback_of as looking

    return [] if looks is None else [looking(looks, trainer, teller.say)]


def _listen(trainer: Any, callbacks: Iterable[Any]) -> None:
    """Have callbacks hear of the training, and no other tell of it."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    for callback in callbacks:
        trainer.add_callback(callback)


def _begin(training: Training[Any]) -> StatedTargets:
    """What lies in the adapter's folder before the first step: the configuration, and the targets."""
    out = training.config.out
    out.mkdir(parents=True, exist_ok=True)
    if not (out / COPY).exists():
        shutil.copyfile(training.source, out / COPY)
    targets = stated(out, training.material.suite)
    targets.require(training.material.suite)
    return targets


def _leave(
    training: Training[Any], model: Any, data: Mapping[str, Any], progress: Mapping[str, Any], dev: Sequence[DevResult]
) -> None:
    """The adapter and its passport, or neither."""
    from samescore.trainers.passport import write_passport

    save_adapter(model, training)
    try:
        write_passport(training, data, progress, dev)
    except BaseException:
        for name in (WEIGHTS, SETTINGS, PASSPORT):  # without its passport an adapter would look finished
            (training.config.out / name).unlink(missing_ok=True)
        raise


def _peak() -> dict[str, int]:
    """The most memory that tensors took on the GPU, in bytes, if there is one."""
    import torch

    return {"peak_memory": torch.cuda.max_memory_allocated()} if torch.cuda.is_available() else {}
