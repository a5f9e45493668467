"""The Qwen3-Coder dialect: strict, total, typed by the schema, and never a call that the text does not contain."""

import json
import re
from typing import Any

import pytest
from chat_templates import renderer_for
from hypothesis import example, given, settings, strategies as st
from hypothesis_jsonschema import from_schema

from samescore.harness.dialects import QwenXml, dialect_named
from samescore.harness.dialects.detect import detect
from samescore.harness.strictjson import same
from samescore.harness.tools import Tool, Toolset
from samescore.harness.types import Call, Completion, Finish, Message, Turn

QWEN = QwenXml()
SHAPES: dict[str, tuple[Any, set[str]]] = {
    "text": ({"type": "string"}, {"string"}),
    "choice": ({"enum": ["red", "5"]}, {"string"}),
    "whole": ({"type": "integer"}, {"integer"}),
    "number": ({"type": "number"}, {"integer", "number"}),
    "flag": ({"type": "boolean"}, {"boolean"}),
    "nothing": ({"type": "null"}, {"null"}),
    "list": ({"type": "array", "items": {"type": ["string", "integer"]}, "maxItems": 3}, {"array"}),
    "thing": ({"type": "object", "maxProperties": 2}, {"object"}),
    "nullable": ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"string", "null"}),
    "code": ({"type": ["string", "integer"]}, {"string", "integer"}),
    "amount": ({"type": ["string", "number"]}, {"string", "integer", "number"}),
    "wide": ({"type": ["string", "boolean", "array", "object"]}, {"string", "boolean", "array", "object"}),
    "any": ({}, {"string", "integer", "number", "boolean", "null", "array", "object"}),
}
"""Parameters: their schemas, and the types that those admit, written by hand."""
PARAMETERS = {"type": "object", "properties": {name: schema for name, (schema, _) in SHAPES.items()}}
TOOLS = Toolset("t", 1, (Tool("f", "", PARAMETERS), Tool("ping", "", {"type": "object", "properties": {}})))


def parse(text: str, finish: Finish = Finish.STOP) -> Turn:
    return QWEN.parse(Completion(text, finish), TOOLS)


def defects(text: str) -> list[str]:
    return [defect.name.value for defect in parse(text).defects]


def call(inner: str, name: str = "f") -> str:
    return f"<tool_call>\n<function={name}>\n{inner}</function>\n</tool_call>"


def parameter(name: str, text: str) -> str:
    return f"<parameter={name}>\n{text}\n</parameter>\n"


def read(name: str, text: str) -> Any:
    """The value that a text is for a parameter; the defect's name if it is none."""
    turn = parse(call(parameter(name, text)))
    return turn.calls[0].arguments[name] if not turn.defects else f"defect {turn.defects[0].name.value}"


GOOD = call(parameter("text", "Oslo") + parameter("whole", "5"))
GOLD = Call("f", {"text": "Oslo", "whole": 5})


def test_a_well_formed_turn_has_thinking_content_and_calls() -> None:
    turn = parse(f"<think>\nlook it up\n</think>\n\nOne moment.\n\n{GOOD}\n{call('', 'ping')}")
    assert (turn.thinking, turn.content, turn.defects) == ("look it up", "One moment.", ())
    assert turn.calls == (GOLD, Call("ping", {}))


def test_the_span_of_an_attempt_is_its_tags_and_what_is_between() -> None:
    text = f"Hi\n\n{GOOD}"
    assert text[slice(*parse(text).attempts[0].span)] == GOOD


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "Oslo", "Oslo"),
        ("text", "", ""),
        ("text", "5", "5"),
        ("text", "null", "null"),
        ("text", "True", "True"),
        ("text", '"quoted"', '"quoted"'),
        ("text", " two\n\nlines \n", " two\n\nlines \n"),
        ("whole", "5", 5),
        ("whole", " 5 ", 5),
        ("whole", "25.0", 25.0),
        ("whole", '"5"', "5"),
        ("number", "-2.5e3", -2500.0),
        ("flag", "true", True),
        ("flag", "True", True),
        ("flag", "False", False),
        ("nothing", "null", None),
        ("nothing", "None", None),
        ("list", '["a", 5]', ["a", 5]),
        ("thing", '{"a": {"b": null}}', {"a": {"b": None}}),
        ("nullable", "null", None),
        ("nullable", "None", None),
        ("nullable", "5", "5"),
        ("code", "5", 5),
        ("code", "05", "05"),
        ("code", " 5", " 5"),
        ("code", "5\n", "5\n"),
        ("code", "5.0", "5.0"),
        ("code", "true", "true"),
        ("amount", "5.0", 5.0),
        ("amount", "NaN", "NaN"),
        ("wide", '{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        ("wide", '["a"]', ["a"]),
        ("any", "5", 5),
        ("any", "five", "five"),
        ("any", '"5"', '"5"'),
        ("unknown", "5", "5"),
    ],
)
def test_a_text_is_read_by_what_the_schema_admits(name: str, text: str, value: Any) -> None:
    assert same(read(name, text), value)


