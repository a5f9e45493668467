"""What references stand for, as far as lint can know: fields that no result has, and secrets that a text would tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from inspect import isfunction
from types import UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints, is_typeddict

from samescore.suites.sop.finding import Finding, finding
from samescore.suites.sop.model import Ask, CallStep, Reply, Sop, SopStep
from samescore.suites.sop.references import SIGN, is_reference, split
from samescore.suites.sop.wiring import references

Code: TypeAlias = Mapping[str, Callable[..., Any]]
"""The functions of tools under their names. A TypedDict as return hint says which fields a result has."""


def unknown_fields(sop: Sop, step: SopStep, code: Code) -> Iterator[Finding]:
    """References of a step to fields that the result of a call never has, where its function says which it has."""
    for reference in dict.fromkeys(references(step)):
        head, fields = split(reference, sop.calls)
        call = sop.steps.get(head)
        function = code.get(call.tool) if isinstance(call, CallStep) else None
        if not isfunction(function):  # recorded tools and those of a server are other callables, without hints
            continue
        hint: Any = get_type_hints(function).get("return")
        for field in fields:
            hint, known = _inside(hint, field)
            if known is not None:
                near = get_close_matches(field, known, n=1)
                advice = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(known)}."
                message = (
                    f"step {step.id!r}: {reference}: the result of {function.__name__} has no field {field!r}. {advice}"
                )
                yield finding(sop, "unknown-field", step.line, step.id, message, focus=reference)
                break


def told_secrets(sop: Sop, step: SopStep) -> Iterator[Finding]:
    """Confidential values that a text or a statement of a step would tell the user."""
    if isinstance(step, Ask | Reply):
        for reference in dict.fromkeys(references(step)):
            if secret := _secret(sop, reference):
                message = (
                    f"step {step.id!r}: {reference} tells {secret}, which is confidential. Leave it out, or take it "
                    "off `confidential`."
                )
                yield finding(sop, "told-secret", step.line, step.id, message, focus=reference)


def _inside(hint: Any, field: str) -> tuple[Any, list[str] | None]:
    """The hint of what lies at a field; the known fields, if that is none of them. None for what is not said."""
    if get_origin(hint) in (Union, UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        hint = options[0] if len(options) == 1 else None
    if is_typeddict(hint):
        hints = get_type_hints(hint)
        return (hints[field], None) if field in hints else (None, list(hints))
    if get_origin(hint) is list and field.isdecimal():
        return get_args(hint)[0], None
    return None, None


def _secret(sop: Sop, reference: str) -> str | None:
    """The confidential fact or field that a reference stands for."""
    head, fields = split(reference, sop.calls)
    if not fields and head in sop.slots and sop.slots[head].fact in sop.confidential:
        return sop.slots[head].fact
    for name in sop.confidential:
        if is_reference(name):
            if reference == name or reference.startswith(f"{name}."):
                return name
        elif reference == f"{SIGN}{name}" or (_reveals(sop, head, name) and sop.facts[name].field in fields):
            return name
    return None


def _reveals(sop: Sop, step: str, fact: str) -> bool:
    call = sop.steps.get(step)
    return isinstance(call, CallStep) and fact in call.reveals
