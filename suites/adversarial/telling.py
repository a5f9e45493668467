"""Which sentence of an opening tells a slot: the one that the phrase bank could have told it by."""

from __future__ import annotations

import re
from dataclasses import dataclass

from samescore.harness.lexicon import Locale
from samescore.suites.adversarial.scenario import Scenario
from samescore.suites.adversarial.text import Span, replaced, slot_values
from samescore.suites.sop.phrases import PhraseBank, give_symbol

_PLACEHOLDER = re.compile(r"(\{[^{}]*\})")
# Stands for the slot's own value while its sentence is looked for; a private-use character, in no utterance.
_VALUE = "\ue001"
_ENDED = r"(?:(?<=[.!?…])|\Z)"
_NEVER = "(?!)"


def telling_in(scenario: Scenario, slot: str) -> Span | None:
    """Where the opening tells a slot by a sentence of its own, as far as the bank's wordings say; None if nowhere.

    Only in what the bank gave: another request in the opening, or a second value, tells things in the same words.
    """
    if scenario.worded is None or scenario.beside is not None:
        return None
    before = scenario.opening.find(scenario.worded[0])
    if before < 0:
        return None
    value = slot_values(scenario)[slot]
    marked = replaced(scenario.worded[0], value, lambda before: _VALUE)
    symbol = give_symbol(scenario.sop, scenario.bank, scenario.locale, slot, scenario.voice().facts)
    match = _pattern(scenario, slot, symbol, marked).search(marked)
    if match is None:
        return None
    start = before + len(marked[: match.start()].replace(_VALUE, value))
    return start, start + len(match.group().replace(_VALUE, value))


def _pattern(scenario: Scenario, slot: str, symbol: str, within: str) -> re.Pattern[str]:
    """A pattern of all wordings of a symbol, as whole sentences, that a text may have in it.

    What the text lacks the words of is left out: a bank has so many wordings that a pattern of all takes long to make.
    """
    wordings = _Wordings(scenario.bank, scenario.locale, scenario.sop.slots[slot].fact, within)
    return re.compile(rf"(?:\A|(?<=[.!?…] ))(?:{wordings.of(symbol)}){_ENDED}(?!\S)")


@dataclass(frozen=True, slots=True)
class _Wordings:
    """Patterns of a bank's wordings, in which the value of `fact` is marked; of those that `within` may have in it."""

    bank: PhraseBank
    locale: Locale
    fact: str
    within: str

    def of(self, symbol: str) -> str:
        """A pattern of the wordings of a symbol; `SYMBOL@fact` is one for whatever value the fact has."""
        name, _, chooser = symbol.partition("@")
        symbols = self.bank.symbols[self.locale]
        names = [other for other in symbols if other.startswith(f"{name}.")] if chooser else [name]
        texts = dict.fromkeys(entry.text for one in names for entry in symbols[one])
        return "|".join(filter(None, map(self._wording, texts))) or _NEVER

    def _wording(self, text: str) -> str | None:
        pieces = _PLACEHOLDER.split(text)  # every second is a placeholder
        if not all(literal in self.within for literal in pieces[::2]):
            return None
        return "".join(self._piece(piece) if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))

    def _piece(self, placeholder: str) -> str:
        if placeholder == f"{{${self.fact}}}":
            return _VALUE
        return r"[^.!?…]+?" if placeholder.startswith("{$") else f"(?:{self.of(placeholder[1:-1])})"
