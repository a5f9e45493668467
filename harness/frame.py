"""A run as a pandas frame: a row per rollout that is due, whatever became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from samescore.harness.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from samescore.harness.plan import Item
    from samescore.harness.records import Record
    from samescore.harness.run import Run


def frame_of(run: Run) -> pd.DataFrame:
    """The run's rollouts, all that are due, with the values of its last scoring.

    Columns: `case`, `suite`, `cluster`, `locale`, `epoch`, one per scorer, `stop`, `error`, `turns`, `tokens` (of the
    completions) and `seconds`. A value is NaN where the scorer does not apply, and all are where there is an `error`; a
    rollout that was never had is one, so that the denominator stays the plan.

    Raises:
        UsageError: the run was not scored, or was carried on since.
    """
    import pandas as pd

    kept = run.kept_scores()
    scored = {(row["case"], row["epoch"]): row for row in kept["rows"]}
    records = {(record.case, record.epoch): record for record in run.records()}
    cases = {case.id: case for case in run.plan.cases}
    rows: list[dict[str, Any]] = []
    for item in run.due.items():
        case, record = cases[item.case], records.get((item.case, item.epoch))
        scores, error = _outcome(run, item, record, scored.get((item.case, item.epoch)))
        rows.append(
            {
                "case": item.case,
                "suite": case.suite,
                "cluster": case.cluster,
                "locale": case.locale,
                "epoch": item.epoch,
                **{name: scores.get(name) for name in kept["scorers"]},
                "stop": record.stop.value if record and record.stop else None,
                "error": error,
                "turns": len(record.turns) if record else 0,
                "tokens": record.tokens if record else 0,
                "seconds": record.seconds if record else None,
            }
        )
    return pd.DataFrame(rows).astype(dict.fromkeys((*kept["scorers"], "seconds"), "float64"))


def _outcome(
    run: Run, item: Item, record: Record | None, row: dict[str, Any] | None
) -> tuple[dict[str, float], str | None]:
    """The scores of a rollout, or its error in words."""
    if record is None:
        return {}, "pending: not run yet"
    if record.error is not None:
        return {}, str(record.error)
    if row is None:
        raise UsageError(
            f"{run.directory}: case {item.case}, epoch {item.epoch} has no score yet. Score the run: "
            f"{run.score_command}"
        )
    return row["scores"], row["error"]
