"""Which slot a value in the text belongs to, by the role words around it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from samescore.harness.facts.clauses import Passage
from samescore.harness.facts.text import normalise_phrase
from samescore.harness.facts.values import Mention
from samescore.harness.lexicon import FactType, Lexicon, Locale

Slots = tuple[str, ...]
FOREIGN: Slots = ("",)
"""The owner of a value that is named, but as nothing the lexicon knows: a voucher, a price, an order's date."""
NOBODY: Slots = ()
"""The owner of a value with no role word near it."""

_FOREIGN_WORDS: dict[tuple[FactType, Locale], str] = {
    (FactType.MONEY, "en"): "price|cost|fee|voucher|coupon|discount|tax|vat|deposit|balance|surcharge|store credit|"
    "gift card|bonus|subscription|threshold|orders over|orders above|orders under|order over|orders below",
    (FactType.MONEY, "vi"): "giá|phí|thuế|phiếu|voucher|coupon|mã giảm|tiền cọc|đặt cọc|số dư|quà tặng|hạn mức|điểm thưởng|tặng|"
    "khuyến mãi|đơn từ|đơn dưới|đơn trên|phụ phí|phụ thu",
    (FactType.DATE, "en"): "ordered|placed|bought|purchase|expires|expiry|valid until|invoice|dated|warranty",
    (FactType.DATE, "vi"): "đặt hàng|đặt ngày|mua ngày|mua hàng|ngày mua|ngày đặt|hết hạn|hiệu lực|hóa đơn|bảo hành",
    (FactType.NUMBER, "en"): "day|business day|working day|hour|minute|week|month|year|step|percent|time|version",
    (FactType.NUMBER, "vi"): "ngày|giờ|phút|tuần|tháng|năm|bước|phần trăm|lần|tiếng|giây",
}
# Words that only name the kind of value, so that a line such as "Amount: 25 USD" takes its role from what leads it.
_NEUTRAL = re.compile(
    r"(?<!\w)(?:it|it's|its|that|that's|this|which|amount|sum|value|date|number|or|maybe|perhaps|actually|also|another|alternatively|"
    r"đó|này|số tiền|mức|khoản|ngày|hoặc|hay|có thể|là|cũng)(?!\w)"
)
_WORD = re.compile(r"[^\W\d_]+")
_COORDINATED = re.compile(r"[\s,;/]{0,3}(?:(?:or|and|hoặc|hay|và|rồi|then)?[\s]{0,2})(?:even|else|maybe|perhaps|also|có thể|là)?[\s$€£]{0,2}$")

_PENALTY = {",": 18, ";": 40, ")": 15, "\n": 60, "|": 8, ".": 60, "!": 60, "?": 60}
_WORD_PENALTY = 15
_TAKEN = 60
_ADJACENT = 16
_REACH_OF_COUNT = 24


@dataclass(frozen=True, slots=True)
class RoleWords:
    """The role words of every slot of one type in one locale, as one regular expression."""

    pattern: re.Pattern[str] | None
    slots_of: dict[str, Slots]

    def occurrences(self, text: str) -> tuple[list[int], list[int], list[Slots]]:
        """Starts, ends and slots of the role words in a text."""
        starts: list[int] = []
        ends: list[int] = []
        owners: list[Slots] = []
        if self.pattern is not None:
            for match in self.pattern.finditer(text):
                starts.append(match.start())
                ends.append(match.end())
                owners.append(self.slots_of[" ".join(match["w"].split())])
        return starts, ends, owners


