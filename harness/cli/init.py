"""`samescore init`: a folder with a small world, a procedure, cases and targets, to start from."""

from __future__ import annotations

import os
import shlex
import shutil
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from samescore.harness.errors import EvidenceUnwritable, UsageError
from samescore.harness.files import new_folder

TEMPLATE = "samescore.fixtures", "starter"
"""The package and the folder in it that is copied."""


def init_command(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that does not exist yet, or an empty one.")
    ],
) -> None:
    """Write a small world to start from: tools, data, a procedure, its cases, targets."""
    package, folder = TEMPLATE
    with as_file(files(package) / folder) as template:
        written = write_copy(template, directory)
    where = _typed(directory)
    print(f"{directory}: the world of a courier's support desk, to make your own")
    print("\n".join(f"  {path}" for path in written))
    print(f"next:\n  samescore eval {where} --model oracle\n  samescore eval {where}\n  samescore sop lint {where}")


def write_copy(template: Path, directory: Path) -> list[str]:
    """Copy a folder's files, all or none; their names.

    Raises:
        UsageError: the directory is not empty, or is none.
        EvidenceUnwritable: it cannot be written. Nothing is left behind.
    """
    paths = sorted(path for path in template.rglob("*") if path.is_file() and path.suffix != ".pyc")
    names = [path.relative_to(template).as_posix() for path in paths]
    try:
        if directory.is_dir() and any(directory.iterdir()):
            raise UsageError(f"{directory}: not empty, and init overwrites nothing. Name a new folder.")
        if os.path.lexists(directory) and not directory.is_dir():
            raise UsageError(f"{directory}: is there already and is no folder. Name a new folder.")
        with new_folder(directory) as stage:
            for path, name in zip(paths, names, strict=True):
                (stage / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, stage / name)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise EvidenceUnwritable(
            f"{directory}: cannot be written: {error.strerror}{where}. Nothing was left there. Make room, or "
            "name another folder."
        ) from None
    return names


def _typed(directory: Path) -> str:
    """A folder as it is named to a command: `./sop` is never taken for the suite `sop`, nor `./-x` for an option."""
    plain = directory.is_absolute() or directory.parts[:1] in ((), ("..",))
    return shlex.quote(str(directory) if plain else f"./{directory}")
