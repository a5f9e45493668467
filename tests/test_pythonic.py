"""The pythonic dialect: a list of calls, marked or bare, and exactly the literals it documents."""

import ast
import re
import time
import warnings
from typing import Any

import pytest
from chat_templates import renderer_for
from generated_calls import CALLS, HOSTILE_CALLS, HOSTILE_VALUES, VALUES, messages, noise
from hypothesis import assume, example, given, settings, strategies as st

from samescore.harness.dialects import Pythonic, dialect_named
from samescore.harness.dialects.detect import detect
from samescore.harness.dialects.probes import survives
from samescore.harness.dialects.python_literal import LiteralDefect, read_argument, write_argument
from samescore.harness.errors import DialectError
from samescore.harness.strictjson import JsonDefect, read, same, write
from samescore.harness.tools import Tool, Toolset
from samescore.harness.types import Call, Completion, Finish, Message, Turn

PYTHONIC = Pythonic()
TOOLS = Toolset("t", 1, (Tool("pay", "", {"type": "object"}),))
START, END = "<|tool_call_start|>", "<|tool_call_end|>"
ONE = 'get_order(order_id="A-1")'
CALL = Call("get_order", {"order_id": "A-1"})


def parse(text: str, finish: Finish = Finish.STOP) -> Turn:
    return PYTHONIC.parse(Completion(text, finish), TOOLS)


def marked(inner: str) -> str:
    return f"{START}{inner}{END}"


def defects(text: str) -> list[str]:
    return [defect.name.value for defect in parse(text).defects]


@pytest.mark.parametrize(
    ("listed", "calls"),
    [
        (f"[{ONE}]", (CALL,)),
        ("[get_order(order_id='A-1')]", (CALL,)),
        ("[ping()]", (Call("ping", {}),)),
        (f"[{ONE}, ping( )]", (CALL, Call("ping", {}))),
        ("[ get_order( order_id = 'A-1' ) ]", (CALL,)),
        ("[\n  get_order(\n    order_id='A-1'\n  )\n]", (CALL,)),
        ("[orders.get(id=1)]", (Call("orders.get", {"id": 1}),)),
        ("[move(from='a', class='b', _x1=2)]", (Call("move", {"from": "a", "class": "b", "_x1": 2}),)),
        ("[tìm(mã=1)]", (Call("tìm", {"mã": 1}),)),
    ],
)
def test_a_list_of_calls_is_read_bare_and_marked(listed: str, calls: tuple[Call, ...]) -> None:
    for text in (listed, f"\n{listed} ", marked(listed), marked(f" {listed}\n"), f"<think>so</think>{marked(listed)}"):
        turn = parse(text)
        assert turn.defects == ()
        assert (turn.calls, turn.content) == (calls, "")


def test_a_marked_list_may_have_words_before_and_behind() -> None:
    turn = parse(f"<think>look it up</think>One moment. {marked(f'[{ONE}]')}Checking.")
    assert (turn.thinking, turn.content, turn.calls) == ("look it up", "One moment.\nChecking.", (CALL,))
    assert turn.defects == ()


def test_the_span_of_an_attempt_is_the_call() -> None:
    text = f"Hi{marked(f'[{ONE}, ping(1)]')}"
    assert [text[slice(*attempt.span)] for attempt in parse(text).attempts] == [ONE, "ping(1)"]


