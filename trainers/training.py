"""The frame around TRL's trainers: a training run that may begin, and what every trainer is told.

`prepare` finds everything that can be found to be wrong before hours are spent. `carry_out` trains, and leaves a folder
that is an adapter with its passport, or an error that says what to change, with what was saved intact.

    training = prepare("sft", path, SftConfig, options)
    ... make the data; `require_disjoint` where it is more than the suite's cases ...
    if options.dry_run:
        return show_plan(training, workload)            # trainers/preview.py
    with failing(training):                             # memory and disk, Ctrl-C
        trainer = SFTTrainer(load_model(training), TrlConfig(**common_arguments(training, {...})), ...)
    return carry_out(training, trainer, data)
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar

from samescore.harness.case import Case
from samescore.harness.cli.progress import loading
from samescore.harness.dialects import Dialect
from samescore.harness.dialects.detect import detect
from samescore.harness.errors import UsageError
from samescore.harness.policies.adapter import adapter_folder, attached
from samescore.harness.policies.model_files import check_vocabulary, outline, weights_digest
from samescore.harness.renderer import Renderer
from samescore.trainers.backends import Backend, backend_named
from samescore.trainers.base import adapter_path, base_path
from samescore.trainers.carrying_out import carry_out as carry_out
from samescore.trainers.checkpoints import FOLDER, Checkpoint, origin, require_checkpoint
from samescore.trainers.config import Kind as Kind, TrainConfig, load_config
from samescore.trainers.config_faults import Fault
from samescore.trainers.cpu_memory import keep_freed_memory
from samescore.trainers.failing import failing as failing, what_to_lower as what_to_lower
from samescore.trainers.leakage import TrainingText, require_no_leakage
from samescore.trainers.logs import missing_reporters, quiet, reporter_arguments
from samescore.trainers.material import Material, load_material
from samescore.trainers.saving import SETTINGS as SETTINGS, WEIGHTS as WEIGHTS, save_adapter as save_adapter

Config = TypeVar("Config", bound=TrainConfig)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says beside the configuration. `as_json` goes with `dry_run`."""

    resume: bool = False
    dry_run: bool = False
    no_targets: bool = False
    as_json: bool = False


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
    checkpoint: Checkpoint | None = None


def prepare(kind: Kind, source: Path, shape: type[Config], options: Options) -> Training[Config]:
    """Read and check what a configuration file asks for.

    Raises:
        UsageError: the configuration, packages, machine, folder, base, suite or its targets are not as they must be; or
            `--resume` finds nothing to go on from, or a checkpoint of another training.
        AdapterError: the adapter to train further is not of this base.
    """
    config = load_config(source, shape, lacking)
    require_one_process()
    backend = backend_named(config.backend)
    backend.require(config)  # first of all that imports anything: Unsloth has to come before what it patches
    quiet()
    if not options.dry_run:
        require_folder(config.out, options)
    base = base_path(config.base)
    renderer = Renderer.load(base)
    adapter = None if config.adapter is None else adapter_path(config.adapter, config.base, source.parent)
    require_fit(base, adapter, renderer)
    material = load_material(config.data)
    require_targets(material, options)
    checkpoint = require_checkpoint(config.out) if options.resume else None
    training = Training(
        kind, source, config, options, base, adapter, renderer, detect(renderer), backend, material, checkpoint
    )
    if checkpoint is not None:
        checkpoint.require(origin(training), source)
    return training


def lacking(config: TrainConfig) -> Iterator[Fault]:
    """What this machine and its packages lack for a configuration."""
    if missing := [name for name in ("torch", "peft", "trl", "datasets") if find_spec(name) is None]:
        yield Fault(f"training needs {', '.join(missing)}: pip install 'samescore[train]'")
        return
    yield from missing_reporters(config.log)
    yield from backend_named(config.backend).faults(config)


def require_one_process() -> None:
    """Make sure that one process trains on at most one GPU: with several, TRL would multiply the batch unasked.

    Raises:
        UsageError: there are more.
    """
    import torch

    if (processes := int(os.environ.get("WORLD_SIZE", "1"))) > 1:
        raise UsageError(f"{processes} processes were started; samescore trains in one. Start it without a launcher.")
    if (gpus := torch.cuda.device_count()) > 1:
        raise UsageError(
            f"torch sees {gpus} GPUs, and samescore trains on one. Say which: CUDA_VISIBLE_DEVICES=0 samescore train"
        )


def require_folder(out: Path, options: Options) -> None:
    """Make sure that nothing is overwritten.

    Raises:
        UsageError: there is something in the adapter's folder, and this is no `--resume`.
    """
    if taken(out) and not options.resume:
        raise UsageError(
            f"{out} is not empty. Choose another `out`, or remove it; adapters are never overwritten. A training run "
            "that stopped goes on with --resume."
        )


def taken(out: Path) -> bool:
    """Whether there is something in an adapter's folder. An empty folder, as TRL makes it beforehand, is nothing."""
    return out.exists() and (not out.is_dir() or any(not path.is_dir() for path in out.rglob("*")))


def require_fit(base: Path, adapter: Path | None, renderer: Renderer) -> None:
    """Make sure that tokenizer, base and adapter belong together.

    Raises:
        UsageError: the base does not embed every token of the tokenizer, or cannot be read.
        AdapterError: the adapter is not of this base.
    """
    model = outline(base)
    check_vocabulary(model, renderer, base)
    if adapter is not None:
        attached(model, adapter_folder(str(adapter), base, weights_digest(base)), base)


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


def require_disjoint(training: Training[Any], texts: Iterable[TrainingText]) -> None:
    """Make sure that what is learned has nothing of the cases that are to judge it.

    Raises:
        UsageError: it has; see `samescore.trainers.leakage`.
    """
    held_out: list[Case] = []
    for split in ("dev", "eval"):
        held_out += load_material(training.config.data, split).cases
    require_no_leakage(texts, held_out)


def common_arguments(training: Training[Any], steps: Mapping[str, Any]) -> dict[str, Any]:
    """What every trainer of TRL is told. What it would do silently is set: nothing is cut, packed or sent anywhere.

    `steps` says how long it trains, and whatever else is of this kind of training.
    """
    import torch

    config = training.config
    gpu = torch.cuda.is_available()
    return {
        "output_dir": str(config.out / FOLDER),
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
        "logging_nan_inf_filter": False,  # a loss that is no number must be seen
        "disable_tqdm": True,
        "save_strategy": "steps" if config.checkpoint.every else "no",
        "save_steps": config.checkpoint.every or 500,
        "seed": config.seed,
        "data_seed": config.seed,
        **reporter_arguments(config),
        **training.backend.arguments(config),
        **steps,
    }


def load_model(training: Training[Any]) -> Any:
    """The base with its adapter, by the backend; the adapter's first values come from the seed."""
    import torch
    from transformers import set_seed

    if not torch.cuda.is_available():
        keep_freed_memory()
    set_seed(training.config.seed)
    with failing(training), loading(training.config.base):
        model = training.backend.load(training.config, training.base, training.adapter)
    # By this PEFT looks the base up whenever it saves: on the hub, if it were the name that a given adapter has.
    model.peft_config["default"].base_model_name_or_path = str(training.base)
    return model
