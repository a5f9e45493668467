"""Tools from functions and from specs: schemas, validity, and what cannot be used."""

from typing import Annotated, Any, Literal, NotRequired

import pytest
from pydantic import Field
from typing_extensions import TypedDict

from samescore.harness.environment import Environment
from samescore.harness.errors import ToolsetError
from samescore.harness.tools import Tool, Toolset, iso_day, toolset_from_specs

ANY_OBJECT: dict[str, Any] = {"type": "object", "properties": {}}


def book(
    env: Environment,
    parcel: Annotated[str, Field(pattern="^P-[0-9]{5}$")],
    day: Annotated[str, iso_day()],
    speed: Literal["slow", "fast"],
    count: int = 1,
) -> dict[str, object]:
    """Book a pickup.

    Args:
        parcel: Parcel number.
        day: Day of the pickup.
        speed: How fast.
        count: Number of parcels.
    """
    return {}


def test_a_function_with_hints_and_docstring_is_a_tool() -> None:
    tool = Tool.from_function(book, effect=True)
    assert tool.description == "Book a pickup."
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "parcel": {"type": "string", "pattern": "^P-[0-9]{5}$", "description": "Parcel number."},
            "day": {"type": "string", "format": "date", "description": "Day of the pickup."},
            "speed": {"type": "string", "enum": ["slow", "fast"], "description": "How fast."},
            "count": {"type": "integer", "description": "Number of parcels."},
        },
        "required": ["parcel", "day", "speed"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"parcel": "P-1", "day": "2026-01-01", "speed": "slow"}, "P-1"),
        ({"parcel": "P-12345", "day": "2026-02-30", "speed": "slow"}, "2026-02-30"),
        ({"parcel": "P-12345", "day": "2026-01-01", "speed": "FAST"}, "FAST"),
        ({"parcel": "P-12345", "day": "2026-01-01", "speed": "slow", "count": "5"}, '"5"'),
        ({"parcel": "P-12345", "day": "2026-01-01", "speed": "slow", "count": True}, "true"),
        ({"parcel": "P-12345", "day": "2026-01-01", "speed": "slow", "note": 1}, "note"),
        ({"parcel": "P-12345", "speed": "slow"}, "day"),
    ],
)
def test_invalid_arguments_are_rejected_in_words(arguments: dict[str, object], word: str) -> None:
    tool = Tool.from_function(book)
    assert not tool.valid(arguments)
    assert word in tool.complaint(arguments)


def test_a_function_without_hint_or_description_cannot_be_a_tool() -> None:
    def unhinted(env, parcel):  # type: ignore[no-untyped-def]
        """Do it.

        Args:
            parcel: A parcel.
        """

    def undescribed(env: Environment, parcel: str, day: str) -> None:
        """Do it.

        Args:
            parcel: A parcel.
        """

    def undocumented(env: Environment, parcel: str) -> None: ...

    for function, word in ((unhinted, "no type hint"), (undescribed, "not described"), (undocumented, "no docstring")):
        with pytest.raises(ToolsetError, match=word):
            Tool.from_function(function)


class Site(TypedDict):
    """Where it is."""

    name: str
    floor: NotRequired[Literal[1, 2]]


class Desk(TypedDict):
    """A desk."""

    site: Annotated[Site, Field(description="Its site.")]


def test_objects_inside_are_in_place_closed_and_keep_what_was_said_of_their_use() -> None:
    def move(env: Environment, desk: Desk, back: Desk | None = None) -> None:
        """Move a desk."""

    tool = Tool.from_function(move)
    site = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "floor": {"enum": [1, 2], "type": "integer"}},
        "required": ["name"],
        "additionalProperties": False,
        "description": "Its site.",
    }
    desk = {"type": "object", "properties": {"site": site}, "required": ["site"], "additionalProperties": False}
    assert tool.parameters["properties"] == {"desk": desk, "back": {"anyOf": [desk, {"type": "null"}]}}
    assert tool.parameters["required"] == ["desk"]
    assert tool.valid({"desk": {"site": {"name": "x", "floor": 2}}, "back": None})
    assert not tool.valid({"desk": {"site": {"name": "x", "floor": True}}})


def test_a_function_that_no_call_can_reach_cannot_be_a_tool() -> None:
    def alone() -> None:
        """Do it."""

    def any_names(env: Environment, **rest: int) -> None:
        """Do it."""

    def unknown(env: Environment, site: "Nowhere") -> None:  # type: ignore[name-defined]  # noqa: F821
        """Do it."""

    for function, words in (
        (alone, "The first one takes the environment"),
        (any_names, "'rest': arguments are given by name"),
        (unknown, "a type hint cannot be read: name 'Nowhere' is not defined"),
    ):
        with pytest.raises(ToolsetError, match=words):
            Tool.from_function(function)


def test_parameters_may_go_without_descriptions_all_of_them() -> None:
    def terse(env: Environment, parcel: str) -> None:
        """Do it."""

    assert Tool.from_function(terse).parameters["properties"] == {"parcel": {"type": "string"}}


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"type": "objekt"}, "not JSON Schema"),
        ({"type": "array"}, 'must have "type": "object"'),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}, "cannot be used"),
        ({"type": "object", "properties": {"a": {"minimum": "5"}}}, "not JSON Schema"),
    ],
)
def test_a_schema_that_is_none_is_refused_at_once(parameters: dict[str, Any], word: str) -> None:
    with pytest.raises(ToolsetError, match=word):
        Tool("t", "x", parameters)


def test_names_are_checked() -> None:
    with pytest.raises(ToolsetError, match="two tools"):
        Toolset("t", 1, (Tool("a", "", ANY_OBJECT), Tool("a", "", ANY_OBJECT)))
    with pytest.raises(ToolsetError, match="tool name"):
        Tool("get order", "", ANY_OBJECT)
    with pytest.raises(ToolsetError, match="number 1 is not"):
        toolset_from_specs("t", 1, ["get_order"])


def test_specs_go_round() -> None:
    toolset = Toolset("t", 1, (Tool.from_function(book, effect=True),))
    again = toolset_from_specs("t", 1, toolset.specs(), effects=["book"])
    assert again.fingerprint == toolset.fingerprint
    assert toolset_from_specs("t", 1, toolset.specs()).fingerprint != toolset.fingerprint
