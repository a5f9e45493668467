"""What a reply asks the user for: questions and requests, and the slots they name."""

from __future__ import annotations

import re
from bisect import bisect_left

from samescore.harness.facts.clauses import Passage, read_passage
from samescore.harness.facts.compiled import compiled
from samescore.harness.facts.cues import Cue
from samescore.harness.facts.phrases import Hit
from samescore.harness.facts.roles import Slots
from samescore.harness.lexicon import FactType, Lexicon, Locale

_GIVE_EN = (
    r"(?:share|provide|give|send|tell|confirm|supply|attach|upload|forward|let (?:me|us) (?:know|have)|email|"
    r"reply|type|enter|"
    r"specify|describe|explain|state|submit|check|double-check|find|include|paste|drop|remind|clarify|verify|"
    r"help (?:me|us) with|show|"
    r"mention|pass|look up)"
)
# After "please" only what gives information: "please check your inbox", "please note" ask for none.
_TELL_EN = (
    r"(?:share|provide|give|send(?=:| (?:me|us|over|it|them|your|an?|along)(?!\w))|tell|confirm|supply|attach|"
    r"upload|forward|"
    r"let (?:me|us) (?:know|have)|reply|specify|describe|explain|state|submit|double-check|remind|clarify|verify)"
)
_REQUEST_EN = re.compile(
    r"(?<!\w)(?:"
    rf"(?:could|can|would|will) (?:you|u)(?: \w+){{0,2}}? (?:mind )?{_GIVE_EN}(?:ing)?"
    rf"|would you mind \w+ing"
    rf"|(?:please|kindly|pls|plz)(?: also| just| then)? {_TELL_EN}"
    r"|(?:could|can|may|might) (?:i|we)(?: please| also| just)* (?:have|get|ask(?: for)?|take|know|see|grab|"
    r"trouble you for)"
    r"|(?:do|did|would) you (?:happen to )?(?:still )?(?:have|remember|know|recall)"
    r"|(?:i|we)(?:'ll|'d| will| would| do)?(?: also| just| still| only| first|'m going to|"
    r"'re going to)* (?:need|require|am missing|'re missing|'m missing)"
    r"|(?:i'm|we're|i am|we are)(?: just| still| only)? (?:missing|waiting for|waiting on)"
    r"|all (?:i|we) need(?: now)? is|what i need(?: now)? is|needed:|missing:|required:"
    rf"|(?:once|when|if|as soon as|after) you(?:'ve| have| can| could|'d)? (?:shared|provided|sent|given|told|"
    rf"{_GIVE_EN})"
    r")(?!\w)"
)
# An imperative asks only where a clause begins with it: "share your order number", not "I will share it".
_IMPERATIVE_EN = re.compile(
    r"[\s>\"'-]{0,5}(?:[0-9][.)] )?(?:(?:please|kindly|just|then|first|so|and|also|next|simply)[ ,]+){0,2}"
    r"(?:share|provide|give (?:me|us)|send (?:me|us|over|your|the|a|it)|tell (?:me|us)|confirm|attach|upload|"
    r"reply with|enter|"
    r"specify|describe|let me (?:know|have)|include|drop|paste|state)(?!\w)"
)
_WH_EN = re.compile(
    r"(?<!\w)(?:what(?:'s| is| are| was| were)?|which|who|when|where|why|how (?:many|much|did|does|would)|"
    r"in what)(?!\w)"
)
_OFFER_EN = re.compile(
    r"(?<!\w)(?:(?:would|do) you (?:like|want|prefer|need)|shall (?:i|we)|should (?:i|we)|can (?:i|we) (?:send|"
    r"share|give|help|"
    r"change|update)|may (?:i|we) (?:send|share)|want me to)(?!\w)"
)
# From here on a sentence gives the purpose, not the thing asked for.
_PURPOSE_EN = re.compile(
    r"(?<!\w)(?:so(?: that)?(?= (?:i|we|that|the)(?!\w))|in order to|because|since|as (?:i|we|it)|"
    r"and (?:then )?(?:i|we)(?:'ll| will| can)|then i|before (?:i|we)|(?<=, )which|"
    r"to (?:check|verify|find|locate|look|process|proceed|continue|start|help|arrange|see|issue|get started|pull|"
    r"complete|investigate|review|track|match|make sure|move|book|assist)|for (?:the|your) (?:refund|exchange|"
    r"return) to)(?!\w)"
)

