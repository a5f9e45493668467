"""Pairs of a right and a wrong turn: scored as evaluation scores, token for token what the model sees."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import clinic_world
import pytest
from hypothesis import given, strategies as st

pytest.importorskip("transformers", reason="rendering needs samescore[local]")

from pair_training import CASES, WritingPolicy, dialect, gold_text, pairing, renderer, training
from transformers import AutoTokenizer

from samescore.harness.case import Case
from samescore.harness.errors import UsageError
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.fingerprint import fingerprint
from samescore.harness.mutants import Mutant
from samescore.harness.plan import Plan
from samescore.harness.policies import tiny_path
from samescore.harness.policies.script import oracle
from samescore.harness.policy import Policy
from samescore.harness.renderer import Renderer
from samescore.harness.rollout import DEFAULT_LIMITS, rollout
from samescore.harness.run import Run
from samescore.harness.types import Call, Message
from samescore.suites.suite import Suite
from samescore.trainers import rejected
from samescore.trainers.config import DataConfig
from samescore.trainers.decisions import Decision, Decisions
from samescore.trainers.grpo.prompts import Prompts
from samescore.trainers.grpo.rewards import Rewards
from samescore.trainers.material import load_material
from samescore.trainers.pairs import EMPTY, GOLD, NO_WORSE, TWICE, UNWRITABLE, Candidate, Pair, Pairs, in_turn

MATERIAL = load_material(DataConfig(suite="sop/refund", limit=6))
ONE_CALL = """\
{% for m in messages if (m.tool_calls or []) | length > 1 %}{{ raise_exception("one call a turn") }}{% endfor -%}
"""
WRONG_CALL = Message("assistant", "", calls=(Call("remind", {"email": "nobody@example.com"}),))


def decisions_of(case: Case) -> tuple[Decision, ...]:
    _, found = asyncio.run(pairing().decisions.gold(case))
    return found


def from_mutants(cases: tuple[Case, ...] = CASES, **options: Any) -> Pairs:
    return asyncio.run(rejected.from_mutants(cases, pairing(**options)))


def added(*candidates: Candidate) -> Pairs:
    made = pairing(per_case=100)
    asyncio.run(made.add(CASES[0], candidates))
    return made.pairs


@pytest.mark.parametrize("case", [*CASES, *MATERIAL.cases[:3]], ids=lambda case: case.id)
def test_a_decision_has_the_prompts_of_evaluation(case: Case) -> None:
    worlds = {**clinic_world.WORLDS, **MATERIAL.worlds}
    _, found = asyncio.run(Decisions(worlds, renderer(), dialect()).gold(case))
    assert [decision.case for decision in found] == [case.at(k) for k in range(len(case.gold))]
    whole, alone = WritingPolicy(gold_text), WritingPolicy(gold_text)
    asyncio.run(rollout(case, whole, worlds[case.world]))
    for decision in found:
        asyncio.run(rollout(decision.case, alone, worlds[case.world]))
    assert [decision.prompt for decision in found] == [prompt for _, prompt in whole.prompts]
    assert [decision.prompt for decision in found] == [prompt for _, prompt in alone.prompts]


def test_a_turn_scores_what_grpo_would_reward_it_with() -> None:
    cases = MATERIAL.cases[:2]
    decisions = Decisions(MATERIAL.worlds, renderer(), dialect())
    made = replace(pairing(), decisions=decisions)
    pairs = asyncio.run(rejected.from_mutants(cases, made)).made
    rewards = Rewards(Prompts(cases, "decision"), MATERIAL.worlds, renderer(), dialect(), DEFAULT_LIMITS)
    for pair in pairs:
        for side in (pair.chosen, pair.rejected):
            _, scores = rewards.score(f"{pair.case}@{pair.k}", side.ids, [(0, len(side.ids))])
            assert side.scores == scores
    assert len(pairs) == 8


def test_the_chosen_turn_is_right_and_the_rejected_one_wrong_and_never_gold() -> None:
    pairs = from_mutants(per_case=1000)
    gold = {(decision.prompt, decision.gold) for case in CASES for decision in decisions_of(case)}
    assert len(pairs.made) > 60
    for pair in pairs.made:
        assert pair.chosen.success.value == 1.0 and set(pair.chosen.scores) == set(pair.rejected.scores)
        assert pair.rejected.success.value == 0.0 and min(s.value for s in pair.rejected.scores.values()) < 1.0
        assert (pair.prompt, pair.chosen.ids) in gold and (pair.prompt, pair.rejected.ids) not in gold
        assert pair.chosen.ids[-1] == pair.rejected.ids[-1] == renderer().end_id
    sides = [(pair.prompt, pair.rejected.ids) for pair in pairs.made]
    assert len(set(sides)) == len(sides), "no turn is rejected twice"


def test_malformed_mutants_are_written_as_they_are() -> None:
    malformed = [pair for pair in from_mutants(per_case=1000).made if "malformed" in pair.rejected.success.reason]
    assert any(pair.detail == "format: turn 1: unclosed call" for pair in malformed)
    for pair in malformed:
        assert renderer().completion(pair.rejected.ids, pair.prompt).text == pair.rejected.text
        assert {score.value for score in pair.rejected.scores.values()} == {0.0}


def test_pairs_follow_from_the_seed() -> None:
    first, again, other = from_mutants(), from_mutants(), from_mutants(seed=8)
    assert first.lines() == again.lines() and first.to_json() == again.to_json()
    assert first.to_json()["fingerprint"] != other.to_json()["fingerprint"]


def test_pairs_of_a_case_are_few_and_spread_over_turns_and_kinds() -> None:
    pairs = from_mutants(per_case=6).made
    for case in CASES:
        mine = [pair for pair in pairs if pair.case == case.id]
        assert len(mine) == 6
        assert max(Counter(pair.k for pair in mine).values()) <= 3
        assert len({pair.detail.split(":")[0] for pair in mine}) >= 4


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abc")), max_size=12), st.integers(0, 99))
def test_every_candidate_has_its_turn_and_none_comes_twice_while_another_kind_and_turn_waits(
    keys: list[tuple[int, str]], seed: int
) -> None:
    at = decisions_of(CASES[0])
    candidates = [Candidate(at[k], kind, str(number), "") for number, (k, kind) in enumerate(keys)]
    order = list(in_turn(candidates, random.Random(seed)))
    assert sorted(one.detail for one in order) == sorted(one.detail for one in candidates)
    if len(order) > 1:
        first, second = ((one.decision.k, one.kind) for one in order[:2])
        fresh = any(k != first[0] and kind != first[1] for k, kind in keys)
        assert not fresh or (second[0] != first[0] and second[1] != first[1])


def test_what_can_be_no_pair_is_dropped_and_counted() -> None:
    asking, calling, _ = decisions_of(CASES[0])
    right = Message("assistant", "What is your email address, please?")
    empty = asyncio.run(pairing().decisions.judge(asking, ()))
    pairs = added(
        Candidate(asking, "a", "gold", CASES[0].gold[0]),
        Candidate(asking, "a", "as good", right),
        Candidate(calling, "b", "wrong", WRONG_CALL),
        Candidate(calling, "c", "wrong again", WRONG_CALL),
        Candidate(asking, "d", "nothing", empty),
    )
    assert pairs.dropped == {GOLD: 1, NO_WORSE: 1, TWICE: 1, EMPTY: 1}
    assert [pair.rejected.text for pair in pairs.made] == [dialect().write(WRONG_CALL)]


def test_a_turn_that_the_template_cannot_write_is_dropped_and_counted() -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_path())
    tokenizer.chat_template = ONE_CALL + tokenizer.chat_template
    made = replace(pairing(per_case=1000), decisions=Decisions(clinic_world.WORLDS, Renderer(tokenizer), dialect()))
    pairs = asyncio.run(rejected.from_mutants(CASES, made))
    assert pairs.dropped[UNWRITABLE] >= len(CASES) and pairs.made
    assert all(pair.rejected.text.count("<tool_call>") < 2 for pair in pairs.made)


def test_a_mutant_is_rejected_where_it_departs_from_gold() -> None:
    case, decisions = CASES[0], decisions_of(CASES[0])
    ask, call, done = case.gold
    found = {
        "left out": (ask, done),
        "twice": (ask, call, call, done),
        "ends early": (ask, call),
        "changed": (ask, WRONG_CALL, done),
    }
    where = {
        name: [(decision.k, turn) for decision, turn in rejected.departure(case, Mutant(name, turns), decisions)]
        for name, turns in found.items()
    }
    assert where == {"left out": [(1, done)], "twice": [(2, call)], "ends early": [], "changed": [(1, WRONG_CALL)]}


def test_sampled_turns_are_rejected_where_they_score_less_and_chosen_where_they_are_right() -> None:
    def script(case: Case, turn: int, seed: int) -> str:
        if case.prefix == 0:
            return "Hm."
        if case.prefix == 1:
            return dialect().write(WRONG_CALL if seed % 2 else replace(case.gold[1], thinking="I know."))
        return gold_text(case, turn, seed)

    policy = WritingPolicy(script)
    pairs = asyncio.run(rejected.from_samples(CASES, pairing("sampled"), policy, 6, 1.0))
    assert {(pair.k, pair.rejected.text) for pair in pairs.made} == {(0, "Hm."), (1, dialect().write(WRONG_CALL))}
    gold = dialect().write(CASES[0].gold[0])
    assert {pair.chosen.text for pair in pairs.made if pair.k == 0} == {gold}, "where it has no right turn, gold is"
    assert all("I know." in pair.chosen.text for pair in pairs.made if pair.k == 1), "its own right turn is chosen"
    assert len(policy.prompts) == len(CASES) * 3 * 6
    assert pairs.dropped[TWICE] and pairs.dropped[NO_WORSE] >= len(CASES) * 6


def recorded(folder: Path, policy: Policy, cases: tuple[Case, ...] = CASES, epochs: int = 1) -> Path:
    """A run of these cases."""
    suite = Suite("clinic", 1, cases, {"success": 0.5}, clinic_world.WORLDS)
    plan = Plan.make([suite], epochs=epochs, seed=3, temperature=1.0)
    run = Run.create(folder, plan, policy, clinic_world.WORLDS, suites=[suite])
    evaluate_sync([suite], policy, clinic_world.WORLDS, plan, run)
    return folder


def conversations(folder: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is read of a run while the configuration's suite is the clinic."""
    asked = training(folder, rejected="recorded", recorded=[path])
    monkeypatch.setattr(rejected, "load_material", lambda data: asked.material)
    return rejected.conversations(asked)


