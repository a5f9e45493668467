"""The adapter's card: what the Hub reads of it, that it says what the files say, and which adapter it refuses."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path

import pytest
import typer
import yaml
from huggingface_hub import ModelCard
from rendered_markdown import FOUND_BY_GITHUB, OURS, Rendered
from report_runs import Described, hostile, idle, played
from safetensors import safe_open

from samescore.harness.cli.app import app
from samescore.harness.cli.loading import load_suites, with_operators, worlds_of
from samescore.harness.errors import AdapterError, UsageError
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.passport import read
from samescore.harness.plan import Plan
from samescore.harness.policies import tiny_adapter
from samescore.harness.policies.model_files import weights_digest
from samescore.harness.rollout import Limits
from samescore.harness.run import Run
from samescore.reports.adapter import Adapter, adapter_of
from samescore.reports.card import card
from samescore.reports.contents import Contents, contents_of
from samescore.reports.replaceable import CARD_MARK, replaceable

FOLDER = Path(tiny_adapter("support-grpo"))
DIGEST = weights_digest(FOLDER)


def had(directory: Path, **more: object) -> Run:
    """A run as of the embedded adapter, by what it says of itself."""
    said = {"weights": "b" * 64, "adapter": DIGEST}
    return played(directory, {0: hostile, 1: idle}, name="tiny", adapter="support-grpo", said=said, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return had(tmp_path_factory.mktemp("card") / "run")


@pytest.fixture(scope="module")
def contents(run: Run) -> Contents:
    return contents_of([run])


@pytest.fixture(scope="module")
def text(contents: Contents) -> str:
    return card(contents)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The adapter in a folder of its own, to be changed."""
    shutil.copytree(FOLDER, tmp_path / "copy")
    return tmp_path / "copy"


# What the Hub reads.


def test_the_hub_reads_its_front_matter(text: str) -> None:
    data = ModelCard(text).data
    assert (data.base_model, data.library_name, data.language) == ("tiny", "peft", ["en", "vi"])
    assert data.to_dict()["base_model_relation"] == "adapter"
    assert {"lora", "tool-calling", "samescore", "grpo"} <= set(data.tags)


