"""The pytest plugin: files of cases become tests, the selected ones are one run, and a test says what its case did."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as xml
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from in_process import samescore
from pytest_projects import FEW, NUMBERS, manifest, played, pytest_apart, pytest_in, the_run, with_suite

from samescore.harness.case import Case
from samescore.harness.policy import Sampling
from samescore.harness.pytest_plugin.threshold import pass_hat
from samescore.harness.run import Run
from samescore.harness.types import Message
from samescore.suites.case_file import add_cases
from samescore.suites.catalog import load_suite

pytest_plugins = ["pytester"]


@pytest.fixture
def courier(pytester: pytest.Pytester) -> Path:
    """The starter's folder in a project of its own."""
    return with_suite(pytester.path)


def names_in(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


# What is a test


def test_each_case_is_a_test_named_by_its_procedure_and_branch(pytester: pytest.Pytester, courier: Path) -> None:
    result = pytest_in(pytester, "--samescore-model", "oracle", "--collect-only", "-q", "courier")
    names = names_in(result)
    assert len(set(names)) == len(names) == 64
    assert names[0] == "courier/suite.yaml::parcel/unknown>no_such_parcel[en/001]"
    assert all(re.fullmatch(r"courier/suite\.yaml::parcel/[\w./]+>[\w.]+\[(en|vi)/\d{3}\]", name) for name in names)
    assert not (pytester.path / ".pytest_cache" / "d" / "samescore").exists() or not any(
        (pytester.path / ".pytest_cache" / "d" / "samescore").iterdir()
    )


def test_a_procedure_and_a_branch_may_be_named(pytester: pytest.Pytester, courier: Path) -> None:
    for argument, file, count in (
        ("courier/sops", "courier/sops/parcel.yaml", 64),
        ("courier/sops/parcel.yaml", "courier/sops/parcel.yaml", 64),
        ("courier/suite.yaml::parcel/moving/late>searching", "courier/suite.yaml", 4),
        ("courier/suite.yaml::parcel/moving/late>searching[vi/004]", "courier/suite.yaml", 1),
    ):
        names = names_in(pytest_in(pytester, "--samescore-model", "oracle", "--collect-only", "-q", argument))
        assert len(names) >= count == len(names) or argument.endswith("searching")
        assert names and {name.partition("::")[0] for name in names} == {file}


def test_a_procedure_is_judged_as_its_suite_file_says(pytester: pytest.Pytester, courier: Path) -> None:
    for argument in ("courier/sops/parcel.yaml", "courier/suite.yaml"):
        pytest_in(pytester, "--samescore-model", "oracle", "--samescore-out", argument[-8:], argument, "-k", "en/001")
    of_procedure, of_suite = (manifest(pytester.path / name)["plan"] for name in ("cel.yaml", "ite.yaml"))
    assert of_procedure == of_suite  # the suite's style guide is part of each case


def test_a_case_file_is_a_file_of_tests(pytester: pytest.Pytester, courier: Path) -> None:
    harder = load_suite("adversarial/courier")
    add_cases(Path("found.jsonl"), harder.cases[:5], harder.worlds, {"courier": courier / "world.py:WORLD"})
    result = pytest_in(pytester, "--samescore-model", "oracle", "found.jsonl", "-v")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["found.jsonl::parcel/*[[]en/*+*] PASSED*"])
    wrong = pytest_in(pytester, "--samescore-model", "oracle", "--samescore-procedure", "prompt", "found.jsonl")
    wrong.stdout.fnmatch_lines(["*found.jsonl: --samescore-procedure prompt: the cases of this file stand as*"])


def test_other_files_are_left_alone_unless_they_are_named(pytester: pytest.Pytester, courier: Path) -> None:
    (courier / "ci.yaml").write_text("on: push\njobs: {}\n")
    (courier / "broken.yml").write_text("a: [\n\tworld:")
    (courier / "latin.yaml").write_bytes(b"sop: caf\xe9\nworld: x\n")
    (courier / "data.jsonl").write_text('{"world": 1}\n')
    result = pytest_in(pytester, "--samescore-model", "oracle", "courier", "-q", "-k", "en/001")
    assert result.parseoutcomes() == {"passed": 1, "deselected": 63}
    for name in ("ci.yaml", "broken.yml", "latin.yaml", "data.jsonl", "sops/parcel.phrases.yaml"):
        refused = pytest_in(pytester, "--samescore-model", "oracle", f"courier/{name}")
        assert refused.ret is pytest.ExitCode.USAGE_ERROR
        (message,) = [line for line in refused.errlines if line]
        assert message.startswith(f"ERROR: courier/{name}: this is no procedure, suite file or case file: ")


