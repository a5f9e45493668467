"""Where the rejected side of a pair comes from: mutants of gold, the model at hand, or recorded runs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

from samescore.harness.case import Case
from samescore.harness.errors import UsageError
from samescore.harness.files import read_json_lines
from samescore.harness.fingerprint import fingerprint, seed_of
from samescore.harness.lexicon import LOCALES
from samescore.harness.mutants import Mutant
from samescore.harness.policy import Policy, Sampling
from samescore.harness.renderer import followers
from samescore.harness.rescore import Scored, rescore
from samescore.harness.rollout import rollout
from samescore.harness.run import Run
from samescore.harness.scorers import BASIC
from samescore.harness.types import Message, Trajectory
from samescore.trainers.config import DpoConfig
from samescore.trainers.decisions import Decision, Decisions, Side
from samescore.trainers.material import load_material
from samescore.trainers.pairs import ELSEWHERE, NO_WORSE, UNSCORED, Candidate, Pair, Pairing, Pairs
from samescore.trainers.training import Training

SIDES = ("chosen", "rejected")
_TOGETHER = 16  # cases whose turns are sampled together


async def from_mutants(cases: Sequence[Case], pairing: Pairing) -> Pairs:
    """Rejected: the turn where a mutant of gold departs from it, for every mutant that a scorer must kill."""
    for case in cases:
        _, decisions = await pairing.decisions.gold(case)
        candidates = []
        for scorer in BASIC:
            for mutant in scorer.mutants(case) if scorer.applies(case) else ():
                for decision, turn in departure(case, mutant, decisions):
                    candidates.append(Candidate(decision, scorer.name, f"{scorer.name}: {mutant.name}", turn))
        await pairing.add(case, candidates)
    return pairing.pairs


def departure(case: Case, mutant: Mutant, decisions: Sequence[Decision]) -> Iterator[tuple[Decision, Message | str]]:
    """Where a mutant first does something else than gold, and what. Nothing where it only ends early, or goes on."""
    for decision, gold, turn in zip(decisions, case.gold, mutant.turns, strict=False):
        if turn != gold:
            yield decision, turn
            return


async def from_samples(
    cases: Sequence[Case], pairing: Pairing, policy: Policy, samples: int, temperature: float
) -> Pairs:
    """Rejected: what the model at hand writes for gold's prompts. `samples` turns for each of a case's prompts, and for
    no more of them than it may have pairs.

    Raises:
        PolicyError, WorldError: the model or a world crashed.
    """

    async def sampled(decision: Decision, number: int) -> tuple[Decision, str, Side]:
        sampling = Sampling(temperature, seed_of(pairing.seed, decision.case.id, number))
        world = pairing.decisions.worlds[decision.case.world]
        trajectory = await rollout(decision.case, policy, world, sampling)
        ids = trajectory.steps[-1].turn.completion.token_ids
        return decision, f"sample {number}", await pairing.decisions.judge(decision, ids or ())

    for start in range(0, len(cases), _TOGETHER):
        some = cases[start : start + _TOGETHER]
        asked = [await asked_of(case, pairing) for case in some]
        tried = await asyncio.gather(
            *(sampled(one, number) for decisions in asked for one in decisions for number in range(samples))
        )
        pairing.pairs.dropped.update(NO_WORSE for _, _, side in tried if side.success.value == 1.0)
        of_case = iter(tried)
        for case, decisions in zip(some, asked, strict=True):
            await pairing.attempts(case, [next(of_case) for _ in range(len(decisions) * samples)])
    return pairing.pairs


async def asked_of(case: Case, pairing: Pairing) -> list[Decision]:
    """The decisions of a case for which turns are sampled."""
    _, decisions = await pairing.decisions.gold(case)
    chance = random.Random(seed_of(pairing.seed, case.id, "decisions"))
    chosen = chance.sample(range(len(decisions)), min(pairing.per_case, len(decisions)))
    return [decisions[k] for k in sorted(chosen)]


async def from_recorded(
    cases: Sequence[Case], pairing: Pairing, recorded: Mapping[str, Sequence[tuple[str, Scored]]]
) -> Pairs:
    """Rejected: the first wrong turn of a recorded conversation that failed, after what the model wrote before it.

    `recorded` are a case's conversations, each with its name. Those that did not fail give right turns.
    """
    for case in cases:
        if case.id not in recorded:
            continue
        gold, _ = await pairing.decisions.gold(case)
        tried: list[tuple[Decision, str, Side]] = []
        for name, scored in recorded[case.id]:
            if scored.trajectory is None or scored.scores is None:
                pairing.pairs.dropped[UNSCORED] += 1
                continue
            turns = [turn async for turn in _as_gold(case, gold, scored.trajectory, pairing.decisions)]
            tried += [(decision, name, side) for decision, side in turns]
            if scored.scores["success"].value < 1.0 and turns[-1][1].success.value == 1.0:
                pairing.pairs.dropped[ELSEWHERE] += 1
        await pairing.attempts(case, tried)
    return pairing.pairs


async def _as_gold(
    case: Case, gold: Trajectory, trajectory: Trajectory, decisions: Decisions
) -> AsyncIterator[tuple[Decision, Side]]:
    """The turns of a conversation for as long as each is right and is followed by what follows gold's; then the first
    that is not."""
    for (decision, step), right in zip(decisions.along(case, trajectory), gold.steps, strict=False):
        side = await decisions.judge(decision, step.turn.completion.token_ids or ())
        yield decision, side
        if side.success.value < 1.0 or followers(step) != followers(right):
            return


async def from_kept(cases: Sequence[Case], pairing: Pairing, path: Path) -> Pairs:
    """The pairs of a `pairs.jsonl` after gold's prompts, scored as of now.

    Raises:
        UsageError: a line is not one of these cases', or its prompt is written differently now.
    """
    known = {case.id: case for case in cases}
    decisions: dict[str, tuple[Decision, ...]] = {}
    for number, line in read_json_lines(path, "the pairs"):
        id, k = line["case"], line["k"]
        if id in known and id not in decisions:
            _, decisions[id] = await pairing.decisions.gold(known[id])
        if id not in known or fingerprint(list(decisions[id][k].prompt)) != line["prompt"]:
            raise UsageError(
                f"{path}:{number}: case {id} is not there any more, or its prompt has changed. Begin a new training in "
                "another folder."
            )
        sides = [await pairing.decisions.judge(decisions[id][k], tuple(line[name]["ids"])) for name in SIDES]
        pairing.pairs.made.append(Pair(id, k, line["source"], line["detail"], decisions[id][k].prompt, *sides))
    return pairing.pairs


def conversations(training: Training[DpoConfig]) -> dict[str, list[tuple[str, Scored]]]:
    """The rollouts of the recorded runs, scored again from evidence, by case; each with the name of its run and epoch.

    Raises:
        UsageError: there is no run, it has cases of another split or suite, or its token ids are not this model's.
        EvidenceDamaged, ForeignEvidence: its evidence cannot be read.
    """
    config, material = training.config, training.material
    everywhere = config.data.model_copy(update={"locales": LOCALES, "limit": None})
    mine = {case.id for case in load_material(everywhere).cases}
    found: dict[str, list[tuple[str, Scored]]] = {}
    for path in config.recorded:
        run = Run.open(path)
        if foreign := [planned.id for planned in run.plan.cases if planned.id not in mine]:
            raise UsageError(
                f"{path}: {len(foreign)} of the run's {len(run.plan.cases)} cases (such as {foreign[0]}) are not of "
                f"the {config.data.split} split of {config.data.suite}. What judges a model must not be learned from. "
                f"Record a run with: samescore eval --suite {config.data.suite} --split {config.data.split}"
            )
        if (
            run.manifest.redacted
            or run.manifest.server is not None
            or run.manifest.description.get("renderer") != training.renderer.fingerprint
        ):
            raise UsageError(
                f"{path}: the run was had with {run.manifest.model}, whose token ids are not those of {config.base}, "
                f"are masked, or were read as a server reads them: its turns cannot be learned as they were written. "
                f"Record a run of {config.base}, with or without an adapter, without --redact."
            )
        for scored in rescore(run, [material.suite], material.worlds):
            name = f"{run.directory.name}, epoch {scored.record.epoch}"
            found.setdefault(scored.record.case, []).append((name, scored))
    return found
