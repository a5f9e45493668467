"""Random toolsets: tools over linked things, with parameters, results and distractors of near names."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from samescore.trainers.pretrain import words
from samescore.trainers.pretrain.fields import (
    Field,
    Value,
    id_field,
    json_schema,
    pseudo_word,
)
from samescore.trainers.pretrain.pool import FieldPool
from samescore.trainers.pretrain.structure import (
    Leaf,
    Node,
    Records,
    assemble,
    lay_out,
    leaves,
    nest,
    parameters_schema,
)
from samescore.trainers.pretrain.words import Domain, Noun, Verb


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool with the fields it takes and gives back; `schema` is the function dict shown to the model.

    `takes` and `gives` say where the fields stand in arguments and results; a tool without them is flat.
    """

    name: str
    verb: Verb
    noun: Noun
    required: tuple[Field, ...]
    optional: tuple[Field, ...]
    returns: tuple[Field, ...]
    schema: dict[str, object]
    line: str
    takes: tuple[Node, ...] = ()
    gives: tuple[Node, ...] = ()

    @property
    def params(self) -> tuple[Field, ...]:
        """The fields of its arguments in the order of the schema: for a flat tool required ones, then optional ones."""
        return tuple(leaf.field for leaf in leaves(self.takes)) if self.takes else self.required + self.optional

    def arguments(self, values: Mapping[str, Value]) -> dict[str, object]:
        """The arguments object with the values, by field name, in their places."""
        return assemble(self.takes, values) if self.takes else dict(values)


@dataclass(frozen=True, slots=True)
class Pause:
    """How a tool says that it is busy, and the tool that lets the time pass."""

    tool: Tool
    code: str
    message: str
    hint: str
    """The key beside the error that holds the seconds to wait."""

    @property
    def parameter(self) -> Field:
        """What the waiting tool is told the seconds in."""
        return self.tool.required[0]


@dataclass(frozen=True, slots=True)
class Toolset:
    """The tools of one conversation, in the order shown, and the world they belong to."""

    domain: Domain
    company: str
    today: date
    tools: tuple[Tool, ...]
    handoff: Tool | None
    pause: Pause | None = None

    @property
    def servants(self) -> list[Tool]:
        """The tools that serve requests: not the one that hands over, nor the one that waits."""
        aside = (self.handoff, self.pause.tool if self.pause else None)
        return [tool for tool in self.tools if tool not in aside]


_DESCRIPTIONS = (
    "{Verb} a {noun}.", "{Verb} the {noun}.", "{Verb} a {noun} of the {domain}.", "{Verb} one {noun} by its data.",
    "Use this to {verb} a {noun}.", "{Verb} an existing {noun}.", "Lets the agent {verb} a {noun}.",
)  # fmt: skip
_DESCRIPTIONS_VI = ("{Verb} {noun}.", "Dùng để {verb} {noun}.", "Công cụ {verb} {noun} của {domain}.")
_CAVEATS = (
    "", "", "", " Works at any time.", " The change is visible at once.", " Not reversible.",
    " Read the result with care.", " Fails when the record is unknown.", " May take a moment.",
)  # fmt: skip


def function_schema(
    rng: random.Random, name: str, description: str, required: tuple[Field, ...], optional: tuple[Field, ...]
) -> dict[str, object]:
    """The function dict of a tool: name, description, parameters."""
    parameters: dict[str, object] = {
        "type": "object",
        "properties": {field.name: json_schema(rng, field) for field in required + optional},
        "required": [field.name for field in required],
    }
    if rng.random() < 0.7:
        parameters["additionalProperties"] = False
    return {"name": name, "description": description, "parameters": parameters}