# Values.


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'it\\'s'", "it's"),
        ('"it\'s"', "it's"),
        (r"'\\ \' \" \n \r \t \a \b \f \v \x41 é \U0001f600'", "\\ ' \" \n \r \t \a \b \f \v A é 😀"),
        ("'two\nlines'", "two\nlines"),
        ("'<tool_call> ] ) }'", "<tool_call> ] ) }"),
        ("''", ""),
        ("0", 0),
        ("-12", -12),
        ("2.50", 2.5),
        ("1e+16", 1e16),
        ("1E-7", 1e-7),
        ("-0.0", -0.0),
        ("True", True),
        ("False", False),
        ("None", None),
        ("[]", []),
        ("{}", {}),
        ("['a', [True, None], {'b': 1.5}]", ["a", [True, None], {"b": 1.5}]),
        ('{"on": true, "note": null, "n": [false, 1]}', {"on": True, "note": None, "n": [False, 1]}),
        (r'["\/ \ud83d\ude00 \u00e9"]', ["/ 😀 é"]),
        ("[ 'a' , 'b' ]", ["a", "b"]),
        ("{ 'a' : 1 , 'b' : { } }", {"a": 1, "b": {}}),
    ],
)
def test_values_that_templates_write_are_read(written: str, value: object) -> None:
    turn = parse(f"[f(a={written}, b=1)]")
    assert turn.defects == ()
    assert same(turn.calls[0].arguments, {"a": value, "b": 1})


