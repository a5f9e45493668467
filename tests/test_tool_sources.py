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


def test_a_bare_spec_may_have_an_effect(tmp_path: Path) -> None:
    path = written(tmp_path, "tools.json", '[{"name": "f", "description": "Do it.", "effect": true}]')
    (tool,) = read_tools(path)
    assert (tool.effect, tool.description) == (True, "Do it.")
    with pytest.raises(ToolsetError, match="tool number 1: `effect` must be true or false, found 'yes'"):
        read_tools(written(tmp_path, "tools.json", '[{"name": "f", "effect": "yes"}]'))


def test_a_tool_cannot_be_named_under_both_options(tmp_path: Path) -> None:
    out = tmp_path / "tools.json"
    code, output = run("tools", "import", str(OPENAPI), "--out", str(out), "--effect", "getOrder", "--read", "getOrder")
    assert code == 2
    assert "getOrder stands under --effect and under --read" in " ".join(output.split())


@pytest.mark.parametrize("name", ["file/tools.json", ".", "x" * 300])
def test_a_place_that_cannot_be_written_is_one_message(name: str, tmp_path: Path) -> None:
    written(tmp_path, "file", "")
    out = name if name == "." else str(tmp_path / name)
    code, output = run("tools", "import", str(OPENAPI), "--out", out)
    assert code == 5
    assert "cannot be written" in " ".join(output.split())


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


def imported(folder: Path, operation: str, components: str = "", route: str = "/x") -> Tool:
    """The tool of one operation that takes a POST; YAML in flow style."""
    text = f"openapi: 3.0.3\npaths: {{{route}: {{post: {{operationId: f, summary: F., {operation}}}}}}}\n{components}"
    return tools_from_openapi(written(folder, "one.yaml", text))[0]


def body(schema: str, kind: str = "application/json") -> str:
    return f"requestBody: {{required: true, content: {{'{kind}': {{schema: {schema}}}}}}}"


def test_what_only_responses_refer_to_does_not_matter(tmp_path: Path) -> None:
    tool = imported(
        tmp_path,
        "responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Node'}}}}, "
        "'404': {$ref: 'errors.yaml#/NotFound'}}",
        "components: {schemas: {Node: {properties: {next: {$ref: '#/components/schemas/Node'}}}}}",
    )
    assert tool.parameters["properties"] == {}


def test_all_of_objects_is_one_object_and_any_other_stays_the_body(tmp_path: Path) -> None:
    components = "components: {schemas: {Base: {type: object, required: [id], properties: {id: {type: string}}}}}"
    parts = "{allOf: [{$ref: '#/components/schemas/Base'}, {properties: {note: {type: string}}, required: [note]}]}"
    tool = imported(tmp_path, body(parts), components)
    assert tool.parameters["properties"] == {"id": {"type": "string"}, "note": {"type": "string"}}
    assert tool.parameters["required"] == ["id", "note"]
    one = imported(
        tmp_path, body("{properties: {a: {allOf: [{$ref: '#/components/schemas/Base'}], description: A.}}}"), components
    )
    assert one.parameters["properties"]["a"]["properties"] == {"id": {"type": "string"}}
    assert one.parameters["properties"]["a"]["description"] == "A."
    for schema in (
        "{oneOf: [{type: object, properties: {a: {type: string}}}, {type: object, properties: {b: {type: string}}}]}",
        "{type: object, properties: {a: {type: string}}, additionalProperties: {type: number}}",
        "{type: object, properties: {a: {type: string}}, minProperties: 1}",
        "{type: array, items: {type: string}}",
    ):
        assert imported(tmp_path, body(schema)).parameters["required"] == ["body"], schema


def test_what_only_the_server_sets_is_no_argument_at_any_depth(tmp_path: Path) -> None:
    inner = "{type: object, required: [id, n], properties: {id: {type: string, readOnly: true}, n: {type: integer}}}"
    schema = f"{{properties: {{id: {{type: string, readOnly: true, nullable: true}}, item: {inner}}}, required: [id]}}"
    tool = imported(tmp_path, body(schema))
    assert tool.parameters["required"] == []
    assert tool.parameters["properties"] == {
        "item": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    }


def test_nullable_admits_null_beside_what_the_schema_says(tmp_path: Path) -> None:
    tool = imported(
        tmp_path, body("{properties: {a: {type: string, nullable: true, enum: [x, null], description: A.}}}")
    )
    assert tool.parameters["properties"]["a"] == {
        "anyOf": [{"type": "string", "enum": ["x"]}, {"type": "null"}],
        "description": "A.",
    }


def test_yaml_is_read_as_openapi_asks_and_not_as_yaml_1_1(tmp_path: Path) -> None:
    schema = "{properties: {country: {type: string, enum: [no, on, y, 12:30, 2026-01-31, 010]}, max: {maximum: 1e3}}}"
    tool = imported(tmp_path, body(schema))
    assert tool.parameters["properties"]["country"]["enum"] == ["no", "on", "y", "12:30", "2026-01-31", "010"]
    assert tool.parameters["properties"]["max"] == {"maximum": 1000.0}


