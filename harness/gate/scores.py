"""The scores of a run, from its evidence: those of the last scoring where they still hold, else the run scored again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from samescore.harness.counted import counted
from samescore.harness.errors import EvidenceUnwritable
from samescore.harness.kept import Row, row_of, rows_kept
from samescore.harness.run import Run

if TYPE_CHECKING:
    from samescore.harness.plan import CaseSuite
    from samescore.harness.rescore import Scored


@dataclass(frozen=True, slots=True)
class RunScores:
    """The scored rollouts of one run, by case and in the order of the plan, epoch after epoch.

    `again` says why the run had to be scored again; None where its last scores held. `lacking` says why it is
    incomplete, and then there are no rows.
    """

    run: Run
    rows: Mapping[str, Sequence[Row]]
    again: str | None = None
    lacking: str | None = None

    @property
    def controls(self) -> frozenset[str]:
        """The cases that count in no metric: those run as they were, beside harder ones."""
        controls = frozenset(case for case, rows in self.rows.items() if rows[0].control)
        return controls if len(controls) < len(self.rows) else frozenset()


def lacking(run: Run) -> str | None:
    """Why a run is incomplete by its evidence, with the command that carries it on; None if every rollout was had.

    Raises:
        EvidenceDamaged, ForeignEvidence: see `Run.records`.
    """
    records = run.records()
    if not run.pending(records):
        return None
    errors = [record for record in records if record.error is not None]
    missing = len(run.plan) - len(records)
    parts = []
    if missing:
        had = {(record.case, record.epoch) for record in records}
        first = next(item for item in run.plan.items() if (item.case, item.epoch) not in had)
        parts.append(f"{counted(missing, 'rollout')} missing (such as {first.case}, epoch {first.epoch})")
    if errors:
        first_error = errors[0]
        parts.append(
            f"{counted(len(errors), 'error')} (such as {first_error.case}, epoch {first_error.epoch}: "
            f"{str(first_error.error):.200})"
        )
    return f"{run.directory}: of {len(run.plan)} planned rollouts {' and '.join(parts)}. Carry it on: {run.resume_command}"


def scores_of(run: Run, suites: Sequence[str] = (), because: str | None = None) -> RunScores:
    """The scores of a run, as scorers are now; `because` gives a reason to score it again in any case.

    `suites` are the names or paths of those suites that are not where the run recorded them. What is scored again is
    kept, where the run's folder can be written.

    Raises:
        EvidenceDamaged, ForeignEvidence: see `Run.records`.
        UnknownName, UsageError: it must be scored again, and its suites are not at hand.
        WorldError: a world's own code crashed.
    """
    from samescore.harness.scorers import RUBRIC

    rows, why = rows_kept(run, RUBRIC)
    why = why or because
    if why is None:
        return RunScores(run, _by_case(run, rows))
    if (missing := lacking(run)) is not None:
        return RunScores(run, {}, why, missing)
    scored = _again(run, suites)
    broken = [one for one in scored if one.error is not None]
    if broken:
        first = broken[0]
        return RunScores(
            run,
            {},
            why,
            f"{run.directory}: {counted(len(broken), 'rollout')} of {len(run.plan)} cannot be scored again, such as "
            f"{first.record.case}, epoch {first.record.epoch}: {str(first.error):.300}",
        )
    return RunScores(run, _by_case(run, map(row_of, scored)), why)


def _again(run: Run, suites: Sequence[str]) -> tuple[Scored, ...]:
    from samescore.harness.cli.loading import suites_of, worlds_of
    from samescore.harness.rescore import keep, rescore

    found: list[CaseSuite] = suites_of(run, suites)
    scored = tuple(rescore(run, found, worlds_of(found)))
    with suppress(EvidenceUnwritable):  # they are scored again the next time
        keep(run, scored)
    return scored


def _by_case(run: Run, rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {case.id: [] for case in run.plan.cases}
    for row in rows:
        found[row.case].append(row)
    if run.plan.epochs > 1:
        for of_case in found.values():
            of_case.sort(key=lambda row: row.epoch)
    return found
