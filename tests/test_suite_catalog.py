"""The catalogue and `samescore sop`: what is found by name or path, what is refused, what the commands print."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from parcel_world import SOP, WORLD
from typer.testing import CliRunner

from samescore.harness.cli.errors import Guarded
from samescore.harness.cli.sop import app as sop_app
from samescore.harness.errors import LockError, UnknownName, UsageError
from samescore.suites import catalog
from samescore.suites.catalog import find_sop, load_suite, load_world, read_suite_file, sops, suite_names
from samescore.suites.sop.cases import Recipe, generate
from samescore.suites.sop.loader import load
from samescore.suites.sop.lock import lock_path, read_header, write_lock

SUITE_FILE = """\
name: shop
version: 3
world: shop
sops: [parcel]
targets: {success: 0.9, path: 0.95}
"""
RUNNER = CliRunner()
CLI = typer.Typer(cls=Guarded)
CLI.add_typer(sop_app, name="sop")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's package with a world, a procedure and a suite file, installed as pip would: with entry points."""
    package = tmp_path / "site" / "parcel_shop"
    (package / "sops").mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from pathlib import Path\nfrom parcel_world import WORLD\n"
        "SUITE = Path(__file__).with_name('suite.yaml')\nNUMBER = 5\n"
    )
    (package / "suite.yaml").write_text(SUITE_FILE)
    for name in ("parcel.yaml", "parcel.phrases.yaml"):
        shutil.copy(SOP.with_name(name), package / "sops")
    metadata = tmp_path / "site" / "parcel_shop-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: parcel-shop\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[samescore.worlds]\nshop = parcel_shop:WORLD\nwarehouse = parcel_shop:WORLD\nbroken = parcel_shop:NOTHING\n"
        "[samescore.suites]\nmy-shop = parcel_shop:SUITE\nnumber = parcel_shop:NUMBER\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "parcel_shop", raising=False)
    return package


def lock(package: Path, split: str = "eval") -> Path:
    sop = load(package / "sops" / "parcel.yaml", WORLD.toolset, WORLD.lexicon)
    recipe = Recipe("branch", split)
    return write_lock(sop, WORLD, recipe, generate(sop, WORLD, recipe))


def test_the_built_in_world_and_its_procedures_are_found_without_an_installation() -> None:
    assert load_world("retail").name == "retail"
    assert {"refund", "exchange"} <= {sop.name for sop in sops()}
    assert find_sop("refund") == find_sop("retail/refund")
    assert {"sop", "sop/refund", "sop/exchange"} <= set(suite_names())


def test_worlds_suites_and_procedures_of_installed_packages_are_found(shop: Path) -> None:
    lock(shop)
    assert load_world("shop") is WORLD
    by_procedure, by_name, by_path = (load_suite(name) for name in ("sop/parcel", "my-shop", str(shop / "suite.yaml")))
    assert (by_procedure.name, by_name.name, by_path.name) == ("sop/parcel", "shop", "shop")
    assert by_name.version == 3 and by_name.targets == {"success": 0.9, "path": 0.95}
    assert by_procedure.cases == by_name.cases == by_path.cases
    assert find_sop(str(shop / "sops" / "parcel.yaml")).world == "shop"


def test_a_suite_has_the_cases_of_one_split_and_of_the_wanted_languages(shop: Path) -> None:
    lock(shop)
    lock(shop, "train")
    suite = load_suite("my-shop", split="train", locales=["vi"])
    assert suite.cases and {(case.split, case.locale) for case in suite.cases} == {("train", "vi")}


def test_fingerprints_of_cases_and_of_targets_move_apart(shop: Path) -> None:
    lock(shop)
    suite = load_suite("my-shop")
    easier = replace(suite, targets={**suite.targets, "success": 0.5})
    shorter = replace(suite, cases=suite.cases[1:])
    assert easier.fingerprint == suite.fingerprint != shorter.fingerprint
    assert easier.targets_fingerprint != suite.targets_fingerprint == shorter.targets_fingerprint


