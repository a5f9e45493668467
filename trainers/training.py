"""The frame around TRL's trainers: what must hold before weights are loaded, and what is left when training ends.

`prepare` finds everything that can be found to be wrong before hours are spent. `carry_out` trains, and leaves a folder
that is an adapter with its passport, or an error that says what to change, with what was saved intact.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from samescore.harness.dialects import Dialect
from samescore.harness.dialects.detect import detect
from samescore.harness.errors import UsageError
from samescore.harness.renderer import Renderer
from samescore.trainers.backends import Backend, backend_named
from samescore.trainers.base import adapter_path, base_path
from samescore.trainers.config import TrainConfig, load_config
from samescore.trainers.material import Material, load_material

Kind = Literal["sft", "dpo", "grpo"]
Config = TypeVar("Config", bound=TrainConfig)

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
COPY = "config.toml"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says beside the configuration."""

    resume: bool = False
    dry_run: bool = False
    no_targets: bool = False


@dataclass(frozen=True, slots=True)
class Training(Generic[Config]):
    """A training run that may begin: its configuration, and everything that is read without loading weights."""

    kind: Kind
    source: Path
    config: Config
    options: Options
    base: Path
    adapter: Path | None
    renderer: Renderer
    dialect: Dialect
    backend: Backend
    material: Material


def prepare(kind: Kind, source: Path, shape: type[Config], options: Options) -> Training[Config]:
    """Read and check what a configuration file asks for.

    Raises:
        UsageError: the configuration, packages, machine, folder, base, suite or its targets are not as they must be.
    """
    config = load_config(source, shape)
    require_packages()
    backend = backend_named(config.backend)
    backend.require(config)
    require_folder(config.out, options)
    base = base_path(config.base)
    adapter = None if config.adapter is None else adapter_path(config.adapter, config.base, source.parent)
    renderer = Renderer.load(base)
    material = load_material(config.data)
    require_targets(material, options)
    return Training(kind, source, config, options, base, adapter, renderer, detect(renderer), backend, material)


def require_packages(*more: str) -> None:
    """Make sure that what trains is installed.

    Raises:
        UsageError: it is not.
    """
    if missing := [name for name in ("torch", "peft", "trl", "datasets", *more) if find_spec(name) is None]:
        raise UsageError(f"training needs {', '.join(missing)}: pip install 'samescore[train]'.")


def require_folder(out: Path, options: Options) -> None:
    """Make sure that nothing is overwritten.

    Raises:
        UsageError: there is something in the adapter's folder, and this is no `--resume`.
    """
    taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if taken and not options.resume:
        raise UsageError(
            f"{out} is not empty. Choose another `out`, or remove it; adapters are never overwritten. A training run "
            "that stopped goes on with --resume."
        )


def require_targets(material: Material, options: Options) -> None:
    """Targets come first.

    Raises:
        UsageError: the suite states none, and nobody said that it need not.
    """
    if not material.targets and not options.no_targets:
        raise UsageError(
            f"suite {material.suite.name} states no targets: what must be reached is said before anyone trains. Add "
            "`targets:` to its suite.yaml, or train without: --no-targets."
        )


def common_arguments(training: Training[Any], steps: Mapping[str, Any]) -> dict[str, Any]:
    """What every trainer of TRL is told. What it would do silently is set here: nothing is cut, packed or sent anywhere.

    `steps` says how long it trains.
    """
    import torch

    config = training.config
    gpu = torch.cuda.is_available()
    return {
        "output_dir": str(config.out / "checkpoints"),
        "per_device_train_batch_size": config.batch_size,
        "learning_rate": config.learning_rate,
        "warmup_steps": config.warmup,
        "weight_decay": config.weight_decay,
        "max_grad_norm": 1.0,
        "bf16": gpu,
        "fp16": False,
        "use_cpu": not gpu,
        "gradient_checkpointing": config.gradient_checkpointing,
        "logging_steps": config.log.every,
        "save_strategy": "steps" if config.checkpoint.every else "no",
        "save_steps": config.checkpoint.every or 500,
        "save_total_limit": config.checkpoint.keep,
        "report_to": list(config.log.to) or "none",
        "seed": config.seed,
        "data_seed": config.seed,
        **training.backend.arguments(config),
        **steps,
    }


def load_model(training: Training[Any]) -> Any:
    """The base with its adapter, by the backend; the adapter's first values come from the seed."""
    from transformers import set_seed

    set_seed(training.config.seed)
    return training.backend.load(training.config, training.base, training.adapter)


def carry_out(
    training: Training[Any],
    trainer: Any,
    data: Mapping[str, Any],
    *,
    more: Callable[[], Mapping[str, Any]] | None = None,
    callbacks: Sequence[Any] = (),
) -> Path:
    """Train, save the adapter and write its passport; returns the adapter's folder.

    `data` says what was learned from, `more` what the kind of training adds to the passport when it ended.

    Raises:
        TrainingFailed: memory or disk ran out.
        ScoresDiffer: see `samescore.trainers.grpo.watch`.
    """
    from samescore.trainers.passport import write_passport

    for callback in callbacks:
        trainer.add_callback(callback)
    training.config.out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(training.source, training.config.out / COPY)
    result = trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    save_adapter(trainer.model, training)
    progress = {"steps": result.global_step, "losses": losses[-1:]}
    write_passport(training, data, {**progress, **(more() if more is not None else {})})
    return training.config.out


def save_adapter(model: Any, training: Training[Any], folder: Path | None = None) -> None:
    """Write the adapter in bfloat16, and nothing that is true of this machine alone."""
    import torch
    from safetensors.torch import save_file

    folder = folder or training.config.out
    folder.mkdir(parents=True, exist_ok=True)
    from peft import get_peft_model_state_dict

    state = {
        name: value.detach().to("cpu", torch.bfloat16).contiguous()
        for name, value in get_peft_model_state_dict(model).items()
    }
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    model.peft_config["default"].save_pretrained(folder)
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    # The base's name, not its path here: the passport's digest decides whether a base fits.
    settings["base_model_name_or_path"] = training.config.base
    settings["inference_mode"] = True
    (folder / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
