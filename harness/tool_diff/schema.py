"""What changed between two schemas of a value, and whether every value that was valid still is.

A change is compatible where it can be shown that each value which the old schema admits is admitted by the new one.
What cannot be shown is breaking: a pattern that changed is, whatever it means.

Of an object that names its properties and says nothing of others, no others are expected: a model that knows the old
schema sends none. So a new optional property is compatible, and to forbid further ones is. Where the old schema admits
them expressly (`additionalProperties`), it is held to that. A property that is gone breaks what sends it; and a
default that changed, what leaves it out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from samescore.harness.strictjson import same, write
from samescore.harness.tool_diff.inlined import inlined, is_recursive
from samescore.harness.tool_diff.variants import NEVER, conjuncts, exclusive, names_beside, plain, variants

LONGEST = 60
"""Characters of a schema that a message quotes."""

TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")

_SIZES: Mapping[str, tuple[tuple[str, float, int], ...]] = {
    kind: ((f"min{what}", 0, 1), (f"max{what}", math.inf, -1))
    for kind, what in (("string", "Length"), ("array", "Items"), ("object", "Properties"))
}
"""Keyword, what it is where it is not stated, and 1 where more is tighter."""

_BOUNDS = (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1))
_WHOLE = {
    "string": (("pattern",), ("format",)),
    "array": (("contains", "minContains", "maxContains"), ("unevaluatedItems",)),
    "object": (
        ("patternProperties",),
        ("propertyNames",),
        ("dependentRequired",),
        ("dependentSchemas",),
        ("dependencies",),
        ("unevaluatedProperties",),
    ),
    "": (("anyOf",), ("oneOf",), ("not",), ("if", "then", "else"), ("$dynamicRef",)),
}
"""Keywords, by the type that they are about, that are looked at as they stand: alike, gone, or changed."""

_ASSERTING = frozenset(
    {"type", "enum", "const", "allOf", "multipleOf", "required", "properties", "additionalProperties", "items"}
    | {"prefixItems", "uniqueItems", "$recursive"}
    | {name for sizes in _SIZES.values() for name, _, _ in sizes}
    | {name for weak, strict, _ in _BOUNDS for name in (weak, strict)}
    | {name for groups in _WHOLE.values() for group in groups for name in group}
)
"""Keywords that decide validity. All others are words for the reader."""

_OTHERWISE = "the same values, said otherwise"


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One difference: where in the value (`lines[].sku`; nothing for all of it), what it is, and whether it breaks."""

    where: str
    what: str
    breaking: bool


def schema_changes(old: Any, new: Any) -> tuple[SchemaChange, ...]:
    """What changed from one JSON Schema to another, in the order of the old one. Both are sound."""
    return tuple(_changes(inlined(old), inlined(new), ""))


def _changes(old: Any, new: Any, where: str) -> list[SchemaChange]:
    if same(old, new):
        return []
    before, after = plain(old), plain(new)
    words = list(_wording(before, after, where))
    before, after = _asserting(before), _asserting(after)
    if same(before, after):
        return words
    if is_recursive(before) or is_recursive(after):
        return [*words, SchemaChange(where, "a schema that contains itself changed", True)]
    if same(before, dict(NEVER)):
        return [*words, SchemaChange(where, "no value was right, some are now", False)]
    if same(after, dict(NEVER)):
        return [*words, SchemaChange(where, "no value is right any more", True)]
    if any(name.startswith("unevaluated") for name in {*before, *after}):
        # What counts as evaluated depends on all that stands beside it.
        return [*words, SchemaChange(where, "changed beside unevaluatedProperties or unevaluatedItems", True)]
    return words + (_values(before, after, where) or [SchemaChange(where, _OTHERWISE, False)])


