"""Matchers: when does an attempted argument equal the expected one? Type-strict, never lenient.

`True`, `1` and `1.0` are different values, except that where the tool's schema says `number`, `25` and `25.0` are the
same; the `number` matcher is for those parameters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias, get_args

from samescore.harness.errors import UsageError
from samescore.harness.strictjson import same
from samescore.harness.types import Effect

Kind: TypeAlias = Literal["exact", "any_of", "number", "date", "text", "anything"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """One expected value.

    exact     the same JSON value, types included
    any_of    exact, for one of a list
    number    an int or float of the same numeric value (a bool is no number)
    date      a string that is the same ISO 8601 day, written YYYY-MM-DD
    text      a string, equal after Unicode NFC, case folding and collapsing white space
    anything  whatever the schema allows
    """

    kind: Kind
    value: Any = None

    def accepts(self, found: Any) -> bool:
        """Whether `found` is what is expected."""
        kind = self.kind
        if kind == "exact":
            return same(found, self.value)
        if kind == "number":
            return type(found) in (int, float) and found == self.value
        if kind == "text":
            return isinstance(found, str) and normalised(found) == normalised(self.value)
        if kind == "any_of":
            return any(same(found, option) for option in self.value)
        if kind == "date":
            return isinstance(found, str) and _iso_day(found) == self.value
        return True

    def words(self) -> str:
        """The expected value, for a reason a person reads."""
        if self.kind == "any_of":
            return " or ".join(repr(option) for option in self.value)
        return "any value" if self.kind == "anything" else repr(self.value)

    def to_json(self) -> dict[str, Any]:
        """As written in lock files: `{kind: value}`."""
        return {self.kind: self.value}

    @classmethod
    def from_json(cls, data: Any) -> Matcher:
        """Read what `to_json` wrote.

        Raises:
            UsageError: not a matcher.
        """
        if not (isinstance(data, dict) and len(data) == 1):
            raise UsageError(f"expected a matcher such as {{'exact': 5}}, found {data!r}")
        kind, value = next(iter(data.items()))
        if kind not in get_args(Kind):
            raise UsageError(f"unknown matcher {kind!r}; one of {', '.join(get_args(Kind))}")
        return cls(kind, value)


def exact(value: Any) -> Matcher:
    """A matcher for exactly this JSON value."""
    return Matcher("exact", value)


def same_effects(found: Sequence[Effect], expected: Sequence[Effect]) -> bool:
    """Whether the very same things happened in the same order, types included."""
    return len(found) == len(expected) and all(
        one.name == other.name and same(one.data, other.data) for one, other in zip(found, expected, strict=True)
    )


def normalised(text: str) -> str:
    """Text for comparison: NFC, case-folded, runs of white space as one space, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _iso_day(text: str) -> str | None:
    try:
        return text if len(text) == 10 and date.fromisoformat(text) else None
    except ValueError:
        return None
