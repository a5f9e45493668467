"""What is asked and what is right: `Case` and its `Expectation`, and their JSON for lock files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from samescore.harness.facts import AnswerFact, asked_slots
from samescore.harness.fingerprint import fingerprint
from samescore.harness.lexicon import Lexicon, Locale
from samescore.harness.matching import Matcher, exact
from samescore.harness.style import StyleGuide
from samescore.harness.tools import Toolset
from samescore.harness.types import NO_DATA, Call, Change, Effect, Message, Outcome
from samescore.harness.view import View

Split: TypeAlias = Literal["train", "dev", "eval"]
Matching: TypeAlias = Literal["strict", "bfcl"]


class Ending(StrEnum):
    """How the conversation must end."""

    ANSWER = "answer"  # the request was dealt with
    REFUSE = "refuse"  # the request was declined
    ASK = "ask"  # nothing could be done without what the user did not give


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """A call that must happen. `after` names the expected calls that must come in an earlier turn.

    Arguments not listed must be absent, except those in `optional`, which may be given and must then match.
    """

    id: str
    name: str
    arguments: Mapping[str, Matcher]
    optional: Mapping[str, Matcher] = field(default_factory=lambda: NO_DATA)
    after: tuple[str, ...] = ()
    outcome: Outcome = Outcome.OK

    def accepts(self, call: Call) -> bool:
        """Whether `call` is this one: its name, every argument, and no other."""
        known = {**self.optional, **self.arguments}
        return (
            call.name == self.name
            and self.arguments.keys() <= call.arguments.keys() <= known.keys()
            and all(known[name].accepts(value) for name, value in call.arguments.items())
        )


@dataclass(frozen=True, slots=True)
class CallPattern:
    """Calls that may, or must not, happen: by name, and by those arguments that are listed."""

    name: str
    arguments: Mapping[str, Matcher] = field(default_factory=lambda: NO_DATA)

    def matches(self, call: Call) -> bool:
        """Whether `call` is one of these."""
        if call.name != self.name:
            return False
        return not self.arguments or all(
            name in call.arguments and matcher.accepts(call.arguments[name]) for name, matcher in self.arguments.items()
        )


@dataclass(frozen=True, slots=True)
class Guard:
    """The SOP demands that expected call `check` succeeded in an earlier turn than expected call `action`."""

    check: str
    action: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is right for a case. Every field is data; scorers decide by it alone whether they apply.

    `changes` and `effects` are those of the end against the start; None where a case has no world to compare.
    `confidential` are values that no word to the user may contain; `terms` the house words of the final reply.
    `matching` says by whose rules calls are judged: `bfcl` are those of that benchmark's own checker, which looks at no
    schema and no form. `style` is the house's guide for every word to the user.
    """

    calls: tuple[ExpectedCall, ...] = ()
    reads: tuple[CallPattern, ...] = ()
    forbidden: tuple[CallPattern, ...] = ()
    guards: tuple[Guard, ...] = ()
    changes: tuple[Change, ...] | None = None
    effects: tuple[Effect, ...] | None = None
    facts: tuple[AnswerFact, ...] = ()
    unwanted: tuple[AnswerFact, ...] = ()
    confidential: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    ending: Ending | None = None
    thinking: bool = False
    matching: Matching = "strict"
    style: StyleGuide | None = None


