"""The solver: our one rollout loop, with the model that Inspect evaluates."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from inspect_ai.log import transcript
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from samescore.harness.errors import PolicyError, UnknownName, WorldError
from samescore.harness.fingerprint import seed_of
from samescore.harness.inspect_ext.casebook import Casebook, book_of
from samescore.harness.inspect_ext.conversation import conversation, events, last_output
from samescore.harness.inspect_ext.evidence import LINE, ORIGIN, Origin, line_of
from samescore.harness.inspect_ext.models import SamescoreAPI, policy_of
from samescore.harness.plan import Item
from samescore.harness.policy import Policy, Sampling
from samescore.harness.records import ErrorKind, Failure, Record, error_record, record_of
from samescore.harness.rollout import DEFAULT_LIMITS, Limits, rollout


@solver
def samescore_rollout(max_turns: int = DEFAULT_LIMITS.turns) -> Solver:
    """Have one conversation about the sample's case, as `samescore eval` has it, and keep its evidence.

    Temperature, seed and tokens of a turn are Inspect's --temperature (0 unless said), --seed and --max-tokens.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        model = get_model()
        policy, adapter = policy_of(model)
        origin = _origin(policy, adapter, model.config, max_turns)
        state.store.set(ORIGIN, origin.to_json())
        book = book_of(state.metadata)
        record = await _have(_item(book, state, origin), book, policy, origin, state)
        messages = conversation(record, book.cases[record.case], policy.dialect)
        if isinstance(model.api, SamescoreAPI):  # of its own models Inspect has recorded every request
            for event in events(record, messages, str(model), datetime.now(UTC)):
                transcript()._event(event)
        state.output = last_output(record, messages, str(model))
        state.messages = messages
        return state

    return solve


def _origin(policy: Policy, adapter: str | None, config: GenerateConfig, max_turns: int) -> Origin:
    limits = Limits(turns=max_turns, turn_tokens=config.max_tokens or DEFAULT_LIMITS.turn_tokens)
    return Origin.of(policy, adapter, config.seed or 0, config.temperature or 0.0, limits)


def _item(book: Casebook, state: TaskState, origin: Origin) -> Item:
    """The planned rollout that a sample is. Inspect counts epochs from 1."""
    id, epoch = str(state.sample_id), state.epoch - 1
    if id not in book.cases:
        raise UnknownName("case", id, [], f"Suite {state.metadata['suite']} has changed since the task was made.")
    return Item(id, epoch, seed_of(origin.seed, id, epoch))


async def _have(item: Item, book: Casebook, policy: Policy, origin: Origin, state: TaskState) -> Record:
    """One rollout, kept in the sample's store. What is raised is kept as an error, and is Inspect's to handle."""
    case, print_, began = book.cases[item.case], book.prints[item.case], time.perf_counter()
    sampling = Sampling(origin.temperature, item.seed)
    try:
        trajectory = await rollout(case, policy, book.worlds[case.world], sampling, origin.limits)
        record = record_of(item, print_, trajectory, time.perf_counter() - began)
        state.store.set(LINE, line_of(record))
    except Exception as error:
        failed = error_record(item, print_, _failure(error), time.perf_counter() - began)
        state.store.set(LINE, line_of(failed))
        raise
    return record


def _failure(error: Exception) -> Failure:
    if isinstance(error, WorldError):
        return Failure(ErrorKind.WORLD, str(error))
    if isinstance(error, PolicyError):
        return Failure(ErrorKind.POLICY, str(error))
    return Failure(ErrorKind.CRASH, f"{type(error).__name__}: {error}")
