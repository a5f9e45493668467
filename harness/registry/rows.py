"""Runs and promotions as rows of the index. All values go in as parameters."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from samescore.harness.manifest import now
from samescore.harness.registry.checkout import Checkout
from samescore.harness.registry.entry import Entry, Line, Prints, Promotion, adapter_digest, suites_of
from samescore.harness.run import Run

_RUN = "path, suites, model, adapter, digest, branch, revision, cases, epochs, started, added, manifest, evidence"
_COLUMNS = ", ".join(f"runs.{name}" for name in ["number", *_RUN.split(", ")])


def every_entry(database: sqlite3.Connection) -> tuple[Entry, ...]:
    """All runs, in the order in which they were added."""
    return tuple(map(_entry, database.execute(f"SELECT {_COLUMNS} FROM runs ORDER BY number")))


def entry_by_prints(database: sqlite3.Connection, prints: Prints) -> Entry | None:
    """The run with these digests."""
    return _one(database, "manifest = ? AND evidence = ?", prints.manifest, prints.evidence)


def entry_at(database: sqlite3.Connection, path: str) -> Entry | None:
    """The run at this path."""
    return _one(database, "path = ?", path)


def insert_entry(database: sqlite3.Connection, path: str, run: Run, prints: Prints, checkout: Checkout) -> Entry:
    """Enter a run as it is now."""
    manifest, plan = run.manifest, run.plan
    values: tuple[Any, ...] = (
        path,
        json.dumps(suites_of(manifest), ensure_ascii=False),
        manifest.model,
        manifest.adapter,
        adapter_digest(manifest),
        checkout.branch,
        checkout.commit,
        len(run.due.cases),
        plan.epochs,
        manifest.started,
        now(),
        prints.manifest,
        prints.evidence,
    )
    database.execute(f"INSERT INTO runs ({_RUN}) VALUES ({', '.join('?' * len(values))})", values)
    entry = entry_at(database, path)
    assert entry is not None, "it was inserted"
    return entry


def move_entry(database: sqlite3.Connection, entry: Entry, path: str) -> Entry:
    """Say where a run is now."""
    database.execute("UPDATE runs SET path = ? WHERE number = ?", (path, entry.number))
    moved = entry_at(database, path)
    assert moved is not None, "it was moved there"
    return moved


def delete_entry(database: sqlite3.Connection, entry: Entry) -> None:
    """Remove a run that was never promoted."""
    database.execute("DELETE FROM runs WHERE number = ?", (entry.number,))


def promotions_of(database: sqlite3.Connection, line: Line | None = None) -> tuple[Promotion, ...]:
    """All promotions in their order, or those of one line."""
    rows = database.execute(
        f"SELECT promotions.number, promotions.branch, promoted, anchor, {_COLUMNS} FROM promotions "
        "JOIN runs ON runs.number = promotions.run ORDER BY promotions.number"
    )
    found = (
        Promotion(number, _entry(row), branch, promoted, bool(anchor))
        for number, branch, promoted, anchor, *row in rows
    )
    return tuple(promotion for promotion in found if line in (None, promotion.line))


def insert_promotion(database: sqlite3.Connection, entry: Entry, branch: str, *, anchor: bool) -> None:
    """Make a run the newest baseline of a branch."""
    database.execute(
        "INSERT INTO promotions (run, branch, promoted, anchor) VALUES (?, ?, ?, ?)",
        (entry.number, branch, now(), anchor),
    )


def _one(database: sqlite3.Connection, condition: str, *values: str) -> Entry | None:
    row = database.execute(f"SELECT {_COLUMNS} FROM runs WHERE {condition} ORDER BY number", values).fetchone()
    return None if row is None else _entry(row)


def _entry(row: Any) -> Entry:
    number, path, suites, *said, manifest, evidence = row
    model, adapter, digest, branch, commit, cases, epochs, started, added = said
    return Entry(
        number,
        path,
        tuple(json.loads(suites)),
        model,
        adapter,
        digest,
        branch,
        commit,
        cases,
        epochs,
        started,
        added,
        Prints(manifest, evidence),
    )
