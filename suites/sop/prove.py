"""Locked cases proven against the world as it is: their procedures are walked again, and what comes of it compared.

Fingerprints do not cover what tools do; the world's declared version stands for their code. A walk notices what nobody
declared. It takes milliseconds a case, so that one case of each branch is walked.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

from samescore.harness.case import Case
from samescore.harness.environment import World
from samescore.harness.errors import SopError
from samescore.harness.strictjson import canonical
from samescore.harness.types import Call
from samescore.suites.sop.expect import expectation
from samescore.suites.sop.model import Sop
from samescore.suites.sop.phrases import Speaker, load_phrases
from samescore.suites.sop.values import fact_texts, world_currency
from samescore.suites.sop.walk import Walk, walk


def first_moved(sop: Sop, world: World, cases: Iterable[Case]) -> str | None:
    """The first case in which the world answers otherwise than when it was locked, and how; None if there is none.

    Raises:
        WorldError: a tool's code crashed.
    """
    bank = load_phrases(sop)
    for case in _of_each_branch(cases):
        texts = fact_texts(sop, case.facts, world_currency(world.lexicon))
        voice = Speaker(bank, case.locale, case.split, texts)
        try:
            moved = _moved(sop, world, case, walk(sop, case.facts, world, voice, random.Random(0)))
        except SopError as error:
            moved = str(error)
        if moved is not None:
            return f"case {case.id}: {moved}"
    return None


def _of_each_branch(cases: Iterable[Case]) -> Iterator[Case]:
    seen: set[str] = set()
    for case in cases:
        if case.cluster not in seen:
            seen.add(case.cluster)
            yield case


def _moved(sop: Sop, world: World, case: Case, walked: Walk) -> str | None:
    """What differs. Of the gold turns their calls are compared, as each variant of a text is worded in its own way."""
    gold, calls = ([call for turn in turns for call in turn.calls] for turns in (case.gold, walked.turns))
    for number, (then, now) in enumerate(zip(gold, calls, strict=False), 1):
        if _written(then) != _written(now):
            return f"call {number} was {_written(then)}, and would now be {_written(now)}"
    before, after = (
        one.to_json()["expectation"] for one in (case, replace(case, expectation=expectation(sop, walked, world)))
    )
    for name, value in before.items():
        if canonical(value) != canonical(after[name]):
            return f"expected {name} were {canonical(value):.200}, and would now be {canonical(after[name]):.200}"
    return None


def _written(call: Call) -> str:
    return f"{call.name}({canonical(dict(call.arguments)):.200})"
