"""How many cases `samescore eval --sequential` would have saved of a run that was recorded whole.

    python benchmarks/sequential_savings.py RUN BASELINE [--policy gate.toml] [--looks 4] [--orders 200]
    python benchmarks/sequential_savings.py RUN BASELINE --lose 0.1    # 10% of its cases fail, drawn anew each time

The looks are taken at the recorded scores in many random orders, by the code of the gate, and beside that the run is
judged as a whole, once. Prints after how many cases the looks ended on average, and how often as what. Every order is
another draw of the cases that come first; the run itself is one.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from samescore.harness.gate.comparable import common_cases
from samescore.harness.gate.comparing import compared
from samescore.harness.gate.looks import verdict_of_looks
from samescore.harness.gate.policy import DEFAULT, Policy, load_policy
from samescore.harness.gate.scores import RunScores, held_scores, with_scores
from samescore.harness.gate.sequential import Sequential
from samescore.harness.kept import Outcome
from samescore.harness.run import Run


def lost(scores: RunScores, share: float, seed: int) -> RunScores:
    """The same with a share of the passing cases failing, each with all its epochs and in all its metrics."""
    draw = random.Random(seed)
    outcomes = {
        case: tuple(map(_failed, epochs)) if draw.random() < share else epochs
        for case, epochs in scores.outcomes.items()
    }
    return replace(scores, outcomes=outcomes)


def measure(
    candidate: Run, baseline: Run, policy: Policy, looks: int, orders: int, lose: float
) -> tuple[Counter[str], Counter[str], list[int]]:
    """What whole runs and looks decide, and after how many cases the looks ended; one of each an order."""
    scores, before = (with_scores(held_scores(run)) for run in (candidate, baseline))
    common = common_cases(candidate.plan.cases, baseline.plan.cases)
    whole: Counter[str] = Counter()
    looked: Counter[str] = Counter()
    cases = []
    for seed in range(orders):
        plan = replace(candidate.plan, seed=seed)
        planned = Sequential.make(candidate.directory, plan, baseline, policy, looks)
        after = lost(scores, lose, seed) if lose else scores
        whole[compared([after], before, common, policy).decision.value] += 1
        verdict = verdict_of_looks(after, before, common, planned)
        assert verdict.sequential is not None
        looked[verdict.decision.value] += 1
        cases.append(verdict.sequential.cases)
    return whole, looked, cases


def _failed(outcome: Outcome) -> Outcome:
    return outcome._replace(scores=dict.fromkeys(outcome.scores, 0.0))


def _words(decisions: Counter[str]) -> str:
    return ", ".join(f"{name} {times / decisions.total():.0%}" for name, times in decisions.most_common())


def main() -> None:
    """Print one line on the runs, and one on the looks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("baseline", type=Path)
    parser.add_argument("--policy", type=Path)
    parser.add_argument("--looks", type=int, default=4)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--lose", type=float, default=0.0)
    asked = parser.parse_args()
    policy = DEFAULT if asked.policy is None else load_policy(asked.policy)
    candidate, baseline = Run.open(asked.run), Run.open(asked.baseline)
    began, planned = time.perf_counter(), len(candidate.plan.cases)
    whole, looked, cases = measure(candidate, baseline, policy, asked.looks, asked.orders, asked.lose)
    mean = sum(cases) / len(cases)
    worse = f", {asked.lose:.0%} of them lost" if asked.lose else ""
    print(f"{asked.run} against {asked.baseline}: {planned} cases{worse}; as whole runs {_words(whole)}")
    print(
        f"{asked.looks} looks: {_words(looked)}; {mean:.0f} of {planned} cases on average ({1 - mean / planned:.0%} "
        f"saved), in {asked.orders} orders, {time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
