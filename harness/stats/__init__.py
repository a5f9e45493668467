"""Statistics of scores: how sure a mean is."""

from samescore.harness.stats.interval import Interval, mean_interval

__all__ = ["Interval", "mean_interval"]
