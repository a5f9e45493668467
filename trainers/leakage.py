"""Leakage: do cases that are to judge the model stand in what it learns from?

Splits are generated disjoint in facts and in phrasing, and their lock files prove it (`samescore sop lock`). This looks
at what is really learned: gold cases, recorded conversations, and conversations of the users' own, against `dev` and
`eval`. What is the same in all splits by design, namely the procedure's wording, the house's replies and what tools
answer, is not compared.

The lengths and shares below tell leakage from what honest splits share; `docs/doctor.md` has the figures, and what
cannot be found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from samescore.harness.case import Case, Split
from samescore.harness.counted import counted
from samescore.harness.errors import UsageError
from samescore.harness.redaction.known import kind_of
from samescore.trainers.phrasing import CODE, Reader, Sentence, addresses_in, bare, numbers, numbers_in

PIECE = 4
"""Words of the pieces by which a conversation is likened to another."""

LIKE_SHARE, LIKE_WORDS = 0.5, 20
"""A case is like a training item if this share of all that its user says, or of the opening, is made of pieces of the
item, and they hold so many words."""

RUN = 13
"""So many words in a row are no coincidence (Brown et al. 2020, appendix C)."""

SENTENCE, ANY_SENTENCE = 4, 8
"""Words from which a sentence counts: one of a case, accents and all; one of any text, folded. Splits own sentences
from four words on; but people say short ones by chance, and Vietnamese words may differ by their accents alone."""

_EXAMPLES = 5
_LONGEST = 100

Kind: TypeAlias = Literal["likeness", "run", "sentence", "value"]
_KINDS: tuple[Kind, ...] = ("likeness", "run", "sentence", "value")  # what convinces most comes first


@dataclass(frozen=True, slots=True)
class TrainingText:
    """What one training item says. `facts` are those of the world it plays in; None where it has none, as a file's."""

    id: str
    user: tuple[str, ...]
    assistant: tuple[str, ...] = ()
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """What a training item and a held-out case have in common and must not: its kind, and the words or the fact."""

    kind: Kind
    training: str
    case: str
    split: Split
    text: str

    def words(self) -> str:
        """For people."""
        said = {
            "likeness": f"nearly the same, {self.text}",
            "run": f"{RUN} words in a row, {self.text!r}",
            "sentence": f"the sentence {self.text!r}",
            "value": f"the fact {self.text}",
        }
        return f"{self.training} and {self.case} ({self.split}): {said[self.kind]}"


@dataclass(frozen=True, slots=True)
class Overlap:
    """What training data and held-out cases share. `found` has at most one example of a kind for each held-out case.

    `training` are the ids of all training items concerned; `compared` how many items and cases were looked at.
    """

    found: tuple[Shared, ...]
    training: tuple[str, ...]
    compared: tuple[int, int]

    @property
    def cases(self) -> tuple[str, ...]:
        """The held-out cases concerned."""
        return tuple(dict.fromkeys(shared.case for shared in self.found))

    @property
    def examples(self) -> tuple[Shared, ...]:
        """A few, of different cases, what convinces most first."""
        best: dict[str, Shared] = {}
        for shared in sorted(self.found, key=lambda one: _KINDS.index(one.kind)):
            best.setdefault(shared.case, shared)
        return tuple(best.values())[:_EXAMPLES]

    def words(self) -> str:
        """How much overlaps, in a sentence without its end."""
        return (
            f"{counted(len(self.training), 'training item')} of {self.compared[0]} and "
            f"{counted(len(self.cases), 'held-out case')} of {self.compared[1]} share users' words or facts"
        )


def training_text(case: Case) -> TrainingText:
    """A case whose gold turns, or whose recorded conversation, are learned from."""
    return TrainingText(case.id, user_texts(case), tuple(turn.content for turn in case.gold), case.facts)


def user_texts(case: Case) -> tuple[str, ...]:
    """Everything that the user of a case can say; the opening comes first."""
    user = case.user
    told = (text for text in user.slots.values() if text is not None)
    return case.opening, *told, user.unknown, user.confused, *user.follow_ups


def check_leakage(training: Iterable[TrainingText], held_out: Sequence[Case]) -> Overlap:
    """Compare what is learned with the cases of `dev` and `eval`."""
    index, search = _Index(held_out), _Search()
    for item in training:
        index.look_for(item, search)
    order = {case.id: at for at, case in enumerate(held_out)}
    found = sorted(search.found.values(), key=lambda one: (order[one.case], _KINDS.index(one.kind)))
    return Overlap(tuple(found), tuple(search.training), (search.items, len(held_out)))


def require_no_leakage(training: Iterable[TrainingText], held_out: Sequence[Case]) -> Overlap:
    """Make sure that nothing leaks; returns what was compared.

    Raises:
        UsageError: a training item and a held-out case share what they must not; has examples.
    """
    overlap = check_leakage(training, held_out)
    if overlap.found:
        listing = "\n".join(f"  {shared.words()}" for shared in overlap.examples)
        raise UsageError(
            f"the training data leaks: {overlap.words()}, such as\n{listing}\nWhat was learned proves nothing when it "
            "is asked. Take these items out, or hold other cases out; `samescore doctor CONFIG --json` lists them all."
        )
    return overlap


class _Search:
    """What was found so far: an example for each held-out case and kind, that of the greatest likeness."""

    def __init__(self) -> None:
        self.items = 0
        self.found: dict[tuple[str, Kind], Shared] = {}
        self.training: dict[str, None] = {}
        self._share: dict[tuple[str, Kind], float] = {}

    def add(self, kind: Kind, item: TrainingText, case: Case, text: str, share: float = 1.0) -> None:
        """Note one thing."""
        self.training[item.id] = None
        if share > self._share.get((case.id, kind), 0.0):
            self._share[case.id, kind] = share
            self.found[case.id, kind] = Shared(kind, item.id, case.id, case.split, text)


