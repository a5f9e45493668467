"""A real HTTP server on loopback that speaks OpenAI chat completions, and answers as a test scripts it.

It can do what servers do on a bad day: fail, hang, send broken JSON, ask for patience, refuse a key, or go away.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from samescore.harness.case import Case
from samescore.harness.strictjson import write
from samescore.harness.types import Message

Request = Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the server sends: a status and a body, after a while. `drop`: the connection is cut instead."""

    body: bytes = b""
    status: int = 200
    delay: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False


Answers = Callable[[Request], Reply]


def failing(status: int, message: str = "no", **headers: str) -> Reply:
    """An error as OpenAI words it."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps({"error": {"message": message, "code": None}}).encode(), status, headers=names)


def said(
    content: str | None = None,
    calls: Iterable[tuple[str, Any]] = (),
    finish: str | None = "stop",
    reasoning: str | None = None,
    turn: int = 0,
) -> Reply:
    """A completion. Each call is a tool's name and the raw arguments."""
    tool_calls = [
        {"id": f"call-{turn}-{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for at, (name, arguments) in enumerate(calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": content}
    message |= {"tool_calls": tool_calls} if tool_calls else {}
    message |= {"reasoning_content": reasoning} if reasoning else {}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }
    return Reply(json.dumps(body).encode())


def played(message: Message, turn: int) -> Reply:
    """A gold turn as a model's completion."""
    calls = [(call.name, write(dict(call.arguments))) for call in message.calls]
    return said(
        message.content or None, calls, "tool_calls" if calls else "stop", reasoning=message.thinking, turn=turn
    )


def gold(cases: Iterable[Case]) -> Answers:
    """The oracle behind HTTP: knows a conversation by what the user said first, and its turn by what was said since."""
    known = {case.opening: case for case in cases}

    def answer(request: Request) -> Reply:
        if is_probe(request):
            return said("ok")
        messages = request["messages"]
        opening = next(message["content"] for message in messages if message["role"] == "user")
        turn = sum(message["role"] == "assistant" for message in messages)
        return played(known[opening].gold[turn], turn)

    return answer


def is_probe(request: Request) -> bool:
    """Whether this is the request that a run begins with."""
    return not request.get("tools")


class ChatServer:
    """The server. `requests` are the bodies that came in, `keys` the keys they came with."""

    def __init__(self, answers: Answers, port: int = 0) -> None:
        self.answers = answers
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    @property
    def turns(self) -> list[dict[str, Any]]:
        """The requests that were no probe."""
        return [request for request in self.requests if not is_probe(request)]

    def __enter__(self) -> ChatServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(request)
                server.keys.append(self.headers.get("Authorization"))
                reply = server.answers(request)
                time.sleep(reply.delay)
                if reply.drop:
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (ConnectionError, ValueError):  # the client went away, or we cut it off
                    self.close_connection = True

        return Handler
