"""A failure a person can look at: where it left the gold conversation, what the model saw there and did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from samescore.harness.assignment import arguments_agree
from samescore.harness.case import Case
from samescore.harness.facts import asked_slots
from samescore.harness.strictjson import same
from samescore.harness.types import Call, Message, Observation, Score, Step, Stop, Trajectory, Turn


@dataclass(frozen=True, slots=True)
class Reason:
    """One scorer that is not satisfied, and why."""

    scorer: str
    value: float
    words: str


@dataclass(frozen=True, slots=True)
class Example:
    """A failed rollout at the first turn that differs from gold; the last one where only its words are wrong.

    `turn` counts from 1. `seen` is what the model was last told before it, nothing where that was the opening.
    `expected` is the gold turn there, None where the conversation should have been over. `reply` is the user's answer.
    """

    case: str
    locale: str
    epoch: int
    turn: int
    opening: str
    seen: tuple[Message, ...]
    expected: Message | None
    got: Turn | None
    observations: tuple[Observation, ...]
    reply: str | None
    stop: Stop
    reasons: tuple[Reason, ...]


def example_of(case: Case, epoch: int, trajectory: Trajectory, scores: Mapping[str, Score]) -> Example:
    """The example that a failed rollout makes; `success` only repeats other reasons and is left out."""
    index, expected = _parting(case, trajectory)
    step = trajectory.steps[index] if trajectory.steps else None
    return Example(
        case=case.id,
        locale=case.locale,
        epoch=epoch,
        turn=index + 1,
        opening=case.opening,
        seen=_told(trajectory.steps[index - 1]) if index else (),
        expected=expected,
        got=None if step is None else step.turn,
        observations=() if step is None else step.observations,
        reply=None if step is None else step.reply,
        stop=trajectory.stop,
        reasons=tuple(
            Reason(name, score.value, score.reason)
            for name, score in scores.items()
            if score.value != 1.0 and name != "success"
        ),
    )


def _parting(case: Case, trajectory: Trajectory) -> tuple[int, Message | None]:
    """The first turn that does something else than gold, and the gold turn there. Allowed reads may come between."""
    played = 0
    for index, step in enumerate(trajectory.steps):
        if index < case.prefix:
            played += 1
            continue
        gold = case.gold[played] if played < len(case.gold) else None
        if gold is not None and _agrees(case, step, gold, last=played == len(case.gold) - 1):
            played += 1
        elif not _only_reads(case, step):
            return index, gold
    last = max(0, len(trajectory.steps) - 1)
    return last, case.gold[min(last, len(case.gold) - 1)] if case.gold else None


def _agrees(case: Case, step: Step, gold: Message, last: bool) -> bool:
    if step.turn.defects or (last and step.reply is not None):
        return False
    if gold.calls or step.turn.calls:
        return _same_calls(case, step.turn.calls, gold.calls)
    return set(step.asked) == set(asked_slots(gold.content, case.lexicon, case.locale))


def _same_calls(case: Case, made: tuple[Call, ...], gold: tuple[Call, ...]) -> bool:
    rest = list(made)
    for wanted in gold:
        found = next((call for call in rest if _same_call(case, call, wanted)), None)
        if found is None:
            return False
        rest.remove(found)
    return not rest


def _same_call(case: Case, call: Call, wanted: Call) -> bool:
    if call.name != wanted.name:
        return False
    return same(call.arguments, wanted.arguments) or any(
        expected.name == call.name and arguments_agree(expected, call) and arguments_agree(expected, wanted)
        for expected in case.expectation.calls
    )


def _only_reads(case: Case, step: Step) -> bool:
    calls = step.turn.calls
    return (
        bool(calls)
        and not step.turn.defects
        and all(any(pattern.matches(call) for pattern in case.expectation.reads) for call in calls)
    )


def _told(step: Step) -> tuple[Message, ...]:
    told = [Message("tool", seen.content, name=seen.call.name) for seen in step.observations]
    return (*told, *(() if step.reply is None else (Message("user", step.reply),)))
