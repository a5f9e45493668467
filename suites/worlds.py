"""Worlds by name: the built-in ones, and the entry points of the group `samescore.worlds` (`NAME = "module:WORLD"`)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from samescore.harness.environment import World
from samescore.harness.errors import UnknownName, UsageError

WORLDS = "samescore.worlds"
BUILT_IN: Mapping[str, str] = {
    "retail": "samescore.fixtures.retail:WORLD",
    "helpdesk": "samescore.fixtures.helpdesk:WORLD",
}
"""The worlds that come with samescore; they need no installed entry point."""
NO_WORLD: Mapping[str, str] = {"none": "samescore.harness.worldless:WORLDLESS"}
"""The world of cases whose tools have no code."""


def references() -> dict[str, str]:
    """Known worlds and where they are, as `module:attribute`, built-in ones first."""
    return {**BUILT_IN, **_installed(tuple(sys.path))}


@lru_cache(maxsize=8)
def _installed(path: tuple[str, ...]) -> dict[str, str]:
    """The entry points as of the first time that one asks with this path: to read those of all packages takes long."""
    return {entry.name: entry.value for entry in entry_points(group=WORLDS)}


def load_world(name: str) -> World:
    """A world by name.

    Raises:
        UnknownName: there is none of that name.
        UsageError: its module cannot be imported, or holds no world of that name.
    """
    known = {**references(), **NO_WORLD}
    if name not in known:
        raise UnknownName("world", name, list(known))
    world = imported(name, WORLDS, known[name])
    if not isinstance(world, World) or world.name != name:
        found = f"world {world.name!r}" if isinstance(world, World) else type(world).__name__
        raise UsageError(f"entry point {name!r} in {WORLDS} is {found}. Expected a World named {name!r}.")
    return world


def home(name: str, reference: str) -> Path:
    """The folder of a world's module."""
    spec = find_spec(reference.partition(":")[0])
    if spec is None or spec.origin is None:
        raise UsageError(f"world {name!r}: there is no module {reference.partition(':')[0]}. Install it again.")
    return Path(spec.origin).parent


def imported(name: str, group: str, reference: str) -> Any:
    """What an entry point of a group refers to.

    Raises:
        UsageError: it cannot be imported.
    """
    module, _, attribute = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"entry point {name!r} in {group}: {reference} cannot be imported: {error}. Install the package again, or "
            "correct its entry point."
        ) from error
