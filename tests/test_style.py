"""House style: what a guide says, which replies break it, how phrases are found, and how suites state one."""

from __future__ import annotations

import asyncio
import json
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import toy_world
from hypothesis import given, strategies as st

from samescore.harness.case import Case, Ending, UserScript
from samescore.harness.facts.one_language import foreign_part
from samescore.harness.lexicon import LOCALES, Locale
from samescore.harness.policies.script import ScriptPolicy, oracle
from samescore.harness.rollout import rollout
from samescore.harness.scorers import RUBRIC, scorer_named
from samescore.harness.scorers.style import faults_of_gold
from samescore.harness.strictjson import canonical
from samescore.harness.style import WHEN, HouseWords, StyleGuide, rules
from samescore.harness.types import Attempt, Call, Completion, Message, Score, Step, Stop, Trajectory, Turn
from samescore.suites.catalog import read_suite_file
from samescore.suites.sop.lock import lock_path, read_lock

STARTER = Path(str(files("samescore.fixtures") / "starter"))

GUIDE = StyleGuide(
    apology={"en": ("sorry", "we apologise"), "vi": ("rất tiếc",)},
    house_words=(HouseWords({"vi": ("dạ", "ạ")}), HouseWords({"en": ("reader",)}, ("answer", "ask"))),
    forbidden=("I am an AI model", "tôi là một mô hình ngôn ngữ", "bạn", "AI"),
    words=12,
    characters=90,
    one_language=True,
)
STYLE = scorer_named("style")


def case(guide: StyleGuide | None = GUIDE, number: int = 0, **changes: Any) -> Case:
    """A toy case under a guide: 0 answers, 1 asks first, 2 refuses; from 4 on the same in Vietnamese."""
    base = toy_world.case(number)
    return replace(base, expectation=replace(base.expectation, style=guide), **changes)


def said(content: str, thinking: str | None = None, reply: str | None = None, calls: Sequence[Call] = ()) -> Step:
    attempts = tuple(Attempt((0, 0), call) for call in calls)
    return Step(Turn(Completion(""), thinking=thinking, content=content, attempts=attempts), reply=reply)


def judged(case: Case, *steps: Step | str, stop: Stop = Stop.ANSWERED) -> Score:
    made = tuple(said(step) if isinstance(step, str) else step for step in steps)
    score = STYLE(case, Trajectory(made, stop))
    assert score is not None
    return score


def broken(case: Case, *steps: Step | str) -> list[str]:
    return list(judged(case, *steps).evidence.get("broken", ()))


def alone(**rules: Any) -> Case:
    """A case under one rule, in English unless said otherwise."""
    return case(StyleGuide(**rules), number=rules.pop("number", 0))


# The guide


def guides() -> st.SearchStrategy[StyleGuide]:
    phrases = st.lists(st.text("abcạ ", min_size=1, max_size=5), min_size=1, max_size=3).map(tuple)
    per_locale = st.fixed_dictionaries({}, optional=dict.fromkeys(LOCALES, phrases))
    house = st.builds(HouseWords, per_locale, st.lists(st.sampled_from(WHEN), unique=True).map(tuple))
    most = st.none() | st.integers(1, 99)
    return st.builds(StyleGuide, per_locale, st.lists(house, max_size=2).map(tuple), phrases, most, most, st.booleans())


@given(guides())
def test_a_guide_reads_back_from_its_json(guide: StyleGuide) -> None:
    again = StyleGuide.from_json(json.loads(json.dumps(guide.to_json())))
    assert again == guide and again.fingerprint == guide.fingerprint


def test_every_rule_moves_the_fingerprint_and_one_that_is_not_stated_stands_nowhere() -> None:
    changed: list[Mapping[str, Any]] = [
        {"apology": {"en": ("sorry",)}},
        {"house_words": GUIDE.house_words[:1]},
        {"house_words": (GUIDE.house_words[0], HouseWords({"en": ("reader",)}))},
        {"forbidden": ()},
        {"words": 13},
        {"characters": None},
        {"one_language": False},
    ]
    prints = {replace(GUIDE, **change).fingerprint for change in changed}
    assert len(prints | {GUIDE.fingerprint}) == len(changed) + 1
    assert StyleGuide().to_json() == {} and StyleGuide(words=3).to_json() == {"length": {"words": 3}}


def test_the_guide_of_a_case_is_in_its_json_and_fingerprint_and_a_case_without_one_is_as_it_was() -> None:
    with_guide, without = case(), case(None)
    assert without.fingerprint() == toy_world.case(0).fingerprint() != with_guide.fingerprint()
    assert "style" not in without.to_json()["expectation"]
    again = Case.from_json(json.loads(canonical(with_guide.to_json())), with_guide.toolset, with_guide.lexicon)
    assert again.expectation == with_guide.expectation and again.fingerprint() == with_guide.fingerprint()


