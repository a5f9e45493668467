"""Strict JSON: every way to break it has a name, and none is an exception of another kind."""

import json

import pytest
from hypothesis import given, settings, strategies as st

from samescore.harness import strictjson
from samescore.harness.strictjson import JsonDefect

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ('{"a": {"b": 1, "b": 1}}', "duplicate_key"),
        ("NaN", "not_finite"),
        ("[Infinity]", "not_finite"),
        ("-Infinity", "not_finite"),
        ("1e999", "not_finite"),
        ("-1e999", "not_finite"),
        ("1" * 5000, "number_too_long"),
        ("[" * 100_000, "too_deep"),
        ("[" * 65 + "]" * 65, "too_deep"),
        (r'"\ud800"', "lone_surrogate"),
        (r'{"\udc00": 1}', "lone_surrogate"),
        ("", "invalid_json"),
        ("{'a': 1}", "invalid_json"),
        ('{"a": 1,}', "invalid_json"),
        ("01", "invalid_json"),
        ("+1", "invalid_json"),
        ("1.", "invalid_json"),
        ("True", "invalid_json"),
        ('"a\nb"', "invalid_json"),
        ("\ufeff1", "invalid_json"),
        ("\u00a01", "invalid_json"),
        ("1 2", "invalid_json"),
        ('{"a": 1} // note', "invalid_json"),
    ],
)
def test_what_is_not_strict_json_is_a_defect_with_a_name(text: str, defect: str) -> None:
    with pytest.raises(JsonDefect) as caught:
        strictjson.read(text)
    assert caught.value.name == defect


@given(JSON_VALUES)
def test_what_json_writes_is_read_back_with_its_types(value: object) -> None:
    text = json.dumps(value)
    if "\\ud" not in text:
        assert strictjson.same(strictjson.read(text), json.loads(text))


@settings(max_examples=500)
@given(st.text(alphabet='{}[]",:0123456789.eE+-truefalsn \n\\uNaI\ud800\x00', max_size=60))
def test_no_text_raises_anything_but_a_defect(text: str) -> None:
    try:
        value = strictjson.read(text)
    except JsonDefect as defect:
        assert 0 <= defect.at <= len(text)
    else:
        assert strictjson.same(value, json.loads(text))


def test_depth_is_measured_not_guessed_from_brackets() -> None:
    wide = [[index] for index in range(200)]
    assert strictjson.read(json.dumps(wide)) == wide
    brackets_in_text = json.dumps({"note": "[" * 500})
    assert strictjson.read(brackets_in_text) == {"note": "[" * 500}


def test_equality_keeps_types_apart() -> None:
    same = strictjson.same
    assert not same(1, True) and not same(1, 1.0) and not same(0, False)
    assert same({"a": [1, 2.0]}, {"a": [1, 2.0]})
    assert not same({"a": [1, 2.0]}, {"a": [1, 2]})
    assert not same([1], [1, 1]) and not same({"a": None}, {"b": None})
