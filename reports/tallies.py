"""What is counted over a run's rollouts: the use of its tools, malformed turns, pass^k, tokens and seconds."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import fsum

from samescore.harness.manifest import Manifest
from samescore.harness.records import Record
from samescore.harness.rescore import Scored
from samescore.harness.types import Defect
from samescore.reports.contents import DefectCount, Effort, PassK, ToolUse


@dataclass(slots=True)
class _Use:
    """The counts of one tool while they grow."""

    changes: bool = False
    known: bool = False
    expected: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    rollouts: int = 0
    right: int = 0


def tool_use(scored: Iterable[Scored]) -> tuple[ToolUse, ...]:
    """Every tool that scored rollouts expected or called, the most used first. Malformed calls are under defects."""
    uses: defaultdict[str, _Use] = defaultdict(_Use)
    for one in scored:
        if one.case is None or one.trajectory is None or one.scores is None:
            continue
        presented = {tool.name: tool.effect for tool in one.case.toolset.tools}
        wanted = Counter(call.name for call in one.case.expectation.calls)
        seen = [seen for step in one.trajectory.steps for seen in step.observations]
        for name, times in wanted.items():
            uses[name].expected += times
            uses[name].rollouts += 1
            uses[name].right += one.scores["success"].value == 1.0
        for observation in seen:
            uses[observation.call.name].outcomes[observation.outcome.value] += 1
        for name in wanted.keys() | {observation.call.name for observation in seen}:
            uses[name].known |= name in presented
            uses[name].changes |= presented.get(name, False)
    found = [
        ToolUse(
            name,
            use.changes,
            use.known,
            use.expected,
            use.outcomes.total(),
            dict(use.outcomes),
            use.rollouts,
            use.right,
        )
        for name, use in uses.items()
    ]
    return tuple(sorted(found, key=lambda use: (not use.known, -max(use.made, use.expected), use.name)))


def defect_counts(scored: Iterable[Scored]) -> tuple[DefectCount, ...]:
    """Malformed turns of scored rollouts by name, the most frequent first."""
    found: defaultdict[str, list[tuple[Scored, Defect]]] = defaultdict(list)
    for one in scored:
        if one.scores is None or one.trajectory is None:
            continue
        for step in one.trajectory.steps:
            for defect in step.turn.defects:
                found[defect.name.value].append((one, defect))
    return tuple(
        DefectCount(
            name,
            len(those),
            len({(one.record.case, one.record.epoch) for one, _ in those}),
            those[0][0].record.case,
            those[0][1].detail,
        )
        for name, those in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    )


def pass_k(successes: Mapping[str, Sequence[float]], epochs: int) -> tuple[PassK, ...]:
    """pass^k for k from 1 to the number of epochs; nothing for a single epoch, or while a rollout is missing."""
    from samescore.harness.gate.pairs import pass_hat

    if epochs < 2 or not successes or any(len(values) != epochs for values in successes.values()):
        return ()
    right = [sum(value == 1.0 for value in values) for values in successes.values()]
    return tuple(
        PassK(k, fsum(pass_hat(passed, epochs, k) for passed in right) / len(right)) for k in range(1, epochs + 1)
    )


def effort(manifest: Manifest, records: Sequence[Record]) -> Effort:
    """What these rollouts took; those that ended in an error count for nothing."""
    done = [record for record in records if record.error is None]
    seconds = sorted(record.seconds for record in done)
    turns = [turn for record in done for turn in record.turns]
    return Effort(
        rollouts=len(done),
        turns=len(turns),
        prompt_tokens=sum(turn.prompt_tokens for turn in turns),
        completion_tokens=sum(turn.tokens for turn in turns),
        p50=_percentile(seconds, 0.5),
        p95=_percentile(seconds, 0.95),
        wall=_wall(manifest),
    )


def _wall(manifest: Manifest) -> float | None:
    if manifest.finished is None:
        return None
    begun, ended = (datetime.fromisoformat(time) for time in (manifest.started, manifest.finished))
    return (ended - begun).total_seconds()


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; 0 of nothing."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else 0.0