@pytest.mark.parametrize(
    ("written", "defect"),
    [
        *((word, "invalid_call") for word in ("true", "false", "null", "undefined", "Trueish", "name", "x.y")),
        *((word, "not_finite") for word in ("nan", "inf", "-inf", "NaN", "Infinity", "-Infinity", "1e999", "-1e999")),
        *((number, "invalid_call") for number in ("+1", "1.", ".5", "007", "1_000", "0x1f", "0b1", "1j", "1L", "- 1")),
        *((number, "invalid_call") for number in ("--1", "~1", "1 + 1", "2**9", "1 if x else 2", "٣")),
        ("1" * 1001, "number_too_long"),
        ("1" * 5000, "number_too_long"),
        *(
            (text, "invalid_call")
            for text in ("f'x'", "r'x'", "b'x'", "u'x'", "rb'x'", "'a' 'b'", "'''x'''", "'a' + 'b'")
        ),
        *(
            (text, "invalid_call")
            for text in (r"'\d'", r"'\0'", r"'\101'", r"'\N{BULLET}'", "'\\\n'", r"'\x4'", r"'\u12'")
        ),
        *((text, "invalid_call") for text in (r"'\U00110000'", r"'\/'", "'\0'", "`x`", "'x'.upper()", "'x'[0]")),
        (r"'\ud83d\ude00'", "lone_surrogate"),
        (r"['\ud800', None]", "lone_surrogate"),
        (r'["\ud800"]', "lone_surrogate"),
        *(
            (text, "invalid_call")
            for text in ("(1, 2)", "(1)", "()", "{1}", "{'a'}", "{1: 2}", "{None: 1}", "{'a': 1,}")
        ),
        *(
            (text, "invalid_call")
            for text in ("[1,]", "[1 2]", "[1}", "{'a': 1]", "[,]", "[*x]", "{**x}", "['a\nb']", "[x for x in y]")
        ),
        *(
            (text, "invalid_call")
            for text in ("[true, None]", "{'a': true}", '{"a": True, "b": null}', "f()", "lambda: 1")
        ),
        *((text, "invalid_call") for text in ("", "=1", "1 # one", "*x", "__import__('os').system('true')")),
        ("{'a': 1, 'a': 2}", "duplicate_key"),
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ("{'a': 1, '\\x61': 2}", "duplicate_key"),
        ("['x', nan]", "not_finite"),
        ("[NaN]", "not_finite"),
        ("['x', 1e999]", "not_finite"),
        ("['x', " + "1" * 1001 + "]", "number_too_long"),
        ("[" * 65 + "]" * 65, "too_deep"),
        ("[" * 65 + "'x'" + "]" * 65, "too_deep"),
        ("{'a': " * 65 + "1" + "}" * 65, "too_deep"),
        ("[" * 40_000 + "]" * 40_000, "too_deep"),
        ("['x', " + "[" * 40_000 + "]" * 40_001, "too_deep"),
    ],
)
def test_any_other_value_is_a_malformed_call(written: str, defect: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in (f"[f(a={written}), {ONE}]", marked(f"[f(a={written}), {ONE}]")):
            turn = parse(text)
            assert [found.name.value for found in turn.defects] == [defect]
            assert turn.calls in ((CALL,), ())
            assert turn.attempts[0].defect == turn.defects[0]


@pytest.mark.parametrize("deep", ["[" * 64 + "]" * 64, "['x', " + "[" * 63 + "]" * 64])
def test_nesting_up_to_the_limit_is_read(deep: str) -> None:
    assert defects(f"[f(a={deep})]") == []


@given(VALUES)
def test_whatever_python_prints_is_read_back(value: Any) -> None:
    written = repr(value)
    found, end = read_argument(written, 0)
    assert end == len(written) and same(found, value)


@given(VALUES)
def test_whatever_json_writes_of_a_list_or_object_is_read_back(value: Any) -> None:
    assume(type(value) in (list, dict))
    written = write(value)
    found, end = read_argument(written, 0)
    assert end == len(written) and same(found, value)


@given(HOSTILE_VALUES)
def test_what_is_written_of_a_value_is_read_back_or_refused(value: Any) -> None:
    try:
        written = write_argument(value)
    except ValueError:  # not finite, or too long for Python itself
        return
    try:
        found, end = read_argument(written, 0)
    except LiteralDefect as defect:
        assert defect.name in ("lone_surrogate", "number_too_long", "too_deep")
        return
    assert end == len(written) and same(found, value)


LITERALS = noise(
    [
        *(
            "'",
            '"',
            "\\",
            "\\n",
            "\\x41",
            "\\u00e9",
            "\\d",
            "a",
            " ",
            "\n",
            "[",
            "]",
            "{",
            "}",
            "(",
            ")",
            ",",
            ":",
            "-",
        ),
        *("1", "0", ".", "e5", "_", "True", "None", "true", "null", "nan", "'a'", '"b"', "'a': ", '"b": ', "[1, 2]"),
        *("{'a': 1}", '{"a": true}', "f'", "#", "\0", "😀", "\ud800"),
    ]
)


@settings(max_examples=300)
@given(LITERALS | VALUES.map(repr) | VALUES.map(write))
@example("'a\\\nb'")
@example('["\\ud83d\\ude00"]')
@example("{'a': 1, 'b': [True]}")
def test_nothing_is_read_otherwise_than_python_or_json_reads_it(text: str) -> None:
    assume(not any("\ud800" <= character <= "\udfff" for character in text))  # a defect of the turn, and no Python
    try:
        value, end = read_argument(text, 0)
    except LiteralDefect:
        return
    written = text[:end]
    try:
        assert same(read(written), value)
        if "\\u" in written:
            return
        json_too = True
    except JsonDefect:
        json_too = False
    # Python has no line breaks inside quotes; nothing else is between it and this grammar.
    plain = written if written[0] in "[{" else written.replace("\n", "\\n").replace("\r", "\\r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            assert same(ast.literal_eval(plain), value)
        except (ValueError, SyntaxError):
            assert json_too


# Malformed turns.


@pytest.mark.parametrize(
    ("listed", "defect"),
    [
        ("[]", "empty_call"),
        ("[ ]", "empty_call"),
        ("[get_order('A-1')]", "bad_arguments"),
        ("[get_order(1, id=2)]", "bad_arguments"),
        ("[get_order(*ids)]", "bad_arguments"),
        ("[get_order(**{'id': 1})]", "bad_arguments"),
        ("[get_order(order-id=1)]", "bad_arguments"),
        ('[get_order("id"=1)]', "bad_arguments"),
        ("[get_order(id: 1)]", "bad_arguments"),
        ("[get_order(id=1,)]", "bad_arguments"),
        ("[get_order(,)]", "bad_arguments"),
        ("[get_order(id=1, id=2)]", "duplicate_key"),
        ("[get_order(id=1 of=2)]", "invalid_call"),
        ("[get_order(id=1; of=2)]", "invalid_call"),
        ("[get_order]", "invalid_call"),
        ("[get_order (id=1)]", "invalid_call"),
        ("[get-order(id=1)]", "invalid_call"),
        ("[orders..get(id=1)]", "invalid_call"),
        ("[1st(id=1)]", "invalid_call"),
        ("['get_order']", "invalid_call"),
        ('[{"name": "get_order", "arguments": {}}]', "invalid_call"),
        ("[[get_order()]]", "invalid_call"),
        ("[await get_order()]", "invalid_call"),
        ("[,]", "invalid_call"),
    ],
)
def test_a_malformed_call_is_an_outcome_of_its_own(listed: str, defect: str) -> None:
    for text in (listed, marked(listed)):
        turn = parse(text)
        assert [found.name.value for found in turn.defects] == [defect]
        assert turn.calls == ()
        assert len(turn.attempts) == 1 and turn.attempts[0].defect == turn.defects[0]


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        (f"[{ONE}", "unclosed_call"),
        (ONE[:-1].join(["[", ""]), "unclosed_call"),
        ("[get_order(order_id='A", "unclosed_call"),
        ("[get_order(order_id='A\\", "unclosed_call"),
        ("[get_order(order_id", "unclosed_call"),
        ("[get_order(", "unclosed_call"),
        ("[get_order", "unclosed_call"),
        ("[", "unclosed_call"),
        ("[get_order(a=[1, {'b': ", "unclosed_call"),
        (f"{START}[{ONE}]", "unclosed_call"),
        (f"{START}[{ONE}", "unclosed_call"),
        (START, "empty_call"),
        (marked(""), "empty_call"),
        (marked(ONE), "invalid_call"),
        (marked("{}"), "invalid_call"),
        (marked("get the order"), "invalid_call"),
        (ONE, "invalid_call"),
        ("ping()", "invalid_call"),
        ("[1]", "invalid_call"),
        ("[get-order(id=1)] Done", "invalid_call"),
        ("[[get_order()]] Done", "invalid_call"),
        ("[get_order ()] Done", "invalid_call"),
        ("['get_order'] Done", "invalid_call"),
        ('[{"name": "get_order", "arguments": {}}] Done', "invalid_call"),
        ("[pay] Done", "invalid_call"),
        ("[] Done", "empty_call"),
        ("[Our page", "invalid_call"),
        ("`get_order(id=1)`", "invalid_call"),
        ("(get_order(id=1)]", "invalid_call"),
        ("pay('A-1')", "invalid_call"),
        ("Let me see: [pay('A-1')]", "bad_arguments"),
        ("Let me see:\npay(id=1)", "invalid_call"),
        ("```python\npay(id=1)\n```", "invalid_call"),
    ],
)
def test_what_is_no_list_of_calls_is_a_malformed_attempt(text: str, defect: str) -> None:
    turn = parse(text)
    assert defect in [found.name.value for found in turn.defects]
    assert turn.calls == ()
    assert len(turn.attempts) == 1 and turn.attempts[0].defect in turn.defects


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"[{ONE}, ping(1)]", ["bad_arguments"]),
        (f"[ping(1), {ONE}]", ["bad_arguments"]),
        (f"[{ONE},]", ["invalid_call"]),
        (f"[{ONE} ping()]", ["invalid_call"]),
        (f"[{ONE}; ping()]", ["invalid_call"]),
        (f"[{ONE}, ping(", ["unclosed_call"]),
        (f"[{ONE},", ["unclosed_call"]),
        (marked(f"[{ONE}] and"), ["invalid_call"]),
        (marked(f"[{ONE}]") + marked("[ping()]"), ["extra_call"]),
        (f"{START}[{ONE}, ping(a=}}){END} (so ])", ["invalid_call", "invalid_call"]),
    ],
)
def test_one_broken_call_is_seen_and_the_good_ones_kept(text: str, names: list[str]) -> None:
    turn = parse(text)
    assert [defect.name.value for defect in turn.defects] == names
    assert turn.calls == (CALL,)
    assert len(turn.attempts) == 1 + len(names)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"[{ONE}] Done!", ["text_after_call"]),
        (f"[{ONE}]\n[ping()]", ["text_after_call"]),
        (f"Let me look: [{ONE}]", ["text_before_call"]),
        (f"[{ONE}]{END}", ["text_after_call", "unopened_call"]),
        (f"{marked(f'[{ONE}]')}{END}", ["unopened_call"]),
        (f"</think>[{ONE}]", ["text_before_call", "unopened_thinking"]),
        (f"<|python_start|>[{ONE}]<|python_end|>", ["special_token", "text_before_call", "text_after_call"]),
        (f"[get_order(order_id='{END}')]", ["special_token"]),
        (marked(f"[get_order(order_id='{END}')]"), ["special_token"]),
        (marked("[get_order(order_id='<|im_end|>')]"), ["special_token"]),
        (f"{marked(f'[{ONE}]')}<think>late</think>", ["misplaced_thinking", "unopened_thinking"]),
    ],
)
def test_what_surrounds_a_call_is_a_defect_and_the_call_is_kept(text: str, names: list[str]) -> None:
    turn = parse(text)
    assert [defect.name.value for defect in turn.defects] == names
    assert len(turn.calls) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("Your order is on its way.", "See [1] and f(x).", "I called pay(id=1).", "f(x) = 1", "a [b](c)", ""),
        *("[Our page](https://example.org/f(x))", "[1] See f(x).", "[Note] It's late.", "[[1]](u) says so"),
        *("[x] done [y]", "[Order form (PDF)](u)", "[Our item(s) shipped] Today.", "Let me see:\nf(id=1)"),
    ],
)
def test_other_text_is_prose(text: str) -> None:
    turn = parse(text)
    assert (turn.content, turn.attempts, turn.defects) == (text, (), ())


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ("<think>\nno end", "unclosed_thinking"),
        ("no begin</think>", "unopened_thinking"),
        ("hello <think>late</think>", "misplaced_thinking"),
        (f"hello{END}", "unopened_call"),
        ("hello<|im_start|>user", "special_token"),
        ("caf\ufffd", "encoding"),
        ("caf\ud800", "encoding"),
    ],
)
def test_prose_must_be_well_formed_too(text: str, defect: str) -> None:
    assert defect in defects(text)


