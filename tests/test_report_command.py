"""`samescore report`: files that are written whole or not at all, one message for what is wrong, and the history."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from in_process import Done, samescore
from rendered_markdown import Rendered
from report_runs import hostile, idle, played
from scripted_runs import recorded

from samescore.harness.case import Case
from samescore.harness.cli.report_command import require_files
from samescore.harness.errors import UsageError
from samescore.harness.registry import Checkout, Registry
from samescore.harness.registry.entry import Entry
from samescore.harness.run import Run
from samescore.harness.types import Message
from samescore.reports.history import History, Point, Series, history_json, history_of
from samescore.reports.history_page import history_html, history_svg
from samescore.reports.replaceable import replaceable

FORMATS = ("--html", "--md", "--summary", "--junit", "--json")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs."""
    folder = tmp_path_factory.mktemp("report")
    played(folder / "new", {0: hostile, 1: idle})
    played(folder / "old", {1: idle, 2: idle})
    return folder


def report(place: Path, *arguments: str | Path, columns: int = 300) -> Done:
    return samescore("report", *arguments, cwd=place, columns=columns)


def refused(place: Path, *arguments: str | Path) -> str:
    """The one message of a command that was wrong, which left nothing behind."""
    before = sorted(place.rglob("*"))
    done = report(place, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sorted(place.rglob("*")) == before
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line.removeprefix("error: ")


# Files.


def test_all_formats_are_written_at_once(place: Path, tmp_path: Path) -> None:
    names = ("r.html", "c.md", "s.md", "j.xml", "r.json")
    files = [part for form, name in zip(FORMATS, names, strict=True) for part in (form, tmp_path / name)]
    done = report(place, "new", "--baseline", "old", *files)
    assert (done.returncode, done.stdout) == (0, "")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [str(tmp_path / name) for name in names]
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!doctype html>")
    assert (tmp_path / "c.md").read_text("utf-8").startswith("<!-- samescore:sop/refund/script -->")
    assert ElementTree.parse(tmp_path / "j.xml").getroot().get("tests") == "10"
    told = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert (told["format"], told["runs"][0]["run"], told["baseline"]["run"]) == (1, "new", "old")


def test_json_says_what_eval_says_and_what_the_gate_says_by_its_policy(place: Path, tmp_path: Path) -> None:
    policy = tmp_path / "gate.toml"
    policy.write_text("[margins]\nsuccess = 0.9\n")
    told = json.loads(report(place, "new", "--baseline", "old", "--policy", policy, "--json", "-").stdout)
    scored = json.loads(samescore("score", "new", "--json", cwd=place).stdout)
    gated = json.loads(samescore("gate", "new", "old", "--policy", policy, "--json", cwd=place).stdout)
    run = told["runs"][0]
    for metric in (*run["metrics"].values(), *scored["metrics"].values()):
        del metric["floor"]  # measured when a run is scored, which nobody had done before the report
    assert run["metrics"] == scored["metrics"]
    assert {name: run["gate"][name] for name in gated if name in run["gate"]} == {
        name: value for name, value in gated.items() if name in run["gate"]
    }
    assert run["decision"]["exit"] == gated["exit"] == 0 and run["gate"]["metrics"]["success"]["margin"] == 0.9
    case = run["cases"][0]
    assert set(case["rollouts"][0]["scores"]) >= {"success"} and case["rollouts"][0]["reasons"]


def test_a_dash_is_standard_output(place: Path, tmp_path: Path) -> None:
    done = report(place, "new", "--html", "-", "--json", tmp_path / "r.json")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert done.stdout.startswith("<!doctype html>") and done.stdout.endswith("</html>\n")
    assert not (place / "-").exists()


def test_without_a_format_the_short_form_is_printed(place: Path) -> None:
    done = report(place, "new", "--baseline", "old", columns=80)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Inconclusive: script (new) against script (old)"
    assert max(map(len, lines)) <= 80
    assert "Broken (1)" in lines and "Fixed (1)" in lines
    assert "\x1b" not in done.stdout and "\u202e" not in done.stdout
    assert [line.split()[0] for line in lines if "(9" in line and "%)" in line and "%  " in line][:2] == [
        "success",
        "tool_name",
    ]


def test_where_one_format_cannot_be_drawn_nothing_is_written(place: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "c.md", tmp_path / "card.md"
    good.write_text("<!-- samescore:former -->\n")
    done = report(place, "new", "--md", good, "--card", bad)
    assert done.returncode == 2 and "without one" in done.stderr
    assert good.read_text() == "<!-- samescore:former -->\n" and sorted(tmp_path.iterdir()) == [good]


def test_a_test_case_may_be_a_case(place: Path, tmp_path: Path) -> None:
    run = played(tmp_path / "twice", {0: idle}, limit=4, epochs=2)
    root = ElementTree.fromstring(report(place, run.directory, "--junit", "-", "--junit-case", "case").stdout)
    decision, cases = root.iter("testsuite")
    assert (decision.get("name"), cases.get("name"), cases.get("tests")) == ("decision", "sop/refund", "4")


def test_several_runs_may_be_told_in_vietnamese_under_a_name(place: Path) -> None:
    text = report(place, "new", "old", "--md", "-", "--name", "both", "--language", "vi").stdout
    assert text.startswith("<!-- samescore:both -->\n")
    rendered = Rendered(text).text
    assert "script (new)" in rendered and "script (old)" in rendered and "khoảng tin cậy" in rendered


# What is wrong.


def test_a_run_that_is_not_there(place: Path) -> None:
    assert refused(place, "nowhere", "--md", "c.md") == (
        "nowhere: no run here (no run.json). Name the directory of a run."
    )
    assert refused(place) == "a report is about a run. Name its directory: samescore report RUN"
    assert refused(place, "new", "./new").startswith("new: the same run as new. Name each once.")


def test_a_run_of_a_later_version(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "new", tmp_path / "later")
    manifest = tmp_path / "later" / "run.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"format": 1', '"format": 9', 1), "utf-8")
    assert "run format 9; this samescore reads up to 1" in refused(place, tmp_path / "later", "--md", tmp_path / "c.md")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (("--md", "r", "--json", "./r"), "--md and --json would both go to r. Name a file for each."),
        (("--md", "-", "--junit", "-"), "--md and --junit would both go to standard output. Name a file for each."),
        (("--md", "no/where/r.md"), "--md no/where/r.md: there is no folder no/where. Make it: mkdir -p no/where"),
        (("--html", "old"), "--html old: this is a folder. Name a file in it."),
        (
            ("--json", "new/run.json"),
            "--json new/run.json: this is part of the run, and is not replaced. Name another file.",
        ),
        (("--json", "new/../new/evidence.jsonl"), "is part of the run"),
    ],
)
def test_a_file_that_cannot_be_meant(place: Path, files: tuple[str, ...], message: str) -> None:
    assert message in refused(place, "new", *files)


