"""Is there enough data, and is it balanced? Per branch, language and tool, against what will be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from samescore.harness.case import Case
from samescore.harness.results import branch_name
from samescore.trainers.doctor.inputs import Inputs
from samescore.trainers.doctor.verdict import Level, NotAtHand, Question, Remark, Verdict

FEW = 200
"""Conversations under which a model rather learns them by heart."""

FEW_IN_BRANCH = 8
"""Cases of a branch in one language under which its wording is learned rather than the branch."""

UNEVEN = 30
"""So many times more of the largest branch than of the smallest: the mean is about the largest."""

REPEATED = 0.05
"""Share of conversations that may be the same as another."""

_LISTED = 4


def ask(inputs: Inputs) -> Verdict:
    """Count what is learned from."""
    if inputs.given.config is None and not inputs.given.data:
        raise NotAtHand("a configuration, or --data FILE")
    counts, parts = {}, []
    if inputs.given.config is not None:
        counts["gold"] = len(inputs.gold)
        counts["recorded"] = len(inputs.recorded)
    counts["files"] = len(inputs.files)
    total = sum(counts.values())
    parts.append(f"{total:,} conversations")
    figures: dict[str, Any] = {"conversations": counts}
    remarks = list(_general(inputs, total))
    if inputs.given.config is not None:
        parts += _tokens(inputs, figures)
        remarks += _beside_held_out(inputs)
    if inputs.given.config is not None and inputs.gold:
        branches = Counter(map(_branch, inputs.gold))
        parts.append(f"{len(branches)} branches of {min(branches.values()):,} to {max(branches.values()):,}")
        locales = Counter(case.locale for case in inputs.gold)
        parts += [", ".join(f"{locale} {count:,}" for locale, count in sorted(locales.items()))]
        figures |= {"branches": dict(branches), "locales": dict(locales)}
        remarks += _balance(inputs.gold, branches)
    return Verdict(" · ".join(parts), tuple(remarks), figures)


QUESTION = Question("data", "Is there enough data, and is it balanced?", ask)


def _tokens(inputs: Inputs, figures: dict[str, Any]) -> list[str]:
    try:
        tokens, learned = inputs.tokens
    except NotAtHand:  # the template's fault, which its own question tells
        return []
    figures |= {"tokens": tokens, "learned_tokens": learned}
    return [f"about {tokens:,} tokens, {learned / max(1, tokens):.0%} of them learned"]


def _general(inputs: Inputs, total: int) -> Iterator[Remark]:
    if total < FEW:
        yield Remark(
            Level.LOOK,
            f"so few conversations ({total}) will be learned by heart",
            f"Have {FEW} at least: samescore sop lock SOP.yaml --split train --variants N generates more.",
        )
    same = Counter((text.user, text.assistant) for text in inputs.texts())
    repeated = total - len(same)
    if repeated > REPEATED * total:
        yield Remark(
            Level.LOOK,
            f"{repeated:,} of {total:,} conversations are the same as another, word for word",
            "Take the copies out: they count as so many epochs more.",
        )


def _beside_held_out(inputs: Inputs) -> Iterator[Remark]:
    """What is asked in dev and eval, and never learned."""
    asked = [*inputs.dev.cases, *inputs.eval.cases]
    if inputs.gold:
        yield from _never(
            "branches",
            {_branch(case) for case in asked} - {_branch(case) for case in inputs.gold},
            "Lock train cases of the same procedures and criterion.",
        )
        yield from _never(
            "languages",
            {str(case.locale) for case in asked} - {str(case.locale) for case in inputs.gold},
            "Add it to data.locales.",
        )
    called = _called(inputs.gold) | {
        call.name for lesson in (*inputs.recorded, *inputs.files) for step in lesson.steps for call in step.turn.calls
    }
    yield from _never("tools", _called(asked) - called, "Add conversations in which it is called.")


def _never(what: str, names: set[str], todo: str) -> Iterator[Remark]:
    if names:
        listing = ", ".join(sorted(names)[:_LISTED]) + (", …" if len(names) > _LISTED else "")
        yield Remark(Level.STOP, f"{what} of dev or eval that never occur in training: {len(names)} ({listing})", todo)


def _balance(cases: Sequence[Case], branches: Counter[str]) -> Iterator[Remark]:
    cells = Counter((_branch(case), case.locale) for case in cases)
    thin = sorted(name for name, count in cells.items() if count < FEW_IN_BRANCH)
    if thin:
        worst = ", ".join(f"{branch} in {locale} ({cells[branch, locale]})" for branch, locale in thin[:2])
        yield Remark(
            Level.LOOK,
            f"{len(thin)} of {len(cells)} branches, by language, have fewer than {FEW_IN_BRANCH} cases: {worst}",
            "Lock more variants of each: samescore sop lock SOP.yaml --split train --variants N.",
        )
    most, least = branches.most_common(1)[0], min(branches.items(), key=lambda one: one[1])
    if most[1] > UNEVEN * least[1]:
        yield Remark(
            Level.LOOK,
            f"{most[0]} has {most[1]:,} cases and {least[0]} has {least[1]:,}",
            "Lock with --criterion branch, or train with a curriculum (GRPO): rare branches are hardly seen.",
        )


def _branch(case: Case) -> str:
    return branch_name(case.suite, case.cluster)


def _called(cases: Iterable[Case]) -> set[str]:
    return {call.name for case in cases for turn in case.gold for call in turn.calls}
