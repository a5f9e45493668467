"""The report as a page: one file that loads nothing, in which nothing that a model wrote is markup; in a browser."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import driven, needs_browser, needs_driver, opened
from hypothesis import given, strategies as st
from report_runs import HOSTILE, hostile, idle, played

from samescore.harness.case import Case
from samescore.harness.examples import Reason
from samescore.harness.run import Run
from samescore.harness.types import Call, Message
from samescore.reports.contents import Contents, contents_of
from samescore.reports.html import html_of
from samescore.reports.html.packed import packed
from samescore.reports.markup import Markup, escaped, joined, tag, visible
from samescore.reports.plots import Interval, Scale, axis, change_plot, change_scale, score_plot

MORE_HOSTILE = (
    "</script><script>document.title = 'pwned'</script>",
    "</title></style></textarea><svg onload=alert(4)>",
    "{{7*7}} ${alert(5)} <%= 8 %> {% raw %} `${1}`",
    "\u2066isolated\u2069 \u200bzero\u200b \u2028line \ufeff",
    "' onmouseover='alert(6)' \" onfocus=\"alert(7)",
    "<iframe src=https://evil.example></iframe><link rel=stylesheet href=//evil.example/a.css>",
)
VOID = {"br", "hr", "input", "link", "meta", "wbr"}


def worst(case: Case) -> Iterator[Message | str]:
    """A hostile call, then a hostile reply."""
    yield Message(
        "assistant", "", calls=(Call("<b onclick=alert(8)>", {"</script>": "\u202e<img src=x onerror=alert(9)>"}),)
    )
    yield Message("assistant", "\n".join((*HOSTILE, *MORE_HOSTILE)))


def broken(case: Case) -> Iterator[Message | str]:
    """A malformed turn full of markup."""
    yield f'<tool_call>{{"name": "</script><script>alert(10)</script>", {MORE_HOSTILE[0]}'


class Page(HTMLParser):
    """A page as a browser reads it: every element with its attributes, the text outside of scripts, what is open."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.pieces: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_startendtag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))

    def handle_endtag(self, name: str) -> None:
        assert self.open and self.open[-1] == name, f"</{name}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open and self.open[-1] in ("script", "style") else self.pieces).append(data)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def unpacked(page: str) -> dict[str, Any]:
    """The conversations of a page as its script reads them."""
    found = re.search(r'<script type="application/octet-stream" id="packed">([^<]*)</script>', page)
    assert found is not None
    data: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return data


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return played(tmp_path_factory.mktemp("before") / "run", {0: idle, 3: idle}, limit=10)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    failing = {1: hostile, 2: worst, 4: broken}
    name = "model</script><script>alert(11)</script>\u202e"
    return played(tmp_path_factory.mktemp("attacked") / "run", failing, limit=10, name=name)


@pytest.fixture(scope="module")
def contents(attacked: Run, before: Run) -> Contents:
    return contents_of([attacked], before)


@pytest.fixture(scope="module")
def page(contents: Contents) -> str:
    return html_of(contents)


@pytest.fixture(scope="module")
def parsed(page: str) -> Page:
    return Page(page)


def test_it_is_one_file_that_loads_nothing(page: str, parsed: Page) -> None:
    assert parsed.open == []
    for name, attributes in parsed.elements:
        assert name not in ("link", "iframe", "img", "object", "embed", "base", "form", "audio", "video", "use"), name
        assert not attributes.keys() & {"src", "srcset", "style", "action", "xlink:href"}, attributes
        assert not any(key.startswith("on") for key in attributes), attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "@import" not in page and "url(" not in page
    assert html_of.__module__ and "http://www.w3.org/2000/svg" in page


