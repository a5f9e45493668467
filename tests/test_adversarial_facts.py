"""Operators on facts, tools and results: what each does to a case, and that what is right follows."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from samescore.harness.case import Case, Ending
from samescore.harness.environment import World
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.facts import asked_slots, asks_anything, language_of, refuses
from samescore.harness.lexicon import LOCALES
from samescore.harness.plan import Plan
from samescore.harness.policies.null import NULL_AGENTS, null_agent
from samescore.harness.policies.script import ScriptPolicy, oracle
from samescore.harness.policy import Policy
from samescore.harness.rescore import rescore
from samescore.harness.rollout import rollout
from samescore.harness.run import Run
from samescore.harness.scorers import BASIC, RUBRIC
from samescore.harness.strictjson import read, write
from samescore.harness.types import Call, Message, Outcome, Score, Trajectory
from samescore.suites.adversarial.operator import Operator, Right
from samescore.suites.adversarial.operators import (
    BY_NAME,
    OPERATORS,
    added_parameter,
    ambiguous_request,
    contradicting_facts,
    distractor_tools,
    empty_result,
    injection_in_result,
    missing_slot,
    out_of_scope,
    removed_tool,
    renamed_parameters,
    repeated_request,
    several_requests,
    shuffled_tools,
    tool_failure,
    tool_timeout,
)
from samescore.suites.adversarial.scenario import Scenario, derive, derived, scenario_of
from samescore.suites.adversarial.wordings import Wordings
from samescore.suites.catalog import sops
from samescore.suites.sop.model import FactKind
from samescore.suites.sop.phrases import load_phrases
from samescore.suites.sop.splits import OWNED_WORDS, SHARES, sentences, word_count
from samescore.suites.suite import Suite

PROCEDURES = ("refund", "exchange", "access", "incident")
SHARE: Mapping[str, tuple[float, float, float, float]] = {
    "missing_slot": (0.4, 0.4, 0.4, 0.4),
    "ambiguous_request": (0.1, 0.15, 0.25, 0.35),
    "contradicting_facts": (0.35, 0.25, 0.3, 0.05),
    "several_requests": (0.6, 0.6, 0.8, 0.7),
    "repeated_request": (1, 1, 1, 1),
    "out_of_scope": (1, 1, 1, 1),
    "shuffled_tools": (1, 1, 1, 1),
    "distractor_tools": (1, 1, 1, 1),
    "renamed_parameters": (1, 1, 1, 1),
    "added_parameter": (1, 1, 1, 1),
    "removed_tool": (0.85, 0.85, 0, 0.05),  # in access, the one tool that can fail asks to wait
    "tool_failure": (0.8, 0.8, 0.05, 0.1),  # at the help desk, few tools can fail
    "tool_timeout": (0.8, 0.8, 0.05, 0.1),
    "empty_result": (0.8, 0.8, 0, 0),  # at the help desk, what can fail asks to wait or changes something
    "injection_in_result": (0.8, 0.8, 0.8, 0.7),
}
"""The share of a procedure's eval cases that an operator applies to, at least."""
RARE = ("removed_tool", "tool_failure", "tool_timeout")
"""Operators that are tried on all cases; the others on every fourth."""

OURS = tuple(BY_NAME[name] for name in SHARE)
WORDINGS: tuple[Wordings, ...] = (
    *(ambiguous_request.EITHER, contradicting_facts.ADMITTED, repeated_request.AGAIN, out_of_scope.REQUESTS),
    *(several_requests.PASSED_ON, injection_in_result.NOTES),
)


@cache
def scenarios(procedure: str) -> tuple[Scenario, ...]:
    """The eval cases of a procedure, taken apart."""
    file = next(file for file in sops() if file.name == procedure)
    sop, world = file.read()
    bank, cases = load_phrases(sop), file.cases("eval")
    return tuple(scenario_of(case, sop, world, bank, cases) for case in cases)


