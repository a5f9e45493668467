"""Everything that a report says, as plain data: HTML, Markdown, JUnit, JSON and the adapter card are drawn from it.

`contents_of` derives it from runs: their evidence is scored again (see `samescore.reports.loaded`), and with a baseline
the gate judges each of them. Texts that are the same in all formats, such as the decision's sentence, are in `language`
here; names, ids and what a model wrote stay as they are, and are hostile: whoever shows them escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from samescore.harness.as_served import AsServed
from samescore.harness.examples import Reason
from samescore.harness.plan import PlannedSuite
from samescore.harness.results import Metric, Results, TargetVerdict
from samescore.harness.run import Run
from samescore.harness.stats import Difference

if TYPE_CHECKING:
    from samescore.harness.gate.policy import Policy
    from samescore.harness.gate.verdict import MetricVerdict, RuleVerdict, Verdict
    from samescore.reports.again import AskedAgain

Language: TypeAlias = Literal["en", "vi"]
LANGUAGES: tuple[Language, ...] = ("en", "vi")


class Tone(StrEnum):
    """How a decision is shown: each tone has a colour, a sign and a word of its own."""

    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"
    BROKEN = "broken"  # nothing can be said: incomplete, or not comparable
    PLAIN = "plain"  # nothing was asked


class Outcome(StrEnum):
    """What a decision is. The first six are the gate's; the others are of runs without a baseline."""

    PASS = "pass"
    REGRESSION = "regression"
    INCONCLUSIVE = "inconclusive"
    IDENTICAL = "identical"
    INCOMPARABLE = "incomparable"
    INCOMPLETE = "incomplete"
    TARGETS_MET = "targets_met"
    TARGETS_MISSED = "targets_missed"
    TARGETS_OPEN = "targets_open"  # this many cases cannot tell
    RULE_BROKEN = "rule_broken"  # a rule of zero tolerance
    MEASURED = "measured"  # no baseline and no targets: nothing was asked


@dataclass(frozen=True, slots=True)
class Fact:
    """One piece of a decision's evidence, in words: what it is, its value, and what that means."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """May it ship, in a sentence; why, in facts; and what the suite does not cover.

    `also` has further sentences, where there is something that the first must not be read without: targets that are
    missed although nothing got worse, rules of zero tolerance that were broken and the policy does not forbid. `exit`
    is the exit code that the gate gives for it.
    """

    outcome: Outcome
    tone: Tone
    exit: int
    sentence: str
    also: str = ""
    facts: tuple[Fact, ...] = ()
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A target and how the run stands to it."""

    metric: str
    least: float
    value: float | None
    low: float
    high: float
    verdict: TargetVerdict


@dataclass(frozen=True, slots=True)
class Moved:
    """A target that is not what it was. `since` says when: when the adapter was trained, or when the run began.

    `before` and `now` are in words: `success 0.9`, or `none`.
    """

    suite: str
    before: str
    now: str
    since: Literal["training", "run"]


class LineKind(StrEnum):
    """Who speaks in a line of a conversation."""

    USER = "user"
    THINKING = "thinking"
    AGENT = "agent"
    CALL = "call"
    RESULT = "result"
    MALFORMED = "malformed"  # the turn as it was written, which could not be read
    END = "end"  # how the conversation ended


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a conversation. `note` is a result's tool and outcome, a malformed turn's defects, an end's reason.

    `turn` is the number, from 1, of the agent's turn that it is part of or the result of; 0 where it is of none.
    """

    kind: LineKind
    text: str
    note: str = ""
    turn: int = 0


@dataclass(frozen=True, slots=True)
class ReportedRollout:
    """One planned rollout: its conversation and scores, or the `error` for which it has none.

    `reasons` are those of the scorers that are not satisfied, `success` itself left out. `seconds` is its wall time.
    """

    epoch: int
    success: float | None
    scores: Mapping[str, float]
    reasons: tuple[Reason, ...]
    lines: tuple[Line, ...]
    error: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ReportedCase:
    """A planned case and its rollouts, an epoch each. `success` is their mean; None while one is missing.

    `expected` is the gold conversation. `operator` says how the case was made harder, `branch` has its procedure's name
    in front.
    """

    id: str
    suite: str
    cluster: str
    branch: str
    locale: str
    operator: str | None
    expected: tuple[Line, ...]
    rollouts: tuple[ReportedRollout, ...]
    success: float | None

    @property
    def group(self) -> tuple[str, str]:
        """The cases that it resembles: those of its branch. One of a suite without branches stands for itself."""
        return self.suite, self.id if self.cluster == self.suite else self.cluster


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something that no scored case shows of a procedure, and the line of its file."""

    words: str
    line: int


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure as this run tried it: branches and obligations (MC/DC) covered, and its graph coloured by success.

    `graph` is an SVG element written by code of ours, without a style of its own; None where the procedure is not at
    hand. `untried` are branches, `uncovered` obligations; infeasible ones are in neither count.
    """

    name: str
    title: str
    rollouts: int
    right: int
    branches: int
    untried: tuple[str, ...]
    obligations: int | None
    uncovered: tuple[Obligation, ...]
    graph: str | None


@dataclass(frozen=True, slots=True)
class ToolUse:
    """How a tool was used in the scored rollouts. `known` is False for a name that no case presents.

    `expected` counts expected calls, `made` well-formed ones; `outcomes` says what became of those. `rollouts` are
    those that expect the tool, `right` of them were right in everything.
    """

    name: str
    changes: bool
    known: bool
    expected: int
    made: int
    outcomes: Mapping[str, int]
    rollouts: int
    right: int


@dataclass(frozen=True, slots=True)
class DefectCount:
    """Malformed turns of one kind: how many, in how many rollouts, and a case with one."""

    name: str
    turns: int
    rollouts: int
    case: str
    detail: str


@dataclass(frozen=True, slots=True)
class Effort:
    """What a run took: turns, tokens (0 where no tokenizer was involved), and seconds of a rollout.

    `wall` are the seconds from its beginning to its end, None while it has none. What a provider charged is in
    `results.usage`.
    """

    rollouts: int
    turns: int
    prompt_tokens: int
    completion_tokens: int
    p50: float
    p95: float
    wall: float | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """One thing that made the result what it is."""

    group: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class PassK:
    """pass^k: the chance that k epochs of a case are all right (Yao et al. 2024, tau-bench, section 4)."""

    k: int
    value: float


@dataclass(frozen=True, slots=True)
class Shift:
    """A metric on the common cases, before and after. `drop` only describes; `gated` is the gate's word, if any."""

    name: str
    before: float
    after: float
    drop: Difference
    gated: MetricVerdict | None = None


