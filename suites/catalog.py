"""The catalogue: suites and procedures by name or path.

A world's suite file is `suite.yaml` in its module's folder, its procedures are `sops/NAME.yaml` there. Other suite
files are found by path (their own or their folder's), or through the entry-point group `samescore.suites`
(`NAME = "module:PATH"`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from samescore.harness.case import Case, Split
from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.lexicon import Locale
from samescore.harness.plan import Procedure
from samescore.suites.bfcl.suite import NAME as BFCL, is_bfcl, load_bfcl
from samescore.suites.case_file import VERSION, is_case_file, read_case_file
from samescore.suites.suite import Suite
from samescore.suites.suite_file import (
    FILE,
    YAML,
    SopFile,
    SuiteFile,
    keys_of,
    read_suite_file,
    sop_file_at,
    suite_file_in,
)
from samescore.suites.worlds import BUILT_IN, home, imported, load_world, references

__all__ = ["find_sop", "find_sops", "load_suite", "load_world", "read_suite_file", "sops", "suite_names", "world_files"]

SUITES = "samescore.suites"

EVERY_SOP = "sop"
"""The suite of every procedure of every built-in world."""

ADVERSARIAL = "adversarial"
"""The suite of every operator on every procedure of every built-in world; with `/` and the name of a procedure, or a
path, that of those procedures."""

_BY_PATH = "Or give the path of a suite file, or of the folder it lies in."


def load_suite(
    name: str, split: Split = "eval", locales: Iterable[Locale] | None = None, procedure: Procedure = "weights"
) -> Suite:
    """A suite by name (`sop`, `sop/refund`, `adversarial`, a registered one), or by the path of its file or folder, or
    of a case file. BFCL's questions are asked for as `bfcl:MATCHING:FOLDER`.

    `procedure` says where the model has it from: `prompt` puts it into the system message of every case.

    Raises:
        UnknownName: there is none of that name.
        UsageError: the suite file is wrong, or the world it names by path.
        LockError: a lock file is missing, damaged or stale.
    """
    if is_case_file(Path(name)):
        return _case_suite(name, locales)
    if is_bfcl(name):
        return load_bfcl(name, split, locales, procedure)
    head, _, rest = name.partition("/")
    harder = head == ADVERSARIAL
    found = _adversarial(name, rest) if harder else _suite_named(name)
    wanted = None if locales is None else frozenset(locales)
    made = (_harder(sop, split, procedure) if harder else sop.cases(split, procedure) for sop in found.sops)
    cases = tuple(case for some in made for case in some if wanted is None or case.locale in wanted)
    local = [sop.load_world() for sop in found.sops if sop.local is not None]
    worlds = {world.name: world for world in local}
    return Suite(found.name, found.version, cases, found.targets, worlds, name, procedure)


def procedures_of(name: str) -> tuple[SopFile, ...]:
    """The procedures of a suite, by its name or the path of its file or folder.

    Raises:
        UnknownName: there is none of that name.
        UsageError: its cases come from no procedure, or are made harder already; or see `load_suite`.
    """
    head, _, rest = name.partition("/")
    if head == ADVERSARIAL:
        known = rest in {known.name for known in sops()}
        plain = f"{EVERY_SOP}/{rest}" if known else rest or EVERY_SOP
        raise UsageError(f"the cases of suite {name!r} are made harder already. Name those they are made from: {plain}")
    if is_bfcl(name) or is_case_file(Path(name)):
        raise UsageError(f"the cases of suite {name!r} come from no procedure. Name one, such as {EVERY_SOP}/refund.")
    return _suite_named(name).sops


def world_files(name: str) -> dict[str, Path]:
    """Where the worlds are that come with a suite and are registered under no name: their `world.py:ATTRIBUTE`.

    Raises:
        UnknownName, UsageError, LockError: see `load_suite`.
    """
    path = Path(name)
    if is_case_file(path):
        return {world: path.parent / place for world, place in read_case_file(path).places.items()}
    if is_bfcl(name):
        return {}
    head, _, rest = name.partition("/")
    found = _adversarial(name, rest) if head == ADVERSARIAL else _suite_named(name)
    local = {sop.load_world().name: sop.local for sop in found.sops if sop.local is not None}
    return {world: at.file.with_name(f"{at.file.name}:{at.attribute}") for world, at in local.items()}


def suite_names() -> list[str]:
    """Every name that `load_suite` knows."""
    return [
        EVERY_SOP,
        *(f"{EVERY_SOP}/{sop.name}" for sop in sops()),
        ADVERSARIAL,
        *(f"{ADVERSARIAL}/{sop.name}" for sop in sops()),
        BFCL,
        *(entry.name for entry in entry_points(group=SUITES)),
    ]


def sops() -> tuple[SopFile, ...]:
    """The procedures of all known worlds, built-in ones first."""
    return tuple(sop for file in _world_suites(references()) for sop in file.sops)


def find_sop(name: str) -> SopFile:
    """A procedure by name (`refund`, `retail/refund`) or by the path of its YAML file.

    Raises:
        UnknownName: there is none of that name.
        UsageError: the file cannot be read, or several procedures have the name.
    """
    if Path(name).suffix in YAML:
        return sop_file_at(Path(name))
    found = [sop for sop in sops() if name in (sop.name, f"{sop.world}/{sop.name}")]
    if not found:
        advice = "Or give the path of an SOP's YAML file, or of the folder of a suite."
        raise UnknownName("procedure", name, [sop.name for sop in sops()], advice)
    if len(found) > 1:
        names = " or ".join(f"{sop.world}/{sop.name}" for sop in found)
        raise UsageError(f"procedure {name!r} exists in several worlds. Write {names}.")
    return found[0]


def find_sops(name: str) -> tuple[SopFile, ...]:
    """All procedures of a suite, by the path of its file or folder; else the one that `find_sop` finds.

    Raises:
        UnknownName, UsageError: see `find_sop` and `read_suite_file`.
    """
    path = Path(name)
    if path.suffix in YAML and "sops" in keys_of(path):
        return read_suite_file(path).sops
    known = {known for sop in sops() for known in (sop.name, f"{sop.world}/{sop.name}")}
    if name not in known and path.is_dir():
        return read_suite_file(suite_file_in(path)).sops
    return (find_sop(name),)


def _suite_named(name: str) -> SuiteFile:
    if Path(name).suffix in YAML:
        if not Path(name).exists():
            raise UnknownName("suite file", name, [], "There is no such file.")
        return read_suite_file(Path(name))
    registered = {entry.name: entry for entry in entry_points(group=SUITES)}
    if name in registered:
        return _registered(registered[name])
    if name == EVERY_SOP:
        return _joined(name, _world_suites(BUILT_IN), lambda sop: True)
    prefix, _, procedure = name.partition("/")
    if prefix == EVERY_SOP and procedure in {known.name for known in sops()}:
        wanted = find_sop(procedure)
        return _joined(name, _world_suites(references()), lambda sop: sop == wanted)
    if Path(name).is_dir():
        return read_suite_file(suite_file_in(Path(name)))
    raise UnknownName("suite", name, suite_names(), _BY_PATH)


def _case_suite(name: str, locales: Iterable[Locale] | None) -> Suite:
    """All cases of a case file, whatever split they were made from, and with the procedure where they have it."""
    if not Path(name).exists():
        raise UnknownName("case file", name, [], "There is no such file.")
    file = read_case_file(Path(name))
    wanted = None if locales is None else frozenset(locales)
    cases = tuple(case for case in file.cases if wanted is None or case.locale in wanted)
    worlds = {world: file.worlds[world] for world in file.places}
    return Suite(file.name, VERSION, cases, {}, worlds, name, file.procedure)


def _adversarial(name: str, rest: str) -> SuiteFile:
    """The procedures whose cases are made harder, under the suite's own name and targets."""
    known = rest in {known.name for known in sops()}
    file = _suite_named(f"{EVERY_SOP}/{rest}" if known else rest or EVERY_SOP)
    return replace(file, name=name if known or not rest else f"{ADVERSARIAL}/{file.name}", targets=file.adversarial)


