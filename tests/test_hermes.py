"""The Hermes dialect: strict, total, and never a call that the text does not contain."""

import json
import re

import pytest
from hypothesis import example, given, settings, strategies as st

from samescore.harness.dialects import Hermes
from samescore.harness.strictjson import same
from samescore.harness.tools import Toolset
from samescore.harness.types import Call, Completion, Finish, Message, Turn

HERMES = Hermes()
NO_TOOLS = Toolset("none", 1, ())


def parse(text: str, finish: Finish = Finish.STOP) -> Turn:
    return HERMES.parse(Completion(text, finish), NO_TOOLS)


def call(inner: str) -> str:
    return f"<tool_call>\n{inner}\n</tool_call>"


def defects(text: str) -> list[str]:
    return [defect.name.value for defect in parse(text).defects]


GOOD = '{"name": "get_order", "arguments": {"order_id": "A-1"}}'


def test_a_well_formed_turn_has_thinking_content_and_calls() -> None:
    turn = parse(f"<think>\nlook it up\n</think>\n\nOne moment.\n{call(GOOD)}\n{call(GOOD)}")
    assert turn.thinking == "look it up"
    assert turn.content == "One moment."
    assert turn.calls == (Call("get_order", {"order_id": "A-1"}),) * 2
    assert turn.defects == ()


def test_zero_arguments_are_a_valid_call() -> None:
    assert parse(call('{"name": "ping", "arguments": {}}')).calls == (Call("ping", {}),)


def test_the_span_of_an_attempt_is_its_tags_and_what_is_between() -> None:
    text = f"Hi\n{call(GOOD)}"
    (attempt,) = parse(text).attempts
    assert text[slice(*attempt.span)] == call(GOOD)


def test_tags_quoted_inside_a_json_string_are_text() -> None:
    note = "write </tool_call> or <tool_call> and <think> like this"
    turn = parse(call(json.dumps({"name": "note", "arguments": {"text": note}})))
    assert turn.defects == ()
    assert turn.calls == (Call("note", {"text": note}),)


@pytest.mark.parametrize(
    ("inner", "defect"),
    [
        ("", "empty_call"),
        ("{'name': 'x', 'arguments': {}}", "invalid_json"),
        ('{"name": "x", "arguments": {}', "invalid_json"),
        ('{"name": "x", "arguments": {}} and more', "invalid_json"),
        ('{"name": "x", "arguments": {"a": 1, "a": 2}}', "duplicate_key"),
        ('{"name": "x", "name": "y", "arguments": {}}', "duplicate_key"),
        ('{"name": "x", "arguments": {"a": NaN}}', "not_finite"),
        ('{"name": "x", "arguments": {"a": 1e999}}', "not_finite"),
        ('{"name": "x", "arguments": {"a": ' + "1" * 5000 + "}}", "number_too_long"),
        ('{"name": "x", "arguments": ' + '{"a": ' * 100 + "1" + "}" * 101, "too_deep"),
        (r'{"name": "x", "arguments": {"a": "\ud800"}}', "lone_surrogate"),
        ('[{"name": "x", "arguments": {}}]', "not_an_object"),
        ('"x"', "not_an_object"),
        ('{"arguments": {}}', "missing_name"),
        ('{"name": "x"}', "missing_arguments"),
        ('{"name": "x", "parameters": {}}', "missing_arguments"),
        ('{"name": null, "arguments": {}}', "bad_name"),
        ('{"name": "", "arguments": {}}', "bad_name"),
        ('{"name": "x", "arguments": "Oslo"}', "bad_arguments"),
        ('{"name": "x", "arguments": "{}"}', "bad_arguments"),
        ('{"name": "x", "arguments": null}', "bad_arguments"),
        ('{"name": "x", "arguments": {}, "id": "1"}', "unknown_key"),
    ],
)
def test_a_malformed_call_is_an_outcome_of_its_own(inner: str, defect: str) -> None:
    turn = parse(call(inner))
    assert [found.name.value for found in turn.defects] == [defect]
    assert turn.calls == ()
    assert len(turn.attempts) == 1 and turn.attempts[0].defect == turn.defects[0]


def test_unclosed_tag_is_a_defect_not_a_call() -> None:
    assert defects(f"<tool_call>\n{GOOD}") == ["unclosed_call"]
    assert parse(f"<tool_call>\n{GOOD}").calls == ()


def test_one_broken_call_among_good_ones_is_seen_and_the_good_ones_kept() -> None:
    turn = parse(f"{call(GOOD)}\n{call('{oops}')}\n{call(GOOD)}")
    assert [attempt.call is not None for attempt in turn.attempts] == [True, False, True]
    assert [defect.name.value for defect in turn.defects] == ["invalid_json"]


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ("<think>\nno end", "unclosed_thinking"),
        ("no begin\n</think>\nhello", "unopened_thinking"),
        ("hello <think>late</think>", "misplaced_thinking"),
        ("<think>a</think>b<think>c</think>", "misplaced_thinking"),
        ("hello </tool_call>", "unopened_call"),
        (f"{call(GOOD)}\nDone!", "text_after_call"),
        (f"{call(GOOD)}\nand\n{call(GOOD)}", "text_after_call"),
        ("hello<|im_start|>user", "special_token"),
        ("caf\ufffd", "encoding"),
        ("caf\ud800", "encoding"),
    ],
)
def test_what_surrounds_calls_must_be_well_formed_too(text: str, defect: str) -> None:
    assert defect in defects(text)