def test_anchors_references_into_lists_and_media_types_with_parameters_are_read(tmp_path: Path) -> None:
    text = """
openapi: 3.1
paths:
  /a/{id}:
    parameters: [{name: id, in: path, schema: &id {type: string, pattern: "^A"}}]
    get: {operationId: a, summary: A.}
  /b:
    post:
      operationId: b
      summary: B.
      requestBody:
        content:
          application/json; charset=utf-8:
            schema: {properties: {one: *id, two: {$ref: "#/paths/~1a~1%7Bid%7D/parameters/0/schema"}}}
"""
    first, second = tools_from_openapi(written(tmp_path, "a.yaml", text))
    assert first.parameters["required"] == ["id"], "the path cannot leave it out"
    assert second.parameters["properties"]["one"] == second.parameters["properties"]["two"]
    assert second.parameters["properties"]["two"] == {"type": "string", "pattern": "^A"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("openapi: 3.0.0\npaths: [1]", "paths: expected a mapping, found list"),
        ("openapi: 3.0.0\npaths: {/a: [1]}", "paths /a: expected operations, found list"),
        ("openapi: 3.0.0\npaths: {/a: {get: x}}", "GET /a: expected an operation, found str"),
        ("openapi: 3.0.0\npaths: {/a: {get: {parameters: {a: 1}}}}", "parameters: expected a list, found dict"),
        ("openapi: 3.0.0\npaths: {/a: {post: {requestBody: [1]}}}", "requestBody: expected a mapping, found list"),
        (
            "openapi: 3.0.0\npaths: {/a: {post: {requestBody: {content: {application/json: {schema: "
            "{properties: {a: {}}, required: true}}}}}}}",
            "the body's required: expected a list, found bool",
        ),
        (
            "openapi: 3.0.0\npaths: {/a: {get: {operationId: f/a, summary: A.}, put: {operationId: f a, summary: A.}}}",
            "2 operations make a tool 'f_a'",
        ),
        (
            "openapi: 3.0.0\npaths: {/a: {get: {summary: A., parameters: [{name: id, in: path, schema: {}}, "
            "{name: id, in: query, schema: {}}]}}}",
            "'id' is a parameter of the path and of the query",
        ),
        (
            "openapi: 3.0.0\npaths: {/a: {get: {summary: A., parameters: "
            "[{name: a, in: query, schema: &s {not: *s}}]}}}",
            "a schema contains itself",
        ),
        ("openapi: 3.0.0\npaths: {/a: {$ref: '#/paths/~1a'}}", "refers to itself"),
        ("openapi: 3.0.0\nx: \x01", "neither YAML nor JSON"),
        ("[1, 2]", "expected an OpenAPI document, found list"),
    ],
)
def test_a_broken_document_is_one_message_and_no_crash(text: str, says: str, tmp_path: Path) -> None:
    path = written(tmp_path, "broken.yaml", text)
    code, output = run("tools", "import", str(path), "--out", str(tmp_path / "tools.json"))
    assert code == 2, output
    assert says in " ".join(output.split())
    assert str(path) in output.replace("\n", "")


def test_an_exclusive_bound_without_its_bound_says_nothing(tmp_path: Path) -> None:
    tool = imported(tmp_path, body("{properties: {n: {type: integer, exclusiveMinimum: true}}}"))
    assert tool.parameters["properties"]["n"] == {"type": "integer"}


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
    [("", "expected the command that starts it"), ("python 'x", "this is no command line: No closing quotation")],
)
def test_a_server_that_cannot_be_named_is_a_usage_error(server: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        tools_from_mcp(server)


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


def test_a_server_that_chats_on_its_standard_output_is_named_without_a_traceback(capfd: Any) -> None:
    with pytest.raises(InfrastructureError, match="writes on its standard output what is no MCP"):
        tools_from_mcp("echo hello", timeout=5)
    code = f"print(1, flush=True); import runpy; runpy.run_path({str(DATA / 'mcp_desk.py')!r}, run_name='__main__')"
    assert len(tools_from_mcp(shlex.join([sys.executable, "-c", code]))) == 2
    assert "Traceback" not in capfd.readouterr().err


def test_a_call_of_no_tool_is_refused_before_anything_is_recorded(tmp_path: Path) -> None:
    calls = written(
        tmp_path, "calls.jsonl", '{"tool": "get_order", "arguments": {}}\n{"tool": "nope", "arguments": {}}\n'
    )
    code, output = run("tools", "record", f"mcp:{MCP}", str(calls), "--out", str(tmp_path / "answers.jsonl"))
    assert code == 2
    assert "call number 2 is of 'nope'" in " ".join(output.split())
    assert not (tmp_path / "answers.jsonl").exists()


def test_nothing_is_written_over_what_is_read(tmp_path: Path) -> None:
    calls = written(tmp_path, "calls.jsonl", '{"tool": "get_order", "arguments": {"order_id": "A-1"}}\n')
    code, output = run("tools", "record", f"mcp:{MCP}", str(calls), "--out", str(calls))
    assert code == 2 and "Choose another one" in output
    tools = written(tmp_path, "tools.json", json.dumps(tools_json([GET])))
    code, output = run("tools", "import", str(tools), "--out", str(tools))
    assert code == 2 and "Choose another one" in output
    assert read_tools(tools) == (GET,)


def test_a_tool_without_a_description_is_refused(tmp_path: Path) -> None:
    for words in ({}, {"description": None}, {"description": " "}):
        specs = [{"type": "function", "function": {"name": "f", **words}}]
        with pytest.raises(ToolsetError, match="no description"):
            read_tools(written(tmp_path, "tools.json", json.dumps(specs)))


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


def test_arguments_may_have_any_name(tmp_path: Path) -> None:
    properties = {name: {"type": "string"} for name in ("name", "env", "self", "tool", "function")}
    tool = Tool("deploy", "Deploy.", {"type": "object", "properties": properties}, effect=True)
    arguments = dict.fromkeys(properties, "x")
    path = written(
        tmp_path, "answers.jsonl", json.dumps({"tool": "deploy", "arguments": arguments, "result": {"ok": True}})
    )
    env = opened(*recorded([tool], path))
    assert env.call(Call("deploy", arguments)).outcome is Outcome.OK
    assert env.effects == (Effect("deploy", arguments),)


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
        ('{"tool": ["get_order"]}', "expected the record of a tool"),
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
