"""What a training says while it goes on and when it ended, what data it left out, and what its passport keeps."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

from in_process import samescore
from pair_training import training as pair_training
from small_training import ASKED, GREETED, OPTIONS, SUITE, configured, log, talk

from samescore.harness.errors import UsageError
from samescore.harness.policies import tiny_path
from samescore.trainers import dpo, logs, sft
from samescore.trainers.config import SftConfig
from samescore.trainers.ending import next_of
from samescore.trainers.pairs import LONGER
from samescore.trainers.training import Options, load_model, prepare

ONE = OPTIONS.replace("epochs = 3", "epochs = 1")


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A training whose steps are fewer than those between two lines of figures, and what a shell saw of it."""
    folder = tmp_path_factory.mktemp("ended")
    logs.PLAIN_SECONDS, before = 0.0, logs.PLAIN_SECONDS
    try:
        done = samescore("train", "sft", configured(folder, ONE.replace("every = 1", "every = 100")), cwd=folder)
    finally:
        logs.PLAIN_SECONDS = before
    assert done.returncode == 0, done.stderr
    return folder / "adapter", done


def test_the_end_says_how_it_went_and_what_judges_it_and_stdout_has_the_folder(ended: tuple[Path, Any]) -> None:
    adapter, done = ended
    (loss,) = [line["loss"] for line in log(adapter) if line["event"] == "step"]
    *_, summary, following = done.stderr.splitlines()
    assert summary.startswith("trained: 3 steps in ") and summary.endswith(f" · last loss {loss:.3f}")
    assert following == f"next: samescore eval {SUITE} --model tiny --adapter adapter --check"
    assert done.stdout == f"adapter: {adapter}\n"


def test_each_line_of_progress_has_a_loss_though_none_was_logged_yet(ended: tuple[Path, Any]) -> None:
    adapter, done = ended
    lines = [line for line in done.stderr.splitlines() if line.startswith("step ")]
    assert [line.partition(" · ")[0] for line in lines[:3]] == ["step 1/3", "step 2/3", "step 3/3"]
    shown = [float(line.split("loss ")[1].split()[0]) for line in lines[:3]]
    (logged,) = [line["loss"] for line in log(adapter) if line["event"] == "step"]
    assert shown[2] == pytest.approx(logged, abs=1e-3) and shown[0] != shown[1]


def test_the_command_that_judges_has_what_was_trained_for(tmp_path: Path) -> None:
    config = SftConfig.model_validate(
        {"out": tmp_path / "a b", "base": "hf/some/base", "data": {"procedure": "prompt", "locales": ["vi"]}}
    )
    assert next_of(config, targets=False) == (
        f"next: samescore eval sop --model hf/some/base --adapter '{tmp_path}/a b' --procedure prompt --locale vi"
    )


def test_a_merged_export_names_the_suite_of_its_adapter(ended: tuple[Path, Any], tmp_path: Path) -> None:
    done = samescore("export", "support-sft", "--as", "merged", "--to", "merged", cwd=tmp_path)
    assert done.stdout.splitlines()[-2:] == ["next:", "  samescore eval sop --model hf/merged"]
    adapter, _ = ended
    elsewhere = tmp_path / "some" / "where"
    elsewhere.mkdir(parents=True)
    for place, suite in ((adapter.parent, os.path.relpath(SUITE, adapter.parent)), (elsewhere, "SUITE")):
        to = tmp_path / f"for-{place.name}"
        done = samescore("export", adapter, "--as", "merged", "--to", to, cwd=place)
        assert done.stdout.splitlines()[-1] == f"  samescore eval {suite} --model hf/{to}"


# What is left out.


def test_longer_sequences_are_left_out_where_it_is_asked_for_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ONE.replace("epochs = 1", "epochs = 1\nmax_tokens = 100")
    with pytest.raises(UsageError, match=r'is 138 tokens long, .* or leave them out: data\.longer = "leave_out"'):
        sft.train(configured(tmp_path, short))
    path = configured(tmp_path, short.replace("limit = 1", 'limit = 1\nlonger = "leave_out"'))
    sft.train(path, Options(dry_run=True))
    said = " ".join(capsys.readouterr().out.split())
    assert "2 samples · 60 tokens" in said and "1 past 100 tokens left out" in said
    passport = json.loads((sft.train(path) / "samescore.json").read_text(encoding="utf-8"))
    assert (passport["data"]["samples"], passport["data"]["longer"]) == (2, 1)
    assert passport["config"]["data"]["longer"] == "leave_out"


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    text = ONE.replace("epochs = 1", "epochs = 1\nmax_tokens = 16").replace("limit = 1", 'longer = "leave_out"')
    path = configured(tmp_path, text)
    talk(tmp_path, [ASKED, GREETED])
    with pytest.raises(UsageError, match=r"nothing is left to learn: all 2 sequences are past 16\. Raise"):
        sft.train(path)


