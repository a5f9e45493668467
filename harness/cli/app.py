"""`samescore`: the commands and their mounting. `main` is the console script."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from samescore.harness.cli.comment import comment_command
from samescore.harness.cli.doctor import doctor_command
from samescore.harness.cli.errors import DEBUG, Guarded, terminate_as_interrupt
from samescore.harness.cli.eval import evaluate_command
from samescore.harness.cli.export import export_command
from samescore.harness.cli.fuzz import fuzz_command
from samescore.harness.cli.gate import gate_command
from samescore.harness.cli.init import init_command
from samescore.harness.cli.inspect import app as inspect_app
from samescore.harness.cli.plan import plan_command
from samescore.harness.cli.registry import app as registry_app
from samescore.harness.cli.report_command import report_command
from samescore.harness.cli.score import score_command
from samescore.harness.cli.sop import app as sop_app
from samescore.harness.cli.suite import app as suite_app
from samescore.harness.cli.tools import app as tools_app
from samescore.harness.cli.train import app as train_app

app = typer.Typer(
    name="samescore",
    cls=Guarded,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 pass, 1 regression or targets missed, 2 usage, 3 inconclusive, 4 incomparable, 5 incomplete.",
)
app.command("init")(init_command)
app.command("eval")(evaluate_command)
app.command("score")(score_command)
app.command("gate")(gate_command)
app.command("plan")(plan_command)
app.command("report")(report_command)
app.command("comment")(comment_command)
app.command("fuzz")(fuzz_command)
app.add_typer(sop_app, name="sop")
app.add_typer(suite_app, name="suite")
app.add_typer(inspect_app, name="inspect")
app.add_typer(tools_app, name="tools")
app.add_typer(registry_app, name="runs")
app.add_typer(train_app, name="train")
app.command("export")(export_command)
app.command("doctor")(doctor_command)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"samescore {version('samescore')}")
        except PackageNotFoundError:
            print("samescore (not installed)")
        raise typer.Exit


@app.callback()
def samescore(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help=f"Show the traceback of errors; {DEBUG}=1 does the same.")
    ] = False,
) -> None:
    """Evaluate language models that call tools under a standard operating procedure."""


def main() -> None:
    """The console script."""
    terminate_as_interrupt()
    for stream in (sys.stdout, sys.stderr):
        # Vietnamese on a terminal that cannot show it is escaped rather than a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="samescore")


if __name__ == "__main__":
    main()
