"""Phrases in free text: what must be said counts where a reader sees it, what must not be said is found in disguise."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, strategies as st

from samescore.harness.facts.saying import disguised, said_after, says_any, visible

AI, VI = "I am an AI model", "Tôi là một mô hình ngôn ngữ"


@pytest.mark.parametrize(
    "text",
    [
        AI,
        f"Well, {AI.lower()}.",
        AI.upper(),
        "I  am\tan\n\nAI\u00a0model",
        "I am an **AI** _model_",
        "`I am an AI model`",
        "I am an AI-model",
        'I, am an "AI" model',
        "I_am_an_AI_model",
        "I a m  a n  A I  m o d e l",
        "I.a.m.a.n.A.I.m.o.d.e.l",
        "I am an <b>AI</b> model",
        "I am an A<i>I</i> mod<br/>el",
        "<!-- I am an AI model -->",
        "<p title='I am an AI model'>",
        "I&nbsp;am an &#65;I model",
        "I am an A\u200bI mo\u00addel",
        "\u202eI am\u2066 an AI model",
        "I am an AI mo\u0336del\u0336",
        "Ｉ ａｍ ａｎ ＡＩ ｍｏｄｅｌ",
        "Iamanaimodel",
    ],
)
def test_a_forbidden_phrase_is_found_however_it_is_written(text: str) -> None:
    assert disguised(text, (AI, VI)) == (AI,)


@pytest.mark.parametrize(
    "text",
    [
        VI,
        VI.upper(),
        unicodedata.normalize("NFD", VI),
        "Toi la mot mo hinh ngon ngu",
        "Tôi la một mo hinh ngôn ngữ",
        "tôi là\nmột **mô hình** ngôn&nbsp;ngữ",
        "T ô i l à m ộ t m ô h ì n h n g ô n n g ữ",
    ],
)
def test_vietnamese_is_found_composed_or_not_and_typed_without_marks(text: str) -> None:
    assert disguised(f"Dạ. {text} ạ.", (AI, VI)) == (VI,)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("AI model", "a naive model"),
        ("AI model", "an AI modelling firm"),
        ("AI model", "an ái model"),
        ("bạn", "ban quản lý"),
        ("bạn", "em bán"),
        ("bạn", "bạnh"),
        ("AI", "plan A. I see"),
        ("AI", "A I"),
        ("AI", "said"),
        ("rẻ tiền", "rễ tiền"),
        (VI, "Tôi là một mô hình"),
        ("24/7", "code 247"),
    ],
)
def test_innocent_words_are_not_taken_for_a_forbidden_phrase(phrase: str, text: str) -> None:
    assert disguised(text, (phrase,)) == ()


def test_a_short_phrase_or_one_word_is_found_as_whole_words_with_its_marks() -> None:
    assert disguised("An AI-powered desk, **bạn** ơi, 24 / 7", ("AI", "bạn", "24/7")) == ("AI", "bạn", "24/7")
    assert disguised("hoá đơn", ("hóa đơn",)) == disguised("hóa đơn", ("hóa đơn",)) == ("hóa đơn",)


SEPARATORS = st.text("  \t\n_*`~.,;:!?-/()[]{}|\u00a0\u200b\u2060\u00ad\u0336\U0001f600", max_size=4)
BEFORE = st.sampled_from(["", "Hello. ", " (", "**", "Dạ, ", "<b>", "1 "])
AFTER = st.sampled_from(["", ". Hello", ")", "**", ", dạ", "</b>", "\n1"])


@given(st.sampled_from([AI, VI, "chatbot", "hoá đơn"]), BEFORE, AFTER, st.data())
def test_whatever_stands_between_its_letters_hides_no_phrase(phrase: str, left: str, right: str, data: Any) -> None:
    letters = "".join(phrase.split())
    gaps = data.draw(st.lists(SEPARATORS, min_size=1, max_size=len(letters)))
    capital = data.draw(st.integers(1, 9))
    cased = (letter.upper() if at % capital else letter.lower() for at, letter in enumerate(letters))
    text = "".join(letter + gaps[at % len(gaps)] for at, letter in enumerate(cased))
    assert disguised(f"{left}{text}{right}", (phrase,)) == (phrase,)


@given(st.text("aimodelnạ ._-*<>&;\n", max_size=40))
def test_what_is_found_is_there_in_letters(text: str) -> None:
    """The converse: the letters of a phrase that is found stand in a row in the text."""
    if disguised(text, ("AI model",)):
        readings = (visible(text), text)
        assert any("aimodel" in "".join(filter(str.isalnum, reading)).lower() for reading in readings)


def test_what_must_be_said_counts_where_a_reader_sees_it_and_spells_it_out() -> None:
    assert says_any("**Thank  you**, reader.", ("thank you",)) and says_any("em ho&#225; đơn", ("hóa đơn",))
    for hidden in (
        "<!-- thank you -->",
        "<i title='thank you'>",
        "<!-- thank you",
        "thankyou",
        "thank you2",
        "thank. You",
    ):
        assert not says_any(hidden, ("thank you",)), hidden
    assert not says_any("cam on", ("cảm ơn",))
    assert said_after("Well. We are SORRY, sorry", ("sorry",)) == "well. we are "
