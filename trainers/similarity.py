"""Likeness of replies to the gold replies, as an embedding model sees it: a reward of the trainers only.

It is no scorer: it is not pure, as it depends on the weights of a model and on how they are computed, and it knows no
facts. It may teach a tone, beside scorers that judge what is said. A passport says that it was used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.errors import UsageError
from samescore.harness.renderer import Renderer
from samescore.trainers.base import base_path

if TYPE_CHECKING:
    import torch

REMEMBERED = 4096
"""Texts whose embedding is kept: gold replies come again and again."""


class Similarity:
    """An embedding model of Transformers: any encoder or decoder. A text is the mean of its last hidden states.

    A text is computed alone, in float32, so that its embedding does not depend on others. What is longer than the model
    reads is cut.
    """

    def __init__(self, name: str, weights: str, model: Any, tokenizer: Any) -> None:
        self.name = name
        self.weights = weights
        self._model = model
        self._tokenizer = tokenizer
        limits = (tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None))
        self._limit = min(limit for limit in limits if limit)
        self._embedding = lru_cache(REMEMBERED)(self._embed)

    @classmethod
    def load(cls, name: str) -> Similarity:
        """The model of that name, `hf/PATH_OR_ID`; on a GPU where there is one.

        Raises:
            UnknownName, UsageError: there is none, or it cannot be used.
        """
        import torch
        from transformers import AutoModel, AutoTokenizer

        from samescore.harness.policies.model_files import first_line, weights_digest

        folder = base_path(name)
        try:
            # Layers that a checkpoint lacks, such as a pooler, are filled at random: training must not notice.
            with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
                model = AutoModel.from_pretrained(folder, dtype=torch.float32, trust_remote_code=False)
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            raise UsageError(
                f"similarity {name!r}: {folder} cannot be loaded as an embedding model: {first_line(error)} Give an "
                "encoder or a decoder with its tokenizer."
            ) from None
        if model.config.is_encoder_decoder:
            raise UsageError(
                f"similarity {name!r}: {type(model).__name__} is an encoder and a decoder. Give one of them, such as "
                "a sentence encoder."
            )
        placed = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(name, weights_digest(folder), model.to(placed).eval().requires_grad_(False), tokenizer)

    def of(self, reply: str, gold: str) -> float:
        """The cosine of the embeddings of two texts, in [0, 1]: a negative one counts as 0, and so does no text."""
        import torch

        if not reply.strip() or not gold.strip():
            return 0.0
        cosine = torch.nn.functional.cosine_similarity(self._embedding(reply), self._embedding(gold), dim=0)
        return min(1.0, max(0.0, float(cosine)))

    def to_json(self) -> dict[str, str]:
        """What identifies it."""
        return {"model": self.name, "weights": self.weights}

    def _embed(self, text: str) -> torch.Tensor:
        import torch

        given = self._tokenizer(text, truncation=True, max_length=self._limit, return_tensors="pt")
        with torch.inference_mode():
            states = self._model(**given.to(self._model.device)).last_hidden_state
        mean: torch.Tensor = states[0].mean(dim=0)
        return mean


def similarity_reward(
    similarity: Similarity, prompts: Mapping[str, Case], renderer: Renderer, dialect: Dialect
) -> Callable[..., list[float | None]]:
    """A reward function as TRL calls it, from token ids alone, as those of `samescore.trainers.grpo.rewards`.

    Where gold ends in a call there is no reply to be like: None. A turn that is malformed, truncated or a call where
    gold replies scores 0. A failed rollout is None, as in every function.
    """

    def reward(
        prompts: Sequence[str],
        completion_ids: Sequence[Sequence[int]],
        spans: Sequence[Sequence[Sequence[int]]],
        failed: Sequence[bool],
        **columns: Any,
    ) -> list[float | None]:
        rewards: list[float | None] = []
        for key, ids, turns, lost in zip(prompts, completion_ids, spans, failed, strict=True):
            gold = exemplar(cases[key])
            if lost or gold is None:
                rewards.append(None)
                continue
            start, end = turns[-1]
            turn = dialect.parse(renderer.completion(tuple(ids[start:end]), ()), cases[key].toolset)
            replied = not (turn.defects or turn.attempts)
            rewards.append(similarity.of(turn.content, gold) if replied else 0.0)
        return rewards

    cases = prompts
    reward.__name__ = "similarity"
    return reward


def exemplar(case: Case) -> str | None:
    """The gold reply that a completion of this case should be like: of a decision the turn asked for, else the last."""
    turn = case.gold[case.prefix if case.decision else -1]
    return None if turn.calls else turn.content
