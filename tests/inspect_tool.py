"""Inspect's own command line, run where it finds samescore's entry point, and with nothing written outside of a test.

From an installed wheel it does. From the source tree it would not: Inspect names tasks after the package of an
installed distribution. So the tree is then given the look of one, in a folder called site-packages.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_ENTRY_POINTS = "[inspect_ai]\nsamescore = samescore.harness.inspect_ext.registry\n"
_METADATA = "Metadata-Version: 2.1\nName: samescore\nVersion: 0.0.0\n"


@dataclass(frozen=True)
class InspectTool:
    """`inspect`, in a folder of its own."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [sys.executable, "-m", "inspect_ai", *map(str, arguments)]
        environment = self.environment | variables
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    def evaluate(self, task: str, *arguments: str | Path, logs: str = "logs", **variables: str) -> list[Path]:
        """`inspect eval`; the logs that it wrote."""
        done = self.run("eval", task, *arguments, "--log-dir", logs, "--display", "plain", **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return sorted((self.folder / logs).glob("*.eval"))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a server; the caller ends it."""
        command = [sys.executable, "-m", "inspect_ai", *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


def inspect_tool(folder: Path) -> InspectTool:
    """Inspect with its settings, caches and logs in this folder."""
    home = folder / "home"
    home.mkdir()
    names = ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")
    own = {name: str(home) for name in names} | {"INSPECT_LOG_DIR": str(folder / "logs"), "COLUMNS": "120"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INSPECT_")} | own
    spec = find_spec("samescore.harness")
    assert spec is not None and spec.submodule_search_locations is not None
    source = Path(next(iter(spec.submodule_search_locations))).parent
    if "site-packages" not in str(source):
        environment["PYTHONPATH"] = os.pathsep.join([str(_as_installed(folder, source)), *sys.path])
    return InspectTool(folder, environment)


def _as_installed(folder: Path, source: Path) -> Path:
    site = folder / "site-packages"
    (site / "samescore").mkdir(parents=True)
    for package in source.iterdir():
        (site / "samescore" / package.name).symlink_to(package.resolve())
    about = site / "samescore-0.0.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(_METADATA, encoding="utf-8")
    (about / "entry_points.txt").write_text(_ENTRY_POINTS, encoding="utf-8")
    return site
