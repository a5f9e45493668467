"""`samescore sop schema`: the JSON Schemas of the files that people write, for editors."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files
from typing import Annotated

import typer


class Kind(StrEnum):
    """Which files a schema is of."""

    SOP = "sop"
    PHRASES = "phrases"
    SUITE = "suite"


PLACES = {Kind.SOP: "sop/schema.json", Kind.PHRASES: "sop/phrases.schema.json", Kind.SUITE: "suite.schema.json"}
"""Where they lie in `samescore.suites`."""


def schema_command(
    kind: Annotated[Kind, typer.Argument(help="Of which files.", show_default=True)] = Kind.SOP,
) -> None:
    """Print the JSON Schema of procedures, phrase banks or suite files; editors complete and check by it."""
    print((files("samescore.suites") / PLACES[kind]).read_text(encoding="utf-8"), end="")
