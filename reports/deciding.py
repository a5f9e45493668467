"""May it ship? The decision of one run in a sentence, its evidence in facts, and what the suite does not cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from samescore.harness.errors import ExitCode
from samescore.harness.perturbed import CONTROL
from samescore.harness.results import TargetVerdict
from samescore.reports.contents import Comparison, Decision, Fact, Outcome, ReportedRun, Target, Tone
from samescore.reports.reasons import said
from samescore.reports.words import Words

if TYPE_CHECKING:
    from samescore.harness.gate.verdict import MetricVerdict, RuleVerdict, Verdict

TONES = {
    Outcome.PASS: Tone.GOOD,
    Outcome.REGRESSION: Tone.BAD,
    Outcome.INCONCLUSIVE: Tone.UNSURE,
    Outcome.IDENTICAL: Tone.PLAIN,
    Outcome.INCOMPARABLE: Tone.BROKEN,
    Outcome.INCOMPLETE: Tone.BROKEN,
    Outcome.TARGETS_MET: Tone.GOOD,
    Outcome.TARGETS_MISSED: Tone.BAD,
    Outcome.TARGETS_OPEN: Tone.UNSURE,
    Outcome.RULE_BROKEN: Tone.BAD,
    Outcome.MEASURED: Tone.PLAIN,
}
_UNOPPOSED = (
    Outcome.PASS,
    Outcome.IDENTICAL,
    Outcome.INCONCLUSIVE,
    Outcome.TARGETS_MET,
    Outcome.TARGETS_OPEN,
    Outcome.MEASURED,
)
"""Outcomes that say nothing against a run."""
ADVICE = ("advice.early", "advice.suites", "advice.again")
"""What the gate advises where runs cannot be compared, in its own words."""
_EXITS = {
    Outcome.TARGETS_MISSED: ExitCode.REGRESSION,
    Outcome.RULE_BROKEN: ExitCode.REGRESSION,
    Outcome.TARGETS_OPEN: ExitCode.INCONCLUSIVE,
    Outcome.INCOMPLETE: ExitCode.INCOMPLETE,
}


def decided(run: ReportedRun, baseline: ReportedRun | None, words: Words) -> Decision:
    """The decision about a run: the gate's where it has a baseline, else that of its rules and targets.

    An incomplete run is decided by nothing.
    """
    if run.comparison is not None and baseline is not None:
        return _gated(run, baseline, run.comparison, words)
    outcome = _alone(run)
    return Decision(
        outcome,
        TONES[outcome],
        int(_EXITS.get(outcome, ExitCode.PASS)),
        _sentence_alone(run, outcome, words),
        also=_also(run, outcome, words),
        facts=(*_incomplete(run, words), *_rules(run.rules, words), *_facts_alone(run, words)),
        limits=tuple(_limits(run, words)),
    )


def _gated(run: ReportedRun, baseline: ReportedRun, found: Comparison, words: Words) -> Decision:
    verdict, outcome = found.verdict, Outcome(found.verdict.decision.value)
    return Decision(
        outcome,
        TONES[outcome],
        int(verdict.exit),
        _sentence_gated(run, baseline, found, outcome, words),
        also=_also(run, outcome, words),
        facts=(*_incomplete(run, words), *_facts_gated(run, found, words)),
        limits=tuple(_limits(run, words)),
    )


def of_several(runs: Sequence[ReportedRun], baseline: ReportedRun | None, words: Words) -> Decision:
    """The decision about several runs, each of which is decided; it claims no more than theirs do."""
    worst = ExitCode.worst([ExitCode(run.decision.exit) for run in runs])
    first = next(run.decision for run in runs if run.decision.exit == worst)
    return Decision(
        first.outcome,
        first.tone,
        first.exit,
        _sentence_of_several(runs, baseline, words),
        also=_also_of_several(runs, words),
        facts=tuple(
            Fact(
                run.name,
                words(f"outcome.{run.decision.outcome}"),
                f"{run.decision.sentence} {run.decision.also}".strip(),
            )
            for run in runs
        ),
        limits=tuple(dict.fromkeys(limit for run in runs for limit in run.decision.limits)),
    )


def _sentence_of_several(runs: Sequence[ReportedRun], baseline: ReportedRun | None, words: Words) -> str:
    good = [run.name for run in runs if run.decision.tone is Tone.GOOD]
    told = {"runs": words.counted(len(runs), "run"), "good": words.number(len(good)), "names": words.listed(good)}
    if baseline is not None:
        return words("decided.several" if good else "decided.none", baseline=baseline.name, **told)
    if all(run.decision.outcome is Outcome.MEASURED for run in runs):
        return words("decided.several.measured", **told)
    return words("decided.several.alone" if good else "decided.none.alone", **told)


def _also_of_several(runs: Sequence[ReportedRun], words: Words) -> str:
    """What the decisions of single runs say beside their sentences, for all of them."""
    missed: list[str] = []
    unforbidden: list[str] = []
    for run in runs:
        if found := _missed(run, run.decision.outcome):
            told = {"missed": words.number(len(found)), "all": words.number(len(run.targets))}
            missed.append(words("decided.also.run", run=run.name, **told))
        if rules := _unforbidden(run, run.decision.outcome):
            told_rules = words.listed([_broken(rule, words) for rule in rules])
            unforbidden.append(words("decided.unforbidden.run", run=run.name, rules=told_rules))
    said = [words("decided.also.several", missed=words.listed(missed))] if missed else []
    said += [words("decided.unforbidden.several", rules=words.listed(unforbidden))] if unforbidden else []
    return " ".join(said)


def _sentence_gated(run: ReportedRun, baseline: ReportedRun, found: Comparison, outcome: Outcome, words: Words) -> str:
    names, metrics = {"run": run.name, "baseline": baseline.name}, found.verdict.metrics
    dropped = [metric for metric in metrics if metric.verdict == "dropped"]
    match outcome:
        case Outcome.INCOMPLETE if run.results.errors:
            return _sentence_alone(run, outcome, words)
        case Outcome.INCOMPLETE:
            return words("decided.incomplete_baseline", **names)
        case Outcome.REGRESSION if not dropped:
            return words("decided.rule", rule=_broken(found.verdict.broken_rules[0], words), **names)
        case Outcome.REGRESSION:
            drops = [
                words("decided.dropped", metric=one.name, points=words.points(one.compared.drop)) for one in dropped
            ]
            return words("decided.regression", drops=words.listed(drops), **names)
        case Outcome.PASS | Outcome.INCONCLUSIVE:
            open_ones = [one for one in metrics if outcome is Outcome.PASS or one.verdict != "cleared"]
            drops = [
                words("decided.drop", metric=one.name, points=words.points(one.compared.margin)) for one in open_ones
            ]
            cases = words.counted(found.verdict.cases, "case")
            return words(f"decided.{outcome}", drops=words.listed(drops), cases=cases, **names)
    return words(f"decided.{outcome}", **names)


def _also(run: ReportedRun, outcome: Outcome, words: Words) -> str:
    """What the decision must not be read without.

    That targets are missed although the gate has nothing against the run; that rules of zero tolerance were broken
    which the policy does not forbid; why a drop within the margin is a regression.
    """
    metrics = () if run.comparison is None else run.comparison.verdict.metrics
    within = [
        one.compared.margin for one in metrics if one.verdict == "dropped" and one.compared.drop < one.compared.margin
    ]
    said = []
    if outcome is Outcome.REGRESSION and within:
        said.append(words("decided.within", margin=words.points(within[0])))
    if missed := _missed(run, outcome):
        count = words.counted(len(missed), "target")
        said.append(words("decided.also", count=count, metrics=words.listed(missed)))
    if rules := _unforbidden(run, outcome):
        said.append(words("decided.unforbidden", rules=words.listed([_broken(rule, words) for rule in rules])))
    return " ".join(said)


def _missed(run: ReportedRun, outcome: Outcome) -> list[str]:
    """The targets that are missed, where the outcome does not say so."""
    if outcome not in (Outcome.PASS, Outcome.IDENTICAL, Outcome.INCONCLUSIVE):
        return []
    return [one.metric for one in run.targets if one.verdict is TargetVerdict.MISSED]


def _unforbidden(run: ReportedRun, outcome: Outcome) -> list[RuleVerdict]:
    """The rules that were broken and that the policy does not forbid, where the outcome is nothing against the run."""
    return [rule for rule in rules_of(run) if rule.occurrences and not rule.forbidden] if outcome in _UNOPPOSED else []


def rules_of(run: ReportedRun) -> Sequence[RuleVerdict]:
    """The rules of zero tolerance as the gate saw them, with the baseline's count; without it as the run has them."""
    if not run.results.complete:
        return ()
    return run.rules if run.comparison is None else run.comparison.verdict.rules or run.rules


