"""The engine against the model's own forward pass, and against itself in other company."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings, strategies as st

from samescore.harness.policies.hf import let_threads_sleep

let_threads_sleep()
torch = pytest.importorskip("torch", reason="local models need samescore[local]")
transformers = pytest.importorskip("transformers")

from samescore.harness.errors import PolicyError  # noqa: E402
from samescore.harness.policies.engine import Engine  # noqa: E402
from samescore.harness.policies.engine_runner import _SHORTEST_PREFIX  # noqa: E402
from samescore.harness.policies.engine_sampling import draw  # noqa: E402
from samescore.harness.policies.engine_worker import Track  # noqa: E402

VOCABULARY = 509
STOP = 2
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 1024,
    "initializer_range": 0.08,
    "eos_token_id": STOP,
    "pad_token_id": 0,
}


def qwen(kept: int = 1, seed: int = 0, **changes: object):
    """A Qwen3 model with random weights and `kept` key-value heads."""
    torch.manual_seed(seed)
    config = transformers.Qwen3Config(**{**SHAPE, "num_key_value_heads": kept, "head_dim": 16, **changes})
    return transformers.Qwen3ForCausalLM(config).eval()


def tokens(rng: random.Random, count: int) -> list[int]:
    return [rng.randrange(3, VOCABULARY) for _ in range(count)]


PREFIX = tokens(random.Random(1), _SHORTEST_PREFIX + 40)


def prompts(count: int, seed: int = 7) -> list[list[int]]:
    """Some with the prefix, some without, of many lengths: now and then more than a block of keys."""
    rng = random.Random(seed)
    return [
        (PREFIX if index % 4 else PREFIX[:30]) + tokens(rng, rng.randrange(3, 330 if index % 8 == 1 else 90))
        for index in range(count)
    ]


@torch.inference_mode()
def greedy(model, prompt: Sequence[int], limit: int) -> tuple[int, ...]:
    """What a loop over the model without any cache writes."""
    written: list[int] = []
    while len(written) < limit and (not written or written[-1] != STOP):
        logits = model(torch.tensor([[*prompt, *written]]), use_cache=False).logits
        written.append(int(logits[0, -1].argmax()))
    return tuple(written)


@dataclass
class Talk:
    """A conversation of some turns, and what came of it: prompts, written ids, and the logits behind them."""

    prompt: list[int]
    follow: list[list[int]] = field(default_factory=list)
    temperature: float = 0.0
    seed: int = 0
    asked: list[list[int]] = field(default_factory=list)
    written: list[tuple[int, ...]] = field(default_factory=list)
    logits: list[torch.Tensor] = field(default_factory=list)

    async def hold(self, engine: Engine, seen: dict[Track, list[torch.Tensor]], limit: int) -> Talk:
        session = engine.session(PREFIX)
        self.logits = seen[session._track]
        try:
            prompt = self.prompt
            for follow in [*self.follow, []]:
                self.asked.append(prompt)
                ids = await session.generate(prompt, limit, self.temperature, self.seed)
                self.written.append(ids)
                prompt = [*prompt, *ids, *follow]
        finally:
            session.close()
        return self


def watch(engine: Engine) -> dict[Track, list[torch.Tensor]]:
    """The logits behind every token that the engine will write."""
    seen: dict[Track, list[torch.Tensor]] = defaultdict(list)
    for worker in engine._workers:

        def sample(requests, logits, sample=worker._sample) -> None:
            for request, row in zip(requests, logits, strict=True):
                seen[request.track].append(row.clone())
            sample(requests, logits)

        worker._sample = sample  # type: ignore[method-assign]
    return seen


def hold(model, talks: Sequence[Talk], slots: int = 32, limit: int = 12) -> list[Talk]:
    """Hold conversations with one engine, all at once."""

    async def run() -> list[Talk]:
        engine = Engine(model, {STOP}, slots)
        seen = watch(engine)
        try:
            return list(await asyncio.gather(*(talk.hold(engine, seen, limit) for talk in talks)))
        finally:
            await engine.aclose()

    return asyncio.run(run())


def talks(count: int, **fixed: object) -> list[Talk]:
    rng = random.Random(3)
    return [
        Talk(prompt, [tokens(rng, 1 + index % 20), tokens(rng, 30)], **fixed)  # type: ignore[arg-type]
        for index, prompt in enumerate(prompts(count))
    ]


@pytest.mark.parametrize("kept", [1, 2, 4])
def test_greedy_turns_are_those_of_a_loop_without_a_cache(kept: int) -> None:
    held = hold(qwen(kept), talks(4), limit=8)
    plain = qwen(kept)
    for talk in held:
        assert talk.written == [greedy(plain, prompt, 8) for prompt in talk.asked]


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ("LlamaConfig", "batched"),
        ("Qwen2Config", "batched"),
        ("GPT2Config", "batched"),
        ("MistralConfig", "plain: the model has sliding_attention layers"),
        ("Gemma2Config", "plain: the model has sliding_attention layers"),
        ("Gemma3TextConfig", "plain: the model has sliding_attention layers"),
    ],
)
def test_every_decoder_writes_its_own_turns_and_the_engine_says_how(config: str, kind: str) -> None:
    shape = {**SHAPE, "num_key_value_heads": 2, "sliding_window": 16} if config != "GPT2Config" else {}
    if config in ("LlamaConfig", "Qwen2Config"):
        shape.pop("sliding_window")
    small = {"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": VOCABULARY, "eos_token_id": STOP}
    torch.manual_seed(0)
    made = getattr(transformers, config)(**(shape or small))
    model = transformers.AutoModelForCausalLM.from_config(made).eval()
    expected = [greedy(model, prompt, 6) for prompt in prompts(3)]

    async def run() -> tuple[str, list[tuple[int, ...]]]:
        engine = Engine(model, {STOP}, slots=2)
        sessions = [engine.session(PREFIX) for _ in expected]
        turns = (session.generate(prompt, 6) for session, prompt in zip(sessions, prompts(3), strict=True))
        written = await asyncio.gather(*turns)
        await engine.aclose()
        return engine.kind, written

    found, written = asyncio.run(run())
    assert found == kind
    assert written == expected


def same_numbers(one: Talk, other: Talk) -> bool:
    """Equal ids, and equal bits of every logit behind them."""
    return one.written == other.written and all(map(torch.equal, one.logits, other.logits))


def test_a_conversation_has_the_same_bits_alone_and_among_31_others_in_any_order() -> None:
    model = qwen()
    together = hold(model, talks(32))
    shuffled = talks(32)
    random.Random(5).shuffle(shuffled)
    hold(model, shuffled)
    by_prompt = {tuple(talk.prompt): talk for talk in shuffled}
    for index, talk in enumerate(together):
        assert same_numbers(talk, by_prompt[tuple(talk.prompt)])
        if index % 9 == 1:
            (alone,) = hold(model, talks(32)[index : index + 1])
            assert same_numbers(talk, alone)


def test_slots_change_no_bit_even_when_conversations_wait_for_them() -> None:
    model = qwen()
    enough = hold(model, talks(12), slots=12)
    few = hold(model, talks(12), slots=3)
    assert all(map(same_numbers, enough, few))


def test_a_shared_prefix_gives_the_bits_that_reading_it_alone_gives() -> None:
    first, second, third = hold(qwen(), [Talk([*PREFIX, *range(3, 40)]) for _ in range(3)], slots=1)
    assert same_numbers(first, second) and same_numbers(second, third)


def test_keys_kept_across_turns_give_what_reading_everything_again_gives() -> None:
    model = qwen(2)
    (kept,) = hold(model, [Talk(prompts(2)[1], [[5, 6, 7], [8]])])
    for turn, prompt in enumerate(kept.asked):
        (fresh,) = hold(model, [Talk(prompt)])
        assert fresh.written == kept.written[turn : turn + 1]
        torch.testing.assert_close(fresh.logits[0], kept.logits[sum(map(len, kept.written[:turn]))])


def test_a_prompt_that_was_rendered_again_is_read_from_where_it_differs() -> None:
    model = qwen()
    long = [*PREFIX, *range(3, 60)]
    rewritten = [[*long[:-20], 9, 9, 9], [*long[:100], *[4] * 40], long, long, long[:50]]

    async def run() -> list[tuple[int, ...]]:
        engine = Engine(model, {STOP}, slots=2)
        session = engine.session(PREFIX)
        written = [await session.generate(prompt, 8) for prompt in [long, *rewritten]]
        await engine.aclose()
        return written

    plain = qwen()
    assert asyncio.run(run()) == [greedy(plain, prompt, 8) for prompt in [long, *rewritten]]


def test_a_cancelled_turn_gives_its_slot_to_the_next() -> None:
    async def run() -> tuple[int, ...]:
        engine = Engine(qwen(), {STOP}, slots=1)
        session = engine.session()
        endless = asyncio.create_task(session.generate([3, 4, 5], 900))
        await asyncio.sleep(0.05)
        endless.cancel()
        with pytest.raises(asyncio.CancelledError):
            await endless
        session.close()
        written = await asyncio.wait_for(engine.session().generate([7, 8, 9], 5), timeout=20)
        await engine.aclose()
        return written

    assert asyncio.run(run()) == greedy(qwen(), [7, 8, 9], 5)


def test_closing_a_conversation_ends_its_turn() -> None:
    async def run() -> None:
        engine = Engine(qwen(), {STOP}, slots=1)
        session = engine.session()
        turn = asyncio.create_task(session.generate([3, 4, 5], 900))
        await asyncio.sleep(0.05)
        session.close()
        with pytest.raises(asyncio.CancelledError):
            await turn
        await engine.aclose()

    asyncio.run(asyncio.wait_for(run(), timeout=20))


def test_more_open_conversations_than_slots_do_not_wait_for_each_other() -> None:
    async def run() -> None:
        engine = Engine(qwen(), {STOP}, slots=2)
        sessions = [engine.session(PREFIX) for _ in range(9)]
        for _ in range(2):  # in lockstep: nobody closes before everybody had a turn
            await asyncio.gather(*(session.generate([*PREFIX, 7], 4) for session in sessions))
        await engine.aclose()

    asyncio.run(asyncio.wait_for(run(), timeout=60))


def test_a_crash_of_the_model_wakes_everyone_with_advice() -> None:
    async def run() -> list[BaseException | tuple[int, ...]]:
        model = qwen()
        engine = Engine(model, {STOP}, slots=2)
        passes = iter(range(8))

        def fail(*_: object) -> None:
            if next(passes, None) is None:
                raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB\nand more lines")

        model.register_forward_pre_hook(fail)
        turns = (engine.session().generate([3, 4, 5], 500) for _ in range(5))
        failed = await asyncio.gather(*turns, return_exceptions=True)
        with pytest.raises(PolicyError, match="out of memory"):
            await engine.session().generate([3], 5)
        await engine.aclose()
        return failed

    failed = asyncio.run(asyncio.wait_for(run(), timeout=60))
    assert len(failed) == 5
    for error in failed:
        assert isinstance(error, PolicyError)
        assert "Use fewer slots" in str(error) and "and more lines" not in str(error)


def test_closing_fails_the_turns_in_progress() -> None:
    async def run() -> None:
        engine = Engine(qwen(), {STOP}, slots=1)
        turn = asyncio.create_task(engine.session().generate([3, 4], 900))
        await asyncio.sleep(0.05)
        await engine.aclose()
        with pytest.raises(PolicyError, match="closed"):
            await turn

    asyncio.run(run())


def test_a_prompt_past_the_context_is_an_error_with_figures_and_harms_nobody() -> None:
    async def run() -> tuple[int, ...]:
        engine = Engine(qwen(max_position_embeddings=64), {STOP}, slots=2)
        with pytest.raises(PolicyError, match=r"70 tokens .* context only 64"):
            await engine.session().generate([5] * 70, 10)
        written = await engine.session().generate([5] * 60, 10)
        await engine.aclose()
        return written

    assert 1 <= len(asyncio.run(run())) <= 4


def test_sampling_depends_on_the_seed_and_not_on_company() -> None:
    model = qwen()
    warm = [Talk(talk.prompt, talk.follow, temperature=1.0, seed=index) for index, talk in enumerate(talks(4))]
    again = [Talk(talk.prompt, talk.follow, temperature=1.0, seed=talk.seed) for talk in warm]
    other = [Talk(talk.prompt, talk.follow, temperature=1.0, seed=talk.seed + 100) for talk in warm]
    hold(model, warm)
    for talk in again:
        hold(model, [talk])
    hold(model, other)
    assert [talk.written for talk in warm] == [talk.written for talk in again]
    assert [talk.written for talk in warm] != [talk.written for talk in other]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40),
    st.floats(0.05, 5),
    st.floats(0, 1, exclude_max=True),
)
def test_a_draw_is_the_inverse_of_the_distribution_function(
    logits: list[float], temperature: float, uniform: float
) -> None:
    weights = torch.softmax(torch.tensor(logits, dtype=torch.float64) / temperature, dim=0)
    token = draw(torch.tensor(logits), temperature, uniform)
    below, upto = float(weights[:token].sum()), float(weights[: token + 1].sum())
    assert below - 1e-9 <= uniform <= upto + 1e-9
    assert weights[token] > 0


def test_draws_follow_the_distribution() -> None:
    rng = random.Random(0)
    logits = torch.tensor([0.0, 1.0, 2.0])
    drawn = [draw(logits, 1.0, rng.random()) for _ in range(4000)]
    expected = torch.softmax(logits, 0).tolist()
    for token, share in enumerate(expected):
        assert abs(drawn.count(token) / 4000 - share) < 0.03


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_engine_runs_on_a_gpu(dtype: str) -> None:
    model = qwen(2).to("cuda", getattr(torch, dtype))
    held = hold(model, talks(8))
    assert all(len(talk.written) == 3 for talk in held)
    if dtype == "float32":
        on_cpu = hold(qwen(2), talks(8))
        for one, other in zip(held, on_cpu, strict=True):
            torch.testing.assert_close(one.logits[0].cpu(), other.logits[0], rtol=1e-2, atol=1e-2)
