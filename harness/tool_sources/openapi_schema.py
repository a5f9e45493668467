"""Schemas of an OpenAPI document as a tool's arguments need them: references in place, 3.0 as JSON Schema 2020-12."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from samescore.harness.errors import ToolsetError

PLAIN_OBJECT = frozenset({"type", "properties", "required", "description", "additionalProperties", "default"})
"""What a body may say of itself and still have its properties stand beside the parameters."""

# Words for documentation and code generators; a prompt pays for each of them, and none decides what may be sent.
_SILENT = frozenset({"example", "examples", "xml", "externalDocs", "discriminator", "deprecated", "title"})
_SPENT = frozenset({"nullable", "readOnly", "writeOnly", "properties"})
"""Words that are said otherwise in what becomes of a schema."""

_NUMBER_FORMATS = frozenset({"int32", "int64", "float", "double"})
_LONGEST_CHAIN = 20
"""References to references, before one surely refers to itself."""


def schema_of(document: Mapping[str, Any], schema: Any, where: str) -> Any:
    """A schema of a document on its own.

    Raises:
        ToolsetError: it refers to itself, or to what the document does not have; `where` is named.
    """
    try:
        return _modern(_resolved(document, schema, where))
    except RecursionError:  # a YAML alias inside its own anchor
        raise ToolsetError(f"{where}: a schema contains itself. Tools take arguments of finite depth.") from None


def target_of(document: Mapping[str, Any], value: Any, where: str) -> Any:
    """A value itself, or what it refers to; references inside it stay."""
    for _ in range(_LONGEST_CHAIN):
        if not (isinstance(value, dict) and isinstance(value.get("$ref"), str)):
            return value
        value = _referred(document, value, where)
    raise ToolsetError(f"{where}: {value['$ref']} refers to itself. Correct the document.")


def _resolved(document: Mapping[str, Any], value: Any, where: str, seen: tuple[str, ...] = ()) -> Any:
    """A schema with every local reference in it replaced by what it refers to."""
    if isinstance(value, list):
        return [_resolved(document, part, where, seen) for part in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if not isinstance(reference, str):
        return {name: _resolved(document, part, where, seen) for name, part in value.items()}
    if reference in seen:
        raise ToolsetError(f"{where}: {reference} refers to itself. Tools take arguments of finite depth.")
    return _resolved(document, _referred(document, value, where), where, (*seen, reference))


def _referred(document: Mapping[str, Any], value: Mapping[str, Any], where: str) -> Any:
    """What a reference refers to, with what stands beside it."""
    reference: str = value["$ref"]
    target: Any = document if reference.startswith("#/") else None
    for part in reference.removeprefix("#/").split("/"):
        part = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(target, list) and part.isdecimal():
            target = dict(enumerate(target)).get(int(part))
        else:
            target = target.get(part) if isinstance(target, dict) else None
    if target is None:
        what = "is in another document" if not reference.startswith("#") else "refers to nothing"
        raise ToolsetError(f"{where}: the $ref {reference} {what}. Put what it refers to into this document.")
    beside = {name: part for name, part in value.items() if name != "$ref"}
    return {**target, **beside} if isinstance(target, dict) else target


def _modern(schema: Any) -> Any:
    """A schema of OpenAPI 3.0 as JSON Schema 2020-12, for what a caller sends; one of 3.1 is that already."""
    if isinstance(schema, list):
        return [_modern(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    modern = {
        name: part if name in ("enum", "const", "default") else _modern(part)
        for name, part in schema.items()
        if name not in _SILENT | _SPENT and not name.startswith("x-")
    }
    if isinstance(schema.get("properties"), dict):
        modern = _object(modern, schema["properties"])
    if modern.get("format") in _NUMBER_FORMATS:
        del modern["format"]
    for bound, edge in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(modern.get(bound), bool):
            strict, limit = modern.pop(bound), modern.get(edge)
            if strict and limit is not None:
                modern[bound] = modern.pop(edge)
    if isinstance(modern.get("allOf"), list):
        modern = _joined(modern)
    return _nullable(modern) if schema.get("nullable") is True else modern


def _object(modern: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object's schema without what only the server sets. Names are the user's own: one called `title` stays."""
    sent = {
        name: _modern(part)
        for name, part in properties.items()
        if not (isinstance(part, dict) and part.get("readOnly") is True)
    }
    shaped = {"type": "object", **modern, "properties": sent}
    if isinstance(modern.get("required"), list):
        shaped["required"] = [name for name in modern["required"] if name not in properties or name in sent]
    return shaped


def _joined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`allOf` of plain objects as one object, and of one schema as that schema; any other stays."""
    beside = {name: part for name, part in schema.items() if name != "allOf"}
    parts = [*schema["allOf"], *([beside] if beside.keys() - {"description", "default"} else [])]
    if len(parts) == 1 and isinstance(parts[0], dict):
        return {**parts[0], **beside}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for part in parts:
        plain = isinstance(part, dict) and part.keys() <= PLAIN_OBJECT - {"additionalProperties", "default"}
        if not plain or not isinstance(part.get("properties", {}), dict):
            return dict(schema)
        for name, inner in part.get("properties", {}).items():
            if properties.setdefault(name, inner) != inner:
                return dict(schema)
        required += [name for name in part.get("required", ()) if name not in required]
    words = {name: part for name, part in beside.items() if name in ("description", "default")}
    return {"type": "object", "properties": properties, "required": required, **words}


def _nullable(modern: Mapping[str, Any]) -> dict[str, Any]:
    """The schema or null; what is said of both stands outside."""
    value = {name: part for name, part in modern.items() if name not in ("description", "default")}
    if isinstance(value.get("enum"), list):
        value["enum"] = [option for option in value["enum"] if option is not None]
    outside = {name: part for name, part in modern.items() if name not in value}
    return {"anyOf": [value, {"type": "null"}], **outside}
