"""A server on this machine that keeps comments as GitHub and GitLab do: by page, with tokens, each one replaceable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token"
THREAD = re.compile(r"/repos/team/agent/issues/7/comments|/projects/11/merge_requests/7/notes")
ONE = re.compile(r"/(?:repos/team/agent/issues/comments|projects/11/merge_requests/7/notes)/(\d+)")


@dataclass
class Forge:
    """The server: its address, its comments, whose token is sent (None: a workflow's own), and what was asked."""

    address: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    account: str | None = None
    may_write: bool = True
    asked: list[str] = field(default_factory=list)

    @property
    def bodies(self) -> list[str]:
        """The comments' texts."""
        return [comment["body"] for comment in self.comments]

    def add(self, body: str, login: str = "github-actions[bot]", kind: str = "Bot") -> dict[str, Any]:
        """A comment by somebody."""
        who = {"login": login, "username": login, "type": kind}
        comment = {"id": 100 + len(self.comments), "body": body, "user": who, "author": who}
        comment["html_url"] = f"https://forge.example/{comment['id']}"
        self.comments.append(comment)
        return comment

    def answer(self, method: str, url: str, body: dict[str, Any], token: str | None) -> tuple[int, Any]:
        """Status and JSON."""
        parts = urlsplit(url)
        self.asked.append(f"{method} {parts.path}")
        if token != TOKEN:
            return 401, {"message": "Bad credentials"}
        if parts.path == "/user":
            who = {"login": self.account, "username": self.account}
            return (200, who) if self.account is not None else (403, {"message": "Resource not accessible"})
        if method != "GET" and not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}
        if THREAD.fullmatch(parts.path):
            if method == "POST":
                by = (self.account, "User") if self.account is not None else ("github-actions[bot]", "Bot")
                return 201, self.add(body["body"], *by)
            asked = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
            first = (asked["page"] - 1) * asked["per_page"]
            return 200, self.comments[first : first + asked["per_page"]]
        found = ONE.fullmatch(parts.path)
        (comment,) = [one for one in self.comments if found and one["id"] == int(found[1])] or [None]
        if comment is None:
            return 404, {"message": "Not Found"}
        comment["body"] = body["body"]
        return 200, comment


@contextmanager
def forge() -> Iterator[Forge]:
    """A server while the block runs."""
    kept = Forge()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            token = self.headers.get("PRIVATE-TOKEN") or (self.headers.get("Authorization") or "").removeprefix(
                "Bearer "
            )
            status, answer = kept.answer(self.command, self.path, body, token)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _do

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
