"""YAML files of procedures: libyaml reads them as PyYAML does, and PyYAML words what is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings, strategies as st

from samescore.harness.errors import SopError
from samescore.suites.sop import document
from samescore.suites.sop.document import Item, read

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(
    path
    for folder in (ROOT / "fixtures", ROOT / "tests" / "data")
    for path in folder.rglob("*.yaml")
    if not path.name.endswith(".phrases.yaml")
)
MARKS = [*"-:?,[]{}#&*!|>'\"%@` \t\n~\\", "\r\n", "\u2028", "\x85", "\ufeff", "\x07", "é", "- ", ": ", "? ", "---\n"]
MARKS += ["...\n", "<<: ", "!!str ", "&a ", "*a ", "|+\n", "|2\n", ">-\n", "%YAML 1.1\n", '"\\x41"', "\ufffe", "1.5"]
EDITS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 3), st.sampled_from([*MARKS, ""])), max_size=4)


def said(text: str) -> Item | str:
    """What a file of that text says, or what is wrong with it."""
    try:
        return document._read.__wrapped__(Path("x.yaml"), text)
    except SopError as error:
        return str(error)


def edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    """A text with pieces cut out and others put in."""
    for place, cut, added in edits:
        at = place % (len(text) + 1)
        text = f"{text[:at]}{added}{text[at + cut :]}"
    return text


@pytest.mark.skipif(document._LIBYAML is None, reason="PyYAML was built without libyaml")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_reads_the_same_with_and_without_libyaml(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    quick = said(text)
    monkeypatch.setattr(document, "_LIBYAML", None)
    assert quick == said(text)


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from(FILES), first=st.integers(0, 400), lines=st.integers(1, 8), edits=EDITS)
@example(path=FILES[0], first=0, lines=3, edits=[(12, 0, "?")])
@example(path=FILES[0], first=0, lines=3, edits=[(12, 0, "\t")])
def test_so_does_whatever_becomes_of_a_file(
    path: Path, first: int, lines: int, edits: list[tuple[int, int, str]]
) -> None:
    whole = path.read_text(encoding="utf-8").splitlines(keepends=True)
    at = first % len(whole)
    text = edited("".join(whole[at : at + lines]), edits)
    with pytest.MonkeyPatch.context() as patched:
        quick = said(text)
        patched.setattr(document, "_LIBYAML", None)
        assert quick == said(text)


@pytest.mark.parametrize("text", ["a: [x? y]\n", "a: {b: c?}\n", "a:\tb\n", "a: b\n\ufeffc: d\n", "[a\t]\n"])
def test_what_libyaml_alone_would_take_is_refused(text: str) -> None:
    expected = re.escape(_refused(text)) if _refused(text) else None
    found = said(text)
    assert (expected is None) == isinstance(found, Item)
    assert expected is None or re.search(expected, str(found))


def test_a_file_that_is_edited_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    for value in ("1", "2"):
        path.write_text(f"a: {value}\n")
        assert read(path).plain() == {"a": int(value)}


def _refused(text: str) -> str:
    """What PyYAML has against a text; nothing where it takes it."""
    try:
        yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        return str(getattr(error, "problem", error))
    return ""
