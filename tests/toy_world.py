"""A world of three tools, some cases in it, and a command that evaluates them slowly, to be killed by tests.

python toy_world.py RUN_DIRECTORY [--cases N] [--delay SECONDS]
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from samescore.harness.case import (
    CallPattern,
    Case,
    Ending,
    Expectation,
    ExpectedCall,
    UserScript,
)
from samescore.harness.dialects import Dialect
from samescore.harness.environment import Environment, Facts, ToolError, World, tool
from samescore.harness.errors import PolicyError
from samescore.harness.facts import AnswerFact
from samescore.harness.lexicon import LOCALES, FactType, Lexicon, Locale, SlotWords
from samescore.harness.matching import exact
from samescore.harness.plan import Plan
from samescore.harness.policies.script import ScriptConversation, ScriptPolicy, oracle
from samescore.harness.policy import Sampling
from samescore.harness.records import VOLATILE, Record, record_json
from samescore.harness.run import Run
from samescore.harness.types import Call, Change, Completion, Effect, Message
from samescore.suites.suite import Suite

BookId = Annotated[str, Field(pattern=r"^B-[0-9]{4}$")]


@tool()
def get_loan(env: Environment, book_id: BookId) -> dict[str, Any]:
    """Look up a loan.

    Args:
        book_id: The book's number.
    """
    row = env.one("SELECT * FROM loans WHERE book_id = ?", book_id)
    if row is None:
        raise ToolError("not_found", f"There is no loan of {book_id}.")
    return row


@tool(effect=True)
def waive_fee(env: Environment, book_id: BookId, amount: int) -> dict[str, Any]:
    """Waive a late fee.

    Args:
        book_id: The book's number.
        amount: The fee in US dollars.
    """
    waiver_id = env.new_id("WV")
    env.write("UPDATE loans SET fee = fee - ? WHERE book_id = ?", amount, book_id)
    env.effect("waiver", waiver_id=waiver_id, book_id=book_id, amount=amount)
    return {"waiver_id": waiver_id, "amount": amount}


@tool(effect=True)
def close_account(env: Environment, book_id: BookId) -> dict[str, Any]:
    """Close the reader's account.

    Args:
        book_id: A book of theirs.
    """
    env.write("DELETE FROM loans WHERE book_id = ?", book_id)
    env.effect("closed", book_id=book_id)
    return {"closed": True}


def build(env: Environment, facts: Facts) -> None:
    """One loan, if the facts have one."""
    if facts["fee"] is not None:
        env.write("INSERT INTO loans VALUES (?, ?, ?)", facts["book_id"], facts["fee"], facts["days_late"])


LEXICON = Lexicon(
    version=1,
    slots={
        "book_id": SlotWords(
            "book_id",
            FactType.ID,
            ask={"en": ("book number",), "vi": ("mã sách",)},
            role={"en": ("book",), "vi": ("sách",)},
            pattern="B-[0-9]{4}",
        ),
        "waived": SlotWords(
            "waived",
            FactType.MONEY,
            role={"en": ("waived",), "vi": ("miễn",)},
            currency="USD",
        ),
    },
)

WORLD = World(
    name="library",
    version=1,
    functions=(get_loan, waive_fee, close_account),
    schema="CREATE TABLE loans (book_id TEXT PRIMARY KEY, fee INTEGER, days_late INTEGER)",
    build=build,
    lexicon=LEXICON,
    system={"en": "You help readers. Today is {today}.", "vi": "Bạn hỗ trợ bạn đọc. Hôm nay là {today}."},
)
WORLDS = {WORLD.name: WORLD}

BRANCHES = ("waived", "asked", "unknown", "retried")


@dataclass(frozen=True)
class Words:
    """The texts of one locale."""

    opening: str
    without: str
    told: str
    ask: str
    done: str
    refused: str
    unknown: str
    confused: str


WORDS: Mapping[Locale, Words] = {
    "en": Words(
        opening="Please waive the late fee of book {book}.",
        without="Please waive my late fee.",
        told="The book number is {book}.",
        ask="Could you share the book number?",
        done="Done: we waived ${fee} for book {book}.",
        refused="We are sorry, but we cannot waive this fee.",
        unknown="I do not know that.",
        confused="Sorry, I do not understand.",
    ),
    "vi": Words(
        opening="Nhờ thư viện miễn phí trễ hạn của sách {book} giúp mình.",
        without="Nhờ thư viện miễn phí trễ hạn giúp mình.",
        told="Mã sách là {book}.",
        ask="Anh/chị vui lòng cho em xin mã sách ạ?",
        done="Dạ em đã miễn ${fee} cho sách {book} ạ.",
        refused="Rất tiếc, bên em không thể miễn khoản phí này ạ.",
        unknown="Mình không biết.",
        confused="Xin lỗi, mình chưa hiểu.",
    ),
}


def case(number: int) -> Case:
    """Case number so-and-so: branches and locales take turns."""
    branch, locale = BRANCHES[number % 4], LOCALES[number // 4 % 2]
    book, fee, words = f"B-{1000 + number}", 3 + number % 7, WORDS[locale]
    exists = branch != "unknown"
    facts: dict[str, Any] = {"book_id": book, "fee": fee if exists else None, "days_late": number % 30}
    facts |= {"today": "2026-03-01", "id_seed": number, "faults": {"get_loan": 1} if branch == "retried" else {}}
    return Case(
        id=f"toy/{number:04d}",
        suite=f"toy/{'even' if number % 8 < 4 else 'odd'}",
        cluster=branch,
        split="eval",
        locale=locale,
        world=WORLD.name,
        system=WORLD.system[locale].format(today="2026-03-01"),
        opening=(words.without if branch == "asked" else words.opening).format(book=book),
        facts=facts,
        user=UserScript({"book_id": words.told.format(book=book)}, words.unknown, words.confused),
        gold=_gold(branch, book, fee, words),
        expectation=_expectation(branch, book, fee, facts),
        toolset=WORLD.toolset,
        lexicon=LEXICON,
    )


def _gold(branch: str, book: str, fee: int, words: Words) -> tuple[Message, ...]:
    look = Message("assistant", "", calls=(Call("get_loan", {"book_id": book}),))
    waive = Message("assistant", "", calls=(Call("waive_fee", {"book_id": book, "amount": fee}),))
    done = Message("assistant", words.done.format(fee=fee, book=book))
    if branch == "asked":
        return Message("assistant", words.ask), look, waive, done
    if branch == "unknown":
        return look, Message("assistant", words.refused)
    return (look, look, waive, done) if branch == "retried" else (look, waive, done)


def _expectation(branch: str, book: str, fee: int, facts: Facts) -> Expectation:
    if branch == "unknown":
        return Expectation(
            reads=(CallPattern("get_loan"),),
            forbidden=(CallPattern("close_account"),),
            changes=(),
            effects=(),
            ending=Ending.REFUSE,
        )
    with_loan = WORLD.open(facts)
    waiver = with_loan.new_id("WV")
    with_loan.close()
    row = {"book_id": book, "fee": fee, "days_late": facts["days_late"]}
    return Expectation(
        calls=(ExpectedCall("waive", "waive_fee", {"book_id": exact(book), "amount": exact(fee)}),),
        reads=(CallPattern("get_loan"),),
        forbidden=(CallPattern("close_account"),),
        changes=(Change("loans", book, row, row | {"fee": 0}),),
        effects=(Effect("waiver", {"waiver_id": waiver, "book_id": book, "amount": fee}),),
        facts=(AnswerFact("waived", f"{fee}.00 USD"),),
        asks=("book_id",) if branch == "asked" else (),
        ending=Ending.ANSWER,
    )


def suite(cases: int = 16) -> Suite:
    """A suite of so many cases."""
    return Suite("toy", 1, tuple(map(case, range(cases))), {"success": 0.9})


class SlowPolicy:
    """The oracle, thinking for a moment before each turn, and wrong in every third case."""

    def __init__(self, delay: float) -> None:
        self.name = "slow"
        self._delay = delay
        self._script: ScriptPolicy = oracle()
        self.dialect = self._script.dialect

    def describe(self) -> Mapping[str, Any]:
        return {"model": self.name}

    def converse(self, case: Case, sampling: Sampling) -> SlowConversation:
        return SlowConversation(self._script.converse(case, sampling), self._delay, sampling.seed)

    async def aclose(self) -> None:
        pass


@dataclass
class SlowConversation:
    """Turns of the script with token ids that depend on the seed, so that evidence shows a wrong one."""

    script: ScriptConversation
    delay: float
    seed: int

    async def complete(self, limit: int) -> Completion:
        await asyncio.sleep(self.delay * random.random())
        said = (await self.script.complete(limit)).text
        if self.seed % 3 == 0:
            said = said.replace("</tool_call>", "")
        return Completion(said, token_ids=tuple(self.seed % (at + 7) for at, _ in enumerate(said)), prompt_tokens=5)

    def write(self, message: Message) -> Completion:
        return self.script.write(message)

    def tell(self, turn: Any, messages: Sequence[Message]) -> None:
        self.script.tell(turn, messages)

    def close(self) -> None:
        self.script.close()


@dataclass
class FailingPolicy:
    """The oracle, but for some cases the model is gone."""

    failing: set[str]
    error: Exception = field(default_factory=lambda: PolicyError("the model's server went away"))
    name: str = "oracle"
    script: ScriptPolicy = field(default_factory=oracle)

    @property
    def dialect(self) -> Dialect:
        return self.script.dialect

    def describe(self) -> Mapping[str, Any]:
        return self.script.describe()

    def converse(self, case: Case, sampling: Sampling) -> FailingConversation:
        inner = self.script.converse(case, sampling)
        return FailingConversation(inner.dialect, inner.turns, self.error if case.id in self.failing else None)

    async def aclose(self) -> None:
        pass


@dataclass
class FailingConversation(ScriptConversation):
    error: Exception | None

    async def complete(self, limit: int) -> Completion:
        if self.error is not None:
            raise self.error
        return await super().complete(limit)


def stable(records: tuple[Record, ...]) -> list[dict[str, Any]]:
    """Records sorted by case and epoch, without what differs from time to time."""
    rows = [{k: v for k, v in record_json(one).items() if k not in VOLATILE} for one in records]
    return sorted(rows, key=lambda row: (row["case"], row["epoch"]))


def main() -> None:
    """Begin or carry on a run."""
    from samescore.harness.evaluate import evaluate_sync

    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--cases", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    toy, policy = suite(options.cases), SlowPolicy(options.delay)
    plan = Plan.make([toy], epochs=options.epochs, seed=5)
    begun = (options.run / "run.json").exists()
    run = Run.open(options.run) if begun else Run.create(options.run, plan, policy, WORLDS, suites=[toy])
    evaluate_sync([toy], policy, WORLDS, plan, run, concurrency=4)


if __name__ == "__main__":
    main()
