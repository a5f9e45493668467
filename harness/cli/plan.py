"""`samescore plan`: how many cases and epochs a margin needs; and, before a run, whether a verdict is possible at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from samescore.harness.cli.choices import SplitName

if TYPE_CHECKING:
    from rich.console import Console

    from samescore.harness.gate.policy import Policy
    from samescore.harness.planning import Known, LookPlan, MetricPlan


def plan_command(
    pilots: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RUN] [RUN]",
            help="Pilot runs: one of several epochs shows chance, two of different adapters also real differences.",
            show_default="none",
        ),
    ] = None,
    suite: Annotated[
        list[str] | None,
        Option(metavar="NAME", help="What is to be run: its cases, branches and metrics; may be repeated."),
    ] = None,
    split: Annotated[SplitName | None, Option(help="Whose cases.", show_default="eval")] = None,
    cases: Annotated[
        int | None, Option(metavar="N", min=1, help="How many cases are planned.", show_default="all of the suite")
    ] = None,
    branches: Annotated[
        int | None,
        Option(metavar="N", min=1, help="Of how many branches, where no suite or pilot says so.", show_default="none"),
    ] = None,
    epochs: Annotated[
        list[int] | None, Option(metavar="N", min=1, max=100, help="May be repeated.", show_default="1, 3 and 5")
    ] = None,
    margin: Annotated[
        float | None, Option(metavar="M", help="Of success, in place of the policy's.", show_default="0.05")
    ] = None,
    policy: Annotated[Path | None, Option(metavar="FILE", help="What the gate will be asked, a gate.toml.")] = None,
    churn: Annotated[
        float | None,
        Option(
            metavar="P",
            min=0.0,
            max=1.0,
            help="The share of cases that come out differently in another run of one epoch.",
            show_default="as in the pilot, else 0.05",
        ),
    ] = None,
    power: Annotated[
        float, Option(metavar="P", min=0.5, max=0.99, help="How often an equal candidate is to pass.")
    ] = 0.9,
    looks: Annotated[
        int | None, Option(metavar="N", min=2, max=20, help="Look so often while the run goes on, and stop early.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say how many cases and epochs a margin needs. Exit 3 where the planned cases cannot pass it."""
    import json

    from samescore.harness.errors import ExitCode, UsageError
    from samescore.harness.planning import EPOCHS, looks_at, planned

    judged_by = _policy(policy, margin)
    known, number = _known(list(pilots or ()), list(suite or ()), split, cases, branches, judged_by)
    plans = planned(known, judged_by, number, churn, epochs or EPOCHS, power)
    if looks is not None and number is None:
        raise UsageError("--looks: after how many cases they are depends on how many are planned. Add --cases N.")
    looked = None if looks is None or number is None else looks_at(plans, known, judged_by, number, looks)
    possible = all(plan.possible for plan in plans)
    code = ExitCode.PASS if possible else ExitCode.INCONCLUSIVE
    told = _told(known, plans, churn, judged_by)
    if as_json:
        print(json.dumps(_json(plans, looked, judged_by, number, power, told, code), ensure_ascii=False, allow_nan=False))
    else:
        _print(plans, looked, judged_by, number, power, told)
    raise typer.Exit(int(code))


def _policy(path: Path | None, margin: float | None) -> Policy:
    from dataclasses import replace

    from samescore.harness.errors import UsageError
    from samescore.harness.gate.policy import DEFAULT, SUCCESS, load_policy

    policy = DEFAULT if path is None else load_policy(path)
    if margin is None:
        return policy
    if not 0 < margin < 1:
        raise UsageError(f"--margin: expected a number between 0 and 1, such as 0.05, found {margin:g}.")
    return replace(policy, margins={**policy.margins, SUCCESS: margin})


def _known(
    pilots: Sequence[Path],
    names: Sequence[str],
    split: SplitName | None,
    cases: int | None,
    branches: int | None,
    policy: Policy,
) -> tuple[Known, int | None]:
    """What is known of the cases, and how many are planned. A suite says which are; pilots how much they vary."""
    from dataclasses import replace

    from samescore.harness.cli.loading import cases_of, load_suites
    from samescore.harness.errors import UsageError
    from samescore.harness.plan import Plan
    from samescore.harness.planning import known_from_cases, known_from_numbers, known_from_runs
    from samescore.harness.run import Run

    if len(pilots) > 2:
        raise UsageError(f"{len(pilots)} pilot runs; give one, or two to compare.")
    if branches is not None and (names or pilots):
        raise UsageError("--branches: the suite or the pilot says of which branches cases are. Leave it out.")
    if split is not None and not names:
        raise UsageError("--split: whose cases goes with a suite. Add --suite NAME, or leave it out.")
    pilot = known_from_runs([Run.open(path) for path in pilots], policy) if pilots else None
    if names:
        suites = load_suites(names, (split or SplitName.EVAL).value, None)
        ids = {case.id for case in Plan.make(suites, limit=cases).cases}
        known = known_from_cases([case for case in cases_of(suites) if case.id in ids])
        if pilot is not None:
            known = replace(known, variations=pilot.variations, told=pilot.told)
        return known, cases or known.total
    if pilot is not None:
        return pilot, cases or pilot.total
    return known_from_numbers(branches, policy.margins), cases


