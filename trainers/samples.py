"""Trajectories as training samples: the renderer's token ids, and the mask of what the assistant wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from samescore.harness.case import Case
from samescore.harness.errors import UsageError
from samescore.harness.policies.script import oracle
from samescore.harness.renderer import Example, Renderer, examples
from samescore.harness.rollout import rollout
from samescore.harness.types import Trajectory
from samescore.trainers.material import Material


@dataclass(frozen=True, slots=True)
class Sample:
    """A training example and what it comes from: a case, or a line of a file."""

    source: str
    example: Example


def gold_trajectories(material: Material) -> list[tuple[Case, Trajectory]]:
    """Every case's gold conversation, played in its world."""

    async def play() -> list[tuple[Case, Trajectory]]:
        agent = oracle()
        return [(case, await rollout(case, agent, material.worlds[case.world])) for case in material.cases]

    return asyncio.run(play())


def samples_of(case: Case, trajectory: Trajectory, renderer: Renderer) -> list[Sample]:
    """A conversation as samples: one where the template keeps its prefix, else one for each turn that it cuts."""
    found = examples(renderer, case.messages, case.toolset, trajectory.steps)
    return [Sample(case.id, example) for example in found]


def check_lengths(samples: Sequence[Sample], limit: int) -> None:
    """Nothing is cut silently.

    Raises:
        UsageError: a sequence is longer than `limit` tokens.
    """
    longer = sorted((sample for sample in samples if len(sample.example.ids) > limit), key=lambda one: -_length(one))
    if longer:
        raise UsageError(
            f"case {longer[0].source} is {_length(longer[0])} tokens long, the limit is {limit}, and {len(longer)} of "
            f"{len(samples)} sequences are past it. Raise max_tokens to {_length(longer[0])}, or leave them out."
        )


def _length(sample: Sample) -> int:
    return len(sample.example.ids)
