"""Drift: what a line of baselines has lost since its anchor.

Each baseline may have passed the gate against the one before it and still be a little worse. The losses add up; the
newest baseline against the anchor shows their sum, by the gate's own rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from samescore.harness.registry.entry import Line, Promotion
from samescore.harness.registry.folder import Registry
from samescore.harness.run import Run

if TYPE_CHECKING:
    from samescore.harness.gate import Policy, Verdict


@dataclass(frozen=True, slots=True)
class Drift:
    """A line's baselines since its anchor, oldest first, and the newest against it; None where that is the anchor."""

    line: Line
    since: tuple[Promotion, ...]
    verdict: Verdict | None

    @property
    def anchor(self) -> Promotion:
        """What the others are watched against."""
        return self.since[0]

    @property
    def newest(self) -> Promotion:
        """The baseline."""
        return self.since[-1]


def drift(registry: Registry, line: Line, policy: Policy | None = None, suites: Sequence[str] = ()) -> Drift:
    """Judge the newest baseline of a line against its anchor. `suites` are the paths of those that moved.

    Raises:
        UsageError: none was ever promoted; or see `samescore.harness.gate.gate`.
        EvidenceDamaged: one of the two runs changed since it was added, or vanished.
    """
    from samescore.harness.gate import gate

    newest, anchor = registry.baseline(line), registry.anchor(line)
    since = tuple(one for one in registry.promotions(line) if one.number >= anchor.number)
    if newest.entry == anchor.entry:
        return Drift(line, since, None)
    candidate, before = (Run.open(registry.directory(one.entry)) for one in (newest, anchor))
    return Drift(line, since, gate(candidate, before, policy, suites=suites))