def test_a_truncated_turn_is_a_defect_even_when_its_call_is_complete() -> None:
    turn = parse(call(GOOD), Finish.LENGTH)
    assert [defect.name.value for defect in turn.defects] == ["truncated"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd")).filter(
        lambda text: "<|" not in text
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('abé"\\</_', min_size=1), inner, max_size=3),
    max_leaves=8,
)
CALLS = st.builds(
    Call, st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.dictionaries(st.text("abcé ", min_size=1), VALUES)
)
PROSE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<>\ufffd")).map(str.strip)
MESSAGES = st.builds(
    lambda thinking, content, calls: Message("assistant", content, thinking=thinking, calls=tuple(calls)),
    st.none() | PROSE,
    PROSE,
    st.lists(CALLS, max_size=3),
)


@given(MESSAGES)
def test_what_is_written_is_read_back(message: Message) -> None:
    turn = parse(HERMES.write(message))
    assert turn.defects == ()
    assert turn.content == message.content
    assert (turn.thinking or None) == (message.thinking or None)
    assert len(turn.calls) == len(message.calls)
    for found, written in zip(turn.calls, message.calls, strict=True):
        assert found.name == written.name
        assert same(found.arguments, json.loads(json.dumps(dict(written.arguments))))


@given(MESSAGES.filter(lambda message: bool(message.calls)), st.data())
def test_every_truncation_is_a_defect_or_loses_no_call_silently(message: Message, data: st.DataObject) -> None:
    text = HERMES.write(message)
    cut = data.draw(st.integers(0, len(text) - 1))
    turn = parse(text[:cut], Finish.LENGTH)
    assert turn.defects, "a turn that did not end is always malformed"
    begun = len(re.findall(r"<tool_call>\n\{\"name\"", text[:cut]))
    assert len(turn.attempts) >= min(begun, 1)


PIECES = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<tool_call>",
        "</tool_call>",
        "\n",
        " ",
        "{",
        "}",
        '"name"',
        ": ",
        '"arguments"',
        ", ",
        '"x"',
        "{}",
        "NaN",
        "1e999",
        "5",
        '"5"',
        "true",
        "<|im_end|>",
        "<|im_start|>",
        "hello",
        "\\",
        "\ufffd",
        "\ud800",
        "é",
        '{"name": "x", "arguments": {}}',
        '{"name": "x", "name": "y", "arguments": {}}',
        '{"name": "x", "arguments": {"a": 1}}',
    ]
)


def strict_calls(text: str) -> list[object]:
    """An independent reading: every object that strict JSON finds between a tag and its end."""
    found = []
    for match in re.finditer(r"<tool_call>", text):
        for end in re.finditer(r"</tool_call>", text[match.end() :]):
            inner = text[match.end() : match.end() + end.start()]

            def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
                assert len({key for key, _ in items}) == len(items)
                return dict(items)

            try:
                found.append(json.loads(inner.strip(" \t\n\r"), object_pairs_hook=pairs))
            except (ValueError, AssertionError, RecursionError):
                continue
    return found


@settings(max_examples=300)
@given(
    st.lists(PIECES, max_size=24).map("".join)
    | st.text(max_size=80)
    | st.binary(max_size=80).map(lambda raw: raw.decode("latin-1"))
)
@example("<tool_call>" * 50)
@example("<tool_call>\n{" + '"a":' * 50)
def test_no_text_raises_and_no_call_is_invented(text: str) -> None:
    turn = parse(text)
    contained = strict_calls(text)
    for made in turn.calls:
        assert any(
            isinstance(one, dict)
            and one.keys() == {"name", "arguments"}
            and same(one["name"], made.name)
            and same(one["arguments"], made.arguments)
            for one in contained
        )
    for attempt in turn.attempts:
        assert (attempt.call is None) != (attempt.defect is None)
        assert text[slice(*attempt.span)].startswith("<tool_call>")


@given(st.binary(max_size=60))
def test_bytes_that_are_not_utf8_are_a_defect(raw: bytes) -> None:
    text = raw.decode("utf-8", errors="replace")
    try:
        raw.decode()
    except UnicodeDecodeError:
        assert "encoding" in defects(text)


MUTATIONS = st.sampled_from(
    [
        ("}}", "}"),
        ('"arguments"', '"parameters"'),
        ('"name"', "'name'"),
        ("</tool_call>", ""),
        ("<tool_call>\n", ""),
        ('": ', '" '),
        ('{"name"', '{"name": "noop", "name"'),
        ("}\n</tool_call>", "},\n</tool_call>"),
        ("</think>", ""),
        ("\n</tool_call>", "]\n</tool_call>"),
    ]
)


@given(MESSAGES.filter(lambda m: bool(m.calls) and m.thinking is not None), MUTATIONS)
def test_mutated_gold_never_passes_for_gold(message: Message, mutation: tuple[str, str]) -> None:
    text = HERMES.write(message)
    broken = text.replace(*mutation, 1)
    if broken != text:
        turn = parse(broken)
        assert turn.defects or turn.calls != parse(text).calls
