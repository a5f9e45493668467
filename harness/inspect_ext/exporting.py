"""A run as an `.eval` log, for `inspect view` and everything else that reads Inspect's logs.

Scores are worked out again from the evidence; messages are for people. What a run's directory holds is in the log as it
is, so that `importing` makes the same run of it. A run that is not complete is a log with an error.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalMetric,
    EvalPlan,
    EvalPlanStep,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalSpec,
    EvalStats,
    HeadlineMetric,
    write_eval_log,
)
from inspect_ai.model import GenerateConfig, ModelUsage
from inspect_ai.scorer import Score as InspectScore

from samescore.harness.case import Case
from samescore.harness.cli.loading import cases_of
from samescore.harness.environment import World
from samescore.harness.errors import EvidenceUnwritable, UsageError
from samescore.harness.fingerprint import fingerprint
from samescore.harness.inspect_ext.conversation import conversation, events, last_output, opening, shown, usage
from samescore.harness.inspect_ext.evidence import LINE, RUN, line_of
from samescore.harness.inspect_ext.scorers import NAMES, as_score
from samescore.harness.inspect_ext.tasks import HEADLINE, PLAIN, told, wanted
from samescore.harness.manifest import Manifest, Status
from samescore.harness.plan import CaseSuite
from samescore.harness.records import Record
from samescore.harness.rescore import Scored, rescore
from samescore.harness.results import Metric, Results, summarise
from samescore.harness.run import Run
from samescore.harness.scorers import RUBRIC


def export_run(run: Run, suites: Sequence[CaseSuite], worlds: Mapping[str, World], path: Path) -> EvalLog:
    """Write a run as an `.eval` log, whole or not at all.

    Raises:
        UsageError: the path does not end in `.eval`, or there is a file already.
        EvidenceUnwritable: the file cannot be written.
        EvidenceDamaged, ForeignEvidence: see `Run.records`.
    """
    if path.suffix != ".eval":
        raise UsageError(f"{path}: Inspect knows its logs by their ending. Name a file that ends in .eval.")
    if path.exists():
        raise UsageError(f"{path}: there is a file here already. Name another one, or remove it.")
    log = log_of(run, suites, worlds)
    beside = path.with_name(f".{path.stem}.{os.getpid()}.eval")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_eval_log(log, beside)
        beside.replace(path)
    except OSError as error:
        raise EvidenceUnwritable(f"{path}: the log cannot be written: {error.strerror}. Name another place.") from None
    finally:
        beside.unlink(missing_ok=True)
    return log


def log_of(run: Run, suites: Sequence[CaseSuite], worlds: Mapping[str, World]) -> EvalLog:
    """A run as an Inspect log.

    Raises:
        UnknownName: a case plays in a world that is not at hand.
        EvidenceDamaged, ForeignEvidence: see `Run.records`.
    """
    manifest, cases = run.manifest, cases_of(suites)
    scored = tuple(rescore(run, suites, worlds))
    results = summarise(run.due, cases, scored, RUBRIC)
    stopped = _stopped(manifest, results)
    model = model_name(manifest)
    samples = [_sample(run, model, one) for one in scored]
    return EvalLog(
        status="success" if stopped is None else "error",
        eval=_spec(manifest, model),
        plan=EvalPlan(
            steps=[EvalPlanStep(solver="samescore_rollout", params={"max_turns": run.plan.limits.turns})],
            config=_sampling(manifest),
        ),
        results=_results(results),
        stats=EvalStats(
            started_at=manifest.started,
            completed_at=manifest.finished or "",
            model_usage=_total(model, samples),
        ),
        error=None if stopped is None else EvalError(message=shown(stopped), traceback="", traceback_ansi=""),
        samples=samples,
    )


def model_name(manifest: Manifest) -> str:
    """A run's model as Inspect names it: ours under `samescore/`."""
    ours = manifest.description.get("backend") != "inspect"
    return f"samescore/{manifest.model}" if ours else manifest.model


def _stopped(manifest: Manifest, results: Results) -> str | None:
    """Why this is not a complete run, now that it is scored again; None if it is."""
    if manifest.status is not Status.COMPLETE:
        return manifest.stopped or "the run was begun and not ended"
    if results.complete:
        return None
    return f"{len(results.errors)} of {results.rollouts} rollouts have no scores, such as {results.errors[0].case}"


