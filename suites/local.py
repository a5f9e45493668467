"""Worlds that a suite file names by path: a Python file beside it, and an attribute of it (`world: world.py:WORLD`).

A team's own folder then needs no installation. The file runs when its suite is asked for by path, and never else. It is
imported as a module of a package made for its folder, so that it may import its neighbours (`from .lexicon import
WORDS`) and no two folders meet.
"""

from __future__ import annotations

import hashlib
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

from samescore.harness.environment import World
from samescore.harness.errors import SamescoreError, UsageError

_REFERENCE = re.compile(r"(?P<file>[^:]+\.py)(?::(?P<attribute>\w*))?")


@dataclass(frozen=True, slots=True)
class LocalWorld:
    """Where a world is: a Python file, and the attribute that holds it. `said` is where that stands, for messages."""

    file: Path
    attribute: str
    said: str

    def load(self) -> World:
        """The world; the same object for the same files.

        Raises:
            UsageError: the file is missing, cannot be imported, or has no such world; or a tool of it cannot be used.
        """
        world = getattr(_module(self), self.attribute, None)
        if not isinstance(world, World):
            raise UsageError(self._instead())
        _check_tools(self.file, world)
        return world

    def _instead(self) -> str:
        module = _module(self)
        worlds = [name for name, value in vars(module).items() if isinstance(value, World)]
        if hasattr(module, self.attribute):
            found = f"{self.attribute} in {self.file} is a {type(getattr(module, self.attribute)).__name__}, no World."
        else:
            found = f"{self.file} has no attribute {self.attribute!r}."
        near = get_close_matches(self.attribute, worlds, n=1) or worlds[:1]
        advice = f"Did you mean {near[0]!r}?" if near else f"Define it there: {self.attribute} = World(...)."
        return f"{self.said}: {found} {advice}"


def local_world(reference: str, folder: Path, said: str) -> LocalWorld | None:
    """What a suite file's `world:` refers to if it is a path and an attribute; None where it is a name.

    Raises:
        UsageError: there is no such file, or no attribute is named.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    if not match["attribute"]:
        raise UsageError(f"{said}: world: expected a file and an attribute. Write {match['file']}:WORLD.")
    file = folder / match["file"]
    if not file.is_file():
        raise UsageError(f"{said}: world: there is no {file}. Correct the name, or write the world.")
    return LocalWorld(file, match["attribute"], said)


def _module(world: LocalWorld) -> ModuleType:
    """The file as a module, run once for the same contents of its folder."""
    folder = world.file.resolve().parent
    package = f"samescore_local_{_print(folder)}"
    name = f"{package}.{world.file.stem}"
    if name in sys.modules:
        return sys.modules[name]
    parent = sys.modules.setdefault(package, ModuleType(package))
    parent.__path__ = [str(folder)]
    invalidate_caches()  # the file may be younger than what the import system knows of its folder
    with _no_bytecode():
        try:
            return import_module(name)
        except (Exception, SystemExit) as error:
            raise UsageError(_why(world.file, folder, error)) from error


def _print(folder: Path) -> str:
    """A hash of a folder's place and its Python files: what was edited is run anew."""
    found = hashlib.sha256(str(folder).encode())
    for path in sorted(folder.glob("*.py")):
        found.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return found.hexdigest()[:16]


@contextmanager
def _no_bytecode() -> Iterator[None]:
    """Leaves no `__pycache__` in a folder that is only being read."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _why(file: Path, folder: Path, error: BaseException) -> str:
    """Why a file cannot be imported, at the line of the folder's own code where it went wrong."""
    where = f"{file}"
    if isinstance(error, SyntaxError) and error.filename:
        where = f"{_shown(error.filename, file, folder)}:{error.lineno}"
        return f"{where}: this is no Python: {error.msg}. Correct the line."
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == folder]
    if own:
        where = f"{_shown(own[-1].filename, file, folder)}:{own[-1].lineno}"
    if isinstance(error, SamescoreError):
        return f"{where}: {error}"
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
    advice = "Correct it."
    if isinstance(error, ModuleNotFoundError) and error.name:
        beside = (folder / f"{error.name.partition('.')[0]}.py").is_file()
        advice = f"It lies beside: write `from .{error.name} import ...`." if beside else "Install it, or do without."
    return f"{where}: importing the world failed: {reason}. {advice}"


def _shown(path: str, file: Path, folder: Path) -> Path:
    """A path of the folder as the user wrote the folder's name."""
    return file.parent / Path(path).relative_to(folder) if Path(path).is_relative_to(folder) else Path(path)


def _check_tools(file: Path, world: World) -> None:
    """Have the tools described now: what is wrong with them is the fault of this file."""
    try:
        _ = world.toolset
    except Exception as error:
        # Hints are looked up late, so that a misspelt one is a NameError here.
        hint = f"a type hint cannot be read: {type(error).__name__}: {error}. Correct it."
        reason = str(error) if isinstance(error, SamescoreError) else hint
        raise UsageError(f"{_place(file, world, error)}: {reason}") from error


def _place(file: Path, world: World, error: Exception) -> str:
    """The file and line of the tool function that a message names, or whose hints cannot be read; else the file."""
    for function in world.functions:
        code = getattr(function, "__code__", None)
        if code is not None and (_names(error, function.__name__) or not _has_readable_hints(function)):
            return f"{_shown(code.co_filename, file, file.resolve().parent)}:{code.co_firstlineno}"
    return str(file)


def _names(error: Exception, function: str) -> bool:
    return re.search(rf"\b{re.escape(function)}\b", str(error)) is not None


def _has_readable_hints(function: object) -> bool:
    try:
        get_type_hints(function)
    except Exception:  # whatever a hint does when it is evaluated
        return False
    return True
