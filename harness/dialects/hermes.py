"""Hermes: `<tool_call>` JSON, as Qwen2.5, Qwen3 and the Hermes models write it.

The grammar of a turn, and nothing else:

    turn     = [ws "<think>" text "</think>"] content *(ws call) ws
    call     = "<tool_call>" ws object ws "</tool_call>"
    object   = strict JSON with exactly the keys "name" (a string) and "arguments" (an object)

Where this differs from others on the same text: an unclosed call (vLLM accepts it) and one broken call among
good ones (vLLM and TRL drop all, others keep the good ones silently) are defects of the turn; `"parameters"`
for `"arguments"` is a defect (TRL reads no arguments); `{}` is a valid arguments object (Inspect's `hf`
provider rejects it); a quoted `</tool_call>` inside a JSON string is text (regular expressions end the call
there); duplicate keys and NaN are defects (all accept them).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from samescore.harness.dialects.strict import check_encoding, truncation
from samescore.harness.strictjson import JsonDefect, read_at, write
from samescore.harness.tools import Toolset
from samescore.harness.types import Attempt, Call, Completion, Defect, DefectName, Message, Turn

THINK, END_THINK = "<think>", "</think>"
CALL, END_CALL = "<tool_call>", "</tool_call>"

_space = re.compile(r"[ \t\n\r]*").match
_tag = re.compile(r"</?(?:think|tool_call|tool_response|tools)>")
_STRAY = {
    THINK: DefectName.MISPLACED_THINKING,
    END_THINK: DefectName.UNOPENED_THINKING,
    END_CALL: DefectName.UNOPENED_CALL,
}
_control_token = re.compile(r"<\|[^<>|]{1,40}\|>")


@dataclass(frozen=True, slots=True)
class Hermes:
    """The Hermes dialect. `version` is raised by hand when the same text may parse differently."""

    name: str = "hermes"
    version: int = 1

    def parse(self, completion: Completion, toolset: Toolset) -> Turn:
        """Read a turn strictly; see the module's grammar."""
        text = completion.text
        defects = truncation(completion)
        if not text.isascii():
            check_encoding(text, defects)
        if "<|" in text and (token := _control_token.search(text)):
            detail = f"control token {token.group()} inside the turn"
            defects.append(Defect(DefectName.SPECIAL_TOKEN, detail, token.span()))
        thinking, at = _thinking(text, defects)
        first = text.find(CALL, at)
        if first < 0:
            content = text[at:]
            _check_prose(text, at, len(text), defects)
            return Turn(completion, thinking, content.strip(), (), tuple(defects))
        _check_prose(text, at, first, defects)
        attempts = _attempts(text, first, defects)
        return Turn(completion, thinking, text[at:first].strip(), attempts, tuple(defects))

    def write(self, message: Message) -> str:
        """The text of an assistant message as Qwen3's template renders it."""
        parts = [] if message.thinking is None else [f"{THINK}\n{message.thinking}\n{END_THINK}\n\n"]
        blocks = [message.content] if message.content else []
        blocks += [
            f'{CALL}\n{{"name": {write(call.name)}, "arguments": {write(dict(call.arguments))}}}\n{END_CALL}'
            for call in message.calls
        ]
        return "".join(parts) + "\n".join(blocks)

    def representable(self, call: Call, toolset: Toolset) -> bool:
        """JSON carries every call."""
        return True


def _thinking(text: str, defects: list[Defect]) -> tuple[str | None, int]:
    """The thinking, and the index where the visible part begins."""
    opened = 0 if text.startswith("<") else _space(text, 0).end()  # type: ignore[union-attr]
    if not text.startswith(THINK, opened):
        return None, 0
    begin = opened + len(THINK)
    end = text.find(END_THINK, begin)
    if end < 0:
        detail = f"{THINK} without {END_THINK}"
        defects.append(Defect(DefectName.UNCLOSED_THINKING, detail, (opened, begin)))
        return text[begin:].strip(), len(text)
    if (again := text.find(THINK, begin, end)) >= 0:
        defects.append(Defect(DefectName.MISPLACED_THINKING, f"{THINK} twice", (again, again + len(THINK))))
    return text[begin:end].strip(), end + len(END_THINK)


