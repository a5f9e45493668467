"""The policy `vllm/PATH` and its engine, over a double of vLLM that decodes with a real model."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import json
import random
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from toy_world import WORLD, case

from samescore.harness.policies.hf import HfPolicy, let_threads_sleep

let_threads_sleep()
torch = pytest.importorskip("torch", reason="local models need samescore[local]")
peft = pytest.importorskip("peft")

import vllm_double as double  # noqa: E402
from small_model import make_adapter, make_model  # noqa: E402

from samescore.harness.errors import PolicyError, UsageError  # noqa: E402
from samescore.harness.policies.engine import Engine  # noqa: E402
from samescore.harness.policies.model_files import weights_digest  # noqa: E402
from samescore.harness.policies.vllm import MEMORY, VllmPolicy, require_vllm  # noqa: E402
from samescore.harness.policies.vllm_engine import VllmEngine  # noqa: E402
from samescore.harness.policy import Sampling  # noqa: E402
from samescore.harness.rollout import Limits, rollout  # noqa: E402
from samescore.harness.types import Completion, Finish  # noqa: E402

T = TypeVar("T")
LIMITS = Limits(turns=3, turn_tokens=12)
STOP = 2
HAS_VLLM = importlib.util.find_spec("vllm") is not None
on_gpu = pytest.mark.skipif(not (HAS_VLLM and torch.cuda.is_available()), reason="needs vLLM and a CUDA GPU")
with_vllm = pytest.mark.skipif(not HAS_VLLM, reason="needs vLLM")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def adapters(base: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("adapters")
    passport = {"base": {"name": "base", "weights": weights_digest(base)}}
    return [
        make_adapter(folder / "one", base, passport, seed=1),
        make_adapter(folder / "two", base, passport, seed=2, r=12),
    ]


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[double.LLM]:
    """The double in vLLM's place."""
    folder = tmp_path / "site"
    folder.mkdir()
    return double.install(monkeypatch, folder)


@pytest.fixture
def llm(vllm: type[double.LLM], base: Path) -> Iterator[double.LLM]:
    made = vllm(str(base))
    yield made
    made.llm_engine.gate.set()


def used(llm: double.LLM, work: Callable[[VllmEngine], Awaitable[T]], stop: Sequence[int] = (STOP,)) -> T:
    """What comes of working with an engine over `llm`."""

    async def run() -> T:
        engine = VllmEngine(llm, stop)
        try:
            return await work(engine)
        finally:
            await engine.aclose()

    return asyncio.run(run())


def prompts(count: int) -> list[list[int]]:
    rng = random.Random(5)
    return [[rng.randrange(3, 400) for _ in range(rng.randrange(4, 30))] for _ in range(count)]


async def written(engine: Any, prompt: Sequence[int], limit: int = 10, *how: Any) -> tuple[int, ...]:
    session = engine.session()
    ids: tuple[int, ...] = await session.generate(prompt, limit, *how)
    session.close()
    return ids


# The engine.


def test_greedy_turns_are_those_of_the_transformers_engine(llm: double.LLM, base: Path) -> None:
    async def all_of(engine: Any) -> list[tuple[int, ...]]:
        return await asyncio.gather(*(written(engine, prompt) for prompt in prompts(8)))

    async def ours() -> list[tuple[int, ...]]:
        engine = Engine(llm.llm_engine._model, [STOP], 4)
        try:
            return await all_of(engine)
        finally:
            await engine.aclose()

    assert used(llm, all_of) == asyncio.run(ours())


def test_turns_that_are_asked_for_together_are_written_together(llm: double.LLM) -> None:
    async def work(engine: VllmEngine) -> None:
        llm.llm_engine.gate.clear()
        turns = [asyncio.create_task(written(engine, prompt)) for prompt in prompts(6)]
        await asyncio.sleep(0.05)
        llm.llm_engine.gate.set()
        await asyncio.gather(*turns)

    used(llm, work)
    assert max(llm.llm_engine.batches) >= 5


def test_a_turn_joins_others_that_are_under_way(llm: double.LLM) -> None:
    async def work(engine: VllmEngine) -> None:
        long = asyncio.create_task(written(engine, prompts(1)[0], 60))
        while not llm.llm_engine.batches:
            await asyncio.sleep(0.001)
        await written(engine, prompts(2)[1], 3)
        assert not long.done()
        await long

    used(llm, work, stop=[])
    assert 2 in llm.llm_engine.batches and len(llm.llm_engine.batches) < 70


