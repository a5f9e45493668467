"""What will it cost? Tokens times epochs, over tokens a second that were measured, and a price."""

from __future__ import annotations

from collections.abc import Iterator

from samescore.harness.cli.progress import duration
from samescore.harness.cli.table import dollars
from samescore.trainers.config import DpoConfig, GrpoConfig, SftConfig
from samescore.trainers.doctor.inputs import Inputs
from samescore.trainers.doctor.verdict import Level, NotAtHand, Question, Remark, Verdict

LONG = 3600.0
"""Seconds of training that nobody likes to lose."""

DAY = 24 * 3600.0


def ask(inputs: Inputs) -> Verdict:
    """Multiply."""
    tokens, how = _trained(inputs)
    speed, whence = inputs.given.speed, "as given"
    if speed is None and inputs.log is not None and inputs.log.speed is not None:
        speed, whence = inputs.log.speed, f"as in {inputs.log.path.name}"
    if speed is None:
        raise NotAtHand(f"--speed TOKENS a second, or --log of a run that says it; {how} = {tokens:,} tokens")
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
    """The tokens that are trained on, and how they come about. A turn takes at most as many as its conversation."""
    config = inputs.config
    if isinstance(config, SftConfig):
        once = inputs.tokens[0]
        return round(once * config.epochs), f"about {once:,} tokens x {_epochs(config.epochs)}"
    mean = inputs.tokens[0] / max(1, len(inputs.gold))
    if isinstance(config, GrpoConfig):
        completions = config.group * config.prompts
        words = f"{config.steps:,} steps x {completions} completions of at most about {mean:,.0f} tokens"
        return round(config.steps * completions * mean * config.reuse), words
    assert isinstance(config, DpoConfig), "there are three kinds"
    pairs = config.pairs_per_case * len(inputs.gold)
    words = f"at most {pairs:,} pairs x 2 turns of at most about {mean:,.0f} tokens x {_epochs(config.epochs)}"
    return round(2 * pairs * mean * config.epochs), words


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