_YOU_VI = r"(?:anh/chị|anh chị|anh|chị|quý khách|bạn|mình|cô|chú)"
_GIVE_VI = (
    r"(?:cung cấp|gửi(?! (?:trả|lại hàng|hàng|sản phẩm|kiện|về))|chia sẻ|xác nhận|nhập|đính kèm|chụp|bổ sung|"
    r"điền|cho (?:em|mình|tôi|shop|bên em|chúng tôi|biết|xin)|"
    r"báo|nhắn|đọc|nêu|mô tả|ghi|kiểm tra|nói|để lại|nhắc)"
)
_REQUEST_VI = re.compile(
    r"(?<!\w)(?:"
    rf"(?:vui lòng|làm ơn|phiền|nhờ|mong|hãy|xin mời|mời|giúp em|giúp mình)(?: {_YOU_VI})?(?: \w+){{0,2}}? {_GIVE_VI}"
    # "Chị gửi em", but not "em gửi chị" nor "chị nói là".
    rf"|(?<!gửi )(?<!cho )(?<!của )(?<!với )(?<!báo ){_YOU_VI}"
    rf"(?: có thể| vui lòng| chỉ cần| giúp| làm ơn| hãy| còn| có| cứ| ơi,?| ạ,?)*"
    rf"(?: (?!đã|vừa|sẽ|và|nói|báo|ghi|nêu)\w+)? (?!nói|báo|ghi|nêu){_GIVE_VI}"
    rf"|cho (?:em|mình|tôi|chúng tôi|bên em|shop|bên shop)(?: được)? (?:xin|biết|hỏi|xem|số|mã|tên|email)"
    r"|(?:em|mình|shop|bên em|chúng tôi|tôi) (?:vẫn |chỉ |còn |cũng )?(?:cần|đang cần|cần thêm|còn thiếu|thiếu|"
    r"đang thiếu|chưa có|chưa thấy|đang chờ|chờ)"
    r"|(?:em|mình|shop) xin(?! (?:gửi|cảm ơn|lỗi|phép(?! hỏi)|thông báo|chân thành|xác nhận|trân trọng|hoàn|"
    r"chuyển|hẹn|mời|chào|ghi nhận|"
    r"được (?:hỗ trợ|thông báo)|phản hồi|báo|ghi))"
    rf"|{_YOU_VI} (?:có |còn |có còn )(?:nhớ|biết)"
    r"|(?:cần|thiếu):"
    r")(?!\w)"
)
_IMPERATIVE_VI = re.compile(
    r"[\s>\"'-]{0,5}(?:[0-9][.)] )?(?:dạ,? |vâng,? )?(?:cho xin|xin(?: lại)? (?:mã|số|email|ảnh|tên|địa|lý)|"
    r"gửi (?:giúp|lại))(?!\w)"
)
_WH_VI = re.compile(
    r"(?<!\w)(?:là gì|gì|nào|bao nhiêu|mấy|ở đâu|khi nào|vì sao|tại sao|lý do sao|như thế nào|ra sao|sao)(?!\w)"
)
_OFFER_VI = re.compile(
    rf"(?<!\w)(?:{_YOU_VI} (?:có )?muốn (?:em|shop|bên em|mình)|em có thể (?:gửi|giúp)|để em (?:gửi|kiểm tra)|"
    rf"em (?:gửi|đổi|cập nhật))(?!\w)"
)
_PURPOSE_VI = re.compile(
    r"(?<!\w)(?:để|nhằm|vì(?! sao)|thì (?:em|shop|bên em|mình)|rồi em|trước khi|sau đó|hầu|bởi|do đó)(?!\w)"
)

