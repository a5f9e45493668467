"""An SOP as prose: complete, in either language, and part of the cases that have it in the prompt."""

import re
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from samescore.fixtures.retail import WORLD
from samescore.harness.environment import Fault, World
from samescore.harness.lexicon import LOCALES, FactType, Locale, SlotWords
from samescore.suites.catalog import find_sop, load_suite, sops
from samescore.suites.sop.loader import load
from samescore.suites.sop.model import CallStep, Decide, Reply, Sop
from samescore.suites.sop.prose import prose, slot_label
from samescore.suites.sop.prose_style import style_prose
from samescore.suites.sop.prose_words import WORDS

GOLDEN = Path(__file__).parent / "data" / "sop"
STARTER = Path(str(files("samescore.fixtures") / "starter"))


def told(locale: Locale, name: str = "refund") -> str:
    sop, world = find_sop(name).read()
    return prose(sop, world, locale)


def short(tmp_path: Path, steps: str, more: str = "") -> Sop:
    """A procedure of the retail world with these steps."""
    path = tmp_path / "short.yaml"
    path.write_text(
        "sop: short\nversion: 1\nworld: retail\ntitle: {en: Short, vi: Ngắn}\npurpose: {en: Be short., vi: Ngắn gọn.}\n"
        "slots:\n"
        "  order_id: {fact: order.id, given: maybe, known: always, phrase: {en: your order, vi: mã đơn hàng}}\n"
        "facts:\n"
        "  today: {type: date, min: 2026-03-01, max: 2026-10-31}\n"
        '  order.id: {type: id, pattern: "A-[0-9]{5}"}\n'
        "  order.status: {type: enum, values: [delivered, shipped]}\n"
        "  order.item_price: {type: money, min: 1, max: 900}\n"
        "  order.days_late: {type: int, min: 0, max: 30}\n"
        "  order.final_sale: {type: bool}\n"
        "  order.warranty_until: {type: date, min: 2026-01-01, max: 2027-12-31}\n"
        f"{more}steps:\n{steps}",
        encoding="utf-8",
    )
    return load(path)


END = """
  done:
    reply: answer
    text: {en: ["Done."], vi: ["Xong ạ."]}
    states: {}
"""
ASK = """
  collect:
    ask: [order_id]
    text: {en: ["Your order?"], vi: ["Mã đơn ạ?"]}
"""


def in_words(tmp_path: Path, condition: str, locale: Locale = "en") -> str:
    """A condition as the prose puts it."""
    sop = short(
        tmp_path,
        ASK
        + """
  lookup:
    call: get_order
    with: {order_id: $order_id}
    reveals: [order.status, order.item_price, order.days_late, order.final_sale, order.warranty_until]
  choose:
    decide:
      - {name: one, when: "CONDITION", then: done}
      - {name: other, else: done}
""".replace("CONDITION", condition)
        + END,
    )
    found = re.search(r"- (?:If|Nếu) (.*), (?:go to|chuyển đến)", prose(sop, WORLD, locale))
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_refund_procedure_reads_as_it_was_approved(locale: Locale) -> None:
    assert told(locale) == (GOLDEN / f"refund.{locale}.md").read_text(encoding="utf-8").removesuffix("\n")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("file", sops(), ids=lambda file: f"{file.world}/{file.name}")
def test_every_step_is_told_and_every_goal_exists(file: object, locale: Locale) -> None:
    sop, world = find_sop(f"{file.world}/{file.name}").read()  # type: ignore[attr-defined]
    text = prose(sop, world, locale)
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    goals = {int(number) for number in re.findall(r"(?:step|bước) (\d+)", text)}
    assert goals <= set(numbers)
    for step in sop.steps.values():
        if isinstance(step, CallStep):
            assert f"`{step.tool}`" in text
            assert all(f"`{name}`" in text for name in [*step.arguments, *step.optional])
        elif isinstance(step, Reply):
            assert all(term in text for term in step.terms)
    arms = sum(len(step.arms) for step in sop.steps.values() if isinstance(step, Decide))
    assert len(re.findall(r"^ +- (?:If|Otherwise|Nếu|Trong các)", text, re.MULTILINE)) == arms
    assert "{" not in text.replace("{}", ""), "no place is left unnamed"
    assert all(f"`{tool}`" in text for tool in (*sop.never, *sop.may))
    assert prose(sop, world, locale) == text


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("order.status == 'shipped'", "`status` is `shipped`"),
        ("order.status != 'shipped'", "`status` is not `shipped`"),
        ("order.final_sale", "`final_sale` is `true`"),
        ("not order.final_sale", "`final_sale` is `false`"),
        ("order.item_price > 500", "`item_price` is more than 500 USD"),
        ("order.item_price <= 500", "`item_price` is at most 500 USD"),
        ("not order.days_late < 10", "`days_late` is at least 10"),
        ("order.warranty_until < today", "`warranty_until` is before today"),
        ("order.warranty_until <= today + 14", "`warranty_until` is no later than 14 days after today"),
        ("today - 30 <= order.warranty_until", None),
        ("order.warranty_until >= 2026-05-01", "`warranty_until` is no earlier than 2026-05-01"),
        (
            "order.final_sale and (order.days_late >= 3 or order.status == 'shipped')",
            "`final_sale` is `true` and (`days_late` is at least 3 or `status` is `shipped`)",
        ),
        (
            "not (order.final_sale and order.days_late > 3)",
            "it is not true that (`final_sale` is `true` and `days_late` is more than 3)",
        ),
    ],
)
def test_conditions_are_put_into_words(tmp_path: Path, condition: str, words: str | None) -> None:
    said = in_words(tmp_path, condition)
    assert said == words or (words is None and "30" in said and "today" in said)


