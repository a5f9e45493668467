"""`samescore report`: what recorded runs say, for people and for other programs, each format into a file of its own."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option

from samescore.harness.cli.choices import JUnitCase, Language

STDOUT = Path("-")
"""What stands for standard output where a file is named."""

RECORDED = frozenset({"run.json", "evidence.jsonl", "scores.json", "toolsets.json"})
"""What a run consists of, and no report may replace."""


def report_command(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN...", help="The directories of runs; several stand side by side.", show_default=False
        ),
    ] = None,
    baseline: Annotated[
        Path | None, Option(metavar="RUN", help="The run that all others are judged against, as `gate` does.")
    ] = None,
    policy: Annotated[
        Path | None,
        Option(metavar="FILE", help="What the gate asks, a gate.toml.", show_default="success may not drop by 0.05"),
    ] = None,
    html: Annotated[
        Path | None, Option(metavar="FILE", help="One page with everything; `-` is stdout, always.")
    ] = None,
    md: Annotated[Path | None, Option(metavar="FILE", help="A short comment for a pull request.")] = None,
    summary: Annotated[
        Path | None, Option(metavar="FILE", help="A longer one: the summary of a step of GitHub Actions.")
    ] = None,
    junit: Annotated[Path | None, Option(metavar="FILE", help="JUnit XML for CI servers.")] = None,
    json: Annotated[Path | None, Option(metavar="FILE", help="One JSON object.")] = None,
    card: Annotated[
        Path | None, Option(metavar="FILE", help="The adapter's model card, as the Hugging Face Hub has it.")
    ] = None,
    language: Annotated[Language, Option(help="The language of what people read.")] = Language.EN,
    suite: Annotated[
        list[str] | None, Option(metavar="PATH", help="Where a suite of the runs is now, if it was given by path.")
    ] = None,
    name: Annotated[
        str | None,
        Option(metavar="NAME", help="With --md: by what the comment is found again.", show_default="suites and model"),
    ] = None,
    junit_case: Annotated[
        JUnitCase | None, Option(help="With --junit: what a test case is.", show_default="rollout")
    ] = None,
    adapter: Annotated[
        Path | None, Option(metavar="FOLDER", help="With --card: where the adapter is now.", show_default="as recorded")
    ] = None,
) -> None:
    """Write what runs say into files, all at once; without any, print the short form. It leaves with 0 whatever it says."""
    from samescore.harness.cli.errors import say
    from samescore.harness.files import write_text

    files = {"html": html, "md": md, "summary": summary, "junit": junit, "json": json, "card": card}
    asked = {form: path for form, path in files.items() if path is not None}
    directories = _directories(runs, baseline)
    require_goes_with(
        {
            "--policy": (policy, "--baseline", baseline),
            "--name": (name, "--md", md),
            "--junit-case": (junit_case, "--junit", junit),
            "--adapter": (adapter, "--card", card),
        }
    )
    require_files(asked, directories)
    contents = _contents(directories, baseline, policy, language, suite or ())
    if not asked:
        _print(contents)
        return
    reports: Mapping[str, Callable[[], str]] = {
        "html": lambda: _module("html").html_of(contents),
        "md": lambda: _module("markdown").comment(contents, name),
        "summary": lambda: _module("markdown").step_summary(contents),
        "junit": lambda: _module("junit").junit(contents, (junit_case or JUnitCase.ROLLOUT).value),
        "json": lambda: _module("as_json").as_json(contents),
        "card": lambda: _module("card").card(contents, adapter),
    }
    # All are drawn before one is written: what cannot be drawn leaves nothing.
    texts = {form: reports[form]() for form in asked}
    for form, path in asked.items():
        if path == STDOUT:
            print(texts[form], end="", flush=True)
        else:
            write_text(path, texts[form])
            say(f"{path}: {form}, {len(texts[form].encode()):,} bytes")


def require_goes_with(options: Mapping[str, tuple[object, str, object]]) -> None:
    """Make sure that no option is given in vain: of each its value, the option that it goes with, and the value of that.

    Raises:
        UsageError: one is.
    """
    from samescore.harness.errors import UsageError

    for option, (value, other, its) in options.items():
        if value is not None and its is None:
            raise UsageError(f"{option} goes with {other}, which is not given. Add it, or leave {option} out.")


def require_files(asked: Mapping[str, Path], directories: Sequence[Path]) -> None:
    """Make sure, before minutes are spent, that each file can be written, and that none would replace another.

    Raises:
        UsageError: two formats go to one file; its folder is missing; or it is a folder, or part of a run.
    """
    from samescore.harness.errors import UsageError

    runs = {directory.resolve() for directory in directories}
    taken: dict[Path, str] = {}
    for form, path in asked.items():
        place = path if path == STDOUT else path.resolve()
        if place in taken:
            what = "standard output" if path == STDOUT else str(path)
            raise UsageError(f"--{taken[place]} and --{form} would both go to {what}. Name a file for each.")
        taken[place] = form
        if path == STDOUT:
            continue
        if not path.parent.is_dir():
            raise UsageError(
                f"--{form} {path}: there is no folder {path.parent}. Make it: mkdir -p {shlex.quote(str(path.parent))}"
            )
        if path.is_dir():
            raise UsageError(f"--{form} {path}: this is a folder. Name a file in it.")
        if place.parent in runs and place.name in RECORDED:
            raise UsageError(f"--{form} {path}: this is part of the run, and is not replaced. Name another file.")


def _directories(runs: Sequence[Path] | None, baseline: Path | None) -> list[Path]:
    """The runs that are reported.

    Raises:
        UsageError: none is named, or one twice.
    """
    from samescore.harness.errors import UsageError

    if not runs:
        raise UsageError("a report is about a run. Name its directory: samescore report RUN")
    seen: dict[Path, Path] = {}
    for run in runs:
        if run.resolve() in seen:
            raise UsageError(f"{run}: the same run as {seen[run.resolve()]}. Name each once.")
        seen[run.resolve()] = run
    return [*runs, *([] if baseline is None else [baseline])]


def _contents(
    directories: Sequence[Path], baseline: Path | None, policy: Path | None, language: Language, suites: Sequence[str]
) -> Any:
    from samescore.harness.gate.policy import load_policy
    from samescore.harness.run import Run

    judged_by = None if policy is None else load_policy(policy)
    runs = [Run.open(directory) for directory in directories]
    before = None if baseline is None else runs.pop()
    contents_of = _module("contents").contents_of
    return contents_of(runs, before, judged_by, language.value, suites=suites)


def _print(contents: Any) -> None:
    from rich.console import Console

    # What models write is printed as it stands.
    _module("terminal").print_report(Console(markup=False, highlight=False, emoji=False), contents)


def _module(name: str) -> Any:
    """A module of the reports, which come in by name: the harness imports none."""
    return import_module(f"samescore.reports.{name}")
