"""The corpus as text and tokens: rendering with the assistant's part marked, packing into windows, seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from samescore.trainers.pretrain.conversations import Conversation, generate
from samescore.trainers.pretrain.dialogue import Message
from samescore.trainers.pretrain.tokenizer import token_id

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

TEMPLATE = Path(__file__).resolve().parents[2] / "fixtures" / "models" / "tiny" / "chat_template.jinja"
DOCUMENT_END = "<|endoftext|>"
EVALUATION_SEEDS = 1 << 62
"""Seeds from here on are never drawn for training."""


def assistant_text(message: Message) -> str:
    """An assistant turn as the model must write it, end of turn included."""
    calls = [
        f'<tool_call>\n{{"name": {json.dumps(call["function"]["name"])}, "arguments": '
        f"{json.dumps(call['function']['arguments'], ensure_ascii=False)}}}\n</tool_call>"
        for call in _calls(message)
    ]
    visible = "\n".join(([str(message["content"])] if message["content"] else []) + calls)
    return f"<think>\n{message['reasoning_content']}\n</think>\n\n{visible}<|im_end|>"


def _calls(message: Message) -> list[dict[str, Any]]:
    calls: Any = message.get("tool_calls", [])
    return list(calls)


def segments(conversation: Conversation) -> list[tuple[str, bool]]:
    """The rendered conversation in pieces, each with whether the assistant writes it."""
    pieces: list[tuple[str, bool]] = []
    pending = ""
    for index, message in enumerate(conversation.messages):
        role, content = str(message["role"]), str(message["content"])
        if role == "assistant":
            pieces += [(pending + "<|im_start|>assistant\n", False), (assistant_text(message), True)]
            pending = "\n"
            continue
        if index == 0:
            content += "\n\n<tools>\n" + "\n".join(tool.line for tool in conversation.toolset.tools) + "\n</tools>"
        if role == "tool":
            content = f"<tool_response>\n{content}\n</tool_response>"
        pending += f"<|im_start|>{role}\n{content}<|im_end|>\n"
    return [*pieces, (pending, False)]


def text(conversation: Conversation) -> str:
    """The whole rendered conversation."""
    return "".join(piece for piece, _ in segments(conversation))


def document_seed(master: int, index: int) -> int:
    """The seed of a document, spread so that neighbours share nothing; always below the evaluation's seeds."""
    digest = hashlib.blake2b(f"{master}:{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % EVALUATION_SEEDS


def fingerprint(master: int, count: int) -> str:
    """SHA-256 over the text of the first `count` documents."""
    digest = hashlib.sha256()
    for index in range(count):
        digest.update(text(generate(document_seed(master, index))).encode())
    return digest.hexdigest()


def encode(tokenizer: Tokenizer, conversation: Conversation) -> tuple[list[int], list[bool]]:
    """Token ids of a document, and for each whether the model is trained to predict it."""
    pieces = segments(conversation)
    pieces[-1] = (pieces[-1][0] + DOCUMENT_END, False)
    ids: list[int] = []
    mask: list[bool] = []
    encodings = tokenizer.encode_batch_fast([piece for piece, _ in pieces], add_special_tokens=False)
    for (_, trained), encoding in zip(pieces, encodings, strict=True):
        ids += encoding.ids
        mask += [trained] * len(encoding.ids)
    return ids, mask


def pack(
    documents: Sequence[tuple[list[int], list[bool]]], length: int, pad: int
) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Documents, whole, in windows of `length` tokens by best fit; documents that are longer are dropped."""
    bins: list[list[tuple[list[int], list[bool]]]] = []
    room: list[int] = []
    for document in sorted(documents, key=lambda d: -len(d[0])):
        size = len(document[0])
        if size > length:
            continue
        fits = [index for index, free in enumerate(room) if free >= size]
        if fits:
            best = min(fits, key=room.__getitem__)
            bins[best].append(document)
            room[best] -= size
        else:
            bins.append([document])
            room.append(length - size)
    ids = np.full((len(bins), length), pad, dtype=np.uint16)
    mask = np.zeros((len(bins), length), dtype=np.bool_)
    for row, members in enumerate(bins):
        flat = [token for member in members for token in member[0]]
        ids[row, : len(flat)] = flat
        mask[row, : len(flat)] = [trained for member in members for trained in member[1]]
    return ids, mask


def shard(tokenizer: Tokenizer, master: int, number: int, documents: int, length: int) -> tuple[Any, Any, int]:
    """Shard `number` of the corpus: windows, their masks, and how many tokens are not padding."""
    pad = token_id(tokenizer, DOCUMENT_END)
    first = number * documents
    encoded = [encode(tokenizer, generate(document_seed(master, index))) for index in range(first, first + documents)]
    ids, mask = pack(encoded, length, pad)
    order = np.random.default_rng([master, number]).permutation(len(ids))
    return ids[order], mask[order], sum(len(item) for item, _ in encoded if len(item) <= length)


def texts(master: int, start: int, stop: int) -> Iterator[str]:
    """Rendered documents, for the tokenizer's training."""
    for index in range(start, stop):
        yield text(generate(document_seed(master, index)))
