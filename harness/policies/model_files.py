"""The files of a local model: where they are, what identifies them, and whether they belong together.

Nothing here loads weights, so that what is wrong is said before they are.
"""

from __future__ import annotations

import hashlib
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.renderer import Renderer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_SMALL_FILES = ("*.json", "*.jinja", "*.txt", "*.model")


def model_folder(path_or_id: str, provider: str = "hf") -> Path:
    """The folder of a model's files: a local one, or the hub's copy of a model id, fetched when it is not there yet.

    `provider` is how the model was asked for, for messages.

    Raises:
        UnknownName: a path that does not exist.
        UsageError: the hub cannot be reached, or has no such model.
    """
    folder = Path(path_or_id).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise UsageError(
                f"{folder} is no model: it has no config.json. Give the folder that save_pretrained wrote."
            )
        return folder
    if path_or_id.startswith((".", "/", "~", os.sep)) or path_or_id.count("/") != 1:
        advice = "There is no such folder; a hub id has the form owner/name."
        raise UnknownName("model", f"{provider}/{path_or_id}", [], advice)

    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(path_or_id, allow_patterns=[*_WEIGHTS[:1], *_SMALL_FILES]))
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise UsageError(
            f"model {provider}/{path_or_id}: no such folder here, and the Hugging Face hub did not give it "
            f"({first_line(error)}) Check the name and the connection, or give the path of a folder that holds it."
        ) from None


def weights_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a folder's weight files, in the order of their names.

    Raises:
        UsageError: it holds no weights, or one cannot be read.
    """
    for pattern in _WEIGHTS:
        if files := sorted(folder.glob(pattern)):
            break
    else:
        raise UsageError(f"{folder} holds no weights: expected {' or '.join(_WEIGHTS)}. Give a folder with them.")
    digest = hashlib.sha256()
    for path in files:
        try:
            with path.open("rb") as file:
                digest.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        except OSError as error:
            raise UsageError(f"{path}: cannot read the weights: {error.strerror}.") from None
    return digest.hexdigest()


def outline(folder: Path) -> PreTrainedModel:
    """The model without its weights: its modules and their shapes, and its settings for generation.

    Raises:
        UsageError: this version of Transformers does not know the model.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        with torch.device("meta"):
            model: PreTrainedModel = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise UsageError(
            f"the model in {folder} cannot be loaded: {first_line(error)} Expected a decoder-only language model whose "
            "config.json this version of Transformers reads."
        ) from None
    if (folder / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(folder)
    return model


def check_vocabulary(model: PreTrainedModel, renderer: Renderer, folder: Path) -> None:
    """Make sure that the model embeds every token of the tokenizer.

    Raises:
        UsageError: it does not.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    highest = max(renderer.tokenizer.get_vocab().values())
    if highest >= rows:
        raise UsageError(
            f"{folder}: the tokenizer has token {highest}, the model embeds only {rows}. Tokenizer and model do not "
            "belong together."
        )


def stops(model: PreTrainedModel, renderer: Renderer) -> frozenset[int]:
    """The tokens after which nothing is generated: the template's ends of turn, and what the model's own settings name.

    Only the template's are proper ends: a turn that stops at another is read as truncated.
    """
    named = getattr(model.generation_config, "eos_token_id", None)
    others = named if isinstance(named, list) else [named]
    return frozenset({*renderer.ends, *(token for token in others if isinstance(token, int))})


def versions(*names: str) -> dict[str, str]:
    """The installed versions of libraries."""
    from importlib.metadata import version

    return {name: version(name) for name in names}


def first_line(error: Exception) -> str:
    """What an error says first, as a sentence that is not too long."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    line = textwrap.shorten(line, 240, placeholder=" ...")
    return line if line.endswith(".") else f"{line}."
