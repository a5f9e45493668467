"""The SOP as data: what a YAML file says, after it was read and type-checked. Behaviour lives in the other modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeAlias

from samescore.harness.case import Ending
from samescore.harness.lexicon import Locale
from samescore.harness.types import NO_DATA
from samescore.suites.sop.expression import Condition

Texts: TypeAlias = Mapping[Locale, tuple[str, ...]]
"""Per language, the variants of a text; one is drawn per case."""


class FactKind(StrEnum):
    """The type of a fact. `ID` and `TEXT` are incidental: drawn from seeded pools, never branched on."""

    BOOL = "bool"
    INT = "int"
    MONEY = "money"  # whole units of the world's currency
    DATE = "date"
    ENUM = "enum"
    ID = "id"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of the world: type and domain. Int and money bounds are inclusive; dates are ISO days.

    `pattern` (ids) is a regular expression of literal characters and `[0-9]{n}` groups, from which ids are drawn.
    `pool` (texts) names a list in the phrase bank.
    """

    name: str
    kind: FactKind
    line: int
    low: int | None = None  # dates as ordinals
    high: int | None = None
    values: tuple[str, ...] = ()
    pattern: str | None = None
    pool: str | None = None

    @property
    def field(self) -> str:
        """The name without its prefix: what tool results call it."""
        return self.name.rsplit(".", 1)[-1]


@dataclass(frozen=True, slots=True)
class Slot:
    """What the agent must collect from the user. `maybe` makes both ways separate paths."""

    name: str
    fact: str
    phrase: Mapping[Locale, str]
    given: Literal["always", "maybe", "never"]
    known: Literal["always", "maybe"]
    line: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for those slots that the user has not given; skipped when all were.

    `text` has `{slots}` where the phrases of the missing slots go. `unknown` is the step that follows when
    the user does not know one of them.
    """

    id: str
    line: int
    slots: tuple[str, ...]
    text: Texts
    next: str
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """The call that lets time pass before a failed one is tried again. Arguments may refer to `$error.field`."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallStep:
    """Call a tool. Argument values are literals, `$slot`, or `$step.field` of an earlier result, at any depth.

    `retry` is how often a transient failure is tried again, after `wait` where there is one; `on_fault` follows when
    all attempts failed. `beside` names the calls before it that are made in the same turn.
    `reveals` are the facts that the agent knows from the result. `guards` names the earlier call steps that
    must have succeeded before; None means all earlier calls of the path.
    """

    id: str
    line: int
    tool: str
    arguments: Mapping[str, Any]
    next: str
    optional: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)
    reveals: tuple[str, ...] = ()
    retry: int | None = None
    on_fault: str | None = None
    guards: tuple[str, ...] | None = None
    wait: Wait | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arm:
    """One way out of a decision. `condition` is None for `else`."""

    name: str
    condition: Condition | None
    then: str
    line: int


@dataclass(frozen=True, slots=True)
class Decide:
    """Conditions over facts, in order; exactly one must hold."""

    id: str
    line: int
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The last turn. `states` are the facts it must state (slot of the world's lexicon -> value, written like call
    arguments); `unwanted` those it must not; `terms` the house words it must use."""

    id: str
    line: int
    ending: Ending
    text: Texts
    states: Mapping[str, Any]
    unwanted: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)
    terms: tuple[str, ...] = ()


SopStep: TypeAlias = Ask | CallStep | Decide | Reply


@dataclass(frozen=True, slots=True)
class Sop:
    """A whole procedure. `steps` keeps the order of the file; the first one starts.

    An `escalate:` step of the file becomes a `CallStep` followed by a `Reply` called `<id>.reply`; a `calls:` step one
    `CallStep` for each call, `<id>.<name>`. `may` names tools that a case allows beside the path (reads), `never` those
    it forbids beside the default. `confidential` are facts, and fields of results, that no user may be told.
    """

    name: str
    version: int
    world: str
    title: Mapping[Locale, str]
    purpose: Mapping[Locale, str]
    slots: Mapping[str, Slot]
    facts: Mapping[str, Fact]
    rules: tuple[Condition, ...]
    steps: Mapping[str, SopStep]
    may: tuple[str, ...]
    never: tuple[str, ...]
    path: Path
    phrases: Path
    confidential: tuple[str, ...] = ()

    @property
    def calls(self) -> tuple[str, ...]:
        """The ids of the steps that call a tool."""
        return tuple(step.id for step in self.steps.values() if isinstance(step, CallStep))

    @property
    def start(self) -> SopStep:
        """The first step."""
        return next(iter(self.steps.values()))
