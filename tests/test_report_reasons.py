"""Reasons in Vietnamese: every sentence that scorers, parsers and schemas make has a form, and keeps what it quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import jsonschema_rs
import pytest
from hypothesis import example, given, strategies as st

from samescore.harness.case import Case
from samescore.harness.dialects import dialect_named
from samescore.harness.dialects.edge_cases import EDGE_CASES, EDGE_TOOLS
from samescore.harness.facts.stance import Stance
from samescore.harness.gate.rules import RULES
from samescore.harness.mutants import Mutant
from samescore.harness.policies.script import ScriptPolicy
from samescore.harness.rollout import rollout
from samescore.harness.scorers import RUBRIC, SCORERS
from samescore.harness.types import Completion, DefectName, Finish, Stop, Trajectory
from samescore.reports.reason_shapes import SHAPES
from samescore.reports.reasons import parts, said
from samescore.suites.catalog import load_suite
from samescore.suites.worlds import load_world

SLOT = re.compile(r"\{(\w+?)\d*\}")


def english(reason: str, group: str = "reason") -> list[str]:
    """What of a reason has no Vietnamese form."""
    return [part.text for part in parts(reason, "vi", group) if part.english]


def played(case: Case, mutant: Mutant) -> Trajectory:
    """The conversation in which a mutant is played."""
    playing = rollout(case, ScriptPolicy("mutant", lambda case, sampling: iter(mutant.turns)), load_world(case.world))
    try:
        playing.send(None)
    except StopIteration as done:
        found: Trajectory = done.value
        return found
    raise AssertionError("a script waits for nothing")


def chosen() -> Iterator[Case]:
    """A few cases of each procedure that differ in branch and language, and one of each operator."""
    seen: set[tuple[str, ...]] = set()
    for case in load_suite("sop").cases:
        kind = (case.suite, case.cluster.rpartition(">")[2], case.locale)
        if kind not in seen and len([one for one in seen if one[0] == case.suite]) < 3:
            seen.add(kind)
            yield case
    for case in load_suite("adversarial/refund").cases:
        kind = ("operator", *case.labels["operators"])
        if kind not in seen and case.expectation.calls:
            seen.add(kind)
            yield case


def mutants(case: Case) -> Iterable[Mutant]:
    """The mutants of every scorer; of those named alike but for a number or a name the first."""
    for scorer in SCORERS:
        if scorer.name != "success" and scorer.applies(case):
            yield from {re.sub(r"\d+", "#", one.name): one for one in reversed(list(scorer.mutants(case)))}.values()


def test_whatever_a_scorer_says_of_a_mutant_is_said_in_vietnamese() -> None:
    reasons: dict[str, str] = {}
    for case in chosen():
        for mutant in mutants(case):
            scores = RUBRIC.score(case, played(case, mutant))
            reasons |= {one.reason: name for name, one in scores.items() if one.value != 1.0}
    assert set(reasons.values()) == {scorer.name for scorer in SCORERS} and len(reasons) > 500
    assert {reason: left for reason in reasons if (left := english(reason))} == {}
    told = [said(reason, "vi") for reason in reasons]
    assert not [one for one in told if re.search(r"\b(?:not called|expected|turn \d|malformed:)", one)]


def test_every_defect_of_every_dialect_is_said_in_vietnamese() -> None:
    seen: dict[str, str] = {}
    for case in EDGE_CASES:
        for text in _cut(case.text):
            turn = dialect_named(case.dialect).parse(Completion(text, Finish.LENGTH), EDGE_TOOLS)
            seen |= {defect.detail: defect.name.value for defect in turn.defects}
    assert set(seen.values()) == {name.value for name in DefectName}
    assert {detail: left for detail in seen if (left := english(detail, "detail"))} == {}


def test_every_name_that_a_reason_may_have_in_it_is_known() -> None:
    for group, names in {
        "defect": [one.value for one in DefectName],
        "stop": [one.value for one in Stop],
        "stance": [one.value for one in Stance if one is not Stance.ASSERTED],
    }.items():
        assert [shape for shape, _ in SHAPES[group]] and not [name for name in names if english(name, group)], group
    assert {rule.name for rule in RULES} == {"unauthorised_effect", "leaked_thinking"}  # their words: "occurrence"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"required": ["a"]}, {}),
        ({"type": "object", "properties": {}, "additionalProperties": False}, {"x": 1}),
        ({"properties": {"z": True}, "additionalProperties": False}, {"x": 1, "y": 2}),
        ({"properties": {"z": True}, "unevaluatedProperties": False}, {"x": 1}),
        ({"properties": {"a": {"properties": {"b": {"type": "integer"}}}}}, {"a": {"b": "x; y"}}),
        ({"type": ["string", "null"]}, 5),
        ({"enum": ["a", "b", "c"]}, "x"),
        ({"pattern": "^a$"}, "x"),
        ({"type": "string", "format": "date"}, "x"),
        ({"minimum": 10}, 5),
        ({"maximum": 10}, 15),
        ({"exclusiveMinimum": 10}, 10),
        ({"exclusiveMaximum": 10}, 10),
        ({"multipleOf": 5}, 6),
        ({"minLength": 1}, ""),
        ({"maxLength": 2}, "abc"),
        ({"minItems": 1}, []),
        ({"maxItems": 2}, [1, 2, 3]),
        ({"uniqueItems": True}, [1, 1]),
        ({"contains": {"type": "string"}}, [1]),
        ({"minProperties": 1}, {}),
        ({"maxProperties": 0}, {"a": 1}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 5),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, 5),
        ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 5),
        ({"not": {"type": "string"}}, "x"),
        ({"const": 5}, 6),
        (False, 5),
    ],
)
def test_every_sentence_of_the_schema_validator_is_said_in_vietnamese(schema: object, value: object) -> None:
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    error = next(iter(validator.iter_errors(value)))
    where = "/".join(map(str, error.instance_path))
    complaint = f"{where}: {error.message}" if where else error.message
    assert english(f"issue_refund: {complaint}") == []


def test_what_a_sentence_quotes_stays_as_it_is() -> None:
    for reason, told in {
        "get_order: order_id is 'a; b', expected 'A-1' or 'x or y'": (
            "get_order: order_id là 'a; b', cần 'A-1' hoặc 'x or y'"
        ),
        "2 x get_order, wait not called; get_order called 1 of 2 times": (
            "chưa gọi 2 x get_order, wait; chỉ gọi get_order 1 trên 2 lần"
        ),
        "tool_name: get_order not called; outcome: no final reply: max_turns": (
            "tool_name: chưa gọi get_order; outcome: không có câu trả lời cuối: hết giới hạn lượt"
        ),
        "forbidden: turn 2 says 'AI', which is forbidden": "từ bị cấm: lượt 2 nói 'AI', là từ bị cấm",
        "style: forbidden: turn 2 says 'AI', which is forbidden": "style: từ bị cấm: lượt 2 nói 'AI', là từ bị cấm",
        "amount 5 not stated: no value is given for amount; expected 5; no final reply": (
            "chưa nêu amount 5: không nêu giá trị nào cho amount; cần 5; không có câu trả lời cuối"
        ),
        "arguments: get_order: order_id is missing, expected any value": (
            "arguments: get_order: thiếu order_id, cần giá trị bất kỳ"
        ),
    }.items():
        assert (said(reason, "vi"), said(reason, "en")) == (told, reason)


def test_a_sentence_of_an_unknown_shape_is_told_apart_as_english() -> None:
    found = parts("no turn; brevity is the soul of wit; a malformed call", "vi")
    assert found == (
        ("không có lượt nào; ", False),
        ("brevity is the soul of wit", True),
        ("; có lời gọi sai định dạng", False),
    )
    assert english("get_order: the plug-in's own words") == ["the plug-in's own words"]


@given(st.text(max_size=60), st.sampled_from([one for one, _ in SHAPES["reason"]]), st.text(max_size=30))
@example("; ", "{tool}: {name} is {value}, expected {matcher}", "\n")
def test_any_text_is_taken_in_english_word_for_word(text: str, shape: str, value: str) -> None:
    for reason in (text, SLOT.sub(lambda found: value, shape), f"{text}; {value}"):
        assert said(reason, "en") == reason
        assert said(reason, "vi") or not reason


def test_both_wordings_of_a_shape_have_the_same_slots() -> None:
    for group, shapes in SHAPES.items():
        for here, there in shapes:
            slots = [sorted(re.findall(r"(?<!\{)\{(\w+)\}", text)) for text in (here, there)]
            assert slots[0] == slots[1], (group, here)


def _cut(text: str) -> Iterator[str]:
    """A text, its beginnings and its ends, with the last character of one changed."""
    yield text
    if len(text) < 200:
        for at in range(1, len(text)):
            yield from (text[:at], text[at:], f"{text[:at]}?{text[at + 1 :]}")
