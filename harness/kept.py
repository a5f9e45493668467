"""`scores.json`: the values of the last scoring, a row per rollout, and whether they still are what the evidence says.

To score a run again every conversation is replayed, which takes a hundred times as long as reading values. Values are
used in place of that only while nothing that they were made from has changed: the evidence to the byte, the versions of
the scorers, of the fact judge, of the parser, and of the rows. What else may differ, such as another version of a
world, is for whoever compares two runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from samescore.harness import facts
from samescore.harness.perturbed import CONTROL, operator_of
from samescore.harness.scorer import Context

if TYPE_CHECKING:
    from samescore.harness.rescore import Scored
    from samescore.harness.run import Run
    from samescore.harness.scorer import Rubric

VERSION = 1
"""Of a row beside its scores. Raised by hand when `tools` or `rules` may say something else of the same rollout."""

_SUM = b',\n "sum": "'
_END = b'"\n}\n'


class Row(NamedTuple):
    """One scored rollout.

    `tools` gives for each tool how many of its calls were right, and of how many: those that were expected, and those
    made that nothing expects. `rules` gives what broke a rule of zero tolerance, None where nothing did; a rule that
    cannot be broken in this case is not in it. A `control` is a case as it was before it was made harder: it counts in
    no metric.
    """

    case: str
    epoch: int
    scores: Mapping[str, float]
    tools: Mapping[str, Sequence[int]]
    rules: Mapping[str, str | None]
    control: bool = False


def row_of(scored: Scored) -> Row:
    """The row of a rollout that has scores."""
    from samescore.harness.gate.rules import broken_by

    case, trajectory, scores = scored.case, scored.trajectory, scored.scores
    assert case is not None and trajectory is not None and scores is not None, "it was scored"
    return Row(
        scored.record.case,
        scored.record.epoch,
        {name: score.value for name, score in scores.items()},
        _tools(Context(case, trajectory)),
        broken_by(case, trajectory),
        operator_of(case) == CONTROL,
    )


def rows_json(scored: Iterable[Scored]) -> list[dict[str, Any]]:
    """The rows of `scores.json`: of every rollout that was had, with an error where it could not be scored."""
    return [_row_json(one) for one in scored if one.record.error is None]


def made_from(run: Run) -> dict[str, Any]:
    """What the values of a scoring depend on, beside the scorers; of the evidence as it lies there now."""
    return {
        "evidence": _digest(run.directory / "evidence.jsonl"),
        "dialect": [run.dialect.name, run.dialect.version],
        "fact judge": facts.VERSION,
        "rows": VERSION,
    }


def versions_of(rubric: Rubric) -> dict[str, int]:
    """The versions of a rubric's scorers, and of `success`."""
    from samescore.harness.scorers import scorer_named

    return {scorer.name: scorer.version for scorer in (*rubric.scorers, scorer_named("success"))}


def sealed(text: str) -> str:
    """The text of `scores.json` up to its last field, closed with a checksum of it."""
    return text + f'{_SUM.decode()}{hashlib.sha256(text.encode()).hexdigest()}{_END.decode()}'


def rows_kept(run: Run, rubric: Rubric) -> tuple[tuple[Row, ...], str | None]:
    """The rows of the last scoring if they still hold; else none, and in words why not.

    They hold only as a whole: every planned rollout has a row with scores.
    """
    try:
        data = (run.directory / "scores.json").read_bytes()
    except OSError:
        return (), "it was not scored yet"
    text, found, closing = data.rpartition(_SUM)
    if not found:
        return (), "its scores were kept by an earlier samescore"
    if closing != f"{hashlib.sha256(text).hexdigest()}{_END.decode()}".encode():
        return (), "its scores.json was changed by hand"
    kept = json.loads(data)
    if (why := _stale(run, rubric, kept)) is not None:
        return (), why
    rows = tuple(_row(row) for row in kept["rows"] if row["error"] is None)
    planned = {(case.id, epoch) for case in run.plan.cases for epoch in range(run.plan.epochs)}
    if len(rows) != len(planned) or {(row.case, row.epoch) for row in rows} != planned:
        return (), "not all of it was scored"
    return rows, None


def _stale(run: Run, rubric: Rubric, kept: Mapping[str, Any]) -> str | None:
    then, now = kept["scorers"], versions_of(rubric)
    if then != now:
        name = next(name for name in (*now, *then) if then.get(name) != now.get(name))
        return f"scorer {name} was {_version(then.get(name))}, now {_version(now.get(name))}"
    made, today = kept.get("made_from", {}), made_from(run)
    for what, words in (
        ("rows", "its scores were kept by another version of samescore"),
        ("dialect", "another version of the parser read it"),
        ("fact judge", "another version of the fact judge scored it"),
        ("evidence", "its evidence was changed since it was scored"),
    ):
        if made.get(what) != today[what]:
            return words
    return None


def _version(number: int | None) -> str:
    return "not there" if number is None else f"version {number}"


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""  # who reads the evidence says what is wrong with it


def _row_json(scored: Scored) -> dict[str, Any]:
    told = {
        "case": scored.record.case,
        "epoch": scored.record.epoch,
        "scores": {name: score.value for name, score in (scored.scores or {}).items()},
        "error": None if scored.error is None else str(scored.error),
    }
    if scored.error is None:
        row = row_of(scored)
        told |= {"tools": row.tools, "rules": row.rules, **({"control": True} if row.control else {})}
    return told


def _row(told: Mapping[str, Any]) -> Row:
    return Row(told["case"], told["epoch"], told["scores"], told["tools"], told["rules"], told.get("control", False))


def _tools(context: Context) -> dict[str, list[int]]:
    """Nothing is right in a trajectory with a malformed turn, as for every scorer."""
    counted: dict[str, list[int]] = {}

    def count(name: str, right: bool) -> None:
        one = counted.setdefault(name, [0, 0])
        one[0] += right
        one[1] += 1

    broken = any(step.turn.defects for step in context.trajectory.steps)
    for pair in context.assignment.pairs.values():
        count(pair.expected.name, pair.exact and not broken)
    for call in context.assignment.missing:
        count(call.name, False)
    for made in context.assignment.extra:
        if (call := made.attempt.call) is not None and call.name in context.case.toolset.by_name:
            count(call.name, False)
    return counted
