"""The walk: gold turns in the grammar of the docs, calls that really happened, and what the world became."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from parcel_world import SOP, WORLD

from samescore.harness.case import Ending, Guard
from samescore.harness.environment import World
from samescore.harness.errors import SopError
from samescore.harness.facts import AnswerFact
from samescore.harness.lexicon import FactType, SlotWords
from samescore.harness.matching import Matcher
from samescore.harness.tools import Tool
from samescore.harness.types import Outcome
from samescore.suites.sop.expect import expectation, matcher
from samescore.suites.sop.faults import world_facts
from samescore.suites.sop.loader import load
from samescore.suites.sop.model import CallStep, Reply, Sop
from samescore.suites.sop.phrases import Speaker, load_phrases
from samescore.suites.sop.values import answer_fact, fact_texts, spoken
from samescore.suites.sop.walk import Walk, walk

PROCEDURE = load(SOP, WORLD.toolset, WORLD.lexicon)
BANK = load_phrases(PROCEDURE)
PAYABLE = {
    "parcel.id": "P-48213",
    "customer.name": "Olivia Brown",
    "parcel.exists": True,
    "parcel.contents": "goods",
    "parcel.status": "in_transit",
    "parcel.days_late": 12,
    "parcel.value": 120,
    "parcel.insured_until": "2026-05-01",
    "customer.vip": False,
    "today": "2026-04-01",
    "given.parcel_id": True,
    "given.contents": True,
    "known.parcel_id": True,
    "faults.lookup": 0,
}


def walked(sop: Sop = PROCEDURE, world: World = WORLD, locale: str = "en", **changes: Any) -> Walk:
    facts = {**PAYABLE, **{name.replace("__", "."): value for name, value in changes.items()}}
    voice = Speaker(BANK, locale, "eval", fact_texts(sop, facts, "USD"))
    return walk(sop, world_facts(sop, facts, 7), world, voice, random.Random(1))


def thinking(walk: Walk) -> list[str]:
    return [turn.thinking or "" for turn in walk.turns]


def with_step(name: str, **changes: Any) -> Sop:
    return replace(PROCEDURE, steps={**PROCEDURE.steps, name: replace(PROCEDURE.steps[name], **changes)})


def test_gold_thinks_in_the_grammar_of_the_docs() -> None:
    assert thinking(walked()) == [
        "parcel_id: P-48213\ncontents: goods\nnext: call get_parcel",
        "exists true: yes\nrule unknown_parcel: no\n"
        "contents goods == documents: no\ninsured_until 2026-05-01 < 2026-04-01: no\nrule documents_only: no\n"
        "contents goods == goods: yes\ninsured_until 2026-05-01 >= 2026-04-01: yes\n"
        "days_late 12 < 10: no\nvip false: no\n"
        "rule too_early: no\n"
        "contents goods == goods: yes\ninsured_until 2026-05-01 >= 2026-04-01: yes\n"
        "days_late 12 >= 10: yes\nvip false: no\n"
        "value 120 <= 300: yes\nrule payable: yes\n"
        "value: 120\nnext: call pay_compensation",
        "amount: 120\npayment_id: PM-74285\nnext: answer",
    ]


def test_missing_slots_are_named_after_the_given_ones_and_learned_when_told() -> None:
    one = walked(given__parcel_id=False)
    assert thinking(one)[:2] == [
        "contents: goods\nneed parcel_id\nnext: ask parcel_id",
        "parcel_id: P-48213\nnext: call get_parcel",
    ]
    both = walked(given__parcel_id=False, given__contents=False)
    assert thinking(both)[0] == "need parcel_id\nneed contents\nnext: ask parcel_id, contents"
    assert both.asked == ("parcel_id", "contents")
    assert "your parcel number and the contents" in both.turns[0].content


def test_what_the_user_does_not_know_stays_needed() -> None:
    lost = walked(given__parcel_id=False, given__contents=False, known__parcel_id=False)
    assert thinking(lost)[1] == "contents: goods\nneed parcel_id\nnext: ask parcel_id"
    assert not lost.calls


def test_a_retry_is_a_turn_of_its_own_with_the_same_call() -> None:
    retried = walked(faults__lookup=2)
    assert thinking(retried)[1:3] == [
        "error service_unavailable: retry 1\nnext: call get_parcel",
        "error service_unavailable: retry 2\nnext: call get_parcel",
    ]
    assert [(call.id, call.observation.outcome) for call in retried.calls] == [
        ("lookup", Outcome.FAULT),
        ("lookup#2", Outcome.FAULT),
        ("lookup#3", Outcome.OK),
        ("pay", Outcome.OK),
    ]
    assert len({repr(call.call) for call in retried.calls[:3]}) == 1


def test_giving_up_leads_to_the_fault_step() -> None:
    given_up = walked(faults__lookup=3)
    assert thinking(given_up)[3] == "error service_unavailable: give up\nnext: call create_ticket"
    assert given_up.reply.id == "outage.reply"
    assert [effect.name for effect in given_up.effects] == ["ticket"]


def test_an_error_of_a_tool_is_legitimate_where_the_procedure_decides_on_it() -> None:
    unknown = walked(parcel__exists=False)
    assert unknown.calls[0].observation.outcome is Outcome.TOOL_ERROR
    assert thinking(unknown)[1] == "exists false: no\nrule unknown_parcel: yes\nnext: refuse"
    assert "P-48213" in unknown.turns[-1].content


def test_a_reference_to_a_result_that_is_an_error_names_step_tool_and_error() -> None:
    sop = with_step("not_found", text={"en": ("No, status {$lookup.status}.",), "vi": ("Không, {$lookup.status}.",)})
    complaint = (
        r"parcel\.yaml:\d+: the walk of step 'not_found': \$lookup\.status is used, but tool get_parcel answered error "
        r"parcel_not_found\. Correct the facts builder of world 'shop' or the procedure\."
    )
    with pytest.raises(SopError, match=complaint):
        walked(sop, parcel__exists=False)


def test_a_reference_to_a_field_that_no_result_has_is_an_error() -> None:
    pay = PROCEDURE.steps["pay"]
    assert isinstance(pay, CallStep)
    sop = with_step("pay", arguments={**pay.arguments, "amount": "$lookup.price"})
    with pytest.raises(SopError, match=r"step 'pay': \$lookup\.price is used, but the result of 'lookup' lacks it"):
        walked(sop)


def test_arguments_that_the_tool_rejects_are_an_error_of_the_procedure() -> None:
    pay = PROCEDURE.steps["pay"]
    assert isinstance(pay, CallStep)
    sop = with_step("pay", arguments={**pay.arguments, "amount": "$lookup.status"})
    with pytest.raises(SopError, match=r"step 'pay': tool pay_compensation answered .*invalid_arguments"):
        walked(sop)


def test_a_fault_after_a_success_of_the_same_tool_cannot_be_played() -> None:
    again = replace(PROCEDURE.steps["lookup"], id="again", next="found")
    steps = {**PROCEDURE.steps, "lookup": replace(PROCEDURE.steps["lookup"], next="again"), "again": again}
    sop = replace(PROCEDURE, steps=steps)
    assert world_facts(sop, {**PAYABLE, "faults.lookup": 2, "faults.again": 0}, 1)["faults"] == {"get_parcel": 2}
    with pytest.raises(SopError, match=r"step 'again': get_parcel fails here after a success of an earlier step"):
        world_facts(sop, {**PAYABLE, "faults.again": 1}, 1)


def test_texts_say_amounts_with_their_currency_and_days_as_they_are() -> None:
    assert walked().turns[-1].content == "Done. We have paid you 120 USD; the reference is PM-74285."
    assert "chuyển 120 USD" in walked(locale="vi").turns[-1].content
    late = walked(parcel__contents="documents", today="2026-06-01")
    assert late.turns[-1].content == "I am sorry, we cannot pay for this. The parcel was insured until 2026-05-01."


def test_the_expectation_holds_calls_in_order_guards_and_the_end_of_the_world() -> None:
    expected = expectation(PROCEDURE, walked(faults__lookup=1), WORLD)
    lookup, again, pay = expected.calls
    assert (lookup.outcome, again.outcome, pay.outcome) == (Outcome.FAULT, Outcome.OK, Outcome.OK)
    assert (lookup.after, again.after, pay.after) == ((), ("lookup",), ("lookup", "lookup#2"))
    assert pay.arguments == {"parcel_id": Matcher("exact", "P-48213"), "amount": Matcher("number", 120)}
    assert pay.optional == {"note": Matcher("text", "compensation")}
    assert expected.guards == (Guard("lookup#2", "pay"),)
    assert [pattern.name for pattern in expected.reads] == ["get_policy"]
    assert [pattern.name for pattern in expected.forbidden] == ["create_ticket", "read_card_number"]
    assert expected.changes and [change.table for change in expected.changes] == ["payments"]
    assert expected.effects and expected.effects[0].data["amount"] == 120
    assert expected.facts == (AnswerFact("paid_amount", "120.00 USD"), AnswerFact("payment_id", "PM-74285"))
    assert expected.ending is Ending.ANSWER and expected.thinking and expected.asks == ()


def test_by_default_every_earlier_success_guards_an_effect() -> None:
    unguarded = with_step("pay", guards=None)
    assert expectation(unguarded, walked(unguarded), WORLD).guards == (Guard("lookup", "pay"),)
    nothing = with_step("pay", guards=())
    assert expectation(nothing, walked(nothing), WORLD).guards == ()
    # The exhausted look-up did not succeed, so it guards nothing.
    assert expectation(PROCEDURE, walked(faults__lookup=3), WORLD).guards == ()


def test_a_reply_that_states_what_the_lexicon_does_not_know_is_refused() -> None:
    paid = PROCEDURE.steps["paid"]
    assert isinstance(paid, Reply)
    sop = with_step("paid", states={**paid.states, "colour": "red"})
    with pytest.raises(SopError, match=r"step 'paid' states 'colour', which is no slot of world 'shop'"):
        expectation(sop, walked(sop), WORLD)
    sop = with_step("paid", states={**paid.states, "paid_amount": "$lookup.status"})
    with pytest.raises(SopError, match=r"step 'paid': slot paid_amount is a money; found in_transit"):
        walked(sop)


@pytest.mark.parametrize(
    ("schema", "value", "kind"),
    [
        ({"type": "number"}, 2.5, "number"),
        ({"type": "integer"}, 2, "exact"),
        ({"type": "boolean"}, True, "exact"),
        ({"type": "string"}, "a", "text"),
        ({"type": "string", "format": "date"}, "2026-04-01", "date"),
        ({"type": "string", "format": "email"}, "a@b.org", "exact"),
        ({"type": "string", "pattern": "^A"}, "A", "exact"),
        ({"type": "string", "enum": ["a"]}, "a", "exact"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, 2, "number"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, None, "exact"),
        ({"$ref": "#/$defs/Day"}, "2026-04-01", "date"),
        ({"type": "array", "items": {"type": "integer"}}, [1], "exact"),
    ],
)
def test_an_argument_is_compared_as_its_schema_says(schema: dict[str, Any], value: Any, kind: str) -> None:
    definitions = {"Day": {"type": "string", "format": "date"}}
    tool = Tool("t", "A tool.", {"type": "object", "properties": {"x": schema}, "$defs": definitions})
    assert matcher(tool, "x", value).kind == kind


def test_answer_facts_are_canonical() -> None:
    money = SlotWords("fee", FactType.MONEY, currency="USD")
    assert answer_fact(money, 129).value == answer_fact(money, 129.0).value == "129.00 USD"
    assert spoken(money, 129.5, "en") == "129.50 USD"
    contents = WORLD.lexicon["contents"]
    assert answer_fact(contents, "goods").value == "goods" and spoken(contents, "goods", "vi") == "hàng hoá"
    with pytest.raises(ValueError, match="choice of goods, documents; found gold"):
        answer_fact(contents, "gold")
    assert answer_fact(SlotWords("days", FactType.NUMBER), 3.0).value == "3"


def test_a_slot_that_is_always_given_needs_no_asking() -> None:
    contents = replace(PROCEDURE.slots["contents"], given="always")
    parcel_id = replace(PROCEDURE.slots["parcel_id"], given="always")
    ask = replace(PROCEDURE.steps["collect"], slots=("contents",))
    sop = replace(
        PROCEDURE,
        slots={**PROCEDURE.slots, "contents": contents, "parcel_id": parcel_id},
        steps={**PROCEDURE.steps, "collect": ask},
    )
    told = walked(sop)
    assert thinking(told)[0] == "contents: goods\nparcel_id: P-48213\nnext: call get_parcel"
    assert told.calls[0].call.arguments == {"parcel_id": "P-48213"}
