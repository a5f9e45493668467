"""The gate: is a candidate no worse than its baseline? Two runs in, a verdict out. No model and no GPU is needed.

comparable   what differs between the runs, and what follows
scores       the scores of a run, from its evidence
pairs        the common cases side by side, epochs averaged
comparing    their numbers, and the verdict that follows
sequential   what a run records that is judged while it goes on, and what such a run is good for
looks        verdicts on the cases seen so far
rules        zero tolerance, and what never having seen it proves
policy       what is asked: margins, confidence, population
verdict      what is answered, and how that follows
targets      a run judged without a baseline
told         the answer in words and as JSON
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samescore.harness.gate.policy import Policy as Policy
    from samescore.harness.gate.verdict import Decision as Decision, Verdict as Verdict
    from samescore.harness.run import Run

__all__ = ["Decision", "Policy", "Verdict", "gate"]

_HOMES = {"Policy": "policy", "Decision": "verdict", "Verdict": "verdict"}


def gate(
    candidate: Run | Sequence[Run],
    baseline: Run,
    policy: Policy | None = None,
    *,
    suites: Sequence[str] = (),
    same_model: bool = False,
) -> Verdict:
    """Judge a candidate against a baseline on their common cases; without a policy by the default one.

    A candidate that was judged against this baseline while it went on (`samescore eval --sequential`) is judged by its
    looks, and without a policy by the one that it recorded. One that was ended early is incomparable otherwise.

    Several runs of one candidate are pooled or charged, as the policy says. `suites` are the names or paths of those
    that are not where a run recorded them, should it have to be scored again. `same_model` judges a candidate that is
    the baseline's own model by its numbers, as if it were another: an A/A test of the gate.

    Raises:
        UsageError: the candidate's runs are not of one model; the policy names a metric that no common case has; or a
            run must be scored again, and its suites are not at hand.
        EvidenceDamaged, ForeignEvidence: the evidence of a run cannot be read.
        WorldError: a world's own code crashed when a run was scored again.
    """
    from samescore.harness.gate.judging import judged
    from samescore.harness.run import Run

    candidates = (candidate,) if isinstance(candidate, Run) else tuple(candidate)
    return judged(candidates, baseline, policy, suites, same_model)


def __getattr__(name: str) -> Any:
    """Loaded when first used: what decides needs scorers, and the rules alone do not."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
