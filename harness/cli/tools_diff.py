"""`samescore tools diff`: what changed between two sets of tools, and whether that breaks who knows the old one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samescore.harness.counted import counted

if TYPE_CHECKING:
    from samescore.harness.run import Run
    from samescore.harness.tool_diff import ToolChange
    from samescore.harness.tools import Tool, Toolset

Source = Annotated[
    str,
    typer.Argument(
        help="A JSON or OpenAPI file, mcp:COMMAND, a world by name or as world.py:WORLD, or the directory of a run."
    ),
]


def diff_command(
    old: Source,
    new: Source,
    world: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of runs with several worlds, the tools of this one alone.")
    ] = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long an MCP server may take.")] = 20.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Name what changed between two sets of tools. Exit 1 if a call that was right may be wrong now."""
    from samescore.harness.errors import ExitCode

    pairs = _paired(old, _sides(old, world, timeout), new, _sides(new, world, timeout))
    changes = {name: _changes(before, after) for name, (before, after) in pairs.items()}
    broken = [change for found in changes.values() for change in found if change.breaking]
    code = ExitCode.REGRESSION if broken else ExitCode.PASS
    if as_json:
        print(json.dumps(_as_json(changes, code), ensure_ascii=False))
    else:
        _print(changes)
    raise typer.Exit(int(code))


def _changes(old: Sequence[Tool], new: Sequence[Tool]) -> tuple[ToolChange, ...]:
    from samescore.harness.tool_diff import tool_changes

    return tool_changes(old, new)


def _sides(source: str, world: str | None, timeout: float) -> Mapping[str, Sequence[Tool]]:
    """The tools of a source by the world that they are of, or under "" where it says none."""
    from samescore.harness.cli.tools import MCP, tools_of
    from samescore.harness.run import Run

    path = Path(source)
    if source.startswith(MCP) or (path.is_file() and path.suffix != ".py"):
        return {"": tools_of(source, (), (), timeout)}
    if _is_run(source):
        found = {name: toolset.tools for name, toolset in _of_run(Run.open(path)).items()}
        return found if world is None else {world: _chosen(found, world, source)}
    toolset = _toolset(source)
    return {toolset.name: toolset.tools}


def _is_run(source: str) -> bool:
    from samescore.harness.run import MANIFEST

    return (Path(source) / MANIFEST).is_file()


def _toolset(source: str) -> Toolset:
    """The tools of a world, by its name or by the file that it stands in."""
    from samescore.harness.environment import World
    from samescore.harness.errors import UnknownName

    local = import_module("samescore.suites.local").local_world(source, Path(), "samescore tools diff")
    worlds = import_module("samescore.suites.worlds")
    if local is None and source not in worlds.references():
        known = [*worlds.references()]
        raise UnknownName("tools", source, known, "Or give a JSON or OpenAPI file, world.py:WORLD, or a run.")
    world: World = worlds.load_world(source) if local is None else local.load()
    return world.toolset


def _of_run(run: Run) -> Mapping[str, Toolset]:
    """What the run recorded; or the tools of its worlds as they are installed, where those are the same still."""
    from samescore.harness.errors import UnknownName, UsageError
    from samescore.harness.tool_diff import recorded_toolsets

    if recorded := recorded_toolsets(run):
        return recorded
    found = {}
    for name, prints in run.manifest.worlds.items():
        try:
            toolset: Toolset | None = import_module("samescore.suites.worlds").load_world(name).toolset
        except UnknownName:
            toolset = None
        if toolset is None or toolset.fingerprint != prints["toolset"]:
            raise UsageError(
                f"{run.directory}: the run was begun before runs recorded their tools, and those of {name} are others "
                "now. Give a file with the tools as they were."
            )
        found[name] = toolset
    return found


def _chosen(found: Mapping[str, Sequence[Tool]], world: str, source: str) -> Sequence[Tool]:
    from samescore.harness.errors import UnknownName

    if world not in found:
        raise UnknownName("world", world, [*found], f"These are those of {source}.")
    return found[world]


def _paired(
    old: str, before: Mapping[str, Sequence[Tool]], new: str, after: Mapping[str, Sequence[Tool]]
) -> Mapping[str, tuple[Sequence[Tool], Sequence[Tool]]]:
    """What is compared with what: the worlds that both have, or the one of each."""
    from samescore.harness.errors import UsageError

    if shared := [name for name in before if name in after]:
        return {name: (before[name], after[name]) for name in shared}
    for source, side in ((old, before), (new, after)):
        if len(side) > 1:
            names = ", ".join(side)
            raise UsageError(f"{source}: a run with tools of several worlds ({names}). Say of which: --world NAME.")
    ((name, ours),), ((other, theirs),) = before.items(), after.items()
    if _is_run(old) and _is_run(new):
        raise UsageError(f"{old} is of {name}, {new} of {other}: no world is in both. Compare runs of one world.")
    return {other or name: (ours, theirs)}


def _print(changes: Mapping[str, Sequence[ToolChange]]) -> None:
    from samescore.harness.cli.printable import printable

    said = len(changes) > 1
    for breaking in (True, False):
        for world, found in changes.items():
            for change in found:
                if change.breaking is breaking:
                    kind = "breaking" if breaking else "compatible"
                    print(f"{kind:<11}{printable(f'{world}: {change}' if said else str(change))}")
    every = [change for found in changes.values() for change in found]
    broken = sum(change.breaking for change in every)
    if not every:
        print("no change")
    else:
        print(f"{counted(broken, 'breaking change')}, {len(every) - broken} compatible")


def _as_json(changes: Mapping[str, Sequence[ToolChange]], code: int) -> dict[str, object]:
    said: dict[str, list[dict[str, object]]] = {"breaking": [], "compatible": []}
    for world, found in changes.items():
        for one in found:
            said["breaking" if one.breaking else "compatible"].append(
                {"world": world or None, "tool": one.tool or None, "where": one.where, "what": one.what}
            )
    return {**said, "exit": int(code)}