def test_a_turn_ends_with_the_token_that_ends_it(llm: double.LLM) -> None:
    first = used(llm, lambda engine: written(engine, prompts(1)[0], 6), stop=[])
    assert len(first) == 6
    again = used(llm, lambda engine: written(engine, prompts(1)[0], 6), stop=[first[2]])
    assert again == first[: first.index(first[2]) + 1]


def test_the_models_own_end_token_ends_nothing_that_is_not_a_stop(llm: double.LLM) -> None:
    first = used(llm, lambda engine: written(engine, prompts(1)[0], 6), stop=[])
    llm.llm_engine._eos = first[0]
    assert used(llm, lambda engine: written(engine, prompts(1)[0], 6), stop=[]) == first


def test_sampling_is_from_the_whole_distribution_with_the_turns_own_seed(llm: double.LLM) -> None:
    async def work(engine: VllmEngine) -> list[tuple[int, ...]]:
        return [await written(engine, prompts(1)[0], 8, 1.0, seed) for seed in (7, 7, 2**63 - 1)]

    one, same, other = used(llm, work)
    assert one == same != other
    params = llm.llm_engine.params[0]
    assert (params.seed, params.top_p, params.top_k, params.temperature) == (7, 1.0, 0, 1.0)
    assert not params.detokenize and params.logprobs is None


def test_log_probabilities_are_kept_where_they_are_asked_for(llm: double.LLM) -> None:
    async def work(engine: VllmEngine) -> None:
        session = engine.session(logprobs=True)
        ids = await session.generate(prompts(1)[0], 5, 0.7, 3)
        model = llm.llm_engine._model
        with torch.inference_mode():
            logits = model(torch.tensor([[*prompts(1)[0], *ids]])).logits[0, len(prompts(1)[0]) - 1 : -1]
        expected = torch.log_softmax(logits.float() / 0.7, dim=-1)[range(len(ids)), list(ids)]
        assert session.logprobs is not None and len(session.logprobs) == len(ids)
        torch.testing.assert_close(torch.tensor(session.logprobs), expected, rtol=1e-4, atol=1e-4)
        quiet = engine.session()
        await quiet.generate(prompts(1)[0], 5)
        assert quiet.logprobs is None

    used(llm, work)


def test_a_prompt_without_room_is_refused_and_the_next_is_not(llm: double.LLM) -> None:
    async def work(engine: VllmEngine) -> None:
        for wrong in ([], [5] * engine.context):
            with pytest.raises(PolicyError, match="tokens"):
                await written(engine, wrong)
        with pytest.raises(PolicyError, match="out of vocabulary"):
            await written(engine, [10**6])
        full = await written(engine, [5] * (engine.context - 2), 10)
        assert 1 <= len(full) <= 2
        assert await written(engine, prompts(1)[0])

    used(llm, work)


def test_a_conversation_that_is_closed_leaves_nothing_in_the_engine(llm: double.LLM) -> None:
    async def work(engine: VllmEngine) -> None:
        session = engine.session()
        turn = asyncio.create_task(session.generate(prompts(1)[0], 500))
        while not llm.llm_engine.batches:
            await asyncio.sleep(0.001)
        session.close()
        with pytest.raises(asyncio.CancelledError):
            await turn
        await written(engine, prompts(2)[1], 4)

    used(llm, work, stop=[])
    assert len(llm.llm_engine.aborted) == 1 and not llm.llm_engine._running


def test_a_turn_that_nobody_waits_for_any_more_is_dropped(llm: double.LLM) -> None:
    async def work(engine: VllmEngine) -> None:
        turn = asyncio.create_task(written(engine, prompts(1)[0], 500))
        while not llm.llm_engine.batches:
            await asyncio.sleep(0.001)
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        until = time.monotonic() + 10
        while llm.llm_engine._running and time.monotonic() < until:
            await asyncio.sleep(0.005)
        assert not llm.llm_engine._running

    used(llm, work, stop=[])