def test_a_recorded_failure_is_rejected_at_its_first_wrong_turn_after_what_the_model_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "What is your email address, please?"

    def script(case: Case, turn: int, seed: int) -> str:
        if turn == 0:
            return own
        return dialect().write(WRONG_CALL) if turn == 1 else gold_text(case, turn, seed)

    found = conversations(tmp_path, recorded(tmp_path / "run", WritingPolicy(script)), monkeypatch)
    pairs = asyncio.run(rejected.from_recorded(CASES, pairing("recorded"), found))
    assert [(pair.case, pair.k, pair.detail) for pair in pairs.made] == [(case.id, 1, "run, epoch 0") for case in CASES]
    for pair, case in zip(pairs.made, CASES, strict=True):
        assert pair.rejected.text == dialect().write(WRONG_CALL) and pair.chosen.success.value == 1.0
        assert own in renderer().tokenizer.decode(pair.prompt), "the prompt is the one that the model saw"
        assert fingerprint(list(pair.prompt)) == found[case.id][0][1].record.turns[1].prompt


def test_a_recorded_success_gives_the_chosen_turn_for_the_same_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(case: Case, turn: int, seed: int) -> str:
        if turn == 1:
            right = replace(case.gold[1], thinking="I know.")
            return dialect().write(right if seed == first else WRONG_CALL)
        return gold_text(case, turn, seed)

    case = CASES[0]
    suite = Suite("clinic", 1, (case,), {})
    first = next(Plan.make([suite], epochs=2, seed=3).items()).seed
    path = recorded(tmp_path / "run", WritingPolicy(script), (case,), epochs=2)
    pairs = asyncio.run(
        rejected.from_recorded((case,), pairing("recorded"), conversations(tmp_path, path, monkeypatch))
    )
    assert [(pair.k, "I know." in pair.chosen.text, pair.detail) for pair in pairs.made] == [(1, True, "run, epoch 1")]


