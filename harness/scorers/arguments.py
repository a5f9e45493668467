"""`arguments`: does every call carry exactly the right arguments?"""

from __future__ import annotations

from collections.abc import Iterator

from samescore.harness.assignment import Pair
from samescore.harness.case import Case
from samescore.harness.mutants import Mutant, calling_turns, changed, with_arguments, with_call, with_turn
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
    """Each argument changed, of another type, left out; and one that does not belong."""
    for index, turn in calling_turns(case):
        call = turn.calls[0]
        for name, value in call.arguments.items():
            rest = {key: other for key, other in call.arguments.items() if key != name}
            yield _mutant(case, index, call, f"{name} changed", {**call.arguments, name: changed(value)})
            yield _mutant(case, index, call, f"{name} of another type", {**call.arguments, name: _retyped(value)})
            yield _mutant(case, index, call, f"{name} left out", rest)
        yield _mutant(case, index, call, "one argument more", {**call.arguments, "note": "x"})


def _retyped(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    return str(value) if isinstance(value, int | float) else [value]


def _mutant(case: Case, index: int, call: Call, name: str, arguments: dict[str, object]) -> Mutant:
    turn = with_call(case.gold[index], with_arguments(call, arguments))
    return Mutant(f"turn {index}: {name}", with_turn(case, index, turn))


SCORER = Scorer(
    name="arguments",
    version=1,
    summary="exactly the right arguments",
    applies=lambda case: bool(case.expectation.calls),
    judge=judge,
    mutants=mutants,
)
