"""Tools from an OpenAPI 3 document: an operation becomes a tool, its parameters and its JSON body the arguments.

Path and query parameters and the properties of the body stand side by side in one arguments object. Headers and cookies
are left out: they carry what a client knows, not what a model decides.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from samescore.harness.errors import ToolsetError, UsageError
from samescore.harness.files import read_text
from samescore.harness.tools import Tool

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_READS = frozenset({"get", "head", "options", "trace"})
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json|application/x-www-form-urlencoded")
# Words for documentation and code generators; a prompt pays for each of them, and none decides validity.
_SILENT = frozenset({"example", "examples", "xml", "externalDocs", "discriminator", "deprecated", "title", "nullable"})
_NUMBER_FORMATS = frozenset({"int32", "int64", "float", "double"})


def tools_from_openapi(path: Path, effects: Collection[str] = (), reads: Collection[str] = ()) -> tuple[Tool, ...]:
    """The operations of a document, in its order.

    An operation changes the world unless its method only reads; `effects` and `reads` name the tools for which that is
    not so.

    Raises:
        UsageError: the file cannot be read, or is neither YAML nor JSON.
        ToolsetError: it is no OpenAPI 3 document, or an operation cannot be a tool; says which and why.
    """
    document = _document(path)
    _check_version(path, document)
    tools = tuple(_tool(path, document, *found, effects, reads) for found in _operations(path, document))
    if not tools:
        raise ToolsetError(f"{path}: no operations under `paths`. A tool is made of each operation.")
    unknown = sorted({*effects, *reads} - {tool.name for tool in tools})
    if unknown:
        raise ToolsetError(f"{path}: no operation {unknown[0]!r}. Known: {', '.join(tool.name for tool in tools)}.")
    return tools


def _document(path: Path) -> Mapping[str, Any]:
    import yaml

    class Plain(yaml.SafeLoader):
        """YAML as JSON sees it: a day is a string."""

    Plain.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        document = yaml.load(read_text(path, "the document"), Plain)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: neither YAML nor JSON: {error.problem}. Correct the document.") from None
    if not isinstance(document, dict):
        raise ToolsetError(f"{path}: expected an OpenAPI document, found {type(document).__name__}.")
    return document


def _check_version(path: Path, document: Mapping[str, Any]) -> None:
    if "swagger" in document:
        raise ToolsetError(
            f"{path}: this is an OpenAPI {document['swagger']} (Swagger) document; samescore reads OpenAPI 3. Convert "
            "it, for example with `npx swagger2openapi FILE -o FILE.3.json`."
        )
    version = str(document.get("openapi", ""))
    if not version.startswith("3."):
        found = f"version {version}" if version else "no `openapi:` key"
        raise ToolsetError(f"{path}: expected an OpenAPI 3 document, found {found}.")


def _operations(
    path: Path, document: Mapping[str, Any]
) -> Iterator[tuple[str, str, Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Route, method, operation, and the parameters that all operations of the route share."""
    paths = document.get("paths")
    for route, item in (paths if isinstance(paths, dict) else {}).items():
        item = _resolved(path, document, item, f"paths {route}")
        for method in _METHODS:
            operation = item.get(method) if isinstance(item, dict) else None
            if isinstance(operation, dict):
                yield route, method, operation, list(item.get("parameters") or [])


def _tool(
    path: Path,
    document: Mapping[str, Any],
    route: str,
    method: str,
    operation: Mapping[str, Any],
    shared: list[Mapping[str, Any]],
    effects: Collection[str],
    reads: Collection[str],
) -> Tool:
    where = f"{path}: {method.upper()} {route}"
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", str(operation.get("operationId") or f"{method}{route}")).strip("_")
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in _parameters(path, document, operation, shared, where):
        properties[parameter["name"]] = _described(parameter, where)
        if parameter.get("required"):
            required.append(parameter["name"])
    body, needed = _body(path, document, operation, where)
    for twice in sorted(properties.keys() & body.keys()):
        raise ToolsetError(f"{where}: {twice!r} is a parameter and a property of the body. Rename one of them.")
    schema = {
        "type": "object",
        "properties": properties | body,
        "required": required + needed,
        "additionalProperties": False,
    }
    words = str(operation.get("summary") or operation.get("description") or "").strip()
    if not words:
        raise ToolsetError(f"{where}: no summary and no description. A model chooses tools by their descriptions.")
    changes = (method not in _READS or name in effects) and name not in reads
    try:
        return Tool(name, " ".join(words.splitlines()[0].split()), schema, effect=changes)
    except ToolsetError as error:
        raise ToolsetError(f"{where}: {error}") from None