@pytest.mark.parametrize(
    ("name", "text", "defect"),
    [
        ("whole", "five", "invalid_json"),
        ("whole", "", "invalid_json"),
        ("whole", "05", "invalid_json"),
        ("whole", "1_000", "invalid_json"),
        ("flag", "TRUE", "invalid_json"),
        ("flag", "yes", "invalid_json"),
        ("nothing", "NULL", "invalid_json"),
        ("number", "NaN", "not_finite"),
        ("number", "1e999", "not_finite"),
        ("whole", "1" * 5000, "number_too_long"),
        ("list", "['a']", "invalid_json"),
        ("list", "[True]", "invalid_json"),
        ("list", "[" * 80 + "]" * 80, "too_deep"),
        ("thing", '{"a": 1, "a": 2}', "duplicate_key"),
        ("thing", '{"a": 1} and more', "invalid_json"),
        ("thing", r'{"a": "\ud800"}', "lone_surrogate"),
    ],
)
def test_where_no_string_is_admitted_the_text_must_be_strict_json(name: str, text: str, defect: str) -> None:
    assert read(name, text) == f"defect {defect}"


def test_a_blank_line_belongs_to_a_text_and_says_nothing_around_json() -> None:
    assert read("text", "\nOslo") == "\nOslo"
    assert read("whole", "\n5") == 5


def test_an_unknown_tool_is_a_call_whose_values_are_text() -> None:
    assert parse(call(parameter("whole", "5"), "nope")).calls == (Call("nope", {"whole": "5"}),)


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ("<tool_call>\n</tool_call>", "empty_call"),
        (GOOD.replace("\n</tool_call>", ""), "unclosed_call"),
        (GOOD.replace("</function>\n", ""), "unclosed_call"),
        (GOOD.replace("\n</parameter>", "", 1), "unclosed_call"),
        (GOOD.replace("\n</parameter>\n</function>", "\n</function>"), "unclosed_call"),
        (GOOD.replace("<tool_call>\n", ""), "unopened_call"),
        ("<tool_call>\n<function=f\n</function>\n</tool_call>", "invalid_call"),
        ("<tool_call>\nf\n</tool_call>", "invalid_call"),
        ('<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>', "invalid_call"),
        (call("", ""), "bad_name"),
        (call(parameter("", "5")), "bad_name"),
        (call(parameter("text", "a") + parameter("text", "b")), "duplicate_key"),
        (call("noise\n"), "invalid_call"),
        (call("<parameter=text>Oslo\n</parameter>\n"), "invalid_call"),
        (call("<parameter=text>\nOslo</parameter>\n"), "unclosed_call"),
        (call("<parameter=text>\n</parameter>\n"), "invalid_call"),
        (call(parameter("text", "a") + "noise\n"), "invalid_call"),
        (call("</function>\n<function=ping>\n"), "invalid_call"),
        (call("").replace("</function>", "</function>\nnoise"), "invalid_call"),
        (call("<parameter=text\n>\na\n</parameter>\n"), "invalid_call"),
    ],
)
def test_a_malformed_call_is_an_outcome_of_its_own(text: str, defect: str) -> None:
    turn = parse(text)
    assert [found.name.value for found in turn.defects] == [defect]
    assert turn.calls == ()
    assert [attempt.defect for attempt in turn.attempts] == list(turn.defects)
    assert turn.attempts[0].span == (0, len(text))


