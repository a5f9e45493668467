"""Reports as Markdown: nothing that a model wrote is markup, and nothing is longer than GitHub takes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st
from markdown_it import MarkdownIt
from rendered_markdown import FOUND_BY_GITHUB, OURS, Rendered
from report_runs import HOSTILE, hostile, idle, played

from samescore.harness.cli.printable import printable, shortened
from samescore.harness.run import Run
from samescore.reports.contents import Contents, Fact, contents_of
from samescore.reports.markdown import COMMENT_LIMIT, SUMMARY_LIMIT, comment, marker, step_summary
from samescore.reports.quoting import block, code, html_code, prose


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """A candidate with hostile replies, and a baseline that is right there and wrong elsewhere."""
    folder = tmp_path_factory.mktemp("markdown")
    name = "evil/@octocat <b>|`x`"
    candidate = played(folder / "new", {0: hostile, 1: hostile, 2: idle}, name=name, adapter="<i>#1")
    return candidate, played(folder / "old", {2: idle, 3: hostile, 4: idle}, name="base")


@pytest.fixture(scope="module")
def alone(runs: tuple[Run, Run]) -> Contents:
    return contents_of([runs[0]])


@pytest.fixture(scope="module")
def against(runs: tuple[Run, Run]) -> Contents:
    return contents_of([runs[0]], runs[1])


@pytest.fixture(params=["alone", "against"])
def contents(request: pytest.FixtureRequest) -> Contents:
    found: Contents = request.getfixturevalue(request.param)
    return found


# What is written stays text.

TEXTS = st.one_of(
    st.text(max_size=80), st.text("`|\\*_<>@#:&$~[]()!-+=.1aw /GH", max_size=40), st.sampled_from(HOSTILE)
)

PLACES: dict[str, Callable[[str], str]] = {
    "line": lambda shown: shown,
    "list": lambda shown: f"- {shown}",
    "cell": lambda shown: f"| a | b |\n| --- | ---: |\n| {shown} | x |",
    "sentence": lambda shown: f"**a:** {shown} ({shown})",
}


@pytest.mark.parametrize("quote", [code, html_code, prose])
@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=25)
@given(text=TEXTS)
@example("a\\|b")
@example("`")
@example("a`|`b\\")
@example("--- x")
@example("--")
@example("-- -")
@example("==")
@example("12. x")
@example("_a_ __b__ c_d")
def test_a_quoted_text_is_shown_as_it_is_wherever_it_stands(quote: Callable[[str], str], place: str, text: str) -> None:
    wanted = shortened(text, 200)
    rendered = Rendered(PLACES[place](quote(text)))
    shown = re.sub(r"\s+", " ", rendered.text)
    assert re.sub(r"\s+", " ", wanted).strip() in shown
    assert rendered.elements <= OURS and not rendered.attributes - {"style"}
    assert not any(map(FOUND_BY_GITHUB.search, rendered.pieces)), rendered.pieces


@settings(max_examples=40)
@given(lines=st.lists(TEXTS, min_size=1, max_size=5))
def test_a_block_shows_its_lines(lines: list[str]) -> None:
    rendered = Rendered(f"before\n\n{block(lines)}\n\nafter")
    for line in lines:
        assert printable(line) in rendered.text
    assert rendered.elements <= {"p", "pre", "code"} and "after" in rendered.pieces


@pytest.mark.parametrize("draw", [comment, step_summary])
def test_nothing_of_a_hostile_reply_is_markup(contents: Contents, draw: Callable[[Contents], str]) -> None:
    text = draw(contents)
    rendered = Rendered(text)
    assert rendered.elements <= OURS
    assert rendered.attributes <= {"style", "class"}  # of columns, and of blocks
    assert not any(map(FOUND_BY_GITHUB.search, rendered.pieces))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    assert "octocat" in rendered.text
    assert draw is comment or "alert(1)" in rendered.text  # a comment shows no conversation


def test_every_row_of_a_table_has_its_columns(contents: Contents) -> None:
    """A pipe in a name would make a column more, and what is past the last one is dropped."""
    html = MarkdownIt("commonmark").enable("table").render(step_summary(contents))
    for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
        rows = [len(re.findall("<t[hd][ >]", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)]
        assert len(set(rows)) == 1 and rows[0] > 1


# Found again.


def test_a_comment_begins_with_its_marker(contents: Contents) -> None:
    assert comment(contents, "nightly").startswith("<!-- samescore:nightly -->\n### ")
    assert comment(contents).startswith("<!-- samescore:sop/refund/-i-1 -->\n")
    assert step_summary(contents).startswith("<!-- samescore summary -->\n### ")  # not that of a comment


@given(st.text(max_size=300))
def test_no_name_ends_its_marker_early(name: str) -> None:
    found = marker(name)
    assert re.fullmatch(r"<!-- samescore:[A-Za-z0-9._/+-]{1,200} -->", found)
    assert "--" not in found[4:-3].strip()


def test_two_pushes_of_one_job_have_one_marker(alone: Contents, against: Contents) -> None:
    assert comment(alone).split("\n")[0] == comment(against).split("\n")[0]


# What it says.


def test_a_comment_says_what_was_decided_and_which_cases_changed(against: Contents) -> None:
    text = Rendered(comment(against)).text
    assert against.decision.sentence in text
    run = against.runs[0]
    assert run.comparison is not None
    for flip in (*run.comparison.broken, *run.comparison.fixed):
        assert flip.case in text
    assert (len(run.comparison.broken), len(run.comparison.fixed)) == (2, 2)
    assert "Broken (2)" in text and "Fixed (2)" in text
    for fact in run.decision.facts:
        assert fact.value in text
    for limit in run.decision.limits:
        assert limit in text


def test_a_metric_that_the_gate_judged_has_the_gates_interval_at_its_confidence(against: Contents) -> None:
    comparison = against.runs[0].comparison
    assert comparison is not None
    rows = [line for line in comment(against).splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in rows] == [shift.name for shift in comparison.shifts]
    for line, shift in zip(rows, comparison.shifts, strict=True):
        assert ("(90%)" in line and "5 points" in line) == (shift.gated is not None)
        assert "(95%)" in line or shift.gated is not None


def test_a_step_summary_shows_what_broke_as_it_was_is_and_should_be(against: Contents) -> None:
    text = step_summary(against)
    assert "as the baseline had it" in text and "as it should be" in text
    assert text.count("<details>") == text.count("</details>\n") == 3  # two conversations and what made the result
    assert len(text) > len(comment(against))


def test_without_a_baseline_it_names_the_branches_that_fail(alone: Contents) -> None:
    text = Rendered(comment(alone)).text
    assert "Branches that fail (3)" in text
    for branch in alone.runs[0].results.failing:
        assert branch.name in text


def test_an_incomplete_run_says_what_is_missing(runs: tuple[Run, Run], tmp_path: Path) -> None:
    shutil.copytree(runs[1].directory, tmp_path / "cut")
    evidence = tmp_path / "cut" / "evidence.jsonl"
    evidence.write_bytes(b"".join(evidence.read_bytes().splitlines(keepends=True)[:-2]))
    contents = contents_of([Run.open(tmp_path / "cut")], runs[1])
    for text in (comment(contents), step_summary(contents)):
        assert "⛔ Incomplete" in text and "2 / 8 rollouts" in text and "samescore eval --resume" in text
    assert "Without a score" in step_summary(contents)


def test_several_runs_stand_in_one_table(runs: tuple[Run, Run]) -> None:
    contents = contents_of(list(runs))
    rendered, text = Rendered(comment(contents)), comment(contents)
    for run in contents.runs:
        assert rendered.text.count(run.name) >= 2
    assert text.count("<summary>") == text.count("</summary>") >= 2
    assert Rendered(step_summary(contents)).elements <= OURS


def test_it_is_said_in_vietnamese(runs: tuple[Run, Run]) -> None:
    contents = contents_of([runs[0]], runs[1], language="vi")
    for text in (comment(contents), step_summary(contents)):
        assert "khoảng tin cậy" in text and "Bị hỏng (2)" in text
        assert "Broken" not in text and "interval" not in text


# As long as it may be.


def crowded(contents: Contents, flips: int, words: str) -> Contents:
    """The same with so many broken cases, of long names."""
    run = contents.runs[0]
    assert run.comparison is not None
    flip = run.comparison.broken[0]
    many = tuple(replace(flip, branch=f"{number} {words}", reason=words) for number in range(flips))
    return replace(contents, runs=(replace(run, comparison=replace(run.comparison, broken=many)),))


@pytest.mark.parametrize("words", ["x" * 500, "|@*" * 200, "😀<" * 200])
def test_lists_give_way_with_a_count(against: Contents, words: str) -> None:
    found = crowded(against, 3_000, words)
    short, long = comment(found), step_summary(found)
    assert len(short.encode("utf-16-le")) // 2 <= COMMENT_LIMIT and len(long.encode()) <= SUMMARY_LIMIT
    for text in (short, long):
        shown = text.count(" 100% → 0%")
        assert 0 < shown < 3_000 and f"and {3_000 - shown:,} more" in text
        assert text.rstrip().endswith("</sub>")


def test_what_cannot_be_cut_to_fit_is_left_out_with_a_word(against: Contents) -> None:
    run = against.runs[0]
    facts = tuple(Fact("@" * 900, "<" * 900, "|" * 900) for _ in range(40))
    found = replace(against, runs=(replace(run, decision=replace(run.decision, facts=facts)),))
    text = comment(found, "x")
    assert len(text) <= COMMENT_LIMIT
    assert text.startswith("<!-- samescore:x -->\n### ") and "too long" in text
