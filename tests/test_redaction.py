"""Personal data is masked before it reaches the disk, and no score changes."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from clinic_world import PEOPLE, SUITE, WORLD, WORLDS
from hypothesis import HealthCheck, example, given, settings, strategies as st
from in_process import samescore

from samescore.harness.case import Case
from samescore.harness.cli.report import _floors
from samescore.harness.dialects import Hermes
from samescore.harness.environment import ToolError, World
from samescore.harness.errors import PolicyError, WorldError
from samescore.harness.evaluate import Evaluation, evaluate_sync
from samescore.harness.plan import CaseSuite, Item, Plan
from samescore.harness.policies import load_policy
from samescore.harness.policies.script import ScriptPolicy, oracle
from samescore.harness.policy import Sampling
from samescore.harness.records import ErrorKind, Record, record_from, record_json, record_of, write_line
from samescore.harness.redaction import Kind, Redactor, Shape, Unrestorable
from samescore.harness.redaction.folding import folded
from samescore.harness.redaction.patterns import find
from samescore.harness.redaction.replayer import RedactingReplayer
from samescore.harness.rescore import Scored, rescore
from samescore.harness.rollout import DEFAULT_LIMITS, Limits, rollout
from samescore.harness.run import Run
from samescore.harness.scorer import Rubric, Scorer
from samescore.harness.scorers import RUBRIC
from samescore.harness.types import Call, Completion, Message, Score, Stop, Trajectory
from samescore.suites.catalog import load_suite, load_world

RETAIL = load_suite("sop/refund")
RETAIL_WORLDS = {"retail": load_world("retail")}
CASE = SUITE.cases[0]
NAME, PHONE, EMAIL, NATIONAL_ID, BORN = PEOPLE[0]


REDACTORS = {case.id: Redactor(case, WORLD) for case in SUITE.cases}


def redactor(case: Case = CASE, world: World | None = WORLD) -> Redactor:
    return Redactor(case, world)


# What is recognised by its form.


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("write to An.Tran+shop@mail.example.vn.", Kind.EMAIL, "an.tran+shop@mail.example.vn"),
        ("call 0901234567!", Kind.PHONE, "0901234567"),
        ("gọi 090 123 4567 nhé", Kind.PHONE, "090 123 4567"),
        ("gọi +84 90 123 45 67", Kind.PHONE, "+84 90 123 45 67"),
        ("máy bàn (028) 3822 1234", Kind.PHONE, "(028) 3822 1234"),
        ("ring +44 20 7946 0958 now", Kind.PHONE, "+44 20 7946 0958"),
        ("ring (212) 555-0142", Kind.PHONE, "(212) 555-0142"),
        ("card 4111 1111 1111 1111", Kind.CARD, "4111 1111 1111 1111"),
        ("thẻ 9704000000000018", Kind.CARD, "9704000000000018"),
        ("số 079203001234", Kind.ID, "079203001234"),
        ("CMND: 012345678", Kind.ID, "012345678"),
        ("chứng minh nhân dân số 012 345 678", Kind.ID, "012 345 678"),
        ('{"national_id": "012345678"}', Kind.ID, "012345678"),
        ("MST 0312345678-001", Kind.ID, "0312345678-001"),
        ("mã số bảo hiểm xã hội là 7912345678", Kind.ID, "7912345678"),
        ("số hộ chiếu B7654321", Kind.ID, "b7654321"),
        ("SSN 219-09-9999", Kind.ID, "219-09-9999"),
        ("mail an\\u0040x\\u002evn", Kind.EMAIL, "an@x.vn"),
        ("gọi ０９０１２３４５６７", Kind.PHONE, "0901234567"),
    ],
)
def test_personal_data_is_known_by_its_form(text: str, kind: Kind, value: str) -> None:
    seen = folded(text)
    assert (kind, value) in {(found.kind, seen.text[found.start : found.end]) for found in find(seen.text)}
    assert not redactor(SUITE.cases[2]).mask(text).lossless


@pytest.mark.parametrize(
    "text",
    [
        "Order A-18170 of 2026-05-26 costs 1.250.000 VND, refund RF-20931, voucher VC-55512.",
        "ngày 09.12.2026 10:30, 09/12/2026 10 giờ",
        "hotline 1900 1234, 1800 599 920",
        "timestamp 1764201600000, 4111 1111 1111 1112, 123456789012",
        "012345678 is no CMND unless it says so",
        "9 999 999 999 đồng; 0.987654321; version 10.11.12.13",
        "@handle, a @ b",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert redactor().mask(text) == (text, False, True)


# What is of the case becomes a token, and comes back to the letter.


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"I am {NAME}.", "I am ⟦name:patient.full_name⟧."),
        ("NGUYEN  THI HA", "⟦name:patient.full_name|"),
        ("Dạ chị Hà ơi, ngày 5 tháng 2 năm 1993 ạ", "Dạ chị ⟦name:patient.full_name~3⟧ ơi, "),
        ("Chị Thị nói hà rằm", "Chị ⟦name:patient.full_name~2⟧ nói hà rằm"),
        ("call 0912 345.678 or +84 912 345 678", "call ⟦phone:patient.phone|"),
        (f"MAIL {EMAIL.upper()}", "MAIL ⟦email:patient.email|"),
        ("cccd 079-203-001-234", "cccd ⟦id:patient.national_id|"),
        ("born 5 February 1993, 05/02/1993, 1993-02-05", "born ⟦birth:patient.date_of_birth~"),
        ("Lý Bảo Châu has 0987000321", "⟦name:patients.full_name⟧ has ⟦phone:patients.phone⟧"),
        ('{"name": "Nguy\\u1ec5n Th\\u1ECB Hà"}', '{"name": "⟦name:patient.full_name|'),
        ('"{\\"name\\": \\"Nguy\\\\u1ec5n Th\\\\u1ecb H\\\\u00e0\\"}"', '"{\\"name\\": \\"⟦name:patient.full_name|'),
        (unicodedata.normalize("NFD", NAME), "⟦name:patient.full_name|"),
        (EMAIL.replace("@", "\u200b@"), "⟦email:patient.email|"),
        ("⟦email:patient.email⟧ ⟦ ⟧ ⟦⟦", "⟦⟦email:patient.email⟧ ⟦⟦ ⟧ ⟦⟦⟦⟦"),
    ],
)
def test_a_value_of_the_case_is_masked_and_restored(text: str, masked: str) -> None:
    found = redactor().mask(text)
    assert found.text.startswith(masked) and found.lossless
    assert redactor().restore(found.text) == text
    assert not leaks(found.text.removeprefix(masked), CASE)


def test_what_the_model_makes_up_keeps_its_shape_and_nothing_else() -> None:
    text = 'mail x@y.vn, call 0901 234 567, {"card": 4111111111111111, "id": "079203009999"}'
    plain = 'mail redacted@example.invalid, call 0000 000 000, {"card": 1000000000000000, "id": "000000000000"}'
    assert redactor().mask(text) == (plain, True, False)
    seen: list[str] = []
    assert redactor().mask("x@y.vn z@y.vn x@y.vn", Shape.COUNTED, seen).text == (
        "redacted-1@example.invalid redacted-2@example.invalid redacted-1@example.invalid"
    )
    assert redactor().mask("call 0901 234 567", Shape.PREFIXED).text == "call 0900 000 001"


def test_a_token_that_stands_for_nothing_any_more_says_so() -> None:
    with pytest.raises(Unrestorable, match=r"patient\.fax"):
        redactor().restore("⟦phone:patient.fax⟧")
    with pytest.raises(Unrestorable, match="another form"):
        redactor().restore("⟦email:patient.email|a99⟧")


_PIECES = st.one_of(
    st.sampled_from([value for person in PEOPLE for value in person]),
    st.sampled_from([value.upper() for person in PEOPLE for value in person]),
    st.sampled_from(["⟦", "⟧", "⟦⟦", "|", "⟦email:patient.email⟧", "⟦name:patient.full_name|c3⟧", "\\", "\\u", "\\n"]),
    st.sampled_from(
        ["anh ", "chị Hà", "Thị", "GRACE", "O'BRIEN", "+84912345678", "0 9 1 2 3 4 5 6 7 8", "\u200b", "\u0301"]
    ),
    st.sampled_from(["other@example.net", "0351234567", "4111-1111-1111-1111", "CMND 987654321", "001099000001"]),
    st.text(max_size=6),
    st.text(alphabet=st.characters(categories=["Cs", "Mn", "Nd", "Lu"]), max_size=4),
)


_WAYS = (
    str,
    str.swapcase,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: json.dumps(text)[1:-1],
    str.title,
)


def _spelled(pieces: list[tuple[str, int]], between: str = "") -> str:
    return between.join(_WAYS[way](piece) for piece, way in pieces)


_SPELLED = st.lists(st.tuples(_PIECES, st.integers(0, len(_WAYS) - 1)), max_size=8)


@settings(max_examples=200, deadline=None)
@given(_SPELLED, st.sampled_from(SUITE.cases))
def test_masking_is_lossless_where_it_says_so(pieces: list[tuple[str, int]], case: Case) -> None:
    text = _spelled(pieces)
    found = REDACTORS[case.id].mask(text)
    assert not found.lossless or REDACTORS[case.id].restore(found.text) == text


@settings(max_examples=200, deadline=None)
@given(_SPELLED, st.sampled_from(SUITE.cases))
def test_no_spelling_of_a_value_stays(pieces: list[tuple[str, int]], case: Case) -> None:
    masked = REDACTORS[case.id].mask(_spelled(pieces, " / ")).text
    assert leaks(masked, case) == []


# Full disk: a run leaves none of it anywhere.


def personal(case: Case, world: World) -> Iterator[str]:
    """Every name, address, phone, card and id in the facts and in the rows of the world."""
    environment = world.open(case.facts)
    rows = environment.state()
    environment.close()
    columns = {"name", "holder", "full_name", "email", "number", "phone", "national_id", "date_of_birth"}
    for table, found in rows.items():
        for row in found.values():
            yield from (str(row[column]) for column in columns & row.keys() if table != "reminders")
    for key, value in case.facts.items():
        if key.rpartition(".")[2] in columns and isinstance(value, str):
            yield value


@lru_cache(maxsize=8)
def _readable(text: str) -> tuple[str, str]:
    """A text as a curious reader takes it, escapes read, and the same without separators."""
    decoded = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    plain = unicodedata.normalize("NFC", decoded).casefold()
    return plain, re.sub(r"[\s.()-]+", "", plain)


def leaks(text: str, case: Case, world: World = WORLD) -> list[str]:
    """What of the case's personal data a text gives away, in any case, escaped or not, with or without separators."""
    plain, bare = _readable(text)
    return [
        value
        for value in personal(case, world)
        if value.casefold() in plain or (value[-1].isdigit() and re.sub(r"[\s.()-]+", "", value.casefold()) in bare)
    ]


