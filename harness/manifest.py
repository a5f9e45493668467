"""`Manifest`: what `run.json` says: what was planned, who answers, what may move the result, and how the run stands."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from samescore.harness import facts
from samescore.harness.environment import World
from samescore.harness.plan import CaseSuite, Plan
from samescore.harness.policy import Policy
from samescore.harness.types import NO_DATA

FORMAT = 1
"""Version of `run.json` and `scores.json` that this code writes. It reads this one and all before it."""

_LIBRARIES = (
    "inspect-ai",
    "jsonschema",
    "jsonschema-rs",
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "vllm",
)


class Status(StrEnum):
    """How a run stands."""

    RUNNING = "running"  # begun and not ended: at work, or killed
    COMPLETE = "complete"  # every planned rollout has its scores
    INCOMPLETE = "incomplete"  # some are missing or are errors; it passes no gate


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything about a run but its evidence.

    `description` is the policy's own. `scorers` gives versions, `worlds` version and fingerprints of toolset and
    lexicon, `targets` the thresholds per suite, as they stood when the run began. `sources` gives the name or path by
    which each suite was asked for, `places` where those are that were asked for by path, as seen from the run. In a
    `redacted` run personal data is masked in all that is kept. `as_served` is the server whose parser was asked about,
    too. `passport` is what the adapter's says in short, and what in it is otherwise here. `sequential` is how a run is
    judged while it goes on, and `completed` the look that ended it, see `samescore.harness.gate.sequential`; None for
    any other run. `floors` and `results` are added when it ends. Times are ISO 8601 with offset.
    """

    plan: Plan
    model: str
    adapter: str | None
    description: Mapping[str, Any]
    dialect: str
    dialect_version: int
    scorers: Mapping[str, int]
    worlds: Mapping[str, Mapping[str, Any]]
    targets: Mapping[str, Mapping[str, float]]
    versions: Mapping[str, str]
    started: str
    finished: str | None = None
    status: Status = Status.RUNNING
    stopped: str | None = None
    sources: Mapping[str, str] = field(default_factory=lambda: NO_DATA)
    places: Mapping[str, str] = field(default_factory=lambda: NO_DATA)
    redacted: bool = False
    as_served: str | None = None
    passport: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)
    sequential: Mapping[str, Any] | None = None
    completed: Mapping[str, Any] | None = None
    floors: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)
    results: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)

    def with_fields(self, **fields: Any) -> Manifest:
        """The same with some fields replaced."""
        return replace(self, **fields)

    @property
    def lenient(self) -> bool:
        """Whether calls were not read strictly: a provider hides what was written, or a server's parser is imitated."""
        described = self.description
        while isinstance(described.get("description"), Mapping):  # a replay describes whom it replays
            described = described["description"]
        return self.server is not None or described.get("arguments") == "parsed"

    @property
    def server(self) -> str | None:
        """The server as whose parser the turns were read; None where they were read as they are."""
        return self.dialect.partition("@")[2] or None

    def to_json(self) -> dict[str, Any]:
        """As written to `run.json`."""
        return {
            "format": FORMAT,
            "status": self.status.value,
            "stopped": self.stopped,
            "started": self.started,
            "finished": self.finished,
            "model": self.model,
            "adapter": self.adapter,
            "description": dict(self.description),
            "dialect": {"name": self.dialect, "version": self.dialect_version},
            "scorers": dict(self.scorers),
            "worlds": {name: dict(world) for name, world in self.worlds.items()},
            "targets": {name: dict(targets) for name, targets in self.targets.items()},
            "versions": dict(self.versions),
            "sources": dict(self.sources),
            **({"places": dict(self.places)} if self.places else {}),
            "redacted": self.redacted,
            **({"lenient": True} if self.lenient else {}),
            **({"as_served": self.as_served} if self.as_served else {}),
            **({"passport": dict(self.passport)} if self.passport else {}),
            **({"sequential": dict(self.sequential)} if self.sequential else {}),
            **({"completed": dict(self.completed)} if self.completed else {}),
            "floors": dict(self.floors),
            "results": dict(self.results),
            "plan_fingerprint": self.plan.fingerprint,
            "plan": self.plan.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Manifest:
        """Read what `to_json` wrote; it is checked against its schema before."""
        return cls(
            plan=Plan.from_json(data["plan"]),
            model=data["model"],
            adapter=data["adapter"],
            description=data["description"],
            dialect=data["dialect"]["name"],
            dialect_version=data["dialect"]["version"],
            scorers=data["scorers"],
            worlds=data["worlds"],
            targets=data["targets"],
            versions=data["versions"],
            started=data["started"],
            finished=data["finished"],
            status=Status(data["status"]),
            stopped=data["stopped"],
            sources=data.get("sources", NO_DATA),
            places=data.get("places", NO_DATA),
            redacted=data.get("redacted", False),
            as_served=data.get("as_served"),
            passport=data.get("passport", NO_DATA),
            sequential=data.get("sequential"),
            completed=data.get("completed"),
            floors=data["floors"],
            results=data["results"],
        )


def manifest_of(
    plan: Plan,
    policy: Policy,
    worlds: Mapping[str, World],
    suites: Sequence[CaseSuite],
    adapter: str | None,
    redacted: bool = False,
    directory: Path | None = None,
) -> Manifest:
    """The manifest of a run that begins now, in `directory`."""
    from samescore.harness.scorers import SCORERS

    return Manifest(
        plan=plan,
        model=policy.name,
        adapter=adapter,
        description=policy.describe(),
        dialect=policy.dialect.name,
        dialect_version=policy.dialect.version,
        scorers={scorer.name: scorer.version for scorer in SCORERS},
        worlds=world_prints(worlds),
        targets={suite.name: dict(suite.targets) for suite in suites},
        versions=_versions(),
        started=now(),
        sources={suite.name: suite.source for suite in suites if suite.source},
        places={} if directory is None else _places(suites, directory),
        redacted=redacted,
    )


def _places(suites: Sequence[CaseSuite], directory: Path) -> dict[str, str]:
    """Where the suites lie that were asked for by path, as seen from a run: both may be moved together."""
    paths = {suite.name: suite.source for suite in suites if suite.source and Path(suite.source).exists()}
    with suppress(ValueError):  # they lie on different drives
        return {name: os.path.relpath(Path(path).resolve(), directory.resolve()) for name, path in paths.items()}
    return {}


def world_prints(worlds: Mapping[str, World]) -> dict[str, Any]:
    """What identifies each world: its declared version, and the fingerprints of its tools and words.

    How its tools fail in passing is behaviour, like their code: the declared version stands for it.
    """
    return {
        name: {
            "version": world.version,
            "toolset": world.toolset.fingerprint,
            "lexicon": world.lexicon.fingerprint,
        }
        for name, world in sorted(worlds.items())
    }


def now() -> str:
    """The time of day as manifests carry it."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    found = {
        "samescore": _version("samescore") or "0+source",
        "python": platform.python_version(),
        "fact judge": str(facts.VERSION),
    }
    return found | {name: number for name in _LIBRARIES if (number := _version(name))}


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
