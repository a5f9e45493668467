"""From runs to a verdict, step by step: are they comparable and complete, then the numbers, then what follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from samescore.harness.errors import UsageError
from samescore.harness.gate.comparable import (
    blocking,
    common_cases,
    digest,
    too_few,
    toolsets_differ,
    warnings,
    worlds_differ,
)
from samescore.harness.gate.comparing import compared
from samescore.harness.gate.looks import verdict_of_looks
from samescore.harness.gate.policy import Policy
from samescore.harness.gate.scores import held_scores, with_scores
from samescore.harness.gate.sequential import early_differences, judged_by, planned_comparison
from samescore.harness.gate.verdict import Decision, Verdict
from samescore.harness.plan import PlannedCase
from samescore.harness.run import Run
from samescore.harness.tool_diff.tools import ToolChange


def judged(
    candidates: Sequence[Run], baseline: Run, said: Policy | None, suites: Sequence[str], same_model: bool
) -> Verdict:
    """See `samescore.harness.gate.gate`."""
    planned = planned_comparison(candidates, baseline, said)
    policy = judged_by(said, planned)
    _require_one_candidate(candidates, policy)
    identical = any(_same(run, baseline) for run in candidates)
    plans = [run.plan.cases for run in candidates]
    common = common_cases(_in_all(plans), baseline.plan.cases)
    differs = [words for run in candidates for words in blocking(run, baseline)]
    if not differs and (few := too_few(common, policy.common, candidates[0].plan, baseline.plan)) is not None:
        differs = [few]
    differs += early_differences(candidates, baseline, said)
    differs = list(dict.fromkeys(differs))
    held = [held_scores(run, _because(run, candidates, baseline)) for run in (*candidates, baseline)]
    warned = tuple(dict.fromkeys(words for run in candidates for words in _warnings(run, candidates, baseline)))
    if differs or any(run.lacking for run in held):
        found = tuple(run.lacking for run in held if run.lacking is not None)
        return Verdict(
            Decision.INCOMPLETE if found else Decision.INCOMPARABLE,
            differs=tuple(differs),
            lacking=found,
            warnings=warned,
            identical=identical,
            tool_changes=_tool_changes(candidates[0], baseline),
        )
    runs = [with_scores(run, suites) for run in held]
    again = tuple(f"{run.run.directory}: {run.again}" for run in runs if run.again is not None)
    if found := tuple(run.lacking for run in runs if run.lacking is not None):
        return Verdict(Decision.INCOMPLETE, lacking=found, again=again, warnings=warned, identical=identical)
    if all(case.id in runs[-1].controls for case in common.cases):
        return Verdict(Decision.INCOMPARABLE, differs=("cases: the runs share none but controls",), again=again)
    if planned is not None:
        verdict = verdict_of_looks(runs[0], runs[-1], common, planned)
        warned = (*verdict.warnings, *warned)
    else:
        verdict = compared(runs[:-1], runs[-1], common, policy, identical=identical and not same_model)
    return replace(verdict, again=again, warnings=warned, identical=identical)


def _require_one_candidate(candidates: Sequence[Run], policy: Policy) -> None:
    if not candidates:
        raise UsageError("no candidate: name the run that is to be judged.")
    first = candidates[0]
    for other in candidates[1:]:
        if (digest(first.manifest), first.manifest.model) != (digest(other.manifest), other.manifest.model):
            raise UsageError(
                f"{first.directory} and {other.directory} are runs of different models. Several candidates are tries "
                "of one model; judge each of these by itself."
            )
    places = [run.directory.resolve() for run in candidates]
    if len(set(places)) < len(places):
        raise UsageError(f"{first.directory}: a run counts once. Name each run of the candidate once.")
    if policy.retries == "charged" and len(candidates) > policy.tries:
        raise UsageError(
            f"{len(candidates)} runs of the candidate, and the policy allows {policy.tries} tries. Raise `tries`, "
            "which makes every verdict stricter, or judge by the runs that were allowed."
        )


def _same(run: Run, baseline: Run) -> bool:
    known = digest(run.manifest)
    if known is not None and known == digest(baseline.manifest):
        return True
    return run.directory.resolve() == baseline.directory.resolve()


def _in_all(plans: Sequence[Sequence[PlannedCase]]) -> list[PlannedCase]:
    """The cases that every run of the candidate planned."""
    prints = [{case.id: case.fingerprint for case in plan} for plan in plans[1:]]
    return [case for case in plans[0] if all(one.get(case.id) == case.fingerprint for one in prints)]


def _because(run: Run, candidates: Sequence[Run], baseline: Run) -> str | None:
    """Why a run must be scored again although its scores may hold: worlds of other versions may answer otherwise."""
    others = [baseline] if run is not baseline else candidates
    for other in others:
        one, two = (run, other) if run is not baseline else (other, run)
        if found := worlds_differ(one.manifest, two.manifest):
            return found[0]
    return None


def _warnings(run: Run, candidates: Sequence[Run], baseline: Run) -> Iterator[str]:
    yield from warnings(run.manifest, baseline.manifest)
    alike = [other for other in candidates if other is not run and other.plan.seed == run.plan.seed]
    if alike and run.plan.temperature > 0:
        yield f"seed: {run.plan.seed} in several runs of the candidate, which then repeat each other"
    elif run.plan.temperature == 0 and len(candidates) > 1:
        yield "the candidate's runs are greedy, so that they repeat each other"


def _tool_changes(candidate: Run, baseline: Run) -> tuple[ToolChange, ...] | None:
    """What changed in the tools since the baseline, if anything; None where a run did not record them."""
    from samescore.harness.tool_diff import between_runs

    if not toolsets_differ(candidate.manifest, baseline.manifest):
        return ()
    return between_runs(baseline, candidate)
