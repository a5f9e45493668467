"""The backends of training: what they refuse, what they tell TRL, and what writes turns with their weights.

What a GPU decides is run where there is one; see also `benchmarks/gpu/backends.py`.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from samescore.harness.policies.hf import let_threads_sleep

let_threads_sleep()
torch = pytest.importorskip("torch", reason="training needs samescore[train]")
peft = pytest.importorskip("peft")
trl = pytest.importorskip("trl")

import vllm_double as double  # noqa: E402
from small_model import make_adapter, make_model  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

from samescore.harness.errors import AdapterError, PolicyError, UsageError  # noqa: E402
from samescore.harness.policies.engine import Engine  # noqa: E402
from samescore.trainers.backends import backend_named  # noqa: E402
from samescore.trainers.backends.generate import GenerateWriter  # noqa: E402
from samescore.trainers.backends.given import fill, plain_lora  # noqa: E402
from samescore.trainers.backends.unsloth import require_context, require_padding  # noqa: E402
from samescore.trainers.backends.vllm import (  # noqa: E402
    VllmWriter,
    engine_arguments,
    forget,
    merged_parameters,
    synchronize,
)
from samescore.trainers.config import DpoConfig, GrpoConfig, SftConfig, TrainConfig  # noqa: E402

STOP = 2
OUT = Path("adapter")
without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_adapter(tmp_path_factory.mktemp("adapters") / "one", base)


def trained(base: Path, adapter: Path, dtype: Any = torch.float32) -> Any:
    model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype)
    return peft.PeftModel.from_pretrained(model, str(adapter), is_trainable=True)


class TestRequire:
    @pytest.mark.parametrize(
        ("backend", "config", "words"),
        [
            ("vllm", SftConfig(out=OUT), 'train sft and dpo with "transformers" or "unsloth"'),
            ("vllm", DpoConfig(out=OUT), "vllm generates"),
            ("vllm", GrpoConfig(out=OUT, four_bit=True), 'Set backend = "unsloth"'),
            ("vllm", GrpoConfig(out=OUT, dtype="float32"), 'dtype = "auto"'),
            ("unsloth", SftConfig(out=OUT, dtype="float32"), "bfloat16"),
            ("unsloth", GrpoConfig(out=OUT, adapter="support-sft", beta=0.1), "the adapter that training began with"),
        ],
    )
    def test_what_a_backend_does_not_do_is_said_with_what_to_do(
        self, backend: str, config: TrainConfig, words: str
    ) -> None:
        with pytest.raises(UsageError) as caught:
            backend_named(backend).require(config)
        assert words in str(caught.value) and str(caught.value).endswith((".", '."'))

    @pytest.mark.parametrize("backend", ["vllm", "unsloth"])
    def test_a_package_that_is_not_there_is_named(self, backend: str) -> None:
        if find_spec(backend) is not None:
            pytest.skip("it is installed")
        with pytest.raises(UsageError, match=r"pip install 'samescore\[gpu\]'"):
            backend_named(backend).require(GrpoConfig(out=OUT))

    @without_gpu
    def test_a_machine_without_a_gpu_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "vllm").mkdir()
        (tmp_path / "vllm" / "__init__.py").touch()
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(UsageError, match="needs a CUDA GPU"):
            backend_named("vllm").require(GrpoConfig(out=OUT))


def test_unsloth_is_imported_before_all_that_it_patches(tmp_path: Path) -> None:
    for name in ("unsloth", "unsloth_zoo"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            "import sys\n"
            "raise ImportError(f\"seen before: {sorted({'trl', 'transformers', 'peft'} & sys.modules.keys())}\")"
        )
    (tmp_path / "grpo.toml").write_text('out = "adapter"\nbackend = "unsloth"\n')
    program = f"""
        import sys, torch
        torch.cuda.is_available = lambda: True
        sys.path.insert(0, {str(tmp_path)!r})
        from pathlib import Path
        from samescore.harness.errors import UsageError
        from samescore.trainers.grpo import trainer
        try:
            trainer.train(Path({str(tmp_path / "grpo.toml")!r}))
        except UsageError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert "Unsloth does not run here: seen before: []" in done.stdout


