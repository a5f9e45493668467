"""Paths: enumerated symbolically and followed concretely, these are the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings, strategies as st

from samescore.harness.errors import SopError
from samescore.suites.sop.expression import evaluate
from samescore.suites.sop.loader import load
from samescore.suites.sop.model import Sop
from samescore.suites.sop.paths import branches, paths, reach
from samescore.suites.sop.solver import Solver, values
from samescore.suites.sop.trace import Asked, Called, Decided, Replied, trace

DATA = Path(__file__).with_name("data") / "sop"
PARCEL, REASK, TEXTBOOK = (load(DATA / f"{name}.yaml") for name in ("parcel", "reask", "textbook"))

LATE = {
    "parcel.status": "in_transit",
    "parcel.days_late": 12,
    "parcel.value": 120,
    "parcel.insured_until": "2027-01-01",
    "customer.vip": False,
    "today": "2026-05-01",
    "given.parcel_id": False,
    "given.email": True,
    "known.parcel_id": True,
    "faults.lookup": 1,
}


def test_the_branches_of_a_procedure_are_known_by_their_arms() -> None:
    assert [branch.id for branch in branches(PARCEL)] == [
        "delivered>refuse",
        "too_early>wait",
        "payable>paid",
        "by_hand>hand_over.reply",
        "lookup.exhausted>outage",
        "collect.unknown>no_number",
    ]


def test_paths_also_tell_what_was_asked_and_which_failures_were_overcome() -> None:
    found = paths(PARCEL)
    # 4 ways of asking, each with 4 arms after 0, 1 or 2 failures, exhaustion, or an unknown number
    assert len(found) == 4 * (4 * 3 + 1 + 1)
    assert len({path.id for path in found}) == len(found)
    assert "collect?parcel_id/lookup~1/payable>paid" in [path.id for path in found]


def test_a_trace_tells_what_happens_in_order() -> None:
    asked, called, decided, paid, replied = trace(PARCEL, LATE).events
    assert isinstance(asked, Asked) and (asked.missing, asked.unknown) == (("parcel_id",), ())
    assert isinstance(called, Called) and (called.step.id, called.failures, called.ok) == ("lookup", 1, True)
    assert isinstance(decided, Decided) and decided.arm.name == "payable"
    assert isinstance(paid, Called) and (paid.step.tool, paid.failures, paid.ok) == ("pay_compensation", 0, True)
    assert isinstance(replied, Replied) and replied.step.id == "paid"


def test_arms_are_tried_up_to_the_one_that_holds_without_short_circuit() -> None:
    decided = trace(PARCEL, LATE).events[2]
    assert isinstance(decided, Decided)
    told = [
        (arm.name, [f"{atom.text}: {held}" for atom, held in tried], outcome) for arm, tried, outcome in decided.tried
    ]
    assert told == [
        ("delivered", ["parcel.status == 'delivered': False"], False),
        (
            "too_early",
            ["parcel.status != 'delivered': True", "parcel.days_late < 5: False", "customer.vip: False"],
            False,
        ),
        (
            "payable",
            [
                "parcel.status != 'delivered': True",
                "parcel.days_late >= 10: True",
                "customer.vip: False",
                "parcel.value <= 300: True",
                "today <= parcel.insured_until + 30: True",
            ],
            True,
        ),
    ]


@pytest.mark.parametrize(
    ("changes", "path", "branch"),
    [
        ({}, "collect?parcel_id/lookup~1/payable>paid", "payable>paid"),
        ({"given.parcel_id": True, "faults.lookup": 0}, "payable>paid", "payable>paid"),
        ({"parcel.value": 301}, "collect?parcel_id/lookup~1/by_hand>hand_over.reply", "by_hand>hand_over.reply"),
        ({"faults.lookup": 3}, "collect?parcel_id/lookup.exhausted>outage", "lookup.exhausted>outage"),
        ({"known.parcel_id": False}, "collect?parcel_id/collect.unknown>no_number", "collect.unknown>no_number"),
        ({"given.parcel_id": True, "known.parcel_id": False}, "lookup~1/payable>paid", "payable>paid"),
    ],
)
def test_facts_lead_down_one_path(changes: dict[str, Any], path: str, branch: str) -> None:
    way = trace(PARCEL, LATE | changes)
    assert (way.path, way.branch) == (path, branch)


def test_a_slot_told_at_the_first_question_is_not_asked_for_again() -> None:
    facts = {
        "order.size": "S",
        "today": "2026-03-01",
        "given.order_id": False,
        "given.email": False,
        "known.order_id": False,
        "known.email": True,
        "faults.search": 0,
    }
    assert trace(REASK, facts).path == "first?order_id+email/first.unknown/second?size/small>found"


def test_a_path_without_choices_is_called_by_its_reply() -> None:
    kinds = load(DATA / "kinds.yaml")
    assert [path.id for path in paths(kinds)] == ["done"]
    assert trace(kinds, {}).branch == "done"


def test_facts_under_which_two_arms_hold_are_an_error() -> None:
    flawed = load(DATA / "flawed.yaml")
    facts = {"order.status": "sent", "order.days": 0, "order.total": 501, "given.reason": True, "faults.lookup": 0}
    with pytest.raises(SopError, match=r"flawed.yaml:39: step 'state': 'early' and 'dear' of the decision hold;"):
        trace(flawed, facts)
    with pytest.raises(SopError, match="step 'state': no arm of the decision holds; exactly one must"):
        trace(flawed, facts | {"order.days": 6, "order.total": 1})


def assignments(sop: Sop) -> st.SearchStrategy[dict[str, Any]]:
    """Any facts within their domains, whatever the rules say."""
    return st.fixed_dictionaries({name: st.sampled_from(domain) for name, domain in values(sop).items()})


@pytest.mark.parametrize("sop", [PARCEL, REASK, TEXTBOOK], ids=lambda sop: sop.name)
@given(data=st.data())
@settings(deadline=None)
def test_any_facts_that_keep_the_rules_take_exactly_one_path(sop: Sop, data: st.DataObject) -> None:
    facts = data.draw(assignments(sop))
    assume(all(evaluate(rule, facts) for rule in sop.rules))
    way = trace(sop, facts)
    assert [path.id for path in paths(sop) if evaluate(path.constraint, facts)] == [way.path]
    assert [branch.id for branch in branches(sop) if evaluate(branch.constraint, facts)] == [way.branch]
    assert {step for step, node in reach(sop).items() if evaluate(node, facts)} == way.steps


@pytest.mark.parametrize("sop", [PARCEL, REASK, TEXTBOOK], ids=lambda sop: sop.name)
def test_the_witness_of_a_path_takes_it(sop: Sop) -> None:
    solver = Solver(sop)
    for path in paths(sop):
        facts = solver.find(path.constraint)
        assert facts is None or trace(sop, facts).path == path.id


def test_nothing_of_the_language_imports_the_solver_before_it_is_needed() -> None:
    modules = ("loader", "trace", "paths", "obligations", "coverage", "lint", "solver")
    imports = "; ".join(f"import samescore.suites.sop.{name}" for name in modules)
    code = f"import sys; {imports}; print('z3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
