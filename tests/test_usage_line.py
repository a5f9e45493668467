"""The line of cost and latency: its amounts agree, however small they are."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from samescore.harness.cli.table import dollars, usage_line
from samescore.harness.usage import UsageTotals


def test_total_and_share_of_a_case_agree() -> None:
    line = usage_line(UsageTotals(4, 4, 100, 20, 0.5, 0.6, 0.000072))
    assert line.endswith(" · 0.000072 USD, 0.000018 a case")


@pytest.mark.parametrize(
    ("amount", "words"),
    [(0.0, "0.00"), (12.345, "12.35"), (1.0, "1.00"), (0.5, "0.50"), (0.0123, "0.012"), (0.999, "1.00")],
)
def test_amounts_have_the_digits_that_matter(amount: float, words: str) -> None:
    assert dollars(amount) == words


@given(st.floats(min_value=1e-9, max_value=1e6))
def test_no_amount_is_off_by_more_than_its_last_digit(amount: float) -> None:
    assert float(dollars(amount)) == pytest.approx(amount, rel=0.051)
