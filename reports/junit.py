"""A report as JUnit XML, as CI servers read it: a test case for every rollout, or for every case, and the decision.

The vocabulary is the one of pytest's `--junitxml` (family xunit2), which all of them know: `testsuites`, `testsuite`
with `properties`, `testcase`, and in it `failure`, `error` or `skipped`. A failing case is a failure whatever the
decision is: the colour of a job is the exit code of the gate. Not translated, but for the decision's sentence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import fsum
from typing import TYPE_CHECKING, Literal, TypeAlias
from xml.etree import ElementTree

from samescore.harness.cli.printable import printable, shortened
from samescore.harness.counted import counted
from samescore.reports.contents import Contents, Line, ReportedCase, ReportedRollout, ReportedRun, Tone

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Each: TypeAlias = Literal["rollout", "case"]

MESSAGE = 400
"""Characters of a message before its end gives way."""

LONGEST = 2_000
"""Characters of a line of a conversation before its end gives way."""

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no form of, escaped or not (section 2.2)."""

_STATES = ("failure", "error", "skipped")


def junit(contents: Contents, each: Each = "rollout") -> str:
    """The whole file. With `each` a case, all its epochs must be right for it to pass."""
    root = ElementTree.Element("testsuites", name="samescore")
    alone = len(contents.runs) == 1
    for run in contents.runs:
        root.extend(_suites(run, each, "" if alone else run.name))
    every = list(root.iter("testcase"))
    for name, count in _counts(every).items():
        root.set(name, count)
    root.set("time", _seconds(every))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def legal(text: str) -> str:
    """Text that XML 1.0 can hold: what it has no form of is shown as a replacement character."""
    return _ILLEGAL.sub("\ufffd", text)


def _suites(run: ReportedRun, each: Each, prefix: str) -> Iterator[Element]:
    """The decision, then a suite for each procedure."""
    if run.decision.tone is not Tone.PLAIN:
        yield _suite(run, _joined(prefix, "decision"), list(_judged(run, prefix)))
    by_suite: defaultdict[str, list[ReportedCase]] = defaultdict(list)
    for case in run.cases:
        by_suite[case.suite].append(case)
    for name, cases in by_suite.items():
        make = _of_rollouts if each == "rollout" else _of_cases
        yield _suite(run, _joined(prefix, name), [one for case in cases for one in make(run, case, prefix)])


def _suite(run: ReportedRun, name: str, cases: Sequence[Element]) -> Element:
    # pytest, and what reads its files, has times of day without an offset.
    begun = run.started.partition("+")[0].removesuffix("Z")
    suite = ElementTree.Element("testsuite", name=_line(name), timestamp=_line(begun))
    for attribute, count in _counts(cases).items():
        suite.set(attribute, count)
    suite.set("time", _seconds(cases))
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in _properties(run):
        ElementTree.SubElement(properties, "property", name=key, value=_line(value))
    suite.extend(cases)
    return suite


def _properties(run: ReportedRun) -> Iterator[tuple[str, str]]:
    yield "model", run.name
    if run.digest is not None:
        yield "adapter weights", run.digest
    yield "run", run.directory
    yield "suites", ", ".join(f"{suite.name} v{suite.version} {suite.fingerprint}" for suite in run.suites)
    yield "decision", run.decision.outcome.value
    yield "exit", str(run.decision.exit)


def _judged(run: ReportedRun, prefix: str) -> Iterator[Element]:
    """The decision, and each metric that the gate judged or that has a target; what cannot be told is skipped."""
    decision = run.decision
    facts = [f"{fact.label}: {fact.value}{f' ({fact.note})' if fact.note else ''}" for fact in decision.facts]
    state = {Tone.GOOD: None, Tone.BAD: "failure", Tone.UNSURE: "skipped"}.get(decision.tone, "error")
    sentence = f"{decision.sentence} {decision.also}"
    yield _test(prefix, "decision", "decision", 0.0, state, sentence, facts)
    if run.comparison is None:
        states = {"met": None, "missed": "failure", "inconclusive": "skipped"}
        for target in run.targets:
            words = f"{target.metric}: at least {target.least:g} wanted, found {target.low:.3f} to {target.high:.3f}"
            yield _test(prefix, "decision", target.metric, 0.0, states[target.verdict.value], words, [])
        return
    gated = {"cleared": None, "dropped": "failure"}
    for shift in run.comparison.shifts:
        if (judged := shift.gated) is not None:
            found = judged.compared
            words = (
                f"{shift.name} {judged.verdict}: a drop of {found.drop:.3f}, {found.low:.3f} to {found.high:.3f}, at a "
                f"margin of {found.margin:g}"
            )
            yield _test(prefix, "decision", shift.name, 0.0, gated.get(judged.verdict, "skipped"), words, [])


