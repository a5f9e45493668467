"""Scores of the embedded models on every procedure, written beside them as `scores.json`.

    python benchmarks/model_scores.py

Runs `samescore eval sop` three times, the base on `eval`, its adapter on `dev` and `eval`: eight minutes on two cores.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from samescore.harness.policies import tiny_path

ADAPTER = "support-sft"
MACHINE = "2 CPU cores, float32"


def main() -> None:
    """Evaluate, write, and print `success`."""
    # The folders of the repository, not of an installed wheel.
    tiny = Path(__file__).resolve().parent.parent / "fixtures" / "models" / "tiny"
    assert (tiny / "config.json").read_bytes() == (tiny_path() / "config.json").read_bytes(), "install this checkout"
    base = {"model": "tiny", "command": "samescore eval sop --model tiny"}
    _write(tiny / "scores.json", base, {"eval": _scores("eval")})
    adapter = {"adapter": ADAPTER, "command": f"samescore eval sop --model tiny --adapter {ADAPTER} [--split dev]"}
    splits = {split: _scores(split, "--adapter", ADAPTER) for split in ("dev", "eval")}
    _write(tiny / "adapters" / ADAPTER / "scores.json", adapter, splits)


def _scores(split: str, *options: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "samescore.harness.cli.app",
            "eval",
            "sop",
            "--model",
            "tiny",
            "--split",
            split,
        ]
        command += [*options, "--json", "--out", f"{folder}/run"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    kept = ("value", "low", "high", "n")
    metrics = {
        name: {part: round(metric[part], 4) if part != "n" else metric[part] for part in kept}
        for name, metric in found["metrics"].items()
    }
    success = metrics["success"]
    print(f"{split} {' '.join(options)}: success {success['value']} [{success['low']}, {success['high']}]", flush=True)
    return {"cases": found["cases"], "metrics": metrics}


def _write(path: Path, head: dict[str, Any], splits: dict[str, Any]) -> None:
    path.write_text(json.dumps(head | {"machine": MACHINE, "splits": splits}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
