"""`samescore init`: a folder with a small world, a procedure, cases and targets, to start from."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from samescore.harness.errors import EvidenceUnwritable, UsageError

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
    where = shlex.quote(str(directory))
    print(f"{directory}: the world of a courier's support desk, to make your own")
    print("\n".join(f"  {path}" for path in written))
    print(f"next:\n  samescore eval {where} --model oracle\n  samescore eval {where}\n  samescore sop lint {where}")


def write_copy(template: Path, directory: Path) -> list[str]:
    """Copy a folder's files, all or none; their names.

    Raises:
        UsageError: the directory is not empty, or is none.
        EvidenceUnwritable: it cannot be written. Nothing is left behind.
    """
    if directory.is_dir() and any(directory.iterdir()):
        raise UsageError(f"{directory}: not empty, and init overwrites nothing. Name a new folder.")
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory}: is a file. Name a new folder.")
    paths = sorted(path for path in template.rglob("*") if path.is_file() and path.suffix != ".pyc")
    names = [path.relative_to(template).as_posix() for path in paths]
    try:
        with _staged(directory) as stage:
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


@contextmanager
def _staged(directory: Path) -> Iterator[Path]:
    """A folder that becomes `directory` at the end, or vanishes if it fails."""
    there = directory.exists()
    made = [path for path in (directory, *directory.parents) if not path.exists()][-1:]  # the topmost holds the others
    within = directory if there else directory.parent
    within.mkdir(parents=True, exist_ok=True)
    stage = within / f".samescore-init-{os.getpid()}"
    moved: list[Path] = []
    try:
        stage.mkdir()
        yield stage
        if there:  # somebody may be in it, or it may be a mount: only what it holds is put in place
            for path in sorted(stage.iterdir()):
                moved.append(path.rename(directory / path.name))
            stage.rmdir()
        else:
            stage.rename(directory)
    except BaseException:
        for path in (stage, *moved, *made):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        raise
