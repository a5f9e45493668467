"""The GitHub Action and the GitLab job, run in a shell as a runner would, against a server on this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from command_server import command
from forge_server import TOKEN, Forge, forge
from in_process import samescore
from workflow_runner import Job, read_action, run_action

from samescore.harness.registry import Checkout, Registry
from samescore.harness.run import Run

REPOSITORY = Path(__file__).resolve().parent.parent
ACTION, GITLAB = REPOSITORY / "action.yml", REPOSITORY / "ci" / "gitlab-gate.yml"
STEPS = ["Evaluate", "Gate", "Report", "Comment", "Verdict"]
REPORTS = ["comment.md", "gate.json", "junit.xml", "report.html", "summary.md"]


@pytest.fixture
def server() -> Iterator[Forge]:
    with forge() as kept:
        yield kept


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for the PATH with the command."""
    with command(tmp_path_factory.mktemp("bin")) as folder:
        yield folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs on refunds: one in which all is right, one in which nothing is."""
    folder = tmp_path_factory.mktemp("runs")
    for model in ("oracle", "null/noop"):
        name = model.rpartition("/")[2]
        done = samescore("eval", "sop/refund", "--model", model, "--limit", "12", "--out", name, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def github(tmp_path: Path, server: Forge, tools: Path) -> Mapping[str, str]:
    """What a job for pull request 7 finds in its environment."""
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"number": 7}}), encoding="utf-8")
    return {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": server.address,
        "GITHUB_REPOSITORY": "team/agent",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_HEAD_REF": "feature/x",
    }


def acted(workspace: Path, environment: Mapping[str, str], **inputs: str) -> Job:
    named = {name.replace("_", "-"): value for name, value in inputs.items()}
    return run_action(ACTION, workspace, {"install": "false", **named}, environment)


def test_an_adapter_is_evaluated_judged_by_its_targets_reported_and_commented_on(
    tmp_path: Path, github: Mapping[str, str], server: Forge
) -> None:
    job = acted(
        tmp_path,
        github,
        suites="sop/refund sop/exchange",
        model="oracle",
        arguments="--limit '12' --locale en",
    )
    assert (job.code, job.outputs["exit"], job.outputs["verdict"]) == (3, "3", "inconclusive"), job.log
    assert job.ran == STEPS
    assert job.outputs["run"] == "samescore-gate/run" and job.outputs["reports"] == "samescore-gate"
    plan = json.loads((tmp_path / "samescore-gate" / "run" / "run.json").read_bytes())["plan"]
    assert [suite["name"] for suite in plan["suites"]] == ["sop/refund", "sop/exchange"]
    assert plan["limit"] == 12 and {case["locale"] for case in plan["cases"]} == {"en"}
    assert sorted(path.name for path in (tmp_path / "samescore-gate").iterdir()) == sorted([*REPORTS, "run"])
    assert job.summary and "::error title=samescore::inconclusive (exit 3)" in job.log
    assert len(server.bodies) == 1 and server.bodies[0].startswith("<!-- samescore:samescore -->")
    assert list(job.used) == ["actions/upload-artifact@v4"]
    assert job.used["actions/upload-artifact@v4"]["path"].split() == ["samescore-gate", "samescore-gate/run"]


def test_a_regression_against_the_promoted_baseline_turns_the_job_red(
    tmp_path: Path, github: Mapping[str, str], server: Forge, runs: Path
) -> None:
    registry = Registry(tmp_path / "runs")
    registry.promote(str(registry.add(runs / "oracle", Checkout("main")).number))
    Run.open(runs / "noop").update(model="oracle")  # the same agent, grown worse
    job = acted(tmp_path, github, run=str(runs / "noop"), baseline="registry:main", name="refunds", upload="false")
    assert (job.code, job.outputs["verdict"], job.used) == (1, "regression", {}), job.log
    assert json.loads((tmp_path / "samescore-gate" / "gate.json").read_bytes())["exit"] == 1
    assert "REGRESSION" in job.log and job.outputs["run"] == str(runs / "noop")
    suite = ElementTree.parse(tmp_path / "samescore-gate" / "junit.xml").getroot()
    assert int(suite.get("failures", "0")) > 0
    assert server.bodies[0].startswith("<!-- samescore:refunds -->")
    job = acted(tmp_path, github, run=str(runs / "oracle"), baseline="registry:release")
    assert (job.code, job.outputs["verdict"], job.outputs["exit"]) == (2, "error", "2")
    assert "was ever promoted" in job.log and job.ran == STEPS


def test_without_a_verdict_the_comment_of_the_last_push_is_replaced_by_why(
    tmp_path: Path, github: Mapping[str, str], server: Forge, runs: Path
) -> None:
    """Pass, then three pushes on which nothing could be judged; one comment all the time."""
    good = str(runs / "oracle")
    assert acted(tmp_path, github, run=good, baseline=good, name="a gate, of ours!", upload="false").code == 0
    damaged = tmp_path / "damaged"
    shutil.copytree(runs / "oracle", damaged)
    with (damaged / "evidence.jsonl").open("a", encoding="utf-8") as evidence:
        evidence.write("# <b>x</b>\n")
    for number, (inputs, code, words) in enumerate(
        (
            ({"run": good, "baseline": good, "policy": "nothing.toml"}, 2, "nothing.toml: the gate's policy cannot be"),
            ({"run": str(damaged), "baseline": good}, 5, "evidence.jsonl:13: the line was changed"),
            ({"suites": "nothing", "model": "oracle"}, 2, "unknown suite 'nothing'"),
        )
    ):
        (place := tmp_path / str(number)).mkdir()
        job = acted(place, github, **inputs, name="a gate, of ours!", upload="false")
        assert (job.code, job.outputs["verdict"], job.ran) == (code, "error", STEPS), job.log
        assert len(server.bodies) == 1, "replaced, none added"
        first, title, empty, *said = server.bodies[0].splitlines()
        assert (first, empty) == ("<!-- samescore:a-gate-of-ours -->", "")
        assert title == f"### ⛔ samescore: no verdict (exit {code})"
        assert words in "\n".join(said) and all(line.startswith("    ") for line in said), "code, and no markup"
        assert job.summary.splitlines() == [title, empty, *said]
        assert (place / "samescore-gate" / "error.log").exists()


def test_a_wrong_baseline_or_policy_is_said_before_anything_is_evaluated(
    tmp_path: Path, github: Mapping[str, str], runs: Path
) -> None:
    (tmp_path / "gate.toml").write_text("alpha = 0.1\n", encoding="utf-8")
    registry = Registry(tmp_path / "runs")
    registry.promote(str(registry.add(runs / "oracle", Checkout("main")).number))
    sound = {"suites": "sop/refund", "model": "oracle", "policy": "gate.toml", "baseline": "registry:main"}
    for wrong, words in (
        ({"policy": "gaet.toml"}, "gaet.toml: the gate's policy cannot be read"),
        ({"baseline": "registry:mian"}, "no run of sop/refund with oracle on mian was ever promoted"),
        ({"suites": "sop/exchange"}, "no run of sop/exchange with oracle on main was ever promoted"),
        ({"model": "null/noop"}, "no run of sop/refund with null/noop on main was ever promoted"),
    ):
        job = acted(tmp_path, github, **{**sound, **wrong}, arguments="--limit 12", upload="false")
        assert (job.code, job.outputs["verdict"]) == (2, "error") and words in job.log, job.log
        assert not (tmp_path / "samescore-gate" / "run").exists(), "nothing was evaluated"
    job = acted(tmp_path, github, **sound, arguments="--limit 12", upload="false")
    assert "ready to gate: policy gate.toml, baseline runs/oracle" in job.log, job.log
    assert job.outputs["verdict"] != "error" and (tmp_path / "samescore-gate" / "run" / "run.json").exists()
    assert not (tmp_path / "samescore-gate" / "error.log").exists()


def test_what_cannot_be_evaluated_leaves_with_the_code_of_that(tmp_path: Path, github: Mapping[str, str]) -> None:
    job = acted(tmp_path, github, suites="nothing", model="oracle", upload="false")
    assert (job.code, job.outputs["verdict"], job.ran) == (2, "error", STEPS)
    assert "unknown suite 'nothing'" in job.log


def test_what_the_server_refuses_changes_no_verdict(
    tmp_path: Path, github: Mapping[str, str], server: Forge, runs: Path
) -> None:
    server.may_write = False
    job = acted(tmp_path, github, run=str(runs / "oracle"), baseline=str(runs / "oracle"))
    assert (job.code, job.outputs["verdict"]) == (0, "identical"), job.log
    assert "::warning title=samescore::The comment could not be posted" in job.log and not server.bodies


def test_no_input_is_part_of_a_script() -> None:
    action = read_action(ACTION)
    for step in action["runs"]["steps"]:
        assert "${{" not in step.get("run", ""), step["name"]
    said = set(re.findall(r"inputs\.([a-z-]+)", ACTION.read_text(encoding="utf-8")))
    assert said == set(action["inputs"]), "every input is used, and no other"
    assert all(about.get("description") for about in (action["inputs"] | action["outputs"]).values())


def test_a_hostile_input_stays_an_argument(tmp_path: Path, github: Mapping[str, str]) -> None:
    job = acted(tmp_path, github, suites="'$(touch owned); `touch owned`'", model="oracle", out="$(touch owned)")
    assert job.code == 2 and not (tmp_path / "owned").exists() and "$(touch owned); `touch owned`" in job.log


def test_it_installs_the_checkout_that_it_is_in(tmp_path: Path) -> None:
    """With the installer replaced by one that says what it was asked."""
    place = tmp_path / "action"
    (place / "scripts").mkdir(parents=True)
    (place / "action.yml").write_bytes(ACTION.read_bytes())
    installer = place / "scripts" / "install"
    installer.write_text(f'#!/bin/sh\necho "installing $1"\nmkdir -p {place}/.venv/bin\n')
    installer.chmod(0o755)
    inputs = {"run": "none", "extras": "local,api", "upload": "false"}
    job = run_action(place / "action.yml", tmp_path, inputs, {})
    assert "installing local,api\n" in job.log and list(job.used) == ["actions/setup-python@v5"]
    assert (tmp_path / ".runner" / "path").read_text(encoding="utf-8") == f"{place}/.venv/bin\n"


# GitLab.


def gitlab(workspace: Path, environment: Mapping[str, str], **variables: str) -> subprocess.CompletedProcess[str]:
    """The job's script as GitLab's runner has bash run it."""
    job = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))[".samescore-gate"]
    assert not variables.keys() - job["variables"].keys()
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])],
        cwd=workspace,
        env={**os.environ, **environment, **job["variables"], **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_on_gitlab_the_same_job_ends_with_the_gates_code_and_a_note(
    tmp_path: Path, github: Mapping[str, str], server: Forge
) -> None:
    server.account = "project_bot"
    environment: dict[str, Any] = {
        "PATH": github["PATH"],
        "GITLAB_CI": "true",
        "CI_API_V4_URL": server.address,
        "CI_PROJECT_ID": "11",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_JOB_NAME": "gate",
        "GITLAB_TOKEN": TOKEN,
    }
    job = gitlab(
        tmp_path,
        environment,
        SAMESCORE_SUITES="sop/refund",
        SAMESCORE_MODEL="null/random",
        SAMESCORE_ARGUMENTS="--limit 8",
    )
    assert job.returncode == 1 and "missed" in job.stdout.lower(), job.stdout + job.stderr
    assert sorted(path.name for path in (tmp_path / "samescore-gate").iterdir()) == [
        "comment.md",
        "gate.json",
        "junit.xml",
        "report.html",
        "run",
    ]
    assert len(server.bodies) == 1 and server.bodies[0].startswith("<!-- samescore:gate -->")
    job = gitlab(tmp_path, environment, SAMESCORE_SUITES="nothing", SAMESCORE_OUT="another")
    assert job.returncode == 2 and "unknown suite" in job.stderr
    assert len(server.bodies) == 1, "the note of the last push is replaced"
    assert server.bodies[0].startswith(
        "<!-- samescore:gate -->\n### ⛔ samescore: no verdict (exit 2)\n\n    error: unknown"
    )
    job = gitlab(tmp_path, environment, SAMESCORE_POLICY="gaet.toml", SAMESCORE_OUT="third")
    assert job.returncode == 2 and "gaet.toml: the gate's policy" in server.bodies[0]
    assert not (tmp_path / "third" / "run").exists(), "nothing was evaluated"


# The page.


def blocks() -> list[Any]:
    text = (REPOSITORY / "docs" / "ci.md").read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_the_pages_workflows_are_yaml_and_say_only_what_there_is() -> None:
    action, job = read_action(ACTION), yaml.safe_load(GITLAB.read_text(encoding="utf-8"))[".samescore-gate"]
    uses = 0
    for block in blocks():
        steps = (
            block if isinstance(block, list) else [s for one in block.get("jobs", {}).values() for s in one["steps"]]
        )
        for step in steps:
            if step.get("uses", "").startswith("OWNER/samescore"):
                uses += 1
                assert set(step["with"]) <= set(action["inputs"])
        if "adapter" in block:
            assert set(block["adapter"]["variables"]) <= set(job["variables"])
            uses += 1
    assert uses == 4
    page = (REPOSITORY / "docs" / "ci.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in [*action["inputs"], *action["outputs"]])


def test_the_pages_commands_are_there() -> None:
    page = (REPOSITORY / "docs" / "ci.md").read_text(encoding="utf-8")
    for command_line in re.findall(r"samescore (runs \w+|gate|eval|comment|tools \w+)", page):
        assert samescore(*command_line.split(), "--help", cwd=REPOSITORY).returncode == 0, command_line
