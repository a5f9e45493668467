"""The selected cases as one run; and what a run says of each case, in the process that had it or another one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from samescore.harness.case import Case
from samescore.harness.cli.loading import worlds_of
from samescore.harness.errors import UsageError
from samescore.harness.plan import CaseSuite, Plan, PlannedSuite
from samescore.harness.pytest_plugin.options import Options
from samescore.harness.pytest_plugin.quiet import quiet
from samescore.harness.pytest_plugin.sources import Source
from samescore.harness.records import Record
from samescore.harness.rescore import Replayer, Scored, replayer
from samescore.harness.run import Run


class Batch:
    """The cases that were selected, of each suite once, in the order in which they were given."""

    def __init__(self, selected: Iterable[tuple[Source, Case]]) -> None:
        chosen: dict[int, tuple[CaseSuite, dict[str, Case]]] = {}
        prints: dict[str, str] = {}
        for source, case in selected:
            suite, cases = chosen.setdefault(id(source.suite), (source.suite, {}))
            found = case.fingerprint()
            if case.id in cases or prints.get(case.id) == found:
                continue  # a file that was named twice, or a procedure that two suite files list
            if case.id in prints:
                raise UsageError(
                    f"two cases are called {case.id!r}, the other one in {suite.source or suite.name}. Test one of "
                    "the suites, or rename a case."
                )
            prints[case.id] = found
            cases[case.id] = case
        self._chosen = [(suite, cases) for suite, cases in chosen.values() if cases]

    def __len__(self) -> int:
        return sum(len(cases) for _, cases in self._chosen)

    @cached_property
    def suites(self) -> Sequence[CaseSuite]:
        """The suites, with the selected cases alone."""
        return [
            replace(suite, cases=tuple(cases.values()))  # type: ignore[type-var]  # the catalogue's are dataclasses
            for suite, cases in self._chosen
        ]

    def plan(self, options: Options) -> Plan:
        """The plan of the selected cases. Its suites keep the fingerprint of all their cases, as with `--limit`."""
        plan = Plan.make(self.suites, epochs=options.epochs, seed=options.seed, temperature=options.temperature)
        whole = all(len(cases) == len(suite.cases) for suite, cases in self._chosen)
        suites = tuple(PlannedSuite(suite.name, suite.version, suite.fingerprint) for suite, _ in self._chosen)
        return replace(plan, suites=suites, limit=None if whole else len(self))


class Results:
    """What the run in a directory says of each case: replayed from its evidence, in whichever process asks.

    Raises:
        UsageError, EvidenceDamaged, ForeignEvidence: there is no run to read; see `Run.open`.
    """

    def __init__(self, directory: Path, suites: Sequence[CaseSuite]) -> None:
        self.run = Run.open(directory)
        self._suites = suites
        self._known: dict[str, tuple[Scored, ...]] = {}

    def of(self, case: Case) -> tuple[Scored, ...]:
        """Every recorded rollout of a case, epoch by epoch."""
        if case.id not in self._known:
            with quiet():
                self._known[case.id] = tuple(map(self._replayer.score, self._records.get(case.id, ())))
        return self._known[case.id]

    @cached_property
    def _records(self) -> Mapping[str, Sequence[Record]]:
        records: defaultdict[str, list[Record]] = defaultdict(list)
        for record in self.run.records():
            records[record.case].append(record)
        return records

    @cached_property
    def _replayer(self) -> Replayer:
        return replayer(self.run, self._suites, worlds_of(self._suites))
