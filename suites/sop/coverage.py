"""What cases show of an SOP: obligations covered, not covered, and proven infeasible, like code coverage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from samescore.suites.sop.model import Sop
from samescore.suites.sop.obligations import Criterion, Kind, Obligation, Sought, met, sought
from samescore.suites.sop.paths import branches
from samescore.suites.sop.solver import Solver, lawful
from samescore.suites.sop.trace import Trace, trace


@dataclass(frozen=True, slots=True)
class Tally:
    """How many obligations of one kind there are. Infeasible ones are in neither of the other two."""

    covered: int
    uncovered: int
    infeasible: int

    @property
    def feasible(self) -> int:
        """The denominator of coverage."""
        return self.covered + self.uncovered

    def to_json(self) -> dict[str, int]:
        """Covered of feasible, and infeasible apart."""
        return {"covered": self.covered, "feasible": self.feasible, "infeasible": self.infeasible}


@dataclass(frozen=True, slots=True)
class Coverage:
    """The coverage of an SOP by cases. `branches` counts the cases of every branch, of those without any too."""

    criterion: Criterion
    covered: tuple[Obligation, ...]
    uncovered: tuple[Obligation, ...]
    infeasible: tuple[Obligation, ...]
    branches: Mapping[str, int]

    @property
    def kinds(self) -> Mapping[Kind, Tally]:
        """The counts per kind, in the order in which kinds come."""
        parts = (self.covered, self.uncovered, self.infeasible)
        kinds = dict.fromkeys(obligation.kind for part in parts for obligation in part)
        counts = {kind: [sum(o.kind == kind for o in part) for part in parts] for kind in kinds}
        return {kind: Tally(*numbers) for kind, numbers in counts.items()}

    @property
    def total(self) -> Tally:
        """The counts of all kinds together."""
        return Tally(len(self.covered), len(self.uncovered), len(self.infeasible))

    def to_json(self) -> dict[str, Any]:
        """Counts per kind, cases per branch, and the ids of what is not covered."""
        return {
            "criterion": self.criterion,
            "kinds": {kind: tally.to_json() for kind, tally in self.kinds.items()},
            "total": self.total.to_json(),
            "branches": dict(self.branches),
            "uncovered": [obligation.id for obligation in self.uncovered],
            "infeasible": [obligation.id for obligation in self.infeasible],
        }


def coverage(sop: Sop, facts_of_cases: Iterable[Mapping[str, Any]], criterion: Criterion) -> Coverage:
    """What cases with these facts cover.

    A case that meets an obligation is the proof that it can be met: the solver is asked about the others alone.

    Raises:
        SopError: a decision has no arm, or several, for a case.
        KeyError: a case lacks a fact.
    """
    traced = [(facts, trace(sop, facts)) for facts in facts_of_cases]
    proving = [(facts, way) for facts, way in traced if lawful(sop, facts)]
    covered, uncovered, infeasible = [], [], []
    solver: Solver | None = None
    for one in sought(sop, criterion):
        if _shown(sop, one.obligation, proving):
            covered.append(one.obligation)
            continue
        solver = solver or Solver(sop)
        obligation = _feasible(solver, one)
        if obligation is None:
            infeasible.append((one.otherwise or one).obligation)
        elif _shown(sop, obligation, traced):
            covered.append(obligation)
        else:
            uncovered.append(obligation)
    cases = Counter(way.branch for _, way in traced)
    counts = {branch.id: cases[branch.id] for branch in branches(sop)}
    return Coverage(criterion, tuple(covered), tuple(uncovered), tuple(infeasible), counts)


def _shown(sop: Sop, obligation: Obligation, traced: Iterable[tuple[Mapping[str, Any], Trace]]) -> bool:
    return any(met(sop, obligation, facts, way) for facts, way in traced)


def _feasible(solver: Solver, one: Sought) -> Obligation | None:
    """The obligation, or the one that takes its place; None if it is proven that neither can be met."""
    if solver.possible(*one.nodes):
        return one.obligation
    return None if one.otherwise is None else _feasible(solver, one.otherwise)
