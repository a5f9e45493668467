"""Can the held-out cases tell? Enough of them, other ones for choosing than for the verdict, and targets to reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil

from samescore.harness.case import Case
from samescore.harness.counted import counted
from samescore.harness.plan import spread
from samescore.harness.results import SUCCESS
from samescore.harness.stats.interval import effective_cases, wilson
from samescore.trainers.doctor.inputs import Inputs
from samescore.trainers.doctor.verdict import Level, Question, Remark, Verdict

WIDE = 0.10
"""Half of a 95% interval from which it says little."""

_USUAL = 0.8  # the success at which an interval is told where no target is stated
_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Judging:
    """What so many cases can tell. `effective` is how many independent ones would tell as much."""

    split: str
    cases: int
    branches: int
    effective: float

    def half(self, p: float) -> float:
        """Half of the 95% interval around a share `p`."""
        low, high = wilson(p, self.effective)
        return (high - low) / 2

    def least(self, target: float) -> float | None:
        """The least share whose interval lies at or above the target; None if even 1 does not reach it."""
        shares = (step / _STEPS for step in range(ceil(target * _STEPS), _STEPS + 1))
        return next((p for p in shares if wilson(p, self.effective)[0] >= target), None)


def judging(split: str, cases: Sequence[Case]) -> Judging:
    """What the cases of a split can tell, if branches are as alike within themselves as is assumed."""
    groups = [(case.suite, case.id if case.cluster == case.suite else case.cluster) for case in cases]
    return Judging(split, len(cases), len(set(groups)), effective_cases([0.0] * len(cases), groups) if cases else 0.0)


def ask(inputs: Inputs) -> Verdict:
    """Look at dev and eval."""
    splits = [judging("dev", inputs.dev.cases), judging("eval", inputs.eval.cases)]
    targets = inputs.eval.targets
    main = targets.get(SUCCESS, _USUAL)
    parts = [_words(one, main) for one in splits]
    least = splits[1].least(main) if splits[1].cases else None
    if SUCCESS in targets and least is not None:
        parts.append(f"the target of {main:.2f} is met from {least:.3f} on")
    figures = {
        one.split: {
            "cases": one.cases,
            "branches": one.branches,
            "effective": round(one.effective, 1),
            "half_width": round(one.half(main), 4) if one.cases else None,
            "met_from": {name: one.least(target) for name, target in targets.items()} if one.cases else {},
        }
        for one in splits
    }
    remarks = [*_targets(inputs, targets), *_sizes(splits, targets, main), *_apart(inputs)]
    return Verdict(" · ".join(parts), tuple(remarks), {**figures, "targets": dict(targets)})


QUESTION = Question("splits", "Can the held-out cases tell?", ask)


def _words(one: Judging, p: float) -> str:
    if not one.cases:
        return f"{one.split} is empty"
    return f"{one.split} {counted(one.cases, 'case')} on {one.branches} branches: ±{one.half(p):.3f} at {p:.2f}"


def _targets(inputs: Inputs, targets: Mapping[str, float]) -> Iterator[Remark]:
    if not targets:
        yield Remark(
            Level.STOP,
            f"suite {inputs.eval.suite.name} states no targets: whatever comes out will be called good",
            "Write `targets:` into its suite.yaml before anyone trains.",
        )


def _sizes(splits: Sequence[Judging], targets: Mapping[str, float], main: float) -> Iterator[Remark]:
    for one in splits:
        if not one.cases:
            level = Level.STOP if one.split == "eval" else Level.LOOK
            yield Remark(level, f"{one.split} has no case", "Lock some: samescore sop lock SOP.yaml.")
        elif one.half(main) > WIDE:
            yield Remark(
                Level.LOOK,
                f"{one.split} tells success to ±{one.half(main):.2f} alone: smaller differences will not be seen",
                f"Lock more cases: ±{WIDE:.2f} takes about {_needed(one, main)} like these.",
            )
    beyond = {
        one.split: names
        for one in splits
        if one.cases and (names := [name for name, target in sorted(targets.items()) if one.least(target) is None])
    }
    if beyond:
        names = list(dict.fromkeys(name for names in beyond.values() for name in names))
        yield Remark(
            Level.STOP if SUCCESS in beyond.get("eval", ()) else Level.LOOK,
            f"not even a perfect score on {' or '.join(beyond)} would show these targets met: {', '.join(names)}",
            "Lock more cases on more branches (samescore sop lock SOP.yaml --variants N), or ask for less.",
        )


def _needed(one: Judging, p: float) -> int:
    """About how many cases, as alike as these, have an interval of half `WIDE`."""
    effective = next(n for n in range(1, 100_000) if (wilson(p, n)[1] - wilson(p, n)[0]) / 2 <= WIDE)
    return ceil(effective * one.cases / one.effective)


def _apart(inputs: Inputs) -> Iterator[Remark]:
    same = {case.id for case in inputs.dev.cases} & {case.id for case in inputs.eval.cases}
    if same:
        yield Remark(
            Level.STOP,
            f"{counted(len(same), 'case')} of eval {'is' if len(same) == 1 else 'are'} in dev too",
            "Hold other cases out for the verdict: what chooses cannot judge.",
        )
    only = {(case.suite, case.cluster) for case in inputs.eval.cases} - {
        (case.suite, case.cluster) for case in inputs.dev.cases
    }
    if only and not same:
        yield Remark(
            Level.LOOK,
            f"branches of eval that are not in dev: {len(only)}",
            "Lock dev by the same criterion, or nobody sees before the verdict how they do.",
        )
    limit = inputs.config.dev.limit
    if inputs.config.dev.every and limit is not None and limit < len(inputs.dev.cases):
        half = judging("dev", list(islice(spread(inputs.dev.cases), limit))).half(_USUAL)
        if half > WIDE:
            yield Remark(
                Level.LOOK,
                f"dev.limit = {limit}: checkpoints are chosen by a success that is known to ±{half:.2f}",
                "Raise it, or leave it out.",
            )
