"""The one loop: what ends a conversation, and what the scripted user makes of it."""

import asyncio
from dataclasses import replace

import pytest

from samescore.harness.case import Case
from samescore.harness.policies.script import ScriptPolicy
from samescore.harness.rollout import Limits, rollout
from samescore.harness.scorers import RUBRIC
from samescore.harness.types import Call, Message, Outcome, Stop, Trajectory
from samescore.suites.catalog import load_suite, load_world

CASES = load_suite("sop").cases
ASKING = next(case for case in CASES if case.expectation.asks and case.locale == "en")
CALLING = next(case for case in CASES if len(case.expectation.calls) > 1 and not case.expectation.asks)


def play(case: Case, *turns: Message | str, limits: Limits | None = None) -> Trajectory:
    policy = ScriptPolicy("script", lambda case, sampling: iter(turns))
    return asyncio.run(rollout(case, policy, load_world(case.world), limits=limits or Limits()))


def say(text: str) -> Message:
    return Message("assistant", text, thinking="next: answer")


def call(name: str, **arguments: object) -> Message:
    return Message("assistant", "", thinking=f"next: call {name}", calls=(Call(name, arguments),))


def test_the_user_reveals_only_what_is_asked_for() -> None:
    question = next(turn for turn in ASKING.gold if not turn.calls)
    trajectory = play(ASKING, question, say("Thank you, we have noted that."))
    (slot, *_) = trajectory.steps[0].asked
    assert trajectory.steps[0].reply is not None
    assert ASKING.user.slots[slot] in trajectory.steps[0].reply
    others = [text for name, text in ASKING.user.slots.items() if name not in trajectory.steps[0].asked and text]
    assert not any(text in trajectory.steps[0].reply for text in others)


def test_a_user_who_is_not_understood_leaves_at_the_third_time() -> None:
    strange = say("What is your favourite colour, please?")
    trajectory = play(ASKING, *[strange] * 5)
    assert trajectory.stop is Stop.USER_LEFT and len(trajectory.steps) == 3
    assert [step.reply for step in trajectory.steps] == [ASKING.user.confused, ASKING.user.confused, None]
    assert trajectory.final is None


def test_asking_for_what_no_slot_names_is_no_success() -> None:
    question = say("Could you tell me your password and your card PIN?")
    scores = RUBRIC.score(ASKING, play(ASKING, question, *ASKING.gold))
    assert scores["outcome"].value == 0.0 and "does not understand" in scores["outcome"].reason


def test_a_malformed_turn_ends_the_conversation() -> None:
    trajectory = play(CALLING, "<tool_call>{}</tool_call>", *CALLING.gold)
    assert trajectory.stop is Stop.MALFORMED and len(trajectory.steps) == 1


def test_turns_are_limited() -> None:
    look = call("get_customer", customer_id="C-1000")
    assert play(CALLING, *[look] * 9, limits=Limits(turns=4)).stop is Stop.MAX_TURNS


def test_calls_are_limited_before_they_are_carried_out() -> None:
    look = Call("get_customer", {"customer_id": "C-1000"})
    many = Message("assistant", "", thinking="next: look", calls=(look,) * 5)
    trajectory = play(CALLING, many, many, limits=Limits(calls=8))
    assert trajectory.stop is Stop.MAX_CALLS
    assert [len(step.observations) for step in trajectory.steps] == [5, 0]


def test_a_number_that_no_database_holds_is_the_models_mistake() -> None:
    voucher = call("give_voucher", customer_id=CALLING.facts["order.customer_id"], amount=2**63)
    trajectory = play(CALLING, voucher, say("Done."))
    assert trajectory.steps[0].observations[0].outcome is Outcome.INVALID
    assert trajectory.effects == () and trajectory.changes == ()


@pytest.mark.parametrize("k", [0, 1])
def test_a_decision_ends_after_its_one_turn(k: int) -> None:
    trajectory = play(CALLING.at(k), CALLING.gold[k], *CALLING.gold)
    assert len(trajectory.steps) == k + 1
    assert trajectory.stop in (Stop.DECIDED, Stop.ANSWERED)


def test_an_early_escalation_is_out_of_order() -> None:
    case = next(case for case in CASES if "lookup.exhausted" in case.cluster and not case.expectation.asks)
    *calls, reply = case.gold
    scores = RUBRIC.score(case, play(case, calls[-1], *calls[:-1], reply))
    assert scores["path"].value < 1.0 and scores["success"].value == 0.0


def test_words_beside_a_call_are_judged_too() -> None:
    first, *rest = CALLING.gold
    assert first.calls
    other = "Vui lòng chờ em kiểm tra đơn hàng." if CALLING.locale == "en" else "Please wait while I check your order."
    scores = RUBRIC.score(CALLING, play(CALLING, replace(first, content=other), *rest))
    assert scores["outcome"].value == 0.0
