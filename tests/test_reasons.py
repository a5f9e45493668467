"""Reasons of scorers as a person reads them: a retry is called one, and names are counted."""

from __future__ import annotations

from dataclasses import replace

from samescore.harness.case import Case
from samescore.harness.policies.script import ScriptPolicy
from samescore.harness.rollout import rollout
from samescore.harness.scorers import RUBRIC
from samescore.harness.types import Message
from samescore.suites.catalog import load_suite
from samescore.suites.worlds import load_world


def reasons(case: Case, *turns: Message) -> dict[str, str]:
    """Why each scorer judges a conversation of these turns as it does."""
    playing = rollout(case, ScriptPolicy("turns", lambda case, sampling: iter(turns)), load_world(case.world))
    try:
        playing.send(None)
    except StopIteration as done:
        return {name: score.reason for name, score in RUBRIC.score(case, done.value).items()}
    raise AssertionError("a script waits for nothing")


def retried() -> Case:
    """A case whose first look-up fails, is tried again once, and needs no question."""
    for case in load_suite("sop/refund").cases:
        ids = [call.id for call in case.expectation.calls]
        if ids[:2] == ["lookup", "lookup#2"] and "lookup#3" not in ids and case.gold[1].calls == case.gold[0].calls:
            return case
    raise AssertionError("the suite has such a case")


def test_a_failed_call_that_was_not_tried_again_is_called_so() -> None:
    case = retried()
    seen = reasons(case, case.gold[0], *case.gold[2:])
    assert "the failed get_order was not tried again" in seen["path"]
    assert "get_order did not come after get_order" not in seen["path"]
    assert "get_order called 1 of 2 times" in seen["tool_name"]


def test_several_calls_of_one_tool_are_counted() -> None:
    case = retried()
    assert "2 x get_order" in reasons(case, case.gold[-1])["tool_name"]
    again = replace(case.gold[0], calls=case.gold[0].calls * 2)
    assert "2 x get_order called without need" in reasons(case, *case.gold[:-1], again, case.gold[-1])["tool_name"]
