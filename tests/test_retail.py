"""The retail world: tools that keep references intact, and procedures played and judged on every branch."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from world_claims import assert_questions_ask_for_their_slots, assert_replies_state_and_close

from samescore.fixtures.retail import WORLD, tools
from samescore.harness.case import Case, Split
from samescore.harness.facts import AnswerFact, asked_slots, judge
from samescore.harness.lexicon import LOCALES, FactType, Locale
from samescore.harness.policies.script import oracle
from samescore.harness.rollout import rollout
from samescore.harness.scorers import RUBRIC
from samescore.harness.types import Call, Effect, Outcome
from samescore.suites.sop.cases import Recipe, generate
from samescore.suites.sop.lint import lint
from samescore.suites.sop.loader import load
from samescore.suites.sop.model import CallStep, Decide, Reply, Sop
from samescore.suites.sop.obligations import Feasibility, obligations
from samescore.suites.sop.splits import near_duplicates, overlaps

HOME = Path(tools.__file__).parent
NAMES = ("refund", "exchange")
SPLITS = cast("tuple[Split, ...]", ("train", "dev", "eval"))

ORDER, CUSTOMER, EMAIL = "A-48213", "C-1234", "ha.maple@example.com"
FACTS: Mapping[str, Any] = {
    "today": "2026-05-20",
    "id_seed": 7,
    "order.id": ORDER,
    "order.customer_id": CUSTOMER,
    "customer.name": "Lê Thu Hà",
    "customer.email": EMAIL,
    "order.item_price": 80,
    "order.order_total": 89,
    "order.days_since_delivery": 12,
}
CALLS: Mapping[str, Mapping[str, Any]] = {
    "get_order": {"order_id": ORDER},
    "get_customer": {"customer_id": CUSTOMER},
    "get_payment_card": {"customer_id": CUSTOMER},
    "check_stock": {"order_id": ORDER, "size": "M"},
    "issue_refund": {"order_id": ORDER, "amount": 89, "return_item": True},
    "cancel_order": {"order_id": ORDER},
    "create_exchange": {"order_id": ORDER, "size": "L", "pickup_on": "2026-05-22"},
    "give_voucher": {"customer_id": CUSTOMER, "amount": 20},
    "create_ticket": {"reason": "outage", "order_id": ORDER},
    "send_confirmation": {"email": EMAIL},
}
ERRORS = [
    ("get_customer", {"customer_id": "C-0000"}, "customer_not_found"),
    ("get_payment_card", {"customer_id": "C-0000"}, "card_not_found"),
    ("check_stock", {"order_id": "A-00000", "size": "M"}, "order_not_found"),
    ("issue_refund", {"order_id": "A-00000", "amount": 89, "return_item": True}, "order_not_found"),
    ("issue_refund", {"order_id": ORDER, "amount": 0, "return_item": True}, "invalid_amount"),
    ("cancel_order", {"order_id": "A-00000"}, "order_not_found"),
    ("create_exchange", {"order_id": "A-00000", "size": "L", "pickup_on": "2026-05-22"}, "order_not_found"),
    ("give_voucher", {"customer_id": "C-0000", "amount": 20}, "customer_not_found"),
    ("give_voucher", {"customer_id": CUSTOMER, "amount": -5}, "invalid_amount"),
    ("send_confirmation", {"email": "nobody@example.com"}, "customer_not_found"),
]


@cache
def procedure(name: str) -> Sop:
    return load(HOME / "sops" / f"{name}.yaml", WORLD.toolset, WORLD.lexicon)


@cache
def obliged(name: str) -> tuple[Feasibility, ...]:
    return obligations(procedure(name), "mcdc")


@cache
def cases(name: str, split: Split) -> tuple[Case, ...]:
    return generate(procedure(name), WORLD, Recipe("mcdc", split), obliged(name))


def stated_values(name: str, reply: Reply) -> dict[str, Any]:
    """What a reply states, from a case that ends in it."""
    case = next(case for case in cases(name, "eval") if case.cluster.endswith(f">{reply.id}"))
    return {fact.slot: fact.value.removesuffix(".00 USD") for fact in case.expectation.facts}


def every_case() -> list[Case]:
    return [case for name in NAMES for split in SPLITS for case in cases(name, split)]


def played(*calls: Call, **facts: Any) -> tuple[list[tuple[Outcome, Any]], tuple[Effect, ...]]:
    """What the world answers to calls one after the other, and its effects."""
    environment = WORLD.open({**FACTS, **facts})
    try:
        observations = [environment.call(call) for call in calls]
        return [(seen.outcome, json.loads(seen.content)) for seen in observations], environment.effects
    finally:
        environment.close()


def test_importing_the_world_loads_no_heavy_library() -> None:
    code = "import sys, samescore.fixtures.retail; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "jsonschema", "yaml", "z3"} & set(ran.stdout.split())


def test_the_tools_fit_into_a_short_prompt() -> None:
    specs = [json.dumps(spec["function"]) for spec in WORLD.toolset.specs()]
    assert 9 <= len(specs) <= 10
    assert sum(map(len, specs)) < 3400
    assert all(len(tool.description.split()) <= 9 for tool in WORLD.toolset.tools)


def test_parameters_cover_the_types_an_agent_has_to_get_right() -> None:
    properties = [schema for tool in WORLD.toolset.tools for schema in tool.parameters["properties"].values()]
    kinds = {schema["type"] for schema in properties}
    assert kinds == {"string", "integer", "boolean"}
    for keyword in ("pattern", "enum", "format"):
        assert any(keyword in schema for schema in properties)
    assert WORLD.toolset.by_name["create_ticket"].parameters["required"] == ["reason"]


@pytest.mark.parametrize("name", CALLS)
def test_every_tool_answers_a_right_call_with_a_flat_object(name: str) -> None:
    ((outcome, result),), effects = played(Call(name, CALLS[name]))
    assert outcome is Outcome.OK
    assert 4 <= len(result) <= 9
    assert all(isinstance(value, str | int | bool) for value in result.values())
    assert bool(effects) == WORLD.toolset.by_name[name].effect


def test_every_tool_is_called_in_these_tests() -> None:
    assert set(CALLS) == set(WORLD.toolset.by_name)


@pytest.mark.parametrize(("name", "arguments", "code"), ERRORS)
def test_every_error_is_reached_and_leaves_no_effect(name: str, arguments: Mapping[str, Any], code: str) -> None:
    ((outcome, result),), effects = played(Call(name, arguments))
    assert (outcome, result["error"], effects) == (Outcome.TOOL_ERROR, code, ())


def test_no_error_code_is_left_untested() -> None:
    tree = ast.parse(Path(tools.__file__).read_text(encoding="utf-8"))
    raised = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "ToolError"
        and isinstance(node.args[0], ast.Constant)
    }
    assert raised == {code for _, _, code in ERRORS}


def test_sql_is_always_a_literal_with_parameters() -> None:
    for module in ("tools.py", "builder.py"):
        tree = ast.parse((HOME / module).read_text(encoding="utf-8"))
        queries = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func.value) == "env"
            and node.func.attr in ("one", "rows", "write")
        ]
        assert queries
        for query in queries:
            text = query.args[0]
            assert isinstance(text, ast.Constant) and isinstance(text.value, str), f"{module}:{query.lineno}"
            assert text.value.count("?") == len(query.args) - 1, f"{module}:{query.lineno}"


def test_hostile_text_in_arguments_stays_text() -> None:
    hostile = "x' OR '1'='1"
    seen, _ = played(
        Call("get_payment_card", {"customer_id": hostile}),
        Call("send_confirmation", {"email": hostile}),
        Call("get_order", {"order_id": hostile}),
    )
    assert [outcome for outcome, _ in seen] == [Outcome.TOOL_ERROR, Outcome.TOOL_ERROR, Outcome.INVALID]


def test_a_second_refund_is_paid_and_logged_a_second_time() -> None:
    refund = Call("issue_refund", CALLS["issue_refund"])
    seen, effects = played(refund, refund)
    assert effects == (Effect("refund_paid", {"order_id": ORDER, "amount": 89}),) * 2
    assert seen[0][1]["refund_id"] != seen[1][1]["refund_id"]


def test_days_are_counted_by_the_frozen_clock() -> None:
    ((_, late),), _ = played(
        Call("get_order", {"order_id": ORDER}), **{"order.status": "shipped", "order.days_late": 9}
    )
    assert (late["days_late"], late["days_since_delivery"]) == (9, 0)
    ((_, old),), _ = played(Call("get_order", {"order_id": ORDER}))
    assert (old["days_late"], old["days_since_delivery"]) == (0, 12)


def test_an_order_that_is_not_there_is_said_to_be_not_found() -> None:
    ((outcome, result),), _ = played(Call("get_order", {"order_id": ORDER}), **{"order.status": "not_found"})
    assert (outcome, result) == (Outcome.OK, {"order_id": ORDER, "status": "not_found"})


def test_another_size_has_another_stock_so_that_a_wrong_one_shows() -> None:
    facts = {"request.issue": "wrong_size", "request.size": "L", "order.size": "M", "stock.units": 0}
    asked = [Call("check_stock", {"order_id": ORDER, "size": size}) for size in ("L", "M")]
    seen, _ = played(*asked, **facts)
    assert [result["units"] > 0 for _, result in seen] == [False, True]


@pytest.mark.parametrize("name", NAMES)
def test_a_procedure_has_no_flaw_that_can_be_proven(name: str) -> None:
    assert [f"{finding.line}: {finding.message}" for finding in lint(procedure(name))] == []


def test_there_are_at_least_24_branches_and_75_obligations() -> None:
    feasible = [one.obligation for name in NAMES for one in obliged(name) if one.witness is not None]
    kinds = Counter(one.kind for one in feasible)
    assert kinds["branch"] >= 24
    assert len(feasible) >= 75
    assert len([case for name in NAMES for case in cases(name, "eval")]) >= 150


def test_some_condition_joins_three_comparisons() -> None:
    for name in NAMES:
        arms = [arm for step in procedure(name).steps.values() if isinstance(step, Decide) for arm in step.arms]
        assert any(arm.condition is not None and len(arm.condition.atoms) >= 3 for arm in arms)


@pytest.mark.parametrize("name", NAMES)
def test_no_branch_ends_without_a_call_or_a_question(name: str) -> None:
    for case in cases(name, "eval"):
        assert len(case.gold) >= 2
        assert case.expectation.facts, case.cluster


@pytest.mark.parametrize("name", NAMES)
def test_facts_that_a_call_reveals_are_fields_of_its_result(name: str) -> None:
    steps = procedure(name).steps.values()
    for step in (step for step in steps if isinstance(step, CallStep) and step.reveals):
        ((_, result),), _ = played(Call(step.tool, CALLS[step.tool]))
        assert {fact.rpartition(".")[2] for fact in step.reveals} <= result.keys()


@pytest.mark.parametrize("name", NAMES)
def test_replies_are_short_and_every_wording_names_what_it_states(name: str) -> None:
    for step in procedure(name).steps.values():
        if isinstance(step, Reply):
            for locale in LOCALES:
                assert 2 <= len(step.text[locale]) <= 3
                for text in step.text[locale]:
                    assert len(text.split()) <= 45 and "?" not in text
                    assert all(f"{{{slot}}}" in text for slot in step.states), text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", NAMES)
def test_every_wording_of_a_reply_states_its_facts_and_closes_as_it_must(name: str, locale: Locale) -> None:
    for step in (step for step in procedure(name).steps.values() if isinstance(step, Reply)):
        assert_replies_state_and_close(step, stated_values(name, step), WORLD.lexicon, locale)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", NAMES)
def test_every_question_asks_for_exactly_its_slots(name: str, locale: Locale) -> None:
    assert_questions_ask_for_their_slots(procedure(name), WORLD.lexicon, locale)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_phrase_by_which_a_slot_is_asked_is_recognised(locale: Locale) -> None:
    for slot in ("order_id", "reason", "issue", "size", "photo", "email"):
        words = WORLD.lexicon[slot].ask[locale]
        assert len(words) >= 4
        for phrase in words:
            question = {"en": f"Could you tell me {phrase}?", "vi": f"Anh/chị cho em biết {phrase} ạ?"}[locale]
            assert slot in asked_slots(question, WORLD.lexicon, locale), question


@pytest.mark.parametrize(
    ("locale", "reply", "slot", "value"),
    [
        ("en", "I refunded 80 USD; shipping of 9 USD is not refundable.", "refund_amount", "80.00 USD"),
        ("en", "Your order total was 89 USD and we refunded 80 USD of it.", "refund_amount", "80.00 USD"),
        ("en", "Here is a 20 USD voucher for your trouble.", "voucher_amount", "20.00 USD"),
        ("en", "It has been 45 days since delivery.", "days_since_delivery", "45"),
        ("vi", "Em đã hoàn 80 USD, phí giao hàng 9 USD thì không hoàn lại ạ.", "refund_amount", "80.00 USD"),
        ("vi", "Tổng đơn hàng là 89 USD, bên em đã hoàn lại 80 USD ạ.", "refund_amount", "80.00 USD"),
        ("vi", "Em gửi anh/chị voucher trị giá 20 USD ạ.", "voucher_amount", "20.00 USD"),
        ("vi", "Đơn đã được giao cách đây 45 ngày ạ.", "days_since_delivery", "45"),
    ],
)
def test_amounts_and_days_belong_to_the_role_beside_them(locale: Locale, reply: str, slot: str, value: str) -> None:
    assert judge(reply, AnswerFact(slot, value), WORLD.lexicon, locale).stated


def test_every_slot_has_words_in_both_languages() -> None:
    for slot in WORLD.lexicon.slots.values():
        for locale in LOCALES:
            assert len(slot.role.get(locale, ())) >= 3 or slot.type is FactType.CHOICE, slot.name
            for value, words in slot.values.items():
                assert len(words[locale]) >= 2, (slot.name, value)


def test_gold_gets_full_marks_in_the_world() -> None:
    for case in (*cases("refund", "eval"), *cases("exchange", "eval")):
        trajectory = asyncio.run(rollout(case, oracle(), WORLD))
        scores = RUBRIC.score(case, trajectory)
        assert {name: score.reason for name, score in scores.items() if score.value != 1.0} == {}, case.id


def test_splits_share_no_sentence_and_no_case_reads_like_its_neighbour() -> None:
    assert [overlap.words() for overlap in overlaps(every_case())] == []
    for split in SPLITS:
        assert near_duplicates([case for name in NAMES for case in cases(name, split)]).share == 0.0


def test_the_suite_names_its_procedures_and_targets() -> None:
    import yaml

    suite = yaml.safe_load((HOME / "suite.yaml").read_text(encoding="utf-8"))
    assert (suite["name"], suite["world"], tuple(suite["sops"])) == ("retail", WORLD.name, NAMES)
    assert all(0 < target <= 1 for target in suite["targets"].values())
