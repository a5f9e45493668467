"""The verdict in words and as JSON: the object that `samescore gate --json` prints, and the decision in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from samescore.harness.counted import counted
from samescore.harness.gate.pairs import Moved
from samescore.harness.gate.sequential import EARLY
from samescore.harness.gate.verdict import (
    CLEARED,
    DROPPED,
    OPEN,
    AtLook,
    Decision,
    MetricVerdict,
    RuleVerdict,
    Verdict,
)


def sentence(verdict: Verdict) -> str:
    """The decision, and why, in one or two sentences."""
    match verdict.decision:
        case Decision.PASS:
            return _passed(verdict)
        case Decision.REGRESSION:
            return _regressed(verdict)
        case Decision.INCONCLUSIVE:
            return _open(verdict)
        case Decision.IDENTICAL:
            return (
                "the candidate is the baseline's own model: there is nothing to compare. What differs between the runs "
                "comes from sampling, backend or chance, not from the adapter."
            )
        case Decision.INCOMPARABLE:
            return f"the runs cannot be compared: {'; '.join(verdict.differs)}. {remedy(verdict)}"
        case Decision.INCOMPLETE:
            return "; ".join(verdict.lacking)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The object that `--json` prints."""
    changes = verdict.tool_changes
    return {
        "verdict": verdict.decision.value,
        "exit": int(verdict.exit),
        "reason": sentence(verdict),
        "metrics": {metric.name: _metric_json(metric) for metric in verdict.metrics},
        "fixed": list(verdict.fixed),
        "broken": list(verdict.broken),
        "differs": list(verdict.differs),
        "lacking": list(verdict.lacking),
        "rescored": list(verdict.again),
        "warnings": list(verdict.warnings),
        "identical": verdict.identical,
        "cases": verdict.cases,
        "share": verdict.share,
        "alpha": verdict.alpha,
        "population": verdict.population,
        "rules": {rule.name: rule_json(rule) for rule in verdict.rules},
        "described": {one.name: {"before": one.before, "after": one.after, "n": one.n} for one in verdict.described},
        "changes": {name: {"before": one.before, "after": one.after} for name, one in verdict.changes.items()},
        "branches": _moved_json(verdict.branches),
        "tools": _moved_json(verdict.tools),
        "pass_k": [{"k": one.k, "before": one.before, "after": one.after} for one in verdict.pass_k],
        "sequential": None if verdict.sequential is None else look_json(verdict.sequential),
        "tool_changes": None
        if changes is None
        else [{"tool": one.tool, "where": one.where, "what": one.what, "breaking": one.breaking} for one in changes],
    }


def look_json(look: AtLook) -> dict[str, Any]:
    """The look of a sequential verdict in JSON."""
    return {
        "look": look.number,
        "of": look.of,
        "cases": look.cases,
        "planned": look.planned,
        "level": look.level,
        "alpha": look.alpha,
    }


def look_in_words(look: AtLook) -> str:
    """What makes a verdict a sequential one."""
    return f"{look}, judged at {look.level:.4f} so that {look.alpha:g} holds over all looks"


def at_look_line(verdict: Verdict) -> str:
    """What is said while a run goes on: how it stands at this look, in one line."""
    standing = "open" if verdict.decision is Decision.INCONCLUSIVE else verdict.decision.value
    several = len(verdict.metrics) > 1
    parts = [standing]
    for metric in verdict.metrics:
        one, name = metric.compared, f"{metric.name} " if several else ""
        parts.append(f"{name}drop {signed(one.drop)} [{signed(one.low)}, {signed(one.high)}]")
    parts += [str(rule) for rule in verdict.broken_rules]
    return f"{verdict.sequential}: {', '.join(parts)}"


def excluded(rule: RuleVerdict) -> str:
    """What it proves that a rule was never broken."""
    return f"proves no more than a rate under {rule.excludes:.2%} (about 3/n)"


def signed(value: float) -> str:
    """A drop with its sign; a rounded zero has none."""
    text = f"{value:+.3f}"
    return "0.000" if text in ("+0.000", "-0.000") else text


