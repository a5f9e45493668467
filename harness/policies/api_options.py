"""What can be said on the command line about an API model. Names and meaning are Inspect's."""

from __future__ import annotations

from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from samescore.harness.errors import UsageError
from samescore.harness.usage import Price


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """How an API is reached.

    `base_url` is the server's address where it is not the provider's own. `timeout` is in seconds, for one turn with
    all its retries; a request that hangs is cut off by it too. `max_retries` counts them beyond those that the
    provider's own client makes (OpenAI's: two). `max_connections` None lets Inspect adapt it to the provider's rate
    limits. `price` is what tokens cost.
    """

    base_url: str | None = None
    timeout: int = 600
    max_retries: int = 5
    max_connections: int | None = None
    price: Price | None = None

    def __post_init__(self) -> None:
        """Refuse an address that is none.

        Raises:
            UsageError: `base_url` is no URL.
        """
        if self.base_url is not None:
            require_url(self.base_url, "--model-base-url")

    def said(self) -> list[str]:
        """The command line's names of what is not left at its default."""
        names = {"base_url": "--model-base-url"}
        return [
            names.get(field.name, f"--{field.name.replace('_', '-')}")
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]


def require_url(text: str, what: str) -> None:
    """Make sure that a server can be asked for at this address.

    Raises:
        UsageError: it is no URL of HTTP.
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or a bracket without its partner
        usable = False
    if not usable:
        raise UsageError(f"{what}: expected a URL such as http://localhost:8000/v1, found {text!r}.")


DEFAULT_API_OPTIONS = ApiOptions()
