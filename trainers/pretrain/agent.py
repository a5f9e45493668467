"""The agent whose turns the corpus shows: it reads what it can, asks for what it must, calls, retries and reports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from samescore.trainers.pretrain.dialogue import (
    PERMANENT,
    TRANSIENT,
    Arguments,
    Dialogue,
    Skill,
    argument_lines,
)
from samescore.trainers.pretrain.fields import Field, Value, literal, sample
from samescore.trainers.pretrain.structure import assemble
from samescore.trainers.pretrain.toolsets import Pause, Tool

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
    values = d.arguments(tool, constants)
    return perform(d, tool, tool.arguments(values), skill, [*lines, *argument_lines(values)])


def perform(
    d: Dialogue, tool: Tool, arguments: Mapping[str, object], skill: Skill, lines: Sequence[str]
) -> Arguments | None:
    """Carry out a call whose arguments stand; its result, or None when it failed for good."""
    d.called.add(tool.name)
    if any(isinstance(value, dict | list) for value in arguments.values()):
        skill = Skill.NESTED
    d.assistant(skill, [*lines, f"next: call {tool.name}"], d.preamble(), [(tool, arguments)])
    if d.rng.random() < d.habits.error_rate and not survives(d, tool, arguments):
        return None
    return observe_result(d, tool, arguments)


def observe_result(d: Dialogue, tool: Tool, arguments: Mapping[str, object]) -> Arguments:
    """The tool's answer, the same for the same arguments; it becomes known."""
    result = d.records.setdefault(tool.name + json.dumps(arguments), draw_result(d, tool))
    d.observe(render_result(d, tool, result))
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


def render_result(d: Dialogue, tool: Tool, result: Arguments) -> str:
    """The result as JSON text: as the tool lays it out, else flat, under the thing's name, or partly in an object."""
    if tool.gives:
        laid_out = assemble(tool.gives, result, lambda item: sample(d.rng, item, d.toolset.today))
        return json.dumps(laid_out, ensure_ascii=False)
    rng = d.rng
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


def survives(d: Dialogue, tool: Tool, arguments: Mapping[str, object]) -> bool:
    """Let the call fail once or more; True when a retry is about to succeed."""
    said_by_user = [item for item in tool.required if item.kind in ("id", "email", "phone") and item.name in d.known]
    roll = d.rng.random()
    if roll < 0.2 and said_by_user:
        return not_found(d, said_by_user)
    if roll < 0.32:
        return denied(d, tool)
    return outlasts(d, tool, arguments)


def outlasts(d: Dialogue, tool: Tool, arguments: Mapping[str, object]) -> bool:
    """Transient failures in a row: try again, at once or after a wait, until it works or the retries are used up."""
    pause = d.habits.pause if d.habits.pause and d.rng.random() < 0.75 else None
    code = pause.code if pause else d.rng.choice(_CODES)
    limit = d.habits.limits.get(tool.name, d.habits.retries)
    failures = limit + 1 if d.rng.random() < 0.4 else d.rng.randint(1, limit + 1)
    seconds = d.rng.choice(_SECONDS)
    for attempt in range(1, failures + 1):
        if pause is None:
            observe_error(d, code, TRANSIENT[code])
        else:
            seconds = seconds if d.rng.random() < 0.6 else d.rng.randint(2, 400)
            d.observe(json.dumps({"error": code, "message": pause.message, pause.hint: seconds}, ensure_ascii=False))
        if attempt > limit:
            give_up(d, code)
            return False
        lines = [f"error {code}: retry {attempt}"]
        if pause:
            lines = wait(d, pause, seconds, lines)
        skill = Skill.WAIT if pause else Skill.ERROR
        d.assistant(skill, [*lines, f"next: call {tool.name}"], d.preamble(), [(tool, arguments)])
    return True


def wait(d: Dialogue, pause: Pause, seconds: int, lines: Sequence[str]) -> list[str]:
    """Let the seconds pass by a call; the lines with which the next turn's thinking begins."""
    lines = [*lines, f"{pause.hint}: {seconds}", f"next: call {pause.tool.name}"]
    d.assistant(Skill.WAIT, lines, d.preamble(), [(pause.tool, {pause.parameter.name: seconds})])
    (passed,) = pause.tool.returns
    d.observe(json.dumps({passed.name: seconds} if d.rng.random() < 0.8 else {"ok": True, passed.name: seconds}))
    return [f"{passed.name}: {seconds}"]


_CODES = ("service_unavailable", "service_unavailable", "timeout", "rate_limited")
_SECONDS = (5, 10, 15, 20, 30, 30, 45, 60, 60, 90, 120, 180, 240, 300)


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
    d.observe(render_result(d, handoff, result))
    report(d, handoff, result, ())


def report(d: Dialogue, tool: Tool, result: Arguments, wanted: Sequence[Field]) -> None:
    """The reply after a result: what was asked for, else the first few values; never what is confidential."""
    shown = [item for item in wanted or tool.returns if item.name not in d.habits.secrets][: len(wanted) or 3]
    withheld = [item for item in wanted if item.name in d.habits.secrets]
    items = [(item, result[item.name]) for item in shown]
    lines = [f"{item.name}: {literal(value)}" for item, value in items]
    frame = d.bank.results if tool.verb.reads else d.bank.done
    if tool is d.toolset.handoff:
        frame = d.bank.handed_over
    content = d.say(frame, facts=d.facts(items), **d.wording(tool)) if items else ""
    if withheld or not items:
        fields = d.bank.both.join(item.label(d.lang) for item in withheld or tool.returns[:1])
        content = f"{content} {d.say(d.bank.withheld, fields=fields)}".strip()
    d.assistant(Skill.REPLY, [*lines, f"next: {'answer' if items else 'refuse'}"], content)


def call_together(d: Dialogue, calls: Sequence[tuple[Tool, Arguments]]) -> None:
    """Independent calls in one turn, their results, and one reply about all."""
    lines = [line for _, values in calls for line in argument_lines(values)]
    lines.append("next: call " + ", ".join(tool.name for tool, _ in calls))
    d.assistant(Skill.PARALLEL, lines, d.preamble(), [(tool, tool.arguments(values)) for tool, values in calls])
    shown: list[tuple[Field, Value]] = []
    for tool, _ in calls:
        result = draw_result(d, tool)
        d.observe(render_result(d, tool, result))
        shown += [(item, result[item.name]) for item in tool.returns[:2] if item.name not in d.habits.secrets]
    thinking = [f"{item.name}: {literal(value)}" for item, value in shown] + ["next: answer"]
    d.assistant(Skill.REPLY, thinking, d.say(d.bank.results, facts=d.facts(shown), **d.wording(calls[0][0])))
