"""Checkpoints: a training run that was stopped goes on as if it had not been, or says why it cannot."""

import json
import re
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

import torch
from in_process import samescore
from small_training import LEFT, OPTIONS, SUITE, configured, log, talk
from transformers import TrainerCallback

from samescore.harness.errors import ExitCode, TrainingFailed, UsageError
from samescore.trainers import sft
from samescore.trainers.config import SftConfig
from samescore.trainers.training import Options, carry_out, prepare

# The rate still rises where the training is interrupted, and falls at its end.
KEEPING = OPTIONS.replace("epochs = 3", "epochs = 3\nwarmup = 0.6") + "\n[checkpoint]\nevery = 2\n"


class At(TrainerCallback):
    """Does something at the end of a step."""

    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self.step = step
        self.act = act

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == self.step:
            self.act()


def trained(path: Path, *callbacks: TrainerCallback) -> Path:
    """As `sft.train`, with callbacks."""
    training = prepare("sft", path, SftConfig, Options())
    data = sft.data_of(training)
    return carry_out(training, sft.trainer_of(training, data.samples), data.to_json(), callbacks=callbacks)


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sft.train(configured(tmp_path_factory.mktemp("unbroken"), KEEPING))


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingFailed]:
    path = configured(tmp_path_factory.mktemp("interrupted"), KEEPING)
    with pytest.raises(TrainingFailed) as caught:
        trained(path, At(5, interrupt))
    return path, caught.value


@pytest.fixture
def stopped(interrupted: tuple[Path, TrainingFailed], tmp_path: Path) -> Path:
    """The configuration of a training run that was interrupted at step 5, in a folder of its own."""
    folder = tmp_path / "moved"
    shutil.copytree(interrupted[0].parent, folder)
    return folder / "sft.toml"


def test_an_interrupted_training_says_how_it_goes_on(interrupted: tuple[Path, TrainingFailed]) -> None:
    path, error = interrupted
    assert error.exit_code is ExitCode.INCOMPLETE
    assert str(error) == (
        f"interrupted. What was saved at step 4 is intact; go on from there: samescore train sft {path} --resume"
    )
    assert not (path.parent / "adapter" / "samescore.json").exists()


def test_a_resumed_training_ends_as_the_unbroken_one_to_the_bit(unbroken: Path, stopped: Path) -> None:
    # Places and logging may change.
    stopped.write_text(KEEPING.replace("[log]\nevery = 1", "[log]\nevery = 3"), encoding="utf-8")
    resumed = sft.train(stopped, Options(resume=True))
    name = "adapter_model.safetensors"
    assert (resumed / name).read_bytes() == (unbroken / name).read_bytes()
    ours, theirs = (
        torch.load(adapter / "checkpoints" / "checkpoint-9" / "optimizer.pt") for adapter in (resumed, unbroken)
    )
    for moments, others in zip(ours["state"].values(), theirs["state"].values(), strict=True):
        assert all(torch.equal(moments[key], others[key]) for key in ("exp_avg", "exp_avg_sq"))
    lines = log(resumed)
    assert [line["step"] for line in lines if line["event"] == "begin"] == [0, 4]
    told = ("tokens", "learning_rate", "epoch")
    expected = {line["step"]: [line[name] for name in told] for line in log(unbroken) if line["event"] == "step"}
    found = {line["step"]: [line[name] for name in told] for line in lines if line["event"] == "step"}
    assert found == {step: figures for step, figures in expected.items() if step in (1, 2, 3, 4, 6, 9)}


def test_a_checkpoint_of_another_configuration_is_refused_and_what_differs_is_named(stopped: Path) -> None:
    text = KEEPING.replace("rank = 2", "rank = 3").replace("epochs = 3", "epochs = 3\nlearning_rate = 2e-3")
    stopped.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        sft.train(stopped, Options(resume=True))
    message = str(caught.value)
    assert "checkpoint-4: this checkpoint is of another training" in message
    assert "lora.rank: 3 now, 2 in the checkpoint" in message and "learning_rate: 0.002 now, 0.001" in message
    assert "alpha" not in message