def _spec(manifest: Manifest, model: str) -> EvalSpec:
    plan, ids = manifest.plan, [case.id for case in manifest.plan.cases]
    names = "+".join(suite.name for suite in plan.suites)
    id = fingerprint([plan.fingerprint, manifest.started, manifest.description])
    return EvalSpec(
        eval_id=f"eval-{id}",
        run_id=f"run-{id}",
        task_id=f"task-{plan.fingerprint}",
        created=manifest.started,
        task=names,
        task_display_name=names,
        task_version=max(suite.version for suite in plan.suites),
        task_args={"suites": [suite.name for suite in plan.suites]},
        solver="samescore_rollout",
        dataset=EvalDataset(name=names, samples=len(ids), sample_ids=ids),
        model=model,
        model_args={} if manifest.adapter is None else {"adapter": manifest.adapter},
        model_generate_config=_sampling(manifest),
        config=EvalConfig(epochs=plan.epochs, limit=plan.limit),
        packages=dict(manifest.versions),
        metadata={
            "plan_fingerprint": plan.fingerprint,
            "suites": [f"{suite.name} v{suite.version} {suite.fingerprint}" for suite in plan.suites],
            "dialect": f"{manifest.dialect}/{manifest.dialect_version}",
            "model": dict(manifest.description),
            "scorers": dict(manifest.scorers),
            "worlds": {name: dict(world) for name, world in manifest.worlds.items()},
            "targets": {name: dict(targets) for name, targets in manifest.targets.items()},
            RUN: json.dumps(manifest.to_json()),
        },
        viewer=PLAIN,
        headline_metric=HEADLINE,
    )


def _sampling(manifest: Manifest) -> GenerateConfig:
    plan = manifest.plan
    return GenerateConfig(temperature=plan.temperature, seed=plan.seed, max_tokens=plan.limits.turn_tokens)


def _sample(run: Run, model: str, one: Scored) -> EvalSample:
    record, case = one.record, one.case
    messages = conversation(record, case, run.dialect)
    used = usage(record)
    return EvalSample(
        id=record.case,
        epoch=record.epoch + 1,
        uuid=fingerprint([run.plan.fingerprint, run.manifest.started, record.case, record.epoch]),
        input=opening(case) if case else "(the suites no longer have this case)",
        target=wanted(case) if case else "",
        metadata=_metadata(record, case),
        messages=messages,
        output=last_output(record, messages, model),
        scores=_scores(one),
        store={LINE: line_of(record)},
        events=events(record, messages, model, datetime.fromisoformat(run.manifest.started)),
        model_usage={} if used is None else {model: used},
        total_time=record.seconds,
        working_time=record.seconds,
        turn_count=len(record.turns),
        error=None if one.error is None else EvalError(message=shown(str(one.error)), traceback="", traceback_ansi=""),
    )


def _metadata(record: Record, case: Case | None) -> dict[str, Any]:
    said: dict[str, Any] = {**(told(case) if case else {}), "case_fingerprint": record.case_fingerprint}
    if record.stop is not None:
        said |= {
            "stop": record.stop.value,
            "effects": [effect.name for effect in record.effects],
            "changes": [f"{change.table}.{change.key}" for change in record.changes],
        }
    return said


def _scores(one: Scored) -> dict[str, InspectScore]:
    """What our scorers say of a rollout, as Inspect's scorers give it; in the order of the task's."""
    said = one.scores or {}
    return {name: as_score(name, said[name], one.trajectory) for name in NAMES if name in said}


def _results(results: Results) -> EvalResults:
    return EvalResults(
        total_samples=results.rollouts,
        completed_samples=results.rollouts - len(results.errors),
        scores=[_eval_score(metric) for metric in results.metrics.values()],
        headline=HeadlineMetric(scorer="success", score="success", metric="mean"),
    )


def _eval_score(metric: Metric) -> EvalScore:
    """A metric of ours. While rollouts are missing it has no mean, and its bounds allow for whatever they become."""
    metrics = {
        "low": EvalMetric(name="low", group="interval", value=metric.low),
        "high": EvalMetric(name="high", group="interval", value=metric.high),
    }
    if metric.value is not None:
        metrics = {"mean": EvalMetric(name="mean", value=metric.value)} | metrics
    return EvalScore(name=metric.name, scorer=metric.name, metrics=metrics)


def _total(model: str, samples: Sequence[EvalSample]) -> dict[str, ModelUsage]:
    used = [sample.model_usage[model] for sample in samples if sample.model_usage]
    return {model: sum(used[1:], used[0])} if used else {}
