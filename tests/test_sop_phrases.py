"""The phrase bank: what it demands of a file, whose wording is whose, and what an expansion may contain."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from parcel_world import SOP, WORLD

from samescore.harness.errors import SopError
from samescore.suites.sop.loader import load
from samescore.suites.sop.model import Sop
from samescore.suites.sop.phrases import PhraseBank, Speaker, give_symbol, load_phrases
from samescore.suites.sop.splits import (
    OWNED_WORDS,
    SHARES,
    assign,
    draw_id,
    draw_pool,
    masked,
    sentences,
    split_of,
    word_count,
)

PROCEDURE = load(SOP, WORLD.toolset, WORLD.lexicon)
BANK = load_phrases(PROCEDURE)
FACTS = {
    "parcel.id": "P-48213",
    "customer.name": "Olivia Brown",
    "parcel.contents": "documents",
    "parcel.status": "lost",
}
VALUES = ("P-48213", "Olivia Brown")

SPLITS = st.sampled_from(sorted(SHARES))
SEEDS = st.integers(0, 2**32)


def speaker(locale: str, split: str, bank: PhraseBank = BANK) -> Speaker:
    return Speaker(bank, locale, split, FACTS, VALUES)


@given(st.sets(st.text(min_size=1), min_size=3, max_size=40), st.text())
def test_every_split_gets_its_share_of_a_list(texts: set[str], salt: str) -> None:
    owners = assign(texts, salt)
    assert owners.keys() == texts
    for split, share in SHARES.items():
        assert sum(owner == split for owner in owners.values()) >= max(1, len(texts) * share // 100)


@given(st.permutations([f"wording number {n}" for n in range(12)]))
def test_ownership_does_not_depend_on_the_order_of_a_list(texts: list[str]) -> None:
    assert assign(texts, "en.plea") == assign(sorted(texts), "en.plea")


def test_two_alternatives_cannot_be_divided_and_are_shared() -> None:
    assert assign(["one long wording here", "another long wording there"], "x") == {
        "one long wording here": None,
        "another long wording there": None,
    }


@pytest.mark.parametrize("locale", ["en", "vi"])
def test_an_alternative_is_owned_exactly_if_it_has_four_words_beside_placeholders(locale: str) -> None:
    for entries in BANK.symbols[locale].values():
        for entry in entries:
            words = word_count(re.sub(r"\{[^{}]*\}", " ", entry.text))
            assert (entry.split is not None) == (words >= OWNED_WORDS)


@given(SEEDS, SPLITS, st.sampled_from(["en", "vi"]))
def test_an_expansion_is_whole_tells_the_slot_and_depends_on_the_seed_alone(seed: int, split: str, locale: str) -> None:
    details = ["give.parcel_id", "give.contents.documents"]
    said = speaker(locale, split).say("opening", random.Random(seed), details)
    assert said == speaker(locale, split).say("opening", random.Random(seed), details)
    assert not re.search(r"[{}\ue000]|  |\s$|^\s| [,.!?]", said)
    assert said.count("P-48213") == 1


@given(SEEDS, SPLITS, st.sampled_from(["en", "vi"]))
def test_no_split_uses_a_wording_that_another_owns(seed: int, split: str, locale: str) -> None:
    said = speaker(locale, split).say("opening", random.Random(seed))
    foreign = [
        entry.text
        for entries in BANK.symbols[locale].values()
        for entry in entries
        if entry.split not in (None, split) and "{" not in entry.text
    ]
    assert not [text for text in foreign if text in said]


def test_sentences_put_together_from_shared_pieces_are_still_disjoint(tmp_path: Path) -> None:
    pieces = "[red shoes, blue shoes, old boots, new boots, warm socks]", "[came late, got lost, fell apart, look bad]"
    hello = '  hello: ["Hi!", "Hello.", "Good morning.", "Hello there!"]'
    sop = rewritten(tmp_path, hello, f'  hello: ["{{a}} {{b}}."]\n  a: {pieces[0]}\n  b: {pieces[1]}')
    bank = load_phrases(sop)
    heard: dict[str, set[str]] = {}
    for split in SHARES:
        voice = speaker("en", split, bank)
        heard[split] = {voice.say("hello", random.Random(seed)) for seed in range(60)}
        assert heard[split]
    assert not heard["train"] & heard["eval"] and not heard["dev"] & (heard["train"] | heard["eval"])


def test_a_symbol_at_a_fact_is_spoken_by_the_facts_value() -> None:
    lost = {entry.text for entry in BANK.symbols["en"]["status.lost"]}
    assert {speaker("en", "train").say("problem", random.Random(seed)) for seed in range(20)} <= lost


def test_an_enum_slot_is_told_by_its_value() -> None:
    assert give_symbol(PROCEDURE, BANK, "en", "contents", FACTS) == "give.contents.documents"
    assert give_symbol(PROCEDURE, BANK, "en", "parcel_id", FACTS) == "give.parcel_id"


def test_nothing_left_to_say_for_a_split_is_an_error_that_names_the_symbol(tmp_path: Path) -> None:
    line = next(text for text in BANK.path.read_text(encoding="utf-8").splitlines() if "  unknown: [" in text)
    sop = rewritten(tmp_path, line, '  unknown: ["I really do not know that."]')
    owner = split_of("sentence", "i really do not know that")
    bank = load_phrases(sop)
    assert speaker("en", owner, bank).say("unknown", random.Random(1)) == "I really do not know that."
    other = next(split for split in SHARES if split != owner)
    with pytest.raises(
        SopError, match=rf"parcel\.phrases\.yaml:\d+: en\.unknown: no wording is left for split {other}"
    ):
        speaker("en", other, bank).say("unknown", random.Random(1))


@given(SEEDS, SPLITS)
def test_an_id_has_its_pattern_and_one_owner(seed: int, split: str) -> None:
    drawn = draw_id("P-[0-9]{5}", split, random.Random(seed))
    assert drawn is not None and re.fullmatch("P-[0-9]{5}", drawn)
    assert split_of("id", drawn) == split


def test_a_pattern_without_an_id_for_the_split_gives_none() -> None:
    taken = [f"X{digit}" for digit in range(10)]
    assert draw_id("X[0-9]", "train", random.Random(0), taken) is None


def test_a_pool_gives_each_split_other_people() -> None:
    people = BANK.pools["person"]
    drawn = {split: {draw_pool(people, split, random.Random(seed)) for seed in range(50)} for split in SHARES}
    assert drawn["train"] and not drawn["train"] & drawn["eval"] and not drawn["dev"] & drawn["eval"]


def test_masking_hides_values_addresses_and_codes_but_not_words() -> None:
    text = "I am Olivia Brown, olivia@mail.example, parcel P-48213. It cost 129 USD on 2026-03-01!"
    assert masked(text, VALUES) == "I am #, #, parcel #. It cost # USD on #!"
    assert sentences(text, VALUES) == ("i am #, #, parcel #", "it cost # usd on #")


def rewritten(folder: Path, old: str, new: str) -> Sop:
    """The parcel SOP with one passage of its phrase bank replaced."""
    text = SOP.with_name("parcel.phrases.yaml").read_text(encoding="utf-8")
    assert old in text
    path = folder / "parcel.phrases.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return replace(PROCEDURE, phrases=path)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"Thanks."', '"{thanks}"', r":HERE: en\.plea: unknown symbol 'thanks'\. Known: .*plea"),
        ("{status@parcel.status}", "{status@parcel.colour}", r":HERE: en\.problem: unknown fact 'parcel\.colour'"),
        (
            "{$parcel.id}",
            "{$parcel.di}",
            r":HERE: en\.give\.parcel_id: unknown fact 'parcel\.di'\. Did you mean 'parcel\.id'",
        ),
        ("  status.lost:", "  status.mislaid:", r":\d+: en\.problem: unknown symbol 'status\.lost'"),
        ("status@parcel.status", "status@today", r":HERE: en\.problem: today is no enum and no bool"),
        ('"Hi!", "Hello.", "Good morning.", "Hello there!"', "", r":HERE: en\.hello: expected a list of at least one"),
        ("  unknown:", "  unkonwn:", r":1: en has no symbol 'unknown'"),
        ("  give.parcel_id:", "  give.parcel:", r":1: en has no symbol 'give\.parcel_id'"),
        ("  give.contents.goods:", "  give.contents.gold:", r":1: en has no symbol 'give\.contents\.goods'"),
        ("\nvi:", "\nfr:", r":\d+: unknown key 'fr'\. Expected en, vi, pool\.NAME"),
        (
            "pool.person",
            "pool.people",
            r":1: no pool 'person', from which fact customer\.name of parcel\.yaml:25 draws",
        ),
        ('"Sorry?"', '"Sorry?", "Sorry?"', r":\d+: en\.confused: 'Sorry\?' is here a second time"),
        ('"Sorry?"', '"So {sorry?"', r":\d+: en\.confused: a brace without its partner"),
        ('"Sorry?"', '"{so rry}"', r":\d+: en\.confused: cannot read \{so rry\}"),
        ('"Sorry?"', "404", r":\d+: en\.confused: an alternative must be text, found 404"),
        ('"Hi!"', '"{problem} {hello}"', r":HERE: en\.hello leads back to itself: hello -> hello"),
        ('"{problem} {details} {plea}"', '"{problem} {plea}"', r":HERE: en\.opening: .* has no \{details\}"),
        ('"{hello} {problem} {details} {plea}"', '"{hello', r"parcel\.phrases\.yaml:\d+: "),
    ],
)
def test_a_wrong_phrase_bank_is_refused_at_its_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    before = SOP.with_name("parcel.phrases.yaml").read_text(encoding="utf-8").partition(old)[0]
    complaint = complaint.replace("HERE", str(before.count("\n") + 1))
    with pytest.raises(SopError, match=complaint) as error:
        load_phrases(rewritten(tmp_path, old, new))
    assert str(error.value).startswith(f"{tmp_path / 'parcel.phrases.yaml'}:")


def test_a_missing_phrase_bank_and_a_missing_language_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SopError, match="cannot be read"):
        load_phrases(replace(PROCEDURE, phrases=tmp_path / "none.phrases.yaml"))
    text = SOP.with_name("parcel.phrases.yaml").read_text(encoding="utf-8")
    path = tmp_path / "parcel.phrases.yaml"
    path.write_text(text[: text.index("\nvi:")], encoding="utf-8")
    with pytest.raises(SopError, match="no wordings for language 'vi'"):
        load_phrases(replace(PROCEDURE, phrases=path))
