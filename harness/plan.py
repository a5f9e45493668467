"""`Plan`: the denominator of a run. Which cases, how often, with which seeds; recorded before the first token."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from samescore.harness.case import Case
from samescore.harness.environment import World
from samescore.harness.errors import UsageError
from samescore.harness.fingerprint import fingerprint, seed_of
from samescore.harness.perturbed import CONTROL, operator_of
from samescore.harness.rollout import DEFAULT_LIMITS, Limits

T = TypeVar("T")

Procedure: TypeAlias = Literal["prompt", "weights"]
"""Where a model has the procedure from: the system message of every case, or its training."""


class CaseSuite(Protocol):
    """What a run needs of a suite: its name and version, the cases to run, in order, and its targets.

    `worlds` are those that came with it and are not registered under their names; `source` is how it was asked for, and
    `procedure` how it was loaded.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def cases(self) -> Sequence[Case]: ...

    @property
    def targets(self) -> Mapping[str, float]: ...

    @property
    def worlds(self) -> Mapping[str, World]: ...

    @property
    def source(self) -> str: ...

    @property
    def procedure(self) -> Procedure: ...


@dataclass(frozen=True, slots=True)
class PlannedSuite:
    """A suite as it was planned. The fingerprint covers all its cases, also those that `--limit` leaves out."""

    name: str
    version: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PlannedCase:
    """A case as it was planned, with what tables group by."""

    id: str
    fingerprint: str
    suite: str
    cluster: str
    locale: str

    @property
    def group(self) -> tuple[str, str]:
        """The cases that it resembles: those of its branch. One of a suite without branches stands for itself."""
        return self.suite, self.id if self.cluster == self.suite else self.cluster


@dataclass(frozen=True, slots=True)
class Item:
    """One rollout to be had: a case, the epoch (from 0) and the seed of its sampling."""

    case: str
    epoch: int
    seed: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Every rollout of a run. `limit` is None where all cases of the suites are planned."""

    suites: tuple[PlannedSuite, ...]
    cases: tuple[PlannedCase, ...]
    epochs: int = 1
    seed: int = 0
    temperature: float = 0.0
    limits: Limits = DEFAULT_LIMITS
    limit: int | None = None
    procedure: Procedure = "weights"

    @classmethod
    def make(
        cls,
        suites: Sequence[CaseSuite],
        epochs: int = 1,
        seed: int = 0,
        temperature: float = 0.0,
        limits: Limits = DEFAULT_LIMITS,
        limit: int | None = None,
    ) -> Plan:
        """The plan of these suites; `limit` keeps that many cases, spread over suites, branches and locales, and with
        cases that were made harder their controls, which it does not count.

        Raises:
            UsageError: no case, two cases of one id, suites with and without the procedure in the prompt, or a number
                out of range.
        """
        _check_numbers(epochs, temperature, limit)
        cases = [case for suite in suites for case in suite.cases]
        _check_cases(cases, suites)
        if limit is not None and limit < sum(not _is_control(case) for case in cases):
            cases = _limited(cases, limit)
        else:
            limit = None
        return cls(
            tuple(PlannedSuite(suite.name, suite.version, suite.fingerprint) for suite in suites),
            tuple(PlannedCase(case.id, case.fingerprint(), case.suite, case.cluster, case.locale) for case in cases),
            epochs,
            seed,
            temperature,
            limits,
            limit,
            _procedure(suites),
        )

    def __len__(self) -> int:
        return len(self.cases) * self.epochs

    def part(self, cases: Collection[str]) -> Plan:
        """The plan of some of its cases, by id; the seeds of their rollouts are those they had."""
        some = tuple(case for case in self.cases if case.id in cases)
        return self if len(some) == len(self.cases) else replace(self, cases=some, limit=len(some))

    def items(self) -> Iterator[Item]:
        """Every rollout, epoch by epoch, so that a run cut short has seen as many cases as it could."""
        for epoch in range(self.epochs):
            for case in self.cases:
                yield Item(case.id, epoch, seed_of(self.seed, case.id, epoch))

    @property
    def fingerprint(self) -> str:
        """Changes with anything that may move a result."""
        return fingerprint(self.to_json())

    def differences(self, other: Plan) -> list[str]:
        """What differs between this plan and another, each in words; empty if they are the same."""
        found = [
            f"{name}: {ours} here, {theirs} there"
            for name, ours, theirs in (
                ("epochs", self.epochs, other.epochs),
                ("seed", self.seed, other.seed),
                ("temperature", self.temperature, other.temperature),
                ("limits", self.limits, other.limits),
                ("limit", self.limit, other.limit),
                ("procedure", self.procedure, other.procedure),
                ("suites", _named(self.suites), _named(other.suites)),
            )
            if ours != theirs
        ]
        return found + _case_differences(self.cases, other.cases)

    def to_json(self) -> dict[str, Any]:
        """As recorded in `run.json`."""
        return {
            "suites": [asdict(suite) for suite in self.suites],
            "cases": [{name: getattr(case, name) for name in PlannedCase.__slots__} for case in self.cases],
            "epochs": self.epochs,
            "seed": self.seed,
            "temperature": self.temperature,
            "limits": asdict(self.limits),
            "limit": self.limit,
            # Left out where it was always so: plans of before hash as they did.
            **({"procedure": self.procedure} if self.procedure != "weights" else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Read what `to_json` wrote; `run.json` is checked against its schema before."""
        return cls(
            tuple(PlannedSuite(**suite) for suite in data["suites"]),
            tuple(PlannedCase(**case) for case in data["cases"]),
            data["epochs"],
            data["seed"],
            data["temperature"],
            Limits(**data["limits"]),
            data["limit"],
            data.get("procedure", "weights"),
        )


