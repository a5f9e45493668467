"""`samescore eval --sequential`: what it prints, its exit codes, and what is refused before anything is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gate_runs import adapter, copied
from in_process import Done, samescore

from samescore.harness.manifest import Status
from samescore.harness.run import Run

SUITE = "sop/refund"
"""138 cases of 16 branches: looks after 35, 69, 104 and 138."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a baseline, a run that passed and one that went on to its last case."""
    folder = tmp_path_factory.mktemp("sequential")
    (folder / "all.toml").write_text('branches = "population"\n', encoding="utf-8")
    (folder / "other.toml").write_text('branches = "population"\n[margins]\nsuccess = 0.04\n', encoding="utf-8")
    (folder / "style.toml").write_text("[margins]\nsuccess = 0.05\nstile = 0.1\n", encoding="utf-8")
    assert samescore("eval", SUITE, "--model", "oracle", "--out", "base", "--show", "0", cwd=folder).returncode == 0
    copied(Run.open(folder / "base"), folder / "tuned", description={"model": "m", **adapter("a")})
    return folder


def evaluated(place: Path, *arguments: str, against: str = "base", suite: str = SUITE) -> Done:
    return samescore("eval", suite, "--sequential", against, "--show", "0", *arguments, cwd=place)


@pytest.fixture(scope="module")
def passed(place: Path) -> Done:
    return evaluated(place, "--model", "oracle", "--policy", "all.toml", "--out", "passed")


@pytest.fixture(scope="module")
def open_one(place: Path) -> dict[str, Any]:
    done = evaluated(place, "--model", "oracle", "--out", "whole", "--json", "--looks", "2")
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["exit"] == done.returncode
    return found | {"stderr": done.stderr}


def told(place: Path, *arguments: str) -> dict[str, Any]:
    done = samescore("gate", *arguments, "--json", cwd=place)
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["exit"] == done.returncode
    return found


# What is printed.


def test_looks_are_told_as_they_come_and_the_last_one_is_the_gates_verdict(place: Path, passed: Done) -> None:
    assert passed.returncode == 0
    assert passed.stderr.splitlines() == [
        "looks: after 35, 69, 104 and 138 cases, each judged at 0.0194 so that 0.05 holds over all of them: a pass is "
        "possible from look 3 on, which takes 82 cases.",
        "look 1 of 4: 35 of 138 cases: open, drop 0.000 [-0.109, +0.109]",
        "look 2 of 4: 69 of 138 cases: open, drop 0.000 [-0.058, +0.058]",
        "look 3 of 4: 104 of 138 cases: pass, drop 0.000 [-0.039, +0.039]",
    ]
    assert "ended early: at look 3 of 4, after 104 of 138 cases." in passed.stdout
    gated = samescore("gate", "passed", "base", cwd=place)
    decision = "PASS  a drop of success by 0.05 is excluded: it is at most +0.039 (one-sided, 0.9806 confidence"
    for done in (passed, gated):
        assert done.returncode == 0 and decision in done.stdout
    look = "look 3 of 4: 104 of 138 cases, judged at 0.0194 so that 0.05 holds over all looks"
    assert f"gate: {look}" in passed.stdout and f"sequential {look}, as the run was planned" in gated.stdout
    assert "compared   104 cases in common that the look has seen: these 16 branches and no others" in gated.stdout


def test_a_regression_ends_it_with_exit_1(place: Path) -> None:
    done = evaluated(place, "--model", "null/refuse", "--policy", "all.toml", "--out", "refused", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["exit"], found["cases"]) == (1, 1, 35)
    assert found["completed"] == {"look": 1, "of": 4, "cases": 35, "planned": 138, "decision": "regression"}
    gated = told(place, "refused", "base")
    assert found["gate"] == gated and gated["sequential"]["look"] == 1


def test_what_stays_open_is_run_to_the_end_and_is_inconclusive(place: Path, open_one: dict[str, Any]) -> None:
    assert (open_one["exit"], open_one["cases"], open_one["gate"]["verdict"]) == (3, 138, "inconclusive")
    assert "none of them can pass, which takes " in open_one["stderr"]
    assert told(place, "whole", "base")["sequential"]["look"] == 2
    assert told(place, "whole", "base", "--policy", "all.toml")["sequential"] is None


