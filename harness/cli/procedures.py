"""The procedures that a command is given, by name or path. They come in by name: the harness imports no suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from samescore.harness.environment import World


class Criterion(StrEnum):
    """What a suite of cases must show; each includes the ones before it."""

    BRANCH = "branch"
    BOUNDARY = "boundary"
    MCDC = "mcdc"


Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME|PATH]...",
        help="Procedures such as refund; or a procedure's file, or a suite's folder. Default: all.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def files(names: Sequence[str] | None) -> list[Any]:
    """The files of these procedures, each once; of all known ones where none is named.

    Raises:
        UnknownName, UsageError, SopError: see `samescore.suites.catalog.find_sops`.
    """
    catalog = import_module("samescore.suites.catalog")
    found = [file for name in names for file in catalog.find_sops(name)] if names else catalog.sops()
    return list(dict.fromkeys(found))


def procedures(names: Sequence[str] | None) -> Iterator[tuple[Any, World]]:
    """The procedures of these names and paths, read and checked, each with its world.

    Raises:
        SopError: one of them is wrong.
    """
    for file in files(names):
        yield file.read()