@pytest.mark.parametrize("form", [*FORMATS, "--card", "--svg"])
@pytest.mark.parametrize("text", ["# My project\n", "---\ntags: [samescore]\n---\n# Mine\n", '{"format": 1}', "\xff"])
def test_a_file_that_no_report_wrote_is_not_replaced(tmp_path: Path, form: str, text: str) -> None:
    """Neither a README nor source code, a policy or something that is no text; before anything is scored."""
    path = tmp_path / "mine"
    path.write_text(text, encoding="latin-1")
    before = path.read_bytes()
    assert not replaceable(form.removeprefix("--"), path)
    with pytest.raises(UsageError, match=r"wrote it\. Name another file, or replace it for good"):
        require_files({form.removeprefix("--"): path}, [])
    require_files({form.removeprefix("--"): path}, [], force=True)
    assert path.read_bytes() == before


def test_each_form_replaces_its_own_and_no_other(place: Path, tmp_path: Path) -> None:
    files = {form: tmp_path / form.removeprefix("--") for form in FORMATS}
    options = [part for form, path in files.items() for part in (form, path)]
    for path in files.values():
        path.touch()  # as mktemp leaves it
    for _ in range(2):
        assert report(place, "new", *options).returncode == 0
    for form in (*FORMATS, "--card", "--svg"):
        assert [other for other, path in files.items() if replaceable(form.removeprefix("--"), path)] == [
            one for one in files if one == form
        ]
    taken = files["--html"].read_bytes()
    assert "this file is there already, and no --md of a report wrote it" in refused(
        place, "new", "--md", files["--html"]
    )
    assert files["--html"].read_bytes() == taken
    assert report(place, "new", "--md", files["--html"], "--force").returncode == 0
    assert files["--html"].read_text("utf-8").startswith("<!-- samescore:")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--name", "x"), "--name goes with --md, which is not given. Add it, or leave --name out."),
        (("--junit-case", "case"), "--junit-case goes with --junit"),
        (("--adapter", "x"), "--adapter goes with --card"),
        (("--metric", "path"), "--metric goes with --history"),
        (("--svg", "x.svg"), "--svg goes with --history"),
        (("--history",), "--history is about all runs of a registry and does not take RUN. Leave it out."),
        (("--baseline", "registry:"), "registry:: a branch is missing"),
    ],
)
def test_an_option_that_is_given_in_vain(place: Path, options: tuple[str, ...], message: str) -> None:
    assert message in refused(place, "new", *options)


