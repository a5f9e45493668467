"""The coverage of a procedure as a section of a page: what it says, and that nothing in it runs or is loaded."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer
from browser import needs_browser, opened
from typer.testing import CliRunner

from samescore.harness.cli.errors import Guarded
from samescore.harness.cli.sop import app as sop_app
from samescore.suites.catalog import find_sop
from samescore.suites.sop.coverage import coverage
from samescore.suites.sop.coverage_html import coverage_html
from samescore.suites.sop.loader import load
from samescore.suites.sop.model import Sop
from samescore.suites.sop.obligations import obligations

DATA = Path(__file__).with_name("data") / "sop"
FLAWED = load(DATA / "flawed.yaml")
PARCEL = load(DATA / "parcel.yaml")
FACTS = [one.witness for one in obligations(PARCEL, "branch") if one.witness is not None]

CLI = typer.Typer(cls=Guarded)
CLI.add_typer(sop_app, name="sop")


class Tags(HTMLParser):
    """The tags of a fragment, in order, and whether each is closed."""

    VOID = ("meta", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attributes
        self.open += [] if tag in self.VOID else [tag]

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def section(sop: Sop = PARCEL) -> str:
    return coverage_html(sop, coverage(sop, FACTS, "mcdc"), FACTS, "eval")


def test_it_is_one_section_whose_style_touches_nothing_outside() -> None:
    text = section()
    tags = Tags(text)
    assert tags.open == [] and tags.seen[0] == "section" and tags.seen.count("section") == 1
    assert "script" not in tags.seen and "link" not in tags.seen
    names = {name for name, _ in tags.attributes}
    assert not any(name.startswith("on") or name in ("src", "href") for name in names)
    style = text[text.index("<style>") + 7 : text.index("</style>")]
    rules = style.replace("@media (prefers-color-scheme: dark) {", "").split("{")
    selectors = [one.strip() for rule in rules for one in rule.rpartition("}")[2].split(",") if one.strip()]
    assert len(selectors) > 10 and all(one.startswith(".sop-coverage") for one in selectors)


def test_it_says_what_is_covered_and_what_is_not_with_line_and_condition() -> None:
    text, seen = section(), coverage(PARCEL, FACTS, "mcdc")
    assert f"{seen.total.covered} of {seen.total.feasible} obligations covered (mcdc)" in text
    assert text.count('<th scope="row"><code>') == len(seen.branches)
    open_ones = seen.uncovered
    assert open_ones
    one = next(o for o in open_ones if o.kind == "mcdc" and "payable" in o.id)
    assert f'<td class="count">{one.line}</td><td>mcdc</td>' in text
    assert "and (parcel.days_late &gt;= 10 or customer.vip) and parcel.value &lt;= 300 and today" in text


def test_what_is_infeasible_is_listed_apart() -> None:
    seen = coverage(FLAWED, [], "branch")
    assert seen.infeasible
    text = coverage_html(FLAWED, seen, [], "eval")
    assert "<caption>Infeasible: proven that no case can show it</caption>" in text
    assert '<td class="count soft">infeasible</td>' in text


def test_the_picture_is_in_it() -> None:
    assert section().count("<svg ") == 1 and 'role="img"' in section()


def test_a_hostile_title_is_text() -> None:
    hostile = "</h2></section><script>alert(1)</script>"
    tags = Tags(section(replace(PARCEL, title={"en": hostile, "vi": hostile})))
    assert tags.open == [] and "script" not in tags.seen


@needs_browser
def test_a_browser_that_has_something_to_say_is_heard(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><title>a</title><script>console.error('boo')</script>", encoding="utf-8")
    assert any("boo" in line for line in opened(page, tmp_path / "profile")[1])


@needs_browser
def test_a_browser_shows_it_without_a_word_on_the_console(tmp_path: Path) -> None:
    hostile = "</style></section><script>document.title = 'pwned'</script>"
    body = section(replace(PARCEL, title={"en": hostile, "vi": hostile}))
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><html lang='en'><meta charset='utf-8'><title>safe</title>{body}", encoding="utf-8")
    dom, console = opened(page, tmp_path / "profile")
    assert "<title>safe</title>" in dom and "<script" not in dom and console == []


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(CLI, ["sop", "coverage", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_the_command_prints_a_section_per_procedure_and_json_by_either_option() -> None:
    assert run("refund", "exchange", "--format", "html").count("<section ") == 2
    assert json.loads(run("refund", "--json")) == json.loads(run("refund", "--format", "json"))
    assert "retail/refund: 138 eval cases, mcdc" in run("refund", "--format", "table")
    assert "ask for two things" in run("refund", "--json", "--format", "html", code=2)


@pytest.mark.parametrize("form", ["html", "table", "json"])
def test_a_missing_lock_is_found_before_anything_is_printed(tmp_path: Path, form: str) -> None:
    parcel = tmp_path / "parcel.yaml"
    parcel.write_bytes(find_sop("refund").path.read_bytes())
    result = CliRunner().invoke(CLI, ["sop", "coverage", "refund", str(parcel), "--format", form])
    assert (result.exit_code, result.stdout) == (2, "") and "parcel.eval.jsonl" in result.stderr


def test_one_case_is_singular() -> None:
    assert "<p>1 eval case; " in coverage_html(PARCEL, coverage(PARCEL, FACTS[:1], "mcdc"), FACTS[:1], "eval")


@needs_browser
def test_no_word_of_a_table_is_broken_in_a_narrow_window(tmp_path: Path) -> None:
    """The page writes down itself what a browser made of it."""
    page, measure = (
        tmp_path / "page.html",
        """<script>document.title = [...document.querySelectorAll("td, th, caption")]
      .filter(one => !one.querySelector("code") && !/ /.test(one.textContent.trim()))
      .map(one => { const range = document.createRange(); range.selectNodeContents(one);
        return range.getClientRects().length }).filter(lines => lines > 1).length</script>""",
    )
    page.write_text(f"<!doctype html><meta charset='utf-8'><title>x</title>{section()}{measure}", encoding="utf-8")
    assert "<title>0</title>" in opened(page, tmp_path / "profile")[0]