def test_a_truncated_turn_is_a_defect_even_when_its_call_is_complete() -> None:
    assert [defect.name.value for defect in parse(f"[{ONE}]", Finish.LENGTH).defects] == ["truncated"]


@pytest.mark.parametrize(
    ("text", "defect", "content", "calls"),
    [
        (f"[ping()] {marked(f'[{ONE}]')}", "unopened_call", "", 1),
        (f"So: [ping()] {marked(f'[{ONE}]')}Done.", "unopened_call", "So:\nDone.", 1),
        (f"So:\npay(id=1)\n{marked(f'[{ONE}]')}", "unopened_call", "So:", 1),
        (f"{marked(f'[{ONE}]')} and [ping()]", "extra_call", "and", 1),
        (f"{marked(f'[{ONE}]')}pay(id=1)", "extra_call", "", 1),
        (f"I use pay(id=1). {marked(f'[{ONE}]')} [1] f(x)", None, "I use pay(id=1).\n[1] f(x)", 1),
    ],
)
def test_a_call_beside_a_marked_list_is_not_lost_in_words(
    text: str, defect: str | None, content: str, calls: int
) -> None:
    turn = parse(text)
    assert [found.name.value for found in turn.defects] == ([defect] if defect else [])
    assert (turn.content, len(turn.calls)) == (content, calls)
    assert [attempt.span for attempt in turn.attempts] == sorted(attempt.span for attempt in turn.attempts)


