"""`arguments`: does every call carry exactly the right arguments?"""

from __future__ import annotations

from collections.abc import Iterator

from samescore.harness.assignment import Pair
from samescore.harness.case import Case
from samescore.harness.mutants import GoldCall, Mutant, altered_inside, changed, gold_calls, with_call
from samescore.harness.scorer import PASS, Context, Scorer
from samescore.harness.types import Call, Score


def judge(context: Context) -> Score:
    """exactly matched / max(expected, attempted)."""
    assignment = context.assignment
    wrong = [pair for pair in assignment.pairs.values() if not pair.exact]
    if not wrong and not assignment.missing and not assignment.extra:
        return PASS
    value = (len(assignment.pairs) - len(wrong)) / assignment.denominator
    differences = [difference for pair in wrong for difference in _differences(pair)]
    if not differences:
        count = f"calls missing: {len(assignment.missing)}, without need: {len(assignment.extra)}"
        return Score(value, count, {"wrong": []})
    return Score(value, "; ".join(differences), {"wrong": [pair.expected.id for pair in wrong]})


def _differences(pair: Pair) -> Iterator[str]:
    expected, call = pair.expected, pair.made.attempt.call
    assert call is not None, "only well-formed calls are paired"
    for name, matcher in expected.arguments.items():
        if name not in call.arguments:
            yield f"{call.name}: {name} is missing, expected {matcher.words()}"
        elif not matcher.accepts(call.arguments[name]):
            yield f"{call.name}: {name} is {call.arguments[name]!r}, expected {matcher.words()}"
    for name, value in call.arguments.items():
        if name in expected.optional and not expected.optional[name].accepts(value):
            yield f"{call.name}: {name} is {value!r}, expected {expected.optional[name].words()} or nothing"
        elif name not in expected.arguments and name not in expected.optional:
            yield f"{call.name}: {name} should not be given, found {value!r}"


def mutants(case: Case) -> Iterator[Mutant]:
    """Each argument changed, of another type, left out, wrong in one thing inside it; and one that does not belong."""
    for gold in gold_calls(case):
        given = gold.call.arguments
        for name, value in given.items():
            rest = {key: other for key, other in given.items() if key != name}
            yield _mutant(case, gold, f"{name} changed", {**given, name: changed(value)})
            yield _mutant(case, gold, f"{name} of another type", {**given, name: _retyped(value)})
            yield _mutant(case, gold, f"{name} left out", rest)
            for words, other in altered_inside(value):
                yield _mutant(case, gold, f"{name}/{words}", {**given, name: other})
        yield _mutant(case, gold, "one argument more", {**given, "note": "x"})


def _retyped(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    return str(value) if isinstance(value, int | float) else [value]


def _mutant(case: Case, gold: GoldCall, name: str, arguments: dict[str, object]) -> Mutant:
    return Mutant(f"{gold}: {name}", with_call(case, gold, Call(gold.call.name, arguments)))


SCORER = Scorer(
    name="arguments",
    version=1,
    summary="exactly the right arguments",
    applies=lambda case: bool(case.expectation.calls),
    judge=judge,
    mutants=mutants,
)