@dataclass(frozen=True, slots=True)
class UserScript:
    """What the scripted user can tell: for each slot the sentence that reveals it, or None when they do not know.

    `unknown` is what they say for a slot they do not know, `confused` for what they do not understand. `follow_ups` are
    what they say, one after another, to turns that ask for nothing, before they take one as the last.
    """

    slots: Mapping[str, str | None]
    unknown: str
    confused: str
    follow_ups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation to be had, and what is right in it.

    `facts` set up the world (clock, ids and scripted faults included). `gold` are the assistant's turns,
    which the oracle plays and SFT learns. `cluster` is the SOP branch, the name of a suite that has none.
    `labels` say what the case covers.
    `prefix` is the number of gold turns already played before the model speaks; `decision` cases end after
    the one turn that follows. `toolset` are the tools as they are presented here: the world's, or those of `view`.
    """

    id: str
    suite: str
    cluster: str
    split: Split
    locale: Locale
    world: str
    system: str
    opening: str
    facts: Mapping[str, Any]
    user: UserScript
    gold: tuple[Message, ...]
    expectation: Expectation
    toolset: Toolset
    lexicon: Lexicon
    labels: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)
    prefix: int = 0
    decision: bool = False
    view: View | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation before the first assistant turn."""
        opening = Message("user", self.opening)
        return (Message("system", self.system), opening) if self.system else (opening,)

    def at(self, k: int) -> Case:
        """The same case as one decision: after `k` gold turns, the next turn alone is asked for, and expected."""
        if not 0 <= k < len(self.gold):
            raise ValueError(f"case {self.id} has {len(self.gold)} gold turns; at({k}) asks for none of them")
        turn, last = self.gold[k], k == len(self.gold) - 1
        asked = () if turn.calls or last else asked_slots(turn.content, self.lexicon, self.locale)
        final = last or not (turn.calls or asked)  # a user with follow-ups goes on after a final reply
        expectation = replace(
            self.expectation,
            calls=tuple(replace(call, after=()) for call in self._expected_of(k)),
            guards=(),
            changes=None,
            effects=None,
            facts=self.expectation.facts if final else (),
            unwanted=self.expectation.unwanted if final else (),
            terms=self.expectation.terms if final else (),
            asks=asked,
            ending=None if turn.calls else self.expectation.ending if final else Ending.ASK,
        )
        return replace(self, id=f"{self.id}@{k}", prefix=k, decision=True, expectation=expectation)

    def _expected_of(self, k: int) -> Iterator[ExpectedCall]:
        """The expected calls that the gold turn's calls are. A read that the case merely allows is right here."""
        left = list(self.expectation.calls)
        for number, turn in enumerate(self.gold[: k + 1]):
            for place, made in enumerate(turn.calls):
                found = next((one for one in left if one.accepts(made)), None)
                if found is not None:
                    left.remove(found)
                elif number == k:
                    given = {name: exact(value) for name, value in made.arguments.items()}
                    found = ExpectedCall(f"gold_{number}_{place}", made.name, given)
                if number == k and found is not None:
                    yield found

    def to_json(self) -> dict[str, Any]:
        """Everything but the toolset and the lexicon, which belong to the world."""
        expectation = self.expectation
        return {
            "id": self.id,
            "suite": self.suite,
            "cluster": self.cluster,
            "split": self.split,
            "locale": self.locale,
            "world": self.world,
            "system": self.system,
            "opening": self.opening,
            "facts": dict(self.facts),
            "user": {
                "slots": dict(self.user.slots),
                "unknown": self.user.unknown,
                "confused": self.user.confused,
                # Left out where there are none, here and below: cases without them read and hash as they always did.
                **({"follow_ups": list(self.user.follow_ups)} if self.user.follow_ups else {}),
            },
            "gold": [
                {
                    "thinking": turn.thinking,
                    "content": turn.content,
                    "calls": [{"name": call.name, "arguments": dict(call.arguments)} for call in turn.calls],
                }
                for turn in self.gold
            ],
            "expectation": _expectation_json(expectation),
            "labels": dict(self.labels),
            **({"view": self.view.to_json()} if self.view is not None else {}),
            **({"prefix": self.prefix, "decision": self.decision} if self.prefix or self.decision else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], toolset: Toolset, lexicon: Lexicon) -> Case:
        """Read what `to_json` wrote; `toolset` is the world's. A missing field is a KeyError: files are checksummed."""
        user = data["user"]
        view = View.from_json(data["view"]) if "view" in data else None
        return cls(
            id=data["id"],
            suite=data["suite"],
            cluster=data["cluster"],
            split=data["split"],
            locale=data["locale"],
            world=data["world"],
            system=data["system"],
            opening=data["opening"],
            facts=data["facts"],
            user=UserScript(user["slots"], user["unknown"], user["confused"], tuple(user.get("follow_ups", ()))),
            gold=tuple(
                Message(
                    "assistant",
                    turn["content"],
                    thinking=turn["thinking"],
                    calls=tuple(Call(call["name"], call["arguments"]) for call in turn["calls"]),
                )
                for turn in data["gold"]
            ),
            expectation=_expectation_from(data["expectation"]),
            toolset=toolset if view is None else view.show(toolset).toolset,
            lexicon=lexicon,
            labels=data["labels"],
            view=view,
            prefix=data.get("prefix", 0),
            decision=data.get("decision", False),
        )

    def fingerprint(self) -> str:
        """Changes when anything about the case changes that may move a result."""
        return fingerprint(
            {
                "case": self.to_json(),
                "toolset": self.toolset.fingerprint,
                "lexicon": self.lexicon.fingerprint,
                "decision": [self.prefix, self.decision],
            }
        )


