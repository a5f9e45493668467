"""`Finding`: one flaw that lint proves, at a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from samescore.harness.errors import Mistake
from samescore.suites.sop.document import source_line
from samescore.suites.sop.model import Sop

Severity = Literal["error", "warning"]

WARNINGS = (
    "idle-rule",
    "unused-fact",
    "unreachable-branch",
    "always-true",
    "constant-atom",
    "dead-ask",
    "dead-unknown",
    "dead-retry",
)
"""The rules whose findings make no case wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw. `text` is the line of the file it stands in, `focus` what is meant there or in lines that belong to it.

    `witness` is a smallest set of facts that shows it, whatever the other facts are; None where the proof is that
    there are no such facts at all.
    """

    line: int
    step: str | None
    rule: str
    severity: Severity
    message: str
    witness: Mapping[str, Any] | None
    text: str
    focus: str = ""


def finding(
    sop: Sop,
    rule: str,
    line: int,
    step: str | None,
    message: str,
    witness: Mapping[str, Any] | None = None,
    focus: str = "",
) -> Finding:
    """A finding with its severity and source line."""
    severity: Severity = "warning" if rule in WARNINGS else "error"
    return Finding(line, step, rule, severity, message, witness, source_line(sop.path, line), focus)


def mistake(sop: Sop, found: Finding) -> Mistake:
    """A finding as the mistake of a file, its facts in words."""
    facts = ", ".join(f"{name} = {value}" for name, value in (found.witness or {}).items())
    shown = f" shown by {facts}" if facts else ""
    message = f"{found.severity}: {found.message} [{found.rule}]{shown}"
    return Mistake(str(sop.path), found.line, message, found.focus)
