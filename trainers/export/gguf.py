"""GGUF, the format of llama.cpp: merged weights, then llama.cpp's own converter, in a process of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from samescore.harness.errors import UsageError
from samescore.harness.passport import Exported
from samescore.trainers.export.folder import Written, require_room, whole_folder, write_provenance, written
from samescore.trainers.export.merged import merge_into, size_of
from samescore.trainers.export.source import Source, fetched_base

CONVERTER = "convert_hf_to_gguf.py"
_TYPES = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_MERGED = "merged"
_UNKNOWN_TOKENIZER = "pre-tokenizer was not recognized"


@dataclass(frozen=True, slots=True)
class Converter:
    """llama.cpp's converter: its script, and the command that runs it."""

    script: Path
    command: tuple[str, ...]


def find_converter(folder: Path | None) -> Converter:
    """The converter in `folder`; else in that of the variable LLAMA_CPP, on PATH, or where Unsloth keeps llama.cpp.

    Raises:
        UsageError: it is nowhere; says what to install.
    """
    said = folder or (Path(os.environ["LLAMA_CPP"]) if os.environ.get("LLAMA_CPP") else None)
    if said is not None:
        script = said.expanduser() / CONVERTER
        if not script.is_file():
            where = "--llama-cpp" if folder else "LLAMA_CPP"
            raise UsageError(f"{where}: there is no {CONVERTER} in {said}. Give the folder of llama.cpp's sources.")
        return Converter(script, (sys.executable, str(script)))
    if (found := shutil.which(CONVERTER)) is not None:  # installed by a package, with a Python of its own choice
        return Converter(Path(found), (found,))
    for place in _unsloth():
        if (place / CONVERTER).is_file():
            return Converter(place / CONVERTER, (sys.executable, str(place / CONVERTER)))
    raise UsageError(
        f"GGUF needs llama.cpp's {CONVERTER}, which is not on PATH, and neither LLAMA_CPP nor Unsloth has it. Get it: "
        "git clone https://github.com/ggml-org/llama.cpp && pip install -r "
        "llama.cpp/requirements/requirements-convert_hf_to_gguf.txt, then say where it is: --llama-cpp llama.cpp."
    )


def write_gguf(source: Source, dtype: str, converter: Converter, to: Path) -> Written:
    """Write the folder: one `.gguf` file, tokenizer and chat template in it, and the passport.

    Raises:
        UsageError: the converter does not know the model or its tokenizer, or lacks a package of its own.
        AdapterError, EvidenceUnwritable: see `samescore.trainers.export.merged.write_merged`.
    """
    base = fetched_base(source)
    require_room(to, 2 * size_of(base, dtype))
    with whole_folder(to) as stage:
        merged, file = stage / _MERGED, stage / f"{source.adapter.resolve().name}-{_TYPES[dtype]}.gguf"
        merged.mkdir()
        merge_into(merged, source, base, dtype)
        _convert(converter, merged, file, _TYPES[dtype])
        shutil.rmtree(merged)
        notes = write_provenance(source.adapter, stage, Exported("gguf", dtype, source.digest, _digest(file)))
    return written(to, notes)


def _convert(converter: Converter, merged: Path, file: Path, number: str) -> None:
    command = [*converter.command, str(merged), "--outfile", str(file), "--outtype", number]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise UsageError(
            f"{converter.script} cannot be run: {error.strerror}. Give the folder of llama.cpp's sources: --llama-cpp."
        ) from None
    if done.returncode == 0 and file.is_file():
        return
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    last = lines[-1] if lines else f"exit code {done.returncode}"
    if _UNKNOWN_TOKENIZER in last:
        raise UsageError(
            f"{converter.script} does not know this model's tokenizer: it reads those of the models that llama.cpp "
            "runs, and tells them by how they split a text. Update llama.cpp, or serve merged weights: --as merged."
        )
    if last.startswith("ModuleNotFoundError"):
        raise UsageError(
            f"{converter.script} lacks a package: {last}. Install what it needs: pip install -r "
            f"{converter.script.parent / 'requirements' / 'requirements-convert_hf_to_gguf.txt'}"
        )
    raise UsageError(f"{converter.script} did not convert the model: {last[:400]}")


def _unsloth() -> Iterator[Path]:
    """Where Unsloth puts llama.cpp when it first saves GGUF."""
    if os.environ.get("UNSLOTH_LLAMA_CPP_PATH"):
        yield Path(os.environ["UNSLOTH_LLAMA_CPP_PATH"])
    yield Path.home() / ".unsloth" / "llama.cpp"


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
