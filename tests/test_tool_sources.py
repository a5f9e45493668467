"""Tools from JSON, OpenAPI and a real MCP server, answered by functions or by recorded answers."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from samescore.harness.cli.app import app
from samescore.harness.environment import Environment, Facts, World
from samescore.harness.errors import InfrastructureError, ToolsetError, UnknownName, UsageError
from samescore.harness.lexicon import Lexicon
from samescore.harness.tool_sources import (
    implemented,
    read_tools,
    record_mcp,
    recorded,
    tools_from_mcp,
    tools_from_openapi,
    tools_json,
)
from samescore.harness.tools import Tool
from samescore.harness.types import Call, Effect, Outcome

DATA = Path(__file__).with_name("data")
OPENAPI = DATA / "desk.openapi.yaml"
MCP = f"{shlex.quote(sys.executable)} {shlex.quote(str(DATA / 'mcp_desk.py'))}"

GET = Tool(
    "get_order",
    "Look up an order.",
    {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]},
)
CANCEL = Tool(
    "cancel_order",
    "Cancel an order.",
    {
        "type": "object",
        "properties": {"order_id": {"type": "string"}, "reason": {"type": "string"}},
        "required": ["order_id"],
    },
    effect=True,
)


def opened(*functions: Any) -> Environment:
    world = World("desk", 1, functions, "CREATE TABLE t (k TEXT PRIMARY KEY)", _nothing, Lexicon(1, {}), {})
    return world.open({"today": "2026-03-01"})


def _nothing(env: Environment, facts: Facts) -> None:
    """No rows."""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_json_tools_survive_the_way_out_and_in(tmp_path: Path) -> None:
    path = written(tmp_path, "tools.json", json.dumps(tools_json([GET, CANCEL])))
    assert read_tools(path) == (GET, CANCEL)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "tools.json:1: this is not JSON"),
        ('[\n{"a": 1,\n"a": 2}]', "tools.json:1: this is not JSON: key 'a' occurs twice"),
        ("[]", "expected a list of tools"),
        ('[{"function": {"name": "x y"}}]', "tool name 'x y'"),
        (
            '[{"function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"$ref": "#/x"}}}}}]',
            "tool f: the schema cannot be used",
        ),
    ],
)
def test_a_bad_tools_file_is_one_message_that_names_it(text: str, says: str, tmp_path: Path) -> None:
    path = written(tmp_path, "tools.json", text)
    code, output = run("tools", "import", str(path), "--out", str(tmp_path / "out.json"))
    assert code == 2
    assert says in " ".join(output.split())
    assert str(path) in output.replace("\n", "")
    assert not (tmp_path / "out.json").exists()


def test_operations_become_tools_with_their_parameters_and_body_side_by_side() -> None:
    get, cancel, refund = tools_from_openapi(OPENAPI)
    assert (get.name, get.description, get.effect) == ("getOrder", "Look up an order.", False)
    assert get.parameters["properties"] == {
        "order_id": {"type": "string", "pattern": "^A-[0-9]{5}$", "description": "The order."},
        "expand": {"type": "array", "items": {"type": "string", "enum": ["items", "customer"]}},
    }
    assert get.parameters["required"] == ["order_id"]
    assert (cancel.name, cancel.description, cancel.effect) == ("delete_orders_order_id", "Cancel an order.", True)
    assert refund.effect
    assert refund.parameters["required"] == ["order_id", "amount"], "what the server sets is no argument"
    assert refund.parameters["properties"]["amount"] == {"type": "number", "exclusiveMinimum": 0}
    assert refund.valid({"order_id": "A-1", "amount": 0.5, "title": None, "paid_on": "2026-01-31"})
    assert not refund.valid({"order_id": "A-1", "amount": 0})
    assert not refund.valid({"order_id": "A-1", "amount": 1, "id": "x"})


def test_methods_say_what_changes_the_world_unless_it_is_said_otherwise() -> None:
    tools = {tool.name: tool.effect for tool in tools_from_openapi(OPENAPI, ["getOrder"], ["createRefund"])}
    assert tools == {"getOrder": True, "delete_orders_order_id": True, "createRefund": False}
    with pytest.raises(ToolsetError, match="no operation 'getOrders'"):
        tools_from_openapi(OPENAPI, ["getOrders"])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("openapi: 3.0.3", 'swagger: "2.0"', "this is an OpenAPI 2.0 (Swagger) document"),
        ("openapi: 3.0.3", "openapi: 4.0.0", "found version 4.0.0"),
        ("schemas/Refund", "schemas/Refunds", "$ref #/components/schemas/Refunds refers to nothing"),
        ("#/components/schemas/Refund", "common.yaml#/Refund", "is in another document"),
        ("sku: {type: string}", 'sku: {$ref: "#/components/schemas/Refund"}', "refers to itself"),
        ("summary: Pay money back.", "tags: [x]", "no summary and no description"),
        ("application/json:", "application/pdf:", "Only JSON bodies"),
        ("paths:", "paths: [", "neither YAML nor JSON"),
    ],
)
def test_what_cannot_be_a_tool_is_one_message(old: str, new: str, says: str, tmp_path: Path) -> None:
    path = written(tmp_path, "desk.yaml", OPENAPI.read_text(encoding="utf-8").replace(old, new, 1))
    code, output = run("tools", "import", str(path), "--out", str(tmp_path / "tools.json"))
    assert code == 2
    assert says in " ".join(output.split())
    assert not (tmp_path / "tools.json").exists()


def test_a_real_mcp_server_gives_its_tools_and_its_answers(tmp_path: Path) -> None:
    tools = tools_from_mcp(MCP)
    assert [(tool.name, tool.effect) for tool in tools] == [("get_order", False), ("cancel_order", True)]
    answers = record_mcp(
        MCP,
        [
            Call("get_order", {"order_id": "A-1"}),
            Call("get_order", {"order_id": "A-00000"}),
            Call("cancel_order", {"order_id": "A-1"}),
        ],
    )
    assert answers[0]["result"] == {"order_id": "A-1", "status": "delivered", "total": 49}
    assert "no such order" in answers[1]["error"]["message"]
    path = written(tmp_path, "answers.jsonl", "".join(json.dumps(answer) + "\n" for answer in answers))
    env = opened(*recorded(tools, path))
    assert json.loads(env.call(Call("get_order", {"order_id": "A-1"})).content) == answers[0]["result"]
    assert env.call(Call("get_order", {"order_id": "A-00000"})).outcome is Outcome.TOOL_ERROR
    assert "not_recorded" in env.call(Call("get_order", {"order_id": "A-2"})).content
    assert env.call(Call("cancel_order", {"order_id": "A-1"})).outcome is Outcome.OK
    assert env.effects == (Effect("cancel_order", {"order_id": "A-1"}),)


def test_import_and_record_on_the_command_line(tmp_path: Path) -> None:
    out, answers = tmp_path / "tools.json", tmp_path / "answers.jsonl"
    code, output = run("tools", "import", f"mcp:{MCP}", "--out", str(out))
    assert code == 0, output
    assert "get_order     read    Look up an order." in output
    calls = written(tmp_path, "calls.jsonl", '{"tool": "get_order", "arguments": {"order_id": "A-1"}}\n')
    code, output = run("tools", "record", f"mcp:{MCP}", str(calls), "--out", str(answers))
    assert code == 0, output
    assert len(recorded(read_tools(out), answers)) == 2


@pytest.mark.parametrize(
    ("server", "says"),
    [
        ("sleep 60", "did not answer within 1 s"),
        (f"{sys.executable} -c 'raise SystemExit(\"no licence\")'", "It last wrote: 'no licence'"),
        ("no-such-command", "there is no such command"),
        ("http://127.0.0.1:9/mcp", "Check that it runs there"),
    ],
)
def test_an_mcp_server_that_does_not_answer_is_an_infrastructure_error(server: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError) as caught:
        tools_from_mcp(server, timeout=1)
    assert says in str(caught.value)


def test_functions_answer_imported_tools_under_the_imported_schema() -> None:
    def get(env: Environment, order_id: str) -> dict[str, Any]:
        return {"order_id": order_id}

    def cancel(env: Environment, order_id: str, reason: str = "none") -> dict[str, Any]:
        env.effect("cancelled", order_id=order_id, reason=reason)
        return {}

    env = opened(*implemented([GET, CANCEL], {"get_order": get, "cancel_order": cancel}))
    assert env.world.toolset.tools == (GET, CANCEL)
    assert env.call(Call("get_order", {"order_id": "A-1"})).content == '{"order_id": "A-1"}'
    assert env.call(Call("get_order", {"order": "A-1"})).outcome is Outcome.INVALID
    env.call(Call("cancel_order", {"order_id": "A-1"}))
    assert env.effects == (Effect("cancelled", {"order_id": "A-1", "reason": "none"}),)


def test_a_function_that_does_not_fit_its_tool_is_refused() -> None:
    with pytest.raises(ToolsetError, match="no function answers it"):
        implemented([GET], {})
    with pytest.raises(UnknownName, match="unknown tool 'get_orders'"):
        implemented([GET], {"get_orders": lambda env, order_id: {}})
    with pytest.raises(ToolsetError, match="does not take 'order_id'"):
        implemented([GET], {"get_order": lambda env: {}})
    with pytest.raises(ToolsetError, match="no default for 'reason'"):
        implemented([CANCEL], {"cancel_order": lambda env, order_id, reason: {}})
    with pytest.raises(ToolsetError, match="needs 'site'"):
        implemented([GET], {"get_order": lambda env, order_id, site: {}})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "answers.jsonl:1: this is not JSON"),
        ('{"tool": "get"}', "expected the record of a tool"),
        ('{"tool": "get_order", "arguments": {}}', "either `result` or `error`"),
        ('{"tool": "get_order", "arguments": {}, "error": "x"}', "must have a `code` and a `message`"),
        (
            '{"tool": "get_order", "arguments": {}, "result": 1}\n{"tool": "get_order", "arguments": {}, "result": 2}',
            "answers.jsonl:2: this call was recorded before",
        ),
    ],
)
def test_a_bad_recording_is_named_by_line(line: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        recorded([GET], written(tmp_path, "answers.jsonl", line))
    assert says in str(caught.value)
