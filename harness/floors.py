"""Floors: the best score that an agent without a model gets on the same cases. A score near its floor says nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import fsum

from samescore.harness.case import Case
from samescore.harness.environment import World
from samescore.harness.fingerprint import seed_of
from samescore.harness.policies import load_policy
from samescore.harness.policies.null import NULL_AGENTS
from samescore.harness.policy import Sampling
from samescore.harness.results import Floor
from samescore.harness.rollout import DEFAULT_LIMITS, Limits, rollout
from samescore.harness.scorer import Rubric


async def floors(
    cases: Sequence[Case], worlds: Mapping[str, World], rubric: Rubric, limits: Limits = DEFAULT_LIMITS
) -> Mapping[str, Floor]:
    """Every metric's best mean over the null agents, which are run here and now, seeded, and leave no evidence.

    Raises:
        WorldError: a world's own code crashed.
    """
    best: dict[str, Floor] = {}
    for name in NULL_AGENTS:
        policy = load_policy(name)
        values: defaultdict[str, list[float]] = defaultdict(list)
        for case in cases:
            # The seed of epoch 0 of a run with seed 0, so that `eval --model null/random` finds the same.
            sampling = Sampling(seed=seed_of(0, case.id, 0))
            trajectory = await rollout(case, policy, worlds[case.world], sampling, limits)
            for metric, score in rubric.score(case, trajectory).items():
                values[metric].append(score.value)
        for metric, found in values.items():
            mean = fsum(found) / len(found)
            if metric not in best or mean > best[metric].value:
                best[metric] = Floor(mean, name)
    return best
