"""Files that users bring and get: what is wrong with one is said in a message, and none is left half-written."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from samescore.harness.errors import EvidenceUnwritable, UsageError
from samescore.harness.strictjson import JsonDefect, read

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the operating system says where a disk is full, or a quota."""


def read_text(path: Path, what: str) -> str:
    """The text of a file; `what` names it in messages: `the tools`.

    Raises:
        UsageError: it cannot be read, or is not UTF-8; then names the line.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {what} cannot be read: {error.strerror}. Correct the path.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path}:{line}: {what} cannot be read: byte {error.start} is not UTF-8. Correct the path, or the file."
        ) from None


def read_json(path: Path, what: str) -> Any:
    """The one JSON value of a file.

    Raises:
        UsageError: it cannot be read, or is not strict JSON; names the line.
    """
    text = read_text(path, what)
    try:
        return read(text)
    except JsonDefect as defect:
        line, what = place_of(text, defect)
        raise UsageError(f"{path}:{line}: this is not JSON: {what}. Correct the file.") from None


def read_json_lines(path: Path, what: str) -> Iterator[tuple[int, Any]]:
    """The JSON values of a file, one a line, each with its line's number; empty lines are passed over.

    Raises:
        UsageError: it cannot be read, or a line is not strict JSON.
    """
    for number, line in enumerate(read_text(path, what).split("\n"), start=1):
        if line.strip():
            try:
                yield number, read(line)
            except JsonDefect as defect:
                what = placed(defect, defect.at + 1)
                raise UsageError(f"{path}:{number}: this is not JSON: {what}. Correct the line.") from None


def place_of(text: str, defect: JsonDefect) -> tuple[int, str]:
    """The line on which a JSON text is wrong, and what is wrong there."""
    return text.count("\n", 0, defect.at) + 1, placed(defect, defect.at - text.rfind("\n", 0, defect.at))


def placed(defect: JsonDefect, column: int) -> str:
    """What is wrong with a JSON text, and in which column, from 1; some of Python's words for it end in "at"."""
    if defect.name != "invalid_json":  # others say what they are about, and have no one place
        return defect.detail
    return f"{defect.detail.rstrip(': ').removesuffix(' at')} at column {column}"


def write_text(path: Path, text: str, kept: str = "") -> None:
    """Replace a file at once: a reader, or a crash, sees the former one or the new one.

    `kept` is a sentence for the message of an error: what has not been lost. Of a link, what it leads to is replaced.

    Raises:
        EvidenceUnwritable: the disk is full, or the folder cannot be written; the former file is intact.
    """
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if target.is_dir():  # inside `try`: a name may be too long to be asked about
            raise OSError(errno.EISDIR, "it is a folder", str(path))
        if target.exists() and not target.is_file():  # to replace /dev/null, as root may, is never meant
            raise OSError(errno.EINVAL, "it is a device or a pipe", str(path))
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError as error:
        with suppress(OSError):  # where it could not be written, there may be nothing to remove
            beside.unlink()
        intact = f" {kept}" if kept else ""
        raise EvidenceUnwritable(f"{path}: cannot be written: {error.strerror}.{intact} {remedy(error)}") from error


def remedy(error: OSError) -> str:
    """What to do about a file that the operating system refuses."""
    if error.errno in NO_ROOM:
        return "Make room and try again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Correct the permissions, or choose another place."
    return "Choose another place." if error.filename else "Correct that and try again."


def remedy_of_reading(error: OSError) -> str:
    """What to do about a file that is there and cannot be read."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return "Correct the permissions: it must be readable."
    return "Correct that, or restore it from a copy."


@contextmanager
def new_folder(directory: Path) -> Iterator[Path]:
    """A folder to write into that becomes `directory` at the end. If anything fails, all is as it was before.

    An empty `directory` is filled: somebody may be in it, or it may be a mount.

    Raises:
        OSError: it cannot be written.
    """
    there = directory.is_dir()
    within = directory if there else directory.parent
    missing = [path for path in (within, *within.parents) if not path.exists()]
    stage, moved = within / f".samescore-new-{os.getpid()}", []
    try:
        within.mkdir(parents=True, exist_ok=True)
        stage.mkdir()
        try:
            yield stage
            if there:
                for path in sorted(stage.iterdir()):
                    moved.append(path.rename(directory / path.name))
                stage.rmdir()
            else:
                stage.rename(directory)
        except BaseException:
            for path in (stage, *moved):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            raise
    except BaseException:
        for path in missing:  # another process may have put something there by now: then it stays
            with suppress(OSError):
                path.rmdir()
        raise
