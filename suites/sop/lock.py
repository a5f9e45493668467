"""Lock files: generated cases as JSON Lines beside their SOP, with a header that says what they were generated from.

Reading one needs no solver. The train split is compressed (gzip without a time, so that equal cases give equal files).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shlex
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from samescore.harness.case import Case, Split
from samescore.harness.environment import World
from samescore.harness.errors import LockError
from samescore.harness.fingerprint import fingerprint
from samescore.harness.strictjson import canonical
from samescore.suites.sop.cases import Recipe
from samescore.suites.sop.document import unreadable
from samescore.suites.sop.loader import load
from samescore.suites.sop.model import Sop
from samescore.suites.sop.prove import first_moved
from samescore.suites.sop.splits import overlaps

FORMAT = "samescore-lock"
VERSION = 1
"""Of the file format."""
GENERATOR = 1
"""Raised by hand when the generator writes other cases from the same procedure; locks of before are then stale."""

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a lock file: what the cases were generated from, how, and what they are.

    `sources` are fingerprints of the procedure with its phrases, the toolset, the lexicon and the world, and the
    generator's version. `sha256` is that of the lines after the header.
    """

    sop: str
    sources: Mapping[str, str | int]
    recipe: Recipe
    count: int
    sha256: str


def lock_path(sop_path: Path, split: Split) -> Path:
    """Where the cases of a split lie: `refund.eval.jsonl` beside `refund.yaml`, and `refund.train.jsonl.gz`."""
    return sop_path.with_name(f"{sop_path.stem}.{split}.jsonl{'.gz' if split == 'train' else ''}")


def write_lock(sop: Sop, world: World, recipe: Recipe, cases: Sequence[Case]) -> Path:
    """Write the lock file of a recipe's cases, whole or not at all.

    Raises:
        LockError: the file cannot be written.
    """
    path = lock_path(sop.path, recipe.split)
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_bytes(lock_bytes(sop, world, recipe, cases))
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):  # whatever stands there instead is not ours
            partial.unlink()
        raise LockError(
            f"{path}: cannot be written: {error.strerror}. Free the disk or correct the permissions."
        ) from None
    return path


