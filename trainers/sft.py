"""Supervised fine-tuning on gold turns: rendered ids and the assistant's mask, never text.

The ids come from the renderer that evaluation uses, so that training sees exactly the prompts that evaluation
will give. The loss is on the assistant's tokens, the end of turn included.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from samescore.harness.case import Case
from samescore.harness.environment import World
from samescore.harness.errors import UsageError
from samescore.harness.fingerprint import fingerprint
from samescore.harness.passport import FORMAT, PASSPORT
from samescore.harness.policies import tiny_path
from samescore.harness.policies.script import oracle
from samescore.harness.renderer import Example, Renderer, examples
from samescore.harness.rollout import rollout
from samescore.trainers.config import SftConfig, load_sft_config


@dataclass(frozen=True, slots=True)
class Sample:
    """A training example and the case it comes from."""

    case: str
    example: Example


@dataclass(frozen=True, slots=True)
class Material:
    """The cases to learn from, their worlds, and the fingerprint of the targets that were stated before."""

    cases: tuple[Case, ...]
    worlds: Mapping[str, World]
    targets: str


def train(path: Path) -> Path:
    """Run the training that a configuration file describes; returns the adapter's folder.

    Raises:
        UsageError: the configuration, the suite or the base is wrong, the folder is taken, or a sequence is too long.
    """
    config = load_sft_config(path)
    if missing := [name for name in ("torch", "peft", "trl", "datasets") if find_spec(name) is None]:
        raise UsageError(f"training needs {', '.join(missing)}: pip install 'samescore[train]'.")
    if config.out.exists() and any(config.out.iterdir()):
        raise UsageError(
            f"{config.out} is not empty. Choose another `out`, or remove it; adapters are never overwritten."
        )
    base = base_path(config.base)
    renderer = Renderer.load(base)
    material = load_material(config)
    samples = gold_samples(material, renderer)
    check_lengths(samples, config.max_tokens)
    return _fit(config, base, renderer, samples, material)


def base_path(name: str) -> str:
    """The folder of a base model's name; a hub id is fetched."""
    if name == "tiny":
        return str(tiny_path())
    provider, _, rest = name.partition("/")
    if provider != "hf" or not rest:
        raise UsageError(f"base {name!r}: expected 'tiny' or 'hf/PATH_OR_ID'.")
    from samescore.harness.policies.hf import model_folder

    return str(model_folder(rest))


def load_material(config: SftConfig) -> Material:
    """What a configuration asks to learn from."""
    import importlib

    # Trainers may not import suites: what is asked comes in by name, as on the command line.
    catalog = importlib.import_module("samescore.suites.catalog")
    suite = catalog.load_suite(config.data.suite, split=config.data.split, locales=config.data.locales)
    cases = list(suite.cases)
    if config.data.limit is not None and config.data.limit < len(cases):
        stride = len(cases) / config.data.limit
        cases = [cases[int(index * stride)] for index in range(config.data.limit)]
    named = {case.world for case in cases} - suite.worlds.keys()
    worlds = {**suite.worlds, **{name: catalog.load_world(name) for name in named}}
    return Material(tuple(cases), worlds, suite.targets_fingerprint)


def gold_samples(material: Material, renderer: Renderer) -> list[Sample]:
    """Every case's gold conversation, as the renderer writes it."""

    async def play() -> list[Sample]:
        agent = oracle()
        samples = []
        for case in material.cases:
            trajectory = await rollout(case, agent, material.worlds[case.world])
            for example in examples(renderer, case.messages, case.toolset, trajectory.steps):
                samples.append(Sample(case.id, example))
        return samples

    return asyncio.run(play())


def check_lengths(samples: Sequence[Sample], limit: int) -> None:
    """Nothing is cut silently.

    Raises:
        UsageError: a sequence is longer than `limit` tokens.
    """
    longest = max(samples, key=lambda sample: len(sample.example.ids))
    if len(longest.example.ids) > limit:
        raise UsageError(
            f"case {longest.case} is {len(longest.example.ids)} tokens long, the limit is {limit}. Raise max_tokens."
        )


def _fit(config: SftConfig, base: str, renderer: Renderer, samples: Sequence[Sample], material: Material) -> Path:
    import torch
    from datasets import Dataset
    from peft import LoraConfig as PeftLora, get_peft_model
    from transformers import AutoModelForCausalLM, set_seed
    from trl import SFTTrainer

    set_seed(config.seed)
    dataset = Dataset.from_dict(
        {
            "input_ids": [list(sample.example.ids) for sample in samples],
            "assistant_masks": [list(sample.example.mask) for sample in samples],
        }
    )
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
        PeftLora(
            r=config.lora.rank,
            lora_alpha=config.lora.alpha,
            lora_dropout=config.lora.dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
    )
    trainer = SFTTrainer(
        model=model, args=_arguments(config), train_dataset=dataset, processing_class=renderer.tokenizer
    )
    result = trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    _save(model.to(torch.bfloat16), config)
    _write_passport(config, base, renderer, samples, material, {"steps": result.global_step, "losses": losses[-1:]})
    return config.out


def _arguments(config: SftConfig) -> Any:
    """TRL's own configuration. What it would do silently is set here: nothing is cut, packed or sent anywhere."""
    import torch
    from trl import SFTConfig as TrlConfig

    gpu = torch.cuda.is_available()
    return TrlConfig(
        output_dir=str(config.out / "trainer"),
        max_length=None,
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=config.warmup,
        weight_decay=config.weight_decay,
        max_grad_norm=1.0,
        bf16=gpu,
        fp16=False,
        use_cpu=not gpu,
        gradient_checkpointing=False,
        train_sampling_strategy="group_by_length",
        logging_steps=20,
        save_strategy="no",
        report_to="none",
        seed=config.seed,
        data_seed=config.seed,
    )


def _save(model: Any, config: SftConfig) -> None:
    """Write the adapter, and nothing that is true of this machine alone."""
    model.save_pretrained(config.out)
    written = config.out / "adapter_config.json"
    settings = json.loads(written.read_text(encoding="utf-8"))
    # The base's name, not its path here: the passport's digest decides whether a base fits.
    settings["base_model_name_or_path"] = config.base
    written.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    (config.out / "README.md").unlink(missing_ok=True)
    shutil.rmtree(config.out / "trainer", ignore_errors=True)


def _write_passport(
    config: SftConfig,
    base: str,
    renderer: Renderer,
    samples: Sequence[Sample],
    material: Material,
    training: dict[str, Any],
) -> None:
    from importlib.metadata import version

    from samescore.harness.policies.hf import weights_digest

    passport = {
        "format": FORMAT,
        "base": {"name": config.base, "weights": weights_digest(Path(base))},
        "template": renderer.fingerprint,
        "toolsets": {case.toolset.name: case.toolset.fingerprint for case in material.cases},
        "data": {
            "suite": config.data.suite,
            "split": config.data.split,
            "targets": material.targets,
            "cases": len(material.cases),
            "tokens": sum(len(sample.example.ids) for sample in samples),
            "learned_tokens": sum(sum(sample.example.mask) for sample in samples),
            "fingerprint": fingerprint([[sample.case, list(sample.example.ids)] for sample in samples]),
        },
        "config": config.model_dump(mode="json", exclude={"out"}),
        "training": training,
        "versions": {name: version(name) for name in ("torch", "transformers", "trl", "peft", "datasets")},
    }
    (config.out / PASSPORT).write_text(json.dumps(passport, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
