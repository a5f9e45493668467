"""An adapter's folder, read for its card: size, base, passport. Nothing is loaded; neither torch nor PEFT is needed."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from samescore.harness.errors import AdapterError, UnknownName, UsageError
from samescore.harness.files import read_json
from samescore.harness.passport import Passport, read
from samescore.reports.contents import ReportedRun

WEIGHTS, SETTINGS = "adapter_model.safetensors", "adapter_config.json"

_LARGEST_HEADER = 100_000_000
"""Bytes; the format of safetensors allows no longer one."""

_HUB_FOLDER = re.compile(r"models--([\w.-]+?)--([\w.-]+)")
_HUB_ID = re.compile(r"[\w.-]+(?:/[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an adapter's folder says. `size` is in bytes, `parameters` counts those of its own matrices.

    `base` is the base's name as the passport has it, else as PEFT's settings do; None where neither says. `digest` is
    that of the weights, as runs record it.
    """

    name: str
    folder: Path
    digest: str
    base: str | None
    size: int
    parameters: int
    settings: Mapping[str, Any]
    passport: Passport | None

    @property
    def rank(self) -> int | None:
        """The rank of the update; None where the settings have none, as of other methods than LoRA."""
        rank = self.settings.get("r")
        return rank if isinstance(rank, int) else None

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that it changes, by name."""
        named = self.settings.get("target_modules")
        return tuple(sorted(map(str, named))) if isinstance(named, list) else (str(named),) if named else ()

    @property
    def hub_base(self) -> str | None:
        """The base as a name on the hub: of a path the one that it was fetched by, else what its folder is called."""
        if self.base is None:
            return None
        name = self.base.removeprefix("hf/").removeprefix("vllm/").rstrip("/")
        if fetched := _HUB_FOLDER.search(name):
            return f"{fetched[1]}/{fetched[2]}"
        return name if _HUB_ID.fullmatch(name) and not name.startswith(".") else Path(name).name


def adapter_of(run: ReportedRun, said: Path | None = None) -> Adapter:
    """The adapter of a run: in the folder that was said, else where the run had it from.

    Raises:
        UsageError: the run is of no adapter; or the folder is not there, or holds other weights than the run had.
        AdapterError: it holds no adapter, or a damaged one.
    """
    from samescore.harness.policies import adapter_path
    from samescore.harness.policies.adapter import adapter_files
    from samescore.harness.policies.model_files import weights_digest

    if run.digest is None:
        raise UsageError(
            f"--card is about an adapter, and {run.directory} is a run of {run.model} without one. Leave it out."
        )
    try:
        folder = adapter_files(str(said) if said is not None else adapter_path(run.model, run.adapter or ""))
    except UnknownName:
        where = said or run.adapter or "somewhere else"
        raise UsageError(
            f"{where}: the adapter of {run.directory} is not there. Say where it lies: --adapter FOLDER."
        ) from None
    digest = weights_digest(folder)
    if digest != run.digest:
        raise UsageError(
            f"{folder}: its weights are {digest[:12]}, and those of {run.directory} were {run.digest[:12]}. Say where "
            "those are: --adapter FOLDER. Or evaluate what is there."
        )
    settings, passport = _settings(folder / SETTINGS), read(folder)
    base = settings.get("base_model_name_or_path") if passport is None else passport.base.name
    path = folder / WEIGHTS
    return Adapter(
        name=folder.resolve().name,
        folder=folder,
        digest=digest,
        base=base if isinstance(base, str) and base else None,
        size=path.stat().st_size,
        parameters=_parameters(path),
        settings=settings,
        passport=passport,
    )


def _settings(path: Path) -> Mapping[str, Any]:
    data = read_json(path, "the adapter's settings")
    if not isinstance(data, dict):
        raise AdapterError(f"{path} is damaged: expected an object. Train the adapter again.")
    return data


def _parameters(path: Path) -> int:
    """Counted from the header: its length in 8 bytes, the least first, then JSON with the shape of each tensor."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LARGEST_HEADER:
                raise ValueError(f"a header of {length} bytes")
            header = json.loads(file.read(length))
        return sum(prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
    except (OSError, ValueError, struct.error, TypeError, KeyError, AttributeError) as error:
        raise AdapterError(f"{path} is damaged: {error}. Train the adapter again, or copy it anew.") from None
