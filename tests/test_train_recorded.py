"""Recorded runs as training data: what is right is learned as it was sampled, what judges is refused."""

from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

from small_training import SUITE

from samescore.harness.api import evaluate_suite, load_suite
from samescore.harness.blocking import blocking
from samescore.harness.case import Split
from samescore.harness.dialects.detect import detect
from samescore.harness.errors import UsageError
from samescore.harness.plan import Plan
from samescore.harness.policies import load_policy, tiny_path
from samescore.harness.policies.script import oracle
from samescore.harness.policy import Policy
from samescore.harness.renderer import Renderer, examples
from samescore.harness.rollout import rollout
from samescore.trainers import sft
from samescore.trainers.config import DataConfig, SftConfig
from samescore.trainers.live import LivePolicy
from samescore.trainers.material import load_material
from samescore.trainers.recorded import recorded_lessons
from samescore.trainers.samples import learned, samples_of
from samescore.trainers.training import Options, prepare

CASES = 3


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer.load(tiny_path())


def recorded(out: Path, policy: Policy | str, split: Split = "train", redact: bool = False) -> Path:
    """A run over a few cases."""
    evaluate_suite(load_suite(str(SUITE), split), policy, out, limit=CASES, redact=redact)
    return out


class SpellingWriter:
    """Plays gold letter by letter, a token each: the same words in other tokens than the tokenizer's own.

    In all but the `right` cases it says nothing.
    """

    context = None
    logprobs = None

    def __init__(self, renderer: Renderer, right: int) -> None:
        material = load_material(DataConfig(suite=str(SUITE)))
        plan = Plan.make([material.suite], limit=CASES)
        planned = {one.id for one in plan.cases}
        self.renderer = renderer
        self.turns: dict[str, tuple[int, ...]] = {}
        cases = [case for case in material.cases if case.id in planned]
        for case in cases[:right]:
            gold = blocking(rollout(case, oracle(), material.worlds[case.world]))
            (example,) = examples(renderer, case.messages, case.toolset, gold.steps)
            at = 0
            for turn in learned(example):
                at = _index(example.ids, turn, at)
                self.turns[renderer.tokenizer.decode(example.ids[:at])] = self.spelled(turn)
                at += len(turn)

    def spelled(self, turn: Sequence[int]) -> tuple[int, ...]:
        text = self.renderer.tokenizer.decode(turn[:-1])
        return (*(token for character in text for token in self.renderer.encode(character)), turn[-1])

    def begin(self) -> None: ...

    def end(self) -> None: ...

    def close(self) -> None: ...

    def session(self, prefix: Sequence[int] = ()) -> "SpellingWriter":
        return self

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        return self.turns.get(self.renderer.tokenizer.decode(prompt), (self.renderer.end_id,))


def _index(ids: Sequence[int], turn: Sequence[int], start: int) -> int:
    return next(at for at in range(start, len(ids)) if tuple(ids[at : at + len(turn)]) == tuple(turn))


def test_what_was_right_is_learned_token_by_token_as_it_was_sampled(tmp_path: Path, renderer: Renderer) -> None:
    writer, dialect = SpellingWriter(renderer, right=2), detect(renderer)
    policy = LivePolicy(writer, renderer, dialect, {"model": "tiny", "renderer": renderer.fingerprint})
    found = recorded_lessons(recorded(tmp_path / "run", policy), renderer)
    assert (found.rollouts, len(found.lessons), found.errors) == (CASES, 2, 0)
    turns = [turn for sample in samples_of(found.lessons, renderer, dialect) for turn in learned(sample.example)]
    assert sorted(turns) == sorted(writer.turns.values())


def test_a_run_without_token_ids_is_learned_as_gold_is_and_no_conversation_twice(
    tmp_path: Path, renderer: Renderer
) -> None:
    run = recorded(tmp_path / "run", "oracle")
    (tmp_path / "sft.toml").write_text(
        f'out = "adapter"\nrecorded = ["run"]\n[data]\nsuite = "{SUITE}"\n', encoding="utf-8"
    )
    training = prepare("sft", tmp_path / "sft.toml", SftConfig, Options())
    assert training.config.recorded == (run,)
    data = sft.data_of(training)
    assert data.gold == len(data.samples) == len(training.material.cases)
    assert data.repeated == CASES
    assert data.recorded == {"run": {"rollouts": CASES, "right": CASES, "errors": 0}}


@pytest.mark.parametrize("split", ["dev", "eval"])
def test_a_run_of_cases_that_judge_is_refused(tmp_path: Path, renderer: Renderer, split: Split) -> None:
    run = recorded(tmp_path / "run", "oracle", split)
    with pytest.raises(UsageError, match=rf"of cases that judge, 3 of 3, such as \S+ \({split}\)"):
        recorded_lessons(run, renderer)


def test_token_ids_of_another_template_are_refused(tmp_path: Path, renderer: Renderer) -> None:
    writer = SpellingWriter(renderer, right=1)
    policy = LivePolicy(writer, renderer, detect(renderer), {"model": "other", "renderer": "0" * 16})
    with pytest.raises(UsageError, match="another template or tokenizer"):
        recorded_lessons(recorded(tmp_path / "run", policy), renderer)


def test_a_run_with_nothing_right_is_refused(tmp_path: Path, renderer: Renderer) -> None:
    run = recorded(tmp_path / "run", load_policy("null/noop"))
    with pytest.raises(UsageError, match="no conversation of this run is right"):
        recorded_lessons(run, renderer)


def test_a_redacted_run_is_refused(tmp_path: Path, renderer: Renderer) -> None:
    run = recorded(tmp_path / "run", "oracle", redact=True)
    with pytest.raises(UsageError, match="personal data is masked"):
        recorded_lessons(run, renderer)


def test_what_is_no_run_is_said_to_be_none(tmp_path: Path, renderer: Renderer) -> None:
    with pytest.raises(UsageError, match="no run here"):
        recorded_lessons(tmp_path, renderer)
