"""A training that looks at `dev` ends as one that does not, to the bit; and what it sees there evaluation sees."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

import torch
import toy_world
from grpo_training import assembled
from in_process import samescore
from safetensors.torch import load_file
from small_training import OPTIONS, SUITE, configured, log

from samescore.harness.passport import read as read_passport
from samescore.harness.run import Run
from samescore.trainers import dpo, sft
from samescore.trainers.dev_targets import TARGETS
from samescore.trainers.grpo.trainer import data_of
from samescore.trainers.training import carry_out

LOOKS = "\n[dev]\nevery = 2\nlimit = 1\n"
SFT = OPTIONS.replace("epochs = 3", "epochs = 1") + "\n[checkpoint]\nevery = 3\n"
DPO = f"""
base = "tiny"
out = "adapter"
batch_size = 1
pairs_per_case = 2

[data]
suite = "{SUITE}"
limit = 1

[lora]
rank = 2
alpha = 4
dropout = 0.1

[checkpoint]
every = 2
"""


def state(adapter: Path, step: int) -> Mapping[str, Any]:
    """All that the next step would depend on, as it was at a checkpoint."""
    folder = adapter / "checkpoints" / f"checkpoint-{step}"
    optimizer = torch.load(folder / "optimizer.pt")["state"]
    return {
        "adapter": load_file(folder / "adapter_model.safetensors"),
        "moments": {f"{key}.{name}": value for key, part in optimizer.items() for name, value in part.items()},
        "random": torch.load(folder / "rng_state.pth", weights_only=False),
    }


def assert_same(looked: Path, unlooked: Path, step: int) -> None:
    """The same was learned, and something was."""
    ours, theirs = state(looked, step), state(unlooked, step)
    assert any(value.any() for name, value in ours["adapter"].items() if "lora_B" in name), "they are 0 at first"
    assert_equal(ours, theirs)


def assert_equal(ours: Any, theirs: Any) -> None:
    """Equal to the bit, tensors and all."""
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs)
    elif isinstance(ours, Mapping):
        assert ours.keys() == theirs.keys() and ours
        for name in ours:
            assert_equal(ours[name], theirs[name])
    else:
        assert str(ours) == str(theirs)


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sft.train(configured(tmp_path_factory.mktemp("looked"), SFT + LOOKS))


def test_sft_learns_the_same_whether_dev_is_looked_at_or_not(looked: Path, tmp_path: Path) -> None:
    unlooked = sft.train(configured(tmp_path, SFT))
    assert_same(looked, unlooked, 3)
    assert [path.name for path in sorted((looked / "dev").iterdir())] == ["step-000002", "step-000003"]
    assert not (unlooked / "dev").exists()

    def figures(adapter: Path) -> list[dict[str, Any]]:
        steps = [entry for entry in log(adapter) if entry["event"] == "step"]
        return [{name: entry[name] for name in entry.keys() - {"time", "tokens_per_second"}} for entry in steps]

    assert figures(looked) == figures(unlooked) and len(figures(looked)) == 3
    assert all(entry.keys() >= {"loss", "entropy", "tokens"} for entry in figures(looked))


def test_dpo_learns_the_same_whether_dev_is_looked_at_or_not(tmp_path: Path) -> None:
    adapters = []
    for name, text in (("looked", DPO + LOOKS.replace("2", "1")), ("unlooked", DPO)):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "dpo.toml"
        path.write_text(text, encoding="utf-8")
        adapters.append(dpo.train(path))
    assert_same(*adapters, step=2)
    assert [path.name for path in sorted((adapters[0] / "dev").iterdir())] == ["step-000001", "step-000002"]


@pytest.mark.parametrize("shape", ["decision", "episode"])
def test_grpo_learns_the_same_whether_dev_is_looked_at_or_not(shape: str, tmp_path: Path) -> None:
    adapters = []
    for name, every in (("looked", 1), ("unlooked", 0)):
        (tmp_path / name).mkdir()
        grpo = assembled(
            tmp_path / name,
            [toy_world.case(0), toy_world.case(1)],
            lambda turn: None if turn % 2 else "Done.",  # what the model writes is cut: one of two is rewarded
            shape=shape,
            steps=2,
            group=2,
            prompts=1,
            batch_size=2,
            weights={"success": 1.0, "format": 1.0, "tool_name": 1.0},
            data={"suite": str(SUITE)},
            dev={"every": every, "limit": 1},
            checkpoint={"every": 2},
        )
        adapters.append(carry_out(grpo.training, grpo.trainer, data_of(grpo.prompts), writer=grpo.writer))
    assert_same(*adapters, step=2)
    assert [path.name for path in sorted((adapters[0] / "dev").iterdir())] == ["step-000001", "step-000002"]


def test_samescore_score_gives_the_numbers_that_were_logged(looked: Path) -> None:
    logged = [entry for entry in log(looked) if entry["event"] == "dev"]
    assert [entry["step"] for entry in logged] == [2, 3]
    for entry in logged:
        run = looked / "dev" / f"step-{entry['step']:06d}"
        before = Run.open(run).manifest.results["metrics"]
        done = samescore("score", run, "--json", cwd=looked)
        assert done.returncode == 0, done.stderr
        metrics = json.loads(done.stdout)["metrics"]
        assert metrics == before
        for name, metric in metrics.items():
            found = [entry[f"dev/{name}{end}"] for end in ("", "_low", "_high")]
            assert found == [metric["value"], metric["low"], metric["high"]], name


def test_the_adapter_is_the_one_that_was_looked_at(looked: Path, tmp_path: Path) -> None:
    best = Run.open(looked / "dev" / "step-000002")
    run = tmp_path / "run"
    (source,) = best.manifest.sources.values()
    asked = ("eval", source, "--split", "dev", "--limit", "1", "--adapter", looked, "--out", run)
    assert samescore(*asked, cwd=tmp_path).returncode == 0
    again = Run.open(run)
    assert again.manifest.description["adapter"] == best.manifest.description["adapter"]
    assert again.plan.fingerprint == best.plan.fingerprint
    for mine, theirs in zip(again.records(), best.records(), strict=True):
        assert [turn.token_ids for turn in mine.turns] == [turn.token_ids for turn in theirs.turns]


def test_the_passport_says_what_was_seen_and_the_targets_it_began_with(looked: Path) -> None:
    passport = read_passport(looked)
    assert passport is not None
    assert {result.step for result in passport.dev} == {2}, "of equals the earlier"
    assert {result.metric for result in passport.dev} > {"success", "execution", "format"}
    assert [look["step"] for look in passport.training["dev"]["looks"]] == [2, 3]
    targets = json.loads((looked / TARGETS).read_text(encoding="utf-8"))
    (suite,) = passport.suites
    assert targets["fingerprint"] == suite.targets_fingerprint and targets["targets"] == suite.targets
    assert "moved_targets" not in passport.training


def test_nothing_is_left_beside_adapter_runs_and_checkpoints(looked: Path) -> None:
    assert {path.name for path in looked.iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "samescore.json",
        "config.toml",
        "log.jsonl",
        "targets.json",
        "checkpoints",
        "dev",
    }
    assert {path.name for path in (looked / "dev" / "step-000002").iterdir()} == {
        "run.json",
        "evidence.jsonl",
        "scores.json",
        "toolsets.json",
    }
