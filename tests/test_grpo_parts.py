"""What GRPO is made of: prompts, groups, the curriculum, and conversations as one sequence of tokens."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toy_world
from hypothesis import given, strategies as st

pytest.importorskip("trl", reason="training needs samescore[train]")

from chat_templates import renderer_for
from grpo_training import renderer, training

from samescore.harness.dialects.hermes import Hermes
from samescore.harness.errors import PolicyError, ScoresDiffer, UsageError
from samescore.harness.plan import Item
from samescore.harness.policies.local import LocalConversation
from samescore.harness.policy import Sampling
from samescore.harness.renderer import Transcript, examples
from samescore.harness.rollout import DEFAULT_LIMITS, rollout
from samescore.harness.scorers import RUBRIC
from samescore.harness.types import Score, Trajectory
from samescore.trainers.config import DataConfig
from samescore.trainers.grpo.curriculum import Curriculum, StepSampler
from samescore.trainers.grpo.groups import Groups
from samescore.trainers.grpo.prompts import Prompts
from samescore.trainers.grpo.rewards import Rewarded, Rewards
from samescore.trainers.grpo.rollouts import Rolled, Written, columns, flatten
from samescore.trainers.grpo.sizes import longest, mean, require_room, sequences, spans, together
from samescore.trainers.grpo.trainer import require_prefix
from samescore.trainers.live import LivePolicy
from samescore.trainers.material import load_material
from samescore.trainers.samples import gold_lessons, samples_of

CASES = tuple(toy_world.case(number) for number in range(8))
DECISIONS = Prompts(CASES, "decision")
EPISODES = Prompts(CASES, "episode")
READER = Rewards(DECISIONS, toy_world.WORLDS, renderer(), Hermes(), DEFAULT_LIMITS)


class GoldSession:
    """Writes the gold turns as the template does, and remembers the prompts."""

    def __init__(self, turns: Sequence[Sequence[int]]) -> None:
        self.left = list(turns)
        self.written: list[Written] = []

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        ids = tuple(self.left.pop(0))
        self.written.append(Written(tuple(prompt), ids, [-0.5] * len(ids)))
        return ids

    def close(self) -> None:
        """Nothing is held."""


class Gold:
    """A local policy that writes gold."""

    name, dialect = "gold", Hermes()

    def describe(self) -> dict[str, Any]:
        return {}

    def converse(self, case: Any, sampling: Sampling) -> LocalConversation:
        ids = [(*renderer().encode(self.dialect.write(turn)), renderer().end_id) for turn in case.gold[case.prefix :]]
        self.session = GoldSession(ids)
        transcript = Transcript(renderer(), case.messages, case.toolset)
        return LocalConversation(transcript, self.session, sampling, None)

    async def aclose(self) -> None:
        """Nothing is held."""


def rolled(key: str, prompts: Prompts) -> tuple[Trajectory, Rolled]:
    case, policy = prompts[key], Gold()
    trajectory = asyncio.run(rollout(case, policy, toy_world.WORLD))
    return trajectory, flatten(Item(key, 0, 0), case, trajectory, policy.session.written)


def test_every_turn_of_every_case_is_a_decision() -> None:
    assert len(DECISIONS) == sum(len(case.gold) for case in CASES) and len(EPISODES) == len(CASES)
    for key, case in DECISIONS.items():
        assert case.id == key and case.decision and case.prefix == int(key.rpartition("@")[2])
    assert DECISIONS.branch("toy/0001@2") == EPISODES.branch("toy/0001") == "toy/even/asked"


@pytest.mark.parametrize("key", list(DECISIONS))
def test_gold_is_right_in_every_decision_and_its_reward_is_one(key: str) -> None:
    trajectory, one = rolled(key, DECISIONS)
    assert {name: score.value for name, score in RUBRIC.score(DECISIONS[key], trajectory).items()}["success"] == 1.0
    again, scores = READER.score(key, one.completion_ids, one.spans)
    assert scores == RUBRIC.score(DECISIONS[key], trajectory)
    assert [step.observations for step in again.steps] == [step.observations for step in trajectory.steps]


@pytest.mark.parametrize("key", list(EPISODES))
def test_a_conversation_is_one_sequence_and_the_loss_is_on_the_turns_alone(key: str) -> None:
    trajectory, one = rolled(key, EPISODES)
    case = EPISODES[key]
    (example,) = examples(renderer(), case.messages, case.toolset, trajectory.steps)
    assert (*one.prompt_ids, *one.completion_ids) == example.ids, "GRPO and SFT train the same ids"
    assert (*([0] * len(one.prompt_ids)), *one.mask) == example.mask
    turns = [one.completion_ids[start:end] for start, end in one.spans]
    assert turns == [step.turn.completion.token_ids for step in trajectory.steps]
    written = [index for start, end in one.spans for index in range(start, end)]
    assert [index for index, mine in enumerate(one.mask) if mine] == written
    assert one.logprobs is not None
    assert [value for value, mine in zip(one.logprobs, one.mask, strict=True) if mine] == [-0.5] * len(written)
    assert not any(value for value, mine in zip(one.logprobs, one.mask, strict=True) if not mine)


def test_a_turn_without_a_token_has_an_empty_span() -> None:
    trajectory, one = rolled("toy/0000", EPISODES)
    policy = Gold()
    asyncio.run(rollout(CASES[0], policy, toy_world.WORLD))
    short = flatten(Item("toy/0000", 0, 0), CASES[0], trajectory, policy.session.written[:-1])
    assert short.spans[-1] == (len(short.completion_ids), len(short.completion_ids)) and len(short.spans) == 3
    reader = Rewards(EPISODES, toy_world.WORLDS, renderer(), Hermes(), DEFAULT_LIMITS)
    again, scores = reader.score("toy/0000", short.completion_ids, short.spans)
    assert again.steps[-1].turn.defects and all(score.value == 0.0 for score in scores.values()), "it was truncated"
    assert len(one.completion_ids) > len(short.completion_ids)


def test_probabilities_are_given_for_all_rollouts_or_for_none() -> None:
    _, one = rolled("toy/0000", EPISODES)
    assert columns([one, one])["logprobs"] is not None
    assert columns([one, replace(one, logprobs=None)])["logprobs"] is None


def test_a_conversation_that_does_not_end_where_it_did_is_no_score() -> None:
    _, one = rolled("toy/0000@0", DECISIONS)
    with pytest.raises(ScoresDiffer, match="does not give the same answers twice"):
        READER.score("toy/0000@0", one.completion_ids, [*one.spans, one.spans[0]])


def test_episodes_need_a_template_that_keeps_its_prefix(tmp_path: Path) -> None:
    job = training(tmp_path, CASES, shape="episode")
    require_prefix(job)
    moving = replace(job, renderer=renderer_for("qwen3"))
    with pytest.raises(UsageError, match=r'renders them differently when a user.s turn is added.*shape = "decision"'):
        require_prefix(moving)
    require_prefix(replace(moving, config=job.config.model_copy(update={"shape": "decision"})))


def rewarded(keys: Sequence[str], values: Sequence[float | None], truncated: int = 0) -> Rewarded:
    scores = tuple(None if value is None else {"success": Score(value, "")} for value in values)
    return Rewarded(0, tuple(keys), [[0]] * len(keys), [()] * len(keys), scores, truncated, 0.0)


def test_groups_that_do_not_vary_are_counted_by_branch() -> None:
    groups, logged = Groups(EPISODES, {"success": 2.0}), dict[str, float]()
    keys = ["toy/0000"] * 2 + ["toy/0001"] * 2 + ["toy/0002"] * 2 + ["toy/0003"] * 2
    groups(rewarded(keys, [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, None, None], truncated=1), logged.__setitem__)
    told = groups.to_json()
    assert (told["groups"], told["zero_variance"], told["truncated"], told["failed"]) == (3, 2, 1, 2)
    branches = told["branches"]
    assert branches["toy/even/waived"]["solved"] == 1 and branches["toy/even/asked"]["failed"] == 1
    assert branches["toy/even/unknown"] == {
        "groups": 1,
        "zero_variance": 0,
        "solved": 0,
        "failed": 0,
        "variance": 1.0,
    }
    assert logged == {
        "groups/zero_variance": pytest.approx(2 / 3),
        "completions/truncated": 1 / 8,
        "completions/failed": 2 / 8,
        "seconds/scoring": 0.0,
    }


def test_branches_whose_rewards_vary_get_more_prompts_and_no_branch_none() -> None:
    groups = Groups(EPISODES, {"success": 1.0})
    flat = [(key, [1.0, 1.0]) for key in EPISODES if key != "toy/0001"]
    for key, values in [*flat, ("toy/0001", [0.0, 1.0])] * 3:
        groups(rewarded([key] * 2, values), lambda name, value: None)
    drawn = Counter(
        EPISODES.branch(list(EPISODES)[row])
        for batch in range(400)
        for row in Curriculum(EPISODES, groups, 0.5, batch).rows(0, 1)
    )
    assert len(drawn) == len({EPISODES.branch(key) for key in EPISODES}), "every branch goes on being measured"
    assert 0.5 < drawn["toy/even/asked"] / 400 < 0.63, "half of the draws, and its share of the rest"
    even = Counter(
        EPISODES.branch(list(EPISODES)[row])
        for batch in range(400)
        for row in Curriculum(EPISODES, groups, 0.0, batch).rows(0, 1)
    )
    assert max(even.values()) < 400 / len(even) * 1.5


def test_a_branch_that_alone_varies_does_not_run_out_of_prompts() -> None:
    groups = Groups(EPISODES, {"success": 1.0})
    for key in EPISODES:
        groups(rewarded([key] * 2, [0.0, float(key == "toy/0001")]), lambda name, value: None)
    for seed in range(20):
        rows = Curriculum(EPISODES, groups, 1.0, seed).rows(0, 5)
        assert len(set(rows)) == 5
        assert "toy/0001" in [list(EPISODES)[row] for row in rows]


def test_a_group_whose_first_completion_failed_is_solved_by_the_others() -> None:
    groups = Groups(EPISODES, {"success": 2.0})
    for values in ([None, 1.0, 1.0], [None, 0.0, 0.0]):
        groups(rewarded(["toy/0000"] * 3, values), lambda name, value: None)
    branch = groups.branches[EPISODES.branch("toy/0000")]
    assert (branch.flat, branch.solved, branch.failed) == (2, 1, 1)


@given(seed=st.integers(0, 10_000), stop=st.integers(0, 5), ahead=st.integers(0, 2))
def test_a_curriculum_goes_on_where_it_stood(seed: int, stop: int, ahead: int) -> None:
    unbroken = Curriculum(DECISIONS, Groups(DECISIONS, {"success": 1.0}), 0.5, seed)
    expected = [unbroken.rows(batch, 4) for batch in range(8)]
    first = Curriculum(DECISIONS, Groups(DECISIONS, {"success": 1.0}), 0.5, seed)
    for batch in range(stop + ahead):  # a data loader fetches ahead
        first.rows(batch, 4)
    second = Curriculum(DECISIONS, Groups(DECISIONS, {"success": 1.0}), 0.5, seed + 1)
    second.take(json.loads(json.dumps(first.to_json(stop))))
    assert [second.rows(batch, 4) for batch in range(stop, 8)] == expected[stop:]


def test_a_step_takes_different_prompts_and_whole_groups() -> None:
    curriculum = Curriculum(DECISIONS, Groups(DECISIONS, {"success": 1.0}), 0.5, 1)
    sampler = StepSampler(curriculum, 5, 3, 2, 4, lambda: 1)
    rows = list(sampler)
    assert len(rows) == 3 * 5 * 3 * 2 and len(sampler) == 4 * 5 * 3 * 2
    for start in range(0, len(rows), 15):
        batch = rows[start : start + 15]
        assert len(set(batch)) == 5 and all(len(set(batch[at : at + 3])) == 1 for at in range(0, 15, 3))
    assert rows[:15] == rows[15:30] != rows[30:45]


def test_resumed_counts_go_on() -> None:
    groups = Groups(EPISODES, {"success": 1.0})
    groups(rewarded(["toy/0000"] * 2, [0.0, 1.0]), lambda name, value: None)
    other = Groups(EPISODES, {"success": 1.0})
    other.take(json.loads(json.dumps(groups.to_json())))
    assert other.to_json() == groups.to_json()


def test_prompt_ids_of_evaluation_sft_and_grpo_are_equal_for_every_case() -> None:
    material = load_material(DataConfig(), split="eval")
    decisions = Prompts(material.cases, "decision")
    for case in material.cases:
        policy = Gold()
        trajectory = asyncio.run(rollout(case, policy, material.worlds[case.world]))
        prompts = [list(turn.prompt) for turn in policy.session.written]
        assert prompts[0] == renderer().start(case.messages, case.toolset)
        (example,) = examples(renderer(), case.messages, case.toolset, trajectory.steps)
        episode = flatten(Item(case.id, 0, 0), case, trajectory, policy.session.written)
        whole = [*episode.prompt_ids, *episode.completion_ids]
        assert whole == list(example.ids), "evaluation, GRPO's episodes and SFT"
        for prompt, (start, _) in zip(prompts, episode.spans, strict=True):
            assert whole[: len(episode.prompt_ids) + start] == prompt
        last = len(case.gold) - 1
        one = Gold()
        decided = asyncio.run(rollout(decisions[f"{case.id}@{last}"], one, material.worlds[case.world]))
        assert list(one.session.written[0].prompt) == prompts[last], "and GRPO's decisions"
        assert decided.final is not None


# How long it becomes.


def sized(folder: Path, **options: Any) -> tuple[Any, list[Any]]:
    """A configuration over the toy cases, and their gold conversations as samples."""
    asked = training(folder, CASES, **options)
    return asked.config, list(samples_of(gold_lessons(asked.material), renderer(), Hermes()))


@pytest.mark.parametrize("limit", [8, 40, 4096])
def test_a_decision_is_sized_by_its_prompt_and_one_turn_and_no_gold_turn_is_counted_twice(
    tmp_path: Path, limit: int
) -> None:
    config, samples = sized(tmp_path, shape="decision", turn_tokens=limit)
    played = [rolled(key, DECISIONS)[1] for key in DECISIONS]
    size = longest(config, samples)
    assert size.prompt == max(len(one.prompt_ids) for one in played)
    assert size.between == 0 and size.completion == size.written <= limit
    assert size.written == limit or limit == 4096, "and in any case no more than is left of the conversation"
    counted = [len(one.prompt_ids) + len(one.completion_ids) for one in played]
    assert mean(config, samples) == pytest.approx(sum(counted) / len(counted))


def test_what_gold_wrote_before_a_decision_counts_in_its_conversation(tmp_path: Path) -> None:
    config, samples = sized(tmp_path, shape="decision", turn_tokens=500, completion_tokens=500)
    size = longest(config, samples)
    (sample,) = [one for one in samples if one.source == size.source]
    before = sum(end - start for start, end in spans(sample.example) if start < size.prompt)
    assert size.written == 500 - before


def test_an_episode_is_sized_by_its_first_prompt_and_all_that_the_limits_allow(tmp_path: Path) -> None:
    config, samples = sized(tmp_path, shape="episode", turn_tokens=200, turns=5, completion_tokens=900)
    size = longest(config, samples)
    played = [rolled(key, EPISODES)[1] for key in EPISODES]
    assert size.prompt == max(len(one.prompt_ids) for one in played)
    assert size.written == 900 and longest(config.model_copy(update={"turns": 2}), samples).written == 400
    answers = max(after - end for one in played for (_, end), (after, _) in zip(one.spans, one.spans[1:], strict=False))
    assert size.between == 4 * answers > 0
    counted = [len(one.prompt_ids) + sum(one.mask) for one in played]
    assert mean(config, samples) == pytest.approx(sum(counted) / len(counted))


def test_completions_that_are_used_again_are_sampled_once(tmp_path: Path) -> None:
    config, _ = sized(tmp_path, steps=7, reuse=3, group=4, prompts=2, batch_size=8)
    assert sequences(config) == 3 * 8 and together(config) == 8


def test_a_prompt_without_room_for_a_turn_is_refused_beforehand(tmp_path: Path) -> None:
    config, samples = sized(tmp_path, max_tokens=64)
    with pytest.raises(
        UsageError, match=r"has \d+ tokens, and max_tokens = 64 leaves no room for a turn\. Set max_tokens"
    ):
        require_room(config, longest(config, samples))
    config, _ = sized(tmp_path)
    require_room(config, longest(config, samples))


def test_a_prompt_without_room_closes_the_session_that_was_opened_for_it() -> None:
    closed: list[bool] = []

    class Session(GoldSession):
        def close(self) -> None:
            closed.append(True)

    class Writer:
        context = None

        def session(self, prefix: Sequence[int] = ()) -> Any:
            return Session([])

    policy = LivePolicy(Writer(), renderer(), Hermes(), {}, longest=16)  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match=r"max_tokens = 16 leaves no room for a turn\. Raise it\.$"):
        policy.converse(CASES[0], Sampling())
    assert closed == [True]
