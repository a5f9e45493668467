"""Markdown as a browser is given it: which elements there are, and what of its text GitHub would make something of."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt

OURS = {
    *("h2", "h3", "p", "ul", "li", "strong", "code", "pre", "sub", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
"""The elements that reports are made of."""

FOUND_BY_GITHUB = re.compile(
    r"(?<!\w)@\w|(?<!\w)#\d|\bGH-\d|https?://|www\.\w|\w@\w+\.\w|:[a-z_]+:|\$\S.*\$", re.IGNORECASE
)
"""What becomes a mention, a reference, a link, a picture or a formula in text that is not code."""


class Rendered(HTMLParser):
    """What a browser is given: elements, attributes, and the text outside of code, piece by piece."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.pieces: list[str] = []
        self.everything: list[str] = []
        self._code = 0
        self.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._code += tag in ("code", "pre")

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("code", "pre")

    def handle_data(self, data: str) -> None:
        self.everything.append(data)
        if not self._code:
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return "".join(self.everything)
