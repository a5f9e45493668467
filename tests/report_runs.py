"""Runs for tests of reports: the refund procedure, played by scripts, some of which write hostile texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samescore.harness.case import Case
from samescore.harness.evaluate import evaluate_sync
from samescore.harness.plan import Plan
from samescore.harness.policies.script import ScriptPolicy
from samescore.harness.policy import Sampling
from samescore.harness.run import Run
from samescore.harness.types import Message
from samescore.suites.catalog import load_suite, load_world

SUITE = load_suite("sop/refund")
WORLDS = {"retail": load_world("retail")}

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "@octocat and @org/team, see #123, GH-7, octo/repo#5 and !9",
    "https://evil.example/p www.evil.example mail@evil.example",
    "| a | b |\n| --- | --- |\n| `c` | **d** |",
    "```\n</details></summary>\n# head\n```",
    "![x](http://evil.example/t.png) [y](javascript:alert(3)) :tada: $x^2$",
    "<!-- samescore:other --> --> ]]> &lt;b&gt; &#64;x",
    "\x1b[31mred\x1b[0m \u202eesrever\u202c \x00\x08 \ufffe \ud800",
)
"""What a model may write that must stay text."""


@dataclass(frozen=True, slots=True)
class Described(ScriptPolicy):
    """A script that says what it is, as models do by their digests."""

    said: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> Mapping[str, Any]:
        return {"model": self.name, "backend": "script", **self.said}


def hostile(case: Case) -> Iterator[Message | str]:
    """All of the hostile texts in one reply."""
    yield Message("assistant", "\n".join(HOSTILE))


def idle(case: Case) -> Iterator[Message | str]:
    """A reply that does nothing."""
    yield Message("assistant", "One moment, please.")


def played(
    directory: Path,
    failing: Mapping[int, Callable[[Case], Iterator[Message | str]]] | None = None,
    *,
    limit: int = 8,
    epochs: int = 1,
    name: str = "script",
    adapter: str | None = None,
    said: Mapping[str, Any] | None = None,
    redact: bool = False,
) -> Run:
    """A run of so many cases in which the numbered ones are played otherwise than gold."""
    plan = Plan.make([SUITE], epochs=epochs, limit=limit)
    numbers = {case.id: number for number, case in enumerate(plan.cases)}

    def script(case: Case, sampling: Sampling) -> Iterator[Message | str]:
        other = (failing or {}).get(numbers[case.id])
        return iter(case.gold) if other is None else other(case)

    policy = Described(name, script, said=said or {})
    run = Run.create(directory, plan, policy, WORLDS, suites=[SUITE], adapter=adapter, redact=redact)
    evaluate_sync([SUITE], policy, WORLDS, plan, run)
    return Run.open(directory)
