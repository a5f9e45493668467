"""Which files a report may replace: those that are earlier reports of the same form, by what each form begins with.

Whoever names the wrong file (`--card README.md`, `--md gate.toml`) loses nothing that way. Markdown has a marker that
nobody sees, a page its generator; JUnit, JSON and SVG are known by their own shape.
"""

from __future__ import annotations

import re
from pathlib import Path

SUMMARY_MARK = "<!-- samescore summary -->"
HISTORY_MARK = "<!-- samescore history -->"
CARD_MARK = "<!-- samescore card -->"

GENERATOR = "samescore"
"""What a page says that made it, before its version."""

LOOKED_AT = 200_000
"""Characters of a file that are looked at; the marker of a card stands behind what the Hub reads."""

_FORMS = {
    "html": re.compile(rf'<!doctype html>[^\0]{{0,4000}}<meta name="generator" content="{GENERATOR} '),
    "svg": re.compile(r'<svg xmlns="http://www\.w3\.org/2000/svg" class="history"'),
    "md": re.compile(rf"<!-- samescore:|{HISTORY_MARK}"),
    "summary": re.compile(SUMMARY_MARK),
    "junit": re.compile(r'<\?xml [^>]*>\s*<testsuites name="samescore"'),
    "json": re.compile(r'\{"format": \d+, (?:"samescore": "|"metric": "[^"]*", "registry": ")'),
    "card": re.compile(rf"---\n[^\0]*\n{CARD_MARK}\n"),
}


def replaceable(form: str, path: Path) -> bool:
    """Whether nothing is lost where a report of this form is written there: no file, an empty one, or such a report.

    What is no file at all, such as a device, is for whoever writes it.
    """
    if not path.is_file():
        return True
    try:
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read(LOOKED_AT).replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        return False
    return not text.strip() or _FORMS[form].match(text) is not None
