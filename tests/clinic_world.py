"""A world full of personal data: patients who are found by phone and reminded by e-mail."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from samescore.harness.case import Case, Ending, Expectation, ExpectedCall, UserScript
from samescore.harness.environment import Environment, Facts, ToolError, World, tool
from samescore.harness.facts import AnswerFact
from samescore.harness.lexicon import FactType, Lexicon, SlotWords, Words
from samescore.harness.matching import Matcher, exact
from samescore.harness.types import Call, Effect, Message
from samescore.suites.suite import Suite

Phone = Annotated[str, Field(pattern=r"^0[35789][0-9]{8}$")]


@tool()
def find_patient(env: Environment, phone: Phone) -> dict[str, Any]:
    """Find a patient.

    Args:
        phone: Their mobile number.
    """
    row = env.one("SELECT * FROM patients WHERE phone = ?", phone)
    if row is None:
        raise ToolError("not_found", f"No patient has the number {phone}.")
    return row


@tool(effect=True)
def remind(env: Environment, email: str, name: str = "", number: int = 0) -> dict[str, Any]:
    """Remind a patient of an appointment.

    Args:
        email: Where the reminder goes.
        name: How they are addressed.
        number: A number to call back.
    """
    env.write("INSERT INTO reminders (email, name) VALUES (?, ?) ON CONFLICT DO UPDATE SET name = ?", email, name, name)
    env.effect("reminded", email=email, addressee=name, number=number)
    return {"sent_to": email, "sender": "front.desk@clinic.example", "number": number}


@tool()
def parity(env: Environment, phone: str) -> dict[str, Any]:
    """Say whether a number is even: something that no placeholder can stand in for.

    Args:
        phone: A number.
    """
    return {"even": sum(map(int, filter(str.isdigit, phone))) % 2 == 0}


def build(env: Environment, facts: Facts) -> None:
    """The patient, and another one whom only the rows know."""
    env.write(
        "INSERT INTO patients VALUES (?, ?, ?, ?, ?)",
        facts["patient.phone"],
        facts["patient.full_name"],
        facts["patient.email"],
        facts["patient.national_id"],
        facts["patient.date_of_birth"],
    )
    env.write(
        "INSERT INTO patients VALUES ('0987000321', 'Lý Bảo Châu', 'chau.ly@example.org', '001190004321', '1990-04-30')"
    )


def _slot(name: str, english: str, vietnamese: str) -> SlotWords:
    words: Words = {"en": (english,), "vi": (vietnamese,)}
    return SlotWords(name, FactType.TEXT, ask=words, role=words)


LEXICON = Lexicon(
    1,
    {
        "phone": _slot("phone", "phone number", "số điện thoại"),
        "email": _slot("email", "email address", "địa chỉ email"),
        "days": SlotWords("days", FactType.NUMBER, role={"en": ("days",), "vi": ("ngày",)}),
    },
)

WORLD = World(
    name="clinic",
    version=1,
    functions=(find_patient, remind, parity),
    schema=(
        "CREATE TABLE patients "
        "(phone TEXT PRIMARY KEY, full_name TEXT, email TEXT, national_id TEXT, date_of_birth TEXT);"
        "CREATE TABLE reminders (email TEXT PRIMARY KEY, name TEXT)"
    ),
    build=build,
    lexicon=LEXICON,
    system={"en": "You help patients.", "vi": "Bạn hỗ trợ bệnh nhân."},
)
WORLDS = {WORLD.name: WORLD}

PEOPLE = (
    ("Nguyễn Thị Hà", "0912345678", "ha.nguyen@example.com", "079203001234", "1993-02-05"),
    ("Đỗ Văn Đức", "+84 38 765 4321", "duc_do@example.org", "012345678", "1988-11-20"),
    ("Grace O'Brien", "0703 111 222", "grace@mail.example", "C1234567", "2001-07-04"),
)


def case(number: int) -> Case:
    """The case of one of the people."""
    name, phone, email, national_id, born = PEOPLE[number]
    facts: dict[str, Any] = {"today": "2026-03-01", "id_seed": number, "visit.days": 12}
    facts |= {"patient.full_name": name, "patient.phone": phone, "patient.email": email}
    facts |= {"patient.national_id": national_id, "patient.date_of_birth": born}
    call = Call("remind", {"email": email, "name": name})
    done = Message("assistant", f"Thank you, we have sent the reminder to {email}, it is due in 12 days.")
    return Case(
        id=f"clinic/{number}",
        suite="clinic",
        cluster="reminded",
        split="eval",
        locale="en",
        world=WORLD.name,
        system=WORLD.system["en"],
        opening=f"This is {name}. Please remind me of my appointment.",
        facts=facts,
        user=UserScript({"phone": f"My number is {phone}.", "email": f"Use {email}."}, "I do not know.", "Pardon?"),
        gold=(
            Message("assistant", "Could you tell me your email address?"),
            Message("assistant", "", calls=(call,)),
            done,
        ),
        expectation=Expectation(
            calls=(ExpectedCall("remind", "remind", {"email": exact(email), "name": Matcher("text", name)}),),
            effects=(Effect("reminded", {"email": email, "addressee": name, "number": 0}),),
            facts=(AnswerFact("email", email), AnswerFact("days", "12")),
            confidential=(national_id, born),
            asks=("email",),
            ending=Ending.ANSWER,
        ),
        toolset=WORLD.toolset,
        lexicon=LEXICON,
    )


SUITE = Suite("clinic", 1, tuple(map(case, range(len(PEOPLE)))))
