"""Runs as `.eval` logs and back: nothing is lost, nothing that a model wrote does harm, and `inspect view` shows it."""

from __future__ import annotations

import shutil
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSpec, read_eval_log, write_eval_log
from inspect_tool import InspectTool, inspect_tool
from toy_world import WORLDS, FailingPolicy, SlowPolicy, suite
from typer.testing import CliRunner

from samescore.harness.cli.app import app
from samescore.harness.cli.loading import load_suites, worlds_of
from samescore.harness.errors import EvidenceDamaged, EvidenceUnwritable, ForeignEvidence, SamescoreError, UsageError
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.inspect_ext.evidence import LINE, RUN
from samescore.harness.inspect_ext.exporting import export_run
from samescore.harness.inspect_ext.importing import import_log
from samescore.harness.plan import Plan
from samescore.harness.policies.script import ScriptPolicy, oracle
from samescore.harness.rescore import Scored, rescore
from samescore.harness.run import EVIDENCE, MANIFEST, Run

TOY = suite(16)

HOSTILE = (
    "half a character: \ud83d, and the other: \ude00",
    "<script>document.title = 'owned'</script></script><img src=x onerror=\"document.title='owned'\">",
    "\x00\x07\x1b[31mred\x1b[0m\u2028\u202egnp.exe",
    "attachment://0000000000000000",
    "data:image/png;base64,iVBORw0KGgo=",
    "[bold]markup[/bold] ${7*7} {{7*7}} ]]> --> \\u0000 \\",
    "long " * 40_000,
    '<tool_call>\n{"name": "get_loan", "arguments": {"book_id": ' + "9" * 900 + "}}\n</tool_call>",
    '<tool_call>\n{"name": "get_loan", "name": 1, "arguments": {}}\n</tool_call>',
    '<tool_call>\n{"name": "../../etc/passwd", "arguments": {"<b>": [1e5, true, null, "\\u0000"]}}\n</tool_call>',
    "# heading\n\n[link](javascript:alert(1)) <a href='javascript:alert(1)'>link</a>",
    "",
)


def hostile() -> ScriptPolicy:
    """Says one of them a case."""
    return ScriptPolicy("hostile", lambda case, sampling: iter([HOSTILE[int(case.id[-4:]) % len(HOSTILE)]]))


def evaluated(directory: Path, policy: Any = None, **plan: Any) -> tuple[Run, tuple[Scored, ...]]:
    policy = policy or oracle()
    run = Run.create(directory, Plan.make([TOY], **plan), policy, WORLDS, suites=[TOY])
    return run, evaluate_sync([TOY], policy, WORLDS, run.plan, run).results


def exported(run: Run, path: Path) -> EvalLog:
    export_run(run, [TOY], WORLDS, path)
    return read_eval_log(path, resolve_attachments="full")


POLICIES = [oracle, partial(SlowPolicy, 0), hostile, partial(FailingPolicy, {"toy/0003", "toy/0007"})]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_run_comes_back_from_its_log_as_it_was(tmp_path: Path, policy: Callable[[], Any]) -> None:
    run, results = evaluated(tmp_path / "run", policy(), epochs=2, seed=3)
    exported(run, tmp_path / "run.eval")
    back = import_log(tmp_path / "run.eval", tmp_path / "back")
    assert back.records() == run.records()
    assert (back.directory / MANIFEST).read_text() == (run.directory / MANIFEST).read_text()
    lines = sorted((run.directory / EVIDENCE).read_bytes().splitlines())
    assert sorted((back.directory / EVIDENCE).read_bytes().splitlines()) == lines
    assert tuple(rescore(back, [TOY], WORLDS)) == results


def test_a_log_has_the_scores_of_the_run_with_their_reasons(tmp_path: Path) -> None:
    run, results = evaluated(tmp_path / "run", SlowPolicy(0))
    log = exported(run, tmp_path / "run.eval")
    found = {str(sample.id): sample.scores or {} for sample in log.samples or ()}
    for one in results:
        assert one.scores is not None
        said = {name: (score.value, score.explanation) for name, score in found[one.record.case].items()}
        assert said == {name: (score.value, score.reason) for name, score in one.scores.items()}
    assert all(next(iter(scores)) == "success" for scores in found.values())


