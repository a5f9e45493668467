"""What is trained: the base model by its name, and a LoRA adapter on it, new or given."""

from __future__ import annotations

from pathlib import Path

from samescore.harness.errors import UsageError
from samescore.harness.policies import tiny_adapter, tiny_path


def base_path(name: str) -> Path:
    """The folder of a base model's name; a hub id is fetched.

    Raises:
        UsageError: it is no name of a local model, or there is no such model.
    """
    if name == "tiny":
        return tiny_path()
    provider, _, rest = name.partition("/")
    if provider != "hf" or not rest:
        raise UsageError(f"base {name!r}: expected 'tiny' or 'hf/PATH_OR_ID'.")
    from samescore.harness.policies.model_files import model_folder

    return model_folder(rest)


def adapter_path(name: str, base: str, here: Path) -> Path:
    """The folder of an adapter to train further: of the embedded model by its name, else a path as seen from `here`.

    Raises:
        UnknownName: there is none.
    """
    placed = (here / name).expanduser()
    if placed.is_dir():
        return placed.resolve()
    if base == "tiny":
        return Path(tiny_adapter(name))
    from samescore.harness.errors import UnknownName

    raise UnknownName("adapter", name, [], f"There is no folder {placed}; give the one that training wrote.")
