"""Pairs of turns for one prompt, a right one and a worse one, both scored by the rubric of evaluation.

The chosen turn is one that the model wrote for that prompt and that scores 1, else gold. The rejected one is a mutant
of gold, a turn that the model at hand samples, or one of a recorded run. `success` alone decides which is worse: it is
1 or 0, so that a pair is a right turn and a wrong one. A pair whose two sides score the same teaches nothing and is
dropped; how many were, and why, is counted.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samescore.harness.case import Case
from samescore.harness.errors import DialectError, UsageError
from samescore.harness.files import read_json_lines
from samescore.harness.fingerprint import fingerprint, seed_of
from samescore.harness.mutants import Mutant
from samescore.harness.policy import Policy, Sampling
from samescore.harness.renderer import followers
from samescore.harness.rescore import Scored
from samescore.harness.rollout import rollout
from samescore.harness.scorers import BASIC
from samescore.harness.types import Message, Trajectory
from samescore.trainers.decisions import Decision, Decisions, Side

NO_WORSE = "no worse than the chosen turn"
GOLD = "gold itself"
TWICE = "the same turn again"
UNWRITABLE = "not writable in the template"
EMPTY = "no token"
ELSEWHERE = "failed elsewhere than in a turn by itself"
UNSCORED = "not scored: an error, or diverged"

SIDES = ("chosen", "rejected")
_TOGETHER = 16  # cases whose turns are sampled together


@dataclass(frozen=True, slots=True)
class Pair:
    """One prompt with a right and a wrong turn, all as token ids. `detail` says what the wrong one is."""

    case: str
    k: int
    source: str
    detail: str
    prompt: tuple[int, ...]
    chosen: Side
    rejected: Side

    @property
    def tokens(self) -> int:
        """Of its longer sequence."""
        return len(self.prompt) + max(len(self.chosen.ids), len(self.rejected.ids))

    def to_json(self) -> dict[str, Any]:
        """As it stands in `pairs.jsonl`; of the prompt the fingerprint that evidence has."""
        return {
            "case": self.case,
            "k": self.k,
            "source": self.source,
            "detail": self.detail,
            "prompt": fingerprint(list(self.prompt)),
            "prompt_tokens": len(self.prompt),
            "chosen": _side_json(self.chosen),
            "rejected": {**_side_json(self.rejected), "reason": self.rejected.success.reason},
        }


def _side_json(side: Side) -> dict[str, Any]:
    scores = {name: score.value for name, score in side.scores.items()}
    return {"text": side.text, "ids": list(side.ids), "scores": scores}


@dataclass(slots=True)
class Pairs:
    """The pairs that were made, in the order of the cases, and how many were dropped, by reason."""

    made: list[Pair] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def lines(self) -> str:
        """The text of `pairs.jsonl`."""
        return "".join(json.dumps(pair.to_json(), ensure_ascii=False) + "\n" for pair in self.made)

    def to_json(self) -> dict[str, Any]:
        """What the passport says of them."""
        return {
            "pairs": len(self.made),
            "sources": dict(Counter(pair.source for pair in self.made)),
            "dropped": dict(self.dropped),
            "tokens": sum(2 * len(p.prompt) + len(p.chosen.ids) + len(p.rejected.ids) for p in self.made),
            "fingerprint": fingerprint(
                [[fingerprint(list(p.prompt)), list(p.chosen.ids), list(p.rejected.ids)] for p in self.made]
            ),
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may become the rejected side. `kind` is the scorer that should see it; pairs are spread over kinds."""

    decision: Decision
    kind: str
    detail: str
    turn: Message | str | Side


