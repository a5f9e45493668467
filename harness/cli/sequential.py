"""`samescore eval --sequential`: what is checked before a run that is judged while it goes on, and what is said."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness.cli.asked import SequentialAsked
from samescore.harness.cli.choices import ServerName
from samescore.harness.cli.errors import say
from samescore.harness.errors import Incomparable, UsageError
from samescore.harness.run import Run

if TYPE_CHECKING:
    from samescore.harness.gate.looks import Look
    from samescore.harness.gate.policy import Policy as GatePolicy
    from samescore.harness.gate.verdict import Verdict
    from samescore.harness.plan import CaseSuite, Plan

LOOKS = 4


@dataclass(frozen=True, slots=True)
class Identical:
    """A candidate that is the baseline's own model: there is nothing to run."""

    model: str
    suites: tuple[str, ...]
    verdict: Verdict

    def told(self, as_json: bool) -> None:
        """Print that, and how it is judged all the same."""
        from samescore.harness.gate.told import as_json as verdict_json, sentence

        if not as_json:
            print(f"{self.verdict.decision.value.upper()}  {self.model}: {sentence(self.verdict)}")
            print("Nothing was run. To judge it by its numbers all the same, as a test of the gate: --same-model")
            return
        shown = {
            "status": self.verdict.decision.value,
            "exit": int(self.verdict.exit),
            "run": None,
            "suites": list(self.suites),
            "model": self.model,
            "cases": 0,
            "metrics": {},
            "gate": verdict_json(self.verdict),
        }
        print(json.dumps(shown, ensure_ascii=False, allow_nan=False), flush=True)


