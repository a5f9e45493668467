"""A GRPO training on the toy world, assembled as `samescore train grpo` does, and a writer that writes given turns."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import toy_world

from samescore.harness.case import Case
from samescore.harness.dialects.detect import detect
from samescore.harness.policies import tiny_path
from samescore.harness.renderer import Renderer
from samescore.trainers.backends import Writer, WriterSession, backend_named
from samescore.trainers.config import GrpoConfig
from samescore.trainers.grpo.trainer import Grpo, assemble
from samescore.trainers.material import Material
from samescore.trainers.training import Options, Training

WORLD_FILE = Path(toy_world.__file__).with_name("toy_world.py:WORLD")
Script = Callable[[int], str | None]
"""The text of the n-th turn that is written, end of turn not included; None where the model is to write it."""


@functools.cache
def renderer() -> Renderer:
    """That of the embedded model."""
    return Renderer.load(tiny_path())


def training(folder: Path, cases: Sequence[Case], **options: Any) -> Training[GrpoConfig]:
    """What `prepare` would give for a suite of these cases. Everything small; every scorer of the toy cases rewards."""
    settings: dict[str, Any] = {
        "out": folder / "adapter",
        "lora": {"rank": 2, "alpha": 4},
        "watch": 1,
        "turn_tokens": 12,
        **options,
    }
    config = GrpoConfig.model_validate(settings)
    suite = toy_world.Suite("toy", 1, tuple(cases), {"success": 0.5}, toy_world.WORLDS)
    material = Material(suite, tuple(cases), toy_world.WORLDS, {toy_world.WORLD.name: WORLD_FILE})
    source = folder / "grpo.toml"
    source.write_text("", encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    backend = backend_named(config.backend)
    return Training(
        "grpo", source, config, Options(), tiny_path(), None, renderer(), detect(renderer()), backend, material
    )


def scripted(grpo: Grpo, script: Script) -> Grpo:
    """The same with a writer that writes what the script says."""
    writer = ScriptedWriter(grpo.writer, script)
    grpo.rollouts.writer = writer
    return grpo


def assembled(folder: Path, cases: Sequence[Case], script: Script | None = None, **options: Any) -> Grpo:
    """A GRPO training that may begin."""
    grpo = assemble(training(folder, cases, **options))
    return grpo if script is None else scripted(grpo, script)


class ScriptedWriter:
    """A writer whose n-th turn is what the script says, else the model's."""

    def __init__(self, inner: Writer, script: Script) -> None:
        self.inner = inner
        self.script = script
        self.context = inner.context
        self.written = 0

    def begin(self) -> None:
        self.inner.begin()

    def session(self, prefix: Sequence[int] = ()) -> WriterSession:
        return _ScriptedSession(self, self.inner.session(prefix))

    def end(self) -> None:
        self.inner.end()

    def close(self) -> None:
        self.inner.close()


class _ScriptedSession:
    def __init__(self, writer: ScriptedWriter, inner: WriterSession) -> None:
        self._writer = writer
        self._inner = inner
        self.logprobs = None

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        text = self._writer.script(self._writer.written)
        self._writer.written += 1
        if text is None:
            return await self._inner.generate(prompt, limit, temperature, seed)
        return (*renderer().encode(text), renderer().end_id)

    def close(self) -> None:
        self._inner.close()
