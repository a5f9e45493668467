"""`samescore tools`: take over tools that are already written down, record what answers them, and compare them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samescore.harness.cli.tools_diff import diff_command
from samescore.harness.counted import counted
from samescore.harness.strictjson import write

if TYPE_CHECKING:
    from samescore.harness.tools import Tool
    from samescore.harness.types import Call

app = typer.Typer(no_args_is_help=True, help="Take over tools from JSON, OpenAPI or an MCP server; compare them.")
app.command("diff")(diff_command)

MCP = "mcp:"
_OPENAPI = ("openapi", "swagger")

Seconds = Annotated[float, typer.Option(metavar="SECONDS", help="How long an MCP server may take.")]


@app.callback()
def tools() -> None:
    """Take over tools from JSON, OpenAPI or an MCP server; compare them."""


@app.command("import")
def import_tools(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A JSON or OpenAPI file, mcp:COMMAND or mcp:https://...")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the tools go, as OpenAI-style JSON.")],
    effect: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A tool that changes the world; may be repeated.")
    ] = None,
    read: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A tool that only reads; may be repeated.")
    ] = None,
    timeout: Seconds = 20.0,
) -> None:
    """Write the tools of a document or a server to a file that a world reads."""
    from samescore.harness.errors import UsageError
    from samescore.harness.files import write_text
    from samescore.harness.tool_sources import tools_json

    if both := sorted({*(effect or [])} & {*(read or [])}):
        raise UsageError(f"{both[0]} stands under --effect and under --read. Name it once.")
    _require_another(Path(source), out)
    found = tools_of(source, effect or [], read or [], timeout)
    write_text(out, "[\n" + ",\n".join(f"  {write(spec)}" for spec in tools_json(found)) + "\n]\n")
    width = max(len(tool.name) for tool in found)
    for tool in found:
        print(f"{tool.name:<{width}}  {'effect' if tool.effect else 'read  '}  {tool.description}")
    print(f"{out}: {counted(len(found), 'tool')}")


@app.command("record")
def record(
    server: Annotated[str, typer.Argument(metavar="SERVER", help="mcp:COMMAND or mcp:https://...")],
    calls: Annotated[Path, typer.Argument(help="Calls, a JSON object a line: tool, arguments.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the answers go, a JSON object a line.")],
    timeout: Seconds = 20.0,
) -> None:
    """Have an MCP server answer calls, and keep the answers for a world to replay."""
    from samescore.harness.errors import UsageError
    from samescore.harness.files import write_text
    from samescore.harness.tool_sources import record_mcp

    if not server.startswith(MCP):
        raise UsageError(f"{server}: only MCP servers can be recorded. Write mcp:COMMAND or mcp:https://...")
    _require_another(calls, out)
    answers = record_mcp(server.removeprefix(MCP), _calls(calls), timeout)
    write_text(out, "".join(f"{write(answer)}\n" for answer in answers))
    failed = sum("error" in answer for answer in answers)
    print(f"{out}: {counted(len(answers), 'answer')}, {failed} of them errors")


def _require_another(source: Path, out: Path) -> None:
    """Refuse to write over what is read."""
    from samescore.harness.errors import UsageError

    if source.absolute() == out.absolute():
        raise UsageError(f"--out {out}: this is the file that is read. Choose another one.")


def tools_of(source: str, effects: Sequence[str], reads: Sequence[str], timeout: float) -> tuple[Tool, ...]:
    """The tools of a JSON or OpenAPI file, or of an MCP server.

    Raises:
        UsageError, ToolsetError: see `samescore.harness.tool_sources`.
    """
    from samescore.harness.tool_sources import marked, read_tools, tools_from_mcp, tools_from_openapi

    if source.startswith(MCP):
        return tools_from_mcp(source.removeprefix(MCP), effects, reads, timeout)
    path = Path(source)
    if path.suffix in (".yaml", ".yml") or _is_openapi(path):
        return tools_from_openapi(path, effects, reads)
    return marked(read_tools(path), effects, reads, f"{path}: no tool")


def _is_openapi(path: Path) -> bool:
    """Whether a JSON file says that it is an OpenAPI document; what cannot be read is left to its reader to refuse."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and any(key in document for key in _OPENAPI)


def _calls(path: Path) -> list[Call]:
    from samescore.harness.errors import UsageError
    from samescore.harness.files import read_json_lines
    from samescore.harness.types import Call

    calls = []
    for number, call in read_json_lines(path, "the calls"):
        if not (
            isinstance(call, dict) and isinstance(call.get("tool"), str) and isinstance(call.get("arguments"), dict)
        ):
            raise UsageError(f'{path}:{number}: expected {{"tool": NAME, "arguments": {{...}}}}. Correct the line.')
        calls.append(Call(call["tool"], call["arguments"]))
    if not calls:
        raise UsageError(f"{path}: no calls. Write one a line.")
    return calls