def test_a_log_tells_the_conversation(tmp_path: Path) -> None:
    run, _ = evaluated(tmp_path / "run")
    log = exported(run, tmp_path / "run.eval")
    asked = next(sample for sample in log.samples or () if sample.id == "toy/0001")
    roles = [message.role for message in asked.messages]
    assert roles == ["system", "user", "assistant", "user", "assistant", "tool", "assistant", "tool", "assistant"]
    calls = [call for message in asked.messages for call in getattr(message, "tool_calls", None) or ()]
    assert [call.function for call in calls] == ["get_loan", "waive_fee"]
    assert [event.event for event in asked.events] == ["model", "model", "tool", "model", "tool", "model"]
    assert asked.metadata["branch"] == "asked"


def test_a_log_says_what_was_planned_and_who_answered(tmp_path: Path) -> None:
    run, _ = evaluated(tmp_path / "run", limit=6, epochs=2, seed=9)
    log = exported(run, tmp_path / "run.eval")
    assert (log.status, log.eval.model, log.eval.config.epochs) == ("success", "samescore/oracle", 2)
    assert log.eval.dataset.sample_ids == [case.id for case in run.plan.cases]
    assert log.metadata["plan_fingerprint"] == run.plan.fingerprint
    assert log.metadata["worlds"] == run.manifest.worlds
    assert log.results is not None
    success = log.results.scores[0]
    assert (success.name, success.metrics["mean"].value) == ("success", 1.0)
    assert 0.0 < success.metrics["low"].value < 1.0


def test_an_incomplete_run_is_a_log_with_an_error_and_no_mean(tmp_path: Path) -> None:
    run, _ = evaluated(tmp_path / "run", FailingPolicy({"toy/0003"}))
    log = exported(run, tmp_path / "run.eval")
    assert log.status == "error"
    assert log.error is not None and "1 of 16 rollouts are errors" in log.error.message
    (failed,) = (sample for sample in log.samples or () if sample.error)
    assert failed.id == "toy/0003" and not failed.scores
    assert failed.error is not None and failed.error.message == "policy: the model's server went away"
    assert log.results is not None
    assert log.results.scores[0].metrics.keys() == {"low", "high"}
    assert import_log(tmp_path / "run.eval", tmp_path / "back").pending() == run.pending()


def test_a_case_that_is_gone_is_still_shown(tmp_path: Path) -> None:
    run, _ = evaluated(tmp_path / "run")
    export_run(run, [suite(4)], WORLDS, tmp_path / "run.eval")
    log = read_eval_log(tmp_path / "run.eval")
    gone = next(sample for sample in log.samples or () if sample.id == "toy/0005")
    assert gone.error is not None and "the suites no longer have this case" in gone.error.message
    assert any("waive_fee" in message.text for message in gone.messages)
    assert import_log(tmp_path / "run.eval", tmp_path / "back").records() == run.records()


def test_what_a_model_wrote_is_in_the_messages_to_the_letter(tmp_path: Path) -> None:
    run, _ = evaluated(tmp_path / "run", hostile())
    log = exported(run, tmp_path / "run.eval")
    texts = {str(sample.id): [message.text for message in sample.messages] for sample in log.samples or ()}
    assert HOSTILE[1] in texts["toy/0001"]
    assert any("\\ud83d" in text for text in texts["toy/0000"])
    assert HOSTILE[6].strip() in texts["toy/0006"]
    assert log.eval.viewer is not None and log.eval.viewer.trust_content is False


def test_a_redacted_run_stays_redacted(tmp_path: Path) -> None:
    retail = load_suites(["sop/refund"], "eval", None)
    worlds, plan = worlds_of(retail), Plan.make(retail, limit=8)
    run = Run.create(tmp_path / "run", plan, oracle(), worlds, suites=retail, redact=True)
    results = evaluate_sync(retail, oracle(), worlds, plan, run).results
    export_run(run, retail, worlds, tmp_path / "run.eval")
    said = read_eval_log(tmp_path / "run.eval", resolve_attachments="full").model_dump_json()
    planned = {case.id for case in plan.cases}
    facts = [case.facts for suite in retail for case in suite.cases if case.id in planned]
    for name in ("customer.email", "customer.name"):
        assert not [value[name] for value in facts if name in value and value[name] in said]
    back = import_log(tmp_path / "run.eval", tmp_path / "back")
    assert back.manifest.redacted and back.records() == run.records()
    assert tuple(rescore(back, retail, worlds)) == results


# What is refused.


def rewritten(log: Path, change: Callable[[EvalLog], None]) -> Path:
    """A log of ours that somebody changed with Inspect's own means."""
    content = read_eval_log(log)
    change(content)
    write_eval_log(content, log)
    return log


def foreign(log: Path) -> Path:
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00", task="arc", dataset=EvalDataset(), model="m", config=EvalConfig()
    )
    write_eval_log(EvalLog(status="success", eval=spec), log)
    return log


