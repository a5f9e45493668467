"""The base model with the procedure in its prompt, measured on `dev` by the evaluation entry point; or such a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from samescore.harness.blocking import blocking
from samescore.harness.cli.loading import cases_of, suites_of, targets_of, worlds_of
from samescore.harness.cli.progress import loading, progress
from samescore.harness.errors import UsageError
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.plan import Plan
from samescore.harness.policies import load_policy
from samescore.harness.rescore import Scored, rescore
from samescore.harness.results import Results, summarise
from samescore.harness.run import Run, new_directory
from samescore.harness.scorers import RUBRIC
from samescore.trainers.config import TrainConfig
from samescore.trainers.material import load_material


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the base did. `splits` are those that its cases are of."""

    run: Run
    results: Results
    splits: frozenset[str]

    @property
    def targets(self) -> Mapping[str, float]:
        """Of the metrics that have one."""
        metrics = self.results.metrics.values()
        return {metric.name: metric.target for metric in metrics if metric.target is not None}


def measured(config: TrainConfig, limit: int) -> Baseline:
    """Evaluate the base of a configuration on so many cases of `dev`, spread over branches, in a run of its own.

    Raises:
        UsageError: the base or the suite cannot be loaded.
        InfrastructureError: the run could not be completed.
    """
    material = load_material(config.data.model_copy(update={"procedure": "prompt"}), "dev")
    suites = [material.suite]
    plan = Plan.make(suites, limit=limit)
    with loading(config.base):
        policy = load_policy(config.base, worlds=material.worlds)
    try:
        run = Run.create(
            new_directory([material.suite.name], f"{config.base}-baseline"),
            plan,
            policy,
            material.worlds,
            suites=suites,
        )
        with progress(len(plan)) as bar:

            def finished(scored: Scored) -> None:
                bar.advance(None if scored.scores is None else scored.scores["success"].value == 1.0)

            done = evaluate_sync(suites, policy, material.worlds, plan, run, concurrency=64, on_result=finished)
    finally:
        blocking(policy.aclose())
    results = summarise(plan, material.suite.cases, done.results, RUBRIC, material.targets, {})
    return Baseline(run, results, frozenset({"dev"}))


def recorded(directory: Path) -> Baseline:
    """The baseline that a run of `samescore eval` is.

    Raises:
        UsageError: there is no run, or it is one of an adapter.
        EvidenceDamaged, ForeignEvidence: its evidence cannot be read.
    """
    run = Run.open(directory)
    if run.manifest.adapter is not None:
        raise UsageError(
            f"{directory}: this run is of the adapter {run.manifest.adapter}, and a baseline is of the base alone. "
            "Record one: samescore eval --split dev --procedure prompt"
        )
    suites = suites_of(run, [])
    scored = list(rescore(run, suites, worlds_of(suites)))
    planned = {case.id for case in run.plan.cases}
    splits = frozenset(case.split for case in cases_of(suites) if case.id in planned)
    return Baseline(run, summarise(run.plan, cases_of(suites), scored, RUBRIC, targets_of(suites), {}), splits)
