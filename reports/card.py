"""The card of an adapter in the form of Hugging Face's model cards: what the Hub reads on top, what people read below.

It says how large the adapter is, on which base and on what it was trained (its passport), how it did, with intervals
(its runs), what was tried and what was not. Anybody can check it: digests, fingerprints and the command are in it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from samescore.harness.errors import UsageError
from samescore.harness.passport import Passport
from samescore.reports.adapter import Adapter, adapter_of
from samescore.reports.contents import Contents, ReportedRun
from samescore.reports.quoting import block, code, prose
from samescore.reports.replaceable import CARD_MARK
from samescore.reports.tables import (
    SIGNS,
    Table,
    coverage_table,
    locales_table,
    metrics_table,
    operators_table,
    pass_k_table,
    rules_table,
)
from samescore.reports.text_words import words_of
from samescore.reports.words import Words

TAGS = ("lora", "peft", "tool-calling", "function-calling", "samescore")


def card(contents: Contents, folder: Path | None = None) -> str:
    """The card of the adapter that all these runs are of. `folder` is where it lies, if not where the runs had it from.

    Raises:
        UsageError: the runs are of several adapters, or of none; or it is not there, or is another one by now.
        AdapterError: it is damaged.
    """
    words = words_of(contents.language)
    if len(digests := {run.digest: run for run in contents.runs}) > 1:
        one, other = list(digests.values())[:2]
        raise UsageError(
            f"--card is about one adapter, and {one.directory} and {other.directory} are of two: {one.name} and "
            f"{other.name}. Name runs of one, and the other as --baseline."
        )
    adapter = adapter_of(contents.runs[0], folder)
    lines = [*_front(contents, adapter), CARD_MARK, f"# {prose(adapter.name)}", "", *_about(contents, adapter, words)]
    lines += _section(words("card.details"), _details(contents, adapter, words))
    lines += _section(words("card.data"), _learned(adapter.passport, words))
    lines += _section(words("card.results"), [line for run in contents.runs for line in _results(run, words)])
    lines += _section(words("card.covers"), [line for run in contents.runs for line in _covered(run, words)])
    lines += _section(words("card.limits"), list(_limits(contents, adapter, words)))
    lines += _section(words("card.again"), [block([_command(run, adapter) for run in contents.runs])])
    return "\n".join(lines) + "\n"


def _front(contents: Contents, adapter: Adapter) -> Iterator[str]:
    """The metadata that the Hub reads: https://huggingface.co/docs/hub/model-cards"""
    import yaml

    kind = [] if adapter.passport is None else [adapter.passport.kind]
    data: dict[str, Any] = {
        **({} if adapter.hub_base is None else {"base_model": adapter.hub_base, "base_model_relation": "adapter"}),
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "language": sorted({locale for run in contents.runs for locale in run.results.locales}),
        "tags": [*TAGS, *kind],
    }
    measured = [_measured(run) for run in contents.runs if run.results.complete]
    if measured:
        data["model-index"] = [{"name": adapter.name, "results": measured}]
    yield from ["---", yaml.safe_dump(data, sort_keys=False, allow_unicode=True).rstrip(), "---", ""]


def _measured(run: ReportedRun) -> dict[str, Any]:
    """A run as an entry of the index of results."""
    suites = ", ".join(f"{suite.name} v{suite.version}" for suite in run.suites)
    return {
        "task": {"type": "text-generation", "name": "tool calling under a standard operating procedure"},
        "dataset": {
            "name": f"samescore: {suites}",
            "type": "samescore",
            "revision": "+".join(suite.fingerprint for suite in run.suites),
        },
        "metrics": [
            {
                "type": metric.name,
                "name": metric.name,
                "value": round(metric.value, 4),
                "args": {"low": round(metric.low, 4), "high": round(metric.high, 4), "cases": metric.n},
            }
            for metric in run.results.metrics.values()
            if metric.value is not None
        ],
    }


def _about(contents: Contents, adapter: Adapter, words: Words) -> Iterator[str]:
    base = code(adapter.hub_base or "?")
    kind = "" if adapter.passport is None else f" ({adapter.passport.kind.upper()})"
    yield words("card.what", base=base, kind=kind)
    for run in contents.runs:
        decision = run.decision
        yield from ["", f"{SIGNS[decision.tone]} {prose(f'{decision.sentence} {decision.also}')}"]