def _values(old: dict[str, Any], new: dict[str, Any], where: str) -> list[SchemaChange]:
    listed = _listed(old)
    if listed is not None and not _other_type(old, new):
        return _listed_changes(listed, old, new, where)
    # An alternative that both have narrows both alike.
    choice = next((name for name in ("anyOf", "oneOf") if name in old and same(old[name], new.get(name))), None)
    if choice is not None:
        kept = {"additionalProperties": True} if names_beside(old) and "additionalProperties" not in old else {}
        return _changes(_without(old, choice) | kept, _without(new, choice), where)
    before, after = variants(old), variants(new)
    if len(before) == len(after) == 1 and not ("anyOf" in new or "oneOf" in new):
        return _one_by_one(before[0], after[0], where)
    found = _alternatives(before, after, where)
    if not exclusive(new):
        found.append(SchemaChange(where, "a value may now satisfy two alternatives of oneOf, which is wrong", True))
    return found


def _alternatives(old: Sequence[Any], new: Sequence[Any], where: str) -> list[SchemaChange]:
    """Every old alternative must be admitted by a new one."""
    found: list[SchemaChange] = []
    for one in old:
        tried = [_changes(one, other, where) for other in new]
        fitting = sorted((changes for changes in tried if not _breaks(changes)), key=len)
        if fitting:
            found += fitting[0]
            continue
        alike = [changes for other, changes in zip(new, tried, strict=True) if one.get("type") == other.get("type")]
        lost = [SchemaChange(where, f"no longer admits {_quoted(one)}", True)]
        found += alike[0] if len(alike) == 1 else lost
    if not _breaks(found):
        more = [other for other in new if all(_breaks(_changes(other, one, where)) for one in old)]
        found += [SchemaChange(where, f"also admits {_quoted(other)}", False) for other in more]
    return found


def _one_by_one(old: dict[str, Any], new: dict[str, Any], where: str) -> list[SchemaChange]:
    """Every new condition must follow from an old one."""
    ours, theirs = conjuncts(old), conjuncts(new)
    if len(ours) == len(theirs) == 1:
        return list(_plain_changes(old, new, where))
    broken: list[SchemaChange] = []
    for condition in theirs:
        tried = [_changes(one, condition, where) for one in ours]
        if all(map(_breaks, tried)):
            broken += [change for change in min(tried, key=len) if change.breaking]
    return list(dict.fromkeys(broken)) or [SchemaChange(where, "conditions went, or are said otherwise", False)]


