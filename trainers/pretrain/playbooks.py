"""Random playbooks: procedures that bind every argument of their calls, some of them made in one turn."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from samescore.trainers.pretrain import words
from samescore.trainers.pretrain.fields import DECIDABLE_KINDS, Field, Value, attribute_field, pseudo_word, sample
from samescore.trainers.pretrain.phrases import Bank, expand
from samescore.trainers.pretrain.pool import FieldPool
from samescore.trainers.pretrain.procedures import Action, Condition, Procedure, random_condition
from samescore.trainers.pretrain.structure import Group, Leaf, Node, Records, lay_out, nest, path_of
from samescore.trainers.pretrain.toolsets import (
    READS,
    WRITES,
    Tool,
    Toolset,
    make_tool,
    nested_tool,
    random_nouns,
    settle,
)

_ANY_DAY = date(2025, 1, 1)
"""Constants are never days."""
_ASKABLE = ("enum", "enum", "date", "int", "bool", "name", "text", "email", "list")


@dataclass(frozen=True, slots=True)
class Known:
    """A value that the user told or, with an `origin`, that a tool returned; with `first`, a list's first element."""

    field: Field
    origin: Tool | None = None
    first: bool = False

    def value(self, known: Mapping[str, Value]) -> Value:
        """The value among what is known by now."""
        value = known[self.field.name]
        return value[0] if self.first and isinstance(value, list) else value

    @property
    def name(self) -> str:
        """Its key in the result, by which the thinking calls it."""
        return self.path.removesuffix(".0").rsplit(".", 1)[-1] if self.first else self.path.rsplit(".", 1)[-1]

    @property
    def path(self) -> str:
        """Where it stands in its result, or its name."""
        if self.origin is None:
            return self.field.name
        path = path_of(self.origin.gives, self.field.name) if self.origin.gives else self.field.name
        return f"{path}.0" if self.first else path


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that the procedure gives."""

    text: Value

    def value(self, known: Mapping[str, Value]) -> Value:
        """The value itself."""
        return self.text


Source = Known | Fixed
AnyNode = TypeVar("AnyNode", bound=Node)


@dataclass(frozen=True, slots=True)
class Binding:
    """Where the value of one field of a call comes from; of several sources, or where `listed`, a list is made."""

    field: Field
    sources: tuple[Source, ...]
    listed: bool = False

    def value(self, known: Mapping[str, Value]) -> Value:
        """The value among what is known by now."""
        if self.listed:
            return list(dict.fromkeys(str(source.value(known)) for source in self.sources))
        return self.sources[0].value(known)


@dataclass(frozen=True, slots=True)
class Step:
    """One call with all that it passes."""

    tool: Tool
    bindings: tuple[Binding, ...]

    def arguments(self, known: Mapping[str, Value]) -> dict[str, object]:
        """The arguments object."""
        return self.tool.arguments({binding.field.name: binding.value(known) for binding in self.bindings})

    def taken(self) -> list[Known]:
        """What it takes from results."""
        sources = [source for binding in self.bindings for source in binding.sources]
        return [source for source in sources if isinstance(source, Known) and source.origin is not None]


Stage = tuple[Step, ...]
"""Steps whose calls are made in one turn."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The last turn: the values that it states, the house words in it, and its wording with `{name}` for a value."""

    items: tuple[Field, ...]
    terms: tuple[str, ...]
    template: str
    quoted: bool
    """Whether the procedure gives the wording; else it names the words only."""


