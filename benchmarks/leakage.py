"""What `samescore.trainers.leakage` finds, and what it does not.

    python benchmarks/leakage.py

Compares `train` with `dev` and `eval` of the built-in suites, which must share nothing; then plants every held-out case
in training data, changed in many ways, with other ids, and prints the share of those that are found. A minute on two
cores.
"""

from __future__ import annotations

import random
import re
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from samescore.harness.case import Case, Split
from samescore.harness.cli.loading import cases_of, load_suites
from samescore.trainers.leakage import TrainingText, check_leakage, training_text, user_texts

Change = Callable[[str, Case], str]
JOINED = (5, 20, 100)
"""How many honest conversations stand in one item, to see when length alone makes an item like a case."""


def main() -> None:
    """Print both tables."""
    train, held_out = cases("sop", "train"), cases("sop", "dev") + cases("sop", "eval")
    told = [training_text(case) for case in train]
    honest("sop, cases", told, held_out)
    honest("sop, as if from files", unlabelled(told), held_out)
    harder = cases("adversarial", "dev") + cases("adversarial", "eval")
    honest("adversarial", told, harder)
    for count in JOINED:
        honest(f"sop, {count} conversations an item", joined(told, count), held_out)
    planted(train, held_out)


def cases(suite: str, split: Split) -> list[Case]:
    """The cases of a built-in suite."""
    return cases_of(load_suites([suite], split, None))


def unlabelled(items: Iterable[TrainingText]) -> list[TrainingText]:
    """The same without the facts of their worlds."""
    return [TrainingText(item.id, item.user, item.assistant) for item in items]


def joined(items: Sequence[TrainingText], count: int) -> list[TrainingText]:
    """So many items in one."""
    return [
        TrainingText(items[at].id, tuple(text for item in items[at : at + count] for text in item.user))
        for at in range(0, len(items), count)
    ]


def honest(name: str, items: Sequence[TrainingText], held_out: Sequence[Case]) -> None:
    """What is found where nothing leaks."""
    began = time.perf_counter()
    found = check_leakage(items, held_out)
    seconds = time.perf_counter() - began
    print(f"{name:34} {len(items):6,} items  {len(held_out):5,} cases  {len(found.cases):3} found  {seconds:5.1f} s")


def planted(train: Sequence[Case], held_out: Sequence[Case]) -> None:
    """The share of planted cases that is found, by what was done to them and by what of them is there."""
    rng = random.Random(20261120)
    words = {
        locale: [word for case in train[::20] if case.locale == locale for word in case.opening.split()]
        for locale in ("en", "vi")
    }
    padding = {locale: [case.opening for case in train if case.locale == locale] for locale in ("en", "vi")}

    def reworded(share: float) -> Change:
        return lambda text, case: " ".join(
            rng.choice(words[case.locale]) if rng.random() < share else word for word in text.split()
        )

    def wrapped(text: str, case: Case) -> str:
        before, after = rng.choice(padding[case.locale]), rng.choice(padding[case.locale])
        return f"{before} {text.lower().replace('.', ',')} {after}"

    changes: dict[str, Change] = {
        "nothing": lambda text, case: text,
        "capitals": lambda text, case: text.upper(),
        "no punctuation": lambda text, case: re.sub(r"[^\w\s@]", " ", text),
        "no accents": lambda text, case: unaccented(text),
        "inside longer texts": wrapped,
        "every 10th word another": reworded(0.1),
        "every 5th word another": reworded(0.2),
        "3 of 10 words another": reworded(0.3),
    }
    parts: dict[str, Callable[[Case], Sequence[str]]] = {
        "conversation": user_texts,
        "opening": lambda case: (case.opening,),
        "one answer": lambda case: (rng.choice(user_texts(case)[1:]),),
    }
    print(f"\n{'what was changed':26}" + "".join(f"{part:>14}" for part in parts))
    for name, change in changes.items():
        shares = []
        for part in parts.values():
            items = [
                TrainingText(case.id, tuple(other_ids(change(text, case), rng) for text in part(case)))
                for case in held_out
            ]
            shares.append(len(check_leakage(items, held_out).training) / len(items))
        print(f"{name:26}" + "".join(f"{share:14.3f}" for share in shares))


def other_ids(text: str, rng: random.Random) -> str:
    """The text with other digits, so that no value gives the case away."""
    return re.sub(r"\d", lambda _: str(rng.randrange(10)), text)


def unaccented(text: str) -> str:
    """The text as typed without Vietnamese input."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(character for character in plain if not unicodedata.combining(character))


if __name__ == "__main__":
    main()
