"""Conversations a minute of the engine, beside `model.generate` over the same prompts in the same run.

    python benchmarks/engine.py                      # the shape of the embedded model, random weights, all cores
    python benchmarks/engine.py --conversations 170 --device cuda

A conversation is 3 to 5 turns of 60 to 120 tokens each; 930 tokens of every prompt are the same (tools), 60 to 200
are its own, and 40 to 100 come between two turns. `generate` is given each turn's whole prompt, 32 padded prompts at
a time, as a plain evaluation loop would; it does fewer turns, since it takes longer. Both write greedily and never
stop early.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from samescore.harness.policies.hf import SLOTS, let_threads_sleep

let_threads_sleep()

import torch  # noqa: E402
from transformers import PreTrainedModel, Qwen3Config, Qwen3ForCausalLM  # noqa: E402

from samescore.harness.policies.engine import Engine  # noqa: E402

VOCABULARY = 4096
BATCH = 32
NEVER = VOCABULARY - 1


@dataclass(frozen=True, slots=True)
class Turn:
    """Tokens to write, and tokens that follow them."""

    length: int
    follow: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation."""

    prompt: tuple[int, ...]
    turns: tuple[Turn, ...]


def tiny(kept: int) -> PreTrainedModel:
    """A model of the embedded one's shape."""
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=kept,
        head_dim=64,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        eos_token_id=NEVER,
        pad_token_id=0,
    )
    return Qwen3ForCausalLM(config).eval()


def conversations(count: int, shared: Sequence[int]) -> list[Talk]:
    """The same for everyone who asks for so many."""
    rng = random.Random(0)

    def tokens(low: int, high: int) -> tuple[int, ...]:
        return tuple(rng.randrange(1, NEVER) for _ in range(rng.randrange(low, high)))

    return [
        Talk(
            (*shared, *tokens(60, 200)),
            tuple(Turn(rng.randrange(60, 121), tokens(40, 100)) for _ in range(rng.randrange(3, 6))),
        )
        for _ in range(count)
    ]


async def with_engine(
    model: PreTrainedModel, talks: Sequence[Talk], shared: Sequence[int], slots: int
) -> tuple[float, int]:
    """Seconds, and tokens written."""
    engine = Engine(model, {NEVER}, slots)
    waiting = list(reversed(talks))
    written = 0

    async def worker() -> None:
        nonlocal written
        while waiting:
            talk = waiting.pop()
            session = engine.session(shared)
            prompt = list(talk.prompt)
            for turn in talk.turns:
                ids = await session.generate(prompt, turn.length)
                written += len(ids)
                prompt += [*ids, *turn.follow]
            session.close()

    start = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(slots)))
    seconds = time.perf_counter() - start
    await engine.aclose()
    return seconds, written


@torch.inference_mode()
def with_generate(model: PreTrainedModel, talks: Sequence[Talk], turns: int) -> tuple[float, int]:
    """Seconds, and tokens written, of the first turns of a batch of conversations."""
    model.set_attn_implementation("sdpa")
    prompts = [list(talk.prompt) for talk in talks[:BATCH]]
    start = time.perf_counter()
    written = 0
    for at in range(turns):
        wide = max(map(len, prompts))
        ids = torch.tensor([[0] * (wide - len(prompt)) + prompt for prompt in prompts], device=model.device)
        steps = [talk.turns[at] for talk in talks[:BATCH]]
        out = model.generate(
            ids, attention_mask=(ids != 0).long(), max_new_tokens=max(turn.length for turn in steps), do_sample=False
        )
        for prompt, turn, row in zip(prompts, steps, out[:, wide:].tolist(), strict=True):
            prompt += [*row[: turn.length], *turn.follow]
            written += turn.length
    return time.perf_counter() - start, written


def main() -> None:
    """Print both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conversations", type=int, default=96)
    parser.add_argument("--turns", type=int, default=2, help="turns that generate does, of 3")
    parser.add_argument("--slots", type=int, default=SLOTS)
    parser.add_argument("--kv-heads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    model = tiny(options.kv_heads).to(options.device)
    rng = random.Random(1)
    shared = [rng.randrange(1, NEVER) for _ in range(930)]
    talks = conversations(max(options.conversations, BATCH), shared)
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    plain, plain_written = with_generate(model, talks, options.turns)
    print(f"generate  {plain_written:7d} tokens  {plain:6.1f} s  {plain_written / plain:7.0f} tokens/s")
    seconds, written = asyncio.run(with_engine(model, talks, shared, options.slots))
    rate = len(talks) / seconds
    print(f"engine    {written:7d} tokens  {seconds:6.1f} s  {written / seconds:7.0f} tokens/s  {rate:.2f} talks/s")
    print(f"engine / generate: {written / seconds / (plain_written / plain):.1f}")


if __name__ == "__main__":
    main()
