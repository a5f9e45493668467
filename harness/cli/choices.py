"""Values that options of several commands choose from."""

from __future__ import annotations

from enum import StrEnum


class SplitName(StrEnum):
    """The three splits."""

    TRAIN = "train"
    DEV = "dev"
    EVAL = "eval"


class ProcedureIn(StrEnum):
    """Where the model has the procedure from."""

    PROMPT = "prompt"
    WEIGHTS = "weights"


class Language(StrEnum):
    """The languages of cases and texts."""

    EN = "en"
    VI = "vi"