@dataclass(frozen=True, slots=True)
class Gated:
    """The gate's verdict on a run that was judged while it went on, and the baseline."""

    verdict: Verdict
    baseline: Run

    def to_json(self, run: Run) -> dict[str, Any]:
        """As `samescore gate --json` prints it."""
        from samescore.harness.gate.told import as_json

        return as_json(self.verdict) | {"candidate": [str(run.directory)], "baseline": str(self.baseline.directory)}

    def print(self, run: Run) -> None:
        """The look, the decision, and the command that says all of it."""
        from rich.text import Text

        from samescore.harness.cli.gate_table import decision_in_words, screen
        from samescore.harness.cli.printable import print_hanging, printable
        from samescore.harness.gate.told import look_in_words

        console = screen()
        if self.verdict.sequential is not None:
            print_hanging(console, Text("gate: "), Text(printable(look_in_words(self.verdict.sequential))))
        decision_in_words(console, self.verdict)
        command = shlex.join(["samescore", "gate", str(run.directory), str(self.baseline.directory)])
        print_hanging(console, Text("all of it: "), Text(printable(command)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What runs that begin now are judged against: the baseline, as it was `named` and as it lies there."""

    baseline: Run
    named: str
    policy: GatePolicy
    looks: int
    same_model: bool

    def with_candidate(self, candidate: Run) -> Identical | None:
        """Make sure that a candidate can be compared, of which nothing is on disk yet. Says what else differs.

        Raises:
            Incomparable: it cannot.
        """
        from samescore.harness.cli.report import model_label
        from samescore.harness.gate.looks import of_one_model, require_comparable
        from samescore.harness.gate.verdict import Decision, Verdict

        warned = require_comparable(candidate, self.baseline)
        if of_one_model(candidate, self.baseline) and not self.same_model:
            verdict = Verdict(Decision.IDENTICAL, identical=True, warnings=warned)
            return Identical(model_label(candidate), tuple(one.name for one in candidate.plan.suites), verdict)
        for words in warned:
            say(f"warning: {words}")
        return None

    def planned(self, directory: Path, plan: Plan) -> Mapping[str, Any]:
        """What the run in this directory records of it."""
        from samescore.harness.gate.sequential import Sequential

        return Sequential.make(
            directory, plan, self.baseline, self.policy, self.looks, named=self.named, same_model=self.same_model
        ).to_json()


def require_sequential(asked: SequentialAsked, check: bool, as_served: ServerName | None) -> None:
    """Make sure that the options go together.

    Raises:
        UsageError: some say how a run is judged that is not to be judged; or a server is asked about too.
        Incomparable: targets are to be judged, too.
    """
    if asked.baseline is None:
        if asked.beside:
            raise UsageError(
                f"{', '.join(asked.beside)} says how a run is judged while it goes on. Add --sequential BASELINE, or "
                "leave it out."
            )
        return
    if check:
        raise Incomparable(
            f"--check judges targets, and a run that ends when its verdict against {asked.baseline} is certain shows "
            "numbers that lean to what ended it. Evaluate without --sequential, or leave out --check."
        )
    if as_served is not None:
        raise UsageError(
            "--as-served asks about all conversations of the plan, and --sequential may end before the last. Leave "
            "one of them out."
        )


def compared_with(asked: SequentialAsked, model: str, plan: Plan, suites: Sequence[CaseSuite]) -> Comparison:
    """What is to be compared, with all that can be wrong with it before a model is loaded; says when the looks are.

    Raises:
        UsageError: the policy is wrong, judges a metric that no case has, or there are too many looks.
        InfrastructureError: the baseline is incomplete.
        Incomparable: it was ended early itself, or has too few of the cases.
    """
    from samescore.harness.cli.loading import cases_of
    from samescore.harness.cli.plan_table import looks_in_words
    from samescore.harness.gate.looks import require_baseline
    from samescore.harness.gate.policy import DEFAULT, load_policy
    from samescore.harness.gate.sequential import looks_of
    from samescore.harness.planning import known_from_cases, looks_at
    from samescore.harness.registry.named import baseline_directory

    assert asked.baseline is not None, "asked before"
    policy = DEFAULT if asked.policy is None else load_policy(asked.policy)
    names = [suite.name for suite in plan.suites]
    baseline = Run.open(baseline_directory(asked.baseline, names, model, asked.registry))
    looks = asked.looks or LOOKS
    looks_of(plan, policy, looks)
    require_baseline(plan, baseline, policy)
    ids = {case.id for case in plan.cases}
    known = known_from_cases([case for case in cases_of(suites) if case.id in ids])
    say(f"looks: {looks_in_words(looks_at(known, policy, len(plan.cases), looks), policy)}")
    return Comparison(baseline, str(asked.baseline), policy, looks, asked.same_model)


def baseline_again(run: Run, asked: SequentialAsked, check: bool, as_served: ServerName | None) -> Run | None:
    """The baseline of a run that is carried on; None where it is not judged while it goes on.

    Raises:
        UsageError: what was planned is asked otherwise; or the baseline is not to be found.
        EvidenceDamaged: it is not as it was.
        Incomparable: targets are to be judged, and the run was or may be ended early.
    """
    from samescore.harness.gate.sequential import Sequential

    planned = Sequential.of(run)
    if asked.beside:
        raise UsageError(f"--resume carries a run on as it was planned. Leave out {', '.join(asked.beside)}.")
    if planned is None:
        if asked.baseline is not None:
            raise UsageError(
                f"{run.directory} was not begun with --sequential: looks are planned before the first case. Leave it "
                "out, or begin a new run."
            )
        return None
    whole = run.manifest.completed is not None and run.ended_early is None
    require_sequential(SequentialAsked(Path(planned.named)), check and not whole, as_served)
    if run.ended_early is not None:
        say(
            f"note: this run ended at {run.ended_early}, when its verdict was certain: no further case is run. All "
            "cases are those of a new run without --sequential."
        )
    return planned.find_baseline(run, asked.baseline)


def gated(run: Run, baseline: Run | None) -> Gated | None:
    """The gate's verdict on a run whose looks are over; None of any other run."""
    from samescore.harness.gate import gate

    if baseline is None or run.manifest.completed is None:
        return None
    return Gated(gate(run, baseline), baseline)


def tell_look(look: Look) -> None:
    """How a run stands at a look, on stderr."""
    from samescore.harness.gate.told import at_look_line

    print(at_look_line(look.verdict), file=sys.stderr, flush=True)
