"""A world that uses what parcels have no use for: parallel calls, nested arguments, waits, secrets, house words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from samescore.harness.environment import Environment, Facts, Fault, World, tool
from samescore.harness.lexicon import FactType, Lexicon, SlotWords

SOP = Path(__file__).with_name("data") / "server.yaml"


class Target(TypedDict):
    """What is restarted."""

    host: str
    site: Literal["north", "south"]
    note: NotRequired[str]


@tool()
def get_host(env: Environment, host: str) -> dict[str, Any]:
    """Look up a server.

    Args:
        host: Its name.
    """
    row = env.one("SELECT host, site, load, root_password FROM hosts WHERE host = ?", host)
    return row or {"host": host, "site": "none"}


@tool()
def get_owners(env: Environment, host: str) -> dict[str, Any]:
    """Who answers for a server.

    Args:
        host: Its name.
    """
    return {
        "owners": [row["owner"] for row in env.rows("SELECT owner FROM owners WHERE host = ? ORDER BY owner", host)]
    }


@tool()
def wait(env: Environment, seconds: int) -> dict[str, Any]:
    """Wait.

    Args:
        seconds: How long.
    """
    env.advance(seconds)
    return {"waited": seconds}


@tool(effect=True)
def restart(
    env: Environment,
    target: Target,
    notify: Annotated[list[str], Field(json_schema_extra={"uniqueItems": True})],
    first: str,
) -> dict[str, Any]:
    """Restart a server.

    Args:
        target: Which one.
        notify: Whom to tell.
        first: Whom to tell first.
    """
    env.effect("restarted", host=target["host"], notify=sorted(notify), first=first)
    return {"job_id": env.new_id("JB")}


def build(env: Environment, facts: Facts) -> None:
    env.write(
        "INSERT INTO hosts (host, site, load, root_password) VALUES (?, ?, ?, ?)",
        facts["host.name"],
        facts["host.site"],
        facts["host.load"],
        facts["host.root_password"],
    )
    for owner in ("U-2", "U-1"):
        env.write("INSERT INTO owners (host, owner) VALUES (?, ?)", facts["host.name"], owner)


WORLD = World(
    name="servers",
    version=1,
    functions=(get_host, get_owners, wait, restart),
    schema="""
CREATE TABLE hosts (host TEXT PRIMARY KEY, site TEXT, load INTEGER, root_password TEXT);
CREATE TABLE owners (host TEXT, owner TEXT, PRIMARY KEY (host, owner));
""",
    build=build,
    lexicon=Lexicon(
        version=1,
        slots={
            slot.name: slot
            for slot in (
                SlotWords(
                    "host", FactType.ID, ask={"en": ("server name",), "vi": ("tên máy chủ",)}, pattern="srv-[0-9]{3}"
                ),
                SlotWords("job_id", FactType.ID, role={"en": ("job",), "vi": ("mã việc",)}, pattern="JB-[0-9]{5}"),
            )
        },
    ),
    system={"en": "You run servers. Today is {today}.", "vi": "Bạn vận hành máy chủ. Hôm nay là {today}."},
    faults={"restart": Fault("busy", "The server is busy.", retry_after=30)},
)
