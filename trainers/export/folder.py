"""The folder that an export leaves: new, whole, and with the passport of what is in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from samescore.harness.errors import EvidenceUnwritable, UsageError
from samescore.harness.files import new_folder, remedy
from samescore.harness.passport import PASSPORT, Exported, as_text, exported_json, read_raw


@dataclass(frozen=True, slots=True)
class Written:
    """What an export left: the folder, the names and sizes in bytes of its files, and what should be known of it."""

    folder: Path
    files: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


def require_new(folder: Path) -> None:
    """Make sure that nothing is overwritten.

    Raises:
        UsageError: there is something.
    """
    taken = any(folder.iterdir()) if folder.is_dir() else os.path.lexists(folder)
    if taken:
        raise UsageError(
            f"{folder}: there is something here already, and export overwrites nothing. Name a new folder."
        )


def require_room(folder: Path, size: int) -> None:
    """Make sure, before hours are spent, that so many bytes fit where the folder will be.

    Raises:
        EvidenceUnwritable: they do not.
    """
    above = folder.absolute()
    while not above.exists():
        above = above.parent
    free = shutil.disk_usage(above).free
    if free < size:
        raise EvidenceUnwritable(
            f"{folder}: {sized(size)} are to be written there, and {sized(free)} are free. Make room, or name a folder "
            "on another disk."
        )


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into that becomes `folder` at the end; if anything fails, nothing is left.

    Raises:
        EvidenceUnwritable: the disk is full, or the folder cannot be written.
    """
    from safetensors import SafetensorError

    try:
        with new_folder(folder) as stage:
            yield stage
    except SafetensorError as error:  # what it says of a full disk is text alone
        raise EvidenceUnwritable(
            f"{folder}: the weights cannot be written: {error}. Nothing was left there. Make room and try again."
        ) from None
    except OSError as error:
        raise EvidenceUnwritable(
            f"{folder}: cannot be written: {error.strerror or error}. Nothing was left there. {remedy(error)}"
        ) from None


def write_provenance(adapter: Path, stage: Path, exported: Exported) -> tuple[str, ...]:
    """The adapter's passport beside what was made of it, as it stands, with `exported` added; a note where it has none.

    Raises:
        AdapterError: the passport is damaged.
    """
    passport = read_raw(adapter)
    if passport is None:
        return (f"the adapter has no passport ({PASSPORT}), so nothing says what this was made from",)
    (stage / PASSPORT).write_text(as_text({**passport, "exported": exported_json(exported)}), encoding="utf-8")
    return ()


def written(folder: Path, notes: tuple[str, ...]) -> Written:
    """What there is in a folder now."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return Written(folder, tuple((path.relative_to(folder).as_posix(), path.stat().st_size) for path in files), notes)


def sized(size: int) -> str:
    """Bytes, as people read them: 10.6 MiB."""
    amount, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