# Round trips.


@given(messages(3))
def test_what_is_written_is_read_back(message: Message) -> None:
    turn = parse(PYTHONIC.write(message))
    assert turn.defects == ()
    assert turn.content == message.content
    assert (turn.thinking or None) == (message.thinking or None)
    assert len(turn.calls) == len(message.calls)
    for found, written in zip(turn.calls, message.calls, strict=True):
        assert found.name == written.name and same(found.arguments, dict(written.arguments))


@given(st.lists(CALLS, min_size=1, max_size=3))
def test_the_bare_form_with_pythons_values_carries_the_same_calls(calls: list[Call]) -> None:
    listed = ", ".join(f"{call.name}({', '.join(f'{k}={v!r}' for k, v in call.arguments.items())})" for call in calls)
    turn = parse(f"[{listed}]")
    assert turn.defects == ()
    assert [call.name for call in turn.calls] == [call.name for call in calls]
    assert all(same(a.arguments, dict(b.arguments)) for a, b in zip(turn.calls, calls, strict=True))


@given(CALLS)
def test_every_call_of_identifiers_and_plain_json_is_representable(call: Call) -> None:
    assert PYTHONIC.representable(call, TOOLS)


@pytest.mark.parametrize(
    ("call", "representable"),
    [
        (Call("orders.get", {}), True),
        (Call("get-order", {}), False),
        (Call("", {}), False),
        (Call("f", {"from": 1}), True),
        (Call("f", {"order-id": 1}), False),
        (Call("f", {"a=1, b": 1}), False),
        (Call("f", {"": 1}), False),
        (Call("f", {"a": {"order-id": 1}}), True),
        (Call("f", {"a": "'\\\n\r\0\""}), True),
        (Call("f", {"a": "<|x|>"}), False),
        (Call("f", {"a": "\ud800"}), False),
        (Call("f", {"a": float("inf")}), False),
        (Call("f", {"a": [float("nan")]}), False),
        (Call("f", {"a": 10**999}), True),
        (Call("f", {"a": 10**1000}), False),
        (Call("f", {"a": 10**5000}), False),
    ],
)
def test_what_is_representable(call: Call, representable: bool) -> None:
    assert PYTHONIC.representable(call, TOOLS) is representable


