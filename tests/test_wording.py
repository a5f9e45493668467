"""Wording: what users read of a turn and of a score, word by word, with the places in the text that it points at.

Reasons and details are what people act on, so none changes by accident. Locked are the reading of every edge case by
its dialect, whole and cut off at each character, and the scores of the toy world's gold and mutants. Where a change is
meant: `python tests/test_wording.py`, and read the difference.
"""

import asyncio
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toy_world
from further_texts import FURTHER

from samescore.harness.case import CallPattern, Case, Ending, Expectation, ExpectedCall, Guard
from samescore.harness.dialects import Hermes, dialect_named
from samescore.harness.dialects.edge_cases import EDGE_CASES, EDGE_TOOLS, EdgeCase
from samescore.harness.facts import AnswerFact
from samescore.harness.matching import Matcher, exact
from samescore.harness.policies.script import ScriptPolicy
from samescore.harness.rollout import rollout
from samescore.harness.scorers import BASIC, RUBRIC, SCORERS, scorer_named
from samescore.harness.strictjson import write
from samescore.harness.style import HouseWords, StyleGuide
from samescore.harness.types import Attempt, Call, Completion, Finish, Message, Outcome, Score, Trajectory, Turn
from samescore.harness.worldless import WORLDLESS

FILE = Path(__file__).parent / "data" / "wording.json"

DIALECTS = sorted({case.dialect for case in EDGE_CASES})

_PYTHONS = re.compile(r"(Expecting|Unterminated|Invalid|Illegal) .*")
"""What Python's own JSON reader says differs between its versions."""


def read(dialect: str, text: str, finish: Finish = Finish.STOP) -> Turn:
    """The turn that a dialect reads in a text."""
    return dialect_named(dialect).parse(Completion(text, finish), EDGE_TOOLS)


def reading(turn: Turn) -> list[str]:
    """All that is read in a turn, a line each."""
    thinking = [] if turn.thinking is None else [f"thinking {turn.thinking!r}"]
    content = [f"content {turn.content!r}"] if turn.content else []
    return [*thinking, *content, *map(attempted, turn.attempts), *defects(turn)]


def short(text: str) -> str:
    return text if len(text) < 160 else f"{text[:120]} and so on, {len(text)} in all"


def attempted(attempt: Attempt) -> str:
    """An attempt and its place."""
    start, end = attempt.span
    if attempt.call is None:
        assert attempt.defect is not None and attempt.defect.span == attempt.span
        return f"{start}-{end} {attempt.defect.name}"
    return f"{start}-{end} {attempt.call.name} {short(repr(dict(attempt.call.arguments)))}"


def defects(turn: Turn) -> list[str]:
    """What is malformed, where, and why."""
    return [
        f"{defect.span[0]}-{defect.span[1]} {defect.name}: {_PYTHONS.sub('(Python)', defect.detail)}"
        for defect in turn.defects
    ]


def cuts(case: EdgeCase) -> list[str]:
    """What is read where the text ends early: from which character on which calls are whole, and what is malformed."""
    found = []
    for end in range(len(case.text)):
        turn = read(case.dialect, case.text[:end])
        calls = [call.name for call in turn.calls]
        found.append(", ".join([*calls, *(f"{defect.name} {defect.span[0]}" for defect in turn.defects)]))
    places = enumerate(found)
    return [f"{next(same)[0]}: {words}" for words, same in itertools.groupby(places, key=lambda place: place[1])]


MESSAGES = {
    "words": Message("assistant", "Hello."),
    "thinking and words": Message("assistant", "Hello.", thinking="well"),
    "thinking and a call": Message("assistant", "", thinking="well", calls=(Call("ping", {}),)),
    "words and two calls": Message(
        "assistant",
        "One moment.",
        calls=(
            Call("note", {"text": 'Trà "sen"\nit\'s'}),
            Call("pay", {"amount": 5, "fast": True, "order": "A-1", "items": ["a", None, 2.5], "detail": {"x": {}}}),
        ),
    ),
}


