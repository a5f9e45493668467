"""Completions scored a second on one core: strict parsing and all scorers, beside BFCL's AST checker in the same run.

    python benchmarks/scoring.py                                  # ours alone
    pip download --no-deps bfcl-eval==2026.3.23 && unzip -q bfcl_eval-*.whl -d bfcl
    python benchmarks/scoring.py --bfcl bfcl                      # beside the reference checker

The reference parses and validates nothing. Each round scores the same mix for both: per case one right
completion and three wrong ones (a changed argument, one left out, an unknown tool). Rounds alternate, and the
best of each is reported, so that a busy machine hurts both alike.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from samescore.harness.case import CallPattern, Case, Expectation, ExpectedCall, UserScript
from samescore.harness.dialects import Hermes
from samescore.harness.lexicon import Lexicon
from samescore.harness.matching import exact
from samescore.harness.scorers import RUBRIC
from samescore.harness.tools import Tool, Toolset
from samescore.harness.types import Call, Completion, Message, Step, Stop, Trajectory

PARAMETERS = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "pattern": "^A-[0-9]{5}$"},
        "amount": {"type": "integer", "minimum": 1, "maximum": 5000},
        "reason": {"type": "string", "enum": ["damaged", "late", "wrong_item", "changed_mind"]},
        "notify": {"type": "boolean"},
    },
    "required": ["order_id", "amount", "reason"],
    "additionalProperties": False,
}
TOOLSET = Toolset(
    "bench",
    1,
    (
        Tool("issue_refund", "Refund an order.", PARAMETERS, effect=True),
        Tool("cancel_order", "Cancel an order.", PARAMETERS, effect=True),
    ),
)
REASONS = ("damaged", "late", "wrong_item", "changed_mind")


def arguments(index: int) -> dict[str, Any]:
    """The right arguments of a case."""
    return {
        "order_id": f"A-{10_000 + index:05d}",
        "amount": 1 + index,
        "reason": REASONS[index % 4],
        "notify": index % 2 == 0,
    }


def case(index: int) -> Case:
    """A single-call decision."""
    right = {name: exact(value) for name, value in arguments(index).items()}
    expectation = Expectation(
        calls=(ExpectedCall("refund", "issue_refund", right),), forbidden=(CallPattern("cancel_order"),), thinking=True
    )
    script = UserScript({}, "", "")
    return Case(
        f"bench/{index}",
        "bench",
        "b",
        "eval",
        "en",
        "bench",
        "",
        "",
        {},
        script,
        (),
        expectation,
        TOOLSET,
        Lexicon(1, {}),
    )


def variants(index: int) -> list[Call]:
    """One right call, three wrong ones."""
    right = arguments(index)
    short = {name: value for name, value in right.items() if name != "amount"}
    return [
        Call("issue_refund", right),
        Call("issue_refund", {**right, "amount": right["amount"] + 1}),
        Call("issue_refund", short),
        Call("refund_order", right),
    ]


def ours(count: int) -> tuple[Callable[[], int], int]:
    """Parse and score texts; returns how many succeeded."""
    write = Hermes().write
    thinking = "status delivered == delivered: yes\nnext: call issue_refund"
    work = [
        (one, write(Message("assistant", "", thinking=thinking, calls=(call,))))
        for one, calls in ((case(index), variants(index)) for index in range(count))
        for call in calls
    ]
    dialect = Hermes()

    def run() -> int:
        passed = 0
        for one, text in work:
            turn = dialect.parse(Completion(text), TOOLSET)
            scores = RUBRIC.score(one, Trajectory((Step(turn),), Stop.DECIDED))
            passed += scores["success"].value == 1.0
        return passed

    return run, len(work)


def reference(count: int, folder: Path) -> tuple[Callable[[], int], int]:
    """BFCL's checker on the same calls, given as objects."""
    sys.path.insert(0, str(folder))
    stub = types.ModuleType("bfcl_eval.constants.model_config")
    model = types.SimpleNamespace(underscore_to_dot=False)
    stub.MODEL_CONFIG_MAPPING = {"none": model}  # type: ignore[attr-defined]
    sys.modules["bfcl_eval.constants.model_config"] = stub
    from bfcl_eval.constants.enums import Language  # type: ignore[import-not-found]
    from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker  # type: ignore[import-not-found]

    description = [
        {"name": "issue_refund", "parameters": {**PARAMETERS, "type": "dict"}, "description": "Refund an order."}
    ]
    work = [
        ([{call.name: call.arguments}], [{"issue_refund": {name: [value] for name, value in arguments(index).items()}}])
        for index in range(count)
        for call in variants(index)
    ]

    def run() -> int:
        passed = 0
        for output, answer in work:
            passed += ast_checker(description, output, answer, Language.PYTHON, "simple", "none")["valid"]
        return passed

    return run, len(work)


def main() -> None:
    """Print completions a second for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bfcl", type=Path, help="folder with the unpacked bfcl_eval package")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    contenders = {"samescore: parse, schema, all scorers": ours(options.cases)}
    if options.bfcl is not None:
        contenders["BFCL AST checker: no parsing, no schema"] = reference(options.cases, options.bfcl)
    best = dict.fromkeys(contenders, 0.0)
    for _ in range(options.rounds):
        for name, (run, size) in contenders.items():
            start = time.perf_counter()
            passed = run()
            best[name] = max(best[name], size / (time.perf_counter() - start))
            assert passed == options.cases, f"{name}: {passed} of {options.cases} right completions passed"
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one core")
    for name, rate in best.items():
        print(f"{name:45} {rate:10,.0f} completions/s")


if __name__ == "__main__":
    main()
