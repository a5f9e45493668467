"""Do cases that are to judge the model stand in what it learns from?"""

from __future__ import annotations

from collections import Counter

from samescore.trainers.doctor.inputs import Inputs
from samescore.trainers.doctor.verdict import Level, Question, Remark, Verdict
from samescore.trainers.leakage import check_leakage


def ask(inputs: Inputs) -> Verdict:
    """Compare everything that is learned from with dev and eval."""
    held_out = [*inputs.dev.cases, *inputs.eval.cases]
    overlap = check_leakage(inputs.texts(), held_out)
    items, cases = overlap.compared
    found = "nothing of users' words or facts is in both" if not overlap.found else overlap.words()
    evidence = f"{items:,} training items against {cases:,} cases of dev and eval: {found}"
    figures = {
        "training": list(overlap.training),
        "cases": list(overlap.cases),
        "kinds": dict(Counter(shared.kind for shared in overlap.found)),
        "found": [
            {"kind": one.kind, "training": one.training, "case": one.case, "split": one.split, "shared": one.text}
            for one in overlap.found
        ],
    }
    remarks = tuple(
        Remark(Level.STOP, shared.words(), "Take it out, or hold another case out.") for shared in overlap.examples
    )
    return Verdict(evidence, remarks, figures)


QUESTION = Question("leakage", "Does the training data leak held-out cases?", ask)
