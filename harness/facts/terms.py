"""House words: does a text use one as the house writes it?"""

from __future__ import annotations

import re
import unicodedata


def uses(content: str, term: str) -> bool:
    """Whether a house word stands there as a word of its own, spelled and capitalised as the house does."""
    wanted, text = unicodedata.normalize("NFC", term), unicodedata.normalize("NFC", content)
    return re.search(rf"(?<![^\W_]){re.escape(wanted)}(?![^\W_])", text) is not None
