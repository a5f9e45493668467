"""Nested parameters and results: where in a JSON object each field of a tool stands, and the schema that says so."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from samescore.trainers.pretrain import words
from samescore.trainers.pretrain.fields import Field, Value, shape_pattern


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field under its key."""

    key: str
    field: Field
    required: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """An object; what an optional one holds is optional too."""

    key: str
    members: tuple[Node, ...]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Records:
    """A list of like objects in a result; the conversation is about the one at `index`."""

    key: str
    members: tuple[Leaf, ...]
    index: int = 0
    more: int = 0
    """How many records follow that one."""


Node: TypeAlias = Leaf | Group | Records


def leaves(nodes: Sequence[Node]) -> Iterator[Leaf]:
    """The leaves in the order in which they are written."""
    for node in nodes:
        if isinstance(node, Leaf):
            yield node
        else:
            yield from leaves(node.members)


def assemble(
    nodes: Sequence[Node], values: Mapping[str, Value], other: Callable[[Field], Value] | None = None
) -> dict[str, object]:
    """The JSON object with the values, by field name, in their places; `other` draws the records that are not meant."""
    built: dict[str, object] = {}
    for node in nodes:
        if isinstance(node, Leaf):
            if node.field.name in values:
                built[node.key] = values[node.field.name]
        elif isinstance(node, Group):
            if members := assemble(node.members, values, other):
                built[node.key] = members
        elif other is not None:
            built[node.key] = [
                {leaf.key: values[leaf.field.name] if row == node.index else other(leaf.field) for leaf in node.members}
                for row in range(node.index + 1 + node.more)
            ]
    return built


def path_of(nodes: Sequence[Node], name: str) -> str:
    """Where the field of this name stands, keys and list indices joined by dots.

    Raises:
        KeyError: it stands nowhere.
    """
    for node in nodes:
        if isinstance(node, Leaf):
            if node.field.name == name:
                return node.key
        elif any(leaf.field.name == name for leaf in leaves(node.members)):
            middle = f"{node.key}.{node.index}" if isinstance(node, Records) else node.key
            return f"{middle}.{path_of(node.members, name)}"
    raise KeyError(name)


def closed_schema(rng: random.Random, field: Field) -> dict[str, object]:
    """The schema of a field with its keys in the order in which pydantic prints them."""
    if field.kind == "list" and field.element:
        schema: dict[str, object] = {"items": closed_schema(rng, field.element)}
        if rng.random() < 0.1:
            schema["minItems"] = 1
        schema["type"] = "array"
        return schema | {"uniqueItems": True} if field.unique else schema
    if field.kind == "int":
        schema = {"minimum": 1} if field.high <= 60 and rng.random() < 0.3 else {}
        return schema | {"type": "integer"}
    if field.kind in ("money", "bool"):
        return {"type": "number" if field.kind == "money" else "boolean"}
    if field.kind == "enum":
        return {"enum": [choice.constant for choice in field.choices], "type": "string"}
    if field.kind == "date":
        return {"format": "date", "type": "string"}
    if field.kind == "id" and rng.random() < 0.5:
        return {"pattern": shape_pattern(field.shape), "type": "string"}
    return {"type": "string"}


def _member_schema(rng: random.Random, node: Leaf | Group, told: float) -> dict[str, object]:
    """A member of an object; with chance `told` it is described."""
    if isinstance(node, Group):
        return _group_schema(rng, node, "")
    described = {"description": _words_of(rng, node.field)} if rng.random() < told else {}
    return {**described, **closed_schema(rng, node.field)}


def _words_of(rng: random.Random, field: Field) -> str:
    return field.label("vi" if rng.random() < 0.1 else "en").capitalize() + rng.choice(("", "."))


