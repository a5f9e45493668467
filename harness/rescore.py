"""Scores from evidence: raw completions are parsed again, their calls replayed in a fresh world, and the result scored.

No model is needed. Where the world or the scripted user would now answer something else than what was recorded, the
rollout has *diverged*: what the model would have written next is unknown, so there is no score but an error that asks
for a new run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.environment import World
from samescore.harness.errors import UnknownName, WorldError
from samescore.harness.plan import CaseSuite
from samescore.harness.policies.replay import OutOfTurns, RecordPolicy
from samescore.harness.policy import Sampling
from samescore.harness.records import ErrorKind, Failure, Record
from samescore.harness.rollout import Limits, rollout
from samescore.harness.run import Run
from samescore.harness.scorer import Rubric
from samescore.harness.strictjson import same
from samescore.harness.types import Completion, Observation, Score, Trajectory


@dataclass(frozen=True, slots=True)
class Scored:
    """A recorded rollout and what became of it: a trajectory and its scores, or an error.

    `case` is None where the suites at hand have no such case.
    """

    record: Record
    case: Case | None = None
    trajectory: Trajectory | None = None
    scores: Mapping[str, Score] | None = None
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Replayer:
    """What is needed to score a record: cases and worlds as they are now, and the dialect, limits and rubric."""

    cases: Mapping[str, Case]
    prints: Mapping[str, str]
    worlds: Mapping[str, World]
    dialect: Dialect
    limits: Limits
    rubric: Rubric

    def score(self, record: Record) -> Scored:
        """Replay one record and score it. Never raises for what a record, a world or a scorer does."""
        case = self.cases.get(record.case)
        if record.error is not None:
            return Scored(record, case, error=record.error)
        if case is None:
            return Scored(record, error=diverged("the suites no longer have this case"))
        if self.prints[case.id] != record.case_fingerprint:
            return Scored(record, case, error=diverged("the case, its toolset or its lexicon was changed since"))
        try:
            trajectory = self._replay(record, case)
        except OutOfTurns as error:
            return Scored(record, case, error=diverged(str(error)))
        except WorldError as error:
            return Scored(record, case, error=Failure(ErrorKind.WORLD, str(error)))
        if difference := self.difference(record, case, trajectory):
            return Scored(record, case, trajectory, error=diverged(difference))
        return self.judge(record, case, trajectory)

    def take(self, record: Record, case: Case, trajectory: Trajectory) -> Scored:
        """A rollout that was just had, as it is to be recorded, and its scores."""
        return self.judge(record, case, trajectory)

    def written(self, record: Record, case: Case) -> tuple[Completion, ...]:
        """What the model wrote, turn by turn."""
        return record.turns

    def failure(self, case: Case, failure: Failure) -> Failure:
        """An error of this case, as it is to be recorded."""
        return failure

    def difference(self, record: Record, case: Case, trajectory: Trajectory) -> str | None:
        """Where the replay differs from the record, in words; None if it does not."""
        return first_difference(record, trajectory)

    def judge(self, record: Record, case: Case, trajectory: Trajectory) -> Scored:
        """Score the trajectory that a record was just made of, or was replayed as."""
        try:
            scores = self.rubric.score(case, trajectory)
        except Exception as error:  # a scorer's own code crashed: an error shown apart, never a 0
            return Scored(record, case, trajectory, error=Failure(ErrorKind.SCORER, f"{type(error).__name__}: {error}"))
        return Scored(record, case, trajectory, scores)

    def _replay(self, record: Record, case: Case) -> Trajectory:
        policy = RecordPolicy(record, self.dialect)
        playing = rollout(case, policy, self.worlds[case.world], Sampling(seed=record.seed), self.limits)
        try:
            playing.send(None)
        except StopIteration as done:
            trajectory: Trajectory = done.value
            return trajectory
        raise AssertionError("a replayed rollout waits for nothing")


def replayer(
    run: Run,
    suites: Sequence[CaseSuite],
    worlds: Mapping[str, World],
    rubric: Rubric | None = None,
    prints: Mapping[str, str] | None = None,
) -> Replayer:
    """A replayer for the records of a run. `prints` are the fingerprints of all cases, where they are known already.

    Raises:
        UnknownName: a case plays in a world that is not at hand.
    """
    from samescore.harness.scorers import RUBRIC

    planned = {case.id for case in run.plan.cases}
    cases = {case.id: case for suite in suites for case in suite.cases if case.id in planned}
    for case in cases.values():
        if case.world not in worlds:
            raise UnknownName("world", case.world, list(worlds), f"Case {case.id} plays in it.")
    if prints is None:
        prints = {id: case.fingerprint() for id, case in cases.items()}
    kind = Replayer
    if run.manifest.redacted:
        from samescore.harness.redaction.replayer import RedactingReplayer

        kind = RedactingReplayer
    return kind(cases, prints, worlds, run.dialect, run.plan.limits, rubric or RUBRIC)


def rescore(
    run: Run, suites: Sequence[CaseSuite], worlds: Mapping[str, World], rubric: Rubric | None = None
) -> Iterator[Scored]:
    """Every recorded rollout of a run, in the order of the plan, scored as of now.

    Raises:
        UnknownName: a case plays in a world that is not at hand.
        EvidenceDamaged, ForeignEvidence: see `Run.records`.
    """
    yield from map(replayer(run, suites, worlds, rubric).score, run.records())


def keep(run: Run, scored: Iterable[Scored], rubric: Rubric | None = None) -> None:
    """Write the values into the run's `scores.json`, for `Run.frame` and for the gate."""
    from samescore.harness.kept import kept_fields, versions_of
    from samescore.harness.scorers import RUBRIC

    run.keep_scores(versions_of(rubric or RUBRIC), **kept_fields(run, scored))


def first_difference(record: Record, trajectory: Trajectory) -> str | None:
    """Where a replay differs from what was recorded, in words; None if it does not.

    A replay may end earlier than the record: a parser grown stricter ends a conversation at a turn that it takes as
    malformed, and the model saw everything up to there just so.
    """
    if trajectory.start_digest != record.start_digest:
        return "the case's facts now build another database"
    for number, step in enumerate(trajectory.steps, 1):
        if step.turn.defects:
            return None
        before, reply = record.observations[number - 1], record.replies[number - 1]
        if len(before) != len(step.observations):
            return f"turn {number} now makes {len(step.observations)} calls, recorded {len(before)}"
        for then, now in zip(before, step.observations, strict=True):
            if not _same_observation(then, now):
                return f"turn {number}: {then.call.name} now returns {now.content:.200}, recorded {then.content:.200}"
        if reply != step.reply:
            return f"turn {number}: the user now says {step.reply!r:.200}, recorded {reply!r:.200}"
    if (trajectory.end_digest, trajectory.effects) != (record.end_digest, record.effects):
        return "the tools return the same and now leave another state or other effects"
    return None


def _same_observation(then: Observation, now: Observation) -> bool:
    return (
        then.content == now.content
        and then.outcome is now.outcome
        and then.call.name == now.call.name
        and same(then.call.arguments, now.call.arguments)
    )


def diverged(what: str) -> Failure:
    """The error of a rollout that cannot be scored again."""
    return Failure(
        ErrorKind.DIVERGED,
        f"{what}. The model would have seen something else, so this rollout cannot be scored again: evaluate it in a "
        "new run.",
    )