def test_the_baselines_own_model_is_identical_and_nothing_is_run(place: Path, tmp_path: Path) -> None:
    same = ("--model", f"replay/{place / 'tuned'}", "--policy", str(place / "all.toml"), "--out", "same")
    done = samescore("eval", SUITE, "--sequential", place / "tuned", *same, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("IDENTICAL  replay/")
    assert "Nothing was run." in done.stdout and not list(tmp_path.iterdir())
    found = json.loads(samescore("eval", SUITE, "--sequential", place / "tuned", *same, "--json", cwd=tmp_path).stdout)
    assert (found["status"], found["exit"], found["run"]) == ("identical", 0, None)
    done = samescore("eval", SUITE, "--sequential", place / "tuned", *same, "--same-model", cwd=tmp_path)
    assert done.returncode == 0 and "look 3 of 4: 104 of 138 cases: pass" in done.stderr
    gated = told(tmp_path, "same", str(place / "tuned"))
    assert (gated["verdict"], gated["identical"]) == ("pass", True), "as it was planned, --same-model need not be said"


def test_a_report_tells_of_the_look_and_of_no_targets(place: Path, passed: Done) -> None:
    done = samescore("report", "passed", "--baseline", "base", "--md", "-", cwd=place)
    assert done.returncode == 0, done.stderr
    assert "look 3 of 4" in done.stdout and "may take the place of" in done.stdout
    against = json.loads(samescore("report", "passed", "--baseline", "base", "--json", "-", cwd=place).stdout)
    (run,) = against["runs"]
    assert run["gate"]["verdict"] == "pass" and run["gate"]["sequential"]["look"] == 3, (
        "by the policy it was begun with"
    )
    assert run["completed"]["cases"] == 104 and not run["targets"]
    assert any("nothing of targets" in limit for limit in run["decision"]["limits"])
    alone = json.loads(samescore("report", "passed", "--json", "-", cwd=place).stdout)
    assert alone["decision"]["outcome"] == "measured"
    (other,) = json.loads(
        samescore("report", "passed", "--baseline", "base", "--policy", "other.toml", "--json", "-", cwd=place).stdout
    )["runs"]
    assert other["gate"]["verdict"] == "incomparable"


def test_scores_of_what_was_seen_are_made_again(place: Path, passed: Done) -> None:
    done = samescore("score", "passed", "--show", "0", cwd=place)
    assert done.returncode == 0 and "ended early: at look 3 of 4" in done.stdout
    assert json.loads(samescore("score", "passed", "--json", cwd=place).stdout)["cases"] == 104
    assert told(place, "passed", "base")["verdict"] == "pass"


# What is refused.


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--limit", "40"), 4, "the runs cannot be compared: cases: 40 of 138 are in both; the policy wants 80%"),
        (("--temperature", "1"), 4, "the runs cannot be compared: temperature: 1 in the candidate, 0 in the baseline."),
        (("--check",), 4, "--check judges targets, and a run that ends when its verdict against base is certain"),
        (("--policy", "style.toml"), 2, "style.toml:3: margins.stile: unknown metric 'stile'. Did you mean 'style'?"),
        (("--looks", "20", "--limit", "10"), 2, "--looks: 20 looks at 10 cases; expected 2 to 20"),
        (("--as-served", "vllm"), 2, "--as-served asks about all conversations of the plan"),
        (("--resume", "base"), 2, "base was not begun with --sequential: looks are planned before the first case."),
    ],
)
def test_what_cannot_be_judged_is_said_before_anything_is_run(
    place: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    more = () if "--resume" in arguments else ("--model", "oracle", "--out", "new")
    done = samescore("eval", *([SUITE] if more else []), "--sequential", "base", *more, *arguments, cwd=place)
    assert (done.returncode, done.stdout) == (code, "") and f"error: {words}" in done.stderr
    assert not (place / "new").exists()


@pytest.mark.parametrize("option", [("--policy", "all.toml"), ("--looks", "3"), ("--same-model",)])
def test_how_it_is_judged_goes_with_being_judged(place: Path, option: tuple[str, ...]) -> None:
    done = samescore("eval", SUITE, "--model", "oracle", *option, cwd=place)
    assert done.returncode == 2 and f"error: {option[0]} says how a run is judged while it goes on." in done.stderr


def test_a_baseline_that_is_incomplete_or_nowhere_is_said_first(place: Path, tmp_path: Path) -> None:
    cut = copied(Run.open(place / "base"), tmp_path / "cut")
    path = cut.directory / "evidence.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    done = evaluated(tmp_path, "--model", "hf/no/such/model", against="cut")
    assert (
        done.returncode == 5 and "error: the baseline must be complete. cut: of 138 planned rollouts 2" in done.stderr
    )
    assert evaluated(tmp_path, "--model", "hf/no/such/model", against="nowhere").returncode == 2


def test_a_run_that_ended_early_is_good_for_its_own_comparison_alone(place: Path, passed: Done) -> None:
    copied(Run.open(place / "base"), place / "another", started="2026-01-01T00:00:00+00:00")
    refusals: list[tuple[str, ...]] = [
        ("gate", "passed", "base", "--policy", "other.toml"),
        ("gate", "passed", "another"),
        ("gate", "base", "passed"),
        ("gate", "passed", "--targets"),
        ("score", "passed", "--check"),
        ("eval", "--resume", "passed", "--check"),
        ("plan", "passed"),
        ("eval", SUITE, "--model", "oracle", "--sequential", "passed", "--out", "new"),
    ]
    for command in refusals:
        done = samescore(*command, cwd=place)
        assert done.returncode == 4 and "ended" in done.stdout + done.stderr, (command, done)
        assert "again without --sequential" in done.stdout + done.stderr or "--check" in command
    assert (
        samescore("runs", "add", "passed", "base", "--registry", "reg", "--branch", "main", cwd=place).returncode == 0
    )
    done = samescore("runs", "promote", "1", "--registry", "reg", cwd=place)
    assert done.returncode == 4 and "so that it cannot be a baseline" in done.stderr
    assert "ended early: look 3 of 4" in samescore("runs", "list", "--registry", "reg", cwd=place).stdout


def test_the_baseline_may_be_that_of_a_branch(place: Path, tmp_path: Path) -> None:
    registry = ("--registry", str(tmp_path / "reg"))
    assert samescore("runs", "add", "base", *registry, "--branch", "main", cwd=place).returncode == 0
    assert samescore("runs", "promote", "1", *registry, cwd=place).returncode == 0
    more = ("--model", "oracle", "--policy", str(place / "all.toml"), "--out", "run", *registry)
    done = evaluated(tmp_path, *more, against="registry:main")
    assert done.returncode == 0 and "look 3 of 4" in done.stdout
    assert told(tmp_path, "run", "registry:main", *registry)["verdict"] == "pass"
    recorded = (Run.open(tmp_path / "run").manifest.sequential or {})["baseline"]
    assert (recorded["named"], recorded["place"]) == ("registry:main", "../reg/base")


# Carried on.


def test_an_interrupted_run_is_carried_on_to_the_same_verdict(place: Path, passed: Done, tmp_path: Path) -> None:
    cut = copied(Run.open(place / "passed"), place / "cut", completed=None, status=Status.RUNNING, finished=None)
    path = cut.directory / "evidence.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:50]))
    (cut.directory / "scores.json").unlink()
    assert samescore("gate", "cut", "base", cwd=place).returncode == 5
    for option in (("--looks", "3"), ("--policy", "all.toml")):
        done = samescore("eval", "--resume", "cut", *option, cwd=place)
        assert done.returncode == 2 and f"carries a run on as it was planned. Leave out {option[0]}" in done.stderr
    done = samescore("eval", "--resume", "cut", "--show", "0", cwd=place)
    assert done.returncode == 0 and "look 3 of 4: 104 of 138 cases: pass" in done.stderr
    here, there = told(place, "cut", "base"), told(place, "passed", "base")
    assert here | {"candidate": []} == there | {"candidate": []}


def test_a_run_whose_looks_are_over_says_its_verdict_again_and_runs_nothing(place: Path, passed: Done) -> None:
    before = (place / "passed" / "evidence.jsonl").read_bytes()
    done = samescore("eval", "--resume", "passed", "--show", "0", cwd=place)
    assert done.returncode == 0 and "PASS  a drop of success" in done.stdout
    assert done.stderr.startswith("note: this run ended at look 3 of 4, after 104 of 138 cases")
    assert (place / "passed" / "evidence.jsonl").read_bytes() == before