_REQUEST = {"en": _REQUEST_EN, "vi": _REQUEST_VI}
_IMPERATIVE = {"en": _IMPERATIVE_EN, "vi": _IMPERATIVE_VI}
_WH = {"en": _WH_EN, "vi": _WH_VI}
_OFFER = {"en": _OFFER_EN, "vi": _OFFER_VI}
_PURPOSE = {"en": _PURPOSE_EN, "vi": _PURPOSE_VI}
_PRONOUN = {
    "en": re.compile(r"(?<!\w)(?:it|that|those|them|these|this|one|both)(?!\w)"),
    "vi": re.compile(r"(?<!\w)(?:thông tin (?:này|đó|trên)|giúp em|nhé|ạ|với|mã này|mã đó|hai thông tin)(?!\w)"),
}
_PLURAL = {
    "en": re.compile(r"(?<!\w)(?:those|them|these|both)(?!\w)"),
    "vi": re.compile(r"(?<!\w)(?:các|những|hai|thông tin|cả)(?!\w)"),
}
_LEADS_LIST = {
    "en": re.compile(
        r"(?<!\w)(?:following|below|these|details|information|few things|two things|couple of|need|needed|"
        r"required|share|provide|send)(?!\w)"
    ),
    "vi": re.compile(r"(?<!\w)(?:sau|dưới đây|như sau|thông tin|các mục|cần|cung cấp|gửi|cho em)(?!\w)"),
}
_BULLET = re.compile(r"\s*(?:[-•·–+]|[0-9]{1,2}[.)]|☐|✅|👉)\s*")
_COURTESY = {
    "en": re.compile(
        r"(?:anything|something) (?:else|more|further)|(?:what|how) else (?:can|may|could)|need (?:any |more |"
        r"further |additional )?(?:help|assistance|support)|"
        r"(?:any|other|further|more|additional) (?:questions?|concerns?|issues?|help|assistance)|questions\?|"
        r"feel free|don't hesitate|"
        r"do not hesitate|(?:let (?:me|us) know|reach out|contact us|reply|get in touch|just ask|"
        r"shout)[^.?!]{0,20} (?:if|when(?:ever)?|should) (?:you|there|anything|it)"
        r"(?! (?:would|'d|want|prefer|like))|have a (?:great|good|nice|lovely)|was (?:this|that) helpful|"
        r"did (?:this|that) (?:help|answer)"
    ),
    "vi": re.compile(
        r"(?:hỗ trợ|giúp|giúp đỡ|tư vấn|cần|hỏi)(?: \w+){0,4} (?:thêm|nữa|khác|gì không)|thêm (?:gì|"
        r"thông tin) (?:gì )?(?:không|nữa)|"
        r"gì (?:thêm|nữa|khác)|thắc mắc|đừng ngại|đừng ngần ngại|(?:cần|hỗ trợ) thêm|vấn đề (?:gì )?khác|"
        r"còn (?:cần|câu hỏi|vấn đề|điều) (?:em |gì|nào)|(?:cứ|hãy|vui lòng|xin) (?:liên hệ|gọi|inbox)|"
        r"cứ (?:nhắn|báo)|liên hệ (?:lại |ngay )?(?:với )?(?:hotline|tổng đài)"
    ),
}
_INFO_VI = re.compile(r"(?<!\w)(?:cảm ơn|xin lỗi|thông cảm|kiên nhẫn|chờ|đợi|yên tâm)(?!\w)")


def asked_slots(content: str, lexicon: Lexicon, locale: Locale) -> tuple[str, ...]:
    """The slots the reply asks the user for, in the lexicon's order.

    Only phrases of `locale` count: a user asked in another language does not understand.
    """
    passage = read_passage(content, locale)
    phrases = compiled(lexicon).asks(locale).find(passage.words)
    if not phrases:
        return ()
    starts = [phrase.start for phrase in phrases]
    asked: set[str] = set()
    for low, high in _requests(passage):
        inside = phrases[bisect_left(starts, low) : bisect_left(starts, high)]
        named = [phrase.payload for phrase in inside if not _given(passage, lexicon, phrase)]
        if not inside and _PRONOUN[locale].search(passage.text, low, high):
            named = _just_named(passage, phrases, starts, low)
        for slots in named:
            asked.update(slots)
    return tuple(name for name in lexicon.slots if name in asked)


def asks_anything(content: str, locale: Locale) -> bool:
    """Whether the reply holds a question or a request for information, closing courtesies aside."""
    passage = read_passage(content, locale)
    for number in range(len(passage.ends)):
        low, high = passage.sentence_span(number)
        if low == high or _courtesy(passage, low, high):
            continue
        if passage.question_start(number) is not None:
            return True
        if (start := _request_start(passage, low, high)) is not None and not _INFO_VI.search(passage.text, start, high):
            return True
    return False