def _group_schema(rng: random.Random, group: Group, words_of_it: str) -> dict[str, object]:
    """An object's schema: mostly closed and untitled, as `Tool.from_function` gives it, else as pydantic does."""
    told = rng.choice((0.0, 0.0, 0.0, 1.0))
    members = [node for node in group.members if not isinstance(node, Records)]
    properties: dict[str, object] = {node.key: _member_schema(rng, node, told) for node in members}
    required = [node.key for node in members if node.required and group.required]
    inner: dict[str, object] = {"properties": properties, **({"required": required} if required else {})}
    described = {"description": words_of_it} if words_of_it else {}
    if rng.random() < 0.8:
        return {"type": "object", **inner, "additionalProperties": False, **described}
    first, last = (described, {}) if rng.random() < 0.5 else ({}, described)
    closed = {"additionalProperties": False} if rng.random() < 0.5 else {}
    title = {"title": "".join(part.capitalize() for part in group.key.split("_"))} if rng.random() < 0.6 else {}
    return {**closed, **first, **inner, **title, "type": "object", **last}


def parameters_schema(rng: random.Random, nodes: Sequence[Node]) -> dict[str, object]:
    """The parameters of a tool as from a function's type hints: every parameter described, nothing else allowed."""
    properties: dict[str, object] = {}
    for node in nodes:
        if isinstance(node, Leaf):
            properties[node.key] = closed_schema(rng, node.field) | {"description": _words_of(rng, node.field)}
        elif isinstance(node, Group):
            label = node.key.replace("_", " ").capitalize()
            described = rng.choice((label, f"{label}.", "Details.", f"The {label.lower()}."))
            properties[node.key] = _group_schema(rng, node, described)
    required = [node.key for node in nodes if not isinstance(node, Records) and node.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def nest(rng: random.Random, nodes: Sequence[Leaf], taken: set[str]) -> tuple[Node, ...]:
    """Some of the leaves moved into one object or two, rarely one in the other; the rest stay where they were."""
    groups: list[Node] = []
    rest: list[Node] = list(nodes)
    for _ in range(rng.choice((1, 1, 1, 2))):
        free = [node for node in rest if isinstance(node, Leaf)]
        count = min(len(free), rng.choice((1, 2, 2, 3, 3, 4)))
        if not count:
            break
        moved = rng.sample(free, count)
        members: list[Node] = [node for node in rest if node in moved]
        rest = [node for node in rest if node not in moved]
        if groups and rng.random() < 0.2:
            members.append(groups.pop())
        required = any(leaf.required for leaf in leaves(members))
        groups.append(Group(_key(rng, taken), _inside(members, required), required))
    for group in groups:
        rest.insert(rng.randint(0, len(rest)), group)
    # Optional parameters come after required ones, as in a function.
    return tuple(sorted(rest, key=lambda node: not (isinstance(node, Records) or node.required)))


def _inside(members: Sequence[Node], required: bool) -> tuple[Node, ...]:
    """Members of an object: those of an optional one are optional."""
    return tuple(
        replace(node, required=node.required and required) if isinstance(node, Leaf | Group) else node
        for node in members
    )


def _key(rng: random.Random, taken: set[str]) -> str:
    key = rng.choice([name for name in words.GROUPS if name not in taken])
    taken.add(key)
    return key


def lay_out(
    rng: random.Random, fields: Sequence[Field], taken: set[str], indices: Sequence[int] = (0,)
) -> tuple[Node, ...]:
    """A result with some of its fields in an object, in a list of records (the one meant at an index), or both."""
    rest: list[Node] = [Leaf(field.name, field) for field in fields]
    if len(rest) > 2 and rng.random() < 0.5:
        flat = [node for node in rest if isinstance(node, Leaf) and node.field.kind != "list"]
        moved = rng.sample(flat, min(len(flat), rng.choice((1, 2, 2, 3))))
        members = tuple(node for node in flat if node in moved)
        rest = [node for node in rest if node not in moved]
        if members:
            row = Records(_plural(_key(rng, taken)), members, rng.choice(indices), rng.choice((0, 1, 1, 2)))
            rest.insert(rng.randint(0, len(rest)), row)
    free = [node for node in rest if isinstance(node, Leaf)]
    if len(free) > 1 and rng.random() < 0.6:
        moved = rng.sample(free, min(len(free), rng.choice((1, 2, 2, 3))))
        inner = tuple(node for node in free if node in moved)
        rest = [node for node in rest if node not in moved]
        rest.insert(rng.randint(0, len(rest)), Group(_key(rng, taken), inner))
    return tuple(rest)


def _plural(word: str) -> str:
    return word if word.endswith("s") else word + "s"
