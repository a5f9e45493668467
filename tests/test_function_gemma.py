"""The FunctionGemma dialect: strict, total, and never a call that the text does not contain."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from chat_templates import renderer_for
from hypothesis import example, given, settings, strategies as st

from samescore.harness.dialects import FunctionGemma, dialect_named
from samescore.harness.dialects.detect import detect
from samescore.harness.strictjson import same
from samescore.harness.tools import Toolset
from samescore.harness.types import Call, Completion, Finish, Message, Turn

GEMMA = FunctionGemma()
NO_TOOLS = Toolset("none", 1, ())
CALL, END = "<start_function_call>", "<end_function_call>"
RESPONSE = "<start_function_response>"


def parse(text: str, finish: Finish = Finish.STOP) -> Turn:
    return GEMMA.parse(Completion(text, finish), NO_TOOLS)


def defects(text: str) -> list[str]:
    return [defect.name.value for defect in parse(text).defects]


def call(inner: str) -> str:
    return f"{CALL}call:f{{{inner}}}{END}"


GOOD = call("city:<escape>Oslo<escape>,days:5")
GOLD = Call("f", {"city": "Oslo", "days": 5})


def test_a_well_formed_turn_has_thinking_content_and_calls() -> None:
    turn = parse(f"<think>\nlook it up\n</think>\n\nOne moment.{GOOD}{CALL}call:ping{{}}{END}")
    assert (turn.thinking, turn.content, turn.defects) == ("look it up", "One moment.", ())
    assert turn.calls == (GOLD, Call("ping", {}))


def test_the_span_of_an_attempt_is_its_tokens_and_what_is_between() -> None:
    text = f"Hi{GOOD}"
    assert text[slice(*parse(text).attempts[0].span)] == GOOD


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<escape>Oslo<escape>", "Oslo"),
        ("<escape><escape>", ""),
        ("<escape>5<escape>", "5"),
        ("<escape>true<escape>", "true"),
        ('<escape> {"a": [1}, \n<escape>', ' {"a": [1}, \n'),
        ("5", 5),
        ("5.0", 5.0),
        ("-2.5e-7", -2.5e-07),
        ("true", True),
        ("false", False),
        ("null", None),
        ("None", None),
        ("[]", []),
        ("[1,<escape>a<escape>,[true]]", [1, "a", [True]]),
        ("{}", {}),
        ("{a:{b:1},first name:<escape>x<escape>}", {"a": {"b": 1}, "first name": "x"}),
        (" [ 1 , { a : 2 } ] ", [1, {"a": 2}]),
    ],
)
def test_a_value_says_its_own_type(text: str, value: Any) -> None:
    turn = parse(call(f"a:{text}"))
    assert turn.defects == () and same(turn.calls[0].arguments["a"], value)


@pytest.mark.parametrize("tag", [END, CALL, f"}}{END}", "<think>", "</think>", "<tool_call>", "<escape"])
def test_tags_quoted_inside_a_string_are_text(tag: str) -> None:
    turn = parse(f"{call(f'a:<escape>write {tag} so<escape>')}{GOOD}")
    assert turn.defects == () and turn.calls == (Call("f", {"a": f"write {tag} so"}), GOLD)


@pytest.mark.parametrize(
    ("inner", "defect"),
    [
        ("a:Oslo", "invalid_call"),
        ('a:"Oslo"', "invalid_call"),
        ("a:True", "invalid_call"),
        ("a:nul", "invalid_json"),
        ("a:NaN", "not_finite"),
        ("a:-Infinity", "not_finite"),
        ("a:1e999", "not_finite"),
        ("a:" + "1" * 5000, "number_too_long"),
        ("a:05", "invalid_call"),
        ("a:5 6", "invalid_call"),
        ("a:Nonesuch", "invalid_call"),
        ("a:", "invalid_call"),
        ("a", "invalid_call"),
        (":5", "invalid_call"),
        ("5", "invalid_call"),
        ("a:5,", "invalid_call"),
        (",a:5", "invalid_call"),
        ("a:5 b:6", "invalid_call"),
        ("a:5;b:6", "invalid_call"),
        ("a:5,a:6", "duplicate_key"),
        ("a:{b:5,b:6}", "duplicate_key"),
        ("<escape>a<escape>:5", "invalid_call"),
        ("a:<escape>Oslo", "invalid_call"),
        ("a:<escape>Oslo<escape><escape>", "invalid_call"),
        ("a:[1,]", "invalid_call"),
        ("a:[1", "invalid_call"),
        ("a:[1}", "invalid_call"),
        ("a:{b:1]", "invalid_call"),
        ("a:[a:1]", "invalid_call"),
        ("a:5}", "invalid_call"),
        ("a:" + "[" * 80 + "]" * 80, "too_deep"),
        ("a:" + "{a:" * 80 + "1" + "}" * 80, "too_deep"),
    ],
)
def test_a_malformed_value_is_an_outcome_of_its_own(inner: str, defect: str) -> None:
    text = call(inner)
    turn = parse(text)
    assert [found.name.value for found in turn.defects] == [defect]
    assert turn.calls == () and [attempt.span for attempt in turn.attempts] == [(0, len(text))]
    assert turn.attempts[0].defect == turn.defects[0]


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        (f"{CALL}{END}", "empty_call"),
        (f"{CALL} \n{END}", "empty_call"),
        (f"{CALL}call:{{}}{END}", "bad_name"),
        (f"{CALL}f{{}}{END}", "invalid_call"),
        (f"{CALL}call:f{END}", "invalid_call"),
        (f"{CALL}call:f(){END}", "invalid_call"),
        (f'{CALL}{{"name": "f", "arguments": {{}}}}{END}', "invalid_call"),
        (f"{CALL}call:f{{}} so{END}", "invalid_call"),
        (f"{CALL}call:f{{}}{{}}{END}", "invalid_call"),
        (f"{CALL}call:f{{}}", "unclosed_call"),
        (f"{CALL}call:f{{a:<escape>x", "unclosed_call"),
        (CALL, "unclosed_call"),
    ],
)
def test_a_malformed_call_is_an_outcome_of_its_own(text: str, defect: str) -> None:
    turn = parse(text)
    assert [found.name.value for found in turn.defects] == [defect]
    assert turn.calls == () and turn.attempts[0].defect == turn.defects[0]


@pytest.mark.parametrize("broken", [call("a:Oslo"), f"{CALL}call:f{{}}", f"{CALL}call:f{{a:", CALL])
def test_one_broken_call_among_good_ones_is_seen_and_the_good_ones_kept(broken: str) -> None:
    turn = parse(f"{GOOD}{broken}{GOOD}")
    assert [attempt.call == GOLD for attempt in turn.attempts] == [True, False, True]
    assert len(turn.defects) == 1


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ("<think>\nno end", "unclosed_thinking"),
        ("no begin\n</think>\nhello", "unopened_thinking"),
        ("hello <think>late</think>", "misplaced_thinking"),
        (f"hello {END}", "unopened_call"),
        ("hello <escape>you<escape>", "special_token"),
        (f"{GOOD}Done!", "text_after_call"),
        (f"{GOOD}and{GOOD}", "text_after_call"),
        (f"{GOOD}{END}", "text_after_call"),
        ("hello<end_of_turn>", "special_token"),
        ("hello<start_of_turn>user", "special_token"),
        ("hello<|im_start|>user", "special_token"),
        ("<start_function_declaration>", "special_token"),
        (call("a:<escape><end_of_turn><escape>"), "special_token"),
        (call("a:<escape><eos><escape>"), "special_token"),
        ("caf\ufffd", "encoding"),
        ("caf\ud800", "encoding"),
    ],
)
def test_what_surrounds_calls_must_be_well_formed_too(text: str, defect: str) -> None:
    assert defect in defects(text)


def test_the_token_that_hands_over_to_the_tools_may_end_a_turn_with_calls() -> None:
    turn = parse(f"{GOOD}{RESPONSE}\n")
    assert turn.defects == () and turn.calls == (GOLD,)


@pytest.mark.parametrize(
    "text",
    [
        RESPONSE,
        f"hello{RESPONSE}",
        f"{RESPONSE}{GOOD}",
        f"{GOOD}{RESPONSE}{RESPONSE}",
        f"{GOOD}{RESPONSE}response:f{{value:5}}<end_function_response>",
    ],
)
def test_a_result_that_the_model_made_up_is_a_defect(text: str) -> None:
    assert "special_token" in defects(text)


def test_a_truncated_turn_is_a_defect_even_when_its_call_is_complete() -> None:
    assert [defect.name.value for defect in parse(GOOD, Finish.LENGTH).defects] == ["truncated"]


# What can be carried.

CONTROL = re.compile(
    r"<\|[^<>|]{1,40}\|>|<(start|end)_of_turn>|<(bos|eos|pad)>|<(start|end)_function_(declaration|response)>"
)
ODD = [
    *(
        "5",
        "true",
        "null",
        "",
        " ",
        "a<escape>b",
        "<escape>",
        END,
        CALL,
        f"}}{END}",
        RESPONSE,
        "<end_of_turn>",
        "<eos>",
    ),
    *("<|im_end|>", "caf\ufffd", "\ud800", "<escap", "e>", "a,b:c", "{}", "\n"),
]
TEXTS = st.sampled_from(ODD) | st.text(max_size=12) | st.text('<>escap{}[],: "', max_size=12)
KEYS = st.from_regex(r"[a-zé_.-]{1,6}", fullmatch=True) | TEXTS
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def fit_for_text(text: str) -> bool:
    """Whether a text can stand in a turn at all."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\ufffd" not in text and not CONTROL.search(text)


