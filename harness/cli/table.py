"""The results of a run as a person reads them: scores, languages, branch coverage, and what could not be scored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from samescore.harness.cli.printable import print_hanging, printable, shortened
from samescore.harness.results import Coverage, Metric, Results, TargetVerdict
from samescore.harness.usage import UsageTotals

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

BAR = 20
"""Characters of a coverage bar."""

LONGEST = 300
"""Characters of a reason before it is cut."""

LISTED = 8
"""How many names a list shows before it says how many more there are."""

_STYLE = {TargetVerdict.MET: "green", TargetVerdict.MISSED: "red", TargetVerdict.INCONCLUSIVE: "yellow"}


def print_results(console: Console, results: Results, check: bool) -> None:
    """Everything but the failing branches; verdicts on targets only with `check`."""
    _print_metrics(console, results.metrics, check)
    if len(results.locales) > 1:
        console.print("success by language", style="bold")
        for locale, metric in results.locales.items():
            console.print(f"  {locale}  {score(metric)}  {interval(metric)}  {metric.n} cases")
        console.print()
    if results.coverage:
        _print_coverage(console, results.coverage)
    if results.defects:
        counted = ", ".join(f"{name} {count}" for name, count in results.defects.items())
        _print_block(console, "malformed turns", counted)
    if results.usage is not None:
        _print_block(console, "cost and latency", usage_line(results.usage))
    if results.errors:
        _print_errors(console, results)


def usage_line(usage: UsageTotals) -> str:
    """What a run took, in one line."""
    cost = "" if usage.cost is None else f" · {dollars(usage.cost)} USD, {dollars(usage.cost / usage.rollouts)} a case"
    return (
        f"{usage.input_tokens:,} tokens read, {usage.output_tokens:,} written in {usage.turns} turns · "
        f"{usage.p50:.2f} s a turn (p95 {usage.p95:.2f} s){cost}"
    )


def dollars(amount: float) -> str:
    """An amount to the cent; a smaller one than a dollar with two significant digits, however small it is."""
    digits = 1 - math.floor(math.log10(amount)) if 0 < amount < 1 else 2
    return f"{amount:.{digits}f}"


def score(metric: Metric) -> str:
    """A metric's value, or that it has none yet."""
    return "open" if metric.value is None else share(metric.value)


def interval(metric: Metric) -> str:
    """A metric's 95% interval."""
    return f"{share(metric.low)}–{metric.high:.3f}"


def share(value: float) -> str:
    """A number in [0, 1] with three digits; 1.000 is said of 1 alone."""
    return f"{value:.3f}" if value == 1.0 else f"{min(value, 0.999):.3f}"


def _print_metrics(console: Console, metrics: Mapping[str, Metric], check: bool) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("metric", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("95% interval", justify="right", no_wrap=True)
    table.add_column("target", no_wrap=True)
    table.add_column("floor", no_wrap=True)
    table.add_column("cases", justify="right", no_wrap=True)
    for metric in metrics.values():
        floor = metric.floor
        table.add_row(
            printable(metric.name),
            score(metric),
            interval(metric),
            _target(metric, check),
            "" if floor is None else f"{share(floor.value)} {floor.policy.removeprefix('null/')}",
            str(metric.n),
            style="bold" if metric.name == "success" else "",
        )
    console.print()
    console.print(table)
    console.print()


def _target(metric: Metric, check: bool) -> Text:
    from rich.text import Text

    if metric.target is None:
        return Text("")
    text = Text(f"{metric.target:.2f}")
    if check and metric.verdict is not None:
        text.append(f" {metric.verdict.value}", style=_STYLE[metric.verdict])
    return text


def _print_coverage(console: Console, coverage: Sequence[Coverage]) -> None:
    from rich.text import Text

    console.print("branches tried", style="bold")
    width = max(len(one.procedure) for one in coverage)
    for one in coverage:
        tried = one.covered / one.feasible if one.feasible else 1.0
        filled = int(BAR * tried)  # a full bar means every branch
        line = Text(f"  {one.procedure:<{width}}  {one.covered:>3}/{one.feasible:<3} ")
        line.append("█" * filled, style="green" if not one.untried else "yellow")
        line.append("░" * (BAR - filled), style="dim")
        line.append(f" {tried:4.0%}")
        console.print(line)
        if one.untried:
            head = Text("    not tried: ", style="dim")
            print_hanging(console, head, Text(listing(one.untried), style="dim"))
    console.print()


def _print_errors(console: Console, results: Results) -> None:
    from rich.text import Text

    missing = len(results.errors)
    console.print(Text(f"incomplete: {missing} of {results.rollouts} rollouts have no score", style="bold red"))
    print_hanging(
        console, Text("  "), Text("Not failures of the model. Scores stay open until every planned rollout has one.")
    )
    for failure in results.errors[:LISTED]:
        line = shortened(f"{failure.case} (epoch {failure.epoch}): {failure.reason}", LONGEST)
        print_hanging(console, Text("  "), Text(line))
    if missing > LISTED:
        console.print(Text(f"  and {missing - LISTED} more"))
    console.print()


def _print_block(console: Console, title: str, body: str) -> None:
    from rich.text import Text

    print_hanging(console, Text(f"{title}  ", style="bold"), Text(printable(body)))
    console.print()


def listing(names: Sequence[str]) -> str:
    """Names with commas, the first few of them."""
    shown = ", ".join(printable(name) for name in names[:LISTED])
    return shown if len(names) <= LISTED else f"{shown} and {len(names) - LISTED} more"
