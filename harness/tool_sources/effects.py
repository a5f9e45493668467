"""Which tools change the world, where their source does not know it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from samescore.harness.errors import ToolsetError
from samescore.harness.tools import Tool


def marked(tools: Sequence[Tool], effects: Collection[str], reads: Collection[str], lacking: str) -> tuple[Tool, ...]:
    """The tools, those in `effects` as ones that change the world, those in `reads` as ones that do not.

    `lacking` begins the message about a name that is none of them: `tools.json: no tool`.

    Raises:
        ToolsetError: there is such a name.
    """
    names = [tool.name for tool in tools]
    if unknown := sorted({*effects, *reads} - set(names)):
        raise ToolsetError(f"{lacking} {unknown[0]!r}. Known: {', '.join(names)}.")
    return tuple(
        replace(tool, effect=(tool.effect or tool.name in effects) and tool.name not in reads) for tool in tools
    )