@dataclass(frozen=True, slots=True)
class Playbook:
    """A procedure from the first question to the last reply. `procedure` decides, after `reads`, whether to act."""

    slots: tuple[Field, ...]
    reads: tuple[Stage, ...]
    procedure: Procedure
    acts: tuple[Stage, ...]
    reply: Reply
    secrets: tuple[str, ...]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All calls in their order."""
        return self.reads + self.acts


@dataclass(slots=True)
class _Author:
    """A playbook under way: what it may refer to by now."""

    rng: random.Random
    pool: FieldPool
    domain: words.Domain
    keys: set[str]
    sources: list[Known]

    def reader(self, noun: words.Noun, bindings: Sequence[Binding], linked: Field | None) -> Step:
        """A call that reads; its results can be referred to from then on."""
        rng = self.rng
        kinds = ["list"] * (rng.random() < 0.6) + ["secret"] * (rng.random() < 0.25) + ["date"] * (rng.random() < 0.4)
        returns = [self.pool.take(kind) for kind in [*kinds, *[""] * rng.choice((1, 2, 2, 3))]]
        returns += [linked] if linked else []
        rng.shuffle(returns)
        takes = tuple(Leaf(binding.field.name, binding.field) for binding in bindings)
        gives: tuple[Node, ...] = tuple(Leaf(item.name, item) for item in returns)
        if rng.random() < 0.7:
            gives = _shorten(rng, lay_out(rng, returns, self.keys, (0, 0, 1)))
        told = rng.random() < 0.6
        tool = nested_tool(rng, self.domain, rng.choice(READS), noun, takes, tuple(returns), gives, told)
        self.offer(tool)
        return Step(tool, tuple(bindings))

    def offer(self, tool: Tool) -> None:
        """Let later steps refer to the results of a tool."""
        self.sources += [Known(item, tool) for item in tool.returns]

    def writer(self, noun: words.Noun, count: int, must: Sequence[Known]) -> Step:
        """A call that acts, on what must be passed and `count` more, in objects and lists."""
        rng = self.rng
        verb = rng.choice(WRITES)
        bindings = [self._bind(source) for source in must]
        others = [source for source in self.sources if source not in must]
        lists = [source for source in others if source.field.kind == "list"]
        for source in rng.sample(others, min(len(others), count)):
            bindings.append(self._bind(source))
        if lists and rng.random() < 0.5 and not any(b.field.kind == "list" for b in bindings):
            bindings.append(self._bind(rng.choice(lists)))
        if rng.random() < 0.4:
            bindings.append(self._collect())
        for _ in range(rng.choice((0, 1, 1, 2))):
            constant = self.pool.take(rng.choice(("enum", "enum", "bool", "int")))
            bindings.append(Binding(constant, (Fixed(sample(rng, constant, _ANY_DAY)),)))
        rng.shuffle(bindings)
        flat = [Leaf(binding.field.name, binding.field) for binding in bindings]
        takes = _shorten(rng, nest(rng, flat, self.keys)) if len(flat) > 1 and rng.random() < 0.8 else tuple(flat)
        returns = (self.pool.identify(noun), *(self.pool.take() for _ in range(rng.choice((0, 1, 1, 2)))))
        tool = nested_tool(rng, self.domain, verb, noun, takes, returns, (), rng.random() < 0.4)
        order = {leaf_name: place for place, leaf_name in enumerate(item.name for item in tool.params)}
        bindings.sort(key=lambda binding: order[binding.field.name])
        self.offer(tool)
        return Step(tool, tuple(bindings))

    def _bind(self, source: Known) -> Binding:
        """An argument that takes the value: under its own name, or another."""
        rng, item = self.rng, source.field
        if item.kind == "list" and item.element and rng.random() < 0.3:
            source, item = replace(source, first=True), item.element
            return Binding(self._renamed(item), (source,))
        if rng.random() < 0.5:
            return Binding(item, (source,))
        return Binding(self._renamed(item), (source,))

    def _renamed(self, item: Field) -> Field:
        name = self.pool.take(item.kind) if item.kind not in ("id", "list") else self.pool.reference()
        return replace(item, name=name.name, en=name.en, vi=name.vi)

    def _collect(self) -> Binding:
        """A list that is put together from words of the procedure and single values."""
        rng = self.rng
        single = [s for s in self.sources if s.field.kind in ("id", "enum", "email", "name")]
        sources: list[Source] = [*rng.sample(single, min(len(single), rng.choice((0, 1, 1, 2))))]
        for _ in range(rng.choice((1, 1, 2)) if sources else 2):
            word = rng.choice(attribute_field(rng, "enum").choices).constant if rng.random() < 0.7 else pseudo_word(rng)
            sources.append(Fixed(word))
        rng.shuffle(sources)
        entry = Field("entry", "keyword", "entry", "mục")
        collected = replace(self.pool.reference(), kind="list", element=entry, unique=rng.random() < 0.6)
        return Binding(collected, tuple(sources), listed=True)


def _shorten(rng: random.Random, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """In objects and records, identifiers are now and then just `id`."""
    found: list[Node] = []
    for node in nodes:
        if isinstance(node, Group):
            node = replace(node, members=_shorten(rng, _one_id(rng, node.members)))
        elif isinstance(node, Records):
            node = replace(node, members=_one_id(rng, node.members))
        found.append(node)
    return tuple(found)


def _one_id(rng: random.Random, members: tuple[AnyNode, ...]) -> tuple[AnyNode, ...]:
    """The members, at times with the key `id` for one identifier."""
    short = list(members)
    for place, member in enumerate(members):
        if isinstance(member, Leaf) and member.field.kind == "id" and rng.random() < 0.4:
            short[place] = replace(member, key="id")
            break
    return tuple(short)


def random_playbook(rng: random.Random, bank: Bank) -> tuple[Toolset, Playbook]:
    """A toolset and a playbook over it; `bank` is of the language of the replies."""
    domain = rng.choice(words.DOMAINS)
    pool = FieldPool(rng, True)
    nouns = random_nouns(rng, domain, 3)
    key = pool.identify(nouns[0])
    extra = [pool.take(rng.choice(_ASKABLE)) for _ in range(rng.choice((0, 0, 1, 1, 2)))]
    slots = (key, *extra)
    author = _Author(rng, pool, domain, pool.keys or set(), [Known(item) for item in slots])
    reads = _reads(author, nouns, key)
    act = author.writer(nouns[0], rng.choice((0, 1, 1, 2)), [Known(item) for item in slots])
    acts = [(act,)]
    if rng.random() < 0.25:
        acts.append((author.writer(nouns[2], 0, [Known(act.tool.returns[0], act.tool)]),))
    tools = {step.tool.name: step.tool for stage in (*reads, *acts) for step in stage}
    if len(tools) < sum(len(stage) for stage in (*reads, *acts)):
        return random_playbook(rng, bank)
    for noun in nouns[: rng.choice((0, 0, 0, 1))]:
        spare = make_tool(rng, domain, rng.choice(WRITES), noun, (key, pool.take("enum")), (), (pool.take(),), False)
        tools.setdefault(spare.name, spare)
    toolset = settle(rng, domain, list(tools.values()), True, 0.5)
    named = [source for source in author.sources if source.origin and source.name == source.field.name]
    readers = [step.tool for stage in reads for step in stage]
    secrets = _secrets(rng, [source.field for source in named if source.origin in readers and source.field is not key])
    procedure = _procedure(rng, toolset, slots, reads, act.tool)
    items = [item for item in acts[-1][0].tool.returns if item.kind != "list"]
    items += [source.field for source in named if source.field.name not in secrets]
    told = tuple(dict.fromkeys(items[: rng.choice((1, 2, 2, 3))]))
    return toolset, Playbook(slots, tuple(reads), procedure, tuple(acts), _reply(rng, bank, told), secrets)


def _reads(author: _Author, nouns: Sequence[words.Noun], key: Field) -> list[Stage]:
    """One reading call, two in a row, or two (seldom three) in one turn."""
    rng, pool = author.rng, author.pool
    roll = rng.random()
    linked = pool.identify(nouns[1]) if roll < 0.3 else None
    first = author.reader(nouns[0], [Binding(key, (Known(key),))], linked)
    if linked:
        return [(first,), (author.reader(nouns[1], [Binding(linked, (Known(linked, first.tool),))], None),)]
    if roll < 0.45:
        return [(first,)]
    together = [first]
    for noun in nouns[1 : rng.choice((2, 2, 2, 2, 3))]:
        if rng.random() < 0.5:
            constant = pool.take("enum")
            binding = Binding(constant, (Fixed(sample(rng, constant, _ANY_DAY)),))
        else:
            binding = Binding(key, (Known(key),))
        together.append(author.reader(noun, [binding], None))
    if rng.random() < 0.2:
        rng.shuffle(together)
    return [tuple(together)]


def _secrets(rng: random.Random, items: Sequence[Field]) -> tuple[str, ...]:
    """Fields of the results that nobody is to be told."""
    names = [item.name for item in items if item.kind in ("id", "email", "phone", "name", "text")]
    return tuple(rng.sample(names, min(len(names), rng.choice((1, 1, 2))))) if rng.random() < 0.5 else ()


def _procedure(
    rng: random.Random, toolset: Toolset, slots: Sequence[Field], reads: Sequence[Stage], goal: Tool
) -> Procedure:
    """The decision before the goal: up to two rules that refuse, answer or hand over."""
    readers = tuple(step.tool for stage in reads for step in stage)
    fields = [item for tool in readers for item in tool.returns if item.kind in DECIDABLE_KINDS]
    fields += [item for item in slots if item.kind in DECIDABLE_KINDS]
    rules: list[tuple[Condition, Action]] = []
    for _ in range(rng.choice((0, 0, 1, 1, 2)) if fields else 0):
        condition = random_condition(rng, fields, toolset.today)
        action = Action(rng.choice(("refuse", "refuse", "answer")))
        if toolset.handoff and rng.random() < 0.5:
            reason = toolset.handoff.required[0]
            action = Action("call", toolset.handoff, ((reason, rng.choice(reason.choices).constant),))
        if condition.name not in {other.name for other, _ in rules}:
            rules.append((condition, action))
    return Procedure(goal, (), readers, tuple(rules), Action("call", goal))


def _reply(rng: random.Random, bank: Bank, items: tuple[Field, ...]) -> Reply:
    """A wording with house words, or none."""
    if rng.random() < 0.5:
        return Reply(items, (), "", False)
    terms = rng.sample(words.HOUSE_WORDS, 2)
    if rng.random() < 0.3:
        terms[0] = pseudo_word(rng).capitalize()
    vi = bank.both == " và "
    opener = expand(rng, bank.house_openers).replace("{a}", terms[0])
    facts = ", ".join(f"{item.label('vi' if vi else 'en')}: {{{item.name}}}" for item in items)
    parts = [opener, f"{facts[:1].upper()}{facts[1:]}{' ạ' if vi else ''}."]
    if rng.random() < 0.6:
        parts.append(expand(rng, bank.house_closers).replace("{b}", terms[1]))
    else:
        terms = terms[:1]
    return Reply(items, tuple(terms), " ".join(parts), rng.random() < 0.75)
