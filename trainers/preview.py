"""`--dry-run`: what a training run would do, told before weights are loaded."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness.cli.printable import print_hanging, printable
from samescore.trainers.config import GrpoConfig, TrainConfig
from samescore.trainers.memory import Estimate, Load, Losses, ModelSize, estimate, read_size
from samescore.trainers.passport import passport_of
from samescore.trainers.training import Training, taken, what_to_lower

if TYPE_CHECKING:
    from rich.console import Console

_GIB, _MIB = 2**30, 2**20
_USABLE = 0.9  # of a GPU: CUDA's context and what the allocator cannot use take the rest
_LABEL = 14
_MEANING = {
    "weights": "the base",
    "adapter": "values, gradients, AdamW's moments",
    "activations": "kept for the backward pass",
    "logits": "of the loss, in float32, and their gradient",
    "working": "one layer at a time",
    "cache": "keys and values while it samples",
    "engine": "vLLM's share",
}


@dataclass(frozen=True, slots=True)
class Workload:
    """How much there is to do.

    `counts` says what is learned, for people; `data` is what the passport will say of it. `longest` is the longest
    sequence in tokens, and `source` where it comes from. `sequences` are on the device at a time, of whose tokens at
    most `learned` each have a loss (all, where it is 0). `together` conversations are had at once while GRPO samples.
    """

    counts: Mapping[str, int]
    data: Mapping[str, Any]
    steps: int
    longest: int
    source: str
    sequences: int
    learned: int = 0
    together: int = 0


def steps_of(count: int, config: TrainConfig, accumulate: int, epochs: float) -> int:
    """The optimizer's steps for so many rows, as Transformers counts them."""
    batches = math.ceil(count / config.batch_size)
    return math.ceil(epochs * max(1, math.ceil(batches / accumulate)))


@dataclass(frozen=True, slots=True)
class Device:
    """Where it would run. `total` are bytes of a GPU's memory; None where it is not known."""

    name: str
    gpu: bool
    total: int | None = None