@given(HOSTILE_CALLS)
def test_representable_says_exactly_what_comes_back(call: Call) -> None:
    try:
        turn = parse(PYTHONIC.write(Message("assistant", "", calls=(call,))))
    except ValueError:  # a number without a text
        assert not PYTHONIC.representable(call, TOOLS)
        return
    back = not turn.defects and [(one.name, one.arguments) for one in turn.calls] == [(call.name, call.arguments)]
    assert PYTHONIC.representable(call, TOOLS) is (back and turn.content == "")


@given(st.lists(CALLS, min_size=1, max_size=3), st.booleans(), st.data())
def test_truncation_never_makes_a_call_and_is_always_a_defect(
    calls: list[Call], bare: bool, data: st.DataObject
) -> None:
    text = PYTHONIC.write(Message("assistant", "", calls=tuple(calls)))
    if bare:
        text = text.removeprefix(START).removesuffix(END)
    whole = parse(text).calls
    turn = parse(text[: data.draw(st.integers(1 if bare else len(START), len(text) - 1))], Finish.LENGTH)
    assert turn.defects[0].name.value == "truncated"
    assert turn.attempts and turn.calls == whole[: len(turn.calls)]
    assert len(turn.calls) < len(whole)


MUTATIONS = st.sampled_from(
    [
        (f"{START}[", START),
        (START, ""),
        (END, ""),
        (f"]{END}", END),
        ("[", "[["),
        ("=", ":"),
        ("=", "=="),
        ("=", "=+"),
        (
            "(",
            "((",
        ),
        ("(", " ("),
        (")", ",)"),
        (")", ""),
    ]
)


@given(messages(2).filter(lambda message: bool(message.calls)), MUTATIONS)
def test_mutated_gold_never_passes_for_gold(message: Message, mutation: tuple[str, str]) -> None:
    text = PYTHONIC.write(Message("assistant", "", calls=message.calls))
    gold = parse(text)
    broken = text.replace(*mutation, 1)
    assume(broken != text)
    # Without its mark a list is a bare one; what is left of the other mark is then a defect.
    assert parse(broken).defects or parse(broken).calls != gold.calls