def test_a_rule_of_the_policy_is_judged_without_a_baseline_too(tmp_path: Path) -> None:
    def leaking(case: Case) -> Iterator[Message | str]:
        thinking = "this customer lies, so that nothing may be paid back here"
        yield Message("assistant", f"I am sorry: {thinking}.", thinking=thinking)

    run, policy = played(tmp_path / "run", {0: leaking}, limit=4), tmp_path / "gate.toml"
    policy.write_text('zero_tolerance = ["leaked_thinking"]\n')
    told = json.loads(report(tmp_path, run.directory, "--policy", policy, "--json", "-").stdout)
    assert (told["decision"]["outcome"], told["decision"]["exit"]) == ("rule_broken", 1)
    assert told["runs"][0]["rules"]["leaked_thinking"]["forbidden"]


def test_a_policy_with_an_unknown_metric_names_its_line(place: Path, tmp_path: Path) -> None:
    policy = tmp_path / "gate.toml"
    policy.write_text("[margins]\nsuccess = 0.05\nkindness = 0.1\n")
    assert refused(place, "new", "--baseline", "old", "--policy", policy).startswith(f"{policy}:3: ")


def test_nothing_heavy_is_loaded_to_say_what_is_wrong(place: Path) -> None:
    program = (
        "import sys; from samescore.harness.cli.app import app\n"
        "try: app(['report', 'new', '--md', 'no/r.md'])\n"
        "except SystemExit as left: assert left.code == 2\n"
        "heavy = {'torch', 'transformers', 'inspect_ai', 'pandas', 'scipy', 'z3', 'statsmodels'}\n"
        "print(sorted(set(sys.modules) & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=place, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


# The history.


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Registry, list[Entry]]:
    """Four runs on main, the first two of them promoted, one of another branch, and one of another model."""
    folder = tmp_path_factory.mktemp("history")
    registry = Registry(folder / "kept")
    entries = []
    for number, (right, branch, model) in enumerate(
        [
            (0.9, "main", "agent"),
            (0.7, "main", "agent"),
            (0.5, "main", "agent"),
            (0.6, "dev", "agent"),
            (1.0, "main", "b"),
        ]
    ):
        run = recorded(folder / f"r{number}", right=right, model=model, adapter=f"<i>{number}")
        entries.append(registry.add(run.directory, Checkout(branch, "c" * 40)))
    for entry in entries[:2]:
        registry.promote(str(entry.number))
    return registry, entries


def scores(registry: Registry, entry: Entry) -> tuple[float, float, float]:
    """What the run itself says of `success`."""
    found = Run.open(registry.directory(entry)).manifest.results["metrics"]["success"]
    return found["value"], found["low"], found["high"]


def test_a_run_in_the_history_has_the_score_and_the_interval_of_its_evidence(
    kept: tuple[Registry, list[Entry]],
) -> None:
    registry, entries = kept
    history = history_of(registry)
    points = {point.number: point for series in history.series for point in series.points}
    for entry in entries:
        point = points[entry.number]
        assert (point.value, point.low, point.high) == pytest.approx(scores(registry, entry))
        assert point.low < (point.value or 0.0) or point.value == 0.0
    assert [len(series.points) for series in history.series] == [4, 1]  # models are not compared
    assert points[entries[0].number].anchors == ("main",) and points[entries[1].number].promoted == ("main",)
    assert history.series[0].anchor == points[entries[0].number]


