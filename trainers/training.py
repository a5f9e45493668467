"""The frame around TRL's trainers: what must hold before weights are loaded, and what is left when training ends.

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

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.dialects.detect import detect
from samescore.harness.errors import TrainingFailed, UsageError
from samescore.harness.files import new_folder, remedy
from samescore.harness.passport import PASSPORT
from samescore.harness.policies.adapter import adapter_folder, attached
from samescore.harness.policies.model_files import check_vocabulary, outline, weights_digest
from samescore.harness.renderer import Renderer
from samescore.trainers.backends import Backend, backend_named
from samescore.trainers.base import adapter_path, base_path
from samescore.trainers.checkpoints import (
    FOLDER,
    Checkpoint,
    Checkpoints,
    Kept,
    how_to_resume,
    origin,
    require_checkpoint,
)
from samescore.trainers.config import TrainConfig, load_config
from samescore.trainers.leakage import TrainingText, require_no_leakage
from samescore.trainers.logs import Teller, callback_of, quiet, reporter_arguments, require_reporters
from samescore.trainers.material import Material, load_material

Kind = Literal["sft", "dpo", "grpo"]
Config = TypeVar("Config", bound=TrainConfig)

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
COPY = "config.toml"


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
    config = load_config(source, shape)
    require_packages()
    require_reporters(config.log)
    require_one_process()
    quiet()
    backend = backend_named(config.backend)
    backend.require(config)
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


def require_packages(*more: str) -> None:
    """Make sure that what trains is installed.

    Raises:
        UsageError: it is not.
    """
    if missing := [name for name in ("torch", "peft", "trl", "datasets", *more) if find_spec(name) is None]:
        raise UsageError(f"training needs {', '.join(missing)}: pip install 'samescore[train]'.")


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
        UsageError: there is something in the adapter's folder and this is no `--resume`, or the training was finished.
    """
    taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if options.resume and (out / PASSPORT).exists():
        raise UsageError(f"{out} is finished: it has its passport, {PASSPORT}. There is nothing to resume.")
    if taken and not options.resume:
        raise UsageError(
            f"{out} is not empty. Choose another `out`, or remove it; adapters are never overwritten. A training run "
            "that stopped goes on with --resume."
        )


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
    from transformers import set_seed

    set_seed(training.config.seed)
    with failing(training):
        return training.backend.load(training.config, training.base, training.adapter)


def carry_out(
    training: Training[Any],
    trainer: Any,
    data: Mapping[str, Any],
    *,
    more: Callable[[], Mapping[str, Any]] | None = None,
    callbacks: Sequence[Any] = (),
    kept: Mapping[str, Kept] | None = None,
) -> Path:
    """Train, save the adapter and write its passport; returns the adapter's folder.

    `data` says what was learned from; a checkpoint goes on with the same only. `more` is what the kind of training adds
    to the passport when it ended. `kept` are parts whose state goes into checkpoints. The weights that are saved are
    those in the trainer's model after every callback's `on_train_end`: one that wants others than the last (the best on
    `dev`, say) puts them there. A callback stops training early by `control.should_training_stop`.

    Raises:
        UsageError: there is no room for the adapter, or the checkpoint is of other data.
        TrainingFailed: memory or disk ran out, the loss is no number any more, or it was interrupted.
        ScoresDiffer: see `samescore.trainers.grpo.watch`.
    """
    from transformers import PrinterCallback

    from samescore.trainers.passport import write_passport

    out: Path = training.config.out
    checkpoint = training.checkpoint
    teller = Teller(out)
    parts: dict[str, Kept] = {"log": teller, **(kept or {})}
    of = {**origin(training), "data": json.loads(json.dumps(dict(data)))}
    if checkpoint is not None:
        checkpoint.require(of, training.source)
        for name, part in parts.items():
            part.take(checkpoint.stamp["kept"][name])
    require_room(training, trainer.model)
    Checkpoints(training, trainer, of, parts)
    trainer.remove_callback(PrinterCallback)
    for callback in (*callbacks, callback_of(teller)):
        trainer.add_callback(callback)
    with failing(training):
        _begin_folder(training)
        try:
            result = trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint.folder))
        finally:
            teller.close()
        teller.finish(result.global_step)
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        progress = {"steps": result.global_step, "losses": losses[-1:], **_peak()}
        save_adapter(trainer.model, training)
        try:
            write_passport(training, data, {**progress, **(more() if more is not None else {})})
        except BaseException:
            # Without its passport it would look finished, and be of nothing.
            for name in (WEIGHTS, SETTINGS, PASSPORT):
                (out / name).unlink(missing_ok=True)
            raise
    if not any((out / FOLDER).iterdir()):
        (out / FOLDER).rmdir()
    return out


