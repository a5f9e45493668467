"""Users' own conversations: JSONL files, a conversation a line, read strictly and never repaired.

    {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", ...}, ...], "tools": [...], "id": "..."}

A message is OpenAI's (`tool_calls` with `function.name` and `function.arguments`, a JSON text or an object;
`tool_call_id`; `reasoning_content`) or ours (`calls` with `name` and `arguments`; `thinking`). `tools` are OpenAI-style
specs. Every assistant turn is learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from samescore.harness.errors import ToolsetError, UsageError
from samescore.harness.files import placed, read_json_lines
from samescore.harness.strictjson import JsonDefect, read
from samescore.harness.tools import Toolset, toolset_from_specs
from samescore.harness.types import Attempt, Call, Completion, Message, Observation, Outcome, Step, Turn
from samescore.trainers.leakage import TrainingText
from samescore.trainers.samples import Lesson

_LINE = {"messages", "tools", "id"}
_KEYS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "calls", "thinking", "reasoning_content"},
    "tool": {"role", "content", "tool_call_id", "name"},
}
_SYNONYMS = (("tool_calls", "calls"), ("reasoning_content", "thinking"))
_VALUES = {"default", "const"}  # keys of a JSON Schema whose value may be null
_OPEN = {"additionalProperties", "patternProperties", "allOf", "anyOf", "oneOf", "$ref"}  # what says of other keys
_NULLS = (
    "Libraries of tables fill missing keys with null; write each line without them, as in json.dumps({k: v for k, v in "
    "message.items() if v is not None})"
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call of an assistant's turn, under the id by which its result names it."""

    id: str | None
    call: Call


@dataclass(frozen=True, slots=True)
class _Said:
    """A message that was read, and the calls in it; `answers` is the id of the call that a tool's message answers."""

    message: Message
    asked: tuple[_Asked, ...] = ()
    answers: str | None = None


def file_lessons(path: Path) -> Iterator[Lesson]:
    """The conversations of a file.

    Raises:
        UsageError: the file cannot be read, holds none, or a line is wrong: says which, and what to do.
    """
    known: dict[str, Toolset | None] = {}
    found = 0
    for number, line in read_json_lines(path, "the conversations"):
        found += 1
        yield _Line(f"{path}:{number}").lesson(line, known)
    if not found:
        raise UsageError(f"{path}: no conversation in this file. Write one a line, or leave the file out.")