def test_closing_fails_the_turns_in_progress_and_empties_somebody_elses_engine(llm: double.LLM) -> None:
    async def run() -> None:
        engine = VllmEngine(llm, [])
        turns = [asyncio.create_task(written(engine, prompt, 500)) for prompt in prompts(3)]
        while not llm.llm_engine.batches:
            await asyncio.sleep(0.001)
        await engine.aclose()
        ends = await asyncio.gather(*turns, return_exceptions=True)
        assert all(isinstance(end, PolicyError) and "closed" in str(end) for end in ends)
        with pytest.raises(PolicyError, match="closed"):
            await written(engine, prompts(1)[0])

    asyncio.run(run())
    assert not llm.llm_engine._running and not llm.llm_engine.shut_down


def test_a_crash_reaches_all_who_wait_and_all_who_come_later(llm: double.LLM) -> None:
    async def work(engine: VllmEngine) -> None:
        llm.llm_engine.crash = RuntimeError("CUDA error: an illegal memory access\nlong trace")
        ends = await asyncio.gather(*(written(engine, prompt) for prompt in prompts(3)), return_exceptions=True)
        ends += await asyncio.gather(written(engine, prompts(1)[0]), return_exceptions=True)
        for end in ends:
            assert isinstance(end, PolicyError) and "CUDA error" in str(end) and "long trace" not in str(end)

    used(llm, work)


def test_a_turn_that_vllm_gives_up_is_an_error_and_no_completion(llm: double.LLM) -> None:
    llm.llm_engine.finish_reason = "abort"
    with pytest.raises(PolicyError, match="gave up"):
        used(llm, lambda engine: written(engine, prompts(1)[0]))


def test_two_event_loops_use_one_engine_one_after_the_other(llm: double.LLM) -> None:
    engine = VllmEngine(llm, [STOP])
    once = asyncio.run(written(engine, prompts(1)[0]))
    again = asyncio.run(written(engine, prompts(1)[0]))
    asyncio.run(engine.aclose())
    assert once == again


# The policy.


def held(policy: Any, numbers: Sequence[int], temperature: float = 0.0) -> list[list[Completion]]:
    """The completions of whole conversations, all at once."""

    async def run() -> list[list[Completion]]:
        sampling = Sampling(temperature, seed=11)
        cases = (rollout(case(number), policy, WORLD, sampling, LIMITS) for number in numbers)
        return [[step.turn.completion for step in one.steps] for one in await asyncio.gather(*cases)]

    return asyncio.run(run())


def closed(*policies: Any) -> None:
    for policy in policies:
        asyncio.run(policy.aclose())


def test_prompts_and_greedy_turns_are_those_of_the_hf_policy(vllm: type[double.LLM], base: Path) -> None:
    policy, other = VllmPolicy.load(str(base)), HfPolicy.load(str(base), device="cpu")
    ours, theirs = held(policy, range(6)), held(other, range(6))
    closed(policy, other)
    assert ours == theirs
    assert any(turn.finish is Finish.LENGTH for turns in ours for turn in turns)


def test_an_adapter_writes_what_the_merged_one_writes(
    vllm: type[double.LLM], base: Path, adapters: Sequence[Path]
) -> None:
    plain, *tuned = VllmPolicy.load_all(str(base), [None, *map(str, adapters)])
    merged = [HfPolicy.load(str(base), str(adapter), device="cpu") for adapter in adapters]
    found = [held(policy, range(3)) for policy in (plain, *tuned)]
    assert found[1:] == [held(policy, range(3)) for policy in merged]
    assert found[0] != found[1] != found[2]
    closed(plain, *tuned, *merged)


def test_adapters_share_one_engine_which_the_last_of_them_releases(
    vllm: type[double.LLM], base: Path, adapters: Sequence[Path]
) -> None:
    one, two = VllmPolicy.load_all(str(base), list(map(str, adapters)))
    (made,) = vllm.made
    assert one.engine is two.engine
    wanted = {"enable_lora": True, "max_loras": 1, "max_cpu_loras": 2, "max_lora_rank": 16}
    assert wanted.items() <= made.options.items()
    closed(one)
    assert not made.llm_engine.shut_down
    held(two, [0])
    closed(two)
    assert made.llm_engine.shut_down


