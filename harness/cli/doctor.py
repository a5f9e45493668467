"""`samescore doctor`: the questions to settle before a fine-tune, each with a verdict, its evidence and what to do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

if TYPE_CHECKING:
    from rich.console import Console

CASES = 24
"""Cases of dev that the base is measured on, unless it is said."""

NOT_ASKED = "not asked"
_STYLE = {"fine": "bold green", "look": "bold yellow", "stop": "bold red", NOT_ASKED: "dim"}
_MARGIN = max(map(len, _STYLE)) + 2


class KindName(StrEnum):
    """What a configuration is for."""

    SFT = "sft"
    DPO = "dpo"
    GRPO = "grpo"


def doctor_command(
    config: Annotated[Path | None, typer.Argument(metavar="[CONFIG.toml]", help="What you are about to train.")] = None,
    kind: Annotated[
        KindName | None,
        Option(help="What that configuration is for: samescore train KIND.", show_default="what its options say"),
    ] = None,
    data: Annotated[
        list[Path] | None, Option(metavar="FILE", help="Conversations to learn from, JSONL; may be repeated.")
    ] = None,
    baseline: Annotated[
        Path | None, Option(metavar="RUN", help="A run of the base on dev, with --procedure prompt.")
    ] = None,
    cases: Annotated[
        int, Option(metavar="N", min=0, help="Without --baseline: measure the base on N cases of dev. 0: do not.")
    ] = CASES,
    log: Annotated[
        Path | None, Option(metavar="PATH", help="An earlier training: log.jsonl, its folder, trainer_state.json.")
    ] = None,
    memory: Annotated[
        float | None,
        Option(metavar="GIB", min=0.1, help="Memory of the GPU it will train on.", show_default="of the one here"),
    ] = None,
    speed: Annotated[
        float | None, Option(metavar="N", min=0.1, help="Tokens a second that it trains on.", show_default="of --log")
    ] = None,
    price: Annotated[float | None, Option(metavar="USD", min=0.0, help="Of the GPU, an hour.")] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object; progress goes to stderr.")] = False,
) -> None:
    """Ask what to settle before a fine-tune: is it needed, will it work, can the result be trusted, what does it cost.

    Each question gets a verdict: fine, look, or stop. Exit 1 if any is stop.
    """
    # The harness may not import trainers: this command loads them by name.
    doctor = import_module("samescore.trainers.doctor")
    given = doctor.Given(
        config=config,
        kind=None if kind is None else kind.value,
        data=tuple(data or ()),
        baseline=baseline,
        cases=cases,
        log=log,
        memory=memory,
        speed=speed,
        price=price,
    )
    answers = (answer.to_json() for answer in doctor.examine(given))
    tally = _print_json(answers) if as_json else _print(answers)
    raise typer.Exit(_code(tally))


def _code(tally: Counter[str]) -> int:
    from samescore.harness.errors import ExitCode

    return int(ExitCode.REGRESSION if tally["stop"] else ExitCode.PASS)


def _print_json(answers: Iterator[dict[str, Any]]) -> Counter[str]:
    found = list(answers)
    tally = Counter(answer["verdict"] for answer in found)
    worst = next(level for level in ("stop", "look", "fine") if tally[level] or level == "fine")
    print(json.dumps({"status": worst, "exit": _code(tally), "answers": found}, ensure_ascii=False, allow_nan=False))
    return tally


def _print(answers: Iterator[dict[str, Any]]) -> Counter[str]:
    from rich.console import Console

    screen = Console(markup=False, highlight=False, emoji=False)  # texts of users' files are printed as they stand
    tally: Counter[str] = Counter()
    for answer in answers:
        tally[answer["verdict"]] += 1
        _print_answer(screen, answer)
    screen.print(", ".join(f"{tally[level]} {level}" for level in _STYLE if tally[level]), style="bold")
    return tally


def _print_answer(screen: Console, answer: dict[str, Any]) -> None:
    from rich.text import Text

    from samescore.harness.cli.printable import print_hanging, printable

    verdict = answer["verdict"]
    screen.print(Text.assemble((verdict.ljust(_MARGIN), _STYLE[verdict]), (answer["title"], "bold")))
    indent = Text(" " * _MARGIN)
    if verdict == NOT_ASKED:
        print_hanging(screen, indent, Text(f"give {printable(answer['give'])}", style="dim"))
    else:
        print_hanging(screen, indent, Text(printable(answer["evidence"])))
        for remark in answer["remarks"]:
            head = Text.assemble(indent, (remark["level"], _STYLE[remark["level"]]), "  ")
            print_hanging(screen, head, Text(printable(remark["what"])))
            arrow = Text(f"{' ' * (head.cell_len - 2)}→ ")
            print_hanging(screen, arrow, Text(printable(remark["todo"])))
    screen.print()
