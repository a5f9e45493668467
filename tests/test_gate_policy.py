"""`gate.toml`: every option has a default, and what cannot be is said with its line."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from samescore.harness.errors import UsageError
from samescore.harness.gate.policy import ASSUMED, DEFAULT, MANY_BRANCHES, Policy, load_policy

DOCS = Path(__file__).parents[1] / "docs" / "gate.md"


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "gate.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        load_policy(path)
    return str(raised.value).removeprefix(f"{tmp_path}/")


def test_by_default_success_carries_the_verdict_alone() -> None:
    assert dict(DEFAULT.margins) == {"success": 0.05}
    assert (DEFAULT.alpha, DEFAULT.level, DEFAULT.branches) == (0.05, 0.05, "sample")
    assert DEFAULT.zero_tolerance == ()


def test_a_file_says_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text('branches = "population"\n[margins]\nrestraint = 0.02\nsuccess = 0.1\n', encoding="utf-8")
    assert load_policy(path) == Policy(margins={"restraint": 0.02, "success": 0.1}, branches="population")
    path.write_text("", encoding="utf-8")
    assert load_policy(path) == DEFAULT


def test_the_file_in_the_documentation_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "gate.toml"
    path.write_text(text, encoding="utf-8")
    assert set(tomllib.loads(text)) == set(Policy.__dataclass_fields__)
    assert load_policy(path).margins["success"] == 0.05


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[margins]\nsuccess = 0.05\nsucess = 0.1", "gate.toml:3: margins.sucess: unknown metric 'sucess'. Did you"),
        ("[margins]\nsuccess = 1.5", "gate.toml:2: margins.success: a margin of 1.5; expected a number between 0"),
        ("alpha = 0.05\n\n[margins]\nsuccess = 0", "gate.toml:4: margins.success: a margin of 0;"),
        ("[margins]\nsuccess = true", "gate.toml:2: margins.success: a margin of true;"),
        ("[margins]\nsuccess = nan", "gate.toml:2: margins.success: a margin of nan;"),
        ("[margins]\npath = 0.1", "gate.toml:1: margins: success has no margin"),
        ("[margins]\nsuccess=.1", "gate.toml: this is not TOML"),
        (
            "[margins]\nsuccess=0.1\npath=0.1\nformat=0.1\nstyle=0.1",
            "gate.toml:1: margins: path, format, style are 3 metrics beside success; at most 2",
        ),
        ("\nalpha = 0.5", "gate.toml:2: alpha: found 0.5, expected a number between 0 and 0.5"),
        ('branches = "all"', "gate.toml:1: branches: found 'all', expected 'sample' or 'population'"),
        ("rho0 = -0.1", "gate.toml:1: rho0: found -0.1, expected a correlation from 0 to 1"),
        ("common = 0", "gate.toml:1: common: found 0, expected a share above 0"),
        ("tries = 3", 'gate.toml:1: tries: retries = "pooled" with tries = 3'),
        ('retries = "charged"', 'gate.toml:1: tries: retries = "charged" with tries = 1'),
        ('zero_tolerance = ["leak"]', "gate.toml:1: unknown rule of zero tolerance 'leak'"),
        ("zero_tolerance = 3", "gate.toml:1: zero_tolerance: found 3, expected a list of rules"),
        ("margin = 0.1", "gate.toml:1: unknown option 'margin'. Did you mean 'margins'?"),
    ],
)
def test_what_cannot_be_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert refused(tmp_path, text).startswith(message)


@given(st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=3)))
def test_a_margin_is_a_number_strictly_between_0_and_1(margin: Any) -> None:
    if isinstance(margin, float) and 0 < margin < 1:
        assert Policy(margins={"success": margin}).margins["success"] == margin
    else:
        with pytest.raises(UsageError, match="between 0 and 1"):
            Policy(margins={"success": margin})


def test_tries_share_out_the_chance_of_a_false_pass() -> None:
    assert Policy(retries="charged", tries=4).level == pytest.approx(0.0125)


def test_few_branches_are_assumed_to_be_alike_unless_the_policy_says_how_much() -> None:
    assert DEFAULT.correlation(MANY_BRANCHES - 1) == ASSUMED
    assert DEFAULT.correlation(MANY_BRANCHES) == 0.0
    assert Policy(rho0=0.2).correlation(5) == Policy(rho0=0.2).correlation(500) == 0.2