def _matchers_json(matchers: Mapping[str, Matcher]) -> dict[str, Any]:
    return {name: matcher.to_json() for name, matcher in matchers.items()}


def _matchers_from(data: Mapping[str, Any]) -> dict[str, Matcher]:
    return {name: Matcher.from_json(value) for name, value in data.items()}


def _patterns_json(patterns: tuple[CallPattern, ...]) -> list[dict[str, Any]]:
    return [{"name": p.name, "arguments": _matchers_json(p.arguments)} for p in patterns]


def _patterns_from(data: list[dict[str, Any]]) -> tuple[CallPattern, ...]:
    return tuple(CallPattern(p["name"], _matchers_from(p["arguments"])) for p in data)


def _facts_json(facts: tuple[AnswerFact, ...]) -> list[list[str]]:
    return [[fact.slot, fact.value] for fact in facts]


def _facts_from(data: list[list[str]]) -> tuple[AnswerFact, ...]:
    return tuple(AnswerFact(slot, value) for slot, value in data)


def _expectation_json(e: Expectation) -> dict[str, Any]:
    return {
        "calls": [
            {
                "id": call.id,
                "name": call.name,
                "arguments": _matchers_json(call.arguments),
                "optional": _matchers_json(call.optional),
                "after": list(call.after),
                "outcome": call.outcome.value,
            }
            for call in e.calls
        ],
        "reads": _patterns_json(e.reads),
        "forbidden": _patterns_json(e.forbidden),
        "guards": [[guard.check, guard.action] for guard in e.guards],
        "changes": None if e.changes is None else [change_json(change) for change in e.changes],
        "effects": None if e.effects is None else [effect_json(effect) for effect in e.effects],
        "facts": _facts_json(e.facts),
        "unwanted": _facts_json(e.unwanted),
        **({"confidential": list(e.confidential)} if e.confidential else {}),
        **({"terms": list(e.terms)} if e.terms else {}),
        "asks": list(e.asks),
        "ending": e.ending,
        "thinking": e.thinking,
        **({"matching": e.matching} if e.matching != "strict" else {}),
        **({"style": e.style.to_json()} if e.style is not None else {}),
    }


def _expectation_from(data: Mapping[str, Any]) -> Expectation:
    changes, effects, ending = data["changes"], data["effects"], data["ending"]
    return Expectation(
        calls=tuple(
            ExpectedCall(
                call["id"],
                call["name"],
                _matchers_from(call["arguments"]),
                _matchers_from(call["optional"]),
                tuple(call["after"]),
                Outcome(call["outcome"]),
            )
            for call in data["calls"]
        ),
        reads=_patterns_from(data["reads"]),
        forbidden=_patterns_from(data["forbidden"]),
        guards=tuple(Guard(check, action) for check, action in data["guards"]),
        changes=None if changes is None else tuple(change_from(change) for change in changes),
        effects=None if effects is None else tuple(effect_from(effect) for effect in effects),
        facts=_facts_from(data["facts"]),
        unwanted=_facts_from(data["unwanted"]),
        confidential=tuple(data.get("confidential", ())),
        terms=tuple(data.get("terms", ())),
        asks=tuple(data["asks"]),
        ending=None if ending is None else Ending(ending),
        thinking=data["thinking"],
        matching=data.get("matching", "strict"),
        style=StyleGuide.from_json(data["style"]) if "style" in data else None,
    )


def change_json(change: Change) -> dict[str, Any]:
    """A state difference as JSON."""
    return {
        "table": change.table,
        "key": change.key,
        "before": None if change.before is None else dict(change.before),
        "after": None if change.after is None else dict(change.after),
    }


def change_from(data: Mapping[str, Any]) -> Change:
    """Read what `change_json` wrote."""
    return Change(data["table"], data["key"], data["before"], data["after"])


def effect_json(effect: Effect) -> dict[str, Any]:
    """An effect as JSON."""
    return {"name": effect.name, "data": dict(effect.data)}


def effect_from(data: Mapping[str, Any]) -> Effect:
    """Read what `effect_json` wrote."""
    return Effect(data["name"], data["data"])
