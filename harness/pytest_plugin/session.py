"""`ModelSession`: one pytest session that tests a model. It is registered only if a model is named.

                controller, or the only process              worker (xdist)
collection      -                                            the files, as everywhere
before a test   the selected cases, as one run               -
a test          replays the evidence of its case             likewise, from the same directory
run_case        has the conversation, and records it         asks the controller, then replays the evidence
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from samescore.harness.counted import counted
from samescore.harness.errors import EvidenceUnwritable, InfrastructureError, SamescoreError, UsageError
from samescore.harness.pytest_plugin.batch import Batch, Results
from samescore.harness.pytest_plugin.by_hand import Asked, RolloutErrored, directory_of, put
from samescore.harness.pytest_plugin.items import CaseItem, CasesFile
from samescore.harness.pytest_plugin.model import Model
from samescore.harness.pytest_plugin.options import in_pytests_words, is_loaded_later, read_options, require_options
from samescore.harness.pytest_plugin.sources import (
    SUFFIXES,
    Kind,
    Source,
    Sources,
    kind_of,
    may_list,
    not_ours,
    shown,
    suite_files,
)

if TYPE_CHECKING:
    from samescore.harness.case import Case
    from samescore.harness.pytest_plugin.server import Server
    from samescore.harness.rescore import Scored

TESTS = "tests"
"""Where in the session's directory the conversations of tests written by hand are kept."""

_WORKER = "samescore"
"""Under which name a worker is told what it needs."""


