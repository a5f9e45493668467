"""The model under test: loaded when it is first needed, then asked for whole runs, one after another or side by side.

All of it happens in one event loop, in a thread of its own: an API's client belongs to the loop that first used it.
"""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

from samescore.harness.environment import World
from samescore.harness.errors import SamescoreError, UsageError
from samescore.harness.evaluate import Evaluation, OnResult, evaluate
from samescore.harness.plan import CaseSuite, Plan
from samescore.harness.pytest_plugin.options import Options
from samescore.harness.pytest_plugin.quiet import quiet
from samescore.harness.run import Run

if TYPE_CHECKING:
    from samescore.harness.policy import Policy

PATIENCE = 30.0
"""Seconds that an interrupted run has to record how it ended."""


class Model:
    """What answers. `tell` is told in lines what is worth knowing about it."""

    def __init__(self, options: Options, tell: Callable[[str], None]) -> None:
        self._options = options
        self._tell = tell
        self._policy: Policy | None = None
        self._refused: SamescoreError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def load(self, worlds: Mapping[str, World]) -> Policy:
        """The policy; loaded now, if it was not before. What kept it from loading once keeps it from loading again.

        Raises:
            UsageError: there is no such model, or the adapter does not fit it.
            InfrastructureError: an API cannot be reached.
        """
        with self._lock:
            if self._refused is not None:
                raise self._refused
            if self._policy is None:
                try:
                    self._policy = self._loaded(worlds)
                except SamescoreError as error:
                    self._refused = error
                    raise
            return self._policy

    def run(
        self,
        directory: Path,
        suites: Sequence[CaseSuite],
        worlds: Mapping[str, World],
        plan: Plan,
        on_result: OnResult | None = None,
    ) -> Evaluation:
        """Carry out a plan, in a new run directory.

        Raises:
            UsageError: see `load`; or there is a run in the directory.
            InfrastructureError: see `load`; or the evidence cannot be written.
            KeyboardInterrupt: the run says that it was interrupted.
        """
        policy = self.load(worlds)
        run = Run.create(directory, plan, policy, worlds, suites=suites, adapter=self._options.adapter)
        self._note(policy, run, suites)
        ended = threading.Event()

        async def had() -> Evaluation:
            try:
                return await evaluate(
                    suites, policy, worlds, plan, run, concurrency=self._concurrency, on_result=on_result
                )
            finally:
                ended.set()

        with quiet():
            future = asyncio.run_coroutine_threadsafe(had(), self._running())
            try:
                return future.result()
            except KeyboardInterrupt:
                future.cancel()
                ended.wait(PATIENCE)
                raise

    def close(self) -> None:
        """Release the model, and end the thread."""
        policy, self._policy = self._policy, None
        if policy is not None:
            asyncio.run_coroutine_threadsafe(policy.aclose(), self._running()).result()
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    @property
    def _concurrency(self) -> int:
        from samescore.harness.cli.eval import CONCURRENCY, ON_A_GPU

        return ON_A_GPU if self._options.model.startswith("vllm/") else CONCURRENCY

    def _loaded(self, worlds: Mapping[str, World]) -> Policy:
        from samescore.harness.cli.errors import EXTRAS
        from samescore.harness.policies import load_policy

        options = self._options
        try:
            with quiet():
                return load_policy(options.model, adapter=options.adapter, device=options.device, worlds=worlds)
        except ModuleNotFoundError as error:
            extra = EXTRAS.get(str(error.name).partition(".")[0])
            if extra is None:
                raise
            raise UsageError(
                f"{options.model} needs {error.name}, which is not installed. Install it: pip install "
                f"'samescore[{extra}]'"
            ) from None

    def _note(self, policy: Policy, run: Run, suites: Sequence[CaseSuite]) -> None:
        """Pass on, once, what `samescore eval` says on stderr before a run: pytest would take it for a test's."""
        from samescore.harness.cli.passport import verify_passport
        from samescore.harness.cli.template import note_shortfall

        with self._lock, redirect_stderr(io.StringIO()) as said:  # which is the whole process's
            note_shortfall(policy, run.plan, suites)
            verify_passport(run)
        for line in said.getvalue().splitlines():
            if line not in self._told:
                self._told.add(line)
                self._tell(line)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_spin, args=[self._loop], name="samescore-model", daemon=True).start()
            return self._loop


def _spin(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
