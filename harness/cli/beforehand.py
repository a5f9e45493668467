"""What can be seen to be wrong with `eval` before a suite or a model is loaded, which takes seconds."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from samescore.harness.errors import EvidenceUnwritable, UsageError

RUNS = Path("runs")
"""Where runs go of which nobody says where."""

_DEVICE = re.compile(r"auto|(?:cpu|cuda|mps|xpu)(?::[0-9]+)?")


def require_directory(out: Path | None) -> None:
    """Make sure that a run's directory can be made, and holds no run yet. Nothing is written.

    Raises:
        UsageError: there is a run.
        EvidenceUnwritable: it cannot be made.
    """
    directory = out or RUNS
    if out is not None and (out / "run.json").exists():
        command = f"samescore eval --resume {shlex.quote(str(out))}"
        raise UsageError(f"{out}: there is a run here already. Carry it on: {command}")
    above = directory.absolute()
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise EvidenceUnwritable(
            f"{directory}: the run's directory cannot be made: {above} is a file. Choose another one."
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise EvidenceUnwritable(
            f"{directory}: the run's directory cannot be made: {above} cannot be written to. Choose another one."
        )


def require_local(model: str, dialect: str | None, device: str) -> None:
    """Make sure of what a local model needs: a dialect that exists, a device that could be there, vLLM for its models.

    Raises:
        UnknownName: there is no such dialect.
        UsageError: no device is called so; vLLM or its GPU is missing.
    """
    from samescore.harness.policies import LOCAL

    if not model.startswith(LOCAL):
        return
    require_names(dialect, device)
    if model.startswith("vllm/"):
        from samescore.harness.policies.vllm import require_vllm

        require_vllm(device)


def require_names(dialect: str | None, device: str) -> None:
    """Make sure that a local model's dialect exists, and that its device could.

    Raises:
        UnknownName: there is no such dialect.
        UsageError: no device is called so.
    """
    from samescore.harness.dialects import dialect_named

    if dialect is not None:
        dialect_named(dialect)
    if not _DEVICE.fullmatch(device):
        raise UsageError(f"--device: expected auto, cpu, cuda or cuda:N, found {device!r}.")
