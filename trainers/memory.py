"""How much memory of a GPU a training run takes at its peak, from numbers that stand in files; no weights are loaded.

`Estimate.peak` is to be compared with `torch.cuda.max_memory_allocated`: what tensors take. CUDA's context and what the
allocator cannot use come on top of it; leave a tenth of the GPU free.

With T tokens on the device (batch times the longest sequence), h the hidden size, q and k the widths of queries and
keys, m that of the MLP, V the vocabulary, r the rank, c = 2 bytes a number while computing (4 on a CPU):

weights      2 bytes a parameter (4 in float32). In NF4 a linear layer takes 0.516: half a byte, and a byte a block of
             64 that is itself quantized (Dettmers et al. 2023, section 3); embeddings, head and norms keep 2 bytes.
adapter      r (inputs + outputs) a linear layer, times 4 bytes for each of value, gradient and AdamW's two moments
             (Kingma & Ba 2015, algorithm 1; Rajbhandari et al. 2020, section 3.1), and a copy in 2 bytes for autocast;
             2 bytes each on a base in 4 bits, as TRL has it.
activations  what a layer keeps of a token for its backward pass: its norms' inputs in float32 (8h, and 4(q + k) where
             queries and keys are normalised); the input of every LoRA matrix, of each a copy (c(5h + q + m)); gate,
             its SiLU and up (3cm); queries, keys, values and output of attention (2c(q + k); with keys and values
             repeated for every head, 4cq, where a batch is padded) and the mask of a padded batch (c a key).
             Korthikanti et al. 2022, section 4.1 count so for full fine-tuning. With gradient checkpointing a layer's
             input alone (ch), and all of one layer at a time.
logits       V float32 numbers a token for which the loss is taken, and as many of their gradient. SFT takes it over 256
             tokens at a time, with 4 such tensors; DPO over all tokens of both sides; GRPO over the completions'.
working      what one layer holds in passing: 8h + 6m a token, measured; and 32 MiB of cuBLAS.
cache        keys and values of the conversations that are had at once (2ck a layer and token), while GRPO samples. vLLM
             takes the share of the GPU that it is given instead, for weights of its own and cache.

The terms of a layer were read from what autograd keeps of Qwen3 and Llama in Transformers 5.17 under PEFT 0.21; a test
compares the sum with a real step's.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

from samescore.harness.errors import UsageError
from samescore.harness.files import read_json

Losses = Literal["sft", "dpo", "orpo", "grpo"]

NF4 = 0.5 + (1 + 4 / 256) / 64
CHUNK = 256
WORKSPACE = 32 * 2**20
_LOGITS: Mapping[Losses, int] = {"sft": 16, "dpo": 8, "orpo": 18, "grpo": 8}
"""Bytes a number of the logits, at the peak. ORPO takes two cross entropies of the chosen side, each of a copy."""

_LAYER = re.compile(r"\.(?:layers|h|blocks)\.[0-9]+\.")
_NOT_TRAINED = re.compile(r"\.experts\.|\.mlp\.gate\.weight$|norm")  # PEFT's `all-linear` leaves them


@dataclass(frozen=True, slots=True)
class ModelSize:
    """The numbers of a base that memory depends on.

    `linear` are the parameters of its layers' linear maps, and `sides` the sum of their inputs and outputs: what an
    adapter of rank 1 has.
    """

    parameters: int
    linear: int
    sides: int
    layers: int
    hidden: int
    queries: int
    keys: int
    mlp: int
    vocabulary: int
    normalised: bool
    heads: int
    context: int | None


@dataclass(frozen=True, slots=True)
class Load:
    """What a training run puts on the device.

    `sequences` of at most `length` tokens at a time; `learned` of them, at most, for which the loss needs logits.
    `together` conversations are had at once while GRPO samples, with the trained model's own cache; `engine` are the
    bytes of an engine beside it. `bits` are those of the base: 32, 16 or 4.
    """

    loss: Losses
    rank: int
    sequences: int
    length: int
    bits: Literal[32, 16, 4] = 16
    checkpointing: bool = False
    learned: int = 0
    together: int = 0
    engine: int = 0
    gpu: bool = True


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes by part, and the most that is held at once: not all parts are at their most together."""

    weights: int
    adapter: int
    activations: int
    logits: int
    working: int
    cache: int
    engine: int

    @property
    def peak(self) -> int:
        """While it samples, or between the forward and the backward pass."""
        training = self.activations + max(self.logits, self.working)
        return self.weights + self.adapter + self.engine + max(training, self.cache)

    def parts(self) -> dict[str, int]:
        """What there is of it, under the names of this module."""
        names = ("weights", "adapter", "activations", "logits", "working", "cache", "engine")
        return {name: value for name in names if (value := getattr(self, name))}


