"""The cases that changed: what the model did then and now, as a diff of two conversations, and why it failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from samescore.harness.cli.conversation import print_difference
from samescore.harness.cli.loading import suites_of, worlds_of
from samescore.harness.cli.printable import print_hanging, printable
from samescore.harness.gate.verdict import Verdict
from samescore.harness.records import Record
from samescore.harness.rescore import Scored, replayer
from samescore.harness.run import Run
from samescore.harness.types import Score

if TYPE_CHECKING:
    from rich.console import Console


def print_changes(
    console: Console, verdict: Verdict, candidates: Sequence[Run], baseline: Run, suites: Sequence[str], show: int
) -> None:
    """The first broken cases, then the first fixed ones, so many in all; `-` is the baseline, `+` the candidate.

    Raises:
        UnknownName, UsageError: the suites of a run are not at hand.
    """
    shown = [*verdict.broken, *verdict.fixed][:show]
    before = _scored(baseline, shown, suites)
    runs = [_scored(run, shown, suites) for run in candidates]
    after = {case: [one for run in runs for one in run[case]] for case in shown}
    for case in shown:
        broken = case in verdict.broken
        new = _one(after[case], failed=broken)
        old = _one(before[case], failed=not broken, epoch=new.record.epoch)
        _print_case(console, "broken" if broken else "fixed", old, new)


def _print_case(console: Console, label: str, old: Scored, new: Scored) -> None:
    from rich.text import Text

    failed = new if label == "broken" else old
    epochs = f" (epoch {old.record.epoch} then, {new.record.epoch} now)" if old.record.epoch or new.record.epoch else ""
    style = "bold red" if label == "broken" else "bold green"
    console.print(Text(f"{label}  {printable(new.record.case)}{epochs}", style=style))
    for one in (old, new):
        if one.case is None or one.trajectory is None:
            print_hanging(console, Text("  "), Text(printable(str(one.error))))
            console.print()
            return
    assert old.case and old.trajectory and new.case and new.trajectory, "just asked"
    print_difference(console, (old.case, old.trajectory), (new.case, new.trajectory))
    for name, score in reasons(failed.scores or {}).items():
        why = f"{name} {score.value:.2f}: {printable(score.reason):.300}"
        print_hanging(console, Text("    why     ", style="dim"), Text(why))
    console.print()


def reasons(scores: Mapping[str, Score]) -> dict[str, Score]:
    """The scores that are not 1, by their scorers; one for all where they say the same, as of a malformed turn."""
    wrong = {name: one for name, one in scores.items() if one.value != 1.0 and name != "success"}
    if len(wrong) > 1 and len({(one.value, one.reason) for one in wrong.values()}) == 1:
        return {f"all {len(wrong)} scorers": next(iter(wrong.values()))}
    return wrong


def _scored(run: Run, cases: Sequence[str], suites: Sequence[str]) -> Mapping[str, list[Scored]]:
    found: dict[str, list[Record]] = {case: [] for case in cases}
    for record in run.records():
        if record.case in found:
            found[record.case].append(record)
    at_hand = suites_of(run, suites)
    replay = replayer(run, at_hand, worlds_of(at_hand))
    return {case: [replay.score(record) for record in records] for case, records in found.items()}


def _one(scored: Sequence[Scored], *, failed: bool, epoch: int = 0) -> Scored:
    """A rollout that failed, or passed; among those the one of that epoch."""
    fitting = [one for one in scored if one.scores is not None and (one.scores["success"].value != 1.0) is failed]
    return min(fitting or scored, key=lambda one: abs(one.record.epoch - epoch))
