"""Lock files: the same bytes for the same cases, fast to read, and refused when damaged or stale."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from parcel_world import SOP, WORLD

from samescore.harness.case import Case, Split
from samescore.harness.errors import LockError, SopError
from samescore.harness.lexicon import Lexicon
from samescore.suites.sop.cases import Recipe, generate
from samescore.suites.sop.document import read
from samescore.suites.sop.loader import load
from samescore.suites.sop.lock import (
    check_lock,
    lock_bytes,
    lock_path,
    prove_disjoint,
    read_header,
    read_lock,
    recipe_of,
    sources,
    write_lock,
)
from samescore.suites.sop.model import Sop
from samescore.suites.sop.obligations import obligations

OBLIGED = obligations(load(SOP, WORLD.toolset, WORLD.lexicon), "branch")


@pytest.fixture
def sop(tmp_path: Path) -> Sop:
    """The parcel SOP in a folder of its own."""
    for name in ("parcel.yaml", "parcel.phrases.yaml"):
        shutil.copy(SOP.with_name(name), tmp_path)
    return load(tmp_path / "parcel.yaml", WORLD.toolset, WORLD.lexicon)


def locked(sop: Sop, split: Split = "eval", variants: int = 1) -> tuple[Path, tuple[Case, ...]]:
    recipe = Recipe("branch", split, variants)
    cases = generate(sop, WORLD, recipe, OBLIGED)
    return write_lock(sop, WORLD, recipe, cases), cases


def checked(sop: Sop) -> None:
    check_lock(sop.path, sop.phrases, WORLD, "eval")


@pytest.mark.parametrize("split", ["eval", "train"])
def test_what_was_written_is_read_back(sop: Sop, split: Split) -> None:
    path, cases = locked(sop, split)
    assert path == lock_path(sop.path, split)
    again = read_lock(path, WORLD)
    assert [case.fingerprint() for case in again] == [case.fingerprint() for case in cases]
    header = check_lock(sop.path, sop.phrases, WORLD, split)
    assert (header.sop, header.count) == ("shop/parcel", len(cases))
    assert header.recipe == recipe_of(path) == Recipe("branch", split)


def test_the_same_cases_give_the_same_bytes_also_compressed(sop: Sop) -> None:
    recipe = Recipe("branch", "train")
    cases = generate(sop, WORLD, recipe, OBLIGED)
    first = lock_bytes(sop, WORLD, recipe, cases)
    assert first[4:8] == bytes(4)  # where gzip writes the time
    assert lock_bytes(sop, WORLD, recipe, generate(sop, WORLD, recipe, OBLIGED)) == first
    assert gzip.decompress(first).count(b"\n") == len(cases) + 1


def test_two_hundred_cases_are_read_in_a_tenth_of_a_second(sop: Sop) -> None:
    path, cases = locked(sop, "dev", 7)
    assert len(cases) > 200
    elapsed = []
    for _ in range(5):
        started = time.perf_counter()
        read_lock(path, WORLD)
        elapsed.append(time.perf_counter() - started)
    assert min(elapsed) * 200 / len(cases) < 0.1


def test_reading_needs_no_solver(sop: Sop) -> None:
    path, _ = locked(sop)
    code = (
        "import sys; sys.modules['z3'] = None; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path; from parcel_world import WORLD; from samescore.suites.sop.lock import read_lock\n"
        "print(len(read_lock(Path(sys.argv[1]), WORLD)))"
    )
    seen = subprocess.run(
        [sys.executable, "-c", code, str(path), str(SOP.parents[1])], capture_output=True, text=True, check=True
    )
    assert int(seen.stdout) == len(OBLIGED) * 2


def test_a_truncated_file_is_damaged(sop: Sop) -> None:
    path, _ = locked(sop)
    data = path.read_bytes()
    for end in (len(data) - 1, len(data) // 2, data.index(b"\n"), 40, 0):
        path.write_bytes(data[:end])
        with pytest.raises(LockError, match=r"parcel\.eval\.jsonl: damaged: .* `samescore sop lock .*parcel\.yaml`"):
            read_lock(path, WORLD)


def test_a_truncated_compressed_file_is_damaged(sop: Sop) -> None:
    path, _ = locked(sop, "train")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(LockError, match=r"train\.jsonl\.gz: damaged: not a whole gzip file"):
        read_lock(path, WORLD)
    path.write_text("no gzip at all")
    with pytest.raises(LockError, match="not a whole gzip file"):
        read_lock(path, WORLD)


def test_an_edited_case_is_damaged(sop: Sop) -> None:
    path, cases = locked(sop)
    data = path.read_text(encoding="utf-8")
    path.write_text(data.replace(cases[3].opening, "Something else altogether."), encoding="utf-8")
    with pytest.raises(LockError, match="do not have the checksum of the header"):
        read_lock(path, WORLD)
    path.write_text("".join(line for line in data.splitlines(keepends=True)[:-1]), encoding="utf-8")
    with pytest.raises(LockError, match=rf"expected {len(cases)} cases, found {len(cases) - 1}"):
        read_lock(path, WORLD)


def test_a_foreign_and_a_future_file_are_told_apart(sop: Sop) -> None:
    path, _ = locked(sop)
    header, _, body = path.read_text(encoding="utf-8").partition("\n")
    for change, complaint in (
        ({"format": "evidence"}, "expected format 'samescore-lock', found 'evidence'"),
        ({"version": 9}, "written in lock format 9; this version of samescore reads 1"),
        ({"recipe": {"split": "eval"}}, "the header lacks a field"),
    ):
        path.write_text(json.dumps({**json.loads(header), **change}) + "\n" + body, encoding="utf-8")
        with pytest.raises(LockError, match=complaint):
            read_header(path)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(LockError, match=r"no such lock file\. Run `samescore sop lock .*x\.yaml`"):
        read_lock(tmp_path / "x.eval.jsonl", WORLD)
    assert recipe_of(tmp_path / "x.eval.jsonl") is None


def test_a_changed_procedure_or_phrase_makes_it_stale_a_comment_does_not(sop: Sop) -> None:
    locked(sop)
    text = sop.path.read_text(encoding="utf-8")
    sop.path.write_text("# a comment\n" + text.replace("version: 1", "version:   1"), encoding="utf-8")
    checked(sop)
    sop.path.write_text(text.replace("<= 300", "<= 200"), encoding="utf-8")
    with pytest.raises(LockError, match=r"stale: procedure changed .* Run `samescore sop lock .*parcel\.yaml`"):
        checked(sop)
    sop.path.write_text(text, encoding="utf-8")
    phrases = sop.phrases.read_text(encoding="utf-8")
    sop.phrases.write_text(phrases.replace("Thanks.", "Cheers."), encoding="utf-8")
    with pytest.raises(LockError, match="stale: procedure changed"):
        checked(sop)


def test_the_order_of_facts_counts_since_it_is_that_of_witnesses(sop: Sop) -> None:
    locked(sop)
    text = sop.path.read_text(encoding="utf-8")
    vip = "  customer.vip: {type: bool}\n"
    sop.path.write_text(text.replace(vip, "").replace("rules:\n", f"{vip}rules:\n"), encoding="utf-8")
    with pytest.raises(LockError, match="stale: procedure changed"):
        checked(sop)


def test_another_toolset_lexicon_or_world_makes_it_stale(sop: Sop) -> None:
    path, _ = locked(sop)
    newer = replace(WORLD, version=2)
    with pytest.raises(LockError, match="stale: toolset changed"):
        read_lock(path, newer)
    worded = replace(WORLD, lexicon=Lexicon(2, WORLD.lexicon.slots))
    with pytest.raises(LockError, match="stale: lexicon changed"):
        read_lock(path, worded)
    moved = replace(WORLD, system={**WORLD.system, "en": "Another system message."})
    with pytest.raises(LockError, match="stale: world changed"):
        check_lock(sop.path, sop.phrases, moved, "eval")


def test_overlapping_splits_are_not_locked(sop: Sop) -> None:
    _, evaluated = locked(sop)
    _, train = locked(sop, "train")
    prove_disjoint([*evaluated, *train], sop.path)
    stolen = replace(train[0], opening=evaluated[0].opening + " The cat sat on it.")
    planted = replace(evaluated[0], opening="The cat sat on it.")
    with pytest.raises(LockError, match=r"(?s)the splits overlap in .*'the cat sat on it' occurs in"):
        prove_disjoint([planted, stolen], sop.path)


def test_a_file_that_cannot_be_written_is_said_so_and_the_old_one_stays(sop: Sop) -> None:
    path, cases = locked(sop)
    before = path.read_bytes()
    path.with_name(f"{path.name}.partial").mkdir()
    with pytest.raises(LockError, match=r"parcel\.eval\.jsonl: cannot be written"):
        write_lock(sop, WORLD, Recipe("branch", "eval"), cases[:3])
    assert path.read_bytes() == before


@pytest.mark.parametrize("broken", ["\tsop: x", "a: \x01", "a: ["])
def test_what_is_no_yaml_is_said_of_the_same_line_by_lock_and_loader(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(f"sop: parcel\nversion: 1\n{broken}\n", encoding="utf-8")
    with pytest.raises(SopError) as by_loader:
        read(path)
    with pytest.raises(SopError) as by_lock:
        sources(path, path, WORLD)
    assert str(by_lock.value).split(": ")[0] == str(by_loader.value).split(": ")[0]
