"""What a reply asks for, whether it refuses, and in which language."""

from __future__ import annotations

import pytest

from samescore.harness.facts import asked_slots, asks_anything, language_of, refuses
from samescore.harness.lexicon import FactType, Lexicon, Locale, SlotWords

LEXICON = Lexicon(
    1,
    {
        "order_id": SlotWords(
            "order_id",
            FactType.ID,
            ask={"en": ("order number",), "vi": ("mã đơn hàng",)},
            pattern=r"A-\d+",
        ),
        "email": SlotWords("email", FactType.TEXT, ask={"en": ("email", "email address"), "vi": ("email",)}),
        "reason": SlotWords("reason", FactType.TEXT, ask={"en": ("reason", "why"), "vi": ("lý do", "vì sao")}),
        "photo": SlotWords("photo", FactType.TEXT, ask={"en": ("photo",), "vi": ("ảnh",)}),
    },
)


@pytest.mark.parametrize(
    ("content", "slots"),
    [
        ("Could you share your order number?", "order_id"),
        ("Please provide your order number and email address.", "order_id email"),
        ("What is your order number?", "order_id"),
        ("What's the email on the account?", "email"),
        ("May I have your order number, please?", "order_id"),
        ("Order number?", "order_id"),
        ("I'll need a photo of the damage.", "photo"),
        ("Send me the order number and I'll check.", "order_id"),
        ("Why would you like to return it?", "reason"),
        ("Thanks! Do you still have the order number?", "order_id"),
        ("To continue, please send:\n- order number\n- a photo\n\nThanks!", "order_id photo"),
        ("I can't find the order number. Could you send it to me?", "order_id"),
        ("Please share your ORDER NUMBER so I can check the reason.", "order_id"),
    ],
)
def test_a_request_that_names_a_slot_asks_for_it(content: str, slots: str) -> None:
    assert asked_slots(content, LEXICON, "en") == tuple(slots.split())
    assert asks_anything(content, "en")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "Your order number is A-1.",
        "I don't need your order number.",
        "No need to send a photo.",
        "Please don't share your email with anyone.",
        "I've sent the order number to your email.",
        "I found your order number in the system.",
        "We will email you the order number.",
        "Is A-1 your order number?",
        "Would you like me to send the order number to your email?",
        "Anh cho em xin mã đơn hàng ạ?",
    ],
)
def test_a_slot_only_mentioned_is_not_asked_for(content: str) -> None:
    assert content.startswith("Is A-1") or asked_slots(content, LEXICON, "en") == ()


@pytest.mark.parametrize(
    ("content", "slots"),
    [
        ("Anh cho em xin mã đơn hàng ạ.", "order_id"),
        ("Chị vui lòng cung cấp mã đơn hàng và email giúp em.", "order_id email"),
        ("Mã đơn hàng của mình là gì ạ?", "order_id"),
        ("Quý khách vui lòng gửi ảnh sản phẩm cho chúng tôi.", "photo"),
        ("Cho em hỏi lý do anh muốn trả hàng ạ?", "reason"),
        ("Em cần mã đơn hàng để kiểm tra ạ.", "order_id"),
        ("Vui lòng cung cấp:\n- Mã đơn hàng\n- Ảnh\n\nEm cảm ơn.", "order_id photo"),
        ("Vì sao mình muốn đổi ạ?", "reason"),
    ],
)
def test_vietnamese_requests_ask_for_the_slots_they_name(content: str, slots: str) -> None:
    assert asked_slots(content, LEXICON, "vi") == tuple(slots.split())
    assert asks_anything(content, "vi")


@pytest.mark.parametrize(
    "content",
    [
        "Mã đơn hàng của anh là A-1 ạ.",
        "Em không cần mã đơn hàng đâu ạ.",
        "Em đã gửi ảnh qua email cho chị rồi ạ.",
        "Em sẽ gửi mã đơn hàng cho anh.",
        "Could you share your order number?",
    ],
)
def test_vietnamese_mentions_are_no_requests(content: str) -> None:
    assert asked_slots(content, LEXICON, "vi") == ()


