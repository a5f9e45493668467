"""What answers the calls of imported tools: Python functions, or answers that were recorded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from samescore.harness.environment import Environment, ToolError, ToolFunction, carrying
from samescore.harness.errors import ToolsetError, UnknownName, UsageError
from samescore.harness.files import read_json_lines
from samescore.harness.strictjson import canonical
from samescore.harness.tools import Tool

NOT_RECORDED = "not_recorded"
"""The code of the error that a model sees for a call which nobody recorded."""


def implemented(tools: Sequence[Tool], functions: Mapping[str, Callable[..., Any]]) -> tuple[ToolFunction, ...]:
    """Tools answered by Python functions, `function(env, **arguments)`; the schemas stay those of the tools.

    Raises:
        ToolsetError: a tool has no function, or one that does not take its parameters.
        UnknownName: a function for a tool that is none.
    """
    names = [tool.name for tool in tools]
    for name in functions:
        if name not in names:
            raise UnknownName("tool", name, names)
    for tool in tools:
        if tool.name not in functions:
            raise ToolsetError(f"tool {tool.name}: no function answers it. Add one under {tool.name!r}.")
        _check_parameters(tool, functions[tool.name])
    return tuple(carrying(tool, functions[tool.name]) for tool in tools)


def recorded(tools: Sequence[Tool], path: Path) -> tuple[ToolFunction, ...]:
    """Tools answered as recorded, an object a line: `tool`, `arguments`, and `result` or `error` (`code`, `message`).

    A call is answered when its arguments are those of a record, type for type; any other is an error that the model
    sees.
    A successful call of a tool with an effect logs the effect under the tool's name, with the arguments.

    Raises:
        UsageError: the file cannot be read, a line is no record, or two records of one call differ.
    """
    answers = _answers(path, {tool.name for tool in tools})
    return tuple(carrying(tool, _replaying(tool, answers)) for tool in tools)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a recorded call came to; an error is its code and message."""

    result: Any = None
    error: tuple[str, str] | None = None


def _replaying(tool: Tool, answers: Mapping[tuple[str, str], _Answer]) -> Callable[..., Any]:
    def answer(env: Environment, /, **arguments: Any) -> Any:
        found = answers.get((tool.name, canonical(arguments)))
        if found is None:
            raise ToolError(NOT_RECORDED, f"{tool.name} has no answer for these arguments.")
        if found.error is not None:
            raise ToolError(*found.error)
        if tool.effect:
            env.effect(tool.name, **arguments)
        return found.result

    return answer


def _answers(path: Path, names: set[str]) -> dict[tuple[str, str], _Answer]:
    answers: dict[tuple[str, str], _Answer] = {}
    for number, record in read_json_lines(path, "the recording"):
        where = f"{path}:{number}"
        if not isinstance(record, dict) or not isinstance(record.get("tool"), str) or record["tool"] not in names:
            found = record.get("tool") if isinstance(record, dict) else record
            raise UsageError(f"{where}: expected the record of a tool ({', '.join(sorted(names))}), found {found!r}.")
        if not isinstance(record.get("arguments"), dict) or ("result" in record) == ("error" in record):
            raise UsageError(f"{where}: expected `tool`, `arguments` (an object), and either `result` or `error`.")
        key = record["tool"], canonical(record["arguments"])
        answer = _Answer(record.get("result"), _error(record["error"], where) if "error" in record else None)
        if canonical(asdict(answers.setdefault(key, answer))) != canonical(asdict(answer)):
            raise UsageError(f"{where}: this call was recorded before with another result. Keep one of the two.")
    return answers


def _error(error: Any, where: str) -> tuple[str, str]:
    if not isinstance(error, dict) or not all(isinstance(error.get(part), str) for part in ("code", "message")):
        raise UsageError(f"{where}: `error` must have a `code` and a `message`. Correct the record.")
    return error["code"], error["message"]


def _check_parameters(tool: Tool, function: Callable[..., Any]) -> None:
    """Every call that the schema allows must bind."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    names = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    wanted: Mapping[str, Any] = tool.parameters.get("properties", {})
    where = f"the function of tool {tool.name}"
    if not takes_any and (missing := sorted(wanted.keys() - names)):
        raise ToolsetError(f"{where} does not take {missing[0]!r}. Add the parameter.")
    optional = wanted.keys() - set(tool.parameters.get("required", ()))
    needed = {p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD}
    if extra := sorted(needed - wanted.keys()):
        raise ToolsetError(
            f"{where} needs {extra[0]!r}, which the schema does not have. Remove it, or give it a default."
        )
    if undefaulted := sorted(needed & optional):
        raise ToolsetError(f"{where} has no default for {undefaulted[0]!r}, which the schema lets a call leave out.")
