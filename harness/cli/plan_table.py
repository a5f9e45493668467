"""What `samescore plan` prints: what each margin needs, and what the figures rest on; and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from samescore.harness.counted import counted
from samescore.harness.gate.policy import Policy
from samescore.harness.planning import ASSUMED_CHURN, Known, LookPlan, MetricPlan

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Table:
    """All that is said of a plan. `cases` are those planned, None where none are; `told` what the figures rest on."""

    metrics: Sequence[MetricPlan]
    looks: LookPlan | None
    policy: Policy
    cases: int | None
    power: float
    told: Sequence[str]


def table_json(table: Table, code: int) -> dict[str, Any]:
    """The object that `--json` prints."""
    return {
        "possible": all(plan.possible for plan in table.metrics),
        "exit": code,
        "cases": table.cases,
        "alpha": table.policy.level,
        "power": table.power,
        "branches": table.policy.branches,
        "metrics": {plan.name: _metric_json(plan) for plan in table.metrics},
        "looks": None if table.looks is None else asdict(table.looks),
        "told": list(table.told),
    }


def told(known: Known, plans: Sequence[MetricPlan], churn: float | None, policy: Policy) -> list[str]:
    """What the numbers rest on, in words."""
    said = []
    assumed = [plan.name for plan in plans if not plan.seen]
    if assumed:
        share = ASSUMED_CHURN if churn is None else churn
        of = "" if len(assumed) == len(plans) else f" ({', '.join(assumed)})"
        why = "nothing varies in the pilot; " if churn is None and known.variations else ""
        advice = (
            "; two adapters often differ in several times as many. Say --churn, or give two pilot runs"
            if churn is None
            else ""
        )
        said.append(
            f"{why}assumed: {share:g} of the cases come out differently in another run, by chance alone{of}{advice}"
        )
    said += known.told
    for plan in plans:
        if plan.branches is not None and plan.branches > 1 and (rho0 := policy.correlation(plan.branches)):
            said.append(
                f"{plan.name}: {plan.branches} branches are few, so that drops within one are taken to correlate by "
                f"{rho0:g} at least (rho0 of the policy)"
            )
    if policy.branches == "population":
        said.append("the branches at hand are taken for the whole population (branches of the policy)")
    return said


def _impossible(plan: MetricPlan) -> str:
    """Why a margin cannot be passed, and what could be done."""
    if plan.n == 0:
        return "no planned case has this metric. Plan more cases, or leave its margin out of the policy."
    if plan.branches == 1:
        return (
            "all cases are of one branch, which says nothing of branches like it. Take cases of more branches, or "
            'claim no more than this one: branches = "population" in the policy.'
        )
    if plan.n is None or plan.floor is None or plan.fewest is None:
        return (
            f"no number of cases of these {plan.branches} branches excludes a drop of {plan.margin:g}: alike as they "
            "are taken to be, more of them tell ever less. Take cases of more branches, or claim no more than these: "
            'branches = "population" in the policy.'
        )
    return (
        f"with {counted(plan.n, 'case')} no drop below {_rounded(plan.floor)} can be excluded; margin {plan.margin:g} "
        f"needs at least {plan.fewest} cases. More epochs do not help."
    )


def print_table(table: Table) -> None:
    """Each metric with what its margin needs, the looks, and what all of it rests on."""
    from rich.console import Console
    from rich.text import Text

    from samescore.harness.cli.printable import print_hanging

    console = Console(markup=False, highlight=False, emoji=False)
    for plan in table.metrics:
        console.print(Text.assemble((plan.name, "bold"), f", margin {plan.margin:g}{_cases(plan)}, {_churn(plan)}"))
        if not plan.possible:
            never = Text.assemble("  ", ("no pass is possible", "bold red"), ": ")
            print_hanging(console, never, Text(_impossible(plan)))
        if plan.fewest is not None:
            _print_epochs(console, plan, table.cases)
        console.print()
    if table.looks is not None:
        print_hanging(console, Text("looks  ", style="bold"), Text(looks_in_words(table.looks, table.policy)))
        console.print()
    legend = [_legend(table.cases, table.power)] if any(plan.fewest is not None for plan in table.metrics) else []
    for remark in (*legend, *table.told):
        print_hanging(console, Text("· "), Text(remark))


def _cases(plan: MetricPlan) -> str:
    of = "" if plan.branches is None else f" of {plan.branches} {'branch' if plan.branches == 1 else 'branches'}"
    return of and f", cases{of}" if plan.n is None else f", {counted(plan.n, 'case')}{of}"


def _churn(plan: MetricPlan) -> str:
    return f"churn {_rounded(plan.churn)} as in the pilot" if plan.seen else f"churn {plan.churn:g} assumed"


def _legend(cases: int | None, power: float) -> str:
    planned = (
        ""
        if cases is None
        else f" {cases} cases pass: how often they let it; drop they find: the smallest that they find 80 of 100 times."
    )
    return f"cases needed: for an equal candidate to pass {power * 100:.0f} of 100 times.{planned}"


def _print_epochs(console: Console, plan: MetricPlan, cases: int | None) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("  epochs", "cases needed", "rollouts"):
        table.add_column(title, justify="right")
    if cases is not None:
        for title in (f"{cases} cases pass", "drop they find"):
            table.add_column(title, justify="right")
    for one in plan.epochs:
        needs = ("never", "") if one.cases is None else (f"{one.cases:,}", f"{one.cases * one.epochs:,}")
        shown = () if one.passes is None or one.mde is None else (f"{one.passes:.0%}", _rounded(one.mde))
        table.add_row(str(one.epochs), *needs, *shown)
    console.print(table)


def looks_in_words(looked: LookPlan, policy: Policy) -> str:
    """After how many cases the looks are, and which of them can pass."""
    ends = ", ".join(map(str, looked.ends[:-1]))
    if looked.first is not None:
        when = f"a pass is possible from look {looked.first} on, which takes {looked.fewest} cases"
    elif looked.fewest is not None:
        when = f"none of them can pass, which takes {looked.fewest} cases at that level"
    else:
        when = "none of them can pass, however many cases there are"
    return (
        f"after {ends} and {looked.ends[-1]} cases, each judged at {looked.level:.4f} so that {policy.level:g} holds "
        f"over all of them: {when}."
    )


def _metric_json(plan: MetricPlan) -> dict[str, Any]:
    return {
        "margin": plan.margin,
        "possible": plan.possible,
        "reason": None if plan.possible else _impossible(plan),
        "n": plan.n,
        "branches": plan.branches,
        "floor": plan.floor,
        "fewest": plan.fewest,
        "churn": {"value": plan.churn, "assumed": not plan.seen},
        "variance": {"within": plan.varies.within, "between": plan.varies.between},
        "epochs": [
            {"epochs": one.epochs, "cases": one.cases, "passes": one.passes, "mde": one.mde} for one in plan.epochs
        ],
    }


def _rounded(share: float) -> str:
    """Two significant digits."""
    return f"{share:.2g}"
