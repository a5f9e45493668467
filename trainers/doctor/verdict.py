"""What the doctor says: a question, and a verdict with its evidence; or what is lacking to answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from samescore.harness.types import NO_DATA

if TYPE_CHECKING:
    from samescore.trainers.doctor.inputs import Inputs


class Level(StrEnum):
    """How a question is answered, from good to bad."""

    FINE = "fine"
    LOOK = "look"  # may be as it should be; somebody has to look
    STOP = "stop"  # training now would be wasted, or prove nothing

    @property
    def rank(self) -> int:
        """0 for fine."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to look at or to stop for, and what to do about it. `what` is a clause, `todo` a sentence."""

    level: Level
    what: str
    todo: str

    def to_json(self) -> dict[str, str]:
        """As `--json` has it."""
        return {"level": self.level.value, "what": self.what, "todo": self.todo}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a question. `evidence` is one line; `figures` are its numbers, and lists too long for people."""

    evidence: str
    remarks: tuple[Remark, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)

    @property
    def level(self) -> Level:
        """The worst of its remarks."""
        return max((remark.level for remark in self.remarks), key=lambda level: level.rank, default=Level.FINE)


class NotAtHand(Exception):
    """What a question needs was not given. The message completes "not asked: give ..."."""


Ask: TypeAlias = Callable[["Inputs"], Verdict]


@dataclass(frozen=True, slots=True)
class Question:
    """Something to settle before a fine-tune. `ask` raises `NotAtHand` where what it needs was not given."""

    name: str
    title: str
    ask: Ask


@dataclass(frozen=True, slots=True)
class Answer:
    """A question with its verdict, or with what it lacks."""

    question: Question
    verdict: Verdict | None
    lacking: str = ""

    def to_json(self) -> dict[str, Any]:
        """As `--json` has it."""
        asked = {"question": self.question.name, "title": self.question.title}
        if self.verdict is None:
            return {**asked, "verdict": "not asked", "give": self.lacking}
        return {
            **asked,
            "verdict": self.verdict.level.value,
            "evidence": self.verdict.evidence,
            "remarks": [remark.to_json() for remark in self.verdict.remarks],
            "figures": dict(self.verdict.figures),
        }
