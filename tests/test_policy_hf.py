"""The policy `hf/PATH`: a real, small model with random weights, from its folder to its turns."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from toy_world import WORLD, case

from samescore.harness.passport import PASSPORT
from samescore.harness.policies.hf import HfPolicy, let_threads_sleep
from samescore.harness.policies.model_files import weights_digest

let_threads_sleep()
torch = pytest.importorskip("torch", reason="local models need samescore[local]")
peft = pytest.importorskip("peft")

from safetensors.torch import load_file, save_file  # noqa: E402
from small_model import make_adapter, make_model  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

from samescore.harness.errors import UnknownName, UsageError  # noqa: E402
from samescore.harness.policy import Sampling  # noqa: E402
from samescore.harness.rollout import Limits, rollout  # noqa: E402
from samescore.harness.types import Completion, Finish, Message, Stop  # noqa: E402

LIMITS = Limits(turns=3, turn_tokens=16)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    passport = {"base": {"name": "base", "weights": weights_digest(base)}}
    return make_adapter(tmp_path_factory.mktemp("adapters") / "lora", base, passport)


def copy(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


def refused(base: Path | str, adapter: Path | None = None, **options: str) -> str:
    """The whole message with which loading fails."""
    with pytest.raises(UsageError) as caught:
        HfPolicy.load(str(base), str(adapter) if adapter else None, device="cpu", **options)
    assert "Traceback" not in str(caught.value)
    return f"{type(caught.value).__name__}: {caught.value}"


def held(policy: HfPolicy, numbers: list[int], temperature: float = 0.0) -> list[list[Completion]]:
    """The completions of whole conversations, all at once."""

    async def run() -> list[list[Completion]]:
        sampling = Sampling(temperature, seed=11)
        try:
            cases = (rollout(case(number), policy, WORLD, sampling, LIMITS) for number in numbers)
            return [[step.turn.completion for step in one.steps] for one in await asyncio.gather(*cases)]
        finally:
            await policy.aclose()

    return asyncio.run(run())


def test_a_policy_is_known_by_its_weights_template_and_backend(base: Path) -> None:
    policy = HfPolicy.load(str(base), device="cpu")
    asyncio.run(policy.aclose())
    about = json.loads(json.dumps(policy.describe()))
    assert policy.name == about["model"] == f"hf/{base}"
    assert about["weights"] == weights_digest(base)
    assert about["renderer"] == policy.renderer.fingerprint
    assert (about["dialect"], about["backend"], about["engine"]) == ("hermes/1", "transformers", "batched")
    assert (about["dtype"], about["device"]) == ("float32", "cpu")
    assert {"torch", "transformers"} <= set(about["versions"])
    assert "adapter" not in about


def test_conversations_together_write_what_each_writes_alone(base: Path) -> None:
    together = held(HfPolicy.load(str(base), device="cpu", slots=4), [0, 1, 2, 3, 4, 5], temperature=1.0)
    alone = [held(HfPolicy.load(str(base), device="cpu", slots=4), [number], temperature=1.0)[0] for number in (1, 4)]
    assert alone == [together[1], together[4]]


def test_a_truncated_turn_ends_the_rollout_with_its_ids_as_sampled(base: Path) -> None:
    policy = HfPolicy.load(str(base), device="cpu")
    (turns,) = held(policy, [0])
    assert turns[-1].finish is Finish.LENGTH
    assert len(turns[-1].token_ids or ()) == LIMITS.turn_tokens
    assert turns[-1].prompt_tokens > 0 and turns[-1].prompt


def test_another_end_token_stops_generation_but_ends_no_turn(base: Path, tmp_path: Path) -> None:
    (turns,) = held(HfPolicy.load(str(base), device="cpu"), [0])
    first = (turns[0].token_ids or ())[0]
    folder = copy(base, tmp_path / "model")
    settings = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))
    (folder / "generation_config.json").write_text(
        json.dumps(settings | {"eos_token_id": [2, first]}), encoding="utf-8"
    )
    (stopped,) = held(HfPolicy.load(str(folder), device="cpu"), [0])
    assert stopped[0].token_ids == (first,) and stopped[0].finish is Finish.LENGTH


def test_gold_turns_played_before_a_decision_are_part_of_the_prompt(base: Path) -> None:
    async def run() -> list[int]:
        policy = HfPolicy.load(str(base), device="cpu")
        lengths = []
        for one in (case(0).at(0), case(0).at(1), case(0).at(2)):
            trajectory = await rollout(one, policy, WORLD, Sampling(), LIMITS)
            assert len(trajectory.steps) == one.prefix + 1
            assert trajectory.stop in (Stop.DECIDED, Stop.TRUNCATED, Stop.MALFORMED, Stop.ANSWERED)
            lengths.append(trajectory.steps[-1].turn.completion.prompt_tokens)
        await policy.aclose()
        return lengths

    lengths = asyncio.run(run())
    assert lengths[0] < lengths[1] < lengths[2]


def test_prompts_share_what_does_not_depend_on_the_case(base: Path) -> None:
    policy = HfPolicy.load(str(base), device="cpu")
    dated, day = case(0), "2026-07-09"
    other_day = replace(case(1), system=WORLD.system["en"].format(today=day), facts={**case(1).facts, "today": day})
    undated = replace(dated, system="You help readers of a library.")
    tools = policy._prefixes.of(dated)
    whole = policy._prefixes.of(undated)
    asyncio.run(policy.aclose())
    assert tools == policy._prefixes.of(other_day)
    assert whole[: len(tools)] == tools
    said = policy.renderer.tokenizer.decode(whole)
    assert "waive_fee" in said and "You help readers of a library." in said
    assert "waive_fee" in policy.renderer.tokenizer.decode(tools)
    for one, prefix in ((dated, tools), (undated, whole)):
        assert tuple(policy.renderer.start(one.messages, one.toolset)[: len(prefix)]) == prefix


def test_a_written_turn_reads_back_as_the_message(base: Path) -> None:
    policy = HfPolicy.load(str(base), device="cpu")
    one = case(0)
    conversation = policy.converse(one, Sampling())
    turn = policy.dialect.parse(conversation.write(one.gold[0]), one.toolset)
    assert turn.calls == one.gold[0].calls and not turn.defects
    conversation.tell(turn, [Message("tool", "{}", name="get_loan")])
    conversation.close()
    asyncio.run(policy.aclose())


def test_an_adapter_changes_the_numbers_as_peft_itself_does(base: Path, adapter: Path) -> None:
    policy = HfPolicy.load(str(base), str(adapter), device="cpu")
    merged = policy.engine.model
    asyncio.run(policy.aclose())
    ids = torch.arange(3, 40)[None]
    with torch.inference_mode():
        plain = AutoModelForCausalLM.from_pretrained(base)
        before = plain(ids).logits
        expected = peft.PeftModel.from_pretrained(plain, adapter)(ids).logits
        found = merged(ids).logits
    assert (found - before).abs().max() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert policy.describe()["adapter"] == weights_digest(adapter)


def test_an_adapter_of_other_weights_is_refused_by_digest(adapter: Path, tmp_path: Path) -> None:
    other = make_model(tmp_path / "other", seed=9)
    message = refused(other, adapter)
    assert message.startswith("AdapterError") and weights_digest(other)[:12] in message and "Use the base" in message


def test_an_adapter_of_another_shape_is_refused_by_shape(base: Path, tmp_path: Path) -> None:
    wide = make_model(tmp_path / "wide", hidden=96)
    message = refused(base, make_adapter(tmp_path / "lora", wide))
    assert message.startswith("AdapterError") and "192" in message and "128" in message


def test_an_adapter_for_modules_that_are_not_there_is_refused_by_name(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    foreign = copy(adapter, tmp_path / "foreign")
    file = foreign / "adapter_model.safetensors"
    save_file({key.replace("layers.1", "layers.7"): value for key, value in load_file(file).items()}, file)
    message = refused(base, foreign)
    assert message.startswith("AdapterError") and "layers.7" in message


def test_an_adapter_that_lacks_a_module_is_refused(base: Path, adapter: Path, tmp_path: Path) -> None:
    partial = copy(adapter, tmp_path / "partial")
    file = partial / "adapter_model.safetensors"
    save_file({key: value for key, value in load_file(file).items() if "layers.1" not in key}, file)
    message = refused(base, partial)
    assert message.startswith("AdapterError") and "layers.1" in message


@pytest.mark.parametrize("damage", ["passport", "weights", "config"])
def test_a_damaged_adapter_is_refused(base: Path, adapter: Path, tmp_path: Path, damage: str) -> None:
    broken = copy(adapter, tmp_path / "broken")
    name = {"passport": PASSPORT, "weights": "adapter_model.safetensors", "config": "adapter_config.json"}[damage]
    (broken / name).write_text("{", encoding="utf-8")
    assert refused(base, broken).startswith("AdapterError")


def test_a_folder_that_is_no_adapter_is_refused(base: Path, tmp_path: Path) -> None:
    assert "adapter_config.json" in refused(base, tmp_path)
    assert refused(base, tmp_path / "absent").startswith("UnknownName")


def test_a_model_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        HfPolicy.load(str(tmp_path / "absent"))
    assert "config.json" in refused(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "hub did not give it" in refused("nobody/no-such-model")


def test_a_damaged_model_is_refused(base: Path, tmp_path: Path) -> None:
    broken = copy(base, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"not weights")
    assert "cannot be loaded" in refused(broken)
    (broken / "model.safetensors").unlink()
    assert "no weights" in refused(broken)


def test_a_tokenizer_of_another_model_is_refused(base: Path, tmp_path: Path) -> None:
    folder = copy(base, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | {"vocab_size": 300}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for key in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[key] = weights[key][:300].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert "do not belong together" in refused(folder)


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("device", "abacus", "expected auto, cpu"),
        ("dtype", "int3", "float32, bfloat16"),
        ("dialect", "klingon", "hermes"),
    ],
)
def test_an_option_that_means_nothing_is_refused(base: Path, option: str, value: str, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        HfPolicy.load(str(base), **{"device": "cpu", option: value})
