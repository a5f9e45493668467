"""What a configuration asks to learn from: cases and their worlds, with the targets that were stated before."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samescore.harness.case import Case, Split
from samescore.harness.environment import World
from samescore.harness.plan import CaseSuite
from samescore.trainers.config import DataConfig


@dataclass(frozen=True, slots=True)
class Material:
    """The suite of one split, the cases of it that are used, and the worlds they play in.

    `files` gives the `world.py:ATTRIBUTE` of those that came with the suite.
    """

    suite: CaseSuite
    cases: tuple[Case, ...]
    worlds: Mapping[str, World]
    files: Mapping[str, Path]

    @property
    def targets(self) -> Mapping[str, float]:
        """Per metric the least value that was stated."""
        return self.suite.targets


def load_material(data: DataConfig, split: Split | None = None, limit: int | None = None) -> Material:
    """The suite of a configuration. `split` is the configuration's unless another is asked for, then with its `limit`.

    Raises:
        UnknownName, UsageError, LockError: see `samescore.suites.catalog.load_suite`.
    """
    # Trainers may not import suites: what is asked comes in by name, as on the command line.
    catalog: Any = importlib.import_module("samescore.suites.catalog")
    suite = catalog.load_suite(data.suite, split or data.split, data.locales, data.procedure)
    cases = spread(suite.cases, data.limit if split is None else limit)
    named = sorted({case.world for case in cases} - suite.worlds.keys())
    worlds = {**suite.worlds, **{name: catalog.load_world(name) for name in named}}
    return Material(suite, tuple(cases), worlds, catalog.world_files(data.suite))


def spread(cases: Sequence[Case], limit: int | None) -> Sequence[Case]:
    """At most `limit` cases, at even distances over all of them."""
    if limit is None or limit >= len(cases):
        return cases
    stride = len(cases) / limit
    return [cases[int(index * stride)] for index in range(limit)]
