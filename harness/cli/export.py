"""`samescore export`: an adapter as what servers load."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option


class ShapeName(StrEnum):
    """What an adapter can be exported as."""

    MERGED = "merged"
    ADAPTER = "adapter"
    GGUF = "gguf"


class DtypeName(StrEnum):
    """Number formats of merged weights."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


def export_command(
    adapter: Annotated[str, typer.Argument(help="The folder of a LoRA adapter, or the name of an embedded one.")],
    to: Annotated[Path, Option("--to", metavar="DIR", help="The folder to write; it must be new.")],
    shape: Annotated[
        ShapeName,
        Option("--as", help="Merged weights; the adapter alone, for servers; or one file for llama.cpp."),
    ],
    base: Annotated[
        str | None,
        Option(metavar="NAME", help="tiny or hf/PATH_OR_ID.", show_default="what the adapter was trained on"),
    ] = None,
    dtype: Annotated[DtypeName | None, Option(help="Number format of merged weights.", show_default="bfloat16")] = None,
    llama_cpp: Annotated[
        Path | None,
        Option("--llama-cpp", metavar="DIR", help="llama.cpp's sources, for GGUF.", show_default="LLAMA_CPP, PATH"),
    ] = None,
    push: Annotated[
        str | None, Option(metavar="OWNER/NAME", help="Also push it to this new repository of the Hugging Face hub.")
    ] = None,
    private: Annotated[bool, Option("--private", help="Make that repository a private one.")] = False,
) -> None:
    """Write an adapter as merged weights, as a clean PEFT folder, or as GGUF."""
    from importlib import import_module

    from samescore.harness.errors import UsageError

    if private and push is None:
        raise UsageError("--private goes with --push OWNER/NAME. Leave it out, or say where to push.")
    # The harness may not import trainers: this command loads them by name.
    exporting = import_module("samescore.trainers.export")
    hub = import_module("samescore.trainers.export.hub")
    order = exporting.Order(adapter, to, shape.value, base, None if dtype is None else dtype.value, llama_cpp)
    exporting.check(order)
    if push is not None:
        hub.require_hub(push, private)
    written = exporting.export(order)
    _say(written, shape)
    if push is not None:
        print(f"pushing these files to {push} ({'private' if private else 'public'})", flush=True)
        print(f"pushed: {hub.push(written, push, private)}")


def _say(written: Any, shape: ShapeName) -> None:
    """What lies where, and what to do with it."""
    from importlib import import_module

    sized = import_module("samescore.trainers.export.folder").sized
    width = max(len(name) for name, _ in written.files)
    print(f"{written.folder}: {shape.value}")
    for name, size in written.files:
        print(f"  {name:{width}}  {sized(size):>10}")
    for note in written.notes:
        print(f"note: {note}")
    if shape is ShapeName.MERGED:
        words = ["samescore", "eval", *_asked_of(written.folder), "--model", f"hf/{written.folder}"]
        print(f"next:\n  {shlex.join(words)}", flush=True)


def _asked_of(folder: Path) -> list[str]:
    """The suite that an export was trained for, as `samescore eval` takes it here, and how it had the procedure."""
    from importlib import import_module

    from samescore.harness.passport import read

    passport = read(folder)
    if passport is None or not passport.suites:
        return ["SUITE"]
    name = passport.suites[0].name
    seen = str(passport.config.get("data", {}).get("suite", ""))  # as seen from the configuration's file
    known = name in import_module("samescore.suites.catalog").suite_names()
    suite = name if known else seen if seen and Path(seen).exists() else "SUITE"
    return [suite, *(["--procedure", "prompt"] if passport.procedure == "prompt" else [])]
