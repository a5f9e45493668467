"""What each scorer says of a trajectory: its value, the reason a person reads, and the evidence for it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toy_world

from samescore.harness import scorers
from samescore.harness.case import CallPattern, Case, Ending, Expectation, ExpectedCall, Guard
from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.facts import AnswerFact
from samescore.harness.matching import Matcher, exact
from samescore.harness.mutants import Mutant
from samescore.harness.scorer import PASS, Scorer
from samescore.harness.scorers import BASIC, RUBRIC, SCORERS, scorer_named
from samescore.harness.tools import Tool, Toolset
from samescore.harness.types import (
    Attempt,
    Call,
    Change,
    Completion,
    Effect,
    Message,
    Observation,
    Outcome,
    Score,
    Step,
    Stop,
    Trajectory,
    Turn,
)
from samescore.harness.view import View

BOOK = {"book_id": "B-1000"}
LOOK, WAIVE = Call("get_loan", BOOK), Call("waive_fee", {**BOOK, "amount": 3})
MALFORMED = Attempt((0, 0))
DONE = "Done: we waived $3 for book B-1000."


def case(gold: Sequence[Message] = (), **expectation: Any) -> Case:
    """A toy case with an expectation of its own."""
    base = toy_world.case(0)
    return replace(base, gold=tuple(gold) or base.gold, expectation=Expectation(**expectation))


def called(*calls: Call | Attempt, outcomes: Sequence[Outcome] = (), content: str = "", thinking: str = "") -> Step:
    """A turn with calls and what came of them; all went well unless said otherwise."""
    attempts = tuple(one if isinstance(one, Attempt) else Attempt((0, 0), one) for one in calls)
    seen = tuple(
        Observation(call, outcomes[index] if outcomes else Outcome.OK, "null")
        for index, call in enumerate(attempt.call for attempt in attempts)
        if call is not None
    )
    return Step(Turn(Completion(""), thinking=thinking or None, content=content, attempts=attempts), seen)


def said(content: str, asked: tuple[str, ...] = (), reply: str | None = None, thinking: str = "") -> Step:
    """A turn of words, and what the user makes of it."""
    return Step(Turn(Completion(""), thinking=thinking or None, content=content), asked=asked, reply=reply)


def score(name: str, case: Case, *steps: Step, stop: Stop = Stop.ANSWERED, **end: Any) -> Score | None:
    return scorer_named(name)(case, Trajectory(steps, stop, **end))


def expected(*calls: Call, id: str = "abcdef", **more: Any) -> tuple[ExpectedCall, ...]:
    return tuple(
        ExpectedCall(id, call.name, {name: exact(value) for name, value in call.arguments.items()}, **more)
        for id, call in zip(id, calls, strict=False)
    )


def test_every_difference_of_the_arguments_is_named() -> None:
    want = ExpectedCall(
        "a", "f", {"x": exact(1), "y": Matcher("any_of", ["u", "v"])}, {"note": exact("ok"), "n": exact(2)}
    )
    other = ExpectedCall("b", "g", {"x": exact(1)})
    call = Call("f", {"x": 1.0, "note": "no", "n": 2, "z": None})
    found = score("arguments", case(calls=(want, other)), called(call, Call("g", {"x": 1})))
    words = (
        "f: x is 1.0, expected 1; f: y is missing, expected 'u' or 'v'; "
        "f: note is 'no', expected 'ok' or nothing; f: z should not be given, found None"
    )
    assert found == Score(0.5, words, {"wrong": ["a"]})


def test_arguments_of_calls_that_were_not_made_or_not_expected_are_counted() -> None:
    one = case(calls=expected(LOOK, WAIVE))
    assert score("arguments", one, called(LOOK, WAIVE)) == PASS
    assert score("arguments", one, called(LOOK)) == Score(0.5, "calls missing: 1, without need: 0", {"wrong": []})
    assert score("arguments", one, called(LOOK, WAIVE, Call("x", {}), LOOK)) == Score(
        0.5, "calls missing: 0, without need: 2", {"wrong": []}
    )
    assert score("arguments", case(), called(LOOK)) is None


def test_tool_names_are_counted_where_one_is_missing_or_too_many() -> None:
    one = case(calls=expected(LOOK, LOOK, WAIVE, Call("x", {})))
    assert score("tool_name", one, called(LOOK, MALFORMED, Call("y", {}), Call("y", {}), Call("z", {}))) == Score(
        0.2,
        "waive_fee, x not called; get_loan called 1 of 2 times; 2 x y, z called without need",
        {"missing": ["get_loan", "waive_fee", "x"], "extra": ["y", "y", "z"]},
    )
    assert score("tool_name", case(), called(MALFORMED)) == Score(0.0, "a malformed call", {"missing": [], "extra": []})
    assert score("tool_name", case(), said("Hello.")) == PASS


def test_calls_are_valid_under_the_full_schema_of_a_tool_that_exists() -> None:
    one = case(calls=expected(LOOK))
    steps = [called(LOOK, MALFORMED), called(Call("fly", {}), Call("get_loan", {}), LOOK)]
    assert score("schema", one, *steps) == Score(
        0.4,
        'a malformed call; there is no tool fly; get_loan: "book_id" is a required property',
        {"invalid": 3},
    )
    assert score("schema", one, said("Hello.")) == Score(0.0, "no call was made")
    assert score("schema", replace(one, expectation=replace(one.expectation, matching="bfcl")), *steps) is None


ROW = {"book_id": "B-1000", "fee": 3, "days_late": 0}
WAIVED = Change("loans", "B-1000", ROW, ROW | {"fee": 0})
GONE, CAME = Change("loans", "B-1", ROW, None), Change("loans", "B-2", None, {"fee": 1})
FEE_WAIVED = "loans B-1000: fee went from 3 to 0"


def test_changes_of_the_world_are_compared_where_the_case_says_what_they_are() -> None:
    one = case(changes=(WAIVED, GONE))
    assert score("execution", one, changes=(WAIVED, GONE)) == PASS
    faults = [f"missing: {FEE_WAIVED}", "missing: loans B-1 was removed", "unexpected: loans B-2 was added (fee 1)"]
    assert score("execution", one, changes=(CAME,)) == Score(0.0, "; ".join(faults), {"faults": faults})
    faults = ["unexpected: loans B-2 was added (fee 1)"]
    assert score("execution", one, changes=(WAIVED, GONE, CAME)) == Score(0.0, faults[0], {"faults": faults})
    assert score("execution", case(effects=()), changes=(CAME,)) == PASS


def test_effects_are_compared_in_any_order_where_the_case_says_what_they_are() -> None:
    paid, mailed = Effect("paid", {"amount": 1}), Effect("mailed", {"to": "x"})
    one = case(effects=(paid, mailed))
    assert score("execution", one, effects=(mailed, paid)) == PASS
    for effects, words in (
        ((paid,), "effects paid, expected mailed, paid"),
        ((), "effects none, expected mailed, paid"),
        ((paid, mailed, paid), "effects mailed, paid, paid, expected mailed, paid"),
        ((paid, Effect("mailed", {"to": "y"})), "an effect differs in its data"),
    ):
        assert score("execution", one, effects=effects) == Score(0.0, words, {"faults": [words]})
    assert score("execution", case(effects=()), effects=(paid,)) == Score(
        0.0, "effects paid, expected none", {"faults": ["effects paid, expected none"]}
    )
    assert score("execution", case(changes=()), effects=(paid,)) == PASS


def test_facts_are_looked_for_in_the_reply_alone() -> None:
    stated, unwanted = AnswerFact("waived", "3.00 USD"), AnswerFact("book_id", "B-1000")
    assert score("execution", case(facts=(stated,)), said(DONE)) == PASS
    assert score("execution", case(effects=(), unwanted=(unwanted,)), said("Done.")) == PASS
    found = score("execution", case(effects=(), unwanted=(unwanted,)), said(DONE))
    assert found is not None and found.reason == "book_id B-1000 must not be stated"
    found = score("execution", case(facts=(stated,), unwanted=(unwanted,)), said("It is book B-1000."))
    assert found is not None
    assert found.evidence["faults"][0].startswith("waived 3.00 USD not stated: ")
    assert found.evidence["faults"][1:] == ["book_id B-1000 must not be stated"]
    for one in (case(facts=(stated,)), case(effects=(), unwanted=(unwanted,))):
        silent = score("execution", one, called(LOOK, content=DONE), stop=Stop.MAX_TURNS)
        assert silent == Score(0.0, "no final reply", {"faults": ["no final reply"]})
    assert score("execution", case(effects=()), called(LOOK), stop=Stop.MAX_TURNS) == PASS
    assert score("execution", case(unwanted=(unwanted,)), said(DONE)) is None


def test_forbidden_calls_and_effects_without_need_are_named() -> None:
    paid, mailed = Effect("paid", {"amount": 1}), Effect("mailed", {"to": "x"})
    one = case(
        forbidden=(CallPattern("waive_fee"), CallPattern("get_loan", {"book_id": exact("B-1")})), effects=(paid,)
    )
    assert score("restraint", one, called(LOOK), effects=(paid,)) == PASS
    assert score("restraint", one, called(LOOK), effects=()) == PASS
    faults = [
        *["forbidden call of waive_fee"] * 2,
        "forbidden call of get_loan",
        "duplicate effect paid",
        "unexpected effect mailed",
        "duplicate effect paid",
    ]
    steps = [called(WAIVE, MALFORMED, LOOK), called(Call("get_loan", {"book_id": "B-1"}), WAIVE)]
    found = score("restraint", one, *steps, effects=(paid, paid, mailed, paid))
    assert found == Score(0.0, "; ".join(faults), {"faults": faults})
    assert score("restraint", case(effects=(paid, mailed, paid)), effects=(paid, paid, mailed)) == PASS
    assert score("restraint", case(effects=(paid, paid)), effects=(paid, paid, paid)) == Score(
        0.0, "duplicate effect paid", {"faults": ["duplicate effect paid"]}
    )
    assert score("restraint", case(forbidden=(CallPattern("waive_fee"),)), effects=(mailed,)) == PASS
    assert score("restraint", case(changes=())) is None


def test_nothing_confidential_is_told_in_any_turn_of_the_models() -> None:
    one = case(confidential=("K-77-341", "Mai"))
    steps = [said("The key is K 77 341, Mai."), called(LOOK, content="Hello Mai.", thinking="K-77-341"), said("Done.")]
    faults = [
        "turn 1 gives away 'K-77-341', which is confidential",
        "turn 1 gives away 'Mai', which is confidential",
        "turn 2 gives away 'Mai', which is confidential",
    ]
    assert score("restraint", one, *steps) == Score(0.0, "; ".join(faults), {"faults": faults})
    assert score("restraint", replace(one, prefix=1), *steps) == Score(0.0, faults[2], {"faults": faults[2:]})


ASKING = "Could you share the book number?"


def test_what_was_asked_for_is_exactly_what_was_missing() -> None:
    one = case(asks=("book_id", "waived"), ending=Ending.ANSWER)
    assert score("outcome", one, said(ASKING, ("waived", "book_id"), "B-1"), said(DONE)) == PASS
    assert score("outcome", one, said(DONE)) == Score(
        0.0, "did not ask for book_id, waived", {"asked": [], "wanted": ["book_id", "waived"]}
    )
    other = case(asks=("waived",), ending=Ending.ANSWER)
    assert score("outcome", other, said(ASKING, ("book_id", "name"), "B-1"), said(DONE)) == Score(
        0.0,
        "did not ask for waived; asked for book_id, name without need",
        {"asked": ["book_id", "name"], "wanted": ["waived"]},
    )


def test_a_question_beside_a_call_is_asked_though_the_user_does_not_answer() -> None:
    one = case(ending=Ending.ANSWER)
    wanted: dict[str, Any] = {"asked": ["book_id"], "wanted": []}
    assert score("outcome", one, called(LOOK, content=ASKING), said(DONE)) == Score(
        0.0, "asked for book_id without need", wanted
    )
    assert score("outcome", one, called(LOOK), said(ASKING), said(DONE)) == PASS, "the user heard no question"


def test_the_conversation_ends_as_the_case_demands_in_the_users_language() -> None:
    answer, refuse = case(ending=Ending.ANSWER), case(ending=Ending.REFUSE)
    sorry = "We are sorry, but we cannot waive this fee."
    assert score("outcome", answer, said(DONE)) == PASS == score("outcome", refuse, said(sorry))
    assert score("outcome", answer, said(sorry)) == Score(
        0.0, "the request was refused, and must not be", {"refused": True}
    )
    assert score("outcome", refuse, said(DONE)) == Score(
        0.0, "the request must be refused, and was not", {"refused": False}
    )
    vietnamese = "Dạ em đã miễn phí cho sách này rồi ạ."
    assert score("outcome", answer, called(LOOK, content=vietnamese), said(DONE)) == Score(
        0.0, "wrote Vietnamese, the user English", {"language": "vi"}
    )
    assert score("outcome", answer, said("...")) == Score(
        0.0, "wrote no language that can be told, the user English", {"language": None}
    )
    assert score("outcome", replace(answer, locale="vi"), said(DONE)) == Score(
        0.0, "wrote English, the user Vietnamese", {"language": "en"}
    )
    assert score("outcome", replace(answer, prefix=1), said(vietnamese), said(DONE)) == PASS
    assert score("outcome", answer, called(LOOK), stop=Stop.MAX_TURNS) == Score(
        0.0, "no final reply: max_turns", {"stop": "max_turns"}
    )
    assert score("outcome", case(), said(DONE)) is None


def test_a_user_who_comes_back_was_answered_before_and_must_be_again() -> None:
    one = case(ending=Ending.ANSWER)
    one = replace(one, user=replace(one.user, follow_ups=("Thank you.", "Bye.")))
    sorry = said("We are sorry, but we cannot do more.")
    first = said(DONE, reply="Thank you.")
    assert score("outcome", one, first, sorry) == PASS
    assert score("outcome", one, first, called(LOOK), stop=Stop.MAX_TURNS) == Score(
        0.0, "no final reply: max_turns", {"stop": "max_turns"}
    )
    assert score("outcome", one, sorry._replace(reply="Thank you."), said(DONE)) == Score(
        0.0, "the request was refused, and must not be", {"refused": True}
    )
    assert score("outcome", one, said(DONE, reply="What?"), said(DONE)) == Score(
        0.0, "asked for something that the user does not understand", {"content": DONE}
    )


def test_every_turn_thinks_where_it_must_and_does_something() -> None:
    thinking, plain = case(thinking=True), case()
    assert score("format", thinking, called(LOOK, thinking="look"), said(DONE, thinking="done")) == PASS
    found = score("format", thinking, called(LOOK), said(DONE, thinking="done"), said("", thinking="well"), said(DONE))
    words = "turn 1 has no thinking; turn 3 is empty; turn 4 has no thinking"
    assert found == Score(0.25, words, {"faults": 3})
    assert score("format", plain, called(LOOK), said(""), said(DONE)) == Score(
        1 - 1 / 3, "turn 2 is empty", {"faults": 1}
    )
    assert score("format", replace(plain, prefix=1), said(""), said(DONE)) == PASS
    assert score("format", plain) == Score(0.0, "no turn")
    assert score("format", case(matching="bfcl"), said("")) is None


def test_the_final_reply_uses_the_house_words() -> None:
    one = case(terms=("Waiver", "Fee Desk"))
    assert score("format", one, said("Your Waiver is at the Fee Desk.")) == PASS
    words = "the final reply lacks the house word Waiver, Fee Desk"
    assert score("format", one, called(LOOK), said("It is done.")) == Score(0.5, words, {"faults": 1})
    assert score("format", one, said("")) == Score(0.0, f"turn 1 is empty; {words}", {"faults": 2})
    assert score("format", one, called(LOOK), stop=Stop.MAX_TURNS) == PASS


GUARDED = case(calls=expected(LOOK, WAIVE), guards=(Guard("a", "b"),))


@pytest.mark.parametrize(
    ("steps", "holds"),
    [
        ([called(LOOK), called(WAIVE)], True),
        ([called(LOOK, WAIVE)], False),
        ([called(WAIVE), called(LOOK)], False),
        ([called(LOOK, outcomes=[Outcome.FAULT]), called(WAIVE)], False),
        ([called(LOOK)._replace(observations=()), called(WAIVE)], True),
        ([called(Call("get_loan", {"book_id": "B-1"})), called(WAIVE)], False),
        ([called(WAIVE), called(LOOK), called(WAIVE)], False),
        ([called(Call("waive_fee", {})), called(LOOK), called(WAIVE)], False),
        ([called(MALFORMED), called(LOOK), called(WAIVE)], True),
        ([called(Call("x", {})), called(LOOK), called(WAIVE)], True),
        ([called(LOOK), called(WAIVE), called(WAIVE)], True),
        ([called(WAIVE)], False),
    ],
)
def test_a_check_succeeds_in_an_earlier_turn_than_the_first_attempt_at_its_action(
    steps: list[Step], holds: bool
) -> None:
    words = "get_loan did not succeed before waive_fee"
    broken = Score(0.0, words, {"broken": [["a", "b"]]})
    assert score("path", GUARDED, *steps) == (PASS if holds else broken)


def test_a_demanded_action_that_never_happens_scores_0() -> None:
    assert score("path", GUARDED, called(LOOK)) == Score(0.0, "waive_fee never happened", {"missing": "b"})
    nowhere = case(calls=expected(LOOK), guards=(Guard("a", "refund"),))
    assert score("path", nowhere, called(LOOK)) == Score(0.0, "refund never happened", {"missing": "refund"})


def test_a_call_comes_in_a_later_turn_than_those_it_needs() -> None:
    first, again, last = expected(LOOK, LOOK, WAIVE)
    calls = (
        replace(first, id="look", outcome=Outcome.FAULT),
        replace(again, id="look#2", after=("look",)),
        replace(last, id="waive", after=("look#2", "look", "report")),
    )
    one = case(calls=calls, guards=(Guard("look#2", "waive"),))
    fault = called(LOOK, outcomes=[Outcome.FAULT])
    assert score("path", one, fault, called(LOOK), called(WAIVE)) == Score(
        0.75, "waive_fee did not come after report", {"broken": [["report", "waive"]]}
    )
    assert score("path", one, called(LOOK), called(WAIVE)) == Score(
        0.25,
        "get_loan did not succeed before waive_fee; the failed get_loan was not tried again; "
        "waive_fee did not come after report",
        {"broken": [["look#2", "waive"], ["look", "look#2"], ["report", "waive"]]},
    )
    assert score("path", case(calls=expected(LOOK)), called(LOOK)) is None


def test_success_alone_is_what_the_rubric_sums_up() -> None:
    one = case(calls=expected(LOOK), ending=Ending.ANSWER)
    success = scorer_named("success")
    for steps in ([called(LOOK), said(DONE)], [said(DONE)], [called(LOOK), said("...")]):
        trajectory = Trajectory(tuple(steps), Stop.ANSWERED)
        assert success(one, trajectory) == RUBRIC.score(one, trajectory)["success"]


def test_success_must_kill_what_any_scorer_must_kill() -> None:
    one = case(calls=expected(LOOK, WAIVE), ending=Ending.ANSWER)
    wanted = [
        Mutant(f"{scorer.name}: {mutant.name}", mutant.turns)
        for scorer in BASIC
        if scorer.applies(one)
        for mutant in scorer.mutants(one)
    ]
    assert list(scorer_named("success").mutants(one)) == wanted and len(wanted) > 20


def names(scorer: str, case: Case) -> list[str]:
    return [mutant.name for mutant in scorer_named(scorer).mutants(case)]


def test_what_a_case_does_not_judge_is_not_mutated() -> None:
    facts = (AnswerFact("waived", "3.00 USD"), AnswerFact("book_id", "B-7777"))
    told = case(calls=expected(LOOK, WAIVE), facts=facts)
    shown = ["another waived", "two values for waived"]
    assert names("execution", told) == ["says nothing of it", "no final reply", *shown], "book B-7777 is not shown"
    assert names("restraint", case(calls=expected(LOOK, WAIVE))) == []
    added = replace(told, view=View(added={"waive_fee": {"book_id": {}}, "get_loan": {"amount": {}}}))
    added = replace(added, expectation=replace(added.expectation, facts=(), effects=()))
    assert names("execution", added) == ["turn 1 left out", "turn 1 twice", "turn 1: another amount"]
    free = replace(
        told, expectation=replace(told.expectation, reads=(CallPattern("get_loan", {"book_id": exact("B-1000")}),))
    )
    assert "turn 0 twice" not in names("tool_name", free) and "turn 1 twice" in names("tool_name", free)


def turns(*calls: Call | str) -> tuple[Message, ...]:
    """Gold turns: a call each, or words."""
    return tuple(
        Message("assistant", one) if isinstance(one, str) else Message("assistant", "", calls=(one,)) for one in calls
    )


def test_turns_that_need_one_another_are_merged_and_swapped_whatever_stands_between() -> None:
    first, second, third = expected(LOOK, LOOK, WAIVE)
    gold = turns(LOOK, LOOK, ASKING, WAIVE, DONE)
    one = case(gold, calls=(first, second, replace(third, after=("b",))))
    merged = replace(gold[1], calls=(LOOK, WAIVE))
    assert list(scorer_named("path").mutants(one)) == [
        Mutant("turns 1 and 3 in one", (gold[0], merged, gold[2], gold[4])),
        Mutant("turns 1 and 3 swapped", (gold[0], gold[3], gold[2], gold[1], gold[4])),
    ]


def test_of_several_calls_in_a_turn_only_the_one_with_an_effect_is_made_again() -> None:
    gold = (Message("assistant", "", calls=(LOOK, WAIVE)), Message("assistant", DONE))
    again = (gold[0], replace(gold[0], calls=(WAIVE,)), gold[1])
    one = case(gold, calls=expected(LOOK, WAIVE), effects=())
    for scorer in ("execution", "restraint"):
        mutants = {mutant.name: mutant.turns for mutant in scorer_named(scorer).mutants(one)}
        assert mutants["turn 0, call 1 twice"] == again


def test_what_is_inside_an_argument_is_altered_where_the_schema_says_what_it_is() -> None:
    place = {"type": "object", "properties": {"floor": {"type": "integer", "maximum": 3}}, "required": ["floor"]}
    tool = Tool("go", "Go.", {"type": "object", "properties": {"to": place}})
    go = Call("go", {"to": {"floor": 3, "door": "a"}})
    one = replace(case(turns(go, DONE), calls=expected(go)), toolset=Toolset("t", 1, (tool,)))
    assert names("schema", one) == [
        "turn 0: unknown tool",
        "turn 0: to is an object",
        "turn 0: to/floor changed",
        "turn 0: to/floor left out",
        "no call at all",
    ]


def test_scorers_stand_in_the_order_of_tables_success_last() -> None:
    order = "tool_name, arguments, schema, execution, path, restraint, outcome, format, style, success"
    assert ", ".join(scorer.name for scorer in SCORERS) == order
    assert all(scorer_named(scorer.name) is scorer for scorer in SCORERS)
    with pytest.raises(UnknownName) as refused:
        scorer_named("argument")
    assert str(refused.value).startswith("unknown scorer 'argument'") and "'arguments'" in str(refused.value)


BREVITY = """
from samescore.harness.scorer import PASS, Scorer

