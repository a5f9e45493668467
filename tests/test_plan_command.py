"""`samescore plan`: what it says before a run, from a pilot, a suite, or numbers alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from in_process import Done, samescore

from samescore.harness.errors import UsageError
from samescore.harness.gate.policy import Policy
from samescore.harness.planning import Known, planned

POLICY = """\
alpha = 0.1
[margins]
success = 0.05
restraint = 0.1
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs: two agents that sample, one of them incomplete, and one of a single greedy epoch."""
    folder = tmp_path_factory.mktemp("plan")
    sampled = ("--limit", "24", "--epochs", "2", "--temperature", "1")
    for model, out, more in (
        ("null/random", "random", sampled),
        ("null/first-tool", "first", sampled),
        ("oracle", "greedy", ("--limit", "24")),
        ("null/refuse", "refusing", ("--limit", "24")),
    ):
        done = samescore("eval", "sop/refund", "--model", model, "--out", out, *more, cwd=folder)
        assert done.returncode == 0, done.stderr
    damaged = folder / "half"
    damaged.mkdir()
    (damaged / "run.json").write_bytes((folder / "random" / "run.json").read_bytes())
    lines = (folder / "random" / "evidence.jsonl").read_bytes().splitlines(keepends=True)
    (damaged / "evidence.jsonl").write_bytes(b"".join(lines[:30]))
    (folder / "gate.toml").write_text(POLICY)
    return folder


def plan(place: Path, *arguments: str | Path) -> tuple[Done, dict[str, Any]]:
    done = samescore("plan", *arguments, "--json", cwd=place)
    return done, json.loads(done.stdout)


def fails(done: Done, code: int, *words: str) -> None:
    assert done.returncode == code and done.stdout == ""
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_ten_cases_are_said_to_be_too_few_before_they_are_run(place: Path) -> None:
    done = samescore("plan", "--cases", "10", cwd=place)
    assert done.returncode == 3
    assert (
        "with 10 cases no drop below 0.26 can be excluded; margin 0.05 needs at least 59 cases. "
        "More epochs do not help."
    ) in done.stdout
    assert "assumed: 0.05 of the cases come out differently" in done.stdout


def test_without_anything_known_it_says_how_many_cases_are_needed(place: Path) -> None:
    done, told = plan(place)
    assert done.returncode == 0 and told["cases"] is None and told["possible"]
    needed = {one["epochs"]: one["cases"] for one in told["metrics"]["success"]["epochs"]}
    assert list(needed) == [1, 3, 5]
    assert 171 <= needed[1] <= 230 and needed[1] > needed[3] >= needed[5] >= 59
    assert all(one["passes"] is None and one["mde"] is None for one in told["metrics"]["success"]["epochs"])
    text = samescore("plan", cwd=place).stdout
    assert re.search(rf"^\s+1\s+{needed[1]}\s+{needed[1]}\s*$", text, re.MULTILINE)


def test_a_smaller_margin_and_more_churn_need_more_cases(place: Path) -> None:
    def needed(*arguments: str) -> int:
        found = plan(place, "--epochs", "1", *arguments)[1]["metrics"]["success"]["epochs"][0]["cases"]
        assert isinstance(found, int)
        return found

    assert needed("--margin", "0.08") > needed("--margin", "0.1") < needed("--margin", "0.1", "--churn", "0.1")
    assert needed("--churn", "0") == 59
    assert needed("--margin", "0.1", "--power", "0.8") < needed("--margin", "0.1", "--power", "0.99")


def test_branches_are_those_of_the_suite(place: Path) -> None:
    _, told = plan(place, "--suite", "sop/refund", "--epochs", "5")
    success = told["metrics"]["success"]
    assert success["n"] == told["cases"] == 138 and success["branches"] == 16
    assert success["fewest"] > 59, "sixteen branches are fewer degrees of freedom, and declared alike"
    assert any("16 branches are few" in line for line in told["told"])


def test_a_part_of_a_suite_is_planned_as_eval_plans_it(place: Path) -> None:
    done, told = plan(place, "--suite", "sop/refund", "--cases", "20", "--epochs", "1")
    assert done.returncode == 3 and told["metrics"]["success"]["n"] == 20
    assert "with 20 cases no drop below" in told["metrics"]["success"]["reason"]


def test_a_metric_that_few_cases_have_needs_more_of_all(place: Path) -> None:
    (place / "path.toml").write_text("[margins]\nsuccess = 0.1\npath = 0.1\n")
    _, told = plan(place, "--suite", "sop/refund", "--policy", "path.toml", "--epochs", "5")
    success, path = told["metrics"]["success"], told["metrics"]["path"]
    assert path["n"] < success["n"] and path["fewest"] > success["fewest"]


def test_one_branch_can_never_show_what_others_are_like(place: Path) -> None:
    done = samescore("plan", "--cases", "500", "--branches", "1", cwd=place)
    assert done.returncode == 3 and "all cases are of one branch" in done.stdout


def test_few_branches_declared_alike_are_never_enough(place: Path) -> None:
    done, told = plan(place, "--branches", "3", "--margin", "0.02")
    assert done.returncode == 3
    assert told["metrics"]["success"]["fewest"] is None
    assert "Take cases of more branches" in told["metrics"]["success"]["reason"]


def test_a_claim_about_these_branches_alone_needs_fewer_cases(place: Path) -> None:
    (place / "these.toml").write_text('branches = "population"\n')
    _, told = plan(place, "--suite", "sop/refund", "--policy", "these.toml", "--epochs", "1")
    success = told["metrics"]["success"]
    assert success["fewest"] == 59 and success["branches"] is None
    assert any("whole population" in line for line in told["told"])


def test_a_run_of_several_epochs_shows_how_much_its_scores_vary(place: Path) -> None:
    done, told = plan(place, "random", "--policy", "gate.toml", "--epochs", "2")
    assert done.returncode == 3 and told["alpha"] == 0.1 and told["cases"] == 24
    restraint = told["metrics"]["restraint"]
    assert restraint["variance"]["within"] > 0.01 and restraint["variance"]["between"] == 0
    success = told["metrics"]["success"]["variance"]
    assert success == {"within": 0.025, "between": 0.0}, "no success at all shows nothing of how it varies"
    assert any("nothing varies in the pilot" in line and "(success)" in line for line in told["told"])
    assert any("one pilot run shows chance alone" in line for line in told["told"])


def test_two_runs_show_what_really_differs(place: Path) -> None:
    """To refuse is the right outcome in some cases: no number of epochs averages that out."""
    (place / "outcome.toml").write_text("[margins]\nsuccess = 0.05\noutcome = 0.1\n")
    _, told = plan(place, "greedy", "refusing", "--policy", "outcome.toml", "--epochs", "2")
    variance = told["metrics"]["outcome"]["variance"]
    assert variance["between"] > 0.01 and variance["within"] == 0
    assert any("do not show what more epochs would save" in line for line in told["told"])
    _, told = plan(place, "random", "first", "--policy", "gate.toml", "--epochs", "2")
    assert told["metrics"]["restraint"]["variance"]["within"] > 0
    assert not any("shows chance alone" in line or "more epochs would save" in line for line in told["told"])


def test_beside_each_answer_stands_its_churn_and_where_that_is_from(place: Path) -> None:
    def said(*arguments: str) -> tuple[str, Any]:
        text = samescore("plan", *arguments, "--epochs", "1", cwd=place).stdout
        return text, plan(place, *arguments, "--epochs", "1")[1]["metrics"]["outcome"]["churn"]

    (place / "churn.toml").write_text("[margins]\nsuccess = 0.05\noutcome = 0.1\n")
    policy = ("--suite", "sop/refund", "--policy", "churn.toml")
    text, churn = said(*policy)
    assert re.search(r"^outcome, margin 0\.1, .*, churn 0\.05 assumed$", text, re.MULTILINE)
    assert churn == {"value": 0.05, "assumed": True} and "two adapters often differ in several times as many" in text
    text, churn = said(*policy, "--churn", "0.2")
    assert "churn 0.2 assumed" in text and "several times" not in text
    text, churn = said("greedy", "refusing", *policy)
    runs = [json.loads((place / name / "scores.json").read_bytes())["rows"] for name in ("greedy", "refusing")]
    outcomes = [[row["scores"]["outcome"] for row in rows] for rows in runs]
    differ = [one != other for one, other in zip(*outcomes, strict=True)]
    assert not churn["assumed"]
    share = sum(differ) / len(differ)
    assert churn["value"] == pytest.approx(share * (1 - share) * 24 / 23), "the variance of drops that are 0 or 1"
    assert re.search(r"^outcome, margin 0\.1, .*, churn 0\.\d+ as in the pilot$", text, re.MULTILINE)


def test_what_was_said_of_churn_stands_over_the_pilot(place: Path) -> None:
    _, told = plan(place, "random", "--policy", "gate.toml", "--churn", "0.3", "--epochs", "9")
    assert told["metrics"]["restraint"]["variance"] == {"within": 0.15, "between": 0.0}


def test_one_epoch_shows_nothing_and_says_so(place: Path) -> None:
    _, told = plan(place, "greedy", "--epochs", "1")
    assert told["metrics"]["success"]["variance"]["within"] == 0.025
    assert any("one epoch" in line and "give two runs" in line for line in told["told"])


def test_a_pilot_may_plan_another_suite(place: Path) -> None:
    _, told = plan(place, "random", "--suite", "sop/exchange", "--policy", "gate.toml", "--epochs", "1")
    assert told["cases"] > 100 and told["metrics"]["restraint"]["variance"]["within"] != 0.025


def test_looks_are_planned_and_which_of_them_can_pass(place: Path) -> None:
    _, told = plan(place, "--cases", "300", "--looks", "4", "--epochs", "1")
    assert told["looks"]["ends"] == [75, 150, 225, 300]
    assert told["looks"]["level"] == pytest.approx(0.01935, abs=1e-5)
    assert told["looks"]["fewest"] == 82 and told["looks"]["first"] == 2
    text = samescore("plan", "--cases", "300", "--looks", "4", "--epochs", "1", cwd=place).stdout
    assert "a pass is possible from look 2 on, which takes 82 cases" in " ".join(text.split())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--margin", "1"), 2, ("--margin", "between 0 and 1")),
        (("--looks", "4"), 2, ("--looks", "--cases N")),
        (("--looks", "9", "--cases", "5"), 2, ("--looks", "with a new case for each")),
        (("--branches", "300", "--cases", "200"), 2, ("--branches 300", "200 cases", "at least 300 cases")),
        (("--branches", "3", "--suite", "sop"), 2, ("--branches", "Leave it out")),
        (("--split", "dev"), 2, ("--split", "--suite NAME")),
        (("--suite", "sop/refnd"), 2, ("sop/refund",)),
        (("nowhere",), 2, ("nowhere", "no run here")),
        (("random", "first", "greedy"), 2, ("3 pilot runs",)),
        (("random", "greedy"), 4, ("temperature", "cannot be one pilot")),
        (("half",), 5, ("a pilot must be complete", "--resume")),
        (("--policy", "nothing.toml"), 2, ("nothing.toml",)),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    place: Path, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    fails(samescore("plan", *arguments, cwd=place), code, *words)


def test_a_metric_that_no_case_has_is_named() -> None:
    policy = Policy(margins={"success": 0.05, "path": 0.05})
    known = Known(4, {"success": ["a", "a", "b", "b"], "format": ["a", "a", "b", "b"]})
    with pytest.raises(UsageError, match=r"gives path a margin, and no case has that metric.*format, success"):
        planned(known, policy, 4)
