"""Conversations as training samples: the renderer's token ids, and the mask of what the assistant wrote.

Gold, recorded runs and files of conversations all come here, so that they are written on the one road and checked
alike: what a sample has the model learn must read back, strictly, as the turns that it was made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from samescore.harness.blocking import blocking
from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.dialects.probes import same_calls
from samescore.harness.errors import DialectError, UsageError
from samescore.harness.policies.script import oracle
from samescore.harness.renderer import Example, Renderer, examples
from samescore.harness.rollout import rollout
from samescore.harness.tools import Toolset
from samescore.harness.types import Message, Step, Trajectory, Turn
from samescore.trainers.leakage import TrainingText, training_text
from samescore.trainers.material import Material

NO_TOOLS = Toolset("none", 1, ())


@dataclass(frozen=True, slots=True)
class Sample:
    """A training example and what it comes from: a case, a run's rollout, or a line of a file."""

    source: str
    example: Example


@dataclass(frozen=True, slots=True)
class Lesson:
    """A conversation to learn. `messages` stand before its first assistant turn; `toolset` is None without tools.

    Turns that came with token ids are learned as they were sampled, others as the template writes them.
    """

    source: str
    messages: Sequence[Message]
    toolset: Toolset | None
    steps: Sequence[Step]
    text: TrainingText


def gold_trajectories(material: Material) -> list[tuple[Case, Trajectory]]:
    """Every case's gold conversation, played in its world."""

    async def play() -> list[tuple[Case, Trajectory]]:
        agent = oracle()
        return [(case, await rollout(case, agent, material.worlds[case.world])) for case in material.cases]

    return blocking(play())


def gold_lessons(material: Material) -> Iterator[Lesson]:
    """Every case's gold conversation."""
    for case, trajectory in gold_trajectories(material):
        yield Lesson(case.id, case.messages, case.toolset, trajectory.steps, training_text(case))


def samples_of(lessons: Iterable[Lesson], renderer: Renderer, dialect: Dialect) -> Iterator[Sample]:
    """Conversations as samples: one where the template keeps its prefix, else one for each turn that it cuts.

    Raises:
        UsageError: the template cannot write a turn, or what it writes does not read back as the turn.
    """
    for lesson in lessons:
        try:
            found = examples(renderer, lesson.messages, lesson.toolset, lesson.steps)
        except DialectError as error:
            raise UsageError(f"{lesson.source}: {error}") from None
        _require_read_back(lesson, found, renderer, dialect)
        yield from (Sample(lesson.source, example) for example in found)


def learned(example: Example) -> list[tuple[int, ...]]:
    """The runs of tokens that the mask has learned: turns, each with its end."""
    runs: list[list[int]] = []
    before = 0
    for token, mine in zip(example.ids, example.mask, strict=True):
        if mine and not before:
            runs.append([])
        if mine:
            runs[-1].append(token)
        before = mine
    return [tuple(run) for run in runs]


def _require_read_back(lesson: Lesson, found: Iterable[Example], renderer: Renderer, dialect: Dialect) -> None:
    turns = [turn for example in found for turn in learned(example)]
    if len(turns) != len(lesson.steps):
        raise UsageError(f"{lesson.source}: {len(lesson.steps)} turns were written as {len(turns)}. {_ADVICE}")
    for number, (ids, step) in enumerate(zip(turns, lesson.steps, strict=True), start=1):
        read = dialect.parse(renderer.completion(ids, ()), lesson.toolset or NO_TOOLS)
        if lost := _difference(read, step.turn):
            raise UsageError(
                f"{lesson.source}: turn {number} of the assistant does not survive the chat template: {lost}. {_ADVICE}"
            )


_ADVICE = "The model would learn something else than what stands there: change the turn, or use another base."


def _difference(read: Turn, meant: Turn) -> str | None:
    """What of a turn is lost when it is written and read; white space at either end is no loss."""
    if read.defects:
        return f"it is malformed ({read.defects[0].name}: {read.defects[0].detail})"
    if not same_calls(read.calls, meant.calls):
        return "its calls are read back otherwise"
    if read.content.strip() != meant.content.strip():
        return f"its words are read back as {read.content.strip()[:80]!r}"
    if (read.thinking or "").strip() != (meant.thinking or "").strip():
        return f"its thinking is read back as {(read.thinking or '').strip()[:80]!r}"
    return None


def check_lengths(samples: Sequence[Sample], limit: int, left_out: int = 0) -> None:
    """Nothing is cut silently. `left_out` are sequences that were taken out because they are longer.

    Raises:
        UsageError: there is no sequence, or one is longer than `limit` tokens.
    """
    if not samples:
        if left_out:
            raise UsageError(f"nothing is left to learn: all {left_out} sequences are past {limit}. Raise max_tokens.")
        raise UsageError("nothing to learn: the suite has no case of this split in these languages. Lock some.")
    longer = sorted((sample for sample in samples if _length(sample) > limit), key=lambda one: -_length(one))
    if longer:
        raise UsageError(
            f"case {longer[0].source} is {_length(longer[0])} tokens long, the limit is {limit}, and {len(longer)} of "
            f"{len(samples)} sequences are past it. Raise max_tokens to {_length(longer[0])}, or leave them out: "
            'data.longer = "leave_out".'
        )


def _length(sample: Sample) -> int:
    return len(sample.example.ids)
