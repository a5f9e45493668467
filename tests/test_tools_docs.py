"""docs/tools.md: its Python runs, on the files that its commands write."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from samescore.harness.cli.app import app
from samescore.harness.environment import Environment, Facts, World
from samescore.harness.lexicon import Lexicon
from samescore.harness.types import Call, Outcome

PAGE = Path(__file__).resolve().parent.parent / "docs" / "tools.md"
SERVER = Path(__file__).with_name("data") / "mcp_desk.py"


def _rows(env: Environment, facts: Facts) -> None:
    env.write("INSERT INTO orders (order_id, status) VALUES (?, ?)", "A-1", "delivered")


def test_the_pages_python_answers_calls_of_imported_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    server = f"mcp:{shlex.quote(sys.executable)} {shlex.quote(str(SERVER))}"
    Path("calls.jsonl").write_text('{"tool": "get_order", "arguments": {"order_id": "A-1"}}\n', encoding="utf-8")
    for command in (
        ["tools", "import", server, "--out", "all.json"],
        ["tools", "record", server, "calls.jsonl", "--out", "answers.jsonl"],
    ):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
    specs = json.loads(Path("all.json").read_text(encoding="utf-8"))
    Path("tools.json").write_text(json.dumps([spec for spec in specs if spec["function"]["name"] == "get_order"]))
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, Any] = {}
    answers = []
    for block in blocks:
        exec(block, names)
        schema = "CREATE TABLE orders (order_id TEXT PRIMARY KEY, status TEXT)"
        world = World("desk", 1, names["FUNCTIONS"], schema, _rows, Lexicon(1, {}), {})
        seen = world.open({"today": "2026-03-01"}).call(Call("get_order", {"order_id": "A-1"}))
        assert seen.outcome is Outcome.OK
        answers.append(json.loads(seen.content))
    assert answers == [
        {"order_id": "A-1", "status": "delivered"},
        {"order_id": "A-1", "status": "delivered", "total": 49},
    ]
