"""The closed-class words that change what a clause does with a value, per language.

Each locale has one regular expression whose groups name the kind of cue. `skip` is tried first: idioms that contain a
negation or a condition and mean neither. Texts are normalised: lower case, straight quotes, single spelling.
"""

from __future__ import annotations

import re
from enum import StrEnum

from samescore.harness.lexicon import Locale


class Cue(StrEnum):
    """What a cue does to the values in its scope."""

    SKIP = "skip"  # an idiom; nothing
    NEGATION = "neg"  # denies what follows in the clause
    DENIAL = "deny"  # a negated verb: denies what follows, and what came before it as its subject
    CONDITION = "cond"  # makes what follows in the sentence conditional
    HEDGE = "hedge"  # makes what follows in the clause a guess
    BOUND = "bound"  # makes the value right after it a limit or an approximation
    REPORT = "report"  # what follows in the clause is somebody's claim or wish
    REQUEST = "request"  # what follows in the clause is an amount or a day somebody asked for
    REPLACED = "old"  # the value right after it no longer holds
    FUTURE = "future"  # what follows in the clause is not so yet


def _group(kind: Cue, *phrases: str) -> str:
    return rf"(?P<{kind}>(?<!\w)(?:{'|'.join(phrases)})(?!\w))"


_AUX = r"(?:is|are|was|were|will|would|can|could|should|may|might|must|do|does|did)"
_NT = r"(?:is|are|was|were|wo|would|ca|could|should|must|do|does|did)n't"

_CHANGED_EN = (
    r"(?:moved?|changed?|rescheduled?|updated?|postponed?|brought forward|increased?|reduced?|raised?|lowered|corrected|"
    r"adjusted|switched)"
)

_EN = "|".join(
    [
        _group(Cue.REPLACED, rf"{_CHANGED_EN}(?: \w+){{0,2}} from"),
        _group(
            Cue.SKIP,
            r"no (?:problem|worries|need|later than|extra|additional|hidden|further|cost|charge|fee|doubt|trouble)s?",
            r"not only",
            r"not a problem",
            r"(?:do not|don't) (?:need|have|hesitate|worry|forget)(?: to)?",
            r"(?:cannot|can't|can not) (?:wait|thank|apologi[sz]e)",
            r"if (?:you|there)(?:'s| is| have| need|'d like to (?:know|talk|chat)| would like to know)? ?(?:any|anything|more|further|a question|questions|other|help)\w*",
            r"if (?:you )?(?:need|needed|possible|necessary|that helps|anything)",
            r"would (?:like|love) to (?:confirm|let|inform|apologi[sz]e|thank|share)",
            r"(?:i|we)(?:'d| would) be (?:happy|glad)",
            r"as if|even if|if so|why not|if not sooner",
            r"no(?:\.|:)? [0-9]+",
        ),
        _group(
            Cue.BOUND,
            r"(?:up to|at most|at least|(?:a )?(?:maximum|minimum|max|min)(?: of)?|no more than|not more than|more than|"
            r"less than|fewer than|under|over|above|below|about|around|approximately|approx\.?|roughly|nearly|almost|"
            r"close to|somewhere near|between|from around|~)",
        ),
        _group(
            Cue.DENIAL,
            rf"(?:{_AUX} (?:unfortunately |currently |still )?not|{_NT}|cannot|cant|wont|dont)(?! (?:yet|only|just|even))",
        ),
        _group(
            Cue.NEGATION,
            r"not(?! only)|never|without|neither|nor|none|no|rather than|instead of|unable|ineligible|refus(?:e|es|ed|ing)|"
            r"declin(?:e|es|ed|ing)|den(?:y|ies|ied|ying)|reject(?:s|ed|ing)?|(?:has|have|had)n't|excluding|except|"
            r"too late (?:for|to)|no longer|incorrect(?:ly)?|wrong(?:ly)?",
        ),
        _group(
            Cue.CONDITION,
            r"if|unless|whether|in case|suppos(?:e|ing)|assuming|provided(?: that)?|were (?:you|we|i|it) to|had you|"
            r"as long as|hypothetically|in theory",
        ),
        _group(
            Cue.HEDGE,
            r"might|may(?! [0-3]?[0-9])|maybe|perhaps|possibly|probably|likely|i (?:think|guess|believe|suspect)|"
            r"it seems|estimated|estimate|not sure|would(?: have)?|could have|(?:you|we|i|it|they)'d(?! (?:like|love))",
        ),
        _group(
            Cue.REPORT,
            r"you (?:have |had |just |also |previously |are |were )?(?:said|say|asked|mentioned|requested|wanted|want|claimed|"
            r"claim|wrote|stated|expected|expect|asking|requesting|quoted|thought|were told|believe|hoped)(?! (?:is|was))|"
            r"you've (?:asked|requested|mentioned|said)|"
            r"according to you|the customer (?:says|said|wants|asked|claims)|(?:please|could you|can you) confirm|you'd like",
        ),
        _group(Cue.REQUEST, r"your (?:request|claim|wish|demands?) (?:for|of|to|that)"),
        _group(
            Cue.FUTURE,
            r"will be|will|to be|going to be|being|once|when|as soon as|after|until|before|awaiting|waiting (?:for|to)|"
            r"pending|not yet|yet to|in the process of|about to be|upon|by the time|ready to be",
        ),
    ]
)