def _parameters(
    path: Path, document: Mapping[str, Any], operation: Mapping[str, Any], shared: list[Mapping[str, Any]], where: str
) -> list[Mapping[str, Any]]:
    """What the path and the query take; an operation's own parameter stands for the route's of the same name."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for parameter in [*shared, *(operation.get("parameters") or [])]:
        resolved = _resolved(path, document, parameter, where)
        if not isinstance(resolved, dict) or not isinstance(resolved.get("name"), str):
            raise ToolsetError(f"{where}: a parameter has no name. Correct the document.")
        if resolved.get("in") in ("path", "query"):
            found[resolved["name"], resolved["in"]] = resolved
    return list(found.values())


def _described(parameter: Mapping[str, Any], where: str) -> dict[str, Any]:
    content = parameter.get("content")
    schema = parameter.get("schema") or (next(iter(content.values())).get("schema") if content else None)
    if not isinstance(schema, dict):
        raise ToolsetError(f"{where}: parameter {parameter['name']!r} has no schema. Add one.")
    words = {"description": parameter["description"]} if parameter.get("description") else {}
    return {**_modern(schema), **words}


def _body(
    path: Path, document: Mapping[str, Any], operation: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], list[str]]:
    """The properties of the JSON body, and those that it requires."""
    request = _resolved(path, document, operation.get("requestBody") or {}, where)
    content = request.get("content") or {}
    if not content:
        return {}, []
    schema = next((media.get("schema") for kind, media in content.items() if _JSON.fullmatch(kind)), None)
    if not isinstance(schema, dict):
        raise ToolsetError(f"{where}: a body of {', '.join(content)}. Only JSON bodies can be arguments of a call.")
    schema = _modern(schema)
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        return {"body": schema}, ["body"] if request.get("required") else []
    properties = {name: part for name, part in schema["properties"].items() if part.get("readOnly") is not True}
    return properties, [name for name in schema.get("required", ()) if name in properties]


def _resolved(path: Path, document: Mapping[str, Any], value: Any, where: str, seen: tuple[str, ...] = ()) -> Any:
    """A value with every local reference in it replaced by what it refers to."""
    if isinstance(value, list):
        return [_resolved(path, document, part, where, seen) for part in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if not isinstance(reference, str):
        return {name: _resolved(path, document, part, where, seen) for name, part in value.items()}
    if reference in seen:
        raise ToolsetError(f"{where}: {reference} refers to itself. Tools take arguments of finite depth.")
    target = _target(document, reference)
    if target is None:
        what = "is in another document" if not reference.startswith("#") else "refers to nothing"
        raise ToolsetError(f"{where}: the $ref {reference} {what}. Put what it refers to into this document.")
    beside = {name: part for name, part in value.items() if name != "$ref"}
    merged = {**target, **beside} if isinstance(target, dict) else target
    return _resolved(path, document, merged, where, (*seen, reference))


def _target(document: Mapping[str, Any], reference: str) -> Any:
    if not reference.startswith("#/"):
        return None
    value: Any = document
    for part in reference.removeprefix("#/").split("/"):
        value = value.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
    return value


def _modern(schema: Any) -> Any:
    """A schema of OpenAPI 3.0 as JSON Schema 2020-12; one of 3.1 is that already."""
    if isinstance(schema, list):
        return [_modern(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    modern = {
        name: part
        if name in ("enum", "const", "default")
        else _properties(part)
        if name == "properties"
        else _modern(part)
        for name, part in schema.items()
        if name not in _SILENT and not name.startswith("x-")
    }
    if modern.get("format") in _NUMBER_FORMATS:
        del modern["format"]
    for bound, edge in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if modern.get(bound) is True:
            modern[bound] = modern.pop(edge)
        elif modern.get(bound) is False:
            del modern[bound]
    if schema.get("nullable") is True:
        return {"anyOf": [modern, {"type": "null"}]}
    return modern


def _properties(properties: Any) -> Any:
    """Names of properties are the user's own: one called `title` stays."""
    return {name: _modern(part) for name, part in properties.items()} if isinstance(properties, dict) else properties
