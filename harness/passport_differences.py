"""What an adapter was trained with that is otherwise in a run: none of it forbids the run, all of it may move results.

Another base is refused where the adapter is loaded, see `samescore.harness.passport.check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from samescore.harness.fingerprint import fingerprint
from samescore.harness.manifest import Manifest
from samescore.harness.passport import Passport
from samescore.harness.worldless import WORLDLESS

JUDGE = "fact judge"
_NONE = "none"
_PLACES = {"prompt": "in the prompt", "weights": "not in the prompt"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was in training."""

    what: str
    trained: str
    now: str

    def __str__(self) -> str:
        return f"{self.what}: {self.trained} when it was trained, {self.now} here"


def differences(passport: Passport, manifest: Manifest) -> tuple[Difference, ...]:
    """What differs between training and a run, in the order in which it matters.

    What the passport does not say, as one of format 1 says little, is not compared.
    """
    pairs = [
        *_renderer(passport, manifest),
        *_toolsets(passport, manifest),
        *_procedure(passport, manifest),
        *_scorers(passport, manifest),
        *_targets(passport, manifest),
        *_weights(passport, manifest.description),
    ]
    return tuple(Difference(what, trained, now) for what, trained, now in pairs if trained != now)


def _renderer(passport: Passport, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    now = manifest.description.get("renderer")
    if passport.renderer is not None and now is not None:
        yield "chat template or tokenizer", passport.renderer, now
    if passport.dialect is not None:
        name, version = passport.dialect
        yield "dialect", f"{name}/{version}", f"{manifest.dialect.partition('@')[0]}/{manifest.dialect_version}"


def _toolsets(passport: Passport, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """The tools of the worlds; a case may show them otherwise, which is what an adversarial suite is about."""
    if passport.toolsets:
        for world, prints in manifest.worlds.items():
            if world != WORLDLESS.name:
                yield f"toolset {world}", passport.toolsets.get(world, _NONE), prints["toolset"]


def _procedure(passport: Passport, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    if passport.procedure is not None:
        yield "procedure", _PLACES[passport.procedure], _PLACES[manifest.plan.procedure]


def _scorers(passport: Passport, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    if passport.scorers:
        for name in sorted(passport.scorers.keys() | manifest.scorers.keys()):
            yield f"scorer {name}", _version(passport.scorers.get(name)), _version(manifest.scorers.get(name))
    if JUDGE in passport.versions and JUDGE in manifest.versions:
        yield JUDGE, f"version {passport.versions[JUDGE]}", f"version {manifest.versions[JUDGE]}"


def _targets(passport: Passport, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    versions = {suite.name: suite.version for suite in manifest.plan.suites}
    for suite in passport.suites:
        if suite.name not in versions:
            continue
        if suite.version is not None:
            yield f"suite {suite.name}", f"version {suite.version}", f"version {versions[suite.name]}"
        trained, now = suite.targets, dict(manifest.targets.get(suite.name, {}))
        if trained is None:  # format 1 knew no more than that they were others
            yield f"targets of {suite.name}", suite.targets_fingerprint, fingerprint(now)
            continue
        moved = sorted(metric for metric in trained.keys() | now.keys() if trained.get(metric) != now.get(metric))
        if moved:
            yield f"targets of {suite.name}", _thresholds(trained, moved), _thresholds(now, moved)


def _weights(passport: Passport, description: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    now = description.get("weights")
    if passport.exported is not None and passport.exported.shape == "merged" and now is not None:
        yield "weights of the exported model", passport.exported.weights[:12], now[:12]
    if passport.config.get("four_bit") and "dtype" in description:
        yield "number format of the base", "4 bits", description["dtype"]


def _version(number: int | None) -> str:
    return _NONE if number is None else f"version {number}"


def _thresholds(targets: Mapping[str, float], metrics: Iterable[str]) -> str:
    return ", ".join(f"{metric} {targets.get(metric, _NONE)}" for metric in metrics)
