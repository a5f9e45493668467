"""What was asked of `samescore eval` on its command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness.cli.choices import Language, MatchingName, ProcedureIn, ServerName, SplitName

if TYPE_CHECKING:
    from samescore.harness.policies.api_options import ApiOptions


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked on the command line and decides what is run. None: not said."""

    suite: Sequence[str] | None
    model: str | None
    adapter: Sequence[str] | None
    split: SplitName | None
    locale: Sequence[Language] | None
    limit: int | None
    epochs: int | None
    temperature: float | None
    seed: int | None
    max_turns: int | None
    max_tokens: int | None
    dialect: str | None
    procedure: ProcedureIn | None
    redact: bool | None
    out: Path | None
    data: Path | None
    matching: MatchingName | None
    operator: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class ApiAsked:
    """What was asked about how an API is reached. None: not said."""

    base_url: str | None
    timeout: int | None
    max_retries: int | None
    max_connections: int | None
    price: str | None

    def options(self, recorded: Mapping[str, Any]) -> ApiOptions:
        """What holds: what was said, else what a run that is carried on recorded of its model, else the defaults.

        Raises:
            UsageError: the price cannot be read.
        """
        from samescore.harness.policies.api_options import ApiOptions
        from samescore.harness.usage import Price

        price = Price(*recorded["price"]) if "price" in recorded else None
        said = {"timeout": self.timeout, "max_retries": self.max_retries, "max_connections": self.max_connections}
        return ApiOptions(
            base_url=self.base_url or recorded.get("base_url"),
            price=price if self.price is None else Price.parse(self.price),
            **{name: value for name, value in said.items() if value is not None},
        )


@dataclass(frozen=True, slots=True)
class Backend:
    """What was asked and does not decide what is run: where the model computes, and how an API is reached.

    `as_served` is a server that is asked about too.
    """

    device: str
    api: ApiAsked
    as_served: ServerName | None = None


@dataclass(frozen=True, slots=True)
class SequentialAsked:
    """What was asked about judging a run while it goes on. None: not said; without a baseline it is not judged so."""

    baseline: Path | None = None
    policy: Path | None = None
    looks: int | None = None
    same_model: bool = False
    registry: Path | None = None

    @property
    def beside(self) -> list[str]:
        """The options that say how, as they are written."""
        said = {
            "--policy": self.policy,
            "--looks": self.looks,
            "--same-model": self.same_model or None,
            "--registry": self.registry,
        }
        return [name for name, value in said.items() if value is not None]
