"""What is right for a case, read off its walk: calls and their order, the end of the world, facts of the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from samescore.harness.case import CallPattern, Expectation, ExpectedCall, Guard
from samescore.harness.environment import World
from samescore.harness.errors import SopError
from samescore.harness.facts import AnswerFact
from samescore.harness.matching import Kind, Matcher
from samescore.harness.tools import Tool
from samescore.harness.types import Outcome
from samescore.suites.sop.model import Sop
from samescore.suites.sop.values import answer_fact
from samescore.suites.sop.walk import Played, Walk

_Part: TypeAlias = tuple[str, Kind]
"""The path of a part of an argument, and how it is compared."""


def expectation(sop: Sop, walk: Walk, world: World) -> Expectation:
    """The expectation of the case whose gold turns the walk gives.

    Raises:
        SopError: the reply states what the world's lexicon has no slot or value for.
    """
    called = {played.call.name for played in walk.calls}
    forbidden = [tool.name for tool in world.toolset.tools if tool.effect and tool.name not in called]
    forbidden += [name for name in sop.never if name not in forbidden]
    return Expectation(
        calls=tuple(_expected(walk, index, world) for index in range(len(walk.calls))),
        reads=tuple(map(CallPattern, sop.may)),
        forbidden=tuple(map(CallPattern, forbidden)),
        guards=tuple(guard for index in range(len(walk.calls)) for guard in _guards(walk, index, world)),
        changes=walk.changes,
        effects=walk.effects,
        facts=_answers(sop, walk, walk.states, world),
        unwanted=_answers(sop, walk, walk.unwanted, world),
        confidential=walk.confidential,
        terms=walk.reply.terms,
        asks=walk.asked,
        ending=walk.reply.ending,
        thinking=True,
    )


def matcher(tool: Tool, name: str, value: Any) -> Matcher:
    """How an argument is compared, by its schema.

    Numbers by value, days as days, free text (a string without enum, pattern or format) after normalising, arrays of
    unique items in any order, all else exactly; so too inside objects and arrays.
    """
    schema = tool.parameters.get("properties", {}).get(name, True)
    kinds = dict(_kinds(schema, tool.parameters, value, ""))
    if kinds.keys() == {""}:
        return Matcher(kinds[""], value)
    # A day inside an object is compared as it is written: valid ones have one spelling.
    kinds = {path: kind for path, kind in sorted(kinds.items()) if kind != "date"}
    return Matcher("shaped", [value, kinds]) if kinds else Matcher("exact", value)


def _kinds(written: Any, root: Mapping[str, Any], value: Any, path: str) -> Iterator[_Part]:
    """The parts of a value that are not compared exactly, by path."""
    schema = _meant(written, root, value)
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name, part in value.items():
            yield from _kinds(properties.get(name, others), root, part, f"{path}/{name}" if path else name)
    elif isinstance(value, list):
        if schema.get("uniqueItems") is True:
            yield path, "set"
        for part in value:
            yield from _kinds(schema.get("items", True), root, part, f"{path}/*" if path else "*")
    elif (kind := _kind(schema, value)) != "exact":
        yield path, kind


def _kind(schema: Mapping[str, Any], value: Any) -> Kind:
    """How a value that is neither object nor list is compared. Null is null, whatever else the schema admits."""
    types = schema.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    if "number" in types and type(value) in (int, float):
        return "number"
    if "string" not in types or not isinstance(value, str):
        return "exact"
    if schema.get("format") == "date":
        return "date"
    return "exact" if schema.keys() & {"enum", "const", "pattern", "format"} else "text"


def _meant(schema: Any, root: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    """What a schema says of a value: of a reference its target, of alternatives the first that the value satisfies."""
    while isinstance(schema, Mapping):
        parts = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf", ())
        if isinstance(reference := schema.get("$ref"), str):
            schema = _target(reference, root)
        elif "allOf" in schema and len(parts) == 1:
            schema = parts[0]
        elif parts and "allOf" not in schema:
            schema = next((part for part in parts if _admits(part, root, value)), True)
        else:
            return schema
    return {}


def _target(reference: str, root: Mapping[str, Any]) -> Any:
    """What a path within the schema refers to; of anchors nothing is known. `Tool` refuses references to nothing."""
    if not reference.startswith("#/"):
        return True
    target: Any = root
    for part in reference.removeprefix("#/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        target = target[int(name)] if isinstance(target, list) else target[name]
    return target


def _admits(schema: Any, root: Mapping[str, Any], value: Any) -> bool:
    import jsonschema_rs

    definitions = {name: root[name] for name in ("$defs", "definitions") if name in root}
    return jsonschema_rs.is_valid({**definitions, "allOf": [schema]}, value, validate_formats=True)


def _expected(walk: Walk, index: int, world: World) -> ExpectedCall:
    played = walk.calls[index]
    tool = world.toolset.by_name[played.call.name]
    return ExpectedCall(
        id=played.id,
        name=tool.name,
        arguments={name: matcher(tool, name, value) for name, value in played.call.arguments.items()},
        optional={name: matcher(tool, name, value) for name, value in played.optional.items()},
        after=_after(walk.calls[:index], played, tool),
        outcome=played.observation.outcome,
    )


def _after(earlier: tuple[Played, ...], played: Played, tool: Tool) -> tuple[str, ...]:
    """An effect comes after all before it; a read after the results it uses and after its own failed attempts.

    Calls of one turn have no order among each other.
    """
    return tuple(
        before.id
        for before in earlier
        if (tool.effect and before.step.id not in played.step.beside)
        or before.step is played.step
        or (before.step.id in played.sources and before.observation.outcome is Outcome.OK)
    )


def _guards(walk: Walk, index: int, world: World) -> list[Guard]:
    played = walk.calls[index]
    demanded = played.step.guards
    if demanded is None and not world.toolset.by_name[played.call.name].effect:
        return []
    return [
        Guard(before.id, played.id)
        for before in walk.calls[:index]
        if before.observation.outcome is Outcome.OK
        and before.step.id not in played.step.beside
        and (demanded is None or before.step.id in demanded)
    ]


def _answers(sop: Sop, walk: Walk, values: Mapping[str, Any], world: World) -> tuple[AnswerFact, ...]:
    facts = []
    for name, value in values.items():
        where = f"{sop.path}:{walk.reply.line}: step {walk.reply.id!r}"
        slot = world.lexicon.slots.get(name)
        if slot is None:
            known = ", ".join(world.lexicon.slots)
            raise SopError(f"{where} states {name!r}, which is no slot of world {world.name!r}. Known: {known}.")
        try:
            facts.append(answer_fact(slot, value))
        except ValueError as error:
            raise SopError(f"{where}: {error}. Correct `states` or the lexicon.") from None
    return tuple(facts)