def test_runs_on_cases_that_judge_and_runs_of_other_models_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(CASES[0], id="clinic/dev")
    judging = recorded(tmp_path / "dev", WritingPolicy(gold_text), (CASES[0], other))
    with pytest.raises(UsageError, match=r"1 of the run's 2 cases \(such as clinic/dev\) are not of the train split"):
        conversations(tmp_path, judging, monkeypatch)
    foreign = recorded(tmp_path / "oracle", oracle())
    with pytest.raises(UsageError, match="the run was had with oracle, whose token ids are not those of tiny"):
        conversations(tmp_path, foreign, monkeypatch)


def test_every_pair_is_recorded_with_both_score_vectors(tmp_path: Path) -> None:
    pairs = from_mutants()
    lines = [json.loads(line) for line in pairs.lines().splitlines()]
    assert len(lines) == len(pairs.made)
    for line, pair in zip(lines, pairs.made, strict=True):
        assert (line["case"], line["k"], line["source"]) == (pair.case, pair.k, "mutants")
        assert line["prompt"] == fingerprint(list(pair.prompt)) and line["prompt_tokens"] == len(pair.prompt)
        for name, side in (("chosen", pair.chosen), ("rejected", pair.rejected)):
            assert line[name]["ids"] == list(side.ids) and line[name]["text"] == side.text
            assert line[name]["scores"] == {name: score.value for name, score in side.scores.items()}
        assert line["rejected"]["reason"] == pair.rejected.success.reason


def test_recorded_pairs_are_read_back_for_a_training_that_goes_on(tmp_path: Path) -> None:
    def kept(cases: tuple[Case, ...]) -> list[Pair]:
        return asyncio.run(rejected.from_kept(cases, pairing("sampled"), path)).made

    def hm(case: Case, turn: int, seed: int) -> str:
        return "Hm."

    pairs = asyncio.run(rejected.from_samples(CASES, pairing("sampled"), WritingPolicy(hm), 1, 1.0))
    path = tmp_path / "pairs.jsonl"
    path.write_text(pairs.lines(), encoding="utf-8")
    assert kept(CASES) == pairs.made and len(pairs.made) == 6
    changed = replace(CASES[0], opening="Remind me.")
    with pytest.raises(UsageError, match=r"pairs.jsonl:1: case clinic/0 is not there any more, or its prompt"):
        kept((changed, CASES[1]))
