"""Runs become the contents of a report: each is loaded and scored from its evidence once, then counted and judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from samescore.harness.case import Case
from samescore.harness.cli.as_served import scored_again
from samescore.harness.cli.drawing import drawn
from samescore.harness.cli.loading import cases_of, targets_of
from samescore.harness.cli.report import model_label
from samescore.harness.errors import UsageError
from samescore.harness.perturbed import operator_of
from samescore.harness.plan import CaseSuite, PlannedCase
from samescore.harness.rescore import Scored
from samescore.harness.results import Floor, Results, branch_name, summarise
from samescore.harness.run import Run
from samescore.reports.again import asked_again
from samescore.reports.comparing import compared, judging_policy
from samescore.reports.contents import (
    Contents,
    Decision,
    Language,
    Moved,
    Obligation,
    Outcome,
    Procedure,
    ReportedCase,
    ReportedRollout,
    ReportedRun,
    Target,
    Tone,
)
from samescore.reports.conversations import gold, rollout
from samescore.reports.deciding import decided, of_several
from samescore.reports.loaded import Loaded, Shelf
from samescore.reports.provenance import adapter_digest, provenance
from samescore.reports.tallies import defect_counts, effort, pass_k, tool_use
from samescore.reports.words import Words

if TYPE_CHECKING:
    from samescore.harness.gate.policy import Policy
    from samescore.harness.gate.verdict import RuleVerdict

_UNDECIDED = Decision(Outcome.MEASURED, Tone.PLAIN, 0, "")


def gathered(
    runs: Sequence[Run], baseline: Run | None, policy: Policy | None, language: Language, suites: Sequence[str]
) -> Contents:
    """See `samescore.reports.contents.contents_of`."""
    if not runs:
        raise UsageError("a report is about a run. Name one: samescore report RUN")
    words, shelf = Words(language), Shelf(suites)
    every = list(runs) if baseline is None else [*runs, baseline]
    names = _names(every)
    loaded = [shelf.load(run) for run in every]
    reported = [
        _reported(one, name, judging_policy(one.run, baseline, policy), words, drawn=one.run is not baseline)
        for one, name in zip(loaded, names, strict=True)
    ]
    if baseline is None:
        return _contents([replace(one, decision=decided(one, None, words)) for one in reported], None, words)
    first = replace(reported[-1], decision=decided(reported[-1], None, words))
    final = []
    for one, run in zip(reported[:-1], runs, strict=True):
        against = replace(one, comparison=compared(run, baseline, one, first, policy, suites))
        final.append(replace(against, decision=decided(against, first, words)))
    return _contents(final, first, words)


def _contents(runs: Sequence[ReportedRun], baseline: ReportedRun | None, words: Words) -> Contents:
    decision = runs[0].decision if len(runs) == 1 else of_several(runs, baseline, words)
    names = words.listed([run.name for run in runs])
    title = words("title", run=names) if len(runs) == 1 else words("title.several", runs=names)
    return Contents(words.language, title, _version(), decision, tuple(runs), baseline)


def _version() -> str:
    try:
        return version("samescore")
    except PackageNotFoundError:
        return "0+source"


def _names(runs: Sequence[Run]) -> list[str]:
    """The models as a person names them; what is alike is told apart by the run's directory."""
    names = [model_label(run) for run in runs]
    names = [name.rpartition("/")[2] if name.startswith(("/", "hf//", "vllm//")) else name for name in names]
    for places in ([run.directory.name for run in runs], [str(run.directory) for run in runs]):
        names = [
            name if names.count(name) == 1 else f"{name} ({place})" for name, place in zip(names, places, strict=True)
        ]
    return names


def _reported(loaded: Loaded, name: str, policy: Policy, words: Words, drawn: bool) -> ReportedRun:
    """A run without its decision, which needs all the rest; its procedures only if they are to be `drawn`."""
    from samescore.harness.scorers import RUBRIC

    run, manifest = loaded.run, loaded.run.manifest
    # A run that a look has ended says nothing of targets: its numbers lean to what ended it.
    targets = {} if run.ended_early else targets_of(loaded.suites)
    floors = {metric: Floor(one["value"], one["policy"]) for metric, one in manifest.floors.items()}
    results = summarise(run.due, cases_of(loaded.suites), loaded.scored, RUBRIC, targets, floors)
    cases, split = _cases(loaded, words), _split(loaded)
    return ReportedRun(
        name=name,
        directory=str(run.directory),
        model=manifest.model,
        adapter=manifest.adapter,
        digest=adapter_digest(manifest.description),
        suites=run.plan.suites,
        started=manifest.started,
        finished=manifest.finished,
        epochs=run.plan.epochs,
        temperature=run.plan.temperature,
        limit=run.plan.limit,
        redacted=manifest.redacted,
        lenient=manifest.lenient,
        stopped=manifest.stopped,
        completed=None if run.ended_early is None else manifest.completed,
        resume=run.resume_command,
        results=results,
        decision=_UNDECIDED,
        targets=_targets(results),
        moved=_moved(run, loaded.suites),
        trained_targets=bool(manifest.passport.get("found")),
        rules=_rules(loaded, policy),
        pass_k=pass_k(_successes(cases), run.plan.epochs),
        procedures=_procedures(loaded, results, words) if drawn else (),
        tools=tool_use(loaded.scored),
        defects=defect_counts(loaded.scored),
        as_served=scored_again(run, loaded.suites, loaded.worlds, loaded.scored),
        effort=effort(manifest, [one.record for one in loaded.scored]),
        provenance=provenance(run),
        cases=cases,
        asked=asked_again(run, loaded.suites, split),
        split=split,
    )


