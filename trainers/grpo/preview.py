"""What GRPO would do, for `--dry-run`: its prompts, and the longest sequence that its limits allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from samescore.harness.case import Case
from samescore.trainers.config import GrpoConfig
from samescore.trainers.grpo.prompts import Prompts
from samescore.trainers.preview import Workload
from samescore.trainers.samples import gold_lessons, samples_of
from samescore.trainers.training import Training

_TRIED = 30  # cases with the most text, which are rendered to find the longest
_SLOTS = 64  # conversations that the engine has at once


def workload(training: Training[GrpoConfig], prompts: Prompts, data: Mapping[str, Any]) -> Workload:
    """How much there is to do. Memory is that of a batch in which every completion runs into its limit."""
    config, material = training.config, training.material
    longest = sorted(material.cases, key=_text, reverse=True)[:_TRIED]
    lessons = gold_lessons(replace(material, cases=tuple(longest)))
    samples = list(samples_of(lessons, training.renderer, training.dialect))
    most = max(samples, key=lambda sample: len(sample.example.ids))
    limit = config.turn_tokens if config.shape == "decision" else config.completion_tokens
    # In an episode what tools and the user say counts as completion, too.
    beside = 0 if config.shape == "decision" else len(most.example.ids) - most.example.mask.index(1)
    return Workload(
        counts={"prompts": len(prompts), "completions a step": config.group * config.prompts},
        data=data,
        steps=config.steps,
        longest=min(len(most.example.ids) + limit, config.max_tokens),
        source=f"{most.source} and up to {limit:,} tokens more",
        sequences=config.batch_size,
        learned=min(beside + limit, config.max_tokens),
        together=min(_SLOTS, config.group * config.prompts),
    )


def _text(case: Case) -> int:
    return len(case.opening) + sum(len(turn.content) + len(turn.thinking or "") for turn in case.gold)
