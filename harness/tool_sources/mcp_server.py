"""Tools, and recorded answers, of a running MCP server (Model Context Protocol).

The server is asked once. What it lists and answers goes into files, and evaluation reads those: a live server may
answer otherwise tomorrow, and re-scoring must not depend on it.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, TypeVar

from samescore.harness.errors import InfrastructureError, ToolsetError, UsageError
from samescore.harness.strictjson import JsonDefect, read
from samescore.harness.tool_sources.effects import marked
from samescore.harness.tools import Tool
from samescore.harness.types import Call

if TYPE_CHECKING:
    from mcp import Client

TIMEOUT = 20.0
"""Seconds that a server has to start, and to answer each request."""

_LAST_WORDS = 300
_T = TypeVar("_T")


def tools_from_mcp(
    server: str, effects: Collection[str] = (), reads: Collection[str] = (), timeout: float = TIMEOUT
) -> tuple[Tool, ...]:
    """The tools that a server lists: the command that starts it, or the URL of a running one (streamable HTTP).

    A tool changes the world unless its annotations say that it is read-only; `effects` and `reads` name those for which
    that is not so. `timeout` is in seconds.

    Raises:
        InfrastructureError: the server does not start, does not answer in time, or breaks the protocol.
        ToolsetError: it lists no tools, or one whose schema cannot be used.
    """
    listed = _asked(server, timeout, timeout, _list_all)
    if not listed:
        raise ToolsetError(f"MCP server {server!r} lists no tools.")
    names = [tool.name for tool in listed]
    for name, times in Counter(names).items():
        if times > 1:
            raise ToolsetError(
                f"MCP server {server!r} lists {times} tools {name!r}. A model could not tell them apart."
            )
    return marked([_tool(server, tool) for tool in listed], effects, reads, f"MCP server {server!r} has no tool")


def record_mcp(server: str, calls: Sequence[Call], timeout: float = TIMEOUT) -> list[dict[str, Any]]:
    """What a server answers to these calls, in their order, as `recorded` reads it.

    Raises:
        InfrastructureError: as `tools_from_mcp`.
    """

    async def ask(client: Client) -> list[dict[str, Any]]:
        known = [tool.name for tool in await _list_all(client)]
        for number, call in enumerate(calls, start=1):
            if call.name not in known:
                raise ToolsetError(
                    f"MCP server {server!r}: call number {number} is of {call.name!r}, which is no tool of it. Known: "
                    f"{', '.join(known)}."
                )
        return [_record(call, await client.call_tool(call.name, dict(call.arguments))) for call in calls]

    return _asked(server, timeout, timeout * (1 + len(calls)), ask)


async def _list_all(client: Client) -> list[Any]:
    tools: list[Any] = []
    cursor = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            return tools


def _tool(server: str, listed: Any) -> Tool:
    annotated_read = listed.annotations is not None and listed.annotations.read_only_hint is True
    schema = {name: part for name, part in listed.input_schema.items() if name != "title"}
    words = (listed.description or listed.title or "").strip()
    if not words:
        raise ToolsetError(
            f"MCP server {server!r}: tool {listed.name} has no description. A model chooses tools by it."
        )
    try:
        return Tool(listed.name, " ".join(words.split("\n\n")[0].split()), schema, effect=not annotated_read)
    except ToolsetError as error:
        raise ToolsetError(f"MCP server {server!r}: {error}") from None


def _record(call: Call, answer: Any) -> dict[str, Any]:
    """An answer as a record: structured content where the server gives it, else its text, as JSON where it is."""
    record: dict[str, Any] = {"tool": call.name, "arguments": dict(call.arguments)}
    text = "\n".join(part.text for part in answer.content if part.type == "text")
    if answer.is_error:
        return record | {"error": {"code": "tool_error", "message": text}}
    if answer.structured_content is not None:
        return record | {"result": answer.structured_content}
    try:
        return record | {"result": read(text)}
    except JsonDefect:
        return record | {"result": text}


def _asked(server: str, timeout: float, longest: float, ask: Callable[[Client], Awaitable[_T]]) -> _T:
    """The answer of a server that is started, or reached, for this question alone, within `longest` seconds in all."""
    if timeout <= 0:
        raise UsageError(f"timeout: expected seconds above 0, found {timeout:g}.")
    if not _is_url(server) and not _words(server):
        raise UsageError(f"MCP server {server!r}: expected the command that starts it, or its URL.")
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr,
        _unreadable() as unreadable,
        _worded(server, timeout, stderr, unreadable),
    ):
        return asyncio.run(_conversation(server, timeout, longest, ask, stderr))


async def _conversation(
    server: str, timeout: float, longest: float, ask: Callable[[Client], Awaitable[_T]], stderr: IO[str]
) -> _T:
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    where: Any = server
    if not _is_url(server):
        command, *arguments = _words(server)
        where = stdio_client(StdioServerParameters(command=command, args=arguments), errlog=stderr)
    # The client looks for newer protocols before it begins, without regard to its own timeout.
    async with asyncio.timeout(longest), Client(where, read_timeout_seconds=timeout) as client:
        return await ask(client)


class _Kept(logging.Handler):
    """Keeps what the client logs, which is a traceback for each line that is no MCP."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def _unreadable() -> Iterator[_Kept]:
    """What the client could not read, kept instead of logged."""
    logger, kept = logging.getLogger("mcp"), _Kept()
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(kept)
    try:
        yield kept
    finally:
        logger.removeHandler(kept)
        logger.propagate = propagates


@contextmanager
def _worded(server: str, timeout: float, stderr: IO[str], unreadable: _Kept) -> Iterator[None]:
    """Whatever goes wrong between us and a server, in one message."""
    try:
        yield
    except (ToolsetError, UsageError, ModuleNotFoundError):
        raise
    except FileNotFoundError:
        raise InfrastructureError(
            f"MCP server {server!r}: there is no such command. Give the command that starts it, or its URL."
        ) from None
    except Exception as error:
        causes = list(_leaves(error))
        if ours := [cause for cause in causes if isinstance(cause, ToolsetError)]:
            raise ours[0] from None
        if unreadable.records:
            what = "it writes on its standard output what is no MCP"
        elif any(isinstance(cause, TimeoutError) or "timed out" in str(cause).lower() for cause in causes):
            what = f"it did not answer within {timeout:g} s"
        else:
            what = f"{type(causes[0]).__name__}: {causes[0]}".strip(": ")
        stderr.seek(0)
        said = stderr.read().strip().splitlines()[-1:]
        last = f" It last wrote: {said[0][:_LAST_WORDS]!r}." if said else ""
        advice = (
            "Check that it runs there"
            if _is_url(server)
            else "Start it by hand: it must speak MCP on its standard input"
        )
        raise InfrastructureError(
            f"MCP server {server!r}: {what}.{last} {advice}; a slow one needs a longer `--timeout`."
        ) from None


def _words(server: str) -> list[str]:
    """The words of a command line.

    Raises:
        UsageError: a quotation mark has no other.
    """
    try:
        return shlex.split(server)
    except ValueError as error:
        raise UsageError(f"MCP server {server!r}: this is no command line: {error}. Correct its quotes.") from None


def _is_url(server: str) -> bool:
    return server.startswith(("http://", "https://"))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
