"""Failures that pass, as a world plays them: it fails the first calls of a tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samescore.harness.errors import SopError
from samescore.suites.sop.model import CallStep, Sop
from samescore.suites.sop.trace import Called, Trace, trace


def world_facts(sop: Sop, facts: Mapping[str, Any], id_seed: int) -> dict[str, Any]:
    """An SOP's facts with what the world needs beside them: the seed of new ids, and how often each tool fails first.

    Raises:
        SopError: a tool would have to fail after a success; worlds fail the first calls of a tool only.
    """
    followed = trace(sop, facts)
    if step := unplayable(followed):
        raise SopError(
            f"{sop.path}:{step.line}: step {step.id!r}: {step.tool} fails here after a success of an earlier step; "
            "a world can only fail a tool's first calls. Remove `retry` from this step or the earlier one."
        )
    faults: dict[str, int] = {}
    for event in followed.events:
        if isinstance(event, Called) and event.failures:
            faults[event.step.tool] = faults.get(event.step.tool, 0) + event.failures
    return {**facts, "id_seed": id_seed, "faults": faults}


def unplayable(followed: Trace) -> CallStep | None:
    """The first step whose failures a world cannot play, since its tool has succeeded before."""
    succeeded: set[str] = set()
    for event in followed.events:
        if isinstance(event, Called):
            if event.failures and event.step.tool in succeeded:
                return event.step
            if event.step.wait is not None and event.failures + event.ok > 1:
                succeeded.add(event.step.wait.tool)
            if event.ok:
                succeeded.add(event.step.tool)
    return None