def test_conditions_are_put_into_vietnamese(tmp_path: Path) -> None:
    assert in_words(tmp_path, "order.warranty_until <= today + 14", "vi") == (
        "`warranty_until` không muộn hơn 14 ngày sau hôm nay"
    )
    assert in_words(tmp_path, "order.final_sale or order.item_price > 5", "vi") == (
        "`final_sale` là `true` hoặc `item_price` lớn hơn 5 USD"
    )


def test_what_the_language_can_say_is_all_told(tmp_path: Path) -> None:
    from dataclasses import replace

    sop = short(
        tmp_path,
        ASK
        + """
  triage:
    calls:
      order: {call: get_order, with: {order_id: $order_id}, reveals: [order.status]}
      stock: {call: check_stock, with: {order_id: $order_id, size: M}}
  sync:
    call: sync_account
    with: {owner: {id: $order_id, tags: [vpn, $triage.order.status]}, urgent: true}
    optional: {note: late}
    retry: 2
    wait: {call: wait, with: {seconds: $error.retry_after}}
    on_fault: done
  done:
    reply: answer
    text: {en: ["Ticket {$triage.order.size}."], vi: ["Ticket {$triage.order.size} ạ."]}
    states: {}
    terms: [Ticket]
""",
        "may: [get_policy]\nconfidential: [order.item_price, $triage.order.customer_id]\n",
    )
    world = replace(WORLD, faults={"sync_account": Fault("busy", "Busy.", retry_after=30)})
    text = prose(sop, world, "en")
    for words in (
        "2. Make these calls together, in one turn:",
        "- Call `check_stock` with `order_id` set to the user's `order_id` and `size` set to `M`.",
        "`owner` set to an object (`id`: the user's `order_id`, "
        "`tags`: a list (`vpn`, `status` from `get_order` in step 2))",
        "`urgent` set to `true`",
        "You may add `note` set to `late`.",
        "If it fails with `busy`, try again, at most twice. Before each new attempt, call `wait` with `seconds` set to "
        "`retry_after` from the error. If it still fails, go to step 4.",
        "Use the word “Ticket”, with a capital letter.",
        "“Ticket [size].”",
        "You may call `get_policy` at any time to look something up.",
        "Never tell the user order item price and `customer_id` from `get_order`: these values are confidential.",
    ):
        assert words in text, words


def starter(tmp_path: Path, *edits: tuple[str, str]) -> tuple[Sop, World]:
    """The courier's procedure, with changes to its file."""
    folder = Path(shutil.copytree(STARTER, tmp_path / "starter", ignore=shutil.ignore_patterns("__pycache__")))
    path = folder / "sops" / "parcel.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return find_sop(str(path)).read()


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        (
            "access",
            ["`national_id` from `get_account`", "`recovery_code` from `get_account`", "`code` from `reset_access`"],
        ),
        ("incident", ["`phone` from `get_on_call`"]),
    ],
)
def test_confidential_data_is_named_by_the_field_and_the_tool_that_gives_it(name: str, fields: list[str]) -> None:
    (line,) = [line for line in told("en", name).splitlines() if line.startswith("- Never tell the user ")]
    assert line == f"- Never tell the user {WORDS['en'].list(fields)}: these values are confidential."


def test_a_fact_is_named_by_the_field_in_which_its_value_comes(tmp_path: Path) -> None:
    """Also where the field has another name than the fact, and no step reveals it."""
    sop, world = starter(tmp_path)
    assert "recipient.phone" in sop.facts and "phone" not in sop.calls
    assert "Never tell the user `recipient_phone` from `get_parcel`:" in prose(sop, world, "en")
    assert "cho người dùng biết `recipient_phone` của `get_parcel`:" in prose(sop, world, "vi")


def test_a_fact_that_no_result_shows_is_named_in_its_own_words(tmp_path: Path) -> None:
    vault = 'sender.vault_code: {type: id, pattern: "V-[0-9]{4}"}\n  recipient.phone:'
    sop, world = starter(tmp_path, ("[recipient.phone]", "[sender.vault_code]"), ("recipient.phone:", vault))
    assert "Never tell the user sender vault code:" in prose(sop, world, "en")


def test_slots_are_named_by_words_of_the_language_in_both(tmp_path: Path) -> None:
    sop, world = starter(tmp_path)
    english, vietnamese = prose(sop, world, "en"), prose(sop, world, "vi")
    assert "State the delivery date (`delivered_on` from step 2)." in english
    assert "delivered on [delivery date]" in english and "no parcel [parcel number]." in english
    assert "Nêu rõ ngày giao hàng (`delivered_on` ở bước 2)." in vietnamese
    assert "đã giao ngày [ngày giao hàng]" in vietnamese and "không có bưu kiện [mã bưu kiện]" in vietnamese
    nameless = SlotWords("paid_amount", FactType.MONEY)
    assert slot_label(nameless, "en") == slot_label(nameless, "vi") == "paid amount"


def test_the_procedure_in_the_prompt_makes_other_cases() -> None:
    trained, told_cases = load_suite("sop/refund"), load_suite("sop/refund", procedure="prompt")
    assert trained.fingerprint != told_cases.fingerprint
    for plain, case in zip(trained.cases, told_cases.cases, strict=True):
        assert case.id == plain.id and case.fingerprint() != plain.fingerprint()
        assert plain.expectation.style is not None
        style = style_prose(plain.expectation.style, case.locale)
        assert case.system == f"{plain.system}\n\n{told(case.locale)}\n\n{style}"
        assert plain.expectation.thinking and not case.expectation.thinking
        assert case.gold == plain.gold and case.facts == plain.facts
