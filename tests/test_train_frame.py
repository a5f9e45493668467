"""The frame around TRL's trainers: what is told, what is refused beforehand, and how a training ends badly."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

import torch
from in_process import samescore
from small_training import OPTIONS, configured, log
from transformers import TrainerCallback

from samescore.harness.errors import TrainingFailed, UsageError
from samescore.trainers import sft, training as frame
from samescore.trainers.config import SftConfig
from samescore.trainers.logs import append
from samescore.trainers.training import Options, carry_out, prepare


class Doing(TrainerCallback):
    """Does something when a step begins."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.act()


def failure(path: Path, act: Callable[[], Any]) -> str:
    """The message of a training in which something goes wrong."""
    training = prepare("sft", path, SftConfig, Options())
    data = sft.data_of(training)
    with pytest.raises(TrainingFailed) as caught:
        carry_out(training, sft.trainer_of(training, data.samples), data.to_json(), callbacks=[Doing(act)])
    return str(caught.value)


def test_each_line_of_the_log_is_json_and_the_last_steps_are_in_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = log(sft.train(configured(tmp_path, OPTIONS.replace("[log]\nevery = 1", "[log]\nevery = 4"))))
    assert [(line["event"], line["step"]) for line in lines] == [
        ("begin", 0),
        ("step", 4),
        ("step", 8),
        ("step", 9),
        ("end", 9),
    ]
    assert all(line["loss"] > 0 and line["tokens_per_second"] > 0 for line in lines[1:-1])
    assert lines[-1]["tokens"] == 3 * 195 + 9
    said = capfd.readouterr()
    assert "it/s" not in said.err and "{'" not in said.out + said.err and "Building" not in said.err


def test_a_figure_that_is_no_number_is_null(tmp_path: Path) -> None:
    append(tmp_path, "step", {"loss": float("nan"), "high": float("inf"), "of": [torch.tensor(0.5), None]})
    (line,) = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert "NaN" not in line and "Infinity" not in line
    told = json.loads(line)
    assert (told["loss"], told["high"], told["of"]) == (None, None, [0.5, None])


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    path = configured(tmp_path, OPTIONS.replace("epochs = 3", "epochs = 3\nlearning_rate = 1e30"))
    with pytest.raises(TrainingFailed, match=r"the loss is nan at step \d: .* Lower learning_rate"):
        sft.train(path)
    assert not (tmp_path / "adapter" / "adapter_model.safetensors").exists()
    assert log(tmp_path / "adapter")[-1]["loss"] is None


def test_out_of_memory_says_what_to_lower(tmp_path: Path) -> None:
    path = configured(tmp_path, OPTIONS.replace("batch_size = 1", "batch_size = 2"))
    message = failure(path, lambda: torch.empty(1 << 50))
    assert message.startswith("out of memory while training tiny. Set gradient_checkpointing = true.")
    assert "Lower batch_size (now 2) and raise accumulate by as much." in message
    assert "four_bit" in message and "max_tokens (now 4096)" in message


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError()])
def test_memory_may_run_out_anywhere(tmp_path: Path, error: Exception) -> None:
    training = prepare("sft", configured(tmp_path), SftConfig, Options())
    with pytest.raises(TrainingFailed, match=r"^out of memory .* Nothing was written\.$"), frame.failing(training):
        raise error


def test_another_error_of_the_runtime_is_not_taken_for_memory(tmp_path: Path) -> None:
    def act() -> None:
        raise RuntimeError("shapes do not fit")

    training = prepare("sft", configured(tmp_path), SftConfig, Options())
    with pytest.raises(RuntimeError, match="shapes do not fit"), frame.failing(training):
        act()


def test_a_reporter_that_is_not_installed_is_refused_before_anything_loads(tmp_path: Path) -> None:
    text = OPTIONS.replace('base = "tiny"', 'base = "hf/nowhere/at-all"').replace(
        "[log]\nevery = 1", '[log]\nto = ["trackio"]'
    )
    with pytest.raises(UsageError, match=r"log\.to names trackio, not installed here: pip install trackio"):
        sft.train(configured(tmp_path, text))


