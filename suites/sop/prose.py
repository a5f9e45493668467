"""An SOP as numbered prose, in either language: what a model reads that has the procedure in its prompt.

Names of tools, arguments, fields and values stand as the tools use them; everything else is words. The text follows
from the procedure and its world alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from samescore.harness.case import Case
from samescore.harness.environment import TRANSIENT, World
from samescore.harness.lexicon import FactType, Locale, SlotWords
from samescore.suites.sop.model import Ask, CallStep, Decide, FactKind, Reply, Sop, SopStep
from samescore.suites.sop.prose_conditions import Conditions
from samescore.suites.sop.prose_confidential import Confidential
from samescore.suites.sop.prose_style import style_prose
from samescore.suites.sop.prose_values import Sources, code
from samescore.suites.sop.prose_words import WORDS, ProseWords
from samescore.suites.sop.references import SIGN, field_of, is_reference
from samescore.suites.sop.values import spoken

_PLACE = re.compile(r"\{([^{}]+)\}")
_ARTICLE = re.compile(r"^(?:your|the|an?) ")


def prose(sop: Sop, world: World, locale: Locale) -> str:
    """The procedure as text: purpose, numbered steps, and what holds throughout."""
    return "\n".join(_Writer(sop, world, locale).lines())


def in_prompt(cases: Sequence[Case], sop: Sop, world: World) -> tuple[Case, ...]:
    """The cases with the procedure at the end of their system messages, and the house's style guide if they have one.

    No thinking is required of them: it is how a model shows the procedure that it was trained on, and APIs hide it.
    """
    told = {locale: prose(sop, world, locale) for locale in {case.locale for case in cases}}
    return tuple(
        replace(
            case,
            system="\n\n".join([case.system, told[case.locale], *_style(case)]),
            expectation=replace(case.expectation, thinking=False),
        )
        for case in cases
    )


def _style(case: Case) -> list[str]:
    guide = case.expectation.style
    return [text] if guide is not None and (text := style_prose(guide, case.locale)) else []


@dataclass(frozen=True)
class _Writer:
    """Writes one procedure in one language."""

    sop: Sop
    world: World
    locale: Locale

    @property
    def words(self) -> ProseWords:
        """The language's sentences."""
        return WORDS[self.locale]

    @cached_property
    def items(self) -> list[list[SopStep]]:
        """The steps under their numbers: calls of one turn share one, and so do a hand-over's call and reply."""
        items: list[list[SopStep]] = []
        for step in self.sop.steps.values():
            before = items[-1][-1] if items else None
            joined = isinstance(step, CallStep) and step.beside
            handed = isinstance(step, Reply) and before is not None and step.id == f"{before.id}.reply"
            if joined or handed:
                items[-1].append(step)
            else:
                items.append([step])
        return items

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Step id -> the number it stands under."""
        return {step.id: number for number, item in enumerate(self.items, 1) for step in item}

    @cached_property
    def sources(self) -> Sources:
        """Where values come from."""
        return Sources(self.sop, self.locale, self.numbers)

    def lines(self) -> Iterator[str]:
        """The whole text."""
        words = self.words
        yield f"# {words.heading.format(title=self.sop.title[self.locale])}"
        yield ""
        yield self.sop.purpose[self.locale].strip()
        yield ""
        yield words.how
        yield ""
        for number, item in enumerate(self.items, 1):
            first, *rest = self._item(item)
            yield f"{number}. {first}"
            indent = " " * len(f"{number}. ")
            yield from (f"{indent}{line}" for line in rest)
        if throughout := list(self._throughout()):
            yield ""
            yield words.throughout
            yield from (f"- {line}" for line in throughout)

    def _item(self, item: list[SopStep]) -> Iterator[str]:
        match item:
            case [Ask() as ask]:
                yield self._ask(ask)
            case [Decide() as decide]:
                yield from self._decide(decide)
            case [Reply() as reply]:
                yield from self._reply(reply)
            case [CallStep() as call, Reply() as reply]:
                yield self._call(call)
                yield from self._reply(reply)
            case [CallStep() as call]:
                yield self._call(call) + self._then(call.id, call.next)
            case calls:
                yield self.words.together
                for step in calls:
                    assert isinstance(step, CallStep)
                    yield f"- {self._call(step)}"
                last = calls[-1]
                assert isinstance(last, CallStep)
                if then := self._then(last.id, last.next).strip():
                    yield then

    def _ask(self, step: Ask) -> str:
        asked = self.words.list(self._slot(name) for name in step.slots)
        parts = [self.words.ask.format(slots=asked)]
        if step.unknown is not None:
            parts.append(self.words.unknown.format(step=self.numbers[step.unknown]))
        return " ".join(parts) + self._then(step.id, step.next)

    def _slot(self, name: str) -> str:
        slot = self.sop.slots[name]
        fact = self.sop.facts[slot.fact]
        phrase = slot.phrase[self.locale]
        if fact.kind is FactKind.ENUM:
            values = self.words.either(code(value) for value in fact.values)
            return self.words.slot_of_values.format(name=code(name), phrase=phrase, values=values)
        return self.words.slot.format(name=code(name), phrase=phrase)

    def _call(self, step: CallStep) -> str:
        words, sources = self.words, self.sources
        parts = [words.call.format(tool=code(step.tool), arguments=self._arguments(step.arguments))]
        if step.optional:
            parts.append(words.optional.format(arguments=sources.named(step.optional)))
        if step.retry is not None:
            fault = self.world.faults.get(step.tool, TRANSIENT)
            parts.append(self._retried(step, step.retry, code(fault.code)))
        return " ".join(parts)

    def _arguments(self, arguments: Mapping[str, object]) -> str:
        return self.words.with_arguments.format(arguments=self.sources.named(arguments)) if arguments else ""

    def _retried(self, step: CallStep, times: int, error: str) -> str:
        words = self.words
        parts = []
        if times:
            parts.append(words.retry.format(error=error, times=words.times(times)))
            if step.wait is not None:
                arguments = self._arguments(step.wait.arguments)
                parts.append(words.wait.format(tool=code(step.wait.tool), arguments=arguments))
        if step.on_fault is not None:
            sentence = words.exhausted if times else words.failed
            parts.append(sentence.format(error=error, step=self.numbers[step.on_fault]))
        return " ".join(parts)

    def _decide(self, step: Decide) -> Iterator[str]:
        yield self.words.decide
        conditions = Conditions(self.sources, self.world)
        for arm in step.arms:
            goal = self.numbers[arm.then]
            if arm.condition is None:
                yield f"- {self.words.otherwise.format(step=goal)}"
            else:
                yield f"- {self.words.arm.format(condition=conditions.words(arm.condition.root), step=goal)}"

    def _reply(self, step: Reply) -> Iterator[str]:
        words = self.words
        yield words.endings[step.ending]
        if step.states:
            yield words.states.format(
                facts=words.list(
                    words.stated.format(slot=self._label(name), value=self._stated(name, value))
                    for name, value in step.states.items()
                )
            )
        if step.unwanted:
            yield words.unwanted.format(slots=words.list(self._label(name) for name in step.unwanted))
        if step.terms:
            yield words.terms.format(terms=words.list(f"“{term}”" for term in step.terms))
        yield words.example.format(text=self._example(step))

    def _example(self, step: Reply) -> str:
        """The first text of a reply, with what the procedure fixes; any other place is named in square brackets."""

        def place(found: re.Match[str]) -> str:
            name = found.group(1)
            if is_reference(name):
                # A slot's name has no dot; a field of a result may be called like a slot, and be something else.
                told = name.removeprefix(SIGN)
                return f"[{self._label(told) if told in self.sop.slots else _spaced(field_of(name))}]"
            value = step.states.get(name)
            fixed = value is not None and not is_reference(value)
            return self._stated(name, value) if fixed else f"[{self._label(name)}]"

        return _PLACE.sub(place, step.text[self.locale][0])

    def _stated(self, name: str, value: object) -> str:
        """What a reply says for a slot: a choice that the procedure fixes, in words; else where the value is."""
        slot = self.world.lexicon.slots.get(name)
        choice = slot is not None and slot.type is FactType.CHOICE
        if slot is not None and choice and not is_reference(value):
            return spoken(slot, value, self.locale)
        return self.sources.value(value) + (self.words.in_words if choice else "")

    def _label(self, name: str) -> str:
        slot = self.world.lexicon.slots.get(name)
        return _spaced(name) if slot is None else slot_label(slot, self.locale)

    def _then(self, id: str, following: str) -> str:
        here, goal = self.numbers[id], self.numbers[following]
        return "" if goal == here + 1 else f" {self.words.then.format(step=goal)}"

    def _throughout(self) -> Iterator[str]:
        words = self.words
        if self.sop.never:
            yield words.never.format(tools=words.list(map(code, self.sop.never)))
        if self.sop.may:
            yield words.may.format(tools=words.list(map(code, self.sop.may)))
        if fields := Confidential(self.sop, self.world, self.sources).fields():
            yield words.confidential.format(fields=words.list(fields))
        yield words.only


def slot_label(slot: SlotWords, locale: Locale) -> str:
    """What a slot is called in prose: the first phrase that asks for it, without article, or the words of its name."""
    phrases = slot.ask.get(locale, ())
    return _ARTICLE.sub("", phrases[0]) if phrases else _spaced(slot.name)


def _spaced(name: str) -> str:
    return name.replace("_", " ")