def cut(log: Path) -> Path:
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    return log


def no_log(log: Path) -> Path:
    log.write_text("{}")
    return log


def other_zip(log: Path) -> Path:
    with zipfile.ZipFile(log, "w") as archive:
        archive.writestr("hello.txt", "hello")
    return log


def of_the_future(log: EvalLog) -> None:
    log.eval.metadata = {RUN: log.metadata[RUN].replace('"format": 1', '"format": 99', 1)}


def half_a_character(log: EvalLog) -> None:
    assert log.samples
    log.samples[2].store[LINE] = log.samples[2].store[LINE].replace("toy/", "\ud83d", 1)


def edited(log: EvalLog) -> None:
    assert log.samples
    log.samples[2].store[LINE] = log.samples[2].store[LINE].replace("toy/", "tow/", 1)


def without_line(log: EvalLog) -> None:
    assert log.samples
    log.samples[2].store.clear()


def another_plan(log: EvalLog) -> None:
    log.eval.metadata = {RUN: log.metadata[RUN].replace('"seed": 0', '"seed": 1', 1)}


def no_manifest(log: EvalLog) -> None:
    log.eval.metadata = {RUN: "[1, 2"}


def wrong_manifest(log: EvalLog) -> None:
    log.eval.metadata = {RUN: '{"format": 1, "plan": {"cases": 3}}'}


REFUSED: list[tuple[Callable[[Path], Path], type[SamescoreError], str]] = [
    (foreign, ForeignEvidence, "a log of 'arc', which is no task of ours"),
    (no_log, ForeignEvidence, "no .eval log"),
    (other_zip, ForeignEvidence, "no .eval log"),
    (cut, EvidenceDamaged, "cut off"),
    (partial(rewritten, change=of_the_future), ForeignEvidence, "run format 99"),
    (partial(rewritten, change=edited), EvidenceDamaged, "its checksum is"),
    (partial(rewritten, change=half_a_character), EvidenceDamaged, "."),
    (partial(rewritten, change=without_line), UsageError, "has no evidence"),
    (partial(rewritten, change=another_plan), EvidenceDamaged, "the plan was changed"),
    (partial(rewritten, change=no_manifest), EvidenceDamaged, "what it keeps of its run"),
    (partial(rewritten, change=wrong_manifest), EvidenceDamaged, "what it keeps of its run"),
]


@pytest.mark.parametrize(("spoil", "error", "words"), REFUSED)
def test_a_log_that_is_not_whole_or_not_ours_makes_no_run(
    tmp_path: Path, spoil: Callable[[Path], Path], error: type[SamescoreError], words: str
) -> None:
    run, _ = evaluated(tmp_path / "run")
    exported(run, tmp_path / "run.eval")
    spoil(tmp_path / "run.eval")
    with pytest.raises(error, match=words) as caught:
        import_log(tmp_path / "run.eval", tmp_path / "deep" / "back")
    assert str(tmp_path / "run.eval") in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run.eval"]


def test_a_byte_that_changed_anywhere_is_noticed_or_does_not_matter(tmp_path: Path) -> None:
    run, _ = evaluated(tmp_path / "run", limit=3)
    exported(run, tmp_path / "run.eval")
    data = (tmp_path / "run.eval").read_bytes()
    refused = 0
    for at in range(7, len(data), len(data) // 40):
        spoilt = tmp_path / f"{at}.eval"
        spoilt.write_bytes(data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :])
        try:
            assert import_log(spoilt, tmp_path / f"{at}").records() == run.records()
        except (EvidenceDamaged, ForeignEvidence):
            refused += 1
    assert refused > 30


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    run, _ = evaluated(tmp_path / "run")
    exported(run, tmp_path / "run.eval")
    before = (tmp_path / "run.eval").read_bytes()
    with pytest.raises(UsageError, match="there is a file here already"):
        export_run(run, [TOY], WORLDS, tmp_path / "run.eval")
    with pytest.raises(UsageError, match="there is something here already"):
        import_log(tmp_path / "run.eval", tmp_path / "run")
    with pytest.raises(UsageError, match=r"ends in \.eval"):
        export_run(run, [TOY], WORLDS, tmp_path / "run.zip")
    (tmp_path / "link").symlink_to("/nowhere/at/all")
    with pytest.raises(UsageError, match="there is something here already"):
        import_log(tmp_path / "run.eval", tmp_path / "link")
    with pytest.raises(EvidenceUnwritable, match="cannot be written: File name too long"):
        import_log(tmp_path / "run.eval", tmp_path / ("a" * 300))
    assert (tmp_path / "run.eval").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "run", "run.eval"]


