"""The gate's verdict as a person reads it: first what was compared, then the numbers, last the decision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from samescore.harness.cli.printable import print_hanging, printable
from samescore.harness.cli.report import model_label
from samescore.harness.cli.table import LISTED, share
from samescore.harness.counted import counted
from samescore.harness.gate.comparable import digest_in_words
from samescore.harness.gate.pairs import Moved
from samescore.harness.gate.targets import TargetsDecision, TargetsJudged
from samescore.harness.gate.told import excluded, look_in_words, remedy, sentence, signed
from samescore.harness.gate.verdict import CLEARED, DROPPED, OPEN, Decision, RuleVerdict, Verdict
from samescore.harness.results import Metric, TargetVerdict
from samescore.harness.run import Run

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WORST = 5
"""How many branches and tools are named."""

_STYLE = {CLEARED: "green", DROPPED: "red", OPEN: "yellow"}
_DECISIONS = {
    Decision.PASS: "bold green",
    Decision.IDENTICAL: "bold green",
    Decision.REGRESSION: "bold red",
    Decision.INCONCLUSIVE: "bold yellow",
    Decision.INCOMPARABLE: "bold red",
    Decision.INCOMPLETE: "bold red",
    TargetsDecision.MET: "bold green",
    TargetsDecision.MISSED: "bold red",
}
_TARGETS = {TargetVerdict.MET: "green", TargetVerdict.MISSED: "red", TargetVerdict.INCONCLUSIVE: "yellow"}
_LABEL = 11


def screen() -> Console:
    """Where results go: what models write is printed as it stands."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


def print_verdict(console: Console, verdict: Verdict, candidates: Sequence[Run], baseline: Run, show: str) -> None:
    """Everything that the gate says; `show` is the command that shows the conversations behind it."""
    for label, runs in (("candidate", candidates), ("baseline", [baseline])):
        for run in runs:
            _line(console, label, _run_in_words(run))
    if verdict.metrics:
        _line(console, "compared", f"{_cases(verdict)}: {verdict.population}")
    if verdict.sequential is not None:
        _line(console, "sequential", f"{look_in_words(verdict.sequential)}, as the run was planned")
    for words in verdict.again:
        _line(console, "scored", f"again from evidence: {words}")
    for words in verdict.warnings:
        _line(console, "warning", words, "yellow")
    for words in verdict.differs:
        _line(console, "differs", words, "red")
    for words in verdict.lacking:
        _line(console, "lacking", words, "red")
    _print_tool_changes(console, verdict)
    if verdict.metrics:
        console.print()
        console.print(_metrics(verdict))
        console.print()
        if verdict.described:
            console.print(_described(verdict))
            console.print()
        _print_cases(console, verdict, show)
        _print_moved(console, "branches", verdict.branches, "case")
        _print_moved(console, "tools", verdict.tools, "call")
        _print_pass_k(console, verdict)
    for rule in verdict.rules:
        _print_rule(console, rule)
    console.print()
    decision_in_words(console, verdict)


def decision_in_words(console: Console, verdict: Verdict) -> None:
    """The decision and why, without what stands above it."""
    _print_decision(console, verdict.decision, _sentence(verdict))


def print_targets(console: Console, judged: TargetsJudged, run: Run) -> None:
    """How a run stands to its targets."""
    _line(console, "run", _run_in_words(run))
    if judged.again is not None:
        _line(console, "scored", f"again from evidence: {judged.again}")
    for words in judged.moved:
        _line(console, "moved", f"since this run began, the target of {words}", "yellow")
    if judged.absent:
        _line(console, "no case has", ", ".join(judged.absent), "yellow")
    if judged.metrics:
        console.print()
        console.print(_targets(judged.metrics))
        console.print()
    for rule in judged.rules:
        _print_rule(console, rule)
    console.print()
    _print_decision(console, judged.decision, _targets_sentence(judged))


def _sentence(verdict: Verdict) -> str:
    """The decision, without what stands above it."""
    if verdict.decision is Decision.INCOMPARABLE:
        return f"the runs cannot be compared. {remedy(verdict)}"
    if verdict.decision is Decision.INCOMPLETE:
        return "nothing is judged before every planned rollout of both runs has its scores."
    return sentence(verdict)


def _print_decision(console: Console, decision: Decision | TargetsDecision, words: str) -> None:
    from rich.text import Text

    head = Text(f"{decision.value.upper()}  ", style=_DECISIONS.get(decision, "bold yellow"))
    print_hanging(console, head, Text(printable(words)))


def _run_in_words(run: Run) -> str:
    return " · ".join(filter(None, [model_label(run), str(run.directory), digest_in_words(run.manifest)]))


def _cases(verdict: Verdict) -> str:
    if verdict.sequential is not None:
        return f"{counted(verdict.cases, 'case')} in common that the look has seen"
    whole = "all of both runs" if verdict.share == 1.0 else f"{verdict.share:.0%} of the larger run"
    return f"{counted(verdict.cases, 'case')} in common, {whole}"


def _line(console: Console, label: str, words: str, style: str = "") -> None:
    from rich.text import Text

    print_hanging(console, Text(f"{label:<{_LABEL}}", style="bold"), Text(printable(words), style=style))