class TestArguments:
    @pytest.mark.parametrize("backend", ["transformers", "vllm", "unsloth"])
    def test_trl_takes_them_for_grpo(self, backend: str, tmp_path: Path) -> None:
        config = GrpoConfig(out=OUT, vllm_memory=0.2)
        arguments = backend_named(backend).arguments(config)
        told = trl.GRPOConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False, **arguments)
        assert told.use_vllm is (backend == "vllm" or (backend == "unsloth" and find_spec("vllm") is not None))
        if backend == "vllm":
            assert told.vllm_mode == "colocate" and told.vllm_gpu_memory_utilization == 0.2

    @pytest.mark.parametrize("backend", ["transformers", "unsloth"])
    def test_trl_takes_them_for_sft_and_dpo(self, backend: str, tmp_path: Path) -> None:
        found = backend_named(backend)
        options: dict[str, Any] = {"output_dir": str(tmp_path), "use_cpu": True, "bf16": False}
        trl.SFTConfig(**options, **found.arguments(SftConfig(out=OUT)))
        trl.DPOConfig(**options, **found.arguments(DpoConfig(out=OUT)))
        from trl.experimental.orpo import ORPOConfig

        ORPOConfig(**options, **found.arguments(DpoConfig(out=OUT, loss="orpo")))

    def test_no_long_episode_is_dropped_for_small_differences_of_its_tokens(self, tmp_path: Path) -> None:
        told = trl.GRPOConfig(
            output_dir=str(tmp_path), use_cpu=True, bf16=False, **engine_arguments(GrpoConfig(out=OUT))
        )
        assert told.vllm_importance_sampling_correction
        assert told.vllm_importance_sampling_mode == "token_truncate", "and not one ratio for a whole sequence"


class TestMergedParameters:
    def test_are_what_merging_gives_to_the_bit_and_leave_the_base_alone(self, base: Path, adapter: Path) -> None:
        model = trained(base, adapter, torch.bfloat16)
        before = {name: value.clone() for name, value in model.get_base_model().state_dict().items()}
        found = {name: value.clone() for name, value in merged_parameters(model)}
        after = model.get_base_model().state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)
        merged = dict(trained(base, adapter, torch.bfloat16).merge_and_unload().named_parameters())
        assert found.keys() == merged.keys()
        assert all(torch.equal(found[name], merged[name]) and found[name].dtype == torch.bfloat16 for name in merged)

    def test_are_needed_because_merging_and_taking_back_moves_the_base(self, base: Path, adapter: Path) -> None:
        model = trained(base, adapter, torch.bfloat16)
        weight = model.get_base_model().model.layers[0].mlp.up_proj.base_layer.weight
        before = weight.clone()
        model.merge_adapter()
        model.unmerge_adapter()
        assert not torch.equal(weight, before)

    def test_are_what_trl_hands_over_to_the_engine(self, base: Path, adapter: Path) -> None:
        from trl.generation.vllm_generation import VLLMGeneration

        model, loaded = trained(base, adapter, torch.bfloat16), {}
        resets: list[bool] = []
        runner = SimpleNamespace(model=SimpleNamespace(load_weights=lambda pairs: loaded.update(dict(pairs))))
        executor = SimpleNamespace(driver_worker=SimpleNamespace(model_runner=runner))
        generation = VLLMGeneration.__new__(VLLMGeneration)  # without the engine that its constructor makes
        generation.mode, generation.enable_sleep_mode, generation.accelerator = "colocate", False, None
        generation.model = model
        generation.llm = SimpleNamespace(
            llm_engine=SimpleNamespace(
                model_executor=executor,
                model_config=SimpleNamespace(max_model_len=model.config.max_position_embeddings),
            ),
            reset_prefix_cache=lambda: resets.append(True),
        )
        trainer = SimpleNamespace(
            vllm_generation=generation, state=SimpleNamespace(global_step=3), _last_loaded_step=-1
        )
        renderer = SimpleNamespace(ends=frozenset({STOP}))
        backend_named("vllm").writer(model, renderer, trainer)  # type: ignore[arg-type]
        weight = model.get_base_model().model.layers[1].self_attn.q_proj.base_layer.weight
        before = weight.clone()
        synchronize(trainer)
        merged = dict(trained(base, adapter, torch.bfloat16).merge_and_unload().named_parameters())
        assert loaded.keys() == merged.keys() and all(torch.equal(loaded[name], merged[name]) for name in merged)
        assert torch.equal(weight, before) and resets == [True]


