"""The targets as they stood when training began: on disk before the first step, and compared at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from samescore.harness.cli.errors import say
from samescore.harness.errors import SamescoreError, UsageError
from samescore.harness.files import read_json, write_text
from samescore.harness.fingerprint import fingerprint
from samescore.harness.manifest import now
from samescore.harness.plan import CaseSuite
from samescore.trainers.config import DataConfig
from samescore.trainers.material import load_material

TARGETS = "targets.json"


@dataclass(frozen=True, slots=True)
class StatedTargets:
    """Per metric the least value that a suite stated, when, and in which version of it."""

    suite: str
    version: int
    targets: Mapping[str, float]
    recorded: str

    @property
    def fingerprint(self) -> str:
        """As `Suite.targets_fingerprint`."""
        return fingerprint(dict(self.targets))

    def require(self, suite: CaseSuite) -> None:
        """Make sure that a training run goes on with the targets that it started from.

        Raises:
            UsageError: they moved; says which.
        """
        if moved := self.moved(suite):
            raise UsageError(
                f"targets moved since this training began: {'; '.join(moved)}. What must be reached is said before "
                "anyone trains: restore them, or train anew with another `out`."
            )

    def moved(self, suite: CaseSuite) -> list[str]:
        """The targets that a suite states otherwise now, in words."""
        found = []
        for metric in sorted(self.targets.keys() | suite.targets.keys()):
            then, today = self.targets.get(metric), suite.targets.get(metric)
            if then != today:
                found.append(f"{suite.name}: {metric} was {_or_none(then)}, is {_or_none(today)}")
        return found


def stated(out: Path, suite: CaseSuite) -> StatedTargets:
    """The targets that a training run started from: written into its folder by its first process, read by any later.

    Raises:
        UsageError: the file is no longer as it was written.
        EvidenceUnwritable: the disk is full.
    """
    path = out / TARGETS
    if not path.exists():
        first = StatedTargets(suite.name, suite.version, dict(suite.targets), now())
        out.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps({**asdict(first), "fingerprint": first.fingerprint}, indent=1) + "\n")
        return first
    data = read_json(path, "the targets that training started from")
    try:
        recorded = data.pop("fingerprint")
        found = StatedTargets(**data)
        if found.fingerprint != recorded:
            raise ValueError("they do not have their fingerprint")
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path}: the targets that training started from were changed: {error}. Restore the file from a copy, or "
            "train anew."
        ) from None
    return found


def say_moved(started: StatedTargets, data: DataConfig) -> dict[str, list[str]]:
    """Say which targets moved while training went on; gives the same for the passport, nothing where none did.

    What was trained is not given up for a suite that cannot be loaded any more: then this is said.
    """
    try:
        moved = started.moved(load_material(data).suite)
    except SamescoreError as error:
        moved = [f"{started.suite} cannot be loaded any more: {error}"]
    for words in moved:
        say(f"note: a target moved since this training began: {words}")
    return {"moved_targets": moved} if moved else {}


def _or_none(target: float | None) -> str:
    return "none" if target is None else f"{target:g}"