def _metrics(verdict: Verdict) -> Table:
    """The metrics that carry the verdict."""
    interval = f"{100 - 200 * verdict.alpha:.3g}% interval"
    table = _table("metric", "baseline", "candidate", "drop", interval, "margin", "detects")
    table.add_column("verdict", no_wrap=True)
    for metric in verdict.metrics:
        one = metric.compared
        table.add_row(
            printable(metric.name),
            share(metric.before),
            share(metric.after),
            signed(one.drop),
            f"{signed(one.low)} … {signed(one.high)}",
            f"{one.margin:g}",
            f"{one.mde:.3f}" if one.mde < 1.0 else "nothing",
            _styled(metric.verdict, _STYLE[metric.verdict]),
        )
    return table


def _described(verdict: Verdict) -> Table:
    """The metrics that are description."""
    table = _table("others", "baseline", "candidate", "drop", "cases")
    for one in verdict.described:
        drop = signed(one.before - one.after)
        table.add_row(printable(one.name), share(one.before), share(one.after), drop, str(one.n), style="dim")
    return table


def _targets(metrics: Iterable[Metric]) -> Table:
    table = _table("metric", "score", "95% interval", "target", "cases")
    table.add_column("verdict", no_wrap=True)
    for metric in metrics:
        assert metric.value is not None and metric.target is not None and metric.verdict is not None
        table.add_row(
            printable(metric.name),
            share(metric.value),
            f"{share(metric.low)}–{metric.high:.3f}",
            f"{metric.target:.2f}",
            str(metric.n),
            _styled(metric.verdict.value, _TARGETS[metric.verdict]),
        )
    return table


def _table(first: str, *numbers: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _styled(words: str, style: str) -> Text:
    from rich.text import Text

    return Text(words, style=style)


def _print_cases(console: Console, verdict: Verdict, show: str) -> None:
    broken, fixed = len(verdict.broken), len(verdict.fixed)
    _line(
        console,
        "cases",
        f"{broken} broken, {fixed} fixed: {counted(broken + fixed, 'discordant pair')}; {verdict.same} the same",
    )
    for label, names, style in (("broken", verdict.broken, "red"), ("fixed", verdict.fixed, "green")):
        for index, name in enumerate(names[:LISTED]):
            one = verdict.changes[name]
            _line(console, label if index == 0 else "", f"{name}  {one.before:.2f} → {one.after:.2f}", style)
        if len(names) > LISTED:
            _line(console, "", f"and {len(names) - LISTED} more (--json names all)")
    if broken or fixed:
        _line(console, "look", show)


def _print_moved(console: Console, label: str, moved: Sequence[Moved], noun: str) -> None:
    """Those that lost most, of branches by cases that are right, of tools by calls that are."""
    for index, one in enumerate(moved[:WORST]):
        words = f"{one.name}  {share(one.before)} → {share(one.after)} ({counted(one.n, noun)})"
        _line(console, label if index == 0 else "", words)
    if len(moved) > WORST:
        _line(console, "", f"and {len(moved) - WORST} more that lost")


def _print_pass_k(console: Console, verdict: Verdict) -> None:
    if verdict.pass_k:
        parts = [f"{one.k}: {share(one.before)} → {share(one.after)}" for one in verdict.pass_k]
        _line(console, "pass^k", " · ".join(parts))


def _print_rule(console: Console, rule: RuleVerdict) -> None:
    if not rule.rollouts:
        return
    if not rule.occurrences:
        _line(console, "rule", f"{rule}, which {excluded(rule)}")
        return
    before = "" if rule.before is None else f" (baseline: {rule.before})"
    words = f"{rule.words} in {len(rule.occurrences)} of {counted(rule.rollouts, 'rollout')}{before}"
    allowed = "" if rule.forbidden else "; the policy does not forbid it"
    _line(console, "rule", f"{words}{allowed}", "red" if rule.forbidden else "yellow")
    for occurrence in rule.occurrences[: LISTED if rule.forbidden else 2]:
        _line(console, "", str(occurrence))


def _print_tool_changes(console: Console, verdict: Verdict) -> None:
    if verdict.tool_changes is None:
        _line(console, "tools", "a run did not record its tools. Compare them: samescore tools diff OLD NEW")
        return
    for change in verdict.tool_changes:
        word = "breaking" if change.breaking else "compatible"
        _line(console, "tools", f"{word}: {change}", "red" if change.breaking else "")


def _targets_sentence(judged: TargetsJudged) -> str:
    if judged.lacking is not None:
        return judged.lacking
    named = {verdict: [one.name for one in judged.metrics if one.verdict is verdict] for verdict in TargetVerdict}
    parts = [f"{len(named[TargetVerdict.MET])} of {counted(len(judged.metrics), 'target')} met"]
    parts += [f"{verdict.value}: {', '.join(named[verdict])}" for verdict in (TargetVerdict.MISSED,) if named[verdict]]
    if open_ := named[TargetVerdict.INCONCLUSIVE]:
        parts.append(f"these cases cannot tell: {', '.join(open_)}")
    parts += [f"{rule}, which the policy never allows" for rule in judged.rules if rule.forbidden and rule.occurrences]
    return "; ".join(parts) + "."
