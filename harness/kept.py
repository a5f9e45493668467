"""`scores.json`: the values of the last scoring, and whether they still are what the evidence says.

To score a run again every conversation is replayed, which takes a hundred times as long as reading values. Values are
used in place of that only while nothing that they were made from has changed: the plan, the evidence to the byte, the
versions of the scorers, of the fact judge, of the parser, and of the outcomes. What else may differ, such as another
version of a world, is for whoever compares two runs.

Most rollouts come out like many others. Beside a row per rollout the file holds each outcome once, with more than its
scores, and for every rollout that is due the number of its outcome: that alone is read here, in a tenth of the time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from samescore.harness import facts
from samescore.harness.perturbed import CONTROL, operator_of
from samescore.harness.scorer import Context

if TYPE_CHECKING:
    from samescore.harness.plan import Plan
    from samescore.harness.rescore import Scored
    from samescore.harness.run import Run
    from samescore.harness.scorer import Rubric

VERSION = 1
"""Of an outcome beside its scores. Raised by hand when `tools` or `rules` may say something else of a rollout."""

_SUM = b',\n "sum": "'
_END = b'"\n}\n'


class Outcome(NamedTuple):
    """What came of a scored rollout; rollouts that came to the same share one.

    `tools` gives for each tool how many of its calls were right, and of how many: those that were expected, and those
    made that nothing expects. `rules` gives what broke a rule of zero tolerance, None where nothing did; a rule that
    cannot be broken in this case is not in it. A `control` is a case as it was before it was made harder: it counts in
    no metric.
    """

    scores: Mapping[str, float]
    tools: Mapping[str, Sequence[int]]
    rules: Mapping[str, str | None]
    control: bool = False


Outcomes: TypeAlias = Mapping[str, tuple[Outcome, ...]]
"""By case, in the order of the plan: an outcome per epoch."""


def outcome_of(scored: Scored) -> Outcome:
    """The outcome of a rollout that has scores."""
    from samescore.harness.gate.rules import broken_by

    case, trajectory, scores = scored.case, scored.trajectory, scored.scores
    assert case is not None and trajectory is not None and scores is not None, "it was scored"
    return Outcome(
        {name: score.value for name, score in scores.items()},
        _tools(Context(case, trajectory)),
        broken_by(case, trajectory),
        operator_of(case) == CONTROL,
    )


def outcomes_of(plan: Plan, scored: Iterable[Scored]) -> Outcomes:
    """What came of the rollouts of a plan, or of a part of it, which all have scores, in the order of their epochs."""
    found: dict[str, list[Outcome]] = {case.id: [] for case in plan.cases}
    for one in scored:
        found[one.record.case].append(outcome_of(one))
    return {case: tuple(epochs) for case, epochs in found.items()}


def kept_fields(run: Run, scored: Iterable[Scored]) -> dict[str, Any]:
    """What `scores.json` says beside the versions of the scorers.

    `rows` are of every rollout that was had, with an error where it could not be scored. `rollouts` gives the number of
    its outcome for every rollout that is due, None where it has none.
    """
    rows: list[dict[str, Any]] = []
    outcomes: dict[tuple[Any, ...], int] = {}
    numbers: dict[tuple[str, int], int] = {}
    for one in scored:
        if one.record.error is not None:
            continue
        case, epoch = one.record.case, one.record.epoch
        values = {name: score.value for name, score in (one.scores or {}).items()}
        error = None if one.error is None else str(one.error)
        rows.append({"case": case, "epoch": epoch, "scores": values, "error": error})
        if error is None:
            numbers[case, epoch] = outcomes.setdefault(_key(outcome_of(one)), len(outcomes))
    return {
        "rows": rows,
        "made_from": _made_from(run),
        "outcomes": [[dict(part) if part else {} for part in key[:3]] + [key[3]] for key in outcomes],
        "rollouts": [numbers.get((item.case, item.epoch)) for item in run.due.items()],
    }


def versions_of(rubric: Rubric) -> dict[str, int]:
    """The versions of a rubric's scorers, and of `success`."""
    from samescore.harness.scorers import scorer_named

    return {scorer.name: scorer.version for scorer in (*rubric.scorers, scorer_named("success"))}


