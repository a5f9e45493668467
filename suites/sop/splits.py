"""The three splits: who owns a wording, an id or a name; and the proof that no split saw another's.

Ownership is a hash of the text, so that it survives additions elsewhere, and is repaired where a split would get less
than its share.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from samescore.harness.case import Case, Split
from samescore.harness.fingerprint import seed_of

SHARES: Mapping[Split, int] = {"train": 60, "dev": 15, "eval": 25}
"""Per cent of the wordings, ids and pool entries that belong to each split."""

OWNED_WORDS = 4
"""From this many words on a sentence belongs to one split; shorter ones ("Hello.") are everybody's."""

MASK = "#"
_DRAWS = 2_000
_DIGITS = re.compile(r"\[0-9\](?:\{(\d+)\})?")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_CODE = re.compile(r"[\w@+./-]*\d(?:[\w@+./-]*\w)?")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")


def split_of(*parts: str) -> Split:
    """The split that owns something, by hash."""
    point = seed_of("split", *parts) % 100
    for split, share in SHARES.items():
        if point < share:
            return split
        point -= share
    raise AssertionError("the shares add up to 100")


def assign(texts: Collection[str], salt: str) -> dict[str, Split | None]:
    """The owner of each text of one list: by hash, then repaired so that each split has its share and at least one.

    Fewer than three texts cannot be divided; they are shared (None).
    """
    if len(texts) < len(SHARES):
        return dict.fromkeys(texts)
    owners: dict[str, Split] = {text: split_of(salt, text) for text in texts}
    least = {split: max(1, len(texts) * share // 100) for split, share in SHARES.items()}

    def surplus(split: Split) -> int:
        return sum(owner == split for owner in owners.values()) - least[split]

    for poor in SHARES:
        while surplus(poor) < 0:
            rich = max(SHARES, key=surplus)
            moved = min((text for text in texts if owners[text] == rich), key=lambda text: seed_of("move", salt, text))
            owners[moved] = poor
    return dict(owners)


def draw_id(pattern: str, split: Split, rng: random.Random, taken: Collection[str] = ()) -> str | None:
    """An id of the pattern (literal characters and `[0-9]{n}` groups) that the split owns and nobody has taken.

    None if the pattern has too few ids for that.
    """
    for _ in range(_DRAWS):
        drawn = _DIGITS.sub(lambda group: _digits(int(group[1] or 1), rng), pattern)
        if drawn not in taken and split_of("id", drawn) == split:
            return drawn
    return None


def draw_pool(owners: Mapping[str, Split | None], split: Split, rng: random.Random, taken: Collection[str] = ()) -> str:
    """An entry of a pool that the split may use; one that is not taken, where there is one."""
    usable = [entry for entry, owner in owners.items() if owner in (None, split)]
    return rng.choice([entry for entry in usable if entry not in taken] or usable)


def word_count(text: str) -> int:
    """Words of a text; values that were masked are none."""
    return len(_WORD.findall(text))


def masked(text: str, values: Iterable[str]) -> str:
    """A text with `#` for the given values, addresses, and whatever holds a digit."""
    for value in sorted(filter(None, values), key=len, reverse=True):
        text = text.replace(value, MASK)
    return _CODE.sub(MASK, _EMAIL.sub(MASK, text))


def sentences(text: str, values: Iterable[str]) -> tuple[str, ...]:
    """The masked sentences of a text, in one spelling: NFC, case-folded, white space collapsed, end marks off."""
    plain = unicodedata.normalize("NFC", masked(text, values)).casefold()
    return tuple(
        spelled for part in _SENTENCE_END.split(plain) if (spelled := " ".join(part.split()).strip(" .!?…,;:"))
    )


@dataclass(frozen=True, slots=True)
class Overlap:
    """Something that two splits share and must not: a masked sentence, or an incidental value; a case of each split."""

    kind: Literal["sentence", "value"]
    text: str
    cases: tuple[str, ...]

    def words(self) -> str:
        """The overlap, for an error message."""
        return f"{self.kind} {self.text!r} occurs in {' and '.join(self.cases)}"


def overlaps(cases: Iterable[Case]) -> tuple[Overlap, ...]:
    """Every sentence of a user (four words or more, values masked) and every incidental value that two splits share."""
    seen: dict[tuple[Literal["sentence", "value"], str], dict[Split, str]] = defaultdict(dict)
    for case in cases:
        values = incidental_values(case)
        for value in values:
            seen["value", value].setdefault(case.split, case.id)
        for text in _utterances(case):
            for sentence in sentences(text, values):
                if word_count(sentence) >= OWNED_WORDS:
                    seen["sentence", sentence].setdefault(case.split, case.id)
    return tuple(Overlap(kind, text, tuple(first.values())) for (kind, text), first in seen.items() if len(first) > 1)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How many cases open like another one of their suite, split and language once values are masked."""

    cases: int
    alike: tuple[tuple[str, ...], ...]

    @property
    def share(self) -> float:
        """The share of cases that read like a neighbour, in [0, 1]."""
        return sum(map(len, self.alike)) / self.cases if self.cases else 0.0


def near_duplicates(cases: Iterable[Case]) -> Likeness:
    """The groups of cases whose openings differ in nothing but values."""
    groups: dict[tuple[str, Split, str, tuple[str, ...]], list[str]] = defaultdict(list)
    total = 0
    for case in cases:
        total += 1
        groups[case.suite, case.split, case.locale, sentences(case.opening, incidental_values(case))].append(case.id)
    return Likeness(total, tuple(tuple(ids) for ids in groups.values() if len(ids) > 1))


def incidental_values(case: Case) -> tuple[str, ...]:
    """The ids and names of a case that nothing branches on."""
    return tuple(str(case.facts[name]) for name in case.labels.get("incidental", ()))


def _digits(count: int, rng: random.Random) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _utterances(case: Case) -> tuple[str, ...]:
    told = (text for text in case.user.slots.values() if text is not None)
    return case.opening, *told, case.user.unknown, case.user.confused