def test_a_checkpoint_of_other_data_is_refused(stopped: Path) -> None:
    talk(stopped.parent, [LEFT])
    with pytest.raises(UsageError, match=r"another training(?s:.*)data: "):
        sft.train(stopped, Options(resume=True))


def test_without_a_checkpoint_nothing_is_resumed(tmp_path: Path) -> None:
    path = configured(tmp_path)
    with pytest.raises(TrainingFailed, match=r"no checkpoint to go on from: remove .*adapter"):
        trained(path, At(1, interrupt))
    with pytest.raises(UsageError, match=r"no checkpoint to resume from.*Train without --resume"):
        sft.train(path, Options(resume=True))


def seen(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of a folder: when it was written, and what is in it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_a_finished_training_is_said_to_be_and_nothing_changes(unbroken: Path) -> None:
    before = seen(unbroken)
    done = samescore("train", "sft", unbroken.parent / "sft.toml", "--resume", cwd=unbroken.parent)
    assert done.returncode == 0 and done.stdout == f"adapter: {unbroken}\n"
    assert f"{unbroken} is finished: it has its passport, samescore.json. Nothing was done." in done.stderr
    assert f"next: samescore eval {SUITE} --model tiny --adapter adapter --check" in done.stderr
    assert seen(unbroken) == before


def test_a_finished_training_of_another_configuration_is_refused(unbroken: Path, tmp_path: Path) -> None:
    other = configured(
        tmp_path, KEEPING.replace('out = "adapter"', f'out = "{unbroken}"').replace("rank = 2", "rank = 3")
    )
    with pytest.raises(UsageError, match=r"is finished, with another configuration(?s:.*)lora\.rank: 3 now, 2 then"):
        sft.train(other, Options(resume=True))


def test_as_many_checkpoints_are_kept_as_were_asked_for(unbroken: Path) -> None:
    assert {path.name for path in (unbroken / "checkpoints").iterdir()} == {"checkpoint-8", "checkpoint-9"}


def test_a_disk_that_fills_during_a_checkpoint_costs_no_former_one(unbroken: Path, tmp_path: Path) -> None:
    path = configured(tmp_path, KEEPING)
    adapter = tmp_path / "adapter"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The adapter fits, the optimizer's state, which is twice as large, does not.
    size = 3 * (unbroken / "checkpoints" / "checkpoint-9" / "adapter_model.safetensors").stat().st_size // 2
    try:
        with pytest.raises(TrainingFailed) as caught:
            trained(path, At(4, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert re.match(
        r"the checkpoint of step 4 cannot be written to .*Make room and try again\. What was saved at step 2 is intact",
        str(caught.value),
    )
    assert [found.name for found in (adapter / "checkpoints").iterdir()] == ["checkpoint-2"]
    assert {found.name for found in adapter.iterdir()} == {"checkpoints", "config.toml", "log.jsonl", "targets.json"}


def test_a_disk_that_fills_at_the_end_leaves_nothing_that_looks_finished(unbroken: Path, tmp_path: Path) -> None:
    path = configured(tmp_path, KEEPING)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Full(TrainerCallback):
        def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            size = (unbroken / "adapter_model.safetensors").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))

    try:
        with pytest.raises(TrainingFailed, match=r"What was saved at step 9 is intact"):
            trained(path, Full())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    names = {found.name for found in (tmp_path / "adapter").iterdir()}
    assert names == {"checkpoints", "config.toml", "log.jsonl", "targets.json"}


def test_a_damaged_checkpoint_is_said_to_be(stopped: Path) -> None:
    stamp = stopped.parent / "adapter" / "checkpoints" / "checkpoint-4" / "stamp.json"
    stamp.write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="is damaged"):
        sft.train(stopped, Options(resume=True))
    stamp.write_text(json.dumps({"format": 99}), encoding="utf-8")
    with pytest.raises(UsageError, match="checkpoint format 99"):
        sft.train(stopped, Options(resume=True))
