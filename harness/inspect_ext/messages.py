"""Our errors where Inspect prints them: one message instead of a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from inspect_ai._util.error import PrerequisiteError  # the one exception that Inspect prints as a message
from rich.text import Text

from samescore.harness.errors import SamescoreError


@contextmanager
def as_messages() -> Iterator[None]:
    """Have Inspect end with the message of an error that the command line caused."""
    try:
        yield
    except SamescoreError as error:
        raise PrerequisiteError(Text(str(error))) from None  # as text: the message may hold what looks like markup
