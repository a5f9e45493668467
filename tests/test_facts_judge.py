"""What counts as stating a fact."""

from __future__ import annotations

import gc
import time
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from samescore.harness.errors import UnknownName
from samescore.harness.facts import AnswerFact, asked_slots, asks_anything, judge, language_of, refuses
from samescore.harness.facts.values import read_numbers
from samescore.harness.lexicon import LOCALES, FactType, Lexicon, Locale, SlotWords

LEXICON = Lexicon(
    1,
    {
        slot.name: slot
        for slot in [
            SlotWords(
                "refund_amount",
                FactType.MONEY,
                role={"en": ("refund",), "vi": ("hoàn", "hoàn tiền")},
                currency="USD",
            ),
            SlotWords(
                "order_total",
                FactType.MONEY,
                role={"en": ("order total", "total"), "vi": ("tổng đơn", "tổng tiền")},
                currency="USD",
            ),
            SlotWords("pickup_date", FactType.DATE, role={"en": ("pickup",), "vi": ("lấy hàng",)}),
            SlotWords("delivery_date", FactType.DATE, role={"en": ("delivery",), "vi": ("giao hàng",)}),
            SlotWords(
                "refund_id",
                FactType.ID,
                ask={"en": ("refund number",), "vi": ("mã hoàn tiền",)},
                role={"en": ("refund number",), "vi": ("mã hoàn tiền",)},
                pattern=r"RF-\d{5}",
            ),
            SlotWords(
                "order_id", FactType.ID, ask={"en": ("order number",), "vi": ("mã đơn hàng",)}, pattern=r"A-\d{1,4}"
            ),
            SlotWords("item_count", FactType.NUMBER, role={"en": ("item",), "vi": ("sản phẩm",)}),
            SlotWords(
                "decision",
                FactType.CHOICE,
                values={
                    "approved": {"en": ("approved",), "vi": ("được duyệt",)},
                    "denied": {"en": ("denied", "not approved"), "vi": ("bị từ chối", "không được duyệt")},
                },
            ),
            SlotWords("email", FactType.TEXT, ask={"en": ("email",), "vi": ("email",)}, role={"en": ("email",)}),
            SlotWords("name", FactType.TEXT),
        ]
    },
)


def stated(content: str, slot: str, value: str, locale: Locale = "en") -> bool:
    return judge(content, AnswerFact(slot, value), LEXICON, locale).stated


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("$129", "129.00 USD"),
        ("$129.00", "129.00 USD"),
        ("US$129", "129.00 USD"),
        ("USD 129", "129.00 USD"),
        ("129 USD", "129.00 USD"),
        ("129USD", "129.00 USD"),
        ("129 dollars", "129.00 USD"),
        ("129\u00a0USD", "129.00 USD"),
        ("**$129.00**", "129.00 USD"),
        ("129 đô la", "129.00 USD"),
        ("1,299.50 USD", "1299.50 USD"),
        ("1.299,50 USD", "1299.50 USD"),
        ("1.299,50", "1299.50 USD"),
        ("1,299.50", "1299.50 USD"),
        ("250.000 đ", "250000 VND"),
        ("250.000₫", "250000 VND"),
        ("250,000 VND", "250000 VND"),
        ("250 000 VND", "250000 VND"),
        ("250 nghìn", "250000 VND"),
        ("250 ngàn đồng", "250000 VND"),
        ("1 triệu 2", "1200000 VND"),
        ("1,2 triệu", "1200000 VND"),
        ("2 triệu rưỡi", "2500000 VND"),
        ("twelve dollars", "12.00 USD"),
        ("hai mươi đô", "20.00 USD"),
        ("€40", "40.00 EUR"),
    ],
)
@pytest.mark.parametrize("locale", LOCALES)
def test_money_is_read_in_every_usual_writing(written: str, value: str, locale: Locale) -> None:
    lead = {"en": "Your refund is", "vi": "Em hoàn"}[locale]
    assert stated(f"{lead} {written}.", "refund_amount", value, locale)


def test_250k_is_vietnamese_money_in_vietnamese() -> None:
    assert stated("Em hoàn 250k ạ.", "refund_amount", "250000 VND", "vi")


