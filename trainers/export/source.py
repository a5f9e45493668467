"""What is exported: an adapter, and the base that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from samescore.harness.errors import AdapterError, UnknownName, UsageError
from samescore.harness.files import read_json
from samescore.harness.passport import read
from samescore.harness.policies import tiny_adapter, tiny_path
from samescore.harness.policies.adapter import adapter_files, adapter_folder, attached
from samescore.harness.policies.model_files import outline, weights_digest
from samescore.trainers.base import base_path

SETTINGS = "adapter_config.json"
_TINY, _HF = "tiny", "hf/"


@dataclass(frozen=True, slots=True)
class Source:
    """An adapter: its folder, the digest of its weights, and the name of its base; `said` if the user gave it."""

    adapter: Path
    digest: str
    base: str
    said: bool


def source_of(adapter: str, base: str | None) -> Source:
    """The adapter of that name or in that folder; its base is named by the user, its passport or PEFT's settings.

    Raises:
        UnknownName: there is no such adapter.
        AdapterError: it is none, or damaged; or nothing names its base.
    """
    folder = adapter_files(adapter if Path(adapter).expanduser().is_dir() else tiny_adapter(adapter))
    return Source(folder, weights_digest(folder), base or _base_of(folder), base is not None)


def fetched_base(source: Source) -> Path:
    """The base's folder; from the hub, if its name is an id there. What needs no weights in memory is checked.

    Raises:
        UnknownName, UsageError: there is no such model, or it cannot be had.
        AdapterError: the adapter belongs to another base.
    """
    try:
        base = base_path(source.base)
    except UnknownName as error:
        if source.said:
            raise
        raise UsageError(
            f"the base of {source.adapter.name} is not where it was when it was trained: {error} Say where it is: "
            "--base hf/PATH."
        ) from None
    _check(source, base)
    return base


def local_base(source: Source) -> Path | None:
    """The base's folder if it is on this machine, checked as `fetched_base` does; else None.

    Raises:
        AdapterError: the adapter belongs to another base.
    """
    if source.base != _TINY and not Path(source.base.removeprefix(_HF)).expanduser().is_dir():
        return None
    base = tiny_path() if source.base == _TINY else base_path(source.base)
    _check(source, base)
    return base


def _check(source: Source, base: Path) -> None:
    adapter_folder(str(source.adapter), base, weights_digest(base))
    attached(outline(base), source.adapter, base)


def _base_of(folder: Path) -> str:
    """What the adapter's own files call its base."""
    passport = read(folder)
    if passport is not None:
        return passport.base.name
    settings = read_json(folder / SETTINGS, "the adapter's settings")
    named = settings.get("base_model_name_or_path") if isinstance(settings, dict) else None
    if not isinstance(named, str) or not named:
        raise AdapterError(f"{folder}: neither a passport nor {SETTINGS} names its base. Say it: --base hf/PATH_OR_ID.")
    return named if named == _TINY or named.startswith(_HF) else _HF + named
