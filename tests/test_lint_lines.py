"""What lint says comes with the lines it is about, also where a file cannot be read; and what it knows of results."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

import pytest
import typer
from typer.testing import CliRunner

from samescore.harness.cli.errors import Guarded
from samescore.harness.cli.excerpt import LONGEST, described, excerpt
from samescore.harness.cli.sop import app as sop_app
from samescore.harness.errors import SopError
from samescore.suites.catalog import find_sop
from samescore.suites.sop.document import read
from samescore.suites.sop.finding import Finding
from samescore.suites.sop.lint import lint
from samescore.suites.sop.loader import load

DATA = Path(__file__).with_name("data")
CLI = typer.Typer(cls=Guarded)
CLI.add_typer(sop_app, name="sop")
REFUND = find_sop("refund").path


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(CLI, ["sop", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def refund(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The refund procedure and its phrases with some places changed."""
    for path in (REFUND, REFUND.with_name("refund.phrases.yaml")):
        text = path.read_text(encoding="utf-8")
        for old, new in changes if path == REFUND else ():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    return tmp_path / REFUND.name


def marked(lines: list[str]) -> list[str]:
    """What the carets of an excerpt underline."""
    found = []
    for line, under in pairwise(lines):
        if set(under.partition("|")[2]) == {" ", "^"}:
            start = under.index("^")
            found.append(line[start : start + under.count("^")])
    return found


MEANT = {
    19: "'lost'",
    22: "emial",
    28: "reveal",
    31: "order.state",
    34: "30.5",
    35: "shipped",
    37: "order.vpi",
    40: "nowhere",
    46: "deny",
}


@pytest.mark.parametrize(("line", "word"), MEANT.items())
def test_a_mistake_underlines_what_is_meant_though_it_stands_lines_below(line: int, word: str) -> None:
    with pytest.raises(SopError) as error:
        load(DATA / "sop" / "broken.yaml")
    shown = [described(SopError("", [one])).splitlines() for one in error.value.mistakes]
    assert any(marked(lines) == [word] and lines[-2].strip().startswith(f"{line} |") for lines in shown)


def test_the_message_of_an_error_stays_a_line_per_mistake() -> None:
    with pytest.raises(SopError) as error:
        load(DATA / "sop" / "broken.yaml")
    assert str(error.value).splitlines() == [str(one) for one in error.value.mistakes]


def test_every_finding_shows_its_line_and_underlines_a_part_of_it() -> None:
    sop = load(DATA / "sop" / "flawed.yaml")
    for finding in lint(sop):
        lines = excerpt(sop.path, finding.line, finding.focus)
        assert lines[0].strip().startswith(f"{finding.line} |") and marked(lines) == [finding.focus], finding


