"""`samescore sop lint`: what is wrong with procedures, each flaw with the lines it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import typer

from samescore.harness.cli.procedures import Json, Names, files
from samescore.harness.counted import counted
from samescore.harness.errors import ExitCode, Mistake, SopError

INVALID = "invalid"
"""The rule of what keeps a file from being read, and so from being proven anything about."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A finding of lint, or what kept a file from being read. `place` says where, and what is underlined."""

    place: Mistake
    rule: str
    severity: str
    message: str
    text: str
    step: str | None = None
    witness: dict[str, Any] | None = field(default=None)

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "file": self.place.path,
            "line": self.place.line,
            "step": self.step,
            "rule": self.rule,
            "severity": self.severity,
            "message": self.message,
            "text": self.text,
            "witness": self.witness,
        }


def lint_command(names: Names = None, as_json: Json = False) -> None:
    """Prove that no condition overlaps, no case falls through, and every step and branch can be reached."""
    flaws = list(_flaws(names))
    errors = sum(flaw.severity == "error" for flaw in flaws)
    if as_json:
        print(json.dumps([flaw.to_json() for flaw in flaws], ensure_ascii=False))
    else:
        from samescore.harness.cli.excerpt import located

        for flaw in flaws:
            print(located(flaw.place))
        print(f"{counted(errors, 'error')}, {counted(len(flaws) - errors, 'warning')}")
    if errors:
        raise typer.Exit(int(ExitCode.USAGE))


def _flaws(names: Sequence[str] | None) -> Iterator[Flaw]:
    """The flaws of all files; one that cannot be read does not hide those of the others."""
    for wanted in [[name] for name in names] if names else [None]:
        try:
            named = files(wanted)
        except SopError as error:
            yield from _invalid(error)
            continue
        for file in named:
            yield from _flaws_of(file)


def _flaws_of(file: Any) -> Iterator[Flaw]:
    finding = import_module("samescore.suites.sop.finding")
    try:
        sop, world = file.read()
    except SopError as error:
        yield from _invalid(error)
        return
    try:
        import_module("samescore.suites.sop.phrases").load_phrases(sop)
    except SopError as error:
        yield from _invalid(error)
    for one in import_module("samescore.suites.sop.lint").lint(sop, world.code):
        witness = None if one.witness is None else dict(one.witness)
        place = finding.mistake(sop, one)
        yield Flaw(place, one.rule, one.severity, one.message, one.text, one.step, witness)


def _invalid(error: SopError) -> Iterator[Flaw]:
    from pathlib import Path

    source_line = import_module("samescore.suites.sop.document").source_line
    for one in error.mistakes:
        place = Mistake(one.path, one.line, f"error: {one.message} [{INVALID}]", one.focus)
        path = Path(one.path)
        text = source_line(path, one.line) if path.is_file() else ""
        yield Flaw(place, INVALID, "error", one.message, text)
