"""The adapter alone, as servers load it: weights, PEFT's settings with the base's name, and the passport."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from samescore.harness.errors import AdapterError
from samescore.harness.files import read_json
from samescore.harness.passport import Exported
from samescore.trainers.export.folder import Written, whole_folder, write_provenance, written
from samescore.trainers.export.source import SETTINGS, Source, local_base

WEIGHTS = "adapter_model.safetensors"


def write_adapter(source: Source, to: Path) -> Written:
    """Write the folder. The weights are copied byte by byte; a base that is not at hand is named and not checked.

    Raises:
        AdapterError: the adapter belongs to another base, or is damaged.
        EvidenceUnwritable: the folder cannot be written.
    """
    settings = read_json(source.adapter / SETTINGS, "the adapter's settings")
    if not isinstance(settings, dict):
        raise AdapterError(f"{source.adapter / SETTINGS} is damaged: expected an object. Train the adapter again.")
    # A server knows the base by its hub id or folder, not by the way this project writes names.
    settings["base_model_name_or_path"] = source.base.removeprefix("hf/")
    notes = [] if local_base(source) else [f"base {source.base} is not on this machine: that it fits was not checked"]
    if isinstance(rank := settings.get("r"), int):
        notes.append(f"rank {rank}: a server must allow for it (vLLM: --max-lora-rank, 16 unless it is said)")
    with whole_folder(to) as stage:
        shutil.copyfile(source.adapter / WEIGHTS, stage / WEIGHTS)
        (stage / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        notes += write_provenance(source.adapter, stage, Exported("adapter", None, source.digest, source.digest))
    return written(to, tuple(notes))
