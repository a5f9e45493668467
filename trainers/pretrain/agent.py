"""The agent whose turns the corpus shows: it reads what it can, asks for what it must, calls, retries and reports."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence

from samescore.trainers.pretrain.dialogue import PERMANENT, TRANSIENT, Arguments, Dialogue, Skill, argument_lines
from samescore.trainers.pretrain.fields import Field, Value, literal, sample
from samescore.trainers.pretrain.toolsets import Tool

NO_CONSTANTS: Mapping[str, Value] = {}


def find_reader(d: Dialogue, goal: Tool, missing: Sequence[Field]) -> Tool | None:
    """A tool, not yet used for this request, that returns a missing field and can be called with what is known."""
    names = {item.name for item in missing}
    for tool in d.toolset.tools:
        if tool is goal or tool.name in d.called or not any(item.name in names for item in tool.returns):
            continue
        if tool.verb.reads and all(item.name in d.known for item in tool.required):
            return tool
    return None


def ask(d: Dialogue, goal: Tool, items: Sequence[Field], lines: Sequence[str]) -> bool:
    """Ask for those of the items that are unknown until the user has told some; False when the user cannot."""
    known = argument_lines({item.name: d.known[item.name] for item in items if item.name in d.known})
    missing = [item for item in items if item.name not in d.known]
    for confusable in (True, False):
        thinking = [*lines, *known, *(f"need {item.name}" for item in missing)]
        thinking.append("next: ask " + ", ".join(item.name for item in missing))
        fields = d.bank.both.join(item.label(d.lang) for item in missing)
        d.assistant(Skill.ASK, thinking, d.say(d.bank.asks, fields=fields))
        roll = d.rng.random()
        if confusable and roll < 0.08:
            d.user(d.rough(d.bank.confused))
            lines = ()
            continue
        if roll < 0.16:
            return refuse_for_lack(d, goal, missing, known)
        break
    told = list(missing) if d.rng.random() < 0.85 else d.rng.sample(list(missing), max(1, len(missing) - 1))
    d.user(d.rough(d.bank.answers, values=", ".join(d.tell(told))))
    return True


def refuse_for_lack(d: Dialogue, goal: Tool, missing: Sequence[Field], known: Sequence[str]) -> bool:
    """The user does not know a value: the agent says what it lacks and stops."""
    lost = d.rng.choice(list(missing))
    d.user(d.rough(d.bank.unknown, label=d.label(lost)))
    fields = d.bank.both.join(item.label(d.lang) for item in missing)
    lines = [*known, *(f"need {item.name}" for item in missing), "next: refuse"]
    d.assistant(Skill.ASK, lines, d.say(d.bank.blocked, fields=fields, **d.wording(goal)))
    return False


def pursue(
    d: Dialogue, goal: Tool, skill: Skill, lines: Sequence[str] = (), constants: Mapping[str, Value] = NO_CONSTANTS
) -> Arguments | None:
    """Bring about a call of `goal`; `lines` open the first turn's thinking. The result, or None if it ended without."""
    hops = 0
    items = [item for item in goal.required if item.name not in constants]
    while missing := [item for item in items if item.name not in d.known]:
        if reader := find_reader(d, goal, missing):
            hops += 1
            if call(d, reader, Skill.CHAIN, lines) is None:
                return None
        elif not ask(d, goal, items, lines):
            return None
        lines = ()
    return call(d, goal, Skill.CHAIN if hops else skill, lines, constants)


def call(
    d: Dialogue, tool: Tool, skill: Skill, lines: Sequence[str] = (), constants: Mapping[str, Value] = NO_CONSTANTS
) -> Arguments | None:
    """Call a tool, living through its errors; its result becomes known. None when it failed for good."""
    arguments = d.arguments(tool, constants)
    d.called.add(tool.name)
    thinking = [*lines, *argument_lines(arguments), f"next: call {tool.name}"]
    d.assistant(skill, thinking, d.preamble(), [(tool, arguments)])
    if d.rng.random() < d.habits.error_rate and not survives(d, tool, arguments):
        return None
    result = d.records.setdefault(tool.name + json.dumps(arguments), draw_result(d, tool))
    d.observe(render_result(d.rng, tool, result))
    d.known.update(result)
    return result


def draw_result(d: Dialogue, tool: Tool) -> Arguments:
    """A result of the tool: facts a procedure asked for, what is known already, else random values."""
    result: Arguments = {}
    for item in tool.returns:
        if item.name in d.forced:
            result[item.name] = d.forced[item.name]
        elif item.name in d.known and item.kind == "id" and tool.verb.reads:
            result[item.name] = d.known[item.name]
        else:
            result[item.name] = sample(d.rng, item, d.toolset.today)
    return result