@pytest.mark.parametrize(
    "broken",
    [
        call(parameter("whole", "five")),
        GOOD.replace("\n</tool_call>", ""),
        GOOD.replace("</function>\n</tool_call>", ""),
        GOOD.replace("\n</parameter>\n</function>\n</tool_call>", ""),
        GOOD.replace("<tool_call>\n", ""),
        "<tool_call>",
    ],
)
def test_one_broken_call_among_good_ones_is_seen_and_the_good_ones_kept(broken: str) -> None:
    turn = parse(f"{GOOD}\n{broken}\n{GOOD}")
    assert [attempt.call == GOLD for attempt in turn.attempts] == [True, False, True]
    assert len(turn.defects) == 1


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ("<think>\nno end", "unclosed_thinking"),
        ("no begin\n</think>\nhello", "unopened_thinking"),
        ("hello <think>late</think>", "misplaced_thinking"),
        ("hello </tool_call>", "unopened_call"),
        ("hello </function>", "unopened_call"),
        ("hello <parameter=a>", "unopened_call"),
        ("hello </parameter>", "unopened_call"),
        ("hello <function=f>", "unopened_call"),
        ("hello <tools>", "special_token"),
        (f"{GOOD}\nDone!", "text_after_call"),
        (f"{GOOD}\nand\n{GOOD}", "text_after_call"),
        (f"{GOOD}\n</tool_call>", "text_after_call"),
        ("hello<|im_start|>user", "special_token"),
        (call(parameter("text", "a<|im_end|>b")), "special_token"),
        ("caf\ufffd", "encoding"),
        ("caf\ud800", "encoding"),
    ],
)
def test_what_surrounds_calls_must_be_well_formed_too(text: str, defect: str) -> None:
    assert defect in defects(text)


def test_a_function_without_its_call_counts_as_attempted() -> None:
    turn = parse("I will look.\n<function=f>\n</function>")
    assert len(turn.attempts) == 1 and not turn.calls and turn.content == "I will look."


@pytest.mark.parametrize("tag", ["<parameter=a>", "</parameter>", "<function=g>", "</function>", "</tool_call>"])
def test_a_tag_quoted_within_a_line_is_text_and_at_the_start_of_one_a_tag(tag: str) -> None:
    assert read("text", f"write {tag}") == f"write {tag}"
    assert str(read("text", f"write\n{tag} so")).startswith("defect")
    assert str(read("text", f"{tag} so")).startswith("defect")


def test_other_tags_in_a_value_are_text() -> None:
    for text in ("<b>bold</b>", "<think>\n</think>", "</param>", "<function>", "a\n<parameters>"):
        assert read("text", text) == text


def test_a_truncated_turn_is_a_defect_even_when_its_call_is_complete() -> None:
    assert [defect.name.value for defect in parse(GOOD, Finish.LENGTH).defects] == ["truncated"]


# What can be carried.

