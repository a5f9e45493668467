"""`samescore sop prose`: a procedure as a model reads it that has it in its prompt."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

from typer import Option

from samescore.harness.cli.choices import Language
from samescore.harness.cli.procedures import Names, procedures


def prose_command(names: Names = None, locale: Annotated[Language, Option(help="The language.")] = Language.EN) -> None:
    """Print procedures as numbered prose, as `eval --procedure prompt` puts them into the system message."""
    prose = import_module("samescore.suites.sop.prose").prose
    print("\n\n".join(prose(sop, world, locale.value) for sop, world in procedures(names)))
