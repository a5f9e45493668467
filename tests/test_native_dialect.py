"""The native dialect: what an API sent is read as strictly as what a local model wrote."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from samescore.harness.dialects import Hermes, Native, dialect_named
from samescore.harness.dialects.native import native_text
from samescore.harness.policies.raw_response import has_parsed_arguments, native_message
from samescore.harness.strictjson import canonical, same
from samescore.harness.tools import Tool, Toolset
from samescore.harness.types import Attempt, Call, Completion, DefectName, Finish, Message, Turn

TOOLS = Toolset("t", 1, (Tool("pay", "Pay.", {"type": "object", "properties": {"amount": {"type": "integer"}}}),))

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(WORDS, VALUES, max_size=4)


def parsed(text: str, finish: Finish = Finish.STOP) -> Turn:
    return Native().parse(Completion(text, finish), TOOLS)


def called(arguments: Any, name: Any = "pay", content: str = "") -> Turn:
    return parsed(native_text(content, None, [{"id": "c", "name": name, "arguments": arguments}]))


def names(turn: Turn) -> list[str]:
    return [defect.name.value for defect in turn.defects]


@given(
    st.lists(st.tuples(WORDS.filter(bool), ARGUMENTS), max_size=3),
    WORDS.filter(lambda text: "<" not in text),
    st.none() | WORDS,
)
def test_what_is_written_is_read_back(calls: list[tuple[str, Any]], content: str, thinking: str | None) -> None:
    message = Message("assistant", content, thinking, tuple(Call(*call) for call in calls))
    turn = parsed(Native().write(message))
    assert not turn.defects
    assert turn.content == content.strip() and turn.thinking == (None if thinking is None else thinking.strip())
    assert len(turn.calls) == len(calls)
    assert all(
        a.name == b.name and same(a.arguments, b.arguments) for a, b in zip(turn.calls, message.calls, strict=True)
    )


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), WORDS, st.none() | WORDS)
def test_the_span_of_every_attempt_is_its_call(calls: list[tuple[str, str]], content: str, thought: str | None) -> None:
    raw = [{"id": str(at), "name": name, "arguments": text} for at, (name, text) in enumerate(calls)]
    text = native_text(content, thought, raw)
    attempts: tuple[Attempt, ...] = parsed(text).attempts[-len(raw) :]
    assert [text[slice(*attempt.span)] for attempt in attempts] == [canonical(call) for call in raw]


@given(st.one_of(WORDS, VALUES.map(json.dumps), ARGUMENTS.map(json.dumps).map(lambda text: text + "}")))
def test_argument_strings_are_read_as_strictly_as_hermes_reads_them(text: str) -> None:
    hermes = Hermes().parse(Completion(f'<tool_call>{{"name": "pay", "arguments": {text}}}</tool_call>'), TOOLS)
    native = called(text)
    if hermes.calls:
        assert same(dict(native.calls[0].arguments), dict(hermes.calls[0].arguments))
    else:
        assert not native.calls and native.defects


@pytest.mark.parametrize(
    ("arguments", "defect"),
    [
        ("", DefectName.INVALID_JSON),
        ("{", DefectName.INVALID_JSON),
        ('{"amount": 5}"', DefectName.INVALID_JSON),
        ("{'amount': 5}", DefectName.INVALID_JSON),
        ('{"amount": 5} and more', DefectName.INVALID_JSON),
        ('{"amount": 5, "amount": 6}', DefectName.DUPLICATE_KEY),
        ('{"amount": NaN}', DefectName.NOT_FINITE),
        ('{"amount": 1e999}', DefectName.NOT_FINITE),
        ('{"amount": ' + "9" * 5000 + "}", DefectName.NUMBER_TOO_LONG),
        ('{"amount": ' + "[" * 80 + "]" * 80 + "}", DefectName.TOO_DEEP),
        ('{"note": "\\ud800"}', DefectName.LONE_SURROGATE),
        ("5", DefectName.BAD_ARGUMENTS),
        ('"amount"', DefectName.BAD_ARGUMENTS),
        ("null", DefectName.BAD_ARGUMENTS),
        ("[]", DefectName.BAD_ARGUMENTS),
        (None, DefectName.MISSING_ARGUMENTS),
    ],
)
def test_a_malformed_argument_string_is_a_named_defect_and_no_call(arguments: Any, defect: DefectName) -> None:
    turn = called(arguments)
    assert names(turn) == [defect.value]
    assert len(turn.attempts) == 1 and not turn.calls, "it counts as attempted"


def test_a_call_needs_a_name() -> None:
    assert names(called("{}", name="")) == ["bad_name"]
    assert names(called("{}", name=5)) == ["bad_name"]
    assert names(called("{}", name=None)) == ["missing_name"]


def test_a_number_in_a_string_stays_a_string() -> None:
    assert called('{"amount": "5"}').calls[0].arguments == {"amount": "5"}


def test_an_object_that_a_provider_parsed_is_taken_as_it_is() -> None:
    assert called({"amount": 5}).calls == (Call("pay", {"amount": 5}),)


def test_a_turn_cut_off_is_truncated_whatever_it_holds() -> None:
    assert names(parsed(native_text("Hello", None, ()), Finish.LENGTH)) == ["truncated"]


def test_thinking_left_in_the_content_is_read_and_not_shown() -> None:
    turn = parsed(native_text("<think>\nvip: yes\n</think>\n\nHello.", None, ()))
    assert (turn.thinking, turn.content, names(turn)) == ("vip: yes", "Hello.", [])


@pytest.mark.parametrize(
    ("content", "defect"),
    [
        ("<think> and no end", "unclosed_thinking"),
        ("vip: yes</think> Hello.", "unopened_thinking"),
        ("Hello. <think>late</think>", "misplaced_thinking"),
        ('<tool_call>{"name": "pay"', "invalid_json"),
        ('Hello <tool_call>{"name": "pay", "arguments": {]}</tool_call>', "invalid_json"),
        ("done</tool_call>", "unopened_call"),
        ("caf\ufffd", "encoding"),
    ],
)
def test_what_a_server_left_in_the_content_is_a_defect(content: str, defect: str) -> None:
    assert names(parsed(native_text(content, None, ())))[0] == defect


def test_a_call_left_in_the_content_counts_as_attempted() -> None:
    assert len(parsed(native_text('<tool_call>{"name"', None, ())).attempts) == 1


@pytest.mark.parametrize(
    "text", ["", "Hello", "{}", "[]", '{"content": 5, "tool_calls": []}', '{"content": "", "x": 1}']
)
def test_a_text_that_is_no_message_is_malformed_and_raises_nothing(text: str) -> None:
    assert parsed(text).defects and not parsed(text).attempts


@given(st.text(max_size=60))
def test_no_text_makes_the_parser_raise(text: str) -> None:
    parsed(text)
    called(text, content=text)


def test_it_is_found_by_name() -> None:
    assert dialect_named("native").name == "native"


# The shapes of raw responses.

ARGUMENT_STRING = '{"amount": 5, "amount": 6}'
CHAT = {
    "choices": [
        {
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": None,
                "reasoning_content": "pay it",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": ARGUMENT_STRING}}
                ],
            },
        }
    ]
}
RESPONSES = {
    "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "pay it"}]},
        {"type": "message", "content": [{"type": "output_text", "text": ""}]},
        {"type": "function_call", "call_id": "c1", "name": "pay", "arguments": ARGUMENT_STRING},
    ]
}
ANTHROPIC = {
    "type": "message",
    "content": [
        {"type": "thinking", "thinking": "pay it", "signature": "s"},
        {"type": "text", "text": "One moment."},
        {"type": "tool_use", "id": "c1", "name": "pay", "input": {"amount": 5}},
    ],
}
GOOGLE = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"text": "pay it", "thought": True},
                    {"text": "One moment."},
                    {"function_call": {"id": None, "name": "pay", "args": {"amount": 5}}},
                ],
            }
        }
    ]
}


@pytest.mark.parametrize("response", [CHAT, RESPONSES], ids=["chat completions", "responses"])
def test_argument_strings_come_out_as_they_were_sent(response: dict[str, Any]) -> None:
    text = native_message(response)
    assert text == native_text("", "pay it", [{"id": "c1", "name": "pay", "arguments": ARGUMENT_STRING}])
    assert names(parsed(text)) == ["duplicate_key"]
    assert not has_parsed_arguments(response)


@pytest.mark.parametrize("response", [ANTHROPIC, GOOGLE], ids=["Anthropic", "Google"])
def test_objects_come_out_as_objects(response: dict[str, Any]) -> None:
    turn = parsed(native_message(response) or "")
    assert (turn.thinking, turn.content, turn.calls) == ("pay it", "One moment.", (Call("pay", {"amount": 5}),))
    assert not turn.defects


def test_nan_in_an_object_is_a_defect() -> None:
    response = {
        "type": "message",
        "content": [{"type": "tool_use", "id": "c", "name": "pay", "input": {"a": float("nan")}}],
    }
    assert names(parsed(native_message(response) or "")) == ["not_finite"]


def test_a_refusal_is_what_the_model_said() -> None:
    refused = {"choices": [{"message": {"role": "assistant", "content": None, "refusal": "I cannot do that."}}]}
    assert parsed(native_message(refused) or "").content == "I cannot do that."


@pytest.mark.parametrize(
    "response", [None, {}, {"choices": []}, {"error": "no"}, {"content": "text"}, {"output": "text"}]
)
def test_an_unknown_shape_is_none(response: Any) -> None:
    assert native_message(response) is None


def test_objects_where_strings_belong_are_noticed() -> None:
    call = {"id": "c1", "function": {"name": "pay", "arguments": {"amount": 5}}}
    assert has_parsed_arguments({"choices": [{"message": {"content": "", "tool_calls": [call]}}]})
