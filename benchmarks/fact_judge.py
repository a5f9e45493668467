"""Error rates of the fact judge on hand-written replies: `python benchmarks/fact_judge.py`.

Prints, per language, kind of check and split, how often the judge disagrees with the label, false "stated" and false
"not stated" apart, each with a 95% Wilson interval; then every reply it misjudges. `--speed` times it instead.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

from samescore.harness.facts import AnswerFact, asked_slots, asks_anything, judge, language_of, refuses
from samescore.harness.lexicon import LOCALES, FactType, Lexicon, Locale, SlotWords

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"


@dataclass(frozen=True, slots=True)
class Reply:
    """One labelled reply."""

    id: str
    locale: Locale
    split: str
    text: str
    checks: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check of one reply: what the label says and what the judge said."""

    reply: Reply
    kind: str
    label: object
    got: object
    about: str

    @property
    def wrong(self) -> bool:
        """Whether the judge disagrees with the label."""
        return self.label != self.got


def load_lexicon(path: Path = DATA / "support_lexicon.json") -> Lexicon:
    """The lexicon the replies are judged by."""
    data = json.loads(path.read_text(encoding="utf-8"))

    def words(entry: Mapping[str, list[str]]) -> dict[Locale, tuple[str, ...]]:
        return {locale: tuple(entry[locale]) for locale in LOCALES if locale in entry}

    return Lexicon(
        data["version"],
        {
            name: SlotWords(
                name,
                FactType(slot["type"]),
                ask=words(slot.get("ask", {})),
                role=words(slot.get("role", {})),
                values={value: words(entry) for value, entry in slot.get("values", {}).items()},
                pattern=slot.get("pattern"),
                currency=slot.get("currency"),
            )
            for name, slot in data["slots"].items()
        },
    )


def load_replies(locale: Locale) -> list[Reply]:
    """The labelled replies of one language."""
    lines = (DATA / f"replies.{locale}.jsonl").read_text(encoding="utf-8").splitlines()
    entries = map(json.loads, lines)
    return [Reply(e["id"], locale, e["split"], e["reply"], tuple(e["checks"])) for e in entries]


def assess(replies: Iterable[Reply], lexicon: Lexicon) -> Iterator[Outcome]:
    """Judge every check of every reply."""
    for reply in replies:
        for check in reply.checks:
            kind = check["kind"]
            if kind == "fact":
                fact = AnswerFact(check["slot"], check["value"])
                statement = judge(reply.text, fact, lexicon, reply.locale)
                about = f"{fact.slot} = {fact.value}: {statement.reason}"
                yield Outcome(reply, kind, check["stated"], statement.stated, about)
            elif kind == "asks":
                got = asked_slots(reply.text, lexicon, reply.locale)
                yield Outcome(
                    reply, kind, frozenset(check["slots"]), frozenset(got), f"asks {', '.join(got) or 'nothing'}"
                )
            elif kind == "asks_anything":
                yield Outcome(reply, kind, check["value"], asks_anything(reply.text, reply.locale), "asks anything")
            elif kind == "refuses":
                yield Outcome(reply, kind, check["value"], refuses(reply.text, reply.locale), "refuses")
            else:
                language = language_of(reply.text)
                yield Outcome(reply, kind, check["value"], language, f"language {language}")


def wilson(errors: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95% Wilson score interval of a proportion (Wilson 1927)."""
    if not total:
        return 0.0, 1.0
    share, spread = errors / total, z * z / total
    centre = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def rates(outcomes: Iterable[Outcome]) -> dict[tuple[str, str, str], list[Outcome]]:
    """Outcomes by (language, kind, split); facts apart by label, so that both error kinds show."""
    groups: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        kinds = [outcome.kind]
        if outcome.kind == "fact":
            kinds.append("fact: false unstated" if outcome.label else "fact: false stated")
        for kind in kinds:
            for split in (outcome.reply.split, "all"):
                groups[outcome.reply.locale, kind, split].append(outcome)
    return groups


def main() -> int:
    """Print the table and the misjudged replies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=["dev", "held-out", "all"], help="show one split only")
    parser.add_argument("--locale", choices=LOCALES, help="show one language only")
    parser.add_argument("--wrong", action="store_true", help="print misjudged replies in full")
    parser.add_argument("--speed", action="store_true", help="time the judge instead")
    options = parser.parse_args()
    lexicon = load_lexicon()
    replies = [reply for locale in LOCALES for reply in load_replies(locale) if options.locale in (None, locale)]
    if options.speed:
        return _speed(replies, lexicon)
    outcomes = list(assess(replies, lexicon))
    if options.split in ("dev", "held-out"):
        outcomes = [outcome for outcome in outcomes if outcome.reply.split == options.split]
    _print(outcomes, options.split, full=options.wrong)
    return 0


def _print(outcomes: list[Outcome], only: str | None, *, full: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 110)
    table = Table("language", "check", "split", "wrong", "of", "error rate", "95% interval", title="fact judge")
    for (locale, kind, split), group in sorted(rates(outcomes).items()):
        if only not in (None, split):
            continue
        errors = sum(outcome.wrong for outcome in group)
        low, high = wilson(errors, len(group))
        rate = f"{errors / len(group):.1%}"
        table.add_row(locale, kind, split, str(errors), str(len(group)), rate, f"{low:.1%} to {high:.1%}")
    console.print(table)
    for outcome in outcomes:
        if outcome.wrong:
            text = outcome.reply.text if full else " ".join(outcome.reply.text.split())[:150]
            label = sorted(outcome.label) if isinstance(outcome.label, frozenset) else outcome.label
            console.print(
                escape(f"{outcome.reply.id} ({outcome.reply.split}) {outcome.about} [label: {label}]"), style="bold"
            )
            console.print(escape(f"    {text}"))


def _speed(replies: list[Reply], lexicon: Lexicon) -> int:
    """Microseconds a reply, new to every cache, for a first fact, another, and the four helpers; best of ten."""
    first, further = AnswerFact("refund_amount", "25.00 USD"), AnswerFact("order_total", "25.00 USD")
    typical = [reply for reply in replies if 120 <= len(reply.text) <= 280]
    judging, again, helping = [], [], []
    for number in range(10):
        texts = [(f"{reply.text} Case {number}.", reply.locale) for reply in typical]
        start = time.perf_counter()
        for text, locale in texts:
            judge(text, first, lexicon, locale)
        judged = time.perf_counter()
        for text, locale in texts:
            judge(text, further, lexicon, locale)
        twice = time.perf_counter()
        for text, locale in texts:
            asked_slots(text, lexicon, locale)
            asks_anything(text, locale)
            refuses(text, locale)
            language_of(text)
        judging.append(judged - start)
        again.append(twice - judged)
        helping.append(time.perf_counter() - twice)
    size = sum(len(reply.text) for reply in typical) / len(typical)
    per_reply = 1e6 / len(typical)
    print(
        f"{len(typical)} replies of {size:.0f} characters on average: "
        f"first fact {min(judging) * per_reply:.0f} us, a further one {min(again) * per_reply:.0f} us, "
        f"all helpers {min(helping) * per_reply:.0f} us"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
