"""`Record`: what is kept of one rollout, and its line in `evidence.jsonl`.

A record holds what the model wrote, raw, and what it was answered. Turns, calls and scores are derived from it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from samescore.harness.case import Case, change_from, change_json, effect_from, effect_json
from samescore.harness.dialects import Dialect
from samescore.harness.fingerprint import fingerprint
from samescore.harness.plan import Item
from samescore.harness.types import (
    Call,
    Change,
    Completion,
    Effect,
    Finish,
    Observation,
    Outcome,
    Step,
    Stop,
    Trajectory,
    Usage,
)

FORMAT = 1
"""Version of the evidence format this code writes. It reads this one and all before it."""

VOLATILE = ("seconds", "usage")
"""The fields that differ between two runs of the same plan with the same deterministic policy."""


class ErrorKind(StrEnum):
    """Whose fault it is that a planned rollout has no score."""

    POLICY = "policy"  # the model or its server crashed
    WORLD = "world"  # a tool's code, the builder or the schema crashed
    CRASH = "crash"  # anything else that was raised during the rollout
    REDACTION = "redaction"  # personal data decides a score, so that it cannot be masked without changing it
    SCORER = "scorer"  # a scorer crashed; never recorded, found when scoring
    DIVERGED = "diverged"  # the replay differs from the record; never recorded, found when scoring


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a planned rollout has no score. An error is shown apart; it is never a 0."""

    kind: ErrorKind
    message: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.message}"


@dataclass(frozen=True, slots=True)
class Record:
    """One finished rollout, or the error that ended it (then there are no turns, and `stop` is None).

    `turns`, `observations`, `asked` and `replies` run in step, and `usage` where anything was said of it. `seconds` is
    the wall time of the rollout.
    """

    case: str
    case_fingerprint: str
    epoch: int
    seed: int
    turns: tuple[Completion, ...] = ()
    observations: tuple[tuple[Observation, ...], ...] = ()
    asked: tuple[tuple[str, ...], ...] = ()
    replies: tuple[str | None, ...] = ()
    stop: Stop | None = None
    effects: tuple[Effect, ...] = ()
    changes: tuple[Change, ...] = ()
    start_digest: str = ""
    end_digest: str = ""
    error: Failure | None = None
    seconds: float = 0.0
    usage: tuple[Usage | None, ...] = ()

    @property
    def tokens(self) -> int:
        """Completion tokens of all turns; 0 where no tokenizer was involved."""
        return sum(turn.tokens for turn in self.turns)


def record_of(item: Item, case_fingerprint: str, trajectory: Trajectory, seconds: float) -> Record:
    """The record of a finished rollout."""
    steps = trajectory.steps
    usage = tuple(step.turn.completion.usage for step in steps)
    return Record(
        item.case,
        case_fingerprint,
        item.epoch,
        item.seed,
        turns=tuple(step.turn.completion for step in steps),
        observations=tuple(step.observations for step in steps),
        asked=tuple(step.asked for step in steps),
        replies=tuple(step.reply for step in steps),
        stop=trajectory.stop,
        effects=trajectory.effects,
        changes=trajectory.changes,
        start_digest=trajectory.start_digest,
        end_digest=trajectory.end_digest,
        seconds=seconds,
        usage=usage if any(usage) else (),
    )


def error_record(item: Item, case_fingerprint: str, error: Failure, seconds: float) -> Record:
    """The record of a rollout that broken infrastructure ended."""
    return Record(item.case, case_fingerprint, item.epoch, item.seed, error=error, seconds=seconds)


def trajectory_of(record: Record, dialect: Dialect, case: Case) -> Trajectory:
    """The recorded rollout as scorers see it: the raw completions are parsed again, nothing is replayed.

    Raises:
        ValueError: the record is of an error.
    """
    if record.stop is None:
        raise ValueError(f"case {case.id}, epoch {record.epoch} is recorded as an error: {record.error}")
    steps = tuple(
        Step(dialect.parse(completion, case.toolset), observations, asked, reply)
        for completion, observations, asked, reply in zip(
            record.turns, record.observations, record.asked, record.replies, strict=True
        )
    )
    return Trajectory(steps, record.stop, record.effects, record.changes, record.start_digest, record.end_digest)


