"""Reading SOP files: what a good one becomes, and what is said about a bad one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from samescore.harness.case import Ending
from samescore.harness.errors import SopError
from samescore.harness.lexicon import FactType, Lexicon, SlotWords
from samescore.harness.tools import Tool, Toolset
from samescore.suites.sop.document import source_line
from samescore.suites.sop.loader import load
from samescore.suites.sop.model import Ask, CallStep, Decide, FactKind, Reply

DATA = Path(__file__).with_name("data") / "sop"
PARCEL = DATA / "parcel.yaml"


MISTAKES = yaml.safe_load((DATA / "mistakes.yaml").read_text(encoding="utf-8"))

NUMBER = {"type": "string", "pattern": "^P-[0-9]{5}$"}
REASON = {"reason": {"enum": ["too_valuable", "other"]}}


def tool(name: str, effect: bool, required: list[str], **properties: dict[str, Any]) -> Tool:
    schema = {"type": "object", "properties": properties, "required": required, "$defs": REASON}
    return Tool(name, f"{name}.", schema, effect=effect)


SHOP = Toolset(
    "shop",
    1,
    (
        tool("get_parcel", False, ["parcel_id"], parcel_id=NUMBER),
        tool("pay_compensation", True, ["parcel_id", "amount"], parcel_id=NUMBER, amount={"type": "integer"}),
        tool("create_ticket", True, ["parcel_id"], parcel_id=NUMBER, reason={"$ref": "#/$defs/reason"}),
        tool("get_policy", False, []),
        tool("read_card_number", False, []),
    ),
)
WORDS = ("parcel_id", "email", "paid_amount", "payment_id", "ticket_id")
LEXICON = Lexicon(1, {name: SlotWords(name, FactType.TEXT) for name in WORDS})


def edited(tmp_path: Path, old: str, new: str) -> Path:
    """The good SOP with one place changed."""
    text = PARCEL.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path = tmp_path / "parcel.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def complaints(path: Path, toolset: Toolset | None = None, lexicon: Lexicon | None = None) -> list[str]:
    """What is wrong with a file, without its path."""
    with pytest.raises(SopError) as error:
        load(path, toolset, lexicon)
    lines = str(error.value).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


def test_a_good_file_becomes_a_sop() -> None:
    sop = load(PARCEL, SHOP, LEXICON)
    assert (sop.name, sop.version, sop.world, sop.may, sop.never) == (
        "parcel",
        1,
        "shop",
        ("get_policy",),
        ("read_card_number",),
    )
    assert sop.path == PARCEL and sop.phrases == DATA / "parcel.phrases.yaml"
    assert " ".join(sop.steps) == (
        "collect lookup late_enough pay paid refuse wait hand_over hand_over.reply no_number outage"
    )
    assert isinstance(sop.start, Ask) and (sop.start.next, sop.start.unknown) == ("lookup", "no_number")
    pay = sop.steps["pay"]
    assert isinstance(pay, CallStep)
    assert (pay.arguments, pay.guards, pay.next) == (
        {"parcel_id": "$parcel_id", "amount": "$lookup.value"},
        ("lookup",),
        "paid",
    )


def test_days_become_ordinals_and_bounds_stay_inclusive() -> None:
    today = load(PARCEL).facts["today"]
    assert today.kind == FactKind.DATE and today.low is not None and today.high is not None
    assert today.high - today.low == 244


def test_the_language_adds_facts_after_those_of_the_file() -> None:
    facts = load(PARCEL).facts
    assert list(facts)[-4:] == ["given.parcel_id", "given.email", "known.parcel_id", "faults.lookup"]
    assert (facts["faults.lookup"].low, facts["faults.lookup"].high) == (0, 3)
    assert facts["given.email"].kind == FactKind.BOOL


def test_an_escalation_becomes_a_call_and_a_reply() -> None:
    sop = load(PARCEL)
    call, reply = sop.steps["hand_over"], sop.steps["hand_over.reply"]
    assert isinstance(call, CallStep) and isinstance(reply, Reply)
    assert (call.tool, call.next, reply.ending) == ("create_ticket", "hand_over.reply", Ending.ANSWER)
    assert reply.states == {"ticket_id": "$hand_over.ticket_id"}


def test_arms_know_their_lines() -> None:
    decision = load(PARCEL).steps["late_enough"]
    assert isinstance(decision, Decide)
    assert [source_line(PARCEL, arm.line) for arm in decision.arms] == [
        "- name: delivered",
        "- name: too_early",
        "- name: payable",
        "- name: by_hand",
    ]


def test_every_mistake_of_a_file_is_said_at_once_in_its_order() -> None:
    assert complaints(DATA / "broken.yaml") == [
        "19: rule 1 compares order.status with 'lost'; the fact is an enum of shipped, delivered. Write one of its "
        "values, such as 'shipped'.",
        "21: step 'collect': ask: unknown slot 'emial'. Known: order_id.",
        "21: step 'collect': the user may not know order_id (`known: maybe`), and nothing says what follows then. "
        "Add `unknown:` with a step.",
        "24: step 'lookup': `retry` goes with `on_fault`, which is missing. Add `on_fault:`.",
        "28: step 'lookup': unknown key 'reveal'. Did you mean 'reveals'?",
        "29: step 'check': reveals: unknown fact 'order.state'. Did you mean 'order.status'?",
        "34: step 'late' compares order.age_days with 30.5; the fact is an int. Write 30.",
        "35: step 'late' names shipped, which is no fact but a value of order.status. Write 'shipped'.",
        "36: step 'late', arm 3: `else` must be the last arm. Move it to the end.",
        "37: step 'late' names the fact order.vpi, which is not declared. Did you mean order.vip?",
        "38: step 'route': arm 'one': unknown step 'nowhere'. Known: collect, check, route, lookup, late, both, no.",
        "42: step 'both': expected exactly one of ask, call, calls, decide, reply, escalate; found `call` and `reply`. "
        "Split the step in two.",
        "46: step 'no': reply: expected answer or refuse or ask, found 'deny'. Correct it.",
        "47: step 'no': text: missing `vi:`. Add it.",
    ]


@pytest.mark.parametrize("mistake", MISTAKES["file"], ids=lambda mistake: mistake["new"])
def test_a_mistake_is_said_with_line_and_remedy(tmp_path: Path, mistake: dict[str, str]) -> None:
    assert mistake["says"] in complaints(edited(tmp_path, mistake["old"], mistake["new"]))


@pytest.mark.parametrize("mistake", MISTAKES["world"], ids=lambda mistake: mistake["new"])
def test_tools_and_slots_are_checked_against_the_world(tmp_path: Path, mistake: dict[str, str]) -> None:
    path = edited(tmp_path, mistake["old"], mistake["new"])
    assert any(line.endswith(mistake["says"]) for line in complaints(path, SHOP, LEXICON))


def test_a_missing_file_is_an_error_with_its_path(tmp_path: Path) -> None:
    assert complaints(tmp_path / "none.yaml")[0].startswith("1: the file cannot be read:")


def test_a_file_that_is_no_mapping_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text("- sop\n", encoding="utf-8")
    assert complaints(path)[0].startswith("1: the SOP: expected a mapping with facts, purpose,")


def test_yes_and_no_are_words(tmp_path: Path) -> None:
    path = edited(tmp_path, "[in_transit, delivered, lost]", "[yes, no, lost]")
    text = path.read_text(encoding="utf-8").replace("'delivered'", "'yes'")
    path.write_text(text, encoding="utf-8")
    assert load(path).facts["parcel.status"].values == ("yes", "no", "lost")