def _alone(run: ReportedRun) -> Outcome:
    if not run.results.complete:
        return Outcome.INCOMPLETE
    if any(rule.forbidden and rule.occurrences for rule in run.rules):
        return Outcome.RULE_BROKEN
    verdicts = {target.verdict for target in run.targets}
    if TargetVerdict.MISSED in verdicts:
        return Outcome.TARGETS_MISSED
    if TargetVerdict.INCONCLUSIVE in verdicts:
        return Outcome.TARGETS_OPEN
    return Outcome.TARGETS_MET if verdicts else Outcome.MEASURED


def _sentence_alone(run: ReportedRun, outcome: Outcome, words: Words) -> str:
    results = run.results
    match outcome:
        case Outcome.INCOMPLETE:
            return words(
                "decided.incomplete",
                run=run.name,
                missing=words.number(len(results.errors)),
                rollouts=words.counted(results.rollouts, "rollout"),
            )
        case Outcome.RULE_BROKEN:
            broken = next(rule for rule in run.rules if rule.forbidden and rule.occurrences)
            return words("decided.rule", run=run.name, rule=_broken(broken, words))
        case Outcome.TARGETS_MET if len(run.targets) == 1:
            return words("decided.target_met", run=run.name, metrics=run.targets[0].metric)
        case Outcome.TARGETS_MET:
            return words("decided.targets_met", run=run.name, count=words.counted(len(run.targets), "target"))
        case Outcome.TARGETS_MISSED:
            return words("decided.targets_missed", run=run.name, metrics=_of(run, TargetVerdict.MISSED, words))
        case Outcome.TARGETS_OPEN:
            return words(
                "decided.targets_open",
                run=run.name,
                cases=words.counted(results.cases, "case"),
                metrics=_of(run, TargetVerdict.INCONCLUSIVE, words),
            )
    assert run.success.value is not None, "a complete run has values"
    return words("decided.measured", run=run.name, success=words.share(run.success.value))