def compile_roles(lexicon: Lexicon, kind: FactType, locale: Locale) -> RoleWords:
    """Collect role words; one word may belong to several slots."""
    owners: dict[str, list[str]] = {}
    for name, slot in lexicon.slots.items():
        if slot.type is kind:
            for word in slot.role.get(locale, ()):
                if phrase := normalise_phrase(word):
                    owners.setdefault(phrase, []).append(name)
    slots_of: dict[str, Slots] = {phrase: tuple(names) for phrase, names in owners.items()}
    if foreign := _FOREIGN_WORDS.get((kind, locale)):
        for word in foreign.split("|"):
            slots_of.setdefault(word, FOREIGN)
    if not slots_of:
        return RoleWords(None, {})
    # English verbs and nouns are listed once: "refund" also stands for "refunds" and "refunded".
    inflection = "(?:s|es|ed|d|ing)?" if locale == "en" else ""
    return RoleWords(re.compile(rf"(?<!\w)(?P<w>{alternation(slots_of)}){inflection}(?!\w)"), slots_of)


def alternation(phrases: Iterable[str]) -> str:
    """A pattern of any of the phrases, the longest first, any white space within them."""
    ordered = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return "|".join(r"\s{1,3}".join(map(re.escape, phrase.split())) for phrase in ordered)


def attribute(passage: Passage, mentions: Sequence[Mention], roles: RoleWords, kind: FactType) -> list[Slots]:
    """The slots each mention belongs to. Mentions are sorted and do not overlap with each other's role words."""
    starts, ends, owners = roles.occurrences(passage.text)
    cost = _costs(passage)
    taken = _taken(passage, mentions, starts, ends)
    result: list[Slots] = []
    for index, mention in enumerate(mentions):
        previous = mentions[index - 1] if index else None
        if (
            previous is not None
            and result[-1]
            and mention.start - previous.end < 24
            and _COORDINATED.fullmatch(passage.text, previous.end, mention.start)
            and not _led_by_other(passage, mention, index, starts, ends, taken, mentions)
        ):
            result.append(result[-1])
            continue
        result.append(_owner(passage, mention, index, (starts, ends, owners), taken, cost, kind))
    return result


def _led_by_other(
    passage: Passage,
    mention: Mention,
    index: int,
    starts: Sequence[int],
    ends: Sequence[int],
    taken: Sequence[int],
    mentions: Sequence[Mention],
) -> bool:
    """Whether a role word right behind this mention claims it: "25 USD and 5 USD shipping"."""
    at = bisect_left(starts, mention.end)
    return at < len(starts) and starts[at] - mention.end <= 2 and taken[at] == index


def _costs(passage: Passage) -> list[int]:
    """Running sum of the boundaries' penalties."""
    total = 0
    sums = [0]
    for position in passage.boundaries:
        char = passage.text[position]
        total += _WORD_PENALTY if char.isalpha() else _PENALTY.get(char, 4)
        sums.append(total)
    return sums


def _distance(passage: Passage, cost: Sequence[int], left_end: int, right_start: int) -> int:
    between = passage.boundaries_between(left_end, right_start)
    return right_start - left_end + (cost[between.stop] - cost[between.start] if between else 0)


def _taken(passage: Passage, mentions: Sequence[Mention], starts: Sequence[int], ends: Sequence[int]) -> list[int]:
    """For each role word the mention right next to it, or -1: a word that names one value hardly names another."""
    mention_starts = [mention.start for mention in mentions]
    result = []
    for start, end in zip(starts, ends, strict=True):
        following = bisect_left(mention_starts, end)
        before = following - 1
        ahead = mention_starts[following] - end if following < len(mentions) else _ADJACENT + 1
        behind = start - mentions[before].end if before >= 0 else _ADJACENT + 1
        if behind <= 2 and ahead > 2:
            result.append(before)
        elif ahead <= _ADJACENT:
            result.append(following)
        else:
            result.append(before if 0 <= behind <= _ADJACENT else -1)
    return result


