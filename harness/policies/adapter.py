"""LoRA adapters: checked against their base before they are used.

By the digest of the base's weights, where the adapter names it, and by every module and shape.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from samescore.harness import passport
from samescore.harness.errors import AdapterError, UnknownName
from samescore.harness.policies.model_files import first_line

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


def adapter_files(adapter: str) -> Path:
    """The folder of an adapter.

    Raises:
        UnknownName: there is no such folder.
        AdapterError: it holds no adapter.
    """
    folder = Path(adapter).expanduser()
    if not folder.is_dir():
        raise UnknownName("adapter", adapter, [], "There is no such folder; give the one that training wrote.")
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / file).is_file():
            raise AdapterError(f"{folder} is no PEFT adapter: it has no {file}. Give the folder that training wrote.")
    return folder


def adapter_folder(adapter: str, base: Path, weights: str) -> Path:
    """The folder of an adapter that, as far as its files say, belongs to the base with these weights.

    Raises:
        UnknownName: there is no such folder.
        AdapterError: it holds no adapter, or one for another base.
    """
    folder = adapter_files(adapter)
    passport.check(folder, base, weights)
    return folder


def attached(model: PreTrainedModel, adapter: Path, base: Path) -> PeftModel:
    """The model with the adapter on it, not merged. `model` may be the base's outline, which costs next to nothing.

    Raises:
        AdapterError: the adapter was made for another base, or is damaged.
    """
    import warnings

    from peft import PeftModel

    _check_shapes(model, adapter, base)
    try:
        with warnings.catch_warnings():
            # What PEFT only warns of here: modules that stay as they were initialised, at random or at zero.
            warnings.filterwarnings("error", message="Found missing adapter keys")
            warnings.filterwarnings("ignore", message="for .*: copying from a non-meta parameter")
            # Not on a GPU, where PEFT would put the adapter even for an outline.
            return PeftModel.from_pretrained(model, str(adapter), torch_device="cpu")
    except (ValueError, RuntimeError, KeyError, TypeError, AttributeError, NotImplementedError, UserWarning) as error:
        raise AdapterError(
            f"adapter {adapter} cannot be put on {base}: {first_line(error)} Train it on this base, or name the base "
            "that its adapter_config.json gives."
        ) from None


def _check_shapes(model: PreTrainedModel, adapter: Path, base: Path) -> None:
    """Every LoRA matrix must sit on a module of the base that has its width."""
    from safetensors import SafetensorError, safe_open

    modules = dict(model.named_modules())
    try:
        with safe_open(adapter / "adapter_model.safetensors", framework="pt") as file:
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise AdapterError(
            f"{adapter}/adapter_model.safetensors is damaged: {first_line(error)} Train it again."
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
