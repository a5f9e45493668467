"""The one loop: a policy, a case and its world become a trajectory. Training and evaluation both run it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from samescore.harness.case import Case
from samescore.harness.environment import Environment, World
from samescore.harness.policy import Conversation, Policy, Sampling
from samescore.harness.types import Completion, DefectName, Message, Step, Stop, Trajectory, Turn
from samescore.harness.user import ScriptedUser


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a rollout is cut off: turns and calls of a conversation, completion tokens of a turn and of all turns."""

    turns: int = 12
    calls: int = 16
    turn_tokens: int = 768
    tokens: int = 4096


DEFAULT_LIMITS = Limits()


async def rollout(
    case: Case,
    policy: Policy,
    world: World,
    sampling: Sampling | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Trajectory:
    """Have one conversation. What the model does wrong is in the trajectory; only broken infrastructure raises.

    Raises:
        WorldError: the world's own code crashed.
        PolicyError: the model crashed.
    """
    steps: list[Step] = []
    stop: Stop | None = None
    # Each is closed also where what comes after it cannot be opened.
    with (
        closing(world.open_case(case)) as environment,
        closing(policy.converse(case, sampling or Sampling())) as conversation,
    ):
        user = ScriptedUser(case)
        for message in case.gold[: case.prefix]:
            turn = _read(conversation.write(message), policy, case)
            step, _ = _advance(turn, environment, user, conversation)
            steps.append(step)
        while stop is None:
            completion = await conversation.complete(_budget(steps, limits))
            turn = _read(completion, policy, case)
            if not turn.defects and _calls(steps) + len(turn.attempts) > limits.calls:
                step, stop = Step(turn), Stop.MAX_CALLS
            else:
                step, stop = _advance(turn, environment, user, conversation)
            steps.append(step)
            stop = stop or (Stop.DECIDED if case.decision else _exhausted(steps, limits))
        changes, digest = environment.end()
        return Trajectory(tuple(steps), stop, environment.effects, changes, environment.start_digest, digest)


def _read(completion: Completion, policy: Policy, case: Case) -> Turn:
    turn = policy.dialect.parse(completion, case.toolset)
    # What was written is the evidence, whatever a parser made of it on the way.
    return turn if turn.completion is completion else turn._replace(completion=completion)


def _advance(
    turn: Turn, environment: Environment, user: ScriptedUser, conversation: Conversation
) -> tuple[Step, Stop | None]:
    """Let the world or the user answer a turn."""
    if turn.defects:
        truncated = any(defect.name is DefectName.TRUNCATED for defect in turn.defects)
        return Step(turn), Stop.TRUNCATED if truncated else Stop.MALFORMED
    if turn.attempts:
        observations = tuple(environment.call(call) for call in turn.calls)
        conversation.tell(turn, [Message("tool", seen.content, name=seen.call.name) for seen in observations])
        return Step(turn, observations), None
    said = user.hear(turn.content)
    if said.reply is None:
        return Step(turn, asked=said.asked), Stop.USER_LEFT if said.left else Stop.ANSWERED
    conversation.tell(turn, [Message("user", said.reply)])
    return Step(turn, asked=said.asked, reply=said.reply), None


def _budget(steps: list[Step], limits: Limits) -> int:
    return min(limits.turn_tokens, limits.tokens - _tokens(steps))


def _calls(steps: list[Step]) -> int:
    return sum(len(step.turn.attempts) for step in steps)


def _tokens(steps: list[Step]) -> int:
    return sum(step.turn.completion.tokens for step in steps)


def _exhausted(steps: list[Step], limits: Limits) -> Stop | None:
    if len(steps) >= limits.turns:
        return Stop.MAX_TURNS
    if _tokens(steps) >= limits.tokens:
        return Stop.MAX_TOKENS
    return None