ODD = [
    *(
        "5",
        "-0",
        "1.5",
        "1e5",
        "05",
        " 5",
        "5 ",
        "true",
        "True",
        "null",
        "None",
        "NaN",
        "[1]",
        "{}",
        '{"a": 1, "a": 1}',
    ),
    *('"5"', "", "\n", "a\n", "</parameter>", "a</parameter>", "a\n</parameter>", "\n<tool_call>", "x\n<function=g>"),
    *("a\n</tool_call>b", "</function>", "<parameter=b>", "<|im_end|>", "caf\ufffd", "\ud800", "[" * 70 + "]" * 70),
]
TEXTS = st.sampled_from(ODD) | st.text(max_size=12) | st.text('<>/=\n "5tr{}[]', max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
SHAPE = st.sampled_from(sorted(SHAPES))
TAG_LINE = re.compile(r"(?:\A|\n)(?:<parameter=|</parameter>|<function=|</function>|<tool_call>|</tool_call>)")


def json_type(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return "null" if value is None else kinds[type(value)]


def strict_type(text: str) -> str:
    """The type of a text that is strict JSON, or a Python literal, without white space around it; else 'string'."""

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def refuse(text: str) -> None:
        raise AssertionError(text)

    if text in ("True", "False", "None"):
        return "null" if text == "None" else "boolean"
    try:
        value = json.loads(text, object_pairs_hook=no_twins, parse_constant=refuse)
    except (ValueError, AssertionError):
        return "string"
    broken = "inf" in repr(value) or depth(value) > 64 or any("\ud800" <= letter <= "\udfff" for letter in str(value))
    return "string" if broken or text != text.strip() else json_type(value)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if inner is None else 1 + max(map(depth, inner), default=0)


def fit_for_text(text: str) -> bool:
    """Whether a text can stand in a turn at all."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\ufffd" not in text and not re.search(r"<\|[^<>|]{1,40}\|>", text)


def carried(value: Any, types: set[str]) -> bool:
    """Said again, from the table in the module's docstring: whether a parameter of these types can carry a value."""
    if isinstance(value, str):
        return (
            "string" in types
            and not TAG_LINE.search(value)
            and fit_for_text(value)
            and (types == {"string"} or strict_type(value) not in types - {"string"})
        )
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return False
    return fit_for_text(written) and depth(value) <= 65 and ("string" not in types or json_type(value) in types)


@settings(max_examples=500)
@given(SHAPE, VALUES)
@example("code", "5")
@example("nullable", None)
@example("nullable", "null")
@example("text", "a</parameter>")
@example("text", "a\n</parameter>")
@example("flag", "true")
@example("unknown", 5)
def test_representable_says_exactly_what_can_be_carried(name: str, value: Any) -> None:
    types = SHAPES[name][1] if name in SHAPES else {"string"}
    made = Call("f", {name: value})
    assert QWEN.representable(made, TOOLS) == carried(value, types)


@pytest.mark.parametrize("name", ["", "a>b", "a<b", "a\nb", "a<|x|>"])
def test_a_name_that_breaks_its_tag_is_not_representable(name: str) -> None:
    assert not QWEN.representable(Call(name, {}), TOOLS)
    assert not QWEN.representable(Call("f", {name: "x"}), TOOLS)


def test_numbers_that_are_no_json_are_not_representable() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert not QWEN.representable(Call("f", {"number": float("nan")}), TOOLS)
    assert not QWEN.representable(Call("f", {"list": endless}), TOOLS)


VALID = {
    name: from_schema(schema) | TEXTS
    for name, (schema, types) in SHAPES.items()
    if "object" not in types  # the installed hypothesis-jsonschema cannot make objects with the installed hypothesis
}


@st.composite
def gold_calls(draw: st.DrawFn) -> Call:
    """A call that is valid, by the schemas of a few parameters, and representable."""
    names = draw(st.lists(SHAPE, max_size=3, unique=True))
    arguments = {name: draw(VALID.get(name, VALUES)) for name in names}
    return Call("f", {name: value for name, value in arguments.items() if carried(value, SHAPES[name][1])})


PROSE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<>\ufffd"), max_size=30).map(str.strip)
MESSAGES = st.builds(
    lambda thinking, content, calls: Message("assistant", content, thinking=thinking, calls=tuple(calls)),
    st.none() | PROSE,
    PROSE,
    st.lists(gold_calls(), max_size=3),
)
WITH_CALLS = MESSAGES.filter(lambda message: bool(message.calls))


def same_calls(found: tuple[Call, ...], written: tuple[Call, ...]) -> bool:
    return len(found) == len(written) and all(
        a.name == b.name and same(dict(a.arguments), dict(b.arguments)) for a, b in zip(found, written, strict=True)
    )


@given(MESSAGES)
def test_what_is_written_is_read_back(message: Message) -> None:
    turn = parse(QWEN.write(message))
    assert turn.defects == ()
    assert (turn.content, turn.thinking or None) == (message.content, message.thinking or None)
    assert same_calls(turn.calls, message.calls)


@given(WITH_CALLS, st.data())
def test_no_truncation_makes_a_call_or_loses_one_that_was_whole(message: Message, data: st.DataObject) -> None:
    text = QWEN.write(message)
    ends = [attempt.span[1] for attempt in parse(text).attempts]
    cut = data.draw(st.integers(0, len(text)))
    whole = sum(end <= cut for end in ends)
    turn = parse(text[:cut], Finish.LENGTH)
    assert turn.defects[0].name.value == "truncated"
    assert same_calls(turn.calls, message.calls[:whole])
    assert same_calls(parse(text[:cut]).calls, message.calls[:whole])


MUTATIONS = st.sampled_from(
    [
        ("<tool_call>\n", ""),
        ("\n</tool_call>", ""),
        ("</function>\n", ""),
        ("\n</parameter>", ""),
        ("\n</parameter>\n", "\n"),
        ("<function=f>", "<function=>"),
        ("<function=f>", "<function=g>"),
        ("<function=f>", "<function=f>\n<function=f>"),
        ("<function=f>", "<function=f>\n<parameter=text>\nnew\n</parameter>"),
        ("<parameter=", "<parameter=x"),
        ("</function>", "noise</function>"),
        ("</tool_call>", "</tool_call>\nnoise"),
        ("<tool_call>", "<tool_call>\n<tool_call>"),
        ("</think>", ""),
        ("<think>", ""),
    ]
)


@given(WITH_CALLS.filter(lambda message: message.thinking is not None), MUTATIONS)
def test_mutated_gold_never_passes_for_gold(message: Message, mutation: tuple[str, str]) -> None:
    text = QWEN.write(message)
    broken = text.replace(*mutation, 1)
    if broken != text:
        turn = parse(broken)
        assert turn.defects or not same_calls(turn.calls, message.calls)


PIECES = st.sampled_from(
    [
        *("<think>", "</think>", "<tool_call>", "</tool_call>", "<function=f>", "<function=", "</function>", ">", "\n"),
        *(
            "<parameter=text>\n",
            "<parameter=whole>",
            "<parameter=list>\n",
            "\n</parameter>\n",
            "</parameter>",
            " ",
            "5",
        ),
        *("[1]", '{"a": 1}', "{", "NaN", "true", "hello", "<|im_end|>", "\ufffd", "\ud800", "é", GOOD, "</function>\n"),
        *("<tool_call>\n<function=f>\n", "\n</function>\n</tool_call>", "<parameter=text>\nOslo\n</parameter>\n"),
    ]
)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=24).map("".join) | st.text(max_size=80))
@example("<tool_call>" * 50)
@example("<tool_call>\n" * 50)
@example("<function=" * 50)
@example("<tool_call>\n<function=f>\n" + "<parameter=text>\n" * 50)
def test_no_text_raises_and_no_call_is_invented(text: str) -> None:
    turn = parse(text)
    at = 0
    for attempt in turn.attempts:
        start, end = attempt.span
        inside = text[start:end]
        assert at <= start < end <= len(text)
        assert (attempt.call is None) != (attempt.defect is None)
        assert attempt.defect is None or attempt.defect in turn.defects
        assert inside.startswith(("<tool_call>", "<function="))
        if attempt.call is not None:
            assert inside.endswith("</tool_call>") and f"<function={attempt.call.name}>" in inside
            for key, value in attempt.call.arguments.items():
                shown = value if isinstance(value, str) else json.dumps(value)
                assert re.search(rf"<parameter={re.escape(key)}>\n\s*{re.escape(shown)}\s*\n</parameter>", inside)
        at = end
    for defect in turn.defects:
        assert 0 <= defect.span[0] <= defect.span[1] <= len(text)


