"""Tools in a JSON file of OpenAI-style function specs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
    marks = [spec.get(EFFECT, False) if isinstance(spec, dict) else False for spec in specs]
    for number, mark in enumerate(marks, start=1):
        if not isinstance(mark, bool):
            raise ToolsetError(f"{path}: tool number {number}: `{EFFECT}` must be true or false, found {mark!r}.")
    try:
        tools = toolset_from_specs(path.stem, 1, specs).tools
        for tool in tools:
            if not tool.description.strip():
                raise ToolsetError(f"tool {tool.name}: no description. A model chooses tools by it.")
        return tuple(replace(tool, effect=changes) for tool, changes in zip(tools, marks, strict=True))
    except ToolsetError as error:
        raise ToolsetError(f"{path}: {error}") from None


def tools_json(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The specs as `read_tools` reads them."""
    return [tool.spec() | ({EFFECT: True} if tool.effect else {}) for tool in tools]
