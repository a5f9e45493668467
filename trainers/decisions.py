"""Decisions: one turn after those before it, as token ids, and what a turn scores there.

Prompts are written on the one road, turn by turn; a turn is scored from its ids alone, as GRPO's rewards are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.environment import World
from samescore.harness.policies.replay import RecordPolicy
from samescore.harness.policies.script import oracle
from samescore.harness.records import Record
from samescore.harness.renderer import Renderer, Transcript, followers
from samescore.harness.rollout import rollout
from samescore.harness.scorers import RUBRIC
from samescore.harness.types import Completion, Message, Score, Step, Trajectory


@dataclass(frozen=True, slots=True)
class Decision:
    """One turn that is asked for: `case` is `case.at(k)`, `prompt` the ids that the model sees.

    `before` are the turns that were written, `messages` the conversation so far, and `gold` the ids of the right turn
    as the template writes it here, its end included.
    """

    case: Case
    prompt: tuple[int, ...]
    messages: tuple[Message, ...]
    before: tuple[Completion, ...]
    gold: tuple[int, ...]

    @property
    def k(self) -> int:
        """How many turns came before."""
        return self.case.prefix


@dataclass(frozen=True, slots=True)
class Side:
    """A turn that was, or could be, written for a decision: its ids, end of turn included, text and scores."""

    ids: tuple[int, ...]
    text: str
    scores: Mapping[str, Score]

    @property
    def success(self) -> Score:
        """The primary metric."""
        return self.scores["success"]


@dataclass(frozen=True, slots=True)
class Decisions:
    """Writes decisions with a model's template, and scores turns of them."""

    worlds: Mapping[str, World]
    renderer: Renderer
    dialect: Dialect

    async def gold(self, case: Case) -> tuple[Trajectory, tuple[Decision, ...]]:
        """A case's gold conversation, and its decisions."""
        trajectory = await rollout(case, oracle(), self.worlds[case.world])
        return trajectory, tuple(decision for decision, _ in self.along(case, trajectory))

    def along(self, case: Case, trajectory: Trajectory) -> Iterator[tuple[Decision, Step]]:
        """The decisions of a conversation that went as gold goes, and what was done there.

        Turns with token ids stand in later prompts as they were sampled, others as the template writes gold.

        Raises:
            DialectError: the template cannot write a gold turn.
        """
        transcript = Transcript(self.renderer, case.messages, case.toolset)
        before: list[Completion] = []
        for k, (message, step) in enumerate(zip(case.gold, trajectory.steps, strict=False)):
            prompt, gold = tuple(transcript.prompt), transcript.write(message)
            yield Decision(case.at(k), prompt, tuple(transcript.messages), tuple(before), gold), step
            if not (following := followers(step)):
                return
            sampled = step.turn.completion.token_ids
            before.append(self.renderer.completion(gold if sampled is None else sampled, prompt))
            transcript.add(before[-1].token_ids, self.dialect.parse(before[-1], case.toolset), following)

    def write(self, decision: Decision, turn: Message | str) -> tuple[int, ...]:
        """The ids of a turn: of a message as the template writes it; of raw text as it is, closed as gold's turn is.

        Raises:
            DialectError: the template cannot write this message.
        """
        if isinstance(turn, Message):
            return self.renderer.write(decision.messages, decision.case.toolset, turn)
        return (*self.renderer.encode(turn.removeprefix(self.renderer.opening)), decision.gold[-1])

    async def judge(self, decision: Decision, ids: tuple[int, ...]) -> Side:
        """Decode, parse and play a turn in a fresh world after the turns before it, and score it."""
        written = self.renderer.completion(ids, decision.prompt)
        record = Record(decision.case.id, "", 0, 0, turns=(*decision.before, written))
        world = self.worlds[decision.case.world]
        trajectory = await rollout(decision.case, RecordPolicy(record, self.dialect), world)
        return Side(ids, written.text, RUBRIC.score(decision.case, trajectory))
