"""The story of one adapter, on one GPU: base, SFT, GRPO on decisions, GRPO on episodes; and one that went wrong.

    python benchmarks/gpu/story.py search --out DIR     candidates side by side, each scored on `dev`
    python benchmarks/gpu/story.py final --out DIR      the committed configurations, each scored once on `eval`

`search` is how the committed configurations (`fixtures/models/tiny/*.toml`) were chosen: by `success` on `dev` alone.
`final` trains them again and prints, for each stage, `success` with its interval and the paired difference from the
stage before, with its 95% interval (Tango 1998, corrected for branches). Several small models share a GPU well, so
stages that do not depend on each other run side by side. A stage whose adapter is there already is scored only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TINY = Path(__file__).resolve().parents[2] / "fixtures" / "models" / "tiny"
APART = 30
"""Seconds between the starts of two trainings."""
SAMESCORE = [sys.executable, "-m", "samescore.harness.cli.app"]


@dataclass(frozen=True)
class Stage:
    """One training: its kind, its configuration, and what is changed in it. It goes on from the stage `after`."""

    name: str
    kind: str
    config: str
    after: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


FINAL = (
    Stage("early-sft", "sft", "early-sft.toml"),
    Stage("support-grpo", "grpo", "support-grpo.toml", "early-sft"),
    Stage("episode-grpo", "grpo", "episode-grpo.toml", "early-sft"),
    Stage("regressed", "sft", "regressed.toml"),
)
STARTS: tuple[tuple[str, float], ...] = (("half", 0.5), ("whole", 1.0))
"""Epochs of supervised fine-tuning before GRPO: the less a model was shown, the more it has left to find out."""
# At 1e-4, a 25th of what it was fine-tuned with, a hundred steps hardly moved this model; and at temperature 0.7 two of
# three groups of decisions had no variance. Single decisions are right in 78 of 100, whole conversations in 33: it is
# conversations that have something to gain.
CANDIDATES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("episode", "episode-grpo.toml", {"learning_rate": 5e-4, "temperature": 1.0, "steps": 140}),
    ("episode-fast", "episode-grpo.toml", {"learning_rate": 1e-3, "temperature": 1.0, "steps": 140}),
    ("episode-cool", "episode-grpo.toml", {"learning_rate": 1e-3, "temperature": 0.7, "steps": 140}),
    ("decision", "support-grpo.toml", {"learning_rate": 5e-4, "temperature": 1.0, "steps": 140}),
)
SEARCH = tuple(
    stage
    for start, epochs in STARTS
    for stage in (
        Stage(f"sft-{start}", "sft", "early-sft.toml", changes={"epochs": epochs}),
        *(Stage(f"{name}-{start}", "grpo", file, f"sft-{start}", changes) for name, file, changes in CANDIDATES),
    )
)


def main() -> None:
    """Run all stages, those that can be at the same time, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("search", "final"))
    parser.add_argument("--out", type=Path, required=True, help="where configurations, adapters, runs and logs go")
    parser.add_argument("--only", action="append", help="these stages only; may be repeated")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="an option of every stage")
    parser.add_argument("--limit", type=int, help="evaluate so many cases only")
    parser.add_argument("--seconds", type=int, default=1500, help="a training or evaluation that takes longer is ended")
    parser.add_argument("--gpus", type=int, default=1, help="stages take turns on so many")
    parser.add_argument("--jobs", type=int, default=8, help="so many at a time")
    options = parser.parse_args()
    stages = FINAL if options.what == "final" else SEARCH
    if options.only:
        stages = tuple(stage for stage in stages if stage.name in options.only)
    everywhere = {name: json.loads(value) for name, _, value in (one.partition("=") for one in options.set)}
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    split = "eval" if options.what == "final" else "dev"
    gpus = (os.environ.get("CUDA_VISIBLE_DEVICES") or "0,1,2,3,4,5,6,7").split(",")[: options.gpus]
    found = Story(out, split, options.limit, options.seconds, everywhere, gpus).tell(stages, options.jobs)
    (out / "story.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = table(found, stages)
    (out / "story.md").write_text(text + "\n", encoding="utf-8")
    print(text)


class Story:
    """Stages in the order of what they are trained on, each trained and then scored."""

    def __init__(
        self,
        out: Path,
        split: str,
        limit: int | None,
        seconds: int,
        everywhere: Mapping[str, Any],
        gpus: Sequence[str],
    ) -> None:
        self.out = out
        self.split = split
        self.limit = limit
        self.seconds = seconds
        self.everywhere = everywhere
        self.gpus = gpus
        self._done: dict[str, threading.Event] = {}
        self._starting = {gpu: threading.Lock() for gpu in gpus}

    def tell(self, stages: Sequence[Stage], jobs: int) -> dict[str, Any]:
        """Everything that is known of each stage, the base first."""
        self._done = {stage.name: threading.Event() for stage in stages}
        self._gpu = {stage.name: self.gpus[number % len(self.gpus)] for number, stage in enumerate(stages)}
        with ThreadPoolExecutor(jobs + len(stages)) as pool:
            running: dict[str, Future[dict[str, Any]]] = {"base": pool.submit(self._score, "base", None)}
            running |= {stage.name: pool.submit(self._stage, stage) for stage in stages}
            return {name: future.result() for name, future in running.items()}

    def _stage(self, stage: Stage) -> dict[str, Any]:
        folder = self.out / stage.name
        trained: dict[str, Any] = {}
        try:
            if stage.after in self._done:
                self._done[stage.after].wait()
            if not (folder / "samescore.json").is_file():
                trained = self._train(stage, folder)
        finally:
            self._done[stage.name].set()
        if "error" in trained:
            return trained
        passport = json.loads((folder / "samescore.json").read_text(encoding="utf-8"))
        return {**trained, "training": passport.get("training"), **self._score(stage.name, folder)}

    def _train(self, stage: Stage, folder: Path) -> dict[str, Any]:
        settings = tomllib.loads((TINY / stage.config).read_text(encoding="utf-8"))
        settings |= {"out": str(folder), **self.everywhere, **stage.changes}
        if stage.after is not None:
            settings["adapter"] = str(self.out / stage.after)
        path = self.out / f"{stage.name}.toml"
        path.write_text(toml(settings), encoding="utf-8")
        with self._starting[
            self._gpu[stage.name]
        ]:  # vLLM measures what memory is free when it starts: two at a time count each other's
            time.sleep(APART)
        took = self._command([*SAMESCORE, "train", stage.kind, str(path)], stage.name, "train")
        return took if "error" in took else {"train_seconds": took["seconds"]}

    def _score(self, name: str, adapter: Path | None) -> dict[str, Any]:
        run = self.out / "runs" / name
        command = [*SAMESCORE, "eval", "sop", "--split", self.split, "--model", "tiny", "--out", str(run), "--json"]
        command += [] if adapter is None else ["--adapter", str(adapter)]
        command += [] if self.limit is None else ["--limit", str(self.limit)]
        if (run / "run.json").is_file():  # it was begun, or is done
            command = [*SAMESCORE, "eval", "--resume", str(run), "--json"]
        took = self._command(command, name, "eval")
        if "error" in took:
            return took
        text = (self.out / f"{name}.eval.log").read_text(encoding="utf-8")
        line = next(line for line in reversed(text.splitlines()) if line.startswith("{"))
        return {"eval_seconds": took["seconds"], "metrics": json.loads(line)["metrics"], "run": str(run)}

    def _command(self, command: Sequence[str], name: str, what: str) -> dict[str, Any]:
        log = f"{name}.{what}.log"
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": self._gpu.get(name, self.gpus[-1])}
        began = time.perf_counter()
        with (self.out / log).open("w", encoding="utf-8") as file:
            try:
                done = subprocess.run(
                    command, stdout=file, stderr=subprocess.STDOUT, timeout=self.seconds, check=False, env=environment
                )
            except subprocess.TimeoutExpired:
                return {"error": f"longer than {self.seconds} s", "log": log}
        if done.returncode:
            return {"error": f"exit {done.returncode}", "log": log, "last": last_lines(self.out / log)}
        return {"seconds": round(time.perf_counter() - began, 1)}


def last_lines(path: Path) -> str:
    """The end of a log."""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])