def _owner(
    passage: Passage,
    mention: Mention,
    index: int,
    roles: tuple[Sequence[int], Sequence[int], Sequence[Slots]],
    taken: Sequence[int],
    cost: Sequence[int],
    kind: FactType,
) -> Slots:
    starts, ends, owners = roles
    sentence = passage.sentence(mention.start)
    low, high = passage.sentence_span(sentence)
    first, last = bisect_left(starts, low), bisect_left(starts, high)
    if header := _table_header(passage, mention.start):
        in_cell = _roles_in_cell(passage, mention, starts)
        column = bisect_left(starts, header[0])
        if in_cell is None and column < len(starts) and starts[column] < header[1]:
            return owners[column]
    best: tuple[int, Slots] | None = None
    # Only a few role words on either side can be the nearest; the rest of a long sentence is not looked at.
    here = bisect_left(starts, mention.start)
    for role in range(max(first, here - 4), min(last, here + 4)):
        if ends[role] <= mention.start:
            distance = _distance(passage, cost, ends[role], mention.start)
        elif starts[role] >= mention.end:
            distance = _distance(passage, cost, mention.end, starts[role]) + 1
        else:
            continue
        if kind is FactType.NUMBER and distance > _REACH_OF_COUNT:
            continue
        if taken[role] not in (-1, index):
            distance += _TAKEN
        if best is None or distance < best[0]:
            best = (distance, owners[role])
    if best is not None:
        return best[1]
    return NOBODY if kind is FactType.NUMBER else _carried(passage, (low, high), starts, owners)


def _carried(passage: Passage, span: tuple[int, int], starts: Sequence[int], owners: Sequence[Slots]) -> Slots:
    """The role of a sentence that names none itself: "It is 25 USD", "- 25 USD", "Amount: 25 USD"."""
    previous = bisect_left(starts, span[0]) - 1
    if previous < 0 or "\n\n" in passage.text[starts[previous] : span[0]].rstrip().replace(":\n\n", ":\n"):
        return NOBODY
    if span[0] - starts[previous] > 400:
        return NOBODY
    sentence = passage.text[span[0] : min(span[1], span[0] + 200)]
    if len(_WORD.findall(sentence)) <= 3 or _NEUTRAL.search(sentence):
        return owners[previous]
    return NOBODY


def _roles_in_cell(passage: Passage, mention: Mention, starts: Sequence[int]) -> int | None:
    low = passage.text.rfind("|", 0, mention.start) + 1
    high = passage.text.find("|", mention.end)
    role = bisect_left(starts, low)
    return role if role < len(starts) and starts[role] < (high if high >= 0 else len(passage.text)) else None


_RULE_ROW = re.compile(r"\s{0,4}\|?[\s:|-]{3,200}$")


def _table_header(passage: Passage, at: int) -> tuple[int, int] | None:
    """The span of the header cell above a cell of a markdown table; None outside tables and in header-less ones."""
    text = passage.text
    line_start = text.rfind("\n", 0, at) + 1
    if "|" not in text[line_start:at] or at - line_start > 400:
        return None
    column = text.count("|", line_start, at) - (1 if text[line_start:at].lstrip().startswith("|") else 0)
    for _ in range(30):
        above_start = text.rfind("\n", 0, max(0, line_start - 1)) + 1
        above = text[above_start : max(above_start, line_start - 1)]
        if line_start == 0 or "|" not in above or len(above) > 400:
            return None
        if "-" in above and _RULE_ROW.match(above):
            head_start = text.rfind("\n", 0, max(0, above_start - 1)) + 1
            return _cell(text, head_start, max(head_start, above_start - 1), column)
        line_start = above_start
    return None


def _cell(text: str, start: int, end: int, column: int) -> tuple[int, int] | None:
    if text[start:end].lstrip().startswith("|"):
        start = text.index("|", start) + 1
    for _ in range(column):
        bar = text.find("|", start, end)
        if bar < 0:
            return None
        start = bar + 1
    bar = text.find("|", start, end)
    return start, bar if bar >= 0 else end


def nearest_before(positions: Sequence[int], at: int) -> int:
    """Index of the last position at or before `at`, or -1."""
    return bisect_right(positions, at) - 1