def test_tensorboard_has_the_figures_where_it_is_named(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="a package of its own")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    text = OPTIONS.replace("[log]\nevery = 1", '[log]\nevery = 3\nto = ["tensorboard"]')
    adapter = sft.train(configured(tmp_path, text))
    events = EventAccumulator(str(adapter / "tensorboard"))
    events.Reload()
    told = [line["loss"] for line in log(adapter) if line["event"] == "step"]
    assert [event.value for event in events.Scalars("train/loss")] == pytest.approx(told)


def test_nothing_is_sent_that_nobody_asked_for(tmp_path: Path) -> None:
    import huggingface_hub

    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = False
    training = prepare("sft", configured(tmp_path), SftConfig, Options())
    assert huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY
    arguments = frame.common_arguments(training, {})
    assert arguments["report_to"] == "none" and "push_to_hub" not in arguments


def test_several_processes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="2 processes were started; samescore trains in one"):
        prepare("sft", configured(tmp_path), SftConfig, Options())


def test_a_disk_without_room_is_refused_before_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100_000))
    with pytest.raises(UsageError, match=r"the adapter and its checkpoints take \d+ MiB, and there are 0 MiB left"):
        sft.train(configured(tmp_path, OPTIONS + "\n[checkpoint]\nevery = 2\n"))
    assert not any(path.is_file() for path in (tmp_path / "adapter").rglob("*"))
    monkeypatch.undo()
    assert prepare("sft", tmp_path / "sft.toml", SftConfig, Options()), "nothing stands in the way of another try"


@pytest.mark.parametrize("width", [80, 120])
def test_the_plan_reads_well(tmp_path: Path, width: int) -> None:
    done = samescore("train", "sft", configured(tmp_path), "--dry-run", cwd=tmp_path, columns=width)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= width and not any(line.endswith(" ") for line in lines)
    assert "base          tiny · 5,574,656 parameters · float32 on cpu · transformers" in lines
    assert "to learn      3 samples · 198 tokens · 60 of them learned" in lines
    assert "steps         9" in lines
    assert [line.startswith("memory ") for line in lines].count(True) == 1, "of the device at hand"
    if not torch.cuda.is_available():
        assert any("at its peak on a GPU" in line for line in lines)
    assert not (tmp_path / "adapter").exists()


def test_the_plan_as_json_has_model_memory_targets_and_every_fingerprint(tmp_path: Path) -> None:
    path = configured(tmp_path)
    done = samescore("train", "sft", path, "--dry-run", "--json", cwd=tmp_path)
    plan = json.loads(done.stdout)
    assert plan["model"]["trainable"] == 2 * 28416 and plan["model"]["rank"] == 2
    assert plan["data"] == {"samples": 3, "tokens": 198, "of them learned": 60}
    assert (plan["steps"], plan["longest"]["tokens"]) == (9, 138)
    assert plan["longest"]["source"] == f"{tmp_path}/talk.jsonl:1"
    for memory in plan["memory"]:
        parts = memory["parts"]
        rest = max(parts["logits"], parts["working"])
        assert memory["peak"] == parts["weights"] + parts["adapter"] + parts["activations"] + rest
    (targets,) = plan["targets"].values()
    assert targets["success"] == 0.85
    prints = plan["fingerprints"]
    assert prints["scorers"]["success"] and prints["toolsets"] and prints["suites"] and prints["targets"]
    adapter = sft.train(path)
    passport = json.loads((adapter / "samescore.json").read_text(encoding="utf-8"))
    assert passport["data"]["fingerprint"] == prints["data"], "the plan is of what is trained"
    assert (passport["base"]["weights"], passport["renderer"]) == (prints["base"], prints["template and tokenizer"])
    assert passport["training"]["steps"] == plan["steps"]


def test_json_goes_with_a_dry_run(tmp_path: Path) -> None:
    done = samescore("train", "sft", configured(tmp_path), "--json", cwd=tmp_path)
    assert done.returncode == 2 and "it goes with --dry-run" in done.stderr
