"""Markup that cannot be forgotten to be escaped: text is escaped wherever it goes in, only `Markup` goes in as it is.

What models write may hold characters that move, hide or reverse text. They are shown as escapes, `\\x1b` or `\\u202e`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TypeAlias

_KEPT = frozenset("\n\t\u200c\u200d")  # line ends and tabs; joiners, which words of several scripts need
_PLAIN = re.compile(r"[\n\t\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u1e00-\u1fff]*")
_VOID = frozenset({"br", "circle", "hr", "input", "line", "meta", "path", "rect", "use", "wbr"})


@dataclass(frozen=True, slots=True)
class Markup:
    """A piece of HTML or SVG, escaped already."""

    text: str

    def __str__(self) -> str:
        return self.text


Child: TypeAlias = "Markup | str | Iterable[Child] | None"


def visible(text: str) -> str:
    """Text in which nothing is hidden: control, format and lone surrogate characters become escapes."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(map(_shown, text))


def escaped(text: str) -> Markup:
    """Text as markup, also inside an attribute's quotes."""
    return Markup(escape(visible(text)))


def tag(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """An element. Attributes with None or False are left out; `aria_label` is `aria-label`, `class_` is `class`."""
    parts = [f"<{name}"]
    for key, value in attributes.items():
        label = key.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(f" {label}")
        elif value is not None and value is not False:
            parts.append(f' {label}="{escaped(str(value))}"')
    if name in _VOID and not children:
        return Markup("".join([*parts, ">" if name in ("br", "hr", "input", "meta", "wbr") else "/>"]))
    return Markup("".join([*parts, ">", joined(*children).text, f"</{name}>"]))


def joined(*children: Child) -> Markup:
    """Pieces one after another; text among them is escaped."""
    return Markup("".join(_pieces(children)))


def _pieces(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if isinstance(child, Markup):
            yield child.text
        elif isinstance(child, str):
            yield escaped(child).text
        elif child is not None:
            yield from _pieces(child)


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    return "\ufffd" if "\ud800" <= character <= "\udfff" else character.encode("unicode_escape").decode("ascii")
