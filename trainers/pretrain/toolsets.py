"""Random toolsets: tools over linked things, with parameters, results and distractors of near names."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from datetime import date, timedelta

from samescore.trainers.pretrain import words
from samescore.trainers.pretrain.fields import Field, attribute_field, id_field, json_schema, pseudo_word
from samescore.trainers.pretrain.words import Domain, Noun, Verb


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool with the fields it takes and gives back; `schema` is the function dict shown to the model."""

    name: str
    verb: Verb
    noun: Noun
    required: tuple[Field, ...]
    optional: tuple[Field, ...]
    returns: tuple[Field, ...]
    schema: dict[str, object]
    line: str

    @property
    def params(self) -> tuple[Field, ...]:
        """Required parameters, then optional ones: the order of the schema."""
        return self.required + self.optional


@dataclass(frozen=True, slots=True)
class Toolset:
    """The tools of one conversation, in the order shown, and the world they belong to."""

    domain: Domain
    company: str
    today: date
    tools: tuple[Tool, ...]
    handoff: Tool | None


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
) -> Tool:
    """A tool named after `verb` and `noun`, with a worded schema."""
    vi = rng.random() < 0.15
    phrase = rng.choice(verb.vi if vi else verb.en)
    template = rng.choice(_DESCRIPTIONS_VI if vi else _DESCRIPTIONS)
    description = template.format(
        Verb=phrase.capitalize(), verb=phrase, noun=noun.vi if vi else noun.en, domain=domain.vi if vi else domain.en
    )
    if returns and (tell_returns or rng.random() < 0.4):
        listed = ", ".join(field.name for field in returns)
        description += (" Trả về " if vi else rng.choice((" Returns ", " Gives ", " Result: "))) + listed + "."
    description += "" if vi else rng.choice(_CAVEATS)
    name = f"{rng.choice(verb.names)}_{noun.name}"
    if rng.random() < 0.06:
        name = f"{noun.name}_{rng.choice(verb.names)}"
    schema = function_schema(rng, name, description, required, optional)
    return Tool(name, verb, noun, required, optional, returns, schema, json.dumps(schema, ensure_ascii=False))


def handoff_tool(rng: random.Random) -> Tool:
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
    return Tool(name, verb, noun, (reason,), (), returns, schema, json.dumps(schema, ensure_ascii=False))


class _FieldPool:
    """Hands out fields whose names are new to the toolset."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._taken: set[str] = {"reason", "case_id", "case_code", "case_number"}

    def take(self, kind: str = "") -> Field:
        field = attribute_field(self._rng, kind)
        while field.name in self._taken:
            field = attribute_field(self._rng, kind)
            if field.name in self._taken:
                prefix = pseudo_word(self._rng)
                field = replace(
                    field, name=f"{prefix}_{field.name}", en=f"{prefix} {field.en}", vi=f"{field.vi} {prefix}"
                )
        self._taken.add(field.name)
        return field

    def identify(self, noun: Noun) -> Field:
        field = id_field(self._rng, noun.name, noun.en, noun.vi)
        while field.name in self._taken:
            prefix = pseudo_word(self._rng)
            field = id_field(self._rng, f"{prefix}_{noun.name}", f"{prefix} {noun.en}", f"{noun.vi} {prefix}")
        self._taken.add(field.name)
        return field


def _random_noun(rng: random.Random, domain: Domain) -> Noun:
    if rng.random() < 0.2:
        made_up = pseudo_word(rng)
        return Noun(made_up, made_up, made_up)
    return rng.choice(domain.nouns)


def _nouns(rng: random.Random, domain: Domain, count: int) -> list[Noun]:
    found: dict[str, Noun] = {}
    while len(found) < count:
        noun = _random_noun(rng, domain if rng.random() < 0.8 else rng.choice(words.DOMAINS))
        found[noun.name] = noun
    return list(found.values())


_READS = [verb for verb in words.VERBS if verb.reads]
_WRITES = [verb for verb in words.VERBS if not verb.reads]


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
    rng: random.Random, pool: _FieldPool, domain: Domain, noun: Noun, key: Field, linked: Field | None, writes: int
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
    tools = [make_tool(rng, domain, rng.choice(_READS), noun, lookup_keys, (), tuple(returns), tell)]
    carried = [field for field in returns if field.kind in ("int", "money", "email", "date")]
    for verb in rng.sample(_WRITES, writes):
        target = noun if rng.random() < 0.8 else _near(noun, rng)
        required = (key, *(pool.take() for _ in range(rng.choice((0, 0, 1, 1, 2, 3)))))
        if carried and rng.random() < 0.12:
            required += (rng.choice(carried),)
            tools[0] = _telling(tools[0])
        optional = tuple(pool.take() for _ in range(rng.choice((0, 0, 0, 1, 2))))
        outcome: tuple[Field, ...] = (pool.identify(_near(noun, rng)),) if rng.random() < 0.6 else ()
        outcome += tuple(pool.take() for _ in range(rng.choice((1, 1, 2))))
        tools.append(make_tool(rng, domain, verb, target, required, optional, outcome, rng.random() < 0.1))
    return tools


def _telling(tool: Tool) -> Tool:
    """The same tool with its results named in the description, so that a chain through it can be inferred."""
    listed = ", ".join(field.name for field in tool.returns)
    description = str(tool.schema["description"])
    if listed in description:
        return tool
    schema = tool.schema | {"description": f"{description} Returns {listed}."}
    return replace(tool, schema=schema, line=json.dumps(schema, ensure_ascii=False))


def random_toolset(rng: random.Random, size: int) -> Toolset:
    """A toolset of about `size` tools: two to twelve."""
    domain = rng.choice(words.DOMAINS)
    pool = _FieldPool(rng)
    nouns = _nouns(rng, domain, max(1, min(4, size // 2 if size < 5 else rng.randint(2, 4))))
    keys = [pool.identify(noun) for noun in nouns]
    writes, tools = max(1, size // len(nouns) - 1), []
    for index, (noun, key) in enumerate(zip(nouns, keys, strict=True)):
        linked = keys[index + 1] if index + 1 < len(nouns) and rng.random() < 0.75 else None
        tools += _noun_tools(rng, pool, domain, noun, key, linked, min(4, writes))
    unique = list({tool.name: tool for tool in tools}.values())[:12]
    handoff = handoff_tool(rng) if rng.random() < 0.4 else None
    shown = [*unique[:11], handoff] if handoff else unique
    rng.shuffle(shown)
    company = pseudo_word(rng).capitalize()
    if rng.random() < 0.5:
        company += " " + domain.en.split()[-1].capitalize()
    today = date(2024, 1, 1) + timedelta(days=rng.randint(0, 1200))
    return Toolset(domain, company, today, tuple(shown), handoff)
