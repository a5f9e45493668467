"""Tests written by hand: the fixture `run_case`, and what a test may say of a conversation."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import samescore
from pytest_projects import manifest, played, pytest_in, with_suite
from toy_world import WORLDS, SlowPolicy, suite

from samescore.harness import policies
from samescore.harness.case import Case
from samescore.harness.environment import World
from samescore.harness.plan import Plan
from samescore.harness.policies.script import ScriptPolicy, oracle
from samescore.harness.policy import Policy, Sampling
from samescore.harness.pytest_plugin.model import Model
from samescore.harness.pytest_plugin.options import Options
from samescore.harness.pytest_plugin.result import Result
from samescore.harness.rollout import rollout
from samescore.harness.run import Run
from samescore.harness.scorers import RUBRIC
from samescore.harness.types import Call, Message
from samescore.suites.catalog import load_suite, load_world

pytest_plugins = ["pytester"]

RETAIL = load_suite("sop/refund")
WORLD: World = load_world("retail")


def case_of(branch: str, locale: str = "en") -> Case:
    return next(case for case in RETAIL.cases if case.cluster == branch and case.locale == locale)


def had(case: Case, *turns: Message | str, policy: Policy | None = None) -> Result:
    """What comes of these turns; without any, of gold."""

    def script(_: Case, sampling: Sampling) -> Iterator[Message | str]:
        return iter(turns)

    answering = policy or (ScriptPolicy("written", script) if turns else oracle())
    trajectory = asyncio.run(rollout(case, answering, WORLD))
    return Result(case, trajectory, RUBRIC.score(case, trajectory), Path("runs/x"))


def call(tool: str, **arguments: object) -> Message:
    return Message("assistant", "", thinking="x", calls=(Call(tool, arguments),))


def said(text: str) -> Message:
    return Message("assistant", text, thinking="x")


PAID = case_of("arrived/trusted/regret/returnable/open>paid_item")
REFUSED = case_of("arrived/trusted/regret/clearance>final_sale")
ORDER = next(made.arguments["order_id"] for turn in PAID.gold for made in turn.calls)


# What may be said


def test_of_gold_everything_that_is_right_may_be_said() -> None:
    paid, refused = had(PAID), had(REFUSED)
    fact = next(fact for fact in PAID.expectation.facts if fact.slot == "refund_amount")
    assert paid.passed().answered().called("issue_refund", order_id=ORDER).called_before("get_order", "issue_refund")
    assert paid.asked_for("order_id").says("refund", refund_amount=fact.value).never_called("get_payment_card")
    assert paid.never_says("AI model", refund_amount="1.00 USD").reply == PAID.gold[-1].content
    assert [made.name for made in paid.calls] == [made.name for turn in PAID.gold for made in turn.calls]
    assert refused.refused().never_called("issue_refund").passed()
    assert "user    " in str(refused) and "get_order(order_id=" in str(refused)


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (lambda r: r.called("issue_refund"), r"expected the agent to call issue_refund: it called get_order\("),
        (lambda r: r.called("get_order", order_id="A-1"), r'call get_order\(order_id="A-1"\): get_order\(order_id="A-'),
        (lambda r: r.never_called("get_order"), r"never to call get_order: it called get_order\(order_id="),
        (lambda r: r.never_called("get_order", order_id=ORDER), r"never to call get_order\(order_id="),
        (
            lambda r: r.called_before("get_payment_card", "get_order"),
            "before get_order: get_payment_card was called in turn 3",
        ),
        (lambda r: r.refused(), "expected a refusal: the agent said “It is all taken care of”"),
        (lambda r: r.asked_for("reason"), "expected the agent to ask for reason: it asked for order_id"),
        (lambda r: r.says("a refund"), "expected the agent to say “a refund”: it said “It is all taken care of”"),
        (lambda r: r.says(refund_amount="5.00 USD"), "to state refund_amount 5.00 USD: no value is given for refund"),
        (lambda r: r.never_says("taken  CARE"), "never to say “taken  CARE”: it said “It is all taken care of”"),
        (lambda r: r.never_says(order_id=ORDER), "never to state order_id A-.*: it said “Order A-"),
        (lambda r: r.passed(), r"expected the case to pass: tool_name 0\.33: get_customer, issue_refund not"),
    ],
)
def test_what_is_not_so_is_told_with_the_conversation(claim: object, message: str) -> None:
    turns = [
        said("Could you tell me your order number, please?"),
        call("get_order", order_id=ORDER),
        call("get_payment_card", customer_id="C-1000"),
        said(f"Order {ORDER} is here. May I have your order number?"),
        said("It is all taken care of"),
    ]
    result = had(PAID, *turns)
    with pytest.raises(AssertionError, match=message) as raised:
        claim(result)  # type: ignore[operator]
    lines = str(raised.value).splitlines()
    assert f"{PAID.id} (en)" in lines and f'  call    get_order(order_id="{ORDER}")' in lines
    assert lines[-1] == "evidence: runs/x"


def test_a_refusal_is_no_answer_and_silence_is_neither() -> None:
    with pytest.raises(AssertionError, match="expected an answer: the agent refused, it said “We are sorry"):
        had(PAID, said("We are sorry, but we cannot do that.")).answered()
    pestering = said("What is the airspeed of a swallow?")
    for claim in (Result.answered, Result.refused):
        with pytest.raises(AssertionError, match=r"there is no final reply \(user left\)"):
            claim(had(PAID, pestering, pestering, pestering))


def test_a_call_that_reached_no_tool_was_not_made_but_attempted() -> None:
    result = had(PAID, call("issue_refund", order_id="nonsense"), said("Done."))
    with pytest.raises(AssertionError, match=r"expected the agent to call issue_refund: .*invalid_arg"):
        result.called("issue_refund")
    with pytest.raises(AssertionError, match="never to call issue_refund"):
        result.never_called("issue_refund")


def test_arguments_are_compared_with_their_types_save_that_numbers_are_numbers() -> None:
    result = had(PAID)
    (made,) = (one for one in result.calls if one.name == "issue_refund")
    for name, value in made.arguments.items():
        schema = PAID.toolset.by_name["issue_refund"].parameters["properties"][name]
        result.called("issue_refund", **{name: value})
        other = str(value) if not isinstance(value, str) else 5
        with pytest.raises(AssertionError):
            result.called("issue_refund", **{name: other})
        if type(value) is int and schema["type"] == "number":
            result.called("issue_refund", **{name: float(value)})


@pytest.mark.parametrize(
    "claim",
    [
        lambda r: r.called("get_order"),
        lambda r: r.never_called("issue_refund"),
        lambda r: r.never_says("refund"),
        lambda r: r.says("looking"),
        lambda r: r.asked_for(),
        lambda r: r.answered(),
        lambda r: r.refused(),
    ],
)
def test_nothing_is_right_in_a_malformed_conversation(claim: object) -> None:
    result = had(PAID, call("get_order", order_id=ORDER), "<think>x</think>I am looking <tool_call>{")
    with pytest.raises(AssertionError, match=r"a conversation with a malformed turn: turn 2|expected"):
        claim(result)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (lambda r: r.never_called("issue_refunds"), "unknown tool 'issue_refunds'. Did you mean 'issue_refund'"),
        (lambda r: r.never_called("issue_refund", order="x"), "unknown argument of issue_refund 'order'"),
        (lambda r: r.asked_for("password"), "unknown slot 'password'"),
        (
            lambda r: r.never_says(refund_amonut="5.00 USD"),
            "unknown slot 'refund_amonut'. Did you mean",
        ),
        (lambda r: r.never_says(), r"never_says\(\) needs a text, or a fact as slot=value"),
        (lambda r: r.says(" "), r"says\(\) needs a text"),
    ],
)
def test_a_claim_that_could_never_fail_is_refused(claim: object, message: str) -> None:
    with pytest.raises(pytest.UsageError, match=message):
        claim(had(REFUSED))  # type: ignore[operator]


def test_what_the_model_wrote_is_shown_without_control_codes() -> None:
    with pytest.raises(AssertionError) as raised:
        had(PAID, said("\x1b[2J\u202eDone")).refused()
    assert "\\x1b[2J\\u202eDone" in str(raised.value) and "\x1b" not in str(raised.value)


# The fixture


HAND_WRITTEN = """
BRANCH = "parcel/moving/lost/small>paid"

