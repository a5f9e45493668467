"""The assistant's message as a provider sent it, out of the raw response that Inspect kept.

    shape              where the calls are                             their arguments
    chat completions   choices[0].message.tool_calls[].function        a string, as the model wrote it
    responses          output[] of type function_call                  a string, as the model wrote it
    Anthropic          content[] of type tool_use                      an object: parsed before it was sent
    Google             candidates[0].content.parts[].function_call     an object: parsed before it was sent

A string can be malformed, and is read strictly. An object cannot: duplicate keys, NaN and broken JSON are gone by then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from samescore.harness.dialects.native import native_text


def native_message(response: Mapping[str, Any] | None) -> str | None:
    """The message in a raw response as the native dialect keeps it; None where the shape is none of the four."""
    if response is None:
        return None
    for read in (_chat, _responses, _anthropic, _google):
        if (text := read(response)) is not None:
            return text
    return None


def has_parsed_arguments(response: Mapping[str, Any]) -> bool:
    """Whether the arguments of a call are something else than a string or nothing, in the shapes that have strings."""
    choice = _first(response.get("choices"))
    calls = [_entry(call, "function") for call in _entries(_entry(choice, "message").get("tool_calls"))]
    calls += [item for item in _entries(response.get("output")) if item.get("type") == "function_call"]
    return any(not isinstance(call.get("arguments"), str | None) for call in calls)


def _chat(response: Mapping[str, Any]) -> str | None:
    message = _first(response.get("choices")).get("message")
    if not isinstance(message, Mapping):
        return None
    reasoning = next((text for key in ("reasoning_content", "reasoning") if (text := message.get(key))), None)
    calls = [
        {"id": call.get("id"), **_named(_entry(call, "function"), "arguments")}
        for call in _entries(message.get("tool_calls"))
    ]
    content = message.get("content") or message.get("refusal")
    return native_text(_text(content), reasoning if isinstance(reasoning, str) else None, calls)


def _responses(response: Mapping[str, Any]) -> str | None:
    if not isinstance(response.get("output"), Sequence) or isinstance(response["output"], str):
        return None
    items = _entries(response["output"])
    said = [part for item in items if item.get("type") == "message" for part in _entries(item.get("content"))]
    thought = [
        part
        for item in items
        if item.get("type") == "reasoning"
        for part in (*_entries(item.get("summary")), *_entries(item.get("content")))
    ]
    calls = [
        {"id": item.get("call_id"), **_named(item, "arguments")}
        for item in items
        if item.get("type") == "function_call"
    ]
    content = "".join(str(part.get("text") or part.get("refusal") or "") for part in said)
    return native_text(content, _joined(part.get("text") for part in thought), calls)


def _anthropic(response: Mapping[str, Any]) -> str | None:
    if response.get("type") != "message" or not isinstance(response.get("content"), Sequence):
        return None
    blocks = _entries(response["content"])
    calls = [{"id": block.get("id"), **_named(block, "input")} for block in blocks if block.get("type") == "tool_use"]
    content = "".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
    thought = (block.get("thinking") for block in blocks if block.get("type") == "thinking")
    return native_text(content, _joined(thought), calls)


def _google(response: Mapping[str, Any]) -> str | None:
    content = _first(response.get("candidates")).get("content")
    if not isinstance(content, Mapping):
        return None
    parts = _entries(content.get("parts"))
    called = [(part.get("function_call") or part.get("functionCall")) for part in parts]
    calls = [{"id": call.get("id"), **_named({"args": {}} | dict(call), "args")} for call in called if call]
    said = "".join(str(part.get("text") or "") for part in parts if not part.get("thought"))
    return native_text(said, _joined(part.get("text") for part in parts if part.get("thought")), calls)


def _named(call: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    return {"name": call.get("name"), "arguments": _kept(call.get(arguments))}


def _kept(arguments: Any) -> Any:
    """Arguments that a client read although they are no JSON (NaN) become a text again, and so a defect."""
    try:
        json.dumps(arguments, allow_nan=False)
    except ValueError:
        return json.dumps(arguments)
    return arguments


def _text(content: Any) -> str:
    """Content that is a text, or a list of parts of which some are."""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or part.get("refusal") or "") for part in _entries(content))


def _joined(texts: Iterable[Any]) -> str | None:
    return "\n\n".join(text for text in texts if isinstance(text, str) and text) or None


def _entries(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _first(value: Any) -> Mapping[str, Any]:
    return next(iter(_entries(value)), {})


def _entry(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    entry = value.get(key)
    return entry if isinstance(entry, Mapping) else {}
