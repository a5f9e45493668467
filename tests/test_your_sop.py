"""The guide `docs/your-sop.md` is true: its files are written, its commands run in order, and print what it shows."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from in_process import Done, samescore

GUIDE = (Path(__file__).parents[1] / "docs" / "your-sop.md").read_text(encoding="utf-8")

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAVE_AS = re.compile(r"Save this as `([^`]+)`")
EXIT = re.compile(r"# exits with (\d)$")


@dataclass(frozen=True, slots=True)
class File:
    """A file that the reader is told to write."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command, the exit code it is said to have, and the lines shown below it; `…` stands for anything."""

    line: str
    code: int
    shown: tuple[str, ...]


def steps() -> Iterator[File | Command]:
    """What a reader of the guide does, in order."""
    before = 0
    for block in BLOCK.finditer(GUIDE):
        said, language, text = GUIDE[before : block.start()], block[1], block[2]
        before = block.end()
        if language == "console":
            yield from commands(text)
        elif language == "yaml":
            (path,) = SAVE_AS.findall(said)
            yield File(path, text)
        else:
            assert language == "python", f"nobody runs a block of {language or 'no language'}"


def commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, *shown = part.rstrip("\n").split("\n")
        code = EXIT.search(line)
        yield Command(line, int(code[1]) if code else 0, tuple(shown))


def missing(shown: tuple[str, ...], printed: str) -> str | None:
    """The first shown line that was not printed after those before it."""
    lines = iter(line.rstrip() for line in printed.splitlines())
    for expected in shown:
        pattern = ".*".join(re.escape(" ".join(part.split())) for part in expected.split("…"))
        if expected.strip() != "…" and not any(re.fullmatch(pattern, " ".join(line.split())) for line in lines):
            return expected
    return None


def run(line: str, folder: Path) -> Done | subprocess.CompletedProcess[str]:
    """A line as a shell reads it: a command of samescore's, or another one."""
    program, *arguments = shlex.split(line, comments=True)
    if program == "samescore":
        return samescore(*arguments, cwd=folder, columns=100)
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


def test_every_command_of_the_guide_does_what_the_guide_shows(tmp_path: Path) -> None:
    ran = 0
    for step in steps():
        if isinstance(step, File):
            (tmp_path / step.path).write_text(step.text, encoding="utf-8")
            continue
        done = run(step.line, tmp_path)
        assert done.returncode == step.code, f"{step.line}\n{done.stdout}{done.stderr}"
        absent = missing(step.shown, done.stdout)
        assert absent is None, f"{step.line}\ndid not print {absent!r}, but\n{done.stdout}{done.stderr}"
        ran += 1
    assert ran == 18


def test_a_line_that_is_not_printed_or_out_of_order_is_noticed() -> None:
    assert missing(("a … c", "…", "d"), "a b c\nx\nd") is None
    assert missing(("a", "d"), "d\na") == "d"
    assert missing(("success 1.000 …",), "success 0.999 [x]") == "success 1.000 …"


def test_the_tool_of_the_guide_is_that_of_the_folder() -> None:
    (tool,) = [block[2] for block in BLOCK.finditer(GUIDE) if block[1] == "python"]
    world = (files("samescore.fixtures") / "starter" / "world.py").read_text(encoding="utf-8")
    assert tool in world


def test_the_guide_names_the_other_sources_of_tools() -> None:
    line = "Tools may also come from OpenAI-style JSON, an OpenAPI document or an MCP server: see docs/tools.md"
    assert line in GUIDE.splitlines()
