"""Every option of `samescore train`, as the tables of docs/training.md.

    python benchmarks/training_options.py            # writes them between the marks of that file
    python benchmarks/training_options.py --check    # exits 1 if they would be other ones

They are the docstrings of `samescore.trainers.config`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from samescore.trainers.config import DpoConfig, GrpoConfig, SftConfig, TrainConfig

DOCS = Path(__file__).resolve().parent.parent / "docs" / "training.md"
BEGIN, END = "<!-- begin: python benchmarks/training_options.py -->", "<!-- end -->"
KINDS: dict[str, type[TrainConfig]] = {"SFT": SftConfig, "DPO": DpoConfig, "GRPO": GrpoConfig}


def tables() -> str:
    """All tables, as Markdown: what every kind shares, then what each has of its own or with another default."""
    shared = {name: _row(name, field) for name, field in _fields(TrainConfig)}
    parts = ["### Of every kind", "", *_table(shared.values())]
    for kind, shape in KINDS.items():
        own = [row for name, field in _fields(shape) if (row := _row(name, field)) != shared.get(name)]
        parts += ["", f"### Of {kind}", "", *_table(own)]
    return "\n".join(parts)


def _fields(shape: type[BaseModel], before: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in shape.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _fields(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}", field


def _row(name: str, field: FieldInfo) -> str:
    meaning = " ".join((field.description or "").split()).replace("|", "\\|")
    return f"| `{name}` | {_default(field)} | {meaning} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value == ():
        return "none"
    return f"`{json.dumps(value)}`"


def _table(rows: Iterable[str]) -> list[str]:
    return ["| option | default | meaning |", "| --- | --- | --- |", *rows]


def main() -> int:
    """Write the tables, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = DOCS.read_text(encoding="utf-8")
    written = re.sub(
        f"(?s){re.escape(BEGIN)}.*?{re.escape(END)}", lambda found: f"{BEGIN}\n\n{tables()}\n\n{END}", text, count=1
    )
    if not check:
        DOCS.write_text(written, encoding="utf-8")
    elif written != text:
        print(f"{DOCS} has other options than the configuration: run this without --check", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
