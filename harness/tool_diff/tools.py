"""What changed between two lists of tools, for a model that was trained on, or prompted with, the old ones.

Breaking is what may make a call wrong that was right: a tool that is gone, arguments that are no longer valid or mean
something else, and an effect that came or went. All else is compatible, and still moves results: models read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from samescore.harness.tool_diff.schema import schema_changes
from samescore.harness.tools import Tool


@dataclass(frozen=True, slots=True)
class ToolChange:
    """One difference: the tool, where in its arguments (nothing: the tool itself), what, and whether it breaks."""

    tool: str
    where: str
    what: str
    breaking: bool

    def __str__(self) -> str:
        place = f"{self.tool}({self.where})" if self.where else self.tool
        return f"{place}: {self.what}" if place else self.what


def tool_changes(old: Iterable[Tool], new: Iterable[Tool]) -> tuple[ToolChange, ...]:
    """Every difference, tool by tool in the old order, then the new ones; of a tool the breaking ones first."""
    before, after = {tool.name: tool for tool in old}, {tool.name: tool for tool in new}
    found: list[ToolChange] = []
    for name, tool in before.items():
        if name in after:
            found += sorted(_changes(tool, after[name]), key=lambda change: not change.breaking)
        else:
            found.append(ToolChange(name, "", f"is gone{_renamed(tool, before, after)}", True))
    found += [ToolChange(name, "", "is new", False) for name in after if name not in before]
    stayed = [name for name in before if name in after]
    if stayed != [name for name in after if name in before]:
        found.append(ToolChange("", "", "the tools stand in another order", False))
    return tuple(found)


def _changes(old: Tool, new: Tool) -> Iterator[ToolChange]:
    if old.effect is not new.effect:
        words = "changes the world now; it only read" if new.effect else "only reads now; it changed the world"
        yield ToolChange(old.name, "", words, True)
    if old.description != new.description:
        yield ToolChange(old.name, "", "its description changed", False)
    for change in schema_changes(old.parameters, new.parameters):
        yield ToolChange(old.name, change.where, change.what, change.breaking)


def _renamed(tool: Tool, before: Iterable[str], after: dict[str, Tool]) -> str:
    """A new tool that takes the same, if there is one: most likely the old one under another name."""
    named = set(before)
    alike = [
        other.name
        for other in after.values()
        if other.name not in named
        and other.effect is tool.effect
        and not schema_changes(tool.parameters, other.parameters)
    ]
    return f"; {alike[0]}, which is new, takes the same" if len(alike) == 1 else ""
