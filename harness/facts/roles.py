"""Which slot a value in the text belongs to, by the role words around it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from samescore.harness.facts.clauses import Passage
from samescore.harness.facts.phrases import PhraseBook
from samescore.harness.facts.text import normalise_phrase
from samescore.harness.facts.values import Mention
from samescore.harness.lexicon import FactType, Lexicon, Locale

Slots = tuple[str, ...]
FOREIGN: Slots = ("",)
"""The owner of a value that is named, but as nothing the lexicon knows: a voucher, the day of a purchase."""
PRICE: Slots = ("", "")
"""As FOREIGN, unless something is done with it in the clause: "we refunded the price of 44 USD" is a refund."""
NOBODY: Slots = ()
"""The owner of a value with no role word near it."""

_FOREIGN_WORDS: dict[tuple[FactType, Locale], str] = {
    (FactType.MONEY, "en"): "fee|voucher|coupon|discount|tax|vat|deposit|balance|surcharge|store credit|"
    "gift card|bonus|subscription|threshold|orders over|orders above|orders under|order over|orders below",
    (
        FactType.MONEY,
        "vi",
    ): "phí|thuế|phiếu|voucher|coupon|mã giảm|tiền cọc|đặt cọc|số dư|quà tặng|hạn mức|điểm thưởng|tặng|"
    "khuyến mãi|đơn từ|đơn dưới|đơn trên|phụ phí|phụ thu",
    (FactType.DATE, "en"): "ordered|placed|bought|purchase|expires|expiry|valid until|invoice|dated|warranty",
    (FactType.DATE, "vi"): "đặt hàng|đặt ngày|mua ngày|mua hàng|ngày mua|ngày đặt|hết hạn|hiệu lực|hóa đơn|bảo hành",
    (FactType.NUMBER, "en"): "day|business day|working day|hour|minute|week|month|year|step|percent|time|version",
    (FactType.NUMBER, "vi"): "ngày|giờ|phút|tuần|tháng|năm|bước|phần trăm|lần|tiếng|giây",
}
_PRICE_WORDS: dict[tuple[FactType, Locale], str] = {
    (FactType.MONEY, "en"): "price|cost",
    (FactType.MONEY, "vi"): "giá|giá tiền|tiền hàng",
}
# Longer phrases that hide a word of the lists above.
_NO_ROLE_WORDS: dict[tuple[FactType, Locale], str] = {(FactType.MONEY, "vi"): "trị giá|đánh giá|giá trị"}
# Words that only name the kind of value, so that a line such as "Amount: 25 USD" takes its role from what leads it.
_NEUTRAL = re.compile(
    r"(?<!\w)(?:it|it's|its|that|that's|this|which|amount|sum|value|date|number|or|maybe|perhaps|actually|also|"
    r"another|alternatively|"
    r"đó|này|số tiền|mức|khoản|ngày|hoặc|hay|có thể|là|cũng)(?!\w)"
)
_WORD = re.compile(r"[^\W\d_]+")
_LINK = re.compile(
    r"[\s,;/]{0,3}(?:(?:or|and|hoặc|hay|và|rồi|then)?[\s]{0,2})(?:even|else|maybe|perhaps|also|có thể|"
    r"là)?[\s$€£]{0,2}$"
)

# Distances are in characters; each boundary between a role word and a value adds what it is worth here.
_PENALTY = {",": 18, ";": 40, ")": 15, "\n": 60, "|": 8, ".": 60, "!": 60, "?": 60}
_WORD_PENALTY = 15  # of "but", "and we"
_TAKEN = 60  # of a role word that stands next to another value
_ADJACENT = 16  # how near that is
_TOUCHING = 2
_FAR = 1_000_000
_REACH_OF_COUNT = 24
_LOOKED_AT = 4
_LONGEST_LINK = 24
_LONGEST_CARRY = 400


def role_words(lexicon: Lexicon, kind: FactType, locale: Locale) -> Iterator[tuple[str, Slots]]:
    """The role words of all slots of a type, each with the slots it marks, then those of things no lexicon names."""
    owners: dict[str, Slots] = {}
    for name, slot in lexicon.slots.items():
        if slot.type is kind:
            for word in slot.role.get(locale, ()):
                phrase = normalise_phrase(word)
                owners[phrase] = (*owners.get(phrase, ()), name)
    for phrase, slots in owners.items():
        yield from ((form, slots) for form in _forms(phrase, locale))
    for kind_of_value, words in ((FOREIGN, _FOREIGN_WORDS), (PRICE, _PRICE_WORDS), (NOBODY, _NO_ROLE_WORDS)):
        if listed := words.get((kind, locale)):
            yield from ((form, kind_of_value) for word in listed.split("|") for form in _forms(word, locale))


def _forms(phrase: str, locale: Locale) -> Iterator[str]:
    """A phrase with the endings of English nouns and verbs: "refund" also stands for "refunds" and "refunded"."""
    yield phrase
    if locale == "en" and phrase:
        yield from (phrase + ending for ending in ("s", "es", "ed", "d", "ing"))
        if phrase.endswith("e"):
            yield phrase[:-1] + "ing"


@dataclass(frozen=True, slots=True)
class _Scene:
    """What attribution looks at: the mentions and role words of one text, both in order."""

    passage: Passage
    kind: FactType
    mentions: Sequence[Mention]
    starts: Sequence[int]  # of role words
    ends: Sequence[int]
    owners: Sequence[Slots]
    cost: Sequence[int]  # running sum of the penalties of boundaries
    taken: Sequence[int]  # for each role word the mention right next to it, or -1


def attribute(passage: Passage, mentions: Sequence[Mention], roles: PhraseBook[Slots], kind: FactType) -> list[Slots]:
    """The slots each of the mentions belongs to: `FOREIGN` or `NOBODY` where to none."""
    hits = [hit for hit in roles.find(passage.words) if hit.payload]
    starts, ends = [hit.start for hit in hits], [hit.end for hit in hits]
    cost = _costs(passage)
    scene = _Scene(
        passage,
        kind,
        mentions,
        starts,
        ends,
        [hit.payload for hit in hits],
        cost,
        _taken(passage, mentions, starts, ends, cost),
    )
    result: list[Slots] = []
    for index in range(len(mentions)):
        if index and result[-1] and _coordinated(scene, index):
            result.append(result[-1])
        else:
            result.append(_owner(scene, index, result[-1] if result else NOBODY))
    return result


def _coordinated(scene: _Scene, index: int) -> bool:
    """Whether a mention only lists on from the one before: "25 USD, 30 USD or 40 USD"; not "and 5 USD shipping"."""
    previous, mention = scene.mentions[index - 1], scene.mentions[index]
    if mention.start - previous.end > _LONGEST_LINK or not _LINK.fullmatch(
        scene.passage.text, previous.end, max(previous.end, mention.start)
    ):
        return False
    role = bisect_left(scene.starts, mention.end)
    claimed = role < len(scene.starts) and scene.starts[role] - mention.end <= _TOUCHING and scene.taken[role] == index
    return not claimed


def _costs(passage: Passage) -> list[int]:
    """Running sum of the boundaries' penalties."""
    total = 0
    sums = [0]
    for position in passage.boundaries:
        char = passage.text[position]
        total += _WORD_PENALTY if char.isalpha() else _PENALTY.get(char, 4)
        sums.append(total)
    return sums


