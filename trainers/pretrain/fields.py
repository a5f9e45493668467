"""Typed fields: what a parameter or a result may hold, how values are drawn and how people say them."""

from __future__ import annotations

import json
import random
import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, timedelta

from samescore.trainers.pretrain import people, words
from samescore.trainers.pretrain.words import Attribute, Choice

Scalar = str | int | float | bool
Value = Scalar | list[str]
IDENTITY_KINDS = frozenset({"id", "email", "phone", "name"})
"""Kinds whose value stays known for the rest of a conversation."""
DECIDABLE_KINDS = frozenset({"int", "money", "date", "bool", "enum"})
"""Kinds that a rule can decide on."""


@dataclass(frozen=True, slots=True)
class Field:
    """A named, typed property; `shape` is an id's pattern with # for a digit and @ for a capital letter.

    A list has the field of its elements, and may say that its order means nothing.
    """

    name: str
    kind: str
    en: str
    vi: str
    shape: str = ""
    high: int = 1000
    choices: tuple[Choice, ...] = ()
    element: Field | None = None
    unique: bool = False

    def label(self, lang: str) -> str:
        """The field's wording in `lang`."""
        return self.vi if lang == "vi" else self.en


def pseudo_word(rng: random.Random) -> str:
    """A pronounceable word that no language has."""
    count = rng.choice((2, 2, 3))
    syllables = [rng.choice(words.ONSETS) + rng.choice(words.VOWELS) for _ in range(count)]
    return "".join(syllables) + rng.choice(words.CODAS)


def strip_diacritics(text: str) -> str:
    """Vietnamese as typed without a Vietnamese keyboard."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(char for char in plain if not unicodedata.combining(char))


def id_shape(rng: random.Random) -> str:
    """A random pattern of identifiers: prefix, separator, digits, seldom a tail."""
    prefix = "".join(chr(65 + int(rng.random() * 26)) for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 3, 4))))
    digits = "#" * rng.choice((3, 4, 4, 5, 5, 5, 6, 6, 7, 8))
    separator = rng.choice(("-", "-", "-", "", "_", "/")) if prefix else ""
    tail = rng.choice(("", "", "", "", "", "", "-@", "-##", "@@", "-@@"))
    return prefix + separator + digits + tail


def shape_pattern(shape: str) -> str:
    """The regular expression of an id shape, anchored."""
    parts = []
    for run in re.findall(r"#+|@+|[^#@]+", shape):
        body = {"#": r"\d", "@": "[A-Z]"}.get(run[0])
        parts.append(f"{body}{{{len(run)}}}" if body else run)
    return "^" + "".join(parts) + "$"


def id_field(rng: random.Random, name: str, en: str, vi: str) -> Field:
    """An identifier of the thing called `name`."""
    suffix, word = rng.choice((("id", "ID"), ("id", "ID"), ("id", "number"), ("code", "code"), ("number", "number")))
    return Field(f"{name}_{suffix}", "id", f"{en} {word}", rng.choice(("mã ", "mã ", "số ")) + vi, id_shape(rng))


_BANKS: tuple[tuple[str, int, tuple[Attribute, ...]], ...] = (
    ("int", 26, words.INTEGERS),
    ("money", 14, words.MONEY),
    ("bool", 18, words.BOOLEANS),
    ("date", 20, words.DATES),
    ("email", 5, words.EMAILS),
    ("phone", 4, words.PHONES),
    ("name", 5, words.PEOPLE),
    ("text", 8, words.TEXTS),
)
_KINDS = [kind for kind, _, _ in _BANKS] + ["enum"]
_WEIGHTS = [weight for _, weight, _ in _BANKS] + [18]
_BANK = {kind: bank for kind, _, bank in _BANKS}
_HIGHS = (10, 30, 60, 100, 100, 365, 500, 1000, 1000, 1000)


def attribute_field(rng: random.Random, kind: str = "") -> Field:
    """A random field that is not an identifier; now and then it has a made-up name."""
    kind = kind or rng.choices(_KINDS, _WEIGHTS)[0]
    choices: tuple[Choice, ...] = ()
    if kind == "enum":
        attribute, bank = rng.choice(words.ENUMS)
        choices = tuple(rng.sample(bank, rng.randint(2, min(6, len(bank)))))
    else:
        attribute = rng.choice(_BANK[kind])
    if kind in ("int", "money", "bool", "date") and rng.random() < 0.25:
        made_up = pseudo_word(rng)
        attribute = Attribute(f"{made_up}_{attribute.name}", f"{made_up} {attribute.en}", f"{attribute.vi} {made_up}")
    return Field(attribute.name, kind, attribute.en, attribute.vi, "", rng.choice(_HIGHS), choices)


def list_field(rng: random.Random) -> Field:
    """A random list of choices, identifiers or short values."""
    attribute = rng.choice(words.LISTS)
    name = attribute.name
    roll = rng.random()
    if roll < 0.5:
        element = attribute_field(rng, "enum")
    elif roll < 0.8:
        element = Field(f"{name}_entry", "id", attribute.en, attribute.vi, id_shape(rng))
    else:
        element = attribute_field(rng, rng.choice(("email", "name", "text")))
        element = replace(element, name="keyword") if element.kind == "text" else element
    en, vi = attribute.en, attribute.vi
    if rng.random() < 0.25:
        made_up = pseudo_word(rng)
        name, en, vi = f"{made_up}_{name}", f"{made_up} {en}", f"{vi} {made_up}"
    return Field(name, "list", en, vi, element=element, unique=rng.random() < 0.5)


def secret_field(rng: random.Random) -> Field:
    """A random value that is nobody's business."""
    attribute = rng.choice(words.SECRETS)
    return Field(attribute.name, "id", attribute.en, attribute.vi, id_shape(rng))