def _details(contents: Contents, adapter: Adapter, words: Words) -> Iterator[str]:
    passport = adapter.passport
    rank = "?" if adapter.rank is None else words.number(adapter.rank)
    size = f"{words.decimal(adapter.size / 1e6, 1)} MB"
    count = words.number(adapter.parameters)
    yield _row(words("card.size"), words("card.size.value", count=count, rank=rank, size=size))
    weights = "" if passport is None else f" ({words('card.weights', digest=code(passport.base.weights[:16]))})"
    yield _row(words("card.base"), f"{code(adapter.base or '?')}{weights}")
    yield _row(words("card.digest"), code(adapter.digest[:16]))
    if adapter.modules:
        yield _row(words("card.modules"), ", ".join(map(code, adapter.modules)))
    if passport is not None and passport.dialect is not None:
        yield _row(words("card.dialect"), code("/".join(map(str, passport.dialect))))
    if passport is not None and passport.procedure is not None:
        yield _row(words("card.procedure"), words(f"card.procedure.{passport.procedure}"))
    locales = sorted({locale for run in contents.runs for locale in run.results.locales})
    named = [words(f"locale.{locale}") if words.has(f"locale.{locale}") else code(locale) for locale in locales]
    yield _row(words("card.languages"), ", ".join(named))


def _learned(passport: Passport | None, words: Words) -> Iterator[str]:
    import yaml

    if passport is None:
        yield words("card.unknown")
        return
    yield _row(words("card.kind"), passport.kind.upper())
    suites = [f"{suite.name}{'' if suite.version is None else f' v{suite.version}'}" for suite in passport.suites]
    if suites:
        yield _row(words("card.learned"), ", ".join(map(code, suites)))
    for name, value in passport.data.items():
        shown = words.number(value) if type(value) is int else code(str(value))
        yield _row(words("card.count", name=code(name)), shown)
    if passport.rewards:
        named = [f"{code(name)} {words.decimal(weight, 2)}" for name, weight in passport.rewards.items()]
        yield _row(words("card.rewards"), ", ".join(named))
    if passport.parent is not None:
        kind = (passport.parent.passport or {}).get("kind", "?")
        value = words("card.parent.value", digest=code(passport.parent.adapter[:16]), kind=prose(str(kind)))
        yield _row(words("card.parent"), value)
    if passport.config:
        options = yaml.safe_dump(dict(passport.config), sort_keys=False, allow_unicode=True).splitlines()
        yield from ["", "<details>", f"<summary>{words('card.options')}</summary>", ""]
        yield from [block(options), "", "</details>"]


def _results(run: ReportedRun, words: Words) -> Iterator[str]:
    yield from [f"### {_suites(run)}", ""]
    cases = words.counted(run.results.cases, "case")
    yield from [words("card.results.how", cases=cases, epochs=words.counted(run.epochs, "epoch")), ""]
    yield from _table(metrics_table(run, words))
    for table in (rules_table(run, words), pass_k_table(run, words), locales_table(run, words)):
        yield from ["", *_table(table)] if table.rows else []
    if run.comparison is not None:
        facts = [
            f"- {prose(fact.label)}: {prose(fact.value)}{f' ({prose(fact.note)})' if fact.note else ''}"
            for fact in run.decision.facts
        ]
        yield from ["", *facts]
    yield ""


def _covered(run: ReportedRun, words: Words) -> Iterator[str]:
    tables = [table for table in (coverage_table(run, words), operators_table(run, words)) if table.rows]
    if tables:
        yield from [f"### {_suites(run)}", ""]
    for table in tables:
        yield from [*_table(table), ""]


def _limits(contents: Contents, adapter: Adapter, words: Words) -> Iterator[str]:
    """What nobody may conclude from this card, each once."""
    passport = adapter.passport
    if passport is not None and (names := passport.inherited_impurities):
        yield f"- {words('card.impurities', names=', '.join(map(code, names)))}"
    told = [one for run in contents.runs for one in run.provenance if one.group == "passport" and " → " in one.value]
    for one in dict.fromkeys((one.name, one.value) for one in told):
        yield f"- {words('card.differs', what=f'{prose(one[0])}: {prose(one[1])}')}"
    for limit in dict.fromkeys(limit for run in contents.runs for limit in run.decision.limits):
        yield f"- {prose(limit)}"
    yield f"- {words('card.alone')}"


def _suites(run: ReportedRun) -> str:
    return prose(", ".join(f"{suite.name} v{suite.version}" for suite in run.suites))


def _command(run: ReportedRun, adapter: Adapter) -> str:
    """The command that plans and runs the same again."""
    parts = ["samescore", "eval", *run.asked.suites, "--model", run.model]
    parts += ["--adapter", run.adapter or str(adapter.folder)]
    return shlex.join([*parts, *run.asked.options])


def _section(title: str, lines: Iterable[str]) -> list[str]:
    shown = list(lines)
    return ["", f"## {title}", "", *shown] if shown else []


def _row(label: str, value: str) -> str:
    return f"- **{label}:** {value}"


def _table(table: Table) -> list[str]:
    return [
        f"| {' | '.join(map(prose, table.header))} |",
        f"| --- |{' ---: |' * (len(table.header) - 1)}",
        *(_cells(row) for row in table.rows),
    ]


def _cells(row: Sequence[str]) -> str:
    return f"| {' | '.join([code(row[0]), *map(prose, row[1:])])} |"
