"""The judge's error rates on the hand-written replies stay at most what was measured."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from samescore.harness.lexicon import LOCALES, Locale


def _benchmark() -> ModuleType:
    path = Path(__file__).resolve().parent.parent / "benchmarks" / "fact_judge.py"
    spec = importlib.util.spec_from_file_location("fact_judge", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fact_judge"] = module
    spec.loader.exec_module(module)
    return module


fact_judge = _benchmark()
OUTCOMES = list(
    fact_judge.assess([r for locale in LOCALES for r in fact_judge.load_replies(locale)], fact_judge.load_lexicon())
)

# Errors measured over both splits; `benchmarks/fact_judge.py` lists them. Lower a number when the judge gets better.
MEASURED = {
    ("en", "fact: false stated"): 0,
    ("en", "fact: false unstated"): 4,
    ("en", "asks"): 0,
    ("en", "asks_anything"): 1,
    ("en", "refuses"): 0,
    ("en", "language"): 2,
    ("vi", "fact: false stated"): 1,
    ("vi", "fact: false unstated"): 5,
    ("vi", "asks"): 1,
    ("vi", "asks_anything"): 0,
    ("vi", "refuses"): 0,
    ("vi", "language"): 0,
}


@pytest.mark.parametrize("locale", LOCALES)
def test_there_are_enough_replies_and_a_third_is_held_out(locale: Locale) -> None:
    replies = fact_judge.load_replies(locale)
    assert len({reply.id for reply in replies}) == len(replies) >= 120
    assert len({reply.text for reply in replies}) == len(replies)
    held_out = sum(reply.split == "held-out" for reply in replies)
    assert 0.3 < held_out / len(replies) < 0.36


def test_every_label_names_a_slot_of_the_lexicon() -> None:
    slots = fact_judge.load_lexicon().slots
    for locale in LOCALES:
        for reply in fact_judge.load_replies(locale):
            for check in reply.checks:
                assert check.get("slot", "order_id") in slots, reply.id
                assert set(check.get("slots", ())) <= set(slots), reply.id


@pytest.mark.parametrize(("locale", "kind"), MEASURED)
def test_errors_are_at_most_what_was_measured(locale: Locale, kind: str) -> None:
    wrong = [o for o in fact_judge.rates(OUTCOMES)[locale, kind, "all"] if o.wrong]
    listing = "\n".join(f"{o.reply.id} {o.about} [label: {o.label}]" for o in wrong)
    assert len(wrong) <= MEASURED[locale, kind], listing