def json_schema(rng: random.Random, field: Field) -> dict[str, object]:
    """The JSON Schema of a parameter, as thorough or terse as its author felt."""
    schema: dict[str, object] = {"type": "string"}
    if field.kind == "id" and rng.random() < 0.5:
        schema["pattern"] = shape_pattern(field.shape)
    elif field.kind == "int":
        schema = {"type": "integer"}
        if rng.random() < 0.4:
            schema["minimum"] = rng.choice((0, 1))
        if rng.random() < 0.3:
            schema["maximum"] = field.high
    elif field.kind in ("money", "bool"):
        schema = {"type": "number" if field.kind == "money" else "boolean"}
    elif field.kind == "enum":
        schema["enum"] = [choice.constant for choice in field.choices]
    elif field.kind == "date":
        schema["format"] = "date"
    elif field.kind == "email" and rng.random() < 0.5:
        schema["format"] = "email"
    if rng.random() < 0.3:
        schema["description"] = field.label("vi" if rng.random() < 0.1 else "en").capitalize()
    return schema


def person(rng: random.Random) -> str:
    """A full name, Vietnamese or international."""
    if rng.random() < 0.55:
        middle = rng.choice(people.VI_MIDDLE) + " " if rng.random() < 0.7 else ""
        return f"{rng.choice(people.VI_FAMILY)} {middle}{rng.choice(people.VI_GIVEN)}"
    return f"{rng.choice(people.GIVEN)} {rng.choice(people.FAMILY)}"


def _email(rng: random.Random) -> str:
    first, *_, last = strip_diacritics(person(rng)).lower().split()
    local = rng.choice((f"{first}.{last}", f"{first}{last}", f"{last}_{first}", f"{last}{rng.randint(1, 99)}", first))
    return f"{local}@{rng.choice(people.MAIL_HOSTS)}"


def _phone(rng: random.Random) -> str:
    digits = "".join(rng.choices("0123456789", k=8))
    return rng.choice(("09", "03", "08", "07", "+849", "+443", "+141")) + digits


