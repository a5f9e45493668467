"""One process of `unsloth_speed.py`: a model of a shape is loaded by one side, and trained for a few steps at a time.

What was measured is appended to a file line by line, so that what comes later may fail.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Before anything is imported that reads them: nothing is fetched, and nothing is sent.
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "TOKENIZERS_PARALLELISM": "false",
    "TRL_EXPERIMENTAL_SILENCE": "1",
}

WARM, TIMED = 4, 8  # steps
RANK = 16
GIB = 2**30
GROUP, COMPLETIONS, NEW = 8, 16, 256
PROMPT, ROOM = 512, 1024


def main() -> None:
    """Load, train, append."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", choices=("trl", "unsloth"), required=True)
    parser.add_argument("--kind", choices=("sft", "grpo"), required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--lengths", type=int, nargs="*", default=[2048, 8192])
    parser.add_argument("--tokens", type=int, default=8192, help="of a step")
    parser.add_argument("--four-bit", action="store_true")
    parser.add_argument("--checkpointing", choices=("default", "plain", "off"), default="default")
    parser.add_argument("--share", type=float, default=0.3, help="of the GPU's memory, for vLLM")
    parser.add_argument("--to", type=Path, required=True)
    said = parser.parse_args()
    if said.side == "unsloth":
        os.environ["UNSLOTH_COMPILE_LOCATION"] = str(said.to.parent / "unsloth_compiled_cache")
        import unsloth  # noqa: F401  # before everything that it patches
    began = time.perf_counter()
    model, lora = load(said)
    loaded = time.perf_counter() - began
    if said.kind == "grpo":
        append(said.to, {"load_seconds": loaded, **grpo(said, model, lora)})
        return
    for length in said.lengths:
        measured = sft(said, model, lora, length)
        append(said.to, {"load_seconds": loaded, "length": length, **measured})
        model, lora = measured.pop("model"), None  # the next length trains the same adapter on


def append(file: Path, data: Mapping[str, Any]) -> None:
    """A line of what was measured."""
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps({name: value for name, value in data.items() if name != "model"}) + "\n")


def load(said: argparse.Namespace) -> tuple[Any, Any]:
    """The model, and what the trainer is told of the adapter: nothing, where the model has it already."""
    import torch

    if said.side == "unsloth":
        return unsloth_model(said), None
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    options: dict[str, Any] = {}
    if said.four_bit:
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    placed = {"device_map": {"": 0}} if torch.cuda.is_available() else {}
    model = AutoModelForCausalLM.from_pretrained(str(said.model), dtype=torch.bfloat16, **placed, **options)
    return model, LoraConfig(r=RANK, lora_alpha=RANK, target_modules="all-linear", task_type="CAUSAL_LM")


def unsloth_model(said: argparse.Namespace) -> Any:
    """By `FastLanguageModel`, as Unsloth's own examples do it."""
    import torch
    from unsloth import FastLanguageModel

    checkpointing = {"default": "unsloth", "plain": True, "off": False}[said.checkpointing]
    inside = {"fast_inference": True, "gpu_memory_utilization": said.share, "max_lora_rank": RANK}
    model, _ = FastLanguageModel.from_pretrained(
        model_name=str(said.model),
        max_seq_length=ROOM if said.kind == "grpo" else max(said.lengths),
        dtype=torch.bfloat16,
        load_in_4bit=said.four_bit,
        use_gradient_checkpointing=checkpointing,
        use_exact_model_name=True,
        local_files_only=True,
        fix_tokenizer=False,
        **(inside if said.kind == "grpo" else {}),
    )
    return FastLanguageModel.get_peft_model(
        model,
        r=RANK,
        lora_alpha=RANK,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        use_gradient_checkpointing=checkpointing,
    )


def common(said: argparse.Namespace, steps: int) -> dict[str, Any]:
    """What both sides are told alike: the optimizer, no packing, nothing saved or sent."""
    import torch

    gpu = torch.cuda.is_available()
    return {
        "output_dir": str(said.to.parent / "trainer"),
        "max_steps": steps,
        "gradient_accumulation_steps": 1,
        "learning_rate": 1e-4,
        "lr_scheduler_type": "constant",
        "optim": "adamw_torch_fused",
        "weight_decay": 0.0,
        "bf16": gpu,
        "use_cpu": not gpu,
        "gradient_checkpointing": said.checkpointing != "off",
        "logging_steps": 1000,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "seed": 1,
    }


