"""A step of SFT on a CPU with and without the settings of `trainers/cpu_memory.py`, in processes that take turns.

    python benchmarks/cpu_training.py --steps 3 --batch 8 --rounds 3

Each process trains the embedded model for so many steps on the longest conversations of a suite. What is compared is
the time of those steps: on the clock, of the processor, and of the processor in the kernel.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

KEPT, GIVEN_BACK = "kept", "given back"


def trained(steps: int, batch: int, suite: str, kept: bool) -> dict[str, Any]:
    """Train in this process; the seconds of each step, and processor seconds of all in the program and the kernel."""
    from samescore.harness.policies.hf import let_threads_sleep

    let_threads_sleep()
    from transformers import TrainerCallback

    from samescore.trainers import sft, training as frame
    from samescore.trainers.config import SftConfig

    if not kept:
        frame.keep_freed_memory = lambda: False
    edges: list[tuple[float, resource.struct_rusage]] = []

    class Timing(TrainerCallback):  # type: ignore[misc]  # Transformers has no types
        def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if not edges:
                self.on_step_end(args, state, control)

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            edges.append((time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sft.toml"
        path.write_text(f'out = "adapter"\nbatch_size = {batch}\nepochs = 1\n[data]\nsuite = "{suite}"\nlimit = 64\n')
        training = frame.prepare("sft", path, SftConfig, frame.Options(no_targets=True))
        samples = sorted(sft.data_of(training).samples, key=lambda sample: -len(sample.example.ids))[: steps * batch]
        trainer = sft.trainer_of(training, samples)
        trainer.add_callback(Timing())
        trainer.train()
    first, last = edges[0][1], edges[-1][1]
    return {
        "tokens": sum(len(sample.example.ids) for sample in samples),
        "steps": [after[0] - before[0] for before, after in pairwise(edges)],
        "program": last.ru_utime - first.ru_utime,
        "kernel": last.ru_stime - first.ru_stime,
        "faults": last.ru_minflt - first.ru_minflt,
        "peak": last.ru_maxrss * 1024,
    }


def main() -> None:
    """Print a line for each process, and the medians with their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--suite", default="sop/refund")
    parser.add_argument("--as", dest="only", choices=[KEPT, GIVEN_BACK], help="train in this process, and print JSON")
    options = parser.parse_args()
    if options.only is not None:
        print(json.dumps(trained(options.steps, options.batch, options.suite, options.only == KEPT)))
        return
    found: dict[str, list[dict[str, float]]] = {KEPT: [], GIVEN_BACK: []}
    for number in range(options.rounds):
        for way in (GIVEN_BACK, KEPT) if number % 2 == 0 else (KEPT, GIVEN_BACK):
            command = [sys.executable, __file__, "--as", way, "--steps", str(options.steps)]
            command += ["--batch", str(options.batch), "--suite", options.suite]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            told = json.loads(done.stdout.splitlines()[-1])
            clock, processor = sum(told["steps"]), told["program"] + told["kernel"]
            found[way].append({"clock": clock, "processor": processor, "kernel": told["kernel"]})
            each = " ".join(f"{step:.1f}" for step in told["steps"])
            print(
                f"memory {way:<10}  {clock:6.1f} s ({each})  processor {processor:.1f} s, of it kernel "
                f"{told['kernel']:.1f} s, {told['faults']:,} page faults  peak {told['peak'] / 2**30:.1f} GiB  "
                f"{told['tokens']:,} tokens",
                flush=True,
            )
    for name in ("clock", "processor", "kernel"):
        kept, given_back = (statistics.median(one[name] for one in found[way]) for way in (KEPT, GIVEN_BACK))
        print(f"{name:<9}  {kept:6.1f} s instead of {given_back:6.1f} s, {kept / given_back:.2f} of it")


if __name__ == "__main__":
    main()
