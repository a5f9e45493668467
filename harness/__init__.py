"""samescore's core: types, tools, dialects, environment, rollout, scorers, policies, evidence and runs.

from samescore.harness import RUBRIC, Case, load_policy
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samescore.harness.case import Case as Case, Expectation as Expectation
    from samescore.harness.environment import (
        Environment as Environment,
        ToolError as ToolError,
        World as World,
        tool as tool,
    )
    from samescore.harness.errors import ExitCode as ExitCode, SamescoreError as SamescoreError
    from samescore.harness.policies import load_policy as load_policy
    from samescore.harness.policy import Policy as Policy, Sampling as Sampling
    from samescore.harness.rollout import Limits as Limits
    from samescore.harness.run import Run as Run
    from samescore.harness.scorer import Rubric as Rubric, Scorer as Scorer
    from samescore.harness.scorers import RUBRIC as RUBRIC, SCORERS as SCORERS
    from samescore.harness.tools import Tool as Tool, Toolset as Toolset
    from samescore.harness.types import Call as Call, Message as Message, Score as Score, Trajectory as Trajectory

_HOMES = {
    "case": ("Case", "Expectation"),
    "environment": ("Environment", "ToolError", "World", "tool"),
    "errors": ("ExitCode", "SamescoreError"),
    "policies": ("load_policy",),
    "policy": ("Policy", "Sampling"),
    "rollout": ("Limits",),
    "run": ("Run",),
    "scorer": ("Rubric", "Scorer"),
    "scorers": ("RUBRIC", "SCORERS"),
    "tools": ("Tool", "Toolset"),
    "types": ("Call", "Message", "Score", "Trajectory"),
}
_WHERE = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Public names are loaded when first used, so that importing the package, and `samescore --help`, stay quick."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)


__all__ = sorted(_WHERE)
