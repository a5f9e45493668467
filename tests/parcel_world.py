"""A world of one table for tests: lost parcels, compensation and tickets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from samescore.harness.environment import Environment, Facts, ToolError, World, tool
from samescore.harness.lexicon import FactType, Lexicon, SlotWords

SOP = Path(__file__).with_name("data") / "parcel.yaml"

ParcelId = Annotated[str, Field(pattern=r"^P-[0-9]{5}$")]


@tool()
def get_parcel(env: Environment, parcel_id: ParcelId) -> dict[str, Any]:
    """Look up a parcel.

    Args:
        parcel_id: The parcel number.
    """
    row = env.one("SELECT * FROM parcels WHERE parcel_id = ?", parcel_id)
    if row is None:
        raise ToolError("parcel_not_found", "There is no such parcel.")
    row["vip"] = bool(row["vip"])
    return row


@tool()
def get_policy(env: Environment) -> dict[str, Any]:
    """Read the compensation policy."""
    return {"limit": 300}


@tool()
def read_card_number(env: Environment, parcel_id: ParcelId) -> dict[str, Any]:
    """Read the payer's card number.

    Args:
        parcel_id: The parcel number.
    """
    return {"card_number": "0000"}


@tool(effect=True)
def pay_compensation(env: Environment, parcel_id: ParcelId, amount: float, note: str = "") -> dict[str, Any]:
    """Pay compensation for a parcel.

    Args:
        parcel_id: The parcel number.
        amount: The amount in USD.
        note: A note for the books.
    """
    payment_id = env.new_id("PM")
    env.write("INSERT INTO payments VALUES (?, ?, ?)", payment_id, parcel_id, amount)
    env.effect("payment", payment_id=payment_id, parcel_id=parcel_id, amount=amount)
    return {"payment_id": payment_id, "amount": amount}


@tool(effect=True)
def create_ticket(env: Environment, parcel_id: ParcelId, reason: Literal["too_valuable", "outage"]) -> dict[str, Any]:
    """Hand a parcel over to a colleague.

    Args:
        parcel_id: The parcel number.
        reason: Why it is handed over.
    """
    ticket_id = env.new_id("TK")
    env.write("INSERT INTO tickets VALUES (?, ?, ?)", ticket_id, parcel_id, reason)
    env.effect("ticket", ticket_id=ticket_id, parcel_id=parcel_id, reason=reason)
    return {"ticket_id": ticket_id}


SCHEMA = """
CREATE TABLE parcels (parcel_id TEXT PRIMARY KEY, recipient TEXT, status TEXT, days_late INTEGER, value INTEGER,
                      insured_until TEXT, vip INTEGER);
CREATE TABLE payments (payment_id TEXT PRIMARY KEY, parcel_id TEXT, amount REAL);
CREATE TABLE tickets (ticket_id TEXT PRIMARY KEY, parcel_id TEXT, reason TEXT);
"""


def build(env: Environment, facts: Facts) -> None:
    """One parcel as the facts say, unless they say that it does not exist."""
    if facts["parcel.exists"]:
        env.write(
            "INSERT INTO parcels VALUES (?, ?, ?, ?, ?, ?, ?)",
            facts["parcel.id"],
            facts["customer.name"],
            facts["parcel.status"],
            facts["parcel.days_late"],
            facts["parcel.value"],
            facts["parcel.insured_until"],
            int(facts["customer.vip"]),
        )


LEXICON = Lexicon(
    version=1,
    slots={
        "parcel_id": SlotWords(
            "parcel_id",
            FactType.ID,
            ask={"en": ("parcel number",), "vi": ("mã bưu kiện",)},
            role={"en": ("parcel",), "vi": ("bưu kiện",)},
            pattern="P-[0-9]{5}",
        ),
        "contents": SlotWords(
            "contents",
            FactType.CHOICE,
            ask={"en": ("contents", "what is in it"), "vi": ("hàng bên trong",)},
            values={
                "goods": {"en": ("goods",), "vi": ("hàng hoá",)},
                "documents": {"en": ("documents",), "vi": ("giấy tờ",)},
            },
        ),
        "paid_amount": SlotWords(
            "paid_amount",
            FactType.MONEY,
            role={"en": ("paid",), "vi": ("chuyển",)},
            currency="USD",
        ),
        "payment_id": SlotWords(
            "payment_id",
            FactType.ID,
            role={"en": ("reference",), "vi": ("mã giao dịch",)},
            pattern="PM-[0-9]{5}",
        ),
        "ticket_id": SlotWords(
            "ticket_id",
            FactType.ID,
            role={"en": ("ticket",), "vi": ("phiếu",)},
            pattern="TK-[0-9]{5}",
        ),
    },
)

WORLD = World(
    name="shop",
    version=1,
    functions=(get_parcel, get_policy, read_card_number, pay_compensation, create_ticket),
    schema=SCHEMA,
    build=build,
    lexicon=LEXICON,
    system={
        "en": "You help with parcels. Today is {today}. Reply in English.",
        "vi": "Bạn hỗ trợ khách về bưu kiện. Hôm nay là {today}. Trả lời bằng tiếng Việt.",
    },
)