def make_tool(
    rng: random.Random,
    domain: Domain,
    verb: Verb,
    noun: Noun,
    required: tuple[Field, ...],
    optional: tuple[Field, ...],
    returns: tuple[Field, ...],
    tell_returns: bool,
    taken: set[str] | None = None,
) -> Tool:
    """A tool named after `verb` and `noun`, with a worded schema.

    With `taken`, the keys in use for objects, its arguments and results may be nested.
    """
    if taken is not None:
        takes, gives = _layouts(rng, required, optional, returns, taken)
        return nested_tool(rng, domain, verb, noun, takes, returns, gives, tell_returns)
    description = _description(rng, domain, verb, noun, returns, tell_returns)
    name = f"{rng.choice(verb.names)}_{noun.name}"
    if rng.random() < 0.06:
        name = f"{noun.name}_{rng.choice(verb.names)}"
    schema = function_schema(rng, name, description, required, optional)
    return Tool(name, verb, noun, required, optional, returns, schema, json.dumps(schema, ensure_ascii=False))


def nested_tool(
    rng: random.Random,
    domain: Domain,
    verb: Verb,
    noun: Noun,
    takes: tuple[Node, ...],
    returns: tuple[Field, ...],
    gives: tuple[Node, ...],
    tell_returns: bool,
) -> Tool:
    """A tool whose arguments and results stand where `takes` and `gives` say."""
    name = f"{rng.choice(verb.names)}_{noun.name}"
    required = tuple(leaf.field for leaf in leaves(takes) if leaf.required)
    optional = tuple(leaf.field for leaf in leaves(takes) if not leaf.required)
    description = _description(rng, domain, verb, noun, returns, tell_returns)
    if any(isinstance(node, Records) and not node.index for node in gives):
        description += rng.choice((" The first entry counts.", " Of several, the first is meant."))
    parameters = parameters_schema(rng, takes)
    schema: dict[str, object] = {"name": name, "description": description, "parameters": parameters}
    line = json.dumps(schema, ensure_ascii=False)
    return Tool(name, verb, noun, required, optional, returns, schema, line, takes, gives)


def _layouts(
    rng: random.Random,
    required: tuple[Field, ...],
    optional: tuple[Field, ...],
    returns: tuple[Field, ...],
    taken: set[str],
) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """Where arguments and results stand."""
    flat = [*(Leaf(field.name, field) for field in required), *(Leaf(field.name, field, False) for field in optional)]
    takes = nest(rng, flat, taken) if len(flat) > 1 and rng.random() < 0.7 else tuple(flat)
    return takes, lay_out(rng, returns, taken) if rng.random() < 0.6 else ()


def _description(
    rng: random.Random, domain: Domain, verb: Verb, noun: Noun, returns: tuple[Field, ...], tell_returns: bool
) -> str:
    """What the tool is for, in a sentence or two, in English or seldom in Vietnamese."""
    vi = rng.random() < 0.15
    phrase = rng.choice(verb.vi if vi else verb.en)
    template = rng.choice(_DESCRIPTIONS_VI if vi else _DESCRIPTIONS)
    description = template.format(
        Verb=phrase.capitalize(), verb=phrase, noun=noun.vi if vi else noun.en, domain=domain.vi if vi else domain.en
    )
    if returns and (tell_returns or rng.random() < 0.4):
        listed = ", ".join(field.name for field in returns)
        description += (" Trả về " if vi else rng.choice((" Returns ", " Gives ", " Result: "))) + listed + "."
    return description + ("" if vi else rng.choice(_CAVEATS))


def handoff_tool(rng: random.Random, structured: bool = False) -> Tool:
    """The tool that passes the conversation to a person."""
    name = rng.choice(("transfer_to_human", "escalate_case", "handoff_to_agent", "open_escalation", "call_supervisor"))
    label = next(attribute for attribute, _ in words.ENUMS if attribute.name == "reason")
    reasons = tuple(
        words.Choice(constant, constant.replace("_", " "), constant)
        for constant in rng.sample(("technical_error", "policy_exception", "customer_request", "system_down"), 3)
    )
    reason = Field("reason", "enum", label.en, label.vi, "", 0, reasons)
    verb = words.Verb((name,), ("hand over",), ("chuyển cho nhân viên",), False)
    noun = Noun(name, "case", "trường hợp")
    returns = (id_field(rng, "case", "case", "hồ sơ"),)
    description = rng.choice(
        ("Hand the conversation over to a human colleague.", "Escalate to a person.", "Pass the case to a supervisor.")
    )
    schema = function_schema(rng, name, description, (reason,), ())
    if structured:
        schema["parameters"] = parameters_schema(rng, (Leaf("reason", reason),))
    return Tool(name, verb, noun, (reason,), (), returns, schema, json.dumps(schema, ensure_ascii=False))