def on_disk(directory: Path) -> str:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    assert {path.name for path in files} == {"run.json", "evidence.jsonl", "scores.json", "toolsets.json"}
    return "\n".join(path.read_text(encoding="utf-8", errors="surrogateescape") for path in files)


def had(
    directory: Path, suite: CaseSuite, worlds: dict[str, World], policy: Any, redact: bool = True, **plan: Any
) -> tuple[Run, Evaluation]:
    run = Run.create(directory, Plan.make([suite], **plan), policy, worlds, suites=[suite], redact=redact)
    return run, evaluate_sync([suite], policy, worlds, run.plan, run)


def values(results: Sequence[Scored]) -> list[Any]:
    assert [one for one in results if one.error is not None] == []
    return [{name: score.value for name, score in one.scores.items()} for one in results if one.scores]


def gossip(case: Case, sampling: Sampling) -> Iterator[Message | str]:
    """Says and writes everything it should not, in every spelling, then goes on like the oracle."""
    facts = case.facts
    name = str(facts.get("customer.name") or facts["patient.full_name"])
    email = str(facts.get("customer.email") or facts["patient.email"])
    yield Message(
        "assistant", "", thinking=f"{name} {email.upper()}", calls=(Call("send_confirmation", {"email": email}),)
    )
    wrong = {"email": "stranger.danger@example.net", "note": f"{name.upper()}, 0901234567", "card": 4000000000000002}
    yield Message("assistant", "", thinking="4111 1111 1111 1111", calls=(Call("send_confirmation", wrong),))
    if "order.customer_id" in facts:
        card = Call("get_payment_card", {"customer_id": facts["order.customer_id"]})
        yield Message("assistant", "", thinking="next: card", calls=(card,))
    escaped = json.dumps({"name": "send_confirmation", "arguments": {"email": email, "name": name}})
    yield f"<think>\n{unicodedata.normalize('NFD', name)}\n</think>\n\n<tool_call>\n{escaped}\n</tool_call>"
    yield Message(
        "assistant", f"Dear {name}: 4000-0000-0000-0002, ⟦email:customer.email⟧, {email}", thinking="next: tell"
    )


