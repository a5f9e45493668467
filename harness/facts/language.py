"""Which of the two languages a reply is written in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from samescore.harness.facts.phrases import words_of
from samescore.harness.facts.text import words
from samescore.harness.lexicon import Locale

_ADDRESS = re.compile(r"[^\s@]{0,64}@[^\s@]{1,64}|https?://\S+|www\.\S+")
_READ = 2000  # words; more do not change the answer
_KNOWN_SHARE = 0.3
_MIXED_SHARE = 0.3
_VIETNAMESE_MARKS = re.compile(r"[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]")
# A Vietnamese syllable without its marks; "remboursé" and "über" have none of this shape.
_SYLLABLE = re.compile(r"(?:ngh|ng|nh|gh|gi|kh|ph|qu|th|tr|ch|[bcdghklmnprstvx])?[aeiouy]{1,3}(?:ng|nh|ch|[cmnpt])?$")

_VI_WORDS = frozenset(
    words(
        """anh chi em ban toi minh quy khach shop ben ung chung cua la va cho voi duoc khong da se dang chua
        roi nay kia ngay thang nam tien hoan hang ma xin vui cam chao vang nhe giup gui nhan cung neu thi vi
        nen nhung hoac cac mot hai trong ngoai sau truoc khi muon can biet lai them nua gi nao ai sao bao
        nhieu kiem tra thong tin yeu cau tro so theo hom luc tai len xuong qua ve doi tra giao phi tong theo
        du kien thanh toan khoan dien thoai"""
    )
) - frozenset(["so", "can", "the", "an", "me", "do", "to", "no", "sao", "ai", "ban", "em", "chi", "dang", "hang"])
# Words of English support replies that are no Vietnamese syllable, bare or marked.
_EN_WORDS = frozenset(
    words(
        """the is are was were been be being has have had having will would can't cannot could should shall may
        might you your yours we our ours us they their it its this that these those there here i'm i've i'll
        i'd we've we'll we're you're you'll it's that's what's isn't don't doesn't won't didn't and or but
        not of for from with without within into on onto at by as if when which who what where why how
        please thanks thank sorry hello hi dear regards sincerely yes order orders refund refunds refunded
        number amount total date pickup delivery delivered shipped shipping fee approved denied declined
        request ticket account card days business payment back issued processed sent help need share provide
        confirm know let any more further questions question done order's id email photo reason item items
        return returned exchange status details unfortunately eligible unable able all set good great happy
        ready service system server access password phone device incident team office locked unlocked reset restart
        restarts employee manager security opened sure get see here's about
        after before until only also just out up so can do my i a me no"""
    )
)


@lru_cache(maxsize=256)
def language_of(content: str) -> Locale | None:
    """The language of the words, or None: neither, too mixed, or too few words to tell.

    Ids, numbers and addresses do not count. Vietnamese typed without marks is known by its function words.
    """
    text = words_of(content) if not _ADDRESS.search(content) else words_of(_ADDRESS.sub(" ", content))
    result = _majority(text.words)
    # A name of the other language, such as a shop's or a product's, is no reason to call a reply mixed.
    return result if result else _majority(words_of(_without_names(content)).words)


def counts(words: Sequence[str]) -> tuple[int, int, int]:
    """How many of the words are English, Vietnamese, and neither."""
    english = vietnamese = others = 0
    for word in words:
        if word in _EN_WORDS:
            english += 1
        elif _is_vietnamese(word):
            vietnamese += 1
        elif word.isalpha():
            others += 1
    return english, vietnamese, others


def _majority(words: Sequence[str]) -> Locale | None:
    english, vietnamese, others = counts(words[:_READ])
    known = english + vietnamese
    if known == 0 or known < _KNOWN_SHARE * (known + others) or min(english, vietnamese) > _MIXED_SHARE * known:
        return None
    return "en" if english > vietnamese else "vi"


def _without_names(content: str) -> str:
    """The content without runs of two or more capitalised words inside a sentence."""
    words = content.split()
    inside = [False, *(not previous.endswith((".", "!", "?", ":")) for previous in words)]
    named = [inside[at] and word[:1].isupper() and word[1:].strip(".,!?:;)").islower() for at, word in enumerate(words)]
    beside = [False, *named, False]
    return " ".join(word for at, word in enumerate(words) if not (named[at] and (beside[at] or beside[at + 2])))


@lru_cache(maxsize=8192)
def _is_vietnamese(word: str) -> bool:
    if word in _VI_WORDS:
        return True
    if word.isascii() or not _VIETNAMESE_MARKS.search(word):
        return False
    bare = "".join(c for c in unicodedata.normalize("NFD", word.replace("đ", "d")) if not unicodedata.combining(c))
    return _SYLLABLE.match(bare) is not None
