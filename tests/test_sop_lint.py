"""Lint: every flaw is found with its line and facts that show it, and a sound procedure has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from samescore.harness.errors import SopError
from samescore.suites.sop.lint import Finding, lint
from samescore.suites.sop.loader import load
from samescore.suites.sop.solver import Solver, equations
from samescore.suites.sop.trace import trace

DATA = Path(__file__).with_name("data") / "sop"
FLAWED = load(DATA / "flawed.yaml")
FINDINGS = lint(FLAWED)


def found(rule: str) -> list[Finding]:
    return [finding for finding in FINDINGS if finding.rule == rule]


@pytest.mark.parametrize("name", ["parcel", "textbook"])
def test_a_sound_procedure_has_no_errors(name: str) -> None:
    assert [finding for finding in lint(load(DATA / f"{name}.yaml")) if finding.severity == "error"] == []


def test_the_example_of_the_language_is_clean() -> None:
    assert lint(load(DATA / "parcel.yaml")) == ()


def test_every_flaw_is_found_at_its_line() -> None:
    assert [(finding.line, finding.rule) for finding in FINDINGS] == [
        (22, "unused-fact"),
        (27, "idle-rule"),
        (30, "dead-ask"),
        (33, "dead-retry"),
        (39, "gap"),
        (41, "constant-atom"),
        (42, "unreachable-arm"),
        (44, "overlap"),
        (44, "overlap"),
        (47, "unreachable-branch"),
        (48, "unrevealed-fact"),
        (50, "dead-unknown"),
        (55, "unset-reference"),
        (62, "always-true"),
        (63, "unreachable-arm"),
        (70, "unreachable-step"),
    ]


def test_errors_make_cases_wrong_and_warnings_do_not() -> None:
    errors = {finding.rule for finding in FINDINGS if finding.severity == "error"}
    assert errors == {"gap", "overlap", "unreachable-arm", "unreachable-step", "unrevealed-fact", "unset-reference"}


def test_a_finding_shows_its_line_and_says_what_to_do() -> None:
    (gap,) = found("gap")
    assert (gap.step, gap.text) == ("state", "state:")
    assert gap.message == "step 'state': no arm holds for some facts. Add an arm, or an `else`."


def test_a_witness_holds_only_the_facts_that_matter() -> None:
    (gap,) = found("gap")
    assert gap.witness == {"order.days": 5, "order.total": 1}
    assert [overlap.witness for overlap in found("overlap")] == [
        {"order.days": 0, "order.total": 501},
        {"order.status": "delivered", "order.days": 7, "order.total": 501},
    ]


@pytest.mark.parametrize("finding", [*found("gap"), *found("overlap")], ids=lambda finding: finding.rule)
def test_a_witness_shows_the_flaw_whatever_the_other_facts_are(finding: Finding) -> None:
    assert finding.witness is not None
    solver = Solver(FLAWED)
    for more in (
        equations(FLAWED, {"customer.vip": True, "today": "2026-07-07"}),
        equations(FLAWED, {"order.gift": True}),
    ):
        facts = solver.find(*equations(FLAWED, finding.witness), *more)
        assert facts is not None
        with pytest.raises(SopError, match="exactly one must"):
            trace(FLAWED, facts)


def test_what_is_never_taken_is_explained_by_what_excludes_it() -> None:
    gone, unpaid = found("unreachable-arm")
    assert gone.message == (
        "step 'state': arm 'gone' is never taken: rule 1 (line 26) and arm 'gone' (line 42) cannot hold together."
    )
    assert unpaid.message == "step 'sure': arm 'unpaid' is never taken: arm 'unpaid' (line 63) can never hold."
    (branch,) = found("unreachable-branch")
    assert branch.message == (
        "branch early/overdue>refused is never taken: arm 'early' of step 'state' (line 41) and arm 'overdue' of step "
        "'terms' (line 47) cannot hold together. Ignore this if it is meant."
    )


def edited(tmp_path: Path, name: str, *changes: tuple[str, str]) -> tuple[Finding, ...]:
    """What lint finds in an SOP after some places were changed."""
    text = (DATA / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return lint(load(path))


def test_an_arm_that_excludes_the_witness_closes_the_gap(tmp_path: Path) -> None:
    findings = edited(
        tmp_path,
        "flawed",
        ("500, then: terms", "500, then: terms}\n      - {name: rest, else: terms"),
    )
    assert "gap" not in {finding.rule for finding in findings}


def test_rules_that_admit_nothing_are_named_and_nothing_else_is_said(tmp_path: Path) -> None:
    rule = "  - parcel.status != 'lost' or parcel.days_late >= 10\n"
    (finding,) = edited(
        tmp_path,
        "parcel",
        (rule, f"{rule}  - customer.vip\n  - parcel.value < 50\n  - not customer.vip and today > 2026-05-05\n"),
    )
    assert (finding.rule, finding.line, finding.witness) == ("contradictory-rules", 33, None)
    assert finding.message == (
        "the rules admit no facts at all: `customer.vip` (line 33), `not customer.vip and today > 2026-05-05` "
        "(line 35). Loosen one."
    )


def test_a_step_behind_a_closed_arm_cannot_be_reached(tmp_path: Path) -> None:
    rule = "  - parcel.status != 'lost' or parcel.days_late >= 10\n"
    findings = edited(tmp_path, "parcel", (rule, f"{rule}  - parcel.status != 'delivered'\n"))
    assert [(finding.rule, finding.step) for finding in findings if finding.severity == "error"] == [
        ("unreachable-arm", "late_enough"),
        ("unreachable-step", "refuse"),
    ]
    refuse = next(finding for finding in findings if finding.rule == "unreachable-step")
    assert refuse.message == (
        "step 'refuse' cannot be reached: rule 2 (line 33) and arm 'delivered' of step 'late_enough' (line 50) cannot "
        "hold together."
    )


def test_a_fact_told_only_by_some_users_is_not_known_to_a_decision() -> None:
    (finding,) = (finding for finding in lint(load(DATA / "reask.yaml")) if finding.severity == "error")
    assert (finding.rule, finding.step) == ("unrevealed-fact", "fits")
    assert finding.witness == {"known.order_id": True, "known.email": True, "faults.search": 0}


def test_a_reference_to_a_call_that_one_way_skips_is_found(tmp_path: Path) -> None:
    findings = edited(
        tmp_path,
        "parcel",
        ("unknown: no_number", "unknown: hand_over"),
        ("reason: too_valuable", "reason: $lookup.status"),
    )
    references = [finding for finding in findings if finding.rule == "unset-reference"]
    assert [(finding.step, finding.message.split(": ")[1].split()[0]) for finding in references] == [
        ("hand_over", "$parcel_id"),
        ("hand_over", "$lookup.status"),
    ]
    assert references[0].witness == {"given.parcel_id": False, "known.parcel_id": False}


def test_a_reply_may_only_tell_facts_that_were_revealed(tmp_path: Path) -> None:
    told = ("a parcel counts as late after five days", "it is {$parcel.days_late} days late")
    assert edited(tmp_path, "parcel", told) == ()
    hidden = ("reveals: [parcel.status, parcel.days_late,", "reveals: [parcel.status,")
    assert [(finding.rule, finding.step) for finding in edited(tmp_path, "parcel", told, hidden)] == [
        ("unrevealed-fact", "late_enough"),
        ("unrevealed-fact", "late_enough"),
        ("unset-reference", "wait"),
    ]


def test_a_guard_that_one_way_skips_is_found(tmp_path: Path) -> None:
    findings = edited(tmp_path, "parcel", ("on_fault: outage", "on_fault: pay"), ("amount: $lookup.value", "amount: 5"))
    (guard,) = (finding for finding in findings if finding.rule == "unmet-guard")
    assert guard.step == "pay" and guard.witness is not None and guard.witness["faults.lookup"] == 3
