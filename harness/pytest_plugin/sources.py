"""What a file holds for pytest: the cases of a procedure, of a suite file or of a case file, each under a name.

    courier/suite.yaml              a suite file: all cases of its procedures
    courier/sops/parcel.yaml        a procedure: its cases, in the world and style of the suite file that lists it
    found.jsonl                     a case file

Every other YAML and JSON Lines file is left alone: whether one is ours shows from its first keys, without parsing it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any

from samescore.harness.case import Case
from samescore.harness.errors import SamescoreError, UnknownName, UsageError
from samescore.harness.plan import CaseSuite
from samescore.harness.pytest_plugin.options import Options
from samescore.harness.results import branch_name

SUFFIXES = (".yaml", ".yml", ".jsonl")
"""Of the files that may be ours."""

_KEYS = re.compile(r"^(sop|sops|world)[ \t]*:", re.MULTILINE)
_CASE_FILE = re.compile(rb'\{[^\n]{0,200}?"format"\s*:\s*"samescore-cases"')


class Kind(StrEnum):
    """What a file is."""

    SOP = "procedure"
    SUITE = "suite file"
    CASES = "case file"


@dataclass(frozen=True, slots=True)
class Source:
    """The cases of a file, or of a registered suite, by the names of their tests. `suite` may have others."""

    suite: CaseSuite
    cases: Mapping[str, Case]

    def find(self, name: str) -> Case:
        """A case by its id, by the name of its test, or the first of a branch, with or without its procedure.

        Raises:
            UnknownName: there is none.
        """
        for test, case in self.cases.items():
            branch = test.partition("[")[0]
            if name in (case.id, test, branch, case.cluster):
                return case
        known = list(dict.fromkeys(test.partition("[")[0] for test in self.cases))
        raise UnknownName("case", name, known, "A case is named by its branch, as listed, or by its id.")


class Sources:
    """The files that were read, each once."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._read: dict[str, Source] = {}

    def at(self, path: Path) -> Source:
        """What the file, or the suite's folder, at a path holds.

        Raises:
            SamescoreError: the file is none of ours, or wrong; a lock file is missing or stale.
        """
        key = str(path.resolve())
        if key not in self._read:
            self._read[key] = self._read_path(path)
        return self._read[key]

    def named(self, name: str) -> Source:
        """A suite by the name under which it is registered.

        Raises:
            SamescoreError: there is none, or it cannot be read.
        """
        if name not in self._read:
            suite = self._suite(name)
            self._read[name] = Source(suite, named_cases(suite.cases))
        return self._read[name]

    def _read_path(self, path: Path) -> Source:
        catalog = import_module("samescore.suites.suite_file")
        if path.is_dir():
            return self.at(catalog.suite_file_in(path))
        kind = kind_of(path)
        if kind is None:
            raise UsageError(not_ours(path))
        if kind is Kind.SOP:
            return self._procedure(path)
        suite = self._suite(shown(path))
        if kind is Kind.CASES and self._options.procedure not in (None, suite.procedure):
            raise UsageError(
                f"{path}: --samescore-procedure {self._options.procedure}: the cases of this file stand as they are, "
                f"with the procedure in the {suite.procedure}. Leave the option out."
            )
        return Source(suite, named_cases(suite.cases))

    def _procedure(self, path: Path) -> Source:
        """A procedure's cases: those of the suite file that lists it, else from its own lock file alone."""
        options = self._options
        for listing in suite_files(path):
            if _lists(listing, path):
                whole = self.at(listing).suite
                sop = next(one for one in _sops(listing) if one.path.resolve() == path.resolve())
                ids = {case.id for case in sop.cases(options.split)}
                return Source(whole, named_cases([case for case in whole.cases if case.id in ids]))
        sop = import_module("samescore.suites.suite_file").sop_file_at(path)
        world = sop.load_world()
        cases = sop.cases(options.split, options.usual_procedure)
        suite = import_module("samescore.suites.suite").Suite(
            name=f"sop/{sop.name}",
            version=1,
            cases=cases,
            worlds={world.name: world},
            procedure=options.usual_procedure,
        )
        return Source(suite, named_cases(cases))

    def _suite(self, name: str) -> CaseSuite:
        from samescore.harness.cli.loading import load_suites

        (suite,) = load_suites([name], self._options.split, None, self._options.usual_procedure)
        return suite


def kind_of(path: Path) -> Kind | None:
    """What a file is, by its first keys; None where it is none of ours, or cannot be read."""
    if path.suffix not in SUFFIXES:
        return None
    try:
        with path.open("rb") as file:
            if path.suffix == ".jsonl":
                return Kind.CASES if _CASE_FILE.match(file.readline(10_000)) else None
            text = file.read().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    keys = set(_KEYS.findall(text))
    if "world" not in keys:
        return None
    return Kind.SUITE if "sops" in keys else Kind.SOP if "sop" in keys else None


def not_ours(path: Path) -> str:
    """Why a file that was named cannot be tested."""
    wanted = "the cases that `samescore fuzz` wrote" if path.suffix == ".jsonl" else "`sop:` or `sops:`, and `world:`"
    return f"{path}: this is no procedure, suite file or case file: expected {wanted}. Name one, or a folder of them."


def suite_files(procedure: Path) -> list[Path]:
    """The suite files that may list a procedure: `suite.yaml` in its folder and in the one above."""
    name = import_module("samescore.suites.suite_file").FILE
    folder = procedure.absolute().parent
    return [path for path in (folder / name, folder.parent / name) if kind_of(path) is Kind.SUITE]


def may_list(suite_file: Path, procedure: Path) -> bool:
    """Whether a suite file lists a procedure, as far as it can be told: one that is wrong may list any."""
    try:
        return _lists(suite_file, procedure)
    except SamescoreError:
        return True


def named_cases(cases: Sequence[Case]) -> dict[str, Case]:
    """The cases by the names of their tests: procedure, branch, and what else tells one from the others."""
    short = {name_of(case, _rest(case)): case for case in cases}
    return short if len(short) == len(cases) else {name_of(case, case.id): case for case in cases}


def name_of(case: Case, rest: str) -> str:
    """`refund/late>no[en/003]`."""
    return f"{branch_name(_procedure_of(case), case.cluster)}[{rest}]"


def shown(path: Path) -> str:
    """A path as a run records it: as seen from here."""
    try:
        return os.path.relpath(path)
    except ValueError:  # it lies on another drive
        return str(path)


def _rest(case: Case) -> str:
    """A case's id without what its name says already."""
    return case.id.removeprefix(f"{case.world}/{_procedure_of(case)}/{case.split}/")


def _procedure_of(case: Case) -> str:
    return case.suite.rpartition("/")[2]


def _lists(suite_file: Path, procedure: Path) -> bool:
    return procedure.resolve() in {sop.path.resolve() for sop in _sops(suite_file)}


def _sops(suite_file: Path) -> Sequence[Any]:
    sops: Sequence[Any] = import_module("samescore.suites.suite_file").read_suite_file(suite_file).sops
    return sops
