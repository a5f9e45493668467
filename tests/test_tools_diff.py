"""What changed between two toolsets: compatible is only what can be shown to be, and each change is named."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import toy_world
from hypothesis import given, settings, strategies as st
from in_process import Done, samescore

from samescore.harness.environment import World
from samescore.harness.errors import EvidenceDamaged, ForeignEvidence
from samescore.harness.plan import Plan
from samescore.harness.policies.script import oracle
from samescore.harness.run import Run
from samescore.harness.tool_diff import SchemaChange, between_runs, recorded_toolsets, schema_changes, tool_changes
from samescore.harness.tools import Tool

STRING, INTEGER, NUMBER, NULL = ({"type": name} for name in ("string", "integer", "number", "null"))


def closed(*required: str, **properties: Any) -> dict[str, Any]:
    """An object of these properties and no others."""
    return {**opened(*required, **properties), "additionalProperties": False}


def opened(*required: str, **properties: Any) -> dict[str, Any]:
    """An object of these properties, of which no others are spoken."""
    return {"type": "object", "properties": properties, "required": [*required]}


def among(*values: Any) -> dict[str, Any]:
    return {"type": "string", "enum": [*values]}


NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "value": STRING}}

COMPATIBLE = {
    "a new optional argument": (closed(a=STRING), closed(a=STRING, b=INTEGER)),
    "one where others were not spoken of": (opened(a=STRING), opened(a=STRING, b=INTEGER)),
    "one where there was none": (opened(), closed(b=INTEGER)),
    "what was required is optional": (closed("a", a=STRING), closed(a=STRING)),
    "names it never spoke of are forbidden": (opened(a=STRING), closed(a=STRING)),
    "further names are admitted": (closed(a=STRING), {**closed(a=STRING), "additionalProperties": True}),
    "integer to number": (INTEGER, NUMBER),
    "null is admitted": (STRING, {"type": ["string", "null"]}),
    "another type is": ({"anyOf": [STRING, NULL]}, {"anyOf": [STRING, INTEGER, NULL]}),
    "two notations of one thing": ({"anyOf": [STRING, NULL]}, {"type": ["null", "string"]}),
    "one more value": (among("a", "b"), among("b", "a", "c")),
    "no values listed": (among("a", "b"), STRING),
    "listed values of the new pattern": (among("ab", "ac"), {"type": "string", "pattern": "^a"}),
    "a constant to a list": ({"const": 5}, {"enum": [5, 6]}),
    "a boolean to a list": ({"type": "boolean"}, {"enum": [True, False, "unknown"]}),
    "a wider bound": ({**NUMBER, "maximum": 50}, {**NUMBER, "maximum": 100}),
    "the same integers": ({**INTEGER, "minimum": 1}, {**INTEGER, "exclusiveMinimum": 0}),
    "no bound": ({**NUMBER, "minimum": 0, "maximum": 9}, NUMBER),
    "a finer step": ({**INTEGER, "multipleOf": 6}, {**INTEGER, "multipleOf": 3}),
    "longer texts": ({**STRING, "maxLength": 5}, {**STRING, "maxLength": 6}),
    "any format": ({**STRING, "format": "date"}, STRING),
    "any text": ({**STRING, "pattern": "^a"}, STRING),
    "a bound of another type": (STRING, {**STRING, "minimum": 5}),
    "items may be alike": ({"type": "array", "uniqueItems": True}, {"type": "array"}),
    "items admit more": ({"type": "array", "items": INTEGER}, {"type": "array", "items": NUMBER}),
    "one of several needs not be there": (
        {**opened(a=STRING, b=STRING), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        opened(a=STRING, b=STRING),
    ),
    "beside a choice that stays": (
        {**opened(a=STRING, b=STRING), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {**opened(a=STRING, b=STRING, c=STRING), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    ),
    "a condition less": ({"allOf": [{**STRING, "minLength": 2}, {"maxLength": 5}]}, {**STRING, "minLength": 1}),
    "alternatives that exclude each other": ({"oneOf": [STRING, INTEGER]}, {"oneOf": [STRING, INTEGER, NULL]}),
    "variants told apart by a constant": (
        {"oneOf": [closed("k", k={"const": "a"})]},
        {"oneOf": [closed("k", k={"const": "a"}), closed("k", k={"const": "b"})]},
    ),
    "other words": ({**STRING, "description": "A name."}, {**STRING, "description": "The name.", "title": "Name"}),
    "a default that is stated now": (closed(a=STRING), closed(a={**STRING, "default": "x"})),
    "the default of what is always sent": (
        closed("a", a={**STRING, "default": "x"}),
        closed("a", a={**STRING, "default": "y"}),
    ),
}

BREAKING = {
    "an argument is gone": (closed(a=STRING, b=STRING), closed(a=STRING), "b", "is gone"),
    "one is gone where any may be sent": (opened(a=STRING, b=STRING), opened(a=STRING), "b", "is gone"),
    "a new required one": (closed(a=STRING), closed("b", a=STRING, b=STRING), "b", "is new and required"),
    "an old one is required": (closed(a=STRING), closed("a", a=STRING), "a", "is required now"),
    "another type": (closed(a=INTEGER), closed(a=STRING), "a", "was integer, is string"),
    "a boolean": ({"type": "boolean"}, STRING, "", "was boolean, is string"),
    "no fractions": (NUMBER, INTEGER, "", "was number, is integer"),
    "null is wrong": ({"type": ["string", "null"]}, STRING, "", "no longer admits null"),
    "a value less": (among("a", "b"), among("b", "c"), "", 'no longer admits "a"'),
    "only listed values": (STRING, among("a", "b"), "", 'only "a", "b" are right now'),
    "only one": (STRING, {**STRING, "const": "x"}, "", 'only "x" is right now'),
    "an edge": ({**NUMBER, "minimum": 1}, {**NUMBER, "exclusiveMinimum": 1}, "", "is exclusiveMinimum 1"),
    "a lower maximum": ({**INTEGER, "maximum": 100}, {**INTEGER, "maximum": 50}, "", "was maximum 100, is maximum 50"),
    "a coarser step": ({**INTEGER, "multipleOf": 3}, {**INTEGER, "multipleOf": 6}, "", "multipleOf was 3, is 6"),
    "another pattern": ({**STRING, "pattern": "^a"}, {**STRING, "pattern": "^ab?"}, "", 'pattern was "^a", is "^ab?"'),
    "a format": (STRING, {**STRING, "format": "date"}, "", 'format is new: "date"'),
    "shorter texts": ({**STRING, "maxLength": 5}, {**STRING, "maxLength": 4}, "", "maxLength was 5, is 4"),
    "something in a list": (
        closed(lines={"type": "array", "items": closed(sku=STRING)}),
        closed(lines={"type": "array", "items": closed("sku", sku=STRING)}),
        "lines[].sku",
        "is required now",
    ),
    "what any name may have": (
        {"type": "object", "additionalProperties": STRING},
        {"type": "object", "additionalProperties": INTEGER},
        "*",
        "was string, is integer",
    ),
    "names that were free": ({"type": "object"}, closed(), "", "further properties are wrong now"),
    "a name that was free": (
        {**opened(a=STRING), "additionalProperties": True},
        {**opened(a=STRING, b=INTEGER), "additionalProperties": True},
        "b",
        "is new, and could be something else before",
    ),
    "another default": (
        closed(a={**STRING, "default": "x"}),
        closed(a={**STRING, "default": "y"}),
        "a",
        'the default was "x", is "y": a call without it means something else',
    ),
    "alternatives that overlap": (
        STRING,
        {"oneOf": [STRING, {**STRING, "maxLength": 3}]},
        "",
        "a value may now satisfy two alternatives",
    ),
    "one of them narrower": (
        {"anyOf": [{**INTEGER, "maximum": 5}, STRING]},
        {"anyOf": [{**INTEGER, "maximum": 3}, STRING]},
        "",
        "was maximum 5, is maximum 3",
    ),
    "a condition more": (
        {**STRING, "minLength": 1},
        {"allOf": [STRING, {"minLength": 2}]},
        "",
        "minLength was 1, is 2",
    ),
    "what must not be": (STRING, {**STRING, "not": {"const": "x"}}, "", 'not is new: {"const": "x"}'),
    "nothing is right": (closed(a=STRING), closed(a=False), "a", "no value is right any more"),
    "a schema in itself": (
        {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
        {"$ref": "#/$defs/node", "$defs": {"node": {**NODE, "required": ["value"]}}},
        "",
        "a schema that contains itself changed",
    ),
}


def breaking(changes: tuple[SchemaChange, ...]) -> list[SchemaChange]:
    return [change for change in changes if change.breaking]


@pytest.mark.parametrize("name", COMPATIBLE)
def test_a_change_that_leaves_every_valid_value_valid_is_compatible_and_is_named(name: str) -> None:
    changes = schema_changes(*COMPATIBLE[name])
    assert changes and not breaking(changes), changes


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_that_makes_valid_values_wrong_is_breaking_and_says_where(name: str) -> None:
    old, new, where, words = BREAKING[name]
    found = breaking(schema_changes(old, new))
    assert [change.where for change in found] == [where] and words in found[0].what, found


@pytest.mark.parametrize("name", [*COMPATIBLE, *BREAKING])
def test_a_schema_has_not_changed_from_itself(name: str) -> None:
    for schema in (COMPATIBLE.get(name) or BREAKING[name])[:2]:
        assert schema_changes(schema, json.loads(json.dumps(schema))) == ()


def test_references_are_what_they_refer_to() -> None:
    money = {"type": "object", "properties": {"amount": INTEGER}, "required": ["amount"]}
    named = closed(price={"$ref": "#/$defs/a~1b"}) | {"$defs": {"a/b": money}}
    assert schema_changes(named, closed(price=money)) == ()
    found = schema_changes(named, closed(price={**money, "properties": {"amount": STRING}}))
    assert found == (SchemaChange("price.amount", "was integer, is string", True),)


# The law: what is called compatible leaves every call valid that was.

SCALARS: list[Any] = [None, False, True, -1, 0, 1, 2, 3, 4, 2.5, "", "a", "b", "ab", "abc"]
SMALL: list[Any] = [None, True, 1, 2.5, "a", "ab"]
VALUES: list[Any] = [
    *SCALARS,
    *(
        [*items]
        for count in (0, 1, 2)
        for items in product([None, 1, 2, "a", "ab", {"a": 1}, {"a": "a"}], repeat=count)
    ),
    *(
        {name: value for name, value in zip("abc", values, strict=True) if value is not ...}
        for values in product([..., *SMALL], [..., *SMALL], [..., 1, "a"])
    ),
]
"""Values of every kind that the schemas below may admit."""

limits = st.fixed_dictionaries({}, optional={"minimum": st.integers(0, 3), "maximum": st.integers(0, 3)})
edges = st.fixed_dictionaries(
    {}, optional={"exclusiveMinimum": st.integers(-1, 2), "multipleOf": st.sampled_from([1, 2])}
)
lengths = st.fixed_dictionaries({}, optional={"minLength": st.integers(0, 2), "maxLength": st.integers(1, 3)})
patterns = st.fixed_dictionaries({}, optional={"pattern": st.sampled_from(["^a", "b$"])})
numbers = st.builds(
    lambda kind, one, two: {"type": kind, **one, **two}, st.sampled_from(["integer", "number"]), limits, edges
)
strings = st.builds(lambda one, two: {"type": "string", **one, **two}, lengths, patterns)
lists = st.lists(st.sampled_from(SCALARS), min_size=1, max_size=3, unique_by=repr)
scalars = st.one_of(
    numbers,
    strings,
    st.sampled_from(
        [{"type": "boolean"}, NULL, {"type": ["string", "null"]}, {"type": ["integer", "string"]}, {}, True]
    ),
    st.builds(lambda values: {"enum": values}, lists),
    st.builds(lambda value: {"const": value}, st.sampled_from(SCALARS)),
    st.builds(lambda one, two: {"allOf": [one, two]}, numbers | strings, limits | lengths | patterns),
    st.builds(lambda one, two: {**one, "not": two}, numbers | strings, numbers | strings),
)


def arrays(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    sizes = {"minItems": st.integers(0, 2), "maxItems": st.integers(1, 2), "uniqueItems": st.booleans()}
    parts = {"items": items, "prefixItems": st.lists(items, min_size=1, max_size=2)}
    return st.fixed_dictionaries({"type": st.just("array")}, optional=sizes | parts)


def objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from("abc")
    rest = {
        "properties": st.dictionaries(names, values, max_size=3),
        "required": st.lists(names, max_size=2, unique=True),
        "additionalProperties": st.booleans() | values,
        "maxProperties": st.integers(1, 3),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b|c"]), values, min_size=1, max_size=1),
        "anyOf": st.lists(
            st.sampled_from([{"required": ["a"]}, {"required": ["b"]}, {"minProperties": 2}]), min_size=1
        ),
    }
    return st.fixed_dictionaries({"type": st.just("object")}, optional=rest)


def choices(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(parts, min_size=1, max_size=3)
    return st.builds(lambda name, each: {name: each}, st.sampled_from(["anyOf", "oneOf"]), several)


schemas = st.one_of(scalars, arrays(scalars), objects(scalars | arrays(scalars)), choices(scalars | objects(scalars)))


@st.composite
def edited(draw: st.DrawFn, old: Any) -> Any:
    """The schema with a keyword gone, or with one of another schema, at the top or within it."""
    if not isinstance(old, dict) or not old or draw(st.integers(0, 4)) == 0:
        return draw(schemas)
    name = draw(st.sampled_from(sorted(old)))
    if name == "properties" and old[name] and draw(st.booleans()):
        inner = draw(st.sampled_from(sorted(old[name])))
        return {**old, name: {**old[name], inner: draw(edited(old[name][inner]))}}
    if name in ("items", "additionalProperties", "not"):
        return {**old, name: draw(edited(old[name]))}
    if name in ("anyOf", "oneOf", "prefixItems") and old[name] and draw(st.booleans()):
        return {**old, name: [draw(edited(old[name][0])), *old[name][1:]]}
    other = draw(schemas)
    taken = {key: value for key, value in other.items() if draw(st.booleans())} if isinstance(other, dict) else {}
    return {key: value for key, value in old.items() if key != name or draw(st.booleans())} | taken


def as_known(schema: Any) -> Any:
    """The schema as a model knows it: it sends no name that the schema does not speak of."""
    if isinstance(schema, list):
        return [as_known(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    known = {
        name: value if name in ("enum", "const", "required") else as_known(value) for name, value in schema.items()
    }
    if "properties" in schema and isinstance(schema["properties"], dict):
        known["properties"] = {name: as_known(part) for name, part in schema["properties"].items()}
        if "additionalProperties" not in schema and "patternProperties" not in schema:
            named = {*schema["properties"], *schema.get("required", ())}
            for alternative in schema.get("anyOf", ()):
                named |= {*alternative.get("required", ())} if isinstance(alternative, dict) else set()
            known["additionalProperties"] = False
            known["properties"] |= dict.fromkeys(sorted(named - {*schema["properties"]}), True)
    return known


def admitted(schema: Any) -> list[Any]:
    valid = jsonschema_rs.validator_for(schema, validate_formats=True).is_valid
    return [value for value in VALUES if valid(value)]


@settings(max_examples=300)
@given(st.data())
def test_what_is_called_compatible_leaves_every_value_valid_that_was(data: st.DataObject) -> None:
    old = data.draw(schemas)
    new = data.draw(edited(old))
    if not breaking(schema_changes(old, new)):
        still = jsonschema_rs.validator_for(new, validate_formats=True).is_valid
        assert [value for value in admitted(as_known(old)) if not still(value)] == []


# Tools.


def a_tool(name: str = "pay", effect: bool = False, description: str = "Pay.", **properties: Any) -> Tool:
    return Tool(name, description, closed(*properties, **properties), effect)


def said(old: list[Tool], new: list[Tool]) -> list[tuple[bool, str]]:
    return [(change.breaking, str(change)) for change in tool_changes(old, new)]


def test_a_tool_that_is_gone_breaks_and_a_new_one_does_not() -> None:
    stays, goes, comes = a_tool("stay"), a_tool("go", a=STRING), a_tool("come")
    assert said([stays, goes], [stays, comes]) == [(True, "go: is gone"), (False, "come: is new")]


def test_a_tool_under_another_name_is_pointed_at() -> None:
    found = said([a_tool("old", a=STRING)], [a_tool("new", a=STRING), a_tool("other", a=INTEGER)])
    assert found[0] == (True, "old: is gone; new, which is new, takes the same")


def test_an_effect_that_comes_or_goes_breaks() -> None:
    reads, changes = a_tool(), a_tool(effect=True)
    assert said([reads], [changes]) == [(True, "pay: changes the world now; it only read")]
    assert said([changes], [reads]) == [(True, "pay: only reads now; it changed the world")]


def test_words_and_order_are_compatible_and_said() -> None:
    one, other = a_tool("one"), a_tool("other")
    assert said([one, other], [other, replace(one, description="Another.")]) == [
        (False, "one: its description changed"),
        (False, "the tools stand in another order"),
    ]


def test_arguments_are_named_by_their_tool_and_what_breaks_comes_first() -> None:
    old, new = a_tool(a=STRING, b=among("x")), a_tool(a={**STRING, "description": "A."}, b=among("y"))
    assert said([old], [new]) == [(True, 'pay(b): no longer admits "x"'), (False, "pay(a): description changed")]


# The command.


def diff(*arguments: str | Path, cwd: Path) -> Done:
    return samescore("tools", "diff", *arguments, cwd=cwd)


def written(path: Path, tools: list[Tool]) -> Path:
    path.write_text(json.dumps([tool.spec() for tool in tools]), encoding="utf-8")
    return path


def a_run(directory: Path, *worlds: World) -> Run:
    toy = toy_world.suite(2)
    return Run.create(directory, Plan.make([toy]), oracle(), {world.name: world for world in worlds}, suites=[toy])


OTHER = replace(toy_world.WORLD, functions=toy_world.WORLD.functions[:2])
"""The library, where no account can be closed."""


def test_files_that_say_the_same_exit_0_and_a_breaking_change_exits_1(tmp_path: Path) -> None:
    old, new = written(tmp_path / "old.json", [a_tool(a=STRING)]), written(tmp_path / "new.json", [a_tool(a=INTEGER)])
    assert diff(old, old, cwd=tmp_path) == Done(0, "no change\n", "")
    done = diff(old, new, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == "breaking   pay(a): was string, is integer\n1 breaking change, 0 compatible\n"


def test_the_pages_example_is_what_is_printed(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "tools.md").read_text(encoding="utf-8")
    pay, close, order = a_tool(amount=NUMBER), a_tool("close_account"), a_tool("get_order")
    new = replace(pay, parameters=closed("amount", amount=INTEGER, note=STRING))
    written(tmp_path / "tools-before.json", [pay, close, order])
    written(tmp_path / "tools.json", [new, replace(order, description="Look up an order.")])
    done = diff("tools-before.json", "tools.json", cwd=tmp_path)
    assert done.returncode == 1 and f"$ samescore tools diff tools-before.json tools.json\n{done.stdout}```" in page


def test_compatible_changes_are_listed_and_exit_0(tmp_path: Path) -> None:
    old, new = written(tmp_path / "old.json", [a_tool()]), written(tmp_path / "new.json", [a_tool(), a_tool("note")])
    done = diff(old, new, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "compatible note: is new\n0 breaking changes, 1 compatible\n")


def test_json_has_every_change(tmp_path: Path) -> None:
    old, new = (
        written(tmp_path / "a.json", [a_tool(a=STRING)]),
        written(tmp_path / "b.json", [a_tool("note"), a_tool()]),
    )
    done = diff(old, new, "--json", cwd=tmp_path)
    assert done.returncode == 1 and json.loads(done.stdout) == {
        "breaking": [{"world": None, "tool": "pay", "where": "a", "what": "is gone"}],
        "compatible": [{"world": None, "tool": "note", "where": "", "what": "is new"}],
        "exit": 1,
    }


def test_worlds_are_compared_by_name_and_with_a_file(tmp_path: Path) -> None:
    assert diff("retail", "retail", cwd=tmp_path).stdout == "no change\n"
    specs = diff("retail", "helpdesk", cwd=tmp_path)
    assert specs.returncode == 1 and "get_order: is gone" in specs.stdout


def test_a_world_in_a_file_is_compared(tmp_path: Path) -> None:
    (tmp_path / "world.py").write_text(
        "from samescore.fixtures.retail import WORLD as RETAIL\nfrom dataclasses import replace\n"
        "WORLD = replace(RETAIL, name='mine', functions=RETAIL.functions[1:])\n",
        encoding="utf-8",
    )
    done = diff("retail", "world.py:WORLD", cwd=tmp_path)
    assert done.returncode == 1 and "get_order: is gone" in done.stdout


def test_runs_record_their_tools(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run", toy_world.WORLD)
    (toolset,) = recorded_toolsets(run).values()
    assert toolset == toy_world.WORLD.toolset and toolset.by_name["waive_fee"].effect


def test_runs_are_compared_by_the_tools_that_they_recorded(tmp_path: Path) -> None:
    old, new = a_run(tmp_path / "old", toy_world.WORLD), a_run(tmp_path / "new", OTHER)
    changes = between_runs(old, new)
    assert changes is not None and [str(change) for change in changes] == ["close_account: is gone"]
    done = diff("old", "new", cwd=tmp_path)
    assert done.returncode == 1 and "breaking   close_account: is gone\n" in done.stdout


def test_of_runs_with_several_worlds_each_is_compared_under_its_name(tmp_path: Path) -> None:
    import samescore.fixtures.retail as retail

    a_run(tmp_path / "old", toy_world.WORLD, retail.WORLD)
    a_run(tmp_path / "new", OTHER, retail.WORLD)
    assert "breaking   library: close_account: is gone\n" in diff("old", "new", cwd=tmp_path).stdout
    assert diff("old", "new", "--world", "retail", cwd=tmp_path) == Done(0, "no change\n", "")
    assert diff("old", "retail", cwd=tmp_path) == Done(0, "no change\n", "")
    library = written(tmp_path / "library.json", list(toy_world.WORLD.toolset.tools))
    done = diff("old", library, cwd=tmp_path)
    assert done.returncode == 2 and "several worlds (library, retail). Say of which: --world NAME." in done.stderr
    done = diff("old", library, "--world", "librari", cwd=tmp_path)
    assert done.returncode == 2 and "Did you mean 'library'?" in done.stderr


def test_a_run_that_did_not_record_its_tools_has_those_that_are_installed_if_they_are_the_same(tmp_path: Path) -> None:
    import samescore.fixtures.retail as retail

    run = a_run(tmp_path / "run", retail.WORLD)
    (run.directory / "toolsets.json").unlink()
    assert between_runs(run, run) is None
    assert diff("run", "retail", cwd=tmp_path) == Done(0, "no change\n", "")
    run = a_run(tmp_path / "other", toy_world.WORLD)
    (run.directory / "toolsets.json").unlink()
    done = diff("other", "retail", cwd=tmp_path)
    assert (
        done.returncode == 2
        and "begun before runs recorded their tools, and those of library are others" in done.stderr
    )


def test_recorded_tools_that_were_changed_are_damaged_and_later_ones_foreign(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run", toy_world.WORLD)
    file = run.directory / "toolsets.json"
    recorded = json.loads(file.read_text(encoding="utf-8"))
    for spoil in ("tools", "names", "shape"):
        data: Any = json.loads(json.dumps(recorded))
        if spoil == "tools":
            data["worlds"]["library"]["tools"].pop()
        elif spoil == "names":
            data["worlds"]["library"]["tools"][0]["function"]["name"] = "not a name"
        else:
            data["worlds"] = ["library"]
        file.write_text(json.dumps(data), encoding="utf-8")
        with pytest.raises(EvidenceDamaged, match="Restore the file from a copy"):
            recorded_toolsets(run)
    file.write_text(json.dumps({**recorded, "format": 99}), encoding="utf-8")
    with pytest.raises(ForeignEvidence, match="format 99"):
        recorded_toolsets(run)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("retial", "Did you mean 'retail'?"),
        ("missing.json", "unknown tools 'missing.json'"),
        ("world.py", "Write world.py:WORLD."),
        ("notes.json", "not JSON"),
        ("empty.json", "expected a list of tools"),
    ],
)
def test_what_is_no_source_of_tools_is_said(tmp_path: Path, source: str, words: str) -> None:
    (tmp_path / "notes.json").write_text("notes", encoding="utf-8")
    (tmp_path / "empty.json").write_text("[]", encoding="utf-8")
    (tmp_path / "world.py").write_text("", encoding="utf-8")
    done = diff(source, "retail", cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr


def test_runs_of_other_worlds_are_not_compared(tmp_path: Path) -> None:
    import samescore.fixtures.retail as retail

    a_run(tmp_path / "one", toy_world.WORLD)
    a_run(tmp_path / "other", retail.WORLD)
    done = diff("one", "other", cwd=tmp_path)
    assert done.returncode == 2 and "no world is in both" in done.stderr
