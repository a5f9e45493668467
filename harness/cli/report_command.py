"""`samescore report`: what recorded runs say, for people and for other programs, each format into a file of its own."""

from __future__ import annotations

import gc
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from samescore.harness.cli.choices import JUnitCase, Language
from samescore.harness.errors import UsageError

if TYPE_CHECKING:
    from samescore.harness.run import Run

STDOUT = Path("-")
"""What stands for standard output where a file is named."""

RECORDED = frozenset({"run.json", "evidence.jsonl", "scores.json", "toolsets.json"})
"""What a run consists of, and no report may replace."""

MANY = 500_000
"""New objects after which garbage is looked for while a report is made; Python's own measure is 700."""


def report_command(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="The directory of a run; several stand side by side.", show_default=False),
    ] = None,
    baseline: Annotated[
        Path | None,
        Option(metavar="RUN", help="The run that all others are judged against, as `gate` does; or registry:BRANCH."),
    ] = None,
    policy: Annotated[
        Path | None,
        Option(metavar="FILE", help="By what is judged, a gate.toml.", show_default="success may not drop by 0.05"),
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
    language: Annotated[
        Language,
        Option(help="Of what people read: sentences, reasons, numbers. Names, JSON and JUnit stay as they are."),
    ] = Language.EN,
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
    registry: Annotated[
        Path | None,
        Option(metavar="FOLDER", help="The registry of runs.", show_default="$SAMESCORE_REGISTRY, else runs"),
    ] = None,
    history: Annotated[
        bool,
        Option("--history", help="A metric over the runs of the registry: as a table, --html, --svg, --md, --json."),
    ] = False,
    metric: Annotated[
        str | None, Option(metavar="NAME", help="With --history: which metric.", show_default="success")
    ] = None,
    branch: Annotated[
        str | None, Option(metavar="NAME", help="With --history: only runs of this branch.", show_default="all")
    ] = None,
    svg: Annotated[Path | None, Option(metavar="FILE", help="With --history: the picture alone.")] = None,
    force: Annotated[bool, Option("--force", help="Replace files that no report wrote, too.")] = False,
) -> None:
    """Write what runs say into files, all at once; without any, print it in short. Leaves with 0, whatever it says."""
    files = {"html": html, "svg": svg, "md": md, "summary": summary, "junit": junit, "json": json, "card": card}
    asked = {form: path for form, path in files.items() if path is not None}
    require_with(
        {
            "--name": (name, "--md", md),
            "--junit-case": (junit_case, "--junit", junit),
            "--adapter": (adapter, "--card", card),
            "--metric": (metric, "--history", history),
            "--branch": (branch, "--history", history),
            "--svg": (svg, "--history", history),
        }
    )
    if history:
        refuse(
            {
                "RUN": runs,
                "--baseline": baseline,
                "--summary": summary,
                "--junit": junit,
                "--card": card,
                "--name": name,
            }
        )
        _history(registry, metric, branch, suite or (), language, asked, force)
        return
    opened = _opened(runs)
    before = _baseline(baseline, opened[0], registry)
    require_files(asked, [run.directory for run in (*opened, *([] if before is None else [before]))], force=force)
    with _collecting_rarely():
        contents = _contents(opened, before, policy, language, suite or ())
        if not asked:
            _module("terminal").print_report(_screen(), contents)
            return
        drawn: Mapping[str, Callable[[], str]] = {
            "html": lambda: _module("html").html_of(contents),
            "md": lambda: _module("markdown").comment(contents, name),
            "summary": lambda: _module("markdown").step_summary(contents),
            "junit": lambda: _module("junit").junit(contents, (junit_case or JUnitCase.ROLLOUT).value),
            "json": lambda: _module("as_json").as_json(contents),
            "card": lambda: _module("card").card(contents, adapter),
        }
        _write({form: (path, drawn[form]) for form, path in asked.items()})


