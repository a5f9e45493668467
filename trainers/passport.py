"""What training writes about an adapter, beside its weights."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness import facts
from samescore.harness.fingerprint import fingerprint
from samescore.harness.passport import Base, DevResult, Parent, Passport, TrainedSuite, read, write
from samescore.harness.passport_differences import JUDGE
from samescore.trainers.config import GrpoConfig

if TYPE_CHECKING:
    from samescore.trainers.training import Training

_LIBRARIES = (
    "samescore",
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "trl",
    "datasets",
    "accelerate",
    "vllm",
    "unsloth",
    "bitsandbytes",
)
_PATHS = ("recorded", "files")
"""Options of configurations that are paths."""
_MODELS = ("base", "similarity")
"""Options that are models: a name, or `hf/` and an id or a path."""


def write_passport(
    training: Training[Any], data: Mapping[str, Any], progress: Mapping[str, Any], dev: Sequence[DevResult] = ()
) -> None:
    """Write `samescore.json` into the adapter's folder. `data` is what was learned from, with its `fingerprint`;
    `progress` how it went; `dev` what was measured on `dev` while it did.

    Raises:
        EvidenceUnwritable: the disk is full, or the folder cannot be written.
    """
    write(training.config.out, passport_of(training, data, progress, dev))


def passport_of(
    training: Training[Any], data: Mapping[str, Any], progress: Mapping[str, Any], dev: Sequence[DevResult] = ()
) -> Passport:
    """The passport of what a training run makes; before it begins, with nothing in `progress`, what it will say."""
    from samescore.harness.policies.model_files import weights_digest
    from samescore.harness.scorers import SCORERS

    config, material, suite = training.config, training.material, training.material.suite
    targets = dict(material.targets)
    return Passport(
        kind=training.kind,
        base=Base(config.base, weights_digest(training.base)),
        renderer=training.renderer.fingerprint,
        dialect=(training.dialect.name, training.dialect.version),
        toolsets={name: world.toolset.fingerprint for name, world in sorted(material.worlds.items())},
        scorers={scorer.name: scorer.version for scorer in SCORERS},
        procedure=suite.procedure,
        suites=(TrainedSuite(suite.name, suite.version, suite.fingerprint, targets, fingerprint(targets)),),
        data={"split": config.data.split, "cases": len(material.cases), **data},
        rewards=_rewards(config),
        impurities=_impurities(config),
        parent=None if training.adapter is None else _parent(training.adapter),
        config=_config(training),
        training=dict(progress),
        seeds={"training": config.seed},
        versions=_versions(),
        dev=tuple(dev),
    )


def _rewards(config: Any) -> dict[str, float]:
    if not isinstance(config, GrpoConfig):
        return {}
    return {name: weight for name, weight in config.weights.items() if weight}


def _impurities(config: Any) -> tuple[str, ...]:
    """What rewards and is no scorer of evaluation."""
    if not isinstance(config, GrpoConfig) or config.similarity is None:
        return ()
    return (f"similarity to gold replies, as {config.similarity} embeds them, with weight {config.similarity_weight}",)


def _parent(adapter: Path) -> Parent:
    from samescore.harness.policies.model_files import weights_digest

    passport = read(adapter)
    return Parent(weights_digest(adapter), None if passport is None else passport.summary)


def _config(training: Training[Any]) -> dict[str, Any]:
    """The configuration, without what is true of one machine alone: paths stand as seen from its file, names as they
    are."""
    told: dict[str, Any] = training.config.model_dump(mode="json", exclude={"out"})
    here = training.source.resolve().parent

    def seen(path: str | Path) -> str:
        return os.path.relpath(Path(path).expanduser().resolve(), here)

    for name in _PATHS:
        if name in told:
            told[name] = [*map(seen, told[name])]
    for name in _MODELS:
        place = (told.get(name) or "").removeprefix("hf/")
        if place != told.get(name) and Path(place).expanduser().is_dir():
            path = seen(place)
            told[name] = f"hf/{path}" if path.startswith(".") else f"hf/./{path}"  # no id of the hub begins so
    if training.adapter is not None and (training.source.parent / told["adapter"]).expanduser().is_dir():
        told["adapter"] = seen(training.adapter)
    suite = told["data"]["suite"]
    if suite != training.material.suite.name and Path(suite).exists():
        told["data"]["suite"] = seen(suite)
    return told


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), JUDGE: str(facts.VERSION)}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
