"""The conversations of a report as one inert text: each text once, each conversation once, then gzip and base64.

The page unpacks it when a case is opened, and shows it as text, never as markup. Its JSON:

    strings   every text that is used, made visible (see `markup.visible`)
    talks     conversations; each a flat list of kind, string, string, turn: what is said, and the note beside it
    cases     [id, branch, locale, operator or -1, expected talk or -1, for each run a list of rollouts or null]
    rollout   [success or null, talk or -1, error or -1, flat list of scorer, value, reason, turn objected to or 0]
    reason    one text; or a list of them, in the page's language and in English in turn

A rollout's place in its list is its epoch. Runs are in the order of the page, the baseline last.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from samescore.reports.contents import Contents, Language, Line, LineKind, ReportedCase, ReportedRollout, ReportedRun
from samescore.reports.markup import visible
from samescore.reports.reasons import parts

BUDGET = 4_000_000
"""Bytes that the packed conversations may take in the page; those of rollouts that passed give way."""
_KINDS = {kind: number for number, kind in enumerate(LineKind)}
_NONE = -1
_NAMED = re.compile(r"\bturn (\d+)\b")
"""How scorers name a turn."""


@dataclass(frozen=True, slots=True)
class Packed:
    """The text for the page, and how many of the rollouts have their conversation in it."""

    text: str
    kept: int
    rollouts: int


def packed(contents: Contents, budget: int = BUDGET) -> Packed:
    """Everything that a case shows when it is opened. Where that is too much, conversations that went well go."""
    runs = _runs(contents)
    rollouts = list(_by_interest(runs))

    def first(count: int) -> str:
        return _encoded(_json(runs, {id(one) for one in rollouts[:count]}, contents.language))

    text = first(len(rollouts))
    if len(text) <= budget:
        return Packed(text, len(rollouts), len(rollouts))
    fits, too_many = 0, len(rollouts)
    while too_many - fits > max(1, len(rollouts) // 50):  # as many as fit, give or take one in fifty
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if len(first(middle)) <= budget else (fits, middle)
    return Packed(first(fits), fits, len(rollouts))


def _runs(contents: Contents) -> Sequence[ReportedRun]:
    return contents.runs if contents.baseline is None else (*contents.runs, contents.baseline)


def _by_interest(runs: Sequence[ReportedRun]) -> Iterator[ReportedRollout]:
    """Rollouts of cases that failed in any run first, then of those that passed everywhere; sides stay together."""
    sides: defaultdict[str, list[ReportedCase]] = defaultdict(list)
    for run in runs:
        for case in run.cases:
            sides[case.id].append(case)
    for wanted in (True, False):
        for cases in sides.values():
            if any(case.success != 1.0 for case in cases) is wanted:
                yield from (one for case in cases for one in case.rollouts if one.lines)


@dataclass(slots=True)
class _Table:
    """Things by number, each once."""

    rows: list[Any] = field(default_factory=list)
    places: dict[Any, int] = field(default_factory=dict)

    def of(self, key: Any, row: Any) -> int:
        """The number of `row`, which `key` stands for."""
        if key not in self.places:
            self.places[key] = len(self.rows)
            self.rows.append(row)
        return self.places[key]


def _json(runs: Sequence[ReportedRun], chosen: set[int], language: Language) -> dict[str, Any]:
    strings, talks = _Table(), _Table()

    def text(value: str) -> int:
        return strings.of(value, visible(value))

    def talk(lines: Sequence[Line]) -> int:
        if not lines:
            return _NONE
        flat = [part for line in lines for part in (_KINDS[line.kind], text(line.text), text(line.note), line.turn)]
        return talks.of(tuple(flat), flat)

    def reason(words: str) -> int | list[int]:
        found = parts(words, language)
        if not any(part.english for part in found):
            return text("".join(part.text for part in found))
        return [text("") for part in found[:1] if part.english] + [text(part.text) for part in found]

    def rollout(one: ReportedRollout) -> list[Any]:
        reasons = [part for why in one.reasons for part in (text(why.scorer), round(why.value, 4), reason(why.words))]
        error = _NONE if one.error is None else text(one.error)
        talked = talk(one.lines) if id(one) in chosen else _NONE
        return [one.success, talked, error, reasons, _objected(one)]

    known: list[dict[str, ReportedCase]] = [{case.id: case for case in run.cases} for run in runs]
    first = {name: case for cases in reversed(known) for name, case in cases.items()}
    # In the order of the first run's plan, then what only others have.
    order = dict.fromkeys(name for cases in known for name in cases)
    rows = []
    for name in order:
        case = first[name]
        sides = [None if name not in cases else [rollout(one) for one in cases[name].rollouts] for cases in known]
        operator = _NONE if case.operator is None else text(case.operator)
        kept = any(id(one) in chosen for cases in known if name in cases for one in cases[name].rollouts)
        expected = talk(case.expected) if kept else _NONE
        rows.append([text(name), text(case.branch), text(case.locale), operator, expected, sides])
    return {"strings": strings.rows, "talks": talks.rows, "cases": rows}


def _objected(one: ReportedRollout) -> int:
    """The first turn that a scorer objects to; where none names one, the last, to which most objections are."""
    named = [int(found) for why in one.reasons for found in _NAMED.findall(why.words)]
    if named or not one.reasons:
        return min(named, default=0)
    return max((line.turn for line in one.lines), default=0)


def _encoded(data: dict[str, Any]) -> str:
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Without a time of its own: the same runs make the same page.
    return base64.b64encode(gzip.compress(written.encode(), 9, mtime=0)).decode()
