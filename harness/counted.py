"""A number with its noun: `1 case`, `2 cases`."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """So many of something whose plural ends in an s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