@pytest.mark.parametrize("model", ["oracle", "null/first-tool", "null/random", "gossip"])
def test_no_file_of_a_redacted_run_holds_personal_data_and_its_scores_are_the_same(tmp_path: Path, model: str) -> None:
    policy = ScriptPolicy("gossip", gossip) if model == "gossip" else load_policy(model)
    _, open_ = had(tmp_path / "open", RETAIL, RETAIL_WORLDS, policy, redact=False)
    run, masked = had(tmp_path / "masked", RETAIL, RETAIL_WORLDS, policy)
    assert values(open_.results) == values(masked.results)
    assert values(masked.results) == values(list(rescore(Run.open(run.directory), [RETAIL], RETAIL_WORLDS)))
    written, shown, told = on_disk(run.directory), repr(masked.results[::20]), on_disk(tmp_path / "open")
    world = RETAIL_WORLDS["retail"]
    assert not any(leaks(written, case, world) or leaks(shown, case, world) for case in RETAIL.cases)
    if model == "gossip":
        assert "stranger.danger" not in written and "0901234567" not in written and "4111 1111" not in written
        assert all(leaks(told, case, world) for case in RETAIL.cases)
        assert run.manifest.redacted and '"redacted": true' in (run.directory / "run.json").read_text()


def test_mutants_of_gold_score_the_same_masked() -> None:
    """Every mutant of every scorer, on one case of each branch."""
    cases = {case.cluster: case for case in RETAIL.cases if case.facts.get("known.order_id") is False} | {
        case.cluster: case for case in RETAIL.cases[::9]
    }
    for case in cases.values():
        for scorer in RUBRIC.scorers:
            for mutant in scorer.mutants(case) if scorer.applies(case) else ():
                check(case, RETAIL_WORLDS, mutant.turns)