@dataclass(frozen=True, slots=True)
class _Line:
    """Reads one line; `where` is what messages about it begin with."""

    where: str

    def lesson(self, line: Any, known: dict[str, Toolset | None]) -> Lesson:
        """The conversation of the line. `known` are toolsets by their JSON: most lines of a file have the same."""
        if not isinstance(line, Mapping) or not isinstance(line.get("messages"), list):
            self._fail('expected an object with a list of "messages"', 'Write {"messages": [...], "tools": [...]}')
        if unknown := sorted(line.keys() - _LINE):
            todo = _NULLS if line[unknown[0]] is None else "Leave it out: it would not be learned"
            self._fail(f"unknown key {unknown[0]!r} beside the messages", todo)
        toolset = self._toolset(line, known)
        said = [self._message(f"message {at}", one, toolset) for at, one in enumerate(line["messages"], start=1)]
        first = next((at for at, one in enumerate(said) if one.message.role == "assistant"), None)
        if first is None:
            self._fail("no turn of the assistant, so there is nothing to learn", "Leave the line out")
        before, after = said[:first], said[first:]
        for at, one in enumerate(before, start=1):
            if one.message.role == "tool":
                self._fail(f"message {at}: a tool's result before any call", "Add the call, or leave the line out")
        steps = list(self._steps(after, first + 1))
        text = TrainingText(
            self.where,
            tuple(one.message.content for one in said if one.message.role == "user"),
            tuple(one.message.content for one in said if one.message.role == "assistant"),
        )
        return Lesson(self.where, [one.message for one in before], toolset, steps, text)

    def _toolset(self, line: Mapping[str, Any], known: dict[str, Toolset | None]) -> Toolset | None:
        specs = line.get("tools", [])
        key = repr(specs)
        if key not in known:
            if not isinstance(specs, list):
                self._fail("`tools` is no list", f"Leave it out where there are none. {_NULLS}")
            if None in specs:
                self._fail("tools: one of them is null", _NULLS)
            self._no_nulls("tools", specs)
            try:
                known[key] = toolset_from_specs("tools", 1, specs) if specs else None
            except ToolsetError as error:
                raise UsageError(f"{self.where}: {error}") from None
        return known[key]

    def _no_nulls(self, where: str, value: Any) -> None:
        """A null in a tool's spec is a key that a table has for another tool."""
        if isinstance(value, Mapping):
            for key, part in value.items():
                if part is None and key not in _VALUES:
                    self._fail(f"{where}: {key!r} is null", _NULLS)
                self._no_nulls(where, part)
        elif isinstance(value, list):
            for part in value:
                self._no_nulls(where, part)

    def _message(self, where: str, one: Any, toolset: Toolset | None) -> _Said:
        if one is None:
            self._fail(f"{where} is null", _NULLS)
        role: Any = one.get("role") if isinstance(one, Mapping) else None
        known = isinstance(role, str) and role in _KEYS
        if not known:
            filled = isinstance(one, Mapping) and "role" in one and role is None
            todo = _NULLS if filled else f"Roles are {', '.join(_KEYS)}; rename or remove it"
            self._fail(f"{where}: unknown role {role!r:.40}", todo)
        if unknown := sorted(one.keys() - _KEYS[role]):
            todo = _NULLS if one[unknown[0]] is None else "Leave it out: it would not be learned"
            self._fail(f"{where}: {unknown[0]!r} does not go with role {role}", todo)
        empty = {key for key, value in one.items() if value is None}
        if one.get("tool_calls") or one.get("calls"):
            empty.discard("content")  # OpenAI's form of a turn that only calls
        if empty:
            self._fail(f"{where}: {min(empty)!r} is null", _NULLS)
        content = one.get("content") or ""
        if not isinstance(content, str):
            self._fail(f"{where}: `content` is no text", "Join its parts to one text; images cannot be learned")
        if role == "assistant":
            return self._turn(where, one, content, toolset)
        if role == "tool":
            answers = one.get("tool_call_id")
            return _Said(Message("tool", content, name=one.get("name")), answers=answers)
        if not content:
            self._fail(f"{where}: nothing is said", "Remove the message")
        return _Said(Message(role, content))

    def _turn(self, where: str, one: Mapping[str, Any], content: str, toolset: Toolset | None) -> _Said:
        for pair in _SYNONYMS:
            if one.keys() >= {*pair}:
                self._fail(f"{where}: {' and '.join(pair)} mean the same", "Write one of them")
        listed = one.get("tool_calls", one.get("calls", []))
        if not isinstance(listed, list):
            self._fail(f"{where}: its calls are no list", "Write a list, or leave it out")
        asked = tuple(self._call(f"{where}, call {at}", call, toolset) for at, call in enumerate(listed, start=1))
        thinking = one.get("thinking", one.get("reasoning_content"))
        if thinking is not None and not isinstance(thinking, str):
            self._fail(f"{where}: its thinking is no text", "Write a text, or leave it out")
        if not content.strip() and not asked:
            self._fail(f"{where}: an empty turn of the assistant", "Say what it answers, or end before it")
        return _Said(Message("assistant", content, thinking, tuple(one.call for one in asked)), asked)

    def _call(self, where: str, one: Any, toolset: Toolset | None) -> _Asked:
        function = one.get("function", one) if isinstance(one, Mapping) else None
        for part in (one, function):
            if part is None or (isinstance(part, Mapping) and None in part.values()):
                nulls = sorted(key for key, value in (part or {}).items() if value is None)
                self._fail(f"{where}: {repr(nulls[0]) if nulls else 'it'} is null", _NULLS)
        if not isinstance(function, Mapping) or not {"name", "arguments"} <= function.keys():
            self._fail(f"{where}: no name or no arguments", 'Write {"name": ..., "arguments": {...}}')
        name, arguments = function["name"], function["arguments"]
        if isinstance(arguments, str):
            try:
                arguments = read(arguments)
            except JsonDefect as defect:
                what = placed(defect, defect.at + 1)
                self._fail(f"{where}: the arguments of {name} are not JSON: {what} of them", "Correct them")
        if not isinstance(arguments, Mapping):
            self._fail(f"{where}: the arguments of {name} are no object", "Write an object")
        tool = None if toolset is None else toolset.by_name.get(name)
        if tool is None:
            has = "there are none" if toolset is None else f"they are {', '.join(toolset.by_name)}"
            self._fail(f"{where}: {name} is not among the line's `tools` ({has})", "Add its spec")
        filled = [key for key, value in arguments.items() if value is None]
        if not _OPEN & tool.parameters.keys():  # any key is valid there, and nobody meant it
            for key in sorted({*filled} - tool.parameters.get("properties", {}).keys()):
                self._fail(
                    f"{where}: the arguments of {name} have {key!r}, null, which its schema does not know", _NULLS
                )
        if not tool.valid(arguments):
            why = _NULLS if filled else "Correct the call, or the tool's schema"
            self._fail(f"{where}: the arguments of {name} break its schema: {tool.complaint(arguments)}", why)
        return _Asked(one.get("id"), Call(name, arguments))

    def _steps(self, said: Sequence[_Said], at: int) -> Iterator[Step]:
        """The assistant's turns, each with what followed it. `at` is the number of the first message."""
        while said:
            turn, said, at = said[0], said[1:], at + 1
            if turn.message.role != "assistant":
                role = turn.message.role
                self._fail(f"message {at - 1}: {role} where the assistant's turn is due", "Correct the order")
            reply: str | None = None
            observations: tuple[Observation, ...] = ()
            if turn.asked:
                results = [one for one in said[: len(turn.asked)] if one.message.role == "tool"]
                if said and len(results) < len(turn.asked):
                    self._fail(
                        f"message {at - 1}: {len(turn.asked)} calls and {len(results)} results after them",
                        "Every call needs its result, in a message of role tool that follows",
                    )
                observations = self._observations(at - 1, turn.asked, results)
                said, at = said[len(results) :], at + len(results)
            elif said:
                if said[0].message.role != "user":
                    self._fail(
                        f"message {at}: {said[0].message.role} after a turn without a call", "The user's answer is due"
                    )
                reply, said, at = said[0].message.content, said[1:], at + 1
            yield Step(_turn(turn.message), observations, reply=reply)

    def _observations(self, at: int, asked: Sequence[_Asked], results: Sequence[_Said]) -> tuple[Observation, ...]:
        """The results in the order of their calls: by id where they name one, else as they stand."""
        named = [one.answers for one in results]
        if any(name is not None for name in named):
            self._require_ids(at, [one.id for one in asked], named)
            order = {one.id: place for place, one in enumerate(asked)}
            results = sorted(results, key=lambda one: order[one.answers])
        for one, result in zip(asked, results, strict=False):
            if result.message.name not in (None, one.call.name):
                self._fail(
                    f"message {at}: the result of {one.call.name} is named {result.message.name}", "Correct the order"
                )
        return tuple(
            Observation(one.call, Outcome.OK, result.message.content)
            for one, result in zip(asked, results, strict=False)
        )

    def _require_ids(self, at: int, ids: Sequence[Any], named: Sequence[Any]) -> None:
        """Results name the calls of message `at`, each once. The calls have these `ids`, the results name those."""
        calls = f"message {at}: its calls have the ids {', '.join(map(repr, ids))}"
        if None in ids:
            what = f"message {at}: call {ids.index(None) + 1} has no id, and results name calls by `tool_call_id`"
            self._fail(what, "Give every call its `id`, or leave `tool_call_id` out of all results")
        if twice := next((id for id in ids if ids.count(id) > 1), None):
            self._fail(f"{calls}: {twice!r} is there twice", "Give every call an id of its own")
        for place, name in enumerate(named, start=at + 1):
            if name is None:
                self._fail(f"{calls}; message {place} names none of them", "Give it its `tool_call_id`")
            if name not in ids:
                self._fail(f"{calls}; message {place} answers {name!r:.40}", "Correct its `tool_call_id`")
            if named.count(name) > 1:
                self._fail(f"{calls}; {name!r} is answered twice", "Correct the `tool_call_id` of one")

    def _fail(self, what: str, todo: str) -> NoReturn:
        raise UsageError(f"{self.where}: {what}. {todo}.")


def _turn(message: Message) -> Turn:
    """An assistant's message as a turn that no model wrote."""
    return Turn(
        Completion(""),
        message.thinking,
        message.content,
        tuple(Attempt((0, 0), call) for call in message.calls),
    )
