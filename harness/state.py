"""The rows of a world's database, and how two states of it differ."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, TypeAlias

from samescore.harness.types import Change

State: TypeAlias = dict[str, dict[str, dict[str, Any]]]
"""Table -> primary key -> row."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name and its primary key columns, in order."""

    name: str
    keys: tuple[str, ...]


def tables_of(connection: sqlite3.Connection) -> tuple[Table, ...]:
    """A database's tables, by name.

    Raises:
        ValueError: one has no primary key.
    """
    names = [
        row[0]
        for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
    ]
    tables = []
    for name in names:
        columns = connection.execute("SELECT name, pk FROM pragma_table_info(?) ORDER BY pk", (name,)).fetchall()
        keys = tuple(column for column, position in columns if position > 0)
        if not keys:
            raise ValueError(f"table {name} has no primary key; add one, or its rows cannot be told apart")
        tables.append(Table(name, keys))
    return tuple(tables)


def dump(connection: sqlite3.Connection, tables: tuple[Table, ...]) -> State:
    """Every row of these tables."""
    state: State = {}
    for table in tables:
        # The name comes from the world's own schema, never from a model; identifiers cannot be parameters.
        cursor = connection.execute('SELECT * FROM "' + table.name.replace('"', '""') + '"')
        names = [column[0] for column in cursor.description]
        rows = (dict(zip(names, row, strict=True)) for row in cursor)
        state[table.name] = {_key(row, table.keys): row for row in rows}
    return state


def _key(row: dict[str, Any], columns: tuple[str, ...]) -> str:
    """A row's primary key as one text; a slash inside a part is escaped, so that no two keys look alike."""
    return "/".join(str(row[column]).replace("%", "%25").replace("/", "%2F") for column in columns)


def difference(before: State, after: State) -> tuple[Change, ...]:
    """The rows in which two states differ, by table and key."""
    changes = []
    for table in sorted(before.keys() | after.keys()):
        old, new = before.get(table, {}), after.get(table, {})
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                changes.append(Change(table, key, old.get(key), new.get(key)))
    return tuple(changes)


def change_in_words(change: Change) -> str:
    """One difference, as a person would say it."""
    row = f"{change.table} {change.key}"
    if change.before is None:
        filled = ", ".join(f"{name} {value!r}" for name, value in (change.after or {}).items())
        return f"{row} was added ({filled})"
    if change.after is None:
        return f"{row} was removed"
    after = change.after
    moved = [
        f"{name} went from {old!r} to {after.get(name)!r}"
        for name, old in change.before.items()
        if old != after.get(name)
    ]
    return f"{row}: {', '.join(moved)}"