def _check_prose(text: str, start: int, end: int, defects: list[Defect]) -> None:
    """Tags that have no business in the visible prose between `start` and `end`."""
    if text.find("<", start, end) < 0:
        return
    for found in _tag.finditer(text, start, end):
        name = _STRAY.get(found.group(), DefectName.SPECIAL_TOKEN)
        defects.append(Defect(name, f"stray {found.group()}", found.span()))


def _attempts(text: str, first: int, defects: list[Defect]) -> tuple[Attempt, ...]:
    attempts = []
    start = first
    while True:
        attempt = _attempt(text, start)
        attempts.append(attempt)
        if attempt.defect is not None:
            defects.append(attempt.defect)
        end = attempt.span[1]
        following = text.find(CALL, end)
        stop = len(text) if following < 0 else following
        if end < stop and _space(text, end).end() < stop:  # type: ignore[union-attr]
            detail = "text after a call; the template has no place for it"
            defects.append(Defect(DefectName.TEXT_AFTER_CALL, detail, (end, stop)))
        if following < 0:
            return tuple(attempts)
        start = following


def _attempt(text: str, start: int) -> Attempt:
    """The attempt whose tag stands at `start`."""
    inside = _space(text, start + len(CALL)).end()  # type: ignore[union-attr]
    if text.startswith(END_CALL, inside):
        return _malformed(DefectName.EMPTY_CALL, "nothing between the tags", start, inside + len(END_CALL))
    try:
        value, end = read_at(text, inside)
    except JsonDefect as defect:
        close = text.find(END_CALL, inside)
        if close < 0:
            return _malformed(DefectName.UNCLOSED_CALL, f"{CALL} without {END_CALL}", start, len(text))
        return _malformed(DefectName(defect.name), defect.detail, start, close + len(END_CALL))
    end = _space(text, end).end()  # type: ignore[union-attr]
    if text.startswith(END_CALL, end):
        return _call(value, start, end + len(END_CALL))
    close = text.find(END_CALL, end)
    if close < 0:
        return _malformed(DefectName.UNCLOSED_CALL, f"{CALL} without {END_CALL}", start, len(text))
    detail = "something follows the JSON object"
    return _malformed(DefectName.INVALID_JSON, detail, start, close + len(END_CALL))


def _call(value: object, start: int, end: int) -> Attempt:
    """An attempt from the JSON value between its tags."""
    if type(value) is not dict:
        return _malformed(DefectName.NOT_AN_OBJECT, f"a call is an object, found {value!r:.40}", start, end)
    if "name" not in value:
        return _malformed(DefectName.MISSING_NAME, "no key 'name'", start, end)
    if "arguments" not in value:
        return _malformed(DefectName.MISSING_ARGUMENTS, "no key 'arguments'", start, end)
    name, arguments = value["name"], value["arguments"]
    if len(value) != 2:
        extra = next(key for key in value if key not in ("name", "arguments"))
        return _malformed(DefectName.UNKNOWN_KEY, f"unknown key {extra!r:.40}", start, end)
    if type(name) is not str or not name:
        return _malformed(DefectName.BAD_NAME, f"a name is a string, found {name!r:.40}", start, end)
    if type(arguments) is not dict:
        detail = f"arguments are an object, found {arguments!r:.40}"
        return _malformed(DefectName.BAD_ARGUMENTS, detail, start, end)
    return Attempt((start, end), Call(name, arguments))


def _malformed(name: DefectName, detail: str, start: int, end: int) -> Attempt:
    return Attempt((start, end), None, Defect(name, detail, (start, end)))
