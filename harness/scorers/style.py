"""`style`: does every word to the user keep to the house's guide?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from samescore.harness.case import Case, Ending
from samescore.harness.facts.saying import says_any
from samescore.harness.lexicon import Locale
from samescore.harness.mutants import Mutant, answer_at, with_final, with_turn
from samescore.harness.scorer import PASS, Context, Scorer
from samescore.harness.style import Fault, HouseWords, Reply, StyleGuide, faults, rules
from samescore.harness.types import Score


def judge(context: Context) -> Score:
    """Share of the guide's rules that all words to the user keep; 0 if gold speaks and nothing was said.

    The rules are those for the case's language. A decision is judged by its one turn. Thinking is not judged.
    """
    case, guide = context.case, context.case.expectation.style
    assert guide is not None, "applies only where there is a guide"
    replies = _replies(context)
    if not replies:
        speaks = any(turn.content for turn in case.gold[case.prefix : case.prefix + 1 if case.decision else None])
        return Score(0.0, "nothing was said to the user") if speaks else PASS
    stated = rules(guide, case.locale)
    found = faults(stated, replies)
    if not found:
        return PASS
    broken = dict.fromkeys(fault.rule for fault in found)
    reason = "; ".join(f"{fault.rule}: {fault.words}" for fault in found)
    return Score(1 - len(broken) / len(stated), reason, {"broken": list(broken), "rules": len(stated)})


def faults_of_gold(case: Case) -> tuple[Fault, ...]:
    """The rules of the case's guide that its own gold turns break."""
    guide = case.expectation.style
    if guide is None:
        return ()
    at, last = answer_at(case), case.prefix if case.decision else len(case.gold) - 1
    replies = [
        Reply(index + 1, turn.content, _kind(case, bool(turn.calls), index >= at))
        for index, turn in enumerate(case.gold)
        if case.prefix <= index <= last and turn.content
    ]
    return faults(rules(guide, case.locale), replies)


def _replies(context: Context) -> list[Reply]:
    """Every turn of the model's with words to the user."""
    case, answer, answered = context.case, context.answer, False
    replies = []
    for number, step in enumerate(context.trajectory.steps[case.prefix :], case.prefix + 1):
        answered = answered or step.turn is answer
        if step.turn.content:
            replies.append(Reply(number, step.turn.content, _kind(case, bool(step.turn.attempts), answered)))
    return replies


def _kind(case: Case, calls: bool, answered: bool) -> str | None:
    """What a reply is: the case's ending from the reply to the request on, and in a decision; a question before."""
    if calls:
        return None
    return case.expectation.ending if answered or case.decision else Ending.ASK


_DECLINED: dict[Locale, str] = {
    "en": "We cannot help you with this request",
    "vi": "Bên em không thể hỗ trợ yêu cầu này ạ",
}
_ASIDE: dict[Locale, str] = {
    "en": "Dạ bên em cảm ơn anh/chị đã liên hệ.",
    "vi": "Thank you very much for writing to us today.",
}


def mutants(case: Case) -> Iterator[Mutant]:
    """Every rule broken once, and in ways that hide it: phrases in markup, letters spaced, words in comments."""
    guide = case.expectation.style
    spoken = [index for index, turn in enumerate(case.gold) if turn.content]
    if guide is None or not spoken:
        return
    last = case.gold[-1].content
    yield Mutant("says nothing", tuple(replace(turn, content="") for turn in case.gold))
    yield from _impolite(case, guide.apology.get(case.locale, ()))
    for one in guide.house_words:
        yield from _plain(case, one, spoken)
    for phrase in guide.forbidden:
        yield Mutant(f"says {phrase!r}", with_final(case, f"{last} {phrase}"))
    for phrase in guide.forbidden[:1]:
        for index, turn in enumerate(case.gold[:-1]):
            beside = replace(turn, content=f"{turn.content} {phrase}".strip())
            yield Mutant(f"turn {index} says {phrase!r}", with_turn(case, index, beside))
        for words, written in {
            "in capitals": phrase.upper(),
            "in bold words": " ".join(f"**{word}**" for word in phrase.split()),
            "in a tag": f"<b title='{phrase}'></b>",
            "with invisible characters": "\u200b".join(phrase),
        }.items():
            yield Mutant(f"says {phrase!r} {words}", with_final(case, f"{last} {written}"))
    yield from _wordy(case, guide, last)
    if guide.one_language:
        yield Mutant("a sentence in the other language", with_final(case, f"{last} {_ASIDE[case.locale]}"))


def _impolite(case: Case, apologies: tuple[str, ...]) -> Iterator[Mutant]:
    """A refusal without an apology, and with one that comes too late."""
    if apologies:
        declined = _DECLINED[case.locale]
        yield Mutant("declines and does not apologise", with_final(case, f"{declined}."))
        yield Mutant("declines and then apologises", with_final(case, f"{declined}. {apologies[0]}."))


def _plain(case: Case, one: HouseWords, spoken: list[int]) -> Iterator[Mutant]:
    """House words left out, made part of a longer word, or put where nobody sees them."""
    phrases, at = one.phrases.get(case.locale, ()), answer_at(case)
    stands = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases))})(?!\w)", re.IGNORECASE)
    for index in spoken:
        turn = case.gold[index]
        kind = _kind(case, bool(turn.calls), index >= at)
        if not says_any(turn.content, phrases) or (one.when and kind not in one.when):
            continue
        for words, other in {"left out": "", "in longer words": r"x\g<0>x", "in a comment": r"<!-- \g<0> -->"}.items():
            altered = replace(turn, content=stands.sub(other, turn.content))
            if not says_any(altered.content, phrases):
                yield Mutant(f"turn {index}: house words {words}", with_turn(case, index, altered))


def _wordy(case: Case, guide: StyleGuide, last: str) -> Iterator[Mutant]:
    """The last reply said again until it is too long."""
    for words, most, had in (
        ("too many words", guide.words, len(last.split())),
        ("too many characters", guide.characters, len(last)),
    ):
        if most is not None and had:
            yield Mutant(words, with_final(case, " ".join([last] * (most // had + 1))))


SCORER = Scorer(
    name="style",
    version=1,
    summary="every word to the user keeps to the house's style guide",
    applies=lambda case: case.expectation.style is not None and bool(rules(case.expectation.style, case.locale)),
    judge=judge,
    mutants=mutants,
)
