"""The guides of suites: how a suite file states one, what is wrong with it at which line, and which cases have it."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from in_process import samescore

from samescore.harness.case import Ending
from samescore.harness.errors import SopError
from samescore.harness.lexicon import LOCALES, Locale
from samescore.harness.scorers import scorer_named
from samescore.harness.scorers.style import faults_of_gold
from samescore.harness.style import WHEN, HouseWords, StyleGuide
from samescore.suites.catalog import load_suite, load_world, read_suite_file
from samescore.suites.lint import lint
from samescore.suites.style_file import LENGTH, RULES

STARTER = Path(str(files("samescore.fixtures") / "starter"))
STYLE = scorer_named("style")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The starter's suite, to be changed."""
    return Path(shutil.copytree(STARTER, tmp_path / "parcels"))


def stated(folder: Path, style: str) -> Path:
    """The suite file with another guide."""
    path = folder / "suite.yaml"
    path.write_text(path.read_text(encoding="utf-8").partition("style:")[0] + style, encoding="utf-8")
    return path


def test_a_guide_stands_in_the_suite_file_or_in_one_beside_it(folder: Path) -> None:
    inside = load_suite(str(folder))
    text = (folder / "suite.yaml").read_text(encoding="utf-8")
    rules = text[text.index("style:") :].partition("\n")[2]
    (folder / "house.yaml").write_text("\n".join(line[2:] for line in rules.splitlines()), encoding="utf-8")
    stated(folder, "style: house.yaml\n")
    beside = load_suite(str(folder))
    assert beside.cases == inside.cases and beside.fingerprint == inside.fingerprint
    (guide,) = {case.expectation.style.fingerprint for case in inside.cases if case.expectation.style}
    assert (
        guide
        == StyleGuide(
            apology={"en": ("sorry",), "vi": ("xin lỗi", "rất tiếc")},
            house_words=(HouseWords({"vi": ("dạ", "ạ")}),),
            forbidden=("I am an AI model", "Tôi là một mô hình ngôn ngữ"),
            words=60,
            one_language=True,
        ).fingerprint
    )


def test_a_suite_without_a_guide_has_cases_and_tables_without_style(folder: Path) -> None:
    shown = samescore("eval", "parcels", "--model", "oracle", "--limit", "4", cwd=folder.parent)
    assert shown.returncode == 0 and "\nstyle " in shown.stdout
    stated(folder, "")
    assert all(case.expectation.style is None for case in load_suite(str(folder)).cases)
    shown = samescore("eval", "parcels", "--model", "oracle", "--limit", "4", cwd=folder.parent)
    assert shown.returncode == 0 and "style" not in shown.stdout


@pytest.mark.parametrize(
    ("style", "line", "says"),
    [
        ("style:\n", 0, "style: expected a mapping of rules (apology, house_words, forbidden, length, one_language)"),
        ("style: [x]\n", 0, "style: expected a mapping of rules"),
        ("style: house.yaml\n", 0, "house.yaml. Correct the name, or write the guide."),
        ("style:\n  forbiden: [x]\n", 1, "style: unknown key 'forbiden'. Did you mean 'forbidden'?"),
        ("style:\n  apology: [sorry]\n", 1, "style: apology: expected a mapping of languages (en, vi) to phrases"),
        ("style:\n  apology: {de: [leider]}\n", 1, "style: apology: unknown key 'de'"),
        ("style:\n  apology: {en: sorry}\n", 1, "style: apology: en: expected a list, found 'sorry'"),
        ("style:\n  apology: {en: []}\n", 1, "style: apology: en: expected one text or more"),
        (
            "style:\n  apology:\n    en:\n      - sorry\n      - <b>\n",
            4,
            "apology: en: expected words that a reader sees",
        ),
        ("style:\n  house_words: [dạ]\n", 1, "style: house_words: expected a mapping of languages"),
        ("style:\n  house_words: [{when: [ask]}]\n", 1, "style: house_words: expected a mapping of languages"),
        ("style:\n  house_words:\n    - vi: [ạ]\n      when: [asks]\n", 3, "house_words: when: expected answer or"),
        ("style:\n  forbidden: [':)']\n", 1, "forbidden: expected a phrase with a letter or a digit, found ':)'"),
        ("style:\n  forbidden: [a, a]\n", 1, "style: forbidden: expected different texts"),
        ("style:\n  forbidden: []\n", 1, "style: forbidden: expected one text or more"),
        ("style:\n  forbidden: [5]\n", 1, "style: forbidden: expected a text, found 5"),
        ("style:\n  length: 60\n", 1, "style: length: expected a mapping of words and characters"),
        ("style:\n  length: {words: 0}\n", 1, "style: length: words: expected a whole number from 1, found 0"),
        ("style:\n  length: {letters: 9}\n", 1, "style: length: unknown key 'letters'"),
        ("style:\n  one_language: vi\n", 1, "style: one_language: expected true or false, found 'vi'"),
        (
            "style:\n  apology: {en: [so sorry]}\n  forbidden:\n    - sorry\n",
            3,
            "style: forbidden: 'sorry' stands in 'so sorry', which must be said. Take one of the two back.",
        ),
    ],
)
def test_a_wrong_guide_is_refused_at_its_line(folder: Path, style: str, line: int, says: str) -> None:
    path = stated(folder, style)
    first = path.read_text(encoding="utf-8").partition("style:")[0].count("\n") + 1
    with pytest.raises(SopError) as refused:
        read_suite_file(path)
    assert f"{path}:{first + line}: style: " in str(refused.value) and says in str(refused.value)


