"""The plugin beside tests that have nothing to do with it: nothing printed, nothing imported, no package mistaken."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_projects import INSTALLED, manifest, pytest_apart, pytest_in, with_suite

pytest_plugins = ["pytester"]

PACKAGES = ("suites", "reports", "fixtures", "trainers", "harness")
"""The names of our folders, which are common ones."""

UNLOADED = """
import sys

def test_nothing_of_ours_was_imported():
    ours = {name for name in sys.modules if name.split(".")[0] == "samescore"}
    assert ours == {"samescore", "samescore.harness", "samescore.harness.pytest_plugin"}
    heavy = {"torch", "transformers", "inspect_ai", "pandas", "scipy", "z3", "yaml", "typer", "rich", "pydantic"}
    assert not heavy & set(sys.modules)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with packages that are called as ours are, and tests that use them."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"def check(value):\n    assert value == '{name}'\n")
    (tmp_path / "suites" / "test_own.py").write_text(
        "import pytest\nimport fixtures, harness, reports, suites, trainers\n\n"
        "@pytest.mark.parametrize('package', [fixtures, harness, reports, suites, trainers])\n"
        "def test_own(package):\n"
        "    package.check(package.__name__)\n"
        "    assert package.__file__.startswith(__file__.rpartition('suites')[0])\n"
    )
    return tmp_path


def lines_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What was printed, without times and the names of plugins, which pytest lists."""
    assert done.stderr == ""
    return [re.sub(r"in [0-9.]+s", "", line) for line in done.stdout.splitlines() if not line.startswith("plugins: ")]


def test_a_plain_run_prints_what_it_prints_without_the_plugin_and_imports_nothing(project: Path) -> None:
    (project / "test_imports.py").write_text(UNLOADED)
    plain = [sys.executable, "-m", "pytest", *(("-p", "no:samescore") if INSTALLED else ())]
    off = ("-p", "no:hypothesispytest", "-p", "no:anyio")  # plugins of others, which import what they like
    command = [*plain, *off, "--deselect", "test_imports.py"]
    without = subprocess.run(command, cwd=project, capture_output=True, text=True)
    # Not even files that could be ours are looked at.
    with_suite(project, "suites/courier")
    beside = pytest_apart(project, *off, "--deselect", "test_imports.py")
    assert beside.returncode == without.returncode == 0
    assert lines_of(beside) == lines_of(without)
    assert pytest_apart(project, *off, "test_imports.py").returncode == 0


@pytest.mark.skipif(not INSTALLED, reason="pytest looks at what is installed, which samescore is not")
def test_packages_called_as_ours_may_be_imported_before_pytest_and_are_not_rewritten(project: Path) -> None:
    (project / "suites" / "test_own.py").unlink()
    (project / "test_after.py").write_text(
        "import harness, reports, suites\n"
        "def test_loaders():\n"
        "    assert {type(one.__loader__).__name__ for one in (harness, reports, suites)} == {'SourceFileLoader'}\n"
    )
    program = "import suites, sys, pytest; sys.exit(pytest.main(['-q', '-W', 'error']))"
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_packages_called_as_ours_are_the_users_own_while_a_model_is_tested(project: Path) -> None:
    with_suite(project, "suites/courier")
    done = pytest_apart(
        project,
        "-W",
        "error",
        "--samescore-model",
        "oracle",
        "--samescore-out",
        "out",
        "-k",
        "test_own or en/001",
        "-q",
    )
    assert done.returncode == 0 and "6 passed" in done.stdout, done.stdout + done.stderr
    assert manifest(project / "out")["status"] == "complete"


def test_the_options_have_a_section_of_their_own_in_the_help(pytester: pytest.Pytester) -> None:
    done = pytest_in(pytester, "--help")
    section = done.stdout.str().partition("procedures as tests of a model (samescore):\n")[2].partition("\n\n")[0]
    assert re.findall(r"^  --samescore-([\w-]+)", section, re.MULTILINE) == [
        "model",
        "adapter",
        "epochs",
        "pass-k",
        "threshold",
        "temperature",
        "seed",
        "split",
        "procedure",
        "device",
        "out",
    ]
    assert done.ret == 0 and not list(pytester.path.iterdir())
