"""Runs with their suites as they are now, and every recorded rollout scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from samescore.harness.case import Case
from samescore.harness.cli.loading import cases_of, suites_of, worlds_of
from samescore.harness.environment import World
from samescore.harness.kept import Outcomes, outcomes_kept
from samescore.harness.manifest import world_prints
from samescore.harness.plan import CaseSuite
from samescore.harness.records import trajectory_of
from samescore.harness.rescore import Replayer, Scored, replayer
from samescore.harness.run import Run
from samescore.harness.types import Score


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run with its suites and worlds as they are now, and every recorded rollout scored.

    `kept` are the outcomes of its last scoring, where they still hold and were taken from there; else there are none.
    """

    run: Run
    suites: Sequence[CaseSuite]
    worlds: Mapping[str, World]
    scored: tuple[Scored, ...]
    kept: Outcomes

    @property
    def cases(self) -> dict[str, Case]:
        """The cases of its suites by id."""
        return {case.id: case for case in cases_of(self.suites)}


@dataclass(slots=True)
class Shelf:
    """Suites that were loaded already, with their worlds and the fingerprints of their cases: runs of one report mostly
    share them, and some take seconds.

    `names` are the names or paths of those that are not where a run recorded them.
    """

    names: Sequence[str]
    found: dict[object, tuple[list[CaseSuite], dict[str, World], dict[str, str]]] = field(default_factory=dict)

    def load(self, run: Run) -> Loaded:
        """Load a run's suites and score it.

        Raises:
            UsageError: they are not at hand.
            EvidenceDamaged, ForeignEvidence: its evidence cannot be read.
        """
        manifest, plan = run.manifest, run.plan
        places = tuple(sorted((name, (run.directory / at).resolve()) for name, at in manifest.places.items()))
        key = plan.suites, tuple(sorted(manifest.sources.items())), places, plan.procedure
        if key not in self.found:
            suites = suites_of(run, self.names)
            self.found[key] = suites, worlds_of(suites), {}
        suites, worlds, prints = self.found[key]
        planned = {case.id for case in plan.cases} - prints.keys()
        prints.update({case.id: case.fingerprint() for case in cases_of(suites) if case.id in planned})
        kept = _kept(run, worlds)
        return Loaded(run, suites, worlds, tuple(scored(replayer(run, suites, worlds, prints=prints), run, kept)), kept)


def scored(replay: Replayer, run: Run, kept: Outcomes) -> Iterator[Scored]:
    """Every recorded rollout of a run, scored as of now, in the order of the plan.

    Where the last scores still hold and are `kept`, and cases and worlds are those that were recorded, no rollout is
    replayed, as nothing can come of it but the same, and a page on thousands of cases would wait for it. Those in which
    something was wrong are judged once more, for the reasons.
    """
    for record in run.records():
        outcomes = kept.get(record.case, ())
        values = outcomes[record.epoch].scores if record.epoch < len(outcomes) else {}
        case = replay.cases.get(record.case)
        if case is None or not values or replay.prints[case.id] != record.case_fingerprint:
            yield replay.score(record)
            continue
        trajectory = trajectory_of(record, run.dialect, case)
        if all(value == 1.0 for value in values.values()):
            yield Scored(record, case, trajectory, {name: Score(value, "") for name, value in values.items()})
        else:
            judged = replay.judge(record, case, trajectory)
            same = judged.scores is not None and {name: one.value for name, one in judged.scores.items()} == values
            yield judged if same else replay.score(record)


def _kept(run: Run, worlds: Mapping[str, World]) -> Outcomes:
    """The outcomes of the last scoring, if they still hold. Those of a redacted run are restored by replaying it."""
    from samescore.harness.scorers import RUBRIC

    if run.manifest.redacted or dict(run.manifest.worlds) != world_prints(worlds):
        return {}
    return outcomes_kept(run, RUBRIC)[0]