def test_a_policy_is_known_by_its_weights_template_and_backend(
    vllm: type[double.LLM], base: Path, adapters: Sequence[Path]
) -> None:
    plain, tuned = VllmPolicy.load_all(str(base), [None, str(adapters[0])])
    closed(plain, tuned)
    about = json.loads(json.dumps(plain.describe()))
    assert plain.name == about["model"] == f"vllm/{base}"
    assert about["weights"] == weights_digest(base)
    assert (about["backend"], about["dtype"], about["versions"]["vllm"]) == ("vllm", "bfloat16", "0.26.0")
    assert "adapter" not in about and tuned.describe()["adapter"] == weights_digest(adapters[0])
    (made,) = vllm.made
    assert made.options["enable_prefix_caching"] and made.options["dtype"] == "bfloat16"


def test_the_models_further_end_tokens_stop_a_turn_without_ending_it(
    vllm: type[double.LLM], base: Path, tmp_path: Path
) -> None:
    policy = VllmPolicy.load(str(base))
    ((turn, *_),) = held(policy, [0])
    first = (turn.token_ids or ())[0]
    folder = Path(shutil.copytree(base, tmp_path / "model"))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, first]}), encoding="utf-8")
    stopped = VllmPolicy.load(str(folder))
    ((turn, *_),) = held(stopped, [0])
    closed(policy, stopped)
    assert turn.token_ids == (first,) and turn.finish is Finish.LENGTH


def refused(vllm: type[double.LLM], base: Path | str, *adapters: str | Path, **options: str) -> str:
    """The whole message with which loading fails, before vLLM loads anything."""
    with pytest.raises(UsageError) as caught:
        VllmPolicy.load_all(str(base), [str(adapter) for adapter in adapters] or [None], **options)
    assert vllm.made == []
    return f"{type(caught.value).__name__}: {caught.value}"


