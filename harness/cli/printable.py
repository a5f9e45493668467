"""Model output is hostile, also to terminals: what is printed of it carries no control codes."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_KEPT = {"\u200c", "\u200d"}  # joiners, which words of several scripts need


def printable(text: str) -> str:
    """Text on one line, in which nothing moves a cursor, sets a colour or turns the direction of writing.

    Line ends become `⏎`; control, format and lone surrogate characters become `\\x1b` and the like.
    """
    joined = " ⏎ ".join(line.strip() for line in text.strip().splitlines())
    return "".join(character if _harmless(character) else _escaped(character) for character in joined)


def shortened(text: str, length: int) -> str:
    """Printable text of at most `length` characters; the end gives way."""
    line = printable(text)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def print_hanging(console: Console, head: Text, body: Text) -> None:
    """Print `body` after `head`, its further lines indented to where it began; no line ends in spaces."""
    from rich.text import Text

    for index, line in enumerate(body.wrap(console, max(20, console.width - head.cell_len))):
        line.rstrip()
        console.print(Text.assemble(head if index == 0 else " " * head.cell_len, line))


def _harmless(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii") if not "\ud800" <= character <= "\udfff" else "\ufffd"
