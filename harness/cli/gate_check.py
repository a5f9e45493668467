"""`samescore gate --check-only`: whether baseline and policy are there, before an evaluation that takes an hour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from samescore.harness.errors import UsageError
from samescore.harness.run import Run


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be gated later: a model, on suites by name or path; None and nothing where that is not said."""

    model: str | None
    suites: Sequence[str]


def check(baseline: Path | None, policy: Path | None, expected: Expected, registry: Path | None) -> str:
    """Make sure of what can be known of a comparison before there is a candidate; what was found, in words.

    Raises:
        UsageError: the policy is wrong; the baseline is no run, or none was ever promoted for what is expected.
        InfrastructureError: the baseline is incomplete, or was changed since it was added to the registry.
        Incomparable: it was ended early by a look.
    """
    from samescore.harness.gate.policy import load_policy
    from samescore.harness.gate.scores import held_scores, require_complete
    from samescore.harness.gate.sequential import require_whole

    said = []
    if policy is not None:
        load_policy(policy)
        said.append(f"policy {policy}")
    for directory in () if baseline is None else _directories(baseline, expected, registry):
        run = Run.open(directory)
        require_whole(run, "be a baseline")
        require_complete(held_scores(run))
        said.append(f"baseline {directory}")
    if not said:
        raise UsageError("--check-only: there is nothing to check. Name a baseline, or a --policy.")
    return f"ready to gate: {', '.join(said)}"


def _directories(baseline: Path, expected: Expected, registry: Path | None) -> Iterator[Path]:
    """Where the baseline lies. Of registry:BRANCH there may be several, where it is not said what is expected."""
    from samescore.harness.registry import Registry, registry_folder
    from samescore.harness.registry.named import branch_of

    branch = branch_of(baseline)
    if branch is None:
        yield baseline
        return
    found, suites = Registry(registry_folder(registry)), _names(expected.suites)
    lines = found.lines(suites=suites, model=expected.model, branch=branch)
    if not lines:  # then asking for one says what there is
        lines = (found.line(suites=suites, model=expected.model, branch=branch),)
    for line in lines:
        yield found.directory(found.baseline(line).entry)


def _names(suites: Sequence[str]) -> tuple[str, ...]:
    """What runs call the suites; nothing where a benchmark is named whose questions lie who knows where."""
    from samescore.harness.cli.loading import load_suites

    bfcl = import_module("samescore.suites.bfcl.suite")
    if any(bfcl.is_bfcl(name) and ":" not in name for name in suites):
        return ()
    return tuple(suite.name for suite in load_suites(suites, "eval", None))
