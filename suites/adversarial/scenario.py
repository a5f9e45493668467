"""`Scenario`: an SOP case taken apart, so that it can be made harder; `derive` puts a case together again.

What is right is never written down by an operator: the procedure is walked again for the scenario's facts, in its
world, and the gold turns and the expectation are read off that walk, as for any case. Only how tools are presented,
what the user says and what a failure looks like may differ beside the facts.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from samescore.harness.case import Case, Expectation
from samescore.harness.environment import World
from samescore.harness.errors import SopError, WorldError
from samescore.harness.fingerprint import seed_of
from samescore.harness.lexicon import Locale
from samescore.harness.rollout import DEFAULT_LIMITS
from samescore.harness.types import NO_DATA, Message
from samescore.harness.view import View
from samescore.suites.adversarial.presented import presented
from samescore.suites.adversarial.stages import declined, repeated
from samescore.suites.sop.expect import expectation
from samescore.suites.sop.expression import evaluate
from samescore.suites.sop.faults import unplayable, world_facts
from samescore.suites.sop.model import Sop
from samescore.suites.sop.phrases import PhraseBank, Speaker, give_symbol, load_phrases
from samescore.suites.sop.trace import Called, Trace, trace
from samescore.suites.sop.utterances import details_of, script_of, voice_of
from samescore.suites.sop.values import fact_texts, world_currency
from samescore.suites.sop.walk import Walk, walk

_OURS = ("id_seed", "faults", "failures", "also")
"""Facts of a case that are the harness's own, beside `today`, which is the procedure's too."""


@dataclass(frozen=True, slots=True, repr=False)
class Scenario:
    """One case of a procedure, in parts.

    `facts` are the procedure's, as far as it speaks of them; `opening` the user's first message without the world's
    stamp, `slots` the sentences by which the user tells what is asked for, `follow_ups` what they say after the final
    reply. `failures` say how scripted faults look, `view` how tools are presented, `given` the values of the arguments
    that the view adds, by tool. `refusal` is the reply to a request that the procedure is not about. `beside` is a
    second request in the same message, taken from `others`, cases of the same procedure; `also` are the facts of what
    else there is in the world. `applied` names the operators so far. `worded` is the opening as the phrase bank last
    gave it, with the answers.
    """

    base: Case
    sop: Sop
    world: World
    bank: PhraseBank
    facts: Mapping[str, Any]
    opening: str
    slots: Mapping[str, str | None]
    follow_ups: tuple[str, ...] = ()
    failures: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: NO_DATA)
    view: View = field(default_factory=View)
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: NO_DATA)
    refusal: str | None = None
    beside: Scenario | None = None
    also: tuple[Mapping[str, Any], ...] = ()
    others: tuple[Case, ...] = ()
    applied: tuple[str, ...] = ()
    worded: tuple[str, Mapping[str, str | None]] | None = None

    def __repr__(self) -> str:
        """By names: a search prints what it finds."""
        return f"Scenario({'+'.join([self.base.id, *self.applied])})"

    @property
    def locale(self) -> Locale:
        """The user's language, in which the agent must reply."""
        return self.base.locale

    @property
    def trace(self) -> Trace:
        """The way that the facts take through the procedure."""
        return trace(self.sop, self.facts)

    @property
    def called(self) -> tuple[Called, ...]:
        """The calls that the agent must make, in order, those of a second request last; none where it must refuse."""
        if self.refusal is not None:
            return ()
        events = (*self.trace.events, *(self.beside.trace.events if self.beside else ()))
        calls = (event for event in events if isinstance(event, Called))
        return tuple(event for event in calls if event.step.tool not in self.view.removed)

    @property
    def tools(self) -> dict[str, tuple[str, ...]]:
        """The tools that the agent must call, with the parameters that it must give, by the world's names."""
        given: dict[str, dict[str, None]] = {}
        for event in self.called:
            step = event.step
            given.setdefault(step.tool, {}).update(dict.fromkeys(step.arguments))
            if step.wait is not None and event.failures + event.ok > 1:
                given.setdefault(step.wait.tool, {}).update(dict.fromkeys(step.wait.arguments))
        return {tool: tuple(parameters) for tool, parameters in given.items()}

    @property
    def as_worded(self) -> bool:
        """Whether the user still says what the phrase bank gave, so that it can be worded anew and nothing is lost."""
        return self.worded == (self.opening, self.slots)

    @property
    def values(self) -> tuple[str, ...]:
        """The facts that the user may speak of, as they are written in a text: what noise must leave readable."""
        currency, beside = world_currency(self.world.lexicon), self.beside.values if self.beside else ()
        texts = [text for facts in (self.facts, *self.also) for text in fact_texts(self.sop, facts, currency).values()]
        return tuple(dict.fromkeys(filter(None, (*texts, *beside))))

    def voice(self, locale: Locale | None = None) -> Speaker:
        """Who says the user's sentences, in the user's language or another."""
        return voice_of(self.sop, self.world, self.bank, locale or self.locale, self.base.split, self.facts)

    def admits(self, facts: Mapping[str, Any]) -> bool:
        """Whether the procedure can be followed under these facts: rules hold, and the world can play the faults."""
        if not all(evaluate(rule, facts) for rule in self.sop.rules):
            return False
        return unplayable(trace(self.sop, facts)) is None

    def telling(self, slot: str, rng: random.Random, facts: Mapping[str, Any] | None = None) -> str:
        """A sentence by which the user tells a slot, under these or other facts."""
        told = self if facts is None else replace(self, facts=facts)
        voice = told.voice()
        return voice.say(give_symbol(self.sop, self.bank, self.locale, slot, voice.facts), drawing(rng))

    def reopened(
        self, rng: random.Random, facts: Mapping[str, Any] | None = None, more: Sequence[str] = ()
    ) -> Scenario:
        """The same with another wording of the opening and of all answers, under these or other facts.

        `more` are sentences that stand in the opening beside those that tell the given slots.
        """
        told = self if facts is None else replace(self, facts=facts)
        voice, wording = told.voice(), drawing(rng)
        opening = voice.say("opening", wording, details_of(self.sop, voice, told.facts), more)
        slots = script_of(self.sop, voice, told.facts, wording).slots
        return replace(told, opening=opening, slots=slots, worded=None if more else (opening, slots))

    def rewritten(self, change: Callable[[str], str]) -> Scenario:
        """The same with `change` applied to every text of the user: opening, answers and follow-ups."""
        return replace(
            self,
            opening=change(self.opening),
            slots={name: None if text is None else change(text) for name, text in self.slots.items()},
            follow_ups=tuple(map(change, self.follow_ups)),
        )


