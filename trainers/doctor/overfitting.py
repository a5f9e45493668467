"""Did a training run that was had already overfit? Its log says: the loss falls while dev does not get better."""

from __future__ import annotations

from collections.abc import Iterator

from samescore.trainers.doctor.inputs import Inputs
from samescore.trainers.doctor.training_log import Curve, TrainingLog
from samescore.trainers.doctor.verdict import Level, NotAtHand, Question, Remark, Verdict

NOTHING_LEFT = 0.001
"""A loss under which every token is known by heart."""

RISEN = 1.05
"""So much above its least a held-out loss has turned."""

MANY_EPOCHS = 10


def ask(inputs: Inputs) -> Verdict:
    """Read the log."""
    log = inputs.log
    if log is None:
        raise NotAtHand("--log PATH of a run that was trained before: log.jsonl, its folder, or trainer_state.json")
    parts = []
    if log.loss:
        parts.append(f"loss {log.loss[0][1]:.3g} to {log.loss[-1][1]:.3g} in {log.loss[-1][0]:,} steps")
    if log.epochs is not None:
        parts.append(f"{log.epochs:.3g} epochs")
    if log.dev:
        best = max(log.dev, key=lambda point: (point.success, -point.step))
        parts.append(
            f"success on dev {log.dev[0].success:.3f} to {log.dev[-1].success:.3f}, best {best.success:.3f} at step "
            f"{best.step:,}"
        )
    figures = {
        "loss": log.loss,
        "eval_loss": log.eval_loss,
        "dev": [[point.step, point.success, point.low, point.high] for point in log.dev],
        "epochs": log.epochs,
    }
    return Verdict(" · ".join([*parts, str(log.path)]), tuple(_signs(log)), figures)


QUESTION = Question("overfitting", "Did an earlier run overfit?", ask)


def _signs(log: TrainingLog) -> Iterator[Remark]:
    yield from _on_dev(log)
    yield from _of_loss(log)
    if log.epochs is not None and log.epochs > MANY_EPOCHS:
        yield Remark(
            Level.LOOK,
            f"{log.epochs:.3g} epochs: every conversation was seen as often",
            "Lower epochs, or give more data; with dev.every and dev.patience it stops in time.",
        )
    if not log.dev and not log.eval_loss:
        yield Remark(
            Level.LOOK,
            "nobody looked at dev while it trained, so overfitting would not show",
            "Set dev.every: the best checkpoint is then kept.",
        )


def _on_dev(log: TrainingLog) -> Iterator[Remark]:
    if len(log.dev) < 2:
        return
    best, last = max(log.dev, key=lambda point: (point.success, -point.step)), log.dev[-1]
    falling = _falls(log.loss, best.step)
    if last.high < best.low:
        yield Remark(
            Level.STOP,
            f"success on dev fell from {best.success:.3f} at step {best.step:,} to {last.success:.3f}"
            f"{' while the loss went on falling' if falling else ''}",
            f"Keep the weights of step {best.step:,}; train for less, with a lower rate, or on more data.",
        )
    elif falling and best.step < log.dev[len(log.dev) // 2].step:
        yield Remark(
            Level.LOOK,
            f"success on dev has not risen since step {best.step:,}, and the loss fell on",
            "Stop about there: dev.patience does it.",
        )


def _of_loss(log: TrainingLog) -> Iterator[Remark]:
    if log.loss and log.loss[-1][1] < NOTHING_LEFT and not log.reward:
        yield Remark(
            Level.LOOK,
            f"the loss came down to {log.loss[-1][1]:.2g}: all was learned by heart",
            "Lower epochs or lora.rank, or give more data.",
        )
    if len(log.loss) > 1 and log.loss[-1][1] > log.loss[0][1] and not log.reward:
        yield Remark(Level.LOOK, "the loss rose", "Lower learning_rate; look at the data that came last.")
    if log.eval_loss:
        step, least = min(log.eval_loss, key=lambda point: point[1])
        if log.eval_loss[-1][1] > RISEN * least:
            yield Remark(
                Level.STOP if _falls(log.loss, step) else Level.LOOK,
                f"the held-out loss turned at step {step:,}: {least:.3g} there, {log.eval_loss[-1][1]:.3g} at the end",
                f"Keep the weights of step {step:,}; train for less.",
            )


def _falls(curve: Curve, step: int) -> bool:
    """Whether a curve ends lower than it was at a step."""
    before = [value for at, value in curve if at <= step]
    return bool(before) and curve[-1][1] < before[-1]