def test_a_focus_in_another_block_is_not_found(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("a:\n  b: one\nc:\n  d: two\n", encoding="utf-8")
    assert excerpt(path, 1, "two") == ["  1 | a:"]
    assert excerpt(path, 3, "two") == ["  3 | c:", "  4 |   d: two", "    |      ^^^"]
    assert excerpt(path, 9) == [] and excerpt(tmp_path / "none.yaml", 1) == []


def test_a_word_within_another_one_and_one_in_a_comment_are_not_meant(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("a: [order.status_code]  # order.status\n", encoding="utf-8")
    assert marked(excerpt(path, 1, "order.status")) == []


def test_a_long_line_is_cut_around_what_is_meant_and_wide_letters_keep_the_caret_in_place(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(f"a: '{'lời ' * 60}sai {'x' * 200}'\nb: 漢字 sai\n", encoding="utf-8")
    lines = excerpt(path, 1, "sai")
    assert marked(lines) == ["sai"] and len(lines[0]) <= LONGEST + 10 and "…" in lines[0]
    assert excerpt(path, 2, "sai")[1] == "    |" + " " * 9 + "^^^"


def test_control_codes_of_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = refund(tmp_path, ("then: no_such_order", 'then: "no\\u001b[31m"  # \u202e'))
    assert "\x1b" not in run("lint", path, code=2) and "\u202e" not in run("lint", path, code=2)


def test_lint_prints_json_also_for_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = refund(tmp_path, ("reveals: [customer.vip,", "reveal: [customer.vip,"))
    (row,) = json.loads(run("lint", path, "--json", code=2))
    assert row == {
        "file": str(path),
        "line": row["line"],
        "step": None,
        "rule": "invalid",
        "severity": "error",
        "message": "step 'customer': unknown key 'reveal'. Did you mean 'reveals'?",
        "text": "reveal: [customer.vip, customer.flagged, customer.refunds_this_year]",
        "witness": None,
    }
    path.write_text("steps: [\n", encoding="utf-8")
    (row,) = json.loads(run("lint", path, "--json", code=2))
    assert row["rule"] == "invalid" and row["line"] == 2 and "this is no YAML" in row["message"]


@pytest.mark.parametrize("name", ["refund.yaml", "refund.phrases.yaml"])
@pytest.mark.parametrize("encoded", [lambda text: text.encode("utf-16"), lambda text: text.encode() + b"\n# \xff\n"])
def test_a_file_that_is_not_utf_8_is_a_flaw_like_others(
    tmp_path: Path, name: str, encoded: Callable[[str], bytes]
) -> None:
    path = refund(tmp_path)
    wrong = path.with_name(name)
    wrong.write_bytes(encoded(wrong.read_text(encoding="utf-8")))
    said = run("lint", path, code=2)
    assert f"{wrong}:1: error: the file cannot be read: it is no UTF-8: " in said.replace("\n", "")
    assert said.endswith("1 error, 0 warnings\n")
    (row,) = json.loads(run("lint", path, "--json", code=2))
    assert (row["file"], row["line"], row["rule"], row["text"]) == (str(wrong), 1, "invalid", "")


@pytest.mark.parametrize("character", ["\t", "\x01"])
def test_a_character_that_yaml_does_not_take_is_found_in_its_line(tmp_path: Path, character: str) -> None:
    path = tmp_path / "tab.yaml"
    path.write_text("a: 1\nb:\n  c: 1\n" + character + "d: 2\n", encoding="utf-8")
    with pytest.raises(SopError, match="this is no YAML") as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:4: ") and "<unicode string>" not in str(caught.value)


def test_a_file_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    path = refund(tmp_path, ("reveals: [customer.vip,", "reveal: [customer.vip,"))
    other = tmp_path / "other"
    other.mkdir()
    flawed = refund(other, ("when: order.days_since_delivery <= 60", "when: order.days_since_delivery <= 600"))
    rows = json.loads(run("lint", path, flawed, "--json", code=2))
    assert {row["file"] for row in rows} == {str(path), str(flawed)}
    assert {row["rule"] for row in rows} >= {"invalid", "unreachable-arm"}


def test_a_mistake_in_the_phrase_bank_does_not_hide_what_is_proven_of_the_procedure(tmp_path: Path) -> None:
    path = refund(tmp_path, ("when: order.days_since_delivery <= 60", "when: order.days_since_delivery <= 600"))
    bank = path.with_name("refund.phrases.yaml")
    bank.write_text(bank.read_text(encoding="utf-8") + "fr: {}\n", encoding="utf-8")
    rows = json.loads(run("lint", path, "--json", code=2))
    assert {Path(row["file"]).name for row in rows} == {"refund.yaml", "refund.phrases.yaml"}


def test_other_commands_show_the_lines_too(tmp_path: Path) -> None:
    path = refund(tmp_path, ("then: no_such_order", "then: no_such_ordr"))
    said = run("cases", path, code=2)
    assert "Did you mean 'no_such_order'?" in said and "^^^^^^^^^^^^" in said
    flawed = refund(tmp_path, ("when: order.days_since_delivery <= 60", "when: order.days_since_delivery <= 600"))
    said = run("lock", flawed, code=2)
    assert "[unreachable-arm]" in said and "name: late" in said and "^^^^" in said


CUSTOMER = "call: get_customer\n    with: {customer_id: $lookup.customer_id}"


class Place(TypedDict):
    """Where something is."""

    city: str


class Order(TypedDict):
    """What a look-up gives."""

    status: str
    customer_id: str
    stores: list[Place]
    note: Place | None


def get_order(env: object, order_id: str) -> Order:
    """Look up an order."""
    raise NotImplementedError


def findings(path: Path, rule: str, **code: object) -> list[Finding]:
    return [finding for finding in lint(load(path), code) if finding.rule == rule]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("$lookup.customer_it", "no field 'customer_it'. Did you mean 'customer_id'?"),
        ("$lookup.stores.0.town", "no field 'town'. It has city."),
        ("$lookup.note.citi", "no field 'citi'. Did you mean 'city'?"),
    ],
)
def test_a_field_that_no_result_has_is_found_where_the_tool_says_which_it_has(
    tmp_path: Path, reference: str, says: str
) -> None:
    path = refund(tmp_path, (CUSTOMER, CUSTOMER.replace("$lookup.customer_id", reference)))
    (finding,) = [one for one in findings(path, "unknown-field", get_order=get_order) if one.step == "customer"]
    assert finding.message.endswith(says) and finding.focus == reference
    assert findings(path, "unknown-field") == []


def test_fields_that_exist_at_any_depth_are_fine(tmp_path: Path) -> None:
    path = refund(tmp_path, (CUSTOMER, CUSTOMER.replace("$lookup.customer_id", "$lookup.stores.0.city")))
    assert [one for one in findings(path, "unknown-field", get_order=get_order) if one.step == "customer"] == []


@pytest.mark.parametrize(
    ("confidential", "reference"),
    [("order.id", "$order_id"), ("order.status", "$lookup.status"), ("$lookup.status", "$lookup.status")],
)
def test_a_reply_that_would_tell_a_secret_is_an_error(tmp_path: Path, confidential: str, reference: str) -> None:
    path = refund(tmp_path, ("never: [get_payment_card]", f"confidential: [{confidential}]"))
    found = [finding for finding in findings(path, "told-secret") if finding.step == "no_such_order"]
    assert [(finding.severity, finding.focus) for finding in found] == [("error", reference)]
    assert f"tells {confidential}, which is confidential" in found[0].message


def test_a_secret_in_a_placeholder_is_found_and_one_in_a_call_is_fine(tmp_path: Path) -> None:
    place = 'text:\n      en:\n        - "I am sorry, but this order has {order_status}'
    path = refund(
        tmp_path,
        ("never: [get_payment_card]", "confidential: [customer.vip, $lookup.customer_id]"),
        (place, place.replace("this order", "order of {$lookup.customer_id}")),
    )
    assert [(finding.step, finding.focus) for finding in findings(path, "told-secret")] == [
        ("paid_before", "$lookup.customer_id")
    ]
