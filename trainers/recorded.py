"""Recorded runs as training data: the conversations of `samescore eval --split train` that were all right.

They are scored again from evidence, as of now, and learned as they were sampled, token id by token id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samescore.harness.cli.loading import suites_of, worlds_of
from samescore.harness.errors import UsageError
from samescore.harness.renderer import Renderer
from samescore.harness.rescore import Scored, rescore
from samescore.harness.run import Run
from samescore.trainers.leakage import TrainingText, user_texts
from samescore.trainers.samples import Lesson


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run gives to learn: its right conversations, of all that were recorded; `errors` have no score now."""

    run: Path
    lessons: tuple[Lesson, ...]
    rollouts: int
    errors: int

    def to_json(self) -> Mapping[str, Any]:
        """As passports have it."""
        return {"rollouts": self.rollouts, "right": len(self.lessons), "errors": self.errors}


def recorded_lessons(directory: Path, renderer: Renderer) -> Recorded:
    """The conversations of a run whose `success` is 1.

    Raises:
        UsageError: there is no run, or none of its conversations is right; it is of cases that judge, or its turns are
            not whole, or were sampled as tokens of another model.
        EvidenceDamaged, ForeignEvidence: its evidence cannot be read.
    """
    run = Run.open(directory)
    _require_whole(run)
    suites = suites_of(run, [])
    cases = {case.id: case for suite in suites for case in suite.cases}
    planned = [cases[one.id] for one in run.plan.cases if one.id in cases]
    if judging := [case for case in planned if case.split != "train"]:
        raise UsageError(
            f"{directory}: this run is of cases that judge, {len(judging)} of {len(run.plan.cases)}, such as "
            f"{judging[0].id} ({judging[0].split}). Nothing may be learned from them: record a run with --split train."
        )
    scored = list(rescore(run, suites, worlds_of(suites)))
    right = [one for one in scored if one.scores is not None and one.scores["success"].value == 1.0]
    if not right:
        raise UsageError(
            f"{directory}: no conversation of this run is right, so there is nothing to learn from it. Leave it out."
        )
    _require_same_ids(run, right, renderer)
    errors = sum(one.error is not None for one in scored)
    return Recorded(directory, tuple(_lesson(run, one) for one in right), len(scored), errors)


def _require_whole(run: Run) -> None:
    if run.manifest.redacted:
        raise UsageError(
            f"{run.directory}: personal data is masked in this run, so what the model wrote is not whole. Record one "
            "without --redact."
        )
    if run.manifest.server is not None:
        raise UsageError(
            f"{run.directory}: the turns of this run were read as {run.manifest.server} reads them, not strictly; what "
            "is right there may be malformed. Record one that is read strictly."
        )


def _require_same_ids(run: Run, right: list[Scored], renderer: Renderer) -> None:
    sampled = any(turn.token_ids is not None for one in right for turn in one.record.turns)
    if sampled and run.manifest.description.get("renderer") != renderer.fingerprint:
        raise UsageError(
            f"{run.directory}: {run.manifest.model} wrote these turns with another template or tokenizer than the base "
            "has; its token ids mean something else there. Record a run with the base that is trained."
        )


def _lesson(run: Run, one: Scored) -> Lesson:
    case, trajectory = one.case, one.trajectory
    assert case is not None and trajectory is not None, "it was scored"
    source = f"{run.directory}: case {case.id}, epoch {one.record.epoch}"
    said = tuple(step.turn.content for step in trajectory.steps)
    text = TrainingText(source, user_texts(case), said, case.facts)
    return Lesson(source, case.messages, case.toolset, trajectory.steps, text)
