"""Leakage: honest splits share nothing, and a held-out case that was planted in the training data is found."""

import random
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest

from samescore.harness.case import Case
from samescore.harness.cli.loading import cases_of, load_suites
from samescore.harness.errors import UsageError
from samescore.trainers.leakage import (
    Kind,
    Overlap,
    TrainingText,
    check_leakage,
    require_no_leakage,
    training_text,
    user_texts,
)


def built_in(split: str) -> list[Case]:
    return cases_of(load_suites(["sop"], split, None))


@pytest.fixture(scope="module")
def held_out() -> list[Case]:
    return [*built_in("dev"), *built_in("eval")]


@pytest.fixture(scope="module")
def few(held_out: list[Case]) -> list[Case]:
    return held_out[::25]


def other_ids(text: str) -> str:
    """Codes changed, so that words alone can give a case away."""
    return re.sub(r"\d", lambda digit: str((int(digit[0]) * 7 + 3) % 10), text)


def as_file(case: Case, change: Callable[[str], str] = str) -> TrainingText:
    """A case's user texts as a conversation of a file, with other ids."""
    return TrainingText(f"planted.jsonl:{case.id}", tuple(other_ids(change(text)) for text in user_texts(case)))


def kinds(overlap: Overlap) -> set[Kind]:
    return {shared.kind for shared in overlap.found}


def test_the_built_in_splits_share_nothing_with_their_facts_known_or_not(held_out: list[Case]) -> None:
    # All of them: benchmarks/leakage.py.
    train = [training_text(case) for case in built_in("train")[::4]]
    overlap = check_leakage(train, held_out)
    assert overlap.found == () and overlap.training == ()
    assert overlap.compared == (len(train), len(held_out))
    assert check_leakage([replace(text, facts=None) for text in train[::4]], held_out).found == ()


def unaccented(text: str) -> str:
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(character for character in plain if not unicodedata.combining(character))


@pytest.mark.parametrize(
    "change",
    [
        str,
        str.upper,
        lambda text: re.sub(r"[^\w\s@]", "  ", text),
        lambda text: text.replace(".", " -- ").replace(",", ";"),
        unaccented,
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: f"Before I begin, a word about the weather here: {text.lower()} And that is all for today.",
    ],
    ids=["verbatim", "capitals", "no punctuation", "other punctuation", "no accents", "decomposed", "wrapped"],
)
def test_a_planted_case_is_found_however_it_is_spelled(few: list[Case], change: Callable[[str], str]) -> None:
    planted = [as_file(case, change) for case in few]
    assert set(check_leakage(planted, few).training) == {text.id for text in planted}


def test_a_planted_case_is_found_with_every_tenth_word_changed(few: list[Case]) -> None:
    rng = random.Random(3)

    def reworded(text: str) -> str:
        return " ".join("another" if rng.random() < 0.1 else word for word in text.split())

    planted = [as_file(case, reworded) for case in few]
    assert len(check_leakage(planted, few).training) >= 0.95 * len(few)


def test_each_kind_of_overlap_is_found_by_itself(few: list[Case]) -> None:
    case = next(case for case in few if case.suite == "sop/refund" and case.locale == "en")
    order = case.facts["order.id"]
    spoken = TrainingText("a", ("Where is my parcel?",), (f"I see order {order.replace('-', ' ').lower()}.",))
    assert kinds(check_leakage([spoken], few)) == {"value"}
    played = TrainingText("b", ("Where is my parcel?",), facts={"order": {"ids": ["A-1", order]}})
    assert kinds(check_leakage([played], few)) == {"value"}
    sentence = max(re.split(r"(?<=[.!?]) ", other_ids(case.opening)), key=len)
    assert len(sentence.split()) < 13
    assert kinds(check_leakage([TrainingText("c", (f"Hello. {sentence} Bye.",))], few)) == {"sentence"}
    run = " ".join(other_ids(case.opening).split()[-14:-1])
    assert "run" in kinds(check_leakage([TrainingText("d", (f"so {run} or not",))], few))


def test_a_short_sentence_counts_where_splits_own_it_and_not_in_what_people_say() -> None:
    case = replace(built_in("dev")[0], opening="It arrived quite broken.")
    said = ("it arrived, quite broken!",)
    assert kinds(check_leakage([TrainingText("a", said, facts={})], [case])) == {"sentence"}
    assert check_leakage([TrainingText("b", said)], [case]).found == ()


def test_words_that_differ_by_their_accents_alone_are_different_sentences_while_they_are_short() -> None:
    case = replace(built_in("dev")[0], opening="Mình nhận màu khác rồi.")
    assert check_leakage([TrainingText("a", ("Mình nhận mẫu khác rồi.",), facts={})], [case]).found == ()


@pytest.mark.parametrize("written", ["026 067 033 333", "026.067.033.333", "026067033333", "CCCD:026067033333,"])
def test_an_id_is_found_however_its_digits_are_grouped(written: str, few: list[Case]) -> None:
    case = next(case for case in few if "account.national_id" in case.facts)
    case = replace(case, facts={**case.facts, "account.national_id": "026067033333"})
    overlap = check_leakage([TrainingText("a", (f"It is {written} I think",))], [case])
    assert [shared.text for shared in overlap.found] == ["account.national_id (personal, not shown)"]


def test_what_all_splits_say_by_design_is_no_leakage(few: list[Case]) -> None:
    replies = tuple(other_ids(turn.content) for case in few for turn in case.gold)
    assert check_leakage([TrainingText("house", ("Hello there.",), replies)], few).found == ()


def test_the_error_names_both_sides_and_what_they_share(few: list[Case]) -> None:
    case = few[0]
    with pytest.raises(UsageError) as raised:
        require_no_leakage([TrainingText("mine.jsonl:7", (case.opening,)), TrainingText("fine", ("Hello!",))], few)
    message = str(raised.value)
    assert f"1 training item of 2 and 1 held-out case of {len(few)} share users' words or facts" in message
    assert f"mine.jsonl:7 and {case.id} ({case.split}): nearly the same, 100% of its opening" in message
    assert "Take these items out" in message


def test_every_item_that_leaks_is_listed_and_the_likest_is_the_example(few: list[Case]) -> None:
    half = TrainingText("half", (" ".join(few[0].opening.split()[: len(few[0].opening.split()) * 2 // 3]),))
    overlap = check_leakage([half, as_file(few[0])], few)
    assert overlap.training == ("half", f"planted.jsonl:{few[0].id}")
    likest = next(shared for shared in overlap.found if shared.kind == "likeness")
    assert likest.training == f"planted.jsonl:{few[0].id}" and likest.text.startswith("100%")


def test_nothing_to_compare_is_no_leakage() -> None:
    assert require_no_leakage([], []).compared == (0, 0)
