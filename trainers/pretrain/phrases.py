"""Phrase banks: templates with alternatives, expanded at random and roughened the way users type."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache

from samescore.trainers.pretrain.fields import strip_diacritics


@dataclass(frozen=True, slots=True)
class Bank:
    """Everything said in one language. `[a|b]` is a choice, `{name}` is filled in by the conversation."""

    openers: tuple[str, ...]
    requests: tuple[str, ...]
    values: tuple[str, ...]
    flags: tuple[str, ...]
    chatter: tuple[str, ...]
    closers: tuple[str, ...]
    answers: tuple[str, ...]
    unknown: tuple[str, ...]
    confused: tuple[str, ...]
    follow_ups: tuple[str, ...]
    small_talk: tuple[tuple[str, str], ...]
    asking_for: tuple[str, ...]
    both: str
    left_open: tuple[str, ...]
    asks: tuple[str, ...]
    preambles: tuple[str, ...]
    results: tuple[str, ...]
    done: tuple[str, ...]
    fact: tuple[str, ...]
    refusals: tuple[str, ...]
    withheld: tuple[str, ...]
    blocked: tuple[str, ...]
    no_tool: tuple[str, ...]
    gave_up: tuple[str, ...]
    not_found: tuple[str, ...]
    handed_over: tuple[str, ...]
    personas: tuple[str, ...]
    today: tuple[str, ...]
    habits: tuple[str, ...]
    preamble_habit: tuple[str, ...]
    retry_rule: tuple[str, ...]
    handoff_rule: tuple[str, ...]
    wait_rule: tuple[str, ...]
    secret_rule: tuple[str, ...]
    house_openers: tuple[str, ...]
    house_closers: tuple[str, ...]


@cache
def _parts(template: str) -> tuple[tuple[str, ...], ...]:
    pieces = re.split(r"\[([^\]]*)\]", template)
    return tuple(tuple(piece.split("|")) if index % 2 else (piece,) for index, piece in enumerate(pieces))


def expand(rng: random.Random, templates: tuple[str, ...]) -> str:
    """One of the templates with its alternatives chosen; its `{name}` slots are still open."""
    parts = _parts(templates[int(rng.random() * len(templates))])
    return "".join(part[0] if len(part) == 1 else part[int(rng.random() * len(part))] for part in parts)


def say(rng: random.Random, templates: tuple[str, ...], **slots: object) -> str:
    """A filled-in phrase."""
    return expand(rng, templates).format(**slots)


def _typo(rng: random.Random, text: str) -> str:
    spots = [i for i in range(len(text) - 1) if text[i].isalpha() and text[i + 1].isalpha()]
    for _ in range(max(1, len(text) // 40)):
        if spots:
            i = rng.choice(spots)
            swapped = text[:i] + text[i + 1] + text[i] + text[i + 2 :]
            text = rng.choice((swapped, text[:i] + text[i + 1 :] + " ", text[: i + 1] + text[i:-1]))
    return text


def roughen(rng: random.Random, template: str, style: str) -> str:
    """The template's own words as typed in a `style` (plain, lower, bare, typos); its slots stay intact."""
    if style == "plain":
        return template
    pieces = re.split(r"(\{[^}]*\})", template)
    for index in range(0, len(pieces), 2):
        if style == "bare":
            pieces[index] = strip_diacritics(pieces[index]).lower()
        elif style == "lower":
            pieces[index] = pieces[index].lower()
        else:
            pieces[index] = _typo(rng, pieces[index])
    return "".join(pieces)


def typing_style(rng: random.Random, lang: str) -> str:
    """How carefully a user types, for a whole conversation."""
    roll = rng.random()
    if roll < 0.12:
        return "lower"
    if roll < 0.22:
        return "typos"
    return "bare" if lang == "vi" and roll < 0.37 else "plain"
