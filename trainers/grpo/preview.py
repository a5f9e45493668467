"""What GRPO would do, for `--dry-run`: its prompts, and the longest sequence that its limits allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from samescore.harness.case import Case
from samescore.trainers.config import GrpoConfig
from samescore.trainers.grpo.prompts import Prompts
from samescore.trainers.grpo.sizes import Size, longest, together
from samescore.trainers.preview import Workload
from samescore.trainers.samples import gold_lessons, samples_of
from samescore.trainers.training import Training

_TRIED = 30  # cases with the most text, which are rendered to find the longest


def workload(training: Training[GrpoConfig], prompts: Prompts, data: Mapping[str, Any], size: Size) -> Workload:
    """How much there is to do. Memory is that of a batch in which every completion runs into its limit."""
    config = training.config
    tokens = min(size.prompt + size.completion, config.max_tokens)
    return Workload(
        counts={"prompts": len(prompts), "completions a step": config.group * config.prompts},
        data=data,
        steps=config.steps,
        longest=tokens,
        source=size.words(config.max_tokens),
        sequences=config.batch_size,
        learned=tokens - size.prompt,
        together=together(config),
    )


def longest_of(training: Training[GrpoConfig]) -> Size:
    """The longest sequence among those of the cases with the most text."""
    some = sorted(training.material.cases, key=_text, reverse=True)[:_TRIED]
    lessons = gold_lessons(replace(training.material, cases=tuple(some)))
    return longest(training.config, list(samples_of(lessons, training.renderer, training.dialect)))


def _text(case: Case) -> int:
    return len(case.opening) + sum(len(turn.content) + len(turn.thinking or "") for turn in case.gold)
