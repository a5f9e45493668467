"""`samescore score`: the scores of a recorded run, from its evidence alone, as scorers and worlds are now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Option


def score_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.")],
    suite: Annotated[
        list[str] | None, Option(metavar="PATH", help="Where a suite of the run is now, if it was given by path.")
    ] = None,
    check: Annotated[bool, Option("--check", help="Judge the targets: exit 1 if missed, 3 if inconclusive.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object.")] = False,
    show: Annotated[
        int | None, Option(metavar="N", min=0, help="Examples of failing branches to print.", show_default="all")
    ] = None,
) -> None:
    """Score a recorded run again: parse, replay and score its evidence, without a model."""
    from samescore.harness.cli.errors import say
    from samescore.harness.cli.loading import suites_of, worlds_of
    from samescore.harness.cli.report import View, report, require_targets
    from samescore.harness.errors import EvidenceUnwritable
    from samescore.harness.rescore import keep, rescore
    from samescore.harness.run import Run

    recorded = Run.open(run)
    suites = suites_of(recorded, suite or [])
    if check:
        require_targets(suites)
    worlds = worlds_of(suites)
    scored = tuple(rescore(recorded, suites, worlds))
    try:
        keep(recorded, scored)
        kept = True
    except EvidenceUnwritable as error:
        say(f"warning: the scores below hold, but are not kept. {error}")
        kept = False
    raise typer.Exit(int(report(recorded, suites, worlds, scored, View(check, as_json, show), keep=kept)))
