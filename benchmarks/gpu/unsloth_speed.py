"""Unsloth beside plain TRL and PEFT: the same shape, data, adapter and optimizer. How much faster, how much smaller?

    python benchmarks/gpu/unsloth_speed.py --out DIR --minutes 12
    python benchmarks/gpu/unsloth_speed.py --dry                    # what would run, and the memory expected
    python benchmarks/gpu/unsloth_speed.py --out DIR --tiny         # the control flow on a CPU: TRL alone, a toy shape

Unsloth says "2x faster, 70% less memory". A table says in which cells that holds:

sft     tokens a second and peak memory of steps of 8,192 tokens, as 4 sequences of 2,048 or one of 8,192; LoRA of rank
        16 on all linear layers, on a base in bfloat16 or in 4 bits (NF4). No packing on either side.
grpo    seconds a step of 16 completions of 256 tokens after prompts of about 512, written by vLLM on both sides: TRL's
        own engine beside the model, or Unsloth's on the same weights.

Gradient checkpointing: `default` is what each side does by itself (TRL: checkpointing; Unsloth: its own, which offloads
to the machine's memory), `plain` is ordinary checkpointing on both, `off` none on either. The loss is each side's own
way to spare the logits. The first steps, in which kernels are compiled, are left out.

Every process has its time limit; what it measured before it failed counts. The most telling come first, the two sides
in turn, and none is begun that would not end within `--minutes`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shapes import SHAPES, make, parameters
from steps import machine, run_step, write_json

SIDES = ("trl", "unsloth")
LENGTHS = (2048, 8192)
STEP_TOKENS = 8192
FASTER, LESS = 2.0, 0.7
_GIB = 2**30


@dataclass(frozen=True)
class Pair:
    """What both sides do: one process each."""

    kind: str
    shape: str
    four_bit: bool = False
    checkpointing: str = "default"
    lengths: tuple[int, ...] = LENGTHS
    seconds: float = 150

    @property
    def name(self) -> str:
        """For files and tables."""
        return f"{self.kind}-{self.shape}-{'4bit' if self.four_bit else 'bf16'}-{self.checkpointing}"

    @property
    def share(self) -> float:
        """Of the GPU's memory, for vLLM."""
        return 0.35 if "8b" in self.shape else 0.2


PLAN = (
    Pair("sft", "llama-8b"),
    Pair("sft", "llama-1b"),
    Pair("sft", "llama-8b", four_bit=True),
    Pair("grpo", "llama-1b", seconds=240),
    Pair("sft", "llama-1b", four_bit=True),
    Pair("grpo", "llama-8b", seconds=300),
    Pair("sft", "llama-8b", checkpointing="plain"),
    Pair("sft", "llama-1b", checkpointing="off"),
    Pair("sft", "qwen-8b"),
    Pair("sft", "llama-8b", checkpointing="off", lengths=(2048,)),
)
TOY = (Pair("sft", "toy", lengths=(64, 128)), Pair("sft", "toy", checkpointing="off", lengths=(64,)))


