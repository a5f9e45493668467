"""The house's style guide as prose, in either language: for a model that has the procedure in its prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from samescore.harness.lexicon import Locale
from samescore.harness.style import StyleGuide, When


@dataclass(frozen=True, slots=True)
class _Words:
    """One language. Braces name what is filled in."""

    title: str
    apology: str
    house_words: str
    kinds: Mapping[When, str]
    always: str
    forbidden: str
    words: str
    characters: str
    one_language: str
    either: str


_WORDS: Mapping[Locale, _Words] = {
    "en": _Words(
        title="How to write to the user:",
        apology="When you decline, apologise before you do: say {phrases}.",
        house_words="{kinds} say {phrases}.",
        kinds={
            "answer": "When you tell the user what was done,",
            "refuse": "When you decline,",
            "ask": "When you ask for something,",
        },
        always="In every reply",
        forbidden="Never say {phrases}.",
        words="Write at most {most} words in a reply.",
        characters="Write at most {most} characters in a reply.",
        one_language="Write English only.",
        either=" or ",
    ),
    "vi": _Words(
        title="Cách viết cho người dùng:",
        apology="Khi từ chối, xin lỗi trước: dùng {phrases}.",
        house_words="{kinds} dùng {phrases}.",
        kinds={
            "answer": "Khi báo việc đã làm,",
            "refuse": "Khi từ chối,",
            "ask": "Khi hỏi thông tin,",
        },
        always="Trong mọi câu trả lời,",
        forbidden="Không bao giờ viết {phrases}.",
        words="Mỗi câu trả lời không quá {most} từ.",
        characters="Mỗi câu trả lời không quá {most} ký tự.",
        one_language="Chỉ viết bằng tiếng Việt.",
        either=" hoặc ",
    ),
}


def style_prose(guide: StyleGuide, locale: Locale) -> str:
    """The rules of a guide for one language, a line each under a title; empty where it has none."""
    lines = list(_lines(guide, locale, _WORDS[locale]))
    return "\n".join([_WORDS[locale].title, *(f"- {line}" for line in lines)]) if lines else ""


def _lines(guide: StyleGuide, locale: Locale, words: _Words) -> Iterator[str]:
    if phrases := guide.apology.get(locale):
        yield words.apology.format(phrases=_listed(phrases, words.either))
    for one in guide.house_words:
        if phrases := one.phrases.get(locale):
            for kinds in [words.kinds[kind] for kind in one.when] or [words.always]:
                yield words.house_words.format(kinds=kinds, phrases=_listed(phrases, words.either))
    if guide.forbidden:
        yield words.forbidden.format(phrases=_listed(guide.forbidden, words.either))
    if guide.words is not None:
        yield words.words.format(most=guide.words)
    if guide.characters is not None:
        yield words.characters.format(most=guide.characters)
    if guide.one_language:
        yield words.one_language


def _listed(phrases: Sequence[str], either: str) -> str:
    *others, last = [f"“{phrase}”" for phrase in phrases]
    return f"{', '.join(others)}{either}{last}" if others else last