def show_plan(training: Training[Any], workload: Workload) -> Path:
    """Print the plan of a training run, as the options ask; returns where the adapter would go."""
    plan = plan_of(training, workload)
    if training.options.as_json:
        print(json.dumps(plan, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        from rich.console import Console

        print_plan(Console(highlight=False, markup=False), plan)
    out: Path = training.config.out
    return out


def plan_of(training: Training[Any], workload: Workload) -> dict[str, Any]:
    """The plan as one JSON object."""
    config: TrainConfig = training.config
    size = read_size(training.base)
    passport = passport_of(training, workload.data, {})
    rank = _rank(training)
    devices = _devices(config)
    return {
        "kind": training.kind,
        "config": str(training.source),
        "out": str(config.out),
        "taken": taken(config.out),
        "resumes_from": None if training.checkpoint is None else training.checkpoint.step,
        "model": {
            "base": config.base,
            "parameters": size.parameters,
            "adapter": config.adapter,
            "rank": rank,
            "trainable": rank * size.sides,
            "backend": config.backend,
            "device": devices[0].name,
            "bits": _bits(config, devices[0]),
        },
        "data": dict(workload.counts),
        "rewards": dict(passport.rewards),
        "impurities": list(passport.impurities),
        "steps": workload.steps,
        "longest": {
            "tokens": workload.longest,
            "source": workload.source,
            "limit": None if training.kind == "grpo" else config.max_tokens,
        },
        "memory": [_memory(training, size, workload, device, rank) for device in devices],
        "targets": {suite.name: dict(suite.targets or {}) for suite in passport.suites},
        "fingerprints": {
            "base": passport.base.weights,
            "template and tokenizer": passport.renderer,
            "dialect": None if passport.dialect is None else "/".join(map(str, passport.dialect)),
            "toolsets": dict(passport.toolsets),
            "suites": {suite.name: suite.fingerprint for suite in passport.suites},
            "targets": {suite.name: suite.targets_fingerprint for suite in passport.suites},
            "data": passport.data.get("fingerprint"),
            "scorers": dict(passport.scorers),
        },
    }


def _devices(config: TrainConfig) -> list[Device]:
    """Where it would run: the GPU here; else this CPU, and after it any GPU for comparison."""
    import torch

    if not torch.cuda.is_available():
        return [Device("cpu", gpu=False), Device("a GPU", gpu=True)]
    properties = torch.cuda.get_device_properties(0)
    return [Device(properties.name, gpu=True, total=properties.total_memory)]


def _bits(config: TrainConfig, device: Device) -> Any:
    if config.four_bit:
        return 4
    return 16 if config.dtype == "bfloat16" or (config.dtype == "auto" and device.gpu) else 32


def _rank(training: Training[Any]) -> int:
    """Of the adapter: a given one keeps its own."""
    if training.adapter is None:
        rank: int = training.config.lora.rank
        return rank
    settings = json.loads((training.adapter / "adapter_config.json").read_text(encoding="utf-8"))
    return int(settings["r"])


def _memory(training: Training[Any], size: ModelSize, workload: Workload, device: Device, rank: int) -> dict[str, Any]:
    config = training.config
    loss: Losses = getattr(config, "loss", "sft") if training.kind == "dpo" else training.kind
    engine = 0
    if isinstance(config, GrpoConfig) and config.backend != "transformers":
        engine = round(config.vllm_memory * (device.total or 0))
    load = Load(
        loss,
        rank,
        workload.sequences,
        workload.longest,
        _bits(config, device),
        config.gradient_checkpointing,
        workload.learned,
        0 if engine else workload.together,
        engine,
        device.gpu,
    )
    found = estimate(size, load)
    fits = None if device.total is None else found.peak <= _USABLE * device.total
    advice = what_to_lower(training) if fits is False else []
    return {
        "device": device.name,
        "peak": found.peak,
        "total": device.total,
        "fits": fits,
        "at_most": config.backend == "unsloth",
        "parts": found.parts(),
        "advice": advice,
        "checkpointed": None if config.gradient_checkpointing else _checkpointed(size, load).peak,
    }


def _checkpointed(size: ModelSize, load: Load) -> Estimate:
    return estimate(size, replace(load, checkpointing=True))


def print_plan(console: Console, plan: Mapping[str, Any]) -> None:
    """The plan for people, on a terminal of any width from 60 columns."""
    from rich.text import Text

    def line(label: str, *parts: str) -> None:
        print_hanging(console, Text(f"{label:<{_LABEL}}", style="bold"), Text(" · ".join(map(printable, parts))))

    console.print(Text("A dry run: no weights are loaded, nothing is written.\n", style="dim"))
    line(plan["kind"], plan["config"])
    model, longest = plan["model"], plan["longest"]
    number = "4 bits" if model["bits"] == 4 else "bfloat16" if model["bits"] == 16 else "float32"
    line(
        "base", model["base"], f"{model['parameters']:,} parameters", f"{number} on {model['device']}", model["backend"]
    )
    share = model["trainable"] / model["parameters"]
    line(
        "adapter",
        f"of {model['adapter']}" if model["adapter"] else "new",
        f"rank {model['rank']}",
        f"{model['trainable']:,} trainable parameters ({share:.1%} of the base)",
    )
    line("to learn", *(f"{value:,} {name}" for name, value in plan["data"].items()))
    limit = [] if longest["limit"] is None else [f"the limit is {longest['limit']:,}"]
    line("longest", f"{longest['tokens']:,} tokens", longest["source"], *limit)
    if plan["rewards"]:
        line("rewards", *(f"{name} {weight:g}" for name, weight in plan["rewards"].items()), *plan["impurities"])
    line("steps", f"{plan['steps']:,}", *_from_checkpoint(plan))
    line("goes to", plan["out"], *_occupied(plan))
    here, *elsewhere = plan["memory"]
    console.print()
    line("memory", *_verdict(here))
    for name, value in here["parts"].items():
        line(f"{'':{_LABEL}}{_amount(value):>9}  ", f"{name}: {_MEANING[name]}")
    for advice in here["advice"]:
        line("", advice)
    for memory in elsewhere:
        line("", *_verdict(memory))
    console.print()
    for suite, targets in plan["targets"].items():
        stated = [f"{name} {target:g}" for name, target in targets.items()] or ["none: --no-targets"]
        line("targets", suite, *stated)
    console.print()
    for label, value in _flat(plan["fingerprints"]):
        line("fingerprint" if label == "base" else "", f"{label} {value}")


def _from_checkpoint(plan: Mapping[str, Any]) -> list[str]:
    return [] if plan["resumes_from"] is None else [f"going on from step {plan['resumes_from']:,}"]


def _occupied(plan: Mapping[str, Any]) -> list[str]:
    stands = plan["taken"] and plan["resumes_from"] is None
    return ["NOT EMPTY: choose another `out`, or remove it, before training"] if stands else []


def _verdict(memory: Mapping[str, Any]) -> list[str]:
    about = "at most" if memory["at_most"] else "about"  # Unsloth keeps less than the formula knows of
    words = [f"{about} {_amount(memory['peak'])} at its peak on {memory['device']}"]
    if memory["total"] is not None:
        words.append(f"{'fits into' if memory['fits'] else 'DOES NOT FIT into'} its {_amount(memory['total'])}")
    if memory["checkpointed"] is not None:
        words.append(f"{_amount(memory['checkpointed'])} with gradient_checkpointing")
    return words


def _amount(value: int) -> str:
    return f"{value / _GIB:,.1f} GiB" if value >= _GIB else f"{value / _MIB:,.0f} MiB"


def _flat(prints: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Fingerprints, those of one kind on one line; weights' are long, and their beginning tells them apart."""
    for label, value in prints.items():
        if isinstance(value, Mapping):
            yield label, ", ".join(f"{name} {part}" for name, part in value.items())
        else:
            yield label, str(value)[:16]
