"""What `samescore eval` costs on top of vLLM, and what several adapters on one engine save.

    python benchmarks/gpu/vllm_eval.py --out DIR --shape 442m
    python benchmarks/gpu/vllm_eval.py --out DIR --shape tiny --part adapters
    python benchmarks/gpu/vllm_eval.py --out DIR --tiny      # the control flow on a CPU, Transformers in vLLM's place

throughput  An evaluation through `vllm/PATH`, conversations, worlds, scores and evidence included, against raw
            `LLM.generate` of the same engine on the prompts that it asked, each for as many tokens as it got there:
            turn by turn (all first turns in one call, then all second ones) and all in one call. Tokens a second.
adapters    `samescore eval --adapter A --adapter B ...` against a command for each adapter. Seconds, loading included.

`--shape tiny` is the embedded model with its adapter, which writes real turns. The other shapes have random weights and
the embedded model's tokenizer and template. They are led by gold turns: the model writes as many tokens as the gold
turn has, and the gold turn is put in their place.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gold_turns import Book, Led
from steps import machine, run_step, write_json

from samescore.harness.policies.hf import let_threads_sleep

let_threads_sleep()

from samescore.harness.case import Case  # noqa: E402
from samescore.harness.cli.loading import cases_of, load_suites, worlds_of  # noqa: E402
from samescore.harness.evaluate import evaluate_sync  # noqa: E402
from samescore.harness.plan import Plan  # noqa: E402
from samescore.harness.policies import tiny_path  # noqa: E402
from samescore.harness.policies.local import LocalConversation  # noqa: E402
from samescore.harness.policy import Sampling  # noqa: E402
from samescore.harness.renderer import Transcript  # noqa: E402
from samescore.harness.rollout import DEFAULT_LIMITS  # noqa: E402
from samescore.harness.run import Run  # noqa: E402

ADAPTER = tiny_path() / "adapters" / "support-sft"
TARGET = 0.9
_COMMON = {"num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "num_hidden_layers": 28}
SHAPES: Mapping[str, Mapping[str, int] | None] = {
    "tiny": None,
    "442m": {**_COMMON, "hidden_size": 1024, "intermediate_size": 3072},
    "1b": {**_COMMON, "hidden_size": 2048, "intermediate_size": 6144},
    "4b": {
        **_COMMON,
        "num_attention_heads": 32,
        "num_hidden_layers": 36,
        "hidden_size": 2560,
        "intermediate_size": 9728,
    },
}
"""Of Qwen3; the larger ones are the shapes of its 0.6B, 1.7B and 4B models, with a vocabulary of 4,096."""


def main() -> None:
    """Run the parts, each step in a process of its own, and keep what is known after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="where models, runs, logs and results go")
    parser.add_argument("--shape", choices=tuple(SHAPES), default="442m")
    parser.add_argument("--part", choices=("throughput", "adapters", "all"), default="all")
    parser.add_argument("--epochs", type=int, default=4, help="of the evaluation that is timed")
    parser.add_argument("--rounds", type=int, default=2, help="each way is timed so often")
    parser.add_argument("--concurrency", type=int, default=1024)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--limit", type=int, help="so many cases only (adapters: 64 unless said)")
    parser.add_argument("--adapters", type=int, default=8)
    parser.add_argument("--alone", type=int, help="so many of them are run alone, and the rest taken to last as long")
    parser.add_argument("--seconds", type=float, default=540, help="a step that takes longer is ended")
    parser.add_argument("--tiny", action="store_true", help="a few cases of the tiny model on a CPU, without vLLM")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.tiny:
        said.shape, said.epochs, said.rounds, said.concurrency = "tiny", 1, 1, 8
        said.limit, said.adapters = said.limit or 4, 2
    said.out = said.out.resolve()
    said.out.mkdir(parents=True, exist_ok=True)
    if said.measure:
        write_json(said.out / "throughput.json", throughput(said))
        return
    path = said.out / f"vllm_eval.{said.shape}.json"
    results: dict[str, Any] = {"machine": machine(), "shape": said.shape}
    model_folder(said.out, said.shape)
    if said.part != "adapters":
        results["throughput"] = throughput_step(said)
        write_json(path, results)
    if said.part != "throughput":
        results["adapters"] = adapters_step(said)
        write_json(path, results)
    text = table(results)
    path.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
    print(f"\n{text}")
    sys.exit(1 if any("error" in part for part in results.values() if isinstance(part, dict)) else 0)


