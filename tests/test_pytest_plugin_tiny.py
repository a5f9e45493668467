"""The pytest plugin with the embedded model: two real conversations, and an adapter that does not fit."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from pytest_projects import pytest_in

from samescore.harness.run import Run

# Loaded once, and not again by each run within this process.
for library in ("torch", "transformers", "peft"):
    pytest.importorskip(library)
pytest.importorskip("samescore.harness.policies.hf")

pytest_plugins = ["pytester"]

FIXTURES = Path(str(files("samescore.fixtures")))
ADAPTERS = FIXTURES / "models" / "tiny" / "adapters"


@pytest.fixture
def procedure(pytester: pytest.Pytester) -> Path:
    """A procedure of a registered world, in a project of its own."""
    (pytester.path / "sops").mkdir()
    for path in (FIXTURES / "retail" / "sops").glob("refund.*"):
        shutil.copy(path, pytester.path / "sops")
    whole = (FIXTURES / "retail" / "suite.yaml").read_text(encoding="utf-8")
    (pytester.path / "suite.yaml").write_text(whole.replace("[refund, exchange]", "[refund]"), encoding="utf-8")
    return pytester.path / "sops" / "refund.yaml"


def test_two_cases_with_the_embedded_model_and_its_adapter(pytester: pytest.Pytester, procedure: Path) -> None:
    model = ("--samescore-model", "tiny", "--samescore-adapter", "support-sft", "--samescore-out", "out")
    result = pytest_in(pytester, *model, procedure, "-k", "en/016 or vi/004", "-q")
    result.assert_outcomes(passed=2, deselected=136)
    run = Run.open(pytester.path / "out")
    assert run.manifest.status == "complete" and (run.manifest.model, run.manifest.adapter) == ("tiny", "support-sft")
    assert run.manifest.passport["found"] and [case.locale for case in run.plan.cases] == ["en", "vi"]
    assert all(turn.token_ids for record in run.records() for turn in record.turns)


def test_an_adapter_that_does_not_fit_is_one_message(pytester: pytest.Pytester, procedure: Path) -> None:
    adapter = Path(shutil.copytree(ADAPTERS / "support-sft", pytester.path / "foreign"))
    passport = adapter / "samescore.json"
    told = json.loads(passport.read_text(encoding="utf-8"))
    passport.write_text(json.dumps(told).replace(told["base"]["weights"], "0" * 64), encoding="utf-8")
    result = pytest_in(pytester, "--samescore-model", "tiny", "--samescore-adapter", "foreign", procedure, "-q")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: adapter foreign was trained on tiny with weights 000000000000, but ")