_WAITING = ("wait", "pause", "sleep_for", "wait_for", "delay", "stand_by", "hold_on", "let_time_pass")
_WAIT_PARAMETERS = ("seconds", "seconds", "seconds", "duration", "secs", "delay_seconds", "wait_seconds", "length")
_PASSED = ("waited", "waited", "waited", "waited_seconds", "slept", "elapsed", "passed", "paused_for")
_BUSY = (
    ("busy", "The system is busy."), ("busy", "The record is in use."), ("locked", "Locked by another job."),
    ("in_use", "Somebody else is changing it."), ("overloaded", "Too much load right now."),
    ("queue_full", "The queue is full."), ("sync_running", "A sync is running."), ("not_ready", "Not ready yet."),
    ("maintenance", "Short maintenance."), ("try_later", "Come back in a moment."), ("warming_up", "Starting up."),
)  # fmt: skip
_HINTS = ("retry_after", "retry_after", "retry_after", "retry_after", "retry_in", "try_again_in", "wait_seconds")


def busy_signal(rng: random.Random, structured: bool) -> Pause:
    """A way of being busy for a while, and a tool that waits."""
    name = rng.choice(_WAITING)
    seconds = Field(rng.choice(_WAIT_PARAMETERS), "int", "seconds", "số giây", high=600)
    passed = Field(rng.choice(_PASSED), "int", "seconds waited", "số giây đã chờ", high=600)
    description = rng.choice(("Let time pass.", "Wait some seconds.", "Do nothing for a while.", "Chờ một lúc."))
    schema = function_schema(rng, name, description, (seconds,), ())
    if structured:
        schema["parameters"] = parameters_schema(rng, (Leaf(seconds.name, seconds),))
    verb = Verb((name,), ("wait",), ("chờ",), False)
    line = json.dumps(schema, ensure_ascii=False)
    tool = Tool(name, verb, Noun(name, "time", "thời gian"), (seconds,), (), (passed,), schema, line)
    return Pause(tool, *rng.choice(_BUSY), rng.choice(_HINTS))


def _random_noun(rng: random.Random, domain: Domain) -> Noun:
    if rng.random() < 0.2:
        made_up = pseudo_word(rng)
        return Noun(made_up, made_up, made_up)
    return rng.choice(domain.nouns)


def random_nouns(rng: random.Random, domain: Domain, count: int) -> list[Noun]:
    """Things of the domain, now and then of another, all different."""
    found: dict[str, Noun] = {}
    while len(found) < count:
        noun = _random_noun(rng, domain if rng.random() < 0.8 else rng.choice(words.DOMAINS))
        found[noun.name] = noun
    return list(found.values())


READS = [verb for verb in words.VERBS if verb.reads]
WRITES = [verb for verb in words.VERBS if not verb.reads]


def _near(noun: Noun, rng: random.Random) -> Noun:
    """A compound that differs from `noun` by one word."""
    name, vi = rng.choice(
        (
            ("history", "lịch sử"), ("summary", "bản tóm tắt"), ("note", "ghi chú"), ("contact", "liên hệ"),
            ("alert", "cảnh báo"), ("template", "mẫu"), ("form", "biểu mẫu"), ("log", "nhật ký"),
        )
    )  # fmt: skip
    return Noun(f"{noun.name}_{name}", f"{noun.en} {name}", f"{vi} {noun.vi}")