def _harder(sop: SopFile, split: Split, procedure: Procedure) -> tuple[Case, ...]:
    # The operators are loaded where they are asked for: most commands never do.
    from samescore.suites.adversarial.suite import adversarial_cases

    return adversarial_cases(sop, split, procedure)


def _joined(name: str, files: Sequence[SuiteFile], wanted: Callable[[SopFile], bool]) -> SuiteFile:
    """The wanted procedures of several suite files as one suite; of two targets for one metric the stricter holds."""
    used = [file for file in files if any(map(wanted, file.sops))]
    if not used:
        raise UnknownName("suite", name, suite_names(), _BY_PATH)
    procedures = tuple(sop for file in used for sop in file.sops if wanted(sop))
    targets, adversarial = _strictest(file.targets for file in used), _strictest(file.adversarial for file in used)
    return SuiteFile(used[0].path, name, max(file.version for file in used), procedures, targets, adversarial)


def _strictest(stated: Iterable[Mapping[str, float]]) -> dict[str, float]:
    targets: dict[str, float] = {}
    for some in stated:
        for metric, least in some.items():
            targets[metric] = max(least, targets.get(metric, 0.0))
    return targets


def _world_suites(worlds: Mapping[str, str]) -> list[SuiteFile]:
    # Two worlds of one module share its suite file.
    paths = dict.fromkeys(home(name, reference) / FILE for name, reference in worlds.items())
    return [read_suite_file(path) for path in paths if path.is_file()]


def _registered(entry: EntryPoint) -> SuiteFile:
    path = imported(entry.name, SUITES, entry.value)
    if not isinstance(path, str | Path):
        found = type(path).__name__
        raise UsageError(f"entry point {entry.name!r} in {SUITES} is a {found}. Expected the path of a suite file.")
    return read_suite_file(Path(path))