def test_an_unknown_name_is_answered_with_a_suggestion(shop: Path) -> None:
    for name, near in (("sop/refnd", "sop/refund"), ("spo", "sop"), ("my-shp", "my-shop")):
        with pytest.raises(UnknownName, match=rf"unknown suite '{name}'\. Did you mean '{near}'\?"):
            load_suite(name)
    with pytest.raises(UnknownName, match=r"unknown world 'retial'\. Did you mean 'retail'\?"):
        load_world("retial")
    with pytest.raises(UnknownName, match=r"unknown procedure 'refnd'\. Did you mean 'refund'\?.*path of an SOP"):
        find_sop("refnd")


def test_entry_points_that_lead_nowhere_or_to_something_else_are_refused(shop: Path) -> None:
    with pytest.raises(UsageError, match=r"'broken' in samescore\.worlds: parcel_shop:NOTHING cannot be imported"):
        load_world("broken")
    with pytest.raises(UsageError, match=r"'warehouse' in samescore\.worlds is world 'shop'\. Expected a World named"):
        load_world("warehouse")
    with pytest.raises(UsageError, match=r"'number' in samescore\.suites is a int\. Expected the path of a suite file"):
        load_suite("number")


def test_a_missing_or_stale_lock_file_stops_the_suite(shop: Path) -> None:
    with pytest.raises(LockError, match="no such lock file"):
        load_suite("my-shop")
    lock(shop)
    path = shop / "sops" / "parcel.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("<= 300", "<= 299"), encoding="utf-8")
    with pytest.raises(LockError, match="stale: procedure changed"):
        load_suite("my-shop")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("success: 0.9", "succes: 0.9", r"suite\.yaml:5: targets: unknown metric 'succes'\. Did you mean 'success'\?"),
        ("0.95", "95", r"suite\.yaml:5: targets: path: expected a number from 0 to 1, found 95"),
        ("[parcel]", "[parcle]", r"suite\.yaml:4: sops: there is no .*parcle\.yaml"),
        ("[parcel]", "parcel", r"suite\.yaml:4: sops: expected a list of procedures, found 'parcel'"),
        ("world: shop", "world: shoop", r"suite\.yaml:3: unknown world 'shoop'\. Did you mean 'shop'\?"),
        ("version: 3", "version: three", r"suite\.yaml:2: version: expected a whole number, found 'three'"),
        ("version: 3", "vision: 3", r"no `version:`\. .*\n.*suite\.yaml:2: unknown key 'vision'"),
        ("{success: 0.9, path: 0.95}", "[success]", r"targets: expected a mapping"),
        ("[parcel]", "[parcel", r"no YAML"),
    ],
)
def test_a_wrong_suite_file_is_refused_at_its_line(shop: Path, old: str, new: str, complaint: str) -> None:
    path = shop / "suite.yaml"
    path.write_text(SUITE_FILE.replace(old, new))
    with pytest.raises(UsageError, match=complaint):
        read_suite_file(path)


