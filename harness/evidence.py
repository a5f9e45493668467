"""`evidence.jsonl`: an append-only file of records, one checksummed line each, that survives `kill -9`.

A line is written whole or not at all: a process killed while writing leaves a beginning without a line feed, which the
next one drops. Lines reach the operating system at once, so that a killed process loses none. They are forced to the
disk every `SYNC_SECONDS` and at the end: a power cut loses seconds of work, and fast rollouts do not wait for the disk.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from samescore.harness.errors import EvidenceDamaged, EvidenceUnwritable, ForeignEvidence, UsageError
from samescore.harness.files import remedy_of_reading
from samescore.harness.records import FORMAT, Record, checksum, record_from, write_line

SYNC_SECONDS = 2.0
"""The longest that a written line waits, while others follow, before it is forced to the disk."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What is in an evidence file: its records in order, and the bytes that its whole lines take."""

    records: tuple[Record, ...]
    size: int


def read_evidence(path: Path) -> tuple[Record, ...]:
    """Every record of the file, in the order of writing. A last line that was cut off is left out.

    Raises:
        EvidenceDamaged: a line is not what was written.
        ForeignEvidence: the file is no evidence, or of a later format.
        UsageError: there is no such file, or it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        named = isinstance(error, FileNotFoundError | NotADirectoryError)
        advice = "Name the directory of a run." if named else remedy_of_reading(error)
        raise UsageError(f"{path}: the evidence cannot be read: {error.strerror}. {advice}") from None
    return _scan(path, data).records


class EvidenceWriter:
    """The one process that appends to an evidence file. Use it as a context manager.

    Opening takes a lock, checks what is there and drops a last line that was cut off. `resume` is the command that
    carries the run on; it is quoted where writing fails.

    Raises:
        UsageError: another process is writing to this file.
        EvidenceDamaged, ForeignEvidence: as for `read_evidence`.
        EvidenceUnwritable: the file cannot be opened for writing.
    """

    def __init__(self, path: Path, resume: str) -> None:
        self.path = path
        self._resume = resume
        self._fd = _open_locked(path)
        try:
            scan = _scan(path, path.read_bytes())
            self.records = scan.records
            self._end = scan.size
            os.ftruncate(self._fd, scan.size)
        except BaseException:
            os.close(self._fd)
            raise
        self._synced = time.monotonic()
        self._dirty = False

    def append(self, record: Record) -> None:
        """Write one record, whole or not at all.

        Raises:
            EvidenceUnwritable: the disk is full or fails; everything recorded before is intact.
            TypeError, ValueError: the record holds something that is not JSON.
        """
        line = write_line(record)
        written = 0
        try:
            # A disk that fills up writes a part; asking for the rest names the reason.
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError as error:
            os.ftruncate(self._fd, self._end)
            raise self._unwritable(error) from error
        self._end += written
        self._dirty = True
        if time.monotonic() - self._synced >= SYNC_SECONDS:
            self._sync()

    def close(self) -> None:
        """Force what was written to the disk and give the lock back."""
        try:
            self._sync()
        finally:
            os.close(self._fd)

    def __enter__(self) -> EvidenceWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _sync(self) -> None:
        if not self._dirty:
            return
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise self._unwritable(error) from error
        self._synced = time.monotonic()
        self._dirty = False

    def _unwritable(self, error: OSError) -> EvidenceUnwritable:
        return EvidenceUnwritable(
            f"{self.path}: the evidence cannot be written: {error.strerror}. What was recorded before is intact. "
            f"Make room, then carry on: {self._resume}"
        )


def _open_locked(path: Path) -> int:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise EvidenceUnwritable(
            f"{path}: the evidence cannot be opened for writing: {error.strerror}. Correct the directory or its "
            "permissions, or choose another one."
        ) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise UsageError(
            f"{path.parent}: another samescore process is writing to this run. Wait for it to end, or choose another "
            "directory."
        ) from None
    return fd


def _scan(path: Path, data: bytes) -> Scan:
    size = data.rfind(b"\n") + 1
    lines = data.split(b"\n") if data else []
    if lines and not any(map(_is_ours, filter(None, lines))):
        raise ForeignEvidence(
            f'{path}: not samescore evidence: expected lines that begin with {{"v":. Name the directory of a run.'
        )
    del lines[-1:]  # what follows the last line feed: nothing, or a line that was cut off
    return Scan(tuple(_record(path, number, line) for number, line in enumerate(lines, 1)), size)


def _is_ours(line: bytes) -> bool:
    """Whether the line, or the beginning of one, opens as ours do."""
    opening = b'{"v":'
    return line[: len(opening)] == opening[: len(line)]


def _record(path: Path, number: int, line: bytes) -> Record:
    try:
        body = json.loads(line.decode())
    except (ValueError, RecursionError):
        raise _damaged(path, number, "it is not a JSON object") from None
    if not isinstance(body, dict):
        raise _damaged(path, number, "it is not a JSON object")
    version = body.get("v")
    if type(version) is int and version > FORMAT:
        raise ForeignEvidence(
            f"{path}:{number}: the line is of evidence format {version}; this samescore reads up to {FORMAT}. "
            f"Use {_writer(path)} or later."
        )
    recorded = body.pop("sum", None)
    if recorded is None:
        raise _damaged(path, number, "it has no checksum")
    found = checksum(body)
    if found != recorded:
        raise _damaged(path, number, f"its checksum is {found}, expected {recorded}")
    try:
        return record_from(body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, number, f"its fields are not those of format {version} ({error!r})") from None


def _damaged(path: Path, number: int, what: str) -> EvidenceDamaged:
    return EvidenceDamaged(
        f"{path}:{number}: the line was changed after it was written: {what}. Restore the file from a copy; or delete "
        f"line {number} and carry the run on: what has no record then is run again."
    )


def _writer(path: Path) -> str:
    """What wrote the run, for a message; the manifest beside the file knows."""
    try:
        manifest: Any = json.loads(path.with_name("run.json").read_bytes())
        return f"samescore {manifest['versions']['samescore']}, which wrote it,"
    except (OSError, ValueError, KeyError, TypeError):
        return "the version of samescore that wrote it,"
