"""What is wrong with a suite's cases before any model is asked: gold that tools forbid, and what no call can satisfy.

    unknown-tool          an expected call is of a tool that the case does not offer
    unknown-parameter     an expected argument is none of its tool's parameters
    missing-required      a parameter that the tool requires must not be given
    required-omitted      a parameter that the tool requires may be left out
    no-valid-value        an argument must be given, and the schema forbids every accepted value
    dead-value            the schema forbids one of the accepted values: it can never be given
    invalid-gold          a gold call breaks its tool's schema in another way
    gold-rejected         the gold calls are not those expected
    forbidden-expected    a gold call is forbidden
    gold-off-style        a gold turn breaks the house's style guide
    equal-cases           two cases are one
    contradicting-cases   two cases ask the same, and what is right in one is wrong in the other
    same-id               two cases have one id

A finding names the case, and the file and line where an imported one was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from samescore.harness.assignment import Made, assign
from samescore.harness.case import Case, ExpectedCall
from samescore.harness.matching import Matcher, exact
from samescore.harness.perturbed import CONTROL, operator_of
from samescore.harness.scorers.style import faults_of_gold
from samescore.harness.strictjson import canonical, write
from samescore.harness.tools import Tool
from samescore.harness.types import Attempt, Outcome
from samescore.suites.accepted import TRIED, Parameters, named_values
from samescore.suites.suite import Suite

_SHOWN = 80
"""Characters of a value that a finding shows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One flaw of a case. `place` is the file and line that the case was read from, empty where it is not known."""

    case: str
    place: str
    rule: str
    message: str

    def __str__(self) -> str:
        """In one line: where, what, and what to do."""
        return f"{f'{self.place}: ' if self.place else ''}{self.case}: {self.message} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class _Flaw:
    rule: str
    message: str


def lint(suites: Iterable[Suite]) -> Iterator[Finding]:
    """Every flaw of the cases of some suites, in their order; cases are compared across all of them.

    A case that several suites hold is judged once.
    """
    seen: dict[str, tuple[str, str]] = {}
    prints: dict[str, str] = {}
    for suite in suites:
        for case in suite.cases:
            found = case.fingerprint()
            if prints.get(case.id) == found:
                continue
            taken = (_Flaw("same-id", "is another case's id as well. Rename one."),) if case.id in prints else ()
            prints[case.id] = found
            alike = () if operator_of(case) == CONTROL else _alike(case, seen)  # a control is another case, unchanged
            for flaw in (*taken, *_flaws(case), *alike):
                yield Finding(case.id, suite.places.get(case.id, ""), flaw.rule, flaw.message)


def _flaws(case: Case) -> Iterator[_Flaw]:
    found = [flaw for expected in case.expectation.calls for flaw in _of_call(case, expected)]
    yield from found
    if all(flaw.rule in ("dead-value", "required-omitted") for flaw in found):
        yield from _of_gold(case)
    calls = [call for turn in case.gold[case.prefix :] for call in turn.calls]
    for name in dict.fromkeys(one.name for one in calls if any(p.matches(one) for p in case.expectation.forbidden)):
        yield _Flaw("forbidden-expected", f"the gold call of {name} is forbidden. Take one of the two back.")
    for fault in faults_of_gold(case):
        yield _Flaw("gold-off-style", f"gold breaks the style guide: {fault.words}. Narrow the guide, or reword gold.")


def _of_call(case: Case, expected: ExpectedCall) -> Iterator[_Flaw]:
    """What keeps any call from being the expected one and valid. One that is to fail as invalid may be anything."""
    if expected.outcome in (Outcome.INVALID, Outcome.UNKNOWN_TOOL):
        return
    tool = case.toolset.by_name.get(expected.name)
    if tool is None:
        known = ", ".join(case.toolset.by_name)
        yield _Flaw("unknown-tool", f"a call of {expected.name} is expected, which is no tool here. Known: {known}.")
        return
    for name in tool.parameters.get("required", ()):
        if name in expected.optional:
            yield _Flaw("required-omitted", f"{tool.name} requires {name}, which may be left out here. Correct one.")
        elif name not in expected.arguments:
            yield _Flaw(
                "missing-required",
                f"{tool.name} requires {name}, and no value of it is accepted. Say which values are right.",
            )
    parameters = Parameters(tool)
    for must, matchers in ((True, expected.arguments), (False, expected.optional)):
        for name, matcher in matchers.items():
            yield from _of_argument(tool, parameters, name, matcher, must)


def _of_argument(tool: Tool, parameters: Parameters, name: str, matcher: Matcher, must: bool) -> Iterator[_Flaw]:
    if not _declared(tool, name):
        yield _Flaw(
            "unknown-parameter",
            f"{tool.name} has no parameter {name}, for which a value is {'expected' if must else 'accepted'}. "
            f"Known: {', '.join(tool.parameters.get('properties', {}))}.",
        )
        return
    alternatives = _alternatives(matcher)
    dead = [one for one in alternatives if _is_dead(parameters, name, one)]
    if must and len(dead) == len(alternatives):
        why = _why(parameters, name, dead[0]) if dead else "there is none"
        yield _Flaw(
            "no-valid-value",
            f"{tool.name} cannot be called as expected: no accepted value of {name} is valid: {why}. Correct the "
            "accepted values, or the schema.",
        )
        return
    for one in dead:
        yield _Flaw("dead-value", f"{tool.name}: {name}: {_why(parameters, name, one)}. Leave the value out.")


def _declared(tool: Tool, name: str) -> bool:
    schema = tool.parameters
    return name in schema.get("properties", ()) or any(
        schema.get(other) for other in ("additionalProperties", "patternProperties", "$ref", "allOf", "anyOf", "oneOf")
    )


def _alternatives(matcher: Matcher) -> list[Matcher]:
    if matcher.kind == "any_of":
        return [exact(value) for value in matcher.value]
    return list(matcher.value) if matcher.kind == "one_of" else [matcher]


def _is_dead(parameters: Parameters, name: str, matcher: Matcher) -> bool:
    """Whether the schema forbids all that a matcher names. Of very many values nothing is claimed."""
    if matcher.kind == "anything" or sum(1 for _ in islice(named_values(matcher), TRIED + 1)) > TRIED:
        return False
    return next(parameters.admitted(name, matcher), _NONE) is _NONE


_NONE = object()


def _why(parameters: Parameters, name: str, matcher: Matcher) -> str:
    named = list(islice(named_values(matcher), 1))
    if not named:
        return "there is none"
    value = named[0]
    written = write(value)
    shown = written if len(written) <= _SHOWN else f"{written[:_SHOWN]}…"
    complaint = parameters.complaint(name, value)
    return complaint if complaint.startswith(written) else f"{shown}: {complaint}"


def _of_gold(case: Case) -> Iterator[_Flaw]:
    """Gold calls that are not valid, though every argument is by itself; or that are not what is expected."""
    outcomes = {call.name: call.outcome for call in case.expectation.calls}
    made = []
    for index, turn in enumerate(case.gold[case.prefix :], case.prefix):
        for call in turn.calls:
            tool = case.toolset.by_name.get(call.name)
            fails = outcomes.get(call.name) in (Outcome.INVALID, Outcome.UNKNOWN_TOOL)
            if tool is not None and not fails and not tool.valid(call.arguments):
                yield _Flaw(
                    "invalid-gold",
                    f"the gold call of {call.name} breaks its schema: {tool.complaint(call.arguments)}. Correct one.",
                )
            made.append(Made(index, Attempt((0, 0), call), None))
    assignment = assign(case.expectation, made)
    wrong = [pair.expected.name for pair in assignment.pairs.values() if not pair.exact]
    wrong += [call.name for call in assignment.missing]
    wrong += [one.attempt.call.name for one in assignment.extra if one.attempt.call is not None]
    if wrong:
        names = ", ".join(dict.fromkeys(wrong))
        yield _Flaw("gold-rejected", f"the gold calls of {names} are not those that are expected. Correct one.")


def _alike(case: Case, seen: dict[str, tuple[str, str]]) -> Iterator[_Flaw]:
    """Another case that asks the same of the same tools in the same world. `seen` are those of before."""
    data = case.to_json()
    asked = {key: data[key] for key in ("locale", "world", "system", "opening", "facts", "user")}
    question = canonical([asked, data.get("view"), case.toolset.fingerprint, case.prefix, case.decision])
    right = canonical(data["expectation"])
    if question not in seen:
        seen[question] = case.id, right
        return
    other, wanted = seen[question]
    if wanted == right:
        yield _Flaw("equal-cases", f"is the same as {other}. It counts twice; leave one out.")
    else:
        yield _Flaw("contradicting-cases", f"asks the same as {other}, and expects something else. Correct one.")