def _noun_tools(
    rng: random.Random, pool: FieldPool, domain: Domain, noun: Noun, key: Field, linked: Field | None, writes: int
) -> list[Tool]:
    """One reading tool of `noun`, which may return the id of the next noun, and some that act on it."""
    extra = (pool.take(rng.choice(("email", "phone", "name", "date"))),) if rng.random() < 0.2 else ()
    returns = [pool.take() for _ in range(rng.choice((2, 3, 4, 4, 5, 5, 6, 7)))]
    if linked:
        returns.insert(rng.randint(0, len(returns)), linked)
    reads_by_key = rng.random() < 0.9
    lookup_keys = (key, *extra) if reads_by_key else (pool.take(rng.choice(("email", "phone"))),)
    if not reads_by_key:
        returns.insert(0, key)
    tell = linked is not None or not reads_by_key
    tools = [make_tool(rng, domain, rng.choice(READS), noun, lookup_keys, (), tuple(returns), tell, pool.keys)]
    carried = [field for field in returns if field.kind in ("int", "money", "email", "date", "list")]
    share = 0.12 if pool.keys is None else 0.4
    for verb in rng.sample(WRITES, writes):
        target = noun if rng.random() < 0.8 else _near(noun, rng)
        required = (key, *(pool.take() for _ in range(rng.choice((0, 0, 1, 1, 2, 3)))))
        if carried and rng.random() < share:
            required += (rng.choice(carried),)
            tools[0] = _telling(tools[0])
        optional = tuple(pool.take() for _ in range(rng.choice((0, 0, 0, 1, 2))))
        outcome: tuple[Field, ...] = (pool.identify(_near(noun, rng)),) if rng.random() < 0.6 else ()
        outcome += tuple(pool.take() for _ in range(rng.choice((1, 1, 2))))
        tell = rng.random() < 0.1
        tools.append(make_tool(rng, domain, verb, target, required, optional, outcome, tell, pool.keys))
    return tools


def _telling(tool: Tool) -> Tool:
    """The same tool with its results named in the description, so that a chain through it can be inferred."""
    listed = ", ".join(field.name for field in tool.returns)
    description = str(tool.schema["description"])
    if listed in description:
        return tool
    schema = tool.schema | {"description": f"{description} Returns {listed}."}
    return replace(tool, schema=schema, line=json.dumps(schema, ensure_ascii=False))


def random_toolset(rng: random.Random, size: int, structured: bool = False) -> Toolset:
    """A toolset of about `size` tools: two to twelve. In a structured one, objects and lists are given and taken."""
    domain = rng.choice(words.DOMAINS)
    pool = FieldPool(rng, structured)
    nouns = random_nouns(rng, domain, max(1, min(4, size // 2 if size < 5 else rng.randint(2, 4))))
    keys = [pool.identify(noun) for noun in nouns]
    writes, tools = max(1, size // len(nouns) - 1), []
    for index, (noun, key) in enumerate(zip(nouns, keys, strict=True)):
        linked = keys[index + 1] if index + 1 < len(nouns) and rng.random() < 0.75 else None
        tools += _noun_tools(rng, pool, domain, noun, key, linked, min(4, writes))
    unique = list({tool.name: tool for tool in tools}.values())[:12]
    return settle(rng, domain, unique, structured, 0.5 if structured else 0.06)


def settle(rng: random.Random, domain: Domain, tools: Sequence[Tool], structured: bool, waits: float) -> Toolset:
    """The tools of a company, at times with one that hands over and (with chance `waits`) one that waits."""
    handoff = handoff_tool(rng, structured) if rng.random() < 0.4 else None
    pause = busy_signal(rng, structured) if rng.random() < waits else None
    aside = [*([handoff] if handoff else []), *([pause.tool] if pause else [])]
    shown = [*tools[: 12 - len(aside)], *aside]
    rng.shuffle(shown)
    company = pseudo_word(rng).capitalize()
    if rng.random() < 0.5:
        company += " " + domain.en.split()[-1].capitalize()
    today = date(2024, 1, 1) + timedelta(days=rng.randint(0, 1200))
    return Toolset(domain, company, today, tuple(shown), handoff, pause)