def require_with(options: Mapping[str, tuple[object, str, object]]) -> None:
    """Make sure that no option is given in vain: of each its value, the option that it goes with, and that one's value.

    Raises:
        UsageError: one is.
    """
    for option, (value, other, its) in options.items():
        if value is not None and not its:
            raise UsageError(f"{option} goes with {other}, which is not given. Add it, or leave {option} out.")


def refuse(options: Mapping[str, object]) -> None:
    """Make sure that nothing is given that the history of a registry has no use for.

    Raises:
        UsageError: something is.
    """
    if vain := [option for option, value in options.items() if value]:
        raise UsageError(
            f"--history is about all runs of a registry and does not take {', '.join(vain)}. Leave it out."
        )


def require_files(asked: Mapping[str, Path], directories: Sequence[Path], *, force: bool = False) -> None:
    """Make sure, before anything is scored, that each file can be written, and that none would replace another.

    A file that is there already must be a report of the same form, or is replaced by `force`.

    Raises:
        UsageError: two formats go to one file; its folder is missing; or it is a folder, part of a run, or a file that
            no report wrote.
    """
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
        if not force and not _module("replaceable").replaceable(form, path):
            raise UsageError(
                f"--{form} {path}: this file is there already, and no --{form} of a report wrote it. Name another "
                "file, or replace it for good with --force."
            )


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Nearly everything that is read and scored is shown and stays: to look for garbage takes a fifth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(MANY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _opened(runs: Sequence[Path] | None) -> list[Run]:
    """The runs that are reported.

    Raises:
        UsageError: none is named, or one twice; or see `Run.open`.
    """
    from samescore.harness.run import Run

    if not runs:
        raise UsageError("a report is about a run. Name its directory: samescore report RUN")
    seen: dict[Path, Path] = {}
    for run in runs:
        if run.resolve() in seen:
            raise UsageError(f"{run}: the same run as {seen[run.resolve()]}. Name each once.")
        seen[run.resolve()] = run
    return [Run.open(run) for run in runs]


def _baseline(said: Path | None, candidate: Run, registry: Path | None) -> Run | None:
    from samescore.harness.registry import run_directory
    from samescore.harness.run import Run

    return None if said is None else Run.open(run_directory(said, candidate, registry))


def _contents(
    runs: Sequence[Run], baseline: Run | None, policy: Path | None, language: Language, suites: Sequence[str]
) -> Any:
    from samescore.harness.gate.policy import load_policy

    judged_by = None if policy is None else load_policy(policy)
    return _module("contents").contents_of(runs, baseline, judged_by, language.value, suites=suites)


def _history(
    registry: Path | None,
    metric: str | None,
    branch: str | None,
    suites: Sequence[str],
    language: Language,
    asked: Mapping[str, Path],
    force: bool,
) -> None:
    from samescore.harness.registry import Registry, registry_folder

    require_files(asked, [], force=force)
    found = Registry(registry_folder(registry))
    shown = _module("history").history_of(found, metric or "success", language.value, branch=branch, suites=suites)
    if not asked:
        _module("terminal").print_history(_screen(), shown)
        return
    drawn: Mapping[str, Callable[[], str]] = {
        "html": lambda: _module("history_page").history_html(shown),
        "svg": lambda: _module("history_page").history_svg(shown),
        "md": lambda: _module("history").history_markdown(shown),
        "json": lambda: _module("history").history_json(shown),
    }
    _write({form: (path, drawn[form]) for form, path in asked.items()})


def _write(reports: Mapping[str, tuple[Path, Callable[[], str]]]) -> None:
    """Draw all of them, then write them, each whole: what cannot be drawn leaves nothing."""
    from samescore.harness.cli.errors import say
    from samescore.harness.files import write_text

    texts = {form: draw() for form, (_, draw) in reports.items()}
    for form, (path, _) in reports.items():
        if path == STDOUT:
            print(texts[form], end="", flush=True)
        else:
            write_text(path, texts[form])
            say(f"{path}: {form}, {len(texts[form].encode()):,} bytes")


def _screen() -> Any:
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)  # what models write is printed as it stands


def _module(name: str) -> Any:
    """A module of the reports, which come in by name: the harness imports none."""
    return import_module(f"samescore.reports.{name}")