# Models.


def model_folder(out: Path, shape: str) -> Path:
    """The folder of a model of that shape, made if it is not there."""
    changes = SHAPES[shape]
    if changes is None:
        return tiny_path()
    folder = out / "models" / shape
    if (folder / "config.json").is_file():
        return folder
    import torch
    from transformers import AutoConfig, Qwen3ForCausalLM

    print(f"model of shape {shape} with random weights: {folder}", flush=True)
    config = AutoConfig.from_pretrained(tiny_path())
    config.update({**changes, "max_position_embeddings": 8192, "layer_types": None})
    config.layer_types = ["full_attention"] * config.num_hidden_layers
    config.max_window_layers = config.num_hidden_layers
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        model = Qwen3ForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    making = folder.with_name(f"{shape}.making")
    model.save_pretrained(making)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(tiny_path() / name, making / name)
    making.rename(folder)
    return folder


def make_adapters(base: Path, out: Path, count: int) -> list[Path]:
    """Adapters of a base that differ: the embedded one's weights changed a little, or random ones of rank 16."""
    import torch
    from safetensors.torch import load_file, save_file

    folders = []
    for number in range(1, count + 1):
        folder = out / "adapters" / f"{base.name}-{number}"
        folders.append(folder)
        if (folder / "adapter_model.safetensors").is_file():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(number)
        if base == tiny_path():
            weights = load_file(ADAPTER / "adapter_model.safetensors")
            weights = {name: one * (1 + 0.02 * torch.randn_like(one)) for name, one in weights.items()}
            settings = json.loads((ADAPTER / "adapter_config.json").read_text(encoding="utf-8"))
        else:
            weights, settings = random_adapter(base)
        (folder / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
        save_file({name: one.contiguous() for name, one in weights.items()}, folder / "adapter_model.safetensors")
    return folders


def random_adapter(base: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """An update of rank 16 of all linear layers but the head, as PEFT saves it."""
    import peft
    import torch

    from samescore.harness.policies.model_files import outline

    config = peft.LoraConfig(r=16, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    with torch.device("meta"):
        names = peft.get_peft_model_state_dict(peft.get_peft_model(outline(base), config))
    weights = {name: torch.randn(one.shape).to(torch.bfloat16) * 0.01 for name, one in names.items()}
    settings = config.to_dict() | {
        "target_modules": sorted({name.split(".lora_")[0].rsplit(".", 1)[1] for name in names})
    }
    return weights, {
        name: value for name, value in settings.items() if value is None or isinstance(value, str | int | float | list)
    }


# Throughput.


@dataclass(frozen=True, slots=True)
class Asked:
    """One turn that the engine wrote: its prompt, how it was sampled, how many tokens came, and which turn it was."""

    prompt: tuple[int, ...]
    temperature: float
    seed: int
    tokens: int
    turn: int


class Counting:
    """A session that keeps what was asked of the engine."""

    def __init__(self, inner: Any, log: list[Asked]) -> None:
        self.inner = inner
        self._log = log
        self._turn = 0

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        """As `inner`."""
        ids: tuple[int, ...] = await self.inner.generate(prompt, limit, temperature, seed)
        self._log.append(Asked(tuple(prompt), temperature, seed, len(ids), self._turn))
        self._turn += 1
        return ids

    def close(self) -> None:
        """As `inner`."""
        self.inner.close()


class CountingPolicy:
    """A local policy whose turns are kept in `log`; led by gold turns where there is a book of them."""

    def __init__(self, policy: Any, book: Book | None) -> None:
        self.name, self.dialect = policy.name, policy.dialect
        self.log: list[Asked] = []
        self._policy = policy
        self._book = book

    def describe(self) -> Mapping[str, Any]:
        """As the policy."""
        about: Mapping[str, Any] = self._policy.describe()
        return about

    def converse(self, case: Case, sampling: Sampling) -> LocalConversation:
        """As the policy."""
        session: Any = Counting(self._policy.converse(case, sampling)._session, self.log)
        session = session if self._book is None else Led(session, self._book)
        transcript = Transcript(self._policy.renderer, case.messages, case.toolset)
        return LocalConversation(transcript, session, sampling, self._policy.engine.context)

    async def aclose(self) -> None:
        """As the policy."""
        await self._policy.aclose()


def throughput(said: argparse.Namespace) -> dict[str, Any]:
    """Tokens a second by each way, of every round."""
    folder = model_folder(said.out, said.shape)
    raw = RawHf(folder) if said.tiny else RawVllm(folder, ADAPTER if said.shape == "tiny" else None)
    suites = load_suites(["sop"], "eval", None)
    worlds = worlds_of(suites)
    book = None
    if said.shape != "tiny":
        book = Book(cases_of(suites), worlds, raw.policy.renderer, raw.policy.dialect)
        kept = {case.id for case in book.cases}
        suites = [replace(suite, cases=tuple(case for case in suite.cases if case.id in kept)) for suite in suites]  # type: ignore[type-var]
    limits = replace(DEFAULT_LIMITS, turn_tokens=64) if said.tiny else DEFAULT_LIMITS
    policy = CountingPolicy(raw.policy, book)

    def evaluated(name: str, epochs: int, limit: int | None) -> tuple[float, float]:
        plan = Plan.make(suites, epochs=epochs, seed=0, temperature=said.temperature, limits=limits, limit=limit)
        run = Run.create(
            said.out / "runs" / f"{said.shape}-{time.time_ns()}-{name}", plan, policy, worlds, suites=suites
        )
        policy.log.clear()
        raw.forget()
        began, cpu = time.perf_counter(), time.process_time()
        done = evaluate_sync(suites, policy, worlds, plan, run, concurrency=said.concurrency)
        took = time.perf_counter() - began, time.process_time() - cpu
        if done.errors:
            sys.exit(f"{len(done.errors)} rollouts failed, the first: {done.errors[0].error}")
        return took

    evaluated("warm", 1, min(64, said.limit or 64))
    raw.write(policy.log[:64])
    rounds = []
    for number in range(said.rounds):
        seconds, cpu = evaluated(str(number), said.epochs, said.limit)
        asked = list(policy.log)
        tokens = sum(one.tokens for one in asked)
        ways = {"eval": (tokens, seconds), "by_turn": raw.by_turn(asked), "at_once": raw.at_once(asked)}
        rounds.append(
            {name: round(count / took, 1) for name, (count, took) in ways.items()}
            | {
                "tokens": tokens,
                "turns": len(asked),
                "eval_seconds": round(seconds, 2),
                "cpu_share": round(cpu / seconds, 3),
            }
        )
        print(rounds[-1], flush=True)
    raw.close()
    median = {name: statistics.median(one[name] for one in rounds) for name in ("eval", "by_turn", "at_once")}
    return {
        "model": raw.policy.describe()["model"],
        "backend": raw.policy.describe()["backend"],
        "prompt_tokens": round(statistics.mean(len(one.prompt) for one in asked)),
        "concurrency": said.concurrency,
        "temperature": said.temperature,
        "led_by_gold_turns": book is not None,
        "rounds": rounds,
        "tokens_a_second": median,
        "ratio_by_turn": round(median["eval"] / median["by_turn"], 3),
        "ratio_at_once": round(median["eval"] / median["at_once"], 3),
    }


class RawVllm:
    """The policy `vllm/PATH`, and `LLM.generate` of its engine."""

    def __init__(self, folder: Path, adapter: Path | None) -> None:
        from samescore.harness.policies.vllm import VllmPolicy

        self.policy = VllmPolicy.load(str(folder), None if adapter is None else str(adapter))
        self._llm = self.policy.engine.llm
        self._adapter = adapter

    def forget(self) -> None:
        """Empty the cache of prefixes: nobody shall read what another one has read."""
        if not self._llm.reset_prefix_cache():
            sys.exit("vLLM did not empty its prefix cache: a request is still under way.")

    def write(self, asked: Sequence[Asked]) -> int:
        """Have everything written by one call; returns how many tokens came."""
        from vllm import SamplingParams
        from vllm.lora.request import LoRARequest

        params = [
            SamplingParams(
                temperature=one.temperature,
                seed=one.seed if one.temperature > 0 else None,
                max_tokens=one.tokens,
                ignore_eos=True,
                detokenize=False,
            )
            for one in asked
        ]
        prompts = [{"prompt_token_ids": list(one.prompt)} for one in asked]
        lora = None if self._adapter is None else LoRARequest(str(self._adapter), 1, str(self._adapter.resolve()))
        outputs = self._llm.generate(prompts, params, use_tqdm=False, lora_request=lora)
        return sum(len(output.outputs[0].token_ids) for output in outputs)

    def by_turn(self, asked: Sequence[Asked]) -> tuple[int, float]:
        """A call for all first turns, then one for all second ones, ...: tokens and seconds."""
        self.forget()
        turns = [[one for one in asked if one.turn == turn] for turn in range(1 + max(one.turn for one in asked))]
        began = time.perf_counter()
        return sum(self.write(turn) for turn in turns), time.perf_counter() - began

    def at_once(self, asked: Sequence[Asked]) -> tuple[int, float]:
        """One call for everything: tokens and seconds."""
        self.forget()
        began = time.perf_counter()
        return self.write(asked), time.perf_counter() - began

    def close(self) -> None:
        """Give the GPU back."""
        asyncio.run(self.policy.aclose())


class RawHf(RawVllm):
    """The same over the engine of Transformers, to try the control flow without a GPU."""

    def __init__(self, folder: Path) -> None:
        from samescore.harness.policies.hf import HfPolicy

        self.policy: Any = HfPolicy.load(str(folder), str(ADAPTER), device="cpu")

    def forget(self) -> None:
        """Every session reads for itself."""

    def write(self, asked: Sequence[Asked]) -> int:
        """All turns at once, each in a session of its own."""

        async def one_of(one: Asked) -> int:
            session = self.policy.engine.session()
            ids = await session.generate(one.prompt, one.tokens, one.temperature, one.seed)
            session.close()
            return len(ids)

        async def everything() -> int:
            return sum(await asyncio.gather(*map(one_of, asked)))

        return asyncio.run(everything())


def throughput_step(said: argparse.Namespace) -> dict[str, Any]:
    """The measurement, in a process of its own."""
    (said.out / "throughput.json").unlink(missing_ok=True)
    names = ("shape", "epochs", "rounds", "concurrency", "temperature")
    options = [part for name in names for part in (f"--{name}", str(getattr(said, name)))]
    options += [] if said.limit is None else ["--limit", str(said.limit)]
    options += ["--tiny"] if said.tiny else []
    command = [sys.executable, __file__, "--out", str(said.out), "--measure", *options]
    took = run_step(f"throughput-{said.shape}", command, said.out, said.seconds)
    if "error" in took:
        return took
    found: dict[str, Any] = json.loads((said.out / "throughput.json").read_text(encoding="utf-8"))
    return found | took


# Adapters.


def adapters_step(said: argparse.Namespace) -> dict[str, Any]:
    """All adapters by one command, then each by one of its own, after a command that warms what vLLM compiles."""
    base = model_folder(said.out, said.shape)
    adapters = make_adapters(base, said.out, said.adapters)
    model = "tiny" if said.tiny else f"vllm/{base}"
    runs = said.out / "runs" / f"adapters-{time.time_ns()}"
    limit = said.limit or 64

    def command(chosen: Sequence[Path], cases: int, name: str) -> list[str]:
        told = [part for adapter in chosen for part in ("--adapter", str(adapter))]
        options = ["--limit", str(cases), "--max-tokens", "64" if said.tiny else "128", "--json"]
        start = [sys.executable, "-m", "samescore.harness.cli.app", "eval", "sop", "--model", model]
        return [*start, *told, *options, "--out", str(runs / name)]

    found: dict[str, Any] = {"adapters": len(adapters), "cases": limit, "model": model}
    found["warm"] = run_step("adapters-warm", command(adapters[:1], 1, "warm"), said.out, said.seconds)
    found["together"] = run_step("adapters-together", command(adapters, limit, "together"), said.out, said.seconds)
    alone = []
    for number, adapter in enumerate(adapters[: said.alone or len(adapters)], 1):
        step = run_step(
            f"adapters-alone-{number}", command([adapter], limit, f"alone-{number}"), said.out, said.seconds
        )
        alone.append(step)
        if "error" in step:
            break
    found["alone"] = alone
    failed = [step for step in (found["warm"], found["together"], *alone) if "error" in step]
    if failed:
        return found | {"error": failed[0]["error"]}
    together, each = found["together"]["seconds"], statistics.mean(step["seconds"] for step in alone)
    return found | {
        "together_seconds": together,
        "alone_seconds": round(each * len(adapters), 2),
        "ratio": round(each * len(adapters) / together, 2),
        "same_turns": same_turns(runs, adapters[: len(alone)]),
    }


def same_turns(runs: Path, adapters: Sequence[Path]) -> str:
    """Of how many conversations both ways wrote the same; in 16 bits the company in a batch may change a token."""
    equal = total = 0
    for number, adapter in enumerate(adapters, 1):
        sides = []
        for run in (runs / "together" / adapter.name, runs / f"alone-{number}"):
            lines = (run / "evidence.jsonl").read_text(encoding="utf-8").splitlines()
            sides.append({one["case"]: one["turns"] for one in map(json.loads, lines)})
        equal += sum(sides[0].get(case) == turns for case, turns in sides[1].items())
        total += len(sides[1])
    return f"{equal} of {total}"


def table(results: Mapping[str, Any]) -> str:
    """The results for a person."""
    about = results["machine"]
    lines = [f"shape {results['shape']} on {'; '.join(about['gpus']) or about['cpu']}, {about['cores']} cores", ""]
    part = results.get("throughput")
    if part is not None and "error" in part:
        lines.append(f"throughput: {part['error']}; see {part['log']}")
    elif part is not None:
        rate, first = part["tokens_a_second"], part["rounds"][0]
        lines += [
            f"{first['turns']} turns, {first['tokens']} tokens, prompts of {part['prompt_tokens']} on average, "
            f"{part['concurrency']} conversations at a time",
            "",
            "| way | tokens/s | eval's share |",
            "| --- | --- | --- |",
            f"| samescore eval, {part['backend']} | {rate['eval']:,.0f} | |",
            f"| raw, turn by turn | {rate['by_turn']:,.0f} | {part['ratio_by_turn']} (target {TARGET}) |",
            f"| raw, all in one call | {rate['at_once']:,.0f} | {part['ratio_at_once']} |",
            "",
            f"processor time of eval's own process: {first['cpu_share']:.0%} of one core",
        ]
    part = results.get("adapters")
    if part is not None and "error" in part:
        lines.append(f"adapters: {part['error']}; see the logs")
    elif part is not None:
        count, timed = part["adapters"], len(part["alone"])
        lines += [
            "",
            f"{count} adapters, {part['cases']} cases each, loading included ({timed} timed alone)",
            "",
            "| way | seconds |",
            "| --- | --- |",
            f"| one command, one engine | {part['together_seconds']:.1f} |",
            f"| {count} commands | {part['alone_seconds']:.1f} |",
            "",
            f"{part['ratio']} times faster together; conversations alike: {part['same_turns']}",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
