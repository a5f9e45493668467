"""How the engine runs a model: `BatchedRunner` over a `SlotCache`, or `PlainRunner`, one conversation at a time.

`runner_for` tries the batched one and compares it with the model's own forward pass; a model whose attention or cache
it does not reproduce (sliding windows, recurrent layers, sinks) gets the plain one, and `Runner.kind` says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, get_layer_types_and_kwargs

from samescore.harness.policies.engine_cache import ATTENTION, BLOCK, ROWS, Decode, Group, Prefill, Prefix, SlotCache

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CHUNK = 512  # tokens a forward pass when a prompt is read
_SIZE = 16  # rows by which a step may be shorter
PREFIXES = 16  # prefixes kept after their last conversation ended
_SHORTEST_PREFIX = 2 * BLOCK  # a shorter one costs more steps than it saves
_WHOLE = 64  # prefixes are cut to multiples of so many tokens, that sums over them and own keys stay aligned


@dataclass(slots=True, eq=False)
class Row:
    """What the model has read of one conversation: `length` tokens after the prefix.

    `slot` is where its keys lie; `saved` holds them while it has none.
    """

    wanted: tuple[int, ...] = ()
    prefix: Prefix | None = None
    length: int = 0
    slot: int | None = None
    saved: Any = None

    @property
    def tokens(self) -> int:
        """All tokens read."""
        return self.length + (len(self.prefix.ids) if self.prefix else 0)


class Runner(Protocol):
    """A model that reads and writes several conversations. All calls come from one thread."""

    kind: str

    def twin(self) -> Runner:
        """Another with the same model and as many slots, for another thread."""

    def admit(self, row: Row, slot: int) -> None:
        """Give a conversation a slot."""

    def evict(self, row: Row) -> None:
        """Take its slot, and keep what it read."""

    def release(self, row: Row) -> None:
        """Forget it."""

    def truncate(self, row: Row, tokens: int) -> int:
        """Forget all but the first `tokens`; returns how many are left, which may be fewer."""

    def read(self, row: Row, ids: Sequence[int]) -> Tensor:
        """Append tokens; the logits after the last, float32 [vocabulary]. An empty row is given all it begins with."""

    def write(self, rows: Sequence[Row], ids: Sequence[int]) -> Tensor:
        """Append one token to each row; the logits after it, float32 [rows, vocabulary]."""


class BatchedRunner:
    """One forward pass for all slots. `model` keeps its own attention for every other use."""

    def __init__(self, model: PreTrainedModel, slots: int) -> None:
        config = model.config.get_text_config(decoder=True)
        self.kind = "batched"
        self.model = model
        self.slots = -(-slots // ROWS) * ROWS
        self.cache = SlotCache(config.num_hidden_layers, self.slots)
        self.sizes = [self.slots]
        self.rows: dict[int, Row] = {}
        self.prefixes: dict[tuple[int, ...], Prefix] = {}
        model.set_attn_implementation(ATTENTION)

    def twin(self) -> BatchedRunner:
        """Another, with what this one learned."""
        other = BatchedRunner(self.model, self.slots)
        other.sizes = self.sizes
        return other

    def admit(self, row: Row, slot: int) -> None:
        """Give a conversation a slot, and put back what was saved of it."""
        self.rows[slot] = row
        row.slot = slot
        if row.saved is not None:
            self.cache.paste(slot, *row.saved)
            row.saved = None

    def evict(self, row: Row) -> None:
        """Take its slot; its keys are copied, so that it goes on as if it had stayed."""
        assert row.slot is not None
        if row.length:
            row.saved = self.cache.copy(row.slot, row.length)
        del self.rows[row.slot]
        row.slot = None

    def release(self, row: Row) -> None:
        """Forget a conversation; its prefix stays for others."""
        if row.slot is not None:
            del self.rows[row.slot]
        row.slot = row.saved = None
        self._unshare(row)

    def truncate(self, row: Row, tokens: int) -> int:
        """Forget all but the first `tokens`. Within the prefix, or while saved, nothing is left."""
        kept = tokens - (row.tokens - row.length)
        if kept < 0:
            self._unshare(row)
            row.length = 0
            return 0
        row.length = min(row.length, kept)
        return row.tokens

    def read(self, row: Row, ids: Sequence[int]) -> Tensor:
        """Append tokens, in passes of CHUNK."""
        if row.tokens == 0:
            self._share(row, ids)
            ids = ids[row.tokens :]
        return self._read(row, ids)

    def write(self, rows: Sequence[Row], ids: Sequence[int]) -> Tensor:
        """Append one token to each row, in one pass over the slots: those that wait are computed and thrown away."""
        highest = max(row.slot for row in rows if row.slot is not None)
        return self._write(rows, ids, next(count for count in self.sizes if highest < count))

    def learn_sizes(self) -> None:
        """Find out with how few rows a step gives a row the bits that it gets with all slots, and allow those."""
        row, sizes = Row(), range(_SIZE, self.slots, _SIZE)
        self.admit(row, 0)
        self.read(row, range(1, 2 * ROWS))
        expected = self._write([row], [1], self.slots)
        for size in sizes:
            row.length -= 1
            if torch.equal(self._write([row], [1], size), expected):
                self.sizes.append(size)
        self.sizes.sort()
        self.release(row)

    def _write(self, rows: Sequence[Row], ids: Sequence[int], count: int) -> Tensor:
        longest = max(row.length for row in rows) + 1
        width = -(-longest // BLOCK) * BLOCK
        self.cache.reserve(max(width, max(row.length for row in self.rows.values()) + 1))
        device = self.model.device
        tokens, at, before = [0] * count, [0] * count, [0] * count
        for slot, row in self.rows.items():
            if slot < count:
                at[slot] = row.length  # a row that waits is written to where its next token will lie
        for row, token in zip(rows, ids, strict=True):
            assert row.slot is not None
            tokens[row.slot], before[row.slot] = token, row.tokens
        here = torch.tensor(at, device=device)
        mask = torch.zeros(count, width, device=device)
        mask.masked_fill_(torch.arange(width, device=device) > here[:, None], float("-inf"))
        index = torch.arange(count, device=device)
        step = Decode(count, width, index, here, mask[:, None, None], self._groups(rows, count))
        out = self._forward(step, torch.tensor(tokens, device=device)[:, None], torch.tensor(before)[:, None])
        for row in rows:
            row.length += 1
        return out[torch.tensor([row.slot for row in rows], device=device)]

    def _read(self, row: Row, ids: Sequence[int]) -> Tensor:
        assert row.slot is not None and ids
        self.cache.reserve(row.length + len(ids))
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            step = Prefill(row.slot, row.length, len(chunk), row.prefix)
            positions = torch.arange(step.past, step.past + len(chunk))[None]
            logits = self._forward(step, torch.tensor(chunk, device=self.model.device)[None], positions)
            row.length += len(chunk)
        return logits[0]

    def _forward(self, step: Prefill | Decode, ids: Tensor, positions: Tensor) -> Tensor:
        """Logits after the last token of each row of the step."""
        with self.cache.during(step):
            out = self.model(
                input_ids=ids,
                position_ids=positions.to(ids.device),
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=1,
            )
        logits: Tensor = out.logits[:, -1]
        return logits.float()

    def _share(self, row: Row, ids: Sequence[int]) -> None:
        """Begin a row with its prefix, which is read by itself, so that it is the same whoever came first."""
        wanted = row.wanted[: len(row.wanted) // _WHOLE * _WHOLE]
        if len(wanted) < _SHORTEST_PREFIX or len(ids) <= len(wanted) or tuple(ids[: len(wanted)]) != wanted:
            return
        prefix = self.prefixes.pop(wanted, None)
        if prefix is None:
            assert row.slot is not None
            self._read(row, wanted)
            prefix = Prefix(wanted, *self.cache.copy(row.slot, len(wanted)))
            row.length = 0
        prefix.users += 1
        row.prefix = self.prefixes[wanted] = prefix
        idle = [key for key, other in self.prefixes.items() if other.users == 0]
        for key in idle[: max(0, len(self.prefixes) - PREFIXES)]:
            del self.prefixes[key]

    def _unshare(self, row: Row) -> None:
        if row.prefix is not None:
            row.prefix.users -= 1
            row.prefix = None

    def _groups(self, rows: Sequence[Row], count: int) -> list[Group]:
        """Which rows of a step share which prefix. One that all have is applied to the whole batch, idle slots too."""
        members: dict[int, tuple[Prefix, list[int]]] = {}
        for row in rows:
            if row.prefix is not None and row.slot is not None:
                members.setdefault(id(row.prefix), (row.prefix, []))[1].append(row.slot)
        groups = []
        for prefix, slots in members.values():
            if len(slots) == len(rows):
                return [Group(prefix, None, count)]
            padded = slots + slots[:1] * (-len(slots) % ROWS)
            groups.append(Group(prefix, torch.tensor(padded, device=self.model.device), len(slots)))
        return groups


class PlainRunner:
    """Transformers' own cache and attention, a conversation at a time: correct for every decoder, and slower."""

    def __init__(self, model: PreTrainedModel, why: str) -> None:
        self.kind = f"plain: {why}"
        self.model = model
        self.why = why

    def twin(self) -> PlainRunner:
        """Another of the same model."""
        return PlainRunner(self.model, self.why)

    def admit(self, row: Row, slot: int) -> None:
        """Give a conversation a slot, which costs nothing here."""
        row.slot = slot

    def evict(self, row: Row) -> None:
        """Take its slot."""
        row.slot = None

    def release(self, row: Row) -> None:
        """Forget a conversation."""
        row.slot = None
        row.saved = None
        row.length = 0

    def truncate(self, row: Row, tokens: int) -> int:
        """Forget all but the first `tokens`; everything, where the cache cannot be cropped."""
        if tokens < row.length:
            cropped = row.saved.is_croppable and not any(row.saved.is_sliding)
            if cropped:
                row.saved.crop(tokens - row.length)
            row.saved, row.length = (row.saved, tokens) if cropped else (None, 0)
        return row.length

    def read(self, row: Row, ids: Sequence[int]) -> Tensor:
        """Append tokens in one pass."""
        if row.saved is None:
            row.saved = DynamicCache(config=self.model.config)
        out = self.model(
            input_ids=torch.tensor([list(ids)], device=self.model.device),
            past_key_values=row.saved,
            use_cache=True,
            logits_to_keep=1,
        )
        row.length += len(ids)
        logits: Tensor = out.logits[0, -1]
        return logits.float()

    def write(self, rows: Sequence[Row], ids: Sequence[int]) -> Tensor:
        """Append one token to each row, one after the other."""
        return torch.stack([self.read(row, [token]) for row, token in zip(rows, ids, strict=True)])