@dataclass(slots=True)
class Pairing:
    """Makes pairs from candidates: at most `per_case` of a case, spread over its turns and kinds by `seed`."""

    decisions: Decisions
    source: str
    per_case: int
    seed: int
    pairs: Pairs = field(default_factory=Pairs)

    async def add(
        self, case: Case, candidates: Sequence[Candidate], right: Mapping[tuple[int, ...], Side] | None = None
    ) -> None:
        """Make a case's pairs. `right` are right turns by prompt; where there is none, gold is chosen."""
        seen: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        made = 0
        for candidate in in_turn(candidates, random.Random(seed_of(self.seed, case.id))):
            if made == self.per_case:
                return
            decision = candidate.decision
            rejected = await self._rejected(candidate)
            if isinstance(rejected, str):
                self.pairs.dropped[rejected] += 1
                continue
            if (decision.prompt, rejected.ids) in seen:
                self.pairs.dropped[TWICE] += 1
                continue
            seen.add((decision.prompt, rejected.ids))
            chosen = (right or {}).get(decision.prompt) or await self.decisions.judge(decision, decision.gold)
            if rejected.success.value >= chosen.success.value:
                self.pairs.dropped[NO_WORSE] += 1
                continue
            made += 1
            self.pairs.made.append(
                Pair(case.id, decision.k, self.source, candidate.detail, decision.prompt, chosen, rejected)
            )

    async def _rejected(self, candidate: Candidate) -> Side | str:
        """The candidate as a scored side, or why it can be none."""
        decision, turn = candidate.decision, candidate.turn
        if isinstance(turn, Side):
            side = turn
        else:
            try:
                side = await self.decisions.judge(decision, self.decisions.write(decision, turn))
            except DialectError:
                return UNWRITABLE
        if not side.ids:
            return EMPTY
        return GOLD if side.ids == decision.gold else side

    async def attempts(self, case: Case, tried: Iterable[tuple[Decision, str, Side]]) -> None:
        """Make a case's pairs from turns that a model wrote: wrong ones against a right one for the same prompt."""
        right: dict[tuple[int, ...], Side] = {}
        candidates = []
        for decision, detail, side in tried:
            if side.success.value == 1.0:
                right.setdefault(decision.prompt, side)
            else:
                candidates.append(Candidate(decision, _kind(side), detail, side))
        await self.add(case, candidates, right)


def _kind(side: Side) -> str:
    """The first scorer that a turn fails; a malformed turn fails all."""
    failed = side.success.evidence.get("failed")
    return str(failed[0]) if failed else "malformed"


def in_turn(candidates: Sequence[Candidate], chance: random.Random) -> Iterator[Candidate]:
    """Candidates in an order whose every beginning is spread over turns and kinds, otherwise random."""
    left = list(candidates)
    chance.shuffle(left)
    turns: Counter[int] = Counter()
    kinds: Counter[str] = Counter()
    while left:
        at = min(range(len(left)), key=lambda i: turns[left[i].decision.k] + kinds[left[i].kind])
        candidate = left.pop(at)
        turns[candidate.decision.k] += 1
        kinds[candidate.kind] += 1
        yield candidate


async def from_mutants(cases: Sequence[Case], pairing: Pairing) -> Pairs:
    """Rejected: the turn where a mutant of gold departs from it, for every mutant that a scorer must kill."""
    for case in cases:
        _, decisions = await pairing.decisions.gold(case)
        candidates = []
        for scorer in BASIC:
            for mutant in scorer.mutants(case) if scorer.applies(case) else ():
                if (found := departure(case, mutant)) is not None:
                    k, turn = found
                    candidates.append(Candidate(decisions[k], scorer.name, f"{scorer.name}: {mutant.name}", turn))
        await pairing.add(case, candidates)
    return pairing.pairs


def departure(case: Case, mutant: Mutant) -> tuple[int, Message | str] | None:
    """Where a mutant first does something else than gold, and what. None where it only ends early, or goes on."""
    for k, (gold, turn) in enumerate(zip(case.gold, mutant.turns, strict=False)):
        if turn != gold:
            return k, turn
    return None


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
        asked = [await _asked(case, pairing) for case in some]
        tried = await asyncio.gather(
            *(sampled(one, number) for decisions in asked for one in decisions for number in range(samples))
        )
        pairing.pairs.dropped[NO_WORSE] += sum(side.success.value == 1.0 for _, _, side in tried)
        of_case = iter(tried)
        for case, decisions in zip(some, asked, strict=True):
            await pairing.attempts(case, [next(of_case) for _ in range(len(decisions) * samples)])
    return pairing.pairs


async def _asked(case: Case, pairing: Pairing) -> list[Decision]:
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
