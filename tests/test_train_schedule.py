"""The learning rate: no step is without effect, and after the warm-up it goes as Transformers has it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

pytest.importorskip("trl", reason="training needs samescore[train]")

import torch
import toy_world
from grpo_training import assembled
from pair_training import training as pair_training
from safetensors.torch import load_file
from small_training import LEFT, OPTIONS, configured, log, talk
from transformers import get_scheduler

from samescore.trainers import dpo, sft
from samescore.trainers.schedule import Shape, share
from samescore.trainers.training import load_model

SHAPES: dict[Shape, str] = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}
lengths = st.integers(1, 200)


@given(st.sampled_from(list(SHAPES)), lengths, lengths)
def test_every_step_has_a_rate_and_the_warm_up_rises_evenly_to_the_peak(shape: Shape, steps: int, warmup: int) -> None:
    warmup = min(warmup, steps)
    rates = [share(step, shape, warmup, steps) for step in range(steps)]
    assert rates[:warmup] == [(step + 1) / warmup for step in range(warmup)]
    assert all(0.0 < rate <= 1.0 for rate in rates) and max(rates) == 1.0
    assert share(0, shape, 0, steps) == 1.0, "without a warm-up the first step has the peak"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("steps", "warmup"), [(7, 0), (20, 1), (20, 5), (3, 3)])
def test_after_the_warm_up_it_goes_as_transformers_has_it(shape: Shape, steps: int, warmup: int) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = get_scheduler(SHAPES[shape], optimizer, warmup, steps)
    for step in range(warmup, steps):
        assert share(step, shape, warmup, steps) == pytest.approx(theirs.lr_lambdas[0](step))


def test_a_training_of_one_step_changes_the_adapter(tmp_path: Path) -> None:
    path = configured(tmp_path, OPTIONS.replace("epochs = 3", "epochs = 1"))
    talk(tmp_path, [LEFT])
    adapter = sft.train(path)
    (step,) = [line for line in log(adapter) if line["event"] == "step"]
    assert step["learning_rate"] == 1e-3, "the warm-up of one step is the peak"
    weights = load_file(adapter / "adapter_model.safetensors")
    assert any(value.abs().max() > 0 for name, value in weights.items() if "lora_B" in name), "B began as 0"


def rates(trainer: Any, steps: int) -> list[float]:
    """The rates of a trainer's steps."""
    trainer.create_optimizer()
    scheduler = trainer.create_scheduler(steps)
    found = []
    for _ in range(steps):
        found.append(scheduler.get_last_lr()[0])  # of each group of parameters the same
        trainer.optimizer.step()
        scheduler.step()
    return found


def test_dpo_and_grpo_have_it_too(tmp_path: Path) -> None:
    asked = pair_training(tmp_path / "dpo", pairs_per_case=1, learning_rate=1.0, warmup=0.5)
    trainer = dpo.trainer_of(asked, dpo.pairs_of(asked).made, load_model(asked))
    assert rates(trainer, 4) == pytest.approx([0.5, 1.0, 1.0, 0.5])
    (tmp_path / "grpo").mkdir()
    cases = [toy_world.case(number) for number in range(8)]
    grpo = assembled(tmp_path / "grpo", cases, batch_size=64, learning_rate=1.0, warmup=0.5, schedule="constant")
    assert rates(grpo.trainer, 4) == pytest.approx([0.5, 1.0, 1.0, 1.0])