def test_longer_pairs_are_dropped_where_it_is_asked_for_and_others_take_their_place(tmp_path: Path) -> None:
    whole = dpo.pairs_of(pair_training(tmp_path, pairs_per_case=50))
    lengths = sorted(pair.tokens for pair in whole.made)
    limit = lengths[len(lengths) // 2]
    data = {"suite": "sop/refund", "locales": ["en"], "longer": "leave_out"}
    pairs = dpo.pairs_of(pair_training(tmp_path, pairs_per_case=50, max_tokens=limit, data=data))
    assert pairs.dropped[LONGER] == sum(length > limit for length in lengths) > 0
    assert len(pairs.made) == sum(length <= limit for length in lengths)
    assert pairs.to_json()["dropped"][LONGER] == pairs.dropped[LONGER]
    few = dpo.pairs_of(pair_training(tmp_path, pairs_per_case=2, max_tokens=limit, data=data))
    assert len(few.made) == 2 * 2 and max(pair.tokens for pair in few.made) <= limit


# What the passport keeps, and what is not let through.


def config_of(path: Path, tmp_path: Path) -> Any:
    """The configuration as the plan's passport has it."""
    from samescore.trainers.passport import passport_of

    return passport_of(prepare("sft", path, SftConfig, Options()), {}, {}).config


def test_paths_stand_in_the_passport_as_seen_from_the_configuration_and_names_stay(tmp_path: Path) -> None:
    base = tmp_path / "models" / "base"
    shutil.copytree(tiny_path(), base, ignore=shutil.ignore_patterns("adapters", "*.toml"))
    parent = shutil.copytree(tiny_path() / "adapters" / "early-sft", tmp_path / "models" / "parent")
    suite = shutil.copytree(SUITE, tmp_path / "suite")
    text = ONE.replace("[lora]\nrank = 2\nalpha = 4\ndropout = 0.1\n", "").replace(str(SUITE), str(suite))
    (tmp_path / "asked").mkdir()
    places = text.replace('"tiny"', f'"hf/{base}"\nadapter = "{parent}"')
    told = config_of(configured(tmp_path / "asked", places), tmp_path)
    assert told["base"] == "hf/../models/base" and told["adapter"] == "../models/parent"
    assert told["data"]["suite"] == "../suite" and told["files"] == ["talk.jsonl"]
    assert str(tmp_path) not in json.dumps(told)
    beside = config_of(configured(tmp_path, places), tmp_path)
    assert beside["base"] == "hf/./models/base", "not the id of a model of the hub"
    named = config_of(configured(tmp_path, text.replace('"tiny"', '"tiny"\nadapter = "early-sft"')), tmp_path)
    assert named["base"] == "tiny" and named["adapter"] == "early-sft"


def test_trl_draws_no_bar_of_its_own_for_the_reference(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asked = pair_training(tmp_path, pairs_per_case=1)
    trainer = dpo.trainer_of(asked, dpo.pairs_of(asked).made, load_model(asked))
    assert trainer.train_dataset[0]["ref_chosen_logps"] < 0
    said = capfd.readouterr()
    assert "Computing" not in said.err + said.out and "it/s" not in said.err and "%|" not in said.err
    assert "TQDM_DISABLE" not in os.environ


def test_tokens_of_grpo_are_counted_on_from_a_checkpoint_once(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    teller = logs.Teller(tmp_path / "out")
    teller.take({"tokens": 100})
    teller.begin(2, 4, counted=100)  # GRPO's own count goes on from the checkpoint's
    teller.figures(3, {"reward": 0.5, "num_tokens": 150})
    teller.close()
    (step,) = [line for line in log(tmp_path / "out") if line["event"] == "step"]
    assert step["tokens"] == 150 and teller.latest == ("reward", 0.5)