def run(*arguments: str, code: int = 0) -> str:
    result = RUNNER.invoke(CLI, ["sop", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_lock_writes_every_split_and_check_accepts_it_until_the_procedure_changes(shop: Path) -> None:
    written = run("lock", "parcel", "--criterion", "branch", "--variants", "2")
    path = shop / "sops" / "parcel.yaml"
    for split in ("train", "dev", "eval"):
        assert str(lock_path(path, split)) in written
        assert read_header(lock_path(path, split)).recipe == Recipe("branch", split, 2)
    checked = run("lock", "shop/parcel", "--check")
    assert checked.count(": fresh: ") == 3 and "is in two splits" in checked
    before = {split: lock_path(path, split).read_bytes() for split in ("train", "dev", "eval")}
    run("lock", str(path))
    assert {split: lock_path(path, split).read_bytes() for split in before} == before
    path.write_text(path.read_text(encoding="utf-8").replace("<= 300", "<= 299"), encoding="utf-8")
    assert "stale: procedure changed" in run("lock", "parcel", "--check", code=2)


def test_lock_writes_all_installed_procedures_only_when_told_so(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "references", lambda: {"shop": "parcel_shop:WORLD"})
    path = lock_path(shop / "sops" / "parcel.yaml", "eval")
    assert "--built-in" in run("lock", code=2) and not path.exists()
    assert "Leave it out" in run("lock", "parcel", "--built-in", code=2) and not path.exists()
    run("lock", "--built-in", "--criterion", "branch", "--variants", "1")
    assert path.exists()


def test_lock_can_write_one_split_and_keeps_the_others(shop: Path) -> None:
    run("lock", "parcel", "--criterion", "branch", "--variants", "1")
    path = lock_path(shop / "sops" / "parcel.yaml", "eval")
    train = lock_path(shop / "sops" / "parcel.yaml", "train").read_bytes()
    assert run("lock", "parcel", "--split", "eval", "--seed", "5").count("cases") == 1
    assert read_header(path).recipe.seed == 5
    assert lock_path(shop / "sops" / "parcel.yaml", "train").read_bytes() == train


def test_two_procedures_whose_splits_overlap_are_not_accepted(shop: Path) -> None:
    run("lock", "parcel", "--criterion", "branch", "--variants", "1")
    folder = shop / "sops"
    lines = lock_path(folder / "parcel.yaml", "eval").read_text(encoding="utf-8").splitlines()
    case = {**json.loads(lines[1]), "split": "train"}
    body = json.dumps(case) + "\n"
    header = {**json.loads(lines[0]), "count": 1, "sha256": hashlib.sha256(body.encode()).hexdigest()}
    (folder / "other.eval.jsonl").write_text(json.dumps(header) + "\n" + body)
    assert f"{folder}: the splits overlap" in run("lock", "parcel", "--check", code=2)


def test_cases_are_shown_as_conversations_and_as_json(shop: Path) -> None:
    shown = run("cases", "parcel", "--criterion", "branch", "--locale", "vi", "--limit", "3")
    assert shown.count("shop/parcel/eval/vi/00") == 3
    for word in ("user  ", "thinking   next: call get_parcel", "call       get_parcel {", "result     {", "agent  "):
        assert word in shown
    lines = run("cases", "parcel", "--criterion", "branch", "--split", "dev", "--limit", "2", "--json").splitlines()
    assert [json.loads(line)["split"] for line in lines] == ["dev", "dev"]


def test_coverage_tells_what_locked_cases_leave_out(shop: Path) -> None:
    run("lock", "parcel", "--criterion", "branch", "--variants", "1")
    report = json.loads(run("coverage", "parcel", "--json"))["shop/parcel"]
    assert report["kinds"]["branch"] == {"covered": 7, "feasible": 7, "infeasible": 0}
    assert report["kinds"]["mcdc"]["covered"] < report["kinds"]["mcdc"]["feasible"]
    table = run("coverage", "parcel")
    assert "known_parcel/payable>paid" in table and "uncovered  line" in table
    assert "uncovered  line" not in run("coverage", "parcel", "--criterion", "branch")


def test_lint_passes_a_sound_procedure_and_returns_2_for_a_gap(shop: Path) -> None:
    assert run("lint", "parcel").endswith("0 errors, 0 warnings\n")
    path = shop / "sops" / "parcel.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("name: by_hand\n        else:", "name: by_hand\n        when: parcel.value > 400\n        then:")
    )
    found = run("lint", str(path), code=2)
    assert f"{path}:" in found and "[gap]" in found and "shown by" in found
    assert "[gap]" in run("lock", str(path), code=2)
    (gap,) = [one for one in json.loads(run("lint", str(path), "--json", code=2)) if one["rule"] == "gap"]
    assert gap["severity"] == "error" and gap["witness"]


def test_an_unknown_procedure_is_a_usage_error() -> None:
    assert "unknown procedure 'refnd'" in run("lint", "refnd", code=2)