class _Index:
    """The held-out cases by their pieces, runs of words, sentences and incidental values.

    A piece leads to the cases that have it, each with the words it covers there: a bit for each word of their users.
    """

    def __init__(self, cases: Sequence[Case]) -> None:
        self._cases = cases
        self._reader = Reader()
        self._pieces: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
        self._runs: dict[tuple[str, ...], set[int]] = defaultdict(set)
        self._marked: dict[str, set[int]] = defaultdict(set)
        self._folded: dict[str, set[int]] = defaultdict(set)
        self._values: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._numbers: dict[str, set[str]] = defaultdict(set)
        self._words: list[list[str]] = []
        self._openings: list[int] = []
        for at, case in enumerate(cases):
            self._add_words(at, case)
            for name in case.labels.get("incidental", ()):
                value = bare(str(case.facts[name]))
                self._values[value].append((at, name))
                for number in numbers(value):
                    self._numbers[number].add(value)

    def _add_words(self, at: int, case: Case) -> None:
        said: list[str] = []
        self._words.append(said)
        for number, text in enumerate(user_texts(case)):
            words: list[str] = []
            for sentence in self._reader.sentences(text):
                words += sentence.words
                if sentence.length >= SENTENCE:
                    self._marked[sentence.marked].add(at)
                if sentence.length >= ANY_SENTENCE:
                    self._folded[sentence.folded].add(at)
            for start in range(len(words) - PIECE + 1):
                piece = tuple(words[start : start + PIECE])
                # Pieces of codes say nothing; they are kept, and cover nothing, so that runs go on over them.
                bits = 0 if piece.count(CODE) > 1 else (2**PIECE - 1) << (len(said) + start)
                self._pieces[piece] += [(at, bits)] if bits else []
            for start in range(len(words) - RUN + 1):
                self._runs[tuple(words[start : start + RUN])].add(at)
            said += words
            if number == 0:
                self._openings.append(len(said))

    def look_for(self, item: TrainingText, search: _Search) -> None:
        """Note what the item has of any case."""
        search.items += 1
        covered: dict[int, int] = {}
        for text in item.user:
            words: list[str] = []
            for sentence in self._reader.sentences(text):
                words += sentence.words
                for at in self._same(sentence, item):
                    search.add("sentence", item, self._cases[at], _shortened(sentence.text))
            for at, run in self._covered(words, covered):
                search.add("run", item, self._cases[at], _shortened(" ".join(run)))
        for at, bits in covered.items():
            if bits.bit_count() >= LIKE_WORDS:
                self._liken(at, bits, item, search)
        for at, name in dict.fromkeys(self._values_of(item)):
            search.add("value", item, self._cases[at], _fact(self._cases[at], name))

    def _same(self, sentence: Sentence, item: TrainingText) -> set[int]:
        found: set[int] = set()
        if sentence.length >= SENTENCE and item.facts is not None:
            found |= self._marked.get(sentence.marked, set())
        if sentence.length >= ANY_SENTENCE:
            found |= self._folded.get(sentence.folded, set())
        return found

    def _covered(self, words: list[str], covered: dict[int, int]) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Mark the words of every case that pieces of a text cover; gives the runs that the text shares with a case."""
        known = 0
        for start in range(len(words) - PIECE + 1):
            places = self._pieces.get(tuple(words[start : start + PIECE]))
            known = 0 if places is None else known + 1
            for at, bits in places or ():
                covered[at] = covered.get(at, 0) | bits
            if known > RUN - PIECE:
                run = tuple(words[start + PIECE - RUN : start + PIECE])
                for at in self._runs.get(run, ()):
                    yield at, run

    def _liken(self, at: int, bits: int, item: TrainingText, search: _Search) -> None:
        for length, what in ((len(self._words[at]), "what its user says"), (self._openings[at], "its opening")):
            words = self._words[at][:length]
            size = sum(word != CODE for word in words)
            common = sum(word != CODE and bits >> place & 1 for place, word in enumerate(words))
            if common >= LIKE_WORDS and common >= LIKE_SHARE * size:
                text = f"{common / size:.0%} of {what}: {_longest(words, bits)!r}"
                search.add("likeness", item, self._cases[at], text, common / size)

    def _values_of(self, item: TrainingText) -> Iterator[tuple[int, str]]:
        """The incidental values that an item has among its facts, or in its texts if it has no facts."""
        if item.facts is not None:
            for fact in _leaves(item.facts):
                yield from self._values.get(bare(fact), ())
            return
        for text in (*item.user, *item.assistant):
            for address in addresses_in(text):
                yield from self._values.get(address, ())
            for number, form in numbers_in(text):
                for value in self._numbers.get(number, ()):
                    if value in bare(form):
                        yield from self._values[value]


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)


def _fact(case: Case, name: str) -> str:
    """A fact for a message; of what is personal the name alone."""
    value = case.facts[name]
    return f"{name} (personal, not shown)" if kind_of((name,), value) is not None else f"{name} = {value}"


def _longest(words: Sequence[str], bits: int) -> str:
    """The longest run of covered words."""
    best: list[str] = []
    run: list[str] = []
    for place, word in enumerate(words):
        run = [*run, word] if bits >> place & 1 else []
        best = run if len(run) > len(best) else best
    return _shortened(" ".join(best))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"