def lock_bytes(sop: Sop, world: World, recipe: Recipe, cases: Sequence[Case]) -> bytes:
    """The contents of a lock file: the same bytes for the same cases."""
    body = "".join(f"{canonical(case.to_json())}\n" for case in cases).encode()
    header = {
        "format": FORMAT,
        "version": VERSION,
        "sop": f"{sop.world}/{sop.name}",
        "sources": sources(sop.path, sop.phrases, world),
        "recipe": asdict(recipe),
        "count": len(cases),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    data = canonical(header).encode() + b"\n" + body
    return gzip.compress(data, compresslevel=9, mtime=0) if recipe.split == "train" else data


def read_lock(path: Path, world: World) -> tuple[Case, ...]:
    """The cases of a lock file.

    Raises:
        LockError: the file is missing, damaged, of a later format, or of another toolset or lexicon than the world's.
    """
    header, body = _open(path)
    expected = _world_sources(world)
    _compare(path, header, {name: expected[name] for name in ("toolset", "lexicon")})
    toolset, lexicon = world.toolset, world.lexicon
    return tuple(Case.from_json(json.loads(line), toolset, lexicon) for line in body.splitlines())


def read_header(path: Path) -> Header:
    """The header of a lock file, whose checksum is verified.

    Raises:
        LockError: the file is missing, damaged, or of a later format.
    """
    return _open(path)[0]


def recipe_of(path: Path) -> Recipe | None:
    """How the cases of a lock file were generated, whatever became of them; None if there is no such file.

    Raises:
        LockError: the header is damaged, or of a later format.
    """
    return _header(path, _read(path).partition(b"\n")[0]).recipe if path.exists() else None


def check_lock(sop_path: Path, phrases: Path, world: World, split: Split) -> Header:
    """Prove that a lock file is fresh, and of `eval` that the world still answers as when it was locked.

    Raises:
        LockError: it does not; names the first case that differs. Or as `require_fresh`.
        WorldError: a tool's code crashed.
    """
    header = require_fresh(sop_path, phrases, world, split)
    path = lock_path(sop_path, split)
    sop = load(sop_path, world.toolset, world.lexicon)
    if split == "eval" and (moved := first_moved(sop, world, read_lock(path, world))):
        raise LockError(
            f"{path}: {moved}. The world {world.name} answers otherwise than when this was locked. Raise its `version` "
            f"and run `{_command(path)}`, or undo the change."
        )
    return header


def require_fresh(sop_path: Path, phrases: Path, world: World, split: Split) -> Header:
    """Make sure that a lock file is whole, and generated from the SOP, phrases and world as they are now.

    The code of the world's tools is known by the version that the world declares.

    Raises:
        LockError: it is not; says what differs.
    """
    path = lock_path(sop_path, split)
    header = read_header(path)
    _compare(path, header, sources(sop_path, phrases, world))
    return header


def prove_disjoint(cases: Iterable[Case], where: Path) -> None:
    """Prove that no two splits share a sentence of a user or an incidental value.

    Raises:
        LockError: they do; names the first few.
    """
    if found := overlaps(cases):
        listing = "\n".join(f"  {overlap.words()}" for overlap in found[:5])
        raise LockError(
            f"{where}: the splits overlap in {len(found)} places, the first of which are:\n{listing}\nReword one of "
            "each, or give the phrase bank more alternatives there."
        )


def prove_folder(folder: Path, world: World) -> None:
    """Prove the same of all lock files of a folder: who trains on one procedure may be evaluated on another.

    Raises:
        LockError: two splits overlap, or a file is damaged, or of another toolset or lexicon than the world's.
    """
    paths = sorted(path for pattern in ("*.jsonl", "*.jsonl.gz") for path in folder.glob(pattern))
    prove_disjoint((case for path in paths for case in read_lock(path, world)), folder)


def sources(sop_path: Path, phrases: Path, world: World) -> dict[str, str | int]:
    """What cases are generated from, as fingerprints: comments and layout of the YAML files do not count."""
    procedure = fingerprint([_content(sop_path), _content(phrases)])
    return {"procedure": procedure, **_world_sources(world), "generator": GENERATOR}


def _world_sources(world: World) -> dict[str, str]:
    return {
        "toolset": world.toolset.fingerprint,
        "lexicon": world.lexicon.fingerprint,
        "world": fingerprint([world.name, world.version, world.schema, dict(world.system), world.stamp]),
    }


def _content(path: Path) -> Any:
    """A YAML file's content with mappings as lists of pairs: their order is that of steps and facts."""
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        return _ordered(yaml.load(text, Loader=_Loader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise unreadable(path, error, text) from None


def _ordered(node: Any) -> Any:
    if isinstance(node, dict):
        return {"pairs": [[key, _ordered(value)] for key, value in node.items()]}
    return [_ordered(item) for item in node] if isinstance(node, list) else node


def _open(path: Path) -> tuple[Header, bytes]:
    first, _, body = _read(path).partition(b"\n")
    header = _header(path, first)
    lines = body.count(b"\n")
    if (body and not body.endswith(b"\n")) or lines != header.count:
        raise _damaged(path, f"expected {header.count} cases, found {lines} whole lines")
    if hashlib.sha256(body).hexdigest() != header.sha256:
        raise _damaged(path, "the cases do not have the checksum of the header")
    return header, body


def _header(path: Path, first: bytes) -> Header:
    try:
        found = json.loads(first)
        kind, version = found["format"], found["version"]
    except (ValueError, KeyError, TypeError):
        raise _damaged(path, "the first line is no header of a lock file") from None
    if kind != FORMAT:
        raise _damaged(path, f"expected format {FORMAT!r}, found {kind!r}")
    if version != VERSION:
        raise LockError(
            f"{path}: written in lock format {version}; this version of samescore reads {VERSION}. Upgrade samescore, "
            f"or delete the file and run `{_command(path)}`."
        )
    try:
        recipe = Recipe(**{**found["recipe"], "locales": tuple(found["recipe"]["locales"])})
        return Header(found["sop"], found["sources"], recipe, found["count"], found["sha256"])
    except (KeyError, TypeError):
        raise _damaged(path, "the header lacks a field, or has one too many") from None


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except FileNotFoundError:
        raise LockError(f"{path}: there is no such lock file. Run `{_command(path)}` to generate it.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, f"not a whole gzip file ({error})") from None
    except OSError as error:
        raise LockError(f"{path}: cannot be read: {error.strerror}. Correct the permissions.") from None


def _compare(path: Path, header: Header, expected: Mapping[str, str | int]) -> None:
    changed = [name for name, value in expected.items() if header.sources.get(name) != value]
    if changed:
        raise LockError(
            f"{path}: stale: {' and '.join(changed)} changed since the cases were generated. Run `{_command(path)}` "
            "and commit the result, or undo the change."
        )


def _damaged(path: Path, what: str) -> LockError:
    return LockError(
        f"{path}: damaged: {what}. Restore it from version control, or delete it and run `{_command(path)}`."
    )


def _command(path: Path) -> str:
    """The command that writes this lock file."""
    procedure = re.sub(r"\.(?:train|dev|eval)\.jsonl(?:\.gz)?$", ".yaml", path.name)
    return f"samescore sop lock {shlex.quote(str(path.with_name(procedure)))}"
