"""The closed-class words that change what a clause does with a value, per language.

Each kind of cue is a list of phrase patterns (see `phrases.expand`; `_` is any word, `#` a number). The longest
phrase at a word counts, so an idiom listed under SKIP hides the negation or condition inside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from samescore.harness.facts.phrases import PhraseBook, expand
from samescore.harness.facts.text import words
from samescore.harness.lexicon import Locale


class Cue(StrEnum):
    """What a cue does to the values in its scope."""

    SKIP = "skip"  # an idiom; nothing
    NEGATION = "negation"  # denies what follows in the clause
    CONTRAST = "contrast"  # denies what follows, until the clause says who did what instead
    DENIAL = "denial"  # a negated verb: denies what follows, and what came before it as its subject
    CONDITION = "condition"  # makes what follows in the sentence conditional, and what it is attached to
    HEDGE = "hedge"  # makes what follows in the clause a guess
    UNREAL = "unreal"  # makes what follows in the clause a thing that is not so
    BOUND = "bound"  # makes the value right after it a limit or an approximation
    REPORT = "report"  # what follows in the clause is somebody's claim or wish
    REQUEST = "request"  # what follows in the clause is an amount or a day somebody asked for
    REPLACED = "replaced"  # the value right after it no longer holds
    FUTURE = "future"  # what follows in the clause is not so yet


_AUX = "(is|are|was|were|will|would|can|could|should|may|might|must|do|does|did)"
_NT = (
    "(isn't|aren't|wasn't|weren't|won't|wouldn't|can't|couldn't|shouldn't|mustn't|don't|doesn't|didn't|cannot|"
    "cant|wont|dont)"
)
_CHANGED_EN = (
    "(move|moved|change|changed|reschedule|rescheduled|update|updated|postpone|postponed|brought forward|"
    "increase|increased|"
    "reduce|reduced|raised|lowered|corrected|adjusted|switched)"
)
_MONTH_DAY = ["may #"]

_EN: dict[Cue, list[str]] = {
    Cue.SKIP: [
        "no (problem|problems|worries|need|doubt|trouble|later than)",
        "no (extra|additional|hidden|further) (cost|costs|charge|charges|fee|fees)",
        "no (cost|charge|fee)",
        "not (only|just|merely|a problem|an issue|to worry)",
        f"{_AUX} not (only|just|merely)",
        "(do not|don't) (need|have|hesitate|worry|forget) (to|)",
        "(cannot|can't|can not) (wait|thank|apologize|apologise)",
        "(if|should) (you|there) (have|need|want|are|is|) (any|anything|more|further|other|help|assistance|"
        "questions|a question)",
        "if (you|) (need|needed|possible|necessary|anything)",
        "if you (would like|'d like|want) to (know|talk|chat)",
        "(would|i'd|we'd) (like|love) to (confirm|let|inform|apologize|apologise|thank|share)",
        "(i would|we would|i'd|we'd) be (happy|glad)",
        "(as if|even if|if so|why not)",
        "no #",
        *_MONTH_DAY,
    ],
    Cue.BOUND: [
        "(up to|at most|at least|no more than|not more than|more than|less than|fewer than|under|over|above|"
        "below|about|around|"
        "approximately|approx|roughly|nearly|almost|close to|somewhere near|between|~)",
        "(a|) (maximum|minimum|max|min) (of|)",
    ],
    Cue.DENIAL: [f"{_AUX} (unfortunately|currently|still|) not", _NT],
    Cue.NEGATION: [
        f"{_AUX} not (yet|even)",
        f"{_NT} (yet|even)",
        "(not|never|nobody|no one|without|neither|nor|none|no|unable|ineligible|excluding|except|no longer)",
        "(too late for|too late to|far from)",
        "(refuse|refuses|refused|refusing|decline|declines|declined|declining|deny|denies|denied|denying|"
        "reject|rejects|rejected)",
        "(hasn't|haven't|hadn't|incorrect|incorrectly|wrong|wrongly|false)",
    ],
    Cue.CONTRAST: ["(rather than|instead of)"],
    Cue.CONDITION: [
        "(if|unless|whether|in case|suppose|supposing|assuming|provided|provided that|as long as|"
        "hypothetically|in theory|had you)",
        "were (you|we|i|it) to",
    ],
    Cue.HEDGE: [
        "(might|may|maybe|perhaps|possibly|probably|likely|it seems|estimated|estimate|not sure)",
        "i (think|guess|believe|suspect)",
    ],
    Cue.UNREAL: ["(would|could have|you'd|we'd|i'd|it'd|they'd|for example|e g)"],
    Cue.REPORT: [
        "you (have|had|just|also|previously|are|were|) (said|say|asked|mentioned|requested|wanted|want|claimed|"
        "claim|wrote|"
        "stated|expected|expect|asking|requesting|quoted|thought|believe|hoped)",
        "you (were told|'d like|would like)",
        "(you've|you'd) (asked|requested|mentioned|said|like)",
        "the customer (says|said|wants|asked|claims)",
        "(please|could you|can you) confirm",
        "according to you",
    ],
    Cue.REQUEST: ["your (request|claim|wish|demand|demands) (for|of|to|that)"],
    Cue.REPLACED: [f"{_CHANGED_EN} {wild} from" for wild in ("", "_", "_ _")],
    Cue.FUTURE: [
        "(will be|will|to be|going to be|being|once|when|as soon as|after|until|before|awaiting|waiting for|"
        "waiting to|pending|"
        "not yet|yet to|in the process of|about to be|upon|by the time|ready to be)",
    ],
}

_YOU = "(anh chị|anh|chị|quý khách|bạn|mình|khách hàng|khách|cô|chú)"

_VI: dict[Cue, list[str]] = {
    Cue.SKIP: [
        "(dữ liệu|tài liệu|số liệu|nguyên liệu|tư liệu|nhập sai|gõ sai)",
        "không (sao|vấn đề gì|có gì|chỉ|những|cần|phải lo|lo|bao lâu|lâu|mất phí|tính phí|thu phí|ngần ngại|biết)",
        *[f"không (thể|còn|) {wild} hơn" for wild in ("_", "_ _", "_ _ _")],
        "không (phát sinh|mất|tốn|tính|thu) (thêm|) (phí|chi phí)",
        "đừng (ngại|ngần ngại|lo|quên)",
        *[
            f"nếu {who} (cần|có|còn) {em} (hỗ trợ|thắc mắc|gì|thêm|bất kỳ|câu hỏi|vấn đề|giúp)"
            for who in ("", "_", "_ _")
            for em in ("", "em", "bên em", "shop")
        ],
        "có được không",
        "chưa (đầy|tới|đến|bao gồm|gồm|tính)",
    ],
    Cue.BOUND: [
        "(tối đa|tối thiểu|ít nhất|nhiều nhất|khoảng|tầm|chừng|gần|hơn|trên|dưới|xấp xỉ|không quá|lên đến|"
        "lên tới|cao nhất|"
        "từ khoảng|khoảng từ|~)",
    ],
    Cue.DENIAL: [
        "(sẽ|hiện|hoàn toàn|đã|) không (được|thể|phải|có|còn|đúng)",
        "(bị từ chối|là sai)",
    ],
    Cue.NEGATION: ["(không|chưa|chẳng|chả|đừng|từ chối|ngoại trừ|trừ ra|nhầm|sai)"],
    Cue.CONTRAST: ["(thay vì|thay cho)"],
    Cue.CONDITION: [
        "(nếu|giả sử|giả như|trong trường hợp|trừ khi|miễn là|với điều kiện|liệu|giá như|hễ)",
    ],
    Cue.HEDGE: [
        "(có lẽ|có khi|chắc là|chắc|hình như|có vẻ|dường như|có thể là|hoặc có thể|hay có thể|không chắc|"
        "ước tính|tạm tính)",
        "em nghĩ (là|)",
    ],
    Cue.UNREAL: ["(lẽ ra|đáng lẽ|đáng ra|ví dụ)"],
    Cue.REPORT: [
        f"{_YOU} (có|đã|đang|vừa|từng|cũng|) (nói|yêu cầu|đề nghị|muốn|bảo|cho biết|báo|phản ánh|mong muốn|"
        f"mong|kỳ vọng|viết|"
        "nhắc đến|nhắc tới|đòi|nghĩ|tưởng)",
        "(theo lời|vui lòng xác nhận|xác nhận giúp)",
    ],
    Cue.REQUEST: ["(yêu cầu|đề nghị|mong muốn) (được|) (hoàn|nhận|đổi)"],
    Cue.REPLACED: [f"(chuyển|đổi|dời|cập nhật|điều chỉnh|sửa|nâng|giảm) {wild} từ" for wild in ("", "_", "_ _")],
    Cue.FUTURE: [
        "(sẽ|sắp|đang chờ|chờ|khi|sau khi|trước khi|đến khi|cho đến|đợi|chuẩn bị|ngay khi|đang được)",
    ],
}


def _book(kinds: dict[Cue, list[str]]) -> PhraseBook[Cue]:
    entries: Iterable[tuple[str, Cue]] = (
        (phrase, kind) for kind, patterns in kinds.items() for pattern in patterns for phrase in expand(pattern)
    )
    return PhraseBook(entries, wildcards=True)


CUES: dict[Locale, PhraseBook[Cue]] = {"en": _book(_EN), "vi": _book(_VI)}

# Words that start a clause. "and" and "và" do so only before a new subject or verb: "and we", "and has".
_BREAKS: dict[Locale, tuple[str, ...]] = {
    "en": ("(but|however|although|though|so|because|since|while|whereas|which|instead|then|and)",),
    "vi": ("(nhưng|tuy nhiên|mà|nên|vì|do đó|bởi|trong khi|còn|thay vào đó|và|bởi vì|cho nên)",),
}
_NO_BREAKS: dict[Locale, tuple[str, ...]] = {
    "en": ("so far", "of which", "instead of", "by then", "and so on"),
    "vi": ("thay vì", "còn lại", "mà không", "vẫn còn", "chỉ còn", "không còn"),
}
BREAKS: dict[Locale, PhraseBook[bool]] = {
    locale: PhraseBook(
        [
            *((phrase, False) for pattern in _NO_BREAKS[locale] for phrase in expand(pattern)),
            *((phrase, True) for pattern in _BREAKS[locale] for phrase in expand(pattern)),
        ]
    )
    for locale in ("en", "vi")
}
NEW_SUBJECTS: dict[Locale, frozenset[str]] = {
    "en": frozenset(
        words(
            """we you i it they your the this that there have has will are is can i'm i've i'll we're we've we'll
            you'll it's it'll a an please just"""
        )
    ),
    "vi": frozenset(
        [
            "em",
            "bên",
            "shop",
            "anh",
            "chị",
            "quý",
            "chúng",
            "mình",
            "sẽ",
            "đã",
            "số",
            "phí",
            "tổng",
            "mã",
            "tiền",
            "ngày",
            "được",
        ]
    ),
}
# Who acts: after "instead of 25 USD", "we refunded 30 USD" is a clause of its own.
ACTORS: dict[Locale, frozenset[str]] = {
    "en": frozenset(words("we i i've we've i'll we'll i'm we're you you'll our")),
    "vi": frozenset(words("em bên shop chúng mình tôi")),
}
ABBREVIATIONS = frozenset(words("e.g i.e eg ie mr mrs ms dr st incl excl vs tp q p"))
# "No. 12" and "Nov. 20" go on; "We come on 20 Nov. Does that suit you?" does not.
ABBREVIATIONS_OF_NUMBERS = frozenset(words("no nos approx nr ref tel jan feb mar apr jun jul aug sep sept oct nov dec"))
