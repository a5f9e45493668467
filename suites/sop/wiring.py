"""Do the parts of an SOP fit together? Steps that are named, references, tools, arguments, slots, cycles."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from samescore.harness.lexicon import Lexicon
from samescore.harness.tools import Tool, Toolset
from samescore.suites.sop.document import Problems
from samescore.suites.sop.model import Ask, CallStep, Decide, Reply, Sop, SopStep
from samescore.suites.sop.references import ERROR, SIGN, is_reference, references_in, split, well_formed

_PARTS = ("properties", "$defs", "definitions")
"""What of a tool's schema says what one argument may be."""

_IN_TEXT = re.compile(r"\{(\$[^{}]*)\}")


def check(
    sop: Sop, broken: Collection[str], problems: Problems, toolset: Toolset | None, lexicon: Lexicon | None
) -> None:
    """Note everything that does not fit. `broken` are steps that exist but could not be read."""
    known = [*sop.steps, *broken]
    for step in sop.steps.values():
        for role, name in leads_to(step):
            if name not in known:
                problems.unknown(step.line, f"step {step.id!r}: {role}: unknown step", name, known)
            elif (there := _beside(sop, name)) and step.id != there[-1]:
                group = name.partition(".")[0]
                problems.add(
                    step.line,
                    f"step {step.id!r}: {role}: {name} is made in one turn with {', '.join(there)}. Lead to {group!r}.",
                    name,
                )
        if isinstance(step, CallStep) and step.id.partition(".")[0] == ERROR:
            message = f"step {step.id!r}: `${ERROR}` stands for the last failure. Rename the step."
            problems.add(step.line, message, ERROR)
    _check_slots(sop, problems)
    _check_facts(sop, problems)
    if toolset is not None:
        _check_tools(sop, toolset, problems)
    if lexicon is not None:
        _check_lexicon(sop, lexicon, problems)
    if not problems:
        _check_cycles(sop, problems)
    if not problems:
        _check_references(sop, problems)


def leads_to(step: SopStep) -> tuple[tuple[str, str], ...]:
    """The steps that may follow one, each with the role in which it is named."""
    match step:
        case Ask(next=following, unknown=unknown):
            return (("next", following), ("unknown", unknown)) if unknown is not None else (("next", following),)
        case CallStep(next=following, on_fault=fault):
            return (("next", following), ("on_fault", fault)) if fault is not None else (("next", following),)
        case Decide(arms=arms):
            return tuple((f"arm {arm.name!r}", arm.then) for arm in arms)
        case Reply():
            return ()


def _beside(sop: Sop, name: str) -> tuple[str, ...]:
    """The calls of one turn that a step comes after."""
    step = sop.steps.get(name)
    return step.beside if isinstance(step, CallStep) else ()


def references(step: SopStep) -> Iterator[str]:
    """Everything a step refers to with a `$`, in its arguments, statements and texts; a failure's fields left out."""
    match step:
        case CallStep():
            yield from references_in((step.arguments, step.optional))
            waited = references_in(step.wait.arguments) if step.wait is not None else ()
            yield from (reference for reference in waited if not reference.startswith(f"{SIGN}{ERROR}."))
        case Reply():
            yield from references_in((step.states, step.unwanted))
    if isinstance(step, Ask | Reply):
        for variants in step.text.values():
            for text in variants:
                yield from _IN_TEXT.findall(text)


def earlier(sop: Sop) -> dict[str, frozenset[str]]:
    """For every step those that may come before it."""
    before: dict[str, set[str]] = {name: set() for name in sop.steps}
    changed = True
    while changed:
        changed = False
        for step in sop.steps.values():
            for _, name in leads_to(step):
                size = len(before[name])
                before[name] |= before[step.id] | {step.id}
                changed |= len(before[name]) > size
    return {name: frozenset(steps) for name, steps in before.items()}


def _check_slots(sop: Sop, problems: Problems) -> None:
    for step in sop.steps.values():
        if not isinstance(step, Ask):
            continue
        for name in step.slots:
            if name not in sop.slots:
                problems.unknown(step.line, f"step {step.id!r}: ask: unknown slot", name, sop.slots)
            elif sop.slots[name].known == "maybe" and step.unknown is None:
                problems.add(
                    step.line,
                    f"step {step.id!r}: the user may not know {name} (`known: maybe`), and nothing says what "
                    "follows then. Add `unknown:` with a step.",
                )


def _check_facts(sop: Sop, problems: Problems) -> None:
    for step in sop.steps.values():
        for name in step.reveals if isinstance(step, CallStep) else ():
            if name not in sop.facts:
                problems.unknown(step.line, f"step {step.id!r}: reveals: unknown fact", name, sop.facts)


