"""Scorers are tested like code: gold passes, and every mutant of gold is killed by the scorer that ships it."""

import asyncio
import itertools
from pathlib import Path

import pytest

from samescore.harness.case import Case
from samescore.harness.errors import UnknownName
from samescore.harness.mutants import Mutant
from samescore.harness.policies.null import NULL_AGENTS, null_agent
from samescore.harness.policies.script import ScriptPolicy, oracle
from samescore.harness.policy import Policy
from samescore.harness.rollout import rollout
from samescore.harness.scorer import Scorer
from samescore.harness.scorers import BASIC, RUBRIC, SCORERS, scorer_named
from samescore.harness.types import Completion, Finish, Step, Stop, Trajectory
from samescore.suites.catalog import load_suite, load_world

SUITE = load_suite("sop")
WORLDS = {name: load_world(name) for name in {case.world for case in SUITE.cases}}


def play(case: Case, policy: Policy) -> Trajectory:
    return asyncio.run(rollout(case, policy, WORLDS[case.world]))


def one_per_branch() -> list[Case]:
    """A case of every branch."""
    seen: dict[tuple[str, str], Case] = {}
    for case in SUITE.cases:
        seen.setdefault((case.suite, case.cluster), case)
    return list(seen.values())


def test_gold_passes_every_scorer_on_every_case() -> None:
    for case in SUITE.cases:
        scores = RUBRIC.score(case, play(case, oracle()))
        assert {name: score.reason for name, score in scores.items() if score.value != 1.0} == {}, case.id


@pytest.mark.parametrize("scorer", BASIC, ids=lambda scorer: scorer.name)
def test_every_mutant_of_gold_is_killed(scorer: Scorer) -> None:
    """A third of the cases for each scorer, from another place on for the next: all are used."""
    played = 0
    for case in SUITE.cases[BASIC.index(scorer) % 3 :: 3]:
        if not scorer.applies(case):
            continue
        for mutant in scorer.mutants(case):
            score = scorer(case, play(case, _mutated(mutant)))
            assert score is not None
            assert score.value < 1.0, f"{case.id}: mutant '{mutant.name}' lives"
            assert score.reason
            played += 1
    assert played > 500, "a scorer with few mutants proves little"


def test_every_order_that_is_free_passes() -> None:
    reordered = 0
    for case in one_per_branch():
        places = [index for index, turn in enumerate(case.gold) if turn.calls]
        calls = iter(case.expectation.calls)
        turns_calls = [tuple(itertools.islice(calls, len(case.gold[place].calls))) for place in places]
        for order in itertools.permutations(range(len(places))):
            where = {call.id: rank for rank, at in enumerate(order) for call in turns_calls[at]}
            if any(where[before] > where[call.id] for call in case.expectation.calls for before in call.after):
                continue
            turns = list(case.gold)
            for place, at in zip(places, order, strict=True):
                turns[place] = case.gold[places[at]]
            score = scorer_named("path")(case, play(case, _mutated(Mutant("order", tuple(turns)))))
            assert score is None or score.value == 1.0, f"{case.id}: {score.reason}"
            reordered += order != tuple(range(len(places)))
    assert reordered, "no case leaves an order free"


def _mutated(mutant: Mutant) -> ScriptPolicy:
    return ScriptPolicy(f"mutant {mutant.name}", lambda case, sampling: iter(mutant.turns))


@pytest.mark.parametrize("name", NULL_AGENTS)
def test_agents_that_understand_nothing_do_not_succeed(name: str) -> None:
    passed = sum(RUBRIC.score(case, play(case, null_agent(name)))["success"].value for case in SUITE.cases)
    assert passed / len(SUITE.cases) <= 0.05


def test_a_malformed_or_truncated_turn_scores_0_in_every_applicable_scorer() -> None:
    case = next(case for case in SUITE.cases if case.expectation.calls)
    gold = play(case, oracle())
    for text, finish in (("<tool_call>\n{}", Finish.STOP), ("We have", Finish.LENGTH)):
        policy = ScriptPolicy("broken", lambda case, sampling: iter(()))
        turn = policy.dialect.parse(Completion(text, finish), case.toolset)
        broken = gold._replace(steps=(*gold.steps[:-1], Step(turn)), stop=Stop.MALFORMED)
        scores = RUBRIC.score(case, broken)
        assert set(scores) == {scorer.name for scorer in SCORERS if scorer.applies(case)}
        assert all(score.value == 0.0 for score in scores.values())


def test_whether_a_scorer_applies_does_not_depend_on_what_the_model_did() -> None:
    for case in one_per_branch():
        names = {frozenset(RUBRIC.score(case, play(case, agent))) for agent in (oracle(), null_agent("null/random"))}
        assert len(names) == 1


def test_a_scorer_alone_gives_what_the_rubric_gives() -> None:
    for case in one_per_branch()[:10]:
        for agent in (oracle(), null_agent("null/first-tool")):
            trajectory = play(case, agent)
            together = RUBRIC.score(case, trajectory)
            alone = {scorer.name: scorer(case, trajectory) for scorer in SCORERS if scorer.applies(case)}
            assert together == alone


def test_gold_of_every_decision_passes() -> None:
    for case in one_per_branch():
        for k in range(len(case.gold)):
            decision = case.at(k)
            trajectory = play(decision, oracle())
            assert len(trajectory.steps) == k + 1
            scores = RUBRIC.score(decision, trajectory)
            assert scores["success"].value == 1.0, f"{decision.id}: {scores['success'].reason}"


def test_an_unknown_scorer_is_named_with_its_neighbours() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'arguments'"):
        scorer_named("argument")


def test_the_scorer_of_the_docs_is_a_whole_one() -> None:
    text = (Path(__file__).parent.parent / "docs" / "scorers.md").read_text(encoding="utf-8")
    source = text.partition("```python\n")[2].partition("```")[0]
    assert len(source.splitlines()) < 60
    namespace: dict[str, object] = {}
    exec(compile(source, "docs/scorers.md", "exec"), namespace)
    scorer = namespace["SCORER"]
    assert isinstance(scorer, Scorer)
    for case in one_per_branch():
        gold = scorer(case, play(case, oracle()))
        assert gold is not None and gold.value == 1.0
        for mutant in scorer.mutants(case):
            score = scorer(case, play(case, _mutated(mutant)))
            assert score is not None and score.value < 1.0, f"{case.id}: {mutant.name}"