def fit_for_name(text: str) -> bool:
    return bool(text) and not set(text) & set("{}[]:,<>") and text == text.strip() and fit_for_text(text)


def carried(value: Any) -> bool:
    """Said again, from the words of the module's docstring: whether a value can be carried."""
    if isinstance(value, str):
        return "<escape>" not in value and fit_for_text(value)
    if isinstance(value, float):
        return value - value == 0
    if isinstance(value, Mapping):
        return all(fit_for_name(key) and carried(one) for key, one in value.items())
    return not isinstance(value, list) or all(map(carried, value))


@settings(max_examples=500)
@given(VALUES)
@example("a<escape>b")
@example({"a": {"b": ["}", END]}})
@example({"a b": 1})
@example({" a": 1})
def test_representable_says_exactly_what_can_be_carried(value: Any) -> None:
    assert GEMMA.representable(Call("f", {"a": value}), NO_TOOLS) == carried(value)


@pytest.mark.parametrize("name", ["", "a{", "a>b", " a", "a<|x|>", "a:b"])
def test_a_name_that_the_grammar_has_no_place_for_is_not_representable(name: str) -> None:
    assert not GEMMA.representable(Call(name, {}), NO_TOOLS)
    assert not GEMMA.representable(Call("f", {name: "x"}), NO_TOOLS)


