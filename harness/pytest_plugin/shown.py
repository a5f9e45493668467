"""What a test says that did not pass: the conversation, expected against got, and the scorers' reasons."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from samescore.harness.case import Case
from samescore.harness.cli.conversation import LABEL, conversation_lines
from samescore.harness.cli.failures import print_gold_and_made
from samescore.harness.cli.printable import print_hanging, printable
from samescore.harness.counted import counted
from samescore.harness.examples import example_of
from samescore.harness.rescore import Scored
from samescore.harness.types import Trajectory

if TYPE_CHECKING:
    from rich.console import Console

NARROW, USUAL, WIDE = 60, 100, 160
"""Columns that text is broken to: never fewer, where no terminal says how many, never more."""


def failed(scored: Scored) -> str:
    """A failed rollout: the reason in the first line, then all that a person needs to see why."""
    case, trajectory, scores = scored.case, scored.trajectory, scored.scores
    assert case is not None and trajectory is not None and scores is not None, "what failed was judged"
    epoch = scored.record.epoch
    console, out = _page()
    heading = f"{printable(case.id)} ({case.locale}){f', epoch {epoch}' if epoch else ''}"
    print(f"{printable(scores['success'].reason)}\n\n{heading}", file=out)
    _print_conversation(console, case, trajectory)
    example = example_of(case, epoch, trajectory, scores)
    print(f"\nturn {example.turn}", file=out)
    print_gold_and_made(console, example)
    return out.getvalue().rstrip()


def errored(scored: Sequence[Scored], planned: int, stopped: str | None) -> str:
    """Why a case was not judged: the first of its errors, or what stopped the run before it."""
    errors = [one.error for one in scored if one.error is not None]
    if errors:
        first = printable(str(errors[0]))
        return first if planned == 1 else f"{len(errors)} of {counted(planned, 'epoch')} ended in an error: {first}"
    why = f": {printable(stopped)}" if stopped else ""
    return f"{planned - len(scored)} of {counted(planned, 'rollout')} never ran{why}"


def conversation(case: Case, trajectory: Trajectory) -> str:
    """A conversation, a line or several for each of its parts."""
    console, out = _page()
    _print_conversation(console, case, trajectory)
    return out.getvalue().rstrip()


def _print_conversation(console: Console, case: Case, trajectory: Trajectory) -> None:
    from rich.text import Text

    for label, text in _spoken(case, trajectory):
        print_hanging(console, Text(f"  {label:<{LABEL}}"), Text(printable(text)))


def _spoken(case: Case, trajectory: Trajectory) -> Iterator[tuple[str, str]]:
    """The tools are left out: they are the same in every case of a suite."""
    return (line for line in conversation_lines(case, trajectory) if line[0] != "tool")


def _page() -> tuple[Console, io.StringIO]:
    from rich.console import Console

    out = io.StringIO()
    columns = min(max(shutil.get_terminal_size((USUAL, 0)).columns, NARROW), WIDE)
    return Console(file=out, width=columns, color_system=None, markup=False, highlight=False, emoji=False), out
