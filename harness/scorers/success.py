"""`success`: the primary metric, 1 if every applicable scorer gave 1."""

from __future__ import annotations

from collections.abc import Iterator

from samescore.harness.case import Case
from samescore.harness.mutants import Mutant
from samescore.harness.scorer import Context, Scorer, success_of
from samescore.harness.types import Score


def judge(context: Context) -> Score:
    """1 if every other applicable scorer gives 1, else 0 with the first reason why not."""
    from samescore.harness.scorers import BASIC

    case = context.case
    return success_of({scorer.name: scorer.judge(context) for scorer in BASIC if scorer.applies(case)})


def mutants(case: Case) -> Iterator[Mutant]:
    """Whatever any other scorer must kill."""
    from samescore.harness.scorers import BASIC

    for scorer in BASIC:
        if scorer.applies(case):
            for mutant in scorer.mutants(case):
                yield Mutant(f"{scorer.name}: {mutant.name}", mutant.turns)


SCORER = Scorer(
    name="success",
    version=1,
    summary="every applicable scorer gave 1",
    applies=lambda case: True,
    judge=judge,
    mutants=mutants,
)
