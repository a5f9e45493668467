"""samescore's core: types, tools, dialects, environment, rollout, scorers, policies, evidence and runs.

from samescore.harness import RUBRIC, evaluate_suite
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samescore.harness.api import evaluate_suite as evaluate_suite, load_suite as load_suite
    from samescore.harness.case import Case as Case, Expectation as Expectation
    from samescore.harness.environment import (
        Environment as Environment,
        Facts as Facts,
        Fault as Fault,
        ToolError as ToolError,
        World as World,
        tool as tool,
    )
    from samescore.harness.errors import ExitCode as ExitCode, SamescoreError as SamescoreError
    from samescore.harness.evaluate import Evaluation as Evaluation, evaluate_sync as evaluate_sync
    from samescore.harness.mutants import Mutant as Mutant, with_final as with_final
    from samescore.harness.plan import Plan as Plan
    from samescore.harness.policies import load_policy as load_policy
    from samescore.harness.policies.function import FunctionPolicy as FunctionPolicy
    from samescore.harness.policy import Conversation as Conversation, Policy as Policy, Sampling as Sampling
    from samescore.harness.rescore import Scored as Scored
    from samescore.harness.results import Metric as Metric, Results as Results, summarise as summarise
    from samescore.harness.rollout import Limits as Limits
    from samescore.harness.run import Run as Run
    from samescore.harness.scorer import PASS as PASS, Context as Context, Rubric as Rubric, Scorer as Scorer
    from samescore.harness.scorers import RUBRIC as RUBRIC, SCORERS as SCORERS
    from samescore.harness.tools import Tool as Tool, Toolset as Toolset
    from samescore.harness.types import (
        Call as Call,
        Completion as Completion,
        Message as Message,
        Score as Score,
        Trajectory as Trajectory,
        Turn as Turn,
    )

_HOMES = {
    "api": ("evaluate_suite", "load_suite"),
    "case": ("Case", "Expectation"),
    "environment": ("Environment", "Facts", "Fault", "ToolError", "World", "tool"),
    "errors": ("ExitCode", "SamescoreError"),
    "evaluate": ("Evaluation", "evaluate_sync"),
    "mutants": ("Mutant", "with_final"),
    "plan": ("Plan",),
    "policies": ("load_policy",),
    "policies.function": ("FunctionPolicy",),
    "policy": ("Conversation", "Policy", "Sampling"),
    "rescore": ("Scored",),
    "results": ("Metric", "Results", "summarise"),
    "rollout": ("Limits",),
    "run": ("Run",),
    "scorer": ("PASS", "Context", "Rubric", "Scorer"),
    "scorers": ("RUBRIC", "SCORERS"),
    "tools": ("Tool", "Toolset"),
    "types": ("Call", "Completion", "Message", "Score", "Trajectory", "Turn"),
}
_WHERE = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Public names are loaded when first used, so that importing the package, and `samescore --help`, stay quick."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)


__all__ = sorted(_WHERE)
