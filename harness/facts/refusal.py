"""Does a reply decline what was asked?"""

from __future__ import annotations

import re
from functools import lru_cache

from samescore.harness.facts.clauses import Passage, read_passage
from samescore.harness.facts.cues import Cue
from samescore.harness.lexicon import Locale

_ACT_EN = (
    r"(?:refund|process|approve|issue|exchange|replace|return|cancel|complete|grant|accept|offer|do|fulfil|"
    r"fulfill|make|authori[sz]e|"
    r"help|assist|honou?r|provide|proceed|send|give|ship|arrange|change|extend|reset|unlock|allow|share|waive|"
    r"pay|take|credit|"
    r"reimburse|repair|support|open|create|add|remove|go ahead|move forward|bend|disclose|meet|agree|reverse|"
    r"update|book|carry|"
    r"deliver|compensate|cover|install|perform)"
)
# After "we cannot" itself any act is declined, but what one sees, learns or promises is none.
_ANY_ACT_EN = (
    r"(?!(?:see|find|locate|reach|read|view|hear|tell|know|say|verify|confirm|identify|match|recogni[sz]e|detect|think|"
    r"believe|understand|be|have|get|seem|look|load|connect|retrieve|check|guarantee|promise|wait|thank|apologi[sz]e|"
    r"help but|imagine|stress|emphasi[sz]e|recall|remember|trace|pull|log|fetch|speak|comment|collect|come|arrive|"
    r"determine|rule|make out|unfortunately|currently|simply|just|also|even|yet|again|always|fully|directly|"
    r"immediately|really|possibly|ever)(?!\w))[a-z]+"
)
# "We won't charge you" and "I won't keep you waiting" promise.
_PROMISED_EN = (
    r"(?:won't|will not)(?! (?:be |have to |need to )?(?:charge|charging|bill|billing|need|require|ask|keep|forget|"
    r"hesitate|rest|stop|fail|miss|lose|bother|disturb|trouble|contact|call)(?!\w))"
)
_ACTED_EN = (
    r"(?:refunded|processed|approved|issued|exchanged|replaced|returned|completed|granted|accepted|offered|"
    r"done|fulfilled|made|"
    r"authori[sz]ed|cancelled|canceled|honou?red|changed|extended|waived|credited|repaired|covered|provided|"
    r"delivered|possible|"
    r"eligible|available|allowed|permitted|reset|reversed|given|an option)"
)
_NOT_EN = r"(?:cannot|can't|can not|could not|couldn't|won't|will not)"
_US = r"(?:we|i|our (?:team|company|system|policy)|the (?:team|company|policy)|this|it|that)"
_REFUSAL_EN = re.compile(
    r"(?<!\w)(?:"
    rf"(?:we|i|policy|team|company|system)(?: unfortunately| currently| simply| therefore| also| really| still|"
    rf",? however,?| just)* {_NOT_EN}"
    rf"(?: be able to)?(?: \w+){{0,2}}? {_ACT_EN}"
    rf"|(?:we|i) (?:cannot|can't|can not|{_PROMISED_EN})(?: be able to)? {_ANY_ACT_EN}"
    rf"|(?:we|i)(?:'re|'m| are| am)(?: unfortunately| currently| therefore| simply| just)* (?:unable|not able|"
    rf"not in a position|not allowed|not permitted|"
    rf"not authori[sz]ed|not going) to(?:(?: \w+){{0,2}}? {_ACT_EN}| {_ANY_ACT_EN})"
    rf"|(?:unable|not able) to(?: \w+){{0,1}}? {_ACT_EN}"
    rf"|{_NOT_EN}(?: \w+)? be {_ACTED_EN}"
    rf"|(?:has|have)(?:n't| not) been {_ACTED_EN}(?! yet)"
    rf"|{_NOT_EN} be (?:a|any)(?: \S+){{0,3}} (?:refund|exchange|replacement|return)"
    rf"|(?:not|isn't|aren't|n't|no longer)(?: currently| yet| longer)?(?: be)? (?:eligible|qualify|covered|"
    rf"possible|refundable|returnable|exchangeable|"
    r"something (?:we|i) can|entitled|permitted|allowed|an option|within (?:the|our) (?:return|refund|"
    r"warranty)|approved)"
    r"|ineligible|non-refundable|final sale"
    r"|(?:doesn't|does not|don't|do not|didn't|did not)(?: currently)? (?:qualify|meet|fall (?:with)?in|accept|allow|"
    r"permit|offer|cover)"
    r"|(?:has|have|had|was|were|is|been|must|to|we|i)(?: been| unfortunately| also)* (?:declined?|denied|deny|"
    r"rejected?|refused?|turned? down)"
    r"|(?:outside|past|beyond|exceeds?)(?: of)? (?:the|our|its|your) (?:\S+ ){0,3}(?:window|period|limit|"
    r"deadline|warranty)"
    r"|(?:window|period|warranty|deadline)(?: \S+){0,4} (?:has |had )?(?:expired|ended|closed|passed|lapsed|is over)"
    r"|no (?:refund|exchange|return|replacement)s?(?: \w+){0,3} (?:is|are|can|will|possible|available|due)"
    r"|(?:sorry|afraid),? (?:but )?(?:no(?!t? ?\w)|not this time|the answer is no)|have to say no|"
    r"hands are tied|against (?:our|the) policy"
    r")(?!\w)"
)
# "cannot" that declines nothing: idioms, and inability that ends with the user's next message.
_NOT_REFUSAL_EN = re.compile(
    r"(?<!\w)(?:can't|cannot|can not|couldn't|could not) (?:wait|thank|apologi[sz]e|help but|be happier|"
    r"agree more|go wrong|lose|imagine|"
    r"stress|emphasi[sz]e|guarantee|promise)(?!\w)"
)
_UNTIL_EN = re.compile(r"(?<!\w)(?:until|unless|without|before|yet|till)(?!\w)")

