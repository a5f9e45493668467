"""The rubric: which scorers apply, what a malformed turn means for all of them, and how `success` sums up."""

import asyncio
from dataclasses import replace

import pytest
import toy_world

from samescore.harness.case import Case
from samescore.harness.policies.script import oracle
from samescore.harness.rollout import rollout
from samescore.harness.scorer import PASS, Context, Rubric, Scorer, success_of
from samescore.harness.types import Completion, Defect, DefectName, Score, Step, Stop, Trajectory, Turn

FAIR = Score(0.5, "so so", {"why": "because"})
OVERLONG = Defect(DefectName.TRUNCATED, "the turn did not end", (3, 9))
STRAY = Defect(DefectName.UNOPENED_CALL, "stray </tool_call>", (1, 2))
BROKEN = Trajectory(
    (Step(Turn(Completion("a"))), Step(Turn(Completion("b"), defects=(STRAY, OVERLONG))), Step(Turn(Completion("c")))),
    Stop.MALFORMED,
)
WHOLE = Trajectory((Step(Turn(Completion("a"), content="a")),), Stop.ANSWERED)


def scorer(name: str, score: Score, asked: list[str] | None = None, only: str = "") -> Scorer:
    """A scorer that always gives this score, to the cases of one branch or to all, and notes that it was asked."""

    def applies(case: Case) -> bool:
        if asked is not None:
            asked.append(f"{name} {case.id}")
        return not only or case.cluster == only

    def judge(context: Context) -> Score:
        assert (context.case.id, context.trajectory) == (case.id, WHOLE)
        return score

    case = toy_world.case(0)
    return Scorer(name, 1, name, applies, judge, lambda case: ())


def test_a_scorer_gives_nothing_where_it_does_not_apply() -> None:
    assert scorer("fair", FAIR, only="waived")(toy_world.case(0), WHOLE) is FAIR
    assert scorer("fair", FAIR, only="asked")(toy_world.case(0), WHOLE) is None


def test_the_first_malformed_turn_is_the_score_of_every_scorer_that_applies() -> None:
    case = toy_world.case(0)
    score = Score(
        0.0,
        "turn 2 is malformed: unopened_call: stray </tool_call>",
        {"turn": 1, "defect": "unopened_call", "span": [1, 2]},
    )
    assert scorer("fair", PASS)(case, BROKEN) == score
    rubric = Rubric((scorer("one", PASS), scorer("two", FAIR), scorer("three", PASS, only="asked")))
    assert rubric.score(case, BROKEN) == {"one": score, "two": score, "success": score}
    assert Context(case, WHOLE).malformed() is None


def test_success_is_1_only_if_every_score_is() -> None:
    assert success_of({"one": PASS, "two": Score(1.0, "well")}) == PASS == Score(1.0, "as expected")
    assert success_of({}) == PASS
    scores = {"one": PASS, "two": FAIR, "three": Score(0.0, "bad"), "four": PASS}
    assert success_of(scores) == Score(0.0, "two: so so", {"failed": ["two", "three"]})
    case = toy_world.case(0)
    assert Rubric((scorer("two", FAIR), scorer("one", PASS))).score(case, WHOLE) == {
        "two": FAIR,
        "one": PASS,
        "success": Score(0.0, "two: so so", {"failed": ["two"]}),
    }


def test_which_scorers_apply_is_asked_once_for_the_completions_of_a_case() -> None:
    asked: list[str] = []
    rubric = Rubric((scorer("one", PASS, asked), scorer("two", FAIR, asked, only="waived")))
    case = toy_world.case(0)
    scores = [rubric.score(case, WHOLE) for _ in range(3)]
    assert asked == ["one toy/0000", "two toy/0000"] and scores[1:] == scores[:1] * 2
    other = replace(case, cluster="asked")
    assert rubric.score(other, WHOLE).keys() == {"one", "success"}
    assert rubric.score(case, WHOLE) == scores[0]
    assert len(asked) == 6


def test_two_rubrics_of_the_same_scorers_are_equal_whatever_they_scored() -> None:
    scorers = (scorer("one", PASS),)
    used, fresh = Rubric(scorers), Rubric(scorers)
    used.score(toy_world.case(0), WHOLE)
    assert used == fresh and repr(used) == repr(fresh)


@pytest.mark.parametrize("turns", range(3))
def test_a_decision_is_judged_by_its_own_turn(turns: int) -> None:
    decision = toy_world.case(0).at(turns)
    context = Context(decision, asyncio.run(rollout(decision, oracle(), toy_world.WORLD)))
    assert [one.turn for one in context.made] == ([turns] if turns < 2 else [])
    assert context.assignment.attempted == (1 if turns < 2 else 0), "a look-up that is right here is expected here"
