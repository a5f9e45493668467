"""What an evaluation of an API model costs beyond its server.

    python benchmarks/api_overhead.py [--cases 12] [--concurrency 4] [--rounds 3]

The server is `transformers serve` on loopback, on this machine's CPU, with the tiny model and its adapter support-sft
merged into it. A first pass of an evaluation keeps every request it sends; cases in which the model writes a broken
call are left out, as that server answers them with HTTP 500. Then each round has the same requests sent by a bare HTTP
client, conversation by conversation and as many at a time, and the evaluation itself: requests through Inspect,
parsing, tools, scripted user, evidence on disk and scores. Prints seconds a case of both and the ratio of their sums
over all rounds. Loading and the probe are not counted; server and client share the cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from samescore.harness.evaluate import evaluate
from samescore.harness.plan import Plan
from samescore.harness.policies import tiny_adapter, tiny_path
from samescore.harness.policies.api import ApiPolicy
from samescore.harness.policies.api_options import ApiOptions
from samescore.harness.rollout import Limits
from samescore.harness.run import Run
from samescore.suites.catalog import load_suite, load_world
from samescore.suites.suite import Suite

LIMITS = Limits(turns=4, turn_tokens=200)

Conversations = Mapping[str, list[bytes]]
"""By what the user said first, the bodies of the requests in order."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="sop/refund")
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ.setdefault("LOCAL_API_KEY", "none")
    whole = load_suite(options.suite)
    suite = replace(whole, cases=whole.cases[:: len(whole.cases) // options.cases][: options.cases])
    with tempfile.TemporaryDirectory() as folder:
        merge(Path(folder))
        with serving(folder) as url:
            policy = ApiPolicy.load(f"openai-api/local/{folder}", ApiOptions(base_url=url, max_retries=0))
            asyncio.run(measure(suite, policy, url, options.concurrency, options.rounds))


def merge(folder: Path) -> None:
    """Write the tiny model with its adapter merged into it."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = AutoModelForCausalLM.from_pretrained(tiny_path())
    PeftModel.from_pretrained(base, tiny_adapter("support-sft")).merge_and_unload().save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_path()).save_pretrained(folder)


async def measure(suite: Suite, policy: ApiPolicy, url: str, concurrency: int, rounds: int) -> None:
    """Have every request sent both ways, in turns."""
    sent = keep_requests(policy)
    _, broken = await evaluated(suite, policy, concurrency)
    suite = replace(suite, cases=tuple(case for case in suite.cases if case.id not in broken))
    conversations = {case.opening: list(sent[case.opening]) for case in suite.cases}
    requests = sum(map(len, conversations.values()))
    direct = whole = 0.0
    for _ in range(rounds):
        direct += await sent_directly(url, conversations, concurrency)
        sent.clear()
        took, broken = await evaluated(suite, policy, concurrency)
        whole += took
        if broken or sizes(sent) != sizes(conversations):
            sys.exit("the server answered otherwise than before: the rounds cannot be compared")
    await policy.aclose()
    cases = len(suite.cases) * rounds
    print(f"server        transformers serve, tiny+support-sft, CPU; {requests} requests for {len(suite.cases)} cases")
    print(f"concurrency   {concurrency} conversations, {rounds} rounds of each, in turns")
    print(f"directly      {direct / cases:.3f} s a case")
    print(f"samescore     {whole / cases:.3f} s a case")
    print(f"ratio         {whole / direct:.3f}")
    print(f"machine       {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")


def sizes(conversations: Conversations) -> dict[str, list[int]]:
    """How long every request is. The server numbers calls anew each time, in ids of one length."""
    return {opening: list(map(len, bodies)) for opening, bodies in conversations.items()}


def keep_requests(policy: ApiPolicy) -> dict[str, list[bytes]]:
    """Whatever the policy's client sends from here on, by conversation."""
    sent: dict[str, list[bytes]] = {}

    async def keep(request: Any) -> None:
        messages = json.loads(request.content)["messages"]
        opening = next(message["content"] for message in messages if message["role"] == "user")
        sent.setdefault(opening, []).append(request.content)

    client: Any = policy.model.api
    client.http_client.event_hooks["request"].append(keep)
    return sent


async def evaluated(suite: Suite, policy: ApiPolicy, concurrency: int) -> tuple[float, set[str]]:
    """Seconds of a whole evaluation, evidence and scores included; and the cases that ended in an error."""
    worlds = {case.world: load_world(case.world) for case in suite.cases}
    plan = Plan.make([suite], limits=LIMITS)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        run = Run.create(Path(folder) / "run", plan, policy, worlds, suites=[suite])
        done = await evaluate([suite], policy, worlds, plan, run, concurrency=concurrency)
        took = time.perf_counter() - began
    return took, {one.record.case for one in done.errors}


async def sent_directly(url: str, conversations: Conversations, concurrency: int) -> float:
    """Seconds of the same requests without anything around them."""
    left: Iterator[Sequence[bytes]] = iter(conversations.values())
    headers = {"Content-Type": "application/json"}
    async with httpx.AsyncClient(timeout=600, headers=headers) as client:

        async def worker() -> None:
            for bodies in left:
                for body in bodies:
                    answer = await client.post(f"{url}/chat/completions", content=body)
                    answer.raise_for_status()

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(concurrency)))
        return time.perf_counter() - began


@contextmanager
def serving(model: str) -> Iterator[str]:
    """A model behind `transformers serve`."""
    program = shutil.which("transformers", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        sys.exit("`transformers` is not installed. Install it: pip install 'samescore[dev]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "serve", model, "--port", str(port), "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        for _ in range(600):
            try:
                httpx.get(f"http://127.0.0.1:{port}/health").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    main()