def _of_rollouts(run: ReportedRun, case: ReportedCase, prefix: str) -> Iterator[Element]:
    for rollout in case.rollouts:
        name = case.id if run.epochs == 1 else f"{case.id} [epoch {rollout.epoch}]"
        state = "error" if rollout.success is None else None if rollout.success == 1.0 else "failure"
        body = [] if state is None else [*_head(case), *_told(rollout), *_gold(case)]
        yield _test(prefix, case.suite, name, rollout.seconds, state, _message(rollout), body)


def _of_cases(run: ReportedRun, case: ReportedCase, prefix: str) -> Iterator[Element]:
    wrong = [rollout for rollout in case.rollouts if rollout.success not in (None, 1.0)]
    lost = [rollout for rollout in case.rollouts if rollout.success is None]
    state = "error" if lost else "failure" if wrong else None
    message, body = "", []
    if state is not None:
        shown = (lost or wrong)[0]
        right = len(case.rollouts) - len(wrong) - len(lost)
        message = f"{right} of {counted(len(case.rollouts), 'epoch')} right; epoch {shown.epoch}: {_message(shown)}"
        for rollout in (*lost, *wrong):
            body += [f"epoch {rollout.epoch}", *_told(rollout)]
        body = [*_head(case), *body, *_gold(case)]
    yield _test(prefix, case.suite, case.id, sum(one.seconds for one in case.rollouts), state, message, body)


def _test(
    prefix: str, group: str, name: str, seconds: float, state: str | None, message: str, body: Iterable[str]
) -> Element:
    # Servers take what stands before the last dot for a package: dots of model and file names are none.
    names = "samescore." + ".".join(part.replace(".", "_") for part in (*filter(None, [prefix]), *group.split("/")))
    case = ElementTree.Element("testcase", classname=_line(names), name=_line(name), time=f"{seconds:.3f}")
    if state is not None:
        found = ElementTree.SubElement(case, state, message=_line(message, MESSAGE))
        if state != "skipped":
            found.set("type", "samescore." + ("failed" if state == "failure" else "unscored"))
        found.text = "\n".join(_line(line, LONGEST) for line in body) or _line(message, LONGEST)
    return case


def _message(rollout: ReportedRollout) -> str:
    if rollout.error is not None:
        return rollout.error
    return "; ".join(f"{reason.scorer} {reason.value:.2f}: {reason.words}" for reason in rollout.reasons)


def _head(case: ReportedCase) -> list[str]:
    made = [] if case.operator is None else [f"made harder by: {case.operator}"]
    return [f"case: {case.id} ({case.locale})", f"branch: {case.branch}", *made]


def _told(rollout: ReportedRollout) -> list[str]:
    why = [rollout.error] if rollout.error is not None else []
    why += [f"{reason.scorer} {reason.value:.2f}: {reason.words}" for reason in rollout.reasons]
    return ["", "why:", *(f"  {words}" for words in why), "", "got:", *_lines(rollout.lines)]


def _gold(case: ReportedCase) -> list[str]:
    return ["", "expected:", *_lines(case.expected)]


def _lines(lines: Iterable[Line]) -> list[str]:
    return [f"  {line.kind.value}: {line.text}{f' [{line.note}]' if line.note else ''}" for line in lines]


def _counts(cases: Iterable[Element]) -> dict[str, str]:
    every = list(cases)
    found = {state: sum(case.find(state) is not None for case in every) for state in _STATES}
    return {
        "tests": str(len(every)),
        "failures": str(found["failure"]),
        "errors": str(found["error"]),
        "skipped": str(found["skipped"]),
    }


def _seconds(cases: Iterable[Element]) -> str:
    return f"{fsum(float(case.get('time', 0)) for case in cases):.3f}"


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}: {name}" if prefix else name


def _line(text: str, longest: int | None = None) -> str:
    """Text on one line that XML can carry; its indentation is kept."""
    indent = " " * (len(text) - len(text.lstrip(" ")))
    line = printable(text) if longest is None else shortened(text, longest)
    return legal(indent + line)