def readings(dialect: str) -> dict[str, Any]:
    """Every edge case, and every further text, as its dialect reads it."""
    texts = {case.name: case.text for case in EDGE_CASES if case.dialect == dialect}
    texts |= {short(text): text for text in FURTHER[dialect]}
    return {name: reading(read(dialect, text)) for name, text in texts.items()}


def cut_readings(dialect: str) -> dict[str, Any]:
    """Every edge case of one sentence or so, cut off at each character."""
    return {case.name: cuts(case) for case in EDGE_CASES if case.dialect == dialect and len(case.text) < 200}


def writings(dialect: str) -> dict[str, str]:
    """What a dialect writes."""
    return {name: dialect_named(dialect).write(message) for name, message in MESSAGES.items()}


def strictly(case: Case) -> Case:
    """A toy case that expects every call of gold, one after the other, and no others."""
    calls: list[ExpectedCall] = []
    for seen in (one for step in played(case, case.gold).steps for one in step.observations):
        arguments = {name: exact(value) for name, value in seen.call.arguments.items()}
        after = (calls[-1].id,) if calls else ()
        calls.append(ExpectedCall(f"call {len(calls)}", seen.call.name, arguments, after=after, outcome=seen.outcome))
    return replace(case, expectation=replace(case.expectation, calls=tuple(calls), reads=()))


def guarded() -> Case:
    """A toy case with all that an expectation may demand: a retry, two calls in one turn, guards, words, secrets."""
    base = toy_world.case(3)
    book, (look, _, waive, final) = base.facts["book_id"], base.gold
    expected = {"book_id": exact(book)}
    other = Call("get_loan", {"book_id": "B-9999"})
    first, second, third, last = (replace(turn, thinking="next") for turn in (look, look, waive, final))
    return replace(
        base,
        id="toy/guarded",
        gold=(
            first,
            replace(second, calls=(*look.calls, other), content="Let me look at your loan."),
            third,
            replace(last, content=f"{final.content} This is your Waiver."),
        ),
        expectation=replace(
            base.expectation,
            calls=(
                ExpectedCall("look", "get_loan", expected, outcome=Outcome.FAULT),
                ExpectedCall("look#2", "get_loan", expected, after=("look",)),
                ExpectedCall("other", "get_loan", {"book_id": exact("B-9999")}, outcome=Outcome.TOOL_ERROR),
                replace(base.expectation.calls[0], optional={"note": Matcher("text", "late")}, after=("look#2",)),
            ),
            reads=(),
            guards=(Guard("look#2", "waive"), Guard("other", "waive")),
            unwanted=(AnswerFact("book_id", "B-7777"),),
            confidential=("K-77-341-X", "A1-B2", "B-5"),
            terms=("Waiver", "we"),
            thinking=True,
        ),
    )


def played(case: Case, turns: tuple[Message | str, ...]) -> Trajectory:
    """The trajectory of a conversation of these turns."""
    policy = ScriptPolicy("turns", lambda case, sampling: iter(turns))
    world = WORLDLESS if case.world == WORLDLESS.name else toy_world.WORLD
    return asyncio.run(rollout(case, policy, world))


def nested() -> Case:
    """A case of no world, whose calls carry all that JSON has."""
    pay = Call(
        "pay",
        {"amount": 5, "fast": True, "order": "A-19", "items": ["a", 2.5], "detail": {"floor": 3, "due": "2026-12-31"}},
    )
    gold = (
        Message("assistant", "", calls=(Call("ping", {}), pay)),
        Message("assistant", "", calls=(Call("note", {"text": "x"}),)),
        Message("assistant", "It is all done for you, and you will hear from us soon."),
    )
    calls = [call for turn in gold for call in turn.calls]
    return replace(
        toy_world.case(0),
        id="nested",
        world=WORLDLESS.name,
        gold=gold,
        toolset=EDGE_TOOLS,
        facts={},
        expectation=Expectation(
            calls=tuple(
                ExpectedCall(f"call {at}", call.name, {name: exact(value) for name, value in call.arguments.items()})
                for at, call in enumerate(calls)
            ),
            reads=(CallPattern("note"),),
            forbidden=(CallPattern("fly", {"to": Matcher("any_of", ["x", "y"])}),),
            ending=Ending.ANSWER,
        ),
    )


