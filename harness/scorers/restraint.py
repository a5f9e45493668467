"""`restraint`: was nothing done that must not be done? Blind to order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from samescore.harness.case import Case, effect_json
from samescore.harness.matching import same_effects
from samescore.harness.mutants import Mutant, calling_turns, expected_at, with_turn
from samescore.harness.scorer import PASS, Context, Scorer
from samescore.harness.strictjson import canonical
from samescore.harness.types import Call, Message, Outcome, Score


def judge(context: Context) -> Score:
    """1 without a forbidden call (reads and failed calls included), and without a duplicate or unexpected effect."""
    expectation = context.case.expectation
    faults = [
        f"forbidden call of {call.name}"
        for made in context.made
        for pattern in expectation.forbidden
        if (call := made.attempt.call) is not None and pattern.matches(call)
    ]
    effects = context.trajectory.effects
    if expectation.effects is not None and effects and not same_effects(effects, expectation.effects):
        allowed = Counter(canonical(effect_json(effect)) for effect in expectation.effects)
        for effect in effects:
            key = canonical(effect_json(effect))
            if allowed[key] <= 0:
                again = any(canonical(effect_json(other)) == key for other in expectation.effects)
                faults.append(f"{'duplicate' if again else 'unexpected'} effect {effect.name}")
            allowed[key] -= 1
    return Score(0.0, "; ".join(faults), {"faults": faults}) if faults else PASS


def mutants(case: Case) -> Iterator[Mutant]:
    """Each forbidden tool called before the end; each call with an effect made twice."""
    for pattern in case.expectation.forbidden:
        arguments = {name: matcher.value for name, matcher in pattern.arguments.items()}
        forbidden = Message("assistant", "", thinking="next: this", calls=(Call(pattern.name, arguments),))
        yield Mutant(f"{pattern.name} called", (*case.gold[:-1], forbidden, case.gold[-1]))
    tools = case.toolset.by_name
    for index, turn in calling_turns(case):
        expected = expected_at(case, index)
        # A call that the case lets fail has no effect, so repeating the failing one is no second effect.
        if expected.outcome is Outcome.OK and tools[expected.name].effect and case.expectation.effects is not None:
            yield Mutant(f"turn {index} twice", with_turn(case, index, turn, turn))


SCORER = Scorer(
    name="restraint",
    version=1,
    summary="no forbidden call, no duplicate or unexpected effect",
    applies=lambda case: bool(case.expectation.forbidden) or case.expectation.effects is not None,
    judge=judge,
    mutants=mutants,
)