@pytest.mark.parametrize(
    "written",
    ["5 days", "25%", "129.00.1", "order 129", "v129.00", "10:30", "129-00", "129 items"],
)
def test_other_figures_are_no_money(written: str) -> None:
    assert not judge(f"The refund took {written}", AnswerFact("refund_amount", "129.00 USD"), LEXICON, "en").found


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20",
        "20/11/2026",
        "20-11-2026",
        "20.11.2026",
        "11/20/2026",
        "November 20, 2026",
        "November 20th",
        "20 Nov 2026",
        "the 20th of November",
        "Nov 20th",
        "Friday, Nov. 20, 2026",
        "20/11",
    ],
)
def test_dates_are_read_in_every_usual_english_writing(written: str) -> None:
    assert stated(f"Pickup is on {written}.", "pickup_date", "2026-11-20")


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20",
        "20/11/2026",
        "20/11",
        "ngày 20 tháng 11 năm 2026",
        "ngày 20 tháng 11",
        "20 tháng 11, 2026",
        "ngày 20-11",
    ],
)
def test_dates_are_read_in_every_usual_vietnamese_writing(written: str) -> None:
    assert stated(f"Bên em lấy hàng {written} ạ.", "pickup_date", "2026-11-20", "vi")


def test_a_date_is_day_first_in_vietnamese_and_ambiguous_in_english() -> None:
    assert stated("Lấy hàng 03/04/2026.", "pickup_date", "2026-04-03", "vi")
    assert not stated("Pickup: 03/04/2026.", "pickup_date", "2026-04-03")
    assert stated("Pickup: 04/04/2026.", "pickup_date", "2026-04-04")


def test_the_year_of_a_date_comes_from_the_fact_only_where_it_is_absent() -> None:
    assert stated("Pickup: 20 Nov.", "pickup_date", "2026-11-20")
    assert not stated("Pickup: 20 Nov 2025.", "pickup_date", "2026-11-20")


@pytest.mark.parametrize(
    ("content", "value"),
    [("We got 3 items.", "3"), ("We got three items.", "3"), ("Items: 12", "12"), ("twenty items", "20")],
)
def test_counts_are_read_in_digits_and_words(content: str, value: str) -> None:
    assert stated(content, "item_count", value)


def test_a_count_of_something_else_is_not_the_fact() -> None:
    assert not stated("We got your items within 3 days.", "item_count", "3")


def test_a_look_alike_id_is_another_id() -> None:
    assert stated("Number rf-20931", "refund_id", "RF-20931")
    assert not stated("Number \u0420F-20931", "refund_id", "RF-20931")
    assert not stated("Number RF-209310", "refund_id", "RF-20931")
    assert not stated("Number XRF-20931", "refund_id", "RF-20931")
    assert not stated("Number RF-20931-2", "refund_id", "RF-20931")


def test_text_in_another_unicode_form_reads_the_same() -> None:
    content = "Yêu cầu không được duyệt. Tổng tiền hoá đơn: 250.000đ"
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert stated(unicodedata.normalize(form, content), "decision", "denied", "vi")
        assert not stated(unicodedata.normalize(form, content), "decision", "approved", "vi")


@pytest.mark.parametrize(
    ("content", "value", "expected"),
    [
        ("Your request was approved.", "approved", True),
        ("Your request was not approved.", "approved", False),
        ("Your request was not approved.", "denied", True),
        ("It's unapproved.", "approved", False),
        ("It was never approved.", "approved", False),
        ("If approved, we ship today.", "approved", False),
        ("Was it approved?", "approved", False),
        ("Approved or denied.", "approved", False),
    ],
)
def test_a_choice_is_the_longest_phrase_that_is_not_denied(content: str, value: str, expected: bool) -> None:
    assert stated(content, "decision", value) is expected


