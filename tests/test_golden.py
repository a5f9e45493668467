"""Golden vectors: what parsers and scorers gave when their versions were declared.

A score that moves without its scorer's `version` being raised would be compared with older runs unawares. When a
change is meant, raise the version and write the vectors again: `python tests/test_golden.py`.
"""

import asyncio
import json
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from samescore.harness import facts
from samescore.harness.dialects import DIALECTS
from samescore.harness.dialects.native import Native, native_text
from samescore.harness.policies.null import NULL_AGENTS, null_agent
from samescore.harness.policies.script import ScriptPolicy, oracle
from samescore.harness.rollout import rollout
from samescore.harness.scorers import BASIC, RUBRIC, SCORERS
from samescore.harness.strictjson import canonical
from samescore.harness.types import Completion
from samescore.suites.adversarial.fuzz import starting_points
from samescore.suites.adversarial.operators import OPERATORS
from samescore.suites.adversarial.suite import applied
from samescore.suites.catalog import load_suite, load_world, procedures_of

FILE = Path(__file__).parent / "data" / "golden.json"

GOOD = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
TURNS = {
    "plain": "Hello.",
    "thinking": "<think>\nwell\n</think>\n\nHello.",
    "call": '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>',
    "no arguments": '<tool_call>{"name": "f", "arguments": {}}</tool_call>',
    "two calls": f"{GOOD}\n{GOOD}",
    "second broken": f'{GOOD}\n<tool_call>\n{{"name": "g"\n</tool_call>',
    "quoted tag": '<tool_call>\n{"name": "f", "arguments": {"a": "</tool_call>"}}\n</tool_call>',
    "unclosed": '<tool_call>\n{"name": "f", "arguments": {}}',
    "parameters": '<tool_call>\n{"name": "f", "parameters": {"a": 1}}\n</tool_call>',
    "text arguments": '<tool_call>\n{"name": "f", "arguments": "Oslo"}\n</tool_call>',
    "duplicate": '<tool_call>\n{"name": "f", "arguments": {"a": 1, "a": 2}}\n</tool_call>',
    "nan": '<tool_call>\n{"name": "f", "arguments": {"a": NaN}}\n</tool_call>',
    "overflow": '<tool_call>\n{"name": "f", "arguments": {"a": 1e999}}\n</tool_call>',
    "python": "<tool_call>\n{'name': 'f', 'arguments': {}}\n</tool_call>",
    "trailing text": '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call> Done.',
    "tool result": "Done. <tool_response>{}</tool_response>",
    "thinking twice": "<think>\na <think> b\n</think>\n\nHi.",
    "control token": "Hello<|im_end|>",
}


NATIVE_TURNS = {
    name: native_text("", None, [{"id": "1", "name": "f", "arguments": arguments}])
    for name, arguments in {
        "call": '{"a": 1}',
        "no arguments": "{}",
        "empty": "",
        "trailing quote": '{"a": 1}"',
        "bare value": "Oslo",
        "duplicate": '{"a": 1, "a": 2}',
        "nan": '{"a": NaN}',
        "cut": '{"a": 1',
    }.items()
} | {"plain": native_text("Hello.", None, []), "not JSON": "Hello."}


def parses() -> dict[str, Any]:
    """What every dialect makes of the turns."""
    toolset = load_world("retail").toolset
    found: dict[str, Any] = {}
    for dialect, turns in (*((dialect, TURNS) for dialect in DIALECTS), (Native(), NATIVE_TURNS)):
        for name, text in turns.items():
            turn = dialect.parse(Completion(text), toolset)
            found[f"{dialect.name}/{dialect.version}: {name}"] = {
                "content": turn.content,
                "calls": [[call.name, dict(call.arguments)] for call in turn.calls],
                "defects": [[defect.name.value, *defect.span] for defect in turn.defects],
            }
    return found


def scores() -> dict[str, Any]:
    """What every scorer gives to gold, null agents and one mutant each, on a spread of cases."""
    suite = load_suite("sop")
    found: dict[str, Any] = {}
    for case in suite.cases[::23]:
        agents = [oracle(), *map(null_agent, NULL_AGENTS)]
        for scorer in BASIC:
            mutant = next(iter(scorer.mutants(case)), None) if scorer.applies(case) else None
            if mutant is not None:
                turns = mutant.turns
                agents.append(
                    ScriptPolicy(f"{scorer.name}: {mutant.name}", lambda case, sampling, turns=turns: iter(turns))
                )
        for agent in agents:
            trajectory = asyncio.run(rollout(case, agent, load_world(case.world)))
            values = {name: score.value for name, score in RUBRIC.score(case, trajectory).items()}
            found[f"{case.id} {agent.name}"] = values
    return found


def readings() -> dict[str, Any]:
    """What the fact judge reads in gold turns and in a few hard ones."""
    found: dict[str, Any] = {}
    texts = [(turn.content, case) for case in load_suite("sop").cases[::23] for turn in case.gold if turn.content]
    for content, case in texts:
        stated = [facts.judge(content, fact, case.lexicon, case.locale).stated for fact in case.expectation.facts]
        found[content] = [
            facts.asked_slots(content, case.lexicon, case.locale),
            facts.asks_anything(content, case.locale),
            facts.refuses(content, case.locale),
            facts.language_of(content),
            stated,
        ]
    return found


def versions() -> dict[str, int]:
    """What is declared."""
    return {scorer.name: scorer.version for scorer in SCORERS} | {"fact judge": facts.VERSION}


def perturbations() -> dict[str, str]:
    """What every operator makes of a case of each world: the fingerprint of the case, but for its suite's style guide,
    which no operator knows."""
    found: dict[str, str] = {}
    for procedure in ("sop/refund", "sop/access"):
        scenarios, _ = starting_points(procedures_of(procedure), "eval", None, 6)
        for operator in OPERATORS:
            made = (case for scenario in scenarios if (case := applied(operator, scenario)) is not None)
            for case in islice(made, 1):
                plain = replace(case, expectation=replace(case.expectation, style=None))
                found[f"{operator.name}/{operator.version}: {case.id}"] = plain.fingerprint()
    return found


def vectors() -> dict[str, Any]:
    """Everything that is locked, and the versions it was locked at."""
    return {
        "versions": versions(),
        "readings": readings(),
        "parses": parses(),
        "scores": scores(),
        "perturbations": perturbations(),
    }


def test_no_parse_and_no_score_moved_without_a_new_version() -> None:
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    now = {"versions": versions(), "readings": readings(), "parses": parses(), "scores": scores()}
    assert now["versions"] == golden["versions"], "write the vectors again: python tests/test_golden.py"
    assert now["parses"] == golden["parses"]
    assert canonical(now["readings"]) == canonical(golden["readings"])
    moved = [key for key in golden["scores"] if canonical(now["scores"].get(key)) != canonical(golden["scores"][key])]
    assert moved == []


def test_no_adversarial_case_moved_without_a_new_version_of_its_operator_or_world() -> None:
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    assert perturbations() == golden["perturbations"]


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