@pytest.mark.parametrize("name", ["qwen3_5_think", "qwen3_6", "qwen3_8", "nemotron_3_nano"])
def test_what_real_templates_write_is_read_back_exactly(name: str) -> None:
    pytest.importorskip("trl")
    renderer = renderer_for(name)
    assert detect(renderer).name == "qwen3-coder"
    values = {
        "text": ' "Trà sen"\n\n',
        "whole": -5,
        "number": 1e-07,
        "flag": True,
        "nothing": None,
        "list": ["a", 5, "é", True],
        "thing": {"a": [None, 2.5], "b": {}},
        "nullable": None,
        "wide": False,
    }
    message = Message("assistant", "One moment.", thinking="so", calls=(Call("f", values), Call("ping", {})))
    ids = renderer.write([Message("user", "go")], TOOLS, message)
    turn = QWEN.parse(renderer.completion(ids, ()), TOOLS)
    assert turn.defects == () and same_calls(turn.calls, message.calls)
    assert (turn.thinking, turn.content) == ("so", "One moment.")


def test_what_is_written_is_what_the_template_of_qwen36_renders() -> None:
    pytest.importorskip("trl")
    renderer = renderer_for("qwen3_6")
    message = Message(
        "assistant", "Hi.", thinking="so", calls=(Call("f", {"flag": True, "text": "a"}), Call("ping", {}))
    )
    ids = renderer.write([Message("user", "go")], TOOLS, message)
    assert renderer.completion(ids, ()).text == QWEN.write(message)


def test_it_is_found_by_name() -> None:
    assert dialect_named("qwen3-coder") == QWEN
