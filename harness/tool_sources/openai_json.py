"""Tools in a JSON file of OpenAI-style function specs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samescore.harness.errors import ToolsetError
from samescore.harness.files import read_json
from samescore.harness.tools import Tool, toolset_from_specs

EFFECT = "effect"
"""Beside `type` and `function`: whether a successful call changes the world. Models never see it."""


def read_tools(path: Path) -> tuple[Tool, ...]:
    """The tools of a file: a list of specs, or an object with them under `tools`.

    Raises:
        UsageError: the file cannot be read, or is not JSON.
        ToolsetError: a spec is none, or its schema cannot be used.
    """
    document = read_json(path, "the tools")
    specs = document.get("tools") if isinstance(document, dict) else document
    if not isinstance(specs, list) or not specs:
        raise ToolsetError(
            f'{path}: expected a list of tools, or {{"tools": [...]}}, each {{"type": "function", "function": '
            '{"name": ..., "description": ..., "parameters": {...}}}. Correct the file.'
        )
    effects = [spec["function"]["name"] for spec in specs if isinstance(spec, dict) and spec.get(EFFECT) is True]
    try:
        return toolset_from_specs(path.stem, 1, specs, effects).tools
    except ToolsetError as error:
        raise ToolsetError(f"{path}: {error}") from None


def tools_json(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The specs as `read_tools` reads them."""
    return [tool.spec() | ({EFFECT: True} if tool.effect else {}) for tool in tools]
