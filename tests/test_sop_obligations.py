"""Obligations, their witnesses, and coverage."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from samescore.suites.sop.coverage import coverage
from samescore.suites.sop.expression import And, Atom, Node, Not, Or, atoms, evaluate
from samescore.suites.sop.loader import load
from samescore.suites.sop.model import Sop
from samescore.suites.sop.obligations import Criterion, Feasibility, met, obligations, sensitive
from samescore.suites.sop.paths import branches
from samescore.suites.sop.solver import Solver, lawful, values
from samescore.suites.sop.trace import trace

DATA = Path(__file__).with_name("data") / "sop"
PARCEL, REASK, TEXTBOOK, KINDS = (load(DATA / f"{name}.yaml") for name in ("parcel", "reask", "textbook", "kinds"))


def witnesses(entries: Iterable[Feasibility]) -> dict[str, dict[str, Any] | None]:
    return {entry.obligation.id: None if entry.witness is None else dict(entry.witness) for entry in entries}


@pytest.mark.parametrize("sop", [PARCEL, REASK, TEXTBOOK], ids=lambda sop: sop.name)
def test_every_witness_meets_its_obligation(sop: Sop) -> None:
    found = obligations(sop, "mcdc")
    assert len({entry.obligation.id for entry in found}) == len(found)
    for entry in found:
        if entry.witness is not None:
            assert met(sop, entry.obligation, entry.witness, trace(sop, entry.witness)), entry.obligation.id


@pytest.mark.parametrize("sop", [REASK, TEXTBOOK], ids=lambda sop: sop.name)
def test_what_is_infeasible_no_facts_at_all_meet(sop: Sop) -> None:
    domains = values(sop) | {"today": ["2026-03-01"]}
    every = [dict(zip(domains, drawn, strict=True)) for drawn in product(*domains.values())]
    lawful = [(facts, trace(sop, facts)) for facts in every if all(evaluate(rule, facts) for rule in sop.rules)]
    for entry in obligations(sop, "mcdc"):
        shown = any(met(sop, entry.obligation, facts, way) for facts, way in lawful)
        assert shown == (entry.witness is not None), entry.obligation.id


def test_each_criterion_includes_the_ones_before_it() -> None:
    branch, boundary, mcdc = (obligations(PARCEL, criterion) for criterion in ("branch", "boundary", "mcdc"))
    assert [len(branch), len(boundary), len(mcdc)] == [15, 23, 41]
    assert boundary[: len(branch)] == branch and mcdc[: len(boundary)] == boundary


def test_obligations_have_stable_readable_ids() -> None:
    ids = list(witnesses(obligations(PARCEL, "mcdc")))
    assert ids[:6] == [f"branch:{branch.id}" for branch in branches(PARCEL)]
    assert [i for i in ids if i.startswith("ask:")] == [
        "ask:collect:-",
        "ask:collect:parcel_id",
        "ask:collect:email",
        "ask:collect:parcel_id+email",
        "ask:collect:parcel_id:unknown",
    ]
    assert [i for i in ids if i.startswith("retry:")] == [f"retry:lookup:{times}" for times in range(4)]
    assert "boundary:late_enough.too_early:parcel.days_late<5:at 4" in ids
    assert "boundary:late_enough.payable:today<=parcel.insured_until+30:at parcel.insured_until + 31" in ids
    assert "mcdc:late_enough.too_early:2:true" in ids


def test_a_witness_is_the_smallest_facts_in_the_order_of_the_file() -> None:
    found = witnesses(obligations(PARCEL, "mcdc"))
    smallest = {
        "parcel.status": "in_transit",
        "parcel.days_late": 0,
        "parcel.value": 1,
        "parcel.insured_until": "2026-01-01",
        "customer.vip": False,
        "today": "2026-03-01",
        "given.parcel_id": False,
        "given.email": False,
        "known.parcel_id": True,
        "faults.lookup": 0,
    }
    assert found["branch:too_early>wait"] == smallest
    assert found["boundary:late_enough.payable:parcel.value<=300:at 301"] == smallest | {
        "parcel.value": 301,
        "parcel.insured_until": "2026-01-30",  # the first day that 30 days bring to March
        "customer.vip": True,
    }
    assert found["mcdc:late_enough.payable:2:true"] == smallest | {
        "parcel.days_late": 10,
        "parcel.insured_until": "2026-01-30",
    }
    assert found["retry:lookup:3"] == smallest | {"faults.lookup": 3}


def test_witnesses_do_not_depend_on_what_was_solved_before() -> None:
    before = obligations(PARCEL, "mcdc")
    goals = [And((branch.constraint, Not(Atom("customer.vip")))) for branch in branches(PARCEL)]
    solver, fresh = Solver(PARCEL), [Solver(PARCEL).find(goal) for goal in goals]
    solver.core([Atom("customer.vip"), Not(Atom("customer.vip"))])
    for goal in reversed(goals):
        solver.possible(goal, Atom("parcel.days_late", ">", 33))
        solver.find(goal, Atom("parcel.value", ">", 33))
    assert [solver.find(goal) for goal in goals] == fresh
    assert obligations(PARCEL, "mcdc") == before


def test_a_comparison_that_cannot_decide_alone_is_only_brought_to_its_edge(tmp_path: Path) -> None:
    path = tmp_path / "masked.yaml"
    text = (DATA / "parcel.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("parcel.days_late < 5 and", "parcel.days_late < 5 and parcel.days_late < 4 and"))
    found = {entry.obligation.id: entry for entry in obligations(load(path), "boundary")}
    masked = found["boundary:late_enough.too_early:parcel.days_late<5:at 5"]
    assert masked.witness is not None and masked.witness["parcel.days_late"] == 5
    assert masked.obligation.description == "parcel.days_late < 5 at 5 in too_early, where other facts decide"
    alone = found["boundary:late_enough.too_early:parcel.days_late<4:at 4"]
    assert alone.obligation.description == "parcel.days_late < 4 at 4 alone decides too_early"


def test_the_edges_of_an_equality_are_on_both_sides_of_it(tmp_path: Path) -> None:
    path = tmp_path / "equal.yaml"
    text = (DATA / "parcel.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("parcel.days_late < 5 and", "parcel.days_late == 5 and"))
    edges = [i for i in witnesses(obligations(load(path), "boundary")) if "days_late==5" in i]
    assert [i.rsplit(":", 1)[1] for i in edges] == ["at 4", "at 5", "at 6"]


# MC/DC: the textbook example, and the definition.


def test_a_and_b_or_c_is_shown_by_the_textbook_vectors() -> None:
    found = witnesses(obligations(TEXTBOOK, "mcdc"))
    vectors = {}
    for number, letter in enumerate("abc", start=1):
        for value in ("true", "false"):
            witness = found[f"mcdc:choose.holds:{number}:{value}"]
            assert witness is not None
            vectors[letter, value] = tuple("ft"[witness[f"x.{name}"]] for name in "abc")
    assert {key: "".join(vector) for key, vector in vectors.items()} == {
        ("a", "true"): "tft",
        ("a", "false"): "fft",
        ("b", "true"): "ttf",
        ("b", "false"): "tff",
        ("c", "true"): "tft",
        ("c", "false"): "tff",
    }


def test_an_atom_that_others_always_mask_has_infeasible_obligations() -> None:
    found = witnesses(obligations(TEXTBOOK, "mcdc"))
    # x.a or (x.a and x.b): the second x.a matters only where the first is false, and then it is false as well;
    # x.b matters only where the second is true and the first is not, which is nowhere.
    assert [i for i, witness in found.items() if witness is None] == [
        "mcdc:again.masked:2:true",
        "mcdc:again.masked:3:true",
        "mcdc:again.masked:3:false",
    ]


def trees() -> st.SearchStrategy[Node]:
    leaves: st.SearchStrategy[Node] = st.sampled_from([Atom(f"x.{name}") for name in "abc"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=3).map(lambda nodes: And(tuple(nodes))),
            st.lists(inner, min_size=2, max_size=3).map(lambda nodes: Or(tuple(nodes))),
        ),
        max_leaves=8,
    )


def outcome(node: Node, truths: list[bool]) -> bool:
    """The value of a tree whose atoms, from left to right, have these values. Consumes `truths`."""
    match node:
        case Atom():
            return truths.pop(0)
        case Not(operand):
            return not outcome(operand, truths)
        case And(operands):
            held = [outcome(operand, truths) for operand in operands]
            return all(held)
        case Or(operands):
            held = [outcome(operand, truths) for operand in operands]
            return any(held)


@given(trees(), st.fixed_dictionaries({f"x.{name}": st.booleans() for name in "abc"}))
def test_an_atom_is_unmasked_exactly_where_flipping_it_flips_the_outcome(node: Node, facts: dict[str, bool]) -> None:
    truths = [evaluate(atom, facts) for atom in atoms(node)]
    for index in range(len(truths)):
        flipped = [truth != (place == index) for place, truth in enumerate(truths)]
        assert evaluate(sensitive(node, index), facts) == (outcome(node, truths[:]) != outcome(node, flipped))


# Witnesses against brute force: every assignment, in the order in which witnesses are preferred.

_SMALL = {name: domain[:3] for name, domain in values(KINDS).items() if name not in ("b.flag", "a.state", "a.day")}
_EVERY = [dict(zip(_SMALL, drawn, strict=True)) for drawn in product(*_SMALL.values())]
_REST = {name: domain[0] for name, domain in values(KINDS).items() if name not in _SMALL}
_LEAVES: list[Node] = [
    Atom("a.flag"),
    Atom("a.count", "<", 1),
    Atom("a.count", "!=", -1),
    Atom("b.count", ">=", 1),
    Atom("a.price", "==", 2),
    Atom("b.state", "==", "new"),
]
_PINNED: Node = And((Atom("a.count", "<=", 1), Atom("a.price", "<=", 3), Atom("b.count", "<=", 2)))


@given(
    st.recursive(
        st.sampled_from(_LEAVES),
        lambda inner: st.one_of(
            inner.map(Not),
            st.tuples(inner, inner).map(And),
            st.tuples(inner, inner).map(Or),
        ),
        max_leaves=6,
    )
)
@settings(deadline=None)
def test_no_smaller_facts_satisfy_what_a_witness_satisfies(node: Node) -> None:
    found = Solver(KINDS).find(node, _PINNED)
    first = next((facts for facts in _EVERY if evaluate(And((node, _PINNED)), facts | _REST)), None)
    assert found == (None if first is None else first | _REST)


@given(st.lists(st.sampled_from([*_LEAVES, *map(Not, _LEAVES)]), min_size=1, max_size=8))
@settings(deadline=None)
def test_a_core_is_impossible_and_every_part_of_it_is_needed(nodes: list[Node]) -> None:
    solver = Solver(KINDS)
    if not solver.possible(*nodes):
        core = [nodes[place] for place in solver.core(nodes)]
        assert not solver.possible(*core)
        for place in range(len(core)):
            assert solver.possible(*core[:place], *core[place + 1 :])


def test_essential_facts_are_enough_whatever_the_others_are() -> None:
    solver = Solver(KINDS)
    goal = Or((And((Atom("a.flag"), Atom("a.count", ">=", 1))), Atom("b.flag")))
    witness = solver.find(goal, Not(Atom("b.flag")))
    assert witness is not None and solver.essential(witness, goal) == {"a.flag": True, "a.count": 1}


# Coverage.


@pytest.mark.parametrize("criterion", ["branch", "boundary", "mcdc"])
def test_the_witnesses_cover_everything_feasible(criterion: Criterion) -> None:
    cases = [entry.witness for entry in obligations(REASK, criterion) if entry.witness is not None]
    report = coverage(REASK, cases, criterion)
    assert not report.uncovered and report.total.covered == len(report.covered) > 0
    assert sum(report.branches.values()) == len(cases)


def test_coverage_counts_what_is_missing_and_lists_the_infeasible_apart() -> None:
    cases = [entry.witness for entry in obligations(TEXTBOOK, "branch") if entry.witness is not None]
    report = coverage(TEXTBOOK, cases[:1], "mcdc")
    assert report.branches["holds>yes"] == 1 and sum(report.branches.values()) == 1
    told = report.to_json()
    total = told["total"]
    assert total["covered"] + len(told["uncovered"]) == total["feasible"]
    assert total["infeasible"] == len(told["infeasible"]) == 3
    assert told["kinds"]["branch"] == {"covered": 1, "feasible": 3, "infeasible": 0}


def test_no_cases_cover_nothing() -> None:
    report = coverage(PARCEL, [], "branch")
    assert report.total.covered == 0 and set(report.branches.values()) == {0}


SETTLED = {sop.name: obligations(sop, "mcdc") for sop in (PARCEL, REASK, TEXTBOOK)}


@pytest.mark.parametrize("sop", [PARCEL, REASK, TEXTBOOK], ids=lambda sop: sop.name)
@given(data=st.data())
@settings(deadline=None, max_examples=15)
def test_what_cases_cover_is_what_they_meet_of_what_can_be_met(sop: Sop, data: st.DataObject) -> None:
    """By definition, every obligation settled by the solver; also where a case breaks a rule or leaves its domain."""
    known = [dict(entry.witness) for entry in SETTLED[sop.name] if entry.witness is not None]
    cases = data.draw(st.lists(st.sampled_from(known), max_size=6))
    for name, unlawful in (("parcel.value", 10**6), ("parcel.days_late", -1)):
        if cases and name in cases[0] and data.draw(st.booleans()):
            cases = [*cases, {**cases[0], name: unlawful}]
    traced = [(facts, trace(sop, facts)) for facts in cases]
    shown = {
        entry.obligation: any(met(sop, entry.obligation, facts, way) for facts, way in traced)
        for entry in SETTLED[sop.name]
        if entry.witness is not None
    }
    report = coverage(sop, cases, "mcdc")
    assert report.covered == tuple(obligation for obligation, is_met in shown.items() if is_met)
    assert report.uncovered == tuple(obligation for obligation, is_met in shown.items() if not is_met)
    assert report.infeasible == tuple(entry.obligation for entry in SETTLED[sop.name] if entry.witness is None)


def test_facts_are_lawful_within_their_domains_and_by_the_rules() -> None:
    (first, *_) = (dict(entry.witness) for entry in SETTLED["parcel"] if entry.witness is not None)
    assert lawful(PARCEL, first)
    for name, value in {
        "parcel.value": 10**6,
        "parcel.days_late": -1,
        "parcel.status": "stolen",
        "customer.vip": 1,
        "today": "2031-01-01",
    }.items():
        assert not lawful(PARCEL, {**first, name: value}), name
    assert all(lawful(sop, facts) for sop in (PARCEL, REASK) for facts in _lawful_of(sop))


def _lawful_of(sop: Sop) -> list[dict[str, Any]]:
    return [dict(entry.witness) for entry in SETTLED[sop.name] if entry.witness is not None]
