"""What a run would have scored behind a lenient server, whose parser takes what we call malformed.

Every recorded turn is read by the server's parser too. A rollout whose turns all read alike (`alike`) keeps its
trajectory and its score. The others are had again, live, with the same seeds, under the served dialect. They are
recorded in a run of their own inside the run's directory, `RUN/as-served-vllm`: an ordinary run, marked lenient, whose
plan holds their cases, with all epochs. It begins when every rollout of the strict run is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samescore.harness.environment import World
from samescore.harness.errors import UsageError
from samescore.harness.plan import CaseSuite
from samescore.harness.policies.redialected import Redialected, alike
from samescore.harness.policies.replay import ReplayPolicy
from samescore.harness.policy import Policy
from samescore.harness.rescore import Scored, replayer
from samescore.harness.results import Metric, Results, summarise
from samescore.harness.run import MANIFEST, Run
from samescore.harness.served import SERVERS, served

Rollout = tuple[str, int]
"""A case's id and the epoch."""


@dataclass(frozen=True, slots=True)
class AsServed:
    """A run's results as served.

    Of its `rollouts` so many are `differing`: a turn of theirs reads otherwise. Of these, `only_served` pass only as
    served and `only_strictly` only strictly. `run` is where they are recorded; None where there are none yet.
    """

    server: str
    rollouts: int
    differing: int
    only_served: int
    only_strictly: int
    results: Results = field(repr=False)
    strict: Metric
    run: Path | None = None

    @property
    def version(self) -> str:
        """The server's."""
        return SERVERS[self.server]

    @property
    def success(self) -> Metric:
        """The primary metric, as served."""
        return self.results.metrics["success"]

    @property
    def complete(self) -> bool:
        """Whether every rollout has its score as served."""
        return self.results.complete


def place(run: Run, server: str) -> Path:
    """Where the rollouts are recorded that were had again."""
    return run.directory / f"as-served-{server}"


def differing(run: Run, suites: Sequence[CaseSuite], worlds: Mapping[str, World], server: str) -> list[Rollout]:
    """The recorded rollouts of which a turn reads otherwise as served, in the order of the plan.

    Raises:
        UsageError: the server has no parser for the run's dialect.
    """
    strict, lenient, replay = run.dialect, served(run.manifest.dialect, server), replayer(run, suites, worlds)
    found = []
    for record in run.records():
        case = replay.cases.get(record.case)
        if record.error is not None or case is None:
            continue
        turns = replay.written(record, case)
        if not all(alike(strict.parse(turn, case.toolset), lenient.parse(turn, case.toolset)) for turn in turns):
            found.append((record.case, record.epoch))
    return found


def outstanding(run: Run, suites: Sequence[CaseSuite], worlds: Mapping[str, World]) -> bool:
    """Whether rollouts as served were asked for and are still to be had."""
    server = run.manifest.as_served
    if server is None or not differing(run, suites, worlds, server):
        return False
    recorded = recorded_run(run, server)
    return recorded is None or bool(recorded.pending())


def recorded_run(run: Run, server: str) -> Run | None:
    """The run of what was had again, if it was begun."""
    directory = place(run, server)
    return Run.open(directory) if (directory / MANIFEST).exists() else None


def begun_run(
    run: Run, suites: Sequence[CaseSuite], worlds: Mapping[str, World], policy: Policy, rollouts: Sequence[Rollout]
) -> Run:
    """The run that has these rollouts again, with that policy: as it is on disk, or begun now.

    Raises:
        UsageError: what is on disk was begun for other rollouts, by readers of another version.
        EvidenceUnwritable: it cannot be written.
    """
    server = run.manifest.as_served
    assert server is not None, "it was asked for"
    cases = {case for case, _ in rollouts}
    found = recorded_run(run, server)
    if found is None:
        plan, manifest = run.plan.part(cases), run.manifest
        return Run.create(
            place(run, server),
            plan,
            policy,
            worlds,
            suites=suites,
            adapter=manifest.adapter,
            redact=manifest.redacted,
        )
    if missing := sorted(cases - {case.id for case in found.plan.cases}):
        raise UsageError(
            f"{found.directory} was begun for other conversations: {len(missing)} that read otherwise now, such as "
            f"{missing[0]}, are not planned there. Delete that directory and carry on: {run.resume_command}"
        )
    return found


def lenient_policy(run: Run, policy: Policy, worlds: Mapping[str, World]) -> Policy:
    """The run's policy as served. A replayed run that was itself had again as served replays that.

    Raises:
        UsageError: the server has no parser for the policy's dialect.
    """
    server = run.manifest.as_served
    assert server is not None, "it was asked for"
    if isinstance(policy, ReplayPolicy) and (recorded := recorded_run(policy.run, server)) is not None:
        return ReplayPolicy(recorded.directory, worlds)
    return Redialected(policy, served(policy.dialect.name, server))


def as_served(
    run: Run,
    suites: Sequence[CaseSuite],
    strictly: Sequence[Scored],
    rollouts: Sequence[Rollout],
    again: Sequence[Scored],
) -> AsServed:
    """The results as served: of the differing `rollouts` those had `again`, of the others the strict ones."""
    from samescore.harness.scorers import RUBRIC

    server = run.manifest.as_served
    assert server is not None, "it was asked for"
    differ = set(rollouts)
    strict = {_key(one): one for one in strictly}
    lenient = {key: one for one in again if (key := _key(one)) in differ}
    chosen = [one for key, one in strict.items() if key not in differ] + list(lenient.values())
    cases = [case for suite in suites for case in suite.cases]
    passes = [(_passed(strict.get(key)), _passed(lenient.get(key))) for key in rollouts]
    found = recorded_run(run, server)
    return AsServed(
        server,
        len(run.plan),
        len(rollouts),
        passes.count((False, True)),
        passes.count((True, False)),
        summarise(run.plan, cases, chosen, RUBRIC),
        summarise(run.plan, cases, strictly, RUBRIC).metrics["success"],
        None if found is None else found.directory,
    )


def _key(scored: Scored) -> Rollout:
    return scored.record.case, scored.record.epoch


def _passed(scored: Scored | None) -> bool | None:
    if scored is None or scored.scores is None:
        return None
    return scored.scores["success"].value == 1.0
