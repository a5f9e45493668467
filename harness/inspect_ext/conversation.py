"""A recorded rollout as Inspect's messages and events, for people to read. Scores come from the evidence alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from inspect_ai.event import Event, ModelEvent, ToolEvent
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
    StopReason,
)
from inspect_ai.tool import ToolCall

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.records import Record
from samescore.harness.types import Completion, Finish, Message, Observation, Turn


def shown(text: str) -> str:
    """Text that UTF-8 can carry: halves of characters become their escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def opening(case: Case) -> list[ChatMessage]:
    """The messages before the first assistant turn."""
    return [_opening(case, number, message) for number, message in enumerate(case.messages)]


def conversation(record: Record, case: Case | None, dialect: Dialect) -> list[ChatMessage]:
    """The whole conversation. Without its case, turns cannot be parsed: they are shown as the model wrote them."""
    return [*(opening(case) if case else []), *_told(record, case, dialect)]


def events(record: Record, messages: Sequence[ChatMessage], model: str, when: datetime) -> list[Event]:
    """The conversation as Inspect's transcript shows one: a model's turns, and the tools that they call."""
    found: list[Event] = []
    calls: dict[str, ToolCall] = {}
    for at, message in enumerate(messages):
        if isinstance(message, ChatMessageAssistant):
            calls |= {call.id: call for call in message.tool_calls or ()}
            number = sum(isinstance(event, ModelEvent) for event in found)
            found.append(
                ModelEvent(
                    model=model,
                    input=list(messages[:at]),
                    tools=[],
                    tool_choice="auto",
                    config=GenerateConfig(),
                    output=_output(message, record.turns[number], model, _usage(record, number)),
                    timestamp=when,
                    completed=when,
                )
            )
        elif isinstance(message, ChatMessageTool):
            call = calls[message.tool_call_id or ""]
            found.append(
                ToolEvent(
                    id=call.id,
                    function=call.function,
                    arguments=call.arguments,
                    result=message.text,
                    timestamp=when,
                    completed=when,
                )
            )
    return found


def last_output(record: Record, messages: Sequence[ChatMessage], model: str) -> ModelOutput:
    """The last turn of a recorded rollout as Inspect keeps it, with the tokens of all turns."""
    last = next((message for message in reversed(messages) if isinstance(message, ChatMessageAssistant)), None)
    if last is None:
        return ModelOutput(model=model)
    return _output(last, record.turns[-1], model, usage(record))


def usage(record: Record) -> ModelUsage | None:
    """The tokens that a rollout read and wrote; None where nothing is known of them."""
    known = [used for number in range(len(record.turns)) if (used := _usage(record, number))]
    return sum(known[1:], known[0]) if known else None


def _usage(record: Record, number: int) -> ModelUsage | None:
    """As the provider counted a turn's tokens, or as our tokenizer did."""
    said, turn = record.usage[number] if record.usage else None, record.turns[number]
    read, written = (said.input_tokens, said.output_tokens) if said else (turn.prompt_tokens, turn.tokens)
    cost = said.cost if said else None
    if not written:
        return None
    return ModelUsage(input_tokens=read, output_tokens=written, total_tokens=read + written, total_cost=cost)


def _output(message: ChatMessageAssistant, turn: Completion, model: str, used: ModelUsage | None) -> ModelOutput:
    stop: StopReason = "tool_calls" if message.tool_calls else "stop"
    if turn.finish is Finish.LENGTH:
        stop = "max_tokens"
    return ModelOutput(model=model, choices=[ChatCompletionChoice(message=message, stop_reason=stop)], usage=used)


def _opening(case: Case, number: int, message: Message) -> ChatMessage:
    kind = ChatMessageSystem if message.role == "system" else ChatMessageUser
    return kind(id=f"{case.id}.{number}", content=message.content, source="input")


def _told(record: Record, case: Case | None, dialect: Dialect) -> Iterator[ChatMessage]:
    for number, completion in enumerate(record.turns, 1):
        id = f"{record.case}.{record.epoch}.{number}"
        turn = dialect.parse(completion, case.toolset) if case else Turn(completion, content=completion.text)
        seen = record.observations[number - 1]
        yield _assistant(id, turn, seen)
        for at, one in enumerate(seen, 1):
            yield _result(f"{id}.{at}", one)
        if (reply := record.replies[number - 1]) is not None:
            yield ChatMessageUser(id=f"{id}.user", content=shown(reply))


def _assistant(id: str, turn: Turn, seen: Sequence[Observation]) -> ChatMessageAssistant:
    """A turn as it was parsed; a malformed one as the model wrote it, with what is wrong beside it."""
    made = tuple(one.call for one in seen) or (() if turn.defects else turn.calls)
    calls = [ToolCall(f"{id}.{at}", shown(call.name), dict(call.arguments)) for at, call in enumerate(made, 1)]
    if turn.defects:
        text, defects = shown(turn.completion.text), [asdict(defect) for defect in turn.defects]
        return ChatMessageAssistant(id=id, content=text, tool_calls=calls or None, metadata={"defects": defects})
    parts: list[Content] = [ContentReasoning(reasoning=shown(turn.thinking))] if turn.thinking else []
    parts.append(ContentText(text=shown(turn.content)))
    return ChatMessageAssistant(id=id, content=parts, tool_calls=calls or None, source="generate")


def _result(id: str, seen: Observation) -> ChatMessageTool:
    return ChatMessageTool(
        id=f"{id}.result",
        content=shown(seen.content),
        function=shown(seen.call.name),
        tool_call_id=id,
        metadata={"outcome": seen.outcome.value},
    )
