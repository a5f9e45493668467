"""References: what `$slot`, `$fact` and `$step.field` in arguments, statements and texts stand for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

SIGN = "$"
ERROR = "error"
"""The head of references to a failed call's answer, which only `wait` may use: `$error.retry_after`."""

_REFERENCE = re.compile(r"\$[A-Za-z_]\w*(?:\.\w+)*", re.ASCII)


def is_reference(value: Any) -> bool:
    """Whether a value that is written in an SOP stands for another one."""
    return isinstance(value, str) and value.startswith(SIGN)


def well_formed(reference: str) -> bool:
    """Whether it is a name, or names joined by dots."""
    return _REFERENCE.fullmatch(reference) is not None


def split(reference: str, calls: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The step and the fields that `$step.field.field` names; steps of parallel calls have a dot in their own names."""
    parts = reference.removeprefix(SIGN).split(".")
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in calls:
            return name, tuple(parts[length:])
    return parts[0], tuple(parts[1:])


def field_of(reference: str) -> str:
    """The field that a reference ends in, without the index of a list's element: `factors` of `$lookup.factors.0`."""
    parts = reference.removeprefix(SIGN).split(".")
    return next((part for part in reversed(parts) if not part.isdecimal()), parts[-1])


def references_in(value: Any) -> Iterator[str]:
    """Every reference in a value, at any depth."""
    if is_reference(value):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from references_in(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from references_in(entry)


def picked(value: Any, fields: tuple[str, ...]) -> Any:
    """What lies at these fields and list indices of a result.

    Raises:
        LookupError: nothing does.
    """
    for field in fields:
        if isinstance(value, list) and field.isdecimal():
            value = value[int(field)]
        elif isinstance(value, dict):
            value = value[field]
        else:
            raise LookupError(field)
    return value
