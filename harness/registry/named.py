"""`registry:BRANCH` in the place of a run: the baseline of that branch for the suites and the model of a candidate."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from samescore.harness.errors import UsageError
from samescore.harness.registry.entry import Line, suites_of
from samescore.harness.registry.folder import Registry, registry_folder
from samescore.harness.run import Run

PREFIX = "registry:"


def run_directory(said: Path, candidate: Run, registry: Path | None = None) -> Path:
    """The directory of a run that was said by path, or as `registry:BRANCH`, for a candidate that was run.

    Raises: see `baseline_directory`.
    """
    return baseline_directory(said, suites_of(candidate.manifest), candidate.manifest.model, registry)


def baseline_directory(said: Path, suites: Iterable[str], model: str, registry: Path | None = None) -> Path:
    """The directory of a run that was said by path, or as `registry:BRANCH`, for candidates of a model on suites.

    Raises:
        UsageError: no branch is named, there is no registry, or no baseline was ever promoted there for this.
        EvidenceDamaged: the baseline changed since it was promoted, or vanished.
    """
    branch = branch_of(said)
    if branch is None:
        return said
    found = Registry(registry_folder(registry))
    line = Line(branch, tuple(sorted(suites)), model)
    return found.directory(found.baseline(line).entry)


def branch_of(said: Path) -> str | None:
    """The branch of `registry:BRANCH`; None of a path.

    Raises:
        UsageError: no branch is named.
    """
    name = str(said)
    if not name.startswith(PREFIX):
        return None
    if name == PREFIX:
        raise UsageError(f"{name}: a branch is missing. Write {PREFIX}main, or the branch whose baseline is meant.")
    return name.removeprefix(PREFIX)
