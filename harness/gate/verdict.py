"""`Verdict`: what a gate decides about a candidate, and how that follows from metrics and rules.

A metric is *cleared* when a drop as large as its margin is excluded, *dropped* when Holm over all metrics rejects "no
drop" and it is not cleared, else *open*. All cleared is a pass, any dropped a regression, as is a broken rule of zero
tolerance; anything else is inconclusive. What cannot be compared, or is not complete, is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from samescore.harness.counted import counted
from samescore.harness.errors import ExitCode
from samescore.harness.gate.pairs import Moved, PassK
from samescore.harness.stats.noninferiority import Compared
from samescore.harness.tool_diff.tools import ToolChange
from samescore.harness.types import NO_DATA


class Decision(StrEnum):
    """What may be said of a candidate against its baseline."""

    PASS = "pass"  # every metric is cleared, and no rule of the policy is broken
    REGRESSION = "regression"  # a metric dropped, or a rule of zero tolerance is broken
    INCONCLUSIVE = "inconclusive"  # this many cases cannot tell
    IDENTICAL = "identical"  # it is the baseline's own model: there is nothing to compare
    INCOMPARABLE = "incomparable"  # something differs that must be equal
    INCOMPLETE = "incomplete"  # a run lacks rollouts, or has errors


_EXITS = {
    Decision.PASS: ExitCode.PASS,
    Decision.IDENTICAL: ExitCode.PASS,
    Decision.REGRESSION: ExitCode.REGRESSION,
    Decision.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Decision.INCOMPARABLE: ExitCode.INCOMPARABLE,
    Decision.INCOMPLETE: ExitCode.INCOMPLETE,
}

CLEARED, DROPPED, OPEN = "cleared", "dropped", "open"


@dataclass(frozen=True, slots=True)
class MetricVerdict:
    """One metric that carries the verdict: its means, the comparison, and `cleared`, `dropped` or `open`."""

    name: str
    compared: Compared
    verdict: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Described:
    """A metric that carries no verdict: its means on the common cases that have it."""

    name: str
    before: float
    after: float
    n: int


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Where a rule of zero tolerance was broken: case, epoch, and by what."""

    case: str
    epoch: int
    what: str

    def __str__(self) -> str:
        return f"{self.case}{f', epoch {self.epoch}' if self.epoch else ''}: {self.what}"


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """A rule of zero tolerance over all of the candidate's rollouts that could break it, controls included.

    `forbidden` says that the policy names it: then one occurrence is a regression. `cases` count as trials, since
    epochs of one case resemble each other. Where there is no occurrence, `excludes` is the lowest rate that this many
    trials exclude: a lower one they do not. `before` counts the baseline's occurrences, which excuse nothing; None
    without a baseline.
    """

    name: str
    words: str
    forbidden: bool
    rollouts: int
    cases: int
    occurrences: tuple[Occurrence, ...]
    excludes: float
    before: int | None

    def __str__(self) -> str:
        if not self.occurrences:
            return f"{self.words}: none in {counted(self.rollouts, 'rollout')}"
        more = f" and {len(self.occurrences) - 1} more" if len(self.occurrences) > 1 else ""
        return f"{self.words}: {self.occurrences[0]}{more}"


@dataclass(frozen=True, slots=True)
class AtLook:
    """The look at a run in progress that a verdict is of: `number` of `of`, after `cases` of the `planned` cases.

    It is judged at `level`, so that `alpha` holds over all looks.
    """

    number: int
    of: int
    cases: int
    planned: int
    level: float
    alpha: float

    def __str__(self) -> str:
        return f"look {self.number} of {self.of}: {self.cases} of {self.planned} cases"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says; `samescore.harness.gate.told` has it in a sentence and as JSON.

    `differs` names what makes the runs incomparable, `lacking` what makes one incomplete, `again` what was scored again
    from evidence and why, `warnings` what else may have moved a score. `identical` says that both runs are of one
    model, by its digest. `cases` is the number of common cases, `share` theirs of the larger run, `alpha` the level of
    each comparison. `population` says what the claim is about. `fixed` and `broken` are the cases whose mean success
    differs, `fixed` is higher in the candidate; `changes` has their scores. Without numbers (incomparable, incomplete)
    what is derived from them is empty. `tool_changes` says how the tools differ where that makes the runs incomparable;
    None where a run did not record its tools. `sequential` is the look that the verdict is of, where the run was judged
    while it went on; `cases`, `alpha` and all numbers are then those of that look.
    """

    decision: Decision
    metrics: tuple[MetricVerdict, ...] = ()
    rules: tuple[RuleVerdict, ...] = ()
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    population: str = ""
    identical: bool = False
    cases: int = 0
    share: float = 0.0
    alpha: float = 0.05
    described: tuple[Described, ...] = ()
    changes: Mapping[str, Moved] = field(default_factory=lambda: NO_DATA)
    branches: tuple[Moved, ...] = ()
    tools: tuple[Moved, ...] = ()
    pass_k: tuple[PassK, ...] = ()
    tool_changes: tuple[ToolChange, ...] | None = ()
    sequential: AtLook | None = None

    @property
    def exit(self) -> ExitCode:
        """What a shell gets."""
        return _EXITS[self.decision]

    @property
    def broken_rules(self) -> tuple[RuleVerdict, ...]:
        """The rules of zero tolerance that the policy names and the candidate broke."""
        return tuple(rule for rule in self.rules if rule.forbidden and rule.occurrences)

    @property
    def same(self) -> int:
        """How many common cases did not change."""
        return self.cases - len(self.fixed) - len(self.broken)


def decided(metrics: tuple[MetricVerdict, ...], rules: tuple[RuleVerdict, ...], *, identical: bool) -> Decision:
    """What follows from metrics and rules of comparable, complete runs; `identical` runs have nothing to compare."""
    verdicts = {metric.verdict for metric in metrics}
    if any(rule.forbidden and rule.occurrences for rule in rules):
        return Decision.REGRESSION
    if identical:
        return Decision.IDENTICAL
    if DROPPED in verdicts:
        return Decision.REGRESSION
    return Decision.PASS if verdicts == {CLEARED} else Decision.INCONCLUSIVE