def record_json(record: Record) -> dict[str, Any]:
    """A record as JSON, in the order of the published schema, without its checksum."""
    error = record.error
    return {
        "v": FORMAT,
        "case": record.case,
        "case_fingerprint": record.case_fingerprint,
        "epoch": record.epoch,
        "seed": record.seed,
        "turns": [_completion_json(turn) for turn in record.turns],
        "observations": [[_observation_json(seen) for seen in turn] for turn in record.observations],
        "asked": [list(slots) for slots in record.asked],
        "replies": list(record.replies),
        "stop": None if record.stop is None else record.stop.value,
        "effects": [effect_json(effect) for effect in record.effects],
        "changes": [change_json(change) for change in record.changes],
        "start_digest": record.start_digest,
        "end_digest": record.end_digest,
        "error": None if error is None else {"kind": error.kind.value, "message": error.message},
        "seconds": record.seconds,
        # Left out where there is none: lines of local models read as they always did.
        **({"usage": [None if one is None else asdict(one) for one in record.usage]} if record.usage else {}),
    }


def record_from(data: Mapping[str, Any]) -> Record:
    """Read what `record_json` wrote.

    Raises:
        KeyError, TypeError, ValueError: it did not.
    """
    stop, error = data["stop"], data["error"]
    return Record(
        data["case"],
        data["case_fingerprint"],
        data["epoch"],
        data["seed"],
        turns=tuple(_completion_from(turn) for turn in data["turns"]),
        observations=tuple(tuple(_observation_from(seen) for seen in turn) for turn in data["observations"]),
        asked=tuple(tuple(slots) for slots in data["asked"]),
        replies=tuple(data["replies"]),
        stop=None if stop is None else Stop(stop),
        effects=tuple(effect_from(effect) for effect in data["effects"]),
        changes=tuple(change_from(change) for change in data["changes"]),
        start_digest=data["start_digest"],
        end_digest=data["end_digest"],
        error=None if error is None else Failure(ErrorKind(error["kind"]), error["message"]),
        seconds=data["seconds"],
        usage=tuple(None if one is None else Usage(**one) for one in data.get("usage", ())),
    )


def write_line(record: Record) -> bytes:
    """The record's line, checksum and line feed included.

    Raises:
        TypeError, ValueError: something in it is not JSON, such as a date in an effect's data.
    """
    body = record_json(record)
    try:
        return _line(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # Half of a character in a model's text: UTF-8 has no form of it, a JSON escape has. Two such halves side by
        # side read back as one character, so the checksum is that of what will be read.
        return _line(json.loads(json.dumps(body, allow_nan=False)), ensure_ascii=True).encode()


def checksum(body: Mapping[str, Any]) -> str:
    """Of a line's JSON object without its `sum`: 16 hexadecimal digits of SHA-256 over its canonical JSON."""
    return fingerprint(body)


def _line(body: dict[str, Any], ensure_ascii: bool) -> str:
    whole = {**body, "sum": checksum(body)}
    return json.dumps(whole, ensure_ascii=ensure_ascii, allow_nan=False, separators=(",", ":")) + "\n"


def _completion_json(completion: Completion) -> dict[str, Any]:
    ids = completion.token_ids
    return {
        "text": completion.text,
        "token_ids": None if ids is None else list(ids),
        "finish": completion.finish.value,
        "prompt": completion.prompt,
        "prompt_tokens": completion.prompt_tokens,
        **({"withheld": completion.withheld} if completion.withheld else {}),
    }


def _completion_from(data: Mapping[str, Any]) -> Completion:
    ids = data["token_ids"]
    return Completion(
        data["text"],
        Finish(data["finish"]),
        None if ids is None else tuple(ids),
        data["prompt_tokens"],
        data["prompt"],
        withheld=data.get("withheld", 0),
    )


def _observation_json(seen: Observation) -> dict[str, Any]:
    call = {"name": seen.call.name, "arguments": dict(seen.call.arguments)}
    return {"call": call, "outcome": seen.outcome.value, "content": seen.content}


def _observation_from(data: Mapping[str, Any]) -> Observation:
    call = data["call"]
    return Observation(Call(call["name"], call["arguments"]), Outcome(data["outcome"]), data["content"])