PIECES = [
    *(
        "<think>",
        "</think>",
        START,
        END,
        "\n",
        " ",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ",",
        "=",
        "'",
        '"',
        "\\",
        "f(",
        "g()",
    ),
    *(
        "f",
        "a=",
        "1",
        "1e999",
        "nan",
        "True",
        "true",
        "'x'",
        '"y"',
        "**",
        "None",
        "[1]",
        "{'a': 1}",
        '{"b": true}',
        ".",
    ),
    *("hello", "\ufffd", "\ud800", "é", ONE, f"[{ONE}]", marked(f"[{ONE}]"), f"{START}[{ONE}", "<|im_end|>", "\0"),
]


def contained(text: str) -> list[tuple[str, dict[str, Any]]]:
    """An independent reading: every call of keywords and literals that Python's own parser finds anywhere."""
    found = []
    warnings.simplefilter("ignore")
    for begin in re.finditer(r"[^\W\d]\w*\(", text):
        for end in re.finditer(r"\)", text[begin.start() :]):
            written = text[begin.start() : begin.start() + end.end()].replace("true", "True")
            try:
                tree = ast.parse(written, mode="eval").body
                assert isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.args
                found.append((tree.func.id, {str(one.arg): ast.literal_eval(one.value) for one in tree.keywords}))
            except (SyntaxError, ValueError, AssertionError, MemoryError, RecursionError):
                continue
    return found


@settings(max_examples=300)
@given(noise(PIECES))
@example("[" * 100)
@example("[f(" * 50)
@example(f"{START}[f(a='" * 20)
def test_no_text_raises_and_no_call_is_invented(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        turn = parse(text)
        calls = contained(text) if turn.calls else []
    for made in turn.calls:
        plain = all("\n" not in value for value in made.arguments.values() if isinstance(value, str))
        name = made.name.rpartition(".")[2]
        assert not plain or any(one == name and same(values, made.arguments) for one, values in calls)
    for attempt in turn.attempts:
        assert (attempt.call is None) != (attempt.defect is None)
        assert attempt.defect is None or attempt.defect in turn.defects
    spans = [defect.span for defect in turn.defects] + [attempt.span for attempt in turn.attempts]
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    if text.strip(" \t\n\r").startswith(("[f(", '["', "['", "[{", "[]")) or (START in text and "<think>" not in text):
        assert turn.attempts


HOSTILE_PIECES = [
    "[",
    "[f(",
    "[f(a=",
    "f(x),",
    "1,",
    "f(),",
    '"',
    "'\\",
    "f(a=[',",
    "f(a={'a':{",
    START,
    f"{START}[f(",
    END,
]


@pytest.mark.parametrize("piece", HOSTILE_PIECES)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    for text in (piece, "x [f(a=" + piece, f"{START}[" + piece):
        began = time.process_time()
        parse(text + piece * (60_000 // len(piece)))
        assert time.process_time() - began < 2


@pytest.mark.parametrize("template", ["lfm2_2_5", "lfm2_2_5_vl"])
def test_it_is_what_the_real_templates_are_found_to_write(template: str) -> None:
    pytest.importorskip("trl")
    assert detect(renderer_for(template)) == PYTHONIC == dialect_named("pythonic")


def test_what_the_template_without_escapes_writes_is_read_as_far_as_it_can_be() -> None:
    pytest.importorskip("trl")
    renderer = renderer_for("lfm2_2_5")

    def carried(arguments: dict[str, Any]) -> bool:
        return survives(renderer, PYTHONIC, (Call("set_item", arguments),))

    assert carried({"name": "two\n\nlines", "tags": ["a\nb", 'c"', "d'"], "on": True, "note": None})
    assert carried({"size": {"unit": "it's\n\\", "deep": {"on": True, "none": None, "tags": ["x"]}}})
    assert not carried({"name": "it's"})
    assert not carried({"name": "C:\\new"})


def test_the_first_template_of_lfm2_writes_no_calls_and_is_refused() -> None:
    pytest.importorskip("trl")
    with pytest.raises(DialectError, match="Of a call it makes ''"):
        detect(renderer_for("lfm2"))
