"""Reports as JUnit XML: what CI servers read of them, and that nothing a model wrote can break the file."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings, strategies as st
from report_runs import HOSTILE, hostile, idle, played

from samescore.harness.examples import Reason
from samescore.harness.run import Run
from samescore.reports.contents import Contents, Line, LineKind, contents_of
from samescore.reports.junit import junit, legal


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """A candidate that is wrong in three cases, a hostile reply among them; two epochs each."""
    folder = tmp_path_factory.mktemp("junit")
    candidate = played(folder / "new", {0: hostile, 1: idle, 2: idle}, epochs=2, name="v1.5/<new>")
    return candidate, played(folder / "old", {2: idle, 3: idle}, epochs=2, name="old")


@pytest.fixture(scope="module")
def alone(runs: tuple[Run, Run]) -> Contents:
    return contents_of([runs[0]])


@pytest.fixture(scope="module")
def against(runs: tuple[Run, Run]) -> Contents:
    return contents_of([runs[0]], runs[1])


@pytest.fixture(scope="module")
def several(runs: tuple[Run, Run]) -> Contents:
    return contents_of(list(runs))


@pytest.fixture(scope="module")
def cut(runs: tuple[Run, Run], tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """A run whose last three rollouts are missing."""
    run = played(tmp_path_factory.mktemp("cut") / "cut", {0: idle}, epochs=2)
    evidence = run.directory / "evidence.jsonl"
    evidence.write_bytes(b"".join(evidence.read_bytes().splitlines(keepends=True)[:-3]))
    return contents_of([run])


def read(text: str) -> Element:
    return ElementTree.fromstring(text.encode())


def state(case: Element) -> str:
    found = [child.tag for child in case]
    assert len(found) <= 1
    return found[0] if found else "passed"


def cases_of(root: Element) -> list[Element]:
    """The test cases of cases: those of the decision left out."""
    return [case for case in root.iter("testcase") if case.get("classname") != "samescore.decision"]


def test_there_is_a_test_case_a_rollout_and_its_state_is_the_rollouts(alone: Contents) -> None:
    root, run = read(junit(alone)), alone.runs[0]
    found = {case.get("name"): state(case) for case in cases_of(root)}
    assert len(found) == run.results.rollouts == 16
    for case in run.cases:
        for rollout in case.rollouts:
            wanted = "passed" if rollout.success == 1.0 else "failure"
            assert found[f"{case.id} [epoch {rollout.epoch}]"] == wanted
    assert sorted(found.values()).count("failure") == 6


def test_with_a_case_as_test_case_all_epochs_must_be_right(alone: Contents) -> None:
    root = read(junit(alone, "case"))
    found = {case.get("name"): state(case) for case in cases_of(root)}
    assert found == {case.id: "passed" if case.success == 1.0 else "failure" for case in alone.runs[0].cases}
    failing = [case for case in cases_of(root) if state(case) == "failure"]
    assert all(case[0].get("message", "").startswith("0 of 2 epochs right; epoch 0: ") for case in failing)


def test_a_failure_says_why_and_shows_the_conversation_and_what_was_expected(alone: Contents) -> None:
    case = next(
        case for case in cases_of(read(junit(alone))) if state(case) == "failure" and "One moment" in case[0].text
    )
    assert "0.00: " in case[0].get("message", "")
    lines = (case[0].text or "").splitlines()
    for title in ("why:", "got:", "expected:"):
        assert title in lines
    assert lines.index("  agent: One moment, please.") < lines.index("expected:") < len(lines) - 2


def test_what_could_not_be_scored_is_an_error_and_no_failure(cut: Contents) -> None:
    root = read(junit(cut))
    errors = [case for case in cases_of(root) if state(case) == "error"]
    assert len(errors) == 3 and all("pending" in case[0].get("message", "") for case in errors)
    by_case = {case.get("name"): state(case) for case in cases_of(read(junit(cut, "case")))}
    assert sorted(by_case.values()).count("error") == 3
    decision = next(case for case in root.iter("testcase") if case.get("name") == "decision")
    assert state(decision) == "error"


def test_the_decision_and_its_metrics_are_test_cases(against: Contents) -> None:
    root, run = read(junit(against)), against.runs[0]
    judged = [case for case in root.iter("testcase") if case.get("classname") == "samescore.decision"]
    assert run.comparison is not None
    assert [case.get("name") for case in judged] == ["decision", *(one.name for one in run.comparison.verdict.metrics)]
    states = {"pass": "passed", "regression": "failure", "inconclusive": "skipped"}
    assert state(judged[0]) == states[run.decision.outcome.value]
    assert run.decision.sentence in judged[0][0].get("message", "")
    metrics = {"cleared": "passed", "dropped": "failure", "open": "skipped"}
    assert [state(case) for case in judged[1:]] == [metrics[one.verdict] for one in run.comparison.verdict.metrics]


def test_without_a_baseline_the_targets_are_test_cases(alone: Contents) -> None:
    judged = [case for case in read(junit(alone)).iter("testcase") if case.get("classname") == "samescore.decision"]
    states = {"met": "passed", "missed": "failure", "inconclusive": "skipped"}
    assert [(case.get("name"), state(case)) for case in judged[1:]] == [
        (target.metric, states[target.verdict]) for target in alone.runs[0].targets
    ]
    assert len(judged) > 1


@pytest.mark.parametrize("each", ["rollout", "case"])
def test_counts_are_those_of_what_is_in_them(against: Contents, cut: Contents, each: str) -> None:
    tags = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    for contents in (against, cut):
        root = read(junit(contents, each))  # type: ignore[arg-type]
        for suite in (root, *root.iter("testsuite")):
            cases = list(suite.iter("testcase"))
            assert suite.get("tests") == str(len(cases))
            for attribute, tag in tags.items():
                assert suite.get(attribute) == str(sum(case.find(tag) is not None for case in cases))
            assert float(suite.get("time", "-1")) == pytest.approx(
                sum(float(case.get("time", "-1")) for case in cases), abs=0.002
            )


def test_several_runs_have_suites_and_classes_of_their_own(several: Contents) -> None:
    root = read(junit(several))
    names = [suite.get("name") for suite in root.iter("testsuite")]
    assert len(set(names)) == len(names) == 4
    keys = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(keys)) == len(keys)
    for run in several.runs:
        assert any(str(name).startswith(f"{run.name}: ") for name in names)


def test_a_dot_in_a_name_is_no_package(several: Contents) -> None:
    classes = {case.get("classname", "") for case in read(junit(several)).iter("testcase")}
    assert "samescore.v1_5/<new>.sop.refund" in classes


# What CI servers read. All of them read what pytest writes.


def vocabulary(root: Element) -> dict[str, tuple[set[str], set[str]]]:
    """Of each element the attributes and the children that it has somewhere."""
    found: defaultdict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for element in root.iter():
        found[element.tag][0].update(element.keys())
        found[element.tag][1].update(child.tag for child in element)
    return found


@pytest.fixture(scope="module")
def pytests(tmp_path_factory: pytest.TempPathFactory) -> Element:
    folder = tmp_path_factory.mktemp("pytest")
    (folder / "test_all.py").write_text(
        "import pytest\n"
        "@pytest.fixture(scope='session', autouse=True)\n"
        "def said(record_testsuite_property): record_testsuite_property('a', 'b')\n"
        "def test_passes(): pass\n"
        "def test_fails(): assert False\n"
        "def test_skips(): pytest.skip('so')\n"
        "@pytest.fixture\n"
        "def broken(): raise OSError\n"
        "def test_breaks(broken): pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "--junitxml=out.xml", "-p", "no:cacheprovider", "."]
    subprocess.run(command, cwd=folder, capture_output=True, timeout=60)
    return ElementTree.parse(folder / "out.xml").getroot()


def test_its_vocabulary_is_the_one_of_pytest(against: Contents, cut: Contents, pytests: Element) -> None:
    theirs = vocabulary(pytests)
    counts = {"tests", "failures", "errors", "skipped", "time"}  # pytest has them on each testsuite, others on both
    for contents in (against, cut):
        for tag, (attributes, children) in vocabulary(read(junit(contents))).items():
            assert children <= theirs[tag][1]
            assert attributes <= theirs[tag][0] | (counts if tag == "testsuites" else {"type"})
    ours = vocabulary(read(junit(against)))
    assert {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"} <= ours["testsuite"][0]
    assert {"classname", "name", "time"} == ours["testcase"][0]


# Nothing breaks the file.


def test_a_hostile_reply_is_text_and_loses_only_what_xml_cannot_hold(alone: Contents) -> None:
    text = junit(alone)
    shown = "\n".join(case[0].text or "" for case in cases_of(read(text)) if state(case) == "failure")
    for words in (HOSTILE[0], HOSTILE[1], HOSTILE[6], "]]>", "\\x1b[31mred", "\\u202eesrever", "\\x00\\x08"):
        assert words in shown
    assert "<script" not in text


@settings(max_examples=60)
@given(words=st.text(st.characters(), max_size=60), name=st.text(st.characters(), max_size=30))
def test_whatever_is_written_the_file_is_xml_and_says_it(alone: Contents, words: str, name: str) -> None:
    run = alone.runs[0]
    case = run.cases[0]
    lines = (Line(LineKind.AGENT, words, name),)
    rollout = replace(case.rollouts[0], lines=lines, reasons=(Reason(name, 0.0, words),))
    changed = replace(case, id=name, branch=words, rollouts=(rollout,))
    root = read(junit(replace(alone, runs=(replace(run, name=name, directory=words, cases=(changed,)),))))
    assert len(cases_of(root)) == 1
    plain = "".join(character for character in words if character.isascii() and character.isalnum())
    assert all(one in (cases_of(root)[0][0].text or "") for one in plain)


@given(st.text(st.characters()))
def test_legal_text_is_what_an_xml_reader_takes(text: str) -> None:
    assert ElementTree.fromstring(f"<a>{legal(text).replace('&', '').replace('<', '')}</a>") is not None
    assert legal(legal(text)) == legal(text)
    assert [one for one in text if one.isalpha()] == [one for one in legal(text) if one.isalpha()]
