"""Tools that a team has already written down, and what answers their calls.

    OpenAI-style JSON ─ read_tools ──────────┐
    OpenAPI 3 document ─ tools_from_openapi ─┼─▶ tuple[Tool] ─┬─ implemented(tools, functions) ─▶ World.functions
    MCP server ─ tools_from_mcp ─────────────┘                └─ recorded(tools, recording) ────▶ World.functions

A world stands still: what is evaluated is a file of tools, and functions or recorded answers beside it, never a server
that may answer otherwise tomorrow.
"""

from samescore.harness.tool_sources.behaviour import implemented, recorded
from samescore.harness.tool_sources.effects import marked
from samescore.harness.tool_sources.mcp_server import record_mcp, tools_from_mcp
from samescore.harness.tool_sources.openai_json import read_tools, tools_json
from samescore.harness.tool_sources.openapi import tools_from_openapi

__all__ = [
    "implemented",
    "marked",
    "read_tools",
    "record_mcp",
    "recorded",
    "tools_from_mcp",
    "tools_from_openapi",
    "tools_json",
]
