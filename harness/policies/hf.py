"""`hf/PATH_OR_ID`: a model of Transformers, with or without a LoRA adapter, on the CPU or a GPU.

Many conversations share one engine, which writes their turns together and keeps what they have read. An adapter is
checked against its base before it is merged: by the digest of the base's weights where the adapter names it, and by
every module and shape.
"""

from __future__ import annotations

import hashlib
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness import passport
from samescore.harness.case import Case
from samescore.harness.dialects import Dialect, dialect_named
from samescore.harness.dialects.capability import capability
from samescore.harness.dialects.detect import detect
from samescore.harness.errors import AdapterError, UnknownName, UsageError
from samescore.harness.policies.local import LocalConversation, SharedPrefixes
from samescore.harness.policy import Sampling
from samescore.harness.renderer import Renderer, Transcript

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from samescore.harness.policies.engine import Engine

DTYPES = ("float32", "bfloat16", "float16")
SLOTS = 64
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_SMALL_FILES = ("*.json", "*.jinja", "*.txt", "*.model")


class HfPolicy:
    """A local model that writes the turns of many conversations at once."""

    def __init__(
        self, name: str, engine: Engine, renderer: Renderer, dialect: Dialect, description: Mapping[str, Any]
    ) -> None:
        self.name = name
        self.engine = engine
        self.renderer = renderer
        self.dialect = dialect
        self.capability = capability(renderer, dialect)
        self._description = {**description, "capability": self.capability.to_json()}
        self._prefixes = SharedPrefixes(renderer)

    @classmethod
    def load(
        cls,
        path_or_id: str,
        adapter: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        dialect: str | None = None,
        slots: int = SLOTS,
        name: str | None = None,
    ) -> HfPolicy:
        """Load a model from a folder or the Hugging Face hub, and merge an adapter's folder into it.

        `device` is `auto`, `cpu`, `cuda` or `cuda:N`; `dtype` is its name, or `auto`: float32 on a CPU, bfloat16 on a
        GPU. `slots` is how many turns are written together.

        Raises:
            UnknownName: there is no such model, adapter or dialect.
            UsageError: the model, the device or the number format cannot be used.
            AdapterError: the adapter does not fit the model.
            DialectError: no dialect reads the template's calls back.
        """
        let_threads_sleep()
        folder = model_folder(path_or_id)
        renderer = Renderer.load(folder)
        chosen = dialect_named(dialect) if dialect is not None else detect(renderer)
        weights = weights_digest(folder)
        placed, number = _placement(device, dtype)
        update = None if adapter is None else _adapter_folder(adapter, folder, weights)
        model = _load_model(folder, number)
        _check_vocabulary(model, renderer, folder)
        if update is not None:
            model = _merge(model, update, folder)

        from samescore.harness.policies.engine import Engine

        engine = Engine(_moved(model, placed, folder).eval(), _stops(model, renderer), slots)
        description = {
            "model": name or f"hf/{path_or_id}",
            "weights": weights,
            **({} if update is None else {"adapter": weights_digest(update)}),
            "renderer": renderer.fingerprint,
            "dialect": f"{chosen.name}/{chosen.version}",
            "backend": "transformers",
            "engine": engine.kind,
            "dtype": str(number).removeprefix("torch."),
            "device": placed.type,
            "versions": _versions(),
        }
        return cls(name or f"hf/{path_or_id}", engine, renderer, chosen, description)

    def describe(self) -> Mapping[str, Any]:
        """Digests of weights, adapter, template and tokenizer; what the template can write; backend, number format,
        device and library versions.
        """
        return self._description

    def converse(self, case: Case, sampling: Sampling) -> LocalConversation:
        """Begin a dialogue about a case."""
        transcript = Transcript(self.renderer, case.messages, case.toolset)
        return LocalConversation(
            transcript, self.engine.session(self._prefixes.of(case)), sampling, self.engine.context
        )

    async def aclose(self) -> None:
        """Stop the engine."""
        await self.engine.aclose()


