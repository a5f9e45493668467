"""`Result`: one conversation, and what a test written by hand may say about it, in words that read like English.

    result.called("issue_refund", order_id="A-10231")
    result.never_called("get_payment_card")
    result.refused().says("final sale")

Each of them raises an AssertionError that tells what happened instead, and gives the result itself otherwise, so that
they can be chained, or stand behind `assert`. A conversation with a malformed turn satisfies none of them: the strict
reading that scores it 0 holds here too. Names that the case does not have are refused, since nothing could ever do
what they say: a mistake in the test, which pytest counts as an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest

from samescore.harness.case import Case
from samescore.harness.cli.failures import call_in_words
from samescore.harness.cli.printable import printable, shortened
from samescore.harness.errors import UnknownName
from samescore.harness.facts import AnswerFact, judge, refuses
from samescore.harness.matching import Matcher, normalised
from samescore.harness.pytest_plugin.shown import conversation
from samescore.harness.pytest_plugin.sources import shown
from samescore.harness.scorer import Context
from samescore.harness.types import Call, Outcome, Score, Trajectory

LONGEST = 200
"""Characters of a reply in the first line of a message; all of it stands in the conversation below."""

_UNMADE = (Outcome.INVALID, Outcome.UNKNOWN_TOOL)
"""What becomes of calls that reach no tool."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the model did in a case. `directory` holds the evidence.

    `scores` are empty where the test changed the case's facts: what is right then, only the test knows.
    """

    case: Case
    trajectory: Trajectory = field(repr=False)
    scores: Mapping[str, Score] = field(repr=False)
    directory: Path = field(repr=False)

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every well-formed call, in order, whatever became of it."""
        return tuple(call for step in self.trajectory.steps for call in step.turn.calls)

    @property
    def reply(self) -> str:
        """The reply to the request; empty where there is none."""
        answer = Context(self.case, self.trajectory).answer
        return "" if answer is None else answer.content

    def __str__(self) -> str:
        return conversation(self.case, self.trajectory)

    def called(self, tool: str, /, **arguments: Any) -> Result:
        """The tool was called with these arguments, whatever else it was given, and the call was a valid one."""
        __tracebackhide__ = True
        self._require_names(tool, arguments)
        made = [seen for step in self.trajectory.steps for seen in step.observations]
        matching = [seen for seen in made if self._is(seen.call, tool, arguments)]
        if not any(seen.outcome not in _UNMADE for seen in matching):
            others = [call_in_words(call) for call in self.calls if call.name == tool]
            found = matching[0].content if matching else ", ".join(others) or f"it called {_listing(self.calls)}"
            self._fail(f"expected the agent to call {_wanted(tool, arguments)}: {shortened(found, LONGEST)}")
        self._well_formed()
        return self

    def never_called(self, tool: str, /, **arguments: Any) -> Result:
        """No call of the tool, with these arguments where some are given, was so much as attempted."""
        __tracebackhide__ = True
        self._require_names(tool, arguments)
        for call in self.calls:
            if self._is(call, tool, arguments):
                self._fail(
                    f"expected the agent never to call {_wanted(tool, arguments)}: it called {call_in_words(call)}"
                )
        self._well_formed()
        return self

    def called_before(self, first: str, then: str, /) -> Result:
        """Both tools were called, the first one in an earlier turn than any call of the second."""
        __tracebackhide__ = True
        self.called(first).called(then)
        turns = [[call.name for call in step.turn.calls] for step in self.trajectory.steps]
        start, end = (next(at for at, names in enumerate(turns, 1) if tool in names) for tool in (first, then))
        if start >= end:
            self._fail(f"expected {first} before {then}: {first} was called in turn {start}, {then} in turn {end}")
        return self

    def refused(self) -> Result:
        """The agent declined the request in its reply."""
        __tracebackhide__ = True
        self._replied("a refusal")
        if not refuses(self.reply, self.case.locale):
            self._fail(f"expected a refusal: the agent said {self._quoted()}")
        return self

    def answered(self) -> Result:
        """The agent replied to the request, and did not decline it."""
        __tracebackhide__ = True
        self._replied("an answer")
        if refuses(self.reply, self.case.locale):
            self._fail(f"expected an answer: the agent refused, it said {self._quoted()}")
        return self

    def asked_for(self, *slots: str) -> Result:
        """The agent asked the user for each of these slots."""
        __tracebackhide__ = True
        known = [name for name, slot in self.case.lexicon.slots.items() if slot.ask]
        for name in slots:
            _require("slot", name, known)
        asked = {slot for step in self.trajectory.steps for slot in step.asked}
        if missing := [name for name in slots if name not in asked]:
            found = ", ".join(sorted(asked)) or "nothing"
            self._fail(f"expected the agent to ask for {', '.join(missing)}: it asked for {found}")
        self._well_formed()
        return self

    def says(self, *texts: str, **facts: str) -> Result:
        """The agent wrote each text to the user, in whatever case and spacing; and its reply states each fact, by slot.

        A fact is stated as `execution` judges it: exactly one value for the slot, not negated, equal to this one.
        """
        __tracebackhide__ = True
        self._require_something("says", texts, facts)
        for text in texts:
            if not any(_within(text, said) for said in self._said()):
                self._fail(f"expected the agent to say “{text}”: it said {self._quoted()}")
        for slot, value in facts.items():
            statement = judge(self.reply, AnswerFact(slot, value), self.case.lexicon, self.case.locale)
            if not statement.stated:
                self._fail(f"expected the reply to state {slot} {value}: {statement.reason}")
        self._well_formed()
        return self

    def never_says(self, *texts: str, **facts: str) -> Result:
        """The agent wrote none of these texts to the user, and nothing that states one of these facts."""
        __tracebackhide__ = True
        self._require_something("never_says", texts, facts)
        for said in self._said():
            for text in texts:
                if _within(text, said):
                    self._fail(f"expected the agent never to say “{text}”: it said “{shortened(said, LONGEST)}”")
            for slot, value in facts.items():
                if judge(said, AnswerFact(slot, value), self.case.lexicon, self.case.locale).stated:
                    self._fail(
                        f"expected the agent never to state {slot} {value}: it said “{shortened(said, LONGEST)}”"
                    )
        self._well_formed()
        return self

    def passed(self) -> Result:
        """Every scorer that applies to the case is satisfied: what its own test in a suite asks for."""
        __tracebackhide__ = True
        if not self.scores:
            raise pytest.UsageError(
                f"{self.case.id}: passed() cannot judge a case whose facts the test changed: what is right in it "
                "only the test knows. Say it: called(...), says(...)."
            )
        wrong = {name: score for name, score in self.scores.items() if score.value != 1.0 and name != "success"}
        if wrong:
            reasons = [printable(f"{name} {score.value:.2f}: {score.reason}") for name, score in wrong.items()]
            self._fail("expected the case to pass: " + "\n  ".join(reasons))
        return self

    def _said(self) -> Iterator[str]:
        """What the user saw, turn by turn."""
        return (step.turn.content for step in self.trajectory.steps if step.turn.content)

    def _is(self, call: Call, tool: str, arguments: Mapping[str, Any]) -> bool:
        return call.name == tool and all(
            name in call.arguments and Matcher(self._kind(tool, name), value).accepts(call.arguments[name])
            for name, value in arguments.items()
        )

    def _kind(self, tool: str, argument: str) -> Any:
        """How an argument is compared: types included, save that a `number` is equal as one."""
        schema = self.case.toolset.by_name[tool].parameters.get("properties", {}).get(argument)
        return "number" if isinstance(schema, Mapping) and schema.get("type") == "number" else "exact"

    def _replied(self, what: str) -> None:
        __tracebackhide__ = True
        self._well_formed()
        if not self.reply:
            self._fail(f"expected {what}: there is no final reply ({self.trajectory.stop.value.replace('_', ' ')})")

    def _well_formed(self) -> None:
        __tracebackhide__ = True
        malformed = Context(self.case, self.trajectory).malformed()
        if malformed is not None:
            self._fail(f"nothing is right in a conversation with a malformed turn: {malformed.reason}")

    def _require_names(self, tool: str, arguments: Mapping[str, Any]) -> None:
        __tracebackhide__ = True
        tools = self.case.toolset.by_name
        _require("tool", tool, list(tools))
        for name in arguments:
            _require(f"argument of {tool}", name, list(tools[tool].parameters.get("properties", {})))

    def _require_something(self, what: str, texts: Sequence[str], facts: Mapping[str, str]) -> None:
        __tracebackhide__ = True
        if not (texts or facts) or not all(text.strip() for text in texts):
            raise pytest.UsageError(
                f"{what}() needs a text, or a fact as slot=value, such as refund_amount='25.00 USD'."
            )
        for slot in facts:
            _require("slot", slot, list(self.case.lexicon.slots))

    def _quoted(self) -> str:
        said = self.reply or next(reversed(list(self._said())), "")
        return f"“{shortened(said, LONGEST)}”" if said else "nothing to the user"

    def _fail(self, why: str) -> NoReturn:
        __tracebackhide__ = True
        heading = f"{printable(self.case.id)} ({self.case.locale})"
        raise AssertionError(f"{why}\n\n{heading}\n{self}\n\nevidence: {shown(self.directory)}")


def _within(text: str, said: str) -> bool:
    return normalised(text) in normalised(said)


def _wanted(tool: str, arguments: Mapping[str, Any]) -> str:
    return call_in_words(Call(tool, arguments)) if arguments else tool


def _listing(calls: Sequence[Call]) -> str:
    return ", ".join(map(call_in_words, calls)) or "nothing"


def _require(kind: str, name: str, known: list[str]) -> None:
    """Refuse a name that nothing answers to: an assertion about it could never fail, or never hold.

    Raises:
        UsageError: of pytest's.
    """
    __tracebackhide__ = True
    if name not in known:
        raise pytest.UsageError(str(UnknownName(kind, name, known)))
