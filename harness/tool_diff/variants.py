"""A schema as alternatives that have none themselves, and each at most one type: `["string", "null"]` is two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from samescore.harness.strictjson import same

NAMING = ("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames")
"""Keywords that say which names an object may have."""

NEVER: Mapping[str, Any] = {"not": {}}
"""What `false` is as a schema: no value satisfies it."""

_CHOICES = ("anyOf", "oneOf")
_BESIDE = ("allOf", "anyOf", "oneOf", "if", "then", "else", "not", "dependentSchemas")


def plain(schema: Any) -> dict[str, Any]:
    """A schema as an object: `true` is `{}`."""
    return dict(schema) if isinstance(schema, Mapping) else {} if schema else dict(NEVER)


def variants(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of a schema, in its order. `oneOf` counts as `anyOf`: together they may admit more."""
    choice = next((name for name in _CHOICES if name in schema), None)
    if choice is not None:
        rest = {name: value for name, value in schema.items() if name != choice}
        each = (_together(rest, plain(one)) for one in schema[choice])
        return [found for one in each for found in variants(one) if not same(found, dict(NEVER))]
    if isinstance(types := schema.get("type"), list):
        return [{**schema, "type": one} for one in types]
    return [dict(schema)]


def exclusive(schema: Mapping[str, Any]) -> bool:
    """Whether no value can satisfy two alternatives of a `oneOf`: they differ in type, or in a listed property."""
    each = [plain(one) for name in _CHOICES for one in schema.get(name, ())]
    pairs = combinations([plain(one) for one in schema.get("oneOf", ())], 2)
    return all(map(exclusive, each)) and all(_apart(one, other) for one, other in pairs)


def conjuncts(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The schemas that must hold together. Where they are several, each leaves open which other names an object has."""
    if "allOf" not in schema:
        return [dict(schema)]
    rest = {name: value for name, value in schema.items() if name != "allOf"}
    parts = [part for one in map(plain, schema["allOf"]) for part in conjuncts(one)]
    return [opened(part) for part in ([rest] if rest else []) + parts]


def opened(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with further names expressly admitted where it says nothing of them."""
    return {"additionalProperties": True, **schema} if "properties" in schema else dict(schema)


def names_beside(schema: Mapping[str, Any]) -> bool:
    """Whether anything that holds of the same object beside its `properties` may speak of names, too."""
    return "patternProperties" in schema or any(_speaks_of_names(schema[name]) for name in _BESIDE if name in schema)


def _speaks_of_names(part: Any) -> bool:
    if isinstance(part, list):
        return any(map(_speaks_of_names, part))
    return isinstance(part, Mapping) and (
        any(name in part for name in NAMING) or any(map(_speaks_of_names, part.values()))
    )


def _together(base: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """One schema for two that hold together."""
    required = sorted({*base.get("required", ()), *part.get("required", ())})
    shared = (base.keys() & part.keys()) - {"required"}
    both_name = any(name in base for name in NAMING) and any(name in part for name in NAMING)
    if both_name or not all(same(base[name], part[name]) for name in shared):
        return {"allOf": [dict(base), dict(part)]}
    return {**base, **part, **({"required": required} if required else {})}


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    types, others = _types(one), _types(other)
    if types and others and not types & others:
        return True
    shared = {*one.get("required", ())} & {*other.get("required", ())} if types == others == {"object"} else set()
    return any(
        not any(same(left, right) for left in ours for right in theirs)
        for name in shared
        if (ours := _listed(one, name)) and (theirs := _listed(other, name))
    )


def _types(schema: Mapping[str, Any]) -> set[str]:
    said = schema.get("type", [])
    types: Sequence[str] = [said] if isinstance(said, str) else said
    return {"number" if one == "integer" else one for one in types}


def _listed(schema: Mapping[str, Any], name: str) -> list[Any]:
    """The values that a property may have, where they are listed."""
    part = plain(schema.get("properties", {}).get(name, True))
    return [part["const"]] if "const" in part else list(part.get("enum", ()))