class Counted:
    """As much of TRL's trainer as handing weights over takes."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(global_step=0)
        self.vllm_generation = self
        self._last_loaded_step = -1
        self.handed: list[int] = []

    def sync_weights(self) -> None:
        self.handed.append(self.state.global_step)

    def generate(self, writer: VllmWriter) -> None:
        """What TRL does around a rollout."""
        if self.state.global_step != self._last_loaded_step:
            self.sync_weights()
            self._last_loaded_step = self.state.global_step
        self.use(writer)

    @staticmethod
    def use(writer: VllmWriter) -> None:
        writer.begin()
        writer.end()


class TestVllmWriter:
    @pytest.fixture
    def llm(self, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        return double.install(monkeypatch, tmp_path)(str(base))

    def test_writes_what_the_engine_of_evaluation_writes_and_says_how_likely_it_was(self, llm: Any, base: Path) -> None:
        writer = VllmWriter(llm, {STOP}, take=lambda: None)
        prompts = [[5, 6, 7], [8, 9, 10, 11]]
        writer.begin()
        found, logprobs = asyncio.run(_greedy(writer, prompts))
        writer.end()
        engine = Engine(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval(), {STOP}, 2)
        expected, _ = asyncio.run(_greedy(engine, prompts))
        assert found == expected
        assert [len(one) for one in logprobs] == [len(ids) for ids in found]
        assert all(value <= 0 for one in logprobs for value in one)

    def test_is_given_the_weights_once_for_each_use(self, llm: Any) -> None:
        trainer = Counted()
        writer = VllmWriter(llm, {STOP}, lambda: synchronize(trainer), lambda: forget(trainer))
        trainer.generate(writer)
        trainer.state.global_step = 1
        trainer.use(writer)  # a look at dev, with the weights as they are saved
        trainer.generate(writer)  # the same step, with the weights as they are trained
        trainer.use(writer)
        assert trainer.handed == [0, 1, 1, 1]

    def test_asks_with_the_adapter_that_it_took(self, llm: Any, adapter: Path, base: Path) -> None:
        llm.llm_engine._rank = 16
        request = double.LoRARequest("now", 1, str(adapter))
        writer = VllmWriter(llm, {STOP}, take=lambda: request)
        writer.begin()
        found, _ = asyncio.run(_greedy(writer, [[5, 6, 7]]))
        writer.end()
        merged = trained(base, adapter).merge_and_unload().eval()
        assert found == asyncio.run(_greedy(Engine(merged, {STOP}, 1), [[5, 6, 7]]))[0]

    def test_ends_without_turns_that_nobody_waits_for(self, llm: Any) -> None:
        writer = VllmWriter(llm, {STOP}, take=lambda: None)
        writer.begin()
        session = writer.session()
        session.close()
        writer.close()
        writer.close()
        assert llm.llm_engine.aborted == []


async def _greedy(writer: Any, prompts: Sequence[Sequence[int]]) -> tuple[list[tuple[int, ...]], list[Any]]:
    sessions = [writer.session() for _ in prompts]
    ids = await asyncio.gather(*(one.generate(prompt, 9) for one, prompt in zip(sessions, prompts, strict=True)))
    return list(ids), [getattr(one, "logprobs", None) for one in sessions]


@pytest.fixture
def model(base: Path, adapter: Path) -> Any:
    return trained(base, adapter)


class TestGenerateWriter:
    @staticmethod
    def writer(model: Any, context: int | None = 64) -> GenerateWriter:
        return GenerateWriter(model, {STOP}, context, infer=model.eval, resume=model.train)

    @pytest.mark.parametrize("temperature", [0.0, 1.0, 1.6])
    def test_draws_the_tokens_that_the_engine_of_evaluation_draws(
        self, model: Any, base: Path, adapter: Path, temperature: float
    ) -> None:
        prompts = [[5, 6, 7], [5, 6, 7], [9, 8, 7, 6], [1, 300], [5, 6, 8]]
        limits = [12, 5, 12, 7, 12]

        async def write(writer: Any) -> list[tuple[int, ...]]:
            asked = [
                writer.session().generate(prompt, limit, temperature, seed)
                for seed, (prompt, limit) in enumerate(zip(prompts, limits, strict=True))
            ]
            return list(await asyncio.gather(*asked))

        writer = self.writer(model)
        writer.begin()
        found = asyncio.run(write(writer))
        writer.end()
        merged = trained(base, adapter).eval()
        assert found == asyncio.run(write(Engine(merged.get_base_model(), {STOP}, 4)))
        assert len({len(ids) for ids in found}) > 1, "rows of one batch end at different lengths"

    def test_goes_on_with_conversations_that_differ_in_length(self, model: Any) -> None:
        async def talk(writer: Any, prompt: list[int], turns: int) -> list[int]:
            session = writer.session()
            for turn in range(turns):
                prompt = [*prompt, *await session.generate(prompt, 3, 1.0, turn), 7]
            return prompt

        async def all_of(writer: Any, count: int) -> list[list[int]]:
            return list(await asyncio.gather(*(talk(writer, [5, 6 + n], 1 + n % 3) for n in range(count))))

        writer = self.writer(model)
        writer.begin()
        together, alone = asyncio.run(all_of(writer, 5)), asyncio.run(all_of(writer, 1))
        writer.end()
        assert together[0] == alone[0] and len(together) == 5

    def test_penalties_of_the_models_own_settings_do_not_count(self, base: Path, adapter: Path) -> None:
        plain, fined = trained(base, adapter).eval(), trained(base, adapter).eval()
        own = fined.get_base_model().generation_config
        own.repetition_penalty = 5.0
        found = [asyncio.run(_greedy(self.writer(model), [[5, 6, 7]]))[0] for model in (plain, fined)]
        assert found[0] == found[1] and fined.get_base_model().generation_config is own

    def test_training_goes_on_as_it_was(self, model: Any) -> None:
        for mode in (True, False):
            model.train(mode)
            writer = self.writer(model)
            writer.begin()
            assert not model.training
            writer.end()
            assert model.training is mode

    def test_a_prompt_without_room_is_an_error_and_a_crash_fails_only_its_own_turns(self, model: Any) -> None:
        writer = self.writer(model, context=4)
        with pytest.raises(PolicyError, match="no room for a turn"):
            asyncio.run(writer.session().generate([5, 6, 7, 8], 5))
        assert len(asyncio.run(writer.session().generate([5, 6, 7], 5))) == 1

        async def both() -> list[Any]:
            asked = [writer.session().generate([5], 2), writer.session().generate([5, 10**6], 2)]
            return list(await asyncio.gather(*asked, return_exceptions=True))

        sound, broken = asyncio.run(both())
        assert len(sound) == 2 and isinstance(broken, PolicyError)


class TestGivenAdapter:
    def test_more_than_plain_lora_is_refused(self, base: Path, tmp_path: Path) -> None:
        make_adapter(tmp_path / "dora", base, use_dora=True)
        with pytest.raises(AdapterError, match=r'use_dora.*backend = "unsloth" trains nothing else'):
            plain_lora(tmp_path / "dora", "unsloth")
        with pytest.raises(AdapterError, match="use_dora"):
            backend_named("vllm").load(GrpoConfig(out=OUT), base, tmp_path / "dora")

    @pytest.mark.parametrize("targets", ["all-linear", ["q_proj", "v_proj"]])
    def test_keeps_its_settings_and_fills_a_new_one(self, base: Path, tmp_path: Path, targets: str | list[str]) -> None:
        given = make_adapter(tmp_path / "given", base, r=6, lora_alpha=5, target_modules=targets)
        lora = plain_lora(given, "unsloth")
        assert (lora.rank, lora.alpha, lora.dropout) == (6, 5, 0.0)
        fresh = new_adapter(base, lora.rank, lora.alpha, lora.targets)
        fill(fresh, given, "tiny")
        loaded = trained(base, given)
        prompt = torch.tensor([[5, 6, 7]])
        assert torch.equal(fresh.eval()(prompt).logits, loaded.eval()(prompt).logits)

    def test_of_another_shape_or_with_other_layers_is_refused(self, base: Path, tmp_path: Path) -> None:
        other = make_adapter(tmp_path / "other", make_model(tmp_path / "wide", hidden=32), r=4)
        with pytest.raises(AdapterError, match="does not fit tiny"):
            fill(new_adapter(base, 4, 8), other, "tiny")
        partial = make_adapter(tmp_path / "partial", base, r=4, target_modules=["q_proj"])
        with pytest.raises(AdapterError, match="have no values in it"):
            fill(new_adapter(base, 4, 8), partial, "tiny")


def new_adapter(base: Path, rank: int, alpha: int, targets: str | list[str] = "all-linear") -> Any:
    options = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, task_type="CAUSAL_LM")
    return peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base), options)


class TestUnsloth:
    def test_sequences_that_unsloth_would_cut_are_refused(self, base: Path) -> None:
        assert require_context(SftConfig(out=OUT, max_tokens=2048), base) == 2048
        with pytest.raises(UsageError, match="max_tokens = 2048"):
            require_context(SftConfig(out=OUT, max_tokens=2049), base)

    def test_a_padding_token_that_ends_turns_is_refused_for_grpo(self, base: Path, tmp_path: Path) -> None:
        require_padding(GrpoConfig(out=OUT), base)
        folder = tmp_path / "padded"
        shutil.copytree(base, folder)
        path = folder / "tokenizer_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "pad_token": "<|im_end|>"}))
        with pytest.raises(UsageError, match=r"pads with '<\|im_end\|>'"):
            require_padding(GrpoConfig(out=OUT), folder)
        require_padding(SftConfig(out=OUT), folder)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("backend", ["vllm", "unsloth"])
@pytest.mark.parametrize("shape", ["decision", "episode"])
def test_grpo_takes_real_steps(backend: str, shape: str, tmp_path: Path) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"needs {backend}")
    (tmp_path / "grpo.toml").write_text(
        f'out = "adapter"\nadapter = "support-sft"\nbackend = "{backend}"\nshape = "{shape}"\nsteps = 2\nprompts = 2\n'
        'group = 4\nbatch_size = 4\nwatch = 1\n[log]\nevery = 1\n[data]\nsuite = "sop/refund"\nlimit = 8\n'
    )
    # One engine a process: what it holds is given back when the process ends.
    program = (
        "from pathlib import Path; from samescore.trainers.grpo.trainer import train; "
        f"train(Path({str(tmp_path / 'grpo.toml')!r}))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=600)
    passport = json.loads((tmp_path / "adapter" / "samescore.json").read_text())
    assert passport["training"]["steps"] == 2 and passport["training"]["watched"] > 0
