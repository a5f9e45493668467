"""Train the tiny model from nothing: corpus, tokenizer, pretraining, held-out evaluation, within a time budget.

`python -m samescore.trainers.pretrain.train --out DIR --budget-seconds 520 --seed 20261120`
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from transformers import Qwen3ForCausalLM, __version__ as transformers_version

from samescore.trainers.pretrain import corpus
from samescore.trainers.pretrain.architecture import CONTEXT, save_model, tiny_config
from samescore.trainers.pretrain.evaluate import evaluate
from samescore.trainers.pretrain.stream import WindowStream, sample_texts
from samescore.trainers.pretrain.tokenizer import SPECIAL_TOKENS, save_tokenizer, token_id, train_tokenizer

TOKENIZER_SEED_OFFSET = 1
"""The tokenizer's sample is drawn from another master seed than the training documents."""


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--budget-seconds", type=float, default=520, help="for everything, evaluation and saving included"
    )
    parser.add_argument("--reserve-seconds", type=float, default=75, help="kept for saving and evaluation")
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--intermediate", type=int, default=768)
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--window", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=64, help="windows a step")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=200, help="steps")
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--tokenizer-documents", type=int, default=30_000)
    parser.add_argument("--evaluation-conversations", type=int, default=500)
    parser.add_argument("--evaluation-batch", type=int, default=512)
    parser.add_argument("--no-compile", action="store_true")
    return parser.parse_args(arguments)


class Body(torch.nn.Module):
    """The decoder without its head, causal over whole windows, so that attention takes the flash kernel."""

    def __init__(self, model: Qwen3ForCausalLM) -> None:
        super().__init__()
        self.decoder = model.model

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Last hidden states, shape (batch, length, width)."""
        hidden = self.decoder.embed_tokens(ids)
        positions = torch.arange(ids.shape[1], device=ids.device)[None]
        rotary = self.decoder.rotary_emb(hidden, positions)
        for layer in self.decoder.layers:
            hidden = layer(hidden, attention_mask=None, position_ids=positions, position_embeddings=rotary)
        return self.decoder.norm(hidden)  # type: ignore[no-any-return]


def loss_of(body: Any, head: torch.Tensor, ids: np.ndarray, mask: np.ndarray, device: str) -> torch.Tensor:
    """Mean cross-entropy over the assistant's tokens; only their positions reach the vocabulary."""
    targets = np.zeros_like(mask)
    targets[:, :-1] = mask[:, 1:]
    where = np.flatnonzero(targets)
    tokens = torch.from_numpy(ids.astype(np.int64)).to(device, non_blocking=True)
    index = torch.from_numpy(where).to(device, non_blocking=True)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
        hidden = body(tokens).flatten(0, 1)[index]
        logits = F.linear(hidden, head)
    return F.cross_entropy(logits.float(), tokens.flatten()[index + 1])