@pytest.mark.parametrize(
    "content",
    [
        "We refunded 25 USD.",
        "25 USD",
        "The refund of $25.00 went out.",
        "You don't need to do anything to get your 25 USD refund.",
        "No problem, your refund is 25 USD.",
        "It's not only fast: your refund is 25 USD.",
        "Your refund isn't 30 USD, it's 25 USD.",
        "Your refund is not 30 USD but 25 USD.",
        "Your refund is 25 USD, so you will not be charged again.",
        "Refund:\n\n25 USD",
        "The order total was 99 USD. The refund is 25 USD.",
        "Your refund was changed from 30 USD to 25 USD.",
        "Your refund is 25 USD. Is there anything else?",
        "Your refund is 25 USD, is that okay?",
    ],
)
def test_a_plain_statement_counts(content: str) -> None:
    assert stated(content, "refund_amount", "25.00 USD")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "We cannot refund 25 USD.",
        "not 25 USD but 30",
        "Your refund is not 25 USD but 30 USD.",
        "25 USD will not be refunded.",
        "We won't, unfortunately, refund 25 USD.",
        "Your order total is 25 USD.",
        "25 USD is your order total.",
        "If you had returned it, you would get 25 USD.",
        "You would get a refund of 25 USD if you returned it.",
        "Shall I refund 25 USD?",
        "You want 25 USD refunded?",
        "You asked for a refund of 25 USD.",
        "You asked for 25 USD.",
        "Your refund is 25 USD or 30 USD.",
        "Your refund is 25 USD. Or 30 USD.",
        "Your refund: 20 USD, 25 USD, 30 USD.",
        "Your refund is $20-$25.",
        "Your refund is about 25 USD.",
        "Your refund is 25 USD. We cannot refund 25 USD.",
        "Instead of 25 USD we refund 30 USD.",
        "> refund 25 USD",
        "Maybe the refund is 25 USD.",
        "Your refund was changed from 25 USD to 30 USD.",
        "Your refund is 25 EUR.",
    ],
)
def test_anything_but_one_plain_statement_does_not(content: str) -> None:
    assert not stated(content, "refund_amount", "25.00 USD")


@pytest.mark.parametrize(
    "content",
    [
        "Bên em không hoàn 25 USD.",
        "25 USD không được hoàn ạ.",
        "Không phải hoàn 25 USD mà là 30 USD.",
        "Nếu anh trả hàng thì được hoàn 25 USD.",
        "Anh muốn hoàn 25 USD ạ?",
        "Em hoàn 25 USD được không ạ",
        "Anh yêu cầu hoàn 25 USD.",
        "Tổng đơn là 25 USD.",
        "Em hoàn 25 USD hoặc 30 USD.",
        "Em hoàn khoảng 25 USD.",
    ],
)
def test_the_same_holds_in_vietnamese(content: str) -> None:
    assert not stated(content, "refund_amount", "25.00 USD", "vi")
    assert stated("Em đã hoàn 25 USD cho anh ạ.", "refund_amount", "25.00 USD", "vi")


def test_the_statement_says_what_was_found_and_where() -> None:
    fact = AnswerFact("refund_amount", "25.00 USD")
    statement = judge("Your refund is 25 USD or 30 USD.", fact, LEXICON, "en")
    assert statement.found == ("25.00 USD", "30.00 USD")
    assert "2 values" in statement.reason
    content = "Your refund is $25.00."
    span = judge(content, fact, LEXICON, "en").span
    assert span is not None and content[slice(*span)] == "$25.00"


@pytest.mark.parametrize(
    ("content", "declines"),
    [
        ("We won't charge you for this.", False),
        ("I won't keep you waiting: Ticket TK-10001 is open.", False),
        ("We will not need anything else from you.", False),
        ("I won't have to ask you again.", False),
        ("I will not unlock it.", True),
        ("We won't restart it today.", True),
        ("I'm afraid I can't charge it to the company.", True),
    ],
)
def test_a_promise_not_to_do_something_is_no_refusal(content: str, declines: bool) -> None:
    assert refuses(content, "en") is declines


def test_the_vietnamese_word_for_five_is_also_a_year() -> None:
    assert [m.readings for m in read_numbers("trong năm tới bảy ngày")] == [("5",), ("7",)]
    assert [m.readings for m in read_numbers("năm nay, năm tới, năm 2026")] == [("2026",)]


def test_an_unknown_slot_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"refund_amont.*refund_amount"):
        judge("x", AnswerFact("refund_amont", "1.00 USD"), LEXICON, "en")


def test_a_lexicon_made_at_the_place_of_a_dead_one_is_read_anew() -> None:
    def lexicon(phrase: str) -> Lexicon:
        return Lexicon(1, {"d": SlotWords("d", FactType.CHOICE, values={"yes": {"en": (phrase,)}})})

    for n in range(200):
        assert judge(f"It is word{n}.", AnswerFact("d", "yes"), lexicon(f"word{n}"), "en").stated


