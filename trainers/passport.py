"""What training writes about an adapter, beside its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from samescore.harness.fingerprint import fingerprint
from samescore.harness.passport import FORMAT, PASSPORT

if TYPE_CHECKING:
    from samescore.trainers.training import Training

_LIBRARIES = ("torch", "transformers", "trl", "peft", "datasets", "vllm", "unsloth")


def write_passport(training: Training[Any], data: Mapping[str, Any], progress: Mapping[str, Any]) -> None:
    """Write `samescore.json` into the adapter's folder. `data` is what was learned from, `progress` how it went."""
    from samescore.harness.policies.hf import weights_digest

    config, material = training.config, training.material
    passport = {
        "format": FORMAT,
        "kind": training.kind,
        "base": {"name": config.base, "weights": weights_digest(training.base)},
        "template": training.renderer.fingerprint,
        "toolsets": {case.toolset.name: case.toolset.fingerprint for case in material.cases},
        "data": {
            "suite": config.data.suite,
            "split": config.data.split,
            "targets": fingerprint(dict(material.targets)),
            "cases": len(material.cases),
            **data,
        },
        "config": config.model_dump(mode="json", exclude={"out"}),
        "training": dict(progress),
        "versions": _versions(),
    }
    text = json.dumps(passport, indent=2, ensure_ascii=False) + "\n"
    (config.out / PASSPORT).write_text(text, encoding="utf-8")


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
