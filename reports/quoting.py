"""Text that is not ours, in Markdown: shown as it is, never read as markup, link, mention or reference.

Model output, names of cases and branches, and sentences that quote them go through one of these functions. `code` is
for what was written or named; neither GitHub nor GitLab looks for mentions, references, links or emoji in code.
`prose` is for sentences of ours that may have such names in them. `block` keeps lines.

A character reference (`&#42;`) is never read as structure (CommonMark 0.31.2, section 2.5), which a backslash before a
pipe in the code of a table's cell is. A mention is found in the rendered text, where the reference is resolved:
an empty comment between sign and name keeps it from being one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from samescore.harness.cli.printable import printable, shortened

LONGEST = 240
"""Characters of a quoted text before its end gives way."""

SENTENCE = 900
"""Likewise, of a sentence of ours."""

_APART = "<!-- -->"
_PLAIN_IN_CODE = frozenset(" ,()='\";?+-/")
_STRUCTURE = frozenset("\\`*[]<|~{}^$&#@")
_RUNS = re.compile(r"`+")
_SIGILS = re.compile(r"[@#$]|[!%~&^](?=[\w\"'*{\[-])|:(?=[^\s:])|\.(?<=www\.)|\bGH-(?=\d)", re.IGNORECASE)
# Two dashes alone underline a heading, and make a rule with the dash of a list's entry before them.
_BEGINNING = re.compile(r"^(?:[-+](?=\s|$)|-{3}|--(?=\s*$|\s+-[-\s]*$)|=+|>|\d{1,9}[.)](?=\s|$))")


def code(text: str, longest: int = LONGEST) -> str:
    """A text on one line as inline code, also inside a table; nothing where it is empty."""
    line = shortened(text, longest)
    if not line:
        return ""
    if "|" in line:
        return html_code(line, longest)
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def html_code(text: str, longest: int = LONGEST) -> str:
    """A text on one line as code where only HTML is read, such as a `summary`; it is as good in Markdown."""
    return f"<code>{''.join(map(_in_code, shortened(text, longest)))}</code>"


def prose(text: str, longest: int = SENTENCE) -> str:
    """A sentence on one line, its punctuation harmless in Markdown and HTML, in tables, and at the line's beginning."""
    line = shortened(text, longest)
    begun = _BEGINNING.match(line)
    special = set() if begun is None else {begun.end()}  # where a list, a quotation or a heading would begin
    sigils = {found.end() for found in _SIGILS.finditer(line)}
    shown = []
    for end, character in enumerate(line, start=1):
        if end in sigils and character != "-":
            shown.append(f"{_reference(character)}{_APART}")
        elif end in sigils:
            shown.append(f"-{_APART}")
        elif character in _STRUCTURE or end in special or (character == "_" and not _inside(line, end - 1)):
            shown.append(_reference(character))
        else:
            shown.append(character)
    return "".join(shown)


def block(lines: Iterable[str]) -> str:
    """Lines as a code block, each without control characters and with its indentation."""
    clean = [" " * (len(line) - len(line.lstrip(" "))) + printable(line) for line in lines]
    fence = "`" * max(3, _longest_run("\n".join(clean)) + 1)
    return "\n".join([f"{fence}text", *clean, fence])


def _in_code(character: str) -> str:
    if character.isascii() and not character.isalnum() and character not in _PLAIN_IN_CODE:
        return _reference(character) + (_APART if character == "@" else "")
    return character


def _inside(line: str, at: int) -> bool:
    """Whether an underscore stands inside a word, where it is no emphasis (CommonMark, section 6.2)."""
    return line[at - 1 : at].isalnum() and line[at + 1 : at + 2].isalnum()


def _longest_run(text: str) -> int:
    return max(map(len, _RUNS.findall(text)), default=0)


def _reference(character: str) -> str:
    return f"&#{ord(character)};"