def test_nesting_is_carried_as_deep_as_it_is_read() -> None:
    def nested(levels: int) -> Call:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return Call("f", {"a": value})

    assert GEMMA.representable(nested(63), NO_TOOLS) and not GEMMA.representable(nested(64), NO_TOOLS)


PROSE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<>\ufffd"), max_size=30).map(str.strip)
NAMES = st.from_regex(r"[a-z_][a-z0-9_.-]{0,11}", fullmatch=True)
CALLS = st.builds(Call, NAMES, st.dictionaries(KEYS, VALUES, max_size=3).filter(carried))
MESSAGES = st.builds(
    lambda thinking, content, calls: Message("assistant", content, thinking=thinking, calls=tuple(calls)),
    st.none() | PROSE,
    PROSE,
    st.lists(CALLS, max_size=3),
)
WITH_CALLS = MESSAGES.filter(lambda message: bool(message.calls))


def same_calls(found: tuple[Call, ...], written: tuple[Call, ...]) -> bool:
    return len(found) == len(written) and all(
        a.name == b.name and same(dict(a.arguments), dict(b.arguments)) for a, b in zip(found, written, strict=True)
    )


@given(MESSAGES)
def test_what_is_written_is_read_back(message: Message) -> None:
    turn = parse(GEMMA.write(message))
    assert turn.defects == ()
    assert (turn.content, turn.thinking or None) == (message.content, message.thinking or None)
    assert same_calls(turn.calls, message.calls)