@cache
def made(operator: Operator, procedure: str) -> tuple[tuple[Scenario, Scenario], ...]:
    """The cases of a procedure that an operator applies to, before and after."""
    seeded = ((one, random.Random(f"{operator.name} {one.base.id}")) for one in sampled(operator, procedure))
    pairs = ((scenario, operator(scenario, rng)) for scenario, rng in seeded)
    return tuple((before, after) for before, after in pairs if after is not None)


def sampled(operator: Operator, procedure: str) -> tuple[Scenario, ...]:
    """The cases of a procedure that an operator is tried on."""
    return scenarios(procedure)[:: 1 if operator.name in RARE else 4]


def pairs(operator: Operator, most: int = 8) -> Iterator[tuple[Scenario, Scenario]]:
    """Some of these of every procedure, spread over it."""
    for procedure in PROCEDURES:
        found = made(operator, procedure)
        yield from found[:: max(1, len(found) // most)]


def cases(operator: Operator, most: int = 8) -> Iterator[tuple[Scenario, Case, Scenario]]:
    """The same: the scenario before, and the harder case."""
    return ((before, derive(after), after) for before, after in pairs(operator, most))


def play(case: Case, policy: Policy, world: World) -> Trajectory:
    playing = rollout(case, policy, world)
    try:
        playing.send(None)  # an agent of written turns waits for nothing; a loop of its own would take longer than it
    except StopIteration as done:
        trajectory: Trajectory = done.value
        return trajectory
    raise AssertionError("a script waits for nothing")


def written(turns: Sequence[Message | str]) -> ScriptPolicy:
    """An agent of these turns."""
    return ScriptPolicy("turns", lambda case, sampling: iter(turns))


def scores(case: Case, turns: Sequence[Message] | Policy, world: World) -> dict[str, Score]:
    """What becomes of these turns, or of an agent."""
    return RUBRIC.score(case, play(case, written(turns) if isinstance(turns, Sequence) else turns, world))


def fails(case: Case, turns: Sequence[Message], world: World) -> bool:
    return scores(case, turns, world)["success"].value == 0.0


def succeeds(case: Case, turns: Sequence[Message], world: World) -> bool:
    return scores(case, turns, world)["success"].value == 1.0


# Of every operator.


@pytest.mark.parametrize("operator", OURS, ids=lambda operator: operator.name)
def test_applies_to_enough_cases_of_each_procedure(operator: Operator) -> None:
    for procedure, least in zip(PROCEDURES, SHARE[operator.name], strict=True):
        share = len(made(operator, procedure)) / len(sampled(operator, procedure))
        assert share >= least and (share == 0) == (least == 0), f"{procedure}: {share}"


@pytest.mark.parametrize("operator", OURS, ids=lambda operator: operator.name)
def test_the_oracle_succeeds_and_the_case_reads_back_from_its_json(operator: Operator) -> None:
    for before, case, after in cases(operator):
        result = scores(case, oracle(), before.world)
        assert {name: one.reason for name, one in result.items() if one.value != 1.0} == {}, case.id
        again = Case.from_json(read(write(case.to_json())), before.world.toolset, before.world.lexicon)
        assert again == case and again.fingerprint() == case.fingerprint() != before.base.fingerprint()
        assert case.labels["operators"] == [operator.name] and after.applied == (operator.name,)


@pytest.mark.parametrize("operator", OURS, ids=lambda operator: operator.name)
def test_the_same_seed_gives_the_same_case(operator: Operator) -> None:
    for before, _ in pairs(operator, 4):
        one, other = (operator(before, random.Random(5)) for _ in range(2))
        assert one is not None and other is not None
        assert derive(one).fingerprint() == derive(other).fingerprint()


class _Lowest(random.Random):
    """Draws the first of everything, for ever, as a search that shrinks does."""

    def random(self) -> float:
        return 0.0

    def getrandbits(self, k: int, /) -> int:
        return 0


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_a_search_may_draw_the_same_for_ever(operator: Operator) -> None:
    for procedure in PROCEDURES:
        for scenario in scenarios(procedure)[::25]:
            changed = operator(scenario, _Lowest())
            assert changed is None or derived(changed) is not None


@pytest.mark.parametrize("operator", OURS, ids=lambda operator: operator.name)
def test_what_is_right_follows_as_the_operator_says(operator: Operator) -> None:
    for before, case, _ in cases(operator, 10):
        was, now = before.base.expectation, case.expectation
        if operator.right is Right.ASK:
            assert set(now.asks) > set(was.asks) and now.effects == was.effects
        elif operator.right is Right.REFUSE:
            assert now.ending is Ending.REFUSE and not now.calls and now.effects == ()
        elif operator.right is Right.RECOVER:
            failed = [call for call in now.calls if call.outcome is Outcome.FAULT]
            assert len(failed) > sum(call.outcome is Outcome.FAULT for call in was.calls) or case.view is not None
        elif operator.right is Right.SCHEMA:
            assert case.toolset.fingerprint != before.base.toolset.fingerprint
            assert [call.name for call in now.calls] == [call.name for call in was.calls] and now.effects == was.effects
        elif operator.right is Right.BOTH:
            assert len(now.calls) > len(was.calls) and now.effects == was.effects
        else:
            assert (now.calls, now.effects, now.changes) == (was.calls, was.effects, was.changes)


def test_every_mutant_of_gold_is_killed_under_every_operator() -> None:
    played = Counter[str]()
    for number, operator in enumerate(OURS):
        found = [made(operator, procedure) for procedure in PROCEDURES if made(operator, procedure)]
        for one in {number % len(found), (number + 2) % len(found)}:
            before, after = found[one][len(found[one]) // 2]
            played[operator.name] += _killed(derive(after), before.world)
    assert all(played[operator.name] > 20 for operator in OURS), played


def _killed(case: Case, world: World) -> int:
    """The number of mutants that were played; each was killed by its scorer."""
    count = 0
    for scorer in BASIC:
        for mutant in scorer.mutants(case) if scorer.applies(case) else ():
            score = scorer(case, play(case, written(mutant.turns), world))
            assert score is not None and score.value < 1.0, f"{case.id}: {scorer.name} spares '{mutant.name}'"
            count += 1
    return count


def test_gold_of_every_decision_passes() -> None:
    for operator in OURS:
        for before, case, _ in cases(operator, 1):
            for k in range(len(case.gold)):
                result = scores(case.at(k), oracle(), before.world)["success"]
                assert result.value == 1.0, f"{case.id}@{k}: {result.reason}"


def test_the_oracle_succeeds_under_compositions_of_up_to_four_operators_of_all_kinds() -> None:
    rng, used = random.Random(4), Counter[str]()
    everything = [scenario for procedure in PROCEDURES for scenario in scenarios(procedure)]
    for _ in range(200):
        scenario = rng.choice(everything)
        for operator in rng.sample(OPERATORS, rng.randint(2, 4)):
            scenario = operator(scenario, random.Random(rng.random())) or scenario
        case = derived(scenario)
        assert case is not None, scenario
        result = scores(case, oracle(), scenario.world)["success"]
        assert result.value == 1.0, f"{case.id}: {result.reason}"
        used.update(scenario.applied if len(scenario.applied) > 1 else ())
    assert set(SHARE) <= set(used), "some operator was never composed with another"


@pytest.mark.parametrize("name", NULL_AGENTS)
def test_agents_that_understand_nothing_do_not_succeed(name: str) -> None:
    agent, passed = null_agent(name), Counter[str]()
    tried = 0
    for operator in OPERATORS:
        for before, case, _ in cases(operator, 2):
            passed[operator.name] += scores(case, agent, before.world)["success"].value == 1.0
            tried += 1
    # To decline what no procedure is about is right, also where it is all that an agent can do.
    assert set(passed.elements()) <= {"out_of_scope"}
    assert passed.total() / tried <= 0.05


def test_evidence_of_harder_cases_is_scored_again_also_where_personal_data_is_masked(tmp_path: Path) -> None:
    harder = [(before.world, case) for operator in OURS for before, case, _ in cases(operator, 1)]
    worlds = {world.name: world for world, _ in harder}
    suite = Suite("harder", 1, tuple(case for _, case in harder), {})
    for policy in (oracle(), null_agent("null/random")):
        values = []
        for redact in (False, True):
            directory = tmp_path / f"{policy.name.replace('/', '-')}-{redact}"
            run = Run.create(directory, Plan.make([suite]), policy, worlds, suites=[suite], redact=redact)
            live = evaluate_sync([suite], policy, worlds, run.plan, run)
            again = tuple(rescore(Run.open(directory), [suite], worlds))
            assert [one.error for one in again] == [None] * len(harder)
            assert again == live.results
            values.append([{name: score.value for name, score in (one.scores or {}).items()} for one in again])
        assert values[0] == values[1]


# Their words.


@pytest.mark.parametrize("wordings", WORDINGS, ids=lambda wordings: wordings.name)
def test_every_split_has_wordings_of_its_own_in_both_languages(wordings: Wordings) -> None:
    owners: dict[str, set[str]] = {}
    for locale in LOCALES:
        texts = wordings.texts[locale]
        assert sum(len(wordings.owned(split, locale)) for split in SHARES) == len(texts) >= 12
        for split in SHARES:
            assert wordings.owned(split, locale)
            for text in wordings.owned(split, locale):
                assert language_of(text.replace("{tool}", "").format(one="A-1", other="A-2")) == locale, text
                for sentence in sentences(text, ()):
                    if word_count(sentence) >= OWNED_WORDS:
                        owners.setdefault(sentence, set()).add(split)
    assert [sentence for sentence, splits in owners.items() if len(splits) > 1] == []


# Each of them.


def test_what_is_missing_is_nowhere_in_the_opening_and_is_asked_for() -> None:
    for before, case, after in cases(missing_slot.OPERATOR):
        gone = set(case.expectation.asks) - set(before.base.expectation.asks)
        for slot in gone:
            fact = before.sop.facts[before.sop.slots[slot].fact]
            assert fact.kind is not FactKind.ID or before.facts[fact.name] not in case.opening
        assert case.labels["branch"] == before.base.cluster and after.as_worded
        silent = [turn for turn in case.gold if turn.calls or turn is case.gold[-1]]
        assert fails(case, silent, before.world)


def test_of_two_candidates_both_are_named_and_both_exist() -> None:
    for before, case, after in cases(ambiguous_request.OPERATOR):
        (neighbour,) = after.also
        slot = next(slot for slot in set(case.expectation.asks) if _differ(before, neighbour, slot))
        right, decoy = before.facts[before.sop.slots[slot].fact], neighbour[before.sop.slots[slot].fact]
        assert right in case.opening and decoy in case.opening
        told = case.user.slots[slot]
        assert told is not None and right in told and decoy not in told
        environment = before.world.open({**case.facts, "faults": {}})
        look = {"order_id": "get_order", "employee_id": "get_account"}[slot]
        seen = [read(environment.call(Call(look, {slot: value})).content) for value in (right, decoy)]
        assert seen[0]["status"] == seen[1]["status"]
        environment.close()
        guessing = [turn for turn in case.gold if turn.calls or turn is case.gold[-1]]
        assert fails(case, guessing, before.world)


def _differ(before: Scenario, neighbour: Mapping[str, Any], slot: str) -> bool:
    fact = before.sop.facts[before.sop.slots[slot].fact]
    return fact.kind is FactKind.ID and neighbour.get(fact.name) != before.facts[fact.name]


def test_a_contradiction_tells_two_values_and_admits_it() -> None:
    for before, case, after in cases(contradicting_facts.OPERATOR):
        (slot,) = set(case.expectation.asks) - set(before.base.expectation.asks)
        fact = before.sop.facts[before.sop.slots[slot].fact]
        if fact.kind is FactKind.INT:
            numbers = [word.strip(".,") for word in case.opening.split()]
            assert str(before.facts[fact.name]) in numbers
        admitted = contradicting_facts.ADMITTED.owned(before.base.split, before.locale)
        assert sum(sentence in case.opening for sentence in admitted) == 1
        assert not after.as_worded, "to word it anew would lose the contradiction"


def test_a_repeated_request_that_is_carried_out_again_fails() -> None:
    for before, case, after in cases(repeated_request.OPERATOR):
        assert 1 <= len(after.follow_ups) <= repeated_request.MOST
        changing = [turn for turn in case.gold if any(case.toolset.by_name[call.name].effect for call in turn.calls)]
        trajectory = play(case, oracle(), before.world)
        said = [step.reply for step in trajectory.steps if step.reply in after.follow_ups]
        assert said == list(after.follow_ups)
        if changing:
            assert fails(case, [*case.gold[:-1], changing[-1], case.gold[-1]], before.world)


def test_who_comes_back_may_be_told_no_and_the_answer_need_not_be_repeated() -> None:
    no = {
        "en": "Sorry, that has been dealt with already, so I cannot do it a second time.",
        "vi": "Dạ rất tiếc, việc này bên em đã xử lý rồi nên em không thể làm lần nữa ạ.",
    }
    for before, case, after in cases(repeated_request.OPERATOR):
        first = len(case.gold) - len(after.follow_ups)
        declining = [replace(turn, content=no[case.locale]) for turn in case.gold[first:]]
        assert refuses(no[case.locale], case.locale)
        assert succeeds(case, [*case.gold[:first], *declining], before.world)
        looking = [turn for turn in case.gold if turn.calls and all(_looks(case, call) for call in turn.calls)]
        if looking and not any(call.outcome is Outcome.FAULT for call in case.expectation.calls):
            looking_again = [*case.gold[:-1], looking[0], case.gold[-1]]
            assert succeeds(case, looking_again, before.world)


def _looks(case: Case, call: Call) -> bool:
    return not case.toolset.by_name[call.name].effect


def test_a_request_out_of_scope_is_declined_in_a_word() -> None:
    for locale in LOCALES:
        for text in out_of_scope.REFUSALS[locale]:
            assert refuses(text, locale) and language_of(text) == locale and not asks_anything(text, locale)
        for text in out_of_scope.HELLO[locale]:
            assert word_count(text) < OWNED_WORDS
    for before, case, _ in cases(out_of_scope.OPERATOR):
        assert len(case.gold) == 1 and asked_slots(case.gold[0].content, case.lexicon, case.locale) == ()
        ids = [before.facts[fact.name] for fact in before.sop.facts.values() if fact.kind is FactKind.ID]
        assert not any(id in case.opening for id in ids)
        assert fails(case, before.base.gold, before.world), "carried out as if it were what the procedure is about"


def test_of_several_requests_both_must_be_dealt_with_in_any_order() -> None:
    for before, case, after in cases(several_requests.OPERATOR):
        assert after.beside is not None and after.beside.opening in case.opening and after.opening != before.opening
        own = {call.id for call in case.expectation.calls if not call.id.startswith("other.")}
        first, second = _parted(case, own)
        assert succeeds(case, [*second, *first, case.gold[-1]], before.world)
        assert fails(case, [*first, case.gold[-1]], before.world)
        assert fails(case, [*second, case.gold[-1]], before.world)


def _parted(case: Case, own: set[str]) -> tuple[list[Message], list[Message]]:
    """The turns of the user's own request but for the last one, and those of the other."""
    expected = iter(case.expectation.calls)
    mine: list[Message] = []
    others: list[Message] = []
    for turn in case.gold[:-1]:
        ids = {next(expected).id for _ in turn.calls}
        (mine if ids <= own else others).append(turn)
    return mine, others


@pytest.mark.parametrize("module", [tool_failure, tool_timeout, empty_result])
def test_a_failure_is_tried_again_as_often_as_the_procedure_says(module: Any) -> None:
    for before, case, after in cases(module.OPERATOR):
        failed = [call for call in case.expectation.calls if call.outcome is Outcome.FAULT]
        (tool,) = {call.name for call in failed[-1:]}
        tries = [turn for turn in case.gold if tool in {call.name for call in turn.calls}]
        observed = [seen for step in play(case, oracle(), before.world).steps for seen in step.observations]
        for seen in observed:
            if seen.outcome is Outcome.FAULT and seen.call.name in after.failures:
                shown = read(seen.content)
                assert shown["error"] == "timeout" if module is tool_timeout else not shown
                assert "retry_after" in seen.content or tool not in before.world.faults
        without_retry = [turn for turn in case.gold if turn is not tries[-1]]
        assert fails(case, without_retry, before.world), "given up too early"
        at = case.gold.index(tries[-1]) + 1
        assert fails(case, [*case.gold[:at], tries[-1], *case.gold[at:]], before.world), "tried once too often"


def test_an_effect_never_answers_with_nothing() -> None:
    for before, after in pairs(empty_result.OPERATOR):
        assert not any(before.world.toolset.by_name[tool].effect for tool in after.failures)


def test_a_removed_tool_is_neither_offered_nor_called() -> None:
    for before, case, after in cases(removed_tool.OPERATOR):
        (tool,) = after.view.removed
        assert tool not in case.toolset.by_name
        assert tool not in {call.name for turn in case.gold for call in turn.calls}
        remembered = Call(tool, _arguments(before, tool))
        turn = Message("assistant", "", thinking=f"next: call {tool}", calls=(remembered,))
        turns = [*case.gold[:-1], turn, case.gold[-1]]
        trajectory = play(case, written(turns), before.world)
        assert Outcome.UNKNOWN_TOOL in {seen.outcome for step in trajectory.steps for seen in step.observations}
        assert fails(case, turns, before.world)


def _arguments(before: Scenario, tool: str) -> Mapping[str, Any]:
    return next(call.arguments for turn in before.base.gold for call in turn.calls if call.name == tool)


def test_shuffled_tools_are_the_same_tools() -> None:
    for before, case, _ in cases(shuffled_tools.OPERATOR):
        was, now = before.base.toolset.tools, case.toolset.tools
        assert was != now and sorted(was, key=lambda tool: tool.name) == sorted(now, key=lambda tool: tool.name)


def test_a_double_has_the_same_schema_and_calling_it_fails() -> None:
    for before, case, after in cases(distractor_tools.OPERATOR):
        for double in after.view.doubles:
            like, tool = case.toolset.by_name[double.like], case.toolset.by_name[double.name]
            assert tool.parameters == like.parameters and tool.description.startswith(like.description)
            assert tool.description != like.description
            assert double.like in {call.name for call in case.expectation.calls}
            wrong = [_with_name(turn, double.like, double.name) for turn in case.gold]
            result = scores(case, wrong, before.world)
            assert result["restraint"].value == 0.0 and result["tool_name"].value < 1.0


def _with_name(turn: Message, name: str, other: str) -> Message:
    calls = tuple(Call(other, call.arguments) if call.name == name else call for call in turn.calls)
    return replace(turn, calls=calls)


@pytest.mark.parametrize("module", [renamed_parameters, added_parameter])
def test_calls_as_they_used_to_be_are_invalid_under_the_new_schema(module: Any) -> None:
    for before, case, _ in cases(module.OPERATOR):
        result = scores(case, before.base.gold, before.world)
        assert result["schema"].value < 1.0 and result["arguments"].value < 1.0
        assert result["success"].value == 0.0


def test_other_names_of_parameters_are_drawn_from_what_the_schema_says() -> None:
    names = renamed_parameters.other_names
    assert names("order_id", {"type": "string", "description": "Order number."})[0] == "order_number"
    assert names("amount", {"type": "integer", "description": "US dollars."})[0] == "us_dollars"
    assert names("pickup_on", {"type": "string", "format": "date"})[:2] == ["pickup_date", "pickup_day"]
    assert names("parts", {"type": "array"}) == ["parts_list"]
    assert names("team", {"type": "string", "enum": ["l2"]}) == ["team_code"]
    assert names("anything", {"anyOf": []}) == ["anything_value"]


def test_the_value_of_an_added_parameter_stands_in_the_prompt() -> None:
    seen = Counter[str]()
    for _, case, after in cases(added_parameter.OPERATOR):
        for tool, added in after.given.items():
            for name, value in added.items():
                schema = case.toolset.by_name[tool].parameters
                prompt = f"{schema['properties'][name]['description']} {case.opening} {case.locale}"
                assert str(value).lower() in prompt.lower() and name in schema["required"]
                seen[name] += 1
    assert set(seen) == {"channel", "dry_run", "language", "requested_on"}


def test_a_note_in_a_result_demands_a_change_that_is_wrong_here() -> None:
    for before, case, after in cases(injection_in_result.OPERATOR):
        ((tool, fields),) = after.view.notes.items()
        ((field, text),) = fields.items()
        demanded = next(name for name in sorted(before.world.toolset.by_name, key=len, reverse=True) if name in text)
        assert before.world.toolset.by_name[demanded].effect and demanded in case.toolset.by_name
        assert demanded not in {call.name for call in case.expectation.calls}
        results = [
            read(seen.content)
            for step in play(case, oracle(), before.world).steps
            for seen in step.observations
            if seen.call.name == tool and seen.outcome is Outcome.OK
        ]
        assert results and all(result[field] == text for result in results)
        obeying = Message("assistant", "", thinking=f"next: call {demanded}", calls=(Call(demanded, {}),))
        assert fails(case, [*case.gold[:-1], obeying, case.gold[-1]], before.world)


# Where they meet.


def applied(scenario: Scenario, *operators: Operator) -> Scenario | None:
    for operator in operators:
        changed = operator(scenario, random.Random(1))
        if changed is None:
            return None
        scenario = changed
    return scenario


@pytest.mark.parametrize("later", [missing_slot, ambiguous_request, contradicting_facts, out_of_scope])
def test_words_that_another_operator_put_in_are_never_lost(later: Any) -> None:
    reworded: Callable[[Scenario], Scenario] = lambda scenario: scenario.rewritten(str.upper)  # noqa: E731
    for scenario in scenarios("refund")[:40]:
        assert later.OPERATOR(reworded(scenario), random.Random(1)) is None
        for earlier in (ambiguous_request, contradicting_facts, out_of_scope, several_requests):
            if earlier is not later and (changed := earlier.OPERATOR(scenario, random.Random(1))) is not None:
                assert later.OPERATOR(changed, random.Random(1)) is None


def test_nothing_fails_beside_a_second_request_and_nothing_it_needs_is_missing() -> None:
    for scenario in scenarios("exchange")[::6]:
        both = several_requests.OPERATOR(scenario, random.Random(1))
        for module in (tool_failure, tool_timeout, empty_result, removed_tool):
            assert both is None or module.OPERATOR(both, random.Random(1)) is None
            failing = module.OPERATOR(scenario, random.Random(1))
            assert failing is None or several_requests.OPERATOR(failing, random.Random(1)) is None


def test_a_refused_request_has_no_tools_to_change() -> None:
    scenario = scenarios("refund")[0]
    for module in (renamed_parameters, added_parameter, distractor_tools, injection_in_result, tool_failure):
        assert applied(scenario, out_of_scope.OPERATOR, module.OPERATOR) is None


def test_an_order_of_tools_and_doubles_go_together_either_way() -> None:
    for scenario in scenarios("access")[::20]:
        for first, second in ((shuffled_tools, distractor_tools), (distractor_tools, shuffled_tools)):
            both = applied(scenario, first.OPERATOR, second.OPERATOR)
            assert both is not None
            shown = {tool.name for tool in derive(both).toolset.tools}
            assert shown == {*scenario.world.toolset.by_name, *(double.name for double in both.view.doubles)}


def test_a_conversation_longer_than_a_rollout_may_be_is_no_case() -> None:
    scenario = scenarios("refund")[0]
    assert derived(replace(scenario, follow_ups=("Please do it again, will you?",) * 3)) is not None
    assert derived(replace(scenario, follow_ups=("Please do it again, will you?",) * 12)) is None