def test_locked_cases_are_written_byte_for_byte_as_before() -> None:
    sop = read_suite_file(STARTER / "suite.yaml").sops[0]
    path = lock_path(sop.path, "eval")
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    assert [canonical(one.to_json()) for one in read_lock(path, sop.load_world())] == lines


def test_rules_are_those_of_the_users_language_and_without_any_the_scorer_does_not_apply() -> None:
    names = ["apology", "house words 1", "forbidden", "length", "one language"]
    assert [rule.name for rule in rules(GUIDE, "vi")] == names
    assert [rule.name for rule in rules(GUIDE, "en")] == [name.replace("1", "2") for name in names]
    only_vietnamese = StyleGuide(apology={"vi": ("rất tiếc",)})
    assert STYLE.applies(case(only_vietnamese, 4)) and not STYLE.applies(case(only_vietnamese, 0))
    assert not STYLE.applies(case(None)) and not STYLE.applies(case(StyleGuide()))


# Each rule


@pytest.mark.parametrize(
    ("reply", "keeps"),
    [
        ("We are sorry, but we cannot waive this fee.", True),
        ("SORRY! We cannot waive this fee.", True),
        ("The fee is a week old. We apologise, we cannot waive it.", True),
        ("We cannot waive this fee.", False),
        ("We cannot waive this fee, sorry.", False),
        ("We cannot waive it. We are sorry. We cannot waive it.", False),
        ("<!-- sorry --> We cannot waive this fee.", False),
        ("We are unsorry, we cannot waive this fee.", False),
        ("We waived it for you.", True),  # declines nothing, and need not
    ],
)
def test_an_apology_stands_before_the_words_that_decline(reply: str, keeps: bool) -> None:
    assert broken(alone(apology={"en": ("sorry", "we apologise")}), reply) == ([] if keeps else ["apology"])


def test_a_case_that_must_be_refused_wants_an_apology_however_the_reply_declines() -> None:
    refusing = case(StyleGuide(apology={"en": ("sorry",)}), 2)
    assert refusing.expectation.ending is Ending.REFUSE
    assert broken(refusing, "That fee stays.") == ["apology"]
    assert broken(refusing, "Sorry, that fee stays.") == []
    assert "declines without an apology: 'sorry'" in judged(refusing, "That fee stays.").reason
    assert "declines first, and then says" in judged(refusing, "We cannot waive it. Sorry.").reason


def test_house_words_stand_in_every_reply_or_in_those_of_their_kind() -> None:
    always, ending = HouseWords({"en": ("reader", "dear guest")}), HouseWords({"en": ("bye",)}, ("refuse",))
    for number, kinds in ((0, []), (2, ["house words 2"])):
        one = case(StyleGuide(house_words=(always, ending)), number)
        question = said("Which book, reader?", reply="That one.")
        assert broken(one, question, "Here it is, Dear  Guest.") == kinds
        assert broken(one, question, "Here it is, dear guest. Bye!") == []
        assert broken(one, "Which book?", "Bye, dear guest.") == ["house words 1"]
    asks = case(StyleGuide(house_words=(HouseWords({"en": ("please",)}, ("ask",)),)))
    assert broken(asks, said("Which book?", reply="That."), "It is done.") == ["house words"]
    assert broken(asks, said("Which book, please?", reply="That."), "It is done.") == []
    assert broken(asks, said("A moment.", calls=[Call("get_loan", {})]), "It is done.") == []


def test_length_counts_words_and_composed_characters_of_each_reply() -> None:
    assert broken(alone(words=3), "one two three", "one two three") == []
    assert judged(alone(words=3), "one two\nthree four") == Score(
        0.0, "length: turn 1 has 4 words, 3 at most", {"broken": ["length"], "rules": 1}
    )
    decomposed = unicodedata.normalize("NFD", "ạ" * 5)
    assert len(decomposed) > 5 and broken(alone(characters=5), f" {decomposed}\n") == []
    assert "has 6 characters, 5 at most" in judged(alone(characters=5), "ạ" * 6).reason


