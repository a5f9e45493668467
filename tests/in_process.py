"""`samescore` as a command, in this process: a new Python for each command would take most of a test's time."""

from __future__ import annotations

from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from samescore.harness.cli.app import app


@dataclass(frozen=True, slots=True)
class Done:
    """What a shell sees of a command."""

    returncode: int
    stdout: str
    stderr: str


def samescore(*arguments: str | Path, cwd: Path, columns: int = 300) -> Done:
    """Run a command in a folder, on a terminal of so many columns."""
    with chdir(cwd):
        variables = {"COLUMNS": str(columns)}
        done = CliRunner().invoke(app, [*map(str, arguments)], env=variables, catch_exceptions=False)
    return Done(done.exit_code, done.stdout, done.stderr)
