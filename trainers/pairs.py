"""Pairs of turns for one prompt, a right one and a worse one, both scored by the rubric of evaluation.

The chosen turn is one that the model wrote for that prompt and that scores 1, else gold. The rejected one is a mutant
of gold, a turn that the model at hand samples, or one of a recorded run. `success` alone decides which is worse: it is
1 or 0, so that a pair is a right turn and a wrong one. A pair whose two sides score the same teaches nothing and is
dropped; how many were, and why, is counted.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samescore.harness.case import Case
from samescore.harness.errors import DialectError
from samescore.harness.fingerprint import fingerprint, seed_of
from samescore.harness.types import Message
from samescore.trainers.decisions import Decision, Decisions, Side

NO_WORSE = "no worse than the chosen turn"
GOLD = "gold itself"
TWICE = "the same turn again"
UNWRITABLE = "not writable in the template"
EMPTY = "no token"
LONGER = "longer than max_tokens"
ELSEWHERE = "failed elsewhere than in a turn by itself"
UNSCORED = "not scored: an error, or diverged"


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
    """Makes pairs from candidates: at most `per_case` of a case, spread over its turns and kinds by `seed`.

    Pairs with a sequence of more than `longest` tokens are dropped; None: none are.
    """

    decisions: Decisions
    source: str
    per_case: int
    seed: int
    pairs: Pairs = field(default_factory=Pairs)
    longest: int | None = None

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
            pair = Pair(case.id, decision.k, self.source, candidate.detail, decision.prompt, chosen, rejected)
            if self.longest is not None and pair.tokens > self.longest:
                self.pairs.dropped[LONGER] += 1
                continue
            made += 1
            self.pairs.made.append(pair)

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
