"""What made a result what it is, as rows: the model, what was asked, who judged, and which versions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samescore.harness.run import EVIDENCE, Run
from samescore.harness.strictjson import write
from samescore.reports.contents import Provenance

_DESCRIBED = ("weights", "adapter", "renderer", "dtype", "device", "engine", "backend", "arguments")
"""What is shown of a model's own description, in this order; the whole of it is in run.json."""


def provenance(run: Run) -> tuple[Provenance, ...]:
    """The rows of a run, in groups."""
    groups = {
        "model": _model(run),
        "plan": _plan(run),
        "scoring": _scoring(run),
        "world": _worlds(run),
        "passport": _passport(run),
        "version": ((name, text) for name, text in run.manifest.versions.items()),
        "evidence": _evidence(run),
    }
    return tuple(Provenance(group, name, value) for group, rows in groups.items() for name, value in rows)


def adapter_digest(description: Mapping[str, Any]) -> str | None:
    """The digest of the adapter's weights that a policy described, also through a replay; None where there is none."""
    described = innermost(description)
    found = described.get("adapter")
    return found if isinstance(found, str) else None


def innermost(description: Mapping[str, Any]) -> Mapping[str, Any]:
    """The description of the model itself: a replay describes whom it replays."""
    while isinstance(description.get("description"), Mapping):
        description = description["description"]
    return description


def _model(run: Run) -> Iterator[tuple[str, str]]:
    manifest = run.manifest
    yield "name", manifest.model
    if manifest.adapter is not None:
        yield "adapter", manifest.adapter
    described = innermost(manifest.description)
    for name in _DESCRIBED:
        if name in described:
            label = {"adapter": "adapter weights", "weights": "base weights"}.get(name, name)
            yield label, _text(described[name])


def _plan(run: Run) -> Iterator[tuple[str, str]]:
    plan = run.plan
    for suite in plan.suites:
        yield f"suite {suite.name}", f"version {suite.version}, {suite.fingerprint}"
    yield "cases", str(len(plan.cases)) if plan.limit is None else f"{len(plan.cases)} (--limit {plan.limit})"
    yield "epochs", str(plan.epochs)
    yield "seed", str(plan.seed)
    yield "temperature", f"{plan.temperature:g}"
    yield "procedure", plan.procedure
    yield "plan", plan.fingerprint


def _scoring(run: Run) -> Iterator[tuple[str, str]]:
    from samescore.harness.scorers import SCORERS

    manifest = run.manifest
    yield "dialect", f"{manifest.dialect}/{manifest.dialect_version}"
    yield "scorers", ", ".join(f"{scorer.name}/{scorer.version}" for scorer in SCORERS)
    recorded = manifest.scorers
    moved = [
        f"{scorer.name} was {recorded[scorer.name]}"
        for scorer in SCORERS
        if recorded.get(scorer.name, scorer.version) != scorer.version
    ]
    if moved:
        yield "scored again", ", ".join(moved)


def _worlds(run: Run) -> Iterator[tuple[str, str]]:
    for name, world in run.manifest.worlds.items():
        yield name, f"version {world['version']}, toolset {world['toolset']}, lexicon {world['lexicon']}"


def _passport(run: Run) -> Iterator[tuple[str, str]]:
    told = run.manifest.passport
    for name in ("kind", "fingerprint"):
        if name in told:
            yield name, _text(told[name])
    if told.get("impurities"):
        yield "impurities", ", ".join(map(str, told["impurities"]))
    for one in told.get("differs", ()):
        yield str(one["what"]), f"{one['trained']} → {one['now']}"


def _evidence(run: Run) -> Iterator[tuple[str, str]]:
    path: Path = run.directory / EVIDENCE
    yield "directory", str(run.directory)
    yield "started", run.manifest.started
    if run.manifest.finished is not None:
        yield "finished", run.manifest.finished
    data = path.read_bytes()
    yield EVIDENCE, f"{len(data):,} B, sha256 {hashlib.sha256(data).hexdigest()[:16]}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else write(value)