texts = st.text(max_size=200) | st.lists(
    st.sampled_from(
        [
            "refund",
            "25",
            "USD",
            "$",
            ",",
            ".",
            "?",
            "!",
            "\n",
            "|",
            "-",
            "not",
            "if",
            "hoàn",
            "không",
            "nếu",
            "đ",
            "1.299,50",
            "20/11/2026",
            "RF-20931",
            "tháng",
            "ngày",
            "or",
            "hoặc",
            ">",
            "**",
            "approved",
            "order",
            "number",
            "mã",
            "đơn",
            "hàng",
            "vui",
            "lòng",
            "please",
            "share",
            "triệu",
            "2",
            "k",
            "́",
            "�",
            "ß",
            "İ",
        ]
    ),
    max_size=40,
).map(" ".join)
phrases = st.dictionaries(st.sampled_from(LOCALES), st.lists(st.text(max_size=12), max_size=3).map(tuple))
slots = st.builds(
    SlotWords,
    st.just("s"),
    st.sampled_from(list(FactType)),
    ask=phrases,
    role=phrases,
    values=st.dictionaries(st.text(max_size=4), phrases, max_size=3),
    pattern=st.none() | st.sampled_from([r"A-\d+", r"\w*", r"[^ ]+", ""]),
    currency=st.none() | st.sampled_from(["USD", "VND", "XYZ"]),
)


@settings(max_examples=300, deadline=None)
@given(texts, st.text(max_size=20), slots, st.sampled_from(LOCALES))
def test_no_text_and_no_lexicon_raises(content: str, value: str, slot: SlotWords, locale: Locale) -> None:
    lexicon = Lexicon(1, {"s": slot, "t": SlotWords("t", slot.type, role=slot.role, pattern=slot.pattern)})
    statement = judge(content, AnswerFact("s", value), lexicon, locale)
    assert statement.reason
    if statement.stated:
        assert len(statement.found) == 1 and statement.span is not None
    asked_slots(content, lexicon, locale)
    asks_anything(content, locale)
    refuses(content, locale)
    language_of(content)


@settings(max_examples=200, deadline=None)
@given(st.decimals(min_value=0, max_value=10**9, places=2), st.sampled_from(["{} USD", "${}", "USD {}"]))
def test_an_amount_written_out_is_stated(amount: Decimal, writing: str) -> None:
    assert stated(f"Your refund is {writing.format(amount)}.", "refund_amount", f"{amount} USD")


@settings(max_examples=200, deadline=None)
@given(st.dates(min_value=date(1000, 1, 1), max_value=date(2999, 12, 31)), st.sampled_from(["%Y-%m-%d", "%d %B %Y"]))
def test_a_day_written_out_is_stated(day: date, writing: str) -> None:
    assert stated(f"Pickup: {day:{writing}}", "pickup_date", day.isoformat())


ADVERSARIAL: dict[str, tuple[Locale, str]] = {
    "spaces": ("en", "refund" + " " * 100_000 + "25 USD"),
    "digits": ("en", "1" * 100_000),
    "one sentence of amounts": ("en", "refund 25 USD, " * 6_600),
    "bare amounts": ("vi", "25 USD " * 14_000),
    "grouping": ("en", "1,234," * 16_000),
    "negations": ("en", "not " * 25_000 + "25 USD"),
    "questions": ("en", "could you share your order number? " * 3_000),
    "role words": ("vi", "hoàn tiền " * 10_000),
    "one table row": ("en", "| 25 USD " * 11_000),
    "table rules": ("en", "|---|---|\n| 25 USD |\n" * 4_500),
    "empty lines": ("vi", "\n" * 100_000),
    "a list": ("en", "please provide:\n" + "- order number\n" * 6_000),
    "one long question": ("en", "what which " * 9_000 + "?"),
    "requests": ("vi", "anh chị có thể vui lòng " * 4_000),
    "refusals": ("vi", "không thể " * 10_000),
    "marks": ("en", ",;:()|" * 16_000),
    "day ranges": ("en", "20 to 20 to " * 8_000),
    "addresses": ("en", "a@" * 50_000),
    "millions": ("vi", "1 triệu " * 12_000),
}


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Garbage is not collected: what other tests of the process keep would be walked again and again."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_a_hundred_kilobytes_take_under_a_second(name: str) -> None:
    locale, content = ADVERSARIAL[name]
    for call in (
        lambda: judge(content, AnswerFact("refund_amount", "25.00 USD"), LEXICON, locale),
        lambda: judge(content, AnswerFact("pickup_date", "2026-11-20"), LEXICON, locale),
        lambda: judge(content, AnswerFact("item_count", "3"), LEXICON, locale),
        lambda: judge(content, AnswerFact("email", "a@b.co"), LEXICON, locale),
        lambda: asked_slots(content, LEXICON, locale),
        lambda: asks_anything(content, locale),
        lambda: refuses(content, locale),
        lambda: language_of(content),
    ):
        start = time.process_time()
        call()
        assert time.process_time() - start < 1.0