def sealed(text: str) -> str:
    """The text of `scores.json` up to its last field, closed with a checksum of it."""
    return text + f"{_SUM.decode()}{hashlib.sha256(text.encode()).hexdigest()}{_END.decode()}"


def outcomes_kept(run: Run, rubric: Rubric) -> tuple[Outcomes, str | None]:
    """The outcomes of the last scoring if they still hold; else none, and in words why not.

    They hold only as a whole: every rollout that is due has scores.
    """
    try:
        data = (run.directory / "scores.json").read_bytes()
    except OSError:
        return {}, "it was not scored yet"
    text, found, closing = data.rpartition(_SUM)
    if not found:
        return {}, "its scores were kept by another version of samescore"
    if closing != f"{hashlib.sha256(text).hexdigest()}{_END.decode()}".encode():
        return {}, "its scores.json was changed by hand"
    fields = _fields(text, ("scorers", "made_from", "outcomes", "rollouts"))
    if (why := _stale(run, rubric, fields)) is not None:
        return {}, why
    numbers = fields["rollouts"]
    if None in numbers:
        return {}, "not all of it was scored"
    every, cases = [Outcome(*parts) for parts in fields["outcomes"]], run.due.cases
    epochs = [numbers[start : start + len(cases)] for start in range(0, len(numbers), len(cases))]
    return {
        case.id: tuple([every[number] for number in of_case])
        for case, of_case in zip(cases, zip(*epochs, strict=True), strict=True)
    }, None


def _fields(text: bytes, names: Sequence[str]) -> dict[str, Any]:
    """Some fields of a file that has one on each line, and ends with a comma all but the last."""
    found: dict[str, Any] = {}
    for line in text.split(b"\n"):
        name, _, value = line.partition(b": ")
        known = name.strip(b' "').decode()
        if known in names:
            found[known] = json.loads(value.removesuffix(b","))
    return found


def _stale(run: Run, rubric: Rubric, fields: Mapping[str, Any]) -> str | None:
    then, now = fields["scorers"], versions_of(rubric)
    if then != now:
        name = next(name for name in (*now, *then) if then.get(name) != now.get(name))
        return f"scorer {name} was {_version(then.get(name))}, now {_version(now.get(name))}"
    made, today = fields.get("made_from", {}), _made_from(run)
    for what, words in (
        ("outcomes", "its scores were kept by another version of samescore"),
        ("plan", "its scores are of another plan"),
        ("dialect", "another version of the parser read it"),
        ("fact judge", "another version of the fact judge scored it"),
        ("evidence", "its evidence was changed since it was scored"),
    ):
        if made.get(what) != today[what]:
            return words
    return None


def _made_from(run: Run) -> dict[str, Any]:
    """What the values of a scoring depend on, beside the scorers; of the evidence as it lies there now."""
    return {
        "outcomes": VERSION,
        "plan": run.due.fingerprint,
        "dialect": [run.dialect.name, run.dialect.version],
        "fact judge": facts.VERSION,
        "evidence": _digest(run.directory / "evidence.jsonl"),
    }


def _version(number: int | None) -> str:
    return "not there" if number is None else f"version {number}"


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""  # who reads the evidence says what is wrong with it


def _key(outcome: Outcome) -> tuple[Any, ...]:
    """Alike for outcomes that are the same."""
    tools = tuple(sorted((name, tuple(counts)) for name, counts in outcome.tools.items()))
    return tuple(outcome.scores.items()), tools, tuple(outcome.rules.items()), outcome.control


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
    for expected in context.assignment.missing:
        count(expected.name, False)
    for made in context.assignment.extra:
        if (call := made.attempt.call) is not None and call.name in context.case.toolset.by_name:
            count(call.name, False)
    return counted
