"""Environments: a real SQLite, observations for what models do wrong, errors for what worlds do wrong."""

from dataclasses import replace
from typing import Any

import pytest

from samescore.harness.environment import Environment, Facts, ToolError, World, tool
from samescore.harness.errors import WorldError
from samescore.harness.lexicon import Lexicon
from samescore.harness.state import change_in_words
from samescore.harness.types import Call, Outcome


def read(env: Environment, key: str) -> dict[str, Any]:
    """Read a row.

    Args:
        key: Which.
    """
    row = env.one("SELECT * FROM item WHERE key = ?", key)
    if row is None:
        raise ToolError("not_found", f"No item {key}.")
    return row


@tool(effect=True)
def put(env: Environment, key: str, amount: int) -> dict[str, Any]:
    """Change a row.

    Args:
        key: Which.
        amount: How much.
    """
    env.write("UPDATE item SET amount = ? WHERE key = ?", amount, key)
    env.effect("put", key=key, amount=amount)
    if amount < 0:
        raise ToolError("negative", "Not below zero.")
    return {"id": env.new_id("PT"), "today": str(env.today)}


def crash(env: Environment) -> None:
    """Fail by a bug."""
    raise KeyError("bug")


def build(env: Environment, facts: Facts) -> None:
    env.write("INSERT INTO item VALUES (?, ?)", facts["key"], facts["amount"])


WORLD = World(
    "toy", 1, (read, put, crash), "CREATE TABLE item (key TEXT PRIMARY KEY, amount INTEGER)", build, Lexicon(1, {}), {}
)
FACTS = {"key": "a", "amount": 5, "today": "2026-03-01", "id_seed": 7}


def test_an_environment_is_a_fresh_clone_every_time() -> None:
    first, second = WORLD.open(FACTS), WORLD.open(FACTS)
    first.call(Call("put", {"key": "a", "amount": 9}))
    assert second.state() == {"item": {"a": {"key": "a", "amount": 5}}}
    assert first.state() == {"item": {"a": {"key": "a", "amount": 9}}}
    assert first.start_digest == second.start_digest == second.end()[1] != first.end()[1]


def test_a_change_is_told_in_words() -> None:
    env = WORLD.open(FACTS)
    env.call(Call("put", {"key": "a", "amount": 9}))
    changes, _ = env.end()
    assert [change_in_words(change) for change in changes] == ["item a: amount went from 5 to 9"]


def test_change_and_revert_leaves_the_state_but_not_the_log() -> None:
    env = WORLD.open(FACTS)
    env.call(Call("put", {"key": "a", "amount": 9}))
    env.call(Call("put", {"key": "a", "amount": 5}))
    assert env.end() == ((), env.start_digest)
    assert [effect.data["amount"] for effect in env.effects] == [9, 5]


@pytest.mark.parametrize(
    ("call", "outcome", "code"),
    [
        (Call("steal", {}), Outcome.UNKNOWN_TOOL, "unknown_tool"),
        (Call("read", {"key": 5}), Outcome.INVALID, "invalid_arguments"),
        (Call("read", {}), Outcome.INVALID, "invalid_arguments"),
        (Call("read", {"key": "a'; DROP TABLE item; --"}), Outcome.TOOL_ERROR, "not_found"),
    ],
)
def test_what_a_model_does_wrong_is_an_observation(call: Call, outcome: Outcome, code: str) -> None:
    env = WORLD.open(FACTS)
    seen = env.call(call)
    assert seen.outcome is outcome and f'"error": "{code}"' in seen.content
    assert env.end()[0] == () and env.effects == ()


def test_a_tool_that_refuses_leaves_no_trace() -> None:
    env = WORLD.open(FACTS)
    assert env.call(Call("put", {"key": "a", "amount": -1})).outcome is Outcome.TOOL_ERROR
    assert env.end()[0] == () and env.effects == ()


def test_scripted_faults_come_first_and_then_end() -> None:
    env = WORLD.open({**FACTS, "faults": {"read": 2}})
    outcomes = [env.call(Call("read", {"key": "a"})).outcome for _ in range(3)]
    assert outcomes == [Outcome.FAULT, Outcome.FAULT, Outcome.OK]


def test_new_ids_depend_on_the_case_and_their_number_alone() -> None:
    def ids(seed: int) -> list[str]:
        env = WORLD.open({**FACTS, "id_seed": seed})
        return [env.new_id("PT"), env.new_id("XX"), env.new_id("PT")]

    assert ids(1) == ids(1) != ids(2)
    assert len(set(ids(1))) == 3


def test_a_crash_names_the_file_and_the_line_of_the_world() -> None:
    """The line of the tool, not one of what it called."""
    with pytest.raises(WorldError) as raised:
        WORLD.open(FACTS).call(Call("crash", {}))
    line = crash.__code__.co_firstlineno + 2
    assert f"KeyError: 'bug' (test_environment.py:{line}). Correct the tool's code" in str(raised.value)
    misspelt = replace(WORLD, schema=WORLD.schema.replace("item", "items"))
    with pytest.raises(
        WorldError, match=rf"no such table: item \(test_environment.py:{build.__code__.co_firstlineno + 1}\)"
    ):
        misspelt.open({**FACTS, "key": "b"})


def test_a_crash_of_the_worlds_own_code_is_nobody_elses_fault() -> None:
    with pytest.raises(WorldError, match="tool crash crashed on"):
        WORLD.open(FACTS).call(Call("crash", {}))
    with pytest.raises(WorldError, match="building it from a case's facts failed: KeyError"):
        WORLD.open({"key": "a"})


def test_a_table_without_primary_key_is_refused() -> None:
    world = World("bad", 1, (read,), "CREATE TABLE t (a TEXT)", lambda env, facts: None, Lexicon(1, {}), {})
    with pytest.raises(WorldError, match="table t has no primary key"):
        world.open({})


@pytest.mark.parametrize("schema", ["", "CREATE TRIGGER t AFTER UPDATE ON item BEGIN UPDATE log SET n = n + 1; END;"])
def test_the_state_is_that_of_the_whole_database(schema: str) -> None:
    def fill(env: Environment, facts: Facts) -> None:
        build(env, facts)
        env.write("INSERT INTO log VALUES (1, 0)")

    tables = (
        "CREATE TABLE Item (key TEXT PRIMARY KEY, amount INTEGER);CREATE TABLE log (id INTEGER PRIMARY KEY, n INTEGER);"
    )
    world = World("two", 1, (put,), tables + schema, fill, Lexicon(1, {}), {})
    env = world.open(FACTS)
    env.call(Call("put", {"key": "a", "amount": 9}))
    assert env.state()["Item"]["a"]["amount"] == 9
    assert env.state()["log"]["1"]["n"] == (1 if schema else 0)
