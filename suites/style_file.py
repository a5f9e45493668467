"""The house style guide of a suite file: under `style:`, or in a YAML file of its own that `style:` names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from samescore.harness.case import Case
from samescore.harness.errors import SopError
from samescore.harness.facts.saying import disguised, sayable, says_any
from samescore.harness.lexicon import LOCALES
from samescore.harness.style import WHEN, StyleGuide
from samescore.suites.sop.document import Item, Problems, read
from samescore.suites.sop.fields import Fields

RULES = ("apology", "house_words", "forbidden", "length", "one_language")
LENGTH = ("words", "characters")


def read_style(item: Item, problems: Problems) -> StyleGuide | None:
    """What stands under `style:`; None where that is wrong, which is noted with its file and line."""
    if not isinstance(item.value, str):
        return _guide(item, problems)
    file = problems.path.parent / item.value
    if not file.is_file():
        problems.add(item.line, f"style: there is no {file}. Correct the name, or write the guide.", item.value)
        return None
    there = Problems(file)
    try:
        guide = _guide(read(file), there)
        there.raise_any()
    except SopError as error:
        problems.include(item.line, error)
        return None
    return guide


def styled(cases: Iterable[Case], guide: StyleGuide | None) -> tuple[Case, ...]:
    """The cases with the guide in what is right for them."""
    if guide is None:
        return tuple(cases)
    return tuple(replace(case, expectation=replace(case.expectation, style=guide)) for case in cases)


def _guide(item: Item, problems: Problems) -> StyleGuide | None:
    """A guide, whose JSON is what the file says; None where something is wrong with it."""
    fields, before = Fields(problems), len(problems)
    if not isinstance(item.value, dict) or not item.value:
        fields.expected(item, "style", f"a mapping of rules ({', '.join(RULES)}), or the path of a YAML file")
        return None
    stated = fields.keys(item, "style", set(), set(RULES))
    if "apology" in stated:
        _phrases(stated["apology"], "style: apology", fields)
    for one in fields.items(stated.get("house_words"), "style: house_words"):
        _house_words(one, fields)
    for phrase in _listed(stated["forbidden"], "style: forbidden", fields) if "forbidden" in stated else ():
        _sayable(phrase, "style: forbidden", fields)
    if "length" in stated:
        _length(stated["length"], fields)
    if "one_language" in stated:
        _flag(stated["one_language"], "style: one_language", fields)
    if len(problems) > before:
        return None
    guide = StyleGuide.from_json(item.plain())
    for required, forbidden in _at_odds(guide):
        line = next(one.line for one in fields.items(stated["forbidden"], "") if one.value == forbidden)
        message = f"{forbidden!r} stands in {required!r}, which must be said. Take one of the two back."
        problems.add(line, f"style: forbidden: {message}", forbidden)
    return guide


def _phrases(item: Item, what: str, fields: Fields) -> None:
    """A mapping of languages, of which some may be left out, to phrases."""
    if not isinstance(item.value, dict) or not item.value:
        fields.expected(item, what, f"a mapping of languages ({', '.join(LOCALES)}) to phrases")
        return
    for locale, entry in fields.keys(item, what, set(), set(LOCALES)).items():
        for phrase in _listed(entry, f"{what}: {locale}", fields):
            if _sayable(phrase, f"{what}: {locale}", fields) and not says_any(str(phrase.value), (str(phrase.value),)):
                fields.expected(phrase, f"{what}: {locale}", "words that a reader sees, without markup")


def _house_words(item: Item, fields: Fields) -> None:
    what = "style: house_words"
    if not isinstance(item.value, dict) or not item.value.keys() & set(LOCALES):
        fields.expected(item, what, f"a mapping of languages ({', '.join(LOCALES)}) to phrases, and perhaps `when:`")
        return
    kinds = fields.keys(item, what, set(), {*LOCALES, "when"})
    for kind in _listed(kinds["when"], f"{what}: when", fields) if "when" in kinds else ():
        if kind.value not in WHEN:
            fields.expected(kind, f"{what}: when", " or ".join(WHEN))
    _phrases(Item({name: one for name, one in kinds.items() if name != "when"}, item.line), what, fields)


def _listed(item: Item, what: str, fields: Fields) -> tuple[Item, ...]:
    """A list of one or more different texts."""
    if not fields.texts(item, what) and item.value in ((), None):
        fields.expected(item, what, "one text or more")
    return tuple(one for one in fields.items(item, what) if isinstance(one.value, str) and one.value.strip())


def _sayable(item: Item, what: str, fields: Fields) -> bool:
    if not sayable(str(item.value)):
        fields.expected(item, what, "a phrase with a letter or a digit")
        return False
    return True


def _length(item: Item, fields: Fields) -> None:
    if not isinstance(item.value, dict) or not item.value:
        fields.expected(item, "style: length", f"a mapping of {' and '.join(LENGTH)} to the most of them")
        return
    for name, most in fields.keys(item, "style: length", set(), set(LENGTH)).items():
        fields.whole(most, f"style: length: {name}", 1)


def _flag(item: Item, what: str, fields: Fields) -> None:
    if not isinstance(item.value, bool):
        fields.expected(item, what, "true or false")


def _at_odds(guide: StyleGuide) -> Iterator[tuple[str, str]]:
    """Forbidden phrases that stand in a required one, with it."""
    mappings = (guide.apology, *(one.phrases for one in guide.house_words))
    for required in dict.fromkeys(phrase for phrases in mappings for some in phrases.values() for phrase in some):
        for forbidden in disguised(required, guide.forbidden):
            yield required, forbidden