def played(
    case: Case, worlds: dict[str, World], turns: Sequence[Message | str], limits: Limits = DEFAULT_LIMITS
) -> Trajectory:
    policy = ScriptPolicy("script", lambda case, sampling: iter(turns))
    going = rollout(case, policy, worlds[case.world], Sampling(), limits)
    try:
        going.send(None)
    except StopIteration as done:
        trajectory: Trajectory = done.value
        return trajectory
    raise AssertionError("a script waits for nothing")


def check(case: Case, worlds: dict[str, World], turns: Sequence[Message | str]) -> tuple[Record, Scored]:
    """Take one rollout and read it back: the record must say nothing, and score what the rollout scored."""
    trajectory = played(case, worlds, turns)
    live = RUBRIC.score(case, trajectory)
    replay = RedactingReplayer({case.id: case}, {case.id: "print"}, worlds, Hermes(), DEFAULT_LIMITS, RUBRIC)
    taken = replay.take(record_of(Item(case.id, 0, 0), "print", trajectory, 0.0), case, trajectory)
    assert taken.error is None, taken.error
    record = record_from(json.loads(json.dumps(record_json(taken.record))))
    again = replay.score(record)
    for scored in (taken, again):
        assert scored.scores is not None, scored.error
        assert {name: score.value for name, score in scored.scores.items()} == {
            name: score.value for name, score in live.items()
        }
    line = write_line(record).decode("utf-8", "surrogatepass")
    assert leaks(line, case, worlds[case.world]) == []
    return record, again


_VALUES = st.sampled_from([value for person in PEOPLE for value in person]) | st.sampled_from(
    [
        "stranger@example.net",
        "other.one@example.net",
        "0901234567",
        "+84 90 765 43 21",
        "4111111111111111",
        "0987000321",
        "⟦email:patient.email⟧",
        "redacted@example.invalid",
        "front.desk@clinic.example",
        "x",
    ]
)
_ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "phone": _VALUES,
        "email": _VALUES,
        "name": _VALUES,
        "number": st.sampled_from([0, 84901234567, 912345678]),
    },
)
_CALLS = st.builds(Call, st.sampled_from(["find_patient", "remind", "no_such_tool"]), _ARGUMENTS)
_SAYINGS = st.lists(
    _VALUES
    | st.sampled_from(
        [
            "Could you tell me your email address?",
            "What is your phone number?",
            "We have sent the reminder to",
            "it is due in 12 days.",
            "We cannot do that.",
            "<tool_call>",
            "xin",
        ]
    ),
    max_size=5,
).map(" ".join)
_TURNS = st.builds(
    lambda content, thinking, calls, escape: Message("assistant", content, thinking=thinking, calls=calls),
    _SAYINGS,
    st.none() | _SAYINGS,
    st.lists(_CALLS, max_size=2).map(tuple),
    st.booleans(),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_TURNS | _SAYINGS, min_size=1, max_size=4), st.sampled_from(SUITE.cases))
