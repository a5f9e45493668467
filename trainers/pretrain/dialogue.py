"""One conversation while it is written: what was said, what is known, and the agent's turns with their thinking."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from samescore.trainers.pretrain.fields import IDENTITY_KINDS, Field, Value, listed, literal, sample, spoken
from samescore.trainers.pretrain.phrases import Bank, expand, roughen, say
from samescore.trainers.pretrain.toolsets import Pause, Tool, Toolset

Message = dict[str, object]
Arguments = dict[str, Value]


class Skill(IntEnum):
    """What an assistant turn exercises; the evaluation reports by it."""

    CALL = 2
    ASK = 3
    CHAIN = 4
    ERROR = 5
    RULE = 6
    REPLY = 7
    NESTED = 8
    PARALLEL = 9
    WAIT = 10


@dataclass(frozen=True, slots=True)
class Habits:
    """What the system message says about the agent's manners.

    Whether it speaks before calls, how often it retries (single tools by `limits`), its last resort, how it waits, and
    the fields of results that it never tells.
    """

    speaks: bool
    retries: int
    last_resort: Value | None
    error_rate: float
    pause: Pause | None = None
    secrets: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)


TRANSIENT = {
    "service_unavailable": (
        "The service is temporarily unavailable.",
        "Please try again.",
        "Backend is down for a moment.",
    ),
    "timeout": ("The request timed out.", "No answer within 10 seconds."),
    "rate_limited": ("Too many requests, try again.", "Rate limit reached."),
}
PERMANENT = {
    "forbidden": ("This action is not allowed for the record.", "Not permitted."),
    "invalid_state": ("The record is already closed.", "The record cannot be changed any more."),
    "conflict": ("Another request is already open.", "A duplicate exists."),
}


@dataclass(slots=True)
class Dialogue:
    """A conversation under way. `known` maps field names to the latest value said or returned."""

    rng: random.Random
    toolset: Toolset
    lang: str
    bank: Bank
    style: str
    habits: Habits
    messages: list[Message] = field(default_factory=list)
    skills: list[Skill] = field(default_factory=list)
    known: dict[str, Value] = field(default_factory=dict)
    spoken_name: str = ""
    forced: dict[str, Value] = field(default_factory=dict)
    records: dict[str, Arguments] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)

    def start_episode(self) -> None:
        """Forget what only the last request needed; identities stay known."""
        kinds = {f.name: f.kind for tool in self.toolset.tools for f in (*tool.params, *tool.returns)}
        self.known = {name: value for name, value in self.known.items() if kinds.get(name) in IDENTITY_KINDS}
        self.forced.clear()
        self.called.clear()

    # What the user says

    def user(self, text: str) -> None:
        """A user turn; careful users begin with a capital, unless a value comes first."""
        text = " ".join(text.split())
        begins_with_value = any(text.startswith(str(value)) for value in self.known.values())
        if self.style == "plain" and not begins_with_value:
            text = text[:1].upper() + text[1:]
        self.messages.append({"role": "user", "content": text})

    def rough(self, templates: tuple[str, ...], **slots: object) -> str:
        """A user phrase, typed in this user's style."""
        return roughen(self.rng, expand(self.rng, templates), self.style).format(**slots)

    def clause(self, item: Field, value: Value) -> str:
        """How this user states a value."""
        bare = item.kind in ("id", "email", "enum", "phone") and self.rng.random() < 0.2
        text = spoken(self.rng, item, value, self.lang)
        if bare:
            return text
        frames = self.bank.flags if item.kind in ("bool", "enum") else self.bank.values
        return self.rough(frames, label=self.label(item), value=text)

    def label(self, item: Field) -> str:
        """The field's wording, roughened like the rest of what this user types."""
        return roughen(self.rng, item.label(self.lang), self.style)

    def tell(self, items: Sequence[Field]) -> list[str]:
        """Values for the fields, made known, as clauses of the user."""
        clauses = []
        for item in items:
            if item.name in self.forced:
                self.known[item.name] = self.forced[item.name]
            else:
                self.known[item.name] = sample(self.rng, item, self.toolset.today)
            clauses.append(self.clause(item, self.known[item.name]))
        return clauses

    # What the agent does

    def assistant(
        self, skill: Skill, lines: Sequence[str], content: str, calls: Sequence[tuple[Tool, Mapping[str, object]]] = ()
    ) -> None:
        """An assistant turn; the last line of thinking names what comes next."""
        message: Message = {"role": "assistant", "reasoning_content": "\n".join(lines), "content": content}
        if calls:
            message["tool_calls"] = [
                {"type": "function", "function": {"name": tool.name, "arguments": arguments}}
                for tool, arguments in calls
            ]
        self.messages.append(message)
        self.skills.append(skill)

    def observe(self, text: str) -> None:
        """A tool's result."""
        self.messages.append({"role": "tool", "content": text})

    def facts(self, items: Iterable[tuple[Field, Value]]) -> str:
        """Values stated in the user's language, joined."""
        frame = expand(self.rng, self.bank.fact)
        return ", ".join(
            frame.format(label=item.label(self.lang), value=self.stated(item, value)) for item, value in items
        )

    def stated(self, item: Field, value: Value) -> str:
        """A value as the agent's replies write it."""
        if isinstance(value, list):
            return listed([self.stated(item.element, each) if item.element else each for each in value], self.lang)
        if item.kind == "money":
            return f"{value} USD"
        if item.kind == "bool":
            return ("có" if value else "không") if self.lang == "vi" else ("yes" if value else "no")
        if item.kind == "enum" and self.lang == "vi":
            return next((choice.vi for choice in item.choices if choice.constant == value), str(value))
        return str(value).replace("_", " ") if item.kind == "enum" else str(value)

    def wording(self, tool: Tool) -> dict[str, str]:
        """The slots `do` and `thing` of a phrase about the tool."""
        verbs = tool.verb.vi if self.lang == "vi" else tool.verb.en
        return {"do": self.rng.choice(verbs), "thing": tool.noun.vi if self.lang == "vi" else tool.noun.en}

    def arguments(self, tool: Tool, constants: Mapping[str, Value]) -> Arguments:
        """What a call passes, by field name, from what is known and what a procedure fixes."""
        values = {**self.known, **constants}
        return {item.name: values[item.name] for item in tool.params if item.name in values}

    def preamble(self) -> str:
        """What the agent says before a call, if its habits ask for it."""
        return say(self.rng, self.bank.preambles) if self.habits.speaks else ""

    def say(self, templates: tuple[str, ...], **slots: object) -> str:
        """A phrase of the agent."""
        return say(self.rng, templates, **slots)


def argument_lines(arguments: Mapping[str, Value]) -> list[str]:
    """One line of thinking for each argument."""
    return [f"{name}: {literal(value)}" for name, value in arguments.items()]