def test_only_the_one_style_and_the_one_script_are_allowed(page: str, parsed: Page) -> None:
    policy = next(a["content"] for name, a in parsed.elements if name == "meta" and a.get("http-equiv"))
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for kind in ("script", "style"):
        texts = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        assert len(texts) == 1
        digest = base64.b64encode(hashlib.sha256(texts[0].encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    assert rules["require-trusted-types-for"] == "'script'"


def test_nothing_that_a_model_wrote_is_markup(page: str, parsed: Page) -> None:
    scripts = [attributes for name, attributes in parsed.elements if name == "script"]
    assert [one.get("id") for one in scripts] == ["packed", "words", None]
    # Whatever looks like an element is one of ours.
    ours = {"a", "article", "body", "button", "caption", "circle", "code", "dd", "details", "dialog", "div", "dl", "dt"}
    ours |= {
        "figcaption",
        "figure",
        "footer",
        "g",
        "h1",
        "h2",
        "head",
        "header",
        "html",
        "input",
        "label",
        "li",
        "line",
    }
    ours |= {"main", "meta", "nav", "noscript", "ol", "option", "output", "p", "path", "polygon", "rect", "script"}
    ours |= {"section", "select", "span", "strong", "style", "summary", "svg", "table", "tbody", "td", "text", "th"}
    ours |= {"thead", "title", "tr", "ul", "wbr"}
    assert {name for name, _ in parsed.elements} <= ours
    assert "<b onclick=alert(8)>" in parsed.text  # the tool that it called, among the tools
    assert "alert(11)" in parsed.text  # its name
    for hidden in "\u202e\u2066\u200b\u2028\ufeff\x1b\x00\x08":
        assert hidden not in page
    assert "\\u202e" in parsed.text


def test_every_word_of_a_conversation_is_in_the_packed_data_and_visible(contents: Contents, page: str) -> None:
    data = unpacked(page)
    texts = set(data["strings"])
    for case in contents.runs[0].cases:
        for line in case.rollouts[0].lines:
            assert visible(line.text) in texts
    assert all(visible(text) == text for text in texts)
    assert any("</script><script>document.title" in text for text in texts)
    talks = [case[5][0][0][1] for case in data["cases"]]
    passed = [at for at, case in zip(talks, data["cases"], strict=True) if case[5][0][0][0] == case[5][1][0][0] == 1.0]
    assert passed and all(case[5][0][0][1] == case[5][1][0][1] for case in data["cases"] if case[5][0][0][1] in passed)


def test_what_is_too_much_is_left_out_from_what_went_well(contents: Contents) -> None:
    whole = packed(contents)
    assert whole.kept == whole.rollouts == 20
    dull, cut = [], []
    for share in (0.95, 0.9, 0.8, 0.7, 0.6):
        less = packed(contents, int(len(whole.text) * share))
        assert 0 < less.kept < 20 and len(less.text) <= len(whole.text) * share
        rows = json.loads(gzip.decompress(base64.b64decode(less.text)))["cases"]
        sides = [[rollout for side in row[5] for rollout in side] for row in rows]
        failing = [each for each in sides if any(rollout[0] != 1.0 for rollout in each)]
        dull.append(sum(rollout[1] >= 0 for each in sides if each not in failing for rollout in each))
        cut.append(sum(rollout[1] < 0 for each in failing for rollout in each))
        assert less.kept == sum(rollout[1] >= 0 for each in sides for rollout in each)
    assert not any(some and missing for some, missing in zip(dull, cut, strict=True))
    assert dull[0] > dull[2] and cut[0] == 0 and packed(contents, 10).kept == 0


def test_the_same_runs_make_the_same_page(attacked: Run, before: Run, page: str) -> None:
    assert html_of(contents_of([attacked], before)) == page


def test_the_first_thing_is_the_decision_with_its_evidence(contents: Contents, parsed: Page) -> None:
    text = parsed.text
    order = [contents.decision.sentence, "The evidence", "What this does not tell", "Stated before anyone trained"]
    places = [text.index(visible(words)) for words in order]
    assert places == sorted(places)
    for fact in contents.decision.facts:
        assert visible(fact.value) in text and visible(fact.note) in text
    for limit in contents.decision.limits:
        assert visible(limit) in text


def test_every_section_is_there(parsed: Page) -> None:
    sections = {attributes.get("id") for name, attributes in parsed.elements if name == "section"}
    expected = {
        "targets",
        "rules",
        "metrics",
        "procedures",
        "changes",
        "cases",
        "tools",
        "parser",
        "effort",
        "provenance",
    }
    assert expected <= sections
    links = {attributes["href"] for name, attributes in parsed.elements if name == "a"}
    assert {f"#{name}" for name in expected} <= links


def test_an_incomplete_run_says_so_first(attacked: Run, tmp_path: Path) -> None:
    whole = contents_of([attacked]).runs[0]
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "run.json").write_bytes((attacked.directory / "run.json").read_bytes())
    evidence = (attacked.directory / "evidence.jsonl").read_bytes().splitlines(keepends=True)
    (cut / "evidence.jsonl").write_bytes(b"".join(evidence[:-2]))
    text = html_of(contents_of([Run.open(cut)]))
    parsed = Page(text)
    assert parsed.text.index("Incomplete: 2 of 10 rollouts have no score") < parsed.text.index("The evidence")
    assert "samescore eval --resume" in parsed.text and "Rollouts without a score" in parsed.text
    assert whole.results.metrics.keys() == contents_of([Run.open(cut)]).runs[0].results.metrics.keys()


def test_a_page_is_accessible_to_who_hears_it(parsed: Page) -> None:
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for name, attributes in parsed.elements:
        if name == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids
        if name == "th":
            assert attributes.get("scope") in ("row", "col")
    levels = [int(name[1]) for name, _ in parsed.elements if re.fullmatch(r"h[1-6]", name)]
    assert levels.count(1) == 1 and all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert next(attributes for name, attributes in parsed.elements if name == "html") == {"lang": "en"}


def test_a_page_in_vietnamese_is_told_to_be(attacked: Run, before: Run) -> None:
    parsed = Page(html_of(contents_of([attacked], before, language="vi")))
    assert next(attributes for name, attributes in parsed.elements if name == "html") == {"lang": "vi"}
    assert "Bằng chứng" in parsed.text and "The evidence" not in parsed.text and "Metrics" not in parsed.text


@given(st.text(), st.text())
def test_text_comes_out_of_markup_as_it_went_in(text: str, value: str) -> None:
    class Reader(HTMLParser):
        seen, given = "", ""

        def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
            assert name == "p" and [key for key, _ in attributes] == ["title"]
            self.given = attributes[0][1] or ""

        def handle_data(self, data: str) -> None:
            self.seen += data

    reader = Reader()
    reader.feed(tag("p", text, [None, text], title=value).text)
    reader.close()
    assert (reader.seen, reader.given) == (visible(text) * 2, visible(value))


@given(st.text())
def test_what_is_visible_stays_and_what_is_not_is_told(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    assert not re.search(
        "[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff\u2028\u2029\x00-\x08\x0b-\x1f\x7f-\x9f]", shown
    )
    if text.isprintable():
        assert shown == text


def test_markup_alone_is_not_escaped() -> None:
    assert joined("<b>", Markup("<b>"), None, ["&"]).text == "&lt;b&gt;<b>&amp;"
    assert tag("input", checked=True, hidden=False, value=None, data_run=0).text == '<input checked data-run="0">'
    assert escaped("a\u202eb").text == "a\\u202eb"


shares = st.floats(0, 1)


@given(st.tuples(shares, shares, shares), shares, shares)
def test_a_plot_stays_within_its_frame_and_says_what_it_shows(
    three: tuple[float, float, float], target: float, before: float
) -> None:
    low, value, high = sorted(three)
    found = Interval(low, value, high)
    drawn = score_plot(found, "a < b", target=target, nothing=before, before=before).text
    assert 'aria-label="a &lt; b"' in drawn
    assert all(0 <= float(percent) <= 100 for percent in re.findall(r'="([\d.-]+)%"', drawn))
    places = [float(percent) for percent in re.findall(r'class="interval" x1="([\d.]+)%"', drawn)]
    assert places[0] <= float(re.findall(r'class="value" cx="([\d.]+)%"', drawn)[0])


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3), st.floats(0.001, 0.999))
def test_a_scale_holds_every_change_and_a_handful_of_ticks(values: list[float], margin: float) -> None:
    low, value, high = sorted(values)
    scale = change_scale([*values, -margin])
    assert -1 <= scale.low < scale.high <= 1 and scale.low <= min(0, low) and max(0, high) <= scale.high
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 7 and all(scale.low - 1e-9 <= tick <= scale.high + 1e-9 for tick in ticks)
    drawn = change_plot(Interval(low, value, high), "words", scale, margin).text
    assert f'class="margin" x1="{scale.at(-margin)}"' in drawn
    assert axis(scale, [f"{tick:.2f}" for tick in ticks]).text.count("<text") == len(ticks)