@pytest.mark.parametrize(
    ("content", "locale"),
    [
        ("Is there anything else I can help with?", "en"),
        ("Let me know if you need anything else.", "en"),
        ("Anything else?", "en"),
        ("Feel free to reach out if you have any questions!", "en"),
        ("Your refund is on its way.", "en"),
        ("Anh/chị cần hỗ trợ gì thêm không ạ?", "vi"),
        ("Có thắc mắc gì anh cứ nhắn em nhé.", "vi"),
        ("Dạ không có gì ạ.", "vi"),
    ],
)
def test_a_closing_courtesy_asks_nothing(content: str, locale: Locale) -> None:
    assert not asks_anything(content, locale)


@pytest.mark.parametrize(
    ("content", "locale"),
    [
        ("Shall I proceed?", "en"),
        ("Which colour would you like?", "en"),
        ("Please let me know which address to use.", "en"),
        ("Anh có đồng ý không ạ?", "vi"),
        ("Chị chọn màu nào ạ?", "vi"),
        ("Anh cho em biết địa chỉ nhé.", "vi"),
    ],
)
def test_a_question_or_request_asks_something(content: str, locale: Locale) -> None:
    assert asks_anything(content, locale)


@pytest.mark.parametrize(
    ("content", "locale"),
    [
        ("We cannot refund this order.", "en"),
        ("I'm unable to process the exchange.", "en"),
        ("Sorry, this item is not eligible for a refund.", "en"),
        ("Your request can't be approved.", "en"),
        ("I have to decline your request.", "en"),
        ("The return window has closed.", "en"),
        ("Rất tiếc, bên em không thể hoàn tiền cho đơn này ạ.", "vi"),
        ("Đơn hàng chưa đủ điều kiện đổi trả ạ.", "vi"),
        ("Em xin phép từ chối yêu cầu này ạ.", "vi"),
        ("Sản phẩm đã quá hạn đổi trả.", "vi"),
    ],
)
def test_declining_is_a_refusal(content: str, locale: Locale) -> None:
    assert refuses(content, locale)


@pytest.mark.parametrize(
    ("content", "locale"),
    [
        ("I cannot wait to help!", "en"),
        ("No problem, it's done.", "en"),
        ("You cannot lose with this plan.", "en"),
        ("I understand you are unable to log in.", "en"),
        ("I can't process this without your order number.", "en"),
        ("If the item is not eligible, we will tell you.", "en"),
        ("We couldn't be happier to help.", "en"),
        ("Your refund was approved.", "en"),
        ("", "en"),
        ("Dạ không sao đâu ạ.", "vi"),
        ("Dịch vụ không thể tuyệt vời hơn!", "vi"),
        ("Em hiểu là anh không thể đăng nhập.", "vi"),
        ("Nếu không đủ điều kiện em sẽ báo anh.", "vi"),
        ("Em đã hoàn tiền rồi ạ.", "vi"),
    ],
)
def test_a_negation_that_declines_nothing_is_no_refusal(content: str, locale: Locale) -> None:
    assert not refuses(content, locale)


@pytest.mark.parametrize(
    ("content", "language"),
    [
        ("We have refunded 25 USD to your card.", "en"),
        ("Em đã hoàn 25 USD vào thẻ của anh ạ.", "vi"),
        ("Em da hoan tien cho anh roi a, anh kiem tra giup em nhe.", "vi"),
        ("Your Áo Dài order from Bến Thành has been shipped to you today.", "en"),
        ("Em đã gửi MacBook Pro Retina Display cho anh rồi ạ.", "vi"),
        ("RF-20931", None),
        ("mia@example.com", None),
        ("25 USD", None),
        ("", None),
        ("\U0001f44d", None),
        ("Ihre Erstattung wurde heute veranlasst und kommt in drei Tagen an.", None),
        ("Votre remboursement a été effectué hier, merci de votre patience.", None),
        ("ご返金が完了しました。", None),
        ("Em đã hoàn tiền cho anh rồi. We have refunded the order to your card.", None),
    ],
)
def test_language_is_that_of_the_words(content: str, language: Locale | None) -> None:
    assert language_of(content) == language
