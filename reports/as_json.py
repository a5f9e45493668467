"""A report as JSON, for programs: figures, verdicts, cases with their scores and reasons.

Conversations are not in it: they are in the run's `evidence.jsonl`, under the same case and epoch. Nor are pictures.
`gate` is what `samescore gate --json` prints. Fields are only ever added; `format` counts up if one must change.
`report.schema.json` beside this module says what each of them is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from samescore.harness.cli.as_served import as_served_json
from samescore.harness.cli.report import metric_json
from samescore.harness.perturbed import OperatorResult
from samescore.harness.results import Metric
from samescore.reports.contents import (
    Comparison,
    Contents,
    Decision,
    Procedure,
    ReportedCase,
    ReportedRun,
)

FORMAT = 1


def as_json(contents: Contents) -> str:
    """The whole file: one object on one line. Half a character, which UTF-8 cannot hold, is escaped."""
    data = json_of(contents)
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    if not text.isascii() and text.encode("utf-8", "replace").decode() != text:
        text = json.dumps(data, allow_nan=False)
    return f"{text}\n"


def json_of(contents: Contents) -> dict[str, Any]:
    """The object."""
    baseline = contents.baseline
    return {
        "format": FORMAT,
        "samescore": contents.version,
        "language": contents.language,
        "title": contents.title,
        "decision": _decision(contents.decision),
        "runs": [_run(run) for run in contents.runs],
        "baseline": None if baseline is None else _run(baseline),
    }


def _run(run: ReportedRun) -> dict[str, Any]:
    from samescore.harness.gate.told import rule_json

    results = run.results
    return {
        "name": run.name,
        "run": run.directory,
        "model": run.model,
        "adapter": run.adapter,
        "digest": run.digest,
        "asked": asdict(run.asked),
        "suites": [asdict(suite) for suite in run.suites],
        "started": run.started,
        "finished": run.finished,
        "status": "complete" if results.complete else "incomplete",
        "stopped": run.stopped,
        "completed": run.completed,
        "epochs": run.epochs,
        "temperature": run.temperature,
        "limit": run.limit,
        "redacted": run.redacted,
        "lenient": run.lenient,
        "decision": _decision(run.decision),
        "gate": None if run.comparison is None else _gate(run.comparison),
        "metrics": _metrics(results.metrics.values()),
        "targets": {one.metric: {"least": one.least, "verdict": one.verdict.value} for one in run.targets},
        "rules": {rule.name: rule_json(rule) for rule in run.rules},
        "moved_targets": [asdict(one) for one in run.moved],
        "locales": {locale: metric_json(metric) for locale, metric in results.locales.items()},
        "pass_k": [asdict(one) for one in run.pass_k],
        "branches": [
            {"name": one.name, "right": one.passed, "rollouts": one.rollouts, "errors": one.errors}
            for one in results.branches
        ],
        "procedures": [_procedure(one) for one in run.procedures],
        "operators": {one.name: _operator(one) for one in results.operators},
        "tools": [asdict(one) for one in run.tools],
        "defects": [asdict(one) for one in run.defects],
        "as_served": None if run.as_served is None else as_served_json(run.as_served),
        "effort": asdict(run.effort),
        "usage": None if results.usage is None else asdict(results.usage),
        "provenance": [asdict(one) for one in run.provenance],
        "unscored": [asdict(one) for one in results.errors],
        "cases": [_case(case) for case in run.cases],
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome.value,
        "exit": decision.exit,
        "sentence": decision.sentence,
        "also": decision.also,
        "facts": [asdict(fact) for fact in decision.facts],
        "limits": list(decision.limits),
    }


def _gate(found: Comparison) -> dict[str, Any]:
    """The gate's own object, and what is told beside it: the other metrics with their intervals, why cases changed."""
    from samescore.harness.gate.told import as_json as told

    return {
        **told(found.verdict),
        "common": found.common,
        "shifts": {
            one.name: {
                "before": one.before,
                "after": one.after,
                "drop": one.drop.value,
                "low": one.drop.low,
                "high": one.drop.high,
                "n": one.drop.n,
            }
            for one in found.shifts
        },
        "fixed_cases": [asdict(one) for one in found.fixed],
        "broken_cases": [asdict(one) for one in found.broken],
    }


def _metrics(metrics: Iterable[Metric]) -> dict[str, Any]:
    return {metric.name: metric_json(metric) for metric in metrics}


def _procedure(one: Procedure) -> dict[str, Any]:
    return {name: value for name, value in asdict(replace(one, graph=None)).items() if name != "graph"}


def _operator(one: OperatorResult) -> dict[str, Any]:
    return {
        **metric_json(one.metric),
        "right": one.right,
        "before": one.before,
        "drop": None if one.drop is None else asdict(one.drop),
        "broken": one.broken,
        "fixed": one.fixed,
    }


def _case(case: ReportedCase) -> dict[str, Any]:
    return {
        "id": case.id,
        "suite": case.suite,
        "branch": case.branch,
        "locale": case.locale,
        "operator": case.operator,
        "success": case.success,
        "rollouts": [
            {
                "epoch": one.epoch,
                "success": one.success,
                "scores": dict(one.scores),
                "reasons": [asdict(reason) for reason in one.reasons],
                "error": one.error,
                "seconds": one.seconds,
            }
            for one in case.rollouts
        ],
    }
