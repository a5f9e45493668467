"""A DPO training on the clinic's cases, as `samescore train dpo` would prepare it; a policy that writes given turns."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import clinic_world

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.dialects.detect import detect
from samescore.harness.policies import tiny_path
from samescore.harness.policies.local import LocalConversation
from samescore.harness.policy import Sampling
from samescore.harness.renderer import Renderer, Transcript
from samescore.suites.suite import Suite
from samescore.trainers.backends import backend_named
from samescore.trainers.config import DpoConfig
from samescore.trainers.decisions import Decisions
from samescore.trainers.material import Material
from samescore.trainers.pairs import Pairing
from samescore.trainers.training import Options, Training

CASES = tuple(map(clinic_world.case, range(2)))
WORLD_FILE = Path(clinic_world.__file__).with_name("clinic_world.py:WORLD")


@functools.cache
def renderer() -> Renderer:
    """That of the embedded model."""
    return Renderer.load(tiny_path())


@functools.cache
def dialect() -> Dialect:
    """That of the embedded model."""
    return detect(renderer())


def pairing(source: str = "mutants", per_case: int = 4, seed: int = 7) -> Pairing:
    """A fresh one over the clinic."""
    return Pairing(Decisions(clinic_world.WORLDS, renderer(), dialect()), source, per_case, seed)


def training(folder: Path, adapter: Path | None = None, **options: Any) -> Training[DpoConfig]:
    """What `prepare` would give for the clinic's cases. Everything small."""
    settings: dict[str, Any] = {"out": folder / "adapter", "batch_size": 1, "log": {"every": 1}}
    settings["data"] = {"suite": "sop/refund", "locales": ["en"]}  # read once more when training ends
    settings |= {"lora": {"rank": 4, "alpha": 8}} if adapter is None else {"adapter": str(adapter)}
    settings |= options
    config = DpoConfig.model_validate(settings)
    suite = Suite("clinic", 1, CASES, {"success": 0.5}, clinic_world.WORLDS)
    material = Material(suite, CASES, clinic_world.WORLDS, {clinic_world.WORLD.name: WORLD_FILE})
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "dpo.toml"
    source.write_text("", encoding="utf-8")
    backend = backend_named("transformers")
    return Training(
        "dpo", source, config, Options(), tiny_path(), adapter, renderer(), dialect(), backend, material, None
    )


Script = Callable[[Case, int, int], str]
"""The text of the n-th turn that is written for a case with a seed, without its end."""


@dataclass(slots=True)
class WritingPolicy:
    """Writes the turns of a script as token ids, on the road of every local model, and remembers the prompts."""

    script: Script
    prompts: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    name: str = "writing"

    @property
    def dialect(self) -> Dialect:
        return dialect()

    def describe(self) -> Mapping[str, Any]:
        return {"model": self.name, "renderer": renderer().fingerprint}

    def converse(self, case: Case, sampling: Sampling) -> LocalConversation:
        transcript = Transcript(renderer(), case.messages, case.toolset)
        return LocalConversation(transcript, _Session(self, case, sampling.seed), sampling, None)

    async def aclose(self) -> None:
        """Nothing to release."""


@dataclass(slots=True)
class _Session:
    policy: WritingPolicy
    case: Case
    seed: int
    written: int = 0

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        self.policy.prompts.append((self.case.id, tuple(prompt)))
        text = self.policy.script(self.case, self.written, self.seed)
        self.written += 1
        return (*renderer().encode(text), renderer().end_id)

    def close(self) -> None:
        """Nothing to release."""


def gold_text(case: Case, turn: int, seed: int) -> str:
    """What gold says: the script of a policy that makes no mistake."""
    return dialect().write(case.gold[case.prefix + turn])
