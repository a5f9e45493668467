"""Is fine-tuning needed? Not if the base reaches the targets with the procedure in its prompt."""

from __future__ import annotations

from collections.abc import Iterator

from samescore.harness.cli.report import metric_json
from samescore.harness.cli.table import interval, score
from samescore.harness.counted import counted
from samescore.harness.results import SUCCESS, Metric, TargetVerdict
from samescore.trainers.doctor.baseline import Baseline, measured, recorded
from samescore.trainers.doctor.inputs import Inputs
from samescore.trainers.doctor.verdict import Level, NotAtHand, Question, Remark, Verdict


def ask(inputs: Inputs) -> Verdict:
    """Measure the base, or read the run that was given."""
    given = inputs.given
    if given.baseline is not None:
        baseline = recorded(given.baseline)
    elif given.cases and given.config is not None:
        inputs.template  # noqa: B018  # without one nothing can be measured
        baseline = measured(inputs.config, given.cases)
    elif given.config is not None:
        raise NotAtHand("--cases N, to measure the base on so many cases of dev, or --baseline RUN")
    else:
        raise NotAtHand("a configuration, or --baseline RUN")
    metrics = baseline.results.metrics
    told = "with the procedure in the prompt" if baseline.run.plan.procedure == "prompt" else "without the procedure"
    evidence = (
        f"{baseline.run.manifest.model} {told}: {_words(metrics[SUCCESS])} on "
        f"{counted(baseline.results.cases, 'case')} of {' and '.join(sorted(baseline.splits))} · "
        f"{baseline.run.directory}"
    )
    figures = {
        "run": str(baseline.run.directory),
        "cases": baseline.results.cases,
        "metrics": {name: metric_json(metric) for name, metric in metrics.items()},
    }
    return Verdict(evidence, (*_other_base(inputs, baseline), *_remarks(baseline)), figures)


QUESTION = Question("need", "Is fine-tuning needed?", ask)


def _other_base(inputs: Inputs, baseline: Baseline) -> Iterator[Remark]:
    model = baseline.run.manifest.model
    if inputs.given.config is not None and model != inputs.config.base:
        yield Remark(
            Level.LOOK,
            f"the run is of {model}, and {inputs.config.base} is to be trained",
            "Measure the base that is to be trained: leave --baseline out.",
        )


def _remarks(baseline: Baseline) -> Iterator[Remark]:
    if not baseline.results.complete:
        missing = len(baseline.results.errors)
        yield Remark(
            Level.LOOK,
            f"{missing} of {counted(baseline.results.rollouts, 'conversation')} could not be scored",
            f"Complete the run: {baseline.run.resume_command}.",
        )
    if baseline.run.plan.procedure != "prompt":
        yield Remark(
            Level.LOOK,
            "the base was not told the procedure, so that it could not follow it",
            "Measure it with --procedure prompt.",
        )
    if baseline.splits != {"dev"}:
        yield Remark(Level.LOOK, "the run is not of dev; eval is for the verdict alone", "Measure it with --split dev.")
    judged = _judged(baseline)
    open_ = [metric for metric in judged if metric.verdict is TargetVerdict.INCONCLUSIVE]
    if not judged:
        yield Remark(
            Level.LOOK,
            "the suite states no targets, so nobody can say what is good enough",
            "Write `targets:` into its suite.yaml before anyone trains.",
        )
    elif all(metric.verdict is TargetVerdict.MET for metric in judged):
        yield Remark(
            Level.STOP,
            f"the base meets {_all(judged)} with the procedure in its prompt",
            "Ship the prompt; or raise the targets, or say what else is wanted, such as shorter prompts.",
        )
    elif not any(metric.verdict is TargetVerdict.MISSED for metric in judged):
        names = ", ".join(metric.name for metric in open_)
        yield Remark(
            Level.LOOK,
            f"no target is missed for certain: so few cases cannot tell for {names}",
            f"Measure more cases: --cases {4 * baseline.results.cases}.",
        )


def _judged(baseline: Baseline) -> list[Metric]:
    return [metric for metric in baseline.results.metrics.values() if metric.verdict is not None]


def _all(metrics: list[Metric]) -> str:
    return "its one target" if len(metrics) == 1 else f"all {len(metrics)} targets"


def _words(metric: Metric) -> str:
    target = "" if metric.target is None else f", target {metric.target:.2f}"
    return f"{metric.name} {score(metric)} [{interval(metric)}]{target}"