class ModelSession:
    """The options, what was read, the model, and where the evidence is kept."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.options = read_options(config)
        self.sources = Sources(self.options)
        self._told: dict[str, Any] | None = getattr(config, "workerinput", {}).get(_WORKER)
        self._server: Server | None = None
        self._selected: list[tuple[Source, Case]] = []
        self._ready = 0
        self._cases = 0
        self._shows = False
        if self._told is None:
            with _in_pytests_way():
                require_options(self.options)
                _require_ours(config)
            self.model = Model(self.options, self._tell)
            config.add_cleanup(self._close)

    @cached_property
    def directory(self) -> Path:
        """Where the evidence is kept: asked for, or a new folder in pytest's cache, or in `runs` where it has none.

        Raises:
            EvidenceUnwritable: it cannot be made.
        """
        if self._told is not None:
            return Path(self._told["directory"])
        if self.options.out is not None:
            return self.options.out
        from samescore.harness.run import new_directory

        cache = getattr(self.config, "cache", None)
        try:
            root = self.config.rootpath / "runs" if cache is None else cache.mkdir("samescore")
        except OSError as error:
            raise EvidenceUnwritable(
                f"pytest's cache cannot be written: {error.strerror}. Say where the evidence goes: --samescore-out DIR."
            ) from None
        return new_directory(["pytest"], self.options.label, root)

    @cached_property
    def results(self) -> Results:
        """What the run of the selected cases says.

        Raises:
            SamescoreError: there is no such run, or it cannot be read.
        """
        return Results(self.directory, Batch(self._selected).suites)

    def had(self, asked: Asked) -> Path:
        """Have a conversation that a test asks for; the directory of its evidence.

        Raises:
            SamescoreError: it cannot be had.
        """
        if self._told is not None:
            from samescore.harness.pytest_plugin.server import ask

            return ask(self._told, asked)
        directory = directory_of(asked.test, self.directory / TESTS)
        put(asked, self, directory)
        return directory

    # pytest's hooks

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> CasesFile | None:
        """Procedures, suite files and case files; a procedure once, where its suite file is collected as well."""
        kind = kind_of(file_path)
        if kind is None:
            return None
        session = parent.session
        if kind is Kind.SOP and not session.isinitpath(file_path):
            for suite_file in suite_files(file_path):
                if any(map(session.isinitpath, (suite_file, *suite_file.parents))) and may_list(suite_file, file_path):
                    return None
        return CasesFile.from_parent(parent, path=file_path, tested=self)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Have all selected cases at once, before the first test. A worker has them had for it."""
        option = session.config.option
        if option.collectonly or (session.testsfailed and not option.continue_on_collection_errors):
            return
        with _in_pytests_way():
            self._selected = [(item.source, item.case) for item in session.items if isinstance(item, CaseItem)]
            if self._told is not None:
                return
            if self._selected:
                self._have(self._selected)
            elif is_loaded_later(self.options.model) and any(map(_is_by_hand, session.items)):
                self.model.load({})  # what is wrong with it is said once, and not by every test

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """What is not the model's doing is an error, as if a fixture had raised it.

        A conversation that could not be had is not, nor a test that asks for what there is not: a case, a tool, a slot.
        """
        report = yield
        wrong = call.excinfo.value if report.failed and call.excinfo is not None else None
        if isinstance(wrong, RolloutErrored) or (isinstance(wrong, pytest.UsageError) and _is_by_hand(item)):
            report.when = "setup"
        return report

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Where the evidence is."""
        tests = self.directory / TESTS if "directory" in vars(self) else None
        conversations = 0 if tests is None else len(list(tests.glob("*/run.json")))
        if self._cases or conversations:
            terminalreporter.section("samescore")
        if self._cases:
            what = f"{counted(self._cases, 'case')}, a run for `samescore score`"
            terminalreporter.line(f"evidence: {shown(self.directory)} ({what})")
        if tests is not None and conversations:
            what = f"{counted(conversations, 'conversation')} of `run_case`, a run each"
            terminalreporter.line(f"evidence: {shown(tests)} ({what})")

    # xdist's hooks, in the controller

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where the evidence will be, and where to ask for more."""
        from samescore.harness.pytest_plugin.server import Server

        if self._server is None:
            self._server = Server(self.had)
        with _in_pytests_way():
            node.workerinput[_WORKER] = {"directory": str(self.directory.absolute()), **self._server.door}

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Have the cases that the workers selected, once all of them are ready: then xdist gives them tests."""
        self._ready += 1
        if self._ready == node.workerinput["workercount"]:
            with _in_pytests_way():
                self._have(self._cases_of(ids))

    def _cases_of(self, ids: Iterable[str]) -> Iterator[tuple[Source, Case]]:
        """The cases that tests are about. Ids of other tests are passed over."""
        for test in ids:
            file, _, name = test.partition("::")
            path = self.config.rootpath / file
            if kind_of(path) is not None and (case := self.sources.at(path).cases.get(name)) is not None:
                yield self.sources.at(path), case

    def _have(self, selected: Iterable[tuple[Source, Case]]) -> None:
        from samescore.harness.cli.loading import worlds_of

        batch = Batch(selected)
        if not len(batch):
            return
        plan, suites = batch.plan(self.options), batch.suites
        worlds = worlds_of(suites)
        self._show(f"loading {self.options.label}")
        self.model.load(worlds)
        epochs = f" x {plan.epochs} epochs" if plan.epochs > 1 else ""
        self._tell(
            f"samescore: {counted(len(batch), 'case')}{epochs} with {self.options.label}, evidence in "
            f"{shown(self.directory)}"
        )
        self._cases, done = len(batch), 0

        def finished(scored: Scored) -> None:
            nonlocal done
            done += 1
            self._show(f"{done} of {len(plan)}")

        self.model.run(self.directory, suites, worlds, plan, finished)
        self._show("")

    def _tell(self, line: str) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            self._show("")
            reporter.ensure_newline()
            reporter.write_line(line)

    def _show(self, text: str) -> None:
        """On a terminal, put this in the place of what was shown before."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.isatty and (text or self._shows):
            reporter.rewrite(text, erase=True)
            if not text:
                reporter.write("\r")
            self._shows = bool(text)

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.model.close()
        if "directory" in vars(self):
            with suppress(OSError):  # it holds something
                self.directory.rmdir()


@contextmanager
def _in_pytests_way() -> Iterator[None]:
    """Turns our errors into pytest's: one message, and the end of the session.

    Raises:
        UsageError: of pytest's, for a command or a file that is wrong.
        Exit: infrastructure failed; with the exit code of an internal error.
    """
    try:
        yield
    except InfrastructureError as error:
        pytest.exit(in_pytests_words(error), returncode=pytest.ExitCode.INTERNAL_ERROR)
    except SamescoreError as error:
        raise pytest.UsageError(in_pytests_words(error)) from None


def _is_by_hand(item: pytest.Item) -> bool:
    return "run_case" in getattr(item, "fixturenames", ())


def _require_ours(config: pytest.Config) -> None:
    """Make sure that each file that was named, and could be ours, is.

    Raises:
        UsageError: one is not.
    """
    for argument in config.args:
        path = config.invocation_params.dir / argument.partition("::")[0]
        if path.suffix in SUFFIXES and path.is_file() and kind_of(path) is None:
            raise UsageError(not_ours(Path(argument.partition("::")[0])))