_I_VI = r"(?:anh/chị|anh chị|anh|chị|quý khách|bạn|mình|khách hàng|khách|cô|chú)"

_VI = "|".join(
    [
        _group(Cue.REPLACED, r"(?:chuyển|đổi|dời|cập nhật|điều chỉnh|sửa|nâng|giảm)(?: \w+){0,2} từ"),
        _group(
            Cue.SKIP,
            r"không (?:sao|vấn đề gì|có gì|chỉ|những|cần|phải lo|lo|bao lâu|lâu|mất phí|tính phí|thu phí|ngần ngại)",
            r"không thể (?:\w+ ){1,3}hơn",
            r"không biết",
            r"đừng (?:ngại|ngần ngại|lo|quên)",
            r"nếu (?:\w+/?\w* ){0,2}(?:cần|có|còn)(?: (?:em|bên em|shop))? (?:hỗ trợ|thắc mắc|gì|thêm|bất kỳ|câu hỏi|vấn đề|giúp)\w*",
            r"có được không",
            r"chưa (?:đầy|tới|đến)",
        ),
        _group(
            Cue.BOUND,
            r"tối đa|tối thiểu|ít nhất|nhiều nhất|khoảng|tầm|chừng|gần|hơn|trên|dưới|xấp xỉ|không quá|lên đến|lên tới|"
            r"cao nhất|từ khoảng|khoảng từ|~",
        ),
        _group(
            Cue.DENIAL,
            r"(?:sẽ |hiện |hoàn toàn |đã )?không (?:được|thể|phải|có|còn|đúng)|bị từ chối|là sai|không đúng",
        ),
        _group(
            Cue.NEGATION,
            r"không|chưa(?! (?:bao gồm|gồm|tính))|chẳng|chả|đừng|từ chối|thay vì|thay cho|ngoại trừ|trừ ra|nhầm|sai",
        ),
        _group(
            Cue.CONDITION,
            r"nếu|giả sử|giả như|trong trường hợp|trừ khi|miễn là|với điều kiện|liệu|giá như|hễ",
        ),
        _group(
            Cue.HEDGE,
            r"có lẽ|có khi|chắc là|chắc|hình như|có vẻ|dường như|có thể là|em nghĩ(?: là)?|không chắc|ước tính|tạm tính|"
            r"lẽ ra|đáng lẽ|đáng ra|ví dụ",
        ),
        _group(
            Cue.REPORT,
            rf"(?:{_I_VI}) (?:có |đã |đang |vừa |từng |cũng )?(?:nói|yêu cầu|đề nghị|muốn|bảo|cho biết|báo|phản ánh|mong muốn|mong|"
            r"kỳ vọng|viết|nhắc đến|nhắc tới|đòi|nghĩ|tưởng)|theo lời|vui lòng xác nhận|xác nhận giúp",
        ),
        _group(Cue.REQUEST, r"(?:yêu cầu|đề nghị|mong muốn) (?:được )?(?:hoàn|nhận|đổi)"),
        _group(
            Cue.FUTURE,
            r"sẽ|sắp|đang chờ|chờ|khi|sau khi|trước khi|đến khi|cho đến|đợi|chuẩn bị|ngay khi|đang được",
        ),
    ]
)

_CUES: dict[Locale, re.Pattern[str]] = {"en": re.compile(_EN), "vi": re.compile(_VI)}

