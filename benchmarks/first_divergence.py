"""Why a run's failed conversations fail: the first thought of each that is not that of the gold turns, counted by kind.

    python benchmarks/first_divergence.py RUN

For models that think as the procedures' gold turns do. A kind is a procedure and the first word of the gold thought.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path

from samescore.harness.case import Case
from samescore.harness.records import Record
from samescore.harness.run import Run
from samescore.suites.catalog import load_suite


def main() -> None:
    """Count and print, with one example a kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    run = Run.open(parser.parse_args().run)
    cases = {case.id: case for suite in run.plan.suites for case in load_suite(suite.name).cases}
    scores = json.loads((run.directory / "scores.json").read_text(encoding="utf-8"))["rows"]
    failed = {row["case"] for row in scores if row["scores"]["success"] < 1}
    kinds: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for record in run.records():
        if record.case in failed:
            case = cases[record.case]
            wanted, found = _first_difference(run, case, record)
            kind = case.suite, wanted.split(":")[0].split(" ")[0]
            kinds[kind] += 1
            examples.setdefault(kind, f"{wanted!r}, found {found!r} ({case.id})")
    for kind, count in kinds.most_common():
        print(f"{count:4}  {kind[0]}  {kind[1]}: expected {examples[kind]}")
    print(f"{kinds.total():4}  of {len(scores)} conversations fail")


def _first_difference(run: Run, case: Case, record: Record) -> tuple[str, str]:
    gold = _lines(turn.thinking for turn in case.gold)
    found = _lines(run.dialect.parse(turn, case.toolset).thinking for turn in record.turns)
    return next(((a, b) for a, b in zip_longest(gold, found, fillvalue="nothing") if a != b), ("the same thoughts", ""))


def _lines(thoughts: Iterable[str | None]) -> Iterator[str]:
    return (line for thought in thoughts for line in (thought or "").splitlines())


if __name__ == "__main__":
    main()
