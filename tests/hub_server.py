"""A real HTTP server on loopback that speaks as much of the Hugging Face hub as a push of small files needs."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass
class Repository:
    """What the hub keeps of a repository."""

    private: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0


class HubServer:
    """`repositories` by name; `refuse` is the status with which commits are answered, if any."""

    def __init__(self, refuse: int | None = None) -> None:
        self.repositories: dict[str, Repository] = {}
        self.refuse = refuse
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self, b"")

            def do_POST(self) -> None:
                hub.answer(self, self.rfile.read(int(self.headers.get("content-length", 0))))

            def log_message(self, *arguments: Any) -> None:
                """Nothing is logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> HubServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request."""
        path = handler.path.partition("?")[0]
        self.asked.append(f"{handler.command} {path}")
        status, said = self._said(path, body)
        payload = json.dumps(said).encode()
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(payload)))
        if status == 404:
            handler.send_header("x-error-code", "RepoNotFound")
        handler.end_headers()
        handler.wfile.write(payload)

    def _said(self, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/api/whoami-v2":
            return 200, {"name": "me", "type": "user", "auth": {"type": "access_token"}}
        if path == "/api/repos/create":
            wanted = json.loads(body)
            name = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
            private = bool(wanted.get("private")) or wanted.get("visibility") == "private"
            if name in self.repositories:
                return 409, {"error": "there already"}
            self.repositories[name] = Repository(private, {".gitattributes": b""})
            return 200, {"url": f"{self.url}/{name}"}
        owner, _, rest = path.removeprefix("/api/models/").partition("/")
        repository, _, action = rest.partition("/")
        found = self.repositories.get(f"{owner}/{repository}")
        if found is None:
            return 404, {"error": "Repository not found"}
        return self._of(f"{owner}/{repository}", found, action, body)

    def _of(self, name: str, found: Repository, action: str, body: bytes) -> tuple[int, Any]:
        if action.startswith("preupload/"):
            asked = json.loads(body)["files"]
            return 200, {
                "files": [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in asked]
            }
        if action.startswith("commit/"):
            if self.refuse is not None:
                return self.refuse, {"error": "no room for you"}
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    found.files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
            found.commits += 1
            return 200, {"success": True, "commitOid": "0" * 40, "commitUrl": f"{self.url}/{name}/commit/{'0' * 40}"}
        siblings = [{"rfilename": file} for file in found.files]
        return 200, {"id": name, "private": found.private, "siblings": siblings, "tags": [], "downloads": 0, "likes": 0}