def test_a_wrong_file_is_one_message_of_collection(pytester: pytest.Pytester, courier: Path) -> None:
    suite = courier / "suite.yaml"
    whole = suite.read_text(encoding="utf-8")
    for text, message in (
        (f"{whole}colour: red\n", "courier/suite.yaml:*: unknown key 'colour'*"),
        (
            whole.replace("world.py:WORLD", "there.py:WORLD"),
            "courier/suite.yaml:3: world: there is no courier/there.py*",
        ),
    ):
        suite.write_text(text, encoding="utf-8")
        result = pytest_in(pytester, "--samescore-model", "oracle", "courier")
        assert result.ret is pytest.ExitCode.INTERRUPTED and result.parseoutcomes() == {"errors": 1}
        result.stdout.fnmatch_lines(["*ERROR collecting courier/suite.yaml*", message])
        result.stdout.no_fnmatch_line("*Traceback*")
        result.stdout.no_fnmatch_line("*samescore: *")  # nothing was asked of the model
    result = pytest_in(pytester, "--samescore-model", "oracle", "courier/sops")
    result.stdout.fnmatch_lines(["*ERROR collecting courier/sops/parcel.yaml*", "*there is no *there.py*"])


def test_a_stale_lock_is_one_message_of_collection(pytester: pytest.Pytester, courier: Path) -> None:
    procedure = courier / "sops" / "parcel.yaml"
    procedure.write_text(procedure.read_text(encoding="utf-8").replace("version: 1", "version: 2"), encoding="utf-8")
    result = pytest_in(pytester, "--samescore-model", "oracle", "courier")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*ERROR collecting courier/suite.yaml*", "*parcel.eval.jsonl*stale*"])


