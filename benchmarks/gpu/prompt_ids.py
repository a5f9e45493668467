"""Do all backends see the same prompt ids? Every turn of every case, as each backend was really given it.

    python benchmarks/gpu/prompt_ids.py --out DIR
    python benchmarks/gpu/prompt_ids.py --out DIR --tiny      # a few cases on a CPU, without vLLM

Each backend is led through the conversations by gold turns, so that all go the same way, and what it read is recorded:

hf                  what the engine's runner has read of the conversation
vllm                `prompt_token_ids` of vLLM's own outputs
trl-transformers    what TRL's GRPOTrainer holds after the rollout of whole conversations (`_generate`): each turn's
                    prompt, put together again from prompt, completion and spans
trl-vllm            the same with vLLM as its engine

They are compared with what the renderer makes of the cases without any backend. Exit 1 if anything differs.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gold_turns import Book, Led, LedWriter, Prompt
from steps import machine, run_step, write_json

from samescore.harness.policies.hf import let_threads_sleep

let_threads_sleep()

from samescore.harness.case import Case  # noqa: E402
from samescore.harness.cli.loading import cases_of, load_suites, worlds_of  # noqa: E402
from samescore.harness.dialects.detect import detect  # noqa: E402
from samescore.harness.policies import tiny_adapter, tiny_path  # noqa: E402
from samescore.harness.policies.local import LocalConversation  # noqa: E402
from samescore.harness.policy import Sampling  # noqa: E402
from samescore.harness.renderer import Renderer, Transcript  # noqa: E402
from samescore.harness.rollout import rollout  # noqa: E402

BACKENDS = ("hf", "vllm", "trl-transformers", "trl-vllm")
ON_CPU = ("hf", "trl-transformers")
ADAPTER = "support-sft"
TOGETHER = 64

Found = dict[tuple[str, int], Prompt]


def main() -> None:
    """Record each backend in a process of its own, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="where ids, logs and results go")
    parser.add_argument("--suite", action="append", help="default: sop")
    parser.add_argument("--split", default="eval")
    parser.add_argument("--limit", type=int, help="so many cases only, spread over all")
    parser.add_argument("--backend", action="append", choices=BACKENDS, help="default: all")
    parser.add_argument("--seconds", type=float, default=480, help="a backend that takes longer is ended")
    parser.add_argument("--tiny", action="store_true", help="4 cases on a CPU, without vLLM")
    parser.add_argument("--record", choices=BACKENDS, help=argparse.SUPPRESS)
    said = parser.parse_args()
    out: Path = said.out.resolve()
    limit = said.limit or (4 if said.tiny else None)
    suites = said.suite or ["sop"]
    if said.record:
        record(said.record, suites, said.split, limit, out)
        return
    backends = said.backend or (ON_CPU if said.tiny else BACKENDS)
    book = book_of(suites, said.split, limit)
    results: dict[str, Any] = {
        "machine": machine(),
        "suites": suites,
        "cases": len(book.cases),
        "turns": len(book.prompts),
        "tokens": sum(map(len, book.prompts.values())),
        "left_out": book.ambiguous,
        "backends": {},
    }
    for name in backends:
        options = [part for suite in suites for part in ("--suite", suite)] + ["--split", said.split]
        options += [] if limit is None else ["--limit", str(limit)]
        command = [sys.executable, __file__, "--out", str(out), "--record", name, *options]
        took = run_step(f"prompt-ids-{name}", command, out, said.seconds)
        results["backends"][name] = took | ({} if "error" in took else compared(book.prompts, read(out, name)))
        write_json(out / "prompt_ids.json", results)
    print(table(results))
    sys.exit(0 if all(one.get("equal") == results["turns"] for one in results["backends"].values()) else 1)


