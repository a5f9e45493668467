"""What was asked of `samescore eval` for a run, so that it can be asked again: its suites and its options.

A plan keeps no languages and no operators: which of them were asked for shows in the cases that it has of its suites.
Where the model is, how it is reached and where the run went are not part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from samescore.harness.case import Case
from samescore.harness.cli.loading import cases_of, with_operators
from samescore.harness.perturbed import CONTROL, operator_of
from samescore.harness.plan import CaseSuite
from samescore.harness.policies import is_api
from samescore.harness.rollout import DEFAULT_LIMITS
from samescore.harness.run import Run


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """The arguments of `samescore eval`: the suites, and the options but for `--model` and `--adapter`."""

    suites: tuple[str, ...]
    options: tuple[str, ...]


def asked_again(run: Run, suites: Sequence[CaseSuite], split: str) -> AskedAgain:
    """What was asked for this run. `suites` are its own, with all their cases of that split."""
    named = tuple(run.manifest.sources.get(suite.name, suite.name) for suite in run.plan.suites)
    return AskedAgain(named, tuple(_options(run, suites, split)))


def _options(run: Run, suites: Sequence[CaseSuite], split: str) -> Iterator[str]:
    plan, manifest = run.plan, run.manifest
    yield from ["--split", split] if split != "eval" else []
    locales, operators = _narrowed(run, suites)
    yield from (word for name in operators for word in ("--operator", name))
    yield from (word for name in locales for word in ("--locale", name))
    yield from ["--limit", str(plan.limit)] if plan.limit is not None else []
    yield from ["--epochs", str(plan.epochs)] if plan.epochs > 1 else []
    yield from ["--temperature", f"{plan.temperature:g}"] if plan.temperature else []
    yield from ["--seed", str(plan.seed)] if plan.seed else []
    yield from ["--max-turns", str(plan.limits.turns)] if plan.limits.turns != DEFAULT_LIMITS.turns else []
    if plan.limits.turn_tokens != DEFAULT_LIMITS.turn_tokens:
        yield from ["--max-tokens", str(plan.limits.turn_tokens)]
    if plan.procedure != ("prompt" if is_api(manifest.model) else "weights"):
        yield from ["--procedure", plan.procedure]
    yield from ["--redact"] if manifest.redacted else []


def _narrowed(run: Run, suites: Sequence[CaseSuite]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The languages and the operators that the suites were narrowed to, none where all were asked for.

    A `--limit` may have left some out as well: the fingerprints of the suites tell.
    """
    known = {case.id: case for case in cases_of(suites)}
    planned = [known[case.id] for case in run.plan.cases if case.id in known]
    locales = _fewer([case.locale for case in planned], [case.locale for case in known.values()])
    operators = _fewer(_operators(planned), _operators(known.values()))
    if run.plan.limit is None or not (locales or operators):
        return locales, operators
    prints = {suite.name: suite.fingerprint for suite in run.plan.suites}
    for some_locales in dict.fromkeys([(), locales]):
        for some_operators in dict.fromkeys([(), operators]):
            found = with_operators([_in(suite, some_locales) for suite in suites], some_operators)
            if all(prints.get(suite.name, suite.fingerprint) == suite.fingerprint for suite in found):
                return some_locales, some_operators
    return (), ()  # the suites were changed since: nothing would be the same again


def _fewer(some: Iterable[str], every: Iterable[str]) -> tuple[str, ...]:
    """Some of all, in the order of all; nothing where none is missing."""
    chosen, known = set(some), dict.fromkeys(every)
    return tuple(name for name in known if name in chosen) if chosen < known.keys() else ()


def _operators(cases: Iterable[Case]) -> list[str]:
    return [name for case in cases if (name := operator_of(case)) is not None and name != CONTROL]


def _in(suite: CaseSuite, locales: Sequence[str]) -> CaseSuite:
    if not locales:
        return suite
    cases = tuple(case for case in suite.cases if case.locale in locales)
    return replace(suite, cases=cases)  # type: ignore[type-var]  # the suites of the catalogue are dataclasses