def _of(run: ReportedRun, verdict: TargetVerdict, words: Words) -> str:
    return words.listed([f"{one.metric} ({words.level(one.least)})" for one in run.targets if one.verdict is verdict])


def _incomplete(run: ReportedRun, words: Words) -> Iterator[Fact]:
    """What is missing, and the command that carries the run on."""
    errors = run.results.errors
    if errors:
        total = words.counted(run.results.rollouts, "rollout")
        yield Fact(words("fact.missing"), f"{words.number(len(errors))} / {total}", run.stopped or errors[0].reason)
        yield Fact(words("fact.next"), run.resume)


def _rules(rules: Iterable[RuleVerdict], words: Words) -> Iterator[Fact]:
    """The rules of zero tolerance that were broken."""
    for rule in rules:
        if rule.forbidden and rule.occurrences:
            first = rule.occurrences[0]
            what = said(first.what, words.language, "occurrence")
            note = words("fact.rule.note", case=first.case, what=what)
            yield Fact(words("fact.rule"), _broken(rule, words), note)


def _tolerated(run: ReportedRun, words: Words) -> Iterator[Fact]:
    """The rules of zero tolerance that were broken and that the policy does not forbid."""
    for rule in rules_of(run):
        if rule.occurrences and not rule.forbidden:
            key = f"fact.rule.{rule.name}"
            label = words(key) if words.has(key) else rule.words
            total = words.counted(rule.rollouts, "rollout")
            value = words("fact.rule.value", count=words.number(len(rule.occurrences)), rollouts=total)
            note = words("fact.rule.allowed")
            if rule.before is not None:
                note = words("fact.rule.allowed.before", before=words.number(rule.before))
            yield Fact(label, value, note)


