"""Runs of the toy suite by an agent that is right in as many of its rollouts as one says: real evidence in no time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from toy_world import WORLDS, suite

from samescore.harness.case import Case
from samescore.harness.cli.report import metric_json
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.fingerprint import seed_of
from samescore.harness.plan import Plan
from samescore.harness.policies.script import ScriptPolicy
from samescore.harness.policy import Sampling
from samescore.harness.results import summarise
from samescore.harness.run import Run
from samescore.harness.scorers import RUBRIC
from samescore.harness.types import Message


def recorded(
    directory: Path,
    *,
    cases: int = 16,
    right: float = 1.0,
    broken: int = 0,
    epochs: int = 1,
    seed: int = 0,
    temperature: float = 0.0,
    model: str = "agent",
    adapter: str | None = None,
) -> Run:
    """A complete run, whose share of right rollouts is about `right`; which they are depends on adapter and seed.

    In the first `broken` cases none is. An agent that is not right does nothing, and says so. Two runs of one adapter
    with one seed are alike.
    """

    def script(case: Case, sampling: Sampling) -> Iterator[Message]:
        drawn = seed_of(adapter or "", sampling.seed, case.id) % 10_000 / 10_000
        if drawn < right and int(case.id.removeprefix("toy/")) >= broken:
            yield from case.gold
        else:
            yield Message("assistant", "I did nothing.")

    toy, policy = suite(cases), ScriptPolicy(model, script)
    plan = Plan.make([toy], epochs=epochs, seed=seed, temperature=temperature)
    run = Run.create(directory, plan, policy, WORLDS, suites=[toy], adapter=adapter)
    evaluation = evaluate_sync([toy], policy, WORLDS, plan, run)
    results = summarise(plan, toy.cases, evaluation.results, RUBRIC)
    run.update(results={"status": "complete", "metrics": {k: metric_json(v) for k, v in results.metrics.items()}})
    return run
