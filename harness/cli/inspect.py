"""`samescore inspect`: runs as Inspect's `.eval` logs, and logs of ours as runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Exchange runs with Inspect as .eval logs.")


@app.callback()
def inspect() -> None:
    """Exchange runs with Inspect as `.eval` logs."""


@app.command("export")
def export_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.")],
    out: Annotated[
        Path | None, typer.Argument(metavar="[OUT.eval]", help="The log to write.", show_default="RUN.eval")
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Where a suite of the run is now, if it was given by path."),
    ] = None,
) -> None:
    """Write a run as an .eval log: conversations, scores with reasons, plan, model and fingerprints."""
    from samescore.harness.cli.loading import suites_of, worlds_of
    from samescore.harness.inspect_ext.exporting import export_run
    from samescore.harness.run import Run

    recorded = Run.open(run)
    suites = suites_of(recorded, suite or [])
    path = out or run.resolve().with_name(f"{run.resolve().name}.eval")
    log = export_run(recorded, suites, worlds_of(suites), path)
    print(f"{path}: {len(log.samples or ())} samples, {log.status}. Look at it: inspect view --log-dir {path.parent}")


@app.command("import")
def import_command(
    log: Annotated[Path, typer.Argument(metavar="LOG.eval", help="A log of ours.")],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The run directory to make.")],
) -> None:
    """Make a run of an .eval log: one of `samescore inspect export`, or of `inspect eval samescore/sop`."""
    from samescore.harness.inspect_ext.importing import import_log

    run = import_log(log, directory)
    done = len(run.due) - len(run.pending())
    status = run.manifest.status.value
    print(f"{directory}: {done} of {len(run.plan)} rollouts, {status}. Score it: {run.score_command}")