def let_threads_sleep() -> None:
    """Have torch's CPU threads sleep between operations. Call it before torch is imported.

    By default they spin; on a machine that is busy with anything else, or in a container with a CPU quota, every
    operation then waits for the scheduler, and decoding was seen 30 times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def model_folder(path_or_id: str) -> Path:
    """The folder of a model's files: a local one, or the hub's copy of a model id, fetched when it is not there yet.

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
        raise UnknownName("model", f"hf/{path_or_id}", [], "There is no such folder; a hub id has the form owner/name.")

    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(path_or_id, allow_patterns=[*_WEIGHTS[:1], *_SMALL_FILES]))
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise UsageError(
            f"model hf/{path_or_id}: no such folder here, and the Hugging Face hub did not give it "
            f"({_first_line(error)}) Check the name and the connection, or give the path of a folder that holds it."
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


def _placement(device: str, dtype: str) -> tuple[torch.device, torch.dtype]:
    """Where the model runs and in which number format."""
    import torch

    try:
        placed = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    except RuntimeError:
        raise UsageError(f"device {device!r}: expected auto, cpu, cuda or cuda:N.") from None
    if placed.type == "cuda" and (placed.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"device {device!r}: this machine shows {torch.cuda.device_count()} GPUs. Use --device cpu.")
    if dtype == "auto":
        return placed, torch.float32 if placed.type == "cpu" else torch.bfloat16
    if dtype not in DTYPES:
        raise UsageError(f"dtype {dtype!r}: expected auto, {', '.join(DTYPES)}.")
    return placed, getattr(torch, dtype)


def _load_model(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, trust_remote_code=False)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise UsageError(
            f"the model in {folder} cannot be loaded: {_first_line(error)} Expected a decoder-only language model "
            "whose config.json and weights this version of Transformers reads."
        ) from None
    return model


def _moved(model: PreTrainedModel, placed: torch.device, folder: Path) -> PreTrainedModel:
    import torch

    try:
        moved: PreTrainedModel = model.to(placed)
    except torch.OutOfMemoryError:
        raise UsageError(
            f"the model in {folder} does not fit into the memory of {placed}. Use a smaller one."
        ) from None
    return moved


def _check_vocabulary(model: PreTrainedModel, renderer: Renderer, folder: Path) -> None:
    rows = model.get_input_embeddings().weight.shape[0]
    highest = max(renderer.tokenizer.get_vocab().values())
    if highest >= rows:
        raise UsageError(
            f"{folder}: the tokenizer has token {highest}, the model embeds only {rows}. Tokenizer and model do not "
            "belong together."
        )


def _stops(model: PreTrainedModel, renderer: Renderer) -> frozenset[int]:
    """The tokens after which nothing is generated: the template's ends of turn, and what the model's own settings name.

    Only the template's are proper ends: a turn that stops at another is read as truncated.
    """
    named = getattr(model.generation_config, "eos_token_id", None)
    others = named if isinstance(named, list) else [named]
    return frozenset({*renderer.ends, *(token for token in others if isinstance(token, int))})


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "transformers", "peft", "tokenizers")}


def _first_line(error: Exception) -> str:
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    line = textwrap.shorten(line, 240, placeholder=" ...")
    return line if line.endswith(".") else f"{line}."


# Adapters.


def _adapter_folder(adapter: str, base: Path, weights: str) -> Path:
    """The folder of an adapter that, as far as its files say, belongs to the base."""
    folder = Path(adapter).expanduser()
    if not folder.is_dir():
        raise UnknownName("adapter", adapter, [], "There is no such folder; give the one that training wrote.")
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / file).is_file():
            raise AdapterError(f"{folder} is no PEFT adapter: it has no {file}. Give the folder that training wrote.")
    passport.check(folder, base, weights)
    return folder


def _merge(model: PreTrainedModel, adapter: Path, base: Path) -> PreTrainedModel:
    """The model with the adapter's update added to its weights.

    Raises:
        AdapterError: the adapter was made for another base, or cannot be merged.
    """
    import warnings

    from peft import PeftModel

    _check_shapes(model, adapter, base)
    try:
        with warnings.catch_warnings():
            # What PEFT only warns of here: modules that stay as they were initialised, at random or at zero.
            warnings.filterwarnings("error", message="Found missing adapter keys")
            merged: PreTrainedModel = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    except (ValueError, RuntimeError, KeyError, TypeError, AttributeError, NotImplementedError, UserWarning) as error:
        raise AdapterError(
            f"adapter {adapter} cannot be merged into {base}: {_first_line(error)} Train it on this base, or name the "
            "base that its adapter_config.json gives."
        ) from None
    return merged


def _check_shapes(model: PreTrainedModel, adapter: Path, base: Path) -> None:
    """Every LoRA matrix must sit on a module of the base that has its width."""
    from safetensors import SafetensorError, safe_open

    modules = dict(model.named_modules())
    try:
        with safe_open(adapter / "adapter_model.safetensors", framework="pt") as file:
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise AdapterError(
            f"{adapter}/adapter_model.safetensors is damaged: {_first_line(error)} Train it again."
        ) from None
    for key, shape in shapes.items():
        name, found, rest = key.removeprefix("base_model.model.").partition(".lora_")
        if not found or rest not in ("A.weight", "B.weight"):
            continue
        weight = getattr(modules.get(name), "weight", None)
        if weight is None or weight.dim() != 2:
            raise AdapterError(
                f"adapter {adapter} updates {name}, which {base} does not have. It was trained on another base; use "
                "that one."
            )
        at = 1 if rest == "A.weight" else 0
        if shape[at] != weight.shape[at]:
            raise AdapterError(
                f"adapter {adapter} updates {name} with {'inputs' if at else 'outputs'} of {shape[at]}, {base} has "
                f"{weight.shape[at]} there. It was trained on another base; use that one."
            )
