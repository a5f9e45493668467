"""LoRA or QLoRA, on which layers, and does it fit? By what each takes of the memory that there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec

from samescore.harness.errors import UsageError
from samescore.trainers.config import DpoConfig, GrpoConfig
from samescore.trainers.doctor.inputs import Inputs
from samescore.trainers.doctor.serving import adapter_of
from samescore.trainers.doctor.verdict import Level, Question, Remark, Verdict
from samescore.trainers.grpo.sizes import together
from samescore.trainers.memory import Load, ModelSize, estimate, read_size

ROOM = 0.9
"""The share of a GPU's memory that an estimate may fill: CUDA's context and the allocator's waste take the rest."""

GIB = 2**30

_REMEDIES: Mapping[str, str] = {
    "checkpointing": "gradient_checkpointing = true",
    "single": "gradient_checkpointing = true and batch_size = 1",
    "single_qlora": "gradient_checkpointing = true, batch_size = 1 and four_bit = true (QLoRA)",
}
"""What makes it smaller, gentlest first, by the names of `_ways`."""


def ask(inputs: Inputs) -> Verdict:
    """Estimate, and compare with the GPU."""
    config, rank = inputs.config, adapter_of(inputs).rank
    try:
        model = read_size(inputs.base)
    except UsageError as error:
        return Verdict(config.base, (Remark(Level.LOOK, str(error).rstrip("."), "Try a few steps on the GPU."),))
    memory = inputs.given.memory if inputs.given.memory is not None else _found()
    ways = _ways(inputs, model, rank, memory)
    trainable = rank * model.sides
    parts = [
        f"{'QLoRA' if config.four_bit else 'LoRA'} of rank {rank} on all linear layers: {trainable:,} of "
        f"{model.parameters + trainable:,} parameters",
        f"about {_gib(ways['configured'])} as configured; LoRA over 16 bits {_gib(ways['lora'])}, QLoRA over 4 bits "
        f"{_gib(ways['qlora'])}",
        "no GPU here: say its memory with --memory GIB" if memory is None else f"the GPU has {memory:.1f} GiB",
    ]
    if isinstance(config, GrpoConfig):
        parts.append(f"the longest: {inputs.size_of(config).words(config.max_tokens)}")
    figures = {
        "trainable": trainable,
        "parameters": model.parameters,
        "memory_gib": memory,
        "estimates_gib": {name: round(way, 3) for name, way in ways.items()},
    }
    remarks = () if memory is None else tuple(_remarks(inputs, ways, memory))
    return Verdict(" · ".join(parts), remarks, figures)


QUESTION = Question("method", "LoRA or QLoRA, on which layers, and does it fit?", ask)


def _ways(inputs: Inputs, model: ModelSize, rank: int, memory: float | None) -> dict[str, float]:
    """GiB at the peak, as it is configured and in other ways."""
    load = _load(inputs, rank, memory)
    single = replace(load, sequences=max(1, load.sequences // inputs.config.batch_size), checkpointing=True)
    ways = {
        "configured": load,
        "lora": replace(load, bits=16, gpu=True),
        "qlora": replace(load, bits=4, gpu=True),
        "checkpointing": replace(load, checkpointing=True),
        "single": single,
        "single_qlora": replace(single, bits=4),
    }
    return {name: estimate(model, way).peak / GIB for name, way in ways.items()}


def _load(inputs: Inputs, rank: int, memory: float | None) -> Load:
    """What is put on the device, as `--dry-run` has it."""
    config = inputs.config
    wide = config.dtype == "float32" or (config.dtype == "auto" and memory is None)
    load = Load(
        loss="sft",
        rank=rank,
        sequences=config.batch_size,
        length=0,
        bits=4 if config.four_bit else 32 if wide else 16,
        checkpointing=config.gradient_checkpointing,
        gpu=memory is not None,
    )
    if isinstance(config, GrpoConfig):
        size = inputs.size_of(config)
        length = min(size.prompt + size.completion, config.max_tokens)
        load = replace(load, loss="grpo", length=length, learned=max(0, length - size.prompt))
        if config.backend != "transformers":
            return replace(load, engine=round(config.vllm_memory * (memory or 0.0) * GIB))
        return replace(load, together=together(config))
    load = replace(load, length=len(inputs.longest_sample.example.ids))
    if isinstance(config, DpoConfig):
        return replace(load, loss=config.loss, sequences=2 * config.batch_size)
    return load


def _remarks(inputs: Inputs, ways: Mapping[str, float], memory: float) -> Iterator[Remark]:
    room = ROOM * memory
    if ways["configured"] > room:
        remedy = next((name for name in _REMEDIES if ways[name] <= room), None)
        yield Remark(
            Level.STOP,
            f"as configured it takes about {_gib(ways['configured'])}, and {_gib(room)} of {memory:.1f} are free",
            "Take a smaller base or a larger GPU."
            if remedy is None
            else f"Set {_REMEDIES[remedy]}: about {_gib(ways[remedy])}.",
        )
    elif inputs.config.four_bit and ways["lora"] <= room:
        yield Remark(
            Level.LOOK,
            f"16 bits fit as well ({_gib(ways['lora'])}), and 4 bits are not what will be served",
            "Set four_bit = false.",
        )


def _found() -> float | None:
    """The memory of the GPU of this machine, in GiB; None without one."""
    if find_spec("torch") is None:
        return None
    import torch

    return torch.cuda.get_device_properties(0).total_memory / GIB if torch.cuda.is_available() else None


def _gib(amount: float) -> str:
    return f"{amount:.1f} GiB" if amount >= 1 else f"{1024 * amount:.0f} MiB"
