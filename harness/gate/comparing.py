"""From the scores of comparable, complete runs to a verdict: each metric's numbers, the rules, and what follows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from samescore.harness.errors import UsageError
from samescore.harness.gate.comparable import Common
from samescore.harness.gate.pairs import Pairs, pairs_of
from samescore.harness.gate.policy import Policy
from samescore.harness.gate.rule_verdicts import rule_verdicts
from samescore.harness.gate.scores import RunScores
from samescore.harness.gate.verdict import Decision, Described, MetricVerdict, Verdict, decided
from samescore.harness.plan import PlannedCase
from samescore.harness.run import Run
from samescore.harness.stats.noninferiority import Compared, compare, standings


def compared(
    candidates: Sequence[RunScores],
    baseline: RunScores,
    common: Common,
    policy: Policy,
    *,
    identical: bool = False,
    seen: Collection[str] | None = None,
    level: float | None = None,
) -> Verdict:
    """The verdict on the common cases; `identical` runs have nothing to compare.

    At a look it is on those that were `seen`, at a `level` of its own. Where these do not have all of the policy's
    metrics yet, none is judged.

    Raises:
        UsageError: the policy judges a metric that no common case has.
    """
    every = [case for case in common.cases if case.id not in baseline.controls]
    cases = every if seen is None else [case for case in every if case.id in seen]
    counted = candidates if policy.retries == "pooled" else [max(candidates, key=lambda run: run.run.manifest.started)]
    level = policy.level if level is None else level
    rules = rule_verdicts(candidates, baseline, policy)
    pairs = pairs_of(cases, counted, baseline) if cases else None
    if len(cases) < len(every) and (pairs is None or not policy.margins.keys() <= pairs.metrics.keys()):
        broken = any(rule.forbidden and rule.occurrences for rule in rules)
        return Verdict(Decision.REGRESSION if broken else Decision.INCONCLUSIVE, rules=rules, cases=len(cases))
    assert pairs is not None, "runs without a common case are not compared"
    metrics = _metrics(pairs, policy, level)
    return Verdict(
        decided(metrics, rules, identical=identical),
        metrics=metrics,
        rules=rules,
        fixed=tuple(case.name for case in pairs.fixed),
        broken=tuple(case.name for case in pairs.broken),
        population=_population(every, counted[0].run, policy),
        identical=identical,
        cases=len(cases),
        share=common.share,
        alpha=level,
        described=tuple(
            Described(one.name, *one.means, len(one.before))
            for name, one in pairs.metrics.items()
            if name not in policy.margins
        ),
        changes={case.name: case for case in (*pairs.broken, *pairs.fixed)},
        branches=pairs.branches,
        tools=pairs.tools,
        pass_k=pairs.pass_k,
    )


def _metrics(pairs: Pairs, policy: Policy, level: float) -> tuple[MetricVerdict, ...]:
    found: dict[str, Compared] = {}
    for name, margin in policy.margins.items():
        if name not in pairs.metrics:
            raise unknown_metric(name, pairs.metrics)
        one = pairs.metrics[name]
        sampled = policy.branches == "sample"
        found[name] = compare(
            one.before,
            one.after,
            one.branches if sampled else None,
            margin,
            alpha=level,
            rho0=policy.correlation(len(set(one.branches))) if sampled else 0.0,
            metrics=len(policy.margins),
        )
    stand = standings(list(found.values()), level)
    return tuple(
        MetricVerdict(name, one, standing, *pairs.metrics[name].means)
        for (name, one), standing in zip(found.items(), stand, strict=True)
    )


def unknown_metric(name: str, known: Iterable[str]) -> UsageError:
    """That the policy judges a metric which no common case has."""
    return UsageError(
        f"the policy gives {name} a margin, and no common case has that metric. Leave it out; the cases have "
        f"{', '.join(known)}."
    )


def _population(cases: Iterable[PlannedCase], run: Run, policy: Policy) -> str:
    """What the claim is about, in words."""
    known = list(cases)
    plan = run.plan
    branches = len({case.group for case in known})
    suites = ", ".join(f"{suite.name} v{suite.version}" for suite in plan.suites)
    languages = ", ".join(sorted({case.locale for case in known}))
    if branches == len(known):
        of = f"cases like these {len(known)}"
    elif policy.branches == "sample":
        of = f"branches like these {branches}, and cases like these {len(known)}"
    else:
        of = f"these {branches} branches and no others, and cases like these {len(known)} of them"
    decoding = "greedy decoding" if plan.temperature == 0 else f"sampling at temperature {plan.temperature:g}"
    place = "procedure in the prompt" if plan.procedure == "prompt" else "procedure not in the prompt"
    return f"{of}, of {suites} ({languages}); {decoding}, {place}"
