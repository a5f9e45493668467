"""Conditions: how they parse, what they refuse, how they evaluate and how they read in thinking."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from samescore.harness.errors import SopError
from samescore.suites.sop.expression import And, Atom, Node, Not, Or, Shifted, atoms, evaluate
from samescore.suites.sop.loader import load
from samescore.suites.sop.parser import parse
from samescore.suites.sop.solver import Solver, equations, values

DATA = Path(__file__).with_name("data") / "sop"
KINDS = load(DATA / "kinds.yaml")
PARCEL = load(DATA / "parcel.yaml")
WHERE = "parcel.yaml:31: step 'late'"

FACTS = {
    "parcel.status": "lost",
    "parcel.days_late": 45,
    "parcel.value": 250,
    "parcel.insured_until": "2026-02-28",
    "customer.vip": False,
    "today": "2026-03-30",
}


def root(text: str) -> Node:
    return parse(text, PARCEL.facts, WHERE).root


LATE, VIP = Atom("parcel.days_late", "<", 5), Atom("customer.vip")
STATUS = Atom("parcel.status", "==", "lost")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("parcel.days_late < 5", LATE),
        ("5 > parcel.days_late", LATE),
        ("parcel.days_late + 10 < 15", LATE),
        ("parcel.days_late - 2 < 3", LATE),
        ("parcel.days_late >= -5", Atom("parcel.days_late", ">=", -5)),
        ("customer.vip", VIP),
        ("customer.vip == true", VIP),
        ("customer.vip != true", Not(VIP)),
        ("customer.vip == false", Not(VIP)),
        ("false != customer.vip", VIP),
        ("parcel.status == 'lost'", STATUS),
        ('"lost" == parcel.status', STATUS),
        ("today <= 2026-05-31", Atom("today", "<=", date(2026, 5, 31))),
        ("today <= '2026-05-31'", Atom("today", "<=", date(2026, 5, 31))),
        ("today - 1 <= 2026-02-28", Atom("today", "<=", date(2026, 3, 1))),
        ("today <= parcel.insured_until + 30", Atom("today", "<=", Shifted("parcel.insured_until", 30))),
        ("today - 10 <= parcel.insured_until + 20", Atom("today", "<=", Shifted("parcel.insured_until", 30))),
        ("not customer.vip and parcel.days_late < 5", And((Not(VIP), LATE))),
        ("not (customer.vip and parcel.days_late < 5)", Not(And((VIP, LATE)))),
        ("not parcel.days_late < 5", Not(LATE)),
        (
            "customer.vip or parcel.days_late < 5 and parcel.status == 'lost'",
            Or((VIP, And((LATE, STATUS)))),
        ),
        ("0 <= parcel.days_late < 5", And((Atom("parcel.days_late", ">=", 0), LATE))),
    ],
)
def test_conditions_parse_to_one_normal_form(text: str, tree: Node) -> None:
    assert root(text) == tree


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parcel.days_late < 30.5", " compares parcel.days_late with 30.5; the fact is an int. Write 30."),
        (
            "parcel.days_late < '30'",
            " compares parcel.days_late with '30'; the fact is an int. Write 30, without quotes.",
        ),
        (
            "parcel.status == 'losst'",
            " compares parcel.status with 'losst'; the fact is an enum of in_transit, delivered, lost. "
            "Did you mean 'lost'?",
        ),
        ("parcel.status == lost", " names lost, which is no fact but a value of parcel.status. Write 'lost'."),
        (
            "parcel.days_lat < 5",
            " names the fact parcel.days_lat, which is not declared. Did you mean parcel.days_late?",
        ),
        ("days_late < 5", " names the fact days_late, which is not declared. Did you mean parcel.days_late?"),
        (
            "parcel.days_late",
            " uses parcel.days_late as a condition; the fact is an int. Compare it, such as `parcel.days_late >= 0`.",
        ),
        (
            "parcel.days_late < parcel.value",
            " compares parcel.days_late with parcel.value; the first is an int, the second money in whole units. "
            "Compare facts of one type.",
        ),
        (
            "parcel.status < 'lost'",
            " orders parcel.status with `<`; the fact is an enum of in_transit, delivered, lost. Write `==` or `!=`.",
        ),
        ("customer.vip > false", " orders customer.vip with `>`; the fact is a boolean. Write `==` or `!=`."),
        (
            "customer.vip == 1",
            " compares customer.vip with 1; the fact is a boolean. Write `customer.vip` or `not customer.vip`.",
        ),
        (
            "parcel.id == 'P-12345'",
            " branches on parcel.id; the fact is an id, which is drawn from a pool and never branched on. "
            "Declare it as an enum, or branch on another fact.",
        ),
        ("today < 2026-02-30", " compares with 2026-02-30, which is no day of the calendar. Write YYYY-MM-DD."),
        (
            "today < 'soon'",
            " compares today with 'soon'; the fact is a date. Write a value of that type, such as 2026-03-01.",
        ),
        ("today - 9999999 < 2026-05-01", " shifts today by 9999999 days, out of the calendar. Write a smaller number."),
        (
            "parcel.status + 1 == 'lost'",
            " adds 1 to parcel.status; the fact is an enum of in_transit, delivered, lost. Only "
            "ints, money and dates can be shifted.",
        ),
        ("3 < 5", " compares 3 with 5, two constants. Compare a fact."),
        ("true", " has true where a condition is expected. Compare it with a fact."),
        ("parcel.days_late = 5", ": cannot read '=' at column 18 of `parcel.days_late = 5`. Write `==`."),
        ("(customer.vip", ": `(customer.vip`: expected `)` at column 14, found the end. Correct it."),
        (
            "customer.vip customer.vip",
            ": `customer.vip customer.vip`: expected `and`, `or` or the end at column 14, found 'customer.vip'. "
            "Correct it.",
        ),
        (
            "customer.vip and",
            ": `customer.vip and`: expected a fact or a literal at column 17, found the end. Correct it.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_place_and_remedy(text: str, message: str) -> None:
    with pytest.raises(SopError) as error:
        root(text)
    assert str(error.value) == WHERE + message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("parcel.days_late < 5", "days_late 45 < 5: no"),
        ("not customer.vip", "vip false: no"),
        ("parcel.status == 'lost'", "status lost == lost: yes"),
        ("today <= parcel.insured_until + 30", "today 2026-03-30 <= 2026-03-30: yes"),
        ("parcel.insured_until >= 2026-03-01", "insured_until 2026-02-28 >= 2026-03-01: no"),
        ("300 >= parcel.value", "value 250 <= 300: yes"),
    ],
)
def test_an_atom_reads_as_a_line_of_thinking(text: str, words: str) -> None:
    (atom,) = atoms(root(text))
    assert atom.in_words(FACTS) == words


def test_date_offsets_cross_the_end_of_a_month() -> None:
    condition = parse("today == parcel.insured_until + 1", PARCEL.facts, WHERE)
    assert evaluate(condition, FACTS | {"parcel.insured_until": "2028-02-28", "today": "2028-02-29"})
    assert not evaluate(condition, FACTS | {"parcel.insured_until": "2028-02-28", "today": "2028-03-01"})


def test_a_condition_keeps_its_text_and_repeated_atoms() -> None:
    condition = parse("customer.vip or (not customer.vip and parcel.days_late < 5)", PARCEL.facts, WHERE, 7)
    assert (condition.text, condition.line) == ("customer.vip or (not customer.vip and parcel.days_late < 5)", 7)
    assert condition.atoms == (VIP, VIP, LATE)


# Laws over random conditions of every type.

ORDER = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
EQUAL = st.sampled_from(["==", "!="])
SMALL = st.integers(-2, 5)
DAYS = st.sampled_from(["2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01", "2026-03-04"])


def texts(*parts: str | st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """Random parts, joined by spaces."""
    strategies = [st.just(part) if isinstance(part, str) else part for part in parts]
    return st.tuples(*strategies).map(lambda drawn: " ".join(map(str, drawn)))


COMPARISONS = st.one_of(
    st.sampled_from(["a.flag", "b.flag"]),
    texts("a.flag", EQUAL, "b.flag"),
    texts(st.sampled_from(["a.count", "b.count", "a.price"]), ORDER, SMALL),
    texts(SMALL, ORDER, "a.price"),
    texts("a.count", st.sampled_from("+-"), st.integers(0, 2), ORDER, "b.count"),
    texts(SMALL, ORDER, "a.count", ORDER, "b.count"),
    texts("a.state", EQUAL, st.sampled_from(["'new'", "'used'", "'broken'"])),
    texts("a.state", EQUAL, "b.state"),
    texts("a.day", ORDER, DAYS),
    texts(DAYS, ORDER, "today", st.sampled_from("+-"), st.integers(0, 3)),
    texts("today", ORDER, "a.day", st.sampled_from("+-"), st.integers(0, 3)),
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        texts("not", inner),
        texts("(", inner, ")"),
        texts(inner, st.sampled_from(["and", "or"]), inner),
    ),
    max_leaves=6,
)


ASSIGNMENTS = st.fixed_dictionaries({name: st.sampled_from(domain) for name, domain in values(KINDS).items()})


def as_python(text: str, facts: dict[str, Any]) -> bool:
    """What Python makes of a condition's text: an oracle that shares no code with the parser. Days become ordinals."""

    def ordinal(value: Any) -> Any:
        return date.fromisoformat(value).toordinal() if re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)) else value

    names: dict[str, Any] = {"a": SimpleNamespace(), "b": SimpleNamespace(), "today": ordinal(facts["today"])}
    for name, value in facts.items():
        if "." in name:
            setattr(names[name[0]], name[2:], ordinal(value))
    return bool(eval(re.sub(r"\d{4}-\d\d-\d\d", lambda day: str(ordinal(day[0])), text), names))


@given(CONDITIONS, ASSIGNMENTS)
def test_a_condition_means_what_it_means_in_python(text: str, facts: dict[str, Any]) -> None:
    assert evaluate(parse(text, KINDS.facts, WHERE), facts) == as_python(text, facts)


@given(st.lists(CONDITIONS, min_size=1, max_size=4), ASSIGNMENTS)
@settings(deadline=None)
def test_the_solver_agrees_with_evaluation(conditions: list[str], facts: dict[str, Any]) -> None:
    solver = Solver(KINDS)
    for text in conditions:
        condition = parse(text, KINDS.facts, WHERE)
        assert solver.possible(condition.root, *equations(KINDS, facts)) == evaluate(condition, facts)


@given(COMPARISONS)
def test_an_atom_reads_back_as_itself(text: str) -> None:
    for atom in parse(text, KINDS.facts, WHERE).atoms:
        assert parse(atom.text, KINDS.facts, WHERE).root == atom


@given(st.text(alphabet="ab.flagcount today=<>!()'-+0123456789andort", max_size=30))
def test_any_other_text_is_an_error_and_no_crash(text: str) -> None:
    try:
        parse(text, KINDS.facts, WHERE)
    except SopError as error:
        assert str(error).startswith(WHERE)
