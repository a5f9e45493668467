"""Typed access to the items of an SOP file: what is of the wrong type is noted, and something harmless stands in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

from samescore.harness.lexicon import LOCALES, Locale
from samescore.suites.sop.document import Item, Problems
from samescore.suites.sop.model import Texts

NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_LOCALES: Mapping[str, Locale] = {locale: locale for locale in LOCALES}
_T = TypeVar("_T")


class Fields:
    """Reads items of one file. `what` names the item in messages: `slot 'order_id': given`."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def expected(self, item: Item, what: str, expected: str) -> None:
        """Note that an item is not what was expected."""
        self.problems.add(item.line, f"{what}: expected {expected}, found {item}. Correct it.", item.written)

    def keys(self, item: Item, what: str, required: set[str], optional: set[str]) -> dict[str, Item]:
        """The entries of a mapping that are known; missing and unknown ones are noted."""
        if not isinstance(item.value, dict):
            self.expected(item, what, f"a mapping with {', '.join(sorted(required))}")
            return {}
        for key, entry in item.value.items():
            if key not in required | optional:
                self.problems.unknown(entry.line, f"{what}: unknown key", key, sorted(required | optional))
        missing = sorted(required - item.value.keys())
        if missing:
            self.problems.add(item.line, f"{what}: missing {', '.join(f'`{key}:`' for key in missing)}. Add it.")
        return {key: entry for key, entry in item.value.items() if key in required | optional}

    def text(self, item: Item, what: str) -> str:
        """A text that is not empty."""
        if isinstance(item.value, str) and item.value.strip():
            return item.value
        self.expected(item, what, "a text")
        return ""

    def optional_text(self, item: Item | None, what: str) -> str | None:
        """A text where there is one."""
        return None if item is None else self.text(item, what)

    def name(self, item: Item, what: str) -> str:
        """A name of letters, digits and `_`."""
        text = self.text(item, what)
        if text and not NAME.fullmatch(text):
            self.expected(item, what, "a name of letters, digits and `_`")
        return text

    def whole(self, item: Item, what: str, least: int | None = None) -> int:
        """A whole number."""
        value = item.value
        if isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least):
            return value
        self.expected(item, what, "a whole number" if least is None else f"a whole number from {least}")
        return least or 0

    def day(self, item: Item, what: str) -> int:
        """A day, as an ordinal."""
        try:
            if isinstance(item.value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", item.value):
                return date.fromisoformat(item.value).toordinal()
        except ValueError:
            pass  # such as 2026-02-30: noted below like any other text
        self.expected(item, what, "a day as YYYY-MM-DD")
        return 1

    def one_of(self, item: Item, what: str, values: Mapping[str, _T]) -> _T:
        """One of a few words."""
        if isinstance(item.value, str) and item.value in values:
            return values[item.value]
        self.expected(item, what, " or ".join(values))
        return next(iter(values.values()))

    def items(self, item: Item | None, what: str) -> tuple[Item, ...]:
        """A list; empty where there is none."""
        if item is None:
            return ()
        if isinstance(item.value, tuple):
            return item.value
        self.expected(item, what, "a list")
        return ()

    def texts(self, item: Item | None, what: str) -> tuple[str, ...]:
        """A list of different texts; empty where there is none."""
        texts = tuple(self.text(entry, what) for entry in self.items(item, what))
        if item is not None and len(set(texts)) < len(texts):
            self.expected(item, what, "different texts")
        return texts

    def variants(self, item: Item, what: str) -> Texts:
        """Per language, one variant or more."""
        return self.per_locale(item, what, self._some_texts)

    def per_locale(self, item: Item, what: str, read: Callable[[Item, str], _T]) -> dict[Locale, _T]:
        """Something for each language."""
        keys = self.keys(item, what, set(_LOCALES), set())
        return {_LOCALES[name]: read(entry, f"{what}: {name}") for name, entry in keys.items()}

    def named(self, item: Item | None, what: str, read: Callable[[str, Item], _T | None]) -> dict[str, _T]:
        """A mapping of named things, without those that could not be read."""
        if item is None:
            return {}
        if not isinstance(item.value, dict):
            self.expected(item, what, "a mapping of names")
            return {}
        things = {name: read(name, entry) for name, entry in item.value.items()}
        return {name: thing for name, thing in things.items() if thing is not None}

    def _some_texts(self, item: Item, what: str) -> tuple[str, ...]:
        texts = self.texts(item, what)
        if item.value == ():
            self.expected(item, what, "one text or more")
        return texts
