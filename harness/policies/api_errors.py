"""What went wrong between us and an API, in one line a person can act on."""

from __future__ import annotations

import re
from typing import Any

_LONGEST = 240
_MARKUP = re.compile(r"\[/?[a-z ]+\]")


def reason_of(error: BaseException) -> str:
    """Why a request failed: status and the server's own words, or what happened to the connection."""
    error = cause_of(error)
    status, kind = status_of(error), type(error).__name__
    if "Timeout" in kind:
        return "no answer within the time allowed (--timeout)"
    if status is not None:
        return f"HTTP {status}: {_short(_words(error))}"
    below = error.__cause__
    if kind == "APIConnectionError":
        return f"the server cannot be reached: {_short(str(below or error))}"
    if kind == "JSONDecodeError":
        return f"the server's answer is no JSON: {_short(str(error))}"
    return f"the server's answer is no completion ({kind})"


def status_of(error: BaseException) -> int | None:
    """The HTTP status that a provider's client reports, if it reports one."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    return status if isinstance(status, int) else None


def cause_of(error: BaseException) -> BaseException:
    """The failure of the last attempt, under what Inspect and its retries wrapped around it."""
    from tenacity import RetryError

    while True:
        if isinstance(error, RetryError):
            last: Any = error.last_attempt.exception()
        elif type(error).__name__ == "ModelGenerateError":
            last = error.__cause__
        else:
            return error
        if last is None:
            return error
        error = last


def plain(message: Any) -> str:
    """Inspect's message without its markup, on one line."""
    return _short(_MARKUP.sub("", str(message)).removeprefix("ERROR: "))


def _words(error: BaseException) -> str:
    """The server's own message, out of the body if it has one."""
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        inner = body.get("error", body)
        for key in ("message", "detail"):
            if isinstance(inner, dict) and isinstance(inner.get(key), str):
                return str(inner[key])
    return str(getattr(error, "message", None) or error)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."