def test_two_suites_with_cases_of_one_id_are_refused(pytester: pytest.Pytester, courier: Path) -> None:
    other = with_suite(pytester.path, "other")
    pytest_in(pytester, "--samescore-model", "oracle", "-q", "-k", "en/001").assert_outcomes(passed=2, deselected=126)
    suite = other / "suite.yaml"
    suite.write_text(suite.read_text(encoding="utf-8").replace("words: 60", "words: 50"), encoding="utf-8")
    result = pytest_in(pytester, "--samescore-model", "oracle", "-q", "-k", "en/001")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: two cases are called 'courier/parcel/eval/en/001', the other one in other/*"])


# One run of what was selected


def test_the_selected_cases_are_one_run_before_the_first_test(pytester: pytest.Pytester, courier: Path) -> None:
    (pytester.path / "test_first.py").write_text("def test_first(): pass")
    selected = ("test_first.py", "courier", "-k", f"{FEW} or first")
    result = pytest_in(pytester, "--samescore-model", "oracle", "-v", *selected)
    assert result.parseoutcomes() == {"passed": 10, "deselected": 55}
    run = the_run(pytester.path)
    told = next(at for at, line in enumerate(result.outlines) if line.startswith("samescore: 9 cases with oracle, "))
    first = next(at for at, line in enumerate(result.outlines) if "::test_first PASSED" in line)
    assert told < first and str(run.relative_to(pytester.path)) in result.outlines[told]
    result.stdout.fnmatch_lines(["evidence: *pytest-oracle (9 cases, a run for `samescore score`)"])
    planned = manifest(run)
    assert [case["id"][-3:] for case in planned["plan"]["cases"]] == NUMBERS
    assert planned["status"] == "complete" and planned["plan"]["limit"] == 9
    whole = manifest(played(pytester.path / "whole", gold, "courier"))["plan"]["suites"][0]
    assert planned["plan"]["suites"][0]["name"] == whole["name"] == "courier"


def gold(case: Case, sampling: Sampling) -> Iterator[Message | str]:
    return iter(case.gold)


def test_the_evidence_is_that_of_eval_and_is_scored_again(pytester: pytest.Pytester, courier: Path) -> None:
    pytest_in(pytester, "--samescore-model", "null/noop", "courier", "-q", "--samescore-out", "mine")
    samescore("eval", "courier", "--model", "null/noop", "--out", "theirs", cwd=pytester.path)
    mine, theirs = (Run.open(pytester.path / name) for name in ("mine", "theirs"))
    assert mine.plan == theirs.plan and mine.manifest.sources == theirs.manifest.sources | {
        "courier": "courier/suite.yaml"
    }
    assert [(record.turns, record.stop, record.end_digest) for record in mine.records()] == [
        (record.turns, record.stop, record.end_digest) for record in theirs.records()
    ]
    done = samescore("score", "mine", cwd=pytester.path)
    assert done.returncode == 0 and "success" in done.stdout


def test_without_a_cache_the_evidence_goes_where_runs_go(pytester: pytest.Pytester, courier: Path) -> None:
    pytest_in(pytester, "--samescore-model", "oracle", "courier", "-q", "-k", "en/001", "-p", "no:cacheprovider")
    (run,) = (pytester.path / "runs").iterdir()
    assert manifest(run)["status"] == "complete"


def test_after_the_first_failure_nothing_more_is_reported_and_all_is_kept(
    pytester: pytest.Pytester, courier: Path
) -> None:
    result = pytest_in(pytester, "--samescore-model", "null/refuse", "courier", "-q", "-x", "-k", FEW)
    assert result.parseoutcomes() == {"failed": 1, "deselected": 55}
    assert len(Run.open(the_run(pytester.path)).records()) == 9


def test_what_failed_last_is_what_is_run_next(pytester: pytest.Pytester, courier: Path) -> None:
    pytest_in(pytester, "--samescore-model", "null/noop", "courier", "-q", "-k", "en/004 or en/007")
    result = pytest_in(pytester, "--samescore-model", "oracle", "courier", "-q", "--lf", "--samescore-out", "again")
    assert result.parseoutcomes() == {"passed": 2}
    assert [case["id"][-6:] for case in manifest(pytester.path / "again")["plan"]["cases"]] == ["en/004", "en/007"]


# What a test says


def test_a_failure_shows_the_conversation_and_what_was_expected(pytester: pytest.Pytester, courier: Path) -> None:
    def wrong(case: Case, sampling: Sampling) -> Iterator[Message | str]:
        yield case.gold[0]
        yield Message("assistant", "All \x1b[31mdone\x1b[0m!", thinking="x")

    played(pytester.path / "played", wrong, "courier")
    result = pytest_in(pytester, "--samescore-model", "replay/played", "courier", "-k", "en/005")
    result.assert_outcomes(failed=1, deselected=63)
    result.stdout.fnmatch_lines(
        [
            "*parcel/moving/lost/small>paid[[]en/005] *",
            "tool_name: pay_compensation not called",
            "courier/parcel/eval/en/005 (en)",
            "  user *P-78565*",
            '  call    get_parcel(parcel_id="P-78565")',
            '  result  {"status": "in_transit"*',
            "  agent   All \\x1b[[]31mdone*",
            "turn 2",
            '  expected  pay_compensation(*parcel_id="P-78565"*',
            "  got *All*done*",
            "  why *tool_name 0.50: pay_compensation not called",
            "FAILED *en/005] - *",
        ]
    )
    assert "\x1b[31m" not in result.stdout.str()
    result.stdout.no_fnmatch_line("*  tool  *")


def test_epochs_count_towards_pass_k(pytester: pytest.Pytester, courier: Path) -> None:
    count = itertools.count()

    def three_of_four(case: Case, sampling: Sampling) -> Iterator[Message | str]:
        return iter(case.gold) if next(count) % 4 else iter(["We cannot do that, sorry."])

    played(pytester.path / "played", three_of_four, "courier", epochs=4)
    replay = ("--samescore-model", "replay/played", "courier", "-q", "-k", "en/001", "--samescore-epochs", "4")
    seen = pytest_in(pytester, *replay)
    seen.assert_outcomes(failed=1, deselected=63)
    right = int(re.search(r"(\d) of 4 epochs right: pass\^1 is ", seen.stdout.str())[1])  # type: ignore[index]
    assert 0 < right < 4
    reached = pass_hat(right, 4, 2)
    for threshold, outcome in ((reached, {"passed": 1}), (reached + 0.01, {"failed": 1})):
        judged = pytest_in(
            pytester, *replay, "--samescore-pass-k", "2", "--samescore-threshold", repr(max(threshold, 0.001))
        )
        assert judged.parseoutcomes() == outcome | {"deselected": 63}
    judged.stdout.fnmatch_lines([f"{right} of 4 epochs right: pass^2 is {reached:.3f}, expected *"])
    judged.stdout.fnmatch_lines(["*. The first that was wrong: *"])


@given(
    st.integers(1, 8).flatmap(lambda n: st.tuples(st.lists(st.booleans(), min_size=n, max_size=n), st.integers(1, n)))
)
def test_pass_k_is_the_share_of_choices_of_k_epochs_that_all_succeed(drawn: tuple[list[bool], int]) -> None:
    epochs, k = drawn
    choices = list(itertools.combinations(epochs, k))
    assert pass_hat(sum(epochs), len(epochs), k) == pytest.approx(sum(map(all, choices)) / len(choices))


@pytest.mark.parametrize(("successes", "epochs", "k"), [(0, 0, 1), (1, 2, 3), (1, 2, 0), (3, 2, 1), (-1, 2, 1)])
def test_pass_k_of_fewer_epochs_is_not_made_up(successes: int, epochs: int, k: int) -> None:
    with pytest.raises(ValueError, match="not defined"):
        pass_hat(successes, epochs, k)


def test_a_rollout_that_could_not_be_had_is_an_error_and_no_failure(pytester: pytest.Pytester, courier: Path) -> None:
    played(pytester.path / "played", gold, "courier")
    arguments = ("--samescore-model", "replay/played", "courier", "-q", "--junitxml", "junit.xml")
    result = pytest_in(pytester, *arguments, "-k", "en/009 or en/010 or en/011")
    result.assert_outcomes(passed=1, errors=2, deselected=61)
    result.stdout.fnmatch_lines(["policy: played has no rollout of case courier/parcel/eval/en/010*"])
    suite = xml.parse(pytester.path / "junit.xml").getroot()[0]
    assert (suite.get("errors"), suite.get("failures"), suite.get("tests")) == ("2", "0", "3")


def test_a_model_that_is_gone_leaves_errors_that_say_so(pytester: pytest.Pytester, courier: Path) -> None:
    played(pytester.path / "played", gold, "courier")
    result = pytest_in(pytester, "--samescore-model", "replay/played", "courier", "-q", "--samescore-epochs", "4")
    assert result.parseoutcomes()["errors"] > 50 and "failed" not in result.parseoutcomes()
    result.stdout.fnmatch_lines(["[1-4] of 4 epochs ended in an error: policy: played has no rollout of case *"])
    result.stdout.fnmatch_lines(["[1-4] of 4 rollouts never ran: the model crashed 5 times in a row, last: policy: *"])
    assert manifest(the_run(pytester.path))["status"] == "incomplete"


def test_a_crash_of_the_world_is_an_error_of_its_case(pytester: pytest.Pytester, courier: Path) -> None:
    world = courier / "world.py"
    text = world.read_text(encoding="utf-8")
    at = text.index("    search_id =", text.index("def start_search"))
    world.write_text(f"{text[:at]}    1 / 0\n{text[at:]}", encoding="utf-8")
    result = pytest_in(pytester, "--samescore-model", "oracle", "courier", "-q", "-k", "en/004 or en/005")
    result.assert_outcomes(passed=1, errors=1, deselected=62)
    result.stdout.fnmatch_lines(["world: *start_search*ZeroDivisionError*"])


def test_the_summary_has_a_line_for_each_failure_in_ci_too(
    pytester: pytest.Pytester, courier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    result = pytest_in(pytester, "--samescore-model", "null/noop", "courier", "-q", "-k", "en/004")
    assert result.stdout.lines[-2].endswith("[en/004] - Failed: tool_name: get_parcel, start_search not called")
    assert str(result.stdout).count("Your request has been taken care of.") == 2


def test_junit_has_failures_with_their_conversations(pytester: pytest.Pytester, courier: Path) -> None:
    pytest_in(pytester, "--samescore-model", "null/noop", "courier", "-q", "-k", "en/004", "--junitxml", "junit.xml")
    (case,) = xml.parse(pytester.path / "junit.xml").getroot().iter("testcase")
    assert (case.get("classname"), case.get("name")) == ("courier.suite.yaml", "parcel/moving/late>searching[en/004]")
    properties = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert properties["samescore_case"] == "courier/parcel/eval/en/004" and properties["pass^1"] == "0.000"
    assert properties["samescore_run"] == str(the_run(pytester.path))
    (failure,) = case.iter("failure")
    assert failure.get("message") == "Failed: tool_name: get_parcel, start_search not called"
    assert failure.text is not None and "  agent   Your request has been taken care of." in failure.text


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--samescore-adapter x", "--samescore-adapter: no model is named. Add --samescore-model NAME."),
        ("--samescore-epochs 2 --samescore-out y", "--samescore-epochs, --samescore-out: no model is named. "),
        ("--samescore-model tinny", "unknown model 'tinny'. Did you mean 'tiny'? Known: "),
        ("--samescore-model hf/", "unknown model 'hf/'. "),
        ("--samescore-model oracle --samescore-adapter x", "--samescore-adapter does not go with model 'oracle': "),
        ("--samescore-model tiny --samescore-adapter nope", "unknown adapter 'nope'. Known: "),
        ("--samescore-model tiny --samescore-adapter courier", "courier is no PEFT adapter: it has no adapter_config"),
        ("--samescore-model tiny --samescore-device gpu", "--samescore-device: expected auto, cpu, cuda or cuda:N, "),
        ("--samescore-model replay/none", "none: no run here (no run.json). "),
        ("--samescore-model oracle --samescore-epochs 0", "--samescore-epochs: expected 1 or more, found 0."),
        (
            "--samescore-model oracle --samescore-pass-k 2",
            "--samescore-pass-k: expected a number from 1 to the ",
        ),
        (
            "--samescore-model oracle --samescore-threshold 0",
            "--samescore-threshold: expected a number above 0, ",
        ),
        (
            "--samescore-model oracle --samescore-temperature 11",
            "--samescore-temperature: expected a number from 0 to ",
        ),
        ("--samescore-model oracle --samescore-out old", "--samescore-out /*/old: there is a run here already. "),
    ],
)
def test_a_wrong_command_is_one_message(pytester: pytest.Pytester, courier: Path, options: str, message: str) -> None:
    (pytester.path / "old").mkdir()
    (pytester.path / "old" / "run.json").write_text("{}")
    result = pytest_in(pytester, *options.split(), "courier", "-k", "en/001")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert fnmatch(line, f"ERROR: {message}*")
    result.stdout.no_fnmatch_line("*samescore: *")