def drawing(rng: random.Random) -> random.Random:
    """A generator for draws that are repeated until one is ours: that of a search may draw the same for ever."""
    return random.Random(rng.randrange(1000))


def scenario_of(
    case: Case, sop: Sop, world: World, bank: PhraseBank | None = None, others: Sequence[Case] = ()
) -> Scenario:
    """A case of a procedure taken apart; `others` are cases from which a second request may be taken."""
    stamp = world.stamp.replace("{today}", case.facts["today"])
    opening = case.opening.removeprefix(stamp)
    return Scenario(
        base=case,
        sop=sop,
        world=world,
        bank=bank or load_phrases(sop),
        facts={name: value for name, value in case.facts.items() if name not in _OURS},
        opening=opening,
        slots=case.user.slots,
        others=tuple(others),
        worded=(opening, case.user.slots),
    )


def derive(scenario: Scenario) -> Case:
    """The case of a scenario, with what is right in it.

    Raises:
        SopError: the procedure cannot be carried out under the scenario's facts.
        WorldError: the world cannot be built from them.
    """
    base, sop, world = scenario.base, scenario.sop, scenario.world
    facts = placed(scenario)
    gold, expected = _right(scenario, facts)
    shown = scenario.view.show(world.toolset)
    gold, expected = presented(gold, expected, shown, scenario.given)
    script = replace(base.user, slots=scenario.slots, follow_ups=scenario.follow_ups)
    return replace(
        base,
        id="+".join([base.id, *scenario.applied]),
        suite=f"adversarial/{sop.name}",
        opening=world.stamp.replace("{today}", facts["today"]) + scenario.opening,
        facts=facts,
        user=script,
        gold=gold,
        expectation=replace(expected, style=base.expectation.style),  # it is the suite's, not the procedure's
        toolset=shown.toolset,
        view=scenario.view if scenario.view.to_json() else None,
        labels={
            **base.labels,
            "operators": list(scenario.applied),
            "base": base.id,
            "branch": scenario.trace.branch,
            "path": scenario.trace.path,
        },
    )


def derived(scenario: Scenario) -> Case | None:
    """The case of a scenario; None where its world or its procedure has none for these facts, or it goes on for longer
    than a rollout may."""
    try:
        case = derive(scenario)
    except (SopError, WorldError):
        return None
    calls = sum(len(turn.calls) for turn in case.gold)
    fits = len(case.gold) <= DEFAULT_LIMITS.turns and calls <= DEFAULT_LIMITS.calls
    return case if fits else None


def placed(scenario: Scenario) -> dict[str, Any]:
    """The facts of the case, those of the harness included."""
    facts = world_facts(scenario.sop, scenario.facts, scenario.base.facts["id_seed"])
    if scenario.failures:
        facts["failures"] = {tool: dict(failure) for tool, failure in scenario.failures.items()}
    also = [dict(other) for other in scenario.also]
    if scenario.beside is not None:
        also.append(placed(scenario.beside))
    return {**facts, "also": also} if also else facts


def walked(scenario: Scenario, facts: Mapping[str, Any]) -> Walk:
    """The procedure carried out for a scenario, in a world of these facts."""
    rng = random.Random(seed_of("adversarial", scenario.base.id))
    return walk(scenario.sop, facts, scenario.world, scenario.voice(), rng)


def _right(scenario: Scenario, facts: Mapping[str, Any]) -> tuple[tuple[Message, ...], Expectation]:
    """Gold turns and expectation, by the world's names of everything."""
    followed = walked(scenario, facts)
    gold, expected = followed.turns, expectation(scenario.sop, followed, scenario.world)
    if scenario.refusal is not None:
        gold, expected = declined(scenario.refusal, expected, scenario.world, scenario.sop)
    elif scenario.beside is not None:
        from samescore.suites.adversarial.together import together

        gold, expected = together(scenario, facts, gold, expected)
    return repeated(gold, expected, len(scenario.follow_ups), scenario.world.toolset)


def operators_of(cases: Iterable[Case]) -> tuple[str, ...]:
    """The operators that made these cases, each once, in order."""
    return tuple(dict.fromkeys("+".join(case.labels.get("operators", ())) for case in cases))
