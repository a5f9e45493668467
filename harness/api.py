"""The short way from Python: a suite and a policy in, a scored run out."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from samescore.harness.blocking import blocking
from samescore.harness.case import Split
from samescore.harness.evaluate import Evaluation, OnResult, evaluate_sync
from samescore.harness.lexicon import Locale
from samescore.harness.plan import CaseSuite, Plan, Procedure
from samescore.harness.policies import is_api, load_policy
from samescore.harness.policy import Policy
from samescore.harness.rollout import DEFAULT_LIMITS, Limits
from samescore.harness.run import Run
from samescore.harness.scorer import Rubric


def load_suite(
    name: str, split: Split = "eval", locales: Iterable[Locale] | None = None, procedure: Procedure = "weights"
) -> CaseSuite:
    """A suite by name, as on the command line, or by the path of its file or folder.

    `procedure` says where the model has it from: `prompt` puts it into the system message of every case.

    Raises:
        UnknownName, UsageError, LockError: there is none, or its file or lock file is wrong.
    """
    suite: CaseSuite = import_module("samescore.suites.catalog").load_suite(name, split, locales, procedure)
    return suite


def evaluate_suite(
    suite: CaseSuite | str,
    policy: Policy | str,
    out: Path | str,
    *,
    limit: int | None = None,
    epochs: int = 1,
    seed: int = 0,
    temperature: float = 0.0,
    limits: Limits = DEFAULT_LIMITS,
    rubric: Rubric | None = None,
    redact: bool = False,
    concurrency: int = 16,
    on_result: OnResult | None = None,
) -> Evaluation:
    """Plan, run, record in the new directory `out`, and score. A policy given by name is closed at the end.

    A suite given by name is loaded as `samescore eval` loads it: models of APIs get the procedure in the prompt.

    For steps of your own, such as carrying a run on, or several suites in one run: `Plan.make`, `Run.create` or
    `Run.open`, and `evaluate_sync`.

    Raises:
        UsageError: there is a run in `out` already; or as `load_suite` and `load_policy`.
        InfrastructureError: the run could not be completed; see `evaluate_sync`.
    """
    from samescore.harness.cli.loading import worlds_of

    if isinstance(suite, str):
        suite = load_suite(suite, procedure="prompt" if _asks_api(policy) else "weights")
    worlds = worlds_of([suite])
    plan = Plan.make([suite], epochs=epochs, seed=seed, temperature=temperature, limits=limits, limit=limit)
    model = load_policy(policy, worlds=worlds) if isinstance(policy, str) else policy
    try:
        run = Run.create(Path(out), plan, model, worlds, suites=[suite], redact=redact)
        return evaluate_sync(
            [suite], model, worlds, plan, run, concurrency=concurrency, on_result=on_result, rubric=rubric
        )
    finally:
        if isinstance(policy, str):
            blocking(model.aclose())


def _asks_api(policy: Policy | str) -> bool:
    return is_api(policy) if isinstance(policy, str) else policy.describe().get("backend") == "inspect"
