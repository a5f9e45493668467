"""`evaluate`: have every planned rollout that is still to be had; record and score each as it ends.

A fixed number of workers take rollouts from one queue. What a model does wrong is evidence; what breaks around it is an
error, recorded, shown apart, and tried again when the run is carried on.

A run that is judged while it goes on has its cases look by look, in the order of its looks, and ends with the first
look that is certain.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from samescore.harness.blocking import blocking
from samescore.harness.environment import World
from samescore.harness.errors import EvidenceUnwritable, InfrastructureError, PolicyError, UsageError, WorldError
from samescore.harness.evidence import EvidenceWriter
from samescore.harness.manifest import Status
from samescore.harness.plan import CaseSuite, Item, Plan
from samescore.harness.policy import Policy, Sampling
from samescore.harness.records import ErrorKind, Failure, Record, error_record, record_of
from samescore.harness.rescore import Replayer, Scored, keep, replayer
from samescore.harness.rollout import rollout
from samescore.harness.run import Run
from samescore.harness.scorer import Rubric

if TYPE_CHECKING:
    from samescore.harness.gate.looks import Look, Watch
    from samescore.harness.stats.sequential import Looked

CRASHES_IN_A_ROW = 5
"""So many rollouts ended by the model one after another mean that the model is gone: the run stops."""

OnResult = Callable[[Scored], None]
OnLook = Callable[["Look"], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation came to: every recorded rollout, scored, in the order of the plan.

    `resumed` rollouts were there before, `finished` were had now. `stopped` says why a run is incomplete.
    """

    run: Run = field(repr=False)
    results: tuple[Scored, ...] = field(repr=False)  # asyncio.run renders the result of its task when it ends
    resumed: int
    finished: int
    status: Status
    stopped: str | None = None

    @property
    def errors(self) -> tuple[Scored, ...]:
        """The rollouts without scores."""
        return tuple(one for one in self.results if one.error is not None)


async def evaluate(
    suites: Sequence[CaseSuite],
    policy: Policy,
    worlds: Mapping[str, World],
    plan: Plan,
    run: Run,
    *,
    concurrency: int = 16,
    on_result: OnResult | None = None,
    on_look: OnLook | None = None,
    baseline: Run | None = None,
    rubric: Rubric | None = None,
) -> Evaluation:
    """Carry out what the plan still lacks; `on_result` hears of each rollout as it ends, errors included.

    Of a run that is judged while it goes on, `on_look` hears of each look; `baseline` is its baseline, where that is no
    longer at the place that the run recorded.

    Raises:
        UsageError: the run is of another plan or model; another process writes to it.
        EvidenceUnwritable: the disk is full. Everything recorded is intact, and the run can be carried on.
        EvidenceDamaged, ForeignEvidence: the run's evidence cannot be read.
        UnknownName: a case plays in a world that is not at hand.
    """
    run.require(plan, policy, worlds)
    replay = replayer(run, suites, worlds, rubric)
    _check_cases(plan, replay)
    if concurrency < 1:
        raise UsageError(f"concurrency: expected 1 or more, found {concurrency}.")
    with run.writer() as writer:
        before = run.latest(writer.records)
        pending = run.pending(before)
        recorded = len(run.due) - len(pending)
        work = _Work(policy, replay, plan.temperature, writer, before, on_result)
        watch = _watch(run, baseline)
        if pending and run.manifest.status is not Status.RUNNING:
            run.update(status=Status.RUNNING, stopped=None, finished=None)
        try:
            if watch is None:
                await work.carry_out(pending, concurrency)
            elif looked := await _looked_at(work, watch, plan, pending, concurrency, on_look):
                run.update(completed=looked.to_json())
        except (asyncio.CancelledError, KeyboardInterrupt):
            run.finish(Status.INCOMPLETE, "interrupted")
            raise
        results = work.results(run.due)
        keep(run, results, rubric)
        stopped = work.stopped or _lacking(run.due, results)
        status = Status.INCOMPLETE if stopped else Status.COMPLETE
        if pending or (status, stopped) != (run.manifest.status, run.manifest.stopped):
            run.finish(status, stopped)
    return Evaluation(run, results, recorded, len(work.done), status, stopped)


def evaluate_sync(
    suites: Sequence[CaseSuite],
    policy: Policy,
    worlds: Mapping[str, World],
    plan: Plan,
    run: Run,
    *,
    concurrency: int = 16,
    on_result: OnResult | None = None,
    on_look: OnLook | None = None,
    baseline: Run | None = None,
    rubric: Rubric | None = None,
) -> Evaluation:
    """`evaluate`, for callers that wait for it.

    Raises:
        InfrastructureError: interrupted by Ctrl-C; says how to carry on. Otherwise as `evaluate`.
    """
    running = evaluate(
        suites,
        policy,
        worlds,
        plan,
        run,
        concurrency=concurrency,
        on_result=on_result,
        on_look=on_look,
        baseline=baseline,
        rubric=rubric,
    )
    try:
        return blocking(running)
    except KeyboardInterrupt:
        done = len(plan) - len(run.pending())
        raise InfrastructureError(
            f"interrupted: {done} of {len(plan)} rollouts are recorded in {run.directory}. Carry on: "
            f"{run.resume_command}"
        ) from None


def _watch(run: Run, baseline: Run | None) -> Watch | None:
    """What a run is judged by while it goes on; None if it is not, or if its looks are over."""
    if run.manifest.sequential is None or run.manifest.completed is not None:
        return None
    from samescore.harness.gate.looks import Watch

    return Watch.of(run, baseline)


