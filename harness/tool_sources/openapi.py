"""Tools from an OpenAPI 3 document: an operation becomes a tool, its parameters and its JSON body the arguments.

Path and query parameters and the properties of the body stand side by side in one arguments object. Headers and cookies
are left out: they carry what a client knows, not what a model decides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from samescore.harness.errors import ToolsetError, UsageError
from samescore.harness.files import read_text
from samescore.harness.strictjson import write
from samescore.harness.tool_sources.effects import marked
from samescore.harness.tool_sources.openapi_schema import PLAIN_OBJECT, schema_of, target_of
from samescore.harness.tools import Tool

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_READS = frozenset({"get", "head", "options", "trace"})
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json|application/x-www-form-urlencoded")
# What is no string. OpenAPI asks for YAML 1.2, which the library does not read: there `no` is Norway, and 12:30 a time.
_SCALARS = {
    "bool": (re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    "int": (re.compile(r"-?(?:0|[1-9][0-9]*)$"), "-0123456789"),
    "float": (re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$"), "-0123456789"),
    "null": (re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    "merge": (re.compile(r"<<$"), "<"),
}


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
    tools = tuple(_tool(path, document, *found) for found in _operations(path, document))
    if not tools:
        raise ToolsetError(f"{path}: no operations under `paths`. A tool is made of each operation.")
    for name, times in Counter(tool.name for tool in tools).items():
        if times > 1:
            raise ToolsetError(f"{path}: {times} operations make a tool {name!r}. Give each its own `operationId`.")
    return marked(tools, effects, reads, f"{path}: no operation")


def _document(path: Path) -> Mapping[str, Any]:
    import yaml

    class Plain(yaml.SafeLoader):
        """YAML as JSON sees it: a day is a string, and so is every key."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            found = super().construct_mapping(node, deep)
            return {key if isinstance(key, str) else write(key): value for key, value in found.items()}

    Plain.yaml_implicit_resolvers = {}
    for name, (pattern, first) in _SCALARS.items():
        Plain.add_implicit_resolver(f"tag:yaml.org,2002:{name}", pattern, list(first))
    try:
        document = yaml.load(read_text(path, "the document"), Plain)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{line}: neither YAML nor JSON: {error.problem}. Correct the document.") from None
    except (yaml.YAMLError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"{path}: neither YAML nor JSON: {reason}. Correct the document.") from None
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply. Correct the document.") from None
    return _mapping(document, f"{path}: expected an OpenAPI document")


def _mapping(value: Any, expected: str) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    found = "nothing" if value is None else type(value).__name__
    raise ToolsetError(f"{expected}, found {found}. Correct the document.")


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
    for route, written in _mapping(document.get("paths", {}), f"{path}: paths: expected a mapping").items():
        where = f"{path}: paths {route}"
        item = _mapping(target_of(document, written, where), f"{where}: expected operations")
        for method in _METHODS:
            if method in item:
                operation = _mapping(item[method], f"{path}: {method.upper()} {route}: expected an operation")
                yield route, method, operation, _list(item.get("parameters"), f"{where}: parameters")


def _list(value: Any, where: str) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    raise ToolsetError(f"{where}: expected a list, found {type(value).__name__}. Correct the document.")


def _tool(
    path: Path,
    document: Mapping[str, Any],
    route: str,
    method: str,
    operation: Mapping[str, Any],
    shared: list[Mapping[str, Any]],
) -> Tool:
    where = f"{path}: {method.upper()} {route}"
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", str(operation.get("operationId") or f"{method}{route}")).strip("_")
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in _parameters(document, operation, shared, where):
        properties[parameter["name"]] = _described(document, parameter, where)
        if parameter.get("required") is True or parameter["in"] == "path":
            required.append(parameter["name"])
    body, needed = _body(document, operation, where)
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
    try:
        return Tool(name, " ".join(words.splitlines()[0].split()), schema, effect=method not in _READS)
    except ToolsetError as error:
        raise ToolsetError(f"{where}: {error}") from None


def _parameters(
    document: Mapping[str, Any], operation: Mapping[str, Any], shared: list[Mapping[str, Any]], where: str
) -> list[Mapping[str, Any]]:
    """What the path and the query take; an operation's own parameter stands for the route's of the same name."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for written in [*shared, *_list(operation.get("parameters"), f"{where}: parameters")]:
        parameter = target_of(document, written, where)
        if not isinstance(parameter, dict) or not isinstance(parameter.get("name"), str):
            raise ToolsetError(f"{where}: a parameter has no name. Correct the document.")
        if parameter.get("in") in ("path", "query"):
            found[parameter["name"], parameter["in"]] = parameter
    names = Counter(name for name, _ in found)
    for name in (name for name, times in names.items() if times > 1):
        raise ToolsetError(f"{where}: {name!r} is a parameter of the path and of the query. Rename one of them.")
    return list(found.values())


def _described(document: Mapping[str, Any], parameter: Mapping[str, Any], where: str) -> dict[str, Any]:
    media = parameter.get("content")
    first = next(iter(media.values()), None) if isinstance(media, dict) else None
    schema = parameter.get("schema", first.get("schema") if isinstance(first, dict) else None)
    if not isinstance(schema, dict):
        raise ToolsetError(f"{where}: parameter {parameter['name']!r} has no schema. Add one.")
    words = {"description": parameter["description"]} if parameter.get("description") else {}
    return {**schema_of(document, schema, where), **words}


def _body(document: Mapping[str, Any], operation: Mapping[str, Any], where: str) -> tuple[dict[str, Any], list[str]]:
    """The properties of the JSON body, and those that it requires; a body that is no plain object is one argument."""
    body = f"{where}: requestBody: expected a mapping"
    request = _mapping(target_of(document, operation.get("requestBody", {}), where), body)
    content = _mapping(request.get("content", {}), f"{where}: the body's content: expected a mapping")
    if not content:
        return {}, []
    media = next((media for kind, media in content.items() if _JSON.fullmatch(kind.partition(";")[0].strip())), None)
    if not isinstance(media, dict) or not isinstance(media.get("schema"), dict):
        raise ToolsetError(f"{where}: a body of {', '.join(content)}. Only JSON bodies can be arguments of a call.")
    schema = schema_of(document, media["schema"], where)
    plain = schema.keys() <= PLAIN_OBJECT and not isinstance(schema.get("additionalProperties"), dict)
    if not plain or not isinstance(schema.get("properties"), dict):
        return {"body": schema}, ["body"] if request.get("required") is True else []
    return schema["properties"], _list(schema.get("required"), f"{where}: the body's required")
