"""`samescore` for shell scripts under test: a command on the PATH that is as fast as one that had been loaded before.

A script calls it a dozen times, and every new Python would load the same libraries again. So one process loads them,
and forks for each call: the child has the caller's folder, environment, standard streams and exit code.

    command_server.py SOCKET    serves until its standard input ends
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLIENT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(asked).to_bytes(4, "big")], [0, 1, 2])
    server.sendall(asked)
    sys.exit(int(server.recv(8) or 70))
"""


@contextmanager
def command(folder: Path) -> Iterator[Path]:
    """A folder for the PATH in which `samescore` is, while the block runs."""
    address, program = folder / "socket", folder / "samescore"
    program.write_text(_CLIENT.format(python=shlex.quote(sys.executable), address=str(address)), encoding="utf-8")
    program.chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, __file__, str(address)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None and server.stdin is not None
    try:
        assert server.stdout.readline() == "ready\n"
        yield folder
    finally:
        server.stdin.close()
        server.wait(30)


def main() -> None:
    """Load everything once, then fork for whoever calls."""
    from importlib import import_module

    for name in ("harness.cli.app", "harness.gate.judging", "harness.evaluate", "harness.cli.report", "suites.catalog"):
        import_module(f"samescore.{name}")
    for name in ("gathering", "html", "markdown", "junit", "posting"):
        import_module(f"samescore.reports.{name}")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[1])
    server.listen()
    print("ready", flush=True)
    while True:
        caller, _ = server.accept()
        if os.fork() == 0:
            server.close()
            _answer(caller)
        caller.close()


def _answer(caller: socket.socket) -> None:
    """One call, in a child."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, _, _ = socket.recv_fds(caller, 4, 3)
    with caller.makefile("rb") as file:
        arguments, folder, environment = json.loads(file.read(int.from_bytes(size, "big")))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # What Python knows of the former streams, such as that one can be sought in, holds no more.
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["samescore", *arguments]
    code = 70
    try:
        from samescore.harness.cli.app import main as samescore

        samescore()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        caller.sendall(str(code).encode())
        os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    main()