@pytest.mark.parametrize(
    ("locale", "reply", "part"),
    [
        ("en", "We have waived the fee of your book.", None),
        ("en", "Dạ em đã miễn phí cho sách của anh/chị ạ.", "Dạ em đã miễn phí cho sách của anh/chị ạ"),
        ("en", "Xong rồi ạ!", "Xong rồi ạ!"),
        (
            "en",
            "We waived your fee, and there is nothing left to pay for you now. Em cảm ơn anh/chị nhiều ạ.",
            "Em cảm ơn anh/chị nhiều ạ",
        ),
        (
            "vi",
            "Dạ em đã miễn khoản phí trễ hạn cho cuốn sách của anh/chị rồi ạ, please have a nice day.",
            "please have a nice day",
        ),
        (
            "vi",
            "Dạ em đã miễn khoản phí trễ hạn cho cuốn sách của anh/chị rồi ạ. PLEASE HAVE A NICE DAY!",
            "PLEASE HAVE A NICE DAY",
        ),
        ("vi", "Dạ em đã miễn khoản phí cho anh/chị ạ. OK, thank you!", None),  # too little to tell
        ("en", "It goes to its new reader: Nguyễn Thị Hồng Nhung, 12 Đường Lê Lợi. Thank you.", None),
        ("en", "B-1000", "B-1000"),
    ],
)
def test_no_part_of_a_reply_is_in_another_language(locale: Locale, reply: str, part: str | None) -> None:
    found = foreign_part(reply, locale)
    assert (None if found is None else found.words) == part
    one = case(StyleGuide(one_language=True), 0 if locale == "en" else 4)
    assert broken(one, reply) == ([] if part is None else ["one language"])


def test_a_foreign_part_is_named_with_its_language() -> None:
    one = case(StyleGuide(one_language=True), 4)
    reply = "Dạ em đã miễn khoản phí trễ hạn cho cuốn sách của anh/chị rồi ạ. Please have a very nice day."
    words = "one language: turn 1 says 'Please have a very nice day' in English, the user's language is Vietnamese"
    assert judged(one, reply).reason == words
    assert "in no language that can be told" in judged(one, "B-1000").reason


def test_the_language_of_hand_written_replies_is_never_mistaken_in_a_part() -> None:
    for locale in LOCALES:
        lines = (Path(__file__).parent / "data" / f"replies.{locale}.jsonl").read_text(encoding="utf-8").splitlines()
        for reply in map(json.loads, lines):
            (language,) = {check["value"] for check in reply["checks"] if check["kind"] == "language"} or {None}
            found = foreign_part(reply["reply"], locale)
            if language == locale and found is not None:
                assert found.words == reply["reply"].strip(), reply["id"]  # as `outcome` reads it, no part of it


# The score


def test_the_value_is_the_share_of_rules_that_every_reply_keeps() -> None:
    good = "Reader, the fee of your book is waived."
    assert judged(case(), good) == Score(1.0, "as expected")
    score = judged(case(), "Your fee is waived, and I am an AI model.")
    assert score.value == pytest.approx(1 - 2 / 5)
    assert score.reason == (
        "house words 2: turn 1 lacks 'reader'; forbidden: turn 1 says 'I am an AI model', 'AI', which is forbidden"
    )
    assert score.evidence == {"broken": ["house words 2", "forbidden"], "rules": 5}


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_more_words_never_make_up_for_a_broken_rule(clean: list[bool]) -> None:
    good, bad = "Reader, is your book a new one?", "Reader, I am an AI model, is your book new?"
    replies = [said(good if one else bad, reply="Yes.") for one in clean]
    expected = 1.0 if all(clean) else 1 - 1 / 5
    assert judged(case(), *replies).value == pytest.approx(expected)
    assert judged(case(), *replies, *[said(good, reply="Yes.")] * 9).value == pytest.approx(expected)


def test_thinking_is_never_judged() -> None:
    thinking = "I am an AI model. " * 99 + "Tôi là một mô hình ngôn ngữ. Bạn ơi!"
    good = "Reader, the fee of your book is waived."
    assert judged(case(), said(good, thinking=thinking)) == judged(case(), good)
    assert judged(case(), said("", thinking=thinking, calls=[Call("get_loan", {})]), good).value == 1.0


def test_words_beside_a_call_reach_the_user_and_are_judged() -> None:
    beside = said("I am an AI model, give me a moment of your time.", calls=[Call("get_loan", {})])
    score = judged(case(), beside, "Reader, the fee of your book is waived.")
    assert score.evidence["broken"] == ["forbidden"] and "turn 1 says" in score.reason


def test_saying_nothing_keeps_no_guide_where_gold_speaks() -> None:
    silent = said("", calls=[Call("get_loan", {})])
    assert judged(case(), silent, stop=Stop.MAX_TURNS) == Score(0.0, "nothing was said to the user")
    assert judged(case(gold=(Message("assistant", "", calls=(Call("get_loan", {}),)),)), silent).value == 1.0


