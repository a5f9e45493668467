"""Conversations as lines: what was said, called, answered and expected, as it was, with nothing made harmless yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from samescore.harness.case import Case
from samescore.harness.examples import Reason
from samescore.harness.rescore import Scored
from samescore.harness.strictjson import write
from samescore.harness.types import Call, Message, Observation, Step, Trajectory
from samescore.harness.user import ScriptedUser
from samescore.reports.contents import Line, LineKind, ReportedRollout


def conversation(case: Case, trajectory: Trajectory) -> Iterator[Line]:
    """Everything that the model was told and wrote, from the user's first words to how it ended."""
    yield Line(LineKind.USER, case.opening)
    for number, step in enumerate(trajectory.steps, start=1):
        yield from (replace(line, turn=number) for line in _turn(step))
        if step.reply is not None:
            yield Line(LineKind.USER, step.reply)
    yield Line(LineKind.END, trajectory.stop.value)


def gold(case: Case) -> Iterator[Line]:
    """The turns that would have been right, and what the user says to them. What tools answer is not part of it."""
    yield Line(LineKind.USER, case.opening)
    user = ScriptedUser(case)
    for number, message in enumerate(case.gold, start=1):
        yield from (replace(line, turn=number) for line in _message(message))
        if number < len(case.gold) and not message.calls and (reply := user.hear(message.content).reply) is not None:
            yield Line(LineKind.USER, reply)


def rollout(scored: Scored) -> ReportedRollout:
    """A recorded rollout with its scores and reasons, or its error."""
    record, case, trajectory = scored.record, scored.case, scored.trajectory
    lines = () if case is None or trajectory is None else tuple(conversation(case, trajectory))
    if scored.scores is None:
        return ReportedRollout(record.epoch, None, {}, (), lines, str(scored.error), record.seconds)
    values = {name: score.value for name, score in scored.scores.items()}
    reasons = tuple(
        Reason(name, score.value, score.reason)
        for name, score in scored.scores.items()
        if score.value != 1.0 and name != "success"
    )
    return ReportedRollout(record.epoch, values["success"], values, reasons, lines, seconds=record.seconds)


def call_text(call: Call) -> str:
    """A call as a programmer writes it, arguments as JSON: `issue_refund(order_id="A1", amount=5)`."""
    return f"{call.name}({', '.join(f'{name}={write(value)}' for name, value in call.arguments.items())})"


def _turn(step: Step) -> Iterator[Line]:
    turn = step.turn
    if turn.defects:
        names = ", ".join(dict.fromkeys(defect.name.value for defect in turn.defects))
        yield Line(LineKind.MALFORMED, turn.completion.text, names)
        return
    if turn.thinking:
        yield Line(LineKind.THINKING, turn.thinking)
    if turn.content:
        yield Line(LineKind.AGENT, turn.content)
    observed = iter(step.observations)
    for call in turn.calls:
        yield Line(LineKind.CALL, call_text(call))
        if (seen := next(observed, None)) is not None:
            yield _result(seen)
    if not (turn.content or turn.calls):
        yield Line(LineKind.AGENT, "")


def _result(seen: Observation) -> Line:
    return Line(LineKind.RESULT, seen.content, seen.outcome.value)


def _message(message: Message) -> Iterator[Line]:
    if message.thinking:
        yield Line(LineKind.THINKING, message.thinking)
    if message.content:
        yield Line(LineKind.AGENT, message.content)
    for call in message.calls:
        yield Line(LineKind.CALL, call_text(call))
