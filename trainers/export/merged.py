"""Merged weights: a model's folder that needs no adapter, with the base's own tokenizer, template and settings.

The update is added by the code that evaluates, in the number format asked for. In float32 that is exactly what
`samescore eval` computes with on a CPU; in bfloat16 what it computes with on a GPU. Either read in the other differs by
rounding.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from samescore.harness.errors import AdapterError, UsageError
from samescore.harness.passport import Exported
from samescore.harness.policies.model_files import outline, weights_digest
from samescore.harness.renderer import Renderer
from samescore.trainers.export.folder import Written, require_room, whole_folder, write_provenance, written
from samescore.trainers.export.source import Source, fetched_base

if TYPE_CHECKING:
    from transformers import PreTrainedModel

DTYPES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Number formats, and the bytes of one number."""

GENERATION = "generation_config.json"
_COPIED = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "spiece.model",
    "tekken.json",
    "chat_template*",
    "additional_chat_templates",
    GENERATION,
    "LICENSE*",
    "NOTICE*",
)
_SHARD = "5GB"


def write_merged(source: Source, dtype: str, to: Path) -> Written:
    """Write the folder, and check that its tokenizer and template are the base's.

    Raises:
        UsageError: the base cannot be had or loaded, or a weight is out of the number format's range.
        AdapterError: the adapter belongs to another base, or its update is no number.
        EvidenceUnwritable: there is no room, or the folder cannot be written.
    """
    base = fetched_base(source)
    require_room(to, size_of(base, dtype))
    with whole_folder(to) as stage:
        merge_into(stage, source, base, dtype)
        exported = Exported("merged", dtype, source.digest, weights_digest(stage))
        notes = write_provenance(source.adapter, stage, exported)
    return written(to, notes)


def size_of(base: Path, dtype: str) -> int:
    """Bytes of a model's weights in a number format.

    Raises:
        UsageError: there is no such number format.
    """
    if dtype not in DTYPES:
        raise UsageError(f"--dtype {dtype}: expected {', '.join(DTYPES)}.")
    return DTYPES[dtype] * sum(int(parameter.numel()) for parameter in outline(base).parameters())


def merge_into(folder: Path, source: Source, base: Path, dtype: str) -> None:
    """Write the merged model's files into a folder that is there.

    Raises:
        UsageError, AdapterError: see `write_merged`.
    """
    import torch

    from samescore.harness.policies.hf import merged_model

    model = merged_model(base, source.adapter, dtype)
    for name, parameter in model.named_parameters():
        if torch.isfinite(parameter).all():
            continue
        if dtype == "float16":
            raise UsageError(f"{name} has weights that float16 cannot hold. Export in bfloat16: --dtype bfloat16.")
        raise AdapterError(f"{name} is not all numbers once {source.adapter} is merged. Train the adapter again.")
    _save(model, base, folder)


def _save(model: PreTrainedModel, base: Path, folder: Path) -> None:
    """Write a model with what belongs to its base: tokenizer, template, settings and licence, copied as they are."""
    from transformers import GenerationConfig

    if (base / GENERATION).is_file():  # copied below: written anew it may be refused, where the base's has oddities
        model.generation_config = GenerationConfig()
    model.save_pretrained(folder, max_shard_size=_SHARD)
    for pattern in _COPIED:
        for path in sorted(base.glob(pattern)):
            if path.is_dir():
                shutil.copytree(path, folder / path.name)
            else:
                shutil.copyfile(path, folder / path.name)
    if Renderer.load(folder).fingerprint != Renderer.load(base).fingerprint:
        raise UsageError(
            f"{base}: its tokenizer and chat template are not all in the files that are known to hold them, so a copy "
            "would differ. Copy the model's folder by hand, and export the adapter alone: --as adapter."
        )