def test_what_is_wrong_in_a_guides_own_file_is_said_of_that_file(folder: Path) -> None:
    stated(folder, "style: house.yaml\n")
    (folder / "house.yaml").write_text("apology:\n  en: [sorry]\nlength: {words: many}\n", encoding="utf-8")
    with pytest.raises(SopError, match=r"house\.yaml:3: style: length: words: expected a whole number from 1"):
        load_suite(str(folder))
    (folder / "house.yaml").write_text("apology: [\n", encoding="utf-8")
    with pytest.raises(SopError, match=r"house\.yaml:\d: this is no YAML"):
        load_suite(str(folder))


def test_schema_and_reader_know_the_same_rules() -> None:
    schema = json.loads((files("samescore.suites") / "suite.schema.json").read_text(encoding="utf-8"))
    style = schema["$defs"]["style"]
    assert list(style["properties"]) == list(RULES)
    assert list(style["properties"]["length"]["properties"]) == list(LENGTH)
    words = style["properties"]["house_words"]["items"]
    assert list(words["properties"]) == [*LOCALES, "when"]
    assert words["properties"]["when"]["items"]["enum"] == list(WHEN) == [ending.value for ending in Ending]


def test_lint_names_gold_that_the_guide_forbids(folder: Path) -> None:
    assert list(lint([load_suite(str(folder), "dev")])) == []
    stated(folder, "style:\n  forbidden: [neighbour]\n")
    found = list(lint([load_suite(str(folder), "dev")]))
    assert found and {one.rule for one in found} == {"gold-off-style"}
    told = "gold breaks the style guide: turn 2 says 'neighbour', which is forbidden. Narrow the guide, or reword gold."
    assert told in {one.message for one in found}
    done = samescore("suite", "lint", "parcels", "--split", "dev", cwd=folder.parent)
    assert done.returncode == 1 and "[gold-off-style]" in done.stdout


def test_cases_made_harder_keep_the_guide_of_the_cases_they_are_made_of(folder: Path) -> None:
    plain, harder = load_suite(str(folder)), load_suite(f"adversarial/{folder}")
    (guide,) = {case.expectation.style.fingerprint for case in plain.cases if case.expectation.style}
    assert {one.expectation.style and one.expectation.style.fingerprint for one in harder.cases} == {guide}
    assert {one.id: faults_of_gold(one) for one in harder.cases if faults_of_gold(one)} == {}
    refusals = [one for one in harder.cases if "out_of_scope" in one.id]
    assert refusals and all(one.expectation.ending is Ending.REFUSE for one in refusals)


def test_a_model_that_has_the_procedure_in_its_prompt_has_the_guide_there_too(folder: Path) -> None:
    for suite in (load_suite(str(folder), procedure="prompt"), load_suite(f"adversarial/{folder}", procedure="prompt")):
        for one in suite.cases[::9]:
            told = {
                "en": ["before you do: say “sorry”.", "Write at most 60 words", "Write English only."],
                "vi": [
                    "dùng “xin lỗi” hoặc “rất tiếc”.",
                    "Trong mọi câu trả lời, dùng “dạ” hoặc “ạ”.",
                    "không quá 60 từ",
                ],
            }[one.locale]
            assert all(words in one.system for words in told) and "“I am an AI model”" in one.system
            assert one.expectation.style is not None
    stated(folder, "")
    assert not any("60" in one.system for one in load_suite(str(folder), procedure="prompt").cases)


def test_any_two_replies_of_gold_together_keep_to_the_length_of_the_guide() -> None:
    """Two requests in one message are answered in one reply, and a search for failures may put any two together. That
    gold keeps the guides is proven by `suite lint` and by the oracle."""
    longest: dict[tuple[str, Locale], tuple[int, int]] = {}
    for one in load_suite("sop").cases:
        words = max(len(turn.content.split()) for turn in one.gold)
        characters = max(len(turn.content) for turn in one.gold)
        before = longest.get((one.world, one.locale), (0, 0))
        longest[one.world, one.locale] = max(before[0], words), max(before[1], characters)
        guide = one.expectation.style
        assert STYLE.applies(one) and guide is not None and guide.words is not None and guide.characters is not None
        assert 2 * words <= guide.words and 2 * characters + 1 <= guide.characters, one.id
    assert {world for world, _ in longest} == {"retail", "helpdesk"} == {load_world(w).name for w, _ in longest}
