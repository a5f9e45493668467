"""The phrase bank: what users say, per language, as lists of alternatives under symbols; and its seeded expansion."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from samescore.harness.case import Split
from samescore.harness.errors import SopError
from samescore.harness.lexicon import LOCALES, Locale
from samescore.suites.sop.model import Fact, FactKind, Sop
from samescore.suites.sop.splits import OWNED_WORDS, assign, sentences, split_of, word_count

DETAILS = "details"
"""The symbol of an opening where the given slots are told; bound anew for every case."""

_REQUIRED = ("opening", "unknown", "confused")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_FACT = re.compile(r"\$([\w.]+)")
_SYMBOL = re.compile(r"([\w.]+)(?:@([\w.]+))?")
_POOL = "pool."
_DEPTH = 20
_DRAWS = 200
# Marks each word that a split owns while a text is put together; a private-use character, in no utterance.
_ANCHOR = "\ue000"


@dataclass(frozen=True, slots=True)
class Alternative:
    """One wording, and the split that owns it; None: all may say it."""

    text: str
    line: int
    split: Split | None


@dataclass(frozen=True, slots=True)
class PhraseBank:
    """The wordings of one SOP: pools of names with each entry's owner, and per language the alternatives of symbols."""

    path: Path
    pools: Mapping[str, Mapping[str, Split | None]]
    symbols: Mapping[Locale, Mapping[str, tuple[Alternative, ...]]]

    def content(self) -> dict[str, Any]:
        """What the file says, for fingerprints."""
        return {
            "pools": {name: list(entries) for name, entries in self.pools.items()},
            "symbols": {
                locale: {name: [entry.text for entry in entries] for name, entries in symbols.items()}
                for locale, symbols in self.symbols.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice: one language and split, and the facts it can speak of, as text. `values` are masked in comparisons."""

    bank: PhraseBank
    locale: Locale
    split: Split
    facts: Mapping[str, str]
    values: tuple[str, ...] = ()

    def expand(self, text: str, rng: random.Random, bound: Mapping[str, str] | None = None) -> str:
        """The text with every placeholder replaced; `bound` are placeholders whose text is given."""
        return _tidy(self._expanded(text, rng, bound or {}, False).replace(_ANCHOR, ""))

    def say(self, symbol: str, rng: random.Random, details: Sequence[str] = ()) -> str:
        """A wording of the symbol, each of whose longer sentences belongs to this split alone.

        `details` are the symbols that `{details}` stands for. A sentence that holds words the split owns is its own. One put together from shared pieces belongs to the split
        that its hash says; so the draw is repeated until it is ours.

        Raises:
            SopError: no such wording was found.
        """
        for _ in range(_DRAWS):
            told = " ".join(self._expanded(f"{{{detail}}}", rng, {}, False) for detail in details)
            drawn = _tidy(self._expanded(f"{{{symbol}}}", rng, {DETAILS: told}, False))
            if all(map(self._may_say, sentences(drawn, self.values))):
                return drawn.replace(_ANCHOR, "")
        entries = self.bank.symbols[self.locale][symbol]
        raise SopError(
            f"{self.bank.path}:{entries[0].line}: {self.locale}.{symbol}: no wording is left for split {self.split}. Give at "
            f"least three alternatives of {OWNED_WORDS} words or more, here or in the symbols it uses."
        )

    def _may_say(self, sentence: str) -> bool:
        return (
            _ANCHOR in sentence or word_count(sentence) < OWNED_WORDS or split_of("sentence", sentence) == self.split
        )

    def _expanded(self, text: str, rng: random.Random, bound: Mapping[str, str], owned: bool) -> str:
        pieces = _PLACEHOLDER.split(text)
        for index, piece in enumerate(pieces):
            if index % 2 == 0:
                pieces[index] = _anchored(piece) if owned else piece
            elif piece in bound:
                pieces[index] = bound[piece]
            elif fact := _FACT.fullmatch(piece):
                pieces[index] = self.facts[fact[1]]
            else:
                pieces[index] = self._spoken(piece, rng, bound)
        return "".join(pieces)

    def _spoken(self, reference: str, rng: random.Random, bound: Mapping[str, str]) -> str:
        symbol, _, fact = reference.partition("@")
        name = f"{symbol}.{self.facts[fact]}" if fact else symbol
        entries = [e for e in self.bank.symbols[self.locale][name] if e.split in (None, self.split)]
        chosen = rng.choice(entries)
        return self._expanded(chosen.text, rng, bound, chosen.split is not None)


def load_phrases(sop: Sop) -> PhraseBank:
    """Read and check the phrase bank beside an SOP.

    Raises:
        SopError: the file is missing, is no YAML, lacks a language, a symbol or a pool that the SOP needs, or refers to
            what does not exist.
    """
    root = _mapping(_compose(sop.phrases), sop.phrases, "the phrase bank")
    pools: dict[str, Mapping[str, Split | None]] = {}
    symbols: dict[Locale, Mapping[str, tuple[Alternative, ...]]] = {}
    for key, node in root.items():
        line = _line(node)
        if key.startswith(_POOL):
            entries = [text for text, _ in _texts(node, sop.phrases, key)]
            pools[key.removeprefix(_POOL)] = assign(entries, key)
        elif key in LOCALES:
            symbols[key] = {
                name: _alternatives(name, value, sop.phrases, key)
                for name, value in _mapping(node, sop.phrases, key).items()
            }
        else:
            expected = ", ".join([*LOCALES, f"{_POOL}NAME"])
            raise SopError(f"{sop.phrases}:{line}: unknown key {key!r}. Expected {expected}.")
    bank = PhraseBank(sop.phrases, pools, symbols)
    _check(bank, sop)
    return bank


def give_symbol(sop: Sop, bank: PhraseBank, locale: Locale, slot: str, facts: Mapping[str, str]) -> str:
    """The symbol by which a slot is told: that of its value, where the bank has one."""
    by_value = f"give.{slot}.{facts[sop.slots[slot].fact]}"
    return by_value if by_value in bank.symbols[locale] else f"give.{slot}"


def _check(bank: PhraseBank, sop: Sop) -> None:
    for fact in sop.facts.values():
        if fact.pool is not None and fact.pool not in bank.pools:
            raise SopError(
                f"{sop.path}:{fact.line}: fact {fact.name} draws from pool {fact.pool!r}, which {bank.path.name} does not "
                f"have. Add `{_POOL}{fact.pool}: [...]` there."
            )
        if fact.pool is not None and None in bank.pools[fact.pool].values():
            raise SopError(f"{bank.path}:1: {_POOL}{fact.pool} has too few entries to be split. Give at least three.")
    for locale in LOCALES:
        if locale not in bank.symbols:
            raise SopError(f"{bank.path}:1: no wordings for language {locale!r}. Add a key `{locale}:`.")
        symbols = bank.symbols[locale]
        for needed in (*_REQUIRED, *_give_symbols(sop, symbols)):
            if needed not in symbols:
                raise SopError(
                    f"{bank.path}:1: {locale} has no symbol {needed!r}, which the procedure needs. Add a list of "
                    "alternatives."
                )
        for name, entries in symbols.items():
            for entry in entries:
                _check_alternative(bank, sop, locale, name, entry)
        _check_cycles(bank, locale)
        _check_details(bank, sop, locale)


def _check_alternative(bank: PhraseBank, sop: Sop, locale: Locale, name: str, entry: Alternative) -> None:
    where = f"{bank.path}:{entry.line}: {locale}.{name}"
    for reference in _PLACEHOLDER.findall(entry.text):
        if told := _FACT.fullmatch(reference):
            if told[1] not in sop.facts:
                raise SopError(f"{where}: unknown fact {told[1]!r}. Known: {', '.join(sop.facts)}.")
        elif not (parts := _SYMBOL.fullmatch(reference)):
            raise SopError(
                f"{where}: cannot read {{{reference}}}. Expected {{symbol}}, {{$fact.name}} or {{symbol@fact.name}}."
            )
        elif parts[2] is not None and parts[2] not in sop.facts:
            raise SopError(f"{where}: unknown fact {parts[2]!r}. Known: {', '.join(sop.facts)}.")
        for symbol in _referenced(reference, sop):
            if symbol not in bank.symbols[locale] and not (symbol == DETAILS and name == "opening"):
                raise SopError(f"{where}: unknown symbol {symbol!r}. Add it to {locale}, or correct the name.")
    if "{" in _PLACEHOLDER.sub("", entry.text) or "}" in _PLACEHOLDER.sub("", entry.text):
        raise SopError(f"{where}: a brace without its partner in {entry.text!r}.")


def _check_cycles(bank: PhraseBank, locale: Locale) -> None:
    symbols = bank.symbols[locale]
    depth: dict[str, int] = dict.fromkeys(symbols, 0)
    for _ in range(_DEPTH):
        deeper = {
            name: 1 + max((depth[used] for entry in entries for used in _uses(entry, symbols)), default=-1)
            for name, entries in symbols.items()
        }
        if deeper == depth:
            return
        depth = deeper
    name = max(depth, key=lambda symbol: depth[symbol])
    raise SopError(
        f"{bank.path}:{symbols[name][0].line}: {locale}.{name}: the symbols it uses lead back to themselves, or are nested "
        f"deeper than {_DEPTH}. Break the circle."
    )


def _check_details(bank: PhraseBank, sop: Sop, locale: Locale) -> None:
    if all(slot.given == "never" for slot in sop.slots.values()):
        return
    for entry in bank.symbols[locale]["opening"]:
        if f"{{{DETAILS}}}" not in entry.text:
            raise SopError(
                f"{bank.path}:{entry.line}: {locale}.opening: {entry.text!r} has no {{{DETAILS}}}, so it cannot tell the slots "
                "that are given. Add it."
            )


def _uses(entry: Alternative, symbols: Mapping[str, Any]) -> Iterator[str]:
    for reference in _PLACEHOLDER.findall(entry.text):
        symbol, _, fact = reference.partition("@")
        if fact:
            yield from (name for name in symbols if name.startswith(f"{symbol}."))
        elif symbol in symbols:
            yield symbol


def _referenced(reference: str, sop: Sop) -> Iterator[str]:
    """The symbols that a placeholder may lead to."""
    symbol, _, fact = reference.partition("@")
    if fact:
        yield from (f"{symbol}.{value}" for value in _values(sop.facts[fact]))
    elif not reference.startswith("$"):
        yield symbol


def _give_symbols(sop: Sop, symbols: Mapping[str, Any]) -> Iterator[str]:
    """The symbols that tell the slots: one a slot, or one a value."""
    for slot in sop.slots.values():
        values = _values(sop.facts[slot.fact])
        if f"give.{slot.name}" not in symbols and any(f"give.{slot.name}.{value}" in symbols for value in values):
            yield from (f"give.{slot.name}.{value}" for value in values)
        else:
            yield f"give.{slot.name}"


def _values(fact: Fact) -> tuple[str, ...]:
    return ("true", "false") if fact.kind is FactKind.BOOL else fact.values


def _alternatives(name: str, node: yaml.Node, path: Path, locale: str) -> tuple[Alternative, ...]:
    texts = list(_texts(node, path, f"{locale}.{name}"))
    long = [text for text, _ in texts if word_count(_PLACEHOLDER.sub(" ", text)) >= OWNED_WORDS]
    owners = assign(long, f"{locale}.{name}")
    return tuple(Alternative(text, line, owners.get(text)) for text, line in texts)


def _anchored(literal: str) -> str:
    return re.sub(r"(?=\b\w)", _ANCHOR, literal) if word_count(literal) else literal


def _tidy(text: str) -> str:
    """One space between words, none before an end mark: an empty {details} leaves no trace."""
    return re.sub(r" +([,.!?;:])", r"\1", " ".join(text.split()))


def _compose(path: Path) -> yaml.Node:
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise SopError(f"{path}:1: there is no phrase bank. An SOP needs one beside it, named {path.name}.") from None
    except UnicodeDecodeError as error:
        raise SopError(f"{path}:1: not UTF-8 at byte {error.start}. Save the file as UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SopError(f"{path}:{line}: not YAML: {error.problem}. Correct the file.") from None
    except yaml.YAMLError as error:
        raise SopError(f"{path}:1: not YAML: {error}. Correct the file.") from None
    if node is None:
        raise SopError(f"{path}:1: the phrase bank is empty. Expected {', '.join(LOCALES)} and pools.")
    return node


def _mapping(node: yaml.Node, path: Path, what: str) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise SopError(f"{path}:{_line(node)}: {what}: expected a mapping of names, found a {node.id}.")
    result: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise SopError(f"{path}:{_line(key)}: {what}: a name must be plain text.")
        if key.value in result:
            raise SopError(f"{path}:{_line(key)}: {what}: {key.value!r} occurs twice. Remove one.")
        result[key.value] = value
    return result


def _texts(node: yaml.Node, path: Path, what: str) -> Iterator[tuple[str, int]]:
    if not isinstance(node, yaml.SequenceNode):
        raise SopError(f"{path}:{_line(node)}: {what}: expected a list of alternatives, found a {node.id}.")
    if not node.value:
        raise SopError(f"{path}:{_line(node)}: {what}: the list is empty. Give at least one alternative.")
    seen: set[str] = set()
    for item in node.value:
        if not isinstance(item, yaml.ScalarNode):
            raise SopError(f"{path}:{_line(item)}: {what}: an alternative must be text, found a {item.id}.")
        text = unicodedata.normalize("NFC", item.value)
        if text in seen:
            raise SopError(f"{path}:{_line(item)}: {what}: {text!r} occurs twice. Remove one.")
        seen.add(text)
        yield text, _line(item)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
