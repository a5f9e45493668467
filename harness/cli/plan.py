"""`samescore plan`: how many cases and epochs a margin needs, and before a run whether it can be passed at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from samescore.harness.cli.choices import SplitName

if TYPE_CHECKING:
    from samescore.harness.gate.policy import Policy
    from samescore.harness.planning import Known


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
            max=0.5,
            help="The share of cases that come out differently in another run of one epoch, by chance alone.",
            show_default="as in the pilot, else 0.05",
        ),
    ] = None,
    power: Annotated[
        float, Option(metavar="P", min=0.5, max=0.99, help="How often an equal candidate is to pass.")
    ] = 0.9,
    looks: Annotated[
        int | None, Option(metavar="N", min=2, max=20, help="Say what so many looks at a run in progress could show.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say how many cases and epochs a margin needs. Exit 3 where the planned cases cannot pass it."""
    import json

    from samescore.harness.cli.plan_table import Table, print_table, table_json, told
    from samescore.harness.errors import ExitCode, UsageError
    from samescore.harness.planning import EPOCHS, looks_at, planned

    judged_by = _policy(policy, margin)
    known, number = _known(list(pilots or ()), list(suite or ()), split, cases, branches, judged_by)
    plans = planned(known, judged_by, number, churn, epochs or EPOCHS, power)
    if looks is not None and number is None:
        raise UsageError("--looks: after how many cases they are depends on how many are planned. Add --cases N.")
    looked = None if looks is None or number is None else looks_at(known, judged_by, number, looks)
    table = Table(plans, looked, judged_by, number, power, told(known, plans, churn, judged_by))
    code = ExitCode.PASS if all(plan.possible for plan in plans) else ExitCode.INCONCLUSIVE
    if as_json:
        print(json.dumps(table_json(table, int(code)), ensure_ascii=False, allow_nan=False))
    else:
        print_table(table)
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
    from samescore.harness.counted import counted
    from samescore.harness.errors import UsageError
    from samescore.harness.plan import Plan
    from samescore.harness.planning import known_from_cases, known_from_numbers, known_from_runs
    from samescore.harness.run import Run

    if len(pilots) > 2:
        raise UsageError(f"{len(pilots)} pilot runs; give one, or two to compare.")
    if branches is not None and (names or pilots):
        raise UsageError("--branches: the suite or the pilot says of which branches cases are. Leave it out.")
    if branches is not None and cases is not None and branches > cases:
        raise UsageError(
            f"--branches {branches}: {counted(cases, 'case')} cannot be of more branches than there are cases. Plan at "
            f"least {branches} cases, or say the branches of those."
        )
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
