"""The pytest plugin with the embedded model: two real conversations, and an adapter that does not fit."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from pytest_projects import pytest_in

from samescore.harness.run import Run

pytest.importorskip("torch")
pytest_plugins = ["pytester"]

FIXTURES = Path(str(files("samescore.fixtures")))
ADAPTERS = FIXTURES / "models" / "tiny" / "adapters"
REFUND = FIXTURES / "retail" / "sops" / "refund.yaml"
TWO = ("-k", "en/001 or vi/001", "-q")


def test_two_cases_with_the_embedded_model_and_its_adapter(pytester: pytest.Pytester) -> None:
    adapter = ("--samescore-adapter", "support-sft")
    result = pytest_in(pytester, "--samescore-model", "tiny", *adapter, REFUND, "--samescore-out", "out", *TWO)
    run = Run.open(pytester.path / "out")
    assert run.manifest.status == "complete" and (run.manifest.model, run.manifest.adapter) == ("tiny", "support-sft")
    assert run.manifest.passport["found"] and [case.locale for case in run.plan.cases] == ["en", "vi"]
    assert all(turn.token_ids for record in run.records() for turn in record.turns)
    scores = {row["case"]: row["scores"]["success"] for row in run.kept_scores()["rows"]}
    result.assert_outcomes(
        passed=sum(scores.values()), failed=2 - sum(scores.values()), deselected=result.parseoutcomes()["deselected"]
    )
    assert sum(scores.values()) >= 1  # the adapter has learned this


def test_an_adapter_of_another_base_is_one_message(pytester: pytest.Pytester) -> None:
    adapter = Path(shutil.copytree(ADAPTERS / "support-sft", pytester.path / "foreign"))
    config = adapter / "adapter_config.json"
    told = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps(told | {"r": told["r"] * 2}), encoding="utf-8")
    result = pytest_in(pytester, "--samescore-model", "tiny", "--samescore-adapter", "foreign", REFUND, *TWO)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: ") and "foreign" in line