def test_the_history_of_a_branch_has_its_runs_alone(kept: tuple[Registry, list[Entry]]) -> None:
    history = history_of(kept[0], branch="dev")
    assert [point.branch for series in history.series for point in series.points] == ["dev"]


def test_a_run_that_vanished_or_changed_spoils_no_history(kept: tuple[Registry, list[Entry]], tmp_path: Path) -> None:
    registry, entries = kept
    shutil.copytree(registry.folder, tmp_path / "kept")
    copy = Registry(tmp_path / "kept")
    shutil.rmtree(copy.directory(entries[0]))
    evidence = copy.directory(entries[1]) / "evidence.jsonl"
    evidence.write_bytes(evidence.read_bytes()[:-50])
    points = history_of(copy).series[0].points
    assert [point.value is None for point in points] == [True, True, False, False]
    assert [point.problem for point in points[:2]] == [
        "the run has vanished",
        "the run changed since it was added",
    ]
    for draw in (history_svg, history_html, history_json):
        assert "the run has vanished" in draw(history_of(copy))


def test_history_is_printed_and_written(kept: tuple[Registry, list[Entry]], tmp_path: Path) -> None:
    registry, entries = kept
    printed = report(tmp_path, "--history", "--registry", registry.folder, columns=100)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert max(map(len, printed.stdout.splitlines())) <= 100
    for entry in entries:
        assert f"\n{entry.number} " in printed.stdout
    names = {"--html": "h.html", "--svg": "h.svg", "--md": "h.md", "--json": "h.json"}
    files = [part for form, name in names.items() for part in (form, name)]
    for _ in range(2):  # the second time over the files of the first
        assert report(tmp_path, "--history", "--registry", registry.folder, *files).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names.values())
    data = json.loads((tmp_path / "h.json").read_text())
    assert [len(series["points"]) for series in data["series"]] == [4, 1]
    html, markdown = ((tmp_path / name).read_text("utf-8") for name in ("h.html", "h.md"))
    assert "<i>" not in html and "&lt;i&gt;0" in html
    assert "<i>" not in Rendered(markdown).elements and "agent+<i>0" in Rendered(markdown).text


def test_the_picture_is_xml_with_a_point_and_an_interval_a_run(kept: tuple[Registry, list[Entry]]) -> None:
    root = ElementTree.fromstring(history_svg(history_of(kept[0])))
    name = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{name}svg"
    classes = [element.get("class") for element in root.iter()]
    assert (classes.count("value"), classes.count("interval"), classes.count("promoted")) == (5, 5, 2)
    assert (classes.count("anchor"), classes.count("problem")) == (1, 0)
    for line in root.iter(f"{name}line"):
        if line.get("class") == "interval":
            assert float(line.get("y1", "")) > float(line.get("y2", ""))  # the lower bound is further down


def test_many_runs_keep_their_labels_apart() -> None:
    points = tuple(
        Point(number, "p", "m", "main", None, "2026-01-01", 0.5, 0.4, 0.6, 10, (), ()) for number in range(500)
    )
    svg = history_svg(History("en", "success", "runs", (Series(("s",), "m", points),)))
    assert 10 < svg.count('text-anchor="middle">#') <= 24


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--metric", "kindness"), "unknown metric 'kindness'"),
        (("--branch", "gone"), "the registry has no run of branch gone"),
        (("--junit", "j.xml"), "does not take --junit"),
        (("--html", "no/h.html"), "there is no folder no"),
    ],
)
def test_a_history_that_cannot_be_meant(
    kept: tuple[Registry, list[Entry]], tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    assert message in refused(tmp_path, "--history", "--registry", kept[0].folder, *options)


def test_a_registry_that_is_not_there(tmp_path: Path) -> None:
    assert "there is no registry of runs here" in refused(tmp_path, "--history", "--registry", "nowhere")
