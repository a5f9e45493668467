"""`schema`: is every call valid under the full schema of a tool that exists?"""

from __future__ import annotations

from collections.abc import Iterator

from samescore.harness.case import Case
from samescore.harness.mutants import Mutant, calling_turns, with_arguments, with_call, with_turn
from samescore.harness.scorer import PASS, Context, Scorer
from samescore.harness.types import Call, Score


def judge(context: Context) -> Score:
    """valid / attempted; 0 if calls were expected and none came."""
    made, tools = context.made, context.case.toolset.by_name
    if not made:
        return Score(0.0, "no call was made")
    faults = []
    for one in made:
        call = one.attempt.call
        if call is None:
            faults.append("a malformed call")
        elif call.name not in tools:
            faults.append(f"there is no tool {call.name}")
        elif not tools[call.name].valid(call.arguments):
            faults.append(f"{call.name}: {tools[call.name].complaint(call.arguments)}")
    if not faults:
        return PASS
    return Score((len(made) - len(faults)) / len(made), "; ".join(faults), {"invalid": len(faults)})


def mutants(case: Case) -> Iterator[Mutant]:
    """An unknown tool, an argument of the wrong type, one missing, one the schema forbids, no call at all."""
    for index, turn in calling_turns(case):
        call = turn.calls[0]
        parameters = case.toolset.by_name[call.name].parameters
        yield _mutant(case, index, "unknown tool", Call(f"{call.name}_v2", call.arguments))
        for name in call.arguments:
            wrong = with_arguments(call, {**call.arguments, name: {"value": call.arguments[name]}})
            yield _mutant(case, index, f"{name} is an object", wrong)
        for name in parameters.get("required", ()):
            rest = {key: value for key, value in call.arguments.items() if key != name}
            yield _mutant(case, index, f"{name} missing", with_arguments(call, rest))
        if parameters.get("additionalProperties") is False:
            more = with_arguments(call, {**call.arguments, "undeclared": 1})
            yield _mutant(case, index, "undeclared argument", more)
    yield Mutant("no call at all", case.gold[-1:])


def _mutant(case: Case, index: int, name: str, call: Call) -> Mutant:
    return Mutant(f"turn {index}: {name}", with_turn(case, index, with_call(case.gold[index], call)))


SCORER = Scorer(
    name="schema",
    version=1,
    summary="calls valid under the full schema",
    applies=lambda case: bool(case.expectation.calls),
    judge=judge,
    mutants=mutants,
)
