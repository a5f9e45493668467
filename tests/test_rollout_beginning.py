"""A conversation that cannot begin: what was opened for it is closed."""

import asyncio
import sqlite3
from collections.abc import Mapping
from typing import Any

import pytest
import toy_world

from samescore.harness.case import Case
from samescore.harness.dialects.hermes import Hermes
from samescore.harness.environment import Environment, World
from samescore.harness.errors import PolicyError
from samescore.harness.policy import Conversation, Sampling
from samescore.harness.rollout import rollout


class Refusing:
    """A policy whose model cannot begin a conversation."""

    name, dialect = "refusing", Hermes()

    def describe(self) -> Mapping[str, Any]:
        return {}

    def converse(self, case: Case, sampling: Sampling) -> Conversation:
        raise PolicyError("the prompt leaves no room")

    async def aclose(self) -> None:
        """Nothing is held."""


def test_the_environment_of_a_conversation_that_cannot_begin_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Environment] = []
    open_case = World.open_case
    monkeypatch.setattr(World, "open_case", lambda world, case: opened.append(open_case(world, case)) or opened[-1])
    with pytest.raises(PolicyError, match="the prompt leaves no room"):
        asyncio.run(rollout(toy_world.case(0), Refusing(), toy_world.WORLD))
    (environment,) = opened
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        environment.state()