def main() -> None:
    """Run what fits into the time, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="where results and logs go")
    parser.add_argument("--models", type=Path, default=Path("/tmp/samescore-shapes"), help="where models are made")
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument(
        "--only", action="append", metavar="TEXT", help="pairs with this in their name; may be repeated"
    )
    parser.add_argument("--dry", action="store_true", help="print what would run, and the memory expected")
    parser.add_argument("--tiny", action="store_true", help="TRL alone with a toy shape, on a CPU")
    parser.add_argument("--make", choices=tuple(SHAPES), help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.make:
        make(said.make, said.models)
        return
    plan = [
        pair for pair in (TOY if said.tiny else PLAN) if not said.only or any(one in pair.name for one in said.only)
    ]
    if said.dry:
        print(expected(plan))
        return
    if said.out is None:
        parser.error("--out DIR is needed")
    results = run(plan, said.out.resolve(), said.models.resolve(), SIDES[:1] if said.tiny else SIDES, said.minutes * 60)
    text = table(results)
    (said.out / "unsloth_speed.md").write_text(text + "\n", encoding="utf-8")
    print(text)


def run(plan: Sequence[Pair], out: Path, models: Path, sides: Sequence[str], seconds: float) -> dict[str, Any]:
    """Every process of the plan that fits into the time. What is known is kept after each."""
    began = time.perf_counter()
    results: dict[str, Any] = {"machine": machine() | {"unsloth": _version("unsloth")}, "pairs": []}
    for number, pair in enumerate(plan):
        found: dict[str, Any] = {**asdict(pair), "name": pair.name, "sides": {}}
        results["pairs"].append(found)
        for side in sides if number % 2 == 0 else reversed(sides):
            left = seconds - (time.perf_counter() - began)
            if left < 0.5 * pair.seconds:
                found["sides"][side] = {"error": "no time left", "cells": []}
                continue
            if not (models / pair.shape / "config.json").is_file():
                made = [sys.executable, __file__, "--models", str(models), "--make", pair.shape]
                run_step(f"make-{pair.shape}", made, out, min(left, 180))
            file = out / "cells" / f"{pair.name}-{side}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            took = run_step(f"{pair.name}-{side}", command(pair, side, models, file), out, min(left, pair.seconds))
            cells = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
            found["sides"][side] = {**took, "cells": cells}
            write_json(out / "unsloth_speed.json", results)
    write_json(out / "unsloth_speed.json", results)
    return results


def command(pair: Pair, side: str, models: Path, file: Path) -> list[str]:
    """One process."""
    cell = Path(__file__).with_name("training_cell.py")
    tokens = STEP_TOKENS if max(pair.lengths) >= LENGTHS[0] else 2 * max(pair.lengths)
    return [
        *(sys.executable, str(cell), "--side", side, "--kind", pair.kind, "--model", str(models / pair.shape)),
        *("--checkpointing", pair.checkpointing, "--share", str(pair.share), "--to", str(file)),
        *("--tokens", str(tokens), "--lengths", *map(str, pair.lengths)),
        *(["--four-bit"] if pair.four_bit else []),
    ]


def expected(plan: Sequence[Pair]) -> str:
    """What would run, and about how much memory of the GPU a step takes on TRL's side."""
    lines = [
        "| pair | at most s, each side | weights GiB | with activations and logits GiB |",
        "| --- | ---: | ---: | --- |",
    ]
    for pair in plan:
        shape = SHAPES[pair.shape]
        linear, rest = parameters(pair.shape)
        weights = (linear * (0.55 if pair.four_bit else 2) + rest * 2) / _GIB
        kept = 2 if pair.checkpointing != "off" else 34
        activations = STEP_TOKENS * shape["hidden_size"] * shape["num_hidden_layers"] * kept / _GIB
        one_layer = STEP_TOKENS * (shape["intermediate_size"] * 8 + shape["hidden_size"] * 24) / _GIB
        engine = f", beside vLLM's {pair.share:.0%} of the GPU" if pair.kind == "grpo" else ""
        total = weights + activations + one_layer
        lines.append(f"| {pair.name} | {pair.seconds:g} | {weights:.1f} | about {total:.0f}{engine} |")
    return "\n".join(
        [*lines, "", f"{2 * len(plan)} processes, at most {sum(2 * p.seconds for p in plan) / 60:.0f} minutes"]
    )


def table(results: Mapping[str, Any]) -> str:
    """A row for each cell: both speeds and their ratio, both peaks and what is saved, and whether the claim holds."""
    lines = [
        "| training | length | TRL tok/s | Unsloth tok/s | ratio | TRL GiB | Unsloth GiB | less | 2x | 70% less |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for pair in results["pairs"]:
        lengths = pair["lengths"] if pair["kind"] == "sft" else [None]
        for length in lengths:
            cells = [_cell(pair["sides"].get(side, {}), length) for side in SIDES]
            lines.append(f"| {' | '.join([pair['name'], str(length or ''), *_row(*cells)])} |")
    return "\n".join([*lines, *_failures(results)])


def _cell(side: Mapping[str, Any], length: int | None) -> Mapping[str, Any]:
    return next((cell for cell in side.get("cells", ()) if cell.get("length") == length), {})


def _row(trl: Mapping[str, Any], unsloth: Mapping[str, Any]) -> list[str]:
    speeds = [cell.get("tokens_per_second") for cell in (trl, unsloth)]
    peaks = [cell.get("peak_gib") for cell in (trl, unsloth)]
    faster = speeds[1] / speeds[0] if None not in speeds else None
    less = 1 - peaks[1] / peaks[0] if None not in peaks else None
    return [
        *("" if one is None else f"{one:,.0f}" for one in speeds),
        "" if faster is None else f"{faster:.2f}x",
        *("" if one is None else f"{one:.1f}" for one in peaks),
        "" if less is None else f"{less:.0%}",
        "" if faster is None else "yes" if faster >= FASTER else "no",
        "" if less is None else "yes" if less >= LESS else "no",
    ]


def _failures(results: Mapping[str, Any]) -> list[str]:
    found = [
        f"- {pair['name']}, {side}: {one['error']}" + (f": {one['last'][-1].strip()}" if one.get("last") else "")
        for pair in results["pairs"]
        for side, one in pair["sides"].items()
        if "error" in one
    ]
    return ["", "What did not run, or not to its end:", "", *found] if found else []


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
