"""The lines of a file that a message is about, as compilers show them: numbered, with what is meant underlined."""

from __future__ import annotations

import re
from pathlib import Path

from samescore.harness.cli.printable import printable
from samescore.harness.errors import Mistake, SopError

LONGEST = 140
"""Characters of a line before its ends are cut."""


def described(error: SopError) -> str:
    """An error with the lines it is about; only its message where it says of none."""
    return "\n".join(map(located, error.mistakes)) or "\n".join(map(printable, str(error).splitlines()))


def located(mistake: Mistake) -> str:
    """A message and below it the lines it is about."""
    return "\n".join([printable(str(mistake)), *excerpt(Path(mistake.path), mistake.line, mistake.focus)])


def excerpt(path: Path, line: int, focus: str = "") -> list[str]:
    """Line `line` of a file; if `focus` is not in it but below, in what is indented deeper, that line too, underlined.

    Nothing where the file cannot be read, or has no such line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    if not 0 < line <= len(lines):
        return []
    found = _find(lines, line, focus)
    last = line if found is None else found[0]
    width = len(str(last)) + 2
    shown = [_numbered(line, width, lines[line - 1])] if last != line else []
    shown += [f"{'...':>{width}} |"] if last > line + 1 else []
    if found is None:
        return [*shown, _numbered(line, width, lines[line - 1])]
    text, start = _window(_plain(lines[last - 1]), found[1])
    under = f"{'':>{width}} | {' ' * _cells(text[:start])}{'^' * max(1, _cells(text[start : start + len(focus)]))}"
    return [*shown, f"{last:>{width}} | {text}", under]


def _find(lines: list[str], line: int, focus: str) -> tuple[int, int] | None:
    """The line and column (from 0) of the first place in a line and its block where a word stands by itself."""
    if not focus:
        return None
    word = re.compile(rf"(?<![\w$.]){re.escape(printable(focus))}(?![\w])")
    head = _indentation(lines[line - 1])
    for number in range(line, len(lines) + 1):
        text = lines[number - 1]
        bare = text.lstrip()
        inside = _indentation(text) > head or (bare.startswith("-") and not lines[line - 1].lstrip().startswith("-"))
        if number > line and bare and not inside:
            return None
        if found := word.search(_plain(text).partition(" #")[0]):
            return number, found.start()
    return None


def _numbered(number: int, width: int, line: str) -> str:
    return f"{number:>{width}} | {_window(_plain(line), 0)[0]}"


def _window(line: str, column: int) -> tuple[str, int]:
    """A line without what is far from a column, and where the column is then."""
    start = max(0, column - LONGEST // 2) if len(line) > LONGEST else 0
    end = start + LONGEST
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}", column - start + (start > 0)


def _plain(line: str) -> str:
    """A line that a terminal can be shown, its indentation kept."""
    return " " * _indentation(line) + printable(line)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