def test_a_directory_that_cannot_be_made_ends_the_session(pytester: pytest.Pytester, courier: Path) -> None:
    (pytester.path / "file").write_text("")
    result = pytest_in(pytester, "--samescore-model", "oracle", "--samescore-out", "file/run", "courier")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --samescore-out *file/run: the run's directory cannot be made: *file is a file.*"]
    )


# xdist


def test_workers_replay_what_the_controller_had_and_recorded(pytester: pytest.Pytester, courier: Path) -> None:
    (pytester.path / "test_hand.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('case', ['en/024', 'en/025'])\n"
        "def test_written(run_case, case, request):\n"
        "    session = request.config.pluginmanager.get_plugin('samescore-session')\n"
        "    assert not hasattr(session, 'model')  # it is in the controller alone\n"
        "    run_case('courier', f'courier/parcel/eval/{case}').passed().called('get_parcel')\n"
        "def test_typo(run_case):\n"
        "    run_case('courier', 'no_such')\n"
    )
    arguments = ("--samescore-model", "oracle", "-n", "2", "-k", f"{FEW} or written or typo", "--cache-clear")
    done = pytest_apart(pytester.path, *arguments, "--junitxml", "junit.xml", "-rA", "--samescore-out", "out")
    assert "11 passed" in done.stdout and "1 error" in done.stdout and "failed" not in done.stdout, (
        done.stdout + done.stderr
    )
    assert "UsageError: unknown case 'no_such'" in done.stdout
    assert done.stdout.index("samescore: 9 cases with oracle, evidence in out") < done.stdout.index("PASSED")
    run = Run.open(pytester.path / "out")
    assert [record.case[-3:] for record in run.records()] == NUMBERS and run.manifest.status == "complete"
    assert len(list((pytester.path / "out" / "tests").iterdir())) == 2
    assert len(list(xml.parse(pytester.path / "junit.xml").getroot().iter("testcase"))) == 12


def test_a_model_that_cannot_be_loaded_ends_a_distributed_session(pytester: pytest.Pytester, courier: Path) -> None:
    played(pytester.path / "played", gold, "courier")
    (pytester.path / "conftest.py").write_text(
        "import samescore.harness.policies as policies\n"
        "from samescore.harness.errors import AdapterError\n"
        "def refuse(*arguments, **options): raise AdapterError('it does not fit')\n"
        "policies.load_policy = refuse\n"
        "policies.LOCAL = ()\n"
    )
    done = pytest_apart(pytester.path, "--samescore-model", "tiny", "-n", "1", "courier", "-k", "en/001")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert [line for line in done.stderr.splitlines() if line] == ["ERROR: it does not fit"]