def _passed(verdict: Verdict) -> str:
    parts = [
        f"a drop of {metric.name} by {metric.compared.margin:g} is excluded: "
        + (
            f"it is at most {signed(high)}"
            if (high := metric.compared.high) >= 0
            else f"it rises by {-high:.3f} or more"
        )
        for metric in verdict.metrics
    ]
    return f"{'; '.join(parts)} ({_confidence(verdict)})."


def _regressed(verdict: Verdict) -> str:
    parts = [
        f"{metric.name} drops by {metric.compared.drop:.3f} (from {metric.before:.3f} to {metric.after:.3f}), "
        f"p = {metric.compared.p_drop:.2g} for no drop"
        for metric in verdict.metrics
        if metric.verdict == DROPPED
    ]
    parts += [f"{rule}, which the policy never allows" for rule in verdict.broken_rules]
    return f"{'; '.join(parts)}."


def _open(verdict: Verdict) -> str:
    parts = [_why_open(metric) for metric in verdict.metrics if metric.verdict == OPEN]
    cleared = [metric.name for metric in verdict.metrics if metric.verdict == CLEARED]
    also = f" {', '.join(cleared)} {'is' if len(cleared) == 1 else 'are'} cleared." if cleared else ""
    return f"{' '.join(parts)}{also}"


def _why_open(metric: MetricVerdict) -> str:
    one, name, cases = metric.compared, metric.name, counted(metric.compared.n, "case")
    if one.clusters == 1 and one.floor >= 1.0:
        return (
            f"{name}: all cases are of one branch, which says nothing of branches like it. Take cases of more "
            'branches, or claim no more than this one: branches = "population" in the policy.'
        )
    if one.floor >= one.margin:
        return (
            f"{name}: {cases} cannot show that a drop is under {one.margin:g}: where none differs, one of "
            f"{one.floor:.3f} stays possible. Take more cases or branches, or a wider margin; `samescore plan` "
            "says which of them can be enough."
        )
    return (
        f"{name}: the drop is {signed(one.drop)} and may be {signed(one.high)}, so that the margin of {one.margin:g} "
        f"is not excluded, nor is no drop at all. {cases} like these detect a drop of {one.mde:.3f}: take more cases, "
        "epochs or branches, or a wider margin; `samescore plan` says which of them can be enough."
    )


def remedy(verdict: Verdict) -> str:
    """What makes two runs comparable that are not."""
    if any(words.startswith(EARLY) for words in verdict.differs):
        return (
            "Evaluate what ended early again without --sequential; or judge it by the comparison that it was planned "
            "for."
        )
    if any(words.startswith(("suites:", "cases:")) for words in verdict.differs) and len(verdict.differs) == 1:
        return "Evaluate the candidate on the suites that the baseline was run on, with the same --limit."
    return "Evaluate one of them again as the other was run."


def _confidence(verdict: Verdict) -> str:
    look = verdict.sequential
    if look is not None:
        return f"one-sided, {1 - look.level:.4g} confidence at this look, {1 - look.alpha:.4g} over all"
    return f"one-sided, {1 - verdict.alpha:.4g} confidence"


def _metric_json(metric: MetricVerdict) -> dict[str, Any]:
    one = metric.compared
    return {
        "drop": one.drop,
        "low": one.low,
        "high": one.high,
        "margin": one.margin,
        "mde": one.mde,
        "verdict": metric.verdict,
        "floor": one.floor,
        "p_drop": one.p_drop,
        "before": metric.before,
        "after": metric.after,
        "n": one.n,
        "clusters": one.clusters,
        "design_effect": one.design_effect,
    }


def rule_json(rule: RuleVerdict) -> dict[str, Any]:
    """A rule of zero tolerance in JSON."""
    return {
        "forbidden": rule.forbidden,
        "rollouts": rule.rollouts,
        "cases": rule.cases,
        "excludes": None if rule.occurrences else rule.excludes,
        "before": rule.before,
        "occurrences": [{"case": one.case, "epoch": one.epoch, "what": one.what} for one in rule.occurrences],
    }


def _moved_json(moved: Iterable[Moved]) -> dict[str, Any]:
    return {one.name: {"before": one.before, "after": one.after, "n": one.n} for one in moved}
