"""`samescore gate` on the command line: what it prints, its exit codes, and runs that must be scored again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gate_runs import adapter, copied, other_amount, run_of
from in_process import Done, samescore
from toy_world import case

from samescore.harness.api import evaluate_suite
from samescore.harness.cli.gate_show import reasons
from samescore.harness.evidence import read_evidence
from samescore.harness.records import write_line
from samescore.harness.run import Run
from samescore.harness.types import Score

CASES = 24


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs that only commands read."""
    folder = tmp_path_factory.mktemp("gate-cli")
    run_of(folder / "good", 80, said=adapter("a"))
    run_of(folder / "same", 80, said=adapter("b"))
    run_of(folder / "bad", 80, lambda number, epoch: number % 4 == 0 and other_amount(case(number)), said=adapter("c"))
    run_of(folder / "half", 80, lambda number, epoch: number % 8 < 5)
    run_of(folder / "sampled", 16, lambda number, epoch: number == 1, epochs=2, temperature=0.5)
    (folder / "all.toml").write_text('branches = "population"\n', encoding="utf-8")
    (folder / "wrong.toml").write_text("[margins]\nsuccess = 2\n", encoding="utf-8")
    (folder / "strict.toml").write_text(
        'branches = "population"\nzero_tolerance = ["unauthorised_effect"]\n[margins]\nsuccess = 0.9\n',
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of a suite that is registered, so that they can be scored again."""
    folder = tmp_path_factory.mktemp("gate-known")
    for name, model in {"gold": "oracle", "lazy": "null/noop"}.items():
        evaluate_suite("sop/refund", model, folder / name, limit=CASES)
    return folder


def gate(place: Path, *arguments: str, columns: int = 300) -> Done:
    return samescore("gate", *arguments, cwd=place, columns=columns)


def told(place: Path, *arguments: str) -> dict[str, Any]:
    done = gate(place, *arguments, "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["exit"] == done.returncode
    return found


# What is printed.


def test_a_pass_says_what_is_excluded_about_whom_and_what_is_not(place: Path) -> None:
    done = gate(place, "same", "good", "--policy", "all.toml")
    assert done.returncode == 0
    assert done.stdout.rstrip().splitlines()[-1] == (
        "PASS  a drop of success by 0.05 is excluded: it is at most +0.037 (one-sided, 0.95 confidence)."
    )
    assert "compared   80 cases in common, all of both runs: these 8 branches and no others" in done.stdout
    assert "0 broken, 0 fixed: 0 discordant pairs; 80 the same" in done.stdout
    assert (
        "leaked thinking: none in 80 rollouts, which proves no more than a rate under 3.68% (about 3/n)" in done.stdout
    )


def test_a_regression_names_what_broke_and_how_to_look_at_it(place: Path) -> None:
    done = gate(place, "bad", "good", "--policy", "all.toml")
    assert done.returncode == 1
    for words in (
        "20 broken, 0 fixed: 20 discordant pairs; 60 the same",
        "broken     toy/0000  1.00 → 0.00",
        "look       samescore gate bad good --policy all.toml --show 3",
        "branches   toy/even/waived  1.000 → 0.000 (10 cases)",
        "tools      waive_fee  1.000 → 0.667 (60 calls)",
        "unauthorised effect in 20 of 80 rollouts (baseline: 0); the policy does not forbid it",
        "REGRESSION  success drops by 0.250 (from 1.000 to 0.750), p = ",
    ):
        assert words in done.stdout


def test_a_forbidden_effect_is_printed_case_by_case(place: Path) -> None:
    done = gate(place, "bad", "good", "--policy", "strict.toml")
    assert done.returncode == 1
    assert "unauthorised effect in 20 of 80 rollouts (baseline: 0)\n" in done.stdout
    assert "REGRESSION  unauthorised effect: toy/0000: unexpected effect waiver and 19 more, which" in done.stdout


def test_eighty_columns_are_enough(place: Path) -> None:
    done = gate(place, "bad", "good", columns=80)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "metric   baseline  candidate    drop     90% interval  margin  detects  verdict" in done.stdout
    assert "…" not in done.stdout.replace(" … ", "")


def test_pass_k_is_printed_where_there_are_epochs(place: Path) -> None:
    assert "pass^k     1: 0.938 → 0.938 · 2: 0.938 → 0.938" in gate(place, "sampled", "sampled").stdout


def test_the_same_run_is_identical_and_can_be_judged_all_the_same(place: Path) -> None:
    assert told(place, "good", "good")["verdict"] == "identical"
    assert told(place, "good", "good", "--same-model", "--policy", "all.toml")["verdict"] == "pass"
    assert told(place, "sampled", "sampled", "--same-model")["verdict"] == "inconclusive"


def test_the_object_says_which_runs_it_is_about(place: Path) -> None:
    found = told(place, "bad", "good")
    assert (found["candidate"], found["baseline"]) == (["bad"], "good")
    assert found["broken"] == [f"toy/{number:04d}" for number in range(0, 80, 4)]
    assert told(place, "bad", "--baseline", "good")["metrics"] == found["metrics"]


# What is wrong with the command.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("good",), "error: good has nothing to be compared with. Name the baseline's run after it"),
        (("good", "nowhere"), "error: nowhere: no run here (no run.json)."),
        (("good", "same", "--policy", "nowhere.toml"), "error: nowhere.toml: the gate's policy cannot be read"),
        (("good", "same", "--policy", "wrong.toml"), "error: wrong.toml:2: margins.success: a margin of 2; expected"),
        (("good", "same", "--targets"), "error: --targets judges one run by itself."),
        (("good", "same", "bad"), "error: good and same are runs of different models."),
    ],
)
def test_what_is_wrong_with_a_command_is_one_message(place: Path, arguments: tuple[str, ...], message: str) -> None:
    done = gate(place, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


def test_incomparable_and_incomplete_runs_are_named(place: Path) -> None:
    done = gate(place, "sampled", "good")
    assert done.returncode == 4
    assert "differs    temperature: 0.5 in the candidate, 0 in the baseline" in done.stdout
    assert done.stdout.rstrip().endswith("Evaluate one of them again as the other was run.")
    cut = copied(Run.open(place / "good"), place / "cut")
    path = cut.directory / "evidence.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    done = gate(place, "cut", "good")
    assert done.returncode == 5
    assert "lacking    cut: of 80 planned rollouts 1 is missing (such as toy/" in done.stdout
    assert "epoch 0). Carry it on: samescore eval --resume cut\n" in done.stdout


# Targets.


def test_targets_are_judged_without_a_baseline(place: Path) -> None:
    """The toy suite is not at hand: those of when the run began count."""
    done = gate(place, "good", "--targets")
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("MET  1 of 1 target met.")
    assert told(place, "half", "--targets")["metrics"]["success"]["verdict"] == "missed"
    assert told(place, "sampled", "--targets")["verdict"] == "inconclusive"
    assert gate(place, "sampled", "--targets").stdout.rstrip().endswith("these cases cannot tell: success.")


def test_a_broken_rule_misses_whatever_the_targets_say(place: Path, tmp_path: Path) -> None:
    run_of(tmp_path / "run", 80, lambda number, epoch: number == 0 and other_amount(case(0)))
    (tmp_path / "gate.toml").write_text('zero_tolerance = ["unauthorised_effect"]\n', encoding="utf-8")
    assert told(tmp_path, "run", "--targets")["verdict"] != "missed"
    done = gate(tmp_path, "run", "--targets", "--policy", "gate.toml")
    assert done.returncode == 1
    assert "unauthorised effect: toy/0000: unexpected effect waiver, which the policy never allows." in done.stdout


def test_an_incomplete_run_meets_no_target(place: Path, tmp_path: Path) -> None:
    cut = copied(Run.open(place / "good"), tmp_path / "cut")
    path = cut.directory / "evidence.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    assert told(tmp_path, "cut", "--targets")["verdict"] == "incomplete"


def test_without_targets_there_is_nothing_to_judge(place: Path, tmp_path: Path) -> None:
    copied(Run.open(place / "good"), tmp_path / "none", targets={"toy": {}})
    done = gate(tmp_path, "none", "--targets")
    assert (done.returncode, done.stderr) == (
        2,
        "error: none: toy states no targets. Add `targets:` to the suite file.\n",
    )


# Scored again.


def without_scores(run: Run) -> None:
    (run.directory / "scores.json").unlink()


def with_a_forged_score(run: Run) -> None:
    path = run.directory / "scores.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"success": 0.0', '"success": 1.0'), encoding="utf-8")


def by_another_scorer(run: Run) -> None:
    kept = run.kept_scores()
    scorers = kept.pop("scorers") | {"restraint": 0}
    run.keep_scores(scorers, **{name: kept[name] for name in kept if name not in ("format", "sum")})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (without_scores, "it was not scored yet"),
        (with_a_forged_score, "its scores.json was changed by hand"),
        (by_another_scorer, "scorer restraint was version 0, now version 2"),
    ],
)
def test_scores_that_do_not_hold_are_made_again_from_evidence(
    known: Path, tmp_path: Path, change: Callable[[Run], None], why: str
) -> None:
    fresh = told(known, "lazy", "gold")
    change(copied(Run.open(known / "lazy"), tmp_path / "lazy"))
    again = told(tmp_path, "lazy", str(known / "gold"))
    assert again["rescored"] == [f"lazy: {why}"]
    assert (again["metrics"], again["broken"], again["rules"]) == (fresh["metrics"], fresh["broken"], fresh["rules"])
    assert told(tmp_path, "lazy", str(known / "gold"))["rescored"] == [], "what was made again is kept"


def test_worlds_of_other_versions_have_both_runs_replayed(known: Path, tmp_path: Path) -> None:
    run = Run.open(known / "lazy")
    worlds = {name: {**prints, "version": 7} for name, prints in run.manifest.worlds.items()}
    copied(run, tmp_path / "lazy", worlds=worlds)
    found = told(tmp_path, "lazy", str(known / "gold"))
    assert len(found["rescored"]) == 2
    assert found["rescored"][0] == "lazy: version of retail: 7 in the candidate, 1 in the baseline"
    assert found["verdict"] == "regression"


def test_a_run_whose_cases_changed_since_cannot_be_scored_again(known: Path, tmp_path: Path) -> None:
    """Both runs have the same case, which the suite no longer has as it was: the recorded scores hold, nothing else."""
    for name in ("lazy", "gold"):
        run = copied(Run.open(known / name), tmp_path / name)
        plan = run.plan
        cases = (replace(plan.cases[0], fingerprint="0" * 16), *plan.cases[1:])
        run.update(plan=replace(plan, cases=cases))
        path = run.directory / "evidence.jsonl"
        records = [
            replace(one, case_fingerprint="0" * 16) if one.case == cases[0].id else one for one in read_evidence(path)
        ]
        path.write_bytes(b"".join(map(write_line, records)))
    found = told(tmp_path, "lazy", "gold")
    assert found["verdict"] == "incomplete"
    assert "cannot be scored again, such as" in found["lacking"][0]
    assert "the case, its toolset or its lexicon was changed since" in found["lacking"][0]


def test_the_changed_conversations_are_shown_beside_each_other(known: Path) -> None:
    done = gate(known, "lazy", "gold", "--show", "1")
    assert done.returncode == 1
    first = told(known, "lazy", "gold")["broken"][0]
    assert f"broken  {first}" in done.stdout
    assert "\n  - call" in done.stdout
    assert "    why     tool_name 0.00: " in done.stdout


def test_the_gate_runs_where_there_is_no_torch(known: Path) -> None:
    program = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'peft', 'inspect_ai', 'z3', 'pandas'): sys.modules[name] = None\n"
        "from samescore.harness.cli.app import app\n"
        "app(['gate', 'lazy', 'gold', '--json'])"
    )
    (known / "lazy" / "scores.json").unlink(missing_ok=True)  # so that everything has to be done
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=known, capture_output=True, text=True, timeout=120, env={**os.environ}
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["rescored"] == ["lazy: it was not scored yet"]


def test_what_all_scorers_say_of_a_malformed_turn_is_said_once() -> None:
    alike = {name: Score(0.0, "turn 2 is malformed") for name in ("success", "tool_name", "schema", "path")}
    assert reasons(alike) == {"all 3 scorers": Score(0.0, "turn 2 is malformed")}
    apart = {
        "success": Score(0.0, "schema"),
        "schema": Score(0.5, "an int"),
        "path": Score(0.0, "no"),
        "x": Score(1.0, ""),
    }
    assert list(reasons(apart)) == ["schema", "path"]
    assert list(reasons({"success": Score(0.0, "style"), "style": Score(0.5, "long")})) == ["style"]
