"""The short way from Python: it plans as the command line does, in programs and in notebooks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, gold

from samescore.harness import Evaluation, FunctionPolicy, Message, Run, evaluate_suite, load_suite
from samescore.harness.cli.loading import suites_of

REFUND = "sop/refund"


def test_a_model_of_an_api_gets_the_procedure_in_the_prompt_and_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = load_suite(REFUND, procedure="prompt").cases
    with ChatServer(gold(cases)) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        monkeypatch.setenv("LOCAL_API_KEY", "none")
        asked = evaluate_suite(REFUND, "openai-api/local/scripted", tmp_path / "api", limit=2)
        systems = {request["messages"][0]["content"] for request in server.turns}
    assert systems <= {case.system for case in cases}
    told = evaluate_suite(REFUND, "oracle", tmp_path / "oracle", limit=2)
    assert [one.run.plan.procedure for one in (asked, told)] == ["prompt", "weights"]


def test_a_plan_knows_how_its_suite_was_loaded(tmp_path: Path) -> None:
    suite = load_suite(REFUND, procedure="prompt")
    run = evaluate_suite(suite, "oracle", tmp_path / "run", limit=2).run
    assert Run.open(run.directory).plan.procedure == "prompt"
    assert [again.fingerprint for again in suites_of(run, [])] == [suite.fingerprint]


def test_in_a_notebook_whose_event_loop_runs_it_waits_all_the_same(tmp_path: Path) -> None:
    async def cell() -> Evaluation:
        return evaluate_suite(REFUND, "oracle", tmp_path / "run", limit=2)

    assert asyncio.run(cell()).status == "complete"


@pytest.mark.parametrize(
    ("reply", "found"), [(None, "found NoneType"), (Message("user", "me?"), "found a message of role 'user'")]
)
def test_a_function_that_returns_no_turn_is_an_error_that_says_so(tmp_path: Path, reply: Any, found: str) -> None:
    evaluation = evaluate_suite(REFUND, FunctionPolicy("odd", lambda messages, tools: reply), tmp_path / "run", limit=1)
    (error,) = (str(one.error) for one in evaluation.errors)
    assert error.startswith("policy: policy 'odd': expected a str or an assistant's Message, ") and found in error


def test_a_function_is_described_in_any_words(tmp_path: Path) -> None:
    described = {"description": "our bot", "version": 3}
    bot = FunctionPolicy("bot", lambda messages, tools: "We cannot do that.", described=described)
    run = evaluate_suite(REFUND, bot, tmp_path / "run", limit=1).run
    assert Run.open(run.directory).manifest.description.items() >= described.items()


def test_a_replay_of_a_replay_of_a_lenient_run_is_lenient(tmp_path: Path) -> None:
    hiding = FunctionPolicy("hiding", lambda messages, tools: "We cannot do that.", described={"arguments": "parsed"})
    evaluate_suite(REFUND, hiding, tmp_path / "0", limit=1)
    for number in (1, 2):
        run = evaluate_suite(REFUND, f"replay/{tmp_path / str(number - 1)}", tmp_path / str(number), limit=1).run
        assert run.manifest.lenient and '"lenient": true' in (run.directory / "run.json").read_text()