def _begin_folder(training: Training[Any]) -> None:
    out = training.config.out
    out.mkdir(parents=True, exist_ok=True)
    if not (out / COPY).exists():
        shutil.copyfile(training.source, out / COPY)


def _peak() -> dict[str, int]:
    """The most memory that tensors took on the GPU, in bytes, if there is one."""
    import torch

    return {"peak_memory": torch.cuda.max_memory_allocated()} if torch.cuda.is_available() else {}


def require_room(training: Training[Any], model: Any) -> None:
    """Make sure that the adapter and its checkpoints fit on the disk, before hours are spent.

    Raises:
        UsageError: they do not.
    """
    trainable = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    config = training.config
    # An adapter is kept in 2 bytes a value, and in a checkpoint in 4, with two moments of AdamW beside it. One
    # checkpoint more than is kept is there while it is written.
    needed = trainable * (2 + (12 * (config.checkpoint.keep + 1) if config.checkpoint.every else 0))
    place = next(path for path in (config.out, *config.out.parents) if path.exists())
    if (free := shutil.disk_usage(place).free) < needed:
        raise UsageError(
            f"{config.out}: the adapter and its checkpoints take {needed / 2**20:,.0f} MiB, and there are "
            f"{free / 2**20:,.0f} MiB left. Make room, choose another `out`, or lower checkpoint.keep."
        )


@contextmanager
def failing(training: Training[Any]) -> Iterator[None]:
    """Has what ends a training run from outside end it with one message: no memory, no disk, Ctrl-C.

    Raises:
        TrainingFailed: one of those.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise TrainingFailed(f"interrupted. {how_to_resume(training)}") from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise TrainingFailed(f"{where}{error.strerror or error}. {remedy(error)} {how_to_resume(training)}") from error
    except (MemoryError, RuntimeError) as error:
        if not _of_memory(error):
            raise
        raise TrainingFailed(
            f"out of memory while training {training.config.base}. {' '.join(what_to_lower(training))} "
            f"{how_to_resume(training)}"
        ) from error


def _of_memory(error: Exception) -> bool:
    import torch

    words = str(error)
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(
        word in words for word in ("can't allocate memory", "not enough memory", "out of memory")
    )


def what_to_lower(training: Training[Any]) -> list[str]:
    """The options that save memory in this run, what helps most first, as sentences."""
    config = training.config
    found = []
    if not config.gradient_checkpointing:
        found.append("Set gradient_checkpointing = true.")
    if config.batch_size > 1:
        keeping = " and raise accumulate by as much" if hasattr(config, "accumulate") else ""
        found.append(f"Lower batch_size (now {config.batch_size}){keeping}.")
    if config.backend == "vllm" or (config.backend == "unsloth" and training.kind == "grpo"):
        found.append(f"Lower vllm_memory (now {config.vllm_memory}).")
    if training.kind == "grpo":
        found.append(f"Lower group or prompts (now {config.group} and {config.prompts}), or completion_tokens.")
    if not config.four_bit:
        found.append("Set four_bit = true, on a GPU.")
    found.append(f"Lower max_tokens (now {config.max_tokens}) and leave longer samples out.")
    return found


def save_adapter(model: Any, training: Training[Any], folder: Path | None = None) -> None:
    """Write the adapter in bfloat16, and nothing that is true of this machine alone. All of it is there, or nothing."""
    import torch
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    state = {
        name: value.detach().to("cpu", torch.bfloat16).contiguous()
        for name, value in get_peft_model_state_dict(model).items()
    }
    with new_folder(folder or training.config.out) as stage:
        save_file(state, stage / WEIGHTS, metadata={"format": "pt"})
        model.peft_config["default"].save_pretrained(stage)
        settings = json.loads((stage / SETTINGS).read_text(encoding="utf-8"))
        # The base's name, not its path here: the passport's digest decides whether a base fits.
        settings["base_model_name_or_path"] = training.config.base
        settings["inference_mode"] = True
        (stage / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
