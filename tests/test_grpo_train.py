"""`samescore train grpo` from its configuration file to an adapter with a passport: a few real steps on a CPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from in_process import samescore

pytest.importorskip("trl", reason="training needs samescore[train]")

from small_training import SUITE
from transformers import TrainerCallback

from samescore.harness.errors import TrainingFailed, UsageError
from samescore.harness.policies import tiny_path
from samescore.harness.policies.hf import HfPolicy
from samescore.trainers.config import GrpoConfig, SftConfig, load_config
from samescore.trainers.grpo.trainer import assemble, carry_out_of, train
from samescore.trainers.training import Options, prepare

OPTIONS = f"""
base = "tiny"
adapter = "support-sft"
out = "adapter"
steps = 4
group = 4
prompts = 1
batch_size = 4
turn_tokens = 48
temperature = 1.4
watch = 2
watched = 2

[weights]
success = 1.0
format = 0.5

[data]
suite = "{SUITE}"
limit = 4

[log]
every = 1

[checkpoint]
every = 2
"""


def configured(folder: Path, options: str = OPTIONS) -> Path:
    """A configuration file in a folder."""
    path = folder / "grpo.toml"
    path.write_text(options, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(configured(tmp_path_factory.mktemp("unbroken")))


def test_a_few_steps_make_an_adapter_with_a_passport(unbroken: Path) -> None:
    passport = json.loads((unbroken / "samescore.json").read_text(encoding="utf-8"))
    assert passport["kind"] == "grpo"
    told = passport["training"]
    assert told["steps"] == 4 and told["watched"] == 2 * 4
    assert told["groups"]["completions"] == 4 * 4 and told["groups"]["groups"] == 4
    assert 0 < told["groups"]["truncated"] < 16, "48 tokens at this temperature end few turns, and that is counted"
    policy = HfPolicy.load(str(tiny_path()), adapter=str(unbroken))
    assert policy.describe()["adapter"]


def test_the_log_says_what_taught_nothing_and_what_scoring_took(unbroken: Path) -> None:
    lines = [json.loads(line) for line in (unbroken / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [line for line in lines if line["event"] == "step"]
    assert [line["step"] for line in steps] == [1, 2, 3, 4]
    taught = [line["step"] for line in steps if line["grad_norm"] > 0]
    assert len(taught) > 1 and taught[-1] > 2, "most teach something, one of them after the checkpoint"
    for name in ("rewards/success/mean", "rewards/format/mean", "groups/zero_variance", "completions/truncated"):
        assert all(0.0 <= line[name] <= 1.0 for line in steps), name
    assert all(0.0 < line["seconds/scoring"] < line["seconds/rollouts"] for line in steps)


def test_watched_completions_are_runs_that_can_be_scored(unbroken: Path) -> None:
    for step in ("step-000000", "step-000002"):
        done = samescore("score", unbroken / "watch" / step, "--json", cwd=unbroken)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["status"] == "complete"


def test_what_goes_on_from_a_checkpoint_ends_where_the_unbroken_ended(unbroken: Path, tmp_path: Path) -> None:
    path = configured(tmp_path)
    grpo = assemble(prepare("grpo", path, GrpoConfig, Options()))
    grpo.trainer.add_callback(InterruptedAt(3))
    with pytest.raises(TrainingFailed, match="--resume"):
        carry_out_of(grpo)
    resumed = train(path, Options(resume=True))
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (resumed / name).read_bytes() == (unbroken / name).read_bytes(), name
    before, after = (json.loads((one / "samescore.json").read_text())["training"] for one in (unbroken, resumed))
    assert before["groups"] == after["groups"]


def test_a_checkpoint_amid_reused_completions_goes_on_to_the_last_step_and_is_watched(tmp_path: Path) -> None:
    options = OPTIONS.replace("steps = 4", "steps = 6\nreuse = 2").replace("watch = 2", "watch = 3")
    path = configured(tmp_path, options.replace("every = 2", "every = 3"))
    grpo = assemble(prepare("grpo", path, GrpoConfig, Options()))
    grpo.trainer.add_callback(InterruptedAt(4))
    with pytest.raises(TrainingFailed, match="--resume"):
        carry_out_of(grpo)
    resumed = train(path, Options(resume=True))
    assert json.loads((resumed / "samescore.json").read_text())["training"]["steps"] == 6
    assert [one.name for one in sorted((resumed / "watch").iterdir())] == ["step-000000", "step-000003"]


class InterruptedAt(TrainerCallback):
    """Ctrl-C at the end of a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 0.5", "fluency = 0.5", r"there is no scorer fluency\. Known: tool_name, "),
        ("format = 0.5", "format = -1", r"weights\.format"),
        ("batch_size = 4", "batch_size = 3", r"group \* prompts = 4 completions do not divide into batches of 3"),
        ("success = 1.0\nformat = 0.5", "success = 0.0", r"all are 0, so nothing would be learned"),
        ("steps = 4", 'steps = 4\nshape = "essay"', r"shape"),
        ("steps = 4", "steps = 4\nbeta = 0.1", r"beta with an adapter that is trained further cannot go on from"),
        ("steps = 4", "steps = 4\nlora = {rank = 8}", r"`lora` is for a new adapter"),
    ],
)
def test_a_wrong_configuration_is_one_message(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train(configured(tmp_path, OPTIONS.replace(old, new)))
    assert not (tmp_path / "adapter").exists()


def test_the_committed_configurations_are_sound() -> None:
    kinds = {"grpo": GrpoConfig, "sft": SftConfig}
    found = sorted(tiny_path().glob("*.toml"))
    assert len(found) == 5
    for path in found:
        load_config(path, kinds["grpo" if "grpo" in path.stem else "sft"])


def test_a_step_needs_as_many_prompts_as_it_takes(tmp_path: Path) -> None:
    options = OPTIONS.replace("prompts = 1", "prompts = 100").replace("batch_size = 4", "batch_size = 400")
    with pytest.raises(UsageError, match=r"a step takes 100 prompts, and there are only \d+\. Lower `prompts`"):
        train(configured(tmp_path, options))