def _apart(passage: Passage, cost: Sequence[int], left: int, right: int) -> int:
    """Characters between two places, and the penalties of the boundaries among them."""
    between = passage.boundaries_between(left, right)
    return right - left + (cost[between.stop] - cost[between.start] if between else 0)


def _taken(
    passage: Passage, mentions: Sequence[Mention], starts: Sequence[int], ends: Sequence[int], cost: Sequence[int]
) -> list[int]:
    """A role word that stands next to one mention hardly names another."""
    mention_starts = [mention.start for mention in mentions]
    result = []
    for start, end in zip(starts, ends, strict=True):
        following = bisect_left(mention_starts, end)
        before = following - 1
        ahead = _apart(passage, cost, end, mention_starts[following]) if following < len(mentions) else _FAR
        behind = _apart(passage, cost, mentions[before].end, start) if before >= 0 else _FAR
        if 0 <= behind <= _TOUCHING < ahead:
            result.append(before)
        elif ahead <= _ADJACENT:
            result.append(following)
        else:
            result.append(before if 0 <= behind <= _ADJACENT else -1)
    return result


def _owner(scene: _Scene, index: int, before: Slots) -> Slots:
    """The owner of a mention; `before` is that of the mention before it."""
    mention = scene.mentions[index]
    low, high = scene.passage.sentence_span(scene.passage.sentence(mention.start))
    if (column := _column_role(scene, mention)) is not None:
        return column
    best, nearest = -1, 0
    here = bisect_left(scene.starts, mention.start)
    first, last = bisect_left(scene.starts, low), bisect_left(scene.starts, high)
    # Only a few role words on either side can be the nearest; the rest of a long sentence is not looked at.
    for role in range(max(first, here - _LOOKED_AT), min(last, here + _LOOKED_AT)):
        distance = _distance(scene, role, index)
        if distance is not None and (best < 0 or distance < nearest):
            best, nearest = role, distance
    if best < 0:
        return NOBODY if scene.kind is FactType.NUMBER else _carried(scene, index, low, high, before)
    if scene.owners[best] == PRICE:
        return _deed_with_price(scene, best, index)
    return scene.owners[best]