_ACT_VI = (
    r"(?:hoàn|đổi|trả|hỗ trợ|xử lý|thực hiện|chấp nhận|duyệt|giải quyết|đáp ứng|tiếp nhận|bồi thường|hủy|huỷ|"
    r"cấp|cung cấp|tiến hành|"
    r"áp dụng|làm|gia hạn|sửa|bảo hành|giảm|miễn|chiều|thay|phê duyệt|giúp|mở|khôi phục|đặt lại|chuyển|nhận|"
    r"tạo|gửi|thay đổi|giao|"
    r"tiết lộ|chia sẻ|khởi động|bật|tắt|kích hoạt|gỡ|cài|nâng|thu hồi|ngắt|kết nối lại|thêm|bổ sung|can thiệp|ưu tiên|"
    r"tác động|điều chỉnh|bỏ|dời|hoãn|sắp xếp|đăng ký|trao|phục hồi|reset|restart)"
)
_REFUSAL_VI = re.compile(
    r"(?<!\w)(?:"
    rf"(?:không|chưa) thể(?: \w+){{0,2}}? (?:được )?{_ACT_VI}"
    rf"|không (?:được )?(?:hỗ trợ|chấp nhận|tiếp nhận|áp dụng|duyệt|phê duyệt|hoàn tiền|hoàn lại|"
    rf"giải quyết|cho phép)"
    rf"|không được (?:phép|hoàn|đổi|trả|duyệt|phê duyệt|chấp nhận|giải quyết|bảo hành)"
    rf"|không (?:có quyền|có thẩm quyền|có chính sách|thuộc (?:diện|trường hợp|phạm vi)|nằm trong (?:diện|"
    rf"danh mục|chính sách|phạm vi|trường hợp)|"
    r"nhận (?:đổi|trả|lại hàng|bảo hành)|đáp ứng|"
    rf"phù hợp với|còn (?:được|trong thời hạn|trong hạn|hiệu lực|hạn))"
    r"|(?:không|chưa) (?:\w+ )?đủ điều kiện|(?:không|chưa) đáp ứng"
    r"|(?<!chưa )(?<!không )(?<!không bị )(?<!chưa bị )từ chối"
    r"|(?:đã |vừa )?(?:quá|hết|vượt quá) (?:thời )?(?:hạn|thời gian)(?! (?:thẻ|đăng))|quá \d+ ngày"
    r"|không tiến hành|đành xin lỗi|nằm ngoài"
    r")(?!\w)"
)
_NOT_REFUSAL_VI = re.compile(
    r"(?<!\w)(?:không (?:thể )?(?:\w+ ){0,3}hơn|không thể (?:thiếu|bỏ qua|chờ|đợi|quên)|không từ chối)(?!\w)"
)
_UNTIL_VI = re.compile(
    r"(?<!\w)(?:cho đến khi|nếu không|khi chưa|nếu chưa|trừ khi|vì chưa có|vì thiếu|do thiếu|do chưa có|"
    r"khi thiếu)(?!\w)"
)

# Ahead of the refusal only what surely comes to an end: "until we have it, we cannot refund".
_WAITS = {
    "en": re.compile(r"(?<!\w)(?:until|till)(?!\w)"),
    "vi": re.compile(r"(?<!\w)(?:cho đến khi|khi chưa|nếu chưa)(?!\w)"),
}
# "Chưa có mã đơn thì em chưa thể hoàn": what is missing comes first, and the rest waits for it.
_PREMISE_VI = re.compile(r"(?<!\w)(?:chưa|không|thiếu)(?: có| nhận được| cung cấp)? [^.?!\n]{1,60} thì(?!\w)")

_REFUSAL = {"en": _REFUSAL_EN, "vi": _REFUSAL_VI}
_NOT_REFUSAL = {"en": _NOT_REFUSAL_EN, "vi": _NOT_REFUSAL_VI}
_UNTIL = {"en": _UNTIL_EN, "vi": _UNTIL_VI}


@lru_cache(maxsize=256)
def refuses(content: str, locale: Locale) -> bool:
    """Whether the reply declines the request, and not just a detail of it, a past failure or a condition."""
    passage = read_passage(content, locale)
    return any(_declines(passage, match.start(), match.end()) for match in _REFUSAL[locale].finditer(passage.text))


def _declines(passage: Passage, start: int, end: int) -> bool:
    sentence = passage.sentence(start)
    low, high = passage.sentence_span(sentence)
    asked = passage.question_start(sentence)
    if asked is not None and start >= asked:
        return False
    condition = passage.last_cue(Cue.CONDITION, start)
    if condition and condition[0] >= low:
        return False
    report = passage.last_cue(Cue.REPORT, start)
    if report and report[0] >= passage.clause_start(start):
        return False
    if passage.locale == "vi" and _PREMISE_VI.search(passage.text, low, start):
        return False
    idiom = _NOT_REFUSAL[passage.locale].search(passage.text, start, min(high, end + 24))
    if idiom and idiom.start() <= end:
        return False
    waits = _WAITS[passage.locale].search(passage.text, low, start) or _UNTIL[passage.locale].search(
        passage.text, start, high
    )
    return waits is None
