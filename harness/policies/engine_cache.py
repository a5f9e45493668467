"""The engine's key-value cache: one row a slot, and prefixes that many conversations share; and attention over both.

A conversation's keys are those of its prefix (the tools, the same for many cases) followed by its own, which lie in
the row of its slot. A decoding step scores every row's query against its own keys in batched products, and against a
prefix in one product for all rows that have it, so that shared keys are stored once, and read once a step.

A row's numbers must not depend on its neighbours, or a run that is resumed would not write what an unbroken one
writes. So own keys are taken in blocks of fixed size, and those a row does not have add exact zeros; a prompt is read
alone; and a step has one of a few numbers of rows that were tried and give the same bits. Where rows have different
prefixes, the number of rows that a prefix is multiplied with varies, in multiples of ROWS: BLAS was seen to give a row
the same bits for any such number, and a test watches it.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.cache_utils import Cache, CacheLayerMixin
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

ROWS = 8  # a product takes multiples of so many rows
BLOCK = 256  # and so many of a row's own keys
ATTENTION = "samescore"  # the name under which Transformers finds `attend`

# Arguments of other attention interfaces that change the result; `attend` knows none of them.
_FOREIGN = ("sliding_window", "softcap", "s_aux", "position_bias")


@dataclass(slots=True)
class Prefix:
    """Tokens that several conversations begin with; their keys and values, a layer each: [1, heads, length, size]."""

    ids: tuple[int, ...]
    keys: list[Tensor]
    values: list[Tensor]
    users: int = 0


@dataclass(slots=True)
class Prefill:
    """One slot appends `count` tokens to the `start` it holds after its prefix."""

    slot: int
    start: int
    count: int
    prefix: Prefix | None
    layer: int = 0

    @property
    def past(self) -> int:
        """Tokens before these."""
        return self.start + (len(self.prefix.ids) if self.prefix else 0)


@dataclass(slots=True)
class Group:
    """The rows of a step that share a prefix, None for all; padded to a multiple of ROWS by repeating the first."""

    prefix: Prefix
    rows: Tensor | None
    count: int


@dataclass(slots=True)
class Decode:
    """Every slot appends one token at its position in `at`; `mask` is 0 for keys that a row has, -inf elsewhere."""

    rows: int
    width: int
    index: Tensor
    at: Tensor
    mask: Tensor
    groups: list[Group]
    layer: int = 0
    shared: int = field(init=False)  # keys of the longest prefix
    blocks: list[slice] = field(init=False)

    def __post_init__(self) -> None:
        self.blocks = [slice(start, start + BLOCK) for start in range(0, self.width, BLOCK)]
        self.shared = max((len(group.prefix.ids) for group in self.groups), default=0)


Step = Prefill | Decode
# The step in progress. The attention interface has no other door for it.
_step: ContextVar[Step] = ContextVar("step")


class SlotLayer(CacheLayerMixin):  # type: ignore[misc]  # Transformers is untyped
    """One layer's keys and values: [slots, heads, capacity, size]."""

    is_sliding = False

    def __init__(self, index: int, slots: int, capacity: int) -> None:
        super().__init__()
        self.index = index
        self.slots = slots
        self.capacity = capacity

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Allocate, now that the shapes are known: zeros, as masked values are multiplied by 0 and must be finite."""
        self.keys = key_states.new_zeros(self.slots, key_states.shape[1], self.capacity, key_states.shape[3])
        self.values = value_states.new_zeros(self.slots, value_states.shape[1], self.capacity, value_states.shape[3])
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Store what the step in progress appends; the keys and values of its slots, prefixes apart."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None and self.values is not None
        step = _step.get()
        step.layer = self.index
        if isinstance(step, Decode):
            self.keys[step.index, :, step.at] = key_states[:, :, 0]
            self.values[step.index, :, step.at] = value_states[:, :, 0]
            return self.keys[: step.rows, :, : step.width], self.values[: step.rows, :, : step.width]
        row, end = slice(step.slot, step.slot + 1), step.start + step.count
        self.keys[row, :, step.start : end] = key_states
        self.values[row, :, step.start : end] = value_states
        return self.keys[row, :, :end], self.values[row, :, :end]

    def grow(self, capacity: int) -> None:
        """Make room for longer rows."""
        self.capacity = capacity
        if self.is_initialized:
            self.keys, self.values = _widened(self.keys, capacity), _widened(self.values, capacity)

    def get_seq_length(self) -> int:
        """Tokens before the step in progress, of its longest row."""
        step = _step.get()
        return step.past if isinstance(step, Prefill) else step.shared + step.width

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Length and offset of the keys; unused, as `attend` masks by itself."""
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        """Rows grow: there is no maximum."""
        return -1


