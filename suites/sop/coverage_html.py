"""The coverage of a procedure as one HTML section for a page: tables and the graph, no script, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from samescore.harness.counted import counted
from samescore.harness.fingerprint import fingerprint
from samescore.suites.sop.coverage import Coverage
from samescore.suites.sop.graph import graph
from samescore.suites.sop.marks import SIGNS, THIN, Level, tried
from samescore.suites.sop.model import Decide, Sop
from samescore.suites.sop.obligations import Obligation
from samescore.suites.sop.shapes import escaped
from samescore.suites.sop.svg import svg

STYLE = """
.sop-coverage { --ink: #111827; --soft: #4b5563; --rule: #d1d5db; --ground: #ffffff; --bad: #b4232f; --thin: #a15c07;
  --good: #0f766e; color: var(--ink); background: var(--ground); padding: 1rem 1.5rem; line-height: 1.45;
  font-family: ui-sans-serif, system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { .sop-coverage { --ink: #f3f4f6; --soft: #b6bdc9; --rule: #374151;
  --ground: #111827; --bad: #f58a93; --thin: #f0b04a; --good: #4fc7b3; } }
.sop-coverage table { border-collapse: collapse; margin: 0.5rem 0 1.5rem; font-size: 0.9rem;
  min-width: min(100%, 34rem); }
.sop-coverage caption { text-align: left; font-weight: 600; padding: 0.3rem 0; }
.sop-coverage th, .sop-coverage td { border-bottom: 1px solid var(--rule); padding: 0.3rem 1.2rem 0.3rem 0;
  text-align: left; vertical-align: top; font-weight: 400; overflow-wrap: break-word; }
.sop-coverage thead th { color: var(--soft); }
.sop-coverage .count { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.sop-coverage tfoot th, .sop-coverage tfoot td { font-weight: 600; }
.sop-coverage code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 0.85rem;
  overflow-wrap: anywhere; }
.sop-coverage .soft { color: var(--soft); }
.sop-coverage td.untried { color: var(--bad); font-weight: 600; }
.sop-coverage td.middle { color: var(--thin); }
.sop-coverage td.high { color: var(--good); }
.sop-coverage .picture { overflow-x: auto; margin: 1rem 0; }
.sop-coverage .picture svg { max-width: 100%; height: auto; }
""".strip()


def coverage_html(sop: Sop, seen: Coverage, facts_of_cases: Sequence[Mapping[str, Any]], split: str) -> str:
    """One `<section>` with its own scoped style; `facts_of_cases` are those that `seen` was made of.

    Raises:
        SopError, KeyError: as `samescore.suites.sop.coverage.coverage`.
    """
    caption = counted(len(facts_of_cases), f"{split} case")
    name = f"{sop.world}/{sop.name}"
    heading = f"sop-coverage-{fingerprint(name)}"
    total = seen.total
    words = f"{caption}; {total.covered} of {total.feasible} obligations covered ({seen.criterion})"
    lines = [
        f'<section class="sop-coverage" aria-labelledby="{heading}">',
        f"<style>{STYLE}</style>",
        f'<h2 id="{heading}">{escaped(sop.title["en"])} <span class="soft">{escaped(name)}</span></h2>',
        f"<p>{escaped(words)}.</p>",
        *_kinds(seen),
        *_branches(seen),
        *_open(sop, "Not covered", seen.uncovered),
        *_open(sop, "Infeasible: proven that no case can show it", seen.infeasible),
        f'<div class="picture">{svg(graph(sop), tried(sop, facts_of_cases, caption))}</div>',
        "</section>",
    ]
    return "\n".join(lines) + "\n"


def _kinds(seen: Coverage) -> Iterator[str]:
    rows = [_row(kind, tally.covered, tally.uncovered, tally.infeasible) for kind, tally in seen.kinds.items()]
    total = seen.total
    foot = _row("all", total.covered, total.uncovered, total.infeasible)
    yield from _table("Obligations", ("kind", "covered", "uncovered", "infeasible"), rows, foot)


def _branches(seen: Coverage) -> Iterator[str]:
    infeasible = {obligation.id.partition(":")[2] for obligation in seen.infeasible if obligation.kind == "branch"}
    rows = []
    for branch, count in seen.branches.items():
        level = Level.UNTRIED if not count else Level.MIDDLE if count < THIN else Level.HIGH
        words = "infeasible" if branch in infeasible else f"{SIGNS[level]} {count}"
        style = "soft" if branch in infeasible else level.value
        rows.append(f'<tr><th scope="row">{_code(branch)}</th><td class="count {style}">{words}</td></tr>')
    signs = f"{SIGNS[Level.UNTRIED]} none, {SIGNS[Level.MIDDLE]} fewer than {THIN}, {SIGNS[Level.HIGH]} {THIN} or more"
    yield from _table(f"Branches ({signs})", ("branch", "cases"), rows)


def _open(sop: Sop, caption: str, obligations: Iterable[Obligation]) -> Iterator[str]:
    rows = [
        f'<tr><td class="count">{one.line}</td><td>{one.kind}</td><th scope="row">{escaped(one.description)}</th>'
        f"<td>{_condition(sop, one)}</td></tr>"
        for one in obligations
    ]
    if rows:
        yield from _table(caption, ("line", "kind", "obligation", "condition"), rows)


def _condition(sop: Sop, obligation: Obligation) -> str:
    """The text of the arm that an obligation is about."""
    step = sop.steps[obligation.step]
    arms = step.arms if isinstance(step, Decide) else ()
    texts = [arm.condition.text for arm in arms if arm.condition is not None and arm.line == obligation.line]
    return "; ".join(map(_code, dict.fromkeys(texts)))


def _row(name: str, *counts: int) -> str:
    cells = "".join(f'<td class="count">{count}</td>' for count in counts)
    return f'<tr><th scope="row">{escaped(name)}</th>{cells}</tr>'


def _table(caption: str, heads: Sequence[str], rows: Sequence[str], foot: str = "") -> Iterator[str]:
    numbers = ("covered", "uncovered", "infeasible", "cases", "line")
    yield f"<table><caption>{escaped(caption)}</caption>"
    cells = "".join(f'<th scope="col"{_count_style(head in numbers)}>{escaped(head)}</th>' for head in heads)
    yield f"<thead><tr>{cells}</tr></thead>"
    yield f"<tbody>{''.join(rows)}</tbody>"
    yield f"<tfoot>{foot}</tfoot></table>" if foot else "</table>"


def _count_style(is_count: bool) -> str:
    return ' class="count"' if is_count else ""


def _code(text: str) -> str:
    return f"<code>{escaped(text)}</code>"
