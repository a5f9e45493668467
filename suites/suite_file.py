"""A suite file: a world, its procedures (`sops/NAME.yaml` beside the file) and the targets, under a name and version.
It may state the house's style guide, which is applied to the cases when they are loaded: locks do not know it.

The world is a registered one by name, or a file beside the suite file and an attribute of it (`world.py:WORLD`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from samescore.harness.case import Case, Split
from samescore.harness.environment import World
from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.plan import Procedure
from samescore.harness.style import StyleGuide
from samescore.suites.local import LocalWorld, local_world
from samescore.suites.sop.document import Item, Problems, read
from samescore.suites.sop.loader import load
from samescore.suites.sop.lock import lock_path, read_lock, require_fresh
from samescore.suites.sop.model import Sop
from samescore.suites.sop.prose import in_prompt
from samescore.suites.style_file import read_style, styled
from samescore.suites.worlds import load_world, references

FILE = "suite.yaml"
"""The suite file of a folder."""
YAML = (".yaml", ".yml")

_KEYS = ("name", "version", "world", "sops")
_OPTIONAL = ("targets", "adversarial", "style")  # who judges or trains asks for targets


@dataclass(frozen=True, slots=True)
class SopFile:
    """A procedure's file and its world: a registered one by name, or `local`, where a suite file says that it is.

    `style` is the guide of its suite file.
    """

    name: str
    world: str
    path: Path
    local: LocalWorld | None = None
    style: StyleGuide | None = field(default=None, hash=False)  # a guide holds mappings

    @property
    def phrases(self) -> Path:
        """The phrase bank beside it."""
        return self.path.with_name(f"{self.path.stem}.phrases.yaml")

    def load_world(self) -> World:
        """The world it plays in.

        Raises:
            UsageError: there is none, or it cannot be imported.
        """
        return load_world(self.world) if self.local is None else self.local.load()

    def read(self) -> tuple[Sop, World]:
        """The procedure, checked against its world, and that world.

        Raises:
            SopError: the procedure is wrong.
            UsageError: its world is not there, or cannot be imported.
        """
        world = self.load_world()
        sop = load(self.path, world.toolset, world.lexicon)
        if sop.world != world.name:
            line = keys_of(self.path)["world"].line
            raise UsageError(
                f"{self.path}:{line}: world: found {sop.world!r}, but its suite plays in {world.name!r}. Correct one."
            )
        return sop, world

    def cases(self, split: Split, procedure: Procedure = "weights") -> tuple[Case, ...]:
        """The locked cases of a split, proven to be whole and fresh; with the procedure in the prompt, if so asked.

        Raises:
            LockError: the lock file is missing, damaged or stale.
        """
        world = self.load_world()
        require_fresh(self.path, self.phrases, world, split)
        cases = styled(read_lock(lock_path(self.path, split), world), self.style)
        return in_prompt(cases, *self.read()) if procedure == "prompt" else cases


@dataclass(frozen=True, slots=True)
class SuiteFile:
    """What a suite file says. `adversarial` are the targets of the same procedures' cases made harder."""

    path: Path
    name: str
    version: int
    sops: tuple[SopFile, ...]
    targets: Mapping[str, float]
    adversarial: Mapping[str, float] = field(default_factory=dict)


def read_suite_file(path: Path) -> SuiteFile:
    """Read and check a suite file.

    Raises:
        UsageError: it cannot be read, lacks a key, or names an unknown world, procedure or metric.
    """
    keys, problems = keys_of(path), Problems(path)
    for key, item in keys.items():
        if key not in (*_KEYS, *_OPTIONAL):
            problems.unknown(item.line, "unknown key", key, (*_KEYS, *_OPTIONAL))
    for key in _KEYS:
        if key not in keys:
            problems.add(1, f"no `{key}:`. A suite file has {', '.join(_KEYS)}.")
    problems.raise_any()
    world = _text(keys["world"], "world", problems)
    local = local_world(world, path.parent, f"{path}:{keys['world'].line}")
    if world and local is None and world not in references():
        problems.unknown(keys["world"].line, "unknown world", world, [*references(), "world.py:WORLD"])
    version = keys["version"].value
    if type(version) is not int:
        problems.add(keys["version"].line, f"version: expected a whole number, found {keys['version']}.")
    names = [(_text(item, "sops", problems), item.line) for item in _items(keys["sops"], problems)]
    style = read_style(keys["style"], problems) if "style" in keys else None
    files = tuple(SopFile(name, world, path.parent / "sops" / f"{name}.yaml", local, style) for name, _ in names)
    for file, (name, line) in zip(files, names, strict=True):
        if name and not file.path.is_file():
            problems.add(line, f"sops: there is no {file.path}. Correct the name, or write the procedure.")
    name = _text(keys["name"], "name", problems)
    targets = _targets(keys["targets"], "targets", problems) if "targets" in keys else {}
    adversarial = _targets(keys["adversarial"], "adversarial", problems) if "adversarial" in keys else {}
    problems.raise_any()
    assert type(version) is int
    return SuiteFile(path, name, version, files, targets, adversarial)


def suite_file_in(folder: Path) -> Path:
    """The suite file of a folder.

    Raises:
        UnknownName: there is none.
        UsageError: the folder is a run's.
    """
    path = folder / FILE
    if path.is_file():
        return path
    if (folder / "run.json").is_file():
        raise UsageError(f"{folder}: this is a run, no suite. Score it again: samescore score {folder}")
    advice = f"There is no {FILE} in this folder. Name one that has it; `samescore init DIR` makes one to start from."
    raise UnknownName("suite", str(folder), [], advice)


def sop_file_at(path: Path) -> SopFile:
    """A procedure by the path of its YAML file. A suite file in its folder or the one above may say where its world is.

    Raises:
        UsageError: a file cannot be read, or names no world.
    """
    head = keys_of(path)
    if "world" not in head:
        raise UsageError(f"{path}:1: no `world:`. An SOP names the world whose tools it calls.")
    above = path.parent / ".." if path.parent.name in ("", "..") else path.parent.parent
    beside = next((folder / FILE for folder in (path.parent, above) if (folder / FILE).is_file()), None)
    item = None if beside is None else keys_of(beside).get("world")
    if beside is None or item is None:
        return SopFile(path.stem, str(head["world"].value), path)
    local = local_world(str(item.value), beside.parent, f"{beside}:{item.line}")
    return SopFile(path.stem, str(head["world"].value), path, local)


def keys_of(path: Path) -> dict[str, Item]:
    """The top level of a YAML file; empty where that is no mapping.

    Raises:
        SopError: it cannot be read, or is no YAML.
    """
    document = read(path)
    return document.value if isinstance(document.value, dict) else {}


def _targets(item: Item, key: str, problems: Problems) -> dict[str, float]:
    from samescore.harness.scorers import SCORERS

    metrics = [scorer.name for scorer in SCORERS]
    targets: dict[str, float] = {}
    for metric, least in (item.value if isinstance(item.value, dict) else {}).items():
        if metric not in metrics:
            problems.unknown(least.line, f"{key}: unknown metric", metric, metrics)
        elif isinstance(least.value, bool) or not isinstance(least.value, int | float) or not 0 <= least.value <= 1:
            problems.add(least.line, f"{key}: {metric}: expected a number from 0 to 1, found {least}.")
        else:
            targets[metric] = float(least.value)
    if not isinstance(item.value, dict):
        problems.add(item.line, f"{key}: expected a mapping of metrics to least values, found {item}.")
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