@example(
    [
        Message("assistant", "", calls=(Call("remind", {"email": "stranger@example.net"}),)),
        "Sent to stranger@example.net.",
    ],
    CASE,
)
def test_whatever_a_model_writes_scores_the_same_masked(turns: list[Message | str], case: Case) -> None:
    check(case, WORLDS, turns)


def test_the_oracle_still_has_success_on_personal_data(tmp_path: Path) -> None:
    run, evaluation = had(tmp_path, SUITE, WORLDS, oracle())
    assert [one["success"] for one in values(evaluation.results)] == [1.0] * 3
    assert not any(leaks(on_disk(run.directory), case) for case in SUITE.cases)


def test_a_secret_told_is_seen_though_it_is_masked() -> None:
    told = (*CASE.gold[:-1], replace(CASE.gold[-1], content=f"{CASE.gold[-1].content} Your id: 079 203 001 234."))
    _, again = check(CASE, WORLDS, told)
    assert again.scores is not None and again.scores["restraint"].value == 0.0
    assert "patient.national_id" in again.scores["restraint"].reason


# What no placeholder can stand in for is an error, never another score.


def test_made_up_data_that_decides_what_happens_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    def asks_back(case: Case, sampling: Sampling) -> Iterator[Message | str]:
        yield Message("assistant", "", calls=(Call("find_patient", {"phone": "0901234567"}),))
        yield Message("assistant", "", calls=(Call("parity", {"phone": "0901234567"}),))
        yield "Done."

    def strict(env: Any, phone: str) -> dict[str, Any]:
        if phone != "0901234567":
            raise ToolError("odd", "That is not the number.")
        return {"even": True}

    world = replace(WORLD)
    world.__dict__["code"] = {**WORLD.code, "parity": strict}
    worlds = {world.name: world}
    run, evaluation = had(tmp_path, SUITE, worlds, ScriptPolicy("asks back", asks_back))
    assert {one.error.kind for one in evaluation.results if one.error} == {ErrorKind.REDACTION}
    assert len(evaluation.errors) == 3 and "without --redact" in str(evaluation.errors[0].error)
    assert "0901234567" not in on_disk(run.directory)
    assert [one.turns for one in run.records()] == [()] * 3


def test_messages_of_errors_are_masked(tmp_path: Path) -> None:
    world = replace(WORLD)

    def crash(env: Any, **arguments: Any) -> None:
        raise RuntimeError(f"no mailbox {arguments['email']}")

    world.__dict__["code"] = {**WORLD.code, "remind": crash}
    run, evaluation = had(tmp_path, SUITE, {world.name: world}, oracle())
    assert [one.error.kind for one in evaluation.results if one.error] == [ErrorKind.WORLD] * 3
    assert "⟦email:patient.email⟧" in str(evaluation.errors[0].error)
    assert not any(leaks(on_disk(run.directory), case) for case in SUITE.cases)


def test_a_model_that_is_gone_is_quoted_masked(tmp_path: Path) -> None:
    def refuses(case: Case, sampling: Sampling) -> Iterator[Message | str]:
        yield "Could you tell me your email address?"
        raise PolicyError(f"429: quota of {case.facts['patient.email']}, asked by {case.facts['patient.full_name']}")

    run, evaluation = had(tmp_path, SUITE, WORLDS, ScriptPolicy("gone", refuses), epochs=2)
    assert "5 times in a row" in str(run.manifest.stopped) and "⟦email:patient.email⟧" in str(run.manifest.stopped)
    assert evaluation.errors and not any(leaks(on_disk(run.directory), case) for case in SUITE.cases)


def test_a_world_that_crashes_under_the_null_agents_is_not_quoted(tmp_path: Path) -> None:
    def crash(env: Any, phone: str) -> None:
        raise RuntimeError(phone)

    world = replace(WORLD, functions=(crash, *WORLD.functions))
    crash.__name__, crash.__doc__ = "crash", "Crash.\n\nArgs:\n    phone: A number."
    cases = [replace(case, toolset=world.toolset) for case in SUITE.cases]
    for redact, quoted in ((False, True), (True, False)):
        run, _ = had(tmp_path / str(redact), SUITE, WORLDS, oracle(), redact)
        with pytest.raises(WorldError) as caught:
            _floors(run, cases, {world.name: world})
        assert ("crashed on" in str(caught.value)) is quoted and (caught.value.__cause__ is None) is not quoted