def test_as_it_is(run_case):
    result = run_case("courier", BRANCH)
    result.passed().called("pay_compensation", amount=143)
    assert result.case.id == "courier/parcel/eval/en/005"

def test_by_id_and_file(run_case):
    assert run_case("courier/sops/parcel.yaml", "courier/parcel/eval/vi/005").case.locale == "vi"
    assert run_case("courier/suite.yaml", BRANCH + "[vi/005]").case.id == "courier/parcel/eval/vi/005"

def test_a_registered_suite(run_case):
    run_case("sop/refund", "unshipped>cancelled").passed()

def test_other_words(run_case):
    result = run_case("courier", BRANCH, opening="Where is P-78565?", slots={"parcel_id": None})
    assert result.case.opening == "Where is P-78565?" and "Where is P-78565?" in str(result)
    result.passed()

def test_another_world(run_case):
    result = run_case("courier", BRANCH, facts={"parcel.value": 5000})
    assert not result.scores
    result.never_called("pay_compensation", amount=143)
"""


def test_a_test_written_by_hand_puts_a_case_to_the_model(pytester: pytest.Pytester) -> None:
    with_suite(pytester.path)
    (pytester.path / "tests").mkdir()
    (pytester.path / "tests" / "test_hand.py").write_text(HAND_WRITTEN)
    result = pytest_in(pytester, "--samescore-model", "oracle", "tests", "--samescore-out", "out", "-q")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["evidence: out/tests (6 conversations of `run_case`, a run each)"])
    runs = {path.name: Run.open(path) for path in (pytester.path / "out" / "tests").iterdir()}
    assert len(runs) == 6 and all(run.manifest.status == "complete" and len(run.plan) == 1 for run in runs.values())
    for name in ("test_as_it_is", "test_other_words", "test_another_world"):
        done = samescore("score", runs[f"tests-test_hand.py-{name}"].directory, cwd=pytester.path)
        assert done.returncode == 0, done.stderr
    assert not (pytester.path / "out" / "run.json").exists()


def test_without_a_model_a_test_written_by_hand_is_skipped(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_hand(run_case): run_case('sop', 'no matter')")
    result = pytest_in(pytester, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*no model is tested: give pytest --samescore-model NAME"])


def test_what_a_test_asks_for_in_vain_is_one_message_at_its_line(pytester: pytest.Pytester) -> None:
    with_suite(pytester.path)
    asked = {
        "run_case('couriers', 'x')": "unknown suite 'couriers'. Known: *Or give a path, as seen from *",
        "run_case('courier', 'moving/lost/smal>paid')": "unknown case 'moving/lost/smal>paid'. Did you mean 'parcel/*",
        "run_case('courier', 'arrived>delivered', facts={'parcel.vlaue': 1})": "unknown fact 'parcel.vlaue'. Did you *",
        "run_case('courier', 'arrived>delivered', slots={'parcel': ''})": "unknown slot 'parcel'. Did you mean *",
        "run_case('courier', 'arrived>delivered', facts={'parcel.value': 1}).passed()": "*passed() cannot judge *",
        "run_case('courier', 'arrived>delivered').called('get_parcle')": "unknown tool 'get_parcle'. Did you mean *",
    }
    for number, (line, message) in enumerate(asked.items()):
        pytester.makepyfile(**{f"test_{number}": f"def test_vain(run_case):\n    {line}\n"})
        result = pytest_in(pytester, "--samescore-model", "oracle", f"test_{number}.py")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(
            [f">*{line.replace('[', '[[]')}", f"E *UsageError: {message}", f"test_{number}.py:2: *"]
        )


def test_a_stale_lock_is_an_error_of_the_test_that_asks_for_its_case(pytester: pytest.Pytester) -> None:
    sop = with_suite(pytester.path) / "sops" / "parcel.yaml"
    sop.write_text(sop.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1), encoding="utf-8")
    pytester.makepyfile(test_hand="def test_hand(run_case): run_case('courier/sops/parcel.yaml', 'arrived>delivered')")
    result = pytest_in(pytester, "--samescore-model", "oracle", "--junitxml", "junit.xml", "test_hand.py")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E *UsageError: *lock*"])
    assert re.search('errors="1" failures="0"', (pytester.path / "junit.xml").read_text())


def test_a_usage_error_of_a_test_that_is_none_of_ours_stays_a_failure(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\ndef test_theirs(): raise pytest.UsageError('theirs')")
    pytest_in(pytester, "--samescore-model", "oracle").assert_outcomes(failed=1)


def test_a_conversation_that_cannot_be_had_is_an_error(pytester: pytest.Pytester) -> None:
    with_suite(pytester.path)
    played(pytester.path / "played", lambda case, sampling: iter(case.gold), "courier")
    pytester.makepyfile(test_hand="def test_hand(run_case): run_case('courier', 'courier/parcel/eval/vi/001')")
    result = pytest_in(pytester, "--samescore-model", "replay/played", "--junitxml", "junit.xml", "test_hand.py")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["E *RolloutErrored: policy: played has no rollout of case courier/parcel/eval/vi/001*"]
    )
    assert re.search('errors="1" failures="0"', (pytester.path / "junit.xml").read_text())


def test_warnings_of_tools_and_libraries_are_no_errors_of_a_test(pytester: pytest.Pytester) -> None:
    world = with_suite(pytester.path) / "world.py"
    text = world.read_text(encoding="utf-8")
    at = text.index("    search_id = ")
    world.write_text(f"{text[:at]}    import warnings; warnings.warn('old')\n{text[at:]}", encoding="utf-8")
    pytester.makepyfile(test_hand="def test_hand(run_case): run_case('courier', 'moving/late>searching').passed()")
    options = ("--samescore-model", "oracle", "-W", "error", "-k", "searching or hand")
    branch = "courier/suite.yaml::parcel/moving/late>searching"
    pytest_in(pytester, *options, "test_hand.py", branch).assert_outcomes(passed=15)


def test_a_builder_that_crashes_on_other_facts_is_an_error(pytester: pytest.Pytester) -> None:
    with_suite(pytester.path)
    asked = "run_case('courier', 'arrived>delivered', facts={'today': 'soon'})"
    pytester.makepyfile(test_hand=f"def test_hand(run_case): {asked}")
    result = pytest_in(pytester, "--samescore-model", "oracle", "test_hand.py")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E *RolloutErrored: world: *"])


# The model


OPTIONS = Options("slow", None, 1, 1, 1.0, 0.0, 0, "eval", None, "auto", None)


def test_ctrl_c_ends_the_run_as_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = suite(8)
    monkeypatch.setattr(policies, "load_policy", lambda *_, **__: SlowPolicy(30.0))
    model = Model(OPTIONS, print)
    timer = threading.Timer(0.5, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT])
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            model.run(tmp_path / "run", [toy], WORLDS, Plan.make([toy]))
    finally:
        model.close()
    assert (manifest(tmp_path / "run")["status"], manifest(tmp_path / "run")["stopped"]) == (
        "incomplete",
        "interrupted",
    )


def test_runs_of_several_threads_share_the_model_and_its_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Policy] = []
    loops = set()

    class Watched(SlowPolicy):
        def converse(self, case: Case, sampling: Sampling) -> object:
            loops.add(id(asyncio.get_running_loop()))
            return super().converse(case, sampling)

        async def aclose(self) -> None:
            loops.add(id(asyncio.get_running_loop()))
            loaded.remove(self)

    def load(*_: object, **__: object) -> Watched:
        loaded.append(Watched(0.01))
        return loaded[-1]

    monkeypatch.setattr(policies, "load_policy", load)
    model, toy = Model(OPTIONS, print), suite(4)
    threads = [
        threading.Thread(target=model.run, args=[tmp_path / str(number), [toy], WORLDS, Plan.make([toy])])
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 1 and all(manifest(tmp_path / str(number))["status"] == "complete" for number in range(3))
    model.close()
    assert not loaded and len(loops) == 1


# docs/pytest.md


PAGE = Path(__file__).parent.parent / "docs" / "pytest.md"


def test_the_tests_of_the_page_pass_with_the_oracle_and_fail_with_an_agent_that_does_nothing(
    pytester: pytest.Pytester,
) -> None:
    with_suite(pytester.path)
    (written,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (pytester.path / "test_parcels.py").write_text(written, encoding="utf-8")
    pytest_in(pytester, "--samescore-model", "oracle", "test_parcels.py").assert_outcomes(passed=3)
    pytest_in(pytester, "--samescore-model", "null/noop", "test_parcels.py").assert_outcomes(failed=1, passed=2)


def test_the_page_shows_what_pytest_prints(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    with_suite(pytester.path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("CI", raising=False)
    shown = PAGE.read_text(encoding="utf-8").split("```console\n")[2].partition("```")[0]
    command, *lines = shown.splitlines()
    printed = pytest_in(pytester, *shlex.split(command.removeprefix("$ pytest ")))
    printed.stdout.fnmatch_lines([line.replace("[", "[[]") for line in lines], consecutive=True)
