"""Projects of users for the tests of the pytest plugin: a folder with the starter's suite, and pytest run in it.

In this process where that is enough: a new Python, with all that samescore imports, takes most of a test's time. What a
run imports is forgotten when it ends, so that everything it needs is imported here, once.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import samescore.harness.cli.app
import samescore.harness.floors
import samescore.harness.policies.replay
import samescore.harness.pytest_plugin
import samescore.harness.pytest_plugin.server
import samescore.harness.pytest_plugin.session
import samescore.suites.adversarial.suite
from samescore.harness.case import Case
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.plan import Plan
from samescore.harness.policies.script import ScriptPolicy
from samescore.harness.policy import Sampling
from samescore.harness.run import Run
from samescore.harness.types import Message
from samescore.suites.catalog import load_suite

STARTER = Path(str(files("samescore.fixtures") / "starter"))
INSTALLED = any(entry.name == "samescore" for entry in entry_points(group="pytest11"))
"""Whether pytest finds the plugin by its entry point; from a checkout it is told."""

NUMBERS = ["001", "002", "003", "004", "005", "006", "007", "008", "009"]
FEW = "[en/00"
"""What `-k` takes for the nine cases of these numbers."""


def with_suite(folder: Path, name: str = "courier") -> Path:
    """The starter's folder in a project."""
    return Path(shutil.copytree(STARTER, folder / name, ignore=shutil.ignore_patterns("__pycache__")))


def pytest_in(pytester: pytest.Pytester, *arguments: str | Path) -> pytest.RunResult:
    """Pytest with the plugin, in this process."""
    plugins = [] if INSTALLED else [samescore.harness.pytest_plugin]
    return pytester.runpytest_inprocess(*map(str, arguments), plugins=plugins)


def pytest_apart(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Pytest with the plugin, in a process of its own."""
    plugin = () if INSTALLED else ("-p", "samescore.harness.pytest_plugin")
    command = [sys.executable, "-m", "pytest", *plugin, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def played(folder: Path, script: Callable[[Case, Sampling], Iterator[Message | str]], suite: str, **plan: Any) -> Path:
    """A run of a script on a suite's first English cases, to be replayed."""
    loaded = load_suite(suite, locales=["en"])
    some = type(loaded)(loaded.name, loaded.version, loaded.cases[:9], worlds=loaded.worlds)
    policy = ScriptPolicy("played", script)
    run = Run.create(folder, Plan.make([some], **plan), policy, loaded.worlds)
    evaluate_sync([some], policy, loaded.worlds, run.plan, run)
    return folder


def manifest(directory: Path) -> dict[str, Any]:
    """What a run's `run.json` says."""
    read: dict[str, Any] = json.loads((directory / "run.json").read_bytes())
    return read


def the_run(folder: Path) -> Path:
    """The directory of the one run that a project's cache holds."""
    (run,) = (folder / ".pytest_cache" / "d" / "samescore").iterdir()
    return run
