"""docs/python.md: every example is a short program that prints what the page says.

`python tests/test_python_docs.py` writes what they print now into the page.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

LONGEST = 40
PAGE = Path(__file__).parent.parent / "docs" / "python.md"
EXAMPLE = re.compile(r"```python\n(?P<program>.*?)```\n\n```text\n(?P<printed>.*?)```", re.DOTALL)
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = {
    re.findall(r"^## (.+)$", TEXT[: found.start()], re.MULTILINE)[-1]: (found["program"], found["printed"])
    for found in EXAMPLE.finditer(TEXT)
}


def run(program: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    file = cwd / "example.py"
    file.write_text(program, encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **variables}
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", file.name],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_page_has_the_four_examples_and_nothing_that_is_not_run() -> None:
    assert list(EXAMPLES) == ["Evaluate", "A scorer of your own", "A policy of your own", "A frame of results"]
    assert TEXT.count("```python") == len(EXAMPLES)


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_is_short_and_prints_what_the_page_says(title: str, tmp_path: Path) -> None:
    program, printed = EXAMPLES[title]
    assert len(program.splitlines()) < LONGEST
    done = run(program, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed


def test_an_installed_scorer_is_a_metric_of_the_command_line(tmp_path: Path) -> None:
    """The page's own scorer, found by its entry point in an installed package."""
    program, _ = EXAMPLES["A scorer of your own"]
    imports, _, rest = program.partition("\n")
    definition = imports + rest.partition("\n")[2].partition("rubric = ")[0]
    group, name = re.findall(r'\[project\.entry-points\."(.+?)"\]\n(.+)\n', TEXT)[0]
    (tmp_path / "our_scorers.py").write_text(definition, encoding="utf-8")
    metadata = tmp_path / "our_scorers-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: our-scorers\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{name.replace(chr(34), '')}\n", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [
        sys.executable,
        "-m",
        "samescore.harness.cli.app",
        "eval",
        "sop/refund",
        "--model",
        "oracle",
        "--limit",
        "4",
    ]
    done = subprocess.run(
        [*command, "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"]["calm"]["value"] == 1.0


def test_every_public_name_can_be_imported() -> None:
    import samescore.harness as harness

    for name in harness.__all__:
        assert getattr(harness, name) is not None
        assert importlib.util.find_spec(f"samescore.harness.{name}") is None, f"{name} is a module's name too"


def _reprinted(found: re.Match[str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        done = run(found["program"], Path(folder))
    assert done.returncode == 0, done.stderr
    return f"```python\n{found['program']}```\n\n```text\n{done.stdout}```"


if __name__ == "__main__":
    PAGE.write_text(EXAMPLE.sub(_reprinted, TEXT), encoding="utf-8")