_WEAK_EN = (
    r"(?<!\w)(?:but|however|although|though|so(?! far)|because|since|while|whereas|which|instead|then|"
    r"and(?= (?:we|you|i|it|they|your|the|this|that|there|have|has|will|are|is|can|i'm|i've|i'll|we're|we've|we'll|"
    r"you'll|it's|it'll|a|an|please|just)(?!\w)))(?! of)(?!\w)"
)
_WEAK_VI = (
    r"(?<!\w)(?:nhưng|tuy nhiên|mà(?! không)|nên|(?<!thay )vì|do đó|bởi|trong khi|còn(?! lại)|thay vào đó|"
    r"và(?= (?:em|bên em|shop|anh|chị|quý|chúng|mình|sẽ|đã|số|phí|tổng|mã|tiền|ngày|được)(?!\w)))(?!\w)"
)
_ASIDE = {
    "en": r", ?(?:unfortunately|however|therefore|sadly|regrettably|of course|in this case|at this time|too|indeed) ?,",
    "vi": r", ?(?:rất tiếc|tiếc là|dạ|theo quy định|trong trường hợp này) ?,",
}
_MARKS = r"[,;](?![0-9])|:(?![0-9])|(?<![0-9]):|[()\[\]|=→⇒—–\n\U0001F300-\U0001FAFF\u2600-\u27BF]|(?<= )-(?= )"
_END = r"[.!?…]+(?=[\s\"')\]_]|$)|[!?]+"

BOUNDARIES: dict[Locale, re.Pattern[str]] = {
    "en": re.compile(rf"(?P<aside>{_ASIDE['en']})|(?P<mark>{_MARKS})|(?P<end>{_END})|(?P<word>{_WEAK_EN})"),
    "vi": re.compile(rf"(?P<aside>{_ASIDE['vi']})|(?P<mark>{_MARKS})|(?P<end>{_END})|(?P<word>{_WEAK_VI})"),
}


def cues_in(text: str, locale: Locale) -> list[tuple[int, int, Cue]]:
    """Every cue but the idioms, in order, as (start, end, kind)."""
    found = []
    for match in _CUES[locale].finditer(text):
        kind = Cue(match.lastgroup or "skip")
        if kind is not Cue.SKIP:
            found.append((match.start(), match.end(), kind))
    return found


ABBREVIATIONS = frozenset("no nos approx e.g i.e eg ie mr mrs ms dr st incl excl vs tp q p nr ref tel".split()) | frozenset(
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)

QUESTION_OPENER = re.compile(
    r"[\s\"'>-]{0,5}(?:(?:and|so|but|or|also|ok|okay|then|now|just to (?:confirm|check)|to confirm|great|sure|alright|hi|"
    r"sorry|finally|by the way)[ ,]{1,2})?"
    r"(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|can|could|may|might|shall|should|will|"
    r"would|have|has|had|am|isn't|don't|aren't|won't|can't|couldn't|wouldn't|anything|any|need|want)(?!\w)"
)
_VI_ADDRESS = rf"(?: (?:ạ|nhé|nhỉ|vậy|thế|hả|{_I_VI}|em))*"
QUESTION_TAG: dict[Locale, re.Pattern[str]] = {
    "en": re.compile(
        r"[\s-]{0,4}(?:right|correct|ok|okay|yes|no|or not|is that (?:right|correct|ok|okay|fine)|isn't it|is it|agreed|"
        r"does that work|sound good|does that sound \w+|would that work|shall (?:i|we)|would you like that)\b[^?]{0,24}$"
    ),
    "vi": re.compile(
        rf"\s*(?:có )?(?:đúng|phải|được|ok|đồng ý|chịu)?(?: không| chứ| chưa| nhỉ| hả){_VI_ADDRESS}\s*$"
        rf"|\s*(?:đúng|phải|được|ok) (?:không|chứ){_VI_ADDRESS}\s*$|\s*(?:hay|hoặc)\b"
    ),
}
WANTS_TO_KNOW_VI = re.compile(
    r"(?<!\w)(?:(?<!hỗ trợ )(?<!giúp )gì|nào|bao nhiêu|ở đâu|khi nào|vì sao|tại sao|(?<!không )sao)(?!\w)"
)
ENDS_AS_QUESTION = re.compile(
    rf"(?:(?:phải|được|đúng|có) không|không ạ|chưa ạ|nhỉ|hả|(?:là )?(?:gì|bao nhiêu|mấy|khi nào|ở đâu) ạ){_VI_ADDRESS}\s*$"
)
