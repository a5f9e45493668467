"""The published schema of `samescore report --json`: it takes what is written, and knows every field."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from report_runs import SUITE, hostile, idle, played

from samescore.harness.case import Case
from samescore.harness.rescore import keep, rescore
from samescore.harness.run import Run
from samescore.harness.types import Message
from samescore.reports.as_json import as_json
from samescore.reports.contents import contents_of
from samescore.suites.catalog import load_world

SCHEMA = json.loads(resources.files("samescore.reports").joinpath("report.schema.json").read_text(encoding="utf-8"))


def closed(schema: Any) -> Any:
    """The schema with no room for fields that it does not describe, but where it says itself that there are some."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(one) for name, one in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        found["unevaluatedProperties"] = False
    return found


STRICT = Draft202012Validator(closed(SCHEMA))


def again(case: Case) -> Iterator[Message | str]:
    """Every call twice, which is one effect too many."""
    for turn in case.gold:
        yield from [turn, turn] if turn.calls else [turn]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Objects of every situation: alone, against a baseline, several, epochs, redacted, incomplete, not comparable."""
    folder = tmp_path_factory.mktemp("schema")
    good = played(folder / "good")
    failing = {0: hostile, **dict.fromkeys(range(1, 7), again)}
    bad = played(folder / "bad", failing, adapter="x", said={"adapter": "a"})
    twice = played(folder / "twice", {1: idle}, limit=4, epochs=2, redact=True)
    shutil.copytree(bad.directory, folder / "cut")
    lines = (folder / "cut" / "evidence.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "cut" / "evidence.jsonl").write_bytes(b"".join(lines[:-2]))
    cut = Run.open(folder / "cut")
    keep(good, rescore(good, [SUITE], {"retail": load_world("retail")}))
    situations = {
        "alone": contents_of([bad]),
        "regression": contents_of([bad], good),
        "vietnamese": contents_of([good], bad, language="vi"),
        "several": contents_of([good, bad]),
        "epochs": contents_of([twice]),
        "incomplete": contents_of([cut], good),
        "incomparable": contents_of([twice], good),
    }
    return {name: json.loads(as_json(contents)) for name, contents in situations.items()}


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_what_is_written_is_what_is_published(reports: dict[str, Any]) -> None:
    for name, report in reports.items():
        assert [f"{one.json_path}: {one.message}" for one in STRICT.iter_errors(report)] == [], name
    outcomes = {report["decision"]["outcome"] for report in reports.values()}
    assert outcomes >= {"regression", "incomplete", "incomparable", "targets_missed"}


def test_a_report_without_one_of_its_fields_is_refused(reports: dict[str, Any]) -> None:
    report = reports["regression"]
    for name in (*report, *(f"runs/0/{name}" for name in report["runs"][0]), "runs/0/cases/0/rollouts/0/reasons"):
        *above, last = name.split("/")
        broken = copy.deepcopy(report)
        inside = broken
        for key in above:
            inside = inside[int(key) if key.isdecimal() else key]
        del inside[last]
        assert not STRICT.is_valid(broken), name


def test_every_field_is_said_somewhere_in_the_reports(reports: dict[str, Any]) -> None:
    """A field that no report has is not there: the schema would say something of nothing."""
    described, seen = set(_described(SCHEMA)), {name for report in reports.values() for name in _names(report)}
    # What only API models, servers, operators and several epochs have, beside the reports above.
    elsewhere = {"conversations", "differing", "only_as_served", "only_strictly", "server", "version"}
    elsewhere |= {"input_tokens", "output_tokens", "cost", "since", "now"}
    assert described - seen <= elsewhere


def _described(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    for one in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _described(one)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _names(one)