def _plain_changes(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[SchemaChange]:
    """Schemas of one type, or without any, and without alternatives."""
    lost = not {*_types(old)} <= {*_types(new)}
    if lost or old.get("type") != new.get("type"):
        yield SchemaChange(where, f"was {old.get('type', 'anything')}, is {new.get('type', 'anything')}", lost)
    if lost:
        return
    if (values := _listed(new)) is not None and new.get("type") not in ("boolean", "null"):
        yield SchemaChange(where, f"only {_several(values)} {'is' if len(values) == 1 else 'are'} right now", True)
    kinds = dict.fromkeys("number" if kind == "integer" else kind for kind in _types(old))
    for kind in kinds:
        if kind in _BY_TYPE:
            yield from _BY_TYPE[kind](old, new, where)
        yield from _sizes(kind, old, new, where)
    for kind in ("", *kinds):
        for group in _WHOLE.get(kind, ()):
            yield from _as_it_stands(group, old, new, where)


def _numbers(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[SchemaChange]:
    for weak, strict, sign in _BOUNDS:
        before, after = _bound(old, weak, strict, sign), _bound(new, weak, strict, sign)
        if all(same(old.get(name), new.get(name)) for name in (weak, strict)):
            continue
        if old.get("type") == "integer" and before is not None:
            value, open_ = before
            before = (math.floor(value) + 1 if open_ else math.ceil(value)), False
        tighter = after is not None and (before is None or before < after)
        yield SchemaChange(where, f"was {_bounded(old, weak, strict)}, is {_bounded(new, weak, strict)}", tighter)
    step, step_now = old.get("multipleOf"), new.get("multipleOf")
    if not same(step, step_now):
        fits = step_now is None or (step is not None and Fraction(str(step)) % Fraction(str(step_now)) == 0)
        yield SchemaChange(where, f"multipleOf was {_or_none(step)}, is {_or_none(step_now)}", not fits)


def _bound(schema: Mapping[str, Any], weak: str, strict: str, sign: int) -> tuple[Any, bool] | None:
    """The bound that counts, as a lower one, and whether it is excluded itself: the larger the tighter."""
    said = [(sign * schema[name], name == strict) for name in (weak, strict) if name in schema]
    return max(said, default=None)


def _bounded(schema: Mapping[str, Any], weak: str, strict: str) -> str:
    """Such as `minimum 5`, or `without minimum`."""
    said = [f"{name} {schema[name]}" for name in (weak, strict) if name in schema]
    return " and ".join(said) or f"without {weak}"


def _arrays(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[SchemaChange]:
    if new.get("uniqueItems", False) is not old.get("uniqueItems", False):
        unique = new.get("uniqueItems", False)
        yield SchemaChange(where, f"items {'must differ now' if unique else 'may be alike now'}", unique)
    first, second = old.get("prefixItems", []), new.get("prefixItems", [])
    rest, rest_now = old.get("items", True), new.get("items", True)
    for index in range(max(len(first), len(second))):
        before = first[index] if index < len(first) else rest
        after = second[index] if index < len(second) else rest_now
        yield from _changes(before, after, f"{where}[{index}]")
    yield from _changes(rest, rest_now, f"{where}[]")


def _objects(old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[SchemaChange]:
    named: dict[str, Any] = dict(old.get("properties", {}))
    named |= {name: True for name in old.get("required", ()) if name not in named}
    now: Mapping[str, Any] = new.get("properties", {})
    required, required_now = set(old.get("required", ())), set(new.get("required", ()))
    others_now = new.get("additionalProperties", True)
    for name, before in named.items():
        place = _inside(where, name)
        if name in now:
            yield from _property(before, now[name], place, name in required and name in required_now)
        elif isinstance(others_now, Mapping):
            yield from _changes(before, others_now, place)
        elif (name in old.get("properties", {}) or others_now is False) and not same(plain(before), dict(NEVER)):
            yield SchemaChange(place, "is gone", True)
            continue
        if (name in required) is not (name in required_now):
            words = "is required now" if name in required_now else "is optional now"
            yield SchemaChange(place, words, name in required_now)
    others = old.get("additionalProperties", "properties" not in old or names_beside(old))
    free = True if "patternProperties" in old else others
    for name in dict.fromkeys([*now, *sorted(required_now)]):
        if name not in named:
            yield _new_property(name, now.get(name, True), free, name in required_now, where)
    if "patternProperties" not in new:
        for pattern, schema in old.get("patternProperties", {}).items():
            yield from _changes(schema, others_now, _inside(where, f"/{pattern}/"))
    yield from _other_properties(old, others, others_now, where)


def _other_properties(old: Mapping[str, Any], others: Any, others_now: Any, where: str) -> Iterator[SchemaChange]:
    """Names that the schemas do not say; `others` is False where none were expected."""
    if others is not False and others_now is False:
        yield SchemaChange(where, "further properties are wrong now", True)
    elif others is not False:
        yield from _changes(others, others_now, _inside(where, "*"))
    elif "additionalProperties" in old and others_now is not False:
        yield SchemaChange(where, "further properties are right now", False)
    elif "additionalProperties" not in old and others_now is False:
        yield SchemaChange(where, "further properties, of which it said nothing, are wrong now", False)


def _property(old: Any, new: Any, where: str, always_sent: bool) -> Iterator[SchemaChange]:
    before, after = plain(old), plain(new)
    if "default" in before and "default" in after and not same(before["default"], after["default"]) and not always_sent:
        words = f"the default was {_quoted(before['default'])}, is {_quoted(after['default'])}: a call without it means"
        yield SchemaChange(where, f"{words} something else", True)
        before, after = _without(before, "default"), _without(after, "default")
    yield from _changes(before, after, where)


def _new_property(name: str, schema: Any, free: Any, required: bool, where: str) -> SchemaChange:
    """`free` is what could be sent under this name before; False where nothing was expected."""
    place = _inside(where, name)
    if required:
        return SchemaChange(place, "is new and required", True)
    if free is not False and _breaks(_changes(free, schema, place)):
        return SchemaChange(place, "is new, and could be something else before", True)
    return SchemaChange(place, "is new, optional", False)


_BY_TYPE: Mapping[str, Callable[[dict[str, Any], dict[str, Any], str], Iterable[SchemaChange]]] = {
    "number": _numbers,
    "array": _arrays,
    "object": _objects,
}


def _sizes(kind: str, old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[SchemaChange]:
    for name, loosest, sign in _SIZES.get(kind, ()):
        before, after = old.get(name), new.get(name)
        if before != after:
            tighter = sign * (loosest if after is None else after) > sign * (loosest if before is None else before)
            yield SchemaChange(where, f"{name} was {_or_none(before)}, is {_or_none(after)}", tighter)


def _as_it_stands(group: Sequence[str], old: dict[str, Any], new: dict[str, Any], where: str) -> Iterator[SchemaChange]:
    before = {name: old[name] for name in group if name in old}
    after = {name: new[name] for name in group if name in new}
    if same(before, after):
        return
    if len(group) == 1 and len(before) == len(after) == 1:
        yield SchemaChange(where, f"{group[0]} was {_quoted(before[group[0]])}, is {_quoted(after[group[0]])}", True)
    elif after and not before:
        yield SchemaChange(where, f"{', '.join(after)} is new: {_quoted(after[next(iter(after))])}", True)
    else:
        yield SchemaChange(where, f"{', '.join(before)} {'changed' if after else 'is gone'}", bool(after))


def _listed_changes(values: Sequence[Any], old: dict[str, Any], new: dict[str, Any], where: str) -> list[SchemaChange]:
    """Each of these values is looked at under the new schema."""
    lost = [value for value in values if not _valid(new, value)]
    if lost:
        return [SchemaChange(where, f"no longer admits {_several(lost)}", True)]
    now = _listed(new)
    if now is None:
        return [SchemaChange(where, f"was one of {_several(values)}, is {_quoted(new)}", False)]
    gained = [value for value in now if not _valid(old, value)]
    words = f"also admits {_several(gained)}" if gained else _OTHERWISE
    return [SchemaChange(where, words, False)]


def _listed(schema: Mapping[str, Any]) -> list[Any] | None:
    """All values that a schema admits, where it lists them; of those its other conditions hold."""
    if "const" in schema:
        values = [schema["const"]]
    elif "enum" in schema:
        values = list(schema["enum"])
    elif schema.get("type") in ("boolean", "null"):
        values = [False, True] if schema["type"] == "boolean" else [None]
    else:
        return None
    return [value for value in values if _valid(schema, value)]


def _valid(schema: Mapping[str, Any], value: Any) -> bool:
    import jsonschema_rs

    return bool(jsonschema_rs.validator_for(dict(schema), validate_formats=True).is_valid(value))


def _other_type(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether both state one type, and not the same."""
    was, now = old.get("type"), new.get("type")
    return isinstance(was, str) and isinstance(now, str) and was not in _types(new)


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The types that a schema of one type admits; all where it states none."""
    said = schema.get("type")
    return TYPES if said is None else ("integer", "number") if said == "number" else (said,)


def _wording(old: Mapping[str, Any], new: Mapping[str, Any], where: str) -> Iterator[SchemaChange]:
    names = [name for name in dict.fromkeys([*old, *new]) if name not in _ASSERTING]
    changed = [name for name in names if not same(old.get(name), new.get(name))]
    if "default" in changed:
        changed.remove("default")
        was, now = (_quoted(one["default"]) if "default" in one else "not stated" for one in (old, new))
        yield SchemaChange(where, f"the default was {was}, is {now}", False)
    if changed:
        yield SchemaChange(where, f"{', '.join(changed)} changed", False)


def _asserting(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name in _ASSERTING}


def _breaks(changes: Iterable[SchemaChange]) -> bool:
    return any(change.breaking for change in changes)


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _without(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != name}


def _or_none(value: Any) -> str:
    return "not stated" if value is None else f"{value}"


def _several(values: Sequence[Any]) -> str:
    return ", ".join(map(_quoted, values))


def _quoted(value: Any) -> str:
    """A value, or a schema: by its type where it says nothing else."""
    if isinstance(value, Mapping) and [*value] == ["type"]:
        return str(value["type"])
    if isinstance(value, Mapping) and not value:
        return "anything"
    text = write(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