@dataclass(frozen=True, slots=True)
class Flip:
    """A case whose success, averaged over epochs, differs from the baseline's."""

    case: str
    branch: str
    locale: str
    operator: str | None
    before: float
    after: float
    reason: str


@dataclass(frozen=True, slots=True)
class BranchShift:
    """A branch on the common cases, before and after."""

    name: str
    before: float
    after: float
    cases: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run against the baseline. Without a verdict on numbers (incomparable, incomplete) there are no `shifts`.

    `branches` are those that changed, the largest drop first. `sampled` says that the branches at hand stand for others
    like them, as the policy has it, and are not all there is. `tries` are those of a candidate that the policy allows.
    """

    verdict: Verdict
    sampled: bool
    tries: int
    common: int
    shifts: tuple[Shift, ...]
    fixed: tuple[Flip, ...]
    broken: tuple[Flip, ...]
    branches: tuple[BranchShift, ...]


@dataclass(frozen=True, slots=True)
class ReportedRun:
    """One run, scored from its evidence.

    `name` is the model as a person names it, its adapter after a plus sign, and unlike those of other runs of the
    report. `digest` is that of the adapter's weights. `resume` is the command that carries an incomplete run on.
    `moved` are targets that are not what they were; `trained_targets` says whether the adapter's passport knows them
    at all. `rules` are those of zero tolerance. `tools` are those of the most use first. `asked` is what was asked of
    `samescore eval`, `split` that of its cases. The baseline has no `procedures`.
    """

    name: str
    directory: str
    model: str
    adapter: str | None
    digest: str | None
    suites: tuple[PlannedSuite, ...]
    started: str
    finished: str | None
    epochs: int
    temperature: float
    limit: int | None
    redacted: bool
    lenient: bool
    stopped: str | None
    completed: Mapping[str, Any] | None
    resume: str
    results: Results
    decision: Decision
    targets: tuple[Target, ...]
    moved: tuple[Moved, ...]
    trained_targets: bool
    rules: tuple[RuleVerdict, ...]
    pass_k: tuple[PassK, ...]
    procedures: tuple[Procedure, ...]
    tools: tuple[ToolUse, ...]
    defects: tuple[DefectCount, ...]
    as_served: AsServed | None
    effort: Effort
    provenance: tuple[Provenance, ...]
    cases: tuple[ReportedCase, ...]
    asked: AskedAgain
    comparison: Comparison | None = None
    split: str = "eval"

    @property
    def success(self) -> Metric:
        """The primary metric."""
        return self.results.metrics["success"]


@dataclass(frozen=True, slots=True)
class Contents:
    """A report: one run, or several side by side, each against the same baseline where there is one.

    `decision` is the run's own. Of several runs it counts those that may take the baseline's place, has the outcome and
    exit code of the one that decides for all (the first of exit codes 2, 5, 4, 1, 3, 0), and a fact for each.
    """

    language: Language
    title: str
    version: str
    decision: Decision
    runs: tuple[ReportedRun, ...]
    baseline: ReportedRun | None = None


def contents_of(
    runs: Sequence[Run],
    baseline: Run | None = None,
    policy: Policy | None = None,
    language: Language = "en",
    *,
    suites: Sequence[str] = (),
) -> Contents:
    """What a report on these runs says.

    `policy` is the gate's, its default where none is given. `suites` are names or paths of suites that are not where
    the runs recorded them.

    Raises:
        UsageError: no run; or a run's suites are not at hand.
        EvidenceDamaged, ForeignEvidence: a run's evidence cannot be read.
    """
    from samescore.reports.gathering import gathered

    return gathered(runs, baseline, policy, language, suites)
