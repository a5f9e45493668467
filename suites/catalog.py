"""The catalogue: worlds, procedures and suites by name or path.

Worlds come from the entry-point group `samescore.worlds` (`NAME = "module:WORLD"`), with the built-in ones beside them.
A world's suite file is `suite.yaml` in its module's folder, its procedures are `sops/NAME.yaml` there. Other suite
files are found by path, or through the entry-point group `samescore.suites` (`NAME = "module:PATH"`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from samescore.harness.case import Case, Split
from samescore.harness.environment import World
from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.lexicon import Locale
from samescore.suites.sop.document import Item, Problems, read
from samescore.suites.sop.lock import check_lock, lock_path, read_lock
from samescore.suites.suite import Suite

WORLDS = "samescore.worlds"
SUITES = "samescore.suites"
BUILT_IN: Mapping[str, str] = {"retail": "samescore.fixtures.retail:WORLD"}
"""The worlds that come with samescore; they need no installed entry point."""

EVERY_SOP = "sop"
"""The suite of every procedure of every built-in world."""

_YAML = (".yaml", ".yml")
_KEYS = ("name", "version", "world", "sops", "targets")


@dataclass(frozen=True, slots=True)
class SopFile:
    """A procedure's file and its world's name."""

    name: str
    world: str
    path: Path

    @property
    def phrases(self) -> Path:
        """The phrase bank beside it."""
        return self.path.with_name(f"{self.path.stem}.phrases.yaml")

    def cases(self, split: Split) -> tuple[Case, ...]:
        """The locked cases of a split, proven to be whole and fresh.

        Raises:
            LockError: the lock file is missing, damaged or stale.
        """
        world = load_world(self.world)
        check_lock(self.path, self.phrases, world, split)
        return read_lock(lock_path(self.path, split), world)


@dataclass(frozen=True, slots=True)
class SuiteFile:
    """What a suite file says."""

    path: Path
    name: str
    version: int
    sops: tuple[SopFile, ...]
    targets: Mapping[str, float]


def load_suite(name: str, split: Split = "eval", locales: Iterable[Locale] | None = None) -> Suite:
    """A suite by name (`sop`, `sop/refund`, a registered one) or by the path of its file.

    Raises:
        UnknownName: there is none of that name.
        UsageError: the suite file is wrong.
        LockError: a lock file is missing, damaged or stale.
    """
    found = _suite_named(name)
    wanted = None if locales is None else frozenset(locales)
    cases = tuple(case for sop in found.sops for case in sop.cases(split) if wanted is None or case.locale in wanted)
    return Suite(found.name, found.version, cases, found.targets)


def suite_names() -> list[str]:
    """Every name that `load_suite` knows."""
    return [
        EVERY_SOP,
        *(f"{EVERY_SOP}/{sop.name}" for sop in sops()),
        *(entry.name for entry in entry_points(group=SUITES)),
    ]


def sops() -> tuple[SopFile, ...]:
    """The procedures of all known worlds, built-in ones first."""
    return tuple(sop for file in _world_suites(_references()) for sop in file.sops)


def find_sop(name: str) -> SopFile:
    """A procedure by name (`refund`, `retail/refund`) or by the path of its YAML file.

    Raises:
        UnknownName: there is none of that name.
        UsageError: the file cannot be read, or several procedures have the name.
    """
    path = Path(name)
    if path.suffix in _YAML:
        document = read(path)
        head = document.value if isinstance(document.value, dict) else {}
        if "world" not in head:
            raise UsageError(f"{path}:1: no `world:`. An SOP names the world whose tools it calls.")
        return SopFile(path.stem, str(head["world"].value), path)
    found = [sop for sop in sops() if name in (sop.name, f"{sop.world}/{sop.name}")]
    if not found:
        raise UnknownName("procedure", name, [sop.name for sop in sops()], "Or give the path of an SOP's YAML file.")
    if len(found) > 1:
        names = " or ".join(f"{sop.world}/{sop.name}" for sop in found)
        raise UsageError(f"procedure {name!r} exists in several worlds. Write {names}.")
    return found[0]


def load_world(name: str) -> World:
    """A world by name.

    Raises:
        UnknownName: there is none of that name.
        UsageError: its module cannot be imported, or holds no world of that name.
    """
    references = _references()
    if name not in references:
        raise UnknownName("world", name, list(references))
    world = _imported(name, WORLDS, references[name])
    if not isinstance(world, World) or world.name != name:
        found = f"world {world.name!r}" if isinstance(world, World) else type(world).__name__
        raise UsageError(f"entry point {name!r} in {WORLDS} is {found}. Expected a World named {name!r}.")
    return world


def read_suite_file(path: Path) -> SuiteFile:
    """Read and check a suite file.

    Raises:
        UsageError: it cannot be read, lacks a key, or names an unknown world, procedure or metric.
    """
    document, problems = read(path), Problems(path)
    keys = document.value if isinstance(document.value, dict) else {}
    for key, item in keys.items():
        if key not in _KEYS:
            problems.unknown(item.line, "unknown key", key, _KEYS)
    for key in _KEYS:
        if key not in keys:
            problems.add(1, f"no `{key}:`. A suite file has {', '.join(_KEYS)}.")
    problems.raise_any()
    world = _text(keys["world"], "world", problems)
    if world and world not in _references():
        problems.unknown(keys["world"].line, "unknown world", world, _references())
    version = keys["version"].value
    if type(version) is not int:
        problems.add(keys["version"].line, f"version: expected a whole number, found {keys['version']}.")
    names = [(_text(item, "sops", problems), item.line) for item in _items(keys["sops"], problems)]
    files = tuple(SopFile(name, world, path.parent / "sops" / f"{name}.yaml") for name, _ in names)
    for file, (name, line) in zip(files, names, strict=True):
        if name and not file.path.is_file():
            problems.add(line, f"sops: there is no {file.path}. Correct the name, or write the procedure.")
    name, targets = _text(keys["name"], "name", problems), _targets(keys["targets"], problems)
    problems.raise_any()
    assert type(version) is int
    return SuiteFile(path, name, version, files, targets)


def _suite_named(name: str) -> SuiteFile:
    if Path(name).suffix in _YAML:
        return read_suite_file(Path(name))
    registered = {entry.name: entry for entry in entry_points(group=SUITES)}
    if name in registered:
        return _registered(registered[name])
    if name == EVERY_SOP:
        return _joined(name, _world_suites(BUILT_IN), lambda sop: True)
    prefix, _, procedure = name.partition("/")
    if prefix == EVERY_SOP and procedure in {known.name for known in sops()}:
        wanted = find_sop(procedure)
        return _joined(name, _world_suites(_references()), lambda sop: sop == wanted)
    raise UnknownName("suite", name, suite_names(), "Or give the path of a suite file.")


def _joined(name: str, files: Sequence[SuiteFile], wanted: Callable[[SopFile], bool]) -> SuiteFile:
    """The wanted procedures of several suite files as one suite; of two targets for one metric the stricter holds."""
    used = [file for file in files if any(map(wanted, file.sops))]
    if not used:
        raise UnknownName("suite", name, suite_names(), "Or give the path of a suite file.")
    targets: dict[str, float] = {}
    for file in used:
        for metric, least in file.targets.items():
            targets[metric] = max(least, targets.get(metric, 0.0))
    procedures = tuple(sop for file in used for sop in file.sops if wanted(sop))
    return SuiteFile(used[0].path, name, max(file.version for file in used), procedures, targets)


def _world_suites(references: Mapping[str, str]) -> list[SuiteFile]:
    # Two worlds of one module share its suite file.
    paths = dict.fromkeys(_home(name, reference) / "suite.yaml" for name, reference in references.items())
    return [read_suite_file(path) for path in paths if path.is_file()]


def _registered(entry: EntryPoint) -> SuiteFile:
    path = _imported(entry.name, SUITES, entry.value)
    if not isinstance(path, str | Path):
        found = type(path).__name__
        raise UsageError(f"entry point {entry.name!r} in {SUITES} is a {found}. Expected the path of a suite file.")
    return read_suite_file(Path(path))


def _references() -> dict[str, str]:
    """Known worlds and where they are, as `module:attribute`."""
    return {**BUILT_IN, **{entry.name: entry.value for entry in entry_points(group=WORLDS)}}


def _home(name: str, reference: str) -> Path:
    """The folder of a world's module."""
    spec = find_spec(reference.partition(":")[0])
    if spec is None or spec.origin is None:
        raise UsageError(f"world {name!r}: there is no module {reference.partition(':')[0]}. Install it again.")
    return Path(spec.origin).parent


