"""Export: an adapter as what servers load. Merged weights, a PEFT folder that names its base, or GGUF.

What is exported is what was evaluated: the adapter is checked against its base, merged by the same code as
`samescore eval` does it, and the tokenizer's files are copied, never written anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from samescore.harness.errors import UsageError
from samescore.trainers.export.folder import Written, require_new

Shape = Literal["merged", "adapter", "gguf"]
DTYPE = "bfloat16"


@dataclass(frozen=True, slots=True)
class Order:
    """What to export, where to, and as what.

    `base` overrides the name that the passport gives. `dtype` is the number format of merged weights; None: bfloat16.
    `llama_cpp` is the folder of llama.cpp, for GGUF.
    """

    adapter: str
    to: Path
    shape: Shape
    base: str | None = None
    dtype: str | None = None
    llama_cpp: Path | None = None


def export(order: Order) -> Written:
    """Write the folder `order.to`, whole or not at all.

    Raises:
        UsageError: the folder is taken, the base is not found, an option does not go with the shape, or the converter
            of llama.cpp is missing or refuses the model.
        AdapterError: the adapter is none, is damaged, or belongs to another base.
        EvidenceUnwritable: there is no room for it, or the folder cannot be written.
    """
    from samescore.trainers.export.source import source_of

    check(order)
    if order.shape == "adapter":
        from samescore.trainers.export.adapter import write_adapter

        return write_adapter(source_of(order.adapter, order.base), order.to)
    if order.shape == "gguf":
        from samescore.trainers.export.gguf import find_converter, write_gguf

        converter = find_converter(order.llama_cpp)
        return write_gguf(source_of(order.adapter, order.base), order.dtype or DTYPE, converter, order.to)
    from samescore.trainers.export.merged import write_merged

    return write_merged(source_of(order.adapter, order.base), order.dtype or DTYPE, order.to)


def check(order: Order) -> None:
    """Make sure, before anything is read or asked for, that an order can be carried out.

    Raises:
        UsageError: the folder is taken, or an option does not go with the shape.
    """
    vain = [
        *(["--dtype"] if order.dtype is not None and order.shape == "adapter" else []),
        *(["--llama-cpp"] if order.llama_cpp is not None and order.shape != "gguf" else []),
    ]
    if vain:
        raise UsageError(f"--as {order.shape} does not take {' and '.join(vain)}. Leave it out.")
    require_new(order.to)