def optimizer_of(model: Qwen3ForCausalLM, options: argparse.Namespace, device: str) -> torch.optim.AdamW:
    """AdamW with decay on matrices only."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": options.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=options.lr, betas=(0.9, 0.95), fused=device == "cuda")


def fit(
    model: Qwen3ForCausalLM, stream: WindowStream, options: argparse.Namespace, device: str, deadline: float
) -> dict[str, Any]:
    """Train until the deadline; the learning rate falls linearly with the time used, to zero."""
    body: Any = Body(model)
    if device == "cuda" and not options.no_compile:
        body = torch.compile(body)
    optimizer = optimizer_of(model, options, device)
    head = model.model.embed_tokens.weight
    curve: list[tuple[int, float]] = []
    recent: list[torch.Tensor] = []
    step, began, progress = 0, time.monotonic(), 0.0
    while progress < 1.0:
        ids, mask = stream.batch(options.batch)
        rate = options.lr * min(1.0, (step + 1) / options.warmup) * (1.0 - progress)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = loss_of(body, head, ids, mask, device)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        recent.append(loss.detach())
        step += 1
        if step == 1:
            # The first step compiles; the schedule runs over what is left.
            loss.item()
            began = time.monotonic()
        if step % 25 == 0:
            mean = torch.stack(recent).mean().item()
            recent.clear()
            curve.append((step, round(mean, 5)))
            if step % 250 == 0 or step == 25:
                pace = step * options.batch * options.window / (time.monotonic() - began)
                print(f"step {step} loss {mean:.4f} rate {rate:.2e} done {progress:.1%} {pace:,.0f} tok/s", flush=True)
        progress = (time.monotonic() - began) / max(1e-9, deadline - began)
    final = [loss for _, loss in curve[-20:]] or [loss.item()]
    return {
        "steps": step,
        "windows_seen": step * options.batch,
        "train_seconds": round(time.monotonic() - began, 1),
        "tokens_per_second": round(step * options.batch * options.window / (time.monotonic() - began)),
        "final_loss": round(sum(final) / len(final), 5),
        "loss_curve": curve[:: max(1, len(curve) // 100)],
    }


def main(arguments: list[str] | None = None) -> None:
    """Run the whole recipe and write weights, tokenizer and `recipe.json`."""
    start = time.monotonic()
    options = options_of(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    sample = sample_texts(options.seed + TOKENIZER_SEED_OFFSET, options.tokenizer_documents, options.workers)
    tokenizer = train_tokenizer(sample, options.vocabulary)
    save_tokenizer(tokenizer, corpus.TEMPLATE, CONTEXT, options.out)
    del sample
    print(f"tokenizer after {time.monotonic() - start:.1f} s", flush=True)
    # Worker processes are forked before the first use of CUDA, which does not survive a fork.
    stream = WindowStream(options.out / "tokenizer.json", options.seed, options.workers, options.window, 40_000)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high")
    pad, _, end = (token_id(tokenizer, token) for token in SPECIAL_TOKENS)
    config = tiny_config(options.vocabulary, options.width, options.layers, options.intermediate, pad, end)
    model = Qwen3ForCausalLM(config).to(device)
    parameters = sum(p.numel() for p in model.parameters())
    try:
        report = fit(model, stream, options, device, start + options.budget_seconds - options.reserve_seconds)
    finally:
        stream.close()
    report |= {
        "corpus_sha256_first_1000": corpus.fingerprint(options.seed, 1000),
        "tokens_generated": stream.tokens_generated,
        "windows_generated": stream.windows_generated,
        "windows_reused": stream.windows_reused,
        "packing": round(stream.tokens_generated / max(1, stream.windows_generated * options.window), 4),
    }
    save_model(model, options.out)
    write_recipe(options, report, parameters, device, start, {})
    print(f"saved after {time.monotonic() - start:.1f} s, final loss {report['final_loss']}", flush=True)
    scores, wrong = evaluate(options.out, options.evaluation_conversations, options.evaluation_batch, device)
    write_recipe(options, report, parameters, device, start, scores)
    lines = [json.dumps(turn, ensure_ascii=False) for turn in wrong[:300]]
    (options.out / "wrong.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(json.dumps(scores, indent=1), f"\ndone after {time.monotonic() - start:.1f} s", flush=True)


def write_recipe(
    options: argparse.Namespace,
    report: dict[str, Any],
    parameters: int,
    device: str,
    start: float,
    scores: dict[str, Any],
) -> None:
    """What was run and what came of it, beside the weights."""
    recipe = {
        "command": {name: value for name, value in vars(options).items() if name != "out"},
        "parameters": parameters,
        "training": report,
        "held_out": scores,
        "seconds": round(time.monotonic() - start, 1),
        "device": torch.cuda.get_device_name() if device == "cuda" else platform.processor() or "cpu",
        "versions": {
            "python": platform.python_version(), "torch": torch.__version__, "transformers": transformers_version,
            "numpy": np.__version__,
        },
    }  # fmt: skip
    (options.out / "recipe.json").write_text(json.dumps(recipe, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
