"""A schema with its references put in place, so that two of them can be read side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from samescore.harness.fingerprint import fingerprint

RECURSIVE = "$recursive"
"""Stands in the place of a schema that contains itself: the fingerprint of the document it is defined in."""

DEFINITIONS = ("$defs", "definitions")

_VALUES = ("const", "default", "enum", "examples")
"""Keywords whose values are no schemas, whatever they look like."""


def inlined(schema: Any) -> Any:
    """The schema without local references and definitions; what stands beside a reference holds with it.

    A schema that contains itself is left as `{RECURSIVE: FINGERPRINT}`: it equals another one only if all of its
    document is the same.
    """
    return _inlined(schema, schema, ())


def is_recursive(schema: Any) -> bool:
    """Whether a schema from `inlined` contains itself somewhere."""
    if isinstance(schema, Mapping):
        return RECURSIVE in schema or any(map(is_recursive, schema.values()))
    return isinstance(schema, list) and any(map(is_recursive, schema))


def _inlined(schema: Any, root: Any, within: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_inlined(part, root, within) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    beside = {
        name: value
        if name in _VALUES
        else _properties(value, root, within)
        if name == "properties"
        else _inlined(value, root, within)
        for name, value in schema.items()
        if name not in ("$ref", *DEFINITIONS)
    }
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return beside
    if reference in within:
        return {RECURSIVE: fingerprint(root)}
    target = _inlined(_at(root, reference), root, (*within, reference))
    if not isinstance(target, Mapping) or not beside:
        return {"allOf": [target, beside]} if beside else target
    if target.keys() & beside.keys() - {"title", "description"}:
        return {"allOf": [target, beside]}
    return {**target, **beside}


def _properties(properties: Any, root: Any, within: tuple[str, ...]) -> Any:
    """A property may be called `$ref` or `enum`, so its name is read as a name."""
    if not isinstance(properties, Mapping):
        return properties
    return {name: _inlined(part, root, within) for name, part in properties.items()}


def _at(root: Any, reference: str) -> Any:
    """What a reference into the same document leads to; the reference itself where that is not found."""
    found = root
    for step in filter(None, unquote(reference.removeprefix("#")).split("/")):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return {RECURSIVE: fingerprint([reference, root])}
    return found
