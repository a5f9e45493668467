"""Tests of a file of cases: one a case, which passes where the recorded conversations of the case do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from samescore.harness.case import Case
from samescore.harness.counted import counted
from samescore.harness.errors import SamescoreError
from samescore.harness.pytest_plugin.options import in_pytests_words
from samescore.harness.pytest_plugin.shown import errored, failed
from samescore.harness.pytest_plugin.sources import Source
from samescore.harness.pytest_plugin.threshold import pass_hat
from samescore.harness.rescore import Scored

if TYPE_CHECKING:
    from samescore.harness.pytest_plugin.session import ModelSession


class CasesFile(pytest.File):
    """A procedure, a suite file or a case file."""

    def __init__(self, *, tested: ModelSession, **rest: Any) -> None:
        super().__init__(**rest)
        self._tested = tested

    def collect(self) -> Iterator[CaseItem]:
        """A test for each case.

        Raises:
            CollectError: the file is wrong, or a lock file is missing or stale.
        """
        try:
            source = self._tested.sources.at(self.path)
        except SamescoreError as error:
            raise self.CollectError(in_pytests_words(error)) from None
        for name, case in source.cases.items():
            yield CaseItem.from_parent(self, name=name, tested=self._tested, source=source, case=case)


class CaseItem(pytest.Item):
    """One case. What the model did was recorded before the first test: the test looks it up, and judges."""

    def __init__(self, *, tested: ModelSession, source: Source, case: Case, **rest: Any) -> None:
        # As text, which pytest reads as it reads the ids of an earlier session: what is in brackets stands apart.
        super().__init__(nodeid=f"{rest['parent'].nodeid}::{rest['name']}", **rest)
        self._tested = tested
        self.source = source
        self.case = case
        self._scored: tuple[Scored, ...] = ()

    def setup(self) -> None:
        """Have the results. Without them for every epoch this is an error, no failure: the model was not judged."""
        try:
            why_not = self._look_up()
        except SamescoreError as error:
            why_not = str(error)
        if why_not is not None:
            pytest.fail(in_pytests_words(why_not), pytrace=False)

    def _look_up(self) -> str | None:
        """Have the results; why there are none, if so."""
        results, planned = self._tested.results, self._tested.options.epochs
        self.user_properties += [("samescore_case", self.case.id), ("samescore_run", str(results.run.directory))]
        self._scored = results.of(self.case)
        if len(self._scored) < planned or any(one.scores is None for one in self._scored):
            return errored(self._scored, planned, results.run.manifest.stopped)
        return None

    def runtest(self) -> None:
        """Pass if pass^k reaches the threshold."""
        options, scored = self._tested.options, self._scored
        wrong = [one for one in scored if one.scores is not None and one.scores["success"].value != 1.0]
        right = len(scored) - len(wrong)
        reached = pass_hat(right, len(scored), options.pass_k)
        self.user_properties.append((f"pass^{options.pass_k}", f"{reached:.3f}"))
        if reached < options.threshold:
            several = (
                f"{right} of {counted(len(scored), 'epoch')} right: pass^{options.pass_k} is {reached:.3f}, expected "
                f"{options.threshold:g} or more. The first that was wrong: "
            )
            pytest.fail(f"{several if len(scored) > 1 else ''}{failed(wrong[0])}", pytrace=False)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *rest: Any, **more: Any) -> Any:
        """The failure as pytest shows it; in its summary, and as JUnit's message, one line also in CI.

        There pytest cuts nothing, and the summary would be all conversations once more.
        """
        shown = super().repr_failure(excinfo, *rest, **more)
        crash = getattr(shown, "reprcrash", None)
        if crash is not None:
            crash.message = crash.message.partition("\n")[0]
        return shown

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the test stands, and its name."""
        return self.path, None, self.name
