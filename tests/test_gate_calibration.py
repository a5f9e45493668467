"""What the calibration of the gate is measured against: drawn runs have the drop that they are said to have."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent


def calibration() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gate_calibration", ROOT / "benchmarks" / "gate_calibration.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


BENCHMARK = calibration()
DESIGNS = list(BENCHMARK.designs())


@pytest.mark.parametrize("number", range(len(DESIGNS)))
def test_drawn_runs_have_the_drop_that_they_are_said_to_have(number: int) -> None:
    """On average over runs, within four standard errors; which is what makes a pass at the margin an error."""
    design, rng = DESIGNS[number], np.random.default_rng(number)
    for drop in (0.0, design.margin, 2 * design.margin):
        before, after = design.draw(rng, 150, drop)
        assert before.shape == after.shape == (150, design.n)
        means = (before - after).mean(axis=1)
        assert means.mean() == pytest.approx(drop, abs=4 * means.std() / math.sqrt(150) + 1e-9)
        assert before.min() >= 0 and after.max() <= 1
    assert design.sizes is None or sum(design.sizes) == design.n


def test_drops_of_one_branch_correlate_as_the_design_says() -> None:
    design = BENCHMARK.shared_fate(120, 12, 0.3, 0.2, sizes=(10,) * 12)
    before, after = design.draw(np.random.default_rng(1), 3000, 0.05)
    drops = before - after
    by_branch = drops.reshape(3000, 12, 10).sum(axis=2).var() / 10
    assert by_branch / drops.var() == pytest.approx(1 + 9 * 0.3, rel=0.05)


def test_probabilities_of_all_outcomes_add_up_to_one() -> None:
    for churn, drop in ((0.2, 0.05), (1.0, 0.05), (0.05, 0.05), (0.3, 0.0)):
        chances = BENCHMARK.chances(30, BENCHMARK.moving(churn, drop))
        assert chances.sum() == pytest.approx(1)
        lost, gained = np.arange(31)[:, None], np.arange(31)
        assert (chances * (lost - gained)).sum() / 30 == pytest.approx(drop)


def test_the_page_has_a_line_for_every_design() -> None:
    """In the order in which they are printed."""
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if "±" in line]
    told = [(row[0], row[1], row[5]) for row in rows if len(row) == len(BENCHMARK.COLUMNS)]
    drawn = [(design.name, str(design.n), claim.name) for design in DESIGNS for claim in design.claims]
    assert told[: len(drawn)] == drawn
    assert len(told) == len(drawn) + 4, "several metrics, and three runs with looks"