def command(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["inspect", *map(str, arguments)])
    return done.exit_code, done.output


def test_the_command_line_exports_imports_and_says_so(tmp_path: Path) -> None:
    retail = load_suites(["sop/refund"], "eval", None)
    worlds, policy = worlds_of(retail), oracle()
    run = Run.create(tmp_path / "run", Plan.make(retail, limit=4), policy, worlds, suites=retail)
    evaluate_sync(retail, policy, worlds, run.plan, run)
    code, said = command("export", tmp_path / "run")
    assert (code, f"{tmp_path / 'run.eval'}: 4 samples, success" in said) == (0, True)
    code, said = command("import", tmp_path / "run.eval", tmp_path / "back")
    assert (code, "4 of 4 rollouts, complete" in said) == (0, True)
    assert command("import", tmp_path / "none.eval", tmp_path / "other")[0] == 2
    cut(tmp_path / "run.eval")
    assert command("import", tmp_path / "run.eval", tmp_path / "other")[0] == 5
    assert command("export", tmp_path / "other")[0] == 2


# In a browser.


@pytest.fixture(scope="module")
def viewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, tuple[Scored, ...]]]:
    """`inspect view` over a folder with two logs: `wrong.eval` and `hostile.eval`."""
    tool: InspectTool = inspect_tool(tmp_path_factory.mktemp("view"))
    run, results = evaluated(tool.folder / "wrong", SlowPolicy(0))
    exported(run, tool.folder / "logs" / "wrong.eval")
    exported(evaluated(tool.folder / "hostile", hostile())[0], tool.folder / "logs" / "hostile.eval")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = tool.start("view", "start", "--log-dir", "logs", "--port", str(port))
    try:
        wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None, OSError)
        yield f"http://127.0.0.1:{port}", results
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    driver = shutil.which("chromedriver")
    if driver is None or not (shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("no Chromium with a driver on this machine")
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1500,1000"):
        options.add_argument(flag)
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()


def wait_for(condition: Callable[[], bool], *passing: type[Exception], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except passing:
            pass
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def text_of(browser: Any, url: str, *words: str) -> str:
    """What a page says, once it says these words."""
    browser.get(url)

    def says() -> bool:
        said = browser.find_element("tag name", "body").text
        return all(word in said for word in words)

    wait_for(says)
    return str(browser.find_element("tag name", "body").text)


def complaints(browser: Any) -> list[str]:
    """What the console has to say against the page. The viewer asks for a file that few log folders have."""
    said = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    return [message for message in said if "/api/flow" not in message and "/favicon" not in message]


def sample_url(server: str, log: str, id: str, tab: str) -> str:
    return f"{server}/#/logs/{log}/samples/sample/{id.replace('/', '%2F')}/1/{tab}"


def test_inspect_view_lists_our_cases_with_their_scores(viewed: tuple[str, Any], browser: Any) -> None:
    server, results = viewed
    said = text_of(browser, f"{server}/#/logs/wrong.eval", *(one.record.case for one in results), "SUCCESS", "low")
    assert "samescore/slow" in said
    assert complaints(browser) == []


def test_inspect_view_shows_a_conversation_and_why_it_failed(viewed: tuple[str, Any], browser: Any) -> None:
    server, results = viewed
    wrong = next(one for one in results if one.scores["success"].value == 0.0)
    right = next(one for one in results if one.scores["success"].value == 1.0 and one.record.effects)
    text_of(
        browser, sample_url(server, "wrong.eval", wrong.record.case, "scoring"), wrong.scores["success"].reason[:60]
    )
    text_of(
        browser,
        sample_url(server, "wrong.eval", right.record.case, "messages"),
        "SYSTEM",
        "USER",
        "ASSISTANT",
        "waive_fee",
        right.case.opening[:40],
    )
    text_of(browser, sample_url(server, "wrong.eval", right.record.case, "transcript"), "MODEL CALL", "waive_fee")
    assert complaints(browser) == []


def test_what_a_model_wrote_does_nothing_in_the_viewer(viewed: tuple[str, Any], browser: Any) -> None:
    server, _ = viewed
    for id, words in (("toy/0001", "document.title"), ("toy/0002", "red"), ("toy/0010", "javascript:alert")):
        for tab in ("messages", "scoring"):
            text_of(
                browser, sample_url(server, "hostile.eval", id, tab), *([words] if tab == "messages" else ["success"])
            )
            assert browser.title != "owned"
            assert not browser.find_elements("css selector", "img[src='x'], a[href^='javascript']")
    assert complaints(browser) == []
