"""Does GRPO run on every backend? A few real steps of decisions and of episodes on each, and what came of them.

    python benchmarks/gpu/backends.py --out DIR
    python benchmarks/gpu/backends.py --out DIR --base 442m     # random weights in the shape of Qwen3 0.6B
    python benchmarks/gpu/backends.py --out DIR --base llama-1b --gold --set prompts=16     # the share of scoring
    python benchmarks/gpu/backends.py --out DIR --tiny          # the control flow on a CPU: Transformers alone

Each is `samescore train grpo` in a process of its own. Beside speed and rewards it is checked that every completion is
sound: its mask is 1 on what the model wrote and 0 elsewhere, log-probabilities are finite and at most 0, its prompt is
the one that the renderer begins the case with, its turns end as turns end, and the watch scored some of them again.
Exit 1 if one did not run, or something was not sound.

`scoring` is what the rewards took of a step, in which completions that are alike are scored once; `one by one` what
they take if no two are alike. A model of random weights writes nothing that takes long to score: with `--gold` it
writes as many tokens as the gold turn has, and the gold turn is put in their place.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gold_turns import Book, LedWriter
from steps import machine, run_step, write_json

from samescore.harness.policies.hf import let_threads_sleep

let_threads_sleep()

BACKENDS = ("transformers", "vllm", "unsloth")
FORMS = ("decision", "episode")
SCORING = ("scoring_seconds", "one_by_one_seconds")


def main() -> None:
    """Train on each backend, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="where adapters, logs and results go")
    parser.add_argument("--base", default="tiny", help="tiny, 442m, or the folder of a model")
    parser.add_argument("--backend", action="append", choices=BACKENDS, help="default: all")
    parser.add_argument("--shape", action="append", choices=FORMS, help="default: both")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option, as TOML writes it")
    parser.add_argument("--seconds", type=float, default=280, help="a training that takes longer is ended")
    parser.add_argument("--gold", action="store_true", help="led by gold turns")
    parser.add_argument("--tiny", action="store_true", help="two small steps on a CPU")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.train:
        train(said.train, said.gold)
        return
    out: Path = said.out.resolve()
    backends = said.backend or (BACKENDS[:1] if said.tiny else BACKENDS)
    results: dict[str, Any] = {"machine": machine(), "base": said.base, "trainings": {}}
    for backend in backends:
        for form in said.shape or FORMS:
            name = f"{backend}-{form}"
            config = out / f"{name}.toml"
            config.parent.mkdir(parents=True, exist_ok=True)
            config.write_text(toml(name, backend, form, said), encoding="utf-8")
            command = [sys.executable, __file__, "--out", str(out), "--train", str(config)]
            command += ["--gold"] if said.gold else []
            took = run_step(name, command, out, said.seconds)
            results["trainings"][name] = took | found(out / name)
            write_json(out / "backends.json", results)
    text = table(results)
    (out / "backends.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    sys.exit(0 if all(one.get("sound") for one in results["trainings"].values()) else 1)


def toml(name: str, backend: str, form: str, said: argparse.Namespace) -> str:
    """The configuration of one training."""
    small = said.tiny
    options = {
        "base": json.dumps("tiny" if said.base == "tiny" else f"hf/{base_folder(said)}"),
        "out": json.dumps(name),
        "backend": json.dumps(backend),
        "shape": json.dumps(form),
        "steps": "2" if small else str(said.steps),
        "group": "2" if small else "8",
        "prompts": "2" if small else "4",
        "batch_size": "4" if small else "16",
        # A model of random weights never ends a turn; two turns of it say as much as twelve.
        "turn_tokens": "48" if small or not (said.gold or said.base == "tiny") else "256",
        "watch": "1",
    }
    if said.base == "tiny":
        options["adapter"] = '"support-sft"'
    options |= dict(one.split("=", 1) for one in said.set)
    lines = [f"{key} = {value}" for key, value in options.items()]
    return "\n".join([*lines, "[log]", "every = 1", "[data]", 'suite = "sop"', "limit = 48", ""])


def base_folder(said: argparse.Namespace) -> Path:
    """The folder of the base, which is made if it is one of the shapes."""
    from shapes import SHAPES, make

    return make(said.base, said.out.resolve() / "models") if said.base in SHAPES else Path(said.base).resolve()


def train(config: Path, gold: bool) -> None:
    """`samescore train grpo`, with an eye on every batch of completions; led by gold turns if they are asked for."""
    from samescore.harness.cli import app
    from samescore.trainers.grpo import trainer

    folder = config.parent / config.stem
    assemble = trainer.assemble

    def watched(training: Any) -> Any:
        grpo = assemble(training)
        if gold:
            material = training.material
            book = Book(material.cases, material.worlds, training.renderer, training.dialect)
            grpo.rollouts.writer = LedWriter(grpo.rollouts.writer, book)
        grpo.rewards.listeners.append(lambda rewarded, log: note(grpo, rewarded, folder.with_suffix(".batches.jsonl")))
        return grpo

    trainer.assemble = watched
    sys.argv = ["samescore", "train", "grpo", str(config)]
    app.main()


def note(grpo: Any, rewarded: Any, file: Path) -> None:
    """Write down what a batch of completions was, and what was not sound about it."""
    noting = time.perf_counter()
    faults = [fault for rolled in grpo.rollouts.latest for fault in unsound(grpo, rolled)]
    began = time.perf_counter()
    for rolled in grpo.rollouts.latest:
        if rolled.failure is None:
            grpo.rewards.score(rolled.item.case, rolled.completion_ids, rolled.spans)
    one_by_one = time.perf_counter() - began
    line = {
        "step": rewarded.step,
        "completions": len(rewarded.keys),
        "prompts": len(set(rewarded.keys)),
        "failed": sum(scores is None for scores in rewarded.scores),
        "truncated": rewarded.truncated,
        "rollout_seconds": grpo.rollouts.seconds,
        "scoring_seconds": rewarded.seconds,
        "one_by_one_seconds": one_by_one,
        "tokens": sum(sum(rolled.mask) for rolled in grpo.rollouts.latest),
        "foreign_tokens": sum(len(rolled.mask) - sum(rolled.mask) for rolled in grpo.rollouts.latest),
        "logprobs": all(rolled.logprobs is not None for rolled in grpo.rollouts.latest),
        "success": [value for value in rewarded.values("success") if value is not None],
        "faults": sorted(set(faults)),
        "noting_seconds": time.perf_counter() - noting,
    }
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")


def unsound(grpo: Any, rolled: Any) -> list[str]:
    """What is wrong with one completion, in words."""
    if rolled.failure is not None:
        return [f"failed: {rolled.failure}"]
    renderer, case = grpo.training.renderer, grpo.prompts[rolled.item.case]
    ids, mask, spans = rolled.completion_ids, rolled.mask, rolled.spans
    written = {index for start, end in spans for index in range(start, end)}
    faults = []
    if [int(index in written) for index in range(len(ids))] != list(mask):
        faults.append("the mask is not 1 on the model's turns and 0 elsewhere")
    start = renderer.start(case.messages, case.toolset)
    if list(rolled.prompt_ids[: len(start)]) != start or (not case.prefix and len(rolled.prompt_ids) != len(start)):
        faults.append("the prompt is not the one that the case begins with")
    ends = [ids[end - 1] in renderer.ends for begin, end in spans if end > begin]
    if not all(ends[:-1]):
        faults.append("a turn that was followed by others did not end")
    if any(index in written and token in renderer.ends and index + 1 in written for index, token in enumerate(ids)):
        faults.append("a turn went on after its end")
    if rolled.logprobs is not None:
        said = [rolled.logprobs[index] for index in sorted(written)]
        if not all(math.isfinite(value) and value <= 1e-4 for value in said):
            faults.append("a log-probability is not finite, or above 0")
    return faults


def found(folder: Path) -> dict[str, Any]:
    """What a training left behind."""
    file = folder.with_suffix(".batches.jsonl")
    batches = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    result: dict[str, Any] = {"batches": batches}
    if not (folder / "samescore.json").is_file():
        return {**result, "sound": False}
    passport = json.loads((folder / "samescore.json").read_text(encoding="utf-8"))
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [line for line in log if line["event"] == "step" and "loss" in line]
    result["log"] = steps
    result["watched"] = passport["training"]["watched"]
    sound = (
        len(steps) == passport["training"]["steps"]
        and all(line["loss"] is not None and line.get("grad_norm") is not None for line in steps)
        and result["watched"] > 0
        and not any(batch["faults"] for batch in batches)
    )
    return {**result, "sound": sound}


def table(results: Mapping[str, Any]) -> str:
    """A row for each training. The first batch compiles and warms up; the figures are of those after it."""
    lines = [
        "| training | ran | seconds | completions | step s | rollout s | tokens/s | scoring s | share | one by one | "
        "success | truncated | foreign | logprobs |",
        f"| --- | --- |{' ---: |' * 11} --- |",
    ]
    for name, one in results["trainings"].items():
        later = one["batches"][1:] or one["batches"]
        faults = sorted({fault for batch in one["batches"] for fault in batch["faults"]})
        ran = "yes" if one["sound"] else one.get("error") or "; ".join(faults) or "not as it should"
        row = [name, ran, f"{one['seconds']:.0f}"]
        if later:
            seconds = statistics.mean(batch["rollout_seconds"] for batch in later)
            step = step_seconds(one["log"], later) if one.get("log") else math.nan
            scoring, alone = (statistics.mean(batch[name] for batch in later) for name in SCORING)
            success = [value for batch in one["batches"] for value in batch["success"]]
            row += [
                str(later[0]["completions"]),
                f"{step:.2f}",
                f"{seconds:.2f}",
                f"{statistics.mean(batch['tokens'] for batch in later) / seconds:,.0f}",
                f"{scoring:.3f}",
                f"{scoring / step:.2%}",
                f"{alone / step:.2%}",
                f"{statistics.mean(success):.2f}" if success else "",
                str(sum(batch["truncated"] for batch in one["batches"])),
                str(sum(batch["foreign_tokens"] for batch in one["batches"])),
                "yes" if all(batch["logprobs"] for batch in one["batches"]) else "no",
            ]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def step_seconds(log: Sequence[Mapping[str, Any]], batches: Sequence[Mapping[str, Any]]) -> float:
    """What a training step takes, forward, backward, rollouts and rewards, without what was noted here."""
    took = [line["step_time"] for line in log][-len(batches) :]
    return statistics.mean(took) - statistics.mean(batch["noting_seconds"] for batch in batches)


if __name__ == "__main__":
    main()
