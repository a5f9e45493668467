"""What a run records that is judged while it goes on: its looks, its baseline, its policy. And what follows from it.

Such a run ends when the verdict is certain (`samescore.harness.stats.sequential`). Its numbers answer one question:
that of the comparison by which it was ended. For any other they lean to whatever it was ended for, so that it is no
baseline, no pilot, and says nothing of targets. A run that went on to its last case is a whole run, whatever was seen
on the way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samescore.harness.errors import EvidenceDamaged, Incomparable, UsageError
from samescore.harness.fingerprint import fingerprint
from samescore.harness.gate.policy import DEFAULT, Policy
from samescore.harness.plan import Plan
from samescore.harness.run import Run
from samescore.harness.stats.sequential import Looks, pocock_level

EARLY = "ended early: "
"""How a difference begins that comes from a run's having been ended by a look."""

TARGETS = "be judged by targets"
"""What a run that was ended early cannot."""


@dataclass(frozen=True, slots=True)
class Sequential:
    """How a run is judged while it goes on.

    The baseline is `named` as it was asked for; `place` is its directory as seen from that of the run, `baseline` its
    fingerprint. `same_model` judges by numbers although both are of one model.
    """

    looks: Looks
    policy: Policy
    named: str
    place: str
    baseline: str
    same_model: bool = False

    @classmethod
    def make(
        cls,
        directory: Path,
        plan: Plan,
        baseline: Run,
        policy: Policy,
        looks: int,
        *,
        named: str | None = None,
        same_model: bool = False,
    ) -> Sequential:
        """For the run that begins in this directory.

        Raises:
            UsageError: more looks than cases, or than make sense.
        """
        return cls(
            looks_of(plan, policy, looks),
            policy,
            named or str(baseline.directory),
            _from(directory, baseline.directory),
            identity(baseline),
            same_model,
        )

    @classmethod
    def of(cls, run: Run) -> Sequential | None:
        """What a run recorded; None of a run that is judged when it is over.

        Raises:
            EvidenceDamaged: that was changed since.
            UsageError: the policy has an option of a later version.
        """
        data = run.manifest.sequential
        if data is None:
            return None
        try:
            looks = Looks.from_json(data["looks"], (case.id for case in run.plan.cases))
            expected = pocock_level(tuple(end / len(looks.order) for end in looks.ends), looks.alpha)
        except ValueError as error:
            raise _changed(run, str(error)) from None
        policy = Policy.from_json(data["policy"]["asked"])
        if abs(expected - looks.level) > 1e-6 or abs(policy.level - looks.alpha) > 1e-12:
            raise _changed(run, f"its looks were not planned at a level of {looks.level:g}")
        if policy.fingerprint != data["policy"]["fingerprint"]:
            raise _changed(run, "its policy is not the one of its fingerprint")
        baseline = data["baseline"]
        return cls(looks, policy, baseline["named"], baseline["place"], baseline["fingerprint"], data["same_model"])

    def to_json(self) -> dict[str, Any]:
        """As recorded in `run.json`, before the first token."""
        return {
            "looks": self.looks.to_json(),
            "baseline": {"named": self.named, "place": self.place, "fingerprint": self.baseline},
            "policy": {"fingerprint": self.policy.fingerprint, "asked": self.policy.to_json()},
            "same_model": self.same_model,
        }

    def otherwise(self, baseline: Run, policy: Policy | None) -> list[str]:
        """How a comparison is another than the planned one, in words; empty where it is that. No policy is the same."""
        found = [] if identity(baseline) == self.baseline else [f"the baseline was {self.named}"]
        if policy is not None:
            differences = policy.differences(self.policy)
            found += [f"{name}: {asked} asked, {planned} planned" for name, asked, planned in differences]
        return found

    def find_baseline(self, run: Run, said: Path | None = None) -> Run:
        """The baseline, where it was when the run began, or is said to be now.

        Raises:
            UsageError: it is not there; or what was said is another run.
            EvidenceDamaged: it is not as it was when the run began.
        """
        place = said or Path(os.path.normpath(run.directory / self.place))
        option = f"{run.resume_command} --sequential DIR"
        try:
            found = Run.open(place)
        except UsageError as error:
            raise UsageError(
                f"{run.directory} is judged against {self.named}, which is not to be found: {error} Say where it is "
                f"now: {option}"
            ) from None
        if identity(found) == self.baseline:
            return found
        if said is not None:
            raise UsageError(
                f"{said}: not the baseline that {run.directory} was begun with, which was {self.named}; or it was "
                "changed. A run is carried on as it was planned."
            )
        raise EvidenceDamaged(
            f"{place}: the baseline that {run.directory} was begun with is not as it was. Restore it from a copy; or "
            f"say where one is: {option}"
        )


