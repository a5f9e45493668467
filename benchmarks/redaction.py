"""What `--redact` costs: the time of an evaluation with it against one without, and its milliseconds a record.

    python benchmarks/redaction.py [--suite sop/refund] [--model oracle] [--adapter NAME] [--limit N] [--rounds 5]

Runs with and without take turns, on the same cases; of several rounds the best of each counts, in processor time. Run
and re-scoring are told apart. `--model gossip` is a script that tells the case's data in every turn and makes some up,
so that every record is played twice: the worst case. Other models are those of the command line.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from samescore.harness.api import load_suite
from samescore.harness.case import Case
from samescore.harness.cli.loading import worlds_of
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.plan import Plan
from samescore.harness.policies import load_policy
from samescore.harness.policies.script import ScriptPolicy
from samescore.harness.policy import Policy, Sampling
from samescore.harness.rescore import rescore
from samescore.harness.run import Run
from samescore.harness.types import Message


def gossip(case: Case, sampling: Sampling) -> Iterator[Message]:
    """Gold, with every text fact of the case and a stranger's address in every thinking."""
    told = " ".join(value for value in case.facts.values() if isinstance(value, str))
    for turn in case.gold:
        yield Message("assistant", turn.content, thinking=f"{told} stranger@example.net 0901234567", calls=turn.calls)


def main() -> None:
    """Print the ratios and the cost of a record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="sop/refund")
    parser.add_argument("--model", default="oracle")
    parser.add_argument("--adapter")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    policy: Policy = (
        ScriptPolicy("gossip", gossip)
        if options.model == "gossip"
        else load_policy(options.model, adapter=options.adapter)
    )
    suite = load_suite(options.suite)
    plan, worlds = Plan.make([suite], limit=options.limit), worlds_of([suite])
    best: dict[tuple[str, bool], float] = {}
    for _ in range(options.rounds):
        for redact in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                run = Run.create(Path(folder), plan, policy, worlds, suites=[suite], redact=redact)
                began = time.process_time()
                evaluate_sync([suite], policy, worlds, plan, run)
                scoring = time.process_time()
                list(rescore(run, [suite], worlds))
                ended = time.process_time()
            for what, seconds in (("eval", scoring - began), ("score", ended - scoring)):
                best[what, redact] = min(seconds, best.get((what, redact), seconds))
    for what in ("eval", "score"):
        with_it, without = best[what, True], best[what, False]
        print(
            f"{what:5} {options.model}, {len(plan)} records: {with_it:.2f} s with --redact, {without:.2f} s without, "
            f"ratio {with_it / without:.2f}, {(with_it - without) / len(plan) * 1000:.2f} ms a record"
        )


if __name__ == "__main__":
    main()
