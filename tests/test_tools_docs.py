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


def _rows(env: Environment, facts: Facts) -> None:
    env.write("INSERT INTO orders (order_id, status) VALUES (?, ?)", "A-1", "delivered")


def test_the_pages_python_answers_calls_of_imported_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    Path("server.py").write_text(blocks[1], encoding="utf-8")
    server = f"mcp:{shlex.quote(sys.executable)} server.py"
    Path("calls.jsonl").write_text('{"tool": "get_order", "arguments": {"order_id": "A-1"}}\n', encoding="utf-8")
    for command in (
        ["tools", "import", server, "--out", "tools.json"],
        ["tools", "record", server, "calls.jsonl", "--out", "answers.jsonl"],
    ):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
    functions, server_code, replayed = blocks
    assert server_code.startswith("# server.py\n")
    names: dict[str, Any] = {"__file__": str(tmp_path / "world.py")}
    answers = []
    for block in (functions, replayed):
        exec(block, names)
        schema = "CREATE TABLE orders (order_id TEXT PRIMARY KEY, status TEXT)"
        world = World("desk", 1, names["FUNCTIONS"], schema, _rows, Lexicon(1, {}), {})
        seen = world.open({"today": "2026-03-01"}).call(Call("get_order", {"order_id": "A-1"}))
        assert seen.outcome is Outcome.OK
        answers.append(json.loads(seen.content))
    assert answers == [
        {"order_id": "A-1", "status": "delivered"},
        {"order_id": "A-1", "status": "delivered"},
    ]