def estimate(model: ModelSize, load: Load) -> Estimate:
    """The memory of a training run. See above for the formula."""
    tokens = load.sequences * load.length
    adapter = load.rank * model.sides
    number = 2 if load.gpu else 4
    layer = _layer(model, load, number) * tokens
    kept = number * model.hidden * tokens if load.checkpointing else layer
    working = (8 * model.hidden + 6 * model.mlp) * tokens + (layer if load.checkpointing else 0)
    learned = CHUNK if load.loss == "sft" else load.sequences * (load.learned or load.length)
    return Estimate(
        weights=_weights(model, load.bits),
        adapter=adapter * (8 if load.bits == 4 else 18 if load.gpu else 16),
        activations=model.layers * kept,
        logits=_LOGITS[load.loss] * model.vocabulary * learned,
        working=working + (WORKSPACE if load.gpu else 0),
        cache=2 * number * model.keys * model.layers * load.together * load.length,
        engine=load.engine,
    )


def _weights(model: ModelSize, bits: int) -> int:
    if bits == 4:
        return round(NF4 * model.linear) + 2 * (model.parameters - model.linear)
    return model.parameters * bits // 8


def _layer(model: ModelSize, load: Load, number: int) -> int:
    """What one layer keeps of one token, in bytes."""
    h, q, k, m = model.hidden, model.queries, model.keys, model.mlp
    padded = load.sequences > 1
    norms = 8 * h + (4 * (q + k) if model.normalised else 0)
    # Under autocast every LoRA matrix has its input as a copy; in float32 layers share what their norms gave.
    inputs = 2 * (5 * h + q + m) if number == 2 else 4 * (2 * h + m)
    attention = number * (4 * q if padded else 2 * (q + k)) + 4 * model.heads
    mask = number * load.length if padded else 0
    return norms + inputs + 7 * number * load.rank + 3 * number * m + attention + mask


def read_size(folder: Path) -> ModelSize:
    """The numbers of a model's folder: from `config.json`, and from the headers of its safetensors where there are any.

    Raises:
        UsageError: the configuration is not that of a decoder-only language model.
    """
    config = read_json(folder / "config.json", "the model's configuration")
    config = config.get("text_config", config) if isinstance(config, Mapping) else {}
    try:
        hidden, layers, heads = config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]
        mlp, vocabulary = config["intermediate_size"], config["vocab_size"]
    except KeyError as error:
        raise UsageError(
            f"{folder}/config.json names no {error.args[0]}, so memory cannot be estimated. Expected the configuration "
            "of a decoder-only language model, such as Llama's or Qwen's."
        ) from None
    if (experts := config.get("num_experts_per_tok")) is not None:
        mlp = experts * config.get("moe_intermediate_size", mlp)
    size = config.get("head_dim") or hidden // heads
    queries, keys = heads * size, (config.get("num_key_value_heads") or heads) * size
    shapes = _shapes(folder)
    names = [name for name in shapes if _linear(name, shapes[name])]
    if names:
        parameters = sum(map(prod, shapes.values()))
        linear, sides = sum(prod(shapes[name]) for name in names), sum(sum(shapes[name]) for name in names)
    else:
        maps = ((hidden, queries), (hidden, keys), (hidden, keys), (queries, hidden), *[(hidden, mlp)] * 3)
        linear, sides = layers * sum(map(prod, maps)), layers * sum(map(sum, maps))
        tables = 1 if config.get("tie_word_embeddings", False) else 2
        parameters = linear + tables * vocabulary * hidden + (2 * layers + 1) * hidden
    return ModelSize(
        parameters=parameters,
        linear=linear,
        sides=sides,
        layers=layers,
        hidden=hidden,
        queries=queries,
        keys=keys,
        mlp=mlp,
        vocabulary=vocabulary,
        normalised=any("q_norm" in name for name in shapes) if shapes else "qwen3" in str(config.get("model_type")),
        heads=heads,
        context=config.get("max_position_embeddings"),
    )


def _linear(name: str, shape: tuple[int, ...]) -> bool:
    """Whether an adapter sits on these weights."""
    inside = _LAYER.search(f".{name}") is not None and name.endswith(".weight")
    return inside and len(shape) == 2 and _NOT_TRAINED.search(name) is None


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the weights by name, from the headers alone.

    Raises:
        UsageError: a file is no safetensors.
    """
    found: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                header: Mapping[str, Any] = json.loads(file.read(length))
        except (OSError, struct.error, ValueError, MemoryError, OverflowError) as error:
            raise UsageError(f"{path}: the weights are damaged or cut off ({error}). Fetch the model again.") from None
        found |= {name: tuple(told["shape"]) for name, told in header.items() if name != "__metadata__"}
    return found
