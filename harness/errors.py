"""Every error samescore raises, and the exit code each becomes.

    SamescoreError                  exit 2  base: one message that says what, where and what to do
    ├── UsageError                  exit 2  the command line or a configuration file is wrong
    │   ├── UnknownName             exit 2  no suite, model, adapter, scorer or dialect of that name
    │   ├── ToolsetError            exit 2  a tool or its schema cannot be used
    │   ├── SopError                exit 2  an SOP file is wrong, at a file and line
    │   ├── LockError               exit 2  a lock file is missing, stale or damaged
    │   ├── DialectError            exit 2  no dialect, or several, read a chat template's calls back
    │   ├── AdapterError            exit 2  an adapter does not belong to the base model
    │   └── ForeignEvidence         exit 2  a file is no evidence of ours, or of a later format
    ├── Incomparable                exit 4  two runs differ in what must be equal
    └── InfrastructureError         exit 5  the run could not be completed
        ├── EvidenceDamaged         exit 5  a recorded line fails its checksum
        ├── EvidenceUnwritable      exit 5  the disk is full or the folder cannot be written
        ├── WorldError              exit 5  a world's own code crashed: a tool, a builder, a schema
        ├── PolicyError             exit 5  a model crashed, or answered with something that is no completion
        ├── TrainingFailed          exit 5  out of memory or disk, or the model in training broke
        └── ScoresDiffer            exit 5  training and evaluation score the same tokens differently

Two more exceptions never reach a user: `ToolError` (harness.environment) is how a tool tells the *model* that a
call failed, and is an observation, not a failure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

_LOCATED = re.compile(r"^(?P<path>.+?):(?P<line>[0-9]+): (?P<message>.+)$", re.MULTILINE)


class ExitCode(IntEnum):
    """What a command returns to the shell. Where several hold, the first of 2, 5, 4, 1, 3, 0."""

    PASS = 0  # targets met, or no regression; or no target was asked about
    REGRESSION = 1  # regression, or targets missed
    USAGE = 2  # the command was wrong
    INCONCLUSIVE = 3  # this suite cannot tell
    INCOMPARABLE = 4  # two runs differ in what must be equal
    INCOMPLETE = 5  # an incomplete run, or infrastructure failed

    @classmethod
    def worst(cls, codes: list[ExitCode]) -> ExitCode:
        """The code that stands for several."""
        order = (cls.USAGE, cls.INCOMPLETE, cls.INCOMPARABLE, cls.REGRESSION, cls.INCONCLUSIVE, cls.PASS)
        return next((code for code in order if code in codes), cls.PASS)


class SamescoreError(Exception):
    """Base of all errors a user can cause. `str(error)` is the whole message."""

    exit_code = ExitCode.USAGE


class UsageError(SamescoreError):
    """The command line or a configuration file is wrong."""


class UnknownName(UsageError):
    """No suite, model, adapter, scorer or dialect of that name."""

    def __init__(self, kind: str, name: str, known: list[str], advice: str = "") -> None:
        import difflib

        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        listing = f" Known: {', '.join(sorted(known))}." if known else ""
        super().__init__(f"unknown {kind} {name!r}.{hint}{listing}{' ' + advice if advice else ''}")


class ToolsetError(UsageError):
    """A tool or its schema cannot be used."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with a file. `focus` is what is meant, as it stands in that line or below; or nothing."""

    path: str
    line: int
    message: str
    focus: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class SopError(UsageError):
    """An SOP file is wrong. The message has a line per mistake, each starting with `file:line:`.

    `mistakes` are the same apart; where they are not given they are read from the message, with `focus`.
    """

    def __init__(self, message: str, mistakes: Sequence[Mistake] = (), focus: str = "") -> None:
        super().__init__(message)
        self.mistakes = tuple(mistakes) or tuple(
            Mistake(found["path"], int(found["line"]), found["message"], focus) for found in _LOCATED.finditer(message)
        )


class LockError(UsageError):
    """A lock file is missing, stale or damaged."""


class DialectError(UsageError):
    """No dialect, or more than one, reads a chat template's own calls back."""


class AdapterError(UsageError):
    """An adapter does not belong to the base model it was asked to sit on."""


class ForeignEvidence(UsageError):
    """A file is not samescore evidence, or of a format later than this version reads."""


class Incomparable(SamescoreError):
    """Two runs differ in what must be equal for a comparison."""

    exit_code = ExitCode.INCOMPARABLE


class InfrastructureError(SamescoreError):
    """The run could not be completed; what was recorded stays valid."""

    exit_code = ExitCode.INCOMPLETE


class EvidenceDamaged(InfrastructureError):
    """A recorded line fails its checksum or is cut."""


class EvidenceUnwritable(InfrastructureError):
    """The disk is full, or the folder cannot be written."""


class WorldError(InfrastructureError):
    """A world's own code crashed: a tool, the builder or the schema."""


class PolicyError(InfrastructureError):
    """A model crashed, or answered with something that is not a completion."""


class TrainingFailed(InfrastructureError):
    """Training could not go on: memory, disk, or the model itself. What was saved before stays valid."""


class ScoresDiffer(InfrastructureError):
    """Training and evaluation scored the same tokens differently: nothing learned since can be trusted."""
