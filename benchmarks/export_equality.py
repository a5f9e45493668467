"""Does an exported model evaluate as base and adapter do? The embedded adapter, merged in each number format.

    python benchmarks/export_equality.py [--limit 60]

Evaluates cases of `eval` with `tiny` and its adapter, then with each merged model, all computing in float32 on the CPU,
and prints how many cases were written or scored otherwise. Four minutes for 60 cases on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samescore.harness.api import evaluate_suite, load_suite
from samescore.harness.policies import tiny_adapter, tiny_path
from samescore.harness.policies.hf import HfPolicy
from samescore.trainers.export import Order, export

ADAPTER = "support-sft"
DTYPES = ("float32", "bfloat16", "float16")


def main() -> None:
    """Export, evaluate, compare, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--limit", type=int, default=60)
    limit: int = parser.parse_args().limit
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        apart = had(place / "apart", limit, tiny_path(), tiny_adapter(ADAPTER))
        print(f"base and adapter: {right(apart)} of {len(apart)} cases right", flush=True)
        for dtype in DTYPES:
            export(Order(ADAPTER, place / dtype, "merged", dtype=dtype))
            merged = had(place / f"run-{dtype}", limit, place / dtype)
            written = sum(merged[case][0] != apart[case][0] for case in apart)
            scored = sum(merged[case][1] != apart[case][1] for case in apart)
            print(
                f"merged in {dtype}: {right(merged)} right; written otherwise: {written}, scored otherwise: {scored}",
                flush=True,
            )


def had(out: Path, limit: int, model: Path, adapter: str | None = None) -> dict[str, tuple[Any, Mapping[str, float]]]:
    """Per case the token ids of its turns, and its scores."""
    policy = HfPolicy.load(str(model), adapter=adapter, device="cpu")
    results = evaluate_suite(load_suite("sop"), policy, out, limit=limit, concurrency=64).results
    return {
        one.record.case: (
            [turn.token_ids for turn in one.record.turns],
            {name: score.value for name, score in (one.scores or {}).items()},
        )
        for one in results
    }


def right(found: Mapping[str, tuple[Any, Mapping[str, float]]]) -> int:
    """How many cases have success 1."""
    return sum(scores.get("success") == 1.0 for _, scores in found.values())


if __name__ == "__main__":
    main()