def styled() -> Case:
    """A toy case whose house has a style."""
    base = strictly(toy_world.case(1))
    guide = StyleGuide(
        apology={"en": ("sorry", "apologise")},
        house_words=(HouseWords({"en": ("book",)}), HouseWords({"en": ("please", "could you")}, ("ask",))),
        forbidden=("AI model", "tôi"),
        words=12,
        characters=60,
        one_language=True,
    )
    return replace(base, id="toy/styled", expectation=replace(base.expectation, style=guide))


CASES = [*map(strictly, map(toy_world.case, (0, 1, 2, 5))), guarded(), nested(), styled()]
"""A fee waived, a question asked, a request refused, a question in Vietnamese; all at once; nested arguments; style."""


def judged(scores: dict[str, Score]) -> list[str]:
    """What is said against a conversation, a line for each score, with the evidence."""
    return [
        f"{name} {score.value:.3g}: {score.reason} {write(dict(score.evidence))}"
        for name, score in scores.items()
        if score.value != 1.0 and name != "success"
    ]


def mutants(case: Case) -> Iterator[tuple[str, tuple[Message | str, ...]]]:
    """What every scorer must kill: its name, and its turns. Vietnamese only where it matters."""
    for scorer in BASIC if case.locale == "en" else [scorer_named("outcome")]:
        if scorer.applies(case):
            for mutant in scorer.mutants(case):
                yield f"{scorer.name}: {mutant.name}", mutant.turns


def shown(case: Case, turns: tuple[Message | str, ...]) -> list[str]:
    """The turns of a mutant: those of gold by their number, the others as Hermes writes them."""
    gold, hermes = [*case.gold], Hermes()
    return [
        f"gold {gold.index(turn)}" if turn in gold else turn if isinstance(turn, str) else hermes.write(turn)
        for turn in turns
    ]


def scores(case: Case) -> dict[str, Any]:
    """Every mutant of a case: its turns, and what is said against it."""
    return {
        name: [" / ".join(shown(case, turns)), *judged(RUBRIC.score(case, played(case, turns)))]
        for name, turns in mutants(case)
    }


def vectors() -> dict[str, Any]:
    """All that is locked."""
    return {
        "readings": {dialect: readings(dialect) for dialect in DIALECTS},
        "writings": {dialect: writings(dialect) for dialect in DIALECTS},
        "cuts": {dialect: cut_readings(dialect) for dialect in DIALECTS},
        "scores": {case.id: scores(case) for case in CASES},
    }


def locked(part: str, name: str) -> Any:
    return json.loads(FILE.read_text(encoding="utf-8"))[part][name]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_dialect_says_of_an_edge_case_changes_by_intent_only(dialect: str) -> None:
    assert readings(dialect) == locked("readings", dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_dialect_writes_changes_by_intent_only(dialect: str) -> None:
    assert writings(dialect) == locked("writings", dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_dialect_says_of_a_text_cut_off_anywhere_changes_by_intent_only(dialect: str) -> None:
    assert cut_readings(dialect) == locked("cuts", dialect)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_scorers_say_of_their_mutants_changes_by_intent_only(case: Case) -> None:
    assert scores(case) == locked("scores", case.id)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_mutants_are_turns_of_the_assistant(case: Case) -> None:
    for name, turns in mutants(case):
        for turn in turns:
            assert isinstance(turn, str) or (turn.role == "assistant" and isinstance(turn.content, str)), name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_nothing_is_said_against_gold(case: Case) -> None:
    scores = RUBRIC.score(case, played(case, case.gold))
    assert scores.keys() == {scorer.name for scorer in SCORERS if scorer.applies(case)}
    assert all(score == Score(1.0, "as expected", {}) for score in scores.values())


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