def book_of(suites: Sequence[str], split: str, limit: int | None) -> Book:
    """The conversations of gold turns, with the embedded model's template."""
    loaded = load_suites(suites, split, None)
    cases, worlds = cases_of(loaded), worlds_of(loaded)
    if limit is not None:
        cases = [cases[index * len(cases) // limit] for index in range(min(limit, len(cases)))]
    renderer = Renderer.load(tiny_path())
    return Book(cases, worlds, renderer, detect(renderer))


def record(name: str, suites: Sequence[str], split: str, limit: int | None, out: Path) -> None:
    """Lead one backend through all cases, and keep the prompts that it was given."""
    book = book_of(suites, split, limit)
    worlds = worlds_of(load_suites(suites, split, None))
    found = record_trl(name.removeprefix("trl-"), book, worlds, out) if name.startswith("trl-") else None
    found = record_policy(name, book, worlds) if found is None else found
    with gzip.open(out / f"prompt_ids.{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        for (case, turn), ids in found.items():
            file.write(json.dumps({"case": case, "turn": turn, "ids": list(ids)}) + "\n")


def read(out: Path, name: str) -> Found:
    """What `record` kept."""
    with gzip.open(out / f"prompt_ids.{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return {(row["case"], row["turn"]): tuple(row["ids"]) for row in rows}


# Evaluation's policies.


class LedPolicy:
    """A local policy that is led by gold turns; `sessions` are those of each case."""

    def __init__(self, policy: Any, book: Book) -> None:
        self.name, self.dialect = policy.name, policy.dialect
        self.sessions: dict[str, Led] = {}
        self._policy = policy
        self._book = book

    def converse(self, case: Case, sampling: Sampling) -> LocalConversation:
        """A conversation of the policy's own kind over its own session."""
        inner = self._policy.converse(case, sampling)
        session = self.sessions[case.id] = Led(inner._session, self._book, limit=1)
        transcript = Transcript(self._policy.renderer, case.messages, case.toolset)
        return LocalConversation(transcript, session, sampling, self._policy.engine.context)


def record_policy(name: str, book: Book, worlds: Any) -> Found:
    """`hf` or `vllm`: what the engine itself says that it was given."""
    given: list[Prompt] = []
    if name == "vllm":
        from samescore.harness.policies.vllm import VllmPolicy

        policy: Any = VllmPolicy.load(str(tiny_path()), tiny_adapter(ADAPTER))
        engine = policy.engine.llm.llm_engine
        step = engine.step

        def watched() -> Any:
            outputs = step()
            given.extend(tuple(output.prompt_token_ids) for output in outputs if output.finished)
            return outputs

        engine.step = watched
    else:
        from samescore.harness.policies.hf import HfPolicy

        policy = HfPolicy.load(str(tiny_path()), tiny_adapter(ADAPTER))
    led = LedPolicy(policy, book)

    async def play() -> None:
        waiting = list(reversed(book.cases))

        async def worker() -> None:
            while waiting:
                case = waiting.pop()
                await rollout(case, led, worlds[case.world])  # type: ignore[arg-type]
                if name == "hf":  # with a limit of 1 the last prompt is all that was read
                    given.append(tuple(led.sessions[case.id].inner._track.read))

        await asyncio.gather(*(worker() for _ in range(TOGETHER)))
        await policy.aclose()

    asyncio.run(play())
    found = {(case, turn): ids for case, led_ in led.sessions.items() for turn, ids in enumerate(led_.given)}
    told = Counter(found.values())
    if name == "hf":  # each conversation's last prompt holds all before it, where the template keeps its prefix
        told = Counter(led_.given[-1] for led_ in led.sessions.values())
    if told != Counter(given):
        missing, more = told - Counter(given), Counter(given) - told
        sys.exit(f"{name}: {missing.total()} prompts were asked that it did not read, {more.total()} read unasked")
    return found


# TRL.


CONFIG = """\
base = "tiny"
adapter = "{adapter}"
out = "{out}"
backend = "{backend}"
shape = "episode"
steps = 1
prompts = 8
group = 2
batch_size = 16
[data]
suite = "{suite}"
limit = 8
"""


def record_trl(backend: str, book: Book, worlds: Any, out: Path) -> Found:
    """What TRL's trainer holds after its rollout: each turn's prompt, put together again."""
    from samescore.trainers.config import GrpoConfig
    from samescore.trainers.grpo.prompts import Prompts
    from samescore.trainers.grpo.trainer import assemble
    from samescore.trainers.training import Options, prepare

    folder = out / f"trl-{backend}"
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "grpo.toml"
    text = CONFIG.format(adapter=tiny_adapter(ADAPTER), out=folder / "adapter", backend=backend, suite="sop")
    source.write_text(text, encoding="utf-8")
    grpo = assemble(prepare("grpo", source, GrpoConfig, Options(no_targets=True)))
    grpo.rollouts.prompts = Prompts(book.cases, "episode")
    grpo.rollouts.worlds = worlds
    grpo.rollouts.writer = LedWriter(grpo.rollouts.writer, book, limit=1)  # type: ignore[assignment]
    found: Found = {}
    keys = list(grpo.rollouts.prompts)
    for start in range(0, len(keys), TOGETHER):
        batch = keys[start : start + TOGETHER]
        prompt_ids, completion_ids, mask, _, _, extra, *_ = grpo.trainer._generate(batch)
        for key, prompt, ids, kept, spans in zip(batch, prompt_ids, completion_ids, mask, extra["spans"], strict=True):
            written = [index for index, one in enumerate(kept) if one]
            assert written == [index for first, last in spans for index in range(first, last)], f"{key}: mask and spans"
            for turn, (first, _last) in enumerate(spans):
                found[key, turn] = (*prompt, *ids[:first])
    return found


# Comparison.


def compared(expected: Found, found: Found) -> dict[str, Any]:
    """How many turns have equal prompts, and the first that differ."""
    differing = [key for key in expected if found.get(key) != expected[key]]
    return {
        "equal": len(expected) - len(differing),
        "more": len(found.keys() - expected.keys()),
        "differing": [difference(key, expected[key], found.get(key)) for key in differing[:5]],
    }


def difference(key: tuple[str, int], expected: Prompt, found: Prompt | None) -> dict[str, Any]:
    """Where two prompts part."""
    if found is None:
        return {"case": key[0], "turn": key[1], "found": "no such turn"}
    pairs = enumerate(zip(expected, found, strict=False))
    at = next((at for at, (one, other) in pairs if one != other), min(len(expected), len(found)))
    lengths = [len(expected), len(found)]
    return {
        "case": key[0],
        "turn": key[1],
        "at": at,
        "lengths": lengths,
        "expected": list(expected[at : at + 8]),
        "found": list(found[at : at + 8]),
    }


def table(results: dict[str, Any]) -> str:
    """The result for a person."""
    lines = [
        f"{', '.join(results['suites'])}: {results['cases']} cases, {results['turns']} turns, "
        f"{results['tokens']} prompt tokens · {'; '.join(results['machine']['gpus']) or results['machine']['cpu']}",
        "",
        "| backend | turns with the renderer's prompt ids | seconds |",
        "| --- | --- | --- |",
    ]
    for name, one in results["backends"].items():
        equal = one["error"] if "error" in one else f"{one['equal']} of {results['turns']}"
        lines.append(f"| {name} | {equal} | {one['seconds']:.0f} |")
    lines += [
        f"first difference of {name}: {one['differing'][0]}"
        for name, one in results["backends"].items()
        if one.get("differing")
    ]
    if results["left_out"]:
        lines.append(f"left out, as other cases begin alike and go on differently: {', '.join(results['left_out'])}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