def _split(loaded: Loaded) -> str:
    """The split that the planned cases are of; a run has one."""
    known = loaded.cases
    return next((known[case.id].split for case in loaded.run.plan.cases if case.id in known), "eval")


def _cases(loaded: Loaded, words: Words) -> tuple[ReportedCase, ...]:
    """Every case that is due, in the order of the plan, with a rollout an epoch."""
    known, planned = loaded.cases, loaded.run.due
    found: defaultdict[str, dict[int, Scored]] = defaultdict(dict)
    for one in loaded.scored:
        found[one.record.case][one.record.epoch] = one
    return tuple(_case(case, known.get(case.id), found[case.id], planned.epochs, words) for case in planned.cases)


def _case(
    planned: PlannedCase, case: Case | None, scored: Mapping[int, Scored], epochs: int, words: Words
) -> ReportedCase:
    rollouts = tuple(
        rollout(scored[epoch])
        if epoch in scored
        else ReportedRollout(epoch, None, {}, (), (), f"pending: {words('pending')}")
        for epoch in range(epochs)
    )
    values = [one.success for one in rollouts if one.success is not None]
    # A redacted run's own case is masked as its conversations are; the suite's is not.
    shown = next((one.case for one in scored.values() if one.case is not None), None)
    return ReportedCase(
        planned.id,
        planned.suite,
        planned.cluster,
        branch_name(planned.suite, planned.cluster),
        planned.locale,
        operator_of(case),
        () if shown is None else tuple(gold(shown)),
        rollouts,
        sum(values) / epochs if len(values) == epochs else None,
    )


def _successes(cases: Iterable[ReportedCase]) -> dict[str, list[float]]:
    return {case.id: [one.success for one in case.rollouts if one.success is not None] for case in cases}


def _rules(loaded: Loaded, policy: Policy) -> tuple[RuleVerdict, ...]:
    """The rules of zero tolerance over all rollouts; none while one is missing, since a trial less proves less."""
    from samescore.harness.gate.rule_verdicts import rule_verdicts
    from samescore.harness.gate.scores import RunScores
    from samescore.harness.kept import outcomes_of

    if len(loaded.scored) < len(loaded.run.due) or any(one.scores is None for one in loaded.scored):
        return ()
    outcomes = loaded.kept or outcomes_of(loaded.run.due, loaded.scored)
    return rule_verdicts([RunScores(loaded.run, outcomes)], None, policy)


def _targets(results: Results) -> tuple[Target, ...]:
    return tuple(
        Target(metric.name, metric.target, metric.value, metric.low, metric.high, metric.verdict)
        for metric in results.metrics.values()
        if metric.target is not None and metric.verdict is not None
    )


def _moved(run: Run, suites: Iterable[CaseSuite]) -> tuple[Moved, ...]:
    """Targets that are not those that training, or the run, started from."""
    found = []
    for one in run.manifest.passport.get("differs", ()):
        what, _, suite = one["what"].partition("targets of ")
        if not what and suite:
            found.append(Moved(suite, one["trained"], one["now"], "training"))
    for suite in suites:
        then, now = run.manifest.targets.get(suite.name, {}), suite.targets
        for metric in sorted(then.keys() | now.keys()):
            if then.get(metric) != now.get(metric):
                found.append(
                    Moved(suite.name, _stated(metric, then.get(metric)), _stated(metric, now.get(metric)), "run")
                )
    return tuple(found)


def _stated(metric: str, target: float | None) -> str:
    return f"{metric} {'none' if target is None else f'{target:g}'}"


def _procedures(loaded: Loaded, results: Results, words: Words) -> tuple[Procedure, ...]:
    known = loaded.cases
    success = {
        (one.record.case, one.record.epoch): one.scores["success"].value
        for one in loaded.scored
        if one.scores is not None
    }
    outcomes = [
        (known[item.case], success.get((item.case, item.epoch)))
        for item in loaded.run.due.items()
        if item.case in known
    ]
    graphs = {one.name: one for one in drawn(loaded.suites, outcomes, words.language)}
    planned = {case.suite for case, _ in outcomes if operator_of(case) is None}
    found = []
    for coverage in results.coverage:
        if coverage.procedure not in planned:
            continue
        values = [value for case, value in outcomes if case.suite == coverage.procedure and operator_of(case) is None]
        graph = graphs.get(coverage.procedure)
        found.append(
            Procedure(
                name=coverage.procedure,
                title=coverage.procedure if graph is None else graph.title,
                rollouts=sum(value is not None for value in values),
                right=sum(value == 1.0 for value in values),
                branches=coverage.feasible,
                untried=tuple(branch_name(coverage.procedure, one) for one in coverage.untried),
                obligations=None if graph is None else graph.obligations,
                uncovered=() if graph is None else tuple(Obligation(text, line) for line, text in graph.uncovered),
                graph=None if graph is None else graph.svg,
            )
        )
    return tuple(found)
