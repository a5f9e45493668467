"""Supervised fine-tuning: a few real steps on the embedded model, what is learned, and what is refused beforehand."""

import json
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

from small_training import OPTIONS, SUITE, configured

from samescore.harness.errors import AdapterError, UsageError
from samescore.harness.policies import tiny_path
from samescore.harness.policies.hf import HfPolicy
from samescore.harness.renderer import Renderer
from samescore.trainers import sft
from samescore.trainers.config import DataConfig, SftConfig, load_config
from samescore.trainers.material import load_material
from samescore.trainers.samples import gold_lessons, learned, samples_of
from samescore.trainers.training import Options, prepare

SMALL = f"""
base = "tiny"
out = "adapter"
epochs = 1
batch_size = 1

[data]
suite = "{SUITE}"
limit = 2

[lora]
rank = 2
alpha = 4
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "sft.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_few_steps_make_an_adapter_that_the_base_takes(tmp_path: Path) -> None:
    folder = sft.train(write(tmp_path, SMALL))
    assert {path.name for path in folder.iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "config.toml",
        "log.jsonl",
        "samescore.json",
        "targets.json",
    }
    passport = json.loads((folder / "samescore.json").read_text(encoding="utf-8"))
    assert passport["data"]["cases"] == 2 and passport["training"]["steps"] == 2
    settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    assert set(settings["target_modules"]) == {
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    }
    assert settings["base_model_name_or_path"] == "tiny", "no path of the machine it was trained on"
    policy = HfPolicy.load(str(tiny_path()), adapter=str(folder))
    assert policy.describe()["adapter"]


def test_every_end_of_turn_is_learned_and_nothing_else_than_turns() -> None:
    renderer = Renderer.load(tiny_path())
    training = load_material(DataConfig(suite=str(SUITE), limit=6))
    from samescore.harness.dialects.detect import detect

    dialect = detect(renderer)
    samples = list(samples_of(gold_lessons(training), renderer, dialect))
    assert [sample.source for sample in samples] == [case.id for case in training.cases]
    for case, sample in zip(training.cases, samples, strict=True):
        prompt = renderer.start(case.messages, case.toolset)
        assert list(sample.example.ids[: len(prompt)]) == prompt, "as evaluation will prompt it"
        assert sum(sample.example.mask[: len(prompt)]) == 0
        turns = learned(sample.example)
        assert len(turns) == len(case.gold)
        for ids, gold in zip(turns, case.gold, strict=True):
            assert ids[-1] == renderer.end_id and ids.count(renderer.end_id) == 1
            read = dialect.parse(renderer.completion(ids, ()), case.toolset).message()
            assert (read.content, read.calls) == (gold.content, gold.calls)
        text = renderer.tokenizer.decode([i for i, m in zip(sample.example.ids, sample.example.mask, strict=True) if m])
        assert text.count(renderer.end_text) == len(case.gold) and "<|im_start|>" not in text


def test_the_order_of_an_epoch_is_its_own_and_the_longest_come_first() -> None:
    lengths = [7, 3, 9, 1, 8, 2, 6, 4, 5]
    order = sft.ByLength(lengths, 2, seed=1)
    first, again = list(order), list(order)
    order.set_epoch(1)
    second = list(order)
    assert first == again != second
    assert sorted(first) == sorted(second) == list(range(len(lengths)))
    assert max(lengths[row] for row in first[:2]) == max(lengths[row] for row in second[:2]) == 9
    assert all(abs(lengths[a] - lengths[b]) <= 1 for a, b in zip(first[:-1:2], first[1:-1:2], strict=True))


def test_an_adapter_of_another_base_is_refused_wherever_it_is_put(tmp_path: Path) -> None:
    source = tiny_path() / "adapters" / "support-sft"
    (tmp_path / "other").mkdir()
    for path in source.iterdir():
        (tmp_path / "other" / path.name).write_bytes(path.read_bytes())
    passport = json.loads((tmp_path / "other" / "samescore.json").read_text(encoding="utf-8"))
    passport["base"]["weights"] = "0" * 64
    (tmp_path / "other" / "samescore.json").write_text(json.dumps(passport), encoding="utf-8")
    with pytest.raises(AdapterError, match="was trained on tiny with weights 000000000000"):
        HfPolicy.load(str(tiny_path()), adapter=str(tmp_path / "other"))
    further = SMALL.replace("[lora]\nrank = 2\nalpha = 4\n", "").replace('"tiny"', '"tiny"\nadapter = "other"')
    with pytest.raises(AdapterError, match="was trained on tiny with weights 000000000000"):
        sft.train(write(tmp_path, further))


def test_an_adapter_is_trained_further_at_its_own_rank(tmp_path: Path) -> None:
    further = SMALL.replace("[lora]\nrank = 2\nalpha = 4\n", "[checkpoint]\nevery = 1\n").replace(
        '"tiny"', '"tiny"\nadapter = "support-sft"'
    )
    folder = sft.train(configured(tmp_path, further.replace("limit = 2", "limit = 1")))
    settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    assert settings["r"] == 32
    assert json.loads((folder / "samescore.json").read_text(encoding="utf-8"))["parent"] is not None
    kept = json.loads((folder / "checkpoints" / "checkpoint-1" / "adapter_config.json").read_text(encoding="utf-8"))
    assert Path(kept["base_model_name_or_path"]).is_dir(), "PEFT looks for a base that is no folder on the hub"


def test_a_tokenizer_with_more_tokens_than_the_base_embeds_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for path in tiny_path().iterdir():
        if path.is_file():
            (base / path.name).write_bytes(path.read_bytes())
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    (base / "config.json").write_text(json.dumps({**config, "vocab_size": 100}), encoding="utf-8")
    with pytest.raises(UsageError, match=r"the tokenizer has token \d+, the model embeds only 100"):
        sft.train(write(tmp_path, SMALL.replace('"tiny"', f'"hf/{base}"')))


def test_a_sequence_past_the_limit_is_an_error_that_names_its_case(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"case courier/\S+ is \d+ tokens long, the limit is 100, and 2 of 2"):
        sft.train(write(tmp_path, SMALL.replace("batch_size = 1", "batch_size = 1\nmax_tokens = 100")))


def test_an_adapter_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "precious").touch()
    with pytest.raises(UsageError, match="is not empty"):
        sft.train(write(tmp_path, SMALL))


@pytest.mark.parametrize("stated", ["targets: {}\n", ""], ids=["none", "no key"])
def test_a_suite_without_targets_is_refused_unless_told_otherwise(tmp_path: Path, stated: str) -> None:
    suite = shutil.copytree(SUITE, tmp_path / "suite")
    text = (suite / "suite.yaml").read_text(encoding="utf-8")
    (suite / "suite.yaml").write_text(re.sub(r"(?ms)^targets:.*?(?=^\S|\Z)", stated, text), encoding="utf-8")
    path = configured(tmp_path, OPTIONS.replace(str(SUITE), str(suite)))
    with pytest.raises(UsageError, match=r"states no targets.*--no-targets"):
        prepare("sft", path, SftConfig, Options())
    assert prepare("sft", path, SftConfig, Options(no_targets=True)).material.targets == {}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("out = ", "not TOML"),
        ("base = 'tiny'", "out: it must be given. Where the adapter goes."),
        ("out = 'x'\nrank = 3", "rank: there is no such option. Did you mean lora.rank?"),
        ("out = 'x'\nlora = {rank = 0}", "lora.rank"),
        ("out = 'x'\ndata = {split = 'eval'}", "data.split"),
        ("out = 'x'\nlearning_rate = 'fast'", "learning_rate"),
        ("out = 'x'\ngold = false", "nothing to learn"),
        ("out = 'x'\nadapter = 'support-sft'\nlora = {rank = 8}", "`lora` is for a new adapter"),
    ],
)
def test_a_wrong_configuration_is_one_message(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(UsageError, match=re.escape(word)):
        load_config(write(tmp_path, text), SftConfig)


def test_an_unknown_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected 'tiny' or 'hf/PATH_OR_ID'"):
        sft.train(write(tmp_path, SMALL.replace('"tiny"', '"gpt"')))
    with pytest.raises(UsageError, match="nowhere"):
        sft.train(write(tmp_path, SMALL.replace('"tiny"', f'"hf/{tmp_path}/nowhere"')))


def test_four_bits_without_a_gpu_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="four_bit needs a CUDA GPU"):
        sft.train(write(tmp_path, SMALL.replace("epochs = 1", "epochs = 1\nfour_bit = true")))
