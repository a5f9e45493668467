"""What will it cost? Tokens times epochs, over tokens a second that were measured, and a price."""

from __future__ import annotations

from collections.abc import Iterator

from samescore.harness.cli.progress import duration
from samescore.harness.cli.table import dollars
from samescore.trainers.config import DpoConfig, GrpoConfig, SftConfig, TrainConfig
from samescore.trainers.doctor.inputs import Inputs
from samescore.trainers.doctor.training_log import TrainingLog
from samescore.trainers.doctor.verdict import Level, NotAtHand, Question, Remark, Verdict
from samescore.trainers.grpo.sizes import mean as mean_of, sequences

LONG = 3600.0
"""Seconds of training that nobody likes to lose."""

DAY = 24 * 3600.0


def ask(inputs: Inputs) -> Verdict:
    """Multiply."""
    tokens, how = _trained(inputs)
    speed, whence = inputs.given.speed, "as given"
    log = inputs.log
    if speed is None and log is not None and log.speed is not None and _alike(inputs.config, log):
        speed, whence = log.speed, f"as in {log.path.name}"
    if speed is None:
        kind = f"train {inputs.kind}"  # who samples takes longer for a token than who only learns it
        raise NotAtHand(f"--speed TOKENS a second, or --log of a {kind} that says it; {how} = {tokens:,} tokens")
    seconds = tokens / speed
    parts = [f"{how} = {tokens:,} tokens", f"{duration(seconds)} at {speed:,.0f} tokens/s, {whence}"]
    figures: dict[str, float | None] = {"tokens": tokens, "tokens_per_second": speed, "seconds": round(seconds, 1)}
    if inputs.given.price is not None:
        cost = seconds / 3600 * inputs.given.price
        parts.append(f"{dollars(cost)} USD at {inputs.given.price:.2f} an hour")
        figures["usd"] = round(cost, 4)
    else:
        parts.append("for a sum: --price USD an hour")
    return Verdict(" · ".join(parts), tuple(_remarks(inputs, seconds)), figures)


QUESTION = Question("cost", "What will it cost?", ask)


def _trained(inputs: Inputs) -> tuple[int, str]:
    """The tokens that are trained on, and how they come about. A turn takes at most as many as its conversation.

    Of GRPO they are those of prompts and of what the model writes if it writes as much as gold, as its log counts them.
    """
    config = inputs.config
    if isinstance(config, SftConfig):
        once = inputs.tokens[0]
        return round(once * config.epochs), f"about {once:,} tokens x {_epochs(config.epochs)}"
    if isinstance(config, GrpoConfig):
        inputs.size_of(config)  # what cannot be written is another question's
        each, count = mean_of(config, inputs.samples), sequences(config)
        batches = count // (config.group * config.prompts)
        words = f"{batches:,} batches x {config.group * config.prompts} completions of about {each:,.0f} tokens"
        return round(count * each), words
    mean = inputs.tokens[0] / max(1, len(inputs.gold))
    assert isinstance(config, DpoConfig), "there are three kinds"
    pairs = config.pairs_per_case * len(inputs.gold)
    words = f"at most {pairs:,} pairs x 2 turns of at most about {mean:,.0f} tokens x {_epochs(config.epochs)}"
    return round(2 * pairs * mean * config.epochs), words


def _alike(config: TrainConfig, log: TrainingLog) -> bool:
    """Whether a log is of training that samples, or learns alone, as this one."""
    return bool(log.reward) == isinstance(config, GrpoConfig)


def _epochs(epochs: float) -> str:
    return f"{epochs:g} epoch{'' if epochs == 1 else 's'}"


def _remarks(inputs: Inputs, seconds: float) -> Iterator[Remark]:
    if seconds > LONG and not inputs.config.checkpoint.every:
        yield Remark(
            Level.LOOK,
            f"{duration(seconds)} without a checkpoint",
            "Set checkpoint.every, so that --resume can go on after an interruption.",
        )
    if seconds > DAY:
        yield Remark(
            Level.LOOK,
            "it takes more than a day",
            "Try a tenth of the data first (data.limit), and see on dev what more of it brings.",
        )
