"""Supervised fine-tuning: a few real steps on the embedded model, and what is refused before anything is loaded."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

from samescore.harness.errors import AdapterError, UsageError
from samescore.harness.policies import tiny_path
from samescore.harness.policies.hf import HfPolicy
from samescore.harness.renderer import Renderer
from samescore.trainers import sft
from samescore.trainers.config import SftConfig, load_sft_config

DOCS = Path(__file__).parent.parent / "docs" / "training.md"
SMALL = """
base = "tiny"
out = "adapter"
epochs = 1
batch_size = 1

[data]
suite = "sop/refund"
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
        "samescore.json",
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


def test_an_adapter_of_another_base_is_refused(tmp_path: Path) -> None:
    source = tiny_path() / "adapters" / "support-sft"
    for path in source.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    passport = json.loads((tmp_path / "samescore.json").read_text(encoding="utf-8"))
    passport["base"]["weights"] = "0" * 64
    (tmp_path / "samescore.json").write_text(json.dumps(passport), encoding="utf-8")
    with pytest.raises(AdapterError, match="was trained on tiny with weights 000000000000"):
        HfPolicy.load(str(tiny_path()), adapter=str(tmp_path))


def test_gold_is_learned_as_evaluation_will_prompt_it(tmp_path: Path) -> None:
    config = load_sft_config(write(tmp_path, SMALL))
    renderer = Renderer.load(sft.base_path("tiny"))
    material = sft.load_material(config)
    cases, samples = material.cases, sft.gold_samples(material, renderer)
    assert [sample.case for sample in samples] == [case.id for case in cases]
    for case, sample in zip(cases, samples, strict=True):
        prompt = renderer.start(case.messages, case.toolset)
        assert list(sample.example.ids[: len(prompt)]) == prompt
        assert sum(sample.example.mask[: len(prompt)]) == 0
        learned = [token for token, mine in zip(sample.example.ids, sample.example.mask, strict=True) if mine]
        assert learned.count(renderer.end_id) == len(case.gold), "every end of turn is learned"


def test_a_sequence_past_the_limit_is_an_error_that_names_its_case(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"case retail/refund/train/\S+ is \d+ tokens long, the limit is 500"):
        sft.train(write(tmp_path, SMALL.replace("batch_size = 1", "batch_size = 1\nmax_tokens = 500")))


def test_an_adapter_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "precious").touch()
    with pytest.raises(UsageError, match="is not empty"):
        sft.train(write(tmp_path, SMALL))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("out = ", "not TOML"),
        ("base = 'tiny'", "out: Field required"),
        ("out = 'x'\nrank = 3", "rank: Extra inputs"),
        ("out = 'x'\nlora = {rank = 0}", "lora.rank"),
        ("out = 'x'\ndata = {split = 'eval'}", "data.split"),
        ("out = 'x'\nlearning_rate = 'fast'", "learning_rate"),
    ],
)
def test_a_wrong_configuration_is_one_message(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(UsageError, match=re.escape(word)):
        load_sft_config(write(tmp_path, text))


def test_an_unknown_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected 'tiny' or 'hf/PATH_OR_ID'"):
        sft.train(write(tmp_path, SMALL.replace('"tiny"', '"gpt"')))
    with pytest.raises(UsageError, match="nowhere"):
        sft.train(write(tmp_path, SMALL.replace('"tiny"', f'"hf/{tmp_path}/nowhere"')))


def test_every_option_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for name in SftConfig.model_fields:
        assert f"`{name}`" in text or f"`{name}." in text, name