def test_an_adapter_for_another_base_is_refused_as_everywhere(
    vllm: type[double.LLM], base: Path, adapters: Sequence[Path], tmp_path: Path
) -> None:
    other = make_model(tmp_path / "other", seed=9)
    assert "Use the base" in refused(vllm, other, adapters[0])
    wide = make_model(tmp_path / "wide", hidden=96)
    message = refused(vllm, base, adapters[0], make_adapter(tmp_path / "wide-lora", wide))
    assert message.startswith("AdapterError") and "192" in message and "128" in message
    assert refused(vllm, base, tmp_path / "absent").startswith("UnknownName")
    assert "adapter_config.json" in refused(vllm, base, tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "embeddings"),
        ({"target_modules": ["q_proj", "lm_head"]}, "output layer"),
        ({"use_dora": True}, "DoRA"),
        ({"rank_pattern": {"q_proj": 2}}, "rank_pattern"),
        ({"alpha_pattern": {"q_proj": 2}}, "alpha_pattern"),
    ],
)
def test_what_vllm_would_refuse_or_ignore_in_an_adapter_is_refused_by_name(
    vllm: type[double.LLM], base: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    message = refused(vllm, base, make_adapter(tmp_path / "lora", base, **changes))
    assert message.startswith("AdapterError") and words in message and "hf/" in message


def test_an_adapter_that_lacks_a_module_is_refused(
    vllm: type[double.LLM], base: Path, adapters: Sequence[Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    partial = Path(shutil.copytree(adapters[0], tmp_path / "partial"))
    file = partial / "adapter_model.safetensors"
    save_file({key: value for key, value in load_file(file).items() if "layers.1" not in key}, file)
    message = refused(vllm, base, partial)
    assert message.startswith("AdapterError") and "layers.1" in message


def test_a_model_that_is_not_there_is_named_with_its_provider(vllm: type[double.LLM], tmp_path: Path) -> None:
    assert "vllm/" in refused(vllm, tmp_path / "absent")
    assert "config.json" in refused(vllm, tmp_path)


@pytest.mark.parametrize(("said", "fine"), [("0.4", True), ("0", False), ("1.5", False), ("half", False)])
def test_the_share_of_the_memory_is_read_from_the_environment(
    vllm: type[double.LLM], base: Path, monkeypatch: pytest.MonkeyPatch, said: str, fine: bool
) -> None:
    monkeypatch.setenv(MEMORY, said)
    if fine:
        closed(VllmPolicy.load(str(base)))
        assert vllm.made[0].options["gpu_memory_utilization"] == 0.4
    else:
        assert MEMORY in refused(vllm, base)


def test_what_vllm_says_of_a_model_it_cannot_load_is_said_in_one_line(vllm: type[double.LLM], base: Path) -> None:
    vllm.broken = ValueError("Free memory on device (1/80 GiB) is less than desired.\nmore")
    message = refused(vllm, base)
    assert "Free memory" in message and MEMORY in message and "more" not in message.partition("Free")[2][:60]


def test_without_vllm_or_a_gpu_there_is_one_message_before_anything_is_loaded(
    vllm: type[double.LLM], monkeypatch: pytest.MonkeyPatch
) -> None:
    require_vllm("cuda")
    for device in ("cpu", "cuda:1", "mps"):
        with pytest.raises(UsageError, match="CUDA_VISIBLE_DEVICES"):
            require_vllm(device)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(UsageError, match="needs a CUDA GPU"):
        VllmPolicy.load("/no/such/model")


@pytest.mark.skipif(HAS_VLLM, reason="vLLM is installed")
def test_without_vllm_its_extra_is_named() -> None:
    with pytest.raises(UsageError, match=r"samescore\[gpu\]"):
        VllmPolicy.load("/no/such/model")


# vLLM itself.


@with_vllm
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (("vllm.sampling_params", "SamplingParams"), double.SamplingParams),
        (("vllm.lora.request", "LoRARequest"), double.LoRARequest),
        (("vllm.v1.engine.llm_engine", "LLMEngine.add_request"), double.LLMEngine.add_request),
        (("vllm.v1.engine.llm_engine", "LLMEngine.abort_request"), double.LLMEngine.abort_request),
        (("vllm.v1.engine.llm_engine", "LLMEngine.step"), double.LLMEngine.step),
        (("vllm.v1.engine.llm_engine", "LLMEngine.add_lora"), double.LLMEngine.add_lora),
        (("vllm.engine.arg_utils", "EngineArgs"), double.LLM),
    ],
)
def test_the_double_takes_nothing_that_vllm_does_not(theirs: tuple[str, str], ours: Any) -> None:
    found: Any = importlib.import_module(theirs[0])
    for name in theirs[1].split("."):
        found = getattr(found, name)
    assert inspect.signature(ours).parameters.keys() <= inspect.signature(found).parameters.keys()


@on_gpu
def test_vllm_writes_what_transformers_writes() -> None:
    """The embedded model with its adapter, greedily, in bfloat16 by both: most conversations do not part."""
    from samescore.harness.policies import tiny_adapter, tiny_path
    from samescore.suites.catalog import load_suite, load_world

    cases = load_suite("sop/refund", "eval", None, "weights").cases[:12]
    policies = [
        VllmPolicy.load(str(tiny_path()), tiny_adapter("support-sft")),
        HfPolicy.load(str(tiny_path()), tiny_adapter("support-sft"), device="cuda"),
    ]

    async def run(policy: Any) -> list[list[tuple[str | None, tuple[int, ...] | None]]]:
        took = await asyncio.gather(*(rollout(one, policy, load_world(one.world)) for one in cases))
        await policy.aclose()
        return [[(step.turn.completion.prompt, step.turn.completion.token_ids) for step in one.steps] for one in took]

    ours, theirs = (asyncio.run(run(policy)) for policy in policies)
    assert [turns[0][0] for turns in ours] == [turns[0][0] for turns in theirs]
    assert sum(one == other for one, other in zip(ours, theirs, strict=True)) >= len(cases) // 2


@on_gpu
def test_a_stop_token_and_log_probabilities_come_back_from_vllm() -> None:
    from samescore.harness.policies import tiny_path

    policy = VllmPolicy.load(str(tiny_path()))
    conversation = policy.converse(case(0), Sampling())

    async def run() -> None:
        session = policy.engine.session(logprobs=True)
        prompt = policy.renderer.start(case(0).messages, case(0).toolset)
        ids = await session.generate(prompt, 300, 1.0, 5)
        assert session.logprobs is not None and len(session.logprobs) == len(ids)
        assert all(value <= 0 for value in session.logprobs)
        assert ids[-1] in policy.renderer.ends and not policy.renderer.ends & set(ids[:-1])
        with pytest.raises(PolicyError):
            await session.generate([5] * policy.engine.context, 10)
        conversation.close()
        await policy.aclose()

    asyncio.run(run())
