"""Confidential data as a model meets it: the fields of tools' results that hold it.

A procedure names facts, and a model sees results. Where a fact appears follows from the world: the procedure is walked
with made-up facts, and the fields that hold a fact's value are its names. No solver is asked, so that a walk may fail,
or miss a result; what no walk shows is named by `reveals`, or in the fact's own words.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from samescore.harness.environment import World
from samescore.harness.errors import SopError, WorldError
from samescore.harness.strictjson import same
from samescore.harness.types import Outcome
from samescore.suites.sop.draws import INCIDENTAL
from samescore.suites.sop.faults import world_facts
from samescore.suites.sop.model import CallStep, Fact, FactKind, Sop
from samescore.suites.sop.phrases import PhraseBank, Speaker, load_phrases
from samescore.suites.sop.prose_values import Sources, field_path
from samescore.suites.sop.references import is_reference, split
from samescore.suites.sop.splits import draw_id, draw_pool
from samescore.suites.sop.values import fact_texts
from samescore.suites.sop.walk import Walk, walk


@dataclass(frozen=True)
class Confidential:
    """What one procedure keeps to itself, in one language."""

    sop: Sop
    world: World
    sources: Sources

    def fields(self) -> tuple[str, ...]:
        """Each field once, with its tool."""
        return tuple(dict.fromkeys(field for name in self.sop.confidential for field in self._named(name)))

    def _named(self, name: str) -> Iterator[str]:
        if is_reference(name):
            head, fields = split(name, self.sop.calls)
            step = self.sop.steps[head]
            assert isinstance(step, CallStep)  # the loader demands it
            yield self._of_tool(fields, step.tool)
            return
        fact = self.sop.facts[name]
        found = dict.fromkeys(self._seen(fact)) or dict.fromkeys(self._revealed(fact))
        yield from found or [name.replace(".", " ").replace("_", " ")]

    def _of_tool(self, fields: tuple[str, ...], tool: str) -> str:
        """A field as a result has it; of a list all elements are meant."""
        names = tuple(field for field in fields if not field.isdecimal())
        return self.sources.words.of_tool.format(field=field_path(names), tool=f"`{tool}`")

    def _revealed(self, fact: Fact) -> Iterator[str]:
        for step in self.sop.steps.values():
            if isinstance(step, CallStep) and fact.name in step.reveals:
                yield self._of_tool((fact.field,), step.tool)

    def _seen(self, fact: Fact) -> Iterator[str]:
        """Where the fact's value appears. One that others may equal counts only under its own name."""
        for facts, walked in self._walks:
            for played in walked.calls:
                if played.observation.outcome is not Outcome.OK:
                    continue
                for fields, leaf in _leaves(json.loads(played.observation.content)):
                    own = fact.kind in INCIDENTAL or fact.field in fields
                    if own and leaf is not None and same(leaf, facts[fact.name]):
                        yield self._of_tool(fields, played.call.name)

    @cached_property
    def _walks(self) -> list[tuple[Mapping[str, Any], Walk]]:
        try:
            bank = load_phrases(self.sop)
        except SopError:
            return []
        walks: list[tuple[Mapping[str, Any], Walk]] = []
        for facts in _made_up(self.sop, bank):
            voice = Speaker(bank, self.sources.locale, "train", fact_texts(self.sop, facts, None))
            try:
                placed = world_facts(self.sop, facts, 0)
                walks.append((facts, walk(self.sop, placed, self.world, voice, random.Random(0))))
            except (SopError, WorldError):
                continue  # no such case exists
        return walks


def _leaves(value: Any, fields: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, (*fields, name))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _leaves(part, (*fields, str(at)))
    elif fields:
        yield fields, value


def _made_up(sop: Sop, bank: PhraseBank) -> Iterator[dict[str, Any]]:
    """Facts by which different results are to be seen: of each choice every value, and of the rest one value."""
    base = _first(sop, bank)
    yield base
    for fact in sop.facts.values():
        for value in (*fact.values, *((False, True) if fact.kind is FactKind.BOOL else ())):
            if not same(value, base[fact.name]):
                yield {**base, fact.name: value}


def _first(sop: Sop, bank: PhraseBank) -> dict[str, Any]:
    facts: dict[str, Any] = {f"{told}.{slot}": True for told in ("given", "known") for slot in sop.slots}
    facts |= {f"faults.{step}": 0 for step in sop.calls}
    rng = random.Random(0)
    for fact in sop.facts.values():
        facts[fact.name] = _value(fact, facts, bank, rng)
    return facts


def _value(fact: Fact, facts: Mapping[str, Any], bank: PhraseBank, rng: random.Random) -> Any:
    if fact.pattern is not None:
        return draw_id(fact.pattern, "train", rng, facts.values())
    if fact.pool is not None:
        return draw_pool(bank.pools[fact.pool], "train", rng, facts.values())
    if fact.kind is FactKind.DATE:
        assert fact.low is not None and fact.high is not None  # the loader demands both
        today = date.fromisoformat(facts["today"]).toordinal() if "today" in facts else fact.low
        return date.fromordinal(min(max(today, fact.low), fact.high)).isoformat()
    if fact.kind is FactKind.BOOL:
        return False
    return fact.values[0] if fact.values else fact.low
