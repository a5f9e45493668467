"""What the index says of a run, and whether the run is still the one that was added."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from samescore.harness.errors import EvidenceDamaged, InfrastructureError, SamescoreError
from samescore.harness.fingerprint import fingerprint
from samescore.harness.manifest import Manifest, Status
from samescore.harness.run import EVIDENCE, Run

_DERIVED = ("floors", "results", "scorers", "as_served")
"""What `run.json` says that scoring may say again, and says otherwise with other scorers."""


class State(StrEnum):
    """How a run on disk stands to what was added."""

    THERE = "there"
    CHANGED = "changed"  # its plan, its model or its evidence is not what it was
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Prints:
    """What a run is known by: digests of `run.json`, without what is derived from the evidence, and of the evidence."""

    manifest: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Line:
    """What one baseline follows another for: suites and model, on a branch."""

    branch: str
    suites: tuple[str, ...]
    model: str

    def __str__(self) -> str:
        return f"{', '.join(self.suites)} with {self.model} on {self.branch}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of the index. `path` is relative to the registry's folder; `digest` is that of the adapter's weights.

    `suites` are in alphabetical order. Times are ISO 8601 with offset.
    """

    number: int
    path: str
    suites: tuple[str, ...]
    model: str
    adapter: str | None
    digest: str | None
    branch: str
    commit: str | None
    cases: int
    epochs: int
    started: str
    added: str
    prints: Prints

    @property
    def label(self) -> str:
        """The model as a person names it, its adapter after a plus sign."""
        return self.model if self.adapter is None else f"{self.model}+{self.adapter}"

    def state(self, folder: Path) -> State:
        """Whether the run is still the one that was added."""
        directory = folder / self.path
        try:
            return State.THERE if prints_of(Run.open(directory)) == self.prints else State.CHANGED
        except SamescoreError:
            return State.CHANGED if directory.is_dir() and any(directory.iterdir()) else State.VANISHED


@dataclass(frozen=True, slots=True)
class Promotion:
    """A run that became the baseline of a branch, and when. An `anchor` is what later baselines are watched against."""

    number: int
    entry: Entry
    branch: str
    promoted: str
    anchor: bool

    @property
    def line(self) -> Line:
        """What it is the baseline for."""
        return Line(self.branch, self.entry.suites, self.entry.model)


def suites_of(manifest: Manifest) -> tuple[str, ...]:
    """The names of a run's suites, in alphabetical order."""
    return tuple(sorted(suite.name for suite in manifest.plan.suites))


def adapter_digest(manifest: Manifest) -> str | None:
    """The digest of the adapter's weights, where the run says it."""
    digest = manifest.description.get("adapter")
    return digest if isinstance(digest, str) else None


def prints_of(run: Run) -> Prints:
    """The digests of a run as it is on disk.

    Raises:
        EvidenceDamaged: it has no evidence that can be read.
    """
    manifest = run.manifest.to_json()
    try:
        with (run.directory / EVIDENCE).open("rb") as file:
            evidence = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EvidenceDamaged(
            f"{run.directory}: the run's evidence cannot be read: {error.strerror}. Restore it from a copy."
        ) from None
    kept = {name: value for name, value in manifest.items() if name not in _DERIVED}
    return Prints(fingerprint(kept), evidence)


def require_complete(run: Run) -> None:
    """Make sure that a run may be kept.

    Raises:
        InfrastructureError: rollouts are missing.
    """
    if run.manifest.status is not Status.COMPLETE:
        why = f" ({run.manifest.stopped})" if run.manifest.stopped else ""
        raise InfrastructureError(
            f"{run.directory}: the run is {run.manifest.status}{why}; only complete runs are kept. Carry it on: "
            f"{run.resume_command}"
        )
