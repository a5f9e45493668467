"""The index: a SQLite file. Writers wait for one another, so that jobs which add runs at once lose none.

It keeps SQLite's rollback journal: the whole index is one file then, which may be copied, cached, or read where nothing
can be written, and locks work on network drives on which a write-ahead log does not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from samescore.harness.errors import EvidenceDamaged, EvidenceUnwritable, ForeignEvidence, UsageError

NAME = "index.sqlite"
FORMAT = 1
"""Version of the index that this code writes."""

PATIENCE = 60.0
"""Seconds that a process waits for another one that writes."""

_TABLES = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  suites TEXT NOT NULL,
  model TEXT NOT NULL,
  adapter TEXT,
  digest TEXT,
  branch TEXT NOT NULL,
  revision TEXT,
  cases INTEGER NOT NULL,
  epochs INTEGER NOT NULL,
  started TEXT NOT NULL,
  added TEXT NOT NULL,
  manifest TEXT NOT NULL,
  evidence TEXT NOT NULL
);
CREATE INDEX runs_by_suite ON runs (suites, model, branch);
CREATE TABLE promotions (
  number INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (number),
  branch TEXT NOT NULL,
  promoted TEXT NOT NULL,
  anchor INTEGER NOT NULL
);
"""


@contextmanager
def writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """The index, made if there is none, held against other writers until the block ends; undone if the block fails.

    Raises:
        EvidenceUnwritable: it cannot be written, or another process holds it for too long.
        EvidenceDamaged, ForeignEvidence: it is no index, or of a later format.
    """
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvidenceUnwritable(
            f"{folder}: the registry's folder cannot be made: {error.strerror}. Choose another one."
        ) from None
    with _explained(path), closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        try:
            if _version(database, path) == 0:
                for statement in filter(str.strip, _TABLES.split(";")):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {FORMAT}")
            yield database
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """The index as it is, also where nothing can be written.

    Raises:
        UsageError: there is none.
        EvidenceUnwritable, EvidenceDamaged, ForeignEvidence: see `writing`.
    """
    path = folder / NAME
    if not path.is_file():
        raise UsageError(
            f"{folder}: there is no registry of runs here (no {NAME}). Name its folder with --registry, or begin one: "
            "samescore runs add RUN"
        )
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    with _explained(path), closing(sqlite3.connect(address, timeout=PATIENCE, uri=True)) as database:
        if _version(database, path) == 0:
            raise UsageError(f"{path}: the index is empty. Add a run: samescore runs add RUN")
        yield database


def _version(database: sqlite3.Connection, path: Path) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > FORMAT:
        raise ForeignEvidence(
            f"{path}: the index is of format {version}; this samescore reads up to {FORMAT}. Use a later one."
        )
    return int(version)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What SQLite says, as messages. A statement of ours that is wrong stays what it is."""
    try:
        yield
    except sqlite3.OperationalError as error:
        busy = "locked" in str(error)
        advice = "Another process has held it for a minute; try again." if busy else "Correct that and try again."
        raise EvidenceUnwritable(f"{path}: the index cannot be used: {error}. {advice}") from error
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise EvidenceDamaged(
            f"{path}: this is no index of runs any more: {error}. Restore it from a copy; or delete it, and add and "
            "promote the runs again."
        ) from None
