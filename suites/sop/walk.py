"""The walk: a procedure carried out for real in the world, which gives the agent's gold turns and what they did."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from samescore.harness.environment import Environment, World
from samescore.harness.errors import SopError
from samescore.harness.lexicon import Locale
from samescore.harness.strictjson import read
from samescore.harness.types import Call, Change, Effect, Message, Observation, Outcome
from samescore.suites.sop.expression import Atom
from samescore.suites.sop.model import Ask, CallStep, Fact, Reply, Sop
from samescore.suites.sop.phrases import Speaker
from samescore.suites.sop.trace import Asked, Called, Decided, Replied, Trace, trace
from samescore.suites.sop.values import fact_text, plain, spoken, world_currency

_REFERENCE = re.compile(r"\$(\w+)((?:\.\w+)*)")
_AND: Mapping[Locale, str] = {"en": "and", "vi": "và"}


@dataclass(frozen=True, slots=True)
class Played:
    """One call as it was carried out. `id` is the step's, with `#2` and so on for its retries; `sources` are the steps
    whose results its arguments hold."""

    id: str
    step: CallStep
    observation: Observation
    optional: Mapping[str, Any]
    sources: tuple[str, ...]

    @property
    def call(self) -> Call:
        """The call itself."""
        return self.observation.call


@dataclass(frozen=True, slots=True)
class Walk:
    """Gold turns and what became of them: the slots asked, the calls, and the world's end against its start.

    `states` and `unwanted` are the lexicon slots that the last turn must and must not state, with their values.
    """

    trace: Trace
    turns: tuple[Message, ...]
    asked: tuple[str, ...]
    calls: tuple[Played, ...]
    states: Mapping[str, Any]
    unwanted: Mapping[str, Any]
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    start_digest: str
    end_digest: str

    @property
    def reply(self) -> Reply:
        """The step that ends the conversation."""
        return self.trace.reply


def walk(sop: Sop, facts: Mapping[str, Any], world: World, voice: Speaker, rng: random.Random) -> Walk:
    """Carry out the procedure for these facts (as `world_facts` gives them); texts are worded in the voice's language.

    Raises:
        SopError: an argument or a text refers to a field that a result does not have, a literal breaks a tool's schema,
            or a fault is scripted that the world cannot play.
    """
    environment = world.open(facts)
    try:
        walker = _Walker(sop, facts, world, voice, rng, environment)
        followed = trace(sop, facts)
        for event in followed.events:
            match event:
                case Asked():
                    walker.ask(event)
                case Called():
                    walker.call(event)
                case Decided():
                    walker.decide(event)
                case Replied():
                    walker.reply(event)
        changes, digest = environment.end()
        return Walk(
            followed,
            tuple(walker.turns),
            tuple(walker.asked),
            tuple(walker.calls),
            walker.stated(followed.reply, followed.reply.states),
            walker.stated(followed.reply, followed.reply.unwanted),
            changes,
            environment.effects,
            environment.start_digest,
            digest,
        )
    finally:
        environment.close()


def world_facts(sop: Sop, facts: Mapping[str, Any], id_seed: int) -> dict[str, Any]:
    """An SOP's facts with what the world needs beside them: the seed of new ids, and how often each tool fails first.

    Raises:
        SopError: a tool would have to fail after a success; worlds fail the first calls of a tool only.
    """
    faults: dict[str, int] = {}
    succeeded: set[str] = set()
    for event in trace(sop, facts).events:
        if isinstance(event, Called):
            step = event.step
            if event.failures and step.tool in succeeded:
                raise SopError(
                    f"{sop.path}:{step.line}: step {step.id!r}: {step.tool} fails here after an earlier step called it with "
                    "success; a world can only fail a tool's first calls. Remove `retry` from this step or the earlier one."
                )
            if event.failures:
                faults[step.tool] = faults.get(step.tool, 0) + event.failures
            if event.ok:
                succeeded.add(step.tool)
    return {**facts, "id_seed": id_seed, "faults": faults}


@dataclass(slots=True)
class _Walker:
    """The state of one walk: thinking not yet spoken, results so far, turns so far."""

    sop: Sop
    facts: Mapping[str, Any]
    world: World
    voice: Speaker
    rng: random.Random
    environment: Environment
    turns: list[Message] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    calls: list[Played] = field(default_factory=list)
    _thoughts: list[str] = field(default_factory=list)
    _told: set[str] = field(default_factory=set)
    _results: dict[str, Any] = field(default_factory=dict)
    _errors: dict[str, str] = field(default_factory=dict)

    def ask(self, event: Asked) -> None:
        told = [slot for slot in event.step.slots if slot not in event.missing]
        self._learn(told)
        self._thoughts += [f"need {slot}" for slot in event.missing]
        if event.missing:
            content = self._question(event.step, event.missing)
            self._turn(f"ask {', '.join(event.missing)}", content)
            self.asked += event.missing
        self._learn(slot for slot in event.missing if slot not in event.unknown)
        self._thoughts += [f"need {slot}" for slot in event.unknown]

    def call(self, event: Called) -> None:
        step = event.step
        arguments, sources = self._arguments(step, step.arguments)
        optional, _ = self._arguments(step, step.optional, aloud=False)
        for attempt in range(event.failures + event.ok):
            if attempt:
                self._thoughts.append(f"error service_unavailable: retry {attempt}")
            call = Call(step.tool, arguments)
            self._turn(f"call {step.tool}", "", call)
            name = step.id if attempt == 0 else f"{step.id}#{attempt + 1}"
            observation = self.environment.call(call)
            self.calls.append(Played(name, step, observation, optional, sources))
            self._check(step, observation, expect_fault=attempt < event.failures)
        if not event.ok:
            self._thoughts.append("error service_unavailable: give up")

    def decide(self, event: Decided) -> None:
        for arm, values, holds in event.tried:
            self._thoughts += [atom.in_words(self.facts) for atom, _ in values]
            if arm.condition is not None and not isinstance(arm.condition.root, Atom):
                self._thoughts.append(f"rule {arm.name}: {'yes' if holds else 'no'}")

    def reply(self, event: Replied) -> None:
        step = event.step
        template = self.rng.choice(step.text[self.voice.locale])
        content = self._worded(step, template)
        missing = [slot for slot in self.asked if slot not in self._told]
        action = f"ask {', '.join(missing)}" if step.ending == "ask" and missing else step.ending.value
        self._turn(action, content)

    def stated(self, step: Reply, values: Mapping[str, Any]) -> dict[str, Any]:
        return {slot: self._resolve(step, value)[0] for slot, value in values.items()}

    def _turn(self, action: str, content: str, *calls: Call) -> None:
        thinking = "\n".join([*self._thoughts, f"next: {action}"])
        self._thoughts.clear()
        self.turns.append(Message("assistant", content, thinking=thinking, calls=calls))

    def _learn(self, slots: Iterable[str]) -> None:
        for slot in slots:
            if slot not in self._told:
                self._told.add(slot)
                self._thoughts.append(f"{slot}: {plain(self._slot_value(slot))}")

    def _slot_value(self, slot: str) -> Any:
        return self.facts[self.sop.slots[slot].fact]

    def _question(self, step: Ask, missing: tuple[str, ...]) -> str:
        locale = self.voice.locale
        phrases = [self.sop.slots[slot].phrase[locale] for slot in missing]
        *first, last = phrases
        joined = f"{', '.join(first)} {_AND[locale]} {last}" if first else last
        return self.voice.expand(self.rng.choice(step.text[locale]), self.rng, {"slots": joined})

    def _arguments(
        self, step: CallStep, written: Mapping[str, Any], *, aloud: bool = True
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        arguments, sources = {}, []
        for name, value in written.items():
            arguments[name], source = self._resolve(step, value)
            if source is not None:
                sources.append(source)
                if aloud:
                    self._copy(value, arguments[name])
        return arguments, tuple(dict.fromkeys(sources))

    def _copy(self, reference: str, value: Any) -> None:
        line = f"{reference.rsplit('.', 1)[-1]}: {plain(value)}"
        if line not in self._thoughts:
            self._thoughts.append(line)

    def _resolve(self, step: CallStep | Reply, written: Any) -> tuple[Any, str | None]:
        """The value of a literal, `$slot` or `$step.field`; and the step, where it is a result's."""
        reference = _REFERENCE.fullmatch(written) if isinstance(written, str) else None
        if reference is None:
            return written, None
        name, fields = reference[1], reference[2].split(".")[1:]
        if not fields and name in self.sop.slots:
            if name not in self._told:
                raise self._wrong(step, f"{written} is used, but on this path the user has not told it")
            return self._slot_value(name), None
        if name in self._errors:
            raise self._wrong(step, f"{written} is used, but {self._errors[name]}")
        value = self._results.get(name)
        for part in fields:
            if not (isinstance(value, dict) and part in value):
                raise self._wrong(step, f"{written} is used, but the result of {name!r} has no {'.'.join(fields)!r}")
            value = value[part]
        return value, name

    def _check(self, step: CallStep, observation: Observation, *, expect_fault: bool) -> None:
        outcome, answer = observation.outcome, read(observation.content)
        if (outcome is Outcome.FAULT) != expect_fault:
            raise self._wrong(step, f"tool {step.tool} answered {observation.content}, which the facts do not script")
        if outcome in (Outcome.INVALID, Outcome.UNKNOWN_TOOL):
            raise self._wrong(step, f"tool {step.tool} rejected the arguments: {answer['message']}")
        if outcome is Outcome.OK:
            self._results[step.id] = answer
        elif outcome is Outcome.TOOL_ERROR:
            self._errors[step.id] = f"tool {step.tool} answered error {answer['error']}"
        elif expect_fault:
            self._errors.setdefault(step.id, f"every attempt of {step.tool} failed")
        if outcome is Outcome.OK:
            self._errors.pop(step.id, None)

    def _worded(self, step: Reply, template: str) -> str:
        bound = {}
        for placeholder in dict.fromkeys(re.findall(r"\{([^{}]*)\}", template)):
            written = step.states.get(placeholder, placeholder if placeholder.startswith("$") else None)
            if written is None:
                continue  # a symbol of the phrase bank
            value, source = self._resolve(step, written)
            if source is not None:
                self._copy(written, value)
            bound[placeholder] = self._spoken(step, placeholder, written, value)
        for name, text in bound.items():
            template = template.replace(f"{{{name}}}", text)
        return self.voice.expand(template, self.rng)

    def _spoken(self, step: Reply, placeholder: str, written: Any, value: Any) -> str:
        slot = self.world.lexicon.slots.get(placeholder)
        if slot is None:
            return fact_text(self._fact_of(written), value, world_currency(self.world.lexicon))
        try:
            return spoken(slot, value, self.voice.locale)
        except ValueError as error:
            raise self._wrong(step, str(error)) from None

    def _fact_of(self, written: str) -> Fact | None:
        """The fact whose value `$slot` or `$step.field` is."""
        name, _, path = written.removeprefix("$").partition(".")
        if not path:
            return self.sop.facts[self.sop.slots[name].fact]
        step = self.sop.steps[name]
        revealed = [self.sop.facts[fact] for fact in step.reveals] if isinstance(step, CallStep) else []
        return next((fact for fact in revealed if fact.field == path.rsplit(".", 1)[-1]), None)

    def _wrong(self, step: CallStep | Reply, what: str) -> SopError:
        return SopError(
            f"{self.sop.path}:{step.line}: the walk of step {step.id!r}: {what}. Correct the facts builder of world "
            f"{self.sop.world!r} or the procedure."
        )