def _free_text(rng: random.Random, name: str) -> str:
    if name == "city":
        return rng.choice(people.CITIES)
    if name == "address":
        return f"{rng.randint(1, 300)} {rng.choice(people.STREETS)}, {rng.choice(people.CITIES)}"
    if name in ("product", "keyword", "title"):
        return rng.choice(people.PRODUCTS)
    return rng.choice(rng.choice((people.TEXTS_EN, people.TEXTS_VI)))


def near(rng: random.Random, constant: int, high: int) -> int:
    """A number for comparing with `constant`: often equal or next to it, else anywhere up to `high`."""
    if rng.random() < 0.55:
        return max(0, constant + rng.choice((-10, -3, -2, -1, -1, -1, 0, 0, 0, 1, 1, 1, 2, 3, 10)))
    return rng.randint(0, max(high, constant))


def sample(rng: random.Random, field: Field, today: date) -> Value:
    """A random value of the field."""
    kind = field.kind
    if kind == "list" and field.element:
        return _sample_list(rng, field.element, today)
    if kind == "id":
        return "".join(
            rng.choice("0123456789") if c == "#" else rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") if c == "@" else c
            for c in field.shape
        )
    if kind == "int":
        return rng.randint(1 if field.high <= 60 else 0, field.high)
    if kind == "money":
        if rng.random() < 0.08:
            return rng.randint(5, 900) * 10_000
        return round(rng.uniform(1, field.high), 2) if rng.random() < 0.25 else rng.randint(1, field.high)
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "enum":
        return rng.choice(field.choices).constant
    if kind == "date":
        return (today + timedelta(days=rng.randint(-90, 90))).isoformat()
    if kind == "email":
        return _email(rng)
    if kind == "phone":
        return _phone(rng)
    return person(rng) if kind == "name" else _free_text(rng, field.name)


def _sample_list(rng: random.Random, element: Field, today: date) -> list[str]:
    """Up to four elements, all different."""
    if element.kind == "enum":
        most = min(4, len(element.choices))
        return [choice.constant for choice in rng.sample(element.choices, rng.randint(1, most))]
    return list(dict.fromkeys(str(sample(rng, element, today)) for _ in range(rng.choice((1, 2, 2, 3, 3, 4)))))


def _spoken_date(rng: random.Random, value: str, lang: str) -> str:
    day = date.fromisoformat(value)
    if rng.random() < 0.65:
        return value
    if lang == "vi":
        return rng.choice((f"{day:%d/%m/%Y}", f"ngày {day.day} tháng {day.month} năm {day.year}", f"{day:%d-%m-%Y}"))
    month = people.MONTHS[day.month - 1]
    return rng.choice((f"{month} {day.day}, {day.year}", f"{day.day} {month} {day.year}", f"{day:%d/%m/%Y}"))


def money(rng: random.Random, value: Value, lang: str) -> str:
    """An amount as people write it."""
    if lang == "vi":
        return rng.choice((f"{value} USD", f"{value} đô la", f"{value}$", f"{value} đô", f"{value}"))
    return rng.choice((f"{value} USD", f"${value}", f"{value} dollars", f"{value}"))


def spoken(rng: random.Random, field: Field, value: Value, lang: str) -> str:
    """The value as a user says it, in a form from which it can be read off."""
    if isinstance(value, list):
        return listed([spoken(rng, field.element, each, lang) if field.element else each for each in value], lang)
    if field.kind == "date":
        return _spoken_date(rng, str(value), lang)
    if field.kind == "money":
        return money(rng, value, lang)
    if field.kind == "bool":
        return ("có" if value else "không") if lang == "vi" else ("yes" if value else "no")
    if field.kind == "enum":
        if rng.random() < 0.2:
            return str(value)
        choice = next(choice for choice in field.choices if choice.constant == value)
        return rng.choice(choice.wordings(lang))
    return str(value)


def listed(texts: list[str], lang: str) -> str:
    """Texts as an enumeration in a sentence."""
    *first, last = texts
    return f"{', '.join(first)} {'và' if lang == 'vi' else 'and'} {last}" if first else last


def literal(value: Value) -> str:
    """The value as the thinking writes it: lists as JSON."""
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