def _check_tools(sop: Sop, toolset: Toolset, problems: Problems) -> None:
    tools = toolset.by_name
    for role, names in (("may", sop.may), ("never", sop.never)):
        for name in names:
            if name not in tools:
                problems.unknown(1, f"{role}: unknown tool", name, tools)
            elif role == "may" and tools[name].effect:
                problems.add(1, f"may: {name} changes the world; only reads are allowed beside the path. Remove it.")
    for step in (step for step in sop.steps.values() if isinstance(step, CallStep)):
        for role, name, arguments, optional in _calls_of(step):
            if name not in tools:
                problems.unknown(step.line, f"step {step.id!r}: {role}unknown tool", name, tools)
                continue
            if name in sop.never:
                message = f"step {step.id!r}: {role}calls {name}, which is under `never`. Remove one of them."
                problems.add(step.line, message)
            _check_arguments(step, tools[name], arguments, optional, problems)


def _calls_of(step: CallStep) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    """The calls that a step may make: their role in it, tool, arguments and optional arguments."""
    yield "", step.tool, step.arguments, step.optional
    if step.wait is not None:
        yield "wait: ", step.wait.tool, step.wait.arguments, {}


def _check_arguments(
    step: CallStep, tool: Tool, arguments: Mapping[str, Any], optional: Mapping[str, Any], problems: Problems
) -> None:
    import jsonschema_rs

    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    for name, value in {**arguments, **optional}.items():
        what = f"step {step.id!r}: {tool.name}"
        if name not in properties:
            problems.unknown(step.line, f"{what}: unknown argument", name, properties)
        elif not any(references_in(value)):
            # The definitions go along, so that a property's `$ref` finds them.
            parts = {key: tool.parameters[key] for key in _PARTS if key in tool.parameters}
            if not jsonschema_rs.is_valid(parts, {name: value}, validate_formats=True):
                problems.add(
                    step.line,
                    f"{what}: {value!r} breaks the schema of {name!r}: {properties[name]}. Correct it.",
                )
    for name in tool.parameters.get("required", ()):
        if name not in arguments:
            problems.add(
                step.line,
                f"step {step.id!r}: {tool.name} requires {name!r}, which is missing. Add it under `with`.",
            )


def _check_lexicon(sop: Sop, lexicon: Lexicon, problems: Problems) -> None:
    for slot in sop.slots.values():
        if slot.name not in lexicon.slots:
            problems.unknown(slot.line, "the world's lexicon has no slot", slot.name, lexicon.slots)
    for step in sop.steps.values():
        if isinstance(step, Reply):
            for name in (*step.states, *step.unwanted):
                if name not in lexicon.slots:
                    problems.unknown(
                        step.line, f"step {step.id!r}: the world's lexicon has no slot", name, lexicon.slots
                    )


def _check_cycles(sop: Sop, problems: Problems) -> None:
    before = earlier(sop)
    for name, step in sop.steps.items():
        if name in before[name]:
            around = [other for other in sop.steps if other in before[name] and name in before[other]]
            problems.add(
                step.line,
                f"steps {' -> '.join([*around, around[0]])} go round in a circle. The only loop is `retry`.",
            )
            return


def _check_references(sop: Sop, problems: Problems) -> None:
    before = earlier(sop)
    for step in sop.steps.values():
        beside = step.beside if isinstance(step, CallStep) else ()
        earlier_calls = [name for name in sop.calls if name in before[step.id] and name not in beside]
        for reference in references(step):
            _check_reference(sop, step, reference, earlier_calls, problems)
        for guard in (step.guards or ()) if isinstance(step, CallStep) else ():
            if guard not in earlier_calls:
                problems.unknown(step.line, f"step {step.id!r}: guards: no earlier call", guard, earlier_calls)
    for name in sop.confidential:
        if is_reference(name):
            if split(name, sop.calls)[0] not in sop.calls:
                problems.unknown(1, f"confidential: {name}: no call", split(name, sop.calls)[0], sop.calls)
        elif name not in sop.facts:
            problems.unknown(1, "confidential: unknown fact", name, sop.facts)


def _check_reference(
    sop: Sop, step: SopStep, reference: str, earlier_calls: Collection[str], problems: Problems
) -> None:
    what = f"step {step.id!r}: {reference}"
    head, fields = split(reference, sop.calls)
    if not well_formed(reference):
        problems.add(step.line, f"{what} is no reference. Write `$slot` or `$step.field`.")
    elif reference[1:] in sop.facts and not isinstance(step, CallStep):
        return
    elif not fields and (head in sop.slots or head not in sop.calls):
        if head not in sop.slots:
            problems.unknown(step.line, f"{what}: unknown slot", head, sop.slots)
    elif head not in earlier_calls:
        problems.unknown(step.line, f"{what}: no earlier call", head, earlier_calls)
    elif not fields:
        problems.add(step.line, f"{what} is a call, not a value. Write the field of its result: `{reference}.field`.")