def spread(cases: Iterable[Case]) -> Iterator[Case]:
    """The cases in an order whose every beginning is spread over suites, then branches, then locales.

    Cases that were made harder are spread over operators, not branches; the control of one comes right before the
    first that is compared with it. The order depends on the cases alone, not on a seed: plans of growing limits are
    nested, and two models tried with one limit are tried on the same cases.
    """
    controls: dict[str, Case] = {}
    suites: dict[str, dict[str, dict[str, list[Case]]]] = {}
    for case in cases:
        if _is_control(case):
            controls[case.labels["base"]] = case
            continue
        operator = operator_of(case)
        # With its suite in the name, an operator comes early in one and late in another: a small plan has more of them.
        name = case.cluster if operator is None else f"{case.suite}+{operator}"
        suites.setdefault(case.suite, {}).setdefault(name, {}).setdefault(case.locale, []).append(case)
    lanes = []
    for number, name in enumerate(sorted(suites)):
        # Neighbouring branches are alike; their hashes are not.
        branches = [suites[name][cluster] for cluster in sorted(suites[name], key=fingerprint)]
        lanes.append(_alternate([_by_locale(branch, at + number) for at, branch in enumerate(branches)]))
    for case in _alternate(lanes):
        if (control := controls.pop(case.labels.get("base", ""), None)) is not None:
            yield control
        yield case
    yield from controls.values()


def _limited(cases: Sequence[Case], limit: int) -> list[Case]:
    """The first so many of the spread cases, in their former order, and the controls that they are compared with."""
    kept = list(islice((case for case in spread(cases) if not _is_control(case)), limit))
    ids, bases = {case.id for case in kept}, {case.labels.get("base") for case in kept}
    return [case for case in cases if case.id in ids or (_is_control(case) and case.labels["base"] in bases)]


def _is_control(case: Case) -> bool:
    return operator_of(case) == CONTROL


def _by_locale(branch: Mapping[str, list[Case]], turn: int) -> list[Case]:
    """The cases of one branch, locales alternating; which comes first rotates with `turn`."""
    locales = sorted(branch)
    first = turn % len(locales)
    return _alternate([branch[locale] for locale in locales[first:] + locales[:first]])


def _alternate(lanes: Sequence[Sequence[T]]) -> list[T]:
    """One of each lane in turn until all are empty."""
    longest = max(map(len, lanes), default=0)
    return [lane[at] for at in range(longest) for lane in lanes if at < len(lane)]


def _check_numbers(epochs: int, temperature: float, limit: int | None) -> None:
    if epochs < 1:
        raise UsageError(f"epochs: expected 1 or more, found {epochs}.")
    if not 0.0 <= temperature <= 10.0:
        raise UsageError(f"temperature: expected a number from 0 (greedy) to 10, found {temperature}.")
    if limit is not None and limit < 1:
        raise UsageError(f"limit: expected 1 case or more, found {limit}.")


def _check_cases(cases: Sequence[Case], suites: Sequence[CaseSuite]) -> None:
    if not cases:
        names = ", ".join(suite.name for suite in suites) or "none"
        raise UsageError(f"nothing to evaluate: the suites ({names}) have no case. Name a suite that has.")
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise UsageError(f"two cases are called {case.id!r}. Name each suite once, or rename a case.")
        seen.add(case.id)


def _procedure(suites: Sequence[CaseSuite]) -> Procedure:
    said = {suite.procedure for suite in suites}
    if len(said) > 1:
        inside = ", ".join(suite.name for suite in suites if suite.procedure == "prompt")
        outside = ", ".join(suite.name for suite in suites if suite.procedure == "weights")
        raise UsageError(
            f"{inside} with the procedure in the prompt, and {outside} without: one run has one of the two. Say the "
            "same --procedure for all; the cases of a case file stand as they are, and may need a run of their own."
        )
    return said.pop()


def _named(suites: tuple[PlannedSuite, ...]) -> str:
    return ", ".join(f"{suite.name} v{suite.version}" for suite in suites)


def _case_differences(ours: tuple[PlannedCase, ...], theirs: tuple[PlannedCase, ...]) -> list[str]:
    mine, others = {case.id: case for case in ours}, {case.id: case for case in theirs}
    groups = (
        ("only here", [id for id in mine if id not in others]),
        ("only there", [id for id in others if id not in mine]),
        ("changed", [id for id, case in mine.items() if id in others and others[id] != case]),
    )
    found = [f"{len(ids)} cases {word} (such as {ids[0]})" for word, ids in groups if ids]
    if not found and ours != theirs:
        found.append("cases: the same in another order")
    return found
