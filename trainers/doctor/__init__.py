"""`samescore doctor`: the questions to settle before a fine-tune, one a file, each answered with its evidence."""

from __future__ import annotations

from collections.abc import Iterator

from samescore.harness.cli.errors import say
from samescore.trainers.doctor import (
    cost,
    leakage,
    method,
    need,
    overfitting,
    personal,
    serving,
    splits,
    template,
    volume,
)
from samescore.trainers.doctor.inputs import Given, Inputs
from samescore.trainers.doctor.verdict import Answer, Level, NotAtHand, Question, Remark, Verdict

__all__ = ["QUESTIONS", "Answer", "Given", "Level", "Question", "Remark", "Verdict", "examine"]

QUESTIONS: tuple[Question, ...] = (
    need.QUESTION,
    volume.QUESTION,
    template.QUESTION,
    method.QUESTION,
    splits.QUESTION,
    leakage.QUESTION,
    overfitting.QUESTION,
    serving.QUESTION,
    cost.QUESTION,
    personal.QUESTION,
)
"""In the order in which they are asked."""


def examine(given: Given) -> Iterator[Answer]:
    """Ask every question, one after another; each is answered as far as what was given allows.

    Raises:
        UsageError: something that was given is wrong.
    """
    inputs = Inputs(given)
    if given.config is not None and given.kind is None:
        say(f"note: {given.config} is read as for train {inputs.kind}; --kind says otherwise")
    for question in QUESTIONS:
        try:
            yield Answer(question, question.ask(inputs))
        except NotAtHand as lacking:
            yield Answer(question, None, str(lacking))