def sft(said: argparse.Namespace, model: Any, lora: Any, length: int) -> dict[str, Any]:
    """Tokens a second and peak memory of steps over sequences of one length."""
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    batch = max(1, said.tokens // length)
    draw = torch.Generator().manual_seed(length)
    rows = torch.randint(3, model.config.vocab_size, (batch * (WARM + TIMED), length), generator=draw).tolist()
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            **common(said, WARM + TIMED),
            per_device_train_batch_size=batch,
            max_length=length,
            packing=False,
            padding_free=False,
        ),
        train_dataset=Dataset.from_dict({"input_ids": rows}),
        processing_class=AutoTokenizer.from_pretrained(said.model),
        **({} if lora is None else {"peft_config": lora}),
    )
    timed = clock()
    trainer.add_callback(timed)
    reset()
    trainer.train()
    seconds = timed.seconds[WARM:]
    return {
        "model": trainer.model,
        "tokens_per_second": batch * length * len(seconds) / sum(seconds),
        "steps": [round(one, 4) for one in timed.seconds],
        "trainable": sum(one.numel() for one in trainer.model.parameters() if one.requires_grad),
        **memory(),
    }


def grpo(said: argparse.Namespace, model: Any, lora: Any) -> dict[str, Any]:
    """Seconds a step, of which 16 completions of 256 tokens are written by vLLM, and peak memory."""
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    tokenizer = AutoTokenizer.from_pretrained(said.model)
    warm, timed_steps = 2, 4
    arguments = {
        **common(said, warm + timed_steps),
        "per_device_train_batch_size": COMPLETIONS,
        "num_generations": GROUP,
        "max_completion_length": NEW,
        "beta": 0.0,
        "loss_type": "dapo",
        "use_vllm": True,
        "vllm_mode": "colocate",
        "vllm_gpu_memory_utilization": said.share,
        "vllm_max_model_length": ROOM,
        "vllm_importance_sampling_correction": True,
        "vllm_importance_sampling_mode": "token_truncate",
        # Every completion has all its tokens; what random weights write cannot be decoded.
        "generation_kwargs": {"ignore_eos": True, "detokenize": False},
    }

    def reward(completion_ids: Sequence[Sequence[int]], **others: Any) -> list[float]:
        return [sum(ids) % 97 / 97 for ids in completion_ids]

    trainer = GRPOTrainer(
        model=model,
        args=GRPOConfig(**arguments),
        reward_funcs=reward,
        train_dataset=Dataset.from_dict({"prompt": prompts(tokenizer, 64)}),
        processing_class=tokenizer,
        **({} if lora is None else {"peft_config": lora}),
    )
    timed = clock()
    trainer.add_callback(timed)
    reset()
    trainer.train()
    seconds = timed.seconds[warm:]
    return {
        "step_seconds": sum(seconds) / len(seconds),
        "tokens_per_second": COMPLETIONS * NEW * len(seconds) / sum(seconds),
        "steps": [round(one, 4) for one in timed.seconds],
        "lengths": [line[key] for line in trainer.state.log_history for key in line if key.endswith("mean_length")],
        **memory(),
    }


def prompts(tokenizer: Any, count: int) -> list[str]:
    """Texts of about `PROMPT` tokens."""
    import random

    draw = random.Random(1)
    return [tokenizer.decode([draw.randrange(500, 4000) for _ in range(PROMPT)])[: 4 * PROMPT] for _ in range(count)]


def clock() -> Any:
    """A callback that takes the time of each step, the GPU's work included."""
    import torch
    from transformers import TrainerCallback

    def now() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    class Clock(TrainerCallback):  # type: ignore[misc]  # Transformers has no types
        def __init__(self) -> None:
            self.seconds: list[float] = []
            self.at = 0.0

        def on_train_begin(self, *args: Any, **more: Any) -> None:
            self.at = now()

        def on_step_end(self, *args: Any, **more: Any) -> None:
            before, self.at = self.at, now()
            self.seconds.append(self.at - before)

    return Clock()


def reset() -> None:
    """Memory's peak counts from here; what is loaded stays in it."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def memory() -> dict[str, float]:
    """Peaks in GiB: of tensors on the GPU, of what torch held for them, and of the process in the machine's memory."""
    import torch

    found = {"host_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}
    if torch.cuda.is_available():
        found["peak_gib"] = torch.cuda.max_memory_allocated() / GIB
        found["reserved_gib"] = torch.cuda.max_memory_reserved() / GIB
    return {name: round(value, 2) for name, value in found.items()}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