class SlotCache(Cache):  # type: ignore[misc]
    """All layers' rows. A slot's row means nothing without the length that its conversation knows."""

    def __init__(self, layers: int, slots: int, capacity: int = 512) -> None:
        self.rows: list[SlotLayer] = [SlotLayer(index, slots, capacity) for index in range(layers)]
        super().__init__(layers=self.rows)

    def reserve(self, length: int) -> None:
        """Make room for rows of that many tokens."""
        capacity = self.rows[0].capacity
        while capacity < length:
            capacity *= 2
        if capacity > self.rows[0].capacity:
            for layer in self.rows:
                layer.grow(capacity)

    def copy(self, slot: int, length: int) -> tuple[list[Tensor], list[Tensor]]:
        """Keys and values of the first tokens of a row, a layer each."""
        row = slice(slot, slot + 1)
        return (
            [layer.keys[row, :, :length].clone() for layer in self.rows],
            [layer.values[row, :, :length].clone() for layer in self.rows],
        )

    def paste(self, slot: int, keys: list[Tensor], values: list[Tensor]) -> None:
        """Put a row's copy back, into any slot."""
        for layer, key, value in zip(self.rows, keys, values, strict=True):
            layer.keys[slot, :, : key.shape[2]] = key[0]
            layer.values[slot, :, : value.shape[2]] = value[0]

    def during(self, step: Step) -> _During:
        """A context in which the model's forward pass is that step."""
        return _During(step)


class _During:
    def __init__(self, step: Step) -> None:
        self.step = step

    def __enter__(self) -> None:
        self.token = _step.set(self.step)

    def __exit__(self, *_: object) -> None:
        _step.reset(self.token)


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attention of the step in progress, as a Transformers attention interface: [batch, tokens, heads, size].

    Outside a step it is torch's, so that the model may be used beside the engine.

    Raises:
        NotImplementedError: the model's attention has a term that is not implemented here.
    """
    step = _step.get(None)
    if step is None:
        out, _ = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **kwargs)
        return out, None
    for name in _FOREIGN:
        if kwargs.get(name) is not None:
            raise NotImplementedError(f"attention with {name}")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if isinstance(step, Prefill):
        return _prefill(step, query, key, value, scale), None
    return _decode(step, query, key, value, scale), None


def _mask(*args: Any, **kwargs: Any) -> Tensor | None:
    """The mask that goes with `attend`: a step masks by itself."""
    return sdpa_mask(*args, **kwargs) if _step.get(None) is None else None


AttentionInterface.register(ATTENTION, attend)
AttentionMaskInterface.register(ATTENTION, _mask)


def _prefill(step: Prefill, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Causal attention of one conversation. Key-value heads become the batch, so that none is repeated."""
    if step.prefix is not None:
        key = torch.cat([step.prefix.keys[step.layer], key], dim=2)
        value = torch.cat([step.prefix.values[step.layer], value], dim=2)
    _, heads, count, size = query.shape
    kept, total = key.shape[1], key.shape[2]
    groups = heads // kept
    query = query.view(kept, groups, count, size)
    key = key.transpose(0, 1).expand(kept, groups, total, size)
    value = value.transpose(0, 1).expand(kept, groups, total, value.shape[3])
    if step.past == 0:
        out = scaled_dot_product_attention(query, key, value, is_causal=True, scale=scale)
    else:
        mask = query.new_full((count, total), float("-inf")).triu_(step.past + 1)
        out = scaled_dot_product_attention(query, key, value, attn_mask=mask[None, None], scale=scale)
    return out.reshape(1, heads, count, -1).transpose(1, 2)


def _decode(step: Decode, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """One query a row, against its prefix and its own keys: two products each way around one softmax."""
    rows, heads, _, size = query.shape
    kept, shared = key.shape[1], step.shared
    groups = heads // kept
    query = query.view(rows, kept, groups, size) * scale
    scores = query.new_empty(rows, kept, groups, shared + step.width, dtype=torch.float32)
    if shared and step.groups[0].rows is not None:
        scores[..., :shared] = float("-inf")
    for group in step.groups:
        seen = _unfolded(_folded(query, group) @ group.prefix.keys[step.layer][0].transpose(1, 2), groups)
        scores[_chosen(group), ..., : seen.shape[3]] = seen.to(scores.dtype)
    for block in step.blocks:
        own = torch.matmul(key[:, :, block], query.transpose(2, 3)).transpose(2, 3)
        torch.add(own, step.mask[..., block], out=scores[..., shared:][..., block])
    weights = torch.softmax(scores, dim=-1).to(query.dtype)
    out = query.new_zeros(rows, kept, groups, value.shape[3])
    for group in step.groups:
        length = len(group.prefix.ids)
        seen = _unfolded(_folded(weights[..., :length], group) @ group.prefix.values[step.layer][0], groups)
        out[_chosen(group, group.count)] += seen[: group.count]
    for block in step.blocks:
        out += torch.matmul(weights[..., shared:][..., block], value[:, :, block])
    return out.reshape(rows, 1, heads, -1)


def _chosen(group: Group, count: int | None = None) -> Tensor | slice:
    """An index of the group's rows, or of the first `count` of them."""
    return slice(None) if group.rows is None else group.rows[:count]


def _folded(rows: Tensor, group: Group) -> Tensor:
    """The group's rows, [rows, kept, groups, n], as one matrix a key-value head: [kept, rows * groups, n]."""
    return rows[_chosen(group)].transpose(0, 1).flatten(1, 2)


def _unfolded(matrix: Tensor, groups: int) -> Tensor:
    """[kept, rows * groups, n] as [rows, kept, groups, n]."""
    kept, folded, size = matrix.shape
    return matrix.view(kept, folded // groups, groups, size).transpose(0, 1)


def _widened(rows: Tensor | None, capacity: int) -> Tensor:
    assert rows is not None
    wide = rows.new_zeros(rows.shape[0], rows.shape[1], capacity, rows.shape[3])
    wide[:, :, : rows.shape[2]] = rows
    return wide
