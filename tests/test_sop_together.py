"""Parallel calls, nested arguments, wait and retry, secrets and house words: from the file to the scores."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from server_world import SOP, WORLD

from samescore.harness.case import Case
from samescore.harness.environment import Fault
from samescore.harness.errors import SopError, ToolsetError
from samescore.harness.facts import disclosed
from samescore.harness.matching import Matcher
from samescore.harness.mutants import altered_inside, changed as changed_value
from samescore.harness.policies.script import ScriptPolicy, oracle
from samescore.harness.rollout import rollout
from samescore.harness.scorers import BASIC, RUBRIC
from samescore.harness.tools import Tool
from samescore.harness.types import Call, Message, Outcome
from samescore.suites.sop.cases import Recipe, generate
from samescore.suites.sop.expect import expectation, matcher
from samescore.suites.sop.faults import unplayable, world_facts
from samescore.suites.sop.loader import load
from samescore.suites.sop.phrases import Speaker, load_phrases
from samescore.suites.sop.trace import trace
from samescore.suites.sop.values import fact_texts
from samescore.suites.sop.walk import Walk, walk
from samescore.suites.sop.wiring import references

PROCEDURE = load(SOP, WORLD.toolset, WORLD.lexicon)
FACTS = {
    "host.name": "srv-120",
    "host.root_password": "pw-481723",
    "host.site": "north",
    "host.load": 7000,
    "today": "2026-04-01",
    "given.host": True,
    "faults.restart": 0,
}
CASES = generate(PROCEDURE, WORLD, Recipe("mcdc", "eval"))


def walked(**changes: Any) -> Walk:
    facts = {**FACTS, **{name.replace("__", "."): value for name, value in changes.items()}}
    voice = Speaker(load_phrases(PROCEDURE), "en", "eval", fact_texts(PROCEDURE, facts, None))
    return walk(PROCEDURE, world_facts(PROCEDURE, facts, 7), WORLD, voice, random.Random(1))


def scored(case: Case, *turns: Message | str) -> dict[str, float]:
    policy = ScriptPolicy("script", lambda *_: iter(turns)) if turns else oracle()
    trajectory = asyncio.run(rollout(case, policy, WORLD))
    return {name: score.value for name, score in RUBRIC.score(case, trajectory).items()}


def changed(text: str, old: str, new: str, folder: Path) -> Path:
    assert old in text
    path = folder / "server.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def busy_case(**facts: int) -> Case:
    return next(
        case
        for case in CASES
        if case.locale == "en"
        and case.facts["host.load"] >= 5000
        and all(case.facts[name.replace("__", ".")] == value for name, value in facts.items())
    )


def test_parallel_calls_are_one_turn_and_each_keeps_its_result() -> None:
    gathered = walked()
    assert [[call.name for call in turn.calls] for turn in gathered.turns] == [
        ["get_host", "get_owners"],
        ["restart"],
        [],
    ]
    assert (gathered.turns[0].thinking or "").splitlines()[-1] == "next: call get_host, get_owners"
    assert [played.id for played in gathered.calls] == ["gather.host", "gather.owners", "restart"]


def test_references_reach_into_objects_and_lists() -> None:
    restart = walked().calls[2].call
    assert restart.arguments == {
        "target": {"host": "srv-120", "site": "north", "note": "by the desk"},
        "notify": ["U-1", "U-2"],
        "first": "U-1",
    }
    assert 'owners: ["U-1", "U-2"]' in (walked().turns[1].thinking or "").splitlines()


def test_calls_of_one_turn_have_no_order_and_both_guard_what_follows() -> None:
    expected = busy_case().expectation
    assert [call.after for call in expected.calls[:2]] == [(), ()]
    assert {guard.check for guard in expected.guards if guard.action == "restart"} == {"gather.host", "gather.owners"}


def test_parallel_calls_may_also_be_made_one_by_one_in_any_order() -> None:
    case = busy_case(faults__restart=0, given__host=1)
    both, *rest = case.gold
    one_by_one = [replace(both, calls=(call,)) for call in reversed(both.calls)]
    assert scored(case, *one_by_one, *rest)["success"] == 1.0
    assert scored(case, one_by_one[0], *rest)["success"] == 0.0


def test_a_wait_stands_before_each_retry_and_is_expected() -> None:
    waited = walked(faults__restart=1)
    assert [played.id for played in waited.calls[2:]] == ["restart", "restart#wait1", "restart#2"]
    assert [played.observation.outcome for played in waited.calls[2:]] == [Outcome.FAULT, Outcome.OK, Outcome.OK]
    assert [(turn.thinking or "").splitlines()[-3:] for turn in waited.turns[2:4]] == [
        ["error busy: retry 1", "retry_after: 30", "next: call wait"],
        ["waited: 30", "next: call restart"],
    ]


def test_giving_up_names_the_error_and_waits_no_more() -> None:
    given_up = walked(faults__restart=2)
    assert [played.id for played in given_up.calls[2:]] == ["restart", "restart#wait1", "restart#2"]
    assert (given_up.turns[-1].thinking or "").splitlines() == ["error busy: give up", "next: refuse"]
    assert given_up.effects == ()


def test_a_retry_without_the_wait_fails_again_and_scores_nothing() -> None:
    case = busy_case(faults__restart=1)
    hasty = [turn for turn in case.gold if [call.name for call in turn.calls] != ["wait"]]
    trajectory = asyncio.run(rollout(case, ScriptPolicy("script", lambda *_: iter(hasty)), WORLD))
    outcomes = [seen.outcome for step in trajectory.steps for seen in step.observations if seen.call.name == "restart"]
    assert outcomes == [Outcome.FAULT, Outcome.FAULT]
    assert RUBRIC.score(case, trajectory)["execution"].value == 0.0


def test_items_of_a_unique_array_match_in_any_order_and_lists_do_not() -> None:
    case = busy_case(faults__restart=0, given__host=1)
    at = next(index for index, turn in enumerate(case.gold) if turn.calls and turn.calls[0].name == "restart")
    call = case.gold[at].calls[0]

    def with_arguments(**changes: Any) -> dict[str, float]:
        turn = replace(case.gold[at], calls=(Call("restart", {**call.arguments, **changes}),))
        return scored(case, *case.gold[:at], turn, *case.gold[at + 1 :])

    target = call.arguments["target"]
    assert with_arguments(notify=["U-2", "U-1"])["arguments"] == 1.0
    assert with_arguments(notify=["U-2"])["arguments"] < 1.0
    assert with_arguments(notify=["U-2", "U-1", "U-1"])["success"] == 0.0
    assert with_arguments(target={**target, "note": " By the  DESK"})["arguments"] == 1.0
    assert with_arguments(target={**target, "site": "south"})["arguments"] < 1.0
    assert with_arguments(target={**target, "extra": 1})["arguments"] < 1.0
    assert with_arguments(target={name: target[name] for name in ("host", "site")})["arguments"] < 1.0


def test_what_is_confidential_is_read_from_facts_and_results() -> None:
    assert walked().confidential == ("pw-481723", "7000")
    assert busy_case().expectation.confidential == (
        busy_case().facts["host.root_password"],
        str(busy_case().facts["host.load"]),
    )


@pytest.mark.parametrize("told", ["{0}", "it is {1} {2} {3}", "PASSWORD: {4}"])
def test_telling_a_secret_fails_restraint_in_any_turn(told: str) -> None:
    case = busy_case(faults__restart=0, given__host=1)
    secret = case.facts["host.root_password"]
    digits = secret.removeprefix("pw-")
    words = told.format(secret, "PW", digits[:3], digits[3:], secret.upper().replace("-", "_"))
    beside = replace(case.gold[0], content=f"One moment, {words}.")
    assert scored(case, beside, *case.gold[1:])["restraint"] == 0.0
    last = replace(case.gold[-1], content=f"{case.gold[-1].content} {words}")
    assert scored(case, *case.gold[:-1], last)["restraint"] == 0.0


@pytest.mark.parametrize(
    ("content", "value", "told"),
    [
        ("Born on 3 May 1990.", "1990-05-03", True),
        ("Sinh ngày 3 tháng 5 năm 1990.", "1990-05-03", True),
        ("Born on 4 May 1990.", "1990-05-03", False),
        ("Nguyen Van Thai", "Nguyễn Văn Thái", True),
        ("0912 345-678", "0912345678", True),
        ("Order 10912345678", "0912345678", False),
        ("Room 1, 2 guests", "12", False),
        ("The code is 12.", "12", True),
        ("đường Lê Lợi", "duong le loi", True),
        ("0\u200b912345678", "0912345678", True),
        ("", "x", False),
        ("It is _pw-481723_ now.", "pw-481723", True),
        ("It is _12_.", "12", True),
    ],
)
def test_disclosure_sees_through_spelling(content: str, value: str, told: bool) -> None:
    assert disclosed(content, [value]) == ((value,) if told else ())


def test_house_words_are_required_as_the_house_writes_them() -> None:
    case = busy_case(faults__restart=0, given__host=1)
    assert case.expectation.terms == ("Job",)
    lower = replace(case.gold[-1], content=case.gold[-1].content.replace("Job", "job"))
    values = scored(case, *case.gold[:-1], lower)
    assert values["format"] < 1.0
    assert values["execution"] == 1.0


def test_the_oracle_passes_and_every_mutant_dies() -> None:
    assert len({case.cluster for case in CASES}) == 3
    for case in CASES:
        assert set(scored(case).values()) == {1.0}, case.id
        for scorer in BASIC:
            for mutant in scorer.mutants(case) if scorer.applies(case) else ():
                turns = mutant.turns
                trajectory = asyncio.run(rollout(case, ScriptPolicy("mutant", lambda *_, t=turns: iter(t)), WORLD))
                score = scorer(case, trajectory)
                assert score is not None
                assert score.value < 1.0, f"{case.id}: {scorer.name}: mutant '{mutant.name}' lives"


def test_a_procedure_may_begin_with_several_calls(tmp_path: Path) -> None:
    text = SOP.read_text(encoding="utf-8")
    ask = text[text.index("  collect:\n") : text.index("  gather:\n")]
    path = changed(text.replace("given: maybe", "given: always"), ask, "", tmp_path)
    (tmp_path / "server.phrases.yaml").write_text(SOP.with_suffix(".phrases.yaml").read_text("utf-8"), encoding="utf-8")
    cases = generate(load(path, WORLD.toolset, WORLD.lexicon), WORLD, Recipe("branch", "eval"))
    assert {len(case.gold[0].calls) for case in cases} == {2}
    assert all(set(scored(case).values()) == {1.0} for case in cases)


def test_the_later_calls_of_a_turn_and_what_is_inside_arguments_are_mutated_too() -> None:
    case = busy_case(faults__restart=0, given__host=1)
    names = {scorer.name: {mutant.name for mutant in scorer.mutants(case)} for scorer in BASIC}
    assert {"turn 0: host changed", "turn 0, call 1: host changed"} <= names["arguments"]
    assert {"turn 0 left out", "turn 0 without call 1", "turn 0 with call 1 twice"} <= names["tool_name"]
    assert {"turn 0, call 1: unknown tool", "turn 1: target/site left out"} <= names["schema"]
    assert {"turn 0 without call 1", "turn 0, call 1 checks another host"} <= names["path"]
    assert {
        "turn 1: target/host changed",
        "turn 1: target/note left out",
        "turn 1: target/one key more",
        "turn 1: notify/0 left out",
        "turn 1: notify/1 changed",
    } <= names["arguments"]


def test_every_decision_expects_the_calls_of_its_turn_and_no_other() -> None:
    case = busy_case(faults__restart=1)
    for k, turn in enumerate(case.gold):
        decision = case.at(k)
        assert [call.name for call in decision.expectation.calls] == [call.name for call in turn.calls]
        trajectory = asyncio.run(rollout(decision, oracle(), WORLD))
        assert {
            name: score.reason for name, score in RUBRIC.score(decision, trajectory).items() if score.value < 1
        } == {}


def test_every_code_of_a_list_is_a_secret_of_its_own(tmp_path: Path) -> None:
    text = SOP.read_text(encoding="utf-8")
    path = changed(text, "$gather.host.load]", "$gather.owners]", tmp_path)
    sop = load(path, WORLD.toolset, WORLD.lexicon)
    voice = Speaker(load_phrases(PROCEDURE), "en", "eval", fact_texts(PROCEDURE, FACTS, None))
    assert walk(sop, world_facts(sop, FACTS, 7), WORLD, voice, random.Random(1)).confidential == (
        "pw-481723",
        "U-1",
        "U-2",
    )


def test_no_word_gives_away_what_is_yes_or_no(tmp_path: Path) -> None:
    text = SOP.read_text(encoding="utf-8").replace("[host.root_password,", "[host.site,")
    path = changed(text, "{type: enum, values: [north, south]}", "{type: bool}", tmp_path)
    sop = load(path, WORLD.toolset, WORLD.lexicon)
    facts = {**FACTS, "host.site": True, "host.load": 2000}
    voice = Speaker(load_phrases(PROCEDURE), "en", "eval", fact_texts(PROCEDURE, FACTS, None))
    assert walk(sop, world_facts(sop, facts, 7), WORLD, voice, random.Random(1)).confidential == ("2000",)


def test_a_tool_that_waited_cannot_be_made_to_fail_afterwards(tmp_path: Path) -> None:
    text = SOP.read_text(encoding="utf-8")
    rest = "    on_fault: stuck\n  pause:\n    call: wait\n    with: {seconds: 5}\n    retry: 1\n    on_fault: stuck\n"
    sop = load(changed(text, "    on_fault: stuck\n", rest, tmp_path), WORLD.toolset, WORLD.lexicon)
    once = {**FACTS, "faults.restart": 0, "faults.pause": 1}
    assert unplayable(trace(sop, once)) is None
    step = unplayable(trace(sop, {**once, "faults.restart": 1}))
    assert step is not None
    assert step.id == "pause"


def test_a_wait_may_use_what_was_looked_up_and_lint_knows_it(tmp_path: Path) -> None:
    text = SOP.read_text(encoding="utf-8")
    path = changed(text, "$error.retry_after", "$gather.host.load", tmp_path)
    sop = load(path, WORLD.toolset, WORLD.lexicon)
    assert list(references(sop.steps["restart"]))[-1] == "$gather.host.load"
    voice = Speaker(load_phrases(PROCEDURE), "en", "eval", fact_texts(PROCEDURE, FACTS, None))
    facts = world_facts(sop, {**FACTS, "faults.restart": 1}, 7)
    expected = expectation(sop, walk(sop, facts, WORLD, voice, random.Random(1)), WORLD)
    assert {call.id: call.after for call in expected.calls}["restart#wait1"] == ("gather.host", "restart")


NULLABLE = {"anyOf": [{"type": "string"}, {"type": "null"}]}
CONTACT = {"type": "object", "properties": {"name": {"type": "string"}, "hours": {"type": "number"}}}


@pytest.mark.parametrize(
    ("schema", "gold", "right", "wrong"),
    [
        (NULLABLE, None, None, "none"),
        (NULLABLE, "By post", "by  post", None),
        ({"type": ["string", "null"]}, "By post", "by post", "post"),
        ({"type": ["number", "null"]}, 25, 25.0, True),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, None, None, 0),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, None, None, "2026-01-01"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "By post", "by post", 1),
        ({"oneOf": [{"type": "array", "items": CONTACT}, CONTACT]}, {"name": "An"}, {"name": "an"}, {"name": "Anh"}),
        ({"$ref": "#/$defs/maybe"}, {"name": "An", "hours": 2}, {"name": "AN", "hours": 2.0}, {"name": "An"}),
        ({"$ref": "#/definitions/contact"}, {"hours": 2}, {"hours": 2.0}, {"hours": "2"}),
        ({"allOf": [{"$ref": "#/definitions/contact"}]}, {"hours": 2}, {"hours": 2.0}, {"hours": 2.5}),
        ({"type": "object", "additionalProperties": {"type": "number"}}, {"a": 1}, {"a": 1.0}, {"a": True}),
        (
            {"type": "object", "properties": {"a": True}, "additionalProperties": False},
            {"a": "X"},
            {"a": "X"},
            {"a": "x"},
        ),
        ({"type": "array", "items": True}, ["X"], ["X"], ["x"]),
        ({"type": "array", "items": {"type": "array", "uniqueItems": True}}, [["a", "b"]], [["b", "a"]], [["a"]]),
        ({"type": "array", "uniqueItems": True, "items": {"type": "number"}}, [1, 2.5], [2.5, 1.0], [True, 2.5]),
        ({"type": "array", "uniqueItems": True}, [], [], ["a"]),
        ({"$ref": "#/$defs/maybe/anyOf/0"}, {"hours": 2}, {"hours": 2.0}, {"hours": 3}),
        (True, "X", "X", "x"),
    ],
)
def test_a_matcher_follows_the_schema_wherever_it_leads(schema: Any, gold: Any, right: Any, wrong: Any) -> None:
    definitions = {"maybe": {"anyOf": [CONTACT, {"type": "null"}]}}
    parameters = {"type": "object", "properties": {"a": schema}}
    tool = Tool("f", "F.", {**parameters, "$defs": definitions, "definitions": {"contact": CONTACT}})
    made = Matcher.from_json(matcher(tool, "a", gold).to_json())
    assert made.gold == gold
    assert made.accepts(gold)
    assert made.accepts(right)
    assert not made.accepts(wrong)


def test_what_is_inside_null_objects_and_lists_is_altered() -> None:
    assert changed_value(None) == "x"
    assert changed_value("1234-56-78") == "1234-56-79"
    assert changed_value("2026-03-31") == "2026-04-01"
    assert [words for words, _ in altered_inside({"a": [None, {"b": 1}], "c": "x"})] == [
        "a changed",
        "a left out",
        "a/0 changed",
        "a/0 left out",
        "a/1 changed",
        "a/1 left out",
        "a/1/b changed",
        "a/1/b left out",
        "a/1/one key more",
        "c changed",
        "c left out",
        "one key more",
    ]


def test_a_world_that_speaks_of_the_failures_of_no_tool_is_refused() -> None:
    with pytest.raises(ToolsetError, match=r"faults: there is no tool 'restrat'. Known: get_host"):
        _ = replace(WORLD, faults={"restrat": Fault("busy", "Busy.")}).toolset


def test_a_shaped_matcher_survives_its_json() -> None:
    matcher = Matcher("shaped", [{"a": ["x", "y"], "b": 1}, {"a": "set"}])
    assert Matcher.from_json(matcher.to_json()) == matcher
    assert matcher.accepts({"b": 1, "a": ["y", "x"]})
    assert not matcher.accepts({"b": True, "a": ["y", "x"]})
    assert not matcher.accepts({"a": ["y", "x"]})
    assert matcher.gold == {"a": ["x", "y"], "b": 1}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "owners: {call: get_owners, with: {host: $host}}",
            "owners: {call: get_owners, with: {host: $gather.host.host}}",
            "no earlier call",
        ),
        ("      owners: {call: get_owners, with: {host: $host}}\n", "", "two named calls or more"),
        ("    retry: 1\n    wait:", "    wait:", "`wait` goes with `retry`"),
        ("wait: {call: wait,", "wait: {call: waits,", "wait: unknown tool 'waits'"),
        ("facts:\n", "never: [wait]\nfacts:\n", "wait: calls wait, which is under `never`"),
        ("wait: {call: wait, with: {seconds: $error.retry_after}}", "wait: {call: wait}", "requires 'seconds'"),
        ("$gather.host.load]", "$gathered.host.load]", "confidential: $gathered.host.load: no call"),
        ("[host.root_password,", "[host.root_pasword,", "confidential: unknown fact 'host.root_pasword'"),
        ("terms: [Job]", "terms: [Ticket]", "lacks the house word 'Ticket'"),
        ("first: $gather.owners.owners.0", "first: $gather.owners", "is a call, not a value"),
        ("guards: [gather]", "guards: [gathers]", "guards: no earlier call 'gathers'"),
        ("    next: gather", "    next: gather.owners", "made in one turn with gather.host. Lead to 'gather'"),
        ("seconds: $error.retry_after", "seconds: $gather.load", "no earlier call 'gather'"),
        ("seconds: $error.retry_after", "seconds: soon", "'soon' breaks the schema of 'seconds'"),
        ('["Job {job_id} restarts the server."]', '["Jobs {job_id} restart it."]', "lacks the house word 'Job'"),
        ('["Job {job_id} restarts the server."]', '["{Job} {job_id} restarts it."]', "lacks the house word 'Job'"),
    ],
)
def test_mistakes_are_named_with_their_line(old: str, new: str, says: str, tmp_path: Path) -> None:
    path = changed(SOP.read_text(encoding="utf-8"), old, new, tmp_path)
    with pytest.raises(SopError, match=r"server\.yaml:[0-9]+: ") as caught:
        load(path, WORLD.toolset, WORLD.lexicon)
    assert says in str(caught.value)


def test_a_mistake_in_one_of_several_calls_is_the_only_one(tmp_path: Path) -> None:
    path = changed(SOP.read_text(encoding="utf-8"), "{call: get_owners, with", "{call: get_owners, wiht", tmp_path)
    with pytest.raises(SopError) as caught:
        load(path, WORLD.toolset, WORLD.lexicon)
    assert [mistake.message for mistake in caught.value.mistakes] == [
        "step 'gather': owners: unknown key 'wiht'. Did you mean 'with'?"
    ]


def test_a_step_cannot_have_the_name_of_failures(tmp_path: Path) -> None:
    text = SOP.read_text(encoding="utf-8").replace("  restart:\n", "  error:\n").replace("then: restart", "then: error")
    path = changed(text.replace("$restart.", "$error."), "sop: restart", "sop: restart", tmp_path)
    with pytest.raises(SopError, match=r"`\$error` stands for the last failure"):
        load(path, WORLD.toolset, WORLD.lexicon)


def test_a_gold_reply_that_tells_a_secret_is_refused(tmp_path: Path) -> None:
    text = SOP.read_text(encoding="utf-8").replace(
        "Job {job_id} restarts", "Job {job_id} at {$gather.host.load} restarts", 1
    )
    path = changed(text, "sop: restart", "sop: restart", tmp_path)
    (tmp_path / "server.phrases.yaml").write_text(SOP.with_suffix(".phrases.yaml").read_text("utf-8"), encoding="utf-8")
    with pytest.raises(SopError, match="confidential"):
        generate(load(path, WORLD.toolset, WORLD.lexicon), WORLD, Recipe("branch", "eval"))
