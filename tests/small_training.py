"""A training run of seconds: three short conversations from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SUITE = Path(__file__).parent.parent / "fixtures" / "starter"
"""A suite that is loaded in a moment. Only its targets matter here."""

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
ASKED = {
    "messages": [
        {"role": "system", "content": "You help."},
        {"role": "user", "content": "How is the weather in Oslo?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": '{"sky": "clear"}'},
        {"role": "assistant", "content": "It is clear."},
    ],
    "tools": [WEATHER],
}
GREETED = {
    "messages": [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello! What can I do?", "thinking": "greet back"},
        {"role": "user", "content": "Nothing."},
        {"role": "assistant", "content": "Fine."},
    ]
}
LEFT = {"messages": [{"role": "user", "content": "Bye"}, {"role": "assistant", "content": "Goodbye."}]}

OPTIONS = f"""
base = "tiny"
out = "adapter"
epochs = 3
batch_size = 1
gold = false
files = ["talk.jsonl"]

[data]
suite = "{SUITE}"
limit = 1

[lora]
rank = 2
alpha = 4
dropout = 0.1

[log]
every = 1
"""


def talk(folder: Path, lines: Sequence[Mapping[str, Any] | str] = (ASKED, GREETED, LEFT)) -> Path:
    """Write conversations into the file that `OPTIONS` names."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "talk.jsonl"
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def configured(folder: Path, options: str = OPTIONS) -> Path:
    """Write a configuration, and the conversations beside it."""
    talk(folder)
    path = folder / "sft.toml"
    path.write_text(options, encoding="utf-8")
    return path


def log(adapter: Path) -> list[dict[str, Any]]:
    """The lines of an adapter's log."""
    return [json.loads(line) for line in (adapter / "log.jsonl").read_text(encoding="utf-8").splitlines()]