ANOTHER = Scorer("{name}", 1, "replies are short", lambda case: True, lambda context: PASS, lambda case: ())
NONE = 5
"""


def found_beside(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, target: str) -> Mapping[str, Scorer]:
    """The scorers that are found where a package that is installed in a folder brings one."""
    metadata = folder / "brevity-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: brevity\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[samescore.scorers]\nshort = brevity_scorer:{target}\n")
    (folder / "brevity_scorer.py").write_text(BREVITY.format(name=name))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "brevity_scorer", raising=False)
    return scorers._found()


def test_another_package_brings_a_scorer_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = found_beside(tmp_path, monkeypatch, "brevity", "ANOTHER")
    assert set(found) == {"brevity", *(scorer.name for scorer in SCORERS)}
    assert found["brevity"].summary == "replies are short" and found["path"] is scorer_named("path")


def test_what_is_no_scorer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError) as refused:
        found_beside(tmp_path, monkeypatch, "brevity", "NONE")
    assert str(refused.value) == "entry point short in samescore.scorers is no Scorer: brevity_scorer:NONE"


def test_a_second_scorer_of_a_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError) as refused:
        found_beside(tmp_path, monkeypatch, "path", "ANOTHER")
    assert str(refused.value) == "entry point short: a scorer 'path' exists already. Rename it."