def looks_of(plan: Plan, policy: Policy, looks: int) -> Looks:
    """The looks at a run of this plan.

    Raises:
        UsageError: more of them than cases, or than make sense.
    """
    try:
        return Looks.make((case.id for case in plan.cases), looks, policy.level, plan.seed)
    except ValueError as error:
        raise UsageError(f"--looks: {error}.") from None


def identity(run: Run) -> str:
    """The fingerprint of a run: of what it planned, of which model, and of its evidence; not of where it lies.

    Raises:
        EvidenceDamaged: it has no evidence that can be read.
    """
    from samescore.harness.registry.entry import prints_of

    prints = prints_of(run)
    return fingerprint([prints.manifest, prints.evidence])


def require_whole(run: Run, purpose: str) -> None:
    """Make sure that a run was not ended by a look; `purpose` is what it is wanted for: `be a baseline`.

    Raises:
        Incomparable: it was.
    """
    if (words := ended_early(run)) is not None:
        raise Incomparable(f"{words}, so that it cannot {purpose}. Evaluate again without --sequential.")


def ended_early(run: Run) -> str | None:
    """That a run was ended by a look, and what its numbers are therefore worth, in words; None where it was not."""
    if run.ended_early is None or run.manifest.sequential is None:
        return None
    return (
        f"{run.directory} ended at {run.ended_early}, as its verdict against "
        f"{run.manifest.sequential['baseline']['named']} was certain: its numbers lean to what ended it"
    )


def early_differences(candidates: Sequence[Run], baseline: Run, policy: Policy | None) -> Iterator[str]:
    """What a gate may not compare because a run was ended by a look of another comparison, in words."""
    if (words := ended_early(baseline)) is not None:
        yield f"{EARLY}{words}, and a baseline has to be a whole run"
    for run in candidates:
        words, planned = ended_early(run), Sequential.of(run)
        if words is None or planned is None:
            continue
        if len(candidates) > 1:
            yield f"{EARLY}{words}, and several tries are judged on the cases of whole runs"
        elif found := planned.otherwise(baseline, policy):
            yield f"{EARLY}{words}, and this is another comparison ({'; '.join(found)})"


def planned_comparison(candidates: Sequence[Run], baseline: Run, policy: Policy | None) -> Sequential | None:
    """How a candidate is judged look by look, if this is the comparison that it was planned for; else None."""
    if len(candidates) != 1 or (planned := Sequential.of(candidates[0])) is None:
        return None
    return None if planned.otherwise(baseline, policy) else planned


def judged_by(said: Policy | None, planned: Sequential | None) -> Policy:
    """The policy that judges: the one that was said, else that of the planned comparison, else the default."""
    return said or (DEFAULT if planned is None else planned.policy)


def _changed(run: Run, what: str) -> EvidenceDamaged:
    return EvidenceDamaged(f"{run.directory / 'run.json'}: {what}: it was changed. Restore the file from a copy.")


def _from(directory: Path, place: Path) -> str:
    try:
        return os.path.relpath(place.resolve(), directory.resolve())
    except ValueError:  # another drive
        return str(place.resolve())