def _distance(scene: _Scene, role: int, index: int) -> int | None:
    """Characters between a role word and a mention, with penalties; None where the word is inside or out of reach."""
    mention = scene.mentions[index]
    if scene.ends[role] <= mention.start:
        left, right, behind = scene.ends[role], mention.start, 0
    elif scene.starts[role] >= mention.end:
        left, right, behind = mention.end, scene.starts[role], 1
    else:
        return None
    distance = _apart(scene.passage, scene.cost, left, right) + behind
    if scene.kind is FactType.NUMBER and distance > _REACH_OF_COUNT:
        return None
    return distance + (_TAKEN if scene.taken[role] not in (-1, index) else 0)


def _deed_with_price(scene: _Scene, price: int, index: int) -> Slots:
    """The owner of a price: what the clause does with it ("refunded the price", "the price was refunded")."""
    clause_start = scene.passage.clause_start(scene.starts[price])
    clause_end = scene.passage.clause_end(scene.mentions[index].end)
    before = range(price - 1, max(-1, price - _LOOKED_AT), -1)
    after = range(price + 1, min(price + _LOOKED_AT, len(scene.owners)))
    nearby: list[int] = [*before, *after]
    for role in nearby:
        if (
            clause_start <= scene.starts[role] < clause_end
            and scene.owners[role] not in (FOREIGN, PRICE)
            and scene.taken[role] in (-1, index)
        ):
            return scene.owners[role]
    return FOREIGN


def _carried(scene: _Scene, index: int, low: int, high: int, before: Slots) -> Slots:
    """The role of a sentence that names none itself: "It is 25 USD", "- 25 USD", "Amount: 25 USD"."""
    previous = bisect_left(scene.starts, low) - 1
    text = scene.passage.text
    if previous < 0 or low - scene.starts[previous] > _LONGEST_CARRY:
        return NOBODY
    if "\n\n" in text[scene.starts[previous] : low].rstrip().replace(":\n\n", ":\n"):
        return NOBODY
    sentence = text[low : min(high, low + 200)]
    if len(_WORD.findall(sentence)) <= 3 or _NEUTRAL.search(sentence):
        named_since = index > 0 and scene.mentions[index - 1].start > scene.starts[previous]
        return before if named_since else scene.owners[previous]
    return NOBODY


def _column_role(scene: _Scene, mention: Mention) -> Slots | None:
    """The role in the header of a table's column, unless the cell has one of its own."""
    text, starts = scene.passage.text, scene.starts
    header = _table_header(text, mention.start)
    if header is None:
        return None
    cell_start = text.rfind("|", 0, mention.start) + 1
    cell_end = text.find("|", mention.end)
    own, column = bisect_left(starts, cell_start), bisect_left(starts, header[0])
    if own < len(starts) and starts[own] < (cell_end if cell_end >= 0 else len(text)):
        return None
    return scene.owners[column] if column < len(starts) and starts[column] < header[1] else None


_RULE_ROW = re.compile(r"\s{0,4}\|?[\s:|-]{3,200}$")


def _table_header(text: str, at: int) -> tuple[int, int] | None:
    """The span of the header cell above a cell of a markdown table; None outside tables and in header-less ones."""
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
