"""Statistics of scores: how sure a mean is, a difference between pairs, and what the gate says of it."""

from samescore.harness.stats.interval import Interval, mean_interval
from samescore.harness.stats.noninferiority import Compared, compare, holm, standings
from samescore.harness.stats.paired import Difference, paired_difference
from samescore.harness.stats.sequential import Looked, Looks

__all__ = [
    "Compared",
    "Difference",
    "Interval",
    "Looked",
    "Looks",
    "compare",
    "holm",
    "mean_interval",
    "paired_difference",
    "standings",
]