def _broken(rule: RuleVerdict, words: Words) -> str:
    key = f"rule.{rule.name}" if words.has(f"rule.{rule.name}") else "rule.other"
    return words(key, name=rule.words, rollouts=words.counted(len(rule.occurrences), "rollout"))


def _facts_gated(run: ReportedRun, found: Comparison, words: Words) -> Iterator[Fact]:
    verdict = found.verdict
    yield from _rules(verdict.rules, words)
    if verdict.lacking and not run.results.errors:
        yield Fact(words("fact.missing"), words("outcome.incomplete"), "; ".join(verdict.lacking))
    if verdict.differs:
        yield Fact(words("fact.differs"), words.number(len(verdict.differs)), "; ".join(verdict.differs))
        yield Fact(words("fact.next"), _advice(verdict, words))
    if run.digest is not None and verdict.identical:
        yield Fact(words("fact.digest"), run.digest[:16], words("fact.digest.note"))
    for metric in verdict.metrics:
        yield _change(metric, words, interval_named(found, words))
    if (look := verdict.sequential) is not None:
        value = words("fact.look.value", number=words.number(look.number), of=words.number(look.of))
        told = {"cases": words.number(look.cases), "planned": words.counted(look.planned, "case")}
        told |= {"level": words.level(look.level), "alpha": words.level(look.alpha)}
        yield Fact(words("fact.look"), value, words("fact.look.note", **told))
    if verdict.metrics:
        first = verdict.metrics[0].compared
        yield from _tolerated(run, words)
        yield Fact(words("fact.margin"), _margins(verdict.metrics, words), words("fact.margin.note"))
        if first.mde >= 1.0:
            yield Fact(words("fact.detectable"), words("fact.detectable.nothing"))
        else:
            note = words("fact.detectable.note", floor=words.points(first.floor))
            yield Fact(words("fact.detectable"), words.points(first.mde), note)
        judged = sum(case.operator != CONTROL for case in run.cases)
        note = words(
            "fact.cases.note", total=words.counted(judged, "case"), branches=words.counted(_groups(run), "cluster")
        )
        yield Fact(words("fact.cases"), words.number(first.n), note)
        flips = {"fixed": words.number(len(found.fixed)), "broken": words.number(len(found.broken))}
        yield Fact(words("fact.flips"), words("fact.flips.value", **flips))
        yield from _facts_of_targets(run, words)
    else:
        yield from _facts_alone(run, words)


def _advice(verdict: Verdict, words: Words) -> str:
    """What makes the runs comparable: what the gate advises."""
    from samescore.harness.gate.told import remedy

    advice = remedy(verdict)
    return next((words(key) for key in ADVICE if words.texts[key][0] == advice), advice)


def _margins(metrics: Sequence[MetricVerdict], words: Words) -> str:
    """The margins, of several metrics with their names."""
    if len(metrics) == 1:
        return words.points(metrics[0].compared.margin)
    return ", ".join(f"{metric.name} {words.points(metric.compared.margin)}" for metric in metrics)


def interval_named(found: Comparison, words: Words) -> str:
    """The interval of a change with its level, and why that is more than the policy's own."""
    verdict, look = found.verdict, found.verdict.sequential
    own = (verdict.alpha if look is None else look.alpha) * found.tries
    level, plain = words.level(1 - 2 * verdict.alpha), words.level(1 - 2 * own)
    reasons = []
    if found.tries > 1:
        reasons.append(words("interval.tries", tries=words.counted(found.tries, "try")))
    if look is not None:
        reasons.append(words("interval.looks", looks=words.counted(look.of, "look")))
    if not reasons:
        return words("interval", level=level)
    return words("interval.wide", level=level, plain=plain, reasons=words.listed(reasons))


def _change(metric: MetricVerdict, words: Words, interval: str) -> Fact:
    one = metric.compared
    note = words(
        "fact.change.note",
        before=words.share(metric.before),
        after=words.share(metric.after),
        interval=interval,
        low=words.signed(-one.high),
        high=words.signed(-one.low),
    )
    value = f"{words.signed(-one.drop)} · {words(f'verdict.{metric.verdict}')}"
    return Fact(words("fact.change", metric=metric.name), value, note)