def test_an_open_interval_has_no_dot() -> None:
    assert "circle" not in score_plot(Interval(0.2, None, 0.9), "open").text
    assert Scale(-0.1, 0.1).at(-0.5) == "0%" and Scale(-0.1, 0.1).at(0.0) == "50%"


@needs_browser
def test_a_browser_shows_the_decision_without_a_word_on_the_console(page: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    dom, console = opened(path, tmp_path / "profile")
    assert console == [] and "<title>Release report: model&lt;/script&gt;" in dom and "pwned</title>" not in dom


class Reader:
    """A person with a browser and a report."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def open(self, page: str, path: Path, part: str = "") -> None:
        path.write_text(page, encoding="utf-8")
        self.browser.get("about:blank")
        self.browser.get(path.as_uri() + part)

    def one(self, selector: str) -> Any:
        return self.browser.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        found: list[Any] = self.browser.find_elements("css selector", selector)
        return found

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.02)

    def press(self, key: str) -> None:
        self.browser.switch_to.active_element.send_keys(key)

    def js(self, code: str, *arguments: Any) -> Any:
        return self.browser.execute_script(code, *arguments)

    def seen(self, element: Any) -> Any:
        self.js("arguments[0].scrollIntoView({block: 'center'})", element)
        return element

    def quiet(self) -> None:
        said = [entry["message"] for entry in self.browser.get_log("browser")]
        assert said == [], said


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with driven() as browser:
        yield Reader(browser)


@needs_driver
def test_a_person_clicks_through_it(reader: Reader, page: str, contents: Contents, tmp_path: Path) -> None:
    reader.open(page, tmp_path / "report.html")
    title = reader.browser.title
    found = contents.runs[0].comparison
    assert found is not None and len(found.broken) == 3 and len(found.fixed) == 2
    button = reader.seen(reader.all("#changes button.open")[0])
    first = button.text
    button.click()
    reader.until(lambda: reader.one("#talk-title").text == first)
    heads = [head.text for head in reader.all(".side h3")]
    assert (
        heads[0] == "Expected" and heads[1].startswith("Baseline: script") and "✓ right" in heads[1].replace("\n", " ")
    )
    assert "✗ wrong" in heads[2].replace("\n", " ")
    assert len(reader.all(".side")) == 3 and reader.all(".side .parts")
    # The arrow keys go through the cases of the table, and no further.
    assert not reader.one("dialog .previous").is_enabled()
    seen = [first]
    for _ in range(5):
        reader.press("\ue014")  # right arrow
        seen.append(reader.one("#talk-title").text)
    assert list(dict.fromkeys(seen)) == [flip.case for flip in found.broken]
    assert not reader.one("dialog .next").is_enabled()
    assert reader.js("return location.hash").startswith("#case/")
    reader.press("\ue00c")  # escape
    reader.until(lambda: not reader.js("return document.querySelector('dialog').open"))
    assert reader.js("return document.activeElement.dataset.case") == first
    assert reader.browser.title == title and reader.js("return location.hash") == ""
    reader.quiet()


@needs_driver
def test_in_a_vietnamese_page_what_stays_english_is_marked(reader: Reader, contents: Contents, tmp_path: Path) -> None:
    """Such as the reason of a plug-in's scorer, in the table of changed cases and where a case is opened."""
    run, foreign = contents.runs[0], "no turn; brevity <is> the soul of wit"
    assert run.comparison is not None
    flip = replace(run.comparison.broken[0], reason=f"short: {foreign}")
    reasons = (Reason("short", 0.25, foreign), Reason("format", 0.0, "no turn"))
    cases = [
        replace(case, rollouts=tuple(replace(one, reasons=reasons, error=None) for one in case.rollouts))
        if case.id == flip.case
        else case
        for case in run.cases
    ]
    comparison = replace(run.comparison, broken=(flip,))
    told = replace(contents, language="vi", runs=(replace(run, cases=tuple(cases), comparison=comparison),))
    reader.open(html_of(told), tmp_path / "report.html")
    (why,) = reader.all("#changes .flips .reason")[:1]
    assert why.get_attribute("textContent") == "short: không có lượt nào; brevity <is> the soul of wit"
    reader.seen(reader.all("#changes button.open")[0]).click()
    reader.until(lambda: reader.all(".side:last-child .why dd"))
    shown = [one.text for one in reader.all(".side:last-child .why dd")]
    assert shown == ["không có lượt nào; brevity <is> the soul of wit", "không có lượt nào"]
    assert [one.text for one in reader.all(".side:last-child .why dt")] == ["short 0,25", "format 0"]
    for place in ("#changes .flips", ".side:last-child .why"):
        marked = reader.js(f"return [...document.querySelectorAll('{place} [lang]')].map((one) => one.textContent)")
        assert marked == ["brevity <is> the soul of wit"], place
    assert reader.js("return document.documentElement.lang") == "vi"
    reader.quiet()


@needs_driver
def test_what_a_model_wrote_is_shown_as_text(reader: Reader, page: str, contents: Contents, tmp_path: Path) -> None:
    for number, expected in ((1, HOSTILE), (2, (*HOSTILE, *MORE_HOSTILE)), (4, MORE_HOSTILE[:1])):
        case = contents.runs[0].cases[number].id
        reader.open(page, tmp_path / "report.html", f"#case/{case.replace('/', '%2F')}")
        reader.until(lambda case=case: reader.one("#talk-title").text == case)
        said = reader.js("return [...document.querySelectorAll('.side')].at(-1).textContent")
        for text in expected:
            assert visible(text) in said
        assert reader.all("dialog script, dialog img, dialog svg, dialog iframe, dialog b") == []
        assert not reader.browser.title.startswith("pwned")
        reader.quiet()


@needs_driver
def test_cases_are_found_and_opened_by_keyboard(reader: Reader, page: str, contents: Contents, tmp_path: Path) -> None:
    reader.open(page, tmp_path / "report.html")
    reader.seen(reader.one("#cases"))
    reader.until(lambda: reader.all(".list li"))
    assert reader.one(".found").text == "3 found" and len(reader.all(".list li")) == 3
    reader.js("const f = document.querySelector('.filter'); f.value = 'all'; f.dispatchEvent(new Event('change'))")
    assert [sign.text for sign in reader.all(".list .sign")] == ["✗"] * 3 + ["✓"] * 7
    wanted = contents.runs[0].cases[7].id
    reader.one(".search").send_keys(wanted.upper())
    assert [one.text for one in reader.all(".list button")] == [wanted]
    reader.press("\ue004")  # tab: to the filter
    reader.press("\ue004")  # tab: to the case
    assert reader.js("return document.activeElement.textContent") == wanted
    reader.press("\ue007")  # enter
    reader.until(lambda: reader.one("#talk-title").text == wanted)
    reader.press("\ue00c")
    reader.one(".search").clear()
    reader.one(".search").send_keys("no such case")
    assert reader.one(".found").text == "0 found" and reader.all(".list li") == []
    reader.quiet()


@needs_driver
def test_dark_light_print_and_the_place_in_the_page(reader: Reader, page: str, tmp_path: Path) -> None:
    reader.open(page, tmp_path / "report.html")
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = reader.js(colour)
    reader.one("#theme").click()
    dark = reader.js(colour)
    reader.one("#theme").click()
    assert reader.js(colour) == light == "rgb(255, 255, 255)" and dark != light
    reader.open(page, tmp_path / "report.html")
    reader.browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    assert reader.js(colour) == dark
    reader.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    closed = "return document.querySelectorAll('details:not([open])').length"
    folded = reader.js(closed)
    assert folded > 0
    reader.js("dispatchEvent(new Event('beforeprint'))")
    assert reader.js(closed) == 0
    reader.js("dispatchEvent(new Event('afterprint'))")
    assert reader.js(closed) == folded
    reader.seen(reader.one("#tools"))
    reader.js("document.querySelector('#tools').scrollIntoView()")
    reader.until(lambda: [one.text for one in reader.all("nav.toc a[aria-current]")] == ["Tools"])
    assert reader.js("return document.documentElement.scrollWidth <= innerWidth")
    reader.quiet()


@needs_driver
@pytest.mark.parametrize("language", ["en", "vi"])
def test_it_fits_into_a_narrow_window(
    reader: Reader, attacked: Run, before: Run, language: Any, tmp_path: Path
) -> None:
    reader.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 380, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    reader.open(html_of(contents_of([attacked], before, language=language)), tmp_path / "report.html")
    assert reader.js("return document.documentElement.scrollWidth") <= 380
    heights = reader.js("return [...document.querySelectorAll('h1 .whole')].map((one) => one.offsetHeight)")
    assert min(heights) < 40  # the baseline's short name stands in one line
    hints = reader.js(
        "return [...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth)"
        ".map((one) => getComputedStyle(one).backgroundImage.split('linear-gradient').length - 1)"
    )
    assert hints and set(hints) == {4}  # a table that goes on says so
    reader.seen(reader.all("#changes button.open")[0]).click()
    reader.until(lambda: reader.all(".side"))
    assert reader.js("return document.querySelector('.sides').scrollWidth") <= 380
    reader.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    reader.quiet()


@needs_driver
def test_of_several_runs_one_is_shown_at_a_time(reader: Reader, attacked: Run, before: Run, tmp_path: Path) -> None:
    contents = contents_of([attacked, before])
    reader.open(html_of(contents), tmp_path / "report.html")
    articles = reader.all("article")
    assert [one.is_displayed() for one in articles] == [True, False]
    reader.seen(reader.all(".switch input")[1]).click()
    assert [one.is_displayed() for one in articles] == [False, True]
    assert reader.one("nav.toc a[data-name=metrics]").get_attribute("href").endswith("#metrics-1")
    reader.seen(reader.one("#cases-1"))
    reader.until(lambda: reader.all("#cases-1 .list li"))
    reader.seen(reader.all("#cases-1 .list button")[0]).click()
    reader.until(lambda: len(reader.all(".side")) == 3)
    assert [head.text.split("\n")[0] for head in reader.all(".side h3")][2] == contents.runs[1].name
    reader.press("\ue00c")
    reader.js("dispatchEvent(new Event('beforeprint'))")
    assert all(one.is_displayed() for one in articles)
    reader.quiet()


@needs_driver
def test_epochs_are_chosen_and_the_failing_one_comes_first(reader: Reader, tmp_path: Path) -> None:
    calls: dict[str, int] = {}

    def second(case: Case) -> Iterator[Message | str]:
        calls[case.id] = calls.get(case.id, 0) + 1
        return idle(case) if calls[case.id] == 2 else iter(case.gold)

    run = played(tmp_path / "run", {0: second}, limit=2, epochs=3)
    contents = contents_of([run])
    reader.open(html_of(replace(contents)), tmp_path / "report.html", f"#case/{contents.runs[0].cases[0].id}")
    reader.until(lambda: reader.all(".side"))
    epoch = reader.one("dialog select")
    assert (
        epoch.is_displayed()
        and epoch.get_attribute("value") == "1"
        and len(epoch.find_elements("css selector", "option")) == 3
    )
    assert "wrong" in reader.all(".side h3")[-1].text
    reader.js("const s = document.querySelector('dialog select'); s.value = '2'; s.dispatchEvent(new Event('change'))")
    assert "right" in reader.all(".side h3")[-1].text
    reader.quiet()


@needs_driver
def test_where_conversations_part_is_marked_by_what_differs(reader: Reader, tmp_path: Path) -> None:
    """At calls first, then at what scorers object to, and at words alone only where nothing else differs."""

    def otherwise(case: Case, last: str | None = None) -> Iterator[Message | str]:
        for message in case.gold[:-1]:
            yield replace(message, thinking=f"{message.thinking} as ever")
        yield case.gold[-1] if last is None else replace(case.gold[-1], content=last)

    before = played(tmp_path / "before", limit=3)
    plays = {0: lambda case: otherwise(case, "One moment, please."), 1: otherwise, 2: idle}
    contents = contents_of([played(tmp_path / "after", plays, limit=3)], before)
    cases = contents.runs[0].cases
    assert [case.success for case in cases] == [0.0, 1.0, 0.0]
    page = html_of(contents)
    after = "return document.querySelector('.side:last-child .parts').nextElementSibling.textContent"
    for number, (word, said) in enumerate(
        [
            ("the scorers object to what is said here", "thinking"),
            ("only the words part here", "as ever"),
            ("the calls part here", "One moment, please."),
        ]
    ):
        reader.open(page, tmp_path / "report.html", f"#case/{cases[number].id.replace('/', '%2F')}")
        reader.until(lambda number=number: reader.one("#talk-title").text == cases[number].id)
        assert [mark.text for mark in reader.all(".side .parts")] == [word] * 2
        assert said in reader.js(after)
        # Of all cases, those that fail first; why one does stands above its conversation.
        assert (reader.one("dialog .previous").is_enabled(), reader.one("dialog .next").is_enabled()) == (
            (number != 0),
            (number != 1),
        )
        places = "return [...document.querySelector('.side:last-child').children].map((one) => one.className)"
        assert reader.js(places) == (["", "talk"] if number == 1 else ["", "why", "talk"])
    reader.quiet()


def test_escaping_is_undone_by_a_browser_alone(parsed: Page, page: str) -> None:
    name = visible("model</script><script>alert(11)</script>\u202e")
    assert name in unescape(page) and name not in page and name in parsed.text
