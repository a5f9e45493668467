"""The helpdesk world: what retail has no use for really occurs, nothing confidential is told, gold is judged right."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from world_claims import assert_questions_ask_for_their_slots, assert_replies_state_and_close

from samescore.fixtures.helpdesk import HOME, WORLD
from samescore.harness.case import Case
from samescore.harness.facts import asked_slots
from samescore.harness.lexicon import LOCALES, Locale
from samescore.harness.policies.null import NULL_AGENTS, null_agent
from samescore.harness.policies.script import ScriptPolicy, oracle
from samescore.harness.rollout import rollout
from samescore.harness.scorers import RUBRIC
from samescore.harness.types import Call, Effect, Message, Outcome
from samescore.suites.sop.cases import Recipe, generate
from samescore.suites.sop.lint import lint
from samescore.suites.sop.loader import load
from samescore.suites.sop.lock import lock_path, read_lock
from samescore.suites.sop.model import CallStep, Reply, Sop
from samescore.suites.sop.obligations import Feasibility, obligations
from samescore.suites.sop.splits import near_duplicates, overlaps

NAMES = ("access", "incident")

EMPLOYEE, MANAGER, BADGE, INCIDENT = "E-10442", "E-20481", "B-482139", "IN-30212"
FACTS: Mapping[str, Any] = {
    "today": "2026-05-20",
    "id_seed": 7,
    "employee.id": EMPLOYEE,
    "employee.name": "Lê Thu Hà",
    "request.badge": BADGE,
    "account.site": "danang",
    "account.status": "locked",
    "account.failures": 12,
    "account.manager_id": MANAGER,
    "request.service": "vpn",
    "employee.site": "danang",
    "service.status": "incident",
    "incident.id": INCIDENT,
}
DESK = {"channel": "desk", "to": "danang"}
CALLS: Mapping[str, Mapping[str, Any]] = {
    "get_account": {"employee_id": EMPLOYEE},
    "get_signins": {"employee_id": EMPLOYEE},
    "verify_identity": {"employee_id": EMPLOYEE, "badge": BADGE},
    "reset_access": {"employee_id": EMPLOYEE, "parts": ["lock", "password"], "deliver_to": DESK},
    "sync_account": {"employee_id": EMPLOYEE},
    "get_service": {"service": "vpn", "site": "danang"},
    "get_on_call": {"site": "danang"},
    "add_report": {"incident_id": INCIDENT, "affected": {"users": 7, "sites": ["danang"]}},
    "wait": {"seconds": 30},
    "open_ticket": {"requester": {"employee_id": EMPLOYEE, "site": "danang"}, "category": "access"},
    "create_escalation": {"team": "security", "notify": [MANAGER, EMPLOYEE]},
}
ERRORS = [
    ("reset_access", {"employee_id": "E-00000", "parts": ["lock"]}, "account_not_found"),
    ("reset_access", {"employee_id": EMPLOYEE, "parts": []}, "nothing_to_reset"),
    ("reset_access", {"employee_id": EMPLOYEE, "parts": ["app"]}, "delivery_missing"),
    ("reset_access", {**CALLS["reset_access"], "deliver_to": {"channel": "desk", "to": "hue"}}, "site_not_found"),
    (
        "reset_access",
        {**CALLS["reset_access"], "deliver_to": {"channel": "manager", "to": "E-00000"}},
        "employee_not_found",
    ),
    ("sync_account", {"employee_id": "E-00000"}, "account_not_found"),
    ("get_on_call", {"site": "hue"}, "site_not_found"),
    ("add_report", {**CALLS["add_report"], "incident_id": "IN-00000"}, "incident_not_found"),
    ("add_report", {**CALLS["add_report"], "affected": {"users": 0, "sites": []}}, "invalid_users"),
    ("wait", {"seconds": 0}, "invalid_wait"),
    (
        "open_ticket",
        {"requester": {"employee_id": "E-00000", "site": "danang"}, "category": "access"},
        "employee_not_found",
    ),
    ("open_ticket", {"requester": {"employee_id": EMPLOYEE, "site": "hue"}, "category": "access"}, "site_not_found"),
    ("create_escalation", {"team": "security", "notify": ["E-00000"]}, "employee_not_found"),
]
MALFORMED = [
    ("get_service", {"service": "vpn", "site": "hue"}),
    ("open_ticket", {"requester": {"employee_id": EMPLOYEE}, "category": "access"}),
    ("open_ticket", {"requester": {"employee_id": EMPLOYEE, "site": "danang", "desk": "4"}, "category": "access"}),
    ("reset_access", {"employee_id": EMPLOYEE, "parts": ["lock", "lock"]}),
    ("reset_access", {"employee_id": EMPLOYEE, "parts": ["fax"]}),
    ("create_escalation", {"team": "security", "notify": [MANAGER, MANAGER]}),
    ("add_report", {"incident_id": INCIDENT, "affected": {"users": "7", "sites": ["danang"]}}),
]


@cache
def procedure(name: str) -> Sop:
    return load(HOME / "sops" / f"{name}.yaml", WORLD.toolset, WORLD.lexicon)


@cache
def obliged(name: str) -> tuple[Feasibility, ...]:
    return obligations(procedure(name), "mcdc")


@cache
def cases(name: str) -> tuple[Case, ...]:
    return generate(procedure(name), WORLD, Recipe("mcdc", "eval"), obliged(name))


def every_case() -> list[Case]:
    return [case for name in NAMES for case in cases(name)]


def gold_calls() -> list[Call]:
    return [call for case in every_case() for turn in case.gold for call in turn.calls]


def replies(name: str) -> Iterator[tuple[Reply, Case]]:
    """Every reply of a procedure with a case that ends in it."""
    for step in procedure(name).steps.values():
        if isinstance(step, Reply):
            yield step, next(case for case in cases(name) if case.cluster.endswith(f">{step.id}"))


def played(*calls: Call, **facts: Any) -> tuple[list[tuple[Outcome, Any]], tuple[Effect, ...]]:
    """What the world answers to calls one after the other, and its effects."""
    environment = WORLD.open({**FACTS, **facts})
    try:
        observations = [environment.call(call) for call in calls]
        return [(seen.outcome, json.loads(seen.content)) for seen in observations], environment.effects
    finally:
        environment.close()


def success(case: Case, agent: str) -> float:
    policy = oracle() if agent == "oracle" else null_agent(agent)
    return RUBRIC.score(case, asyncio.run(rollout(case, policy, WORLD)))["success"].value


def test_importing_the_world_loads_no_heavy_library() -> None:
    code = "import sys, samescore.fixtures.helpdesk; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "jsonschema", "yaml", "z3"} & set(ran.stdout.split())


def test_the_tools_fit_into_a_short_prompt() -> None:
    specs = [json.dumps(spec["function"]) for spec in WORLD.toolset.specs()]
    assert len(specs) <= 12
    assert sum(map(len, specs)) < 3600
    assert all("$ref" not in spec and "title" not in spec for spec in specs)


def test_parameters_have_objects_lists_without_repeats_and_optional_arguments() -> None:
    tools = WORLD.toolset.tools
    properties = [schema for tool in tools for schema in tool.parameters["properties"].values()]
    objects = [schema for schema in properties if schema["type"] == "object"]
    assert len(objects) >= 3 and not any(schema["additionalProperties"] for schema in objects)
    assert sum(schema.get("uniqueItems", False) for schema in properties) >= 2
    assert sum(tool.parameters["properties"].keys() > set(tool.parameters["required"]) for tool in tools) >= 2


@pytest.mark.parametrize("name", CALLS)
def test_every_tool_answers_a_right_call_and_logs_effects_only_where_it_has_some(name: str) -> None:
    ((outcome, _),), effects = played(Call(name, CALLS[name]))
    assert outcome is Outcome.OK
    assert bool(effects) == WORLD.toolset.by_name[name].effect


def test_every_tool_is_called_in_these_tests() -> None:
    assert set(CALLS) == set(WORLD.toolset.by_name)


@pytest.mark.parametrize(("name", "arguments", "code"), ERRORS)
def test_tools_keep_references_intact(name: str, arguments: Mapping[str, Any], code: str) -> None:
    ((outcome, result),), effects = played(Call(name, arguments))
    assert (outcome, result["error"], effects) == (Outcome.TOOL_ERROR, code, ())


@pytest.mark.parametrize(("name", "arguments"), MALFORMED)
def test_a_schema_reaches_into_objects_and_lists(name: str, arguments: Mapping[str, Any]) -> None:
    ((outcome, _),), effects = played(Call(name, arguments))
    assert (outcome, effects) == (Outcome.INVALID, ())


def test_sql_is_always_a_literal_with_parameters() -> None:
    for path in sorted(HOME.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("env.one", "env.rows", "env.write"):
                text = node.args[0]
                assert isinstance(text, ast.Constant) and isinstance(text.value, str), f"{path.name}:{node.lineno}"
                assert text.value.count("?") == len(node.args) - 1, f"{path.name}:{node.lineno}"


def test_a_busy_directory_stays_busy_until_somebody_waits() -> None:
    sync, wait = Call("sync_account", CALLS["sync_account"]), Call("wait", {"seconds": 30})
    seen, effects = played(sync, sync, wait, sync, faults={"sync_account": 1})
    assert [outcome for outcome, _ in seen] == [Outcome.FAULT, Outcome.FAULT, Outcome.OK, Outcome.OK]
    assert (seen[0][1]["error"], seen[0][1]["retry_after"]) == ("busy", 30)
    assert [effect.name for effect in effects] == ["account_synced"]


def test_a_wrong_badge_proves_nothing() -> None:
    verify = Call("verify_identity", CALLS["verify_identity"])
    assert played(verify)[0][0][1] == {"verified": True}
    assert played(verify, **{"identity.verified": False})[0][0][1] == {"verified": False}


def test_a_lock_that_is_lifted_needs_no_code_and_a_new_password_does() -> None:
    lifted = Call("reset_access", {"employee_id": EMPLOYEE, "parts": ["lock"]})
    (_, plain), (_, coded) = played(lifted, Call("reset_access", CALLS["reset_access"]))[0]
    assert "code" not in plain and coded["code"].startswith("OTP-")


def test_an_account_that_is_not_there_is_said_to_be_not_found() -> None:
    seen, _ = played(Call("get_account", CALLS["get_account"]), **{"account.status": "not_found"})
    assert seen == [(Outcome.OK, {"employee_id": EMPLOYEE, "status": "not_found"})]


@pytest.mark.parametrize("name", NAMES)
def test_a_procedure_has_no_flaw_that_can_be_proven(name: str) -> None:
    assert [f"{finding.line}: {finding.message}" for finding in lint(procedure(name))] == []


def test_there_are_at_least_24_branches_and_150_cases() -> None:
    feasible = [one.obligation for name in NAMES for one in obliged(name) if one.witness is not None]
    assert sum(one.kind == "branch" for one in feasible) >= 24
    assert len(every_case()) >= 150


def test_gold_has_objects_lists_arguments_left_out_calls_together_and_waits() -> None:
    calls = gold_calls()
    values = [value for call in calls for value in call.arguments.values()]
    assert any(isinstance(value, dict) for value in values)
    assert any(isinstance(value, list) and len(value) >= 2 for value in values)
    assert any(isinstance(inner, list) for value in values if isinstance(value, dict) for inner in value.values())
    for tool, optional in (("create_escalation", "notify"), ("reset_access", "deliver_to")):
        assert {optional in call.arguments for call in calls if call.name == tool} == {True, False}
    turns = [turn for case in every_case() for turn in case.gold]
    assert any(len({call.name for call in turn.calls}) >= 2 for turn in turns)
    assert any(call.name == "wait" for call in calls)


def test_no_conversation_takes_more_than_seven_turns_in_access() -> None:
    assert max(len(case.gold) for case in cases("access")) <= 7


@pytest.mark.parametrize("name", NAMES)
def test_what_is_confidential_is_read_and_never_told(name: str) -> None:
    secrets = 0
    for case in cases(name):
        for value in case.expectation.confidential:
            secrets += 1
            assert not any(value in turn.content for turn in case.gold), case.id
    assert secrets


@pytest.mark.parametrize("name", NAMES)
def test_telling_something_confidential_costs_restraint(name: str) -> None:
    case = next(case for case in cases(name) if case.expectation.confidential)
    *before, last = case.gold
    told = f"{last.content} {case.expectation.confidential[0]}"
    gossip = Message("assistant", told, thinking=last.thinking)
    policy = ScriptPolicy("gossip", lambda case, sampling: iter([*before, gossip]))
    trajectory = asyncio.run(rollout(case, policy, WORLD))
    assert RUBRIC.score(case, trajectory)["restraint"].value == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_replies_that_hand_over_use_the_house_words(name: str) -> None:
    words = {"open_ticket": "Ticket", "create_escalation": "Escalation"}
    for case in cases(name):
        made = {call.name for turn in case.gold for call in turn.calls} & words.keys()
        for tool in made:
            assert words[tool] in case.expectation.terms, case.cluster
            assert words[tool] in case.gold[-1].content


@pytest.mark.parametrize("name", NAMES)
def test_facts_that_a_call_reveals_are_fields_of_its_result(name: str) -> None:
    for step in procedure(name).steps.values():
        if isinstance(step, CallStep) and step.tool in ("get_account", "get_signins", "verify_identity"):
            ((_, result),), _ = played(Call(step.tool, CALLS[step.tool]))
            assert {fact.rpartition(".")[2] for fact in step.reveals} <= result.keys()


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", NAMES)
def test_every_wording_of_a_reply_states_its_facts_and_closes_as_it_must(name: str, locale: Locale) -> None:
    for step, case in replies(name):
        values = {fact.slot: fact.value for fact in case.expectation.facts}
        for text in step.text[locale]:
            assert len(text.split()) <= 45 and all(f"{{{slot}}}" in text for slot in values), text
        assert_replies_state_and_close(step, values, WORLD.lexicon, locale)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", NAMES)
def test_every_question_asks_for_exactly_its_slots(name: str, locale: Locale) -> None:
    assert_questions_ask_for_their_slots(procedure(name), WORLD.lexicon, locale)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_phrase_by_which_a_slot_is_asked_is_recognised(locale: Locale) -> None:
    for slot in ("employee_id", "badge", "issue", "users"):
        for phrase in WORLD.lexicon[slot].ask[locale]:
            question = {"en": f"Could you tell me {phrase}?", "vi": f"Anh/chị cho em biết {phrase} ạ?"}[locale]
            assert slot in asked_slots(question, WORLD.lexicon, locale), question


@pytest.mark.parametrize("name", NAMES)
def test_gold_gets_full_marks_in_the_world(name: str) -> None:
    for case in cases(name):
        scores = RUBRIC.score(case, asyncio.run(rollout(case, oracle(), WORLD)))
        assert {scorer: score.reason for scorer, score in scores.items() if score.value != 1.0} == {}, case.id


@pytest.mark.parametrize("agent", NULL_AGENTS)
def test_agents_that_do_nothing_of_use_hardly_ever_succeed(agent: str) -> None:
    scores = [success(case, agent) for case in every_case()]
    assert sum(scores) / len(scores) <= 0.05


def test_locked_splits_share_no_sentence_and_no_case_reads_like_its_neighbour() -> None:
    locked = [
        case
        for name in NAMES
        for split in ("train", "dev", "eval")
        for case in read_lock(lock_path(HOME / "sops" / f"{name}.yaml", split), WORLD)
    ]
    assert [overlap.words() for overlap in overlaps(locked)] == []
    assert near_duplicates(locked).share == 0.0


def test_the_suite_names_its_procedures_and_targets() -> None:
    import yaml

    suite = yaml.safe_load((HOME / "suite.yaml").read_text(encoding="utf-8"))
    assert (suite["name"], suite["world"], tuple(suite["sops"])) == ("helpdesk", WORLD.name, NAMES)
    assert all(0 < target <= 1 for target in suite["targets"].values())
