"""Runs the steps of a composite action as GitHub's runner does: one shell each, with its files, outputs and conditions.

`uses` steps are noted, not run. Expressions are those that an action of ours may have: `inputs.x`, `github.x`,
`steps.x.outputs.y`, compared with a text by == or !=, joined by &&.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_COMPARED = re.compile(r"(\S+)\s*(==|!=)\s*'([^']*)'")


@dataclass
class Job:
    """What became of an action: its exit code, outputs, what was printed, the summary, and which steps ran."""

    code: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    ran: list[str] = field(default_factory=list)
    used: dict[str, Mapping[str, str]] = field(default_factory=dict)


def read_action(path: Path) -> Any:
    """An action file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def run_action(path: Path, workspace: Path, inputs: Mapping[str, str], environment: Mapping[str, str]) -> Job:
    """Run an action in a folder. Inputs that are not given have their defaults.

    Raises:
        KeyError: an input or a value of `github` is named that there is not.
    """
    action = read_action(path)
    unknown = inputs.keys() - action["inputs"].keys()
    assert not unknown, f"no such input: {unknown}"
    github = {"action_path": str(path.parent), "token": environment.get("GITHUB_TOKEN", "")}
    names: dict[str, Any] = {"github": github, "inputs": {}, "steps": {}}
    for name, about in action["inputs"].items():
        names["inputs"][name] = inputs.get(name, _filled(str(about.get("default", "")), names))
    job, files = Job(), workspace / ".runner"
    files.mkdir(exist_ok=True)
    for number, step in enumerate(action["runs"]["steps"]):
        if job.code or not _holds(step.get("if", ""), names):
            continue
        if "uses" in step:
            job.used[step["uses"]] = {key: _filled(str(value), names) for key, value in step.get("with", {}).items()}
            continue
        job.ran.append(step["name"])
        outputs = _run(step, number, workspace, files, names, environment, job)
        names["steps"][step.get("id", "")] = {"outputs": outputs}
    job.outputs = {name: _filled(about["value"], names) for name, about in action["outputs"].items()}
    return job


def _run(
    step: Mapping[str, Any],
    number: int,
    workspace: Path,
    files: Path,
    names: Mapping[str, Any],
    environment: Mapping[str, str],
    job: Job,
) -> dict[str, str]:
    assert step["shell"] == "bash"
    script, output, summary = files / f"{number}.sh", files / f"output-{number}", files / f"summary-{number}"
    script.write_text(step["run"], encoding="utf-8")
    for file in (output, summary, files / "path"):
        file.touch()
    variables = {
        **os.environ,
        **environment,
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_PATH": str(files / "path"),
        **{name: _filled(str(value), names) for name, value in step.get("env", {}).items()},
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=workspace,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    job.code = done.returncode
    job.log += done.stdout
    job.summary += summary.read_text(encoding="utf-8")
    return dict(line.split("=", 1) for line in output.read_text(encoding="utf-8").splitlines())


def _filled(text: str, names: Mapping[str, Any]) -> str:
    return _EXPRESSION.sub(lambda found: _value(found[1], names), text)


def _value(expression: str, names: Mapping[str, Any]) -> str:
    """What a step that did not run put out is empty, as on GitHub."""
    found: Any = names
    for name in expression.split("."):
        found = found.get(name, {}) if names.get("steps") is not None and "steps" in expression else found[name]
    return found if isinstance(found, str) else ""


def _holds(condition: str, names: Mapping[str, Any]) -> bool:
    for part in filter(None, map(str.strip, condition.split("&&"))):
        match = _COMPARED.fullmatch(part)
        assert match is not None, f"not understood: {part}"
        if (_value(match[1], names) == match[3]) is not (match[2] == "=="):
            return False
    return True
