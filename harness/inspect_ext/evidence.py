"""What a sample of a log keeps of its rollout: the very line of `evidence.jsonl`, and what the model was.

The line is text with its own checksum, so that whatever a model wrote comes back as it was, however the log was written
and read: halves of characters, control codes, numbers of any length.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from samescore.harness.errors import EvidenceDamaged
from samescore.harness.policy import Policy
from samescore.harness.records import Record, checksum, record_from, write_line
from samescore.harness.rollout import Limits

RUN, TASK = "samescore_run", "samescore_task"
"""The keys of a log's metadata that hold the text of `run.json`: of the run that was exported; or of the task, with the
plan of all its cases, and of no model yet."""

LINE, ORIGIN = "samescore_evidence", "samescore_origin"
"""The keys of a sample's store that hold its evidence line and, where our solver ran, its `Origin`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wrote a sample's turns, and how they were drawn: what a run's manifest says once for all of them.

    `seed` is that of the run; each rollout's own follows from it.
    """

    model: str
    adapter: str | None
    description: Mapping[str, Any]
    dialect: str
    dialect_version: int
    seed: int
    temperature: float
    limits: Limits

    @classmethod
    def of(cls, policy: Policy, adapter: str | None, seed: int, temperature: float, limits: Limits) -> Origin:
        """The origin of rollouts with this policy."""
        dialect = policy.dialect
        described = dict(policy.describe())
        return cls(policy.name, adapter, described, dialect.name, dialect.version, seed, temperature, limits)

    def to_json(self) -> str:
        """As kept in a sample's store."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__} | {"limits": asdict(self.limits)})

    @classmethod
    def from_json(cls, text: str) -> Origin:
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: it did not.
        """
        data = json.loads(text)
        return cls(**(data | {"limits": Limits(**data["limits"])}))


def line_of(record: Record) -> str:
    """A record as kept in a sample's store: its line of `evidence.jsonl`, without the line feed.

    Raises:
        TypeError, ValueError: something in it is not JSON.
    """
    return write_line(record).decode().rstrip("\n")


def record_of_line(line: str) -> Record:
    """Read what `line_of` wrote.

    Raises:
        EvidenceDamaged: it did not, or the line was changed since.
    """
    try:
        body = json.loads(line)
        recorded = body.pop("sum")
        if checksum(body) != recorded:
            raise ValueError(f"its checksum is {checksum(body)}, expected {recorded}")
        return record_from(body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceDamaged(
            f"the sample's {LINE} was changed after it was written: {error}. Restore the log from a copy."
        ) from None