def render_result(rng: random.Random, tool: Tool, result: Arguments) -> str:
    """The result as JSON text: flat, nested under the thing's name, or with a part in an object of its own."""
    shown: dict[str, object] = dict(result)
    roll = rng.random()
    if roll < 0.12 and len(shown) > 3:
        moved = rng.sample(list(shown), 2)
        shown = {name: value for name, value in shown.items() if name not in moved}
        shown[rng.choice(("details", "info", "data", "meta"))] = {
            name: result[name] for name in result if name in moved
        }
    elif roll < 0.3:
        shown = {tool.noun.name: shown}
    elif roll < 0.4:
        shown = {"ok": True, **shown}
    elif roll < 0.45:
        shown = {rng.choice(("results", "items")): [shown]}
    return json.dumps(shown, ensure_ascii=False)


def survives(d: Dialogue, tool: Tool, arguments: Arguments) -> bool:
    """Let the call fail once or more; True when a retry is about to succeed."""
    said_by_user = [item for item in tool.required if item.kind in ("id", "email", "phone")]
    roll = d.rng.random()
    if roll < 0.2 and said_by_user:
        return not_found(d, said_by_user)
    if roll < 0.32:
        return denied(d, tool)
    code = d.rng.choice(("service_unavailable", "service_unavailable", "timeout", "rate_limited"))
    failures = d.rng.randint(1, d.habits.retries + 1)
    for attempt in range(1, failures + 1):
        observe_error(d, code, TRANSIENT[code])
        if attempt > d.habits.retries:
            give_up(d, code)
            return False
        lines = [f"error {code}: retry {attempt}", f"next: call {tool.name}"]
        d.assistant(Skill.ERROR, lines, d.preamble(), [(tool, arguments)])
    return True


def observe_error(d: Dialogue, code: str, messages: tuple[str, ...]) -> str:
    """A tool error as the observation that the agent sees."""
    message = d.rng.choice(messages)
    d.observe(json.dumps({"error": code, "message": message}, ensure_ascii=False))
    return message


def not_found(d: Dialogue, items: Sequence[Field]) -> bool:
    """The record is unknown: the agent says for which values it looked."""
    observe_error(d, "not_found", ("No such record.", "Nothing found.", "Unknown identifier."))
    pairs = [(item, d.known[item.name]) for item in items]
    lines = ["error not_found: give up", *argument_lines({item.name: value for item, value in pairs}), "next: answer"]
    d.assistant(Skill.ERROR, lines, d.say(d.bank.not_found, facts=d.facts(pairs)))
    return False


def denied(d: Dialogue, tool: Tool) -> bool:
    """The tool does not allow it: the agent refuses and says why."""
    code = d.rng.choice(list(PERMANENT))
    message = observe_error(d, code, PERMANENT[code])
    lines = [f"error {code}: give up", "next: refuse"]
    d.assistant(Skill.ERROR, lines, d.say(d.bank.refusals, facts=f"“{message.rstrip('.')}”", **d.wording(tool)))
    return False


def give_up(d: Dialogue, code: str) -> None:
    """Retries are used up: hand over if the system message says so, else apologise."""
    handoff = d.toolset.handoff
    if handoff is None or d.habits.last_resort is None:
        d.assistant(Skill.ERROR, [f"error {code}: give up", "next: answer"], d.say(d.bank.gave_up))
        return
    arguments: Arguments = {"reason": d.habits.last_resort}
    lines = [f"error {code}: give up", *argument_lines(arguments), f"next: call {handoff.name}"]
    d.assistant(Skill.ERROR, lines, d.preamble(), [(handoff, arguments)])
    result = draw_result(d, handoff)
    d.observe(render_result(d.rng, handoff, result))
    report(d, handoff, result, ())


def report(d: Dialogue, tool: Tool, result: Arguments, wanted: Sequence[Field]) -> None:
    """The reply after a result: what was asked for, else the first few values."""
    items = [(item, result[item.name]) for item in (wanted or tool.returns[:3])]
    lines = [f"{item.name}: {literal(value)}" for item, value in items] + ["next: answer"]
    frame = d.bank.results if tool.verb.reads else d.bank.done
    if tool is d.toolset.handoff:
        frame = d.bank.handed_over
    d.assistant(Skill.REPLY, lines, d.say(frame, facts=d.facts(items), **d.wording(tool)))


def call_two(d: Dialogue, first: tuple[Tool, Arguments], second: tuple[Tool, Arguments]) -> None:
    """Two independent calls in one turn, their results, and one reply about both."""
    lines = [*argument_lines(first[1]), *argument_lines(second[1]), f"next: call {first[0].name}, {second[0].name}"]
    d.assistant(Skill.CALL, lines, d.preamble(), [first, second])
    shown: list[tuple[Field, Value]] = []
    for tool, _ in (first, second):
        result = draw_result(d, tool)
        d.observe(render_result(d.rng, tool, result))
        shown += [(item, result[item.name]) for item in tool.returns[:2]]
    thinking = [f"{item.name}: {literal(value)}" for item, value in shown] + ["next: answer"]
    d.assistant(Skill.REPLY, thinking, d.say(d.bank.results, facts=d.facts(shown), **d.wording(first[0])))
