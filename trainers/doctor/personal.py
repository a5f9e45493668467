"""Is there personal data in what is learned? By form: e-mail addresses, phones, cards, national ids.

The suites' own worlds are full of made-up persons: what is among a case's facts is expected. Anything else is taken for
somebody's until someone has looked. Names and street addresses have no form, and are not found.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samescore.harness.case import Case
from samescore.harness.counted import counted
from samescore.harness.redaction.folding import folded
from samescore.harness.redaction.patterns import find, may_hold
from samescore.harness.strictjson import canonical
from samescore.trainers.doctor.inputs import Inputs
from samescore.trainers.doctor.verdict import Level, NotAtHand, Question, Remark, Verdict
from samescore.trainers.leakage import user_texts
from samescore.trainers.phrasing import bare
from samescore.trainers.samples import Lesson

_NAMES: Mapping[str, str] = {
    "email": "e-mail address",
    "phone": "phone number",
    "card": "payment card",
    "id": "national id, tax or insurance number",
    "cmnd": "nine digits as of a CMND",
}

DOUBTFUL = "cmnd"
"""What has no check digit, and no word beside it that names it."""

_SHOWN = 3
_NINE = re.compile(r"(?<![\w.,+-])(?<!\d[ (])(?:\d{9}|\d{3}([ .])\d{3}\1\d{3})(?![\w-]|[.,]\d)")
_ISSUERS = range(1, 39)
"""A CMND begins with the number of the province that issued it: 01 Hà Nội to 38 Cà Mau."""


@dataclass(frozen=True, slots=True)
class Item:
    """What one training item has the model read and write, and the facts that its values may come from."""

    id: str
    texts: tuple[str, ...]
    facts: Mapping[str, Any]


def ask(inputs: Inputs) -> Verdict:
    """Read everything that is learned from."""
    if inputs.given.config is None and not inputs.given.data:
        raise NotAtHand("a configuration, or --data FILE")
    expected: Counter[str] = Counter()
    strange: defaultdict[str, dict[str, str]] = defaultdict(dict)
    items: defaultdict[str, set[str]] = defaultdict(set)
    total = 0
    for item in _items(inputs):
        total += 1
        known = {bare(value) for value in _leaves(item.facts)}
        for kind, value in dict.fromkeys(found for text in item.texts for found in personal_in(text)):
            if bare(value) in known:
                expected[kind] += 1
            else:
                strange[kind].setdefault(masked(value), item.id)
                items[kind].add(item.id)
    made_up = ", ".join(f"{_NAMES[kind]} {count:,}" for kind, count in expected.most_common())
    parts = [f"{total:,} conversations read"]
    parts += [f"of the cases' own made-up facts: {made_up}"] if made_up else []
    parts += [] if strange else ["nothing else" if made_up else "nothing personal by its form"]
    remarks = tuple(_remarks(strange, items))
    figures = {
        "of_facts": dict(expected),
        "others": {kind: {"items": sorted(items[kind]), "masked": list(strange[kind])} for kind in strange},
    }
    return Verdict(" · ".join(parts), remarks, figures)


QUESTION = Question("personal", "Is there personal data in the training set?", ask)


def personal_in(text: str) -> Iterator[tuple[str, str]]:
    """The personal values in a text, each with its kind, as they are written."""
    if not may_hold(text):
        return
    seen = folded(text)
    taken: list[tuple[int, int]] = []

    def apart(begin: int, finish: int) -> bool:
        return all(finish <= start or end <= begin for start, end in taken)

    for found in find(seen.text):
        if apart(found.start, found.end):
            taken.append((found.start, found.end))
            yield found.kind.value, seen.plain[found.start : found.end]
    for match in _NINE.finditer(seen.text):
        if apart(*match.span()) and int(match.group()[:2]) in _ISSUERS:
            yield DOUBTFUL, match.group()


def masked(value: str) -> str:
    """A value as it may be shown: its first characters, and how long it is."""
    if "@" in value:
        return f"{value[0]}•••@•••"
    return value[:2] + re.sub(r"\w", "•", value[2:])


def _remarks(strange: Mapping[str, Mapping[str, str]], items: Mapping[str, set[str]]) -> Iterator[Remark]:
    """What is no fact of a case; what may be an id or any other number apart."""
    kinds = [kind for kind in strange if kind != DOUBTFUL]
    if kinds:
        yield Remark(
            Level.LOOK,
            f"no fact of a case: {'; '.join(_words(kind, strange[kind], items[kind]) for kind in kinds)}",
            "Replace it with something made up: what was learned can be got out of the model again.",
        )
    if DOUBTFUL in strange:
        yield Remark(
            Level.LOOK,
            _words(DOUBTFUL, strange[DOUBTFUL], items[DOUBTFUL]),
            "Look whether these are national ids; other numbers may have the same form.",
        )


def _words(kind: str, examples: Mapping[str, str], items: set[str]) -> str:
    shown = ", ".join(f"{value} in {item}" for value, item in list(examples.items())[:_SHOWN])
    return f"{_NAMES[kind]} in {counted(len(items), 'conversation')} ({shown})"


def _items(inputs: Inputs) -> Iterator[Item]:
    if inputs.given.config is not None:
        yield from map(_of_case, inputs.gold)
    yield from (_of_lesson(lesson) for lesson in (*inputs.recorded, *inputs.files))


def _of_case(case: Case) -> Item:
    written = [
        part
        for turn in case.gold
        for part in (turn.thinking or "", turn.content, *(canonical(dict(call.arguments)) for call in turn.calls))
    ]
    return Item(case.id, (case.system, *user_texts(case), *written), case.facts)


def _of_lesson(lesson: Lesson) -> Item:
    texts: list[str] = [message.content for message in lesson.messages]
    for step in lesson.steps:
        texts += [step.turn.thinking or "", step.turn.content, step.reply or ""]
        texts += [canonical(dict(call.arguments)) for call in step.turn.calls]
        texts += [seen.content for seen in step.observations]
    return Item(lesson.source, tuple(texts), lesson.text.facts or {})


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield str(value)
