"""The claim of the project: the reward that trained is the score that evaluates, bit for bit, in the real trainer."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toy_world
from in_process import samescore

pytest.importorskip("trl", reason="training needs samescore[train]")

from grpo_training import assembled

from samescore.harness.case import Case
from samescore.harness.dialects.edge_cases import EDGE_CASES
from samescore.harness.dialects.hermes import Hermes
from samescore.harness.errors import ScoresDiffer
from samescore.harness.run import Run
from samescore.harness.scorers import SCORERS, Rubric
from samescore.harness.style import StyleGuide
from samescore.harness.types import Completion, Score, Trajectory, Turn
from samescore.trainers.grpo.rewards import Rewarded
from samescore.trainers.grpo.trainer import Grpo
from samescore.trainers.grpo.watch import Watch

GET = '<tool_call>\n{"name": "get_loan", "arguments": {"book_id": "B-1000"}}\n</tool_call>'
WAIVE = '<tool_call>\n{"name": "waive_fee", "arguments": {"book_id": "B-1000", "amount": 3}}\n</tool_call>'
DONE = "Done: we waived $3 for book B-1000."
WEIGHTS = {scorer.name: 1.0 for scorer in SCORERS}


def broken(call: str) -> list[str]:
    """What parsers of the field were seen to accept, repair or read differently (facts on 24 edge cases)."""
    return [
        call.replace('"amount": 3', '"amount": "3"'),  # a string for an integer
        call.replace('"amount": 3', '"amount": 3.0'),
        call.replace('"amount": 3', '"amount": true'),
        call.removesuffix("\n</tool_call>"),  # unclosed
        call + "\n" + call.replace("}}", "}"),  # two calls, the second broken
        call + "\n" + call,
        call.replace('{"book_id": "B-1000", "amount": 3}', "{}"),  # a call without arguments
        call.replace('{"book_id": "B-1000", "amount": 3}', '"B-1000"'),  # a bare argument
        call.replace('"arguments"', '"parameters"'),
        call.replace('"amount": 3', '"amount": 3, "amount": 3'),  # a duplicate key
        call.replace('"amount": 3', '"amount": NaN'),
        call.replace('"amount": 3', '"amount": 1e999'),
        call.replace('"amount": 3', '"amount": 3,'),
        call.replace('"amount": 3', '"amount": 3, "note": ""'),  # an argument that there is not
        call.replace('"', "'"),
        "Sure.\n" + call,
        call + "\nDone.",
        "",
        "</think>" + call,
        "<think>\nwaive it\n</think>\n\n" + call,
        "<think>" + call,
        "<|im_start|>user\n" + call,
    ]


def edges(names: dict[str, str]) -> list[str]:
    """The Hermes edge cases, their tools renamed to those of the world."""
    texts = [edge.text for edge in EDGE_CASES if edge.dialect == "hermes" and len(edge.text) < 400]
    for ours, theirs in names.items():
        texts = [text.replace(f'"{ours}"', f'"{theirs}"') for text in texts]
    return texts


TEXTS = [WAIVE, *broken(WAIVE), *edges({"pay": "waive_fee", "note": "get_loan", "order": "book_id"})]


def observed(grpo: Grpo) -> list[Rewarded]:
    seen: list[Rewarded] = []
    grpo.rewards.listeners.append(lambda rewarded, log: seen.append(rewarded))
    return seen


def without_learning(grpo: Grpo) -> None:
    """A loss that is nothing: only rewards are asked of so many completions, and the pass through them is long."""
    parameter = next(one for one in grpo.trainer.model.parameters() if one.requires_grad)
    grpo.trainer.compute_loss = lambda model, inputs, *rest, **more: 0.0 * parameter.sum()


def float32(value: float) -> bytes:
    return struct.pack("<f", value)


def scored_by_command(folder: Path) -> dict[tuple[str, int], dict[str, float]]:
    """What `samescore score` makes of a run: the values of each rollout."""
    done = samescore("score", folder, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    rows = json.loads((folder / "scores.json").read_text(encoding="utf-8"))["rows"]
    assert not [row["error"] for row in rows if row["error"]]
    return {(row["case"], row["epoch"]): row["scores"] for row in rows}


def assert_identical(grpo: Grpo, rewarded: Sequence[Rewarded], folder: Path) -> int:
    """Every logged reward of the last step is the score of the same ids, as float32; the number of comparisons."""
    last = rewarded[-1]
    run = folder / "adapter" / "watch" / f"step-{last.step:06d}"
    scores = scored_by_command(run)
    ids = {(one.case, one.epoch): [turn.token_ids for turn in one.turns] for one in Run.open(run).records()}
    logged = {name: list(values)[-len(last.keys) :] for name, values in grpo.trainer._logs["rewards"].items()}
    assert set(logged) == set(WEIGHTS)
    compared = 0
    epochs: dict[str, int] = {}
    for index, key in enumerate(last.keys):
        epoch = epochs[key] = epochs.get(key, -1) + 1
        mine = [tuple(last.completion_ids[index][start:end]) for start, end in last.spans[index]]
        assert mine == ids[key, epoch][-len(mine) :], "what was rewarded is what was recorded"
        for name, values in logged.items():
            if name in scores[key, epoch]:
                assert float32(values[index]) == float32(scores[key, epoch][name]), (key, epoch, name, mine)
                compared += 1
            else:
                assert values[index] != values[index], f"{name} does not apply to {key}: TRL keeps NaN"
    return compared


def test_the_reward_of_every_edge_case_is_its_score(tmp_path: Path) -> None:
    texts = TEXTS + TEXTS[: len(TEXTS) % 2]
    grpo = assembled(
        tmp_path,
        [toy_world.case(0).at(1)],  # the look-up is done: what it waives is to be decided
        lambda number: texts[number],
        shape="episode",
        group=len(texts),
        prompts=1,
        batch_size=len(texts) // 2,
        steps=1,
        weights=WEIGHTS,
        watched=len(texts),
    )
    rewarded = observed(grpo)
    without_learning(grpo)
    grpo.trainer.train()
    assert assert_identical(grpo, rewarded, tmp_path) >= 4 * len(texts)
    values = rewarded[-1].values("success")
    assert values[0] == 1.0 and values.count(1.0) < len(texts) / 4, "gold is right, and hardly anything else"


@pytest.mark.parametrize("shape", ["decision", "episode"])
def test_the_reward_of_what_the_model_samples_is_its_score(tmp_path: Path, shape: str) -> None:
    script = {0: GET, 3: WAIVE, 5: "<tool_call>\n{", 6: DONE}  # in between the model writes itself
    cases = [toy_world.case(number) for number in range(8)]
    house = StyleGuide(forbidden=("Done",), words=20)
    grpo = assembled(
        tmp_path,
        [replace(case, expectation=replace(case.expectation, style=house)) for case in cases],
        script.get,
        shape=shape,
        group=3,
        prompts=4,
        batch_size=6,
        steps=2,
        weights=WEIGHTS,
        watched=12,
        turn_tokens=24,
        turns=4,
    )
    rewarded = observed(grpo)
    grpo.trainer.train()
    assert assert_identical(grpo, rewarded, tmp_path) >= 12 * 4
    assert grpo.groups.truncated, "the base model does not end its turns in 24 tokens"


def test_a_weaker_parser_is_caught_while_training(tmp_path: Path) -> None:
    unclosed = WAIVE.removesuffix("\n</tool_call>")
    grpo = assembled(
        tmp_path,
        [toy_world.case(0).at(1)],
        lambda number: unclosed if number else WAIVE,
        shape="episode",
        group=2,
        prompts=1,
        batch_size=2,
        steps=1,
        weights=WEIGHTS,
        watched=2,
    )
    plant(grpo)
    with pytest.raises(ScoresDiffer, match=r"the reward \w+ was 1\.0, the score from evidence is 0\.0") as caught:
        grpo.trainer.train()
    assert "unclosed_call" in str(caught.value) and "samescore score" in str(caught.value)


def test_a_weaker_parser_is_caught_by_the_comparison_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unclosed = WAIVE.removesuffix("\n</tool_call>")
    grpo = assembled(
        tmp_path,
        [toy_world.case(0).at(1)],
        lambda number: unclosed if number else WAIVE,
        shape="episode",
        group=2,
        prompts=1,
        batch_size=2,
        steps=1,
        weights=WEIGHTS,
        watched=2,
    )
    plant(grpo)
    rewarded = observed(grpo)
    monkeypatch.setattr(Watch, "_same", lambda *anything: None)  # the watch is asleep
    grpo.trainer.train()
    with pytest.raises(AssertionError, match="toy/0000@1"):
        assert_identical(grpo, rewarded, tmp_path)


def test_completions_that_are_not_those_sampled_are_caught(tmp_path: Path) -> None:
    grpo = assembled(
        tmp_path,
        [toy_world.case(0).at(1)],
        lambda number: DONE if number else WAIVE,
        shape="episode",
        group=2,
        prompts=1,
        batch_size=2,
        steps=1,
        weights=WEIGHTS,
        watched=2,
    )
    sampled = grpo.watch.rolled
    grpo.watch.rolled = lambda: [replace(one, completion_ids=one.completion_ids[:-1]) for one in sampled()]
    with pytest.raises(ScoresDiffer, match="what was rewarded is not what was sampled"):
        grpo.trainer.train()


def test_what_a_scorer_crashes_on_is_no_reward_and_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = Rubric.score

    def crashing(rubric: Rubric, case: Case, trajectory: Trajectory) -> dict[str, Score]:
        if "boom" in trajectory.steps[-1].turn.content:
            raise ZeroDivisionError("of a scorer")
        return judged(rubric, case, trajectory)

    monkeypatch.setattr(Rubric, "score", crashing)
    grpo = assembled(
        tmp_path,
        [toy_world.case(0).at(1)],
        ["boom", WAIVE, DONE].__getitem__,
        shape="episode",
        group=3,
        prompts=1,
        batch_size=3,
        steps=1,
        weights=WEIGHTS,
        watched=3,
    )
    rewarded = observed(grpo)
    grpo.trainer.train()
    assert rewarded[0].scores[0] is None and None not in rewarded[0].scores[1:]
    assert grpo.watch.compared == 3 and grpo.groups.failed == 1
    assert "a scorer crashed on case toy/0000@1 after step 0: ZeroDivisionError: of a scorer" in capsys.readouterr().err
    assert next(iter(grpo.trainer._logs["advantages"])) == 0.0, "and it teaches nothing"


def test_a_prompt_without_room_is_no_reward_and_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fits, long = toy_world.case(0), toy_world.case(1)
    long = replace(long, system=long.system * 60)
    grpo = assembled(
        tmp_path,
        [fits, long],
        lambda number: DONE,
        shape="episode",
        group=2,
        prompts=2,
        batch_size=4,
        steps=1,
        weights=WEIGHTS,
        watched=4,
        max_tokens=512,
    )
    rewarded = observed(grpo)
    grpo.trainer.train()
    (seen,) = rewarded
    assert {key for key, scores in zip(seen.keys, seen.scores, strict=True) if scores is None} == {long.id}
    assert grpo.groups.failed == 2 and grpo.groups.truncated == 0
    told = capsys.readouterr().err
    assert "2 of the 4 rollouts after step 0 failed, the first of case toy/0001" in told
    assert "max_tokens = 512 leaves no room for a turn" in told


class Lenient(Hermes):
    """What a server does: it closes a call that was left open."""

    def parse(self, completion: Completion, toolset: Any = None) -> Turn:
        text = completion.text
        if "<tool_call>" in text and "</tool_call>" not in text:
            completion = Completion(f"{text}\n</tool_call>", completion.finish, completion.token_ids)
        return super().parse(completion, toolset)


def plant(grpo: Grpo) -> None:
    """Let rollout and rewards both read with the weaker parser, as one that was put in by accident would be."""
    grpo.rewards.dialect = grpo.policy.dialect = Lenient()