@given(WITH_CALLS, st.data())
def test_no_truncation_makes_a_call_or_loses_one_that_was_whole(message: Message, data: st.DataObject) -> None:
    text = GEMMA.write(message)
    ends = [attempt.span[1] for attempt in parse(text).attempts]
    cut = data.draw(st.integers(0, len(text)))
    whole = sum(end <= cut for end in ends)
    turn = parse(text[:cut], Finish.LENGTH)
    assert turn.defects[0].name.value == "truncated"
    assert same_calls(turn.calls, message.calls[:whole])
    assert same_calls(parse(text[:cut]).calls, message.calls[:whole])


MUTATIONS = st.sampled_from(
    [
        (CALL, ""),
        (END, ""),
        (END, "}" + END),
        ("call:", ""),
        ("call:", "call:x"),
        ("call:", "call "),
        ("{", ""),
        ("}<", "<"),
        ("}<", ",}<"),
        ("<escape>", ""),
        ("<escape>", '"'),
        (":", " "),
        (",", " "),
        (CALL, CALL + CALL),
        ("{", "{new:1,"),
        ("</think>", ""),
        ("<think>", ""),
    ]
)


@given(WITH_CALLS.filter(lambda message: message.thinking is not None), MUTATIONS)
def test_mutated_gold_never_passes_for_gold(message: Message, mutation: tuple[str, str]) -> None:
    text = GEMMA.write(message)
    start = text.index(CALL) if "think" not in mutation[0] else 0
    broken = text[:start] + text[start:].replace(*mutation, 1)
    if broken != text:
        turn = parse(broken)
        assert turn.defects or not same_calls(turn.calls, message.calls)


PIECES = st.sampled_from(
    [
        *(
            "<think>",
            "</think>",
            CALL,
            END,
            RESPONSE,
            "call:f{",
            "call:",
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "a",
            "a:",
            "b:5",
        ),
        *(
            "<escape>",
            "<escape>x<escape>",
            "5",
            "true",
            "None",
            "NaN",
            " ",
            "\n",
            "hello",
            "<end_of_turn>",
            "\ufffd",
            "é",
        ),
        *("\ud800", GOOD, call("a:[1,{b:2}]")),
    ]
)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=24).map("".join) | st.text(max_size=80))
@example(CALL * 50)
@example(f"{CALL}call:f{{a:" + "[" * 3000)
@example(f"{CALL}call:f{{" + "a:{" * 3000)
def test_no_text_raises_and_no_call_is_invented(text: str) -> None:
    turn = parse(text)
    at = 0
    for attempt in turn.attempts:
        start, end = attempt.span
        assert at <= start < end <= len(text)
        assert text.startswith(CALL if attempt.call else (CALL, "call:"), start)
        assert (attempt.call is None) != (attempt.defect is None)
        assert attempt.defect is None or attempt.defect in turn.defects
        if attempt.call is not None:
            # Written again, it is the same text but for white space, the order of keys, and how numbers and null look.
            letters = sorted(re.sub(r"\s|None|null", "", text[start:end]))
            again = GEMMA.write(Message("assistant", "", calls=(attempt.call,)))
            assert sorted(re.sub(r"\s|None|null", "", again)) == letters
        at = end
    for defect in turn.defects:
        assert 0 <= defect.span[0] <= defect.span[1] <= len(text)


def test_the_template_of_the_family_is_recognised_and_read_back() -> None:
    renderer = renderer_for("function_gemma")
    assert detect(renderer).name == "functiongemma"
    values = {"a": ' "Trà sen"\n', "b": -5, "c": 1e-07, "d": True, "e": None, "l": ["a", 5], "o": {"x": [None, {}]}}
    message = Message("assistant", "One moment.", calls=(Call("f", values), Call("ping", {})))
    turn = GEMMA.parse(renderer.completion(renderer.write([Message("user", "go")], NO_TOOLS, message), ()), NO_TOOLS)
    assert turn.defects == () and same_calls(turn.calls, message.calls) and turn.content == "One moment."


def test_keys_are_written_in_the_order_of_the_templates() -> None:
    assert GEMMA.write(Message("assistant", "", calls=(Call("f", {"b": 1, "C": 2, "a": 3}),))) == call("a:3,b:1,C:2")


def test_it_is_found_by_name() -> None:
    assert dialect_named("functiongemma") == GEMMA
