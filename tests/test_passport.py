"""The passport of an adapter: what is written, what is read, and what `eval` says of it before a run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, strategies as st
from toy_world import WORLDS, suite

import samescore.harness
from samescore.harness.cli.passport import verify_passport
from samescore.harness.errors import AdapterError, UsageError
from samescore.harness.fingerprint import fingerprint
from samescore.harness.manifest import Manifest
from samescore.harness.passport import (
    FORMAT,
    PASSPORT,
    Base,
    DevResult,
    Exported,
    Parent,
    Passport,
    TrainedSuite,
    read,
    write,
)
from samescore.harness.passport_differences import differences
from samescore.harness.plan import Plan
from samescore.harness.policies import tiny_adapter, tiny_path
from samescore.harness.policies.script import oracle
from samescore.harness.run import Run

SCHEMA = json.loads((Path(samescore.harness.__file__).parent / "schemas" / "passport.schema.json").read_bytes())
DIGEST, OTHER = "ab" * 32, "cd" * 32

prints = st.text("0123456789abcdef", min_size=16, max_size=16)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
names = st.text(min_size=1, max_size=8)
shares = st.floats(0, 1)


@st.composite
def passports(draw: st.DrawFn, deep: int = 1) -> Passport:
    """Passports as training may write them, with ancestors."""
    parent = draw(st.none() | passports(deep - 1)) if deep else None
    return Passport(
        kind=draw(st.sampled_from(["sft", "dpo", "grpo"])),
        base=Base(draw(names), draw(digests)),
        renderer=draw(st.none() | prints),
        dialect=draw(st.none() | st.tuples(names, st.integers(1, 9))),
        toolsets=draw(st.dictionaries(names, prints, max_size=2)),
        scorers=draw(st.dictionaries(names, st.integers(1, 9), max_size=2)),
        procedure=draw(st.sampled_from(["prompt", "weights", None])),
        suites=tuple(
            draw(
                st.lists(
                    st.builds(
                        TrainedSuite,
                        names,
                        st.none() | st.integers(1, 9),
                        st.none() | prints,
                        st.none() | st.dictionaries(names, shares, max_size=2),
                        prints,
                    ),
                    max_size=2,
                )
            )
        ),
        data={"split": "train", "fingerprint": draw(prints), "cases": draw(st.integers(0, 99))},
        rewards=draw(st.dictionaries(names, shares, max_size=2)),
        impurities=tuple(draw(st.lists(names, max_size=2))),
        parent=None if parent is None else Parent(draw(digests), draw(st.sampled_from([None, parent.summary]))),
        config={"seed": draw(st.integers())},
        training={"steps": draw(st.integers(0, 99)), "losses": draw(st.lists(shares, max_size=2))},
        seeds=draw(st.dictionaries(names, st.integers(), max_size=2)),
        versions=draw(st.dictionaries(names, names, max_size=2)),
        dev=tuple(
            draw(
                st.lists(
                    st.builds(DevResult, names, shares, shares, shares, st.integers(1, 9), st.integers(0, 9)),
                    max_size=2,
                )
            )
        ),
        exported=draw(st.none() | st.builds(Exported, st.just("merged"), st.just("bfloat16"), digests, digests)),
    )


@given(passports())
def test_what_is_written_is_read_back_and_as_the_published_schema_says(passport: Passport) -> None:
    told = json.loads(json.dumps(passport.to_json()))
    assert told["format"] == FORMAT
    assert [error.message for error in jsonschema_rs.validator_for(SCHEMA).iter_errors(told)] == []
    assert Passport.from_json(told) == passport
    assert Passport.from_json(told).fingerprint == passport.fingerprint


def a_passport(**changes: Any) -> Passport:
    """One that says everything, for the toy suite as it is."""
    toy = suite(4)
    passport = Passport(
        kind="grpo",
        base=Base("tiny", DIGEST),
        renderer="0123456789abcdef",
        dialect=("hermes", 1),
        toolsets={world.name: world.toolset.fingerprint for world in WORLDS.values()},
        scorers={"path": 1, "format": 2},
        procedure="weights",
        suites=(TrainedSuite(toy.name, toy.version, toy.fingerprint, {"success": 0.9}, fingerprint({"success": 0.9})),),
        data={"split": "train", "fingerprint": "0123456789abcdef", "cases": 4},
        rewards={"success": 1.0},
        versions={"samescore": "0.1.0", "fact judge": "1"},
    )
    return replace(passport, **changes)


def write_json(folder: Path, told: Any) -> Path:
    text = told if isinstance(told, str) else json.dumps(told)
    (folder / PASSPORT).write_text(text, encoding="utf-8")
    return folder


def test_a_folder_without_a_passport_has_none(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    write(tmp_path, a_passport())
    assert read(tmp_path) == a_passport()


def test_the_embedded_adapter_has_a_passport_of_the_first_format_or_of_this_one() -> None:
    passport = read(Path(tiny_adapter("support-sft")))
    assert passport is not None and passport.kind == "sft" and passport.base.name == "tiny"
    assert set(passport.toolsets) == {"retail", "helpdesk"} and passport.renderer is not None
    assert passport.data["cases"] == 13008 and [one.name for one in passport.suites] == ["sop"]


def test_format_1_is_read_and_says_what_it_knew(tmp_path: Path) -> None:
    told = {
        "format": 1,
        "base": {"name": "tiny", "weights": DIGEST},
        "template": "0123456789abcdef",
        "toolsets": {"retail": "fedcba9876543210"},
        "data": {"suite": "sop", "split": "train", "targets": "00000000ffffffff", "cases": 2, "fingerprint": "a" * 16},
        "config": {"seed": 7},
        "training": {"steps": 2},
        "versions": {"torch": "2.13.0"},
    }
    passport = read(write_json(tmp_path, told))
    assert passport is not None
    assert (passport.kind, passport.renderer, passport.seeds) == ("sft", "0123456789abcdef", {"training": 7})
    assert passport.suites == (TrainedSuite("sop", None, None, None, "00000000ffffffff"),)
    assert passport.dialect is None and not passport.scorers and passport.data["cases"] == 2


@pytest.mark.parametrize(
    ("told", "part"),
    [
        ("{", "not JSON"),
        ('{"format": 2, "format": 2}', "occurs twice"),
        ('{"base": {"weights": NaN}}', "NaN"),
        ("[1]", "expected an object, found list"),
        ({"format": 1}, '"base" is a required property'),
        ({"format": 1, "base": {"name": "tiny", "weights": "x"}}, "at base/weights"),
        ({"format": 0, "base": {"weights": DIGEST}}, "at format"),
        ({"format": "2", "base": {"weights": DIGEST}}, "at format"),
        ({**a_passport().to_json(), "kind": "magic"}, "at kind"),
        ({**a_passport().to_json(), "surprise": 1}, "surprise"),
        (
            {name: value for name, value in a_passport().to_json().items() if name != "scorers"},
            '"scorers" is a required',
        ),
        ({**a_passport().to_json(), "data": {"split": "eval", "fingerprint": "a" * 16}}, "at data/split"),
    ],
)
def test_a_damaged_passport_is_one_message_that_says_where(tmp_path: Path, told: Any, part: str) -> None:
    with pytest.raises(AdapterError) as caught:
        read(write_json(tmp_path, told))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / PASSPORT}: the passport is damaged: ") and part in message
    assert "\n" not in message and "Restore the file from a copy, or train again." in message


def test_a_passport_of_a_later_format_names_who_wrote_it(tmp_path: Path) -> None:
    later = {"format": FORMAT + 1, "versions": {"samescore": "9.9"}, "base": "another shape"}
    with pytest.raises(AdapterError, match=r"format 3; this samescore reads up to 2\. Use .* wrote it \(9\.9\)"):
        read(write_json(tmp_path, later))


def test_a_loss_that_is_no_number_is_told_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, a_passport(training={"losses": [float("nan"), float("inf"), 0.5]}))
    passport = read(tmp_path)
    assert passport is not None and passport.training == {"losses": ["nan", "inf", 0.5]}


def test_an_impurity_is_inherited_by_whatever_is_trained_further() -> None:
    first = a_passport(impurities=("similarity",))
    second = a_passport(parent=Parent(DIGEST, first.summary), impurities=("taste",))
    third = a_passport(parent=Parent(OTHER, second.summary))
    assert third.impurities == () and third.inherited_impurities == ("taste", "similarity")
    assert third.summary["parent"]["passport"]["parent"]["adapter"] == DIGEST


# What differs.


def a_manifest(tmp_path: Path, **fields: Any) -> Manifest:
    """Of a run that does what `a_passport` was trained for."""
    toy = suite(4)
    run = Run.create(tmp_path / "run", Plan.make([toy]), oracle(), WORLDS, suites=[toy])
    same = {
        "description": {"renderer": "0123456789abcdef"},
        "dialect": "hermes",
        "dialect_version": 1,
        "scorers": {"path": 1, "format": 2},
        "targets": {toy.name: {"success": 0.9}},
        "versions": {"fact judge": "1"},
    }
    return run.manifest.with_fields(**same | fields)


def test_a_run_that_does_what_was_trained_for_differs_in_nothing(tmp_path: Path) -> None:
    assert differences(a_passport(), a_manifest(tmp_path)) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"renderer": "f" * 16}, "chat template or tokenizer: ffffffffffffffff when it was trained, 0123456789abcdef"),
        ({"dialect": ("hermes", 2)}, "dialect: hermes/2 when it was trained, hermes/1 here"),
        ({"dialect": ("mistral", 1)}, "dialect: mistral/1 when it was trained, hermes/1 here"),
        ({"toolsets": {"library": "0" * 16}}, "toolset library: 0000000000000000 when it was trained, "),
        ({"toolsets": {"another": "0" * 16}}, "toolset library: none when it was trained, "),
        ({"procedure": "prompt"}, "procedure: in the prompt when it was trained, not in the prompt here"),
        ({"scorers": {"path": 2, "format": 2}}, "scorer path: version 2 when it was trained, version 1 here"),
        ({"scorers": {"format": 2}}, "scorer path: none when it was trained, version 1 here"),
        ({"versions": {"fact judge": "0"}}, "fact judge: version 0 when it was trained, version 1 here"),
        ({"config": {"four_bit": True}}, "number format of the base: 4 bits when it was trained, float32 here"),
        (
            {"exported": Exported("merged", "bfloat16", DIGEST, DIGEST)},
            "weights of the exported model: abababababab when it was trained, cdcdcdcdcdcd here",
        ),
    ],
)
def test_each_difference_is_named_alone(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    description = {"renderer": "0123456789abcdef", "dtype": "float32", "weights": OTHER}
    (found,) = differences(a_passport(**changes), a_manifest(tmp_path, description=description))
    assert str(found).startswith(words) and "\n" not in str(found)


def test_targets_that_moved_are_told_by_metric_and_of_format_1_by_fingerprint(tmp_path: Path) -> None:
    toy, now = suite(4), {"success": 0.8, "format": 0.5, "path": 0.9}
    then = {"success": 0.9, "path": 0.9}
    known = TrainedSuite(toy.name, toy.version, None, then, fingerprint(then))
    manifest = a_manifest(tmp_path, targets={toy.name: now})
    (found,) = differences(a_passport(suites=(known,)), manifest)
    assert (found.what, found.trained, found.now) == (
        f"targets of {toy.name}",
        "format none, success 0.9",
        "format 0.5, success 0.8",
    )
    former = replace(known, version=None, targets=None)
    (told,) = differences(a_passport(suites=(former,)), manifest)
    assert (told.trained, told.now) == (fingerprint(then), fingerprint(now))


def test_a_suite_of_another_version_is_named_and_one_that_was_not_learned_is_not_compared(tmp_path: Path) -> None:
    toy = suite(4)
    older = TrainedSuite(toy.name, toy.version + 1, None, {"success": 0.9}, fingerprint({"success": 0.9}))
    (found,) = differences(a_passport(suites=(older,)), a_manifest(tmp_path))
    assert str(found) == f"suite {toy.name}: version {toy.version + 1} when it was trained, version {toy.version} here"
    assert differences(a_passport(suites=(replace(older, name="elsewhere"),)), a_manifest(tmp_path / "more")) == ()


# What `eval` says and records.


def begun(tmp_path: Path, adapter: Path | None) -> Run:
    toy = suite(4)
    return Run.create(
        tmp_path / "run",
        Plan.make([toy]),
        oracle(),
        WORLDS,
        suites=[toy],
        adapter=None if adapter is None else str(adapter),
    )


def an_adapter(tmp_path: Path, passport: Passport | None) -> Path:
    folder = tmp_path / "lora"
    folder.mkdir()
    if passport is not None:
        write(folder, passport)
    return folder


def test_differences_are_said_a_line_each_and_recorded_with_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passport = a_passport(procedure="prompt", dialect=None, renderer=None, scorers={}, suites=(), impurities=("taste",))
    run = begun(tmp_path, an_adapter(tmp_path, replace(passport, versions={})))
    verify_passport(run)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "warning: lora: procedure: in the prompt when it was trained, not in the prompt here\n"
    recorded = Run.open(run.directory).manifest.passport
    assert recorded["found"] is True and recorded["kind"] == "grpo" and recorded["impurities"] == ["taste"]
    assert [one["what"] for one in recorded["differs"]] == ["procedure"]
    toy = suite(4)
    Run.open(run.directory).require(Plan.make([toy]), oracle(), WORLDS)


def test_a_run_that_is_carried_on_keeps_what_was_recorded_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = an_adapter(tmp_path, a_passport())
    run = begun(tmp_path, folder)
    verify_passport(run)
    first = run.manifest.passport
    write(folder, a_passport(kind="dpo"))
    verify_passport(Run.open(run.directory))
    assert Run.open(run.directory).manifest.passport == first


def test_an_adapter_without_a_passport_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = begun(tmp_path, an_adapter(tmp_path, None))
    verify_passport(run)
    assert re.fullmatch(r"note: adapter lora has no passport .*\n", capsys.readouterr().err)
    assert Run.open(run.directory).manifest.passport == {"found": False}


def test_a_model_without_an_adapter_has_nothing_said_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = begun(tmp_path, None)
    before = (run.directory / "run.json").read_bytes()
    verify_passport(run)
    assert capsys.readouterr().err == "" and (run.directory / "run.json").read_bytes() == before


# What training writes.


def prepared(tmp_path: Path, kind: Any, text: str) -> Any:
    pytest.importorskip("trl", reason="training needs samescore[train]")
    from samescore.trainers.config import GrpoConfig, SftConfig
    from samescore.trainers.training import Options, prepare

    path = tmp_path / f"{kind}.toml"
    path.write_text(f'out = "adapter"\n{text}\n[data]\nsuite = "sop/refund"\nlimit = 2\n', encoding="utf-8")
    shape: Any = SftConfig if kind == "sft" else GrpoConfig
    return prepare(kind, path, shape, Options())


DATA = {"tokens": 10, "fingerprint": "0123456789abcdef"}


def test_training_writes_down_what_it_was_made_from(tmp_path: Path) -> None:
    training = prepared(tmp_path, "sft", 'recorded = ["runs/one"]\nseed = 5')
    from samescore.harness.policies.model_files import weights_digest
    from samescore.harness.scorers import SCORERS
    from samescore.trainers.passport import write_passport

    training.config.out.mkdir()
    dev = DevResult("success", 0.5, 0.4, 0.6, 40, 100)
    write_passport(training, DATA, {"steps": 3, "losses": [0.1]}, [dev])
    passport = read(training.config.out)
    refund = training.material.suite
    assert passport is not None
    assert (passport.kind, passport.base) == ("sft", Base("tiny", weights_digest(tiny_path())))
    assert passport.dialect == ("hermes", training.dialect.version) and passport.renderer is not None
    assert passport.scorers == {scorer.name: scorer.version for scorer in SCORERS}
    assert list(passport.toolsets) == ["retail"] and passport.procedure == "weights"
    (learned,) = passport.suites
    assert (learned.name, learned.fingerprint) == (refund.name, refund.fingerprint)
    assert (learned.targets, learned.targets_fingerprint) == (dict(refund.targets), refund.targets_fingerprint)
    assert passport.data == {"split": "train", "cases": 2, **DATA}
    assert (passport.rewards, passport.impurities, passport.parent) == ({}, (), None)
    assert passport.config["recorded"] == ["runs/one"], "no path of the machine it was trained on"
    assert str(tmp_path) not in (training.config.out / PASSPORT).read_text(encoding="utf-8")
    assert (passport.seeds, passport.training["steps"], passport.dev) == ({"training": 5}, 3, (dev,))
    assert {"torch", "trl", "peft", "python", "fact judge"} <= set(passport.versions)


def test_a_reward_that_is_no_scorer_is_an_impurity_and_the_adapter_before_is_named(tmp_path: Path) -> None:
    training = prepared(
        tmp_path,
        "grpo",
        'adapter = "support-sft"\nsimilarity = "hf/embedder"\nweights = {success = 1.0, format = 0.5, path = 0.0}',
    )
    from samescore.harness.policies.model_files import weights_digest
    from samescore.trainers.passport import passport_of

    passport = passport_of(training, DATA, {})
    assert passport.rewards == {"success": 1.0, "format": 0.5}
    (impurity,) = passport.impurities
    assert "hf/embedder" in impurity and "0.1" in impurity
    assert passport.parent is not None
    before = Path(tiny_adapter("support-sft"))
    told = passport.parent.passport
    assert passport.parent.adapter == weights_digest(before) and told is not None
    assert (told["kind"], told["suites"]) == ("sft", ["sop"])
    assert jsonschema_rs.validator_for(SCHEMA).is_valid(passport.to_json())


def test_a_damaged_passport_stops_training_that_would_go_on_from_it(tmp_path: Path) -> None:
    from samescore.trainers.passport import _parent

    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match="the passport is damaged"):
        _parent(write_json(tmp_path, "{"))
