"""`Casebook`: the cases of a suite's split with their worlds, loaded once in a process and found by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from samescore.harness.case import Case
from samescore.harness.cli.loading import cases_of, load_suites, worlds_of
from samescore.harness.environment import World
from samescore.harness.plan import Procedure


@dataclass(frozen=True, slots=True)
class Casebook:
    """Cases by id, their fingerprints, and the worlds that they play in."""

    cases: Mapping[str, Case]
    prints: Mapping[str, str]
    worlds: Mapping[str, World]


def book_of(sample: Mapping[str, Any]) -> Casebook:
    """The casebook that a sample's metadata names.

    Raises:
        UnknownName, UsageError, LockError: see `casebook`.
    """
    return casebook(sample["suite"], sample["split"], sample["procedure"])


@cache
def casebook(suite: str, split: str, procedure: Procedure) -> Casebook:
    """The cases of a suite, by its name or path, in all languages; with the procedure in the prompt or not.

    Raises:
        UnknownName, UsageError, LockError: see `samescore.suites.catalog.load_suite`.
    """
    suites = load_suites([suite], split, None, procedure)
    cases = {case.id: case for case in cases_of(suites)}
    return Casebook(cases, {id: case.fingerprint() for id, case in cases.items()}, worlds_of(suites))
