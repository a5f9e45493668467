"""DPO and ORPO: a few real steps on the embedded model, on the very ids of the pairs."""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

import torch
from pair_training import CASES, renderer, training
from safetensors.torch import load_file
from transformers import TrainerCallback

from samescore.harness.errors import TrainingFailed, UsageError
from samescore.harness.policies import tiny_adapter, tiny_path
from samescore.harness.policies.hf import HfPolicy
from samescore.trainers import dpo
from samescore.trainers.checkpoints import require_checkpoint
from samescore.trainers.pairs import NO_WORSE, TWICE, Pair, Pairs
from samescore.trainers.training import Options, Training, carry_out, load_model

SUPPORT = Path(tiny_adapter("support-sft"))
SMALL = """
base = "tiny"
out = "adapter"
batch_size = 1
pairs_per_case = 2

[data]
suite = "sop/refund"
locales = ["en"]
limit = 1

[lora]
rank = 2
alpha = 4

[log]
every = 1
"""


def write(folder: Path, text: str = SMALL) -> Path:
    path = folder / "dpo.toml"
    path.write_text(text, encoding="utf-8")
    return path


def logps(model: Any, prompt: tuple[int, ...], turn: tuple[int, ...]) -> float:
    """The log-probability of a turn's ids after a prompt's, end of turn included."""
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt, *turn]])).logits[0, len(prompt) - 1 : -1]
    found = logits.log_softmax(-1)[range(len(turn)), list(turn)].sum()
    return float(found)


def margin(model: Any, pairs: list[Pair]) -> float:
    """By how much the chosen turns are likelier than the rejected ones, on average."""
    ours = [logps(model, pair.prompt, pair.chosen.ids) - logps(model, pair.prompt, pair.rejected.ids) for pair in pairs]
    return sum(ours) / len(ours)


@contextmanager
def seen(model: Any) -> Iterator[list[list[int]]]:
    """The sequences that a model reads meanwhile, without their padding."""
    rows: list[list[int]] = []

    def remember(module: Any, given: Any, named: dict[str, Any]) -> None:
        ids = named["input_ids"] if "input_ids" in named else given[0]
        for row, mask in zip(ids.tolist(), named["attention_mask"].tolist(), strict=True):
            rows.append([token for token, kept in zip(row, mask, strict=True) if kept])

    hook = model.get_base_model().register_forward_pre_hook(remember, with_kwargs=True)
    try:
        yield rows
    finally:
        hook.remove()


def prepared(folder: Path, **options: Any) -> tuple[Training[Any], Pairs]:
    asked = training(folder, **options)
    return asked, dpo.pairs_of(asked)


def test_a_configuration_becomes_an_adapter_with_its_pairs_and_passport(tmp_path: Path) -> None:
    folder = dpo.train(write(tmp_path))
    lines = [json.loads(line) for line in (folder / "pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 2 and {line["source"] for line in lines} == {"mutants"}
    passport = json.loads((folder / "samescore.json").read_text(encoding="utf-8"))
    assert passport["kind"] == "dpo" and passport["data"]["pairs"] == 2 and passport["training"]["steps"] == 2
    assert passport["data"]["sources"] == {"mutants": 2} and passport["training"]["margins"] is not None
    logged = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    first = next(line for line in logged if line["event"] == "step")
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-4), "policy and reference begin as one"
    assert HfPolicy.load(str(tiny_path()), adapter=str(folder)).describe()["adapter"]


def test_a_dry_run_tells_pairs_by_source_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dpo.train(write(tmp_path), Options(dry_run=True))
    assert "2 pairs of mutants" in " ".join(capsys.readouterr().out.split())
    dpo.train(write(tmp_path, 'rejected = "sampled"\n' + SMALL), Options(dry_run=True))
    assert "2 prompts · 8 turns to sample · 2 pairs at most" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "adapter").exists()


def test_what_was_dropped_is_told_with_its_count(tmp_path: Path) -> None:
    asked, pairs = prepared(tmp_path)
    pairs.dropped.update({TWICE: 3, NO_WORSE: 1})
    assert dpo.summary(pairs) == f"pairs: 8 mutants; dropped: 1 {NO_WORSE}, 3 {TWICE}"
    assert dpo.workload(asked.config, pairs).counts[f"dropped: {TWICE}"] == 3


@pytest.mark.parametrize("loss", ["dpo", "orpo"])
def test_the_model_reads_the_ids_of_the_pairs_and_learns_their_ends(tmp_path: Path, loss: str) -> None:
    asked, pairs = prepared(tmp_path, loss=loss, pairs_per_case=3)
    made = pairs.made
    model = load_model(asked)
    trainer = dpo.trainer_of(asked, made, model)
    with seen(model) as rows:
        trainer.train()
    wanted = [[*pair.prompt, *side.ids] for pair in made for side in (pair.chosen, pair.rejected)]
    assert sorted(rows) == sorted(wanted)
    assert all(row[-1] == renderer().end_id for row in rows)
    batch = trainer.data_collator([trainer.train_dataset[0]])
    chosen, rejected = made[0].chosen.ids, made[0].rejected.ids
    if loss == "dpo":
        learned = [batch["input_ids"][row][batch["completion_mask"][row] == 1].tolist() for row in (0, 1)]
    else:
        labels = [batch[f"{name}_labels"][0] for name in ("chosen", "rejected")]
        learned = [one[one != dpo.NO_LABEL].tolist() for one in labels]
    assert learned == [list(chosen), list(rejected)], "of the end of turn too, and of no token of the prompt"


