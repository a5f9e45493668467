"""How long the sequences of GRPO become: a prompt, what the model may write after it, and what is said in between.

A decision is a conversation before one turn of gold, and one turn more. An episode is the first prompt, and whatever is
written and answered until a limit ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from samescore.harness.errors import UsageError
from samescore.harness.renderer import Example
from samescore.trainers.config import GrpoConfig
from samescore.trainers.samples import Sample

SLOTS = 64
"""Conversations that the engine of the `transformers` backend has at once."""


@dataclass(frozen=True, slots=True)
class Size:
    """The longest sequence that there may be, in tokens: its prompt, what the model may write, and what tools and the
    user may say in between. `source` is the case whose prompt it has."""

    source: str
    prompt: int
    written: int
    between: int = 0

    @property
    def completion(self) -> int:
        """What comes after the prompt."""
        return self.written + self.between

    def words(self, limit: int) -> str:
        """For people. `limit` is the most tokens of a sequence."""
        parts = [f"a prompt of {self.prompt:,} tokens", f"up to {self.written:,} written"]
        parts += [f"up to {self.between:,} of tools and the user"] if self.between else []
        cut = f", cut off at {limit:,}" if self.prompt + self.completion > limit else ""
        return f"{self.source}: {', '.join(parts)}{cut}"


def longest(config: GrpoConfig, samples: Sequence[Sample]) -> Size:
    """The longest sequence of a configuration, as its gold conversations say that prompts and answers are."""
    sizes = _decisions(config, samples) if config.shape == "decision" else _episodes(config, samples)
    return max(sizes, key=lambda size: size.prompt + size.completion)


def mean(config: GrpoConfig, samples: Sequence[Sample]) -> float:
    """The tokens of a sequence where the model writes as much as gold does, as TRL counts them: prompt and turns."""
    if config.shape == "decision":
        lengths = [end for sample in samples for _, end in spans(sample.example)]
    else:
        lengths = [
            spans(some[0].example)[0][0] + sum(sum(one.example.mask) for one in some)
            for some in _conversations(samples)
        ]
    return sum(lengths) / max(1, len(lengths))


def sequences(config: GrpoConfig) -> int:
    """How many completions are sampled in all. `reuse` steps train on the same ones."""
    return -(-config.steps // config.reuse) * config.group * config.prompts


def together(config: GrpoConfig) -> int:
    """How many conversations are had at once."""
    return min(SLOTS, config.group * config.prompts)


def require_room(config: GrpoConfig, size: Size) -> None:
    """Make sure that the longest prompt leaves room for a turn.

    Raises:
        UsageError: it does not.
    """
    if size.prompt >= config.max_tokens:
        raise UsageError(
            f"the prompt of case {size.source} has {size.prompt} tokens, and max_tokens = {config.max_tokens} leaves "
            f"no room for a turn. Set max_tokens = {size.prompt + size.completion} or more."
        )


def spans(example: Example) -> list[tuple[int, int]]:
    """Where in the ids of an example its turns lie, each as [start, end)."""
    edges = [at for at, (a, b) in enumerate(pairwise((0, *example.mask, 0))) if a != b]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _conversations(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """The samples of one conversation: several where the template changes earlier turns."""
    for _, some in groupby(samples, key=lambda sample: sample.source):
        yield list(some)


def _decisions(config: GrpoConfig, samples: Sequence[Sample]) -> Iterator[Size]:
    for some in _conversations(samples):
        before = 0  # what gold wrote until then counts as written in the conversation
        for sample in some:
            for start, end in spans(sample.example):
                limit = max(0, min(config.turn_tokens, config.completion_tokens - before))
                yield Size(sample.source, start, limit)
                before += end - start


def _episodes(config: GrpoConfig, samples: Sequence[Sample]) -> Iterator[Size]:
    written = min(config.completion_tokens, config.turns * config.turn_tokens)
    # A model that goes astray may ask for the longest answer again and again.
    answers = [after - end for sample in samples for (_, end), (after, _) in pairwise(spans(sample.example))]
    between = (config.turns - 1) * max(answers, default=0)
    for some in _conversations(samples):
        yield Size(some[0].source, spans(some[0].example)[0][0], written, between)
