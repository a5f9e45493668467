"""Configuration files: every fault of a file at once, each with what to do; and for which kind of training one is."""

import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

pytest.importorskip("trl", reason="training needs samescore[train]")

import torch
from pydantic import BaseModel
from small_training import SUITE

from samescore.harness.errors import UsageError
from samescore.harness.policies import tiny_path
from samescore.trainers import sft
from samescore.trainers.config import KINDS, GrpoConfig, Kind, SftConfig, kind_of, load_config, unknown_in
from samescore.trainers.config_faults import options_of

TINY = sorted(tiny_path().glob("*.toml"))


def write(folder: Path, text: str) -> Path:
    path = folder / "asked.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(folder: Path, text: str, kind: Kind = "sft") -> list[str]:
    """What is said of a file, a fault a line."""
    with pytest.raises(UsageError) as caught:
        load_config(write(folder, text), KINDS[kind])
    first, *lines, _ = str(caught.value).splitlines()
    assert first.endswith("asked.toml: the configuration is wrong:")
    return [line.removeprefix("  ") for line in lines]


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("sft", "lerning_rate = 1", "lerning_rate: there is no such option. Did you mean learning_rate?"),
        ("sft", "rank = 8", "rank: there is no such option. Did you mean lora.rank?"),
        ("sft", "every = 8", "every: there is no such option. Did you mean dev.every, log.every or checkpoint.every?"),
        ("sft", "lr = 1e-3", "lr: there is no such option. Did you mean learning_rate?"),
        ("sft", "num_train_epochs = 3", "num_train_epochs: there is no such option. Did you mean epochs?"),
        ("sft", "lorra = {rank = 8}", "lorra: there is no such option. Did you mean lora?"),
        ("sft", "lora = {rnk = 8}", "lora.rnk: there is no such option. Did you mean lora.rank?"),
        (
            "sft",
            "lora = {epochs = 8}",
            "lora.epochs: it stands under [lora]. Write `epochs` above the first [section].",
        ),
        ("sft", "group = 8", "group: it belongs to train grpo, and this is for train sft. Leave it out."),
        ("grpo", "epochs = 8", "epochs: it belongs to train sft or dpo, and this is for train grpo. Leave it out."),
        (
            "sft",
            "grup = 8",
            "grup: there is no such option. group belongs to train grpo, and this is for train sft.",
        ),
        ("sft", "zzz = 8", "zzz: there is no such option. Leave it out."),
        ("sft", "data = 5", "data: expected a table, [data], found 5."),
        ("sft", "data = {split = 'eval'}", "data.split: expected 'train', found 'eval'."),
        ("sft", "base = 'gpt'", "base 'gpt': expected 'tiny' or 'hf/PATH_OR_ID'."),
        ("grpo", "similarity = 'gpt'", "similarity 'gpt': expected 'hf/PATH_OR_ID'."),
        ("grpo", "data = {longer = 'leave_out'}", "data.longer is for train sft and dpo, whose sequences are there"),
        (
            "grpo",
            "weights = {sucess = 1}",
            "weights: there is no scorer sucess, did you mean success? Known: tool_name",
        ),
    ],
)
def test_an_option_that_is_wrong_is_told_with_the_one_that_was_meant(
    tmp_path: Path, kind: Kind, text: str, said: str
) -> None:
    (fault,) = faults(tmp_path, f"out = 'x'\n{text}", kind)
    assert fault.startswith(said)


def options(kind: Kind) -> list[str]:
    return list(options_of(KINDS[kind]))


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_an_option_is_unknown_to_just_the_kinds_that_lack_it(kind: Kind, data: st.DataObject) -> None:
    option = data.draw(st.sampled_from(options(kind)))
    section, _, name = option.rpartition(".")
    told = {section: {name: None}} if section else {name: None}
    for other, shape in KINDS.items():
        assert unknown_in(told, shape) == ([] if option in options(other) else [option])


def test_all_faults_are_said_at_once_and_what_follows_from_one_is_not(tmp_path: Path) -> None:
    text = "epochs = 0\nbase = 'gpt'\nadapter = 'a'\ngold = false\nlora = {rank = 0}\nlog = {to = ['nowhere']}"
    found = faults(tmp_path, text)
    about = ["out: ", "lora.rank: ", "log.to.0: ", "epochs: ", "base 'gpt': ", "gold = false, "]
    assert {next(words for words in about if line.startswith(words)) for line in found} == {*about}
    assert len(found) == len(about), "not that there are a rank and an adapter: the rank is wrong itself"
    # 24 completions divide into 8, and the default would be 16.
    assert faults(tmp_path, "out = 'x'\ngroup = 3\nbach_size = 8", "grpo") == [
        "bach_size: there is no such option. Did you mean batch_size?"
    ]


def test_what_the_machine_lacks_is_said_with_the_rest(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    path = write(tmp_path, "out = 'x'\nfour_bit = true\nepoch = 3\nlog = {to = ['trackio']}")
    with pytest.raises(UsageError) as caught:
        sft.train(path)
    said = str(caught.value)
    assert "Did you mean epochs?" in said and "log.to names trackio, not installed here" in said
    assert "four_bit needs a CUDA GPU" in said
    assert "four_bit needs bitsandbytes" in said or "bitsandbytes" not in said


def test_a_file_of_another_kind_is_said_to_be_one(tmp_path: Path) -> None:
    path = write(tmp_path, "out = 'x'\nshape = 'episode'")
    with pytest.raises(UsageError, match=re.escape(f"those of train grpo: samescore train grpo {path}.")):
        load_config(path, SftConfig)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("group = 4", "grpo"),
        ("data = {limit = 3}\nweights = {success = 1.0}", "grpo"),
        ("loss = 'orpo'\nepochs = 1", "dpo"),
        ("pairs_per_case = 1\nbeta = 0.1", "dpo"),
        ("epochs = 2", "sft"),
        ("gold = false", "sft"),
        ("nothing_known = 1", "sft"),
        ("group = 4\nnothing_known = 1", "grpo"),
    ],
)
def test_the_kind_is_read_from_the_options(tmp_path: Path, text: str, kind: Kind) -> None:
    assert kind_of(write(tmp_path, f"out = 'x'\n{text}")) == kind


def test_a_file_that_may_be_for_dpo_or_grpo_asks(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"beta, temperature may be for train dpo or train grpo\. Say which: --kind dpo"
    ):
        kind_of(write(tmp_path, "out = 'x'\nbeta = 0.1\ntemperature = 0.5"))


@pytest.mark.parametrize("path", TINY, ids=[path.stem for path in TINY])
def test_the_kind_of_every_committed_configuration_is_known(path: Path) -> None:
    assert kind_of(path) == ("grpo" if "grpo" in path.stem else "sft")


def test_a_configuration_that_is_made_by_hand_is_held_to_the_same(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="do not divide into batches of 3"):
        GrpoConfig(out=tmp_path, batch_size=3)
    assert isinstance(load_config(write(tmp_path, f"out = 'x'\ndata = {{suite = '{SUITE}'}}"), SftConfig), BaseModel)
