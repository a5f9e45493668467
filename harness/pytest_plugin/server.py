"""Where workers ask for conversations: the model is loaded once, in the controller, however many workers there are."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from samescore.harness.errors import InfrastructureError, SamescoreError, UsageError
from samescore.harness.pytest_plugin.by_hand import Asked


class Server:
    """Answers each request with the directory of the run that it took. Only who has the key is heard."""

    def __init__(self, had: Callable[[Asked], Path]) -> None:
        self._had = had
        self._key = secrets.token_bytes(32)
        self._listener = Listener(authkey=self._key)
        self._closing = False
        threading.Thread(target=self._listen, name="samescore-server", daemon=True).start()

    @property
    def door(self) -> dict[str, Any]:
        """What a worker needs to ask."""
        return {"address": self._listener.address, "key": self._key}

    def close(self) -> None:
        """Listen no more."""
        self._closing = True
        Client(self._listener.address, authkey=self._key).close()  # wakes the thread that waits for one

    def _listen(self) -> None:
        from multiprocessing import AuthenticationError

        while True:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError, AuthenticationError):  # a worker that died, or a stranger
                continue
            if self._closing:
                connection.close()
                self._listener.close()
                return
            threading.Thread(target=self._answer, args=[connection], name="samescore-answer", daemon=True).start()

    def _answer(self, connection: Connection[Any, Any]) -> None:
        with connection:
            asked: Asked = connection.recv()
            try:
                answer = ("had", str(self._had(asked)))
            except InfrastructureError as error:
                answer = ("errored", str(error))
            except SamescoreError as error:
                answer = ("refused", str(error))
            except Exception as error:  # a bug: it is the one test's, and not the session's
                answer = ("errored", f"{type(error).__name__}: {error}")
            connection.send(answer)


def ask(door: dict[str, Any], asked: Asked) -> Path:
    """Ask the controller for a conversation; the directory that holds its evidence.

    Raises:
        UsageError: what was asked for is not there, or the model cannot be used.
        InfrastructureError: the conversation could not be had.
    """
    try:
        with Client(door["address"], authkey=door["key"]) as connection:
            connection.send(asked)
            how, what = connection.recv()
    except (OSError, EOFError) as error:
        raise InfrastructureError(f"pytest's controller cannot be asked for a conversation: {error}.") from None
    if how == "had":
        return Path(what)
    raise (UsageError if how == "refused" else InfrastructureError)(what)