@torch.inference_mode()
def runner_for(model: PreTrainedModel, slots: int) -> Runner:
    """The batched runner where it reproduces the model's own numbers, else the plain one."""
    config = model.config.get_text_config(decoder=True)
    kinds = sorted(set(get_layer_types_and_kwargs(config)[0]) - {"full_attention"})
    if kinds:
        return PlainRunner(model, f"the model has {', '.join(kinds)} layers")
    if not model._supports_attention_backend:
        return PlainRunner(model, f"{type(model).__name__} takes no attention function")
    own = model.config._attn_implementation
    expected = _trial(PlainRunner(model, "trial"), model)
    runner = BatchedRunner(model, slots)
    try:
        why = "" if _close(_trial(runner, model), expected, model.dtype) else "batched attention gives other numbers"
    except (NotImplementedError, TypeError, ValueError, IndexError, AttributeError, KeyError) as error:
        why = f"batched attention does not run it ({type(error).__name__}: {error})"
    if not why:
        runner.learn_sizes()
    else:
        model.set_attn_implementation(own)
        return PlainRunner(model, why)
    return runner


def context_of(model: PreTrainedModel) -> int | None:
    """The most tokens the model was made for, if it says."""
    limit = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    return limit if isinstance(limit, int) and limit > 0 else None


def _trial(runner: Runner, model: PreTrainedModel) -> Tensor:
    """The logits of two conversations, one over a prefix, each read, then written, then read again."""
    vocabulary = model.config.get_text_config(decoder=True).vocab_size
    long = min(_SHORTEST_PREFIX + 9, (context_of(model) or CHUNK) - 4)
    ids = [(7 * index * index + 3 * index) % vocabulary for index in range(long)]
    rows = [Row(wanted=tuple(ids[:_SHORTEST_PREFIX])), Row()]
    seen = []
    for slot, (row, length) in enumerate(zip(rows, (long, long // 2), strict=True)):
        runner.admit(row, slot)
        seen.append(runner.read(row, ids[:length]))
    seen += list(runner.write(rows, ids[1:3]))
    seen += [runner.read(row, ids[3:6]) for row in rows]
    for row in rows:
        runner.release(row)
    return torch.stack(seen)


def _close(found: Tensor, expected: Tensor, dtype: torch.dtype) -> bool:
    """Equal up to what rounding does in the model's number format."""
    scale = expected.abs().amax().clamp_min(1e-6)
    return bool((found - expected).abs().amax() / scale < (1e-3 if dtype == torch.float32 else 5e-2))
