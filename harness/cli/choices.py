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


class MatchingName(StrEnum):
    """By whose rules the calls of an imported benchmark are judged."""

    STRICT = "strict"
    BFCL = "bfcl"


class Recording(StrEnum):
    """Who recorded what is to be scored."""

    SAMESCORE = "samescore"
    TAU_BENCH = "tau-bench"


class ServerName(StrEnum):
    """The servers whose parsers are imitated."""

    VLLM = "vllm"


class JUnitCase(StrEnum):
    """What a test case of a JUnit report is."""

    ROLLOUT = "rollout"
    CASE = "case"