async def _looked_at(
    work: _Work, watch: Watch, plan: Plan, pending: Sequence[Item], concurrency: int, on_look: OnLook | None
) -> Looked | None:
    """Look after look, up to the first that is certain, else the last; None where one has not all its rollouts."""
    from samescore.harness.kept import outcomes_of

    looks = watch.planned.looks
    for number in range(1, len(looks) + 1):
        new, seen = frozenset(looks.new(number)), frozenset(looks.seen(number))
        await work.carry_out([item for item in pending if item.case in new], concurrency)
        part = plan.part(seen)
        results = work.results(part)
        if work.stopped is None and (lacking := _lacking(part, results)):
            work.stopped = f"look {number} of {len(looks)}: {lacking}"
        if work.stopped is not None:
            return None
        look = watch.look(number, outcomes_of(part, results))
        if on_look is not None:
            on_look(look)
        if look.looked.certain:
            break
    return look.looked


class _ModelGone(Exception):
    """So many crashes in a row that going on would only record more of them."""


@dataclass(slots=True)
class _Work:
    """The rollouts of one evaluation: those of before, those had now, and why it stopped early, if it did."""

    policy: Policy
    replay: Replayer
    temperature: float
    writer: EvidenceWriter
    before: Sequence[Record]
    on_result: OnResult | None
    done: list[Scored] = field(default_factory=list)
    crashes: int = 0
    stopped: str | None = None
    again: dict[tuple[str, int], Scored] = field(default_factory=dict)

    async def carry_out(self, items: Sequence[Item], concurrency: int) -> None:
        """Run until nothing of these is left or the model is gone; then nothing of it runs on."""
        # The longest conversations first: what is begun last is over soon, and the batch stays full to the end.
        left = iter(sorted(items, key=lambda item: -len(self.replay.cases[item.case].gold)))
        tasks = [asyncio.create_task(self._worker(left)) for _ in range(min(concurrency, len(items)))]
        try:
            await asyncio.gather(*tasks)
        except _ModelGone as gone:
            self.stopped = str(gone)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def results(self, plan: Plan) -> tuple[Scored, ...]:
        """Old and new results in the order of a plan, or of a part of it; a new one stands for an old error."""
        found = {(one.record.case, one.record.epoch): one for one in self.done}
        old = {(record.case, record.epoch): record for record in self.before}
        merged = []
        for item in plan.items():
            key = item.case, item.epoch
            if key in found:
                merged.append(found[key])
            elif key in old:
                if key not in self.again:
                    self.again[key] = self.replay.score(old[key])
                merged.append(self.again[key])
        return tuple(merged)

    async def _worker(self, left: Iterator[Item]) -> None:
        for item in left:
            scored = await self._have(item)
            self.done.append(scored)
            if self.on_result is not None:
                self.on_result(scored)
            self._count_crashes(scored)
            await asyncio.sleep(0)  # a policy that never waits would keep Ctrl-C and the other workers out

    async def _have(self, item: Item) -> Scored:
        """One rollout, recorded and scored, whatever becomes of it."""
        replay, began = self.replay, time.perf_counter()
        case, world = replay.cases[item.case], replay.worlds[replay.cases[item.case].world]
        try:
            trajectory = await rollout(case, self.policy, world, Sampling(self.temperature, item.seed), replay.limits)
            record = record_of(item, replay.prints[case.id], trajectory, time.perf_counter() - began)
            scored = replay.take(record, case, trajectory)
            self._append(scored.record, world)
        except WorldError as error:
            failure = Failure(ErrorKind.WORLD, str(error))
        except PolicyError as error:
            failure = Failure(ErrorKind.POLICY, str(error))
        except EvidenceUnwritable:
            raise
        except Exception as error:  # a bug of a policy's own: it costs this rollout, not the run
            failure = Failure(ErrorKind.CRASH, f"{type(error).__name__}: {error}")
        else:
            return scored
        failure = replay.failure(case, failure)
        record = error_record(item, replay.prints[case.id], failure, time.perf_counter() - began)
        self.writer.append(record)
        return replay.score(record)

    def _append(self, record: Record, world: World) -> None:
        try:
            self.writer.append(record)
        except (TypeError, ValueError) as error:
            raise WorldError(
                f"world {world.name}: an effect's data or a row is not JSON: {error}. Log strings, numbers and "
                "booleans; store dates as text."
            ) from error

    def _count_crashes(self, scored: Scored) -> None:
        error = scored.record.error
        crashed = error is not None and error.kind in (ErrorKind.POLICY, ErrorKind.CRASH)
        self.crashes = self.crashes + 1 if crashed else 0
        if self.crashes >= CRASHES_IN_A_ROW:
            raise _ModelGone(f"the model crashed {self.crashes} times in a row, last: {error}")


def _check_cases(plan: Plan, replay: Replayer) -> None:
    changed = [case.id for case in plan.cases if replay.prints.get(case.id) != case.fingerprint]
    if changed:
        raise UsageError(
            f"{len(changed)} planned cases, such as {changed[0]}, are not in the suites at hand, or were changed. "
            "Evaluate the suites that the plan was made of."
        )


def _lacking(plan: Plan, results: Sequence[Scored]) -> str | None:
    """Why these results are not all that was planned; None if they are."""
    errors = sum(one.error is not None for one in results)
    missing = len(plan) - len(results)
    parts = [f"{errors} of {len(plan)} rollouts are errors"] if errors else []
    parts += [f"{missing} of {len(plan)} rollouts are missing"] if missing else []
    return "; ".join(parts) or None
