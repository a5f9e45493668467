"""Where in a sentence its question starts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from samescore.harness.lexicon import Locale

_OPENER_EN = re.compile(
    r"[\s\"'>-]{0,5}(?:(?:and|so|but|or|also|ok|okay|then|now|just to (?:confirm|check)|to confirm|great|sure|"
    r"alright|hi|"
    r"sorry|finally|by the way)[ ,]{1,2})?"
    r"(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|can|could|may|might|shall|"
    r"should|will|"
    r"would|have|has|had|am|isn't|don't|aren't|won't|can't|couldn't|wouldn't|anything|any|need|want|what's|"
    r"where's|who's)(?![\w'])"
)
_WANTS_TO_KNOW_VI = re.compile(
    r"(?<!\w)(?:(?<!hỗ trợ )(?<!giúp )gì|nào|bao nhiêu|ở đâu|khi nào|vì sao|tại sao|(?<!không )sao)(?!\w)"
)
_ADDRESS_VI = r"(?: (?:ạ|nhé|nhỉ|vậy|thế|hả|anh/chị|anh chị|anh|chị|quý khách|bạn|mình|em)){0,4}"
# A last clause that only seeks agreement with what stands before it.
_TAG_VI = re.compile(
    rf"\s*(?:có )?(?:đúng|phải|được|ok|đồng ý|chịu)?(?: không| chứ| chưa| nhỉ| hả){_ADDRESS_VI}\s*$"
    rf"|\s*(?:đúng|phải|được|ok) (?:không|chứ){_ADDRESS_VI}\s*$|\s*(?:hay|hoặc)(?!\w)"
)
# Vietnamese questions in chat often end without a question mark.
_ENDS_AS_QUESTION_VI = re.compile(
    rf"(?:(?:phải|được|đúng|có) không|không ạ|chưa ạ|nhỉ|hả|(?:(?<!không có )(?<!vấn đề )gì|bao nhiêu|mấy|"
    rf"khi nào|ở đâu) ạ){_ADDRESS_VI}\s*$"
)
_LONGEST_ENDING = 60


def asks(text: str, start: int, end: int, mark: str, locale: Locale) -> bool:
    """Whether the sentence is a question; `mark` is the character that ends it."""
    if mark == "?":
        return True
    return locale == "vi" and _ENDS_AS_QUESTION_VI.search(text, max(start, end - _LONGEST_ENDING), end) is not None


def first_asking_clause(text: str, clauses: Sequence[int], end: int, locale: Locale) -> int:
    """Of a question's clauses, given by their starts, the start of the first that asks.

    "I refunded 25 USD, is there anything else?" asks from "is" on. Without an opener the whole is a question by
    intonation, except that a Vietnamese question asks in its last clause unless that is a mere tag.
    """
    if locale == "en":
        return next((clause for clause in clauses if _OPENER_EN.match(text, clause, end)), clauses[0])
    for clause, clause_end in zip(clauses, [*clauses[1:], end], strict=True):
        if _WANTS_TO_KNOW_VI.search(text, clause, clause_end):
            return clause
    return clauses[0] if _TAG_VI.match(text, clauses[-1], end) else clauses[-1]