@pytest.mark.parametrize(("loss", "rate"), [("dpo", 1e-3), ("orpo", 1e-3)])
def test_training_sets_right_and_wrong_apart(tmp_path: Path, loss: str, rate: float) -> None:
    asked, pairs = prepared(tmp_path, loss=loss, learning_rate=rate, epochs=3, pairs_per_case=1, warmup=0.0)
    model = load_model(asked)
    before = margin(model, pairs.made)
    dpo.trainer_of(asked, pairs.made, model).train()
    assert margin(model, pairs.made) > before + 1.0


def test_orpo_learns_the_chosen_turn_and_not_the_prompt(tmp_path: Path) -> None:
    asked, pairs = prepared(tmp_path, loss="orpo", pairs_per_case=1)
    model = load_model(asked)
    pair = pairs.made[0]
    expected = -logps(model, pair.prompt, pair.chosen.ids) / len(pair.chosen.ids)
    trainer = dpo.trainer_of(asked, pairs.made, model)
    found = trainer.concatenated_forward(model, trainer.data_collator([trainer.train_dataset[0]]))
    assert found[4].item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("adapter", [None, SUPPORT], ids=["new", "continued"])
def test_the_reference_is_the_model_as_it_began(tmp_path: Path, adapter: Path | None) -> None:
    asked = training(tmp_path, adapter, pairs_per_case=1)
    pairs = dpo.pairs_of(asked).made
    model = load_model(asked)
    pair = pairs[0]
    began = logps(model, pair.prompt, pair.chosen.ids)
    with model.disable_adapter():
        base = logps(model, pair.prompt, pair.chosen.ids)
    assert (began == pytest.approx(base, abs=1e-3)) is (adapter is None)
    trainer = dpo.trainer_of(asked, pairs, model)
    assert trainer.train_dataset[0]["ref_chosen_logps"] == pytest.approx(began, abs=1e-3)
    trainer.train()
    assert logps(model, pair.prompt, pair.chosen.ids) != pytest.approx(began, abs=1e-3)
    assert list(model.peft_config) == ["default"], "a checkpoint holds the adapter in training, and nothing else"


class At(TrainerCallback):
    """Does something at the end of a step."""

    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self.step = step
        self.act = act

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == self.step:
            self.act()


def interrupt() -> None:
    raise KeyboardInterrupt


def test_a_continued_adapter_that_was_interrupted_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    def carried(name: str, *callbacks: TrainerCallback, resume: bool = False) -> Path:
        asked = training(tmp_path / name, SUPPORT, pairs_per_case=1, warmup=0.0, checkpoint={"every": 1})
        if resume:
            asked = replace(asked, checkpoint=require_checkpoint(asked.config.out))
        pairs = dpo.pairs_of(asked)
        trainer = dpo.trainer_of(asked, pairs.made, load_model(asked))
        return carry_out(asked, trainer, pairs.to_json(), callbacks=callbacks)

    with pytest.raises(TrainingFailed, match="interrupted"):
        carried("broken", At(2, interrupt))
    resumed = load_file(carried("broken", resume=True) / "adapter_model.safetensors")
    unbroken = load_file(carried("unbroken") / "adapter_model.safetensors")
    assert all(torch.equal(resumed[name], unbroken[name]) for name in unbroken)


def test_dropout_that_is_asked_for_is_there(tmp_path: Path) -> None:
    asked, pairs = prepared(tmp_path, pairs_per_case=1, lora={"rank": 2, "alpha": 4, "dropout": 0.3})
    model = load_model(asked)
    dpo.trainer_of(asked, pairs.made[:1], model)
    assert {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)} == {0.3}


def test_a_pair_past_the_limit_is_an_error_that_names_its_case(tmp_path: Path) -> None:
    _, pairs = prepared(tmp_path)
    longest = max(pair.tokens for pair in pairs.made)
    dpo.check_pairs(pairs, longest)
    with pytest.raises(UsageError, match=rf"case clinic/\d is {longest} tokens long at turn \d, the limit is 16"):
        dpo.check_pairs(pairs, 16)


def test_no_pair_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is left \(nothing was found\)"):
        dpo.check_pairs(Pairs(), 4096)


def test_runs_go_with_recorded_failures_and_with_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='rejected = "mutants" with 1 runs'):
        dpo.train(write(tmp_path, 'recorded = ["run"]\n' + SMALL))
    with pytest.raises(UsageError, match='rejected = "recorded" with 0 runs'):
        dpo.train(write(tmp_path, 'rejected = "recorded"\n' + SMALL))


def test_turns_are_sampled_from_the_adapter_at_hand(tmp_path: Path) -> None:
    asked = training(tmp_path, SUPPORT, rejected="sampled", samples=1, pairs_per_case=1)
    model = load_model(asked)
    pairs = dpo.pairs_of(asked, model)
    assert sum(pairs.dropped.values()) + len(pairs.made) == len(CASES)
    assert all(pair.source == "sampled" and pair.rejected.success.value == 0.0 for pair in pairs.made)
    assert not model.training or all(parameter.grad is None for parameter in model.parameters())
