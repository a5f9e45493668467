"""`path`: did every check that the SOP demands succeed before the action it guards?"""

from __future__ import annotations

from collections.abc import Iterator

from samescore.harness.assignment import Assignment
from samescore.harness.case import Case, Guard
from samescore.harness.mutants import Mutant, calling_turns, changed, with_arguments, with_call, with_turn
from samescore.harness.scorer import PASS, Context, Scorer
from samescore.harness.types import Message, Score


def judge(context: Context) -> Score:
    """satisfied / demanded checks; 0 if a demanded action never happens.

    A check counts when it had the right arguments and the expected outcome, in an *earlier* turn than the
    first attempt at the action it guards.
    """
    assignment, guards = context.assignment, context.case.expectation.guards
    for guard in guards:
        if guard.action not in assignment.pairs:
            return Score(0.0, f"{_tool(context.case, guard.action)} never happened", {"missing": guard.action})
    broken = [guard for guard in guards if not _holds(guard, assignment)]
    if not broken:
        return PASS
    words = [
        f"{_tool(context.case, guard.check)} did not succeed before {_tool(context.case, guard.action)}"
        for guard in broken
    ]
    evidence = {"broken": [[guard.check, guard.action] for guard in broken]}
    return Score(1 - len(broken) / len(guards), "; ".join(dict.fromkeys(words)), evidence)


def _holds(guard: Guard, assignment: Assignment) -> bool:
    check, action = assignment.pairs.get(guard.check), assignment.pairs[guard.action]
    if check is None or not check.exact:
        return False
    seen = check.made.observation
    if seen is not None and seen.outcome is not check.expected.outcome:
        return False
    # An action tried too early and again later is matched by the later one; the early one stands among the extras.
    premature = [
        made.turn
        for made in assignment.extra
        if made.attempt.call is not None and made.attempt.call.name == action.expected.name
    ]
    return check.made.turn < min([action.made.turn, *premature])


def _tool(case: Case, call_id: str) -> str:
    return next((call.name for call in case.expectation.calls if call.id == call_id), call_id)


def mutants(case: Case) -> Iterator[Mutant]:
    """Guarded actions before their checks, in the same turn, without them, or never; checks of something else."""
    actions = {_tool(case, guard.action) for guard in case.expectation.guards}
    checks = {_tool(case, guard.check) for guard in case.expectation.guards}
    for index, turn in calling_turns(case):
        names = {call.name for call in turn.calls}
        if names & actions:
            yield Mutant(f"turn {index} never", with_turn(case, index))
            yield Mutant(f"turn {index} first", (turn, *with_turn(case, index)))
            calls = tuple(call for gold in case.gold for call in gold.calls)
            first = Message("assistant", "", thinking="next: all", calls=calls)
            yield Mutant("everything in one turn", (first, case.gold[-1]))
        elif names & checks:
            yield Mutant(f"turn {index} skipped", with_turn(case, index))
            call = turn.calls[0]
            for name, value in call.arguments.items():
                other = with_arguments(call, {**call.arguments, name: changed(value)})
                yield Mutant(f"turn {index} checks another {name}", with_turn(case, index, with_call(turn, other)))


SCORER = Scorer(
    name="path",
    version=1,
    summary="every demanded check succeeded before its action",
    applies=lambda case: bool(case.expectation.guards),
    judge=judge,
    mutants=mutants,
)
