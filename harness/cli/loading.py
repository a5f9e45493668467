"""Suites and worlds for a command. They come in by name: the harness imports no suite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from samescore.harness.case import Case
from samescore.harness.environment import World
from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.plan import CaseSuite
from samescore.harness.run import Run

SPLITS = ("eval", "dev", "train")


def load_suites(names: Sequence[str], split: str, locales: Sequence[str] | None) -> list[CaseSuite]:
    """Suites by name or path.

    Raises:
        UnknownName, UsageError, LockError: see `samescore.suites.catalog.load_suite`.
    """
    return [_catalog().load_suite(name, split=split, locales=locales or None) for name in dict.fromkeys(names)]


def suites_of(run: Run, names: Sequence[str]) -> list[CaseSuite]:
    """The suites of a run as they are now, of whichever split it planned.

    `names` are their names or paths, where those that the run recorded do not find them.

    Raises:
        UsageError: a suite is not registered, and no path was given.
    """
    planned = {case.id for case in run.plan.cases}
    best: list[CaseSuite] = []
    most = -1
    for split in SPLITS:
        try:
            suites = load_suites(names or [suite.name for suite in run.plan.suites], split, None)
        except UnknownName:
            if names:
                raise
            recorded = ", ".join(suite.name for suite in run.plan.suites)
            raise UsageError(
                f"{run.directory}: its suites ({recorded}) are not all known by name. Say where they are: --suite PATH."
            ) from None
        found = sum(case.id in planned for case in cases_of(suites))
        if found > most:
            best, most = suites, found
        if found == len(planned):
            break
    return best


def cases_of(suites: Iterable[CaseSuite]) -> list[Case]:
    """All cases of all suites."""
    return [case for suite in suites for case in suite.cases]


def worlds_of(suites: Iterable[CaseSuite]) -> dict[str, World]:
    """The worlds that the cases play in.

    Raises:
        UnknownName: a case names a world that is not installed.
    """
    return {name: _catalog().load_world(name) for name in sorted({case.world for case in cases_of(suites)})}


def targets_of(suites: Iterable[CaseSuite]) -> dict[str, float]:
    """The targets of all suites; of two for one metric the stricter."""
    targets: dict[str, float] = {}
    for suite in suites:
        for metric, least in suite.targets.items():
            targets[metric] = max(least, targets.get(metric, 0.0))
    return targets


def moved_targets(run: Run, suites: Iterable[CaseSuite]) -> list[str]:
    """Targets that are not those the run started from, in words."""
    moved = []
    for suite in suites:
        then: Mapping[str, float] = run.manifest.targets.get(suite.name, {})
        for metric in sorted(then.keys() | suite.targets.keys()):
            old, new = then.get(metric), suite.targets.get(metric)
            if old != new:
                moved.append(f"{suite.name}: {metric} was {_or_none(old)}, is {_or_none(new)}")
    return moved


def _or_none(target: float | None) -> str:
    return "none" if target is None else f"{target:g}"


def _catalog() -> Any:
    return import_module("samescore.suites.catalog")
