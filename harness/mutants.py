"""Mutants: versions of a case's gold turns with one thing wrong, by which scorers are tested like code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from samescore.harness.case import Case, ExpectedCall
from samescore.harness.types import Call, Message


@dataclass(frozen=True, slots=True)
class Mutant:
    """Assistant turns to be played instead of gold: messages, or raw text where the fault is in the writing."""

    name: str
    turns: tuple[Message | str, ...]


def calling_turns(case: Case) -> Iterator[tuple[int, Message]]:
    """The gold turns that call tools, with their indices."""
    return ((index, turn) for index, turn in enumerate(case.gold) if turn.calls)


def expected_at(case: Case, index: int) -> ExpectedCall:
    """The expected call that the first call of the gold turn at `index` is."""
    return case.expectation.calls[sum(len(turn.calls) for turn in case.gold[:index])]


def with_turn(case: Case, index: int, *turns: Message | str) -> tuple[Message | str, ...]:
    """Gold with the turn at `index` replaced by others, or by none."""
    return (*case.gold[:index], *turns, *case.gold[index + 1 :])


def with_call(turn: Message, call: Call, index: int = 0) -> Message:
    """A turn with one of its calls replaced."""
    calls = list(turn.calls)
    calls[index] = call
    return replace(turn, calls=tuple(calls))


def with_arguments(call: Call, arguments: Mapping[str, Any]) -> Call:
    """The same tool called with other arguments."""
    return Call(call.name, arguments)


def with_final(case: Case, content: str) -> tuple[Message, ...]:
    """Gold with another final reply."""
    return (*case.gold[:-1], replace(case.gold[-1], content=content))


def changed(value: Any) -> Any:
    """A value of the same type that differs."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        if len(value) == 10 and value[4] == value[7] == "-" and value.replace("-", "").isdigit():
            return (date.fromisoformat(value) + timedelta(days=1)).isoformat()
        digits = [at for at, character in enumerate(value) if character.isdigit()]
        if digits:
            at = digits[-1]
            return value[:at] + str((int(value[at]) + 1) % 10) + value[at + 1 :]
        return value + "x"
    if isinstance(value, list):
        return [*value, *value[:1]] if value else [0]
    return {**value, "x": 1}
