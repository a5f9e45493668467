"""A YAML file with line numbers, read strictly, and the collection of everything that is wrong with it.

Plain scalars become null, `true`, `false`, ints and floats; everything else, days and `yes` and `no` included, stays
text. Aliases, tags, merge keys and duplicate keys are mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml.reader import ReaderError

from samescore.harness.errors import Mistake, SopError

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,15})")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}

_LIBYAML: Any = getattr(yaml, "CBaseLoader", None)
"""Reads ten times as fast, where PyYAML was built with it."""
_TAKEN_BY_LIBYAML_ALONE = re.compile("[\t\ufeff]")
"""What it takes where PyYAML says that it is no YAML; so does it a question mark in a list or mapping in brackets."""

Scalar: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Item:
    """A value of the file: a scalar, a tuple of items, or a dict of them. `line` is that of its key, if it has one."""

    value: Scalar | tuple[Item, ...] | dict[str, Item]
    line: int

    def plain(self) -> Any:
        """The value without lines."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        return self.value

    @property
    def written(self) -> str:
        """A scalar as it stands in the file, without quotes; of anything else nothing."""
        return "" if isinstance(self.value, dict | tuple) or self.value is None else str(self).strip("'\"")

    def __str__(self) -> str:
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, tuple):
            return "a list"
        if self.value is None or isinstance(self.value, bool):
            return {None: "nothing", True: "true", False: "false"}[self.value]
        return repr(self.value)


class Problems:
    """What is wrong with one file, collected, so that it can be said at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found: list[Mistake] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, line: int, message: str, focus: str = "") -> None:
        """Note a mistake; the message says what was expected, what was found and what to do.

        `focus` is what is meant, as it stands in that line or in those below that belong to it.
        """
        self._found.append(Mistake(str(self.path), line, message, focus))

    def include(self, line: int, error: SopError) -> None:
        """Note the mistakes of an error; `line` is where it is if its message does not say so."""
        self._found += error.mistakes or (Mistake(str(self.path), line, str(error)),)

    def unknown(self, line: int, what: str, name: str, known: Iterable[str]) -> None:
        """Note a name that nothing answers to."""
        known = list(known)
        near = get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known) or 'none'}."
        self.add(line, f"{what} {name!r}. {hint}", name)

    def raise_any(self) -> None:
        """Raise all of them as one SopError, in the order of the file."""
        if self._found:
            found = {str(one): one for one in sorted(self._found, key=lambda one: (one.line, one.message))}
            raise SopError("\n".join(found), list(found.values()))


def read(path: Path) -> Item:
    """Read a YAML file.

    Raises:
        SopError: it cannot be read, is no YAML, or uses aliases, tags or a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
    return _read(path, text)


@lru_cache(maxsize=64)
def _read(path: Path, text: str) -> Item:
    """What a file with that text says. Suites that share a procedure read it once: it is what takes longest.

    libyaml reads it, and wherever that finds anything wrong PyYAML does, which words it.
    """
    if _LIBYAML is not None and not _TAKEN_BY_LIBYAML_ALONE.search(text):
        with suppress(yaml.YAMLError, SopError):
            return _composed(path, text, _LIBYAML)
    try:
        return _composed(path, text, yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise unreadable(path, error, text) from None


def _composed(path: Path, text: str, loader: Any) -> Item:
    problems = Problems(path)
    for event in yaml.parse(text, Loader=loader):
        _check_event(event, problems)
    problems.raise_any()
    root = yaml.compose(text, Loader=loader)
    if root is None:
        return Item(None, 1)
    if loader is _LIBYAML and _questioning(root):
        raise yaml.YAMLError("a question mark in brackets")
    item = _item(root, root.start_mark.line + 1, problems)
    problems.raise_any()
    return item


def _questioning(node: yaml.Node) -> bool:
    """Whether a question mark stands in brackets, outside of quotes."""
    if not isinstance(node, yaml.CollectionNode):
        return False
    pairs = isinstance(node, yaml.MappingNode)
    children = [child for pair in node.value for child in pair] if pairs else node.value
    return any(
        "?" in child.value and node.flow_style and not child.style
        if isinstance(child, yaml.ScalarNode)
        else _questioning(child)
        for child in children
    )


def unreadable(path: Path, error: OSError | UnicodeDecodeError | yaml.YAMLError, text: str = "") -> SopError:
    """What keeps a YAML file from being read, by whichever loader, at its line; `text` is what was read of it."""
    if not isinstance(error, yaml.YAMLError):
        reason = error.strerror if isinstance(error, OSError) else f"it is no UTF-8: {error}"
        return SopError(f"{path}:1: the file cannot be read: {reason}. Check the path and that it is UTF-8.")
    mark = getattr(error, "problem_mark", None)
    if isinstance(error, ReaderError):  # a character that YAML does not know; it has a place and no mark
        # Where libyaml reads, the place is one of bytes.
        before = text[: error.position] if error.encoding == "unicode" else text.encode()[: error.position].decode()
        line, reason = before.count("\n") + 1, f"the character {chr(error.character)!r}"
    else:
        line = mark.line + 1 if mark is not None else 1
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
    return SopError(f"{path}:{line}: this is no YAML: {reason}. Check indentation, quotes and brackets.")


def source_line(path: Path, line: int) -> str:
    """The text of one line of a file, without its indentation; empty beyond the end, or where there is no text."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def _check_event(event: yaml.Event, problems: Problems) -> None:
    mark, tag = event.start_mark, getattr(event, "tag", None)
    line = mark.line + 1 if mark is not None else 1
    if isinstance(event, yaml.AliasEvent):
        message = f"the alias *{event.anchor} is not part of the SOP language. Write the value out."
        problems.add(line, message, str(event.anchor))
    elif tag is not None:
        problems.add(line, f"the tag {tag} is not part of the SOP language. Leave it out.", str(tag))


def _item(node: yaml.Node, line: int, problems: Problems) -> Item:
    if isinstance(node, yaml.ScalarNode):
        return Item(node.value if node.style else _scalar(node.value), line)
    if isinstance(node, yaml.SequenceNode):
        return Item(tuple(_item(child, child.start_mark.line + 1, problems) for child in node.value), line)
    entries: dict[str, Item] = {}
    for key, value in node.value:
        at = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            problems.add(at, "a key is no plain word. Write a name before the colon.")
        elif key.value == "<<":
            problems.add(at, "the merge key << is not part of the SOP language. Write the values out.")
        elif key.value in entries:
            first = entries[key.value].line
            problems.add(at, f"the key {key.value!r} is here a second time; the first is in line {first}. Remove one.")
        else:
            entries[key.value] = _item(value, at, problems)
    return Item(entries, line)


def _scalar(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