def _requests(passage: Passage) -> list[tuple[int, int]]:
    """Spans in which a named slot is asked for: from a request's form to its purpose or the sentence's end."""
    spans: list[tuple[int, int]] = []
    number, last = 0, len(passage.ends)
    while number < last:
        low, high = passage.sentence_span(number)
        number += 1
        if _courtesy(passage, low, high):
            continue
        starts = (_request_start(passage, low, high), _question_for_slot(passage, number - 1))
        start = min((start for start in starts if start is not None), default=None)
        if start is None:
            continue
        purpose = _PURPOSE[passage.locale].search(passage.text, start, high)
        spans.append((start, purpose.start() if purpose else high))
        if _leads_list(passage, low, high):
            while number < last and _listed(passage, number):
                spans.append(passage.sentence_span(number))
                number += 1
    return spans


def _request_start(passage: Passage, low: int, high: int) -> int | None:
    """Where the first request that is not denied starts in a sentence."""
    locale, text = passage.locale, passage.text
    for match in _REQUEST[locale].finditer(text, low, high):
        if not _denied(passage, low, match.start(), match.end()):
            return match.start()
    for clause in (low, *(passage.after[i] for i in passage.boundaries_between(low, high))):
        if _IMPERATIVE[locale].match(text, clause, high):
            return clause
    return None


def _denied(passage: Passage, low: int, start: int, end: int) -> bool:
    """Whether a negation governs a request's form: "I don't need", "please do not send", "không cần"."""
    negation = passage.last_cue(Cue.NEGATION, end)
    if negation and negation[0] >= max(low, passage.clause_start(start)):
        return True
    return re.search(
        r"(?:don't|do not|không|đừng) (?:need|have to|cần|phải)?\s*$", passage.text[max(low, start - 20) : start]
    ) is not None or (
        re.search(r"(?:don't|do not|không|won't) (?:need|require|cần|also need)", passage.text[start:end]) is not None
    )


def _question_for_slot(passage: Passage, sentence: int) -> int | None:
    """Where a question that wants a piece of information starts: a wh-question, or a bare "Order number?"."""
    start = passage.question_start(sentence)
    if start is None:
        return None
    _, high = passage.sentence_span(sentence)
    offer = _OFFER[passage.locale].search(passage.text, start, high)
    if _WH[passage.locale].search(passage.text, start, offer.start() if offer else high):
        return start
    if offer:
        return None
    bare = len(passage.text[start:high].split()) <= 7
    opener = re.match(
        r"\s*(?:is|are|can|do|does|did|will|would|has|have|shall|should|was|were)\b", passage.text[start:high]
    )
    return start if bare and not opener else None


def _given(passage: Passage, lexicon: Lexicon, phrase: Hit[Slots]) -> bool:
    """Whether the value itself follows the phrase, as in "Is your order number A-1001?"."""
    behind = passage.text[phrase.end : phrase.end + 40]
    for name in phrase.payload:
        slot = lexicon[name]
        pattern = compiled(lexicon).id_pattern(slot) if slot.type is FactType.ID else None
        if pattern and (match := pattern.search(behind)) and len(behind[: match.start()].split()) <= 2:
            return True
    return False


def _just_named(passage: Passage, phrases: list[Hit[Slots]], starts: list[int], low: int) -> list[Slots]:
    """What "could you send it?" means: the slots named in the sentence before, or earlier in this one."""
    sentence = passage.sentence(low)
    since = passage.sentence_span(max(0, sentence - 1))[0]
    named = [phrase.payload for phrase in phrases[bisect_left(starts, since) : bisect_left(starts, low)]]
    return named if _PLURAL[passage.locale].search(passage.text, low, passage.ends[sentence]) else named[:1]


def _leads_list(passage: Passage, low: int, high: int) -> bool:
    sentence = passage.text[low:high].rstrip()
    return sentence.endswith((":", "?", ".")) and (
        sentence.endswith(":") or _LEADS_LIST[passage.locale].search(sentence) is not None
    )


def _listed(passage: Passage, number: int) -> bool:
    low, high = passage.sentence_span(number)
    text = passage.text[low:high]
    return not text.strip() or _BULLET.match(text) is not None


def _courtesy(passage: Passage, low: int, high: int) -> bool:
    return _COURTESY[passage.locale].search(passage.text, low, high) is not None
