"""The failing branches, worst first, each with one example: what the model was told, what was expected, what it did."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from samescore.harness.cli.printable import print_hanging, printable, shortened
from samescore.harness.examples import Example, Reason
from samescore.harness.results import Branch
from samescore.harness.strictjson import write
from samescore.harness.types import Call, Message, Outcome, Stop

if TYPE_CHECKING:
    from rich.console import Console

LABEL = 10
"""Width of the column that says what a line is."""

LONGEST = 300
"""Characters of one text, such as a tool's result, before it is cut."""

Line = tuple[str, str, str]
"""Label, text, style."""

_ENDED = {
    Stop.USER_LEFT: "in the end the user, who did not understand twice, left",
    Stop.MAX_TURNS: "in the end the conversation ran into the limit of turns",
    Stop.MAX_CALLS: "in the end the conversation ran into the limit of calls",
    Stop.MAX_TOKENS: "in the end the conversation ran into the limit of tokens",
}


def print_failures(console: Console, failing: Sequence[Branch], branches: int, show: int | None) -> None:
    """The failing branches; examples for the first `show` of them, for all if None."""
    from rich.text import Text

    if not failing:
        return
    console.print(Text(f"failing branches, worst first: {len(failing)} of {branches}", style="bold"))
    console.print()
    shown = failing if show is None else failing[:show]
    for branch in shown:
        _print_branch(console, branch)
    rest = failing[len(shown) :]
    for branch in rest:
        _print_headline(console, branch, "")
    if rest:
        console.print()


def _print_headline(console: Console, branch: Branch, style: str) -> None:
    """A branch and its count; a name that is too long goes on in the next line, after one of its parts."""
    from rich.text import Text

    scored = branch.rollouts - branch.errors
    parts = re.findall(r"[^/>]*[/>]?", f"{printable(branch.name)} · {branch.passed} of {scored} right")
    lines = [""]
    for part in parts:
        if lines[-1].strip() and len(lines[-1]) + len(part) > console.width:
            lines.append("  ")
        lines[-1] += part
    for line in lines:
        console.print(Text(line, style=style))


def _print_branch(console: Console, branch: Branch) -> None:
    assert branch.example is not None, "a failing branch has an example"
    _print_headline(console, branch, "bold red")
    print_example(console, branch.example)
    console.print()


def print_example(console: Console, example: Example) -> None:
    """What the model was told, what was expected, what it did, and why that is wrong."""
    _print_lines(console, [*_told(example), *_compared(example)])


def print_gold_and_made(console: Console, example: Example) -> None:
    """What was expected, what the model did, and why that is wrong: an example whose conversation stands above."""
    _print_lines(console, _compared(example))


def _print_lines(console: Console, lines: Sequence[Line]) -> None:
    from rich.text import Text

    for label, text, style in lines:
        print_hanging(console, Text(f"  {label:<{LABEL}}", style="dim"), Text(text, style=style))


def _told(example: Example) -> list[Line]:
    epoch = f", epoch {example.epoch}" if example.epoch else ""
    lines: list[Line] = [
        ("case", f"{printable(example.case)} ({example.locale}){epoch}, turn {example.turn}", ""),
        ("prompt", shortened(example.opening, LONGEST), ""),
    ]
    for message in example.seen:
        user = message.role == "user"
        text = message.content if user else f"{message.name} → {message.content}"
        lines.append(("user" if user else "tool", shortened(text, LONGEST), ""))
    return lines


def _compared(example: Example) -> list[Line]:
    return [
        *_labelled("expected", _gold(example.expected), "green"),
        *_labelled("got", _made(example), "red"),
        *_labelled("why", _reasons(example.reasons), ""),
    ]


def _reasons(reasons: Sequence[Reason]) -> list[str]:
    """One line for all scorers that say the same."""
    scorers: dict[str, list[str]] = {}
    for reason in reasons:
        scorers.setdefault(reason.words, []).append(f"{reason.scorer} {reason.value:.2f}")
    return [shortened(f"{', '.join(names)}: {words}", LONGEST) for words, names in scorers.items()]


def _labelled(label: str, texts: Sequence[str], style: str) -> list[Line]:
    return [(label if index == 0 else "", text, style) for index, text in enumerate(texts)]


def _gold(turn: Message | None) -> list[str]:
    if turn is None:
        return ["nothing more: the conversation was over"]
    return [call_in_words(call) for call in turn.calls] or [f"“{shortened(turn.content, LONGEST)}”"]


def _made(example: Example) -> list[str]:
    """What the model did, what the world said to it where that was no success, and how the conversation ended."""
    turn = example.got
    if turn is None:
        return ["no turn at all"]
    if turn.defects:
        defects = [f"malformed: {defect.name.value}: {shortened(defect.detail, LONGEST)}" for defect in turn.defects]
        written = shortened(turn.completion.text, LONGEST) or "nothing but white space"
        return [*defects, f"as written: {written}"]
    lines = [call_in_words(call) for call in turn.calls]
    for index, seen in enumerate(example.observations):
        if seen.outcome is not Outcome.OK:
            lines[index] += f" → {shortened(seen.content, LONGEST)}"
    if not lines:
        lines = [f"“{shortened(turn.content, LONGEST)}”" if turn.content.strip() else "an empty answer"]
    if example.reply:  # the user of an imported question has nothing to say
        lines.append(f"(the user answered: {shortened(example.reply, LONGEST)})")
    if example.stop in _ENDED:
        lines.append(f"({_ENDED[example.stop]})")
    return lines


def call_in_words(call: Call) -> str:
    """A call as a programmer writes it, arguments as JSON: `issue_refund(order_id="A1", amount=5)`."""
    arguments = ", ".join(f"{name}={write(value)}" for name, value in call.arguments.items())
    return shortened(f"{call.name}({arguments})", LONGEST)