def test_an_inspect_log_of_a_redacted_run_is_redacted(tmp_path: Path) -> None:
    from samescore.harness.inspect_ext.exporting import log_of

    run, _ = had(tmp_path, SUITE, WORLDS, ScriptPolicy("gossip", gossip))
    log = log_of(run, [SUITE], WORLDS).model_dump_json()
    assert "⟦name:patient.full_name⟧" in log and not any(leaks(log, case) for case in SUITE.cases)


def test_a_divergence_is_told_in_masked_words(tmp_path: Path) -> None:
    run, _ = had(tmp_path, SUITE, WORLDS, oracle())
    world = replace(WORLD)
    world.__dict__["code"] = {**WORLD.code, "remind": lambda env, email, name="", number=0: {"to": [email, name]}}
    scored = list(rescore(run, [SUITE], {world.name: world}))
    assert {one.error.kind for one in scored if one.error} == {ErrorKind.DIVERGED}
    assert "⟦name:patient.full_name⟧" in str(scored[0].error) and not leaks(str(scored[0].error), CASE)


def test_a_scorer_that_quotes_what_it_likes_is_masked(tmp_path: Path) -> None:
    polite = Scorer(
        name="polite",
        version=1,
        summary="greets",
        applies=lambda case: True,
        judge=lambda context: Score(1.0, f"greeted {context.case.facts['patient.full_name']}"),
        mutants=lambda case: [],
    )
    plan = Plan.make([SUITE])
    run = Run.create(tmp_path, plan, oracle(), WORLDS, suites=[SUITE], redact=True)
    first = evaluate_sync([SUITE], oracle(), WORLDS, plan, run, rubric=Rubric((*RUBRIC.scorers, polite))).results[0]
    assert first.scores is not None and first.scores["polite"] == Score(1.0, "greeted ⟦name:patient.full_name⟧")


# Token ids, resuming, replaying, comparing.


class Tokenised(ScriptPolicy):
    """A script whose completions come with ten token ids each."""

    def converse(self, case: Case, sampling: Sampling) -> Any:
        inner = ScriptPolicy.converse(self, case, sampling)

        class Conversation:
            async def complete(self, limit: int) -> Completion:
                return replace(await inner.complete(limit), token_ids=tuple(range(10)), prompt="0" * 16)

            def __getattr__(self, name: str) -> Any:
                return getattr(inner, name)

        return Conversation()


def test_token_ids_are_withheld_where_something_was_masked_and_limits_still_hold(tmp_path: Path) -> None:
    policy = Tokenised("tokens", oracle().script)
    limits = Limits(tokens=20)  # spent after the second turn
    _, open_ = had(tmp_path / "open", SUITE, WORLDS, policy, redact=False, limits=limits)
    run, masked = had(tmp_path / "masked", SUITE, WORLDS, policy, limits=limits)
    assert values(open_.results) == values(masked.results)
    assert values(list(rescore(run, [SUITE], WORLDS))) == values(masked.results)
    first = run.records()[0]
    assert first.stop is Stop.MAX_TOKENS
    asked, called = first.turns
    assert asked.token_ids is not None and called.token_ids is None
    assert called.withheld == 10 and called.prompt == "0" * 16
    assert first.tokens == open_.results[0].record.tokens
    assert list(run.frame()["tokens"]) == [one.record.tokens for one in open_.results]


def test_a_run_killed_on_the_way_is_carried_on_masked(tmp_path: Path) -> None:
    policy = ScriptPolicy("gossip", gossip)
    _, whole = had(tmp_path / "whole", SUITE, WORLDS, policy)
    run, _ = had(tmp_path / "killed", SUITE, WORLDS, policy)
    evidence = run.directory / "evidence.jsonl"
    evidence.write_bytes(evidence.read_bytes()[:-200])
    run = Run.open(run.directory)
    assert len(run.pending()) == 1 and run.manifest.redacted
    evaluation = evaluate_sync([SUITE], policy, WORLDS, run.plan, run)
    assert values(evaluation.results) == values(whole.results)
    assert [replace(one.record, seconds=0.0) for one in evaluation.results] == [
        replace(one.record, seconds=0.0) for one in whole.results
    ]
    assert not any(leaks(on_disk(run.directory), case) for case in SUITE.cases)


