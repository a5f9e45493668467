"""Warnings of a model's libraries and of tools, which are not what pytest's `-W error` is meant for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Leaves warnings out, so that none ends a conversation that a test asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