def toml(settings: Mapping[str, Any]) -> str:
    """A configuration as TOML: strings, numbers, lists as JSON writes them; tables last."""
    plain = [f"{name} = {json.dumps(value)}" for name, value in settings.items() if not isinstance(value, dict)]
    tables = [
        "\n".join([f"\n[{name}]", *(f"{key} = {json.dumps(one)}" for key, one in value.items())])
        for name, value in settings.items()
        if isinstance(value, dict)
    ]
    return "\n".join([*plain, *tables]) + "\n"


def table(found: Mapping[str, Any], stages: Sequence[Stage]) -> str:
    """A row for each stage: `success`, its interval, and the paired difference from the stage it was trained on."""
    lines = [
        "| stage | trained on | steps | seconds | success | 95% interval | difference | 95% interval | fixed, broken |"
    ]
    lines.append("| --- | --- | ---: | ---: | ---: | --- | ---: | --- | --- |")
    after = {stage.name: stage.after or "base" for stage in stages}
    for name, one in found.items():
        if "error" in one:
            lines.append(f"| {name} | {one['error']}: {one.get('log')} |")
            continue
        success = one["metrics"]["success"]
        steps = (one.get("training") or {}).get("steps", "")
        row = [name, after.get(name, ""), str(steps), str(one.get("train_seconds", "")), f"{success['value']:.3f}"]
        row.append(f"[{success['low']:.3f}, {success['high']:.3f}]")
        before = found.get(after.get(name, ""), {})
        row += difference(before["run"], one["run"]) if "run" in before else ["", "", ""]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def difference(before: str, after: str) -> list[str]:
    """The paired difference of two runs of the same cases, its interval, and how many cases moved."""
    from samescore.harness.run import Run
    from samescore.harness.stats.paired import paired_difference

    clusters = {case.id: case.group for case in Run.open(Path(before)).plan.cases}
    then, now = successes(before), successes(after)
    cases = sorted(then.keys() & now.keys())
    drop = paired_difference([then[id] for id in cases], [now[id] for id in cases], [clusters[id] for id in cases])
    fixed = sum(now[id] > then[id] for id in cases)
    broken = sum(now[id] < then[id] for id in cases)
    return [f"{-drop.value:+.3f}", f"[{-drop.high:+.3f}, {-drop.low:+.3f}]", f"{fixed}, {broken}"]


def successes(run: str) -> dict[str, float]:
    """`success` of each case of a run of one epoch."""
    rows = json.loads((Path(run) / "scores.json").read_text(encoding="utf-8"))["rows"]
    return {row["case"]: row["scores"]["success"] for row in rows}


if __name__ == "__main__":
    main()