def _told(known: Known, plans: Sequence[MetricPlan], churn: float | None, policy: Policy) -> list[str]:
    """What the numbers rest on, in words."""
    from samescore.harness.planning import ASSUMED_CHURN

    told = []
    assumed = [plan.name for plan in plans if churn is not None or plan.varies != known.variations.get(plan.name)]
    if assumed:
        share = ASSUMED_CHURN if churn is None else churn
        of = "" if len(assumed) == len(plans) else f" ({', '.join(assumed)})"
        told.append(
            f"assumed: {share:g} of the cases come out differently in another run, by chance alone{of}"
            f"{'; say --churn, or give a pilot run' if churn is None else ''}"
        )
    told += known.told
    for plan in plans:
        if plan.branches is not None and plan.branches > 1 and (rho0 := policy.correlation(plan.branches)):
            told.append(
                f"{plan.name}: {plan.branches} branches are few, so that drops within one are taken to correlate by "
                f"{rho0:g} at least (rho0 of the policy)"
            )
    if policy.branches == "population":
        told.append("the branches at hand are taken for the whole population (branches of the policy)")
    return told


def _impossible(plan: MetricPlan) -> str:
    """Why a margin cannot be passed, and what could be done."""
    if plan.n == 0:
        return "no planned case has this metric. Plan more cases, or leave its margin out of the policy."
    if plan.branches == 1:
        return (
            "all cases are of one branch, which says nothing of branches like it. Take cases of more branches, or claim "
            'no more than this one: branches = "population" in the policy.'
        )
    if plan.n is None or plan.floor is None or plan.fewest is None:
        return (
            f"no number of cases of these {plan.branches} branches excludes a drop of {plan.margin:g}: alike as they are "
            "taken to be, more of them tell ever less. Take cases of more branches, or claim no more than these: "
            'branches = "population" in the policy.'
        )
    return (
        f"with {plan.n} cases no drop below {_rounded(plan.floor)} can be excluded; margin {plan.margin:g} needs at least "
        f"{plan.fewest} cases. More epochs do not help."
    )


def _print(
    plans: Sequence[MetricPlan],
    looked: LookPlan | None,
    policy: Policy,
    cases: int | None,
    power: float,
    told: Sequence[str],
) -> None:
    from rich.console import Console
    from rich.text import Text

    from samescore.harness.cli.printable import print_hanging

    console = Console(markup=False, highlight=False, emoji=False)
    for plan in plans:
        console.print(Text.assemble((plan.name, "bold"), f", margin {plan.margin:g}"))
        if not plan.possible:
            print_hanging(console, Text.assemble("  ", ("no pass is possible", "bold red"), ": "), Text(_impossible(plan)))
        if plan.fewest is not None:
            _print_epochs(console, plan, cases)
        console.print()
    if looked is not None:
        print_hanging(console, Text("looks  ", style="bold"), Text(_looks(looked, policy)))
        console.print()
    for remark in (_legend(cases, power), *told):
        print_hanging(console, Text("· "), Text(remark))


def _legend(cases: int | None, power: float) -> str:
    planned = (
        ""
        if cases is None
        else "; so often the planned ones would let it pass, and so large must a drop be to be found 80 of 100 times"
    )
    return f"cases needed: for a candidate that is equal to pass {power * 100:.0f} of 100 times{planned}"


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


def _looks(looked: LookPlan, policy: Policy) -> str:
    ends = ", ".join(map(str, looked.ends[:-1]))
    if looked.first is not None:
        when = f"a pass is possible from look {looked.first} on, which takes {looked.fewest} cases"
    elif looked.fewest is not None:
        when = f"none of them can pass, which takes {looked.fewest} cases at that level"
    else:
        when = "none of them can pass, however many cases there are"
    return (
        f"after {ends} and {looked.ends[-1]} cases, each judged at {looked.level:.4f} so that {policy.level:g} holds over "
        f"all of them: {when}."
    )


def _json(
    plans: Sequence[MetricPlan],
    looked: LookPlan | None,
    policy: Policy,
    cases: int | None,
    power: float,
    told: Sequence[str],
    code: int,
) -> dict[str, Any]:
    return {
        "possible": not code,
        "exit": int(code),
        "cases": cases,
        "alpha": policy.level,
        "power": power,
        "branches": policy.branches,
        "metrics": {
            plan.name: {
                "margin": plan.margin,
                "possible": plan.possible,
                "n": plan.n,
                "branches": plan.branches,
                "floor": plan.floor,
                "fewest": plan.fewest,
                "reason": None if plan.possible else _impossible(plan),
                "variance": {"within": plan.varies.within, "between": plan.varies.between},
                "epochs": [
                    {"epochs": one.epochs, "cases": one.cases, "passes": one.passes, "mde": one.mde}
                    for one in plan.epochs
                ],
            }
            for plan in plans
        },
        "looks": None
        if looked is None
        else {
            "ends": list(looked.ends),
            "level": looked.level,
            "fewest": looked.fewest,
            "first": looked.first,
        },
        "told": list(told),
    }


def _rounded(share: float) -> str:
    """Two significant digits."""
    return f"{share:.2g}"
