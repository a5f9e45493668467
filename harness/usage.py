"""What a run took: tokens, latency and cost, as providers said of each turn. It is no part of any score."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum

from samescore.harness.errors import UsageError
from samescore.harness.records import Record


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. Cached input counts as any other, so a cost is at most what is charged."""

    input: float
    output: float

    @classmethod
    def parse(cls, text: str) -> Price:
        """Read `IN,OUT`.

        Raises:
            UsageError: it is not two amounts.
        """
        try:
            read, write = (float(part) for part in text.split(","))
        except ValueError:
            read = write = math.nan
        if not (math.isfinite(read) and math.isfinite(write) and read >= 0 and write >= 0):
            raise UsageError(
                f"--price: expected US dollars per million tokens read and written, such as 0.25,2; found {text!r}."
            )
        return cls(read, write)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars."""
        return (input_tokens * self.input + output_tokens * self.output) / 1_000_000


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """Of all recorded turns: tokens, seconds at the median and at the 95th percentile, and US dollars.

    `cost` is None where the price of some turn is not known.
    """

    turns: int
    rollouts: int
    input_tokens: int
    output_tokens: int
    p50: float
    p95: float
    cost: float | None


def usage_totals(records: Iterable[Record]) -> UsageTotals | None:
    """What these rollouts took; None where no provider said anything. Rollouts that ended in an error have no turns."""
    known = [[one for one in record.usage if one is not None] for record in records]
    turns = [one for usage in known for one in usage]
    if not turns:
        return None
    seconds = sorted(one.seconds for one in turns)
    costs = [one.cost for one in turns if one.cost is not None]
    return UsageTotals(
        turns=len(turns),
        rollouts=sum(map(bool, known)),
        input_tokens=sum(one.input_tokens for one in turns),
        output_tokens=sum(one.output_tokens for one in turns),
        p50=_percentile(seconds, 0.5),
        p95=_percentile(seconds, 0.95),
        cost=fsum(costs) if len(costs) == len(turns) else None,
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the least value that so many are at most."""
    return ordered[math.ceil(share * len(ordered)) - 1]
