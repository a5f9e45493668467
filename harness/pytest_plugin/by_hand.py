"""Tests written by hand: a case, as it is or changed, is put to the model when the test asks for it.

The conversation is evidence like any other: it is recorded in a run of its own, and the test is given what replaying it
shows. A changed case is written beside it as a case file, so that `samescore score` can read the run again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from samescore.harness.case import Case, Expectation
from samescore.harness.errors import InfrastructureError, SamescoreError, UnknownName
from samescore.harness.plan import CaseSuite, Plan
from samescore.harness.pytest_plugin.batch import Results
from samescore.harness.pytest_plugin.options import in_pytests_words
from samescore.harness.pytest_plugin.result import Result
from samescore.harness.pytest_plugin.shown import errored
from samescore.harness.pytest_plugin.sources import Source, Sources

if TYPE_CHECKING:
    from samescore.harness.pytest_plugin.session import ModelSession

BY_HAND = "+by_hand"
"""What the id of a changed case ends in."""

CASE_FILE = "case.jsonl"
"""The changed case, in the directory of its run."""

_HARNESS_FACTS = ("today", "id_seed", "faults", "failures", "also")
_LONGEST = 80


class RolloutErrored(Exception):
    """The conversation could not be had: the model's server, a tool's code or a scorer crashed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a test asks for. `suite` is a registered name, or the absolute path of a file or folder."""

    suite: str
    case: str
    test: str
    opening: str | None = None
    slots: Mapping[str, str | None] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Whether the case is not put as it stands."""
        return self.opening is not None or bool(self.slots or self.facts)

    def prepared(self, sources: Sources) -> tuple[Source, Case]:
        """The case to put, and where it comes from.

        With other facts nothing is known of what is right, so that the case expects nothing; other words change nothing
        about that.

        Raises:
            SamescoreError: there is no such suite, case, slot or fact; or the suite cannot be read.
        """
        source = sources.at(Path(self.suite)) if Path(self.suite).is_absolute() else sources.named(self.suite)
        case = source.find(self.case)
        _require("slot", self.slots, list(case.lexicon.slots))
        _require("fact", self.facts, sorted({*case.facts, *_HARNESS_FACTS}))
        if not self.changes:
            return source, case
        changed = replace(
            case,
            id=f"{case.id}{BY_HAND}",
            opening=case.opening if self.opening is None else self.opening,
            user=replace(case.user, slots={**case.user.slots, **self.slots}),
            facts={**case.facts, **self.facts},
        )
        return source, replace(changed, gold=(), expectation=Expectation()) if self.facts else changed


class RunCase:
    """The fixture `run_case`."""

    def __init__(self, session: ModelSession, file: Path, test: str) -> None:
        self._session = session
        self._folder = file.parent
        self._test = test

    def __repr__(self) -> str:
        return "<run_case>"

    def __call__(
        self,
        suite: str | Path,
        case: str,
        *,
        opening: str | None = None,
        slots: Mapping[str, str | None] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Result:
        """Put a case to the model under test, once, and give what it did.

        `suite` is the path of a suite file, its folder, a procedure or a case file, as seen from the test's own file or
        from the root of the project; or a registered name such as `sop/refund`. `case` is a branch, as pytest names
        it, or a case's id.

        `opening` are other words of the user, `slots` what they tell when they are asked (None: they do not know), and
        `facts` another state of the world; what is not given stays as it is.

        Raises:
            RolloutErrored: the conversation could not be had; pytest counts this as an error, no failure.
            UsageError: of pytest's: there is no such suite, case, slot or fact, a lock file is stale, or the model
                cannot be used. This is an error as well.
        """
        __tracebackhide__ = True
        try:
            suite = self._resolved(str(suite))
            return self._result(Asked(suite, case, self._test, opening, dict(slots or {}), dict(facts or {})))
        except InfrastructureError as error:
            raise RolloutErrored(in_pytests_words(error)) from None
        except SamescoreError as error:
            raise pytest.UsageError(in_pytests_words(error)) from None

    def _result(self, asked: Asked) -> Result:
        __tracebackhide__ = True
        source, case = asked.prepared(self._session.sources)
        directory = self._session.had(asked)
        results = Results(directory, [suite_of(asked, source, case, directory)])
        scored = results.of(case)
        if not scored or scored[0].scores is None or scored[0].trajectory is None:
            raise RolloutErrored(in_pytests_words(errored(scored, 1, results.run.manifest.stopped)))
        return Result(case, scored[0].trajectory, {} if asked.facts else scored[0].scores, directory)

    def _resolved(self, suite: str) -> str:
        names: list[str] = import_module("samescore.suites.catalog").suite_names()
        if suite in names:
            return suite
        for folder in (self._folder, self._session.config.rootpath):
            if (folder / suite).exists():
                return str((folder / suite).absolute())
        advice = f"Or give a path, as seen from {self._folder} or {self._session.config.rootpath}."
        raise UnknownName("suite", suite, names, advice)


def put(asked: Asked, session: ModelSession, directory: Path) -> None:
    """Have the conversation, and record it in a new directory.

    Raises:
        SamescoreError: see `Asked.prepared` and `Model.run`.
    """
    from samescore.harness.cli.loading import worlds_of

    source, case = asked.prepared(session.sources)
    if asked.changes:
        _write_case(source, case, directory)
    suite = suite_of(asked, source, case, directory)
    plan = Plan.make([suite], seed=session.options.seed, temperature=session.options.temperature)
    session.model.run(directory, [suite], worlds_of([suite]), plan)


def suite_of(asked: Asked, source: Source, case: Case, directory: Path) -> CaseSuite:
    """The suite that a run of this case alone is of: its own, or the case file beside the evidence."""
    suite = source.suite
    if asked.changes:
        suite = replace(suite, name=Path(CASE_FILE).stem, targets={}, source=str(directory / CASE_FILE))  # type: ignore[type-var]
    return replace(suite, cases=(case,))  # type: ignore[type-var]  # the suites of the catalogue are dataclasses


def directory_of(test: str, root: Path) -> Path:
    """A new directory for a conversation that a test asks for, named by the test."""
    from samescore.harness.errors import EvidenceUnwritable

    name = re.sub(r"[^A-Za-z0-9._-]+", "-", test)[-_LONGEST:].strip("-.")
    number = 1
    while True:
        directory = root / (name if number == 1 else f"{name}-{number}")
        try:
            directory.mkdir(parents=True)
            return directory
        except FileExistsError:
            number += 1
        except OSError as error:
            raise EvidenceUnwritable(
                f"{directory}: the run's directory cannot be made: {error.strerror}. Name another one."
            ) from None


def _write_case(source: Source, case: Case, directory: Path) -> None:
    suites = import_module("samescore.suites.catalog")
    files = suites.world_files(source.suite.source) if source.suite.source else {}
    worlds = import_module("samescore.harness.cli.loading").worlds_of([source.suite])
    import_module("samescore.suites.case_file").add_cases(
        directory / CASE_FILE,
        [case],
        {case.world: worlds[case.world]},
        {name: file for name, file in files.items() if name == case.world},
        source.suite.procedure,
    )


def _require(kind: str, said: Mapping[str, Any], known: list[str]) -> None:
    for name in said:
        if name not in known:
            raise UnknownName(kind, name, known)
