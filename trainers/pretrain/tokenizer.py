"""The byte-level BPE tokenizer of the tiny model: a token per digit, Vietnamese as compact as English."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MARKERS = (
    "<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<tools>", "</tools>",
)  # fmt: skip
"""Added tokens that are not special, as in Qwen3: decoding keeps them."""

_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def train_tokenizer(documents: Iterable[str], vocabulary: int) -> Tokenizer:
    """Train a tokenizer of exactly `vocabulary` entries, special tokens and markers included."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(MARKERS),
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_without_markers(documents), trainer)
    tokenizer.add_tokens([AddedToken(marker, normalized=False, special=False) for marker in MARKERS])
    if tokenizer.get_vocab_size() != vocabulary:
        raise ValueError(
            f"the corpus sample gives {tokenizer.get_vocab_size()} tokens, not {vocabulary}: train on more documents"
        )
    return tokenizer


def token_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of a token that must exist."""
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no token {token!r}: it was not trained by this recipe")
    return int(found)


def _without_markers(documents: Iterable[str]) -> Iterable[str]:
    for document in documents:
        for marker in SPECIAL_TOKENS + MARKERS:
            document = document.replace(marker, "")
        yield document


def save_tokenizer(tokenizer: Tokenizer, template: Path, max_length: int, folder: Path) -> PreTrainedTokenizerBase:
    """Write the tokenizer with its chat template, as AutoTokenizer loads them."""
    from transformers import PreTrainedTokenizerFast

    pad, _, end = SPECIAL_TOKENS
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=end,
        pad_token=pad,
        additional_special_tokens=[SPECIAL_TOKENS[1]],
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )
    wrapped.chat_template = template.read_text(encoding="utf-8")
    wrapped.save_pretrained(folder)
    return wrapped