def test_a_decision_is_judged_by_its_one_turn() -> None:
    base = case(number=1)  # asks, looks, waives, answers
    first = said("I am an AI model. Which book?", reply="That one.")
    asks, looks = base.at(0), base.at(1)
    assert asks.expectation.style == looks.expectation.style == GUIDE
    assert broken(asks, "Reader, could you share the book number?") == []
    assert broken(asks, "Could you share the book number?") == ["house words 2"]  # a question is of the kind `ask`
    assert broken(looks, first, said("", calls=[Call("get_loan", {})])) == []
    assert broken(looks, first, said("AI looks.", calls=[Call("get_loan", {})])) == ["forbidden", "one language"]
    assert judged(asks, said("", calls=[Call("get_loan", {})])).value == 0.0
    last = base.at(3)
    before = [first, said("", calls=[Call("get_loan", {})]), said("", calls=[Call("waive_fee", {})])]
    assert broken(last, *before, "Reader, it is done for your book.") == []
    assert "turn 4 lacks 'reader'" in judged(last, *before, "It is done for your book.").reason


def test_replies_to_a_user_who_comes_back_are_of_the_kind_of_the_answer() -> None:
    guide = StyleGuide(house_words=(HouseWords({"en": ("reader",)}, ("answer",)),))
    base = case(guide)
    again = replace(base, user=UserScript(base.user.slots, base.user.unknown, base.user.confused, ("Once more.",)))
    first = said("Reader, it is done.", reply="Once more.")
    assert broken(again, first, "Reader, it was done already.") == []
    assert broken(again, first, "It was done already.") == ["house words"]


def test_a_malformed_turn_scores_0() -> None:
    turn = oracle().dialect.parse(Completion("Reader <tool_call>"), toy_world.WORLD.toolset)
    score = STYLE(case(), Trajectory((Step(turn),), Stop.MALFORMED))
    assert score is not None and score.value == 0.0 and "malformed" in score.reason


def test_success_takes_style_as_it_takes_every_scorer() -> None:
    for guide, expected in ((None, 1.0), (StyleGuide(words=20), 1.0), (StyleGuide(words=2), 0.0)):
        one = case(guide)
        scores = RUBRIC.score(one, played(one, one.gold))
        assert scores["success"].value == expected and ("style" in scores) == (guide is not None)
    assert scores["success"].reason == "style: length: turn 3 has 7 words, 2 at most"


def played(case: Case, turns: Sequence[Message | str]) -> Trajectory:
    policy = ScriptPolicy("turns", lambda case, sampling: iter(turns))
    return asyncio.run(rollout(case, policy, toy_world.WORLD))


KEPT = replace(GUIDE, house_words=(HouseWords({"vi": ("dạ", "ạ"), "en": ("book", "fee")}),), words=20)


@pytest.mark.parametrize("number", range(8))
def test_gold_keeps_a_fair_guide_and_every_mutant_breaks_the_rule_that_it_is_about(number: int) -> None:
    one = case(KEPT, number)
    assert faults_of_gold(one) == () and STYLE(one, played(one, one.gold)) == Score(1.0, "as expected")
    about = {"apologise": "apology", "house words": "house words", "too many": "length", "language": "one language"}
    met = set()
    for mutant in STYLE.mutants(one):
        score = STYLE(one, played(one, mutant.turns))
        assert score is not None and score.value < 1.0, mutant.name
        rule = next((rule for words, rule in about.items() if words in mutant.name), "forbidden")
        if mutant.name == "says nothing":
            assert score == Score(0.0, "nothing was said to the user")
        else:
            assert rule in score.evidence["broken"], mutant.name
            met.add(rule)
    assert met == {rule.name for rule in rules(KEPT, one.locale)}


def test_what_gold_breaks_is_what_its_trajectory_breaks() -> None:
    for number in range(8):
        for one in (case(GUIDE, number), *(case(GUIDE, number).at(k) for k in range(len(case(number=number).gold)))):
            found = faults_of_gold(one)
            score = STYLE(one, asyncio.run(rollout(one, oracle(), toy_world.WORLD)))
            assert score is not None
            assert list(dict.fromkeys(fault.rule for fault in found)) == score.evidence.get("broken", []), one.id


@pytest.mark.parametrize(
    "part", ["<!--", "<b", "<b>", "&", "I ", "I am an AI mode ", "i" * 9, "\u200b", "_", "a\n", "sorry "]
)
def test_hostile_text_is_judged_in_linear_time(part: str) -> None:
    text = part * (200_000 // len(part))
    began = time.perf_counter()
    judged(case(replace(GUIDE, one_language=False)), text)
    assert time.perf_counter() - began < 5