def test_a_card_may_replace_a_card_and_no_readme(text: str, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(text, encoding="utf-8")
    assert replaceable("card", path) and not replaceable("md", path)
    path.write_text(text.replace(CARD_MARK, ""), encoding="utf-8")
    assert not replaceable("card", path)


def test_the_hub_reads_every_metric_with_its_interval(text: str, contents: Contents) -> None:
    run = contents.runs[0]
    found = {one.metric_type: one for one in ModelCard(text).data.eval_results}
    assert list(found) == list(run.results.metrics)
    for name, metric in run.results.metrics.items():
        one = found[name]
        assert one.metric_value == round(metric.value or 0.0, 4)
        assert one.metric_args == {"low": round(metric.low, 4), "high": round(metric.high, 4), "cases": metric.n}
        assert one.dataset_revision == run.suites[0].fingerprint


def test_a_run_that_is_not_complete_has_no_result_for_the_hub(tmp_path: Path) -> None:
    run = had(tmp_path / "cut")
    evidence = run.directory / "evidence.jsonl"
    evidence.write_bytes(b"".join(evidence.read_bytes().splitlines(keepends=True)[:-1]))
    text = card(contents_of([run]))
    assert "model-index" not in yaml.safe_load(text.split("---\n")[1])
    assert "⛔ Incomplete" in text and "open" in text


@pytest.mark.parametrize(
    ("name", "hub"),
    [
        ("tiny", "tiny"),
        ("hf/Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"),
        ("hf//models/my-base", "my-base"),
        ("hf/./my-base/", "my-base"),
        ("/cache/hub/models--Qwen--Qwen3-0.6B/snapshots/ab12", "Qwen/Qwen3-0.6B"),
        (None, None),
    ],
)
def test_a_base_is_named_as_the_hub_names_it(name: str | None, hub: str | None) -> None:
    assert Adapter("a", FOLDER, DIGEST, name, 1, 1, {}, None).hub_base == hub


# What people read.


def test_it_says_what_the_adapters_files_say(text: str) -> None:
    passport = read(FOLDER)
    assert passport is not None
    with safe_open(FOLDER / "adapter_model.safetensors", framework="np") as file:
        parameters = sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    for words in (
        f"{parameters:,} parameters, rank 32, {(FOLDER / 'adapter_model.safetensors').stat().st_size / 1e6:.1f} MB",
        passport.base.weights[:16],
        DIGEST[:16],
        passport.data["fingerprint"],
        f"{passport.data['cases']:,}",
        "in the weights: leave it out of the prompt",
        "learning_rate: 0.0001",
    ):
        assert words in text
    assert passport.parent is not None and passport.parent.adapter[:16] in text
    assert "`q_proj`" in text


def test_it_says_how_the_adapter_did_what_was_tried_and_what_was_not(text: str, contents: Contents) -> None:
    run, rendered = contents.runs[0], Rendered(text.split("---\n", 2)[2]).text
    for target in run.targets:
        assert target.metric in rendered
    for limit in run.decision.limits:
        assert limit in rendered
    assert run.decision.sentence in rendered
    procedure = run.procedures[0]
    tried = procedure.branches - len(procedure.untried)
    assert f"{tried} of {procedure.branches}" in rendered
    assert "samescore eval sop/refund --model tiny --adapter support-grpo --limit 8" in rendered


def test_impurities_of_this_training_and_of_those_before_are_limits(copy: Path, contents: Contents) -> None:
    data = json.loads((copy / "samescore.json").read_text())
    data["impurities"] = ["similarity"]
    data["parent"]["passport"]["impurities"] = ["length"]
    (copy / "samescore.json").write_text(json.dumps(data))
    limits = card(contents, copy).split("## Limits")[1]
    assert "`similarity`" in limits and "`length`" in limits


def test_an_adapter_without_a_passport_has_a_card_that_says_so(copy: Path, contents: Contents) -> None:
    (copy / "samescore.json").unlink()
    text = card(contents, copy)
    assert "it has no passport" in text
    assert ModelCard(text).data.base_model == "tiny"  # of PEFT's own settings


def test_nothing_that_was_written_is_markup(contents: Contents) -> None:
    run = contents.runs[0]
    names = replace(run, name="<b>@x|`", suites=(replace(run.suites[0], name="<i>#1|"),))
    rendered = Rendered(card(replace(contents, runs=(names,))).split("---\n", 2)[2])
    assert rendered.elements <= OURS | {"h1"}
    assert not any(map(FOUND_BY_GITHUB.search, rendered.pieces))


def test_it_is_said_in_vietnamese(run: Run) -> None:
    text = card(contents_of([run], language="vi"))
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[1] == "Dữ liệu huấn luyện" and len(headings) == 6
    assert ModelCard(text).data.language == ["en", "vi"]


def test_against_a_baseline_the_gates_evidence_is_in_it(run: Run, tmp_path: Path) -> None:
    contents = contents_of([run], played(tmp_path / "old", {0: idle}))
    text = card(contents)
    assert contents.decision.sentence in Rendered(text.split("---\n", 2)[2]).text
    assert "- Margin: 5 points" in text


# Which adapter.


def test_other_weights_than_the_run_had_are_refused(copy: Path, contents: Contents) -> None:
    path = copy / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(UsageError, match=f"weights are [0-9a-f]{{12}}, and those of .* were {DIGEST[:12]}"):
        card(contents, copy)


def test_an_adapter_that_is_gone_is_asked_for(contents: Contents, tmp_path: Path) -> None:
    moved = replace(contents.runs[0], adapter=str(tmp_path / "gone"), model="hf/base")
    with pytest.raises(UsageError, match=r"gone: the adapter of .* is not there. Say where it lies: --adapter FOLDER"):
        adapter_of(moved)
    assert adapter_of(moved, FOLDER).digest == DIGEST


def test_a_model_without_an_adapter_has_no_card(contents: Contents) -> None:
    with pytest.raises(UsageError, match="is a run of oracle without one"):
        adapter_of(replace(contents.runs[0], adapter=None, digest=None, model="oracle"))


def test_runs_of_two_adapters_have_no_card_together(contents: Contents) -> None:
    other = replace(contents.runs[0], digest="c" * 64, name="other")
    with pytest.raises(UsageError, match="about one adapter"):
        card(replace(contents, runs=(*contents.runs, other)))


@pytest.mark.parametrize("kept", [0, 4, 40])
def test_weights_that_were_cut_are_damaged(copy: Path, contents: Contents, kept: int) -> None:
    path = copy / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    cut = replace(contents.runs[0], digest=weights_digest(copy))
    with pytest.raises(AdapterError, match="is damaged"):
        adapter_of(cut, copy)


# What it says to run again.


def planned_by(command: str) -> tuple[Plan, dict[str, object]]:
    """The plan of a command, read by the parser of the command line, and what else was asked."""
    program, verb, *arguments = shlex.split(command)
    assert (program, verb) == ("samescore", "eval")
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    eval_command = group.commands["eval"]
    asked = eval_command.make_context("eval", arguments).params
    suites = load_suites(
        asked["suites"], asked["split"] or "eval", asked["locale"] or None, asked["procedure"] or "weights"
    )
    limits = Limits(turns=asked["max_turns"] or 12, turn_tokens=asked["max_tokens"] or 768)
    numbers = {name: asked[name] for name in ("epochs", "seed", "temperature", "limit") if asked[name] is not None}
    return Plan.make(with_operators(suites, asked["operator"] or ()), limits=limits, **numbers), asked


@pytest.mark.parametrize(
    ("names", "locales", "operators", "split", "procedure", "numbers"),
    [
        (["sop/refund"], None, (), "eval", "weights", {"limit": 3}),
        (["sop/refund"], ["vi"], (), "eval", "weights", {"limit": 3, "seed": 7}),
        (["sop/refund"], None, (), "eval", "weights", {"limit": 1}),  # in one language, of both that were asked for
        (["sop/exchange"], ["en"], (), "dev", "prompt", {"limit": 2, "epochs": 2, "temperature": 0.7, "seed": -1}),
        (["sop/refund"], None, (), "eval", "weights", {"limit": 2, "limits": Limits(turns=9, turn_tokens=300)}),
        (["adversarial/refund"], None, ("typos", "removed_tool"), "eval", "weights", {}),
        (["adversarial/refund"], ["en"], ("typos",), "eval", "weights", {"limit": 2}),
        (["adversarial/refund"], None, (), "eval", "weights", {"limit": 2}),
    ],
)
def test_the_command_that_the_card_prints_plans_the_run_again(
    tmp_path: Path,
    names: Sequence[str],
    locales: Sequence[str] | None,
    operators: Sequence[str],
    split: str,
    procedure: str,
    numbers: dict[str, object],
) -> None:
    suites = with_operators(load_suites(names, split, locales, procedure), operators)  # type: ignore[arg-type]
    policy = Described("tiny", lambda case, sampling: iter(case.gold), said={"adapter": DIGEST})
    plan, worlds = Plan.make(suites, **numbers), worlds_of(suites)  # type: ignore[arg-type]
    run = Run.create(tmp_path / "run", plan, policy, worlds, suites=suites, adapter="support-grpo")
    evaluate_sync(suites, policy, worlds, plan, run)
    text = card(contents_of([Run.open(run.directory)]))
    (command,) = re.findall(r"^samescore eval .*$", text, re.MULTILINE)
    again, asked = planned_by(command)
    assert again == plan and again.fingerprint == plan.fingerprint
    assert (asked["model"], asked["adapter"]) == ("tiny", ["support-grpo"])


def test_a_redacted_run_is_redacted_again(tmp_path: Path) -> None:
    text = card(contents_of([had(tmp_path / "run", redact=True)]))
    (command,) = re.findall(r"^samescore eval .*$", text, re.MULTILINE)
    assert planned_by(command)[1]["redact"] is True
