"""The graph of a procedure: its data, its picture, its Mermaid text, and what cases and runs paint on it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from browser import needs_browser, opened
from hypothesis import given, settings, strategies as st
from typer.testing import CliRunner

from samescore.harness.cli.errors import Guarded
from samescore.harness.cli.eval import evaluate_command
from samescore.harness.cli.sop import app as sop_app
from samescore.suites.catalog import find_sop
from samescore.suites.sop.graph import EdgeKind, Graph, Node, NodeKind, graph, passed
from samescore.suites.sop.layout import Layout, Link, layout, ranks
from samescore.suites.sop.loader import load
from samescore.suites.sop.marks import THIN, Level, Outcome, scored, tried, unmarked
from samescore.suites.sop.mermaid import mermaid
from samescore.suites.sop.model import Decide
from samescore.suites.sop.obligations import obligations
from samescore.suites.sop.svg import svg
from samescore.suites.sop.trace import trace

DATA = Path(__file__).with_name("data")
PARCEL = load(DATA / "sop" / "parcel.yaml")
FACTS = [one.witness for one in obligations(PARCEL, "mcdc") if one.witness is not None]
HOSTILE = '</svg><script>document.title = "pwned"</script>"\'&\x1b]0;x\x07%%{init}%%'
SVG = "{http://www.w3.org/2000/svg}"

CLI = typer.Typer(cls=Guarded)
CLI.add_typer(sop_app, name="sop")
CLI.command("eval")(evaluate_command)


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(CLI, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def marked(name: str) -> tuple[Graph, str]:
    sop = PARCEL if name == "parcel" else find_sop(name).read()[0]
    facts = FACTS if name == "parcel" else [case.facts for case in find_sop(name).cases("eval")]
    return graph(sop), svg(graph(sop), tried(sop, facts, f"{len(facts)} cases"))


def test_an_escalation_and_the_calls_of_one_turn_are_one_node_each() -> None:
    nodes = {node.id: node for node in graph(PARCEL).nodes}
    assert nodes["hand_over"].kind is NodeKind.ESCALATE and "hand_over.reply" not in nodes
    together = {node.id: node for node in graph(load(DATA / "server.yaml")).nodes}
    assert (together["gather"].kind, together["gather"].label) == (NodeKind.CALLS, "get_host, get_owners")


def test_edges_are_the_arms_with_their_conditions_what_follows_and_what_goes_wrong() -> None:
    edges = {edge.id: edge for edge in graph(PARCEL).edges}
    assert edges["lookup.exhausted"].target == "outage" and edges["lookup.exhausted"].kind is EdgeKind.EXHAUSTED
    assert edges["collect.unknown"].target == "no_number" and edges["collect.next"].target == "lookup"
    assert edges["late_enough.by_hand"].condition == "else"
    assert edges["late_enough.payable"].condition.endswith("today <= parcel.insured_until + 30")
    assert len(edges) == len(graph(PARCEL).edges)


@pytest.mark.parametrize("name", ["parcel", "refund", "exchange"])
def test_every_way_through_the_procedure_is_a_way_through_the_graph(name: str) -> None:
    sop = PARCEL if name == "parcel" else find_sop(name).read()[0]
    facts = FACTS if name == "parcel" else [case.facts for case in find_sop(name).cases("eval")]
    drawn = graph(sop)
    edges = {edge.id: edge for edge in drawn.edges}
    seen: set[str] = set()
    for one in facts:
        nodes, along = passed(trace(sop, one))
        assert along <= edges.keys()
        assert {edges[id].source for id in along} | {edges[id].target for id in along} | {drawn.nodes[0].id} == nodes
        assert len(along) == len(nodes) - 1
        seen |= along
    assert seen == edges.keys()


def test_marks_count_the_cases_of_every_node_and_edge() -> None:
    marks = tried(PARCEL, FACTS[:THIN], "some")
    assert marks.nodes["collect"].badge == str(THIN) and marks.nodes["collect"].level is Level.HIGH
    counts = {id: int(mark.badge) for id, mark in marks.edges.items()}
    for node in graph(PARCEL).nodes[1:]:
        incoming = sum(counts[edge.id] for edge in graph(PARCEL).edges if edge.target == node.id)
        assert incoming == int(marks.nodes[node.id].badge)
    assert {mark.level for id, mark in marks.edges.items() if counts[id] == 0} == {Level.UNTRIED}
    assert {mark.level for id, mark in marks.edges.items() if 0 < counts[id] < THIN} == {Level.MIDDLE}


def test_success_is_a_share_of_the_rollouts_that_have_a_score_and_the_others_are_said() -> None:
    facts = FACTS[0]
    values = [1.0, 0.0, 1.0, None]
    marks = scored(PARCEL, [Outcome(facts, value) for value in values], "a run")
    start = marks.nodes["collect"]
    assert (start.level, start.badge) == (Level.MIDDLE, "~ 2/3")
    assert start.words == "2 of 3 rollouts right, 1 without a score"
    assert scored(PARCEL, [Outcome(facts, None)], "").nodes["collect"].level is Level.UNTRIED
    assert scored(PARCEL, [Outcome(facts, 1.0)], "").nodes["collect"].badge == "✓ 1/1"
    assert scored(PARCEL, [Outcome(facts, 0.0)], "").nodes["collect"].level is Level.LOW
    reply = trace(PARCEL, facts).reply.id.partition(".")[0]
    assert marks.notes[reply] == (f"branch {trace(PARCEL, facts).branch}: {start.words}",)


def boxes(placed: Layout, sizes: dict[str, tuple[float, float]], links: list[Link]) -> list[tuple[float, ...]]:
    items = [(*placed.nodes[name], *size) for name, size in sizes.items()]
    items += [(*route.label, *link.label) for route, link in zip(placed.routes, links, strict=True) if link.label[0]]
    return [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in items]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_neither_nodes_nor_labels_overlap_and_edges_go_down(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 9))
    sizes = {f"n{n}": (data.draw(st.sampled_from([40.0, 90.0, 160.0])), 46.0) for n in range(count)}
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    chosen = data.draw(st.lists(st.sampled_from(pairs), max_size=14)) if pairs else []
    links = [Link(f"n{a}", f"n{b}", data.draw(st.sampled_from([(0.0, 0.0), (120.0, 40.0)]))) for a, b in chosen]
    placed = layout(sizes, links)
    assert placed == layout(sizes, links)
    found = boxes(placed, sizes, links)
    for place, (left, up, right, down) in enumerate(found):
        assert left >= -0.01 and right <= placed.size[0] + 0.01 and down <= placed.size[1] + 0.01
        for other in found[:place]:
            assert right <= other[0] or other[2] <= left or down <= other[1] or other[3] <= up
    for link, route in zip(links, placed.routes, strict=True):
        heights = [y for piece in route.pieces for _, y in piece]
        assert heights == sorted(heights)
        assert route.pieces[0][0][0] == placed.nodes[link.source][0]
        assert route.pieces[-1][1][0] == placed.nodes[link.target][0]


def test_a_circle_is_no_layout() -> None:
    with pytest.raises(ValueError, match="circle"):
        ranks(["a", "b"], [Link("a", "b"), Link("b", "a")])


@pytest.mark.parametrize("name", ["parcel", "refund", "exchange"])
def test_the_picture_is_whole_xml_that_names_every_step_and_count(name: str) -> None:
    drawn, text = marked(name)
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img" and root.find(f"{SVG}title") is not None
    words = ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]
    assert {node.id for node in drawn.nodes} <= set(words)
    assert {edge.name for edge in drawn.edges if edge.name} <= set(words)
    titles = ["".join(element.itertext()) for element in root.iter(f"{SVG}title")]
    for edge in drawn.edges:
        assert any(edge.condition in title for title in titles)
    assert "prefers-color-scheme: dark" in text and "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_levels_differ_in_more_than_colour() -> None:
    _, text = marked("parcel")
    rules = dict(re.findall(r"\.sop-graph \.(untried|low|middle|high) \.way \{([^}]*)\}", text))
    assert len({re.sub(r"stroke: var[^;]*;", "", rule) for rule in rules.values()}) == 4


def test_the_picture_and_the_text_are_the_same_every_time() -> None:
    marks = tried(PARCEL, FACTS, "all")
    assert svg(graph(PARCEL), marks) == svg(graph(PARCEL), tried(PARCEL, FACTS, "all"))
    assert mermaid(graph(PARCEL), marks) == mermaid(graph(PARCEL), tried(PARCEL, FACTS, "all"))


def test_mermaid_has_a_line_per_step_and_way_and_a_class_per_level() -> None:
    drawn = graph(PARCEL)
    text = mermaid(drawn, tried(PARCEL, FACTS, "all"))
    assert text.splitlines()[1] == "flowchart TD"
    assert text.count(" -->") == len(drawn.edges)
    assert f'n0[/"collect ({len(FACTS)})<br/>ask: parcel_id, email"/]:::high' in text
    assert '|"too_early' in text and "#60; 5 and not customer.vip" in text
    assert "classDef untried" in text and "stroke-dasharray" in text


def hostile() -> Graph:
    """A procedure whose labels all try to break out of what they are written into."""
    step = PARCEL.steps["late_enough"]
    assert isinstance(step, Decide) and step.arms[0].condition is not None
    condition = replace(step.arms[0].condition, text=HOSTILE)
    step = replace(step, arms=(replace(step.arms[0], condition=condition), *step.arms[1:]))
    sop = replace(PARCEL, title={"en": HOSTILE, "vi": HOSTILE}, steps={**PARCEL.steps, step.id: step})
    drawn = graph(sop)
    return replace(drawn, nodes=(*drawn.nodes, Node(HOSTILE, NodeKind.REPLY, HOSTILE, (HOSTILE,), 1)))


def test_a_hostile_label_is_text_in_the_picture_and_in_mermaid() -> None:
    text = svg(hostile(), unmarked(HOSTILE))
    root = ElementTree.fromstring(text)
    assert not list(root.iter(f"{SVG}script")) and "<script" not in text
    assert any("<script>" in "".join(element.itertext()) for element in root.iter(f"{SVG}text"))
    lines = mermaid(hostile(), unmarked(HOSTILE)).splitlines()
    assert not any("<script" in line or "%%{" in line for line in lines)
    assert all(line.count('"') in (0, 2) for line in lines)


@needs_browser
def test_a_browser_draws_the_hostile_picture_without_running_it(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    text = svg(hostile(), unmarked(HOSTILE))
    page.write_text(f"<!doctype html><meta charset='utf-8'><title>safe</title>{text}", encoding="utf-8")
    dom, console = opened(page, tmp_path / "profile")
    assert "<title>safe</title>" in dom and "&lt;script&gt;" in dom and "<script" not in dom
    assert console == []


@needs_browser
def test_a_browser_opens_the_picture_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "refund.svg"
    path.write_text(marked("refund")[1], encoding="utf-8")
    dom, console = opened(path, tmp_path / "profile")
    assert "parsererror" not in dom and "pay_item" in dom and console == []


def test_the_command_writes_mermaid_by_default_and_svg_by_the_name_of_the_file(tmp_path: Path) -> None:
    assert run("sop", "graph", "refund").startswith("%% Refund: 138 eval cases\nflowchart TD\n")
    picture = tmp_path / "refund.svg"
    run("sop", "graph", "refund", "--out", picture)
    assert ElementTree.fromstring(picture.read_text(encoding="utf-8")).tag == f"{SVG}svg"
    assert run("sop", "graph", "retail/refund", "--format", "svg") == picture.read_text(encoding="utf-8")
    assert "cannot be written" in run("sop", "graph", "refund", "--out", tmp_path / "no" / "x.svg", code=5)


def test_the_name_of_the_file_says_what_is_in_it_or_is_refused(tmp_path: Path) -> None:
    for name in ("refund.mmd", "refund.md"):
        run("sop", "graph", "refund", "--out", tmp_path / name)
        assert (tmp_path / name).read_text(encoding="utf-8").startswith("%% Refund")
    said = run("sop", "graph", "refund", "--out", tmp_path / "x.png", code=2)
    assert "expected a name that ends in .svg (svg), .mmd (mermaid), .md (mermaid)" in said
    said = run("sop", "graph", "refund", "--format", "mermaid", "--out", tmp_path / "x.svg", code=2)
    assert "expected a name that ends in .mmd (mermaid), .md (mermaid)." in said
    assert {path.name for path in tmp_path.iterdir()} == {"refund.mmd", "refund.md"}


def test_the_picture_is_as_wide_as_drawn_and_no_wider_than_its_window() -> None:
    root = ElementTree.fromstring(marked("refund")[1])
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert root.get("style") == "max-width: 100%; height: auto"


def test_the_command_colours_by_a_run_and_counts_what_has_no_score(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run("eval", "--suite", "sop/refund", "--model", "oracle", "--limit", "6", "--out", out)
    text = run("sop", "graph", "refund", "--run", out)
    assert "success of oracle, 6 rollouts\n" in text and ":::high" in text and text.count(":::low") == 1
    evidence = out / "evidence.jsonl"
    evidence.write_text("".join(evidence.read_text(encoding="utf-8").splitlines(keepends=True)[:-2]), encoding="utf-8")
    assert "6 rollouts, 2 without a score" in run("sop", "graph", "refund", "--run", out)
    other = run("sop", "graph", "exchange", "--run", out, code=2)
    assert "no cases of sop/exchange in retail; it has sop/refund" in other


def test_a_procedure_without_cases_is_drawn_without_colours(tmp_path: Path) -> None:
    refund = find_sop("refund").path
    path = tmp_path / "refund.yaml"
    path.write_text(refund.read_text(encoding="utf-8"), encoding="utf-8")
    text = run("sop", "graph", path)
    assert "no cases yet" in text and ":::" not in text