def test_a_redacted_run_is_replayed_from_its_case_and_world(tmp_path: Path) -> None:
    def tells(case: Case, sampling: Sampling) -> Iterator[Message | str]:
        yield f"You are {case.facts['patient.full_name']}, not Lý Bảo Châu."

    _, first = had(tmp_path / "first", SUITE, WORLDS, ScriptPolicy("tells", tells))
    _, second = had(tmp_path / "second", SUITE, WORLDS, load_policy(f"replay/{tmp_path / 'first'}", worlds=WORLDS))
    assert values(first.results) == values(second.results)
    assert [one.record.turns for one in first.results] == [one.record.turns for one in second.results]
    _, without = had(tmp_path / "third", SUITE, WORLDS, load_policy(f"replay/{tmp_path / 'first'}"))
    assert "the case has no 'patients.full_name' any more" in str(without.errors[0].error)


def test_redaction_changes_no_fingerprint(tmp_path: Path) -> None:
    runs = [
        had(tmp_path / str(redact), SUITE, WORLDS, oracle(), redact)[0].manifest.to_json() for redact in (False, True)
    ]
    different = {key for key in runs[0] if runs[0][key] != runs[1][key]} - {"started", "finished"}
    assert different == {"redacted"}


def test_a_changed_builder_is_a_divergence_not_another_restoration(tmp_path: Path) -> None:
    run, _ = had(tmp_path, SUITE, WORLDS, ScriptPolicy("tells", lambda case, sampling: iter(["Lý Bảo Châu"])))

    def build(env: Any, facts: Any) -> None:
        env.write("INSERT INTO reminders VALUES ('x', 'y')")

    scored = list(rescore(run, [SUITE], {WORLD.name: replace(WORLD, build=build)}))
    assert {one.error.kind for one in scored if one.error} == {ErrorKind.DIVERGED} and len(scored) == 3


# The command line.


def test_the_command_line_shows_no_personal_data_and_keeps_to_what_a_run_began_with(tmp_path: Path) -> None:
    limited = ("sop/refund", "--limit", "12", "--model", "null/first-tool")
    masked = samescore("eval", *limited, "--redact", "--out", "masked", cwd=tmp_path)
    open_ = samescore("eval", *limited, "--out", "open", cwd=tmp_path)
    world = RETAIL_WORLDS["retail"]
    planned = {case.id for case in Run.open(tmp_path / "masked").plan.cases}
    cases = [case for case in RETAIL.cases if case.id in planned]
    assert "· redacted" in masked.stdout and "⟦name:customer.name⟧" in masked.stdout
    assert not any(leaks(masked.stdout + masked.stderr, case, world) for case in cases)
    assert any(leaks(open_.stdout, case, world) for case in cases)
    assert masked.stdout.splitlines()[-1].split("·")[:2] == open_.stdout.splitlines()[-1].split("·")[:2]
    scored = samescore("score", "masked", cwd=tmp_path)
    assert scored.stdout.splitlines() == masked.stdout.splitlines()[1:]
    refused = samescore("eval", "--resume", "open", "--redact", cwd=tmp_path)
    assert refused.returncode == 2 and "Leave out --redact" in refused.stderr
    again = samescore("eval", "--resume", "masked", cwd=tmp_path)
    assert again.returncode == 0 and Run.open(tmp_path / "masked").manifest.redacted


def test_the_embedded_model_is_redacted_to_the_same_scores(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    policy = load_policy("tiny", device="cpu")
    plan: dict[str, Any] = {"limit": 2, "limits": Limits(turns=2, turn_tokens=96)}
    _, open_ = had(tmp_path / "open", RETAIL, RETAIL_WORLDS, policy, redact=False, **plan)
    run, masked = had(tmp_path / "masked", RETAIL, RETAIL_WORLDS, policy, **plan)
    assert values(open_.results) == values(masked.results) == values(list(rescore(run, [RETAIL], RETAIL_WORLDS)))
    world = RETAIL_WORLDS["retail"]
    planned = {case.id for case in run.plan.cases}
    assert not any(leaks(on_disk(run.directory), case, world) for case in RETAIL.cases if case.id in planned)
    assert all(bool(turn.token_ids) is ("⟦" not in turn.text) for record in run.records() for turn in record.turns)