def _imported(name: str, group: str, reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"entry point {name!r} in {group}: {reference} cannot be imported: {error}. Install the package again, or "
            "correct its entry point."
        ) from error


def _targets(item: Item, problems: Problems) -> dict[str, float]:
    from samescore.harness.scorers import SCORERS

    metrics = [scorer.name for scorer in SCORERS]
    targets: dict[str, float] = {}
    for metric, least in (item.value if isinstance(item.value, dict) else {}).items():
        if metric not in metrics:
            problems.unknown(least.line, "targets: unknown metric", metric, metrics)
        elif isinstance(least.value, bool) or not isinstance(least.value, int | float) or not 0 <= least.value <= 1:
            problems.add(least.line, f"targets: {metric}: expected a number from 0 to 1, found {least}.")
        else:
            targets[metric] = float(least.value)
    if not isinstance(item.value, dict):
        problems.add(item.line, f"targets: expected a mapping of metrics to least values, found {item}.")
    return targets


def _items(item: Item, problems: Problems) -> tuple[Item, ...]:
    if isinstance(item.value, tuple) and item.value:
        return item.value
    problems.add(item.line, f"sops: expected a list of procedures, found {item}.")
    return ()


def _text(item: Item, what: str, problems: Problems) -> str:
    if isinstance(item.value, str) and item.value:
        return item.value
    problems.add(item.line, f"{what}: expected a name, found {item}.")
    return ""
