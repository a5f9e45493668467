"""docs/training.md: its tables are the configuration's docstrings, and its examples are read."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from samescore.harness.tools import toolset_from_specs
from samescore.trainers.config import DpoConfig, GrpoConfig, SftConfig, TrainConfig, load_config
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
