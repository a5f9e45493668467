"""The scores of a run, from its evidence: those of the last scoring where they still hold, else it is scored again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from samescore.harness.counted import counted
from samescore.harness.errors import EvidenceUnwritable, InfrastructureError
from samescore.harness.kept import Outcomes, outcomes_kept, outcomes_of
from samescore.harness.run import Run

if TYPE_CHECKING:
    from samescore.harness.plan import CaseSuite
    from samescore.harness.rescore import Scored


@dataclass(frozen=True)
class RunScores:
    """What came of the rollouts of one run, by case and in the order of the plan, epoch after epoch.

    `again` says why the run had to be scored again; None where its last scores held. `lacking` says why it is
    incomplete, and then there are no outcomes.
    """

    run: Run
    outcomes: Outcomes
    again: str | None = None
    lacking: str | None = None

    @cached_property
    def controls(self) -> frozenset[str]:
        """The cases that count in no metric: those run as they were, beside harder ones."""
        controls = frozenset(case for case, epochs in self.outcomes.items() if epochs[0].control)
        return controls if len(controls) < len(self.outcomes) else frozenset()


def held_scores(run: Run, because: str | None = None) -> RunScores:
    """The scores of the last scoring if they hold, as scorers are now; `because` is why they cannot, in any case.

    Where they do not, there are no outcomes, and the run is either lacking or to be scored `again`.

    Raises:
        EvidenceDamaged, ForeignEvidence: see `Run.records`.
    """
    from samescore.harness.scorers import RUBRIC

    outcomes, why = outcomes_kept(run, RUBRIC)
    why = why or because
    if why is None:
        return RunScores(run, outcomes)
    missing = _lacking(run)
    return RunScores(run, {}, why if missing is None else None, missing)


def with_scores(held: RunScores, suites: Sequence[str] = ()) -> RunScores:
    """The same with its outcomes: scored again if it must be, and kept where the run's folder can be written.

    `suites` are the names or paths of those suites that are not where the run recorded them.

    Raises:
        UnknownName, UsageError: it must be scored again, and its suites are not at hand.
        WorldError: a world's own code crashed.
    """
    if held.again is None:
        return held
    run = held.run
    scored = _again(run, suites)
    broken = [one for one in scored if one.error is not None]
    if broken:
        first = broken[0]
        return RunScores(
            run,
            {},
            held.again,
            f"{run.directory}: {counted(len(broken), 'rollout')} of {len(run.due)} cannot be scored again, such as "
            f"{first.record.case}, epoch {first.record.epoch}: {first.error!s:.300}",
        )
    return RunScores(run, outcomes_of(run.due, scored), held.again)


def require_complete(baseline: RunScores) -> RunScores:
    """The scores of a baseline.

    Raises:
        InfrastructureError: it is incomplete.
    """
    if baseline.lacking is not None:
        raise InfrastructureError(f"the baseline must be complete. {baseline.lacking}")
    return baseline


def _lacking(run: Run) -> str | None:
    """Why a run is incomplete by its evidence, with the command that carries it on; None if every rollout was had."""
    records = run.records()
    if not run.pending(records):
        return None
    errors = [record for record in records if record.error is not None]
    missing = len(run.plan) - len(records)
    parts = []
    if missing:
        had = {(record.case, record.epoch) for record in records}
        first = next(item for item in run.plan.items() if (item.case, item.epoch) not in had)
        are = "is" if missing == 1 else "are"
        parts.append(f"{missing:,} {are} missing (such as {first.case}, epoch {first.epoch})")
    if errors:
        first_error = errors[0]
        parts.append(
            f"{counted(len(errors), 'error')} (such as {first_error.case}, epoch {first_error.epoch}: "
            f"{first_error.error!s:.200})"
        )
    return (
        f"{run.directory}: of {len(run.plan)} planned rollouts {' and '.join(parts)}. Carry it on: {run.resume_command}"
    )


def _again(run: Run, suites: Sequence[str]) -> tuple[Scored, ...]:
    from samescore.harness.cli.loading import suites_of, worlds_of
    from samescore.harness.rescore import keep, rescore

    found: list[CaseSuite] = suites_of(run, suites)
    scored = tuple(rescore(run, found, worlds_of(found)))
    with suppress(EvidenceUnwritable):  # they are scored again the next time
        keep(run, scored)
    return scored
