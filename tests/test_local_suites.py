"""Suites and worlds in a folder of one's own: found by path, run, resumed, scored again; what is refused, and how."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from in_process import samescore

from samescore.harness.cli.loading import load_suites, worlds_of
from samescore.harness.errors import LockError, SopError, UsageError
from samescore.harness.run import Run
from samescore.suites.catalog import find_sop, find_sops, load_suite, sops, suite_names
from samescore.suites.worlds import references

STARTER = Path(str(files("samescore.fixtures") / "starter"))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder as `samescore init` makes it."""
    return Path(shutil.copytree(STARTER, tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__")))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def another(mine: Path, tmp_path: Path) -> Path:
    """A suite beside it with other cases."""
    other = Path(shutil.copytree(mine, tmp_path / "other", ignore=shutil.ignore_patterns("runs")))
    edit(other / "sops" / "parcel.yaml", "sop: parcel", "sop: package")
    edit(other / "suite.yaml", "[parcel]", "[package]")
    for path in (other / "sops").glob("parcel.*[!z]l"):
        path.rename(path.with_name(path.name.replace("parcel", "package")))
    assert samescore("sop", "lock", ".", "--variants", "1", cwd=other).returncode == 0
    return other


# What is found


def test_a_folder_its_suite_file_and_its_procedures_are_found_by_path(mine: Path) -> None:
    by_folder, by_file = load_suite(str(mine)), load_suite(str(mine / "suite.yaml"))
    assert by_folder.fingerprint == by_file.fingerprint and by_folder.name == "courier"
    assert set(by_folder.worlds) == {"courier"} == {case.world for case in by_folder.cases}
    path = mine / "sops" / "parcel.yaml"
    assert [sop.path for sop in find_sops(str(mine))] == [path] == [sop.path for sop in find_sops(str(path))]
    assert find_sops(str(mine / "suite.yaml")) == find_sops(str(mine))
    assert find_sop(str(path)).load_world() is by_folder.worlds["courier"]


def test_a_procedure_finds_its_world_from_within_the_folder(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, name in ((mine / "sops", "parcel.yaml"), (mine, "sops/parcel.yaml")):
        monkeypatch.chdir(folder)
        assert find_sop(name).read()[1].name == "courier"
    monkeypatch.chdir(mine)
    assert load_suite(".").cases


def test_a_world_in_a_folder_runs_only_when_it_is_asked_for(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (mine / "world.py").write_text("raise SystemExit('ran')")
    monkeypatch.chdir(mine)
    assert "courier" not in references() and not any(sop.world == "courier" for sop in sops())
    assert "courier" not in suite_names() and load_suite("sop").cases
    with pytest.raises(UsageError, match="SystemExit: ran"):
        load_suite(".")


def test_a_registered_name_goes_before_a_folder_of_that_name(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine.parent)
    mine.rename("sop")
    Path("sop").joinpath("refund").mkdir()
    assert load_suite("sop").name == "sop" and load_suite("./sop").name == "courier"
    assert [found.world for found in find_sops("refund")] == ["retail"]


def test_a_world_may_import_its_neighbours_and_folders_do_not_meet(mine: Path) -> None:
    other = Path(shutil.copytree(mine, mine.parent / "other"))
    for folder, currency in ((mine, "USD"), (other, "EUR")):
        (folder / "money.py").write_text(f"CURRENCY = {currency!r}\n")
        edit(folder / "world.py", "from pydantic", "from .money import CURRENCY\nfrom pydantic")
        edit(folder / "world.py", 'currency="USD"', "currency=CURRENCY")
    worlds = [find_sops(str(folder))[0].load_world() for folder in (mine, other)]
    assert [world.lexicon["paid_amount"].currency for world in worlds] == ["USD", "EUR"]


def test_a_world_is_loaded_once_until_its_file_changes(mine: Path) -> None:
    def world() -> object:
        return find_sops(str(mine))[0].load_world()

    first = world()
    assert world() is first
    edit(mine / "world.py", "version=1", "version=2")
    assert world() is not first


# What is run


def test_a_run_of_a_folder_is_resumed_and_scored_again_without_its_path(mine: Path, tmp_path: Path) -> None:
    begun = samescore("eval", "mine", "--model", "oracle", "--limit", "6", "--out", "run", cwd=tmp_path)
    assert begun.returncode == 0, begun.stderr
    assert Run.open(tmp_path / "run").manifest.sources == {"courier": "mine"}
    evidence = tmp_path / "run" / "evidence.jsonl"
    lines = evidence.read_bytes().splitlines(keepends=True)
    evidence.write_bytes(b"".join(lines[:3]))
    resumed = samescore("eval", "--resume", "run", "--json", cwd=tmp_path)
    assert resumed.returncode == 0 and json.loads(resumed.stdout)["metrics"]["success"]["value"] == 1.0
    assert len(evidence.read_bytes().splitlines()) == len(lines)
    assert samescore("score", "run", cwd=tmp_path).returncode == 0


def test_a_folder_that_moved_is_said_again_with_suite(mine: Path, tmp_path: Path) -> None:
    assert (
        samescore(
            "eval", "--suite", mine / "suite.yaml", "--model", "oracle", "--limit", "2", "--out", "run", cwd=tmp_path
        ).returncode
        == 0
    )
    mine.rename(tmp_path / "moved")
    lost = samescore("score", "run", cwd=tmp_path)
    assert lost.returncode == 2 and "Say where they are: --suite PATH" in lost.stderr and str(mine) in lost.stderr
    assert samescore("score", "run", "--suite", "moved", cwd=tmp_path).returncode == 0
    assert samescore("eval", "--resume", "run", "--suite", "moved", cwd=tmp_path).returncode == 0


def test_of_several_suites_only_the_one_that_moved_is_said_again(mine: Path, tmp_path: Path) -> None:
    limited = ("--model", "oracle", "--limit", "4", "--out", "run")
    assert samescore("eval", "mine", "sop/refund", *limited, cwd=tmp_path).returncode == 0
    mine.rename(tmp_path / "moved")
    assert samescore("score", "run", "--suite", "moved", cwd=tmp_path).returncode == 0
    assert samescore("eval", "--resume", "run", "--suite", "moved", cwd=tmp_path).returncode == 0


def test_a_run_finds_its_suite_from_any_folder_and_after_both_were_moved(mine: Path, tmp_path: Path) -> None:
    """Also where another suite lies in the folder that is current then, at a path that is written alike."""
    begun = samescore("eval", ".", "--model", "oracle", "--limit", "2", "--out", "runs/first", cwd=mine)
    assert begun.returncode == 0
    assert Run.open(mine / "runs" / "first").manifest.places == {"courier": "../.."}
    other = another(mine, tmp_path)
    moved = tmp_path / "deeper" / "place"
    moved.parent.mkdir()
    for folder in (mine, moved):
        if folder is moved:
            mine.rename(moved)
        run = folder / "runs" / "first"
        for current in (tmp_path, other, run):
            for command in (("score",), ("eval", "--resume")):
                done = samescore(*command, run, cwd=current)
                assert done.returncode == 0, done.stderr


def test_a_run_of_which_neither_path_holds_asks_where_its_suite_is(mine: Path, tmp_path: Path) -> None:
    """Also where another suite lies in the folder that is current then."""
    begun = samescore("eval", ".", "--model", "oracle", "--limit", "2", "--out", tmp_path / "run", cwd=mine)
    assert begun.returncode == 0
    other = another(mine, tmp_path)
    mine = mine.rename(tmp_path / "moved")
    for folder, why in ((tmp_path, "are not all known by name, or at that path"), (other, "have none of its cases")):
        for command in (("score",), ("eval", "--resume")):
            lost = samescore(*command, tmp_path / "run", cwd=folder)
            assert lost.returncode == 2 and why in lost.stderr and "(.)" in lost.stderr
            assert "Say where they are: --suite PATH" in lost.stderr
        assert samescore("score", tmp_path / "run", "--suite", mine, cwd=folder).returncode == 0


def test_a_run_of_before_sources_were_recorded_is_read(tmp_path: Path) -> None:
    assert (
        samescore("eval", "sop/refund", "--model", "oracle", "--limit", "2", "--out", "run", cwd=tmp_path).returncode
        == 0
    )
    path = tmp_path / "run" / "run.json"
    manifest = json.loads(path.read_text())
    assert manifest.pop("sources") == {"sop/refund": "sop/refund"}
    path.write_text(json.dumps(manifest))
    assert Run.open(tmp_path / "run").manifest.sources == {}
    assert samescore("score", "run", cwd=tmp_path).returncode == 0


def test_suites_are_named_as_arguments_or_as_options(mine: Path, tmp_path: Path) -> None:
    done = samescore(
        "eval", "mine", "--suite", "sop/refund", "--model", "oracle", "--limit", "4", "--json", cwd=tmp_path
    )
    assert json.loads(done.stdout)["suites"] == ["courier", "sop/refund"]


def test_different_worlds_of_one_name_do_not_go_into_one_run(mine: Path) -> None:
    other = Path(shutil.copytree(mine, mine.parent / "other"))
    (suite,), (twin,) = load_suites([str(mine)], "eval", None), load_suites([str(other)], "eval", None)
    assert worlds_of([suite, suite]) == {"courier": suite.worlds["courier"]}
    with pytest.raises(UsageError, match=r"suites .*mine and .*other mean different worlds by 'courier'"):
        worlds_of([suite, twin])


# The commands of procedures


def test_a_folder_is_linted_locked_and_covered_and_says_where(mine: Path, tmp_path: Path) -> None:
    locks = {path: path.read_bytes() for path in mine.rglob("*.jsonl*")}
    assert samescore("sop", "lint", "mine", cwd=tmp_path).stdout == "0 errors, 0 warnings\n"
    written = samescore("sop", "lock", "mine", cwd=tmp_path)
    assert written.stdout.count("mine/sops/parcel.") == 3 and {path: path.read_bytes() for path in locks} == locks
    assert samescore("sop", "lock", "--check", "mine/sops/parcel.yaml", cwd=tmp_path).returncode == 0
    assert "mine/sops/parcel.yaml" in samescore("sop", "coverage", "mine", cwd=tmp_path).stdout
    shown = samescore("sop", "cases", "mine", "--criterion", "branch", "--limit", "1", cwd=tmp_path)
    assert shown.stdout.startswith("courier/parcel/eval/en/001")


def test_lock_without_a_name_writes_nothing(tmp_path: Path) -> None:
    done = samescore("sop", "lock", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert "samescore sop lock DIR" in done.stderr and "--built-in" in done.stderr


def test_a_mistake_in_one_procedure_leaves_the_locks_of_all_as_they_were(mine: Path, tmp_path: Path) -> None:
    for name in ("parcel.yaml", "parcel.phrases.yaml"):
        text = (mine / "sops" / name).read_text(encoding="utf-8")
        (mine / "sops" / name.replace("parcel", "other")).write_text(text.replace("sop: parcel", "sop: other"))
    edit(mine / "sops" / "other.yaml", "call: get_parcel", "call: get_parcle")
    edit(mine / "suite.yaml", "[parcel]", "[parcel, other]")
    edit(mine / "sops" / "parcel.yaml", "version: 1", "version: 2")
    before = {path: path.read_bytes() for path in mine.rglob("*.jsonl*")}
    done = samescore("sop", "lock", "mine", cwd=tmp_path)
    assert done.returncode == 2 and "get_parcle" in done.stderr and done.stdout == ""
    assert {path: path.read_bytes() for path in mine.rglob("*.jsonl*")} == before


def test_a_tool_that_answers_otherwise_than_when_it_was_locked_is_noticed(mine: Path, tmp_path: Path) -> None:
    assert samescore("sop", "lock", "mine", "--check", cwd=tmp_path).returncode == 0
    edit(mine / "world.py", '"amount": amount}', '"amount": amount + 1}')
    done = samescore("sop", "lock", "mine", "--check", cwd=tmp_path)
    assert done.returncode == 2 and "case courier/parcel/eval/en/" in done.stderr and "facts" in done.stderr
    assert "The world courier answers otherwise than when this was locked. Raise its `version`" in done.stderr
    edit(mine / "world.py", "version=1,\n    functions", "version=2,\n    functions")
    stale = samescore("sop", "lock", "mine", "--check", cwd=tmp_path)
    assert "world changed since the cases were generated" in stale.stderr
    assert samescore("sop", "lock", "mine", "--variants", "1", cwd=tmp_path).returncode == 0
    assert samescore("sop", "lock", "mine", "--check", cwd=tmp_path).returncode == 0


def test_a_lock_whose_tool_crashes_names_the_line(mine: Path, tmp_path: Path) -> None:
    edit(mine / "world.py", "FROM parcels", "FROM parcelz")
    done = samescore("sop", "lock", "mine", "--check", cwd=tmp_path)
    assert done.returncode == 5 and "no such table: parcelz (world.py:" in done.stderr


def test_a_stale_lock_file_names_the_command_with_its_path(mine: Path) -> None:
    edit(mine / "sops" / "parcel.yaml", "<= 300", "<= 299")
    with pytest.raises(
        LockError, match=rf"stale: procedure changed .* Run `samescore sop lock {mine}/sops/parcel\.yaml`"
    ):
        load_suite(str(mine))


# What is refused


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "WORLD = World(",
            "WORLDS = World(",
            r"suite\.yaml:3: \S*world\.py has no attribute 'WORLD'\. Did you mean 'WORLDS'\?",
        ),
        ("WORLD = World(", "WORLD = dict(", r"WORLD in \S*world\.py is a dict, no World\. Define it there"),
        ("SLOTS = (", "SLOTS = (nothing,", r"world\.py:\d+: .*NameError: name 'nothing' is not defined"),
        ("SLOTS = (", "SLOTS = ((", r"world\.py:\d+: this is no Python: '\(' was never closed"),
        ("from pydantic", "import nowhere\nfrom pydantic", r"world\.py:9: .*No module named 'nowhere'\. Install it"),
        ("from pydantic", "import words_vi\nfrom pydantic", r"world\.py:9: .*write `from \.words_vi import"),
        (
            "parcel_id: ParcelId)",
            "parcel_id)",
            r"world\.py:19: tool function get_parcel, parameter 'parcel_id': no type hint",
        ),
        (
            "parcel_id: ParcelId)",
            "parcel_id: Parcel)",
            r"world\.py:19: .*a type hint cannot be read: .*'Parcel' is not defined",
        ),
        ('    """Look up a parcel.', '    _ = """', r"world\.py:19: tool function get_parcel: no docstring"),
        (
            "        amount: US dollars.\n",
            "",
            r"world\.py:\d+: tool function pay_compensation, parameter 'amount': not described",
        ),
        ('"schema.sql"', '"scheme.sql"', r"world\.py:\d+: .*FileNotFoundError: .*scheme\.sql"),
        ("import annotations\n", "import annotations\nimport sys\nsys.exit(3)\n", r"world\.py:5: .*SystemExit: 3"),
    ],
)
def test_a_world_that_cannot_be_used_is_one_message_with_file_and_line(
    mine: Path, old: str, new: str, complaint: str
) -> None:
    (mine / "words_vi.py").write_text("")
    edit(mine / "world.py", old, new)
    with pytest.raises(UsageError, match=complaint) as caught:
        load_suite(str(mine))
    assert "\n" not in str(caught.value)


def test_a_failure_in_a_neighbour_is_shown_in_the_neighbour(mine: Path) -> None:
    (mine / "money.py").write_text("RATE = 1 / 0\n")
    edit(mine / "world.py", "from pydantic", "from .money import RATE\nfrom pydantic")
    with pytest.raises(UsageError, match=rf"^{mine}/money\.py:1: .*ZeroDivisionError: division by zero"):
        load_suite(str(mine))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "world.py:WORLD",
            "world.py",
            r"suite\.yaml:3: world: expected a file and an attribute\. Write world\.py:WORLD",
        ),
        ("world.py:WORLD", "word.py:WORLD", r"suite\.yaml:3: world: there is no \S*word\.py"),
        ("world.py:WORLD", "couriers", r"suite\.yaml:3: unknown world 'couriers'\. Known: .*world\.py:WORLD"),
        ("success:", "sucess:", r"suite\.yaml:\d+: targets: unknown metric 'sucess'\. Did you mean 'success'\?"),
    ],
)
def test_a_wrong_suite_file_is_refused_at_its_line(mine: Path, old: str, new: str, complaint: str) -> None:
    edit(mine / "suite.yaml", old, new)
    with pytest.raises(UsageError, match=complaint):
        load_suite(str(mine))


def test_a_procedure_of_another_world_is_refused(mine: Path) -> None:
    edit(mine / "sops" / "parcel.yaml", "world: courier", "world: retail")
    with pytest.raises(UsageError, match=r"parcel\.yaml:\d+: world: found 'retail', but its suite plays in 'courier'"):
        find_sops(str(mine))[0].read()


def test_a_folder_without_a_suite_says_what_it_is_or_lacks(mine: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown suite '\S*sops'\. There is no suite\.yaml in .*samescore init DIR"):
        load_suite(str(mine / "sops"))
    with pytest.raises(UsageError, match="There is no such file"):
        load_suite(str(tmp_path / "nowhere.yaml"))
    with pytest.raises(SopError, match="cannot be read"):
        find_sop(str(tmp_path / "nowhere.yaml"))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(UsageError, match=r"this is a run, no suite.*samescore score"):
        load_suite(str(tmp_path / "run"))


def test_a_refused_world_leaves_no_run_and_exits_with_2(mine: Path, tmp_path: Path) -> None:
    edit(mine / "world.py", "parcel_id: ParcelId)", "parcel_id)")
    done = samescore("eval", "mine", "--model", "oracle", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
    assert done.stderr.startswith("error: mine/world.py:") and "get_parcel" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
