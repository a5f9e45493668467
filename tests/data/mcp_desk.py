"""An MCP server of two tools, for tests: started as a command, it speaks on its standard input and output."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

server = MCPServer("desk", log_level="CRITICAL")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def get_order(order_id: str) -> dict[str, object]:
    """Look up an order."""
    if order_id == "A-00000":
        raise ToolError("There is no such order.")
    return {"order_id": order_id, "status": "delivered", "total": 49}


@server.tool()
def cancel_order(order_id: str, reason: str = "") -> str:
    """Cancel an order."""
    return "cancelled"


if __name__ == "__main__":
    server.run()
