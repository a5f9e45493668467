"""docs/training.md: its tables are the configuration's docstrings, and its examples are read."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from in_process import samescore
from pydantic import BaseModel
from small_training import SUITE

from samescore.harness.tools import toolset_from_specs
from samescore.suites.catalog import suite_names
from samescore.trainers.config import (
    KINDS,
    DpoConfig,
    GrpoConfig,
    Kind,
    SftConfig,
    TrainConfig,
    kind_of,
    load_config,
)
from samescore.trainers.conversation_files import file_lessons

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "training.md"

pytestmark = pytest.mark.skipif(not DOCS.is_file(), reason="docs/ is not beside the tests")


def test_every_option_stands_in_the_docs_as_the_configuration_has_it() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "training_options.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def meanings(shape: type[BaseModel]) -> Iterator[str | None]:
    for field in shape.model_fields.values():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from meanings(inner)
        else:
            yield field.description


@pytest.mark.parametrize("shape", [SftConfig, DpoConfig, GrpoConfig])
def test_every_option_says_what_it_means(shape: type[TrainConfig]) -> None:
    found = list(meanings(shape))
    assert len(found) > 30 and all(found)


def test_the_conversation_of_the_docs_is_one(tmp_path: Path) -> None:
    text = DOCS.read_text(encoding="utf-8").partition("```json\n")[2].partition("```")[0]
    (tmp_path / "talk.jsonl").write_text(json.dumps(json.loads(text)), encoding="utf-8")
    (lesson,) = file_lessons(tmp_path / "talk.jsonl")
    assert [len(step.turn.calls) for step in lesson.steps] == [1, 0]
    assert lesson.toolset == toolset_from_specs("tools", 1, json.loads(text)["tools"])


def test_the_recipe_of_the_embedded_adapter_is_valid() -> None:
    config = load_config(ROOT / "fixtures" / "models" / "tiny" / "support-sft.toml", SftConfig)
    assert config.out == ROOT / "fixtures" / "models" / "tiny" / "adapters" / "support-sft"


TEXT = DOCS.read_text(encoding="utf-8") if DOCS.is_file() else ""
EXAMPLES = re.findall(r"```toml\n# samescore train (\w+) (\S+)\n(.*?)```", TEXT, re.DOTALL)


def test_there_is_a_whole_configuration_of_each_kind() -> None:
    assert [kind for kind, _, _ in EXAMPLES] == list(KINDS)


@pytest.mark.parametrize(("kind", "name", "text"), EXAMPLES, ids=[kind for kind, _, _ in EXAMPLES])
def test_every_configuration_of_the_docs_may_begin(kind: Kind, name: str, text: str, tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="training needs samescore[train]")
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert kind_of(path) == kind
    config = load_config(path, KINDS[kind])
    assert config.out == tmp_path / path.stem and config.data.suite in suite_names()
    path.write_text(text.replace(config.data.suite, str(SUITE)), encoding="utf-8")  # which is loaded in a moment
    done = samescore("train", kind, path, "--dry-run", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["kind"] == kind and plan["steps"] > 1


def test_the_faults_of_the_docs_are_what_is_said(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    said = TEXT.partition("error: my-sft.toml: the configuration is wrong:\n")[2].partition("```")[0].splitlines()
    wrong = 'out = "x"\ngroup = 4\nlerning_rate = 1e-3\nfour_bit = true\n[data]\nepochs = 3\n'
    (tmp_path / "my-sft.toml").write_text(wrong, encoding="utf-8")
    done = samescore("train", "sft", "my-sft.toml", cwd=tmp_path)
    assert done.returncode == 2
    found = done.stderr.splitlines()[1:]
    if torch.cuda.is_available() or find_spec("bitsandbytes") is not None:
        said, found = said[:3], found[:3]  # what is lacking depends on the machine
    assert found == said
