"""API models through Inspect's providers, against real servers on loopback: good ones, bad ones, and one that dies."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import jsonschema
import pytest
from chat_server import Answers, ChatServer, Reply, Request, failing, gold, is_probe, said
from toy_world import WORLD, WORLDS, stable, suite

import samescore.harness
from samescore.harness.errors import ExitCode, PolicyError, SamescoreError, UnknownName, UsageError
from samescore.harness.evaluate import Evaluation, evaluate_sync
from samescore.harness.evidence import read_evidence
from samescore.harness.manifest import Status
from samescore.harness.plan import Plan
from samescore.harness.policies import is_api, load_policy
from samescore.harness.policies.api import ApiPolicy, without_credentials
from samescore.harness.policies.api_options import ApiOptions
from samescore.harness.records import ErrorKind
from samescore.harness.rescore import rescore
from samescore.harness.rollout import Limits, rollout
from samescore.harness.run import Run
from samescore.harness.types import Outcome, Stop
from samescore.harness.usage import Price, usage_totals
from samescore.suites.catalog import load_suite

NAME = "openai-api/local/scripted"
QUICK = ApiOptions(timeout=30, max_retries=0)
TOY = suite(8)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", "sk-local")
    monkeypatch.delenv("LOCAL_BASE_URL", raising=False)


def opened(server: ChatServer, options: ApiOptions = QUICK) -> ApiPolicy:
    return ApiPolicy.load(NAME, replace(options, base_url=server.url))


def carried_out(directory: Path, policy: ApiPolicy, run: Run | None = None, **options: Any) -> tuple[Run, Evaluation]:
    plan = Plan.make([TOY])
    run = run or Run.create(directory, plan, policy, WORLDS, suites=[TOY])
    try:
        return run, evaluate_sync([TOY], policy, WORLDS, plan, run, concurrency=options.pop("concurrency", 4))
    finally:
        asyncio.run(policy.aclose())


def after_probe(answers: Answers) -> Answers:
    """The probe is answered; then these answers."""
    return lambda request: said("ok") if is_probe(request) else answers(request)


def once(first: Reply, then: Answers) -> Answers:
    """One bad answer to the first turn that is asked for, and good ones from there."""
    used = threading.Event()

    def answer(request: Request) -> Reply:
        if used.is_set() or is_probe(request):
            return then(request)
        used.set()
        return first

    return answer


def scripted(*replies: Reply) -> Answers:
    """These replies in order."""
    left = iter(replies)
    return after_probe(lambda request: next(left))


def one_turn(answers: Answers, options: ApiOptions = QUICK, **limits: int) -> Any:
    """The trajectory of the first toy case."""
    with ChatServer(answers) as server:
        policy = opened(server, options)

        async def roll() -> Any:
            try:
                return await rollout(TOY.cases[0], policy, WORLD, limits=Limits(**limits))
            finally:
                await policy.aclose()

        return asyncio.run(roll())


# Good answers.


def test_the_oracle_behind_http_has_success_one_and_its_evidence_scores_again(tmp_path: Path) -> None:
    with ChatServer(gold(TOY.cases)) as server:
        run, done = carried_out(tmp_path / "run", opened(server))
    assert done.status is Status.COMPLETE
    assert [one.scores["success"].value for one in done.results if one.scores] == [1.0] * 8
    again = list(rescore(Run.open(run.directory), [TOY], WORLDS))
    assert [one.scores for one in again] == [one.scores for one in done.results]
    assert run.manifest.dialect == "native" and not run.manifest.lenient


def test_a_request_carries_sampling_tools_and_results_with_the_ids_of_their_calls(tmp_path: Path) -> None:
    with ChatServer(gold(TOY.cases)) as server:
        carried_out(tmp_path / "run", opened(server), concurrency=1)
    first, second = server.turns[:2]
    assert server.keys[0] == "Bearer sk-local"
    assert (first["model"], first["temperature"], first["max_tokens"]) == ("scripted", 0.0, 768)
    assert first["seed"] != second["seed"] and max(one["seed"] for one in server.turns) < 2**31
    assert first["tools"] == WORLD.toolset.specs(), "patterns and all"
    answered = next(turn for turn in server.turns if turn["messages"][-1]["role"] == "tool")
    *before, assistant, result = answered["messages"]
    turn, call = sum(one["role"] == "assistant" for one in before), assistant["tool_calls"][0]
    assert result["tool_call_id"] == call["id"] == f"call-{turn}-0"
    assert json.loads(result["content"])["book_id"] == json.loads(call["function"]["arguments"])["book_id"]


def test_two_calls_of_one_turn_get_their_own_results() -> None:
    book = '{"book_id": "B-1000"}'
    calls = said(None, [("get_loan", book), ("get_loan", '{"book_id": "B-9999"}')], "tool_calls")
    with ChatServer(scripted(calls, said("Done."))) as server:
        policy = opened(server)
        trajectory = asyncio.run(rollout(TOY.cases[0], policy, WORLD))
    assert len(trajectory.steps[0].observations) == 2
    results = [one for one in server.turns[1]["messages"] if one["role"] == "tool"]
    assert [one["tool_call_id"] for one in results] == ["call-0-0", "call-0-1"]
    assert "not_found" in results[1]["content"]


def test_thinking_goes_back_as_the_provider_sent_it() -> None:
    look = said(None, [("get_loan", '{"book_id": "B-1000"}')], "tool_calls", reasoning="look first")
    with ChatServer(scripted(look, said("Done."))) as server:
        trajectory = asyncio.run(rollout(TOY.cases[0], opened(server), WORLD))
    assert trajectory.steps[0].turn.thinking == "look first"
    assistant = server.turns[1]["messages"][2]
    assert assistant["reasoning_content"] == "look first" and not assistant["content"]


def test_a_decision_is_asked_for_after_gold_turns() -> None:
    case = next(case for case in TOY.cases if len(case.gold) > 1).at(1)
    with ChatServer(gold(TOY.cases)) as server:
        trajectory = asyncio.run(rollout(case, opened(server), WORLD))
    assert trajectory.stop is Stop.DECIDED and len(trajectory.steps) == 2
    roles = [message["role"] for message in server.turns[0]["messages"]]
    assert roles[:4] == ["system", "user", "assistant", "tool"]


def test_tokens_latency_and_cost_are_recorded_and_are_no_part_of_the_result(tmp_path: Path) -> None:
    priced = replace(QUICK, price=Price(0.5, 2.0))
    with ChatServer(gold(TOY.cases)) as server:
        run, _ = carried_out(tmp_path / "run", opened(server, priced))
    totals = usage_totals(run.records())
    assert totals is not None and totals.turns == len(server.turns)
    assert (totals.input_tokens, totals.output_tokens) == (100 * totals.turns, 20 * totals.turns)
    assert totals.cost == pytest.approx((100 * 0.5 + 20 * 2.0) / 1e6 * totals.turns)
    assert 0 < totals.p50 <= totals.p95
    assert all("usage" not in row and "seconds" not in row for row in stable(run.records()))
    schema = json.loads((Path(samescore.harness.__file__).parent / "schemas" / "evidence.schema.json").read_bytes())
    for line in (run.directory / "evidence.jsonl").read_text(encoding="utf-8").splitlines():
        jsonschema.validate(json.loads(line), schema)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "-1,2", "nan,1", "inf,1"])
def test_a_price_is_two_amounts(text: str) -> None:
    with pytest.raises(UsageError, match="--price"):
        Price.parse(text)


# What the model does wrong is evidence.


@pytest.mark.parametrize(
    ("arguments", "defect"),
    [
        ('{"book_id": "B-1000"', "invalid_json"),
        ('{"book_id": "B-1000"}"', "invalid_json"),
        ('{"book_id": "B-1000", "book_id": "B-1001"}', "duplicate_key"),
        ('{"book_id": NaN}', "not_finite"),
        ("B-1000", "invalid_json"),
        ("", "invalid_json"),
        ('{"amount": ' + "7" * 6000 + "}", "number_too_long"),
    ],
)
def test_a_malformed_argument_string_is_a_defect_of_the_model_and_not_repaired(arguments: str, defect: str) -> None:
    trajectory = one_turn(scripted(said(None, [("get_loan", arguments)], "tool_calls")))
    assert trajectory.stop is Stop.MALFORMED
    assert [found.name.value for found in trajectory.steps[0].turn.defects] == [defect]


def test_a_turn_that_ran_into_the_limit_is_truncated() -> None:
    trajectory = one_turn(scripted(said("The fee", finish="length")), turn_tokens=16)
    assert trajectory.stop is Stop.TRUNCATED


def test_a_number_in_quotes_breaks_the_schema_and_the_model_is_told() -> None:
    call = said(None, [("waive_fee", '{"book_id": "B-1000", "amount": "3"}')], "tool_calls")
    trajectory = one_turn(scripted(call, said("Done.")))
    assert trajectory.steps[0].observations[0].outcome.value == "invalid"


def test_a_context_that_the_model_talked_full_cuts_it_off() -> None:
    full = Reply(b'{"error": {"message": "too long", "code": "context_length_exceeded"}}', 400)
    look = said(None, [("get_loan", '{"book_id": "B-1000"}')], "tool_calls")
    assert one_turn(scripted(look, full)).stop is Stop.TRUNCATED
    with pytest.raises(PolicyError, match="first prompt does not fit"):
        one_turn(scripted(full))


# OpenAI's other protocol.


def response(status: str, *output: dict[str, Any]) -> Reply:
    """An answer of the Responses API."""
    body: dict[str, Any] = {"id": "r", "object": "response", "created_at": 1, "status": status, "model": "gpt-5-mini"}
    body |= {"output": list(output), "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    body |= {"usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}}
    body["usage"] |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    body |= {"incomplete_details": {"reason": "max_output_tokens"}} if status == "incomplete" else {}
    return Reply(json.dumps(body).encode())


def worded(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": content}


def calling(arguments: str) -> dict[str, Any]:
    return {"type": "function_call", "id": "f", "call_id": "c1", "name": "get_loan", "arguments": arguments}


@pytest.mark.parametrize(
    ("replies", "stop"),
    [
        (
            [response("completed", calling('{"book_id": "B-1000"}')), response("completed", worded("Done."))],
            Stop.ANSWERED,
        ),
        ([response("completed", calling('{"book_id": "B-1000", "book_id": "B-1"}'))], Stop.MALFORMED),
        ([response("incomplete", worded("The fee"))], Stop.TRUNCATED),
    ],
    ids=["good", "two equal keys", "cut off"],
)
def test_the_responses_api_is_read_as_strictly(
    replies: list[Reply], stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    left = iter(replies)
    with ChatServer(lambda request: response("completed", worded("ok")) if is_probe(request) else next(left)) as server:
        policy = ApiPolicy.load("openai/gpt-5-mini", replace(QUICK, base_url=server.url))
        trajectory = asyncio.run(rollout(TOY.cases[0], policy, WORLD))
    assert policy.strict and trajectory.stop is stop
    if stop is Stop.ANSWERED:
        assert server.turns[1]["input"][-1]["call_id"] == "c1" and trajectory.steps[0].observations


# What the server does wrong is an error, never a score.


def test_a_failure_that_passes_is_retried_and_leaves_no_trace(tmp_path: Path) -> None:
    with ChatServer(gold(TOY.cases)) as server:
        calm, _ = carried_out(tmp_path / "calm", opened(server))
    for bad in (failing(500), failing(429, "slow down", retry_after="0"), Reply(drop=True)):
        directory = tmp_path / f"bad-{bad.status}-{bad.drop}"
        with ChatServer(once(bad, gold(TOY.cases))) as server:
            run, done = carried_out(directory, opened(server))
        assert done.status is Status.COMPLETE
        assert stable(run.records()) == stable(calm.records())


def test_inspect_retries_where_the_client_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from tenacity import wait_none

    overloaded = failing(503, "overloaded", x_should_retry="false")
    replies = scripted(overloaded, overloaded, said("Done."))
    with ChatServer(replies) as server:
        policy = opened(server, replace(QUICK, max_retries=2))
        monkeypatch.setattr(policy.model.api, "retry_wait", wait_none)
        trajectory = asyncio.run(rollout(TOY.cases[0], policy, WORLD))
    assert trajectory.stop is Stop.ANSWERED and len(server.turns) == 3


BAD_SERVERS: dict[str, tuple[Reply, str]] = {
    "fails for ever": (failing(500, "out of memory", x_should_retry="false"), "HTTP 500: out of memory"),
    "refuses": (failing(400, "no such parameter"), "HTTP 400: no such parameter"),
    "hangs": (Reply(delay=3.0), "no answer within the time allowed"),
    "broken JSON": (Reply(b'{"choices": [{'), "no JSON"),
    "no JSON": (Reply(b"<html>"), "no JSON"),
    "no choices": (Reply(b'{"id": "x", "model": "m", "choices": []}'), "without a message"),
    "another object": (Reply(b'{"hello": 1}'), "is no completion"),
    "a list": (Reply(b"[]"), "is no completion"),
    "breaks off": (said("The fee", finish=None), "broke off"),
    "sends objects": (said(None, [("get_loan", {"book_id": "B-1000"})], "tool_calls"), "no string"),
}


@pytest.mark.parametrize("bad", BAD_SERVERS)
def test_a_bad_server_is_an_infrastructure_error_in_one_line(bad: str) -> None:
    reply, words = BAD_SERVERS[bad]
    with pytest.raises(PolicyError) as raised:
        one_turn(after_probe(lambda request: reply), replace(QUICK, timeout=1))
    assert words in str(raised.value) and NAME in str(raised.value)
    assert len(str(raised.value)) < 500 and "\n" not in str(raised.value)


def test_errors_stay_in_the_denominator_and_are_no_zeros(tmp_path: Path) -> None:
    reply = failing(500, "out of memory", x_should_retry="false")
    broken = TOY.cases[2].opening

    def answer(request: Request) -> Reply:
        return reply if any(one["content"] == broken for one in request["messages"]) else gold(TOY.cases)(request)

    with ChatServer(answer) as server:
        run, done = carried_out(tmp_path / "run", opened(server))
    failed = [one for one in done.results if one.error is not None]
    assert done.status is Status.INCOMPLETE and 1 <= len(failed) < 8
    assert all(one.error and one.error.kind is ErrorKind.POLICY and one.scores is None for one in failed)
    assert len(run.pending()) == len(failed)


def test_a_server_that_dies_mid_run_is_resumed_to_the_same_records(tmp_path: Path) -> None:
    with ChatServer(gold(TOY.cases)) as server:
        whole, _ = carried_out(tmp_path / "whole", opened(server))
        port = server.port
    left = iter(range(21))  # the four longest conversations, which come first, take sixteen

    def dying(request: Request) -> Reply:
        return Reply(drop=True) if next(left, None) is None else gold(TOY.cases)(request)

    with ChatServer(dying, port) as server:
        run, broken = carried_out(tmp_path / "run", opened(server))
    assert broken.status is Status.INCOMPLETE and broken.stopped
    assert 0 < len(run.pending()) < 8
    with ChatServer(gold(TOY.cases), port) as server:
        again = Run.open(run.directory)
        _, done = carried_out(run.directory, opened(server), again)
    assert done.status is Status.COMPLETE and done.resumed > 0
    assert stable(again.records()) == stable(whole.records())


# Found before anything is written.


def refused(name: str = NAME, options: ApiOptions = QUICK) -> SamescoreError:
    with pytest.raises(SamescoreError) as raised:
        ApiPolicy.load(name, options)
    assert "\n" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (failing(401, "bad key"), "Set LOCAL_API_KEY to a valid one"),
        (failing(404, "no such model"), "nobody serves this model"),
        (failing(400, "pinned to another model"), "the server refuses the model"),
    ],
)
def test_a_refused_probe_is_a_usage_error_that_says_what_to_do(reply: Reply, words: str) -> None:
    with ChatServer(lambda request: reply) as server:
        error = refused(options=replace(QUICK, base_url=server.url))
    assert error.exit_code is ExitCode.USAGE and words in str(error) and server.url in str(error)


@pytest.mark.parametrize("reply", [failing(500, "down"), Reply(delay=3.0), Reply(b"oops")])
def test_a_server_that_does_not_answer_the_probe_is_an_infrastructure_error(reply: Reply) -> None:
    with ChatServer(lambda request: reply) as server:
        error = refused(options=replace(QUICK, base_url=server.url, timeout=2))
    assert error.exit_code is ExitCode.INCOMPLETE and "Nothing was recorded" in str(error)


def test_nobody_listening_is_an_infrastructure_error() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        error = refused(options=replace(QUICK, base_url=f"http://127.0.0.1:{held.getsockname()[1]}/v1"))
    assert error.exit_code is ExitCode.INCOMPLETE and "cannot be reached" in str(error)


def test_a_missing_key_address_provider_and_prefix_each_name_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--model-base-url URL" in str(refused())
    monkeypatch.delenv("LOCAL_API_KEY")
    local = str(refused())
    assert local.startswith(f"{NAME} needs an API key: set LOCAL_API_KEY in the environment (")
    assert local.count("LOCAL_API_KEY") == 1
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert str(refused("openai/gpt-4o")) == "openai/gpt-4o needs an API key: set OPENAI_API_KEY in the environment."
    unknown = refused("opnai/gpt-4o")
    assert isinstance(unknown, UnknownName) and "Did you mean 'openai'" in str(unknown)
    assert "service prefix" in str(refused("openai-api/model"))


def test_an_address_that_is_no_url_is_a_usage_error_wherever_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--model-base-url: expected a URL such as"):
        ApiOptions(base_url="nonsense")
    monkeypatch.setenv("LOCAL_BASE_URL", "localhost:8000")
    assert "the server's address: expected a URL" in str(refused())
    assert refused().exit_code is ExitCode.USAGE


def test_options_of_apis_do_not_go_with_local_models() -> None:
    with pytest.raises(UsageError, match="--price goes with models of APIs only"):
        load_policy("oracle", api=ApiOptions(price=Price(1, 2)))
    with pytest.raises(UsageError, match="--model-base-url and --timeout go with models of APIs only"):
        load_policy("oracle", api=ApiOptions(base_url="http://x", timeout=5))
    with pytest.raises(UsageError, match="--adapter does not go"):
        load_policy(NAME, adapter="mine")


def test_our_own_providers_are_not_sent_to_inspect() -> None:
    assert is_api("openai/gpt-4o") and is_api("openai-api/local/m")
    assert not any(map(is_api, ("tiny", "oracle", "null/noop", "null/none", "hf/x", "replay/x", "gpt-4o", "openai/")))


def test_an_address_is_recorded_without_credentials() -> None:
    assert without_credentials("https://me:secret@host:8000/v1?key=1#x") == "https://host:8000/v1"


# Providers that hide the strings.


def test_a_provider_that_hides_the_argument_strings_makes_a_lenient_run(tmp_path: Path) -> None:
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    output = ModelOutput.for_tool_call("mockllm/model", "get_loan", {"book_id": "B-1000"})
    output.usage = ModelUsage(input_tokens=10, output_tokens=5)
    policy = ApiPolicy(get_model("mockllm/model", custom_outputs=[output] * 200), "mockllm/model")
    assert policy.describe()["arguments"] == "parsed"
    run, done = carried_out(tmp_path / "run", policy)
    written = json.loads((run.directory / "run.json").read_bytes())
    assert written["lenient"] is True and Run.open(run.directory).manifest.lenient
    assert done.status is Status.COMPLETE and run.records()[0].observations[0][0].call.name == "get_loan"


# The command line.


def command(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "samescore.harness.cli.app", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


def test_help_does_not_load_inspect() -> None:
    program = (
        "import sys; from typer.testing import CliRunner; from samescore.harness.cli.app import app\n"
        "assert CliRunner().invoke(app, ['eval', '--help']).exit_code == 0\n"
        "print('inspect_ai' in sys.modules, 'openai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_command_puts_the_procedure_into_the_prompt_and_shows_cost_and_latency(tmp_path: Path) -> None:
    prompted = load_suite("sop/refund", procedure="prompt")
    with ChatServer(gold(prompted.cases)) as server:
        told = ("eval", "sop/refund", "--model", NAME, "--model-base-url", server.url, "--limit", "2")
        done = command(*told, "--price", "1,2", "--out", "run", "--json", cwd=tmp_path)
        system = server.turns[0]["messages"][0]["content"]
        again = command("eval", "--resume", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["metrics"]["success"]["value"] == 1.0
    assert shown["usage"]["turns"] >= 2 and shown["usage"]["cost"] > 0
    assert any(system == case.system for case in prompted.cases), "the procedure is in the system message"
    plan = json.loads((tmp_path / "run" / "run.json").read_bytes())["plan"]
    assert plan["procedure"] == "prompt"
    assert again.returncode == 0 and "cost and latency" in again.stdout, again.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run"], "Inspect wrote no log"
    assert {line.split(" · ")[0] for line in done.stderr.splitlines()} == {"sop/refund: 2 cases on 2 branches (en, vi)"}


def test_a_model_that_nobody_serves_leaves_nothing_behind(tmp_path: Path) -> None:
    with ChatServer(lambda request: failing(404, "model not found")) as server:
        done = command("eval", "sop/refund", "--model", NAME, "--model-base-url", server.url, cwd=tmp_path)
    assert done.returncode == 2 and not list(tmp_path.iterdir())
    assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1


# A server that nobody scripted.


@pytest.fixture(scope="module")
def transformers_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if missing := [name for name in ("torch", "transformers", "fastapi", "uvicorn") if find_spec(name) is None]:
        pytest.skip(f"transformers serve needs {', '.join(missing)}; install samescore[local,dev]")
    from samescore.harness.policies import tiny_path

    program = shutil.which("transformers", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert program is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("serve")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [program, "serve", str(tiny_path()), "--port", str(port), "--device", "cpu"],
            stdout=log,
            stderr=log,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )
    try:
        wait_for(lambda: urlopen(f"http://127.0.0.1:{port}/health", timeout=1).status == 200, process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)


def wait_for(up: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            if up():
                return
        except OSError:
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
    raise AssertionError("the server did not come up in a minute")


def served_tiny(url: str) -> ApiPolicy:
    from samescore.harness.policies import tiny_path

    return ApiPolicy.load(f"openai-api/local/{tiny_path()}", replace(QUICK, base_url=url, timeout=60))


def test_the_tiny_model_behind_transformers_serve_is_evaluated(transformers_server: str, tmp_path: Path) -> None:
    few = replace(TOY, cases=TOY.cases[:3])
    plan, policy = Plan.make([few], limits=Limits(turns=3, turn_tokens=200)), served_tiny(transformers_server)
    run = Run.create(tmp_path / "run", plan, policy, WORLDS, suites=[few])
    done = evaluate_sync([few], policy, WORLDS, plan, run, concurrency=2)
    assert done.status is Status.COMPLETE
    records = read_evidence(run.directory / "evidence.jsonl")
    assert len(records) == 3 and all("reasoning" in turn.text for record in records for turn in record.turns)
    totals = usage_totals(records)
    assert totals is not None and totals.input_tokens > totals.output_tokens > 0
    assert [one.scores for one in rescore(run, [few], WORLDS)] == [one.scores for one in done.results]


def test_its_calls_are_read_from_the_raw_strings_and_answered(transformers_server: str) -> None:
    case = replace(TOY.cases[0], opening="Please look up the loan of book B-1000.")
    trajectory = asyncio.run(
        rollout(case, served_tiny(transformers_server), WORLD, limits=Limits(turns=2, turn_tokens=200))
    )
    call = json.loads(trajectory.steps[0].turn.completion.text)["tool_calls"][0]
    assert (call["name"], call["arguments"]) == ("get_loan", '{"book_id": "B-1000"}')
    assert trajectory.steps[0].observations[0].outcome is Outcome.OK
    assert trajectory.steps[1].turn.completion.usage is not None


def test_a_model_that_transformers_does_not_serve_is_a_usage_error(transformers_server: str) -> None:
    error = refused("openai-api/local/another/model", replace(QUICK, base_url=transformers_server))
    assert error.exit_code is ExitCode.USAGE and "another/model" in str(error)