def _facts_of_targets(run: ReportedRun, words: Words) -> Iterator[Fact]:
    if run.targets:
        met = sum(target.verdict is TargetVerdict.MET for target in run.targets)
        value = words("fact.targets.value", met=words.number(met), total=words.number(len(run.targets)))
        yield Fact(words("fact.targets"), value, _rest(run.targets, words))


def _facts_alone(run: ReportedRun, words: Words) -> Iterator[Fact]:
    success, results = run.success, run.results
    key = "fact.bounds.note" if success.value is None else "fact.interval.note"
    interval = words(key, low=words.share(success.low), high=words.share(success.high))
    yield Fact(words("fact.success"), "–" if success.value is None else words.share(success.value), interval)
    yield from _facts_of_targets(run, words)
    yield from _tolerated(run, words)
    if success.value is not None:
        width = words.points((success.high - success.low) / 2)
        yield Fact(words("fact.precision"), f"± {width}", words("fact.precision.note"))
    branches = sum(procedure.branches - len(procedure.untried) for procedure in run.procedures)
    note = words(
        "fact.cases.alone",
        branches=words.counted(branches or len(results.branches), "branch"),
        epochs=words.counted(run.epochs, "epoch"),
    )
    yield Fact(words("fact.cases"), words.number(results.cases), note)
    if success.floor is not None:
        note = words("fact.floor.note", policy=success.floor.policy)
        yield Fact(words("fact.floor"), words.share(success.floor.value), note)


def _groups(run: ReportedRun) -> int:
    """The groups of cases that resemble each other: branches, where there are any."""
    return len({case.group for case in run.cases})


def _rest(targets: tuple[Target, ...], words: Words) -> str:
    """The targets that are not met, by verdict."""
    parts = []
    for verdict in (TargetVerdict.MISSED, TargetVerdict.INCONCLUSIVE):
        if names := [target.metric for target in targets if target.verdict is verdict]:
            parts.append(f"{words(f'target.{verdict}')}: {words.listed(names)}")
    return "; ".join(parts)


def _limits(run: ReportedRun, words: Words) -> Iterator[str]:
    """What nobody may conclude from this run, the most important first."""
    found = run.comparison
    if found is not None and found.verdict.metrics:
        groups = _groups(run)
        kind = "unclustered" if groups == run.results.cases else "sample" if found.sampled else "population"
        yield words(f"limit.{kind}", branches=words.number(groups), cases=words.number(found.verdict.cases))
        if found.verdict.share < 1.0:
            total = words.counted(round(found.verdict.cases / found.verdict.share), "case")
            yield words("limit.common", common=words.number(found.verdict.cases), total=total)
        if found.verdict.warnings:
            yield words("limit.warned", what="; ".join(found.verdict.warnings))
    if run.completed is not None:
        seen, planned = words.number(run.completed["cases"]), words.counted(run.completed["planned"], "case")
        yield words("limit.early", cases=seen, planned=planned)
    if moved := [one for one in run.moved if one.since == "training"]:
        yield words("limit.moved", count=words.counted(len(moved), "target"))
    if untried := {one.name: len(one.untried) for one in run.procedures if one.untried}:
        names = words.listed([f"{name} {words.number(count)}" for name, count in untried.items()])
        yield words("limit.untried", count=words.counted(sum(untried.values()), "branch"), names=names)
    if uncovered := sum(len(procedure.uncovered) for procedure in run.procedures):
        yield words("limit.uncovered", count=words.counted(uncovered, "obligation"))
    if run.limit is not None:
        cases = words.counted(run.results.cases, "case")
        yield words("limit.plan", cases=cases, limit=words.number(run.limit))
    if run.epochs == 1:
        yield words("limit.greedy" if run.temperature == 0 else "limit.once")
    if run.procedures and not run.results.operators:
        yield words("limit.harder")
    if len(run.results.locales) == 1:
        (locale,) = run.results.locales
        yield words("limit.locales", locales=words(f"locale.{locale}") if words.has(f"locale.{locale}") else locale)
    if run.lenient:
        yield words("limit.lenient")
    if run.redacted:
        yield words("limit.redacted")
    yield words("limit.scripted")
