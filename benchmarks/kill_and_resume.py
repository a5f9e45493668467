"""A run that is killed again and again, and resumed each time, beside one that never was: is the evidence the same?

    python benchmarks/kill_and_resume.py --model tiny --adapter support-sft --limit 60 --kills 10

Each kill is a SIGKILL at a random moment after the run has written something new. The records, sorted and without
times, must be equal.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from samescore.harness.records import VOLATILE

CLI = [sys.executable, "-m", "samescore.harness.cli.app", "eval"]


def records(run: Path) -> list[str]:
    """The evidence of a run, sorted and without what differs from run to run."""
    lines = (run / "evidence.jsonl").read_text(encoding="utf-8").splitlines()
    kept = []
    for line in lines:
        record = json.loads(line)
        kept.append(json.dumps({key: value for key, value in record.items() if key not in {*VOLATILE, "sum"}}))
    return sorted(kept)


def size(run: Path) -> int:
    """Bytes of evidence so far."""
    file = run / "evidence.jsonl"
    return file.stat().st_size if file.exists() else 0


def main() -> None:
    """Print what was compared; exit 1 if the runs differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="sop")
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--adapter")
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--patience", type=float, default=3.0, help="longest wait before a kill, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    plan = ["--suite", options.suite, "--model", options.model, "--limit", str(options.limit), "--show", "0"]
    if options.adapter is not None:
        plan += ["--adapter", options.adapter]
    with tempfile.TemporaryDirectory() as folder:
        whole, broken = Path(folder) / "whole", Path(folder) / "broken"
        subprocess.run([*CLI, *plan, "--out", str(whole)], check=True, capture_output=True)
        kills = 0
        command = [*CLI, *plan, "--out", str(broken)]
        while kills < options.kills:
            before = size(broken)
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and size(broken) == before:
                time.sleep(0.05)
            time.sleep(draw.uniform(0, options.patience))
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            command = [*CLI, "--resume", str(broken)]
        subprocess.run([*CLI, "--resume", str(broken)], check=True, capture_output=True)
        one, other = records(whole), records(broken)
        same = sum(left == right for left, right in zip(one, other, strict=False))
        print(f"{options.model}, {options.limit} cases, killed {kills} times: {same} of {len(one)} records equal")
        sys.exit(one != other)


if __name__ == "__main__":
    main()
